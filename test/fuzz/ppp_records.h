/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FUZZ_PPP_RECORDS_H
#define TEST_FUZZ_PPP_RECORDS_H
/*
 * How a fuzz input becomes a conversation: records of a 16-bit head and its bytes. A head below
 * 0x1000 is the length of a frame that follows; above, so many tenths of a second (head & 0xfff) go
 * by.
 *
 * Each frame is handed on in memory of exactly its size, so that ASan sees the first byte past it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "sstp/base/clock.h"
#include "sstp/base/outbox.h"
#include "sstp/base/random.h"

enum {
	RECORD_TIME = 0x1000,
};

struct record {
	uint8_t *frame; /* owned; NULL: time goes by */
	size_t len;
	uint64_t ns;
};

/* False at the end of the input. */
static inline bool record_next(struct wire_reader *r, struct record *ret_record)
{
	uint16_t head = wire_be16(r);
	size_t left = wire_left(r);

	if (!wire_ok(r))
		return false;
	*ret_record = (struct record){0};
	if (head >= RECORD_TIME) {
		ret_record->ns = (head & 0xfffU) * 100 * CLOCK_NS_PER_MS;
		return true;
	}
	ret_record->len = head < left ? head : left;
	ret_record->frame = malloc(ret_record->len + !ret_record->len);
	if (!ret_record->frame)
		abort();
	if (ret_record->len)
		memcpy(ret_record->frame, wire_bytes(r, ret_record->len), ret_record->len);
	return true;
}

/*
 * The magic number and the challenge of the unit tests, over and over: known responses are right.
 */
static inline void record_fill(void *arg, uint8_t *buf, size_t len)
{
	static const uint8_t script[] = {
		0xde, 0xad, 0xbe, 0xef, 0x5b, 0x5d, 0x7c, 0x7d, 0x7b, 0x3f,
		0x2f, 0x3e, 0x3c, 0x2c, 0x60, 0x21, 0x32, 0x26, 0x26, 0x28,
	};
	size_t *pos = arg;

	for (size_t i = 0; i < len; i++)
		buf[i] = script[(*pos)++ % sizeof(script)];
}

/* Ends the run unless all that came out is whole frames that an SSTP packet can carry. */
static inline void record_check_output(struct outbox *out)
{
	uint8_t *msg;
	size_t len, pos = 0;

	while (outbox_next(out, &pos, &msg, &len)) {
		if (len < 8 || len > 4091 || msg[0] != 0xff || msg[1] != 3)
			abort();
		if ((size_t)(msg[6] << 8 | msg[7]) != len - 4)
			abort();
	}
	if (out->dropped)
		abort();
	outbox_clear(out);
}

#endif
