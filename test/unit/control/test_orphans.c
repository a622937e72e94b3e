/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/orphans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/api.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

static size_t open_tokens(struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < authority_token_count(w->est.authority); i++) {
		struct authority_token_info t;

		authority_token_at(w->est.authority, i, MINT_NOW, &t);
		n += t.state == AUTHORITY_TOKEN_OPEN;
	}
	return n;
}

static int drop(struct world *w)
{
	struct certs_error e;
	int r = orphans_drop(w->model, w->est.authority, MINT_NOW, &e);

	if (r < 0)
		fail_msg("%s", e.text);
	return r;
}

static void disconnect(struct world *w, const char *app)
{
	struct front_request request = {.method = FRONT_DELETE, .body = ""};
	struct front_reply reply;
	char path[256];

	snprintf(path, sizeof(path),
		 "/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/sites/%s/"
		 "virtualNetworkConnections/blue",
		 app);
	request.path = path;
	api_answer(w->model, &request, MINT_NOW, &reply);
	assert_int_equal(reply.status, 200);
	free(reply.json);
}

static void B27_tokens_of_an_app_that_is_disconnected_are_taken_back(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];

	world_connect(w, "shop", "blue");
	world_connect(w, "stock", "blue");
	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	scene_token(w->est.authority, "stock", "blue", MINT_NOW, secret);
	scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	assert_int_equal(drop(w), 0);
	assert_int_equal(open_tokens(w), 3);
	disconnect(w, "shop");
	assert_int_equal(drop(w), 0);
	assert_int_equal(open_tokens(w), 1);
	assert_int_equal(drop(w), 0);
	assert_int_equal(open_tokens(w), 1);
	world_free(w);
}

static void certificates_of_an_app_that_is_disconnected_stay(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];

	world_connect(w, "shop", "blue");
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	disconnect(w, "shop");
	assert_int_equal(drop(w), 0);
	assert_int_equal(authority_cert_live(w->est.authority, "shop", MINT_NOW), 1);
	world_free(w);
}

static void many_are_taken_back_a_few_at_a_time(void **state)
{
	struct world *w = world_new();
	uint8_t secret[TOKEN_SECRET_SIZE];

	for (int i = 0; i < ORPHANS_AT_ONCE + 1; i++)
		scene_token(w->est.authority, "shop", "blue", MINT_NOW, secret);
	assert_int_equal(drop(w), 1);
	assert_int_equal(open_tokens(w), 1);
	assert_int_equal(drop(w), 0);
	assert_int_equal(open_tokens(w), 0);
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(B27_tokens_of_an_app_that_is_disconnected_are_taken_back),
		TEST(certificates_of_an_app_that_is_disconnected_stay),
		TEST(many_are_taken_back_a_few_at_a_time),
	};

	return cmocka_run_group_tests_name("control/orphans", tests, NULL, scene_tear_down);
}
