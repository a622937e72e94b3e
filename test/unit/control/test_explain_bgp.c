/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of the test is BIRD: one connection for each question, whose answer it knows. */
#include "sstp/control/explain_bgp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/cmocka.h"

struct daemon {
	char folder[64];
	char path[96];
	int listener;
	pthread_t thread;
};

static const char protocols[] =
	"1002-onprem1    BGP        ---        up     2026-11-20    Established   \n"
	"1006-  BGP state:          Established\n"
	"     Neighbor address: 192.0.2.2\n"
	"     Neighbor AS:      65010\n"
	"1002-onprem2    BGP        ---        up     2026-11-20    Established   \n"
	"1006-  BGP state:          Established\n"
	"     Neighbor address: 192.0.2.6\n"
	"     Neighbor AS:      65020\n"
	"1002-onprem3    BGP        ---        down   2026-11-20    \n"
	"1006-  BGP state:          Down\n"
	"     Neighbor address: 192.0.2.10\n"
	"0000 \n";

static const char ways[] = "1007-Table master4:\n"
			   " 10.50.0.0/16         unicast [onprem2 1] (100) [AS65020i]\n"
			   "1012-\tBGP.as_path: 65020 65030 65011\n"
			   "                      unicast [onprem1 1] * (100) [AS65011i]\n"
			   "1012-\tBGP.as_path: 65010 65011\n"
			   "0000 \n";

static const char exported[] = "1007-Table master4:\n"
			       " 172.16.0.0/24        blackhole [sstp_kernel4 1] * (10)\n"
			       "0000 \n";

static const char *answer_of(const char *command)
{
	if (strcmp(command, "restrict\n") == 0)
		return "0016 Access restricted\n";
	if (strcmp(command, "show protocols all\n") == 0)
		return protocols;
	if (strcmp(command, "show route table all 10.50.0.0/16 all\n") == 0)
		return ways;
	if (strcmp(command, "show route 172.16.0.0/24 export 'onprem1'\n") == 0)
		return exported;
	if (strncmp(command, "show route", 10) == 0)
		return "8001 Network not found\n";
	return "9001 syntax error\n";
}

static void talk(int fd)
{
	static const char greeting[] = "0001 BIRD 2.0.12 ready.\n";
	char command[256];
	ssize_t n = write(fd, greeting, strlen(greeting));

	while (n > 0 && (n = read(fd, command, sizeof(command) - 1)) > 0) {
		command[n] = '\0';
		n = write(fd, answer_of(command), strlen(answer_of(command)));
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct daemon *d = arg;
	int fd;

	while ((fd = accept(d->listener, NULL, NULL)) >= 0)
		talk(fd);
	return NULL;
}

static int set_up(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	assert_non_null(d);
	snprintf(d->folder, sizeof(d->folder), "/tmp/explain-bgp-XXXXXX");
	assert_non_null(mkdtemp(d->folder));
	snprintf(d->path, sizeof(d->path), "%s/bird.ctl", d->folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->path);
	d->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(d->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(d->listener, 4), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct daemon *d = *state;

	shutdown(d->listener, SHUT_RDWR);
	pthread_join(d->thread, NULL);
	close(d->listener);
	unlink(d->path);
	rmdir(d->folder);
	free(d);
	return 0;
}

static const struct prefix learned = {AF_INET, 16, {10, 50}};
static const struct prefix pool = {AF_INET, 24, {172, 16}};

static void best_way_and_who_is_told_of_the_pool_are_named(void **state)
{
	struct daemon *d = *state;
	struct explain_bgp b;

	explain_bgp_ask(d->path, &learned, &pool, &b);
	assert_string_equal(b.why, "");
	assert_true(b.has_route);
	assert_string_equal(b.as_path, "65010 65011");
	assert_string_equal(b.from, "192.0.2.2 (AS 65010)");
	assert_string_equal(b.told, "192.0.2.2 (AS 65010)");
}

static void what_bird_has_not_is_no_error(void **state)
{
	static const struct prefix other = {AF_INET, 16, {10, 51}};
	struct daemon *d = *state;
	struct explain_bgp b;

	explain_bgp_ask(d->path, &other, &other, &b);
	assert_string_equal(b.why, "");
	assert_false(b.has_route);
	assert_string_equal(b.told, "");
	explain_bgp_ask(d->path, NULL, NULL, &b);
	assert_string_equal(b.why, "");
	assert_string_equal(b.told, "");
}

static void absent_daemon_is_a_sentence(void **state)
{
	struct explain_bgp b;

	explain_bgp_ask("/nonexistent/bird.ctl", &learned, &pool, &b);
	assert_non_null(strstr(b.why, "BIRD cannot be asked at /nonexistent/bird.ctl"));
	assert_false(b.has_route);
}

#define BIRD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BIRD_TEST(best_way_and_who_is_told_of_the_pool_are_named),
		BIRD_TEST(what_bird_has_not_is_no_error),
		cmocka_unit_test(absent_daemon_is_a_sentence),
	};

	return cmocka_run_group_tests_name("control/explain_bgp", tests, NULL, NULL);
}
