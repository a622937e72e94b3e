/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name servers of this test, in threads of their own: what each says is its role. They are on ports of their own, which a
 * resolv.conf cannot name: the order of a file's servers is tested in test/netns/apptools.sh.
 */
#include "tools/common/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

enum {
	HEADER = 12,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	PACKET_MAX = 512,
};

enum role {
	ANSWERS,  /* 10.1.0.2 and fd20::2 */
	IS_ALIAS, /* of db.corp.test, which is 10.1.0.2 */
	HAS_NONE, /* no such name */
	CANNOT,	  /* SERVFAIL */
	REFUSES,  /* REFUSED */
	IS_SILENT,
};

struct name_server {
	enum role role;
	int fd;
	char text[LOOKUP_SERVER_MAX]; /* address and port */
	pthread_t thread;
	unsigned questions;
};

static size_t put16(uint8_t *p, size_t at, unsigned value)
{
	p[at] = (uint8_t)(value >> 8);
	p[at + 1] = (uint8_t)value;
	return at + 2;
}

/* The head of a record: its owner is a pointer to what stands at `owner`. */
static size_t put_record(uint8_t *p, size_t at, unsigned owner, unsigned type, unsigned len)
{
	at = put16(p, at, 0xc000 | owner);
	at = put16(p, at, type);
	at = put16(p, at, 1);
	at = put16(p, at, 0);
	at = put16(p, at, 60);
	return put16(p, at, len);
}

static size_t put_address(uint8_t *p, size_t at, unsigned owner, unsigned type)
{
	unsigned len = type == TYPE_A ? 4 : 16;

	at = put_record(p, at, owner, type, len);
	inet_pton(type == TYPE_A ? AF_INET : AF_INET6, type == TYPE_A ? "10.1.0.2" : "fd20::2",
		  p + at);
	return at + len;
}

/* The reply to the question in p, which ends at `at`; its length. */
static size_t answer(enum role role, uint8_t *p, size_t at)
{
	static const uint8_t name[] = "\2db\4corp\4test";
	unsigned type = p[at - 3], code = role == HAS_NONE  ? 3
					  : role == CANNOT  ? 2
					  : role == REFUSES ? 5
							    : 0;
	unsigned answers = 0, owner = HEADER;

	put16(p, 2, 0x8400 | code);
	put16(p, 8, 0);
	put16(p, 10, 0);
	if (role == IS_ALIAS) {
		at = put_record(p, at, owner, TYPE_CNAME, sizeof(name));
		owner = (unsigned)at;
		memcpy(p + at, name, sizeof(name));
		at += sizeof(name);
		answers++;
	}
	if ((role == ANSWERS && (type == TYPE_A || type == TYPE_AAAA)) ||
	    (role == IS_ALIAS && type == TYPE_A)) {
		at = put_address(p, at, owner, type);
		answers++;
	}
	put16(p, 6, answers);
	return at;
}

static size_t end_of_question(const uint8_t *p)
{
	size_t at = HEADER;

	while (p[at])
		at += 1u + p[at];
	return at + 5;
}

static void *serve(void *arg)
{
	struct name_server *s = arg;
	struct sockaddr_in from;
	uint8_t p[PACKET_MAX];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s->fd, p, sizeof(p), 0, (struct sockaddr *)&from, &len);

		if (n < HEADER)
			return NULL;
		s->questions++;
		if (s->role != IS_SILENT)
			sendto(s->fd, p, answer(s->role, p, end_of_question(p)), 0,
			       (struct sockaddr *)&from, len);
	}
}

