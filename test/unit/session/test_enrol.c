/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/enrol.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "sstp/net/loop.h"
#include "test/support/cmocka.h"

enum {
	THREADS = 3,
	REQUESTS = 2000, /* of each thread */
};

/* One loop stands for all threads, until the last test. */
static struct scene {
	struct loop *loop;
	struct enrol_desk *desk;
	uint64_t handed[2 * ENROL_MAX]; /* ids */
	unsigned n_handed;
	uint8_t first_byte; /* of the last one's body */
	bool answers_at_once;
} scene;

struct client {
	unsigned answers;
	int status;
};

static const struct est_reply yes = {
	.status = 200, .content_type = "a/b", .body = "x", .body_len = 1};

static void owner(void *arg, uint64_t id, const struct est_request *request)
{
	assert_ptr_equal(arg, &scene);
	assert_in_range(scene.n_handed, 0, 2 * ENROL_MAX - 1);
	scene.handed[scene.n_handed++] = id;
	scene.first_byte = request->body_len ? request->body[0] : 0;
	if (scene.answers_at_once)
		enrol_answer(scene.desk, id, &yes);
}

static void on_answer(void *who, const struct est_reply *reply)
{
	struct client *c = who;

	c->answers++;
	c->status = reply->status;
}

static int ask_at(struct client *c, uint64_t now, uint64_t *ret_id)
{
	uint8_t body[] = "MIIB";
	struct est_request request = {
		.operation = EST_SIMPLEENROLL, .body = body, .body_len = sizeof(body)};
	int r = enrol_ask(scene.desk, scene.loop, now, &request, on_answer, c, ret_id);

	memset(body, 0, sizeof(body));
	return r;
}

static uint64_t ask(struct client *c)
{
	uint64_t id = 0;

	assert_int_equal(ask_at(c, 0, &id), 0);
	assert_int_not_equal(id, 0);
	return id;
}

static void stop(struct loop_task *task)
{
	loop_stop(scene.loop);
}

/* All that is posted now, and what that posts. */
static void run(void)
{
	for (int i = 0; i < 3; i++) {
		struct loop_task last = {.run = stop};

		loop_post(scene.loop, &last);
		assert_int_equal(loop_run(scene.loop), 0);
	}
}

static int set_up(void **state)
{
	memset(&scene, 0, sizeof(scene));
	scene.loop = loop_new();
	assert_non_null(scene.loop);
	scene.desk = enrol_new(scene.loop);
	assert_non_null(scene.desk);
	enrol_set_owner(scene.desk, owner, &scene);
	return 0;
}

static int tear_down(void **state)
{
	enrol_free(scene.desk);
	loop_free(scene.loop);
	enrol_free(NULL);
	return 0;
}

static void request_is_handed_over_and_its_answer_back(void **state)
{
	struct client c = {0};
	uint64_t id = ask(&c);

	assert_int_equal(scene.n_handed, 0);
	run();
	assert_int_equal(scene.n_handed, 1);
	assert_int_equal(scene.handed[0], id);
	assert_int_equal(scene.first_byte, 'M');
	assert_int_equal(c.answers, 0);
	enrol_answer(scene.desk, id, &yes);
	assert_int_equal(c.answers, 0);
	run();
	assert_int_equal(c.answers, 1);
	assert_int_equal(c.status, 200);
	assert_int_equal(enrol_count(scene.desk), 0);
}

static void owner_may_answer_at_once(void **state)
{
	struct client a = {0}, b = {0};

	scene.answers_at_once = true;
	ask(&a);
	ask(&b);
	run();
	assert_int_equal(a.answers, 1);
	assert_int_equal(b.answers, 1);
}

static void answers_find_their_clients_in_any_order(void **state)
{
	struct client c[3] = {{0}};
	struct est_reply reply = yes;
	uint64_t id[3];

	for (int i = 0; i < 3; i++)
		id[i] = ask(&c[i]);
	run();
	for (int i = 2; i >= 0; i--) {
		reply.status = 200 + i;
		enrol_answer(scene.desk, id[i], &reply);
	}
	run();
	for (int i = 0; i < 3; i++)
		assert_int_equal(c[i].status, 200 + i);
}

static void second_answer_and_a_strangers_are_dropped(void **state)
{
	struct client c = {0};
	uint64_t id = ask(&c);

	enrol_answer(scene.desk, id, &yes); /* nobody has it yet */
	run();
	enrol_answer(scene.desk, id + 1, &yes);
	enrol_answer(scene.desk, 0, &yes);
	run();
	assert_int_equal(c.answers, 0);
	enrol_answer(scene.desk, id, &yes);
	enrol_answer(scene.desk, id, &yes);
	run();
	enrol_answer(scene.desk, id, &yes);
	run();
	assert_int_equal(c.answers, 1);
}

static void client_that_goes_first_is_not_handed_over(void **state)
{
	struct client c = {0};

	enrol_forget(scene.desk, ask(&c));
	assert_int_equal(enrol_count(scene.desk), 0);
	run();
	assert_int_equal(scene.n_handed, 0);
}

static void client_that_goes_later_keeps_its_place_until_the_answer(void **state)
{
	struct client c = {0};
	uint64_t id = ask(&c);

	run();
	enrol_forget(scene.desk, id);
	assert_int_equal(enrol_count(scene.desk), 1);
	enrol_answer(scene.desk, id, &yes);
	assert_int_equal(enrol_count(scene.desk), 0);
	run();
	assert_int_equal(c.answers, 0);
}

