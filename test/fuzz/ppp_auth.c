/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication alone. The first byte: bit 0 client, bit 1 PAP. The "frames" are packets of the
 * protocol. The password is not known to the fuzzer, so the server must never accept; the client
 * may accept PAP.
 */
#include "sstp/ppp/auth.h"
#include "sstp/ppp/chap.h"
#include "sstp/ppp/pap.h"
#include "test/fuzz/ppp_records.h"

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

static unsigned feed(struct auth *a, uint64_t now, const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {a->method->protocol, record->frame, record->len};
	struct ppp_packet p;

	if (!record->frame)
		return auth_on_timer(a, now, out);
	if (frame_decode_packet(&f, &p))
		return 0;
	decode_all(&p);
	return auth_input(a, now, f.protocol, &p, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_user user = {.nt_hash = "no one's hash..", .has_password = true};
	static const struct secret password = {.len = 10, .data = "clientPass"};
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	size_t pos = 0;
	struct random_source random = {.fill = record_fill, .arg = &pos};
	uint8_t config = wire_u8(&r);
	bool server = !(config & 1);
	struct record record;
	uint64_t now = 0;
	unsigned result;
	struct auth a;

	auth_init(&a, &(struct auth_params){
			      .server = server,
			      .name = server ? "gw" : "User",
			      .password = server ? NULL : &password,
			      .random = &random,
		      });
	auth_start(&a, config & 2 ? LINK_AUTH_PAP : LINK_AUTH_MSCHAPV2, 1500, now, &out);
	while (record_next(&r, &record)) {
		now += record.ns;
		result = feed(&a, now, &record, &out);
		free(record.frame);
		if (result & AUTH_ASK_USER)
			result |= auth_on_user(&a, now, &user, &out);
		if (result & AUTH_OK && server)
			abort();
		if (strlen(a.user) != a.user_len)
			abort();
		record_check_output(&out);
	}
	auth_done(&a);
	return 0;
}
