/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAP-TLS packets of a peer, one behind the other, against a receiver that keeps the bytes: what
 * is counted is what came, and never more than the limits. A message that is complete is sent
 * again, in fragments of a size that the input says (a head of 0x1000 and above), and arrives as it was.
 */
#include "sstp/ppp/eap_tls_fragment.h"
#include "sstp/ppp/eap_tls.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

struct message {
	uint8_t bytes[EAP_TLS_MESSAGE_MAX];
	size_t len;
	unsigned fragments;
};

static void send_again(const struct message *m, size_t max)
{
	static uint8_t again[EAP_TLS_MESSAGE_MAX], packet[EAP_TLS_FRAGMENT_MAX];
	struct eap_tls_tx tx = {m->bytes, m->len, 0};
	uint32_t declared = 0;
	size_t len = 0;
	bool more;

	do {
		struct wire_writer w = wire_writer(packet, max);
		struct eap_tls_packet p;

		more = eap_tls_tx_next(&tx, max, &w);
		must(!w.failed && eap_tls_packet_decode(packet, wire_len(&w), &p) == 0);
		must(p.more == more && !p.start && p.has_length == (len == 0 && more));
		declared = p.has_length ? p.length : declared;
		must(p.len <= sizeof(again) - len);
		memcpy(again + len, p.data, p.len);
		len += p.len;
	} while (more);
	must(len == m->len && memcmp(again, m->bytes, len) == 0);
	must(declared == 0 || declared == len);
}

/* Returns whether the conversation goes on. */
static bool receive(struct eap_tls_rx *rx, struct message *m, const struct record *record,
		    size_t max)
{
	struct eap_tls_packet p;
	const char *why = NULL;
	int complete;

	if (eap_tls_packet_decode(record->frame, record->len, &p) < 0 || p.start)
		return false;
	complete = eap_tls_rx_add(rx, &p, &why);
	must((complete < 0) == (why != NULL));
	if (complete < 0)
		return false;
	must(p.len <= sizeof(m->bytes) - m->len && ++m->fragments <= EAP_TLS_FRAGMENTS_MAX);
	memcpy(m->bytes + m->len, p.data, p.len);
	m->len += p.len;
	must(!p.has_length || m->len <= p.length);
	must(complete == !p.more);
	if (complete) {
		must(rx->received == 0 && rx->fragments == 0);
		send_again(m, max);
		m->len = m->fragments = 0;
	} else {
		must(rx->received == m->len && rx->fragments == m->fragments);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	struct wire_reader r = wire_reader(data, size);
	size_t max = EAP_TLS_FRAGMENT_MAX;
	struct eap_tls_rx rx = {0};
	struct record record;
	bool goes_on = true;

	m.len = m.fragments = 0;
	while (goes_on && record_next(&r, &record)) {
		if (record.frame)
			goes_on = receive(&rx, &m, &record, max);
		else
			max = EAP_TLS_FRAGMENT_MIN +
			      record.ns / (100 * CLOCK_NS_PER_MS) %
				      (EAP_TLS_FRAGMENT_MAX - EAP_TLS_FRAGMENT_MIN + 1);
		free(record.frame);
	}
	return 0;
}
