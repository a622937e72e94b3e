/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/key.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"

enum {
	DAY = 86400
};

static struct testcert *root, *leaf;

static int make_certificates(void **state)
{
	root = testcert_new(&(struct testcert_spec){.common_name = "the root", .is_ca = true});
	leaf = testcert_new(&(struct testcert_spec){.common_name = "shop",
						    .eku = "clientAuth",
						    .not_after_s = 400L * DAY,
						    .issuer = root});
	return 0;
}

static int free_certificates(void **state)
{
	testcert_free(leaf);
	testcert_free(root);
	return 0;
}

static struct profile profile_of(const struct testcert *cert, const struct testcert *key)
{
	struct profile p = profile_file_new(root, cert);

	key_pem_free(p.enrolment.key_pem);
	p.enrolment.key_pem = testcert_key_pem(key);
	return p;
}

static const char *save(const char *name)
{
	struct profile p = profile_of(leaf, leaf);
	const char *path = testcert_path(name);

	assert_int_equal(profile_file_save(&p, path, false, NULL), 0);
	profile_done(&p);
	return path;
}

static void what_is_saved_loads_the_same(void **state)
{
	const char *path = save("same.yaml");
	struct profile a = profile_of(leaf, leaf), b = {.enrolled = 0};
	struct certs_error e;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	if (profile_load(path, &b, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(b.gateway, a.gateway);
	assert_int_equal(b.enrolled, a.enrolled);
	assert_string_equal(b.enrolment.description.vnet, "lab");
	assert_string_equal(b.enrolment.description.app, "shop");
	assert_string_equal(b.enrolment.description.digest, "5f0c");
	assert_int_equal(b.enrolment.description.n_routes, 1);
	assert_true(prefix_equal(&b.enrolment.description.routes[0],
				 &a.enrolment.description.routes[0]));
	assert_int_equal(b.enrolment.description.n_dns, 2);
	assert_memory_equal(b.enrolment.description.dns, a.enrolment.description.dns,
			    sizeof(a.enrolment.description.dns));
	assert_int_equal(b.enrolment.description.n_domains, 1);
	assert_string_equal(b.enrolment.description.domains[0], "corp.example.com");
	assert_int_equal(b.enrolment.description.n_pools, 1);
	assert_true(
		prefix_equal(&b.enrolment.description.pools[0], &a.enrolment.description.pools[0]));
	assert_string_equal(b.enrolment.roots_pem, a.enrolment.roots_pem);
	assert_string_equal(b.enrolment.cert_pem, a.enrolment.cert_pem);
	assert_string_equal(b.enrolment.key_pem, a.enrolment.key_pem);
	profile_done(&a);
	profile_done(&b);
}

static void what_is_there_is_replaced_only_when_asked(void **state)
{
	struct profile p = profile_of(leaf, leaf);
	const char *path = save("there.yaml");
	struct certs_error e;
	struct profile got = {.enrolled = 0};
	struct draft *d;

	p.enrolled++;
	assert_int_equal(profile_prepare(path, false, &d, &e), -EEXIST);
	assert_non_null(strstr(e.text, "--force"));
	assert_int_equal(profile_file_save(&p, path, false, &e), -EEXIST);
	assert_int_equal(profile_load(path, &got, &e), 0);
	assert_int_equal(got.enrolled, p.enrolled - 1);
	profile_done(&got);
	assert_int_equal(profile_prepare(path, true, &d, &e), 0);
	draft_free(d);
	assert_int_equal(profile_file_save(&p, path, true, &e), 0);
	assert_int_equal(profile_load(path, &got, &e), 0);
	assert_int_equal(got.enrolled, p.enrolled);
	profile_done(&got);
	profile_done(&p);
}

static void folders_that_are_missing_are_made_for_us_alone(void **state)
{
	static const char *const folders[] = {"home/.config", "home/.config/sstp-gateway",
					      "home/.config/sstp-gateway/profiles"};
	struct certs_error e = {""};
	struct draft *d;
	struct stat st;

	assert_int_equal(mkdir(testcert_path("home"), 0755), 0);
	if (profile_prepare(testcert_path("home/.config/sstp-gateway/profiles/p.yaml"), false, &d,
			    &e) < 0)
		fail_msg("%s", e.text);
	draft_free(d);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		assert_int_equal(stat(testcert_path(folders[i]), &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
	}
}

static void folder_that_cannot_be_made_is_said_beforehand(void **state)
{
	struct certs_error e;
	struct draft *d;

	assert_int_equal(profile_prepare("/proc/no/such/p.yaml", false, &d, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/proc/no/such"));
}

static void file_that_others_can_read_is_refused(void **state)
{
	const char *path = save("exposed.yaml");
	struct profile p = {.enrolled = 0};
	struct certs_error e;

	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(profile_load(path, &p, &e), -EACCES);
	assert_non_null(strstr(e.text, "chmod 600"));
}

static void key_of_another_certificate_is_refused(void **state)
{
	struct profile p = profile_of(leaf, root), got = {.enrolled = 0};
	const char *path = testcert_path("mismatch.yaml");
	struct certs_error e;

	assert_int_equal(profile_file_save(&p, path, false, &e), 0);
	assert_int_equal(profile_load(path, &got, &e), -EINVAL);
	assert_non_null(strstr(e.text, "not the one of the certificate"));
	profile_done(&p);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fputs(text, f);
	fclose(f);
}

static void expect_refused(const char *text, const char *why)
{
	const char *path = testcert_path("refused.yaml");
	struct profile p = {.enrolled = 0};
	struct certs_error e = {""};

	write_text(path, text);
	assert_int_equal(profile_load(path, &p, &e), -EINVAL);
	if (!strstr(e.text, why))
		fail_msg("'%s' is not in '%s'", why, e.text);
}

#define REST "roots: x\ncertificate: x\nkey: x\n"

static void errors_name_file_line_and_key(void **state)
{
	expect_refused("gateway: a\n", "enrolled");
	expect_refused("gateway: a b\nenrolled: 2026-11-23T12:00:00Z\n" REST,
		       "refused.yaml:1: 'gateway'");
	expect_refused("gateway: a\nenrolled: today\n" REST, "refused.yaml:2: 'enrolled'");
	expect_refused("gateway: a\nvnet_name: a/b\nenrolled: 2026-11-23T12:00:00Z\n" REST,
		       "refused.yaml:2: 'vnet_name'");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\nroutes: [10.0.0.1/8]\n" REST,
		       "refused.yaml:3: 'routes'");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\n"
		       "routes: [10.0.0.0/8, 10.0.0.0/8]\n" REST,
		       "twice");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\ndns_servers: [x]\n" REST,
		       "refused.yaml:3: 'dns_servers'");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\npools: [x]\n" REST,
		       "refused.yaml:3: 'pools'");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\nsearch_domains: [a b]\n" REST,
		       "refused.yaml:3: 'search_domains'");
	expect_refused("gateway: a\nenrolled: 2026-11-23T12:00:00Z\n" REST,
		       "refused.yaml:3: 'roots'");
	expect_refused("gateway: a\nother: 1\n", "other");
}

