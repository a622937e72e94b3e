/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/nthash.h"

#include <errno.h>
#include <openssl/des.h>
#include <openssl/md4.h>

#include "sstp/base/secret.h"
#include "sstp/base/wire.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/*
 * What a first byte says: how many follow, and the least character that needs so many (RFC 3629).
 */
struct utf8_lead {
	uint8_t mask, value;
	uint8_t following;
	uint32_t least;
};

static const struct utf8_lead leads[] = {
	{0x80, 0x00, 0, 0x0},
	{0xe0, 0xc0, 1, 0x80},
	{0xf0, 0xe0, 2, 0x800},
	{0xf8, 0xf0, 3, 0x10000},
};

static const struct utf8_lead *find_lead(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if ((byte & leads[i].mask) == leads[i].value)
			return &leads[i];
	}
	return NULL;
}

static int next_character(struct wire_reader *r, uint32_t *ret_character)
{
	uint8_t byte = wire_u8(r);
	const struct utf8_lead *lead = find_lead(byte);
	uint32_t c;

	if (!lead)
		return -EILSEQ;
	c = byte & (uint8_t)~lead->mask;
	for (int i = 0; i < lead->following; i++) {
		byte = wire_u8(r);
		if ((byte & 0xc0) != 0x80)
			return -EILSEQ;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < lead->least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -EILSEQ;
	*ret_character = c;
	return 0;
}

static void add_unit(MD4_CTX *md4, uint32_t unit)
{
	MD4_Update(md4, (uint8_t[]){(uint8_t)unit, (uint8_t)(unit >> 8)}, 2);
}

static void add_utf16le(MD4_CTX *md4, uint32_t c)
{
	if (c < 0x10000) {
		add_unit(md4, c);
		return;
	}
	c -= 0x10000;
	add_unit(md4, 0xd800 | c >> 10);
	add_unit(md4, 0xdc00 | (c & 0x3ff));
}

int nt_hash(const char *utf8, size_t len, uint8_t ret_hash[NTHASH_SIZE])
{
	struct wire_reader r = wire_reader(utf8, len);
	MD4_CTX md4;
	uint32_t c;
	int err = 0;

	MD4_Init(&md4);
	while (!err && wire_left(&r)) {
		err = next_character(&r, &c);
		if (!err)
			add_utf16le(&md4, c);
	}
	if (!err)
		MD4_Final(ret_hash, &md4);
	secret_wipe_bytes(&md4, sizeof(md4));
	return err;
}

void nthash_hash(const uint8_t hash[NTHASH_SIZE], uint8_t ret_hash[NTHASH_SIZE])
{
	MD4(hash, NTHASH_SIZE, ret_hash);
}

/* Spreads 56 bits over 8 bytes, seven to each; DES does not look at the eighth. */
static void expand_key(const uint8_t key[NTHASH_DES_KEY_SIZE], DES_cblock *ret_block)
{
	uint64_t bits = 0;

	for (int i = 0; i < NTHASH_DES_KEY_SIZE; i++)
		bits = bits << 8 | key[i];
	for (int i = 0; i < NTHASH_DES_BLOCK_SIZE; i++)
		(*ret_block)[i] = (uint8_t)(bits >> (49 - 7 * i) << 1);
}

void nthash_des(const uint8_t key[NTHASH_DES_KEY_SIZE], const uint8_t clear[NTHASH_DES_BLOCK_SIZE],
		uint8_t ret_cypher[NTHASH_DES_BLOCK_SIZE])
{
	DES_key_schedule schedule;
	DES_cblock block, input, output;

	expand_key(key, &block);
	DES_set_key_unchecked(&block, &schedule);
	memcpy(input, clear, sizeof(input));
	DES_ecb_encrypt(&input, &output, &schedule, DES_ENCRYPT);
	memcpy(ret_cypher, output, sizeof(output));
	secret_wipe_bytes(&schedule, sizeof(schedule));
	secret_wipe_bytes(block, sizeof(block));
}
