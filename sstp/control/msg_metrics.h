/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_METRICS_H
#define SSTP_CONTROL_MSG_METRICS_H
/*
 * What the data plane has counted, for whoever collects metrics. As msg.h in all else.
 *
 * METRICS_ASK, control -> data: a number. METRICS, data -> control, at once: the same number and all values. A decoder takes
 * only metrics that are the data plane's to tell, with as many labels as they have, each a line of at most
 * MSG_LABEL_MAX bytes: whatever a data plane says that was taken over becomes no other text than a value.
 */
#include "sstp/base/times.h"
#include "sstp/control/metric.h"
#include "sstp/control/msg.h"

enum {
	MSG_LABEL_MAX = 64,
	MSG_SAMPLES_MAX = 4096, /* of one message; 64 VNets have some 1,700 */
};

int msg_metrics_ask_encode(uint64_t id, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_metrics_ask_decode(const uint8_t *payload, size_t len, uint64_t *ret_id);

struct msg_sample {
	enum metric metric;
	const char *labels[METRIC_LABELS_MAX]; /* as many as it has; "": none */
	uint64_t value;			       /* of none but a histogram */
	struct times times;		       /* of a histogram */
};

struct msg_metrics {
	uint64_t id;
	struct msg_sample *samples; /* owned when decoded: msg_metrics_done() */
	size_t n_samples;
};

/* -EINVAL also for a sample that is not the data plane's to tell. */
int msg_metrics_encode(const struct msg_metrics *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. */
int msg_metrics_decode(const uint8_t *payload, size_t len, struct msg_metrics *ret_metrics);
/* Takes a zeroed one too. */
void msg_metrics_done(struct msg_metrics *m);

#endif