static void missing_file_is_said(void **state)
{
	struct profile p = {.enrolled = 0};
	struct certs_error e;

	assert_int_equal(profile_load(testcert_path("missing.yaml"), &p, &e), -ENOENT);
	assert_non_null(strstr(e.text, "missing.yaml"));
}

static void name_without_a_slash_stands_in_the_folder_of_profiles(void **state)
{
	char path[PROFILE_PATH_MAX];
	struct certs_error e;
	const char *folder = "/etc/sstp-gateway/profiles/lab.yaml";

	if (geteuid() != 0) {
		setenv("XDG_CONFIG_HOME", "/home/x", 1);
		folder = "/home/x/sstp-gateway/profiles/lab.yaml";
	}
	assert_int_equal(profile_path("lab", path, &e), 0);
	assert_string_equal(path, folder);
	assert_int_equal(profile_path("lab.yaml", path, &e), 0);
	assert_string_equal(path, folder);
	assert_int_equal(profile_path("./lab", path, &e), 0);
	assert_string_equal(path, "./lab");
	assert_int_equal(profile_path("", path, &e), -EINVAL);
	assert_int_equal(profile_path("a b", path, &e), -EINVAL);
}

static void default_name_comes_from_the_gateway(void **state)
{
	char name[NAME_LABEL_MAX];

	assert_string_equal(profile_default_name("vpn.example.com", name), "vpn.example.com");
	assert_string_equal(profile_default_name("vpn.example.com:444", name),
			    "vpn.example.com-444");
	assert_string_equal(profile_default_name("[2001:db8::1]:444", name), "2001-db8--1--444");
	assert_true(name_is_label(name));
}

static void renewal_keeps_the_network_when_none_comes(void **state)
{
	struct profile p = profile_of(leaf, leaf), q = profile_of(leaf, leaf);
	struct enrolment renewed = q.enrolment;

	description_done(&renewed.description);
	profile_renew(&p, &renewed, 42);
	assert_int_equal(p.enrolled, 42);
	assert_string_equal(p.enrolment.description.vnet, "lab");
	assert_int_equal(p.enrolment.description.n_routes, 1);
	assert_null(renewed.key_pem);
	profile_done(&p);
	profile_done(&p);
}

