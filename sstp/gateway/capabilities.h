/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CAPABILITIES_H
#define SSTP_GATEWAY_CAPABILITIES_H

/*
 * Gives up every capability for good, also for programs that would be executed: of the calling thread, and those that
 * it starts from then on. 0 or -errno.
 */
int capabilities_drop(void);

#endif
