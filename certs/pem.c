/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

int pem_read(BIO *bio, struct pem_block *ret_block)
{
	struct pem_block b = {0};
	unsigned long reason;

	ERR_set_mark();
	if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) == 1) {
		ERR_pop_to_mark();
		*ret_block = b;
		return 1;
	}
	reason = (unsigned long)ERR_GET_REASON(ERR_peek_last_error());
	ERR_pop_to_mark();
	return reason == PEM_R_NO_START_LINE ? 0 : -EBADMSG;
}

void pem_done(struct pem_block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, (size_t)b->len);
}
