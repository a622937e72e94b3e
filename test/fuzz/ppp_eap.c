/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP alone, with MS-CHAPv2 in it. The first byte: bit 0 client. The "frames" are EAP packets. The
 * password is not known to the fuzzer, so neither role may ever accept, but a client by the one
 * proof that the corpus has.
 */
#include "sstp/ppp/eap.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned feed(struct auth *a, uint64_t now, const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {PPP_EAP, record->frame, record->len};
	struct ppp_packet p;

	if (!record->frame)
		return auth_on_timer(a, now, out);
	if (frame_decode_packet(&f, &p))
		return 0;
	return auth_input(a, now, f.protocol, &p, out);
}

/* What must hold after each step; seen: all results so far. */
static void check(const struct auth *a, unsigned result, unsigned seen, const struct outbox *out)
{
	bool over = a->state == AUTH_ACCEPTED || a->state == AUTH_REFUSED;

	if (a->params.server && result & AUTH_OK)
		abort();
	if (over != !a->eap || over != !!((result | seen) & (AUTH_OK | AUTH_OVER)))
		abort();
	if (seen & (AUTH_OK | AUTH_OVER) && (result || out->used || a->deadline != CLOCK_NEVER))
		abort(); /* it is over, and again it says something */
	if (seen & AUTH_FAILED && result & (AUTH_FAILED | AUTH_OK | AUTH_ASK_USER))
		abort();
	if (!!((result | seen) & (AUTH_FAILED | AUTH_OVER)) != !!a->reason.text[0])
		abort();
	if (strlen(a->user) != a->user_len)
		abort();
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
	bool server = !(wire_u8(&r) & 1);
	struct record record;
	unsigned result, seen;
	uint64_t now = 0;
	struct auth a;

	auth_init(&a, &(struct auth_params){
			      .server = server,
			      .name = server ? "gw" : "User",
			      .password = server ? NULL : &password,
			      .random = &random,
		      });
	seen = auth_start(&a, LINK_AUTH_EAP_MSCHAPV2, 1500, now, &out);
	record_check_output(&out);
	while (record_next(&r, &record)) {
		now += record.ns;
		result = feed(&a, now, &record, &out);
		free(record.frame);
		if (result & AUTH_ASK_USER)
			result |= auth_on_user(&a, now, &user, &out);
		check(&a, result, seen, &out);
		seen |= result;
		record_check_output(&out);
	}
	auth_done(&a);
	return 0;
}
