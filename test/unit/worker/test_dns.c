/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/worker/private_etc.h"

#define NAMED	   "/etc/netns/app1/resolv.conf"
#define FIRST_LINE "# by sstp-worker: the virtual network's DNS servers\n"
#define ONE_SERVER FIRST_LINE "nameserver 10.20.0.4\noptions timeout:3 attempts:2\n"
#define TWO_SERVERS \
	FIRST_LINE "nameserver 10.20.0.4\nnameserver 10.20.0.5\noptions timeout:3 attempts:1\n"

static struct dns *new_dns(const char *netns)
{
	struct dns *d = NULL;

	assert_int_equal(dns_new(netns, &d), 0);
	assert_non_null(d);
	return d;
}

static int set_servers(struct dns *d, const char *first, const char *second)
{
	struct dns_names names = {.n_servers = (size_t) !!first + !!second};

	if (first)
		assert_int_equal(prefix_parse(first, &names.servers[0]), 0);
	if (second)
		assert_int_equal(prefix_parse(second, &names.servers[1]), 0);
	return dns_set(d, &names);
}

static int exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void file_is_there_only_with_servers(void **state)
{
	struct dns *d = new_dns(NULL);

	assert_null(dns_path(d));
	assert_int_equal(set_servers(d, NULL, NULL), 0);
	assert_null(dns_path(d));
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_string_equal(read_text(dns_path(d)), ONE_SERVER);
	dns_free(d);
}

static void unnamed_one_lies_below_run_and_goes_at_the_end(void **state)
{
	struct dns *d = new_dns(NULL);
	char folder[64], path[96];

	snprintf(folder, sizeof(folder), "/run/sstp-worker/%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/resolv.conf", folder);
	assert_int_equal(set_servers(d, "10.20.0.4", "10.20.0.5"), 0);
	assert_string_equal(dns_path(d), path);
	assert_string_equal(read_text(path), TWO_SERVERS);
	dns_free(d);
	assert_false(exists(folder));
}

static void servers_of_both_families_and_domains_stand_in_their_order(void **state)
{
	static const char domains[][DESCRIPTION_DOMAIN_MAX] = {"corp.example.com", "example.com"};
	struct dns_names names = {.n_servers = 3, .domains = domains, .n_domains = 2};
	struct dns *d = new_dns(NULL);

	assert_int_equal(prefix_parse("10.20.0.4", &names.servers[0]), 0);
	assert_int_equal(prefix_parse("fd20::4", &names.servers[1]), 0);
	assert_int_equal(prefix_parse("192.0.2.53", &names.servers[2]), 0);
	assert_int_equal(dns_set(d, &names), 0);
	assert_string_equal(read_text(dns_path(d)), FIRST_LINE
			    "nameserver 10.20.0.4\nnameserver fd20::4\n"
			    "nameserver 192.0.2.53\nsearch corp.example.com example.com\n"
			    "options timeout:3 attempts:1\n");
	dns_free(d);
}

/* Seen by a reader that has the file open while it is written. */
static void shorter_text_leaves_nothing_of_the_longer_one(void **state)
{
	struct dns *d = new_dns(NULL);
	char text[256] = "";
	FILE *f;

	assert_int_equal(set_servers(d, "10.20.0.4", "10.20.0.5"), 0);
	f = fopen(dns_path(d), "re");
	assert_non_null(f);
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), strlen(ONE_SERVER));
	assert_string_equal(text, ONE_SERVER);
	fclose(f);
	dns_free(d);
}

static void named_one_lies_where_ip_netns_looks(void **state)
{
	struct dns *d = new_dns("app1");

	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_string_equal(dns_path(d), NAMED);
	assert_string_equal(read_text(NAMED), ONE_SERVER);
	dns_free(d);
	assert_false(exists("/etc/netns/app1"));
}

static void what_stood_there_comes_back(void **state)
{
	struct dns *d;

	mkdir("/etc/netns", 0755);
	mkdir("/etc/netns/app1", 0755);
	write_text(NAMED, "nameserver 192.0.2.53\n");
	d = new_dns("app1");
	assert_string_equal(read_text(NAMED), "nameserver 192.0.2.53\n");
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_string_equal(read_text(NAMED), ONE_SERVER);
	dns_free(d);
	assert_string_equal(read_text(NAMED), "nameserver 192.0.2.53\n");
}

