/* SPDX-License-Identifier: Apache-2.0 */
/* Which servers the client refuses, and with what words. */
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/net/rig.h"

/* Connects to a server with this certificate (taken); returns what the client was told when it was refused. */
static const char *refusal(struct rig *rig, struct testcert *cert, const char *name)
{
	rig_present(rig, cert);
	rig_connect(rig, name);
	rig_run(rig, rig_both_ended);
	testcert_free(cert);
	assert_int_equal(rig->client.opened, 0);
	assert_int_equal(rig->server.opened, 0);
	assert_int_equal(rig->client.why, STREAM_END_CERTIFICATE);
	assert_int_equal(rig->server.why, STREAM_END_TLS);
	return rig->client.text;
}

static struct testcert *from_root(struct testcert_spec spec)
{
	spec.issuer = rig_root();
	spec.common_name = "gateway.test";
	return testcert_new(&spec);
}

static void assert_begins(const char *text, const char *beginning)
{
	char head[512];

	snprintf(head, sizeof(head), "%.*s", (int)strlen(beginning), text);
	assert_string_equal(head, beginning);
}

static void wrong_name_is_refused_and_the_right_ones_named(void **state)
{
	const char *text =
		refusal(*state,
			from_root((struct testcert_spec){.san = "DNS:other.test,DNS:third.test",
							 .eku = "serverAuth"}),
			"gateway.test");

	assert_string_equal(text,
			    "hostname mismatch: certificate is for DNS:other.test, DNS:third.test");
}

static void wrong_address_is_refused_and_the_right_one_named(void **state)
{
	const char *text = refusal(
		*state,
		from_root((struct testcert_spec){.san = "IP:127.0.0.2", .eku = "serverAuth"}),
		"127.0.0.1");

	assert_string_equal(text, "IP address mismatch: certificate is for IP Address:127.0.0.2");
}

static void common_name_alone_is_no_name(void **state)
{
	const char *text = refusal(*state, from_root((struct testcert_spec){.eku = "serverAuth"}),
				   "gateway.test");

	assert_string_equal(text, "hostname mismatch: certificate is for no name (it has no "
				  "subject alternative name)");
}

static void expired_is_refused(void **state)
{
	const char *text = refusal(*state,
				   from_root((struct testcert_spec){.san = "DNS:gateway.test",
								    .eku = "serverAuth",
								    .not_before_s = -7200,
								    .not_after_s = -3600}),
				   "gateway.test");

	assert_begins(text, "certificate has expired, it was valid until ");
	assert_non_null(strstr(text, "GMT: CN=gateway.test"));
}

static void not_yet_valid_is_refused(void **state)
{
	const char *text = refusal(*state,
				   from_root((struct testcert_spec){.san = "DNS:gateway.test",
								    .eku = "serverAuth",
								    .not_before_s = 3600,
								    .not_after_s = 7200}),
				   "gateway.test");

	assert_begins(text, "certificate is not yet valid, it begins on ");
	assert_non_null(strstr(text, "GMT: CN=gateway.test"));
}

static void unknown_root_is_refused(void **state)
{
	struct testcert *stranger =
		testcert_new(&(struct testcert_spec){.common_name = "stranger", .is_ca = true});
	struct testcert_spec spec = {.common_name = "gateway.test",
				     .san = "DNS:gateway.test",
				     .eku = "serverAuth",
				     .issuer = stranger};
	const char *text = refusal(*state, testcert_new(&spec), "gateway.test");

	assert_string_equal(text, "certificate is not trusted: no known root issued "
				  "CN=gateway.test (issuer CN=stranger)");
	testcert_free(stranger);
}

static void self_signed_is_refused(void **state)
{
	struct testcert_spec spec = {.common_name = "gateway.test", .san = "DNS:gateway.test"};
	const char *text = refusal(*state, testcert_new(&spec), "gateway.test");

	assert_string_equal(text, "certificate is not trusted: CN=gateway.test is self-signed and "
				  "not a known root");
}

static void extended_key_usage_without_server_auth_is_refused(void **state)
{
	const char *text = refusal(
		*state,
		from_root((struct testcert_spec){.san = "DNS:gateway.test", .eku = "clientAuth"}),
		"gateway.test");

	assert_string_equal(text,
			    "certificate is not for a server (no serverAuth): CN=gateway.test");
}

