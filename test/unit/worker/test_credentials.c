/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "certs/key.h"
#include "sstp/ppp/link.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"

static struct testcert *root, *leaf, *nameless;
static char host[] = "vpn.example.com", user[] = "alice";

static int make_certificates(void **state)
{
	root = testcert_new(&(struct testcert_spec){.is_ca = true});
	leaf = testcert_new(&(struct testcert_spec){
		.common_name = "shop", .eku = "clientAuth", .issuer = root});
	nameless = testcert_new(
		&(struct testcert_spec){.common_name = "*", .eku = "clientAuth", .issuer = root});
	return 0;
}

static int free_certificates(void **state)
{
	testcert_free(nameless);
	testcert_free(leaf);
	testcert_free(root);
	return 0;
}

static void certificate_alone_speaks_eap_tls_in_its_own_name(void **state)
{
	struct worker_config config = {.gateway_host = host,
				       .pap = true,
				       .eap_mschapv2 = true,
				       .profile = profile_file_new(root, leaf)};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX];

	assert_int_equal(credentials_new(&config, &config.profile, &c, error), 0);
	assert_non_null(c.tls);
	assert_non_null(c.eap_tls);
	assert_string_equal(c.name, "shop");
	assert_int_equal(c.auth, LINK_AUTH_EAP_TLS);
	credentials_done(&c);
	assert_null(c.tls);
	profile_done(&config.profile);
}

static void user_alone_is_asked_by_what_is_allowed(void **state)
{
	struct worker_config config = {.gateway_host = host, .user = user};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX];

	assert_int_equal(credentials_new(&config, &config.profile, &c, error), 0);
	assert_null(c.eap_tls);
	assert_string_equal(c.name, "alice");
	assert_int_equal(c.auth, LINK_AUTH_MSCHAPV2);
	credentials_done(&c);
	config.pap = config.eap_mschapv2 = true;
	assert_int_equal(credentials_new(&config, &config.profile, &c, error), 0);
	assert_int_equal(c.auth, LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP | LINK_AUTH_EAP_MSCHAPV2);
	credentials_done(&c);
}

static void user_beside_a_profile_comes_in_by_password_and_the_certificate_stays_away(void **state)
{
	struct worker_config config = {
		.gateway_host = host, .user = user, .profile = profile_file_new(root, leaf)};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX];

	assert_int_equal(credentials_new(&config, &config.profile, &c, error), 0);
	assert_string_equal(c.name, "alice");
	assert_int_equal(c.auth, LINK_AUTH_MSCHAPV2);
	assert_null(c.eap_tls);
	credentials_done(&c);
	profile_done(&config.profile);
}

/* What it verifies is another thing: here, that it is asked at all. */
static void ca_that_is_given_counts_more_than_the_profile_s_roots(void **state)
{
	char missing[] = "/nowhere/ca.pem";
	struct worker_config config = {
		.gateway_host = host, .ca = missing, .profile = profile_file_new(root, leaf)};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX] = "";

	assert_true(credentials_new(&config, &config.profile, &c, error) < 0);
	assert_non_null(strstr(error, missing));
	assert_null(c.tls);
	profile_done(&config.profile);
}

static void certificate_without_a_name_is_refused(void **state)
{
	struct worker_config config = {.gateway_host = host,
				       .profile = profile_file_new(root, nameless)};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX];

	assert_int_equal(credentials_new(&config, &config.profile, &c, error), -EINVAL);
	assert_string_equal(error, "the profile's certificate has no usable name");
	assert_null(c.tls);
	profile_done(&config.profile);
}

static void key_that_does_not_fit_is_refused(void **state)
{
	struct worker_config config = {.gateway_host = host,
				       .profile = profile_file_new(root, leaf)};
	struct credentials c = {0};
	char error[TLS_ERROR_MAX] = "";

	key_pem_free(config.profile.enrolment.key_pem);
	config.profile.enrolment.key_pem = testcert_key_pem(nameless);
	assert_int_equal(credentials_new(&config, &config.profile, &c, error), -EINVAL);
	assert_string_not_equal(error, "");
	assert_null(c.tls);
	profile_done(&config.profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_alone_speaks_eap_tls_in_its_own_name),
		cmocka_unit_test(user_alone_is_asked_by_what_is_allowed),
		cmocka_unit_test(
			user_beside_a_profile_comes_in_by_password_and_the_certificate_stays_away),
		cmocka_unit_test(ca_that_is_given_counts_more_than_the_profile_s_roots),
		cmocka_unit_test(certificate_without_a_name_is_refused),
		cmocka_unit_test(key_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
