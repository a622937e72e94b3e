/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FUZZ_PPP_AUTH_RUN_H
#define TEST_FUZZ_PPP_AUTH_RUN_H
/*
 * One end of an authentication in conversation with a fuzz input. Its first byte: bit 0 client, bit 1 the second choice of
 * methods; then records (ppp_records.h), whose "frames" are packets of the protocol. The input does not know the
 * password.
 */
#include "sstp/ppp/auth.h"
#include "test/fuzz/ppp_records.h"

struct auth_run {
	unsigned methods[2];
	struct eap_tls_ctx *(*ctx_of)(bool server); /* returns borrowed; NULL: no EAP-TLS */
	void (*look)(const struct ppp_packet *p);   /* at each packet, before it is taken; NULL */
	/* after each step, what must hold or the run ends; seen: all results so far */
	void (*check)(const struct auth *a, unsigned result, unsigned seen,
		      const struct outbox *out);
};

static inline unsigned auth_run_feed(const struct auth_run *run, struct auth *a, uint64_t now,
				     const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {
		.protocol = a->method->protocol, .info = record->frame, .len = record->len};
	struct ppp_packet p;

	if (!record->frame)
		return auth_on_timer(a, now, out);
	if (frame_decode_packet(&f, &p))
		return 0;
	if (run->look)
		run->look(&p);
	return auth_input(a, now, f.protocol, &p, out);
}

static inline void auth_run_init(const struct auth_run *run, struct auth *a, bool server,
				 const struct random_source *random)
{
	static const struct secret password = {.len = 10, .data = "clientPass"};

	auth_init(a, &(struct auth_params){
			     .server = server,
			     .name = server ? "gw" : "User",
			     .password = server ? NULL : &password,
			     .random = random,
			     .eap_tls = run->ctx_of ? run->ctx_of(server) : NULL,
		     });
}

static inline void auth_run(const struct auth_run *run, const uint8_t *data, size_t size)
{
	static const struct link_user user = {.nt_hash = "no one's hash..", .has_password = true};
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	size_t pos = 0;
	struct random_source random = {.fill = record_fill, .arg = &pos};
	uint8_t config = wire_u8(&r);
	struct record record;
	unsigned result, seen;
	uint64_t now = 0;
	struct auth a;

	auth_run_init(run, &a, !(config & 1), &random);
	seen = auth_start(&a, run->methods[config >> 1 & 1], 1500, now, &out);
	record_check_output(&out);
	while (record_next(&r, &record)) {
		now += record.ns;
		result = auth_run_feed(run, &a, now, &record, &out);
		free(record.frame);
		if (result & AUTH_ASK_USER)
			result |= auth_on_user(&a, now, &user, &out);
		run->check(&a, result, seen, &out);
		seen |= result;
		record_check_output(&out);
	}
	auth_done(&a);
}

#endif
