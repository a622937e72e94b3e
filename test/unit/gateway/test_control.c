/* SPDX-License-Identifier: Apache-2.0 */
/* This program is its own control process, and its parent: main() begins as the gateway's does. */
#include "sstp/gateway/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/control/parent_msg.h"
#include "sstp/control/process.h"
#include "sstp/gateway/control_main.h"
#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

static char *listen_at[] = {(char *)"192.0.2.1:4443"};
static char *name_list[] = {(char *)"vpn.example.com", (char *)"192.0.2.1"};

struct scene {
	struct loop *loop;
	struct process *process;
	struct control_argv argv;
	struct control *control;
	struct gateway_config config;
	struct gateway_vnet vnet;
	struct prefix space;
	char state[256];
	char socket[256];
	char path[300];
	unsigned certificates;
	unsigned accesses;
	unsigned answers;
	unsigned wanted; /* answers after which the loop stops */
	unsigned status; /* of the last one */
	size_t body_len;
};

static void on_certificate(void *arg)
{
	struct scene *s = arg;

	s->certificates++;
	loop_stop(s->loop);
}

static void on_access(void *arg)
{
	struct scene *s = arg;

	s->accesses++;
	loop_stop(s->loop);
}

static void on_answer(void *arg, const struct msg_est_reply *reply)
{
	struct scene *s = arg;

	s->status = reply->status;
	s->body_len = reply->body_len;
	if (++s->answers == s->wanted)
		loop_stop(s->loop);
}

/* The configuration's file: what counts there are the names that the scene has now. */
static void write_file(const struct scene *s)
{
	FILE *f = fopen(s->path, "we");

	assert_non_null(f);
	fputs("listen: [\"192.0.2.1:4443\"]\nnames: [", f);
	for (size_t i = 0; i < s->config.n_names; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "", s->config.names[i]);
	fputs("]\nvnets:\n  - {name: lab, address_spaces: [10.20.0.0/16], pools: "
	      "[172.16.77.0/24]}\n",
	      f);
	fclose(f);
}

/* As the parent does. */
static void on_up(void *arg)
{
	struct scene *s = arg;
	struct parent_msg m = {.kind = PARENT_PEER};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&m, packet);
	int fds[2];

	if (!s->process) /* from within process_new() */
		return;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(process_send(s->process, 0, packet, (size_t)len, &fds[0], 1), 0);
	close(fds[0]);
	control_attach(s->control, fds[1]);
}

static void on_process_message(void *arg, unsigned link, const uint8_t *msg, size_t len,
			       struct msgsock_fds *fds)
{
	fail_msg("it has nothing to say to its parent");
}

static void on_down(void *arg, const char *why)
{
}

static int start(struct scene *s, char error[CONTROL_ERROR_MAX])
{
	struct process_params params = {.program = "/proc/self/exe",
					.argv = s->argv.argv,
					.links = 1,
					.on_up = on_up,
					.on_message = on_process_message,
					.on_down = on_down,
					.arg = s};

	assert_int_equal(control_argv_init(&s->argv, &s->config, LOG_LEVEL_ERROR), 0);
	assert_int_equal(control_new(s->loop,
				     &(struct control_params){.config = &s->config,
							      .on_certificate = on_certificate,
							      .on_access = on_access,
							      .arg = s},
				     &s->control),
			 0);
	s->process = process_new(s->loop, &params);
	assert_non_null(s->process);
	on_up(s);
	return control_wait(s->control, error);
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){.loop = loop_new()};
	assert_non_null(s->loop);
	assert_int_equal(prefix_parse("10.20.0.0/16", &s->space), 0);
	snprintf(s->state, sizeof(s->state), "%s", scene_folder());
	snprintf(s->socket, sizeof(s->socket), "%s.sock", scene_folder());
	s->vnet = (struct gateway_vnet){.name = (char *)"lab",
					.address_spaces = &s->space,
					.n_address_spaces = 1,
					.pools = &s->space,
					.n_pools = 1};
	snprintf(s->path, sizeof(s->path), "%s.yaml", scene_folder());
	s->config = (struct gateway_config){.path = s->path,
					    .listen = listen_at,
					    .n_listen = 1,
					    .names = name_list,
					    .n_names = 2,
					    .has_control = true,
					    .state = s->state,
					    .control_socket = s->socket,
					    .bird_socket = (char *)"/nowhere/bird.ctl",
					    .vnets = &s->vnet,
					    .n_vnets = 1};
	write_file(s);
}

static void scene_done(struct scene *s)
{
	control_free(s->control);
	process_free(s->process);
	control_argv_done(&s->argv);
	loop_free(s->loop);
}

static void ask(struct scene *s, enum msg_est_kind kind)
{
	struct msg_est_request m = {.kind = kind, .peer = "192.0.2.9"};

	control_ask(s->control, &m, on_answer, s);
}

static void first_words_are_there_when_it_has_started(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX] = "";

	scene_init(&s);
	if (start(&s, error) < 0)
		fail_msg("%s", error);
	assert_non_null(strstr(control_certificate(s.control).chain_pem, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(control_certificate(s.control).key_pem, "PRIVATE KEY"));
	assert_non_null(strstr(access_roots_pem(control_access(s.control)), "BEGIN CERTIFICATE"));
	assert_int_equal(s.certificates, 0);
	scene_done(&s);
}

