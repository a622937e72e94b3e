/* SPDX-License-Identifier: Apache-2.0 */
/* In-band packets one behind the other, and the description that comes of them. The "frames" are the data of packets. */
#include "sstp/ppp/vendor.h"
#include "sstp/ppp/vendor_trace.h"
#include "test/fuzz/ppp_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood is written as it was; behind a SUBSCRIBE or an ADDRESS6 there may be more. */
static void check_written(const struct ppp_packet *p, const struct vendor_packet *v)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t len = v->kind == VENDOR_SUBSCRIBE  ? 8
		     : v->kind == VENDOR_ADDRESS6 ? 8 + v->len
						  : p->len;
	uint8_t buf[4096];
	struct wire_writer w = wire_writer(buf, sizeof(buf));

	vendor_put(&w, wire_be32(&r), v);
	if (w.failed || wire_len(&w) != len || memcmp(buf, p->data, len) != 0)
		abort();
}

/* A value that is understood is written as it was. */
static void check_trace(const struct vendor_packet *v)
{
	struct vendor_trace trace;
	struct vendor_traced traced;
	uint8_t buf[VENDOR_TRACE_MAX];
	size_t len = v->len;

	if (v->kind == VENDOR_TRACE && vendor_trace_decode(v->data, v->len, &trace) == 0)
		len = vendor_trace_put(&trace, buf);
	else if (v->kind == VENDOR_TRACED && vendor_traced_decode(v->data, v->len, &traced) == 0)
		len = vendor_traced_put(&traced, buf);
	else
		return;
	if (len != v->len || memcmp(buf, v->data, len) != 0)
		abort();
}

static void add(struct vendor_text *t, const struct vendor_packet *v)
{
	int r = vendor_text_add(t, v);

	if (t->got > t->total || t->total > VENDOR_TEXT_MAX)
		abort();
	if (r < 0 && (t->bytes || t->total))
		abort();
	if (r == 1 && t->got != t->total)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_reader r = wire_reader(data, size);
	struct vendor_text t = {0};
	struct vendor_packet v;
	struct record record;

	while (record_next(&r, &record)) {
		struct ppp_packet p = {.data = record.frame, .len = record.len};

		if (record.frame && vendor_decode(&p, &v) == 0) {
			check_written(&p, &v);
			check_trace(&v);
			if (v.kind == VENDOR_DESCRIPTION)
				add(&t, &v);
		}
		free(record.frame);
	}
	vendor_text_done(&t);
	return 0;
}