static void renewal_takes_the_network_that_comes(void **state)
{
	struct profile p = profile_of(leaf, leaf), q = profile_of(leaf, leaf);

	strcpy(q.enrolment.description.vnet, "other");
	profile_renew(&p, &q.enrolment, 42);
	assert_string_equal(p.enrolment.description.vnet, "other");
	profile_done(&p);
}

static struct description other_network(const char *digest)
{
	struct description d = {.vnet = "lab", .app = "shop", .n_routes = 1};

	d.routes = calloc(1, sizeof(*d.routes));
	assert_int_equal(prefix_parse("10.30.0.0/16", &d.routes[0]), 0);
	strcpy(d.digest, digest);
	return d;
}

static void description_is_taken_over_when_it_is_news(void **state)
{
	const char *path = save("describe.yaml");
	struct description d = other_network("news");
	struct profile p = {.enrolled = 0};
	struct certs_error e;
	struct stat before, after;

	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(profile_describe(path, &d, &e), 0);
	description_done(&d);
	assert_int_equal(stat(path, &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode & 07777, 0600);
	assert_int_equal(profile_load(path, &p, &e), 0);
	assert_string_equal(p.enrolment.description.digest, "news");
	assert_int_equal(p.enrolment.description.n_dns, 0);
	assert_non_null(strstr(p.enrolment.key_pem, "PRIVATE KEY"));
	profile_done(&p);
	d = other_network("news");
	assert_int_equal(profile_describe(path, &d, &e), 0);
	description_done(&d);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void description_for_a_profile_that_is_not_there_is_refused(void **state)
{
	struct description d = other_network("news");
	struct certs_error e;

	assert_int_equal(profile_describe(testcert_path("nobody.yaml"), &d, &e), -ENOENT);
	description_done(&d);
}

/* Owned */
static char *printed(void (*print)(FILE *f, const struct profile *p, int64_t now), int64_t now)
{
	struct profile p = profile_of(leaf, leaf);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	print(f, &p, now);
	fclose(f);
	profile_done(&p);
	return text;
}

static void expect_status(int64_t now, const char *status)
{
	char *text = printed(profile_print, now), line[64];

	snprintf(line, sizeof(line), "status:      %s\n", status);
	if (!strstr(text, line))
		fail_msg("'%s' is not in:\n%s", line, text);
	free(text);
}

static void status_follows_the_clock(void **state)
{
	struct profile p = profile_of(leaf, leaf);
	struct cert_facts facts;

	assert_int_equal(profile_certificate(&p, &facts), 0);
	profile_done(&p);
	expect_status(facts.not_before - 1, "not yet valid");
	expect_status(facts.not_before, "valid");
	expect_status(facts.not_after - 150 * DAY, "near expiry");
	expect_status(facts.not_after, "near expiry");
	expect_status(facts.not_after + 1, "expired");
}

static void what_is_printed_holds_no_key(void **state)
{
	char *text = printed(profile_print, 0), *json = printed(profile_print_json, 0);
	const char *both[] = {text, json};

	for (size_t i = 0; i < 2; i++) {
		assert_null(strstr(both[i], "PRIVATE"));
		assert_non_null(strstr(both[i], "vpn.example.com:444"));
		assert_non_null(strstr(both[i], "10.20.0.0/16"));
		assert_non_null(strstr(both[i], "CN=shop"));
	}
	assert_non_null(strstr(json, "\"certThumbprint\": \""));
	free(text);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_loads_the_same),
		cmocka_unit_test(what_is_there_is_replaced_only_when_asked),
		cmocka_unit_test(folders_that_are_missing_are_made_for_us_alone),
		cmocka_unit_test(folder_that_cannot_be_made_is_said_beforehand),
		cmocka_unit_test(file_that_others_can_read_is_refused),
		cmocka_unit_test(key_of_another_certificate_is_refused),
		cmocka_unit_test(errors_name_file_line_and_key),
		cmocka_unit_test(missing_file_is_said),
		cmocka_unit_test(name_without_a_slash_stands_in_the_folder_of_profiles),
		cmocka_unit_test(default_name_comes_from_the_gateway),
		cmocka_unit_test(renewal_keeps_the_network_when_none_comes),
		cmocka_unit_test(renewal_takes_the_network_that_comes),
		cmocka_unit_test(description_is_taken_over_when_it_is_news),
		cmocka_unit_test(description_for_a_profile_that_is_not_there_is_refused),
		cmocka_unit_test(status_follows_the_clock),
		cmocka_unit_test(what_is_printed_holds_no_key),
	};

	return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
