/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of the test is BIRD: it says the greeting, and to each line the next of its replies. */
#include "sstp/control/bird.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/cmocka.h"

#define SECOND CLOCK_NS_PER_S

struct daemon {
	char folder[64];
	char path[96];
	int fd;
	pthread_t thread;
	const char *replies[4]; /* the greeting first; NULL: nothing more, ever */
	bool closes;		/* instead of that */
	char heard[512];
};

static void *serve(void *arg)
{
	struct daemon *d = arg;
	int fd = accept(d->fd, NULL, NULL);
	char buf[256];
	ssize_t n = 1;

	for (size_t i = 0; d->replies[i] && n > 0; i++) {
		assert_true(write(fd, d->replies[i], strlen(d->replies[i])) >= 0);
		n = d->replies[i + 1] ? read(fd, buf, sizeof(buf)) : 0;
		strncat(d->heard, buf, n > 0 ? (size_t)n : 0);
	}
	while (!d->closes && (n = read(fd, buf, sizeof(buf))) > 0)
		strncat(d->heard, buf, (size_t)n);
	close(fd);
	return NULL;
}

static int set_up(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	assert_non_null(d);
	snprintf(d->folder, sizeof(d->folder), "/tmp/bird-XXXXXX");
	assert_non_null(mkdtemp(d->folder));
	snprintf(d->path, sizeof(d->path), "%s/bird.ctl", d->folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->path);
	d->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(d->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct daemon *d = *state;

	close(d->fd);
	unlink(d->path);
	rmdir(d->folder);
	free(d);
	return 0;
}

#define GREETING "0001 BIRD 2.0.12 ready.\n"
#define RESTRICT "0016 Access restricted\n"

static int ask(struct daemon *d, uint64_t patience_ns, char **text, char why[BIRD_WHY_MAX])
{
	size_t len = 0;
	int r;

	*text = NULL;
	assert_int_equal(listen(d->fd, 1), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
	r = bird_ask(d->path, "show status", patience_ns, text, &len, why);
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	if (r == 0)
		assert_int_equal(len, strlen(*text));
	return r;
}

static void answer_is_the_text_of_the_command_alone(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];

	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = "1000-BIRD 2.0.12\n0013 Daemon is up and running\n";
	assert_int_equal(ask(d, 10 * SECOND, &text, why), 0);
	assert_string_equal(text, d->replies[2]);
	assert_string_equal(d->heard, "restrict\nshow status\n");
	free(text);
}

static void long_answer_comes_whole(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX], *reply = malloc(1 << 20);
	size_t n = 0;

	while (n < (1 << 20) - 200)
		n += (size_t)sprintf(reply + n, "1007-line at %zu\n of two\n", n);
	sprintf(reply + n, "0000 \n");
	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = reply;
	assert_int_equal(ask(d, 10 * SECOND, &text, why), 0);
	assert_string_equal(text, reply);
	free(text);
	free(reply);
}

static void refusal_is_quoted(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];

	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = "9001 syntax error, unexpected END\n";
	assert_int_equal(ask(d, 10 * SECOND, &text, why), -EPROTO);
	assert_string_equal(why, "BIRD refuses: syntax error, unexpected END");
}

static void daemon_that_says_nothing_is_waited_for_no_longer_than_told(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];
	uint64_t since = clock_now();

	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = "1000-half of";
	assert_int_equal(ask(d, SECOND / 20, &text, why), -ETIMEDOUT);
	assert_true(clock_now() - since < 5 * SECOND);
	assert_non_null(strstr(why, "BIRD does not answer at /tmp/bird-"));
}

static void *drip(void *arg)
{
	struct daemon *d = arg;
	int fd = accept(d->fd, NULL, NULL);

	while (send(fd, "1000-and so on\n", 15, MSG_NOSIGNAL) > 0)
		;
	close(fd);
	return NULL;
}

static void daemon_that_never_comes_to_an_end_is_heard_no_longer_than_told(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];
	size_t len;

	assert_int_equal(listen(d->fd, 1), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, drip, d), 0);
	assert_int_equal(bird_ask(d->path, "show status", SECOND / 100, &text, &len, why),
			 -ETIMEDOUT);
	assert_int_equal(pthread_join(d->thread, NULL), 0);
}

