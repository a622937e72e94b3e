/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/timeline_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/control/front.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_trace.h"
#include "test/support/cmocka.h"

enum {
	NOW = 77
};

/* Sessions 7, of shop, and 8, of till, are up. */
static struct timelines *two_sessions(void)
{
	struct timelines *t = timelines_new(&(struct timelines_limits){10, 5});
	struct msg_timeline m = {.boot = 1,
				 .id = 7,
				 .app = "shop",
				 .vnet = "blue",
				 .user = "",
				 .source = "",
				 .dialled = "",
				 .tls = "",
				 .correlation = "",
				 .auth = "",
				 .thumbprint = "",
				 .reason = ""};

	assert_non_null(t);
	assert_int_equal(timelines_take(t, &m), 0);
	m.id = 8;
	m.app = "till";
	assert_int_equal(timelines_take(t, &m), 0);
	return t;
}

/* What session id has last, as "event: detail"; "": nothing. */
static void expect(struct timelines *t, const char *id, const char *expected)
{
	const struct timeline *e = timelines_next(t, &(struct timelines_key){.session = id}, NULL);
	const struct timeline_note *note;
	char text[400] = "";

	assert_non_null(e);
	for (note = e->notes; note; note = note->next) {
		snprintf(text, sizeof(text), "%s: %s", note->event, note->detail);
		assert_int_equal(note->at_us, NOW);
	}
	assert_string_equal(text, expected);
}

/* Takes frame. */
static void tell(struct timelines *t, int r, uint8_t *frame, size_t len, const char *who)
{
	assert_int_equal(r, 0);
	timeline_notes_on_frame(t, frame, len, who, NOW);
	msg_frame_free(frame, len);
}

static void disconnect_says_why_and_who(void **state)
{
	struct msg_disconnect m = {.session = 7, .app = "", .vnet = "", .reason = "enough"};
	struct timelines *t = two_sessions();
	uint8_t *frame;
	size_t len;
	int r = msg_disconnect_encode(&m, &frame, &len);

	tell(t, r, frame, len, "uid 0");
	expect(t, "7", "disconnect: enough, by uid 0");
	expect(t, "8", "");
	m = (struct msg_disconnect){
		.app = "till", .vnet = "blue", .reason = "sync", .is_restart = true};
	r = msg_disconnect_encode(&m, &frame, &len);
	tell(t, r, frame, len, NULL);
	expect(t, "8", "restart: sync");
	timelines_free(t);
}

static void connection_says_what_is_told(void **state)
{
	static const struct prefix route = {.family = AF_INET, .len = 8, .addr = {10}};
	struct msg_connection m = {.app = "shop",
				   .vnet = "blue",
				   .refusal = "",
				   .routes = &route,
				   .n_routes = 1,
				   .description = "{}"};
	struct timelines *t = two_sessions();
	uint8_t *frame;
	size_t len;
	int r = msg_connection_encode(&m, &frame, &len);

	tell(t, r, frame, len, "token");
	expect(t, "7", "network: it is told of its network: 1 routes, by token");
	m.refusal = "not in the Free tier";
	r = msg_connection_encode(&m, &frame, &len);
	tell(t, r, frame, len, NULL);
	expect(t, "7", "network: its connection is refused: not in the Free tier");
	r = msg_name_encode(MSG_CONNECTION_GONE, "shop", &frame, &len);
	tell(t, r, frame, len, "uid 0");
	expect(t, "7", "network: its connection is taken away, by uid 0");
	expect(t, "8", "");
	timelines_free(t);
}

