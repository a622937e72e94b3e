/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_PAP_H
#define SSTP_PPP_PAP_H
/*
 * The Password Authentication Protocol (RFC 1334 section 2), either role, as a method of auth.h.
 *
 * The server keeps the NT hash of the password that came and compares hashes: the password itself
 * stays in the input. Zero bytes in it are characters like others, so "test\0x" is not "test".
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/auth.h"
#include "sstp/ppp/frame.h"

enum pap_code {
	PAP_REQUEST = 1,
	PAP_ACK = 2,
	PAP_NAK = 3,
};

struct pap_request {
	const uint8_t *name; /* borrowed from the input */
	size_t name_len;
	const uint8_t *password; /* borrowed from the input */
	size_t password_len;
};

/* 0; -EBADMSG when name and password do not fit in. Bytes behind them are padding. */
int pap_decode_request(const struct ppp_packet *p, struct pap_request *ret_request);

extern const struct auth_method pap_method;

#endif