static void client_that_goes_while_its_answer_comes_is_not_told(void **state)
{
	struct client c = {0};
	uint64_t id = ask(&c);

	run();
	enrol_answer(scene.desk, id, &yes);
	enrol_forget(scene.desk, id);
	run();
	assert_int_equal(c.answers, 0);
	assert_int_equal(enrol_count(scene.desk), 0);
	enrol_forget(scene.desk, id);
	enrol_forget(scene.desk, 0);
}

static void more_than_the_table_holds_are_refused(void **state)
{
	struct client c = {0};
	uint64_t id = 77;

	for (int i = 0; i < ENROL_MAX; i++)
		ask(&c);
	assert_int_equal(ask_at(&c, 0, &id), -EBUSY);
	assert_int_equal(id, 77);
	run();
	assert_int_equal(ask_at(&c, 0, &id), -EBUSY);
	enrol_answer(scene.desk, scene.handed[0], &yes);
	run();
	assert_int_equal(ask_at(&c, 0, &id), 0);
	assert_int_equal(enrol_count(scene.desk), ENROL_MAX);
}

static void places_of_those_who_went_are_taken_when_the_owner_never_answers(void **state)
{
	struct client c = {0};
	uint64_t gone = ask(&c), id;

	for (int i = 1; i < ENROL_MAX; i++)
		ask(&c);
	run();
	enrol_forget(scene.desk, gone);
	assert_int_equal(ask_at(&c, ENROL_ABANDONED - 1, &id), -EBUSY);
	assert_int_equal(ask_at(&c, ENROL_ABANDONED, &id), 0);
	assert_int_equal(ask_at(&c, 2 * ENROL_ABANDONED, &id), -EBUSY); /* the others wait still */
	enrol_answer(scene.desk, gone, &yes);
	run();
	assert_int_equal(c.answers, 0);
}

static void without_an_owner_nobody_may_ask(void **state)
{
	struct client c = {0};
	uint64_t id;

	assert_true(enrol_is_open(scene.desk));
	ask(&c);
	enrol_set_owner(scene.desk, NULL, NULL);
	assert_false(enrol_is_open(scene.desk));
	assert_int_equal(ask_at(&c, 0, &id), -ENOENT);
	run();
	assert_int_equal(c.answers, 1);
	assert_int_equal(c.status, 503);
	assert_int_equal(scene.n_handed, 0);
}

static void desk_goes_with_all_that_lies_on_it(void **state)
{
	struct client c = {0};

	ask(&c);
	run();
	ask(&c);
	enrol_answer(scene.desk, scene.handed[0], &yes);
	assert_int_equal(enrol_count(scene.desk), 2);
}

/* ---- threads ---- */

struct member {
	pthread_t thread;
	struct loop *loop;
	struct loop_task next;
	uint64_t id; /* asked last; 0: was answered */
	unsigned asked, answered, forgotten;
};

static void answer_at_once(void *arg, uint64_t id, const struct est_request *request)
{
	enrol_answer(scene.desk, id, &yes);
}

static void on_member_answer(void *who, const struct est_reply *reply)
{
	struct member *m = who;

	m->answered++;
	m->id = 0;
}

/* Asks, and forgets every third time what it asked before, wherever that is now. */
static void member_step(struct loop_task *task)
{
	struct member *m = (struct member *)((char *)task - offsetof(struct member, next));
	struct est_request request = {.operation = EST_CACERTS};

	if (m->id && m->asked % 3 == 0) {
		enrol_forget(scene.desk, m->id);
		m->forgotten++;
		m->id = 0;
	}
	if (!m->id && m->asked == REQUESTS) {
		loop_stop(m->loop);
		return;
	}
	if (!m->id && enrol_ask(scene.desk, m->loop, 0, &request, on_member_answer, m, &m->id) == 0)
		m->asked++;
	loop_post(m->loop, &m->next);
}

static void *run_member(void *arg)
{
	struct member *m = arg;

	loop_post(m->loop, &m->next);
	loop_run(m->loop);
	return NULL;
}

static void *run_control(void *arg)
{
	loop_run(scene.loop);
	return NULL;
}

static void each_thread_gets_its_own_answers(void **state)
{
	static struct member members[THREADS];
	struct loop_task last = {.run = stop};
	pthread_t control;

	enrol_set_owner(scene.desk, answer_at_once, NULL);
	assert_int_equal(pthread_create(&control, NULL, run_control, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){.loop = loop_new(), .next.run = member_step};
		assert_non_null(members[i].loop);
		assert_int_equal(pthread_create(&members[i].thread, NULL, run_member, &members[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(members[i].thread, NULL);
		assert_int_equal(members[i].answered + members[i].forgotten, REQUESTS);
	}
	loop_post(scene.loop, &last);
	pthread_join(control, NULL);
	for (int i = 0; i < THREADS; i++)
		loop_free(members[i].loop);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(request_is_handed_over_and_its_answer_back),
		in_scene(owner_may_answer_at_once),
		in_scene(answers_find_their_clients_in_any_order),
		in_scene(second_answer_and_a_strangers_are_dropped),
		in_scene(client_that_goes_first_is_not_handed_over),
		in_scene(client_that_goes_later_keeps_its_place_until_the_answer),
		in_scene(client_that_goes_while_its_answer_comes_is_not_told),
		in_scene(more_than_the_table_holds_are_refused),
		in_scene(places_of_those_who_went_are_taken_when_the_owner_never_answers),
		in_scene(without_an_owner_nobody_may_ask),
		in_scene(desk_goes_with_all_that_lies_on_it),
		in_scene(each_thread_gets_its_own_answers),
	};

	return cmocka_run_group_tests_name("session/enrol", tests, NULL, NULL);
}
