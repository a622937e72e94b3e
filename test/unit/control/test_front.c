/* SPDX-License-Identifier: Apache-2.0 */
/* A client in a thread of its own writes bytes, reads what comes until the end, and stops the loop. */
#include "sstp/control/front.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

struct scene {
	struct loop *loop;
	struct front *front;
	const char *path;
	const char *request;
	char reply[4096];
	struct loop_task done;
	/* of the last request */
	unsigned n_requests;
	enum front_method method;
	char asked[64];
	char query[64];
	char body[64];
	size_t body_len;
	char if_match[64];
	bool is_slow; /* answers behind the call, when the task comes */
	bool leaves;  /* the client does, without reading; then the task comes */
	struct front_later *later;
	struct loop_task answer;
	struct loop_timer *poll;
};

static struct scene *present; /* of on_done() */

static void on_request(void *arg, const struct front_request *request,
		       struct front_reply *ret_reply)
{
	struct scene *s = arg;

	s->n_requests++;
	s->method = request->method;
	snprintf(s->asked, sizeof(s->asked), "%s", request->path);
	snprintf(s->query, sizeof(s->query), "%s", request->query ? request->query : "none");
	snprintf(s->body, sizeof(s->body), "%s", request->body);
	s->body_len = request->body_len;
	snprintf(s->if_match, sizeof(s->if_match), "%s",
		 request->if_match ? request->if_match : "none");
	if (s->is_slow) {
		s->later = front_later(request);
		if (!s->leaves)
			loop_post(s->loop, &s->answer);
		return;
	}
	if (strcmp(request->path, "/plain") == 0) {
		*ret_reply = (struct front_reply){.status = 200,
						  .json = strdup("a 1\n"),
						  .content_type = "text/plain; version=0.0.4"};
		return;
	}
	*ret_reply = (struct front_reply){.status = 201, .json = strdup("{\"a\":1}")};
	if (request->method != FRONT_DELETE)
		strcpy(ret_reply->etag, "\"7\"");
}

static void on_done(struct loop_task *task)
{
	loop_stop(present->loop);
}

static void on_answer(struct loop_task *task)
{
	front_answer(present->later,
		     &(struct front_reply){.status = 200, .json = strdup("{\"late\":1}")});
	if (present->leaves)
		loop_stop(present->loop);
}

static void *client(void *arg)
{
	struct scene *s = arg;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t got = 0;
	ssize_t n = 1;

	strcpy(addr.sun_path, s->path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    send(fd, s->request, strlen(s->request), MSG_NOSIGNAL) >= 0)
		while (n > 0 && got < sizeof(s->reply) - 1) {
			n = read(fd, s->reply + got, sizeof(s->reply) - 1 - got);
			got += n > 0 ? (size_t)n : 0;
		}
	s->reply[got] = '\0';
	close(fd);
	loop_post(s->loop, &s->done);
	return NULL;
}

static const char *ask(struct scene *s, const char *request)
{
	pthread_t thread;

	present = s;
	s->request = request;
	s->done.run = on_done;
	assert_int_equal(pthread_create(&thread, NULL, client, s), 0);
	assert_int_equal(loop_run(s->loop), 0);
	pthread_join(thread, NULL);
	return s->reply;
}

static int open_front(struct scene *s, struct front **ret_front, char error[FRONT_ERROR_MAX])
{
	return front_new(
		s->loop,
		&(struct front_params){.path = s->path, .on_request = on_request, .arg = s},
		ret_front, error);
}

static void scene_init(struct scene *s)
{
	char error[FRONT_ERROR_MAX];

	*s = (struct scene){.loop = loop_new(), .path = testcert_path("front.sock")};
	assert_non_null(s->loop);
	assert_int_equal(open_front(s, &s->front, error), 0);
}

static void scene_done(struct scene *s)
{
	front_free(s->front);
	loop_free(s->loop);
}

static void answer_may_come_later(void **state)
{
	struct scene s;

	scene_init(&s);
	s.is_slow = true;
	s.answer.run = on_answer;
	assert_non_null(strstr(ask(&s, "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n"),
			       "\r\n\r\n{\"late\":1}"));
	assert_null(front_later(&(struct front_request){.path = "/x"}));
	scene_done(&s);
}