/* Nobody accepts, and the backlog is full. */
static void daemon_that_accepts_nobody_is_no_hang(void **state)
{
	struct daemon *d = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *text, why[BIRD_WHY_MAX];
	size_t len;
	int first = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->path);
	assert_int_equal(listen(d->fd, 0), 0);
	assert_int_equal(connect(first, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(bird_ask(d->path, "show status", SECOND / 20, &text, &len, why),
			 -ETIMEDOUT);
	close(first);
}

static void daemon_that_hangs_up_is_an_error(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];

	d->replies[0] = GREETING;
	d->closes = true;
	assert_true(ask(d, 10 * SECOND, &text, why) < 0);
	assert_non_null(strstr(why, "BIRD cannot be asked at"));
}

static void absent_daemon_is_a_sentence(void **state)
{
	struct daemon *d = *state;
	char *text, why[BIRD_WHY_MAX];
	size_t len;

	assert_int_equal(bird_ask("/nowhere/bird.ctl", "show status", SECOND, &text, &len, why),
			 -ENOENT);
	assert_string_equal(
		why, "BIRD cannot be asked at /nowhere/bird.ctl: No such file or directory (is it"
		     " running? 'bird_socket' in gateway.yaml says where it is)");
	assert_int_equal(bird_ask(d->path, "show status", SECOND, &text, &len, why), -ECONNREFUSED);
}

static void best_way_to_a_prefix_is_found(void **state)
{
	struct daemon *d = *state;
	struct bird_route route;
	struct prefix dst;
	char why[BIRD_WHY_MAX];

	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = "1007-Table master4:\n"
			" 10.50.0.0/16 unicast [other 1] (100) [AS1i]\n"
			"1012-\tBGP.as_path: 1\n"
			"1007-             unicast [onprem1 2] * (100) [AS65002i]\n"
			"1012-\tBGP.as_path: 65001 65002\n"
			"0000 \n";
	prefix_parse("10.50.0.0/16", &dst);
	assert_int_equal(listen(d->fd, 1), 0);
	pthread_create(&d->thread, NULL, serve, d);
	assert_int_equal(bird_find_route(d->path, &dst, &route, why), 0);
	pthread_join(d->thread, NULL);
	assert_string_equal(route.peer, "onprem1");
	assert_string_equal(route.as_path, "65001 65002");
	assert_string_equal(d->heard, "restrict\nshow route table all 10.50.0.0/16 all\n");
}

static void prefix_that_bird_does_not_know_is_none(void **state)
{
	struct daemon *d = *state;
	struct bird_route route;
	struct prefix dst;
	char why[BIRD_WHY_MAX];

	d->replies[0] = GREETING;
	d->replies[1] = RESTRICT;
	d->replies[2] = "8001 Network not found\n";
	prefix_parse("10.50.0.0/16", &dst);
	assert_int_equal(listen(d->fd, 1), 0);
	pthread_create(&d->thread, NULL, serve, d);
	assert_int_equal(bird_find_route(d->path, &dst, &route, why), -ENOENT);
	pthread_join(d->thread, NULL);
}

static void socket_may_have_the_network_s_name_in_it(void **state)
{
	char path[BIRD_SOCKET_MAX], longer[200];

	assert_int_equal(bird_socket_path("/run/bird/bird.ctl", "lab", path), 0);
	assert_string_equal(path, "/run/bird/bird.ctl");
	assert_int_equal(bird_socket_path("/run/bird-{vnet}/ctl", "lab", path), 0);
	assert_string_equal(path, "/run/bird-lab/ctl");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(bird_socket_path(longer, "lab", path), -ENAMETOOLONG);
}

#define BIRD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BIRD_TEST(answer_is_the_text_of_the_command_alone),
		BIRD_TEST(long_answer_comes_whole),
		BIRD_TEST(refusal_is_quoted),
		BIRD_TEST(daemon_that_says_nothing_is_waited_for_no_longer_than_told),
		BIRD_TEST(daemon_that_never_comes_to_an_end_is_heard_no_longer_than_told),
		BIRD_TEST(daemon_that_accepts_nobody_is_no_hang),
		BIRD_TEST(daemon_that_hangs_up_is_an_error),
		BIRD_TEST(absent_daemon_is_a_sentence),
		BIRD_TEST(best_way_to_a_prefix_is_found),
		BIRD_TEST(prefix_that_bird_does_not_know_is_none),
		cmocka_unit_test(socket_may_have_the_network_s_name_in_it),
	};

	return cmocka_run_group_tests_name("control/bird", tests, NULL, NULL);
}
