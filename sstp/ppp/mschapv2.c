/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/mschapv2.h"

#include <openssl/sha.h>
#include <string.h>

#include "sstp/base/secret.h"
#include "sstp/base/wire.h"
#include "sstp/ppp/nthash.h"

enum {
	PAD_SIZE = 40,
	START_KEY_SIZE = 16,
	HASH_INPUT_MAX = 320, /* two challenges and a name; all other inputs are smaller */
};

/* RFC 2759 section 8.7. */
static const char proof_magic1[] = "Magic server to client signing constant";
static const char proof_magic2[] = "Pad to make it do more than one iteration";

/* RFC 3079 section 3.4. */
static const char key_magic1[] = "This is the MPPE Master Key";
static const char key_magic2[] = "On the client side, this is the send key; "
				 "on the server side, it is the receive key.";
static const char key_magic3[] = "On the client side, this is the receive key; "
				 "on the server side, it is the send key.";

struct sha_input {
	uint8_t bytes[HASH_INPUT_MAX];
	struct wire_writer w;
};

static void sha_begin(struct sha_input *in)
{
	in->w = wire_writer(in->bytes, sizeof(in->bytes));
}

static void sha_text(struct sha_input *in, const char *text)
{
	wire_put(&in->w, text, strlen(text));
}

static void sha_pad(struct sha_input *in, uint8_t byte)
{
	uint8_t *pad = wire_reserve(&in->w, PAD_SIZE);

	if (pad)
		memset(pad, byte, PAD_SIZE);
}

/* Wipes the input: it may hold keys. */
static void sha_end(struct sha_input *in, uint8_t ret_digest[SHA_DIGEST_LENGTH])
{
	SHA1(in->bytes, wire_len(&in->w), ret_digest);
	secret_wipe_bytes(in->bytes, sizeof(in->bytes));
}

static void put_bare_name(struct wire_writer *w, const char *name, size_t len)
{
	const char *backslash = memrchr(name, '\\', len);
	size_t skip = backslash ? (size_t)(backslash - name) + 1 : 0;

	wire_put(w, name + skip, len - skip);
}

void mschapv2_challenge_hash(const struct mschapv2_exchange *x,
			     uint8_t ret_hash[MSCHAPV2_CHALLENGE_HASH_SIZE])
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	struct sha_input in;

	sha_begin(&in);
	wire_put(&in.w, x->peer_challenge, sizeof(x->peer_challenge));
	wire_put(&in.w, x->authenticator_challenge, sizeof(x->authenticator_challenge));
	put_bare_name(&in.w, x->name, x->name_len);
	sha_end(&in, digest);
	memcpy(ret_hash, digest, MSCHAPV2_CHALLENGE_HASH_SIZE);
}

/* ChallengeResponse: the hash with five zero bytes behind it is three DES keys. */
void mschapv2_nt_response(const struct mschapv2_exchange *x,
			  const uint8_t nt_hash[LINK_NT_HASH_SIZE],
			  uint8_t ret_response[MSCHAPV2_RESPONSE_SIZE])
{
	uint8_t keys[3][NTHASH_DES_KEY_SIZE] = {0};
	uint8_t challenge[MSCHAPV2_CHALLENGE_HASH_SIZE];

	memcpy(keys, nt_hash, LINK_NT_HASH_SIZE);
	mschapv2_challenge_hash(x, challenge);
	for (int i = 0; i < 3; i++)
		nthash_des(keys[i], challenge, ret_response + i * NTHASH_DES_BLOCK_SIZE);
	secret_wipe_bytes(keys, sizeof(keys));
}

void mschapv2_proof(const struct mschapv2_exchange *x, const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		    const uint8_t nt_response[MSCHAPV2_RESPONSE_SIZE],
		    uint8_t ret_proof[MSCHAPV2_PROOF_SIZE])
{
	uint8_t challenge[MSCHAPV2_CHALLENGE_HASH_SIZE];
	uint8_t digest[SHA_DIGEST_LENGTH];
	uint8_t hash_hash[NTHASH_SIZE];
	struct sha_input in;

	nthash_hash(nt_hash, hash_hash);
	sha_begin(&in);
	wire_put(&in.w, hash_hash, sizeof(hash_hash));
	wire_put(&in.w, nt_response, MSCHAPV2_RESPONSE_SIZE);
	sha_text(&in, proof_magic1);
	sha_end(&in, digest);
	mschapv2_challenge_hash(x, challenge);
	sha_begin(&in);
	wire_put(&in.w, digest, sizeof(digest));
	wire_put(&in.w, challenge, sizeof(challenge));
	sha_text(&in, proof_magic2);
	sha_end(&in, ret_proof);
	secret_wipe_bytes(hash_hash, sizeof(hash_hash));
}

static void start_key(const uint8_t master[START_KEY_SIZE], const char *magic,
		      uint8_t ret_key[START_KEY_SIZE])
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	struct sha_input in;

	sha_begin(&in);
	wire_put(&in.w, master, START_KEY_SIZE);
	sha_pad(&in, 0x00);
	sha_text(&in, magic);
	sha_pad(&in, 0xf2);
	sha_end(&in, digest);
	memcpy(ret_key, digest, START_KEY_SIZE);
	secret_wipe_bytes(digest, sizeof(digest));
}

void mschapv2_hlak(const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		   const uint8_t nt_response[MSCHAPV2_RESPONSE_SIZE],
		   uint8_t ret_hlak[LINK_HLAK_SIZE])
{
	uint8_t hash_hash[NTHASH_SIZE];
	uint8_t master[SHA_DIGEST_LENGTH];
	struct sha_input in;

	nthash_hash(nt_hash, hash_hash);
	sha_begin(&in);
	wire_put(&in.w, hash_hash, sizeof(hash_hash));
	wire_put(&in.w, nt_response, MSCHAPV2_RESPONSE_SIZE);
	sha_text(&in, key_magic1);
	sha_end(&in, master);
	start_key(master, key_magic2, ret_hlak);
	start_key(master, key_magic3, ret_hlak + START_KEY_SIZE);
	secret_wipe_bytes(hash_hash, sizeof(hash_hash));
	secret_wipe_bytes(master, sizeof(master));
}
