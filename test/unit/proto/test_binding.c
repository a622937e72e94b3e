/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/binding.h"

#include <errno.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"

#define NONCE_HEX  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHA1_HEX   "6b5ef9ce4d339299b385ba03098bb919d80ce0c4"
#define SHA256_HEX "a61b70636296d547abac6e9472847dfd117608fe149aaa7920dc47267f146074"
#define K2_HEX	   "d5f0e9521e3ea9589645e86051c82226"
#define K3_HEX	   "8b7cdc149b993a1ba118cb153f56dccb"
#define ZERO_HEX   "0000000000000000000000000000000000000000000000000000000000000000"
#define PAD_HEX	   "000000000000000000000000"

#define SHA256_HEAD "10010070000400010003006800000002"
#define SHA1_HEAD   "10010070000400010003006800000001"

/*
 * The worked examples of MS-SSTP 4.7, and end-to-end vectors from the inner authentication's keys.
 */
static const struct vector {
	enum sstp_hash hash;
	const char *hlak, *nonce, *cert_hash, *mac;
} vectors[] = {
	{SSTP_HASH_SHA256, "2a1bb40d55ab0f5ef32f06f2b3cc73c48fd3fac41d7a1315a19228d9024ca164",
	 "412b489aebd7ecc7d08966f26be7cd72b231a0e9210d7c91b308862b0344c435",
	 "7993ef314c493dace9f02d60e7e61c84b6690aafe9d7aeea92cbbe8ad599422d",
	 "52a68efd8cffbf52770b8f0fe8ec73716583af6d611eb6d179b3b20840985449"},
	{SSTP_HASH_SHA1, "4b3128f43925d9006eefb1c4e86515a1d88e56bab3ca2bdf0373b7f5a8a13b19",
	 "0f1a2d58d4a3e3000fad3ce4906e07b707aa9e441cceac5cbd7b2cc1c9d86cdf",
	 "5826b629bda59b8e6fd8dcd2622fd34c534805a5", "69915dd583d8062fef16f61db2f03290ec27cb6c"},
	/* V1, V2: MS-CHAPv2 */
	{SSTP_HASH_SHA256, K2_HEX K3_HEX, NONCE_HEX, SHA256_HEX,
	 "7af428ccf5517121d7fddd68b8ea079d3f0f07616f14d92a5e128db33e914a2d"},
	{SSTP_HASH_SHA1, K2_HEX K3_HEX, NONCE_HEX, SHA1_HEX,
	 "78aea3d5aafc6949cb0179ba9c4e816b3591e640"},
	/* V3, V4: PAP */
	{SSTP_HASH_SHA256, ZERO_HEX, NONCE_HEX, SHA256_HEX,
	 "2046af730f98135de753c9da1c50e78e170717cb58f6f510765a711d9150775a"},
	{SSTP_HASH_SHA1, ZERO_HEX, NONCE_HEX, SHA1_HEX, "d3341fc0d913c97613bebb315e685cc3d2f7d5e3"},
	/* V5, V6: EAP-TLS over TLS 1.2 and 1.3; V7: the key that pppd before 2.5.0 makes of V5's */
	{SSTP_HASH_SHA256, "b2f6519f69dbc137a84ceaa212e3b31a8153bae80a01ac4f4657100e83db56b4",
	 NONCE_HEX, SHA256_HEX, "37ccb4729add9e94957c01d09ba98f04407f7a3d1259426e2be49f7a61bdcaca"},
	{SSTP_HASH_SHA256, "2679089826d910b8e42f67bc8dc5f3be575a16f46f893975a9068772a6c3e3b4",
	 NONCE_HEX, SHA256_HEX, "4d70e642863032065b2a5548ab4d51594cc4970afb1a09058df0631d092c9a2f"},
	{SSTP_HASH_SHA256, "b2f6519f69dbc137a84ceaa212e3b31af913fac91fbc0b8b92a7ab3d4d6a9d73",
	 NONCE_HEX, SHA256_HEX, "4a29679436401877372182dc034c2dbba3196daa8e06dd74d94eff40bd135470"},
	/* N1: the halves of V1's key the wrong way round */
	{SSTP_HASH_SHA256, K3_HEX K2_HEX, NONCE_HEX, SHA256_HEX,
	 "761e3a3ec2b91ffa7446be40d43668b0e62194e10c3f9feebf57edd10ed16d35"},
};

