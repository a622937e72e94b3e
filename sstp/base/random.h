/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_RANDOM_H
#define SSTP_BASE_RANDOM_H
/* Where engines get their random bytes: handed in, so that a test can replay a run. */
#include <stddef.h>
#include <stdint.h>

struct random_source {
	void (*fill)(void *arg, uint8_t *buf, size_t len);
	void *arg;
};

/* The operating system's randomness through OpenSSL; ends the process when there is none. */
extern const struct random_source random_system;

static inline void random_fill(const struct random_source *r, void *buf, size_t len)
{
	r->fill(r->arg, buf, len);
}

#endif
