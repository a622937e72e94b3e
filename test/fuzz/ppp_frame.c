/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sstp/ppp/frame.h"
#include "sstp/ppp/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A good list is made of its options, without a rest. */
static void check_options(const struct ppp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t sum = 0;
	struct option o;

	while (option_next(&r, &o))
		sum += OPTION_HEADER + (size_t)o.len;
	if (option_check(p->data, p->len) == 0 && sum != p->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ppp_packet p;
	struct ppp_frame f;

	if (frame_decode(data, size, &f))
		return 0;
	if (f.protocol % 2 == 0 || f.len >= size)
		abort();
	if (frame_decode_packet(&f, &p))
		return 0;
	if (p.len + PPP_PACKET_HEADER > f.len)
		abort();
	check_options(&p);
	return 0;
}
