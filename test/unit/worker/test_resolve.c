/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's resolver with files of our own: a hosts file that is a pipe holds a resolver's thread for as long as a
 * test wants.
 */
#include "sstp/worker/resolve.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/private_etc.h"
#include "tun/netns.h"

#define PATIENCE (10 * CLOCK_NS_PER_S) /* only a failing test waits that long */

struct answer {
	struct loop *loop;
	struct resolve *resolve;
	struct loop_timer *timer;
	bool free_in_callback;
	unsigned calls;
	int error;
	unsigned addresses;
	char first[INET6_ADDRSTRLEN];
	unsigned port;
};

static void note_address(struct answer *a, const struct addrinfo *one)
{
	const struct sockaddr_in *in = (const void *)one->ai_addr;
	const struct sockaddr_in6 *in6 = (const void *)one->ai_addr;
	bool is_4 = one->ai_family == AF_INET;

	inet_ntop(one->ai_family, is_4 ? (const void *)&in->sin_addr : &in6->sin6_addr, a->first,
		  sizeof(a->first));
	a->port = ntohs(is_4 ? in->sin_port : in6->sin6_port);
}

static void on_resolved(void *arg, int error, const struct addrinfo *list)
{
	struct answer *a = arg;

	a->calls++;
	a->error = error;
	if (!error)
		note_address(a, list);
	for (; !error && list; list = list->ai_next)
		a->addresses++;
	if (a->free_in_callback) {
		resolve_free(a->resolve);
		a->resolve = NULL;
	}
	loop_stop(a->loop);
}

static void on_time(void *arg)
{
	struct answer *a = arg;

	loop_stop(a->loop);
}

static void start(struct answer *a, const char *host)
{
	a->calls = a->addresses = 0;
	a->first[0] = '\0';
	a->resolve = resolve_start(a->loop, host, 4443, on_resolved, a);
	assert_non_null(a->resolve);
}

static void run_for(struct answer *a, uint64_t ns)
{
	loop_timer_set(a->timer, clock_now() + ns);
	assert_int_equal(loop_run(a->loop), 0);
}

static void resolve(struct answer *a, const char *host)
{
	start(a, host);
	run_for(a, PATIENCE);
	resolve_free(a->resolve);
	a->resolve = NULL;
	assert_int_equal(a->calls, 1);
}

static void expect_address(struct answer *a, const char *host, const char *address)
{
	resolve(a, host);
	assert_int_equal(a->error, 0);
	assert_string_equal(a->first, address);
	assert_int_equal(a->port, 4443);
	assert_int_equal(a->addresses, 1);
}

static void addresses_stand_for_themselves(void **state)
{
	expect_address(*state, "192.0.2.1", "192.0.2.1");
	expect_address(*state, "2001:db8::1", "2001:db8::1");
}

static void name_is_looked_up_as_everywhere_else(void **state)
{
	expect_address(*state, "gw.test", "192.0.2.7");
}

static void name_that_nobody_knows_fails(void **state)
{
	struct answer *a = *state;

	resolve(a, "nobody.test");
	assert_int_equal(a->error, EAI_NONAME);
	resolve(a, "not a name");
	assert_int_equal(a->error, EAI_NONAME);
}

static void text_is_copied(void **state)
{
	struct answer *a = *state;
	char host[] = "gw.test";

	start(a, host);
	memset(host, 'x', sizeof(host) - 1);
	run_for(a, PATIENCE);
	assert_int_equal(a->error, 0);
	assert_string_equal(a->first, "192.0.2.7");
	resolve_free(a->resolve);
}

static void may_be_freed_in_its_own_callback(void **state)
{
	struct answer *a = *state;

	a->free_in_callback = true;
	start(a, "gw.test");
	run_for(a, PATIENCE);
	assert_int_equal(a->calls, 1);
	assert_null(a->resolve);
	a->free_in_callback = false;
}

/* This program's own: ThreadSanitizer adds one. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define OWN_THREADS 2
#endif
#endif
#ifndef OWN_THREADS
#define OWN_THREADS 1
#endif

static unsigned threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

/* The hosts file becomes a pipe: whoever reads it waits. */
static void hold_resolvers(void)
{
	assert_int_equal(rename("/etc/hosts", "/etc/hosts.kept"), 0);
	assert_int_equal(mkfifo("/etc/hosts", 0644), 0);
}

/* Lets the one that waits read an empty file, and those to come the real one. */
static void release_resolver(void)
{
	int fd = open("/etc/hosts", O_WRONLY | O_CLOEXEC); /* until it has opened its end */

	assert_int_not_equal(fd, -1);
	assert_int_equal(rename("/etc/hosts.kept", "/etc/hosts"), 0);
	close(fd);
}

static void wait_until_no_resolver_runs(struct answer *a)
{
	uint64_t until = clock_now() + PATIENCE;

	while (threads() > OWN_THREADS && clock_now() < until)
		run_for(a, CLOCK_NS_PER_MS);
	assert_int_equal(threads(), OWN_THREADS);
}

static void loop_goes_on_meanwhile(void **state)
{
	struct answer *a = *state;

	hold_resolvers();
	start(a, "gw.test");
	run_for(a, 20 * CLOCK_NS_PER_MS);
	assert_int_equal(a->calls, 0);
	release_resolver();
	run_for(a, PATIENCE);
	assert_int_equal(a->calls, 1);
	assert_int_equal(a->error, EAI_NONAME); /* the file was empty */
	resolve_free(a->resolve);
	wait_until_no_resolver_runs(a);
}

static void freed_while_it_runs_it_calls_nobody(void **state)
{
	struct answer *a = *state;

	hold_resolvers();
	start(a, "gw.test");
	resolve_free(a->resolve);
	a->resolve = NULL;
	release_resolver();
	wait_until_no_resolver_runs(a);
	assert_int_equal(a->calls, 0);
}

static void nothing_is_freed_without_complaint(void **state)
{
	resolve_free(NULL);
}

static int set_up(void **state)
{
	static struct answer answer;
	int netns;

	if (private_etc(state) < 0)
		return -1;
	/* where only loopback has an address, whatever this machine has */
	netns = netns_create();
	if (netns < 0 || netns_enter(netns) < 0)
		return -1;
	close(netns);
	write_text("/etc/nsswitch.conf", "hosts: files\n");
	write_text("/etc/hosts", "192.0.2.7 gw.test\n");
	answer.loop = loop_new();
	answer.timer = loop_timer_new(answer.loop, on_time, &answer);
	*state = &answer;
	return answer.timer ? 0 : -1;
}

static int tear_down(void **state)
{
	struct answer *a = *state;

	loop_timer_free(a->timer);
	loop_free(a->loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_stand_for_themselves),
		cmocka_unit_test(name_is_looked_up_as_everywhere_else),
		cmocka_unit_test(name_that_nobody_knows_fails),
		cmocka_unit_test(text_is_copied),
		cmocka_unit_test(may_be_freed_in_its_own_callback),
		cmocka_unit_test(loop_goes_on_meanwhile),
		cmocka_unit_test(freed_while_it_runs_it_calls_nobody),
		cmocka_unit_test(nothing_is_freed_without_complaint),
	};

	return cmocka_run_group_tests_name("worker/resolve", tests, set_up, tear_down);
}
