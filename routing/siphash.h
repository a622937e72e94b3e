/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_SIPHASH_H
#define ROUTING_SIPHASH_H
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits of a text under a secret key. Who does not know the key cannot look for
 * two texts of one hash, unlike with FNV-1a. About 20 ns for a name.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	SIPHASH_KEY_SIZE = 16
};

uint64_t siphash(const uint8_t key[SIPHASH_KEY_SIZE], const void *data, size_t len);

#endif