enum {
	VECTORS = sizeof(vectors) / sizeof(*vectors),
	V1 = 2,
	V2 = 3,
	N1 = VECTORS - 1,
};

/* A vector's values as bytes, its message, and the terms a server would check it against. */
struct bench {
	uint8_t hlak[SSTP_HLAK_SIZE];
	uint8_t nonce[SSTP_NONCE_SIZE];
	uint8_t cert_sha1[SSTP_SHA1_SIZE];
	uint8_t cert_sha256[SSTP_SHA256_SIZE];
	uint8_t mac[SSTP_SHA256_SIZE];
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct binding_terms terms;
};

static void set_up(struct bench *b, const struct vector *v)
{
	bool is_sha1 = v->hash == SSTP_HASH_SHA1;

	memset(b, 0, sizeof(*b));
	hex_decode(v->hlak, b->hlak, sizeof(b->hlak));
	hex_decode(v->nonce, b->nonce, sizeof(b->nonce));
	hex_decode(v->mac, b->mac, sizeof(b->mac));
	hex_decode(is_sha1 ? v->cert_hash : SHA1_HEX, b->cert_sha1, sizeof(b->cert_sha1));
	hex_decode(is_sha1 ? SHA256_HEX : v->cert_hash, b->cert_sha256, sizeof(b->cert_sha256));
	hex_decode(is_sha1 ? SHA1_HEAD : SHA256_HEAD, b->msg, 16);
	hex_decode(v->nonce, b->msg + 16, 32);
	hex_decode(v->cert_hash, b->msg + 48, 32);
	memcpy(b->msg + 80, b->mac, 32);
	b->terms = (struct binding_terms){
		.hashes = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
		.nonce = b->nonce,
		.cert_sha1 = b->cert_sha1,
		.cert_sha256 = b->cert_sha256,
	};
}

static int verify(const struct bench *b)
{
	return binding_verify(&b->terms, b->hlak, b->msg);
}

static void mac_of_every_vector_reproduces(void **state)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct bench b;
		uint8_t mac[SSTP_SHA256_SIZE];

		set_up(&b, &vectors[i]);
		assert_int_equal(binding_mac(vectors[i].hash, b.hlak, b.msg, mac), 0);
		assert_memory_equal(mac, b.mac, sizeof(mac));
	}
}

static void mac_does_not_cover_its_own_field(void **state)
{
	struct bench b;
	uint8_t mac[SSTP_SHA256_SIZE];

	set_up(&b, &vectors[V1]);
	memset(b.msg + 80, 0xff, 32);
	assert_int_equal(binding_mac(SSTP_HASH_SHA256, b.hlak, b.msg, mac), 0);
	assert_memory_equal(mac, b.mac, sizeof(mac));
}

static void mac_of_an_unknown_hash_is_refused_and_nothing_written(void **state)
{
	struct bench b;
	uint8_t mac[SSTP_SHA256_SIZE] = {0x5a};

	set_up(&b, &vectors[V1]);
	assert_int_equal(binding_mac(0, b.hlak, b.msg, mac), -EINVAL);
	assert_int_equal(binding_mac(3, b.hlak, b.msg, mac), -EINVAL);
	assert_int_equal(mac[0], 0x5a);
}

