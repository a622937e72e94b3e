/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/restart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/api.h"
#include "sstp/control/msg_site.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

#define PLAN \
	"/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/serverfarms/blue"
#define SYNC PLAN "/virtualNetworkConnections/blue/sync"

static char said[256];

static int hear(void *arg, uint8_t *frame, size_t len)
{
	struct msg_disconnect m;

	assert_int_equal(msg_disconnect_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &m), 0);
	assert_true(m.is_restart);
	assert_int_equal(m.session, 0);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s@%s ", m.app, m.vnet);
	msg_frame_free(frame, len);
	return 0;
}

static int refuse_all(void *arg, uint8_t *frame, size_t len)
{
	msg_frame_free(frame, len);
	return -ENOBUFS;
}

static struct front_request request_of(enum front_method method, const char *path,
				       const char *query, const char *body)
{
	return (struct front_request){.method = method,
				      .path = path,
				      .query = query,
				      .body = body,
				      .body_len = strlen(body)};
}

static void wants(const char *path, const char *query, const char *body, bool expected)
{
	struct front_request request = request_of(FRONT_POST, path, query, body);
	struct front_reply reply;
	bool is_wanted = !expected;

	assert_true(restart_read(&request, &is_wanted, &reply));
	assert_int_equal(is_wanted, expected);
}

static void refuses(const char *query, const char *body, const char *part)
{
	struct front_request request = request_of(FRONT_POST, SYNC, query, body);
	struct front_reply reply;
	bool is_wanted;

	assert_false(restart_read(&request, &is_wanted, &reply));
	assert_int_equal(reply.status, 400);
	assert_non_null(strstr(reply.json, part));
	free(reply.json);
}

static void sync_restarts_apps_only_when_it_is_told_to(void **state)
{
	wants(SYNC, NULL, "", false);
	wants(SYNC, "api-version=1", "{}", false);
	wants(SYNC, NULL, "{\"restart\":true}", true);
	wants(SYNC, NULL, "{\"restart\":false}", false);
	wants(SYNC, "restart=true", "", true);
	wants(SYNC, "restart=true", "{\"restart\":false}", true);
	wants(PLAN, "restart=true", "", false); /* that is no sync */
	refuses("restart=1", "", "true or false");
	refuses("again=true", "", "'again' is not known");
	refuses(NULL, "{\"restart\":1}", "the body of a sync");
	refuses(NULL, "{\"again\":true}", "the body of a sync");
	refuses(NULL, "[]", "the body of a sync");
	refuses(NULL, "{", "the body of a sync");
}

static void B32_all_apps_of_the_plan_in_that_network_are_restarted_and_no_other(void **state)
{
	static const char other[] = "/subscriptions/default/resourceGroups/default/providers/"
				    "Microsoft.Web/serverfarms/other";
	static const char third[] =
		"/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/sites/third";
	struct world *w = world_new();
	struct front_request sync = request_of(FRONT_POST, SYNC, NULL, "");
	struct front_request requests[] = {
		request_of(FRONT_PUT, other, NULL, "{\"sku\":{\"tier\":\"Basic\"}}"),
		request_of(FRONT_PUT, third, NULL, "{\"properties\":{\"serverFarmId\":\"other\"}}"),
	};
	struct certs_error e;

	for (size_t i = 0; i < 2; i++) {
		struct front_reply reply;

		api_answer(w->model, &requests[i], MINT_NOW, &reply);
		assert_int_equal(reply.status, 200);
		free(reply.json);
	}
	world_connect(w, "third", "blue");
	world_connect(w, "shop", "blue");
	world_connect(w, "stock", "blue");
	*said = '\0';
	assert_int_equal(restart_apps(w->model, &sync, hear, NULL, &e), 2);
	assert_string_equal(said, "shop@blue stock@blue ");
	assert_int_equal(restart_apps(w->model, &sync, refuse_all, NULL, &e), -ENOBUFS);
	sync.path = PLAN;
	assert_int_equal(restart_apps(w->model, &sync, hear, NULL, &e), 0);
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(sync_restarts_apps_only_when_it_is_told_to),
		TEST(B32_all_apps_of_the_plan_in_that_network_are_restarted_and_no_other),
	};

	return cmocka_run_group_tests_name("control/restart", tests, NULL, scene_tear_down);
}
