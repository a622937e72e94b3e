/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PROMETHEUS_H
#define SSTP_CONTROL_PROMETHEUS_H
/*
 * Metrics as a text: as Prometheus reads them (its text format 0.0.4), or the same as JSON for our own tools:
 * {"value": [{"name", "labels": {}, "value"}, ...]}, a histogram as its _bucket, _sum and _count.
 */
#include "sstp/control/msg_metrics.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum prometheus_form {
	PROMETHEUS_TEXT,
	PROMETHEUS_JSON,
};

struct prometheus;

/* Returns owned; NULL without memory. */
struct prometheus *prometheus_new(enum prometheus_form form);
/* All samples of a metric come one behind the other, with values of the labels that no two have in common. */
void prometheus_add(struct prometheus *p, const struct msg_sample *s);
/* Takes p. The text, owned; NULL without memory. */
char *prometheus_end(struct prometheus *p);

#endif