/* Sanitizers see to it that nothing of it is left, or used. */
static void *leave(void *arg)
{
	struct scene *s = arg;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct linger hard = {.l_onoff = 1};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, s->path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		send(fd, s->request, strlen(s->request), MSG_NOSIGNAL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	return NULL;
}

/* Once the request is there, the loop is run on until the end of its sender has been heard of, too. */
static void stop_when_asked(void *arg)
{
	struct scene *s = arg;

	if (s->later)
		loop_post(s->loop, &s->answer);
	else
		loop_timer_set(s->poll, loop_now(s->loop) + 1000 * 1000);
}

static void answer_to_nobody_is_dropped(void **state)
{
	struct scene s;
	pthread_t thread;

	scene_init(&s);
	present = &s;
	s.is_slow = s.leaves = true;
	s.answer.run = on_answer;
	s.request = "GET /x HTTP/1.1\r\n\r\n";
	s.poll = loop_timer_new(s.loop, stop_when_asked, &s);
	assert_int_equal(pthread_create(&thread, NULL, leave, &s), 0);
	pthread_join(thread, NULL);
	loop_timer_set(s.poll, loop_now(s.loop));
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.n_requests, 1);
	loop_timer_free(s.poll);
	scene_done(&s);
}

static void request_comes_in_whole_and_its_answer_goes_out(void **state)
{
	struct scene s;
	const char *reply;

	scene_init(&s);
	reply = ask(&s, "POST /v1/a%20b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			"Content-Length: 3\r\n\r\nabc");
	assert_int_equal(s.method, FRONT_POST);
	assert_string_equal(s.asked, "/v1/a b");
	assert_string_equal(s.query, "c=d");
	assert_int_equal(s.body_len, 3);
	assert_string_equal(s.body, "abc");
	assert_int_equal(strncmp(reply, "HTTP/1.1 201 ", 13), 0);
	assert_non_null(strstr(reply, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(reply, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(reply, "\r\n\r\n{\"a\":1}"));
	reply = ask(&s, "DELETE /x HTTP/1.1\r\nConnection: close\r\n\r\n");
	assert_int_equal(s.method, FRONT_DELETE);
	assert_string_equal(s.if_match, "none");
	assert_null(strstr(reply, "ETag"));
	scene_done(&s);
}

static void answer_says_its_type(void **state)
{
	struct scene s;
	const char *reply;

	scene_init(&s);
	reply = ask(&s, "GET /plain HTTP/1.1\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(reply, "\r\nContent-Type: text/plain; version=0.0.4\r\n"));
	assert_non_null(strstr(reply, "\r\n\r\na 1\n"));
	reply = ask(&s, "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(reply, "\r\nContent-Type: application/json\r\n"));
	scene_done(&s);
}

static void etag_goes_out_and_comes_in_again(void **state)
{
	struct scene s;

	scene_init(&s);
	assert_non_null(strstr(ask(&s, "PATCH /x HTTP/1.1\r\nConnection: close\r\n\r\n"),
			       "\r\nETag: \"7\"\r\n"));
	assert_int_equal(s.method, FRONT_PATCH);
	ask(&s, "PUT /x?api-version=2022-03-01 HTTP/1.1\r\nConnection: close\r\n"
		"If-Match: \"7\"\r\n\r\n");
	assert_int_equal(s.method, FRONT_PUT);
	assert_string_equal(s.asked, "/x");
	assert_string_equal(s.if_match, "\"7\"");
	scene_done(&s);
}

static void what_is_over_a_limit_or_no_request_is_nobodys(void **state)
{
	static char big[FRONT_HEAD_MAX + 256];
	struct scene s;

	scene_init(&s);
	snprintf(big, sizeof(big), "GET / HTTP/1.1\r\nConnection: close\r\nX: %0*d\r\n\r\n",
		 FRONT_HEAD_MAX, 0);
	assert_int_equal(strncmp(ask(&s, big), "HTTP/1.1 400 ", 13), 0);
	snprintf(big, sizeof(big),
		 "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
		 FRONT_BODY_MAX + 1);
	assert_int_equal(strncmp(ask(&s, big), "HTTP/1.1 413 ", 13), 0);
	assert_int_equal(strncmp(ask(&s, "OPTIONS / HTTP/1.1\r\nConnection: close\r\n\r\n"),
				 "HTTP/1.1 501 ", 13),
			 0);
	ask(&s, "nonsense\r\n\r\n");
	assert_int_equal(s.n_requests, 0);
	scene_done(&s);
}

static void socket_is_its_owners_and_goes_with_the_front(void **state)
{
	struct scene s;
	struct stat st;

	scene_init(&s);
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	scene_done(&s);
	assert_int_equal(stat(s.path, &st), -1);
}

static void socket_that_answers_is_left_alone_and_one_that_does_not_is_replaced(void **state)
{
	struct scene s;
	struct front *second = NULL;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char error[FRONT_ERROR_MAX];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	scene_init(&s);
	assert_int_equal(open_front(&s, &second, error), -EADDRINUSE);
	assert_non_null(strstr(error, "another gateway answers there"));
	assert_int_equal(access(s.path, F_OK), 0);
	front_free(s.front);
	strcpy(addr.sun_path, s.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd); /* what a crash leaves */
	assert_int_equal(open_front(&s, &s.front, error), 0);
	ask(&s, "GET /y HTTP/1.1\r\nConnection: close\r\n\r\n");
	assert_string_equal(s.asked, "/y");
	assert_string_equal(s.query, "none");
	scene_done(&s);
}

/* Something of this type and owner at the path: it is still there, and answers as before. */
static void stays(struct scene *s, int type, uid_t owner)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct front *front = NULL;
	struct stat before, after;
	char error[FRONT_ERROR_MAX];
	int fd = socket(AF_UNIX, type, 0);

	strcpy(addr.sun_path, s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(chown(s->path, owner, (gid_t)-1), 0);
	assert_int_equal(stat(s->path, &before), 0);
	assert_int_equal(open_front(s, &front, error), -EADDRINUSE);
	assert_null(front);
	assert_int_equal(stat(s->path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	close(fd);
	unlink(s->path);
}

/* A logger's datagram socket refuses a stream (EPROTOTYPE), and lives. */
static void socket_of_another_kind_or_of_another_user_is_left_alone(void **state)
{
	struct scene s = {.loop = loop_new(), .path = testcert_path("other.sock")};

	assert_non_null(s.loop);
	stays(&s, SOCK_DGRAM, geteuid());
	stays(&s, SOCK_SEQPACKET, geteuid());
	if (geteuid() == 0) /* nobody else may give a file away */
		stays(&s, SOCK_STREAM, 65534);
	loop_free(s.loop);
}

static void path_that_cannot_be_is_an_error_with_a_sentence(void **state)
{
	static char longest[200];
	struct scene s;
	struct front *second = NULL;
	char error[FRONT_ERROR_MAX];

	scene_init(&s);
	memset(longest, 'a', sizeof(longest) - 1);
	s.path = longest;
	assert_int_equal(open_front(&s, &second, error), -ENAMETOOLONG);
	assert_non_null(strstr(error, "at most 107 bytes"));
	s.path = "/nonexistent/a/b.sock";
	assert_int_equal(open_front(&s, &second, error), -ENOENT);
	scene_done(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_may_come_later),
		cmocka_unit_test(answer_to_nobody_is_dropped),
		cmocka_unit_test(request_comes_in_whole_and_its_answer_goes_out),
		cmocka_unit_test(answer_says_its_type),
		cmocka_unit_test(etag_goes_out_and_comes_in_again),
		cmocka_unit_test(what_is_over_a_limit_or_no_request_is_nobodys),
		cmocka_unit_test(socket_is_its_owners_and_goes_with_the_front),
		cmocka_unit_test(
			socket_that_answers_is_left_alone_and_one_that_does_not_is_replaced),
		cmocka_unit_test(socket_of_another_kind_or_of_another_user_is_left_alone),
		cmocka_unit_test(path_that_cannot_be_is_an_error_with_a_sentence),
	};

	return cmocka_run_group_tests_name("control/front", tests, NULL, NULL);
}
