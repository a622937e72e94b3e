/* SPDX-License-Identifier: Apache-2.0 */
/* A request as an EST client sends it: as DER, as base64, as PEM. */
#include "certs/csr.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "certs/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int err, EVP_PKEY *key, const struct certs_error *error)
{
	if (err == 0 && key_check(key, NULL) != 0)
		abort(); /* nobody gets a certificate for such a key */
	if (err != 0 && (key || strlen(error->text) == 0))
		abort();
	if (ERR_peek_error() != 0)
		abort(); /* a thread's queue of errors is not ours to fill */
	EVP_PKEY_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certs_error error = {""};
	EVP_PKEY *key = NULL;
	int err;

	err = csr_from_der(data, size, &key, &error);
	check(err, key, &error);
	key = NULL;
	err = csr_from_base64((const char *)data, size, &key, &error);
	check(err, key, &error);
	key = NULL;
	err = csr_from_pem((const char *)data, size, &key, &error);
	check(err, key, &error);
	return 0;
}
