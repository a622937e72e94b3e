/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_SITE_METRICS_H
#define SSTP_GATEWAY_SITE_METRICS_H
/* What the data plane has counted, as control is told it (control/msg_metrics.h). */
#include <stddef.h>
#include <stdint.h>

struct dataplane_stats;

/* started: this process, s since 1970. 0 with an owned frame that answers METRICS_ASK id; -ENOMEM, -EMSGSIZE. */
int site_metrics_encode(uint64_t id, const struct dataplane_stats *stats, unsigned threads,
			int64_t started, uint8_t **ret_frame, size_t *ret_len);

#endif
