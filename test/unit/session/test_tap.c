/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/tap.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/packet.h"

enum {
	SHOWN = 8, /* packets that a test looks at */
	BYTES = 2048,
};

struct watcher {
	struct tap tap;
	unsigned n;
	struct tap_packet shown[SHOWN];
	uint8_t bytes[SHOWN][BYTES];
};

static void watch(struct tap *tap, const struct tap_packet *p)
{
	struct watcher *w = (struct watcher *)tap;

	assert_in_range(w->n, 0, SHOWN - 1);
	assert_in_range(p->len, 0, BYTES);
	w->shown[w->n] = *p;
	memcpy(w->bytes[w->n++], p->bytes, p->len);
}

static struct watcher watcher(void)
{
	return (struct watcher){.tap.show = watch};
}

static void each_who_watches_sees_the_packet_until_he_is_removed(void **state)
{
	struct watcher a = watcher(), b = watcher(), stranger = watcher();
	const uint8_t bytes[] = {1, 2, 3};
	struct tap *taps = NULL;

	tap_show(taps, TAP_FROM_CLIENT, TAP_PASSED, NULL, bytes, sizeof(bytes));
	tap_add(&taps, &a.tap);
	tap_add(&taps, &b.tap);
	tap_show(taps, TAP_FROM_CLIENT, DROP_SOURCE, NULL, bytes, sizeof(bytes));
	tap_remove(&taps, &stranger.tap);
	tap_remove(&taps, &a.tap);
	tap_show(taps, TAP_TO_CLIENT, TAP_PASSED, NULL, bytes, 1);
	tap_remove(&taps, &b.tap);
	assert_null(taps);
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 2);
	assert_int_equal(a.shown[0].point, TAP_FROM_CLIENT);
	assert_int_equal(a.shown[0].verdict, DROP_SOURCE);
	assert_memory_equal(a.bytes[0], bytes, sizeof(bytes));
	assert_int_equal(b.shown[1].point, TAP_TO_CLIENT);
	assert_int_equal(b.shown[1].verdict, TAP_PASSED);
	assert_int_equal(b.shown[1].len, 1);
}

/* 1,000 bytes of TCP in segments of 400. */
static size_t put_super_packet(uint8_t buf[BYTES], struct virtio_net_hdr *ret_header)
{
	struct packet p = packet_plain(4, 6);
	size_t len;

	p.payload_len = 1000;
	len = packet_put(&p, buf);
	*ret_header = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 400,
		.csum_start = (uint16_t)packet_l4_at(buf),
		.csum_offset = 16,
	};
	return len;
}

static void super_packet_is_shown_as_the_packets_that_it_is(void **state)
{
	struct watcher w = watcher();
	struct virtio_net_hdr h;
	uint8_t buf[BYTES];
	size_t len = put_super_packet(buf, &h), headers = packet_payload_at(buf);
	static const size_t payload[] = {400, 400, 200};

	tap_tell_split(&w.tap,
		       &(struct tap_packet){TAP_TO_CLIENT, DROP_NO_SESSION, NULL, "lab", buf, len},
		       &h);
	assert_int_equal(w.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(w.shown[i].len, headers + payload[i]);
		assert_int_equal(w.shown[i].verdict, DROP_NO_SESSION);
		assert_string_equal(w.shown[i].vnet, "lab");
		assert_true(packet_is_valid(w.bytes[i], w.shown[i].len));
	}
}

static void what_cannot_be_split_is_shown_as_it_is(void **state)
{
	struct watcher w = watcher();
	struct virtio_net_hdr h;
	uint8_t buf[BYTES];
	size_t len = put_super_packet(buf, &h);

	h.gso_size = 0;
	tap_tell_split(&w.tap,
		       &(struct tap_packet){TAP_TO_CLIENT, DROP_MALFORMED, NULL, "lab", buf, len},
		       &h);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.shown[0].len, len);
	assert_memory_equal(w.bytes[0], buf, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_who_watches_sees_the_packet_until_he_is_removed),
		cmocka_unit_test(super_packet_is_shown_as_the_packets_that_it_is),
		cmocka_unit_test(what_cannot_be_split_is_shown_as_it_is),
	};

	return cmocka_run_group_tests_name("session/tap", tests, NULL, NULL);
}
