/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/binding.h"

#include <errno.h>
#include <openssl/evp.h>

#include "sstp/base/secret.h"

/* In a CALL_CONNECTED message: MS-SSTP 2.2.11 */
enum {
	HASH_OFFSET = 15,
	NONCE_OFFSET = 16,
	MAC_OFFSET = 80,
};

struct hash_info {
	const char *name; /* OpenSSL's */
	uint16_t size;
};

/* NULL for a value that is no hash: it is an enumeration here, not a mask. */
static const struct hash_info *hash_info(unsigned hash)
{
	static const struct hash_info sha1 = {"SHA1", SSTP_SHA1_SIZE};
	static const struct hash_info sha256 = {"SHA256", SSTP_SHA256_SIZE};

	switch (hash) {
	case SSTP_HASH_SHA1: return &sha1;
	case SSTP_HASH_SHA256: return &sha256;
	default: return NULL;
	}
}

static int hmac(const struct hash_info *h, const uint8_t *key, size_t key_len, const uint8_t *data,
		size_t data_len, uint8_t ret_mac[SSTP_SHA256_SIZE])
{
	if (!EVP_Q_mac(NULL, "HMAC", NULL, h->name, NULL, key, key_len, data, data_len, ret_mac,
		       SSTP_SHA256_SIZE, NULL))
		return -ENOMEM;
	return 0;
}

/*
 * PRF+ of IKEv2 over the HLAK: MS-SSTP 3.2.5.2.2. One block of the hash is all that is asked for,
 * so the iteration of PRF+ shows only as the counter 1 at the end. The length is little-endian,
 * unlike all else in the protocol.
 */
static int derive_cmk(const struct hash_info *h, const uint8_t hlak[SSTP_HLAK_SIZE],
		      uint8_t ret_cmk[SSTP_SHA256_SIZE])
{
	static const char seed[] = "SSTP inner method derived CMK";
	uint8_t data[sizeof(seed) - 1 + 3];
	struct wire_writer w = wire_writer(data, sizeof(data));

	wire_put(&w, seed, sizeof(seed) - 1);
	wire_put_u8(&w, (uint8_t)h->size);
	wire_put_u8(&w, (uint8_t)(h->size >> 8));
	wire_put_u8(&w, 1);
	return hmac(h, hlak, SSTP_HLAK_SIZE, data, sizeof(data), ret_cmk);
}

int binding_mac(enum sstp_hash hash, const uint8_t hlak[SSTP_HLAK_SIZE],
		const uint8_t msg[SSTP_CALL_CONNECTED_SIZE], uint8_t ret_mac[SSTP_SHA256_SIZE])
{
	const struct hash_info *h = hash_info(hash);
	uint8_t cleared[SSTP_CALL_CONNECTED_SIZE] = {0};
	uint8_t mac[SSTP_SHA256_SIZE] = {0};
	uint8_t cmk[SSTP_SHA256_SIZE];
	int rc;

	if (!h)
		return -EINVAL;
	memcpy(cleared, msg, MAC_OFFSET);
	rc = derive_cmk(h, hlak, cmk);
	if (!rc)
		rc = hmac(h, cmk, h->size, cleared, sizeof(cleared), mac);
	if (!rc)
		memcpy(ret_mac, mac, sizeof(mac));
	secret_wipe_bytes(cmk, sizeof(cmk));
	return rc;
}

static void copy_cert_hash(const struct binding_terms *t, enum sstp_hash hash,
			   uint8_t ret_hash[SSTP_SHA256_SIZE])
{
	memset(ret_hash, 0, SSTP_SHA256_SIZE);
	if (hash == SSTP_HASH_SHA1)
		memcpy(ret_hash, t->cert_sha1, SSTP_SHA1_SIZE);
	else
		memcpy(ret_hash, t->cert_sha256, SSTP_SHA256_SIZE);
}

int binding_seal(const struct binding_terms *t, const uint8_t hlak[SSTP_HLAK_SIZE],
		 uint8_t ret_msg[SSTP_CALL_CONNECTED_SIZE])
{
	enum sstp_hash hash = t->hashes & SSTP_HASH_SHA256 ? SSTP_HASH_SHA256 : SSTP_HASH_SHA1;
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct wire_writer w = wire_writer(msg, sizeof(msg));
	uint8_t mac[SSTP_SHA256_SIZE] = {0};
	uint8_t cert_hash[SSTP_SHA256_SIZE];
	int rc;

	copy_cert_hash(t, hash, cert_hash);
	sstp_put_call_connected(&w, hash, t->nonce, cert_hash, mac);
	rc = binding_mac(hash, hlak, msg, mac);
	if (rc < 0)
		return rc;
	w = wire_writer(ret_msg, SSTP_CALL_CONNECTED_SIZE);
	sstp_put_call_connected(&w, hash, t->nonce, cert_hash, mac);
	return 0;
}

/*
 * Everything is computed before anything is decided, whatever the message holds: neither the answer
 * nor its time tells a peer which of the four was wrong. A hash that was not offered is computed as
 * SHA-256 and refused at the end.
 */
int binding_verify(const struct binding_terms *t, const uint8_t hlak[SSTP_HLAK_SIZE],
		   const uint8_t msg[SSTP_CALL_CONNECTED_SIZE])
{
	struct wire_reader r = wire_reader(msg, SSTP_CALL_CONNECTED_SIZE);
	const uint8_t *head = wire_bytes(&r, NONCE_OFFSET);
	const uint8_t *nonce = wire_bytes(&r, SSTP_NONCE_SIZE);
	const uint8_t *given_cert_hash = wire_bytes(&r, SSTP_SHA256_SIZE);
	const uint8_t *given_mac = wire_bytes(&r, SSTP_SHA256_SIZE);
	uint8_t given = head[HASH_OFFSET];
	enum sstp_hash hash = given == SSTP_HASH_SHA1 ? SSTP_HASH_SHA1 : SSTP_HASH_SHA256;
	size_t size = hash_info(hash)->size;
	uint8_t cert_hash[SSTP_SHA256_SIZE];
	uint8_t mac[SSTP_SHA256_SIZE] = {0};
	unsigned ok;

	copy_cert_hash(t, hash, cert_hash);
	ok = binding_mac(hash, hlak, msg, mac) == 0;
	ok &= hash_info(given) != NULL;
	ok &= (given & t->hashes) != 0;
	ok &= secret_equal_bytes(nonce, t->nonce, SSTP_NONCE_SIZE);
	ok &= secret_equal_bytes(given_cert_hash, cert_hash, size);
	ok &= secret_equal_bytes(given_mac, mac, size);
	secret_wipe_bytes(mac, sizeof(mac));
	return ok ? 0 : -EPROTO;
}
