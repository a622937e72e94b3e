/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/ipv6_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tun/netns.h"

struct setting {
	char path[256];
	const char *value;
};

/* /proc/sys/net shows the namespace of who opens a file in it. */
static int set_here(void *arg)
{
	const struct setting *s = arg;
	int fd = open(s->path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, s->value, strlen(s->value)) < 0)
		error = -errno;
	close(fd);
	return error;
}

int ipv6_conf_set(int netns_fd, const char *device, const char *key, const char *value)
{
	struct setting s = {.value = value};
	int n = snprintf(s.path, sizeof(s.path), "/proc/sys/net/ipv6/conf/%s/%s", device, key);

	return n < (int)sizeof(s.path) ? netns_call(netns_fd, set_here, &s) : -ENAMETOOLONG;
}
