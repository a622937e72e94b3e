/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_TELLING_H
#define SSTP_CONTROL_EXPLAIN_TELLING_H
/* What is being said of one destination: shared by explain_words.c and explain_advice.c. */
#include <jansson.h>

#include "sstp/control/explain_words.h"

enum {
	FINDING_MAX = 2560,
};

/* What comes of it all; the first verdict stays, and the causes that are told with it. */
struct telling {
	const struct explain_facts *f;
	json_t *steps;
	json_t *causes;
	const char *verdict; /* NULL: nothing speaks against it so far */
	char message[FINDING_MAX];
	char address[EXPLAIN_ADDRESS_MAX]; /* "": none */
};

void telling_step(struct telling *t, const char *name, const char *result, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* False: there was a verdict before. */
bool telling_conclude(struct telling *t, const char *verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What may be behind the verdict and what to do, the likeliest first. */
void telling_cause(struct telling *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *telling_address(const struct prefix *p, char buf[EXPLAIN_ADDRESS_MAX]);

/* Silence was followed by more questions, which say why: steps and verdict. False: they do not. */
bool explain_tell_silence(struct telling *t);
/* An answer was followed by longer questions. */
void explain_tell_sizes(struct telling *t);

#endif
