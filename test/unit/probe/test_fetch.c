/* SPDX-License-Identifier: Apache-2.0 */
/* What a server gives is in test/netns/probe.sh. */
#include "tools/probe/fetch.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

/* Takes one connection, answers, hangs up. */
static void *serve(void *arg)
{
	static const char reply[] = "HTTP/1.1 203 Fine\r\nContent-Length: 5\r\n\r\nhello";
	int listener = *(int *)arg, fd = accept(listener, NULL, NULL);
	char request[4096];

	(void)!read(fd, request, sizeof(request));
	(void)!write(fd, reply, sizeof(reply) - 1);
	close(fd);
	return NULL;
}

/* Listens on the loopback. Returns the socket. */
static int open_listener(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(fd, 1), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void bytes_and_status_are_those_of_the_answer(void **state)
{
	struct fetched f;
	pthread_t thread;
	char url[64];
	uint16_t port;
	int listener = open_listener(&port);

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", port);
	assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
	assert_int_equal(fetch_get(url, &f), 0);
	assert_int_equal(f.status, 203);
	assert_int_equal(f.len, 5);
	assert_memory_equal(f.bytes, "hello", 5);
	fetch_done(&f);
	pthread_join(thread, NULL);
	close(listener);
	assert_int_equal(fetch_get(url, &f), -EIO);
	assert_true(strlen(f.text) > 0);
	fetch_done(&f);
}

static void only_http_is_fetched(void **state)
{
	static const char *const others[] = {"ldap:///cn=x", "file:///etc/passwd", "ftp://x/", ""};
	struct fetched f;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(fetch_get(others[i], &f), -ENOTSUP);
		assert_null(f.bytes);
		fetch_done(&f);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_status_are_those_of_the_answer),
		cmocka_unit_test(only_http_is_fetched),
	};

	unsetenv("http_proxy");
	return cmocka_run_group_tests_name("probe/fetch", tests, NULL, NULL);
}
