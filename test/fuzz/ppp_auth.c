/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication by MS-CHAPv2 or PAP. The server must never accept; the client may accept PAP. */
#include "sstp/ppp/chap.h"
#include "sstp/ppp/pap.h"
#include "test/fuzz/ppp_auth_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_all(const struct ppp_packet *p)
{
	uint8_t proof[MSCHAPV2_PROOF_SIZE];
	struct pap_request request;
	struct chap_value value;

	pap_decode_request(p, &request);
	chap_decode_value(p, MSCHAPV2_CHALLENGE_SIZE, &value);
	chap_decode_value(p, CHAP_RESPONSE_SIZE, &value);
	chap_decode_proof(p, proof);
}

static void check(const struct auth *a, unsigned result, unsigned seen, const struct outbox *out)
{
	if (a->params.server && result & AUTH_OK)
		abort();
	if (strlen(a->user) != a->user_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct auth_run run = {
		.methods = {LINK_AUTH_MSCHAPV2, LINK_AUTH_PAP},
		.look = decode_all,
		.check = check,
	};

	auth_run(&run, data, size);
	return 0;
}
