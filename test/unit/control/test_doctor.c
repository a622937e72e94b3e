/* SPDX-License-Identifier: Apache-2.0 */
/* The parent and the data plane are this test; the one who asks is a client of a real front. */
#include "sstp/control/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sstp/control/explain_round.h"
#include "sstp/control/model_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

enum {
	ASKED_MAX = 128,
	CLIENTS_MAX = 3,
	ANSWER_MAX = 16384,
};

static uint64_t skipped; /* ns that the loop seems to have lived longer */

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - skipped;
}

struct scene {
	struct world *w;
	struct loop *loop;
	struct front *front;
	struct doctor *doctor;
	char path[64];
	uint32_t dialled[ASKED_MAX];
	uint64_t sent[ASKED_MAX];
	unsigned n_dialled, n_sent;
	bool is_answering;
	char answer[ANSWER_MAX]; /* to the last one who was answered */
};

static int on_ask(void *arg, const struct parent_msg *m, const int *fds)
{
	struct scene *s = arg;

	assert_int_equal(m->kind, PARENT_DIAL);
	assert_true(s->n_dialled < ASKED_MAX);
	s->dialled[s->n_dialled++] = m->dial.id;
	return 0;
}

static int on_send(void *arg, uint8_t *frame, size_t len)
{
	struct scene *s = arg;
	struct msg_probe probe;

	assert_int_equal(msg_probe_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &probe), 0);
	assert_string_equal(probe.app, "shop");
	assert_true(s->n_sent < ASKED_MAX);
	s->sent[s->n_sent++] = probe.id;
	msg_frame_free(frame, len);
	return 0;
}

static const char *behind(void *arg)
{
	return "";
}

/* Sockets cannot be opened, and all that is probed answers an echo. */
static void answer_all(struct scene *s)
{
	struct msgsock_fds fds = {.n = 0};

	for (unsigned i = 0; i < s->n_dialled; i++)
		doctor_on_parent(s->doctor,
				 &(struct parent_msg){.kind = PARENT_DIALLED,
						      .dialled = {s->dialled[i], -ENETUNREACH}},
				 &fds);
	for (unsigned i = 0; i < s->n_sent; i++)
		doctor_on_probed(s->doctor, &(struct msg_probed){.id = s->sent[i],
								 .outcome = MSG_OUTCOME_ECHO,
								 .size = 28,
								 .drop = ""});
}

static void on_request(void *arg, const struct front_request *request, struct front_reply *reply)
{
	struct scene *s = arg;

	assert_true(doctor_has_path(request->path));
	doctor_answer(s->doctor, request, reply);
	if (s->is_answering)
		answer_all(s);
}

static void run(struct world *w, const char *sql)
{
	struct certs_error e;

	if (store_script(w->model->store, sql, &e) < 0)
		fail_msg("%s", e.text);
}

static void scene_begin(struct scene *s)
{
	struct front_params front = {.path = s->path, .on_request = on_request, .arg = s};
	struct doctor_params params;
	char error[FRONT_ERROR_MAX];

	memset(s, 0, sizeof(*s));
	skipped = 0;
	s->w = world_new();
	world_connect(s->w, "shop", "blue");
	run(s->w, "INSERT INTO session (boot, number, app, plan, vnet, user, address, source, "
		  "correlation, thumbprint, since) VALUES (1, 1, 'shop', 'blue', 'blue', '', 0, "
		  "'', '', '', 0);");
	s->loop = loop_new();
	snprintf(s->path, sizeof(s->path), "/tmp/test_doctor.%d", getpid());
	assert_int_equal(front_new(s->loop, &front, &s->front, error), 0);
	params = (struct doctor_params){.loop = s->loop,
					.model = s->w->model,
					.est = &s->w->est,
					.behind = behind,
					.ask = on_ask,
					.send = on_send,
					.arg = s};
	s->doctor = doctor_new(&params);
	assert_non_null(s->doctor);
}

static void scene_end(struct scene *s)
{
	doctor_free(s->doctor);
	front_free(s->front);
	loop_free(s->loop);
	world_free(s->w);
}