static void begin(struct name_server *s, enum role role)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	s->role = role;
	s->questions = 0;
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
	snprintf(s->text, sizeof(s->text), "127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct name_server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static struct lookup ask(enum role role, const char *name, int family, int timeout_ms)
{
	struct name_server s;
	struct lookup_params p = {
		.name = name, .family = family, .server = s.text, .timeout_ms = timeout_ms};
	static struct lookup l;

	begin(&s, role);
	assert_int_equal(lookup_run(&p, &l), 0);
	end(&s);
	assert_int_equal(l.n_tries, 1);
	assert_string_equal(l.tries[0].server, s.text);
	assert_int_equal(l.tries[0].outcome, l.outcome);
	return l;
}

static void has_address(const struct lookup *l, const char *expected)
{
	char text[LOOKUP_SERVER_MAX];

	for (size_t i = 0; i < l->n_addresses; i++)
		if (strcmp(lookup_address_text(&l->addresses[i], text), expected) == 0)
			return;
	fail_msg("%s is not among %zu addresses", expected, l->n_addresses);
}

static void answer_has_both_families_or_the_one_that_is_wanted(void **state)
{
	struct lookup l = ask(ANSWERS, "db.corp.test", AF_UNSPEC, 0);

	assert_int_equal(l.outcome, LOOKUP_FOUND);
	assert_int_equal(l.n_addresses, 2);
	has_address(&l, "10.1.0.2");
	has_address(&l, "fd20::2");
	assert_string_equal(l.name, "db.corp.test");
	assert_int_equal(l.n_aliases, 0);
	l = ask(ANSWERS, "db.corp.test", AF_INET, 0);
	assert_int_equal(l.n_addresses, 1);
	has_address(&l, "10.1.0.2");
	l = ask(ANSWERS, "db.corp.test", AF_INET6, 0);
	assert_int_equal(l.n_addresses, 1);
	has_address(&l, "fd20::2");
}

static void alias_leads_to_the_canonical_name(void **state)
{
	struct lookup l = ask(IS_ALIAS, "www.corp.test", AF_UNSPEC, 0);

	assert_int_equal(l.outcome, LOOKUP_FOUND);
	assert_string_equal(l.name, "db.corp.test");
	assert_int_equal(l.n_aliases, 1);
	assert_string_equal(l.aliases[0], "www.corp.test");
	assert_int_equal(l.n_addresses, 1);
}

static void B49_silent_server_costs_its_time_once(void **state)
{
	struct lookup l = ask(IS_SILENT, "db.corp.test", AF_UNSPEC, 80);

	assert_int_equal(l.outcome, LOOKUP_TIMED_OUT);
	assert_null(l.server);
	assert_true(l.tries[0].ms >= 80 && l.tries[0].ms < 160);
}

static void what_a_server_says_is_told_apart(void **state)
{
	struct lookup l = ask(HAS_NONE, "nope.corp.test", AF_UNSPEC, 0);

	assert_int_equal(l.outcome, LOOKUP_NO_SUCH_NAME);
	assert_non_null(l.server); /* it has answered */
	l = ask(CANNOT, "db.corp.test", AF_UNSPEC, 0);
	assert_int_equal(l.outcome, LOOKUP_FAILED);
	assert_null(l.server);
	l = ask(REFUSES, "db.corp.test", AF_UNSPEC, 0);
	assert_int_equal(l.outcome, LOOKUP_REFUSED);
	assert_null(l.server);
}

static void server_that_is_not_there_is_not_waited_for(void **state)
{
	const struct lookup_params p = {
		.name = "db.corp.test", .family = AF_INET, .server = "127.0.0.1:9"};
	static struct lookup l;

	assert_int_equal(lookup_run(&p, &l), 0);
	assert_int_equal(l.outcome, LOOKUP_UNREACHED);
	assert_true(l.tries[0].ms < 1000);
}

static void address_is_its_own_answer(void **state)
{
	struct lookup_params p = {.name = "fd20::2", .family = AF_UNSPEC, .server = "127.0.0.1:9"};
	static struct lookup l;

	assert_int_equal(lookup_run(&p, &l), 0);
	assert_int_equal(l.outcome, LOOKUP_FOUND);
	assert_int_equal(l.n_tries, 0);
	has_address(&l, "fd20::2");
	p.family = AF_INET;
	assert_int_equal(lookup_run(&p, &l), 0);
	assert_int_equal(l.outcome, LOOKUP_NO_SUCH_NAME);
	assert_int_equal(l.n_addresses, 0);
}

static void file_of_hosts_comes_first(void **state)
{
	const struct lookup_params p = {
		.name = "localhost", .family = AF_INET, .resolv_conf = "/dev/null"};
	static struct lookup l;

	assert_int_equal(lookup_run(&p, &l), 0);
	assert_int_equal(l.outcome, LOOKUP_FOUND);
	assert_string_equal(l.server, "/etc/hosts");
	has_address(&l, "127.0.0.1");
	assert_int_equal(l.n_tries, 0);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	struct lookup_params p = {
		.name = "db.corp.test", .family = AF_INET, .server = "ns.corp.test"};
	char name[LOOKUP_NAME_MAX + 1];
	static struct lookup l;

	assert_int_equal(lookup_run(&p, &l), -EINVAL);
	p.server = "127.0.0.1,127.0.0.2";
	assert_int_equal(lookup_run(&p, &l), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[LOOKUP_NAME_MAX] = '\0';
	p = (struct lookup_params){.name = name, .family = AF_INET, .server = "127.0.0.1:9"};
	assert_int_equal(lookup_run(&p, &l), 0);
	assert_int_equal(l.outcome, LOOKUP_BAD_NAME);
	assert_int_equal(l.n_tries, 0);
}

static void every_outcome_has_its_text(void **state)
{
	for (int i = 0; i <= LOOKUP_BAD_NAME; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(lookup_outcome_text((enum lookup_outcome)i),
						lookup_outcome_text((enum lookup_outcome)j));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_has_both_families_or_the_one_that_is_wanted),
		cmocka_unit_test(alias_leads_to_the_canonical_name),
		cmocka_unit_test(B49_silent_server_costs_its_time_once),
		cmocka_unit_test(what_a_server_says_is_told_apart),
		cmocka_unit_test(server_that_is_not_there_is_not_waited_for),
		cmocka_unit_test(address_is_its_own_answer),
		cmocka_unit_test(file_of_hosts_comes_first),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
		cmocka_unit_test(every_outcome_has_its_text),
	};

	return cmocka_run_group_tests_name("tools/lookup", tests, NULL, NULL);
}
