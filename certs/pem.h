/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H
/* PEM block by block; for this folder's own use. */
#include <openssl/bio.h>

/* As libcrypto hands it out. The data may be a private key. */
struct pem_block {
	char *name; /* "CERTIFICATE" */
	char *header;
	unsigned char *data;
	long len;
};

/*
 * The next block; text before it is skipped. 1 with an owned block (pem_done), 0 at the end,
 * -EBADMSG: a damaged one.
 */
int pem_read(BIO *bio, struct pem_block *ret_block);

/* Wipes. Takes a zeroed one. */
void pem_done(struct pem_block *b);

#endif
