/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_IPV6_CONF_H
#define TUN_IPV6_CONF_H
/*
 * The kernel's settings of IPv6 for a device, net.ipv6.conf.DEVICE.KEY, that rtnetlink cannot set.
 */

/*
 * Sets one in the namespace netns_fd (< 0: the present one). device: its name, or "all", "default". 0 or -errno: -ENOENT no
 * such device or setting, or no IPv6; -EROFS, -EACCES: not allowed, as in many containers.
 */
int ipv6_conf_set(int netns_fd, const char *device, const char *key, const char *value);

#endif