static void issuer_that_is_no_authority_is_refused(void **state)
{
	struct testcert *leaf = from_root((struct testcert_spec){.san = "DNS:gateway.test"});
	struct testcert_spec spec = {.common_name = "gateway.test",
				     .san = "DNS:gateway.test",
				     .eku = "serverAuth",
				     .issuer = leaf};
	const char *text = refusal(*state, testcert_new(&spec), "gateway.test");

	assert_begins(text, "certificate refused: invalid CA certificate");
	testcert_free(leaf);
}

static void names_cannot_bring_control_characters_into_the_text(void **state)
{
	struct testcert_spec spec = {.common_name = "a\nlogin ok\x1b[2J",
				     .san = "DNS:gateway.test"};
	const char *text = refusal(*state, testcert_new(&spec), "gateway.test");

	for (const char *p = text; *p; p++)
		assert_in_range(*p, 0x20, 0x7e);
	assert_null(strchr(text, '\n'));
}

static void the_refused_server_is_told_why(void **state)
{
	struct rig *rig = *state;

	refusal(rig,
		from_root((struct testcert_spec){.san = "DNS:gateway.test",
						 .eku = "serverAuth",
						 .not_before_s = -7200,
						 .not_after_s = -3600}),
		"gateway.test");
	assert_string_equal(rig->server.text,
			    "the peer refused TLS: alert \"certificate expired\"");
}

/* The client opens with a server of this certificate (taken). */
static void accepts(struct rig *rig, struct testcert *cert, const char *name)
{
	rig_present(rig, cert);
	rig_connect(rig, name);
	rig_run(rig, rig_both_open);
	testcert_free(cert);
	assert_int_equal(rig->client.ended, 0);
}

static void any_extended_key_usage_is_accepted(void **state)
{
	accepts(*state,
		from_root((struct testcert_spec){.san = "DNS:gateway.test",
						 .eku = "anyExtendedKeyUsage"}),
		"gateway.test");
}

static void no_extended_key_usage_restricts_nothing(void **state)
{
	accepts(*state, from_root((struct testcert_spec){.san = "DNS:gateway.test"}),
		"gateway.test");
}

static void any_extended_key_usage_does_not_cure_an_expired_certificate(void **state)
{
	const char *text = refusal(*state,
				   from_root((struct testcert_spec){.san = "DNS:gateway.test",
								    .eku = "anyExtendedKeyUsage",
								    .not_before_s = -7200,
								    .not_after_s = -3600}),
				   "gateway.test");

	assert_begins(text, "certificate has expired, it was valid until ");
}

static void address_as_name_is_accepted(void **state)
{
	accepts(*state,
		from_root((struct testcert_spec){.san = "IP:127.0.0.1", .eku = "serverAuth"}),
		"127.0.0.1");
}

static void chain_through_an_intermediate_is_accepted(void **state)
{
	struct testcert *middle = testcert_new(&(struct testcert_spec){
		.common_name = "intermediate", .is_ca = true, .issuer = rig_root()});
	struct testcert_spec spec = {
		.san = "DNS:gateway.test", .eku = "serverAuth", .issuer = middle};

	accepts(*state, testcert_new(&spec), "gateway.test");
	testcert_free(middle);
}

static void rsa_certificate_is_accepted(void **state)
{
	accepts(*state,
		from_root((struct testcert_spec){
			.san = "DNS:gateway.test", .eku = "serverAuth", .key = TESTCERT_RSA}),
		"gateway.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_rig(wrong_name_is_refused_and_the_right_ones_named),
		on_rig(wrong_address_is_refused_and_the_right_one_named),
		on_rig(common_name_alone_is_no_name),
		on_rig(expired_is_refused),
		on_rig(not_yet_valid_is_refused),
		on_rig(unknown_root_is_refused),
		on_rig(self_signed_is_refused),
		on_rig(extended_key_usage_without_server_auth_is_refused),
		on_rig(issuer_that_is_no_authority_is_refused),
		on_rig(names_cannot_bring_control_characters_into_the_text),
		on_rig(the_refused_server_is_told_why),
		on_rig(any_extended_key_usage_is_accepted),
		on_rig(no_extended_key_usage_restricts_nothing),
		on_rig(any_extended_key_usage_does_not_cure_an_expired_certificate),
		on_rig(address_as_name_is_accepted),
		on_rig(chain_through_an_intermediate_is_accepted),
		on_rig(rsa_certificate_is_accepted),
	};

	return cmocka_run_group_tests_name("net/certificate", tests, NULL, NULL);
}
