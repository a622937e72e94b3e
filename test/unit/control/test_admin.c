/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/admin.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

static bool has_changed;

/* Owned. */
static json_t *ask(struct world *w, enum front_method method, const char *path, const char *body,
		   int status)
{
	struct admin_world admin = {
		.est = &w->est, .model = w->model, .dial = "vpn.example.com:4443"};
	struct front_request request = {
		.method = method, .path = path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;
	json_t *json;

	has_changed = admin_answer(&admin, &request, MINT_NOW, &reply);
	if (reply.status != status)
		fail_msg("%s: %d instead of %d: %s", path, reply.status, status, reply.json);
	json = json_loads(reply.json, 0, NULL);
	assert_non_null(json);
	free(reply.json);
	return json;
}

/* ...and says so with these words. */
static void refuses(struct world *w, enum front_method method, const char *path, const char *body,
		    int status, const char *part)
{
	json_t *json = ask(w, method, path, body, status);
	json_t *error = json_object_get(json, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_non_null(json_string_value(json_object_get(error, "code")));
	if (!message || !strstr(message, part))
		fail_msg("%s: '%s' says nothing of '%s'", path, message, part);
	assert_false(has_changed);
	json_decref(json);
}

static void does(struct world *w, enum front_method method, const char *path, const char *body,
		 int status)
{
	json_decref(ask(w, method, path, body, status));
}

/* Of the only object of a list; "" when it is null. The text is good until the next call. */
static const char *only(struct world *w, const char *path, const char *key)
{
	static char text[256];
	json_t *json = ask(w, FRONT_GET, path, "", 200);
	json_t *list = json_object_get(json, "value");
	json_t *value = json_object_get(json_array_get(list, 0), key);

	assert_int_equal(json_array_size(list), 1);
	if (json_is_boolean(value))
		snprintf(text, sizeof(text), "%s", json_is_true(value) ? "true" : "false");
	else
		snprintf(text, sizeof(text), "%s",
			 json_is_string(value) ? json_string_value(value) : "");
	json_decref(json);
	return text;
}

static void token_is_made_shown_and_taken_back(void **state)
{
	struct world *w = world_new();
	json_t *json =
		ask(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"blue\"}", 201);
	const char *text = json_string_value(json_object_get(json, "token"));
	struct token token;
	char path[64];

	assert_int_equal(token_decode(text, strlen(text), &token, NULL), 0);
	assert_string_equal(token.gateway, "vpn.example.com:4443");
	assert_true(token.expires == MINT_NOW + ADMIN_LIFETIME_S);
	assert_string_equal(only(w, "/v1/tokens", "state"), "open");
	assert_string_equal(only(w, "/v1/tokens", "token"), "");
	snprintf(path, sizeof(path), "/v1/tokens/%s",
		 json_string_value(json_object_get(json, "id")));
	does(w, FRONT_DELETE, path, "", 200);
	refuses(w, FRONT_DELETE, path, "", 404, "token");
	json_decref(json);
	world_free(w);
}

static void token_for_what_cannot_be_is_refused(void **state)
{
	struct world *w = world_new();

	refuses(w, FRONT_POST, "/v1/tokens", "", 400, "'app' is missing");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\"}", 400, "'vnet' is missing");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"green\"}", 404,
		"no VNet 'green'");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"a b\",\"vnet\":\"blue\"}", 400, "a b");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"blue\",\"lifetime\":1}",
		400, "");
	refuses(w, FRONT_POST, "/v1/tokens",
		"{\"app\":\"shop\",\"vnet\":\"blue\",\"lifetime\":\"1h\"}", 400,
		"'lifetime' has the wrong type");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"blue\",\"x\\n\":1}", 400,
		"'x\\x0a' is not known here");
	assert_int_equal(authority_token_count(w->est.authority), 0);
	world_free(w);
}

/* Of a token for gw.test: what it pins is what is expected, and there is a warning or not. */
static void pins(struct world *w, const X509 *expected, bool is_warned)
{
	json_t *json = ask(w, FRONT_POST, "/v1/tokens",
			   "{\"app\":\"shop\",\"vnet\":\"blue\",\"gateway\":\"gw.test:444\"}", 201);
	const char *text = json_string_value(json_object_get(json, "token"));
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];
	struct token token;

	assert_int_equal(token_decode(text, strlen(text), &token, NULL), 0);
	assert_int_equal(cert_fingerprint(expected, fingerprint), 0);
	assert_memory_equal(token.root, fingerprint, sizeof(fingerprint));
	assert_int_equal(json_is_string(json_object_get(json, "warning")), is_warned);
	json_decref(json);
}

