/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_KEY_H
#define ROUTING_KEY_H
/* Addresses as numbers: both families left-aligned in 128 bits, so that they compare as they lie. */
#include <endian.h>
#include <stdint.h>
#include <string.h>

/* ISO C has no integer of this size; gcc and clang do on all 64-bit machines. */
__extension__ typedef unsigned __int128 address_key;

/* addr as struct prefix has it: network byte order, zeros behind an IPv4 address. */
static inline address_key key_read(const uint8_t addr[16])
{
	uint64_t word[2];

	memcpy(word, addr, sizeof(word));
	return (address_key)be64toh(word[0]) << 64 | be64toh(word[1]);
}

static inline void key_write(address_key key, uint8_t ret_addr[16])
{
	const uint64_t word[2] = {htobe64((uint64_t)(key >> 64)), htobe64((uint64_t)key)};

	memcpy(ret_addr, word, sizeof(word));
}

/* The last key with the same first len bits, len being 0..128: for both families the same. */
static inline address_key key_last(address_key first, unsigned len)
{
	return first | (len < 128 ? ~(address_key)0 >> len : 0);
}

#endif
