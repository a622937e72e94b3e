/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_NTHASH_H
#define SSTP_PPP_NTHASH_H
/*
 * The NT password hash, and the two old algorithms that MS-CHAPv2 stands on: MD4 and DES.
 *
 * OpenSSL 3 has them behind EVP only in the legacy provider; loading that would bring them back for
 * TLS and certificates of the whole process. The low-level functions are deprecated but need no
 * provider, and nthash.c is the one file that calls them.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	NTHASH_SIZE = 16,
	NTHASH_DES_KEY_SIZE = 7, /* without parity */
	NTHASH_DES_BLOCK_SIZE = 8,
};

/*
 * MD4 of the password in UTF-16LE, as Windows and pppd store and use it (RFC 2759 section 8.3). 0;
 * -EILSEQ when utf8 is not valid UTF-8 (overlong forms and surrogates among it). A zero byte is a
 * character like others.
 */
int nt_hash(const char *utf8, size_t len, uint8_t ret_hash[NTHASH_SIZE]);

/* MD4 of 16 bytes: HashNtPasswordHash (RFC 2759 section 8.4). */
void nthash_hash(const uint8_t hash[NTHASH_SIZE], uint8_t ret_hash[NTHASH_SIZE]);

/* DesEncrypt (RFC 2759 section 8.6). */
void nthash_des(const uint8_t key[NTHASH_DES_KEY_SIZE], const uint8_t clear[NTHASH_DES_BLOCK_SIZE],
		uint8_t ret_cypher[NTHASH_DES_BLOCK_SIZE]);

#endif
