/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole link. The first byte: bit 0 client, bits 1 to 3 the methods allowed, bit 4 IPv6. The session's
 * answers come at once: every name is RFC 2759's user, and gets an address; who subscribes gets a
 * description. A client is a worker's: it subscribes, and asks for life every 2 s.
 */
#include "sstp/ppp/link.h"
#include "sstp/ppp/nthash.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned answer(struct link *l, uint64_t now, unsigned events, struct outbox *out)
{
	struct link_address address = {.local = 0x0100000a, .peer = 0x0500000a};
	struct link_user user = {.has_password = true};

	if (events & LINK_EV_USER) {
		nt_hash("clientPass", 10, user.nt_hash);
		events |= link_on_user(l, now, &user, out);
	}
	address.prefix6[0] = l->params.ipv6 ? 0xfd : 0; /* says so in either role here */
	if (events & LINK_EV_AUTH_OK && l->params.role == LINK_SERVER)
		events |= link_on_address(l, now, &address, out);
	if (events & LINK_EV_SUBSCRIBED) {
		link_describe(l, "{}", 2, 0, out);
		link_announce_close(l, 1, "bye", out);
	}
	return events;
}

static unsigned pass_time(struct link *l, uint64_t *now, uint64_t ns, struct outbox *out)
{
	uint64_t end = *now + ns;
	unsigned events = 0;

	while (link_deadline(l) <= end) {
		*now = link_deadline(l) > *now ? link_deadline(l) : *now;
		events |= link_on_timer(l, *now, out);
		if (link_deadline(l) <= *now)
			abort(); /* a busy loop */
		record_check_output(out);
	}
	*now = end;
	return events;
}

static void check(const struct link *l, unsigned seen)
{
	if (link_is_up(l) && !(seen & LINK_EV_AUTH_OK))
		abort();
	if (link_is_up6(l) && (!link_is_up(l) || !l->params.ipv6))
		abort();
	if (link_address6(l) && !(seen & LINK_EV_UP6))
		abort();
	if (seen & LINK_EV_FINISHED && link_deadline(l) != CLOCK_NEVER)
		abort();
	if (l->description.got > l->description.total || l->description.total > VENDOR_TEXT_MAX)
		abort();
	for (const char *c = link_reason(l); *c; c++) {
		if (*c < 0x20 || *c > 0x7e)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct secret password = {.len = 10, .data = "clientPass"};
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	size_t pos = 0;
	struct random_source random = {.fill = record_fill, .arg = &pos};
	uint8_t config = wire_u8(&r);
	uint64_t now = CLOCK_NS_PER_S;
	struct record record;
	unsigned seen;
	struct link l;

	link_init(&l,
		  &(struct link_params){
			  .role = config & 1 ? LINK_CLIENT : LINK_SERVER,
			  .auth = (config >> 1 & 3) | (config & 8 ? LINK_AUTH_EAP_MSCHAPV2 : 0U),
			  .mru = 1500,
			  .name = config & 1 ? "User" : "gw",
			  .password = config & 1 ? &password : NULL,
			  .random = &random,
			  .subscribe = true,
			  .ipv6 = config & 16,
			  .echo_every_ns = config & 1 ? 2 * CLOCK_NS_PER_S : 0,
		  });
	seen = link_up(&l, now, &out);
	while (record_next(&r, &record)) {
		unsigned events = record.frame ? link_input(&l, now, record.frame, record.len, &out)
					       : pass_time(&l, &now, record.ns, &out);

		free(record.frame);
		seen |= answer(&l, now, events, &out);
		record_check_output(&out);
		check(&l, seen);
	}
	link_done(&l);
	return 0;
}
