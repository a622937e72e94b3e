/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/pkcs7.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"

enum {
	LINE_LENGTH = 64, /* characters */
};

static bool fill(PKCS7 *p7, const struct stack_st_X509 *certs)
{
	bool ok = PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
		  PKCS7_content_new(p7, NID_pkcs7_data) == 1 && PKCS7_set_detached(p7, 1) == 1;

	for (int i = 0; ok && i < sk_X509_num(certs); i++)
		ok = PKCS7_add_certificate(p7, sk_X509_value(certs, i)) == 1;
	return ok;
}

static int to_der(PKCS7 *p7, uint8_t **ret_der, size_t *ret_len)
{
	int len = i2d_PKCS7(p7, NULL);
	uint8_t *der = len > 0 ? malloc((size_t)len) : NULL;
	unsigned char *pos = der;

	if (!der)
		return -ENOMEM;
	i2d_PKCS7(p7, &pos);
	*ret_der = der;
	*ret_len = (size_t)len;
	return 0;
}

int pkcs7_build(const struct stack_st_X509 *certs, uint8_t **ret_der, size_t *ret_len)
{
	PKCS7 *p7;
	int err;

	if (sk_X509_num(certs) < 1 || sk_X509_num(certs) > PKCS7_CERTS_MAX)
		return -EINVAL;
	ERR_set_mark();
	p7 = PKCS7_new();
	err = p7 && fill(p7, certs) ? to_der(p7, ret_der, ret_len) : -ENOMEM;
	ERR_pop_to_mark();
	PKCS7_free(p7);
	return err;
}

/* Owned: text in lines, or NULL. */
static char *fold(const char *text, size_t len)
{
	char *folded = malloc(len + len / LINE_LENGTH + 2);
	char *pos = folded;
	size_t n;

	if (!folded)
		return NULL;
	for (; len > 0; len -= n, text += n) {
		n = len < LINE_LENGTH ? len : LINE_LENGTH;
		memcpy(pos, text, n);
		pos += n;
		*pos++ = '\n';
	}
	*pos = '\0';
	return folded;
}

int pkcs7_build_base64(const struct stack_st_X509 *certs, char **ret_text)
{
	char *text, *folded;
	uint8_t *der;
	size_t len;
	int err = pkcs7_build(certs, &der, &len);

	if (err)
		return err;
	text = malloc(BASE64_TEXT_MAX(len));
	folded = text ? fold(text, base64_encode(BASE64_LINE, der, len, text)) : NULL;
	free(text);
	free(der);
	if (!folded)
		return -ENOMEM;
	*ret_text = folded;
	return 0;
}

static int check(PKCS7 *p7, struct certs_error *ret_error)
{
	const PKCS7_SIGNED *content = PKCS7_type_is_signed(p7) ? p7->d.sign : NULL;

	if (!content || !content->contents)
		return certs_fail(ret_error, -EBADMSG,
				  "the PKCS#7 message is not of the kind that holds certificates");
	if (sk_PKCS7_SIGNER_INFO_num(content->signer_info) > 0)
		return certs_fail(ret_error, -EBADMSG,
				  "the PKCS#7 message is signed: only certificates are expected");
	if (!PKCS7_type_is_data(content->contents) || content->contents->d.data)
		return certs_fail(ret_error, -EBADMSG,
				  "the PKCS#7 message has a content: only certificates are "
				  "expected");
	if (sk_X509_num(content->cert) < 1 || sk_X509_num(content->cert) > PKCS7_CERTS_MAX)
		return certs_fail(ret_error, -EBADMSG,
				  "the PKCS#7 message holds %d certificates: expected are 1 to %d",
				  content->cert ? sk_X509_num(content->cert) : 0, PKCS7_CERTS_MAX);
	return 0;
}

static int parse(const unsigned char *der, size_t len, struct stack_st_X509 **ret_certs,
		 struct certs_error *ret_error)
{
	const unsigned char *pos = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &pos, (long)len);
	struct stack_st_X509 *certs = NULL;
	int err;

	if (!p7)
		err = certs_fail(ret_error, -EBADMSG, "this is no PKCS#7 message in DER");
	else if (pos != der + len)
		err = certs_fail(ret_error, -EBADMSG, "%zu bytes follow the PKCS#7 message",
				 (size_t)(der + len - pos));
	else
		err = check(p7, ret_error);
	if (!err) {
		certs = X509_chain_up_ref(p7->d.sign->cert);
		if (!certs)
			err = certs_fail(ret_error, -ENOMEM, "out of memory");
	}
	PKCS7_free(p7);
	if (!err)
		*ret_certs = certs;
	return err;
}

static int too_large(struct certs_error *ret_error)
{
	return certs_fail(ret_error, -EMSGSIZE, "the PKCS#7 message is larger than %d bytes",
			  PKCS7_DER_MAX);
}

int pkcs7_parse(const void *der, size_t len, struct stack_st_X509 **ret_certs,
		struct certs_error *ret_error)
{
	int err;

	if (len > PKCS7_DER_MAX)
		return too_large(ret_error);
	ERR_set_mark();
	err = parse(der, len, ret_certs, ret_error);
	ERR_pop_to_mark();
	return err;
}

int pkcs7_parse_base64(const char *text, size_t len, struct stack_st_X509 **ret_certs,
		       struct certs_error *ret_error)
{
	uint8_t *der;
	size_t n;
	int err;

	if (len > PKCS7_TEXT_MAX)
		return too_large(ret_error);
	/* no more than the text can hold */
	der = malloc(len / 4 * 3 + 3);
	if (!der)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	err = base64_decode(BASE64_PLAIN, text, len, der, len / 4 * 3 + 3, &n);
	if (err)
		certs_fail(ret_error, err, "the PKCS#7 message is not base64");
	else
		err = pkcs7_parse(der, n, ret_certs, ret_error);
	free(der);
	return err;
}