static void token_pins_what_the_operator_s_certificate_leads_to(void **state)
{
	struct world *w = world_new();
	struct minted authority = mint_root("operator's");

	world_show(w, &authority);
	pins(w, authority.cert, false);
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"shop\",\"vnet\":\"blue\"}", 409,
		"no certificate of this gateway is for 'vpn.example.com'");
	refuses(w, FRONT_POST, "/v1/tokens",
		"{\"app\":\"shop\",\"vnet\":\"blue\",\"gateway\":\"a b\"}", 400,
		"'a b' is not what");
	assert_int_equal(authority_token_count(w->est.authority), 1);
	world_show(w, NULL);
	pins(w, anchors_at(w->anchors, 0), true);
	minted_done(&authority);
	world_free(w);
}

static void body_and_path_that_are_none_are_refused(void **state)
{
	struct world *w = world_new();

	refuses(w, FRONT_POST, "/v1/tokens", "{", 400, "no JSON");
	refuses(w, FRONT_POST, "/v1/tokens", "[]", 400, "object");
	refuses(w, FRONT_POST, "/v1/tokens", "{\"app\":\"a\",\"app\":\"b\"}", 400, "no JSON");
	refuses(w, FRONT_GET, "/", "", 404, "path");
	refuses(w, FRONT_GET, "/v1/certificates/", "", 404, "path");
	refuses(w, FRONT_GET, "/v1/certificates/a/b", "", 404, "path");
	refuses(w, FRONT_GET, "/v1/certificates/a\nb", "", 404, "path");
	refuses(w, FRONT_GET, "/v1/certificates/xyz", "", 400, "no thumbprint");
	refuses(w, FRONT_DELETE, "/v1/tokens", "", 405, "method");
	refuses(w, FRONT_GET, "/v1/roots/rotate", "", 405, "method");
	world_free(w);
}

static void certificate_is_shown_and_revoked(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX];
	char path[128];
	json_t *json;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	assert_string_equal(only(w, "/v1/certificates", "certThumbprint"), thumbprint);
	assert_string_equal(only(w, "/v1/certificates", "status"), "valid");
	snprintf(path, sizeof(path), "/v1/certificates/%s", thumbprint);
	json = ask(w, FRONT_GET, path, "", 200);
	assert_string_equal(json_string_value(json_object_get(json, "certBlob")),
			    authority_cert_blob(w->est.authority, 0));
	json_decref(json);
	snprintf(path, sizeof(path), "/v1/certificates/%s/revoke", thumbprint);
	refuses(w, FRONT_POST, path, "{\"foreign\":1}", 400, "type");
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, second);
	json = ask(w, FRONT_POST, path, "{\"foreign\":false}", 200);
	assert_int_equal(json_integer_value(json_object_get(json, "revoked")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "app")), "shop");
	assert_int_equal(json_integer_value(json_object_get(json, "remaining")), 1);
	assert_true(has_changed);
	json_decref(json);
	scene_assert_status(w->est.authority, thumbprint, MINT_NOW, CERT_REVOKED);
	scene_assert_status(w->est.authority, second, MINT_NOW, CERT_VALID);
	refuses(w, FRONT_POST, path, "", 409, "");
	does(w, FRONT_POST, "/v1/apps/shop/revoke", "", 200);
	assert_true(has_changed);
	scene_assert_status(w->est.authority, second, MINT_NOW, CERT_REVOKED);
	refuses(w, FRONT_POST, "/v1/apps/shop/revoke", "", 409, "revoked already");
	refuses(w, FRONT_POST, "/v1/apps/stock/revoke", "", 404, "no certificate of app stock");
	world_free(w);
}

static void certificate_of_the_gateway_and_its_root_are_shown(void **state)
{
	static const char *const names[] = {"gw.test"};
	struct world *w = world_new();
	struct authority_server server;
	json_t *json;

	refuses(w, FRONT_GET, "/v1/server", "", 404, "made no certificate");
	assert_int_equal(authority_server(w->est.authority, names, 1, MINT_NOW, &server, NULL), 0);
	json = ask(w, FRONT_GET, "/v1/server", "", 200);
	assert_string_equal(json_string_value(json_object_get(json, "certThumbprint")),
			    server.thumbprint);
	assert_string_equal(json_string_value(json_object_get(json, "status")), "valid");
	assert_string_equal(json_string_value(json_object_get(json, "subject")), "CN=gw.test");
	assert_string_equal(json_string_value(json_object_get(json, "root")),
			    only(w, "/v1/roots", "name"));
	assert_memory_equal(only(w, "/v1/roots", "certBlob"),
			    authority_root_blob(w->est.authority, 0), 200);
	assert_string_equal(only(w, "/v1/roots", "issuesUntil"), "2038-11-23T11:00:00Z");
	json_decref(json);
	authority_server_done(&server);
	world_free(w);
}

