/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker writes of itself, and what others see of it. */
#include "sstp/worker/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/worker/private_etc.h"

static struct prefix routes[2];
static struct prefix dns[2];
static const char domains[][DESCRIPTION_DOMAIN_MAX] = {"corp.example.com", "example.com"};

static struct status up(const char *name)
{
	prefix_parse("10.20.0.0/16", &routes[0]);
	prefix_parse("fd20::/48", &routes[1]);
	prefix_parse("10.20.0.4", &dns[0]);
	prefix_parse("fd20::4", &dns[1]);
	return (struct status){
		.name = name,
		.state = STATUS_UP,
		.since = 1700000000,
		.gateway = "vpn.example.com:443",
		.address = "172.16.77.2",
		.address6 = "fd77:0:0:5::1",
		.tun = "vnet0",
		.vnet = "lab",
		.app_name = "shop",
		.app = 4711,
		.routes = routes,
		.n_routes = 2,
		.dns = dns,
		.n_dns = 2,
		.domains = domains,
		.n_domains = 2,
	};
}

/* Owned */
static char *printed(const char *name, bool as_json, enum status_answer expected)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(status_print(f, name, as_json), expected);
	fclose(f);
	return text;
}

static void expect_printed(const char *name, enum status_answer answer, const char *expected)
{
	char *text = printed(name, false, answer);

	assert_string_equal(text, expected);
	free(text);
}

static void what_is_written_is_shown(void **state)
{
	struct status s = up("shop");

	assert_int_equal(status_write(&s), 0);
	expect_printed(NULL, STATUS_ALL_UP,
		       "shop: up since 2023-11-14T22:13:20Z\n"
		       "  gateway:      vpn.example.com:443\n"
		       "  VNet:         lab\n"
		       "  app:          shop\n"
		       "  address:      172.16.77.2\n"
		       "  IPv6 address: fd77:0:0:5::1\n"
		       "  device:       vnet0\n"
		       "  routes:       10.20.0.0/16, fd20::/48\n"
		       "  DNS servers:  10.20.0.4, fd20::4\n"
		       "  search:       corp.example.com, example.com\n");
	status_remove();
}

static void fault_is_shown_with_its_time_and_the_next_attempt(void **state)
{
	struct status s = {
		.name = "shop",
		.state = STATUS_DOWN,
		.since = 1700000000,
		.last_error = "the peer answers no echo request",
		.last_error_at = 1700000000,
		.retry_at = 1700000001,
	};

	assert_int_equal(status_write(&s), 0);
	expect_printed("shop", STATUS_NOT_UP,
		       "shop: down since 2023-11-14T22:13:20Z\n"
		       "  last error:   the peer answers no echo request\n"
		       "  at:           2023-11-14T22:13:20Z\n"
		       "  next attempt: 2023-11-14T22:13:21Z\n");
	status_remove();
}

static void json_has_all_of_it(void **state)
{
	struct status s = up("shop");
	json_error_t why;
	json_t *all, *o;
	char *text;

	assert_int_equal(status_write(&s), 0);
	text = printed("shop", true, STATUS_ALL_UP);
	all = json_loads(text, 0, &why);
	assert_int_equal(json_array_size(all), 1);
	o = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(o, "state")), "up");
	assert_int_equal(json_integer_value(json_object_get(o, "pid")), getpid());
	assert_int_equal(json_integer_value(json_object_get(o, "appPid")), 4711);
	assert_int_equal(json_array_size(json_object_get(o, "routes")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "dnsServers"), 0)),
			    "10.20.0.4");
	assert_string_equal(json_string_value(json_object_get(o, "since")), "2023-11-14T22:13:20Z");
	json_decref(all);
	free(text);
	status_remove();
}

static void worker_is_named_by_its_profile_its_device_or_its_process(void **state)
{
	struct status s = up("shop");
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	assert_int_equal(status_write(&s), 0);
	free(printed("shop", false, STATUS_ALL_UP));
	free(printed("vnet0", false, STATUS_ALL_UP));
	free(printed(number, false, STATUS_ALL_UP));
	expect_printed("other", STATUS_NO_WORKER, "");
	status_remove();
	expect_printed(NULL, STATUS_NO_WORKER, "");
}

/* Runs f in a child that ends without a word; its id. */
static pid_t killed_after(void (*f)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		f();
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void write_own(void)
{
	struct status s = up("killed");

	status_write(&s);
}

static void file_of_a_worker_that_was_killed_is_not_believed_and_goes(void **state)
{
	struct status s = up("shop");
	char path[64];

	snprintf(path, sizeof(path), "/run/sstp-worker/%d/status.json",
		 (int)killed_after(write_own));
	assert_int_equal(access(path, F_OK), 0);
	expect_printed(NULL, STATUS_NO_WORKER, "");
	assert_int_equal(status_write(&s), 0);
	assert_int_equal(access(path, F_OK), -1);
	status_remove();
	assert_int_equal(access("/run/sstp-worker", F_OK), 0);
}

/* Its number is another process's by now: this one's, which began at another time. */
static void file_under_another_process_s_number_is_not_believed(void **state)
{
	char text[128], path[64];

	snprintf(path, sizeof(path), "/run/sstp-worker/%d", (int)getpid());
	mkdir("/run/sstp-worker", 0755);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "/run/sstp-worker/%d/status.json", (int)getpid());
	snprintf(text, sizeof(text), "{\"name\": \"shop\", \"state\": \"up\", \"started\": 1}");
	write_text(path, text);
	expect_printed(NULL, STATUS_NO_WORKER, "");
	write_text(path, "{\"name\"");
	expect_printed(NULL, STATUS_NO_WORKER, "");
	write_text(path, "[]");
	expect_printed(NULL, STATUS_NO_WORKER, "");
	status_remove();
}

static void one_is_found_with_what_its_app_would_get(void **state)
{
	struct status s = up("shop");
	json_t *o = NULL;

	assert_int_equal(status_find("shop", &o), -ENOENT);
	assert_null(o);
	s.netns = "/proc/4711/fd/7";
	s.environment[1] = (struct app_variable){"WEBSITE_VNETNAME", "lab"};
	assert_int_equal(status_write(&s), 0);
	assert_int_equal(status_find("shop", &o), 0);
	assert_string_equal(json_string_value(json_object_get(o, "netns")), "/proc/4711/fd/7");
	assert_null(json_object_get(o, "resolvConf"));
	assert_int_equal(json_object_size(json_object_get(o, "environment")), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "environment"),
							      "WEBSITE_VNETNAME")),
			    "lab");
	json_decref(o);
	status_remove();
}

static void states_have_names(void **state)
{
	assert_string_equal(status_state_name(STATUS_CONNECTING), "connecting");
	assert_string_equal(status_state_name(STATUS_DISCONNECTED), "disconnected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_shown),
		cmocka_unit_test(fault_is_shown_with_its_time_and_the_next_attempt),
		cmocka_unit_test(json_has_all_of_it),
		cmocka_unit_test(worker_is_named_by_its_profile_its_device_or_its_process),
		cmocka_unit_test(file_of_a_worker_that_was_killed_is_not_believed_and_goes),
		cmocka_unit_test(file_under_another_process_s_number_is_not_believed),
		cmocka_unit_test(one_is_found_with_what_its_app_would_get),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests_name("worker/status", tests, private_etc, NULL);
}