/* A client that has asked. */
static int ask(struct scene *s, const char *what)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char text[256];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int len = snprintf(text, sizeof(text),
			   "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", what);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(write(fd, text, (size_t)len), len);
	return fd;
}

static void on_readable(void *arg, unsigned ready)
{
	loop_stop(arg);
}

/* Waits for its answer. Takes fd. Returns the status of HTTP. */
static int status_of(struct scene *s, int fd)
{
	struct loop_io *io = loop_io_new(s->loop, fd, LOOP_READ, on_readable, s->loop);
	ssize_t len;

	assert_int_equal(loop_run(s->loop), 0);
	loop_io_free(io);
	len = recv(fd, s->answer, sizeof(s->answer) - 1, 0);
	assert_true(len > 0);
	s->answer[len] = '\0';
	close(fd);
	return atoi(s->answer + strlen("HTTP/1.1 "));
}

static void all_is_asked_at_once_and_told_when_the_last_one_answers(void **state)
{
	struct scene s;

	scene_begin(&s);
	s.is_answering = true;
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor")), 200);
	assert_non_null(strstr(s.answer, "10.1.0.4 does not: Network is unreachable"));
	assert_non_null(strstr(s.answer, "10.1.0.4 answers shop, an app of the pool"));
	assert_non_null(strstr(s.answer, "does not say how the TUN device is: Network is"));
	/* the server, the kernel, and what the gateway asks itself; the rest is the app's */
	assert_true(s.n_dialled > 2 && s.n_sent > 10);
	answer_all(&s); /* twice: nobody waits for it */
	scene_end(&s);
}

static void what_nobody_answers_is_not_known(void **state)
{
	struct scene s;

	scene_begin(&s);
	skipped = DOCTOR_PATIENCE + CLOCK_NS_PER_S;
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor?vnet=blue")), 200);
	assert_non_null(strstr(s.answer, "The data plane has not answered in time"));
	assert_non_null(strstr(s.answer, "did not open a socket to all of them"));
	skipped = 0;
	answer_all(&s); /* late */
	scene_end(&s);
}

static void more_than_the_limit_at_once_are_refused(void **state)
{
	struct scene s;
	int fds[CLIENTS_MAX];

	scene_begin(&s);
	for (int i = 0; i < DOCTOR_MAX; i++)
		fds[i] = ask(&s, "GET /v1/doctor");
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor")), 429);
	assert_non_null(strstr(s.answer, "at work already"));
	answer_all(&s);
	for (int i = 0; i < DOCTOR_MAX; i++)
		assert_int_equal(status_of(&s, fds[i]), 200);
	scene_end(&s);
}

static void who_still_waits_at_the_end_is_told_so(void **state)
{
	struct scene s;
	int fd;

	scene_begin(&s);
	fd = ask(&s, "GET /v1/doctor");
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor?vnet=red")), 404);
	doctor_free(s.doctor);
	s.doctor = NULL;
	assert_int_equal(status_of(&s, fd), 500);
	assert_non_null(strstr(s.answer, "the gateway ends"));
	scene_end(&s);
}

static void wrong_questions_are_refused(void **state)
{
	struct scene s;

	scene_begin(&s);
	assert_int_equal(status_of(&s, ask(&s, "DELETE /v1/doctor")), 405);
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor?app=shop")), 400);
	assert_int_equal(status_of(&s, ask(&s, "GET /v1/doctor?vnet=red")), 404);
	assert_int_equal(s.n_dialled + s.n_sent, 0);
	scene_end(&s);
}

static void there_is_one_route(void **state)
{
	enum front_method method;

	assert_string_equal(doctor_route(0, &method), "/v1/doctor");
	assert_int_equal(method, FRONT_GET);
	assert_null(doctor_route(1, &method));
	assert_false(doctor_has_path("/v1/doctors"));
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_is_asked_at_once_and_told_when_the_last_one_answers),
		TEST(what_nobody_answers_is_not_known),
		TEST(more_than_the_limit_at_once_are_refused),
		TEST(who_still_waits_at_the_end_is_told_so),
		TEST(wrong_questions_are_refused),
		TEST(there_is_one_route),
	};

	return cmocka_run_group_tests_name("control/doctor", tests, NULL, scene_tear_down);
}
