/* SPDX-License-Identifier: Apache-2.0 */
/* IPV6CP alone. The first byte: bit 0 client. The "frames" are IPV6CP packets. */
#include "sstp/ppp/ip6cp.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned feed(struct ip6cp *ip6cp, uint64_t now, const struct record *record,
		     struct outbox *out)
{
	struct ppp_frame f = {.protocol = PPP_IPV6CP, .info = record->frame, .len = record->len};
	struct ppp_packet p;

	if (!record->frame)
		return cp_on_timer(&ip6cp->cp, now, out);
	return frame_decode_packet(&f, &p) == 0 ? cp_input(&ip6cp->cp, now, &p, out) : 0;
}

/* Two ends that are open have two identifiers; the server's is its own. */
static void check(const struct ip6cp *ip6cp)
{
	static const uint8_t none[IP6CP_ID_SIZE];

	if (ip6cp->server && (ip6cp->local[IP6CP_ID_SIZE - 1] != 2 || ip6cp->local[0]))
		abort();
	if (ip6cp->cp.state != FSM_OPENED)
		return;
	if (ip6cp->server && memcmp(ip6cp->peer, none, IP6CP_ID_SIZE) == 0)
		abort();
	if (ip6cp->server && memcmp(ip6cp->peer, ip6cp->local, IP6CP_ID_SIZE) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	uint8_t config = wire_u8(&r);
	struct record record;
	struct ip6cp ip6cp;
	uint64_t now = 0;

	ip6cp_init(&ip6cp, !(config & 1));
	ip6cp_start(&ip6cp, now, 1500, &out);
	while (record_next(&r, &record)) {
		now += record.ns;
		feed(&ip6cp, now, &record, &out);
		free(record.frame);
		record_check_output(&out);
		check(&ip6cp);
	}
	return 0;
}
