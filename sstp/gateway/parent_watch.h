/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_WATCH_H
#define SSTP_GATEWAY_PARENT_WATCH_H
/*
 * What control needs in a VNet's namespace to follow a probe through the kernel: a packet socket that sees this probe and
 * its answers on every device, and nothing else, for its filter is locked; and a probe of the gateway's own to the same
 * target, which has been sent already. Control cannot capture what it likes by these. It could send: a packet socket, and
 * a raw one, take what their holder writes. A control process that was taken over gains nothing by that as long as it has
 * the parent's capabilities, which it has today.
 */
#include "sstp/control/parent_msg.h"

/*
 * 0, or -errno: no packet socket. ret_fds: that, and the other; which is a TCP socket that connects, or one of ICMP that hears
 * what the target answers, and with *ret_own_error (-errno) it is not there. Both non-blocking and close-on-exec, owned.
 * parent_routes_objection() has been asked.
 */
int parent_watch_open(const struct parent_watch *m, int ret_fds[2], int *ret_own_error);

#endif