static void sealed_message_is_the_vectors(void **state)
{
	for (size_t i = 0; i < VECTORS; i++) {
		uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
		struct bench b;

		set_up(&b, &vectors[i]);
		b.terms.hashes = (uint8_t)vectors[i].hash;
		assert_int_equal(binding_seal(&b.terms, b.hlak, msg), 0);
		assert_memory_equal(msg, b.msg, sizeof(msg));
	}
}

static void sealed_messages_of_the_specification_are_exact(void **state)
{
	static const char *const hex[] = {
		"10010070000400010003006800000002412b489aebd7ecc7d08966f26be7cd72b231a0e9210d7c91"
		"b308862b0344c4357993ef314c493dace9f02d60e7e61c84b6690aafe9d7aeea92cbbe8ad599422d"
		"52a68efd8cffbf52770b8f0fe8ec73716583af6d611eb6d179b3b20840985449",
		"100100700004000100030068000000010f1a2d58d4a3e3000fad3ce4906e07b707aa9e441cceac5c"
		"bd7b2cc1c9d86cdf5826b629bda59b8e6fd8dcd2622fd34c534805a5" PAD_HEX
		"69915dd583d8062fef16f61db2f03290ec27cb6c" PAD_HEX,
	};

	for (size_t i = 0; i < 2; i++) {
		uint8_t expected[SSTP_CALL_CONNECTED_SIZE];
		uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
		struct bench b;

		set_up(&b, &vectors[i]);
		b.terms.hashes = (uint8_t)vectors[i].hash;
		assert_int_equal(hex_decode(hex[i], expected, sizeof(expected)), sizeof(expected));
		assert_int_equal(binding_seal(&b.terms, b.hlak, msg), 0);
		assert_memory_equal(msg, expected, sizeof(msg));
	}
}

static void sealing_takes_the_strongest_hash_allowed(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct bench b;

	set_up(&b, &vectors[V1]);
	assert_int_equal(binding_seal(&b.terms, b.hlak, msg), 0);
	assert_int_equal(msg[15], SSTP_HASH_SHA256);
	b.terms.hashes = SSTP_HASH_SHA1;
	assert_int_equal(binding_seal(&b.terms, b.hlak, msg), 0);
	assert_int_equal(msg[15], SSTP_HASH_SHA1);
}

static void every_vector_verifies_with_its_own_key(void **state)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct bench b;

		set_up(&b, &vectors[i]);
		assert_int_equal(verify(&b), 0);
	}
}

static void key_with_its_halves_swapped_is_refused(void **state)
{
	struct bench b;
	struct bench swapped;

	set_up(&b, &vectors[V1]);
	set_up(&swapped, &vectors[N1]);
	memcpy(b.msg, swapped.msg, sizeof(b.msg));
	assert_int_equal(verify(&b), -EPROTO);
}

static void key_of_an_old_pppd_is_refused(void **state)
{
	struct bench b;
	struct bench old;

	set_up(&b, &vectors[N1 - 3]);
	set_up(&old, &vectors[N1 - 1]);
	memcpy(b.msg, old.msg, sizeof(b.msg));
	assert_int_equal(verify(&b), -EPROTO);
}

/* Bytes 0..79 are under the MAC, reserved bits too; 80..111 are the MAC. */
static void no_bit_of_a_sha256_message_can_be_flipped(void **state)
{
	struct bench b;

	set_up(&b, &vectors[V1]);
	for (unsigned bit = 0; bit < 8 * sizeof(b.msg); bit++) {
		b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(&b), -EPROTO);
		b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(verify(&b), 0);
}