static void without_servers_the_old_file_is_not_touched(void **state)
{
	struct dns *d = new_dns("app1");
	struct stat before, after;

	assert_int_equal(stat(NAMED, &before), 0);
	assert_int_equal(set_servers(d, NULL, NULL), 0);
	assert_null(dns_path(d));
	dns_free(d);
	assert_int_equal(stat(NAMED, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_int_equal(unlink(NAMED), 0);
}

/* A mount of the file sees the change only if it stays the same file. */
static void new_servers_are_written_in_place(void **state)
{
	struct dns *d = new_dns("app1");
	struct stat before, after;

	assert_int_equal(set_servers(d, "10.20.0.4", "10.20.0.5"), 0);
	assert_int_equal(stat(NAMED, &before), 0);
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_int_equal(stat(NAMED, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_string_equal(read_text(NAMED), ONE_SERVER);
	dns_free(d);
}

static void when_the_last_server_goes_the_operators_own_are_there_again(void **state)
{
	struct dns *d;

	write_text(NAMED, "nameserver 192.0.2.53\n");
	d = new_dns("app1");
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_int_equal(set_servers(d, NULL, NULL), 0);
	assert_string_equal(read_text(NAMED), FIRST_LINE "nameserver 192.0.2.53\n");
	assert_string_equal(dns_path(d), NAMED);
	dns_free(d);
	assert_string_equal(read_text(NAMED), "nameserver 192.0.2.53\n");
	assert_int_equal(unlink(NAMED), 0);
}

static void when_the_last_server_goes_the_hosts_are_there_again(void **state)
{
	struct dns *d = new_dns(NULL);

	write_text("/etc/resolv.conf", "nameserver 192.0.2.54\n");
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_int_equal(set_servers(d, NULL, NULL), 0);
	assert_string_equal(read_text(dns_path(d)), FIRST_LINE "nameserver 192.0.2.54\n");
	dns_free(d);
	assert_int_equal(unlink("/etc/resolv.conf"), 0);
}

/* An app that is started now sees servers that are told later. */
static void file_is_there_before_the_first_server_where_that_may_come(void **state)
{
	struct dns *d = new_dns(NULL);
	struct stat before, after;

	dns_keep(d);
	assert_int_equal(set_servers(d, NULL, NULL), 0);
	assert_string_equal(read_text(dns_path(d)), FIRST_LINE);
	assert_int_equal(stat(dns_path(d), &before), 0);
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), 0);
	assert_string_equal(read_text(dns_path(d)), ONE_SERVER);
	assert_int_equal(stat(dns_path(d), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	dns_free(d);
}

static void folder_of_somebody_else_stays(void **state)
{
	mkdir("/etc/netns/app1", 0755);
	write_text("/etc/netns/app1/hosts", "192.0.2.1 gw.test\n");
	dns_free(new_dns("app1"));
	assert_string_equal(read_text("/etc/netns/app1/hosts"), "192.0.2.1 gw.test\n");
}

static void what_cannot_be_written_has_its_error(void **state)
{
	struct dns *d = NULL;

	assert_int_equal(mount(NULL, "/etc", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(dns_new("app2", &d), -EROFS);
	assert_null(d);
	assert_int_equal(dns_new("app1", &d), 0);
	assert_int_equal(set_servers(d, "10.20.0.4", NULL), -EROFS);
	assert_null(dns_path(d));
	dns_free(d);
	assert_int_equal(mount(NULL, "/etc", NULL, MS_REMOUNT, NULL), 0);
}

/* A worker that was killed could not put anything back: its file is not what somebody else wants again. */
static void file_of_a_worker_that_was_killed_goes_too(void **state)
{
	struct dns *d;

	write_text(NAMED, ONE_SERVER);
	d = new_dns("app1");
	assert_int_equal(set_servers(d, "10.20.0.4", "10.20.0.5"), 0);
	assert_string_equal(read_text(NAMED), TWO_SERVERS);
	dns_free(d);
	assert_false(exists(NAMED));
}

static void nothing_is_freed_without_complaint(void **state)
{
	dns_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_there_only_with_servers),
		cmocka_unit_test(unnamed_one_lies_below_run_and_goes_at_the_end),
		cmocka_unit_test(servers_of_both_families_and_domains_stand_in_their_order),
		cmocka_unit_test(shorter_text_leaves_nothing_of_the_longer_one),
		cmocka_unit_test(named_one_lies_where_ip_netns_looks),
		cmocka_unit_test(what_stood_there_comes_back),
		cmocka_unit_test(without_servers_the_old_file_is_not_touched),
		cmocka_unit_test(new_servers_are_written_in_place),
		cmocka_unit_test(when_the_last_server_goes_the_operators_own_are_there_again),
		cmocka_unit_test(when_the_last_server_goes_the_hosts_are_there_again),
		cmocka_unit_test(file_is_there_before_the_first_server_where_that_may_come),
		cmocka_unit_test(folder_of_somebody_else_stays),
		cmocka_unit_test(what_cannot_be_written_has_its_error),
		cmocka_unit_test(file_of_a_worker_that_was_killed_goes_too),
		cmocka_unit_test(nothing_is_freed_without_complaint),
	};

	return cmocka_run_group_tests_name("worker/dns", tests, private_etc, NULL);
}