static void as_many_names_as_a_configuration_may_have_are_certified(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX] = "";
	char names[GATEWAY_NAMES_MAX][32];
	char *list[GATEWAY_NAMES_MAX];

	scene_init(&s);
	for (size_t i = 0; i < GATEWAY_NAMES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "gw%zu.example.com", i);
		list[i] = names[i];
	}
	s.config.names = list;
	s.config.n_names = GATEWAY_NAMES_MAX;
	write_file(&s);
	if (start(&s, error) < 0)
		fail_msg("%s", error);
	assert_non_null(control_certificate(s.control).chain_pem);
	scene_done(&s);
}

/* It runs, and has a reason: nobody waits for CONTROL_START_NS, nor has to look elsewhere. */
static void certificate_for_what_the_file_does_not_name_is_an_error_in_control_s_words(void **state)
{
	static char *wrong[] = {(char *)"www.bank.example"};
	struct scene s;
	char error[CONTROL_ERROR_MAX] = "";
	uint64_t began = clock_now();

	scene_init(&s);
	s.config.names = wrong;
	s.config.n_names = 1;
	assert_int_equal(start(&s, error), -ESRCH);
	if (!strstr(error, "does not start: 'www.bank.example' is none of the 'names' in "))
		fail_msg("'%s' says nothing of the name", error);
	assert_true(clock_now() - began < CONTROL_START_NS);
	scene_done(&s);
}

static void gateway_with_its_own_certificate_is_made_none(void **state)
{
	struct scene s;
	struct gateway_certificate certificate = {.vnet = GATEWAY_ANY_VNET};
	char error[CONTROL_ERROR_MAX];

	scene_init(&s);
	s.config.certificates = &certificate;
	s.config.n_certificates = 1;
	assert_int_equal(start(&s, error), 0);
	assert_null(control_certificate(s.control).chain_pem);
	scene_done(&s);
}

static void question_is_answered_and_more_than_the_limit_are_refused_at_once(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX];

	scene_init(&s);
	assert_int_equal(start(&s, error), 0);
	s.wanted = 1;
	ask(&s, MSG_EST_CACERTS);
	assert_int_equal(s.answers, 0);
	loop_run(s.loop);
	assert_int_equal(s.status, 200);
	assert_true(s.body_len > 100);
	s.wanted = 2 + CONTROL_PENDING_MAX;
	for (unsigned i = 0; i < CONTROL_PENDING_MAX; i++)
		ask(&s, MSG_EST_CSRATTRS);
	assert_int_equal(s.answers, 1);
	ask(&s, MSG_EST_CSRATTRS);
	assert_int_equal(s.answers, 2);
	assert_int_equal(s.status, 503);
	loop_run(s.loop);
	assert_int_equal(s.answers, 2 + CONTROL_PENDING_MAX);
	assert_int_equal(s.status, 204);
	scene_done(&s);
}

static void changed_names_bring_another_certificate(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX];
	char *before;

	scene_init(&s);
	assert_int_equal(start(&s, error), 0);
	before = strdup(control_certificate(s.control).chain_pem);
	s.config.n_names = 1;
	write_file(&s);
	control_configure(s.control, &s.config, NULL);
	loop_run(s.loop);
	assert_int_equal(s.certificates, 1);
	assert_string_not_equal(control_certificate(s.control).chain_pem, before);
	free(before);
	scene_done(&s);
}

/* The only child of this process. */
static pid_t control_pid(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

/* ACCESS is the last of what it tells when it is back. */
static void control_that_is_back_has_the_same_certificate_and_it_is_no_news(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX];
	pid_t before;

	scene_init(&s);
	assert_int_equal(start(&s, error), 0);
	before = control_pid();
	assert_int_equal(kill(before, SIGKILL), 0);
	while (!s.accesses)
		loop_run(s.loop);
	assert_int_not_equal(control_pid(), before);
	assert_int_equal(s.certificates, 0);
	scene_done(&s);
}

static void who_waits_when_it_ends_is_told_so(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX];

	scene_init(&s);
	assert_int_equal(start(&s, error), 0);
	ask(&s, MSG_EST_CACERTS);
	control_free(s.control);
	s.control = NULL;
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.status, 503);
	scene_done(&s);
}

static void state_that_cannot_be_is_an_error_with_a_sentence(void **state)
{
	struct scene s;
	char error[CONTROL_ERROR_MAX];

	scene_init(&s);
	snprintf(s.state, sizeof(s.state), "/nonexistent/folder/state");
	assert_int_equal(start(&s, error), -ESRCH);
	assert_non_null(strstr(error, "does not start: state folder /nonexistent/folder/state: "
				      "No such file or directory"));
	scene_done(&s);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		TEST(first_words_are_there_when_it_has_started),
		TEST(as_many_names_as_a_configuration_may_have_are_certified),
		TEST(certificate_for_what_the_file_does_not_name_is_an_error_in_control_s_words),
		TEST(gateway_with_its_own_certificate_is_made_none),
		TEST(question_is_answered_and_more_than_the_limit_are_refused_at_once),
		TEST(changed_names_bring_another_certificate),
		TEST(control_that_is_back_has_the_same_certificate_and_it_is_no_news),
		TEST(who_waits_when_it_ends_is_told_so),
		TEST(state_that_cannot_be_is_an_error_with_a_sentence),
	};
	int code;

	if (control_main(argc, argv, &code))
		return code;
	return cmocka_run_group_tests_name("gateway/control", tests, NULL, scene_tear_down);
}