static void roots_are_rotated_imported_and_dropped(void **state)
{
	struct world *w = world_new();
	struct minted root = mint_root("elsewhere");
	char *pem = mint_pem(&root);
	json_t *body = json_pack("{s:s, s:s, s:s}", "name", "hq", "vnet", "blue", "pem", pem);
	char *text = json_dumps(body, 0);
	char path[64];
	char old[64];

	snprintf(old, sizeof(old), "/v1/roots/%s", only(w, "/v1/roots", "thumbprint"));
	refuses(w, FRONT_DELETE, old, "", 409, "make a new one first");
	does(w, FRONT_POST, "/v1/roots/rotate", "", 201);
	assert_true(has_changed);
	does(w, FRONT_DELETE, old, "", 200);
	assert_true(has_changed);
	does(w, FRONT_POST, "/v1/roots", text, 201);
	assert_true(has_changed);
	refuses(w, FRONT_POST, "/v1/roots", text, 409, "");
	assert_int_equal(authority_root_count(w->est.authority), 2);
	snprintf(path, sizeof(path), "/v1/roots/%040d", 0);
	refuses(w, FRONT_DELETE, path, "", 404, "");
	free(text);
	json_decref(body);
	free(pem);
	minted_done(&root);
	world_free(w);
}

static void hand_over(struct world *w)
{
	struct handed_entry entry = {.app = "shop", .at = MINT_NOW};

	assert_int_equal(est_roots_digest(&w->est, MINT_NOW, entry.roots), 0);
	strcpy(entry.network, world_digest(w, "shop", "blue"));
	assert_int_equal(handed_set(w->est.handed, &entry, NULL), 0);
}

static void B42_app_is_out_of_sync_while_network_or_roots_are_not_what_it_was_handed(void **state)
{
	struct world *w = world_new();
	char thumbprint[CERT_THUMBPRINT_MAX];

	world_connect(w, "shop", "blue");
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, thumbprint);
	assert_string_equal(only(w, "/v1/apps", "resyncRequired"), "false");
	hand_over(w);
	assert_string_equal(only(w, "/v1/apps", "resyncRequired"), "false");
	world_set_dns(w, "10.1.0.5");
	assert_string_equal(only(w, "/v1/apps", "resyncRequired"), "true");
	assert_string_equal(only(w, "/v1/apps", "reason"), "its network has changed");
	assert_string_equal(only(w, "/v1/apps", "status"), "out of sync");
	hand_over(w);
	assert_string_equal(only(w, "/v1/apps", "status"), "valid");
	does(w, FRONT_POST, "/v1/roots/rotate", "", 201);
	assert_string_equal(only(w, "/v1/apps", "reason"), "the gateway's roots have changed");
	hand_over(w);
	assert_string_equal(only(w, "/v1/apps", "resyncRequired"), "false");
	world_free(w);
}

/* A worker that was renewed, and another one of the same app. */
static void app_with_many_certificates_has_one_row_whatever_its_case(void **state)
{
	struct world *w = world_new();
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	scene_renew(w->est.authority, first, MINT_NOW, second);
	scene_issue(w->est.authority, "Shop", "blue", MINT_NOW, third);
	assert_string_equal(only(w, "/v1/apps", "certThumbprint"), third);
	world_free(w);
}

static void app_shows_the_newest_certificate_that_still_lets_it_in(void **state)
{
	struct world *w = world_new();
	char first[CERT_THUMBPRINT_MAX], second[CERT_THUMBPRINT_MAX], third[CERT_THUMBPRINT_MAX];
	char other[CERT_THUMBPRINT_MAX];
	json_t *json;

	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, first);
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, second);
	scene_issue(w->est.authority, "shop", "blue", MINT_NOW, third);
	assert_int_equal(authority_revoke(w->est.authority, third, 0, MINT_NOW, NULL), 1);
	assert_string_equal(only(w, "/v1/apps", "certThumbprint"), second);
	assert_string_equal(only(w, "/v1/apps", "status"), "valid");
	assert_int_equal(authority_revoke(w->est.authority, first, 0, MINT_NOW, NULL), 1);
	assert_int_equal(authority_revoke(w->est.authority, second, 0, MINT_NOW, NULL), 1);
	assert_string_equal(only(w, "/v1/apps", "certThumbprint"), third);
	assert_string_equal(only(w, "/v1/apps", "status"), "revoked");
	scene_issue(w->est.authority, "stock", "blue", MINT_NOW, other);
	json = ask(w, FRONT_GET, "/v1/apps", "", 200);
	assert_int_equal(json_array_size(json_object_get(json, "value")), 2);
	json_decref(json);
	world_free(w);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(token_is_made_shown_and_taken_back),
		TEST(token_for_what_cannot_be_is_refused),
		TEST(token_pins_what_the_operator_s_certificate_leads_to),
		TEST(body_and_path_that_are_none_are_refused),
		TEST(certificate_is_shown_and_revoked),
		TEST(certificate_of_the_gateway_and_its_root_are_shown),
		TEST(roots_are_rotated_imported_and_dropped),
		TEST(app_with_many_certificates_has_one_row_whatever_its_case),
		TEST(app_shows_the_newest_certificate_that_still_lets_it_in),
		TEST(B42_app_is_out_of_sync_while_network_or_roots_are_not_what_it_was_handed),
	};

	return cmocka_run_group_tests_name("control/admin", tests, NULL, scene_tear_down);
}
