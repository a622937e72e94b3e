/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_GROUP_H
#define TUN_OFFLOAD_GROUP_H
/* Private to tun/offload_*.c: which packets may become one, and writing a group of them. */
#include "tun/offload_merge.h"

/* p may be in a group: a plain TCP or UDP packet with payload whose checksums are right. */
bool offload_group_can_hold(const struct offload_packet *p);

/* Another may follow p, as far as p has a say. */
bool offload_group_can_start(const struct offload_packet *p);

void offload_group_start(struct offload_group *g, const struct offload_packet *p);

/* p, of the same flow, continues the group; offload_group_can_hold(p) was true. */
bool offload_group_fits(const struct offload_group *g, const struct offload_packet *p);

void offload_group_append(struct offload_group *g, const struct offload_packet *p);

/* Nothing may follow the group's last packet. */
bool offload_group_has_ended(const struct offload_group *g);

/* Has a packet written as it is, when its turn comes. g is free, and is taken for that. */
void offload_write_alone(struct offload_merge *m, struct offload_group *g, const uint8_t *pkt,
			 size_t len);

/* Has the group written as one packet; if the device refuses it for being one, packet by packet. */
void offload_write_group(struct offload_merge *m, struct offload_group *g);

/* Writes what is to be written: its groups are free again. */
void offload_write_closed(struct offload_merge *m);

#endif
