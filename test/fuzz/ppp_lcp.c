/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LCP alone. The first byte: bit 0 client, bits 1 and 2 the methods allowed. The "frames" are LCP
 * packets.
 */
#include "sstp/ppp/lcp.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct lcp *lcp, uint64_t now, const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {.protocol = PPP_LCP, .info = record->frame, .len = record->len};
	struct ppp_packet p;

	if (!record->frame)
		cp_on_timer(&lcp->cp, now, out);
	else if (frame_decode_packet(&f, &p) == 0)
		lcp_input(lcp, now, &p, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	size_t pos = 0;
	struct random_source random = {.fill = record_fill, .arg = &pos};
	uint8_t config = wire_u8(&r);
	struct record record;
	uint64_t now = 0;
	struct lcp lcp;

	lcp_init(&lcp, &(struct lcp_params){
			       .server = !(config & 1),
			       .auth = config >> 1 & 3,
			       .mru = 1500,
			       .random = &random,
		       });
	cp_event(&lcp.cp, now, FSM_OPEN, &out);
	cp_event(&lcp.cp, now, FSM_UP, &out);
	while (record_next(&r, &record)) {
		now += record.ns;
		feed(&lcp, now, &record, &out);
		free(record.frame);
		record_check_output(&out);
		if (lcp.cp.peer_mru > PPP_INFO_MAX || (lcp.auth & ~(config >> 1 & 3U)))
			abort(); /* more than an SSTP packet holds; a method that is not allowed */
	}
	return 0;
}
