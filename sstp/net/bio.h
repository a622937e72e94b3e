/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_BIO_H
#define SSTP_NET_BIO_H
/*
 * The BIO between OpenSSL and a stream's buffers: reads what one recv() brought, writes into the outlet. It asks for a
 * retry when the input is used up, and takes every byte that is written: OpenSSL never waits for a socket.
 */
#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/net/gather.h"

struct bio_ends {
	const uint8_t *in; /* ciphertext that OpenSSL has not read yet */
	size_t in_len;
	struct outlet out;
};

/* Returns owned; NULL when out of memory. Outlives its BIOs. */
BIO_METHOD *bio_method_new(void);

/* Borrows ends. Returns owned; NULL when out of memory. */
BIO *bio_new(const BIO_METHOD *method, struct bio_ends *ends);

#endif
