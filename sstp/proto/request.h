/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_REQUEST_H
#define SSTP_PROTO_REQUEST_H
/* What a server has against a CALL_CONNECT_REQUEST: MS-SSTP 3.3.5.2.2. */
#include "sstp/proto/packet.h"

/*
 * Names the unacceptable attributes of a well-formed request, in their order, each with its reason,
 * ready for sstp_put_call_connect_nak(). Returns how many, 0 when the request is acceptable; after
 * SSTP_NAK_MAX the rest is not named. Values are borrowed from the packet.
 */
size_t request_check(const struct sstp_control *msg, struct sstp_status_info ret_bad[SSTP_NAK_MAX]);

#endif
