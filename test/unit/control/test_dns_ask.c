/* SPDX-License-Identifier: Apache-2.0 */
/* The name server is the other end of a socket pair; its answers are written by hand. */
#include "sstp/control/dns_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static uint64_t skipped; /* ns that the loop seems to have lived longer */

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - skipped;
}

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
};

/* Appends to an answer. */
struct packet {
	uint8_t bytes[DNS_ASK_PACKET_MAX];
	size_t len;
};

static void put(struct packet *p, const void *bytes, size_t len)
{
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

/* The question comes back with flags in its place, and room for answers. */
static struct packet reply_to(const uint8_t *question, size_t len, uint8_t code, uint8_t answers)
{
	struct packet p = {.len = 0};

	put(&p, question, len);
	p.bytes[2] = 0x81;
	p.bytes[3] = (uint8_t)(0x80 | code);
	p.bytes[7] = answers;
	return p;
}

/* Of the name in the question. */
static void put_record(struct packet *p, uint8_t type, const void *data, uint8_t len)
{
	const uint8_t head[] = {0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, len};

	put(p, head, sizeof(head));
	put(p, data, len);
}

static void question_is_as_RFC_1035_has_it(void **state)
{
	static const uint8_t expected[] = {0x12, 0x34, 1, 0,   0,   1,	 0,   0, 0, 0,	0, 0, 2,
					   'd',	 'b',  4, 'c', 'o', 'r', 'p', 0, 0, 28, 0, 1};
	uint8_t buf[DNS_ASK_PACKET_MAX];

	assert_int_equal(dns_ask_encode("db.corp", TYPE_AAAA, 0x1234, buf), sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(dns_ask_encode("db.corp.", TYPE_AAAA, 0x1234, buf), sizeof(expected));
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const names[] = {
		"", ".", "a..b", ".a",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	char longest[300];
	uint8_t buf[DNS_ASK_PACKET_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(dns_ask_encode(names[i], TYPE_A, 1, buf), -EINVAL);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[DNS_ASK_NAME_MAX] = '\0';
	assert_true(dns_ask_encode(longest, TYPE_A, 1, buf) > 0);
	longest[DNS_ASK_NAME_MAX] = '.';
	longest[DNS_ASK_NAME_MAX + 1] = '\0';
	assert_int_equal(dns_ask_encode(longest, TYPE_A, 1, buf), -EINVAL);
}

static void addresses_are_read_behind_aliases(void **state)
{
	static const uint8_t address[] = {10, 2, 0, 4}, alias[] = {1, 'x', 0};
	uint8_t question[DNS_ASK_PACKET_MAX];
	size_t len = (size_t)dns_ask_encode("db.corp", TYPE_A, 7, question);
	struct packet p = reply_to(question, len, 0, 2);
	struct dns_answer answer;
	char text[PREFIX_TEXT_MAX];

	put_record(&p, 5, alias, sizeof(alias));
	put_record(&p, TYPE_A, address, sizeof(address));
	assert_int_equal(dns_ask_decode(p.bytes, p.len, TYPE_A, 7, &answer), 0);
	assert_int_equal(answer.outcome, DNS_FOUND);
	assert_int_equal(answer.n, 1);
	assert_string_equal(prefix_format(&answer.addresses[0], text), "10.2.0.4/32");
}

static void outcome_is_what_the_server_says(void **state)
{
	static const struct {
		uint8_t code;
		enum dns_outcome outcome;
	} cases[] = {{0, DNS_NO_ADDRESS}, {2, DNS_REFUSED}, {3, DNS_NO_NAME}, {5, DNS_REFUSED}};
	uint8_t question[DNS_ASK_PACKET_MAX];
	size_t len = (size_t)dns_ask_encode("db.corp", TYPE_A, 7, question);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p = reply_to(question, len, cases[i].code, 0);
		struct dns_answer answer;

		assert_int_equal(dns_ask_decode(p.bytes, p.len, TYPE_A, 7, &answer), 0);
		assert_int_equal(answer.outcome, cases[i].outcome);
	}
}

static void what_is_no_answer_to_this_question_changes_nothing(void **state)
{
	static const uint8_t address[] = {10, 2, 0, 4};
	uint8_t question[DNS_ASK_PACKET_MAX];
	size_t len = (size_t)dns_ask_encode("db.corp", TYPE_A, 7, question);
	struct packet p = reply_to(question, len, 0, 1);
	struct dns_answer answer = {.n = 77};

	put_record(&p, TYPE_A, address, sizeof(address));
	assert_int_equal(dns_ask_decode(p.bytes, p.len, TYPE_A, 8, &answer), -EBADMSG);
	assert_int_equal(dns_ask_decode(p.bytes, p.len, TYPE_AAAA, 7, &answer), -EBADMSG);
	assert_int_equal(dns_ask_decode(question, len, TYPE_A, 7, &answer), -EBADMSG);
	for (size_t cut = 0; cut < p.len; cut++)
		assert_int_equal(dns_ask_decode(p.bytes, cut, TYPE_A, 7, &answer), -EBADMSG);
	assert_int_equal(answer.n, 77);
}

/* ---- over a socket ---- */

struct talk {
	struct loop *loop;
	int server;
	struct dns_ask *ask;
	struct dns_answer answer;
	unsigned n_answers;
};

static void on_done(void *arg, const struct dns_answer *answer)
{
	struct talk *t = arg;

	t->answer = *answer;
	t->n_answers++;
	loop_stop(t->loop);
}

/* ago: ns since it was asked. */
static void talk_init(struct talk *t, uint64_t ago)
{
	int fds[2];

	skipped = ago;
	*t = (struct talk){.loop = loop_new()};
	assert_non_null(t->loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	t->server = fds[0];
	assert_int_equal(dns_ask_new(t->loop, fds[1], "db.corp", on_done, t, &t->ask), 0);
}

static void talk_done(struct talk *t)
{
	dns_ask_free(t->ask);
	if (t->server >= 0)
		close(t->server);
	loop_free(t->loop);
}

/* One of the two questions, as it came. */
static void answer_next(struct talk *t, const void *address, uint8_t len)
{
	uint8_t question[DNS_ASK_PACKET_MAX];
	ssize_t n = recv(t->server, question, sizeof(question), 0);
	struct packet p;

	assert_true(n > 0);
	p = reply_to(question, (size_t)n, 0, len ? 1 : 0);
	if (len)
		put_record(&p, len == 16 ? TYPE_AAAA : TYPE_A, address, len);
	assert_int_equal(send(t->server, p.bytes, p.len, 0), p.len);
}

static void both_families_are_asked_for(void **state)
{
	static const uint8_t four[] = {10, 2, 0, 4}, six[16] = {0xfd, 2};
	struct talk t;

	talk_init(&t, 0);
	answer_next(&t, four, sizeof(four));
	send(t.server, "junk", 4, 0);
	answer_next(&t, six, sizeof(six));
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.n_answers, 1);
	assert_int_equal(t.answer.outcome, DNS_FOUND);
	assert_int_equal(t.answer.n, 2);
	assert_int_equal(t.answer.addresses[0].family, AF_INET);
	assert_int_equal(t.answer.addresses[1].family, AF_INET6);
	talk_done(&t);
}

static void B49_server_that_says_nothing_is_waited_for_3_s(void **state)
{
	struct talk t;

	talk_init(&t, DNS_ASK_PATIENCE);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.answer.outcome, DNS_SILENCE);
	talk_done(&t);
}

/* A socket to a port of this host's that nobody has any more. */
static int dial_nobody(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int gone = socket(AF_INET, SOCK_DGRAM, 0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(gone, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(gone, (struct sockaddr *)&address, &len), 0);
	close(gone);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void server_that_is_not_there_is_known_at_once(void **state)
{
	struct talk t = {.loop = loop_new(), .server = -1};

	skipped = 0;
	assert_int_equal(dns_ask_new(t.loop, dial_nobody(), "db.corp", on_done, &t, &t.ask), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.answer.outcome, DNS_REFUSED);
	assert_true(t.answer.is_nobody);
	talk_done(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_is_as_RFC_1035_has_it),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(addresses_are_read_behind_aliases),
		cmocka_unit_test(outcome_is_what_the_server_says),
		cmocka_unit_test(what_is_no_answer_to_this_question_changes_nothing),
		cmocka_unit_test(both_families_are_asked_for),
		cmocka_unit_test(B49_server_that_says_nothing_is_waited_for_3_s),
		cmocka_unit_test(server_that_is_not_there_is_known_at_once),
	};

	return cmocka_run_group_tests_name("control/dns_ask", tests, NULL, NULL);
}
