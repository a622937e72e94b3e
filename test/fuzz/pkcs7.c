/* SPDX-License-Identifier: Apache-2.0 */
/* What a server sends a worker as /cacerts and as the reply to an enrolment. */
#include "certs/pkcs7.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const X509 *cert)
{
	char name[NAME_MAX_BYTES];
	struct cert_facts facts;

	if (cert_facts(cert, &facts, NULL) == 0 && strlen(facts.thumbprint) != 40)
		abort();
	if (name_of_client(cert, name, NULL) == 0 && name[0] == '\0')
		abort();
}

static void check(int err, struct stack_st_X509 *certs)
{
	if (err == 0 && (sk_X509_num(certs) < 1 || sk_X509_num(certs) > PKCS7_CERTS_MAX))
		abort();
	for (int i = 0; err == 0 && i < sk_X509_num(certs); i++)
		look_at(sk_X509_value(certs, i));
	if (ERR_peek_error() != 0)
		abort();
	sk_X509_pop_free(certs, X509_free);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stack_st_X509 *certs = NULL;
	int err;

	err = pkcs7_parse(data, size, &certs, NULL);
	check(err, certs);
	certs = NULL;
	err = pkcs7_parse_base64((const char *)data, size, &certs, NULL);
	check(err, certs);
	return 0;
}
