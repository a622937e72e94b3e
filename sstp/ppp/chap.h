/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_CHAP_H
#define SSTP_PPP_CHAP_H
/*
 * CHAP packets (RFC 1994 section 4) with algorithm 0x81, MS-CHAPv2, either role, as a method of
 * auth.h. What they mean stands in chap_exchange.h.
 */
#include "sstp/ppp/auth.h"
#include "sstp/ppp/chap_exchange.h"

extern const struct auth_method chap_method;

#endif
