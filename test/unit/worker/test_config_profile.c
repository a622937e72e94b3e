/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile gives, and what wins over it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/worker/config.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"

enum {
	ARGS_MAX = 16
};

static const char *profile_file, *password_file;

static int write_files(void **state)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *leaf = testcert_new(&(struct testcert_spec){
		.common_name = "shop", .eku = "clientAuth", .issuer = root});
	struct profile p = profile_file_new(root, leaf);
	FILE *f;

	profile_file = testcert_path("p.yaml");
	password_file = testcert_path("password");
	assert_int_equal(profile_file_save(&p, profile_file, false, NULL), 0);
	f = fopen(password_file, "w");
	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fputs("wonderland\n", f);
	fclose(f);
	profile_done(&p);
	testcert_free(leaf);
	testcert_free(root);
	return 0;
}

static int parse(const char *const *words, struct worker_config **config, struct conf_error *error)
{
	char *argv[ARGS_MAX + 2] = {(char *)"sstp-worker"};
	int argc = 1, code = 0;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	return worker_config_parse(argc, argv, config, error, &code);
}

static struct worker_config *take(const char *const *words)
{
	struct worker_config *config = NULL;
	struct conf_error error = {""};

	if (parse(words, &config, &error) != 0)
		fail_msg("%s", error.text);
	return config;
}

#define TAKE(...) take((const char *const[]){__VA_ARGS__, NULL})

static void profile_is_all_that_is_needed(void **state)
{
	struct worker_config *c = TAKE("--profile", profile_file, "--", "app");
	char text[PREFIX_TEXT_MAX];

	assert_string_equal(c->profile_path, profile_file);
	assert_string_equal(c->gateway_host, "vpn.example.com");
	assert_int_equal(c->gateway_port, 444);
	assert_null(c->user);
	assert_int_equal(c->password.len, 0);
	assert_null(c->ca);
	assert_string_equal(c->vnet_name, "lab");
	assert_int_equal(c->n_routes, 1);
	assert_string_equal(prefix_format(&c->routes[0], text), "10.20.0.0/16");
	assert_int_equal(c->profile.enrolment.description.n_dns, 2);
	worker_config_free(c);
}

static void command_line_wins_over_the_profile(void **state)
{
	struct worker_config *c =
		TAKE("-P", profile_file, "-g", "other", "-r", "10.9.0.0/16", "--vnet-name", "x",
		     "-u", "alice", "-p", password_file, "--", "app");
	char text[PREFIX_TEXT_MAX];

	assert_string_equal(c->gateway_host, "other");
	assert_int_equal(c->gateway_port, 443);
	assert_string_equal(c->vnet_name, "x");
	assert_int_equal(c->n_routes, 1);
	assert_string_equal(prefix_format(&c->routes[0], text), "10.9.0.0/16");
	assert_string_equal(c->user, "alice");
	assert_int_equal(c->password.len, 10);
	worker_config_free(c);
}

static void expect_error(const char *why, const char *const *words)
{
	struct worker_config *config = NULL;
	struct conf_error error = {""};

	assert_int_equal(parse(words, &config, &error), -EINVAL);
	if (!strstr(error.text, why))
		fail_msg("'%s' is not in '%s'", why, error.text);
}

#define EXPECT_ERROR(_why, ...) expect_error(_why, (const char *const[]){__VA_ARGS__, NULL})

static void what_is_wrong_with_a_profile_is_said(void **state)
{
	EXPECT_ERROR("--profile cannot be used: ", "--profile", testcert_path("none.yaml"), "app");
	EXPECT_ERROR("none.yaml", "--profile", testcert_path("none.yaml"), "app");
	EXPECT_ERROR("--profile cannot be used: a profile is a path", "--profile", "a b", "app");
	EXPECT_ERROR("no password-file is given", "--profile", profile_file, "-u", "alice", "app");
	EXPECT_ERROR("--profile must not be empty", "--profile", "", "app");
}

static void mschapv2_in_eap_is_allowed_unless_it_is_taken_off(void **state)
{
	struct worker_config *c = TAKE("-P", profile_file, "app");

	assert_true(c->eap_mschapv2);
	worker_config_free(c);
	c = TAKE("-P", profile_file, "--no-eap-mschapv2", "app");
	assert_false(c->eap_mschapv2);
	worker_config_free(c);
	c = TAKE("-P", profile_file, "--no-eap-mschapv2", "--eap-mschapv2", "app");
	assert_true(c->eap_mschapv2);
	worker_config_free(c);
}

static void what_is_printed_names_the_profile_and_no_password(void **state)
{
	struct worker_config *c = TAKE("-P", profile_file, "app");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	worker_config_print(f, c);
	fclose(f);
	assert_non_null(strstr(text, "profile: \""));
	assert_null(strstr(text, "password"));
	assert_null(strstr(text, "user"));
	assert_null(strstr(text, "PRIVATE"));
	free(text);
	worker_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_is_all_that_is_needed),
		cmocka_unit_test(command_line_wins_over_the_profile),
		cmocka_unit_test(what_is_wrong_with_a_profile_is_said),
		cmocka_unit_test(mschapv2_in_eap_is_allowed_unless_it_is_taken_off),
		cmocka_unit_test(what_is_printed_names_the_profile_and_no_password),
	};

	return cmocka_run_group_tests(tests, write_files, NULL);
}
