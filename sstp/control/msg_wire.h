/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_WIRE_H
#define SSTP_CONTROL_MSG_WIRE_H
/*
 * What the messages are made of; private to msg*.c. Both cursors are wire.h's: they fail once, and
 * are asked at the end.
 */
#include "routing/prefix.h"
#include "sstp/base/wire.h"
#include "sstp/control/msg.h"

/* A frame in the making. Memory that is not written to is not touched: the limit costs nothing. */
struct msg_frame {
	uint8_t *buf;
	struct wire_writer w;
	bool is_null; /* a text that must be there is not */
};

/* Writes the head. 0 or -ENOMEM. */
int msg_frame_begin(struct msg_frame *f, enum msg_kind kind);
/* Fills in the length. 0, or with the frame gone -EMSGSIZE, -EINVAL. */
int msg_frame_end(struct msg_frame *f, uint8_t **ret_frame, size_t *ret_len);

void msg_put_be64(struct msg_frame *f, uint64_t v);
void msg_put_bytes(struct msg_frame *f, const uint8_t *data, size_t len, size_t max);
void msg_put_text(struct msg_frame *f, const char *text, size_t max);
/* A u16 and n texts of at most MSG_NAME_MAX bytes. */
void msg_put_texts(struct msg_frame *f, const char *const *texts, size_t n, size_t max);
/* u8 family (4, 6), u8 length, and as many of its bytes as that needs; bits behind it must be zero. */
void msg_put_prefix(struct msg_frame *f, const struct prefix *p);
void msg_put_vnet(struct msg_frame *f, const struct msg_vnet *v);

uint64_t msg_get_be64(struct wire_reader *r);
/* Never NULL while the reader has not failed. */
const uint8_t *msg_get_bytes(struct wire_reader *r, size_t max, size_t *ret_len);
const char *msg_get_text(struct wire_reader *r, size_t max);
/* A text that is printable ASCII: it goes into a header, or into a line of a log. */
const char *msg_get_line(struct wire_reader *r, size_t max);
bool msg_get_bool(struct wire_reader *r);
/* A u16; 0 when it is above max, and the reader has failed. */
size_t msg_get_count(struct wire_reader *r, size_t max);
/* Fills texts, which has room for max; returns how many. */
size_t msg_get_texts(struct wire_reader *r, const char **texts, size_t max);
/* Two prefixes that are equal have come in equal bytes. */
void msg_get_prefix(struct wire_reader *r, struct prefix *p);
/* Borrows. */
void msg_get_vnet(struct wire_reader *r, struct msg_vnet *v);

#endif
