/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/bio.h"

#include <string.h>

static int read_input(BIO *bio, char *buf, int len)
{
	struct bio_ends *ends = BIO_get_data(bio);
	size_t n = ends->in_len < (size_t)len ? ends->in_len : (size_t)len;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, ends->in, n);
	ends->in += n;
	ends->in_len -= n;
	return (int)n;
}

static int write_outlet(BIO *bio, const char *buf, int len)
{
	struct bio_ends *ends = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return outlet_append(&ends->out, buf, (size_t)len) < 0 ? -1 : len;
}

static long control(BIO *bio, int cmd, long num, void *ptr)
{
	/* OpenSSL flushes after each flight; ours leaves at the end of the pass */
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *bio_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sstp stream");

	if (!method)
		return NULL;
	BIO_meth_set_read(method, read_input);
	BIO_meth_set_write(method, write_outlet);
	BIO_meth_set_ctrl(method, control);
	return method;
}

BIO *bio_new(const BIO_METHOD *method, struct bio_ends *ends)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, ends);
	BIO_set_init(bio, 1);
	return bio;
}