static void probe_says_what_is_asked(void **state)
{
	struct msg_probe m = {.app = "shop",
			      .vnet = "blue",
			      .destination = {.family = AF_INET, .len = 32, .addr = {10, 1, 0, 9}},
			      .port = 443};
	struct timelines *t = two_sessions();
	uint8_t *frame;
	size_t len;
	int r = msg_probe_encode(&m, &frame, &len);

	tell(t, r, frame, len, "uid 0");
	expect(t, "7", "probe: 10.1.0.9 port 443 is asked in the name of the app, by uid 0");
	m.session = 7;
	m.port = 0;
	r = msg_probe_encode(&m, &frame, &len);
	tell(t, r, frame, len, NULL);
	expect(t, "7", "probe: 10.1.0.9 is asked for an echo in the name of the session");
	m.ttl = 2;
	m.destination.addr[3] = 10;
	r = msg_probe_encode(&m, &frame, &len);
	tell(t, r, frame, len, NULL);
	expect(t, "7", "probe: 10.1.0.9 is asked for an echo in the name of the session");
	expect(t, "8", "");
	timelines_free(t);
}

static void trace_says_what_is_followed(void **state)
{
	struct msg_trace m = {.app = "shop",
			      .vnet = "blue",
			      .destination = {.family = AF_INET, .len = 32, .addr = {10, 1, 0, 9}},
			      .port = 443,
			      .own = 61000};
	struct timelines *t = two_sessions();
	uint8_t *frame;
	size_t len;
	int r = msg_trace_encode(&m, &frame, &len);

	tell(t, r, frame, len, "uid 0");
	expect(t, "7", "trace: a probe to 10.1.0.9 port 443 is followed, by uid 0");
	m.port = 0;
	r = msg_trace_encode(&m, &frame, &len);
	tell(t, r, frame, len, NULL);
	expect(t, "7", "trace: an echo to 10.1.0.9 is followed");
	expect(t, "8", "");
	timelines_free(t);
}

static void other_messages_change_nothing(void **state)
{
	struct timelines *t = two_sessions();
	uint8_t broken[MSG_HEAD_SIZE] = {0, 0, 0, 0, MSG_DISCONNECT};
	uint8_t *frame;
	size_t len;
	int r = msg_name_encode(MSG_SITE_END, "", &frame, &len);

	tell(t, r, frame, len, "uid 0");
	timeline_notes_on_frame(t, broken, sizeof(broken), NULL, NOW);
	expect(t, "7", "");
	timelines_free(t);
}

static void answered(struct timelines *t, enum front_method method, const char *path, int status,
		     const char *json)
{
	const struct front_request request = {.method = method, .path = path, .who = "uid\n0"};
	struct front_reply reply = {.status = status, .json = strdup(json)};

	timeline_notes_on_answer(t, &request, &reply, NOW);
	free(reply.json);
}

static void revocation_is_noted_with_the_app_that_the_answer_names(void **state)
{
	static const char path[] = "/v1/certificates/AB12/revoke";
	struct timelines *t = two_sessions();

	answered(t, FRONT_POST, path, 409, "{\"app\": \"shop\"}");
	answered(t, FRONT_GET, path, 200, "{\"app\": \"shop\"}");
	answered(t, FRONT_POST, path, 200, "{\"app\": null}");
	answered(t, FRONT_POST, "/v1/tokens", 200, "{\"app\": \"shop\"}");
	expect(t, "7", "");
	answered(t, FRONT_POST, path, 200, "{\"app\": \"shop\"}");
	expect(t, "7",
	       "revocation: certificate AB12 of its app, and its renewals, revoked, by uid\\x0a0");
	answered(t, FRONT_POST, "/v1/apps/till/revoke", 200, "{\"app\": \"till\"}");
	expect(t, "8", "revocation: all certificates of its app are revoked, by uid\\x0a0");
	timelines_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disconnect_says_why_and_who),
		cmocka_unit_test(connection_says_what_is_told),
		cmocka_unit_test(probe_says_what_is_asked),
		cmocka_unit_test(trace_says_what_is_followed),
		cmocka_unit_test(other_messages_change_nothing),
		cmocka_unit_test(revocation_is_noted_with_the_app_that_the_answer_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