static void only_the_padding_behind_a_sha1_mac_is_not_looked_at(void **state)
{
	struct bench b;

	set_up(&b, &vectors[V2]);
	for (unsigned bit = 0; bit < 8 * sizeof(b.msg); bit++) {
		b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verify(&b), bit < 8 * 100 ? -EPROTO : 0);
		b.msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The MAC is right in each, so that the hash value alone decides. */
static void hash_value_is_an_enumeration_and_no_mask(void **state)
{
	for (unsigned hash = 0; hash <= UINT8_MAX; hash++) {
		struct bench b;
		bool is_sha1 = hash == SSTP_HASH_SHA1;

		set_up(&b, &vectors[is_sha1 ? V2 : V1]);
		b.msg[15] = (uint8_t)hash;
		assert_int_equal(binding_mac(is_sha1 ? SSTP_HASH_SHA1 : SSTP_HASH_SHA256, b.hlak,
					     b.msg, b.msg + 80),
				 0);
		assert_int_equal(verify(&b), hash == 1 || hash == 2 ? 0 : -EPROTO);
	}
}

static void hash_that_was_not_offered_is_refused(void **state)
{
	struct bench b;

	set_up(&b, &vectors[V1]);
	b.terms.hashes = SSTP_HASH_SHA1;
	assert_int_equal(verify(&b), -EPROTO);
	set_up(&b, &vectors[V2]);
	b.terms.hashes = SSTP_HASH_SHA256;
	assert_int_equal(verify(&b), -EPROTO);
}

/* As above, with a MAC that is right for the message as it is. */
static void nonce_and_certificate_count_even_under_a_right_mac(void **state)
{
	static const unsigned offsets[] = {16, 47, 48, 79};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct bench b;

		set_up(&b, &vectors[V1]);
		b.msg[offsets[i]] ^= 0x80;
		assert_int_equal(binding_mac(SSTP_HASH_SHA256, b.hlak, b.msg, b.msg + 80), 0);
		assert_int_equal(verify(&b), -EPROTO);
	}
}

static void certificate_hash_of_the_other_algorithm_is_refused(void **state)
{
	struct bench b;

	set_up(&b, &vectors[V2]);
	memcpy(b.msg + 48, b.cert_sha256, 32);
	assert_int_equal(binding_mac(SSTP_HASH_SHA1, b.hlak, b.msg, b.msg + 80), 0);
	assert_int_equal(verify(&b), -EPROTO);
}

static void reserved_bits_received_stay_under_the_mac(void **state)
{
	struct bench b;

	set_up(&b, &vectors[V1]);
	b.msg[1] |= 0xfe;
	b.msg[2] |= 0xf0;
	b.msg[8] = 0xff;
	b.msg[10] |= 0xf0;
	b.msg[12] = 0xff;
	assert_int_equal(verify(&b), -EPROTO);
	assert_int_equal(binding_mac(SSTP_HASH_SHA256, b.hlak, b.msg, b.msg + 80), 0);
	assert_int_equal(verify(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_of_every_vector_reproduces),
		cmocka_unit_test(mac_does_not_cover_its_own_field),
		cmocka_unit_test(mac_of_an_unknown_hash_is_refused_and_nothing_written),
		cmocka_unit_test(sealed_message_is_the_vectors),
		cmocka_unit_test(sealed_messages_of_the_specification_are_exact),
		cmocka_unit_test(sealing_takes_the_strongest_hash_allowed),
		cmocka_unit_test(every_vector_verifies_with_its_own_key),
		cmocka_unit_test(key_with_its_halves_swapped_is_refused),
		cmocka_unit_test(key_of_an_old_pppd_is_refused),
		cmocka_unit_test(no_bit_of_a_sha256_message_can_be_flipped),
		cmocka_unit_test(only_the_padding_behind_a_sha1_mac_is_not_looked_at),
		cmocka_unit_test(hash_value_is_an_enumeration_and_no_mask),
		cmocka_unit_test(hash_that_was_not_offered_is_refused),
		cmocka_unit_test(nonce_and_certificate_count_even_under_a_right_mac),
		cmocka_unit_test(certificate_hash_of_the_other_algorithm_is_refused),
		cmocka_unit_test(reserved_bits_received_stay_under_the_mac),
	};

	return cmocka_run_group_tests_name("proto/binding", tests, NULL, NULL);
}
