/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPCP alone. The first byte: bit 0 client, bits 1 and 2 the DNS servers that there are. The
 * "frames" are IPCP packets.
 */
#include "sstp/ppp/ipcp.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct ipcp *ipcp, uint64_t now, const struct record *record, struct outbox *out)
{
	struct ppp_frame f = {.protocol = PPP_IPCP, .info = record->frame, .len = record->len};
	struct ppp_packet p;

	if (!record->frame)
		cp_on_timer(&ipcp->cp, now, out);
	else if (frame_decode_packet(&f, &p) == 0)
		cp_input(&ipcp->cp, now, &p, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[OUTBOX_SIZE];
	struct wire_reader r = wire_reader(data, size);
	struct outbox out = outbox(buf, sizeof(buf));
	uint8_t config = wire_u8(&r);
	bool server = !(config & 1);
	struct link_address given = {
		.local = server ? 0x0100000a : 0,
		.peer = server ? 0x0500000a : 0,
		.dns = {server && config & 2 ? 0x0100000a : 0,
			server && config & 4 ? 0x08080808 : 0},
	};
	struct record record;
	struct ipcp ipcp;
	uint64_t now = 0;

	ipcp_init(&ipcp, server);
	ipcp_start(&ipcp, now, &given, 1500, &out);
	while (record_next(&r, &record)) {
		now += record.ns;
		feed(&ipcp, now, &record, &out);
		free(record.frame);
		record_check_output(&out);
		if (server && memcmp(&ipcp.address, &given, sizeof(given)) != 0)
			abort(); /* the peer has no say in it */
	}
	return 0;
}
