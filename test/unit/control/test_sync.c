/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/sync.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

static const char *const names[] = {"vpn.example.com"};

static const int64_t year = 365 * 86400;

struct line {
	unsigned n_access;
	unsigned n_certificates;
	size_t n_clients; /* of the last ACCESS */
	size_t n_revoked;
	char name[64]; /* the first of the last certificate's */
	bool is_full;
};

static int take(void *arg, uint8_t *frame, size_t len)
{
	struct line *l = arg;
	struct msg_server_certificate m;
	struct authority_export e;

	if (l->is_full) {
		msg_frame_free(frame, len);
		return -ENOBUFS;
	}
	if (frame[MSG_HEAD_SIZE - 1] == MSG_ACCESS) {
		assert_int_equal(msg_access_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &e),
				 0);
		l->n_access++;
		l->n_clients = e.n_clients;
		l->n_revoked = e.n_revoked;
		authority_export_done(&e);
	} else {
		assert_int_equal(msg_server_certificate_decode(frame + MSG_HEAD_SIZE,
							       len - MSG_HEAD_SIZE, &m),
				 0);
		l->n_certificates++;
		strcpy(l->name, m.names[0]);
	}
	msg_frame_free(frame, len);
	return 0;
}

static struct sync *start(struct authority *a, struct line *l)
{
	struct sync *s = sync_new(&(struct sync_params){.authority = a, .send = take, .arg = l});

	assert_non_null(s);
	return s;
}

static void each_change_is_told_once(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {0};
	struct sync *s = start(a, &l);
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(sync_push(s, MINT_NOW, NULL), 0);
	assert_int_equal(sync_push(s, MINT_NOW + 60, NULL), 0);
	assert_int_equal(l.n_access, 1);
	scene_issue(a, "shop", "blue", MINT_NOW, thumbprint);
	assert_int_equal(sync_push(s, MINT_NOW + 60, NULL), 0);
	assert_int_equal(l.n_access, 2);
	assert_int_equal(l.n_clients, 1);
	assert_int_equal(authority_revoke(a, thumbprint, 0, MINT_NOW, NULL), 1);
	assert_int_equal(sync_push(s, MINT_NOW + 60, NULL), 0);
	assert_int_equal(l.n_access, 3);
	assert_int_equal(l.n_clients, 0);
	assert_int_equal(l.n_revoked, 1);
	assert_int_equal(l.n_certificates, 0); /* no names, no certificate */
	sync_free(s);
	authority_close(a);
}

static void all_is_told_to_who_knows_nothing(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {0};
	struct sync *s = start(a, &l);

	assert_int_equal(sync_set_names(s, names, 1), 0);
	assert_int_equal(sync_push(s, MINT_NOW, NULL), 0);
	sync_forget(s);
	assert_int_equal(sync_push(s, MINT_NOW, NULL), 0);
	assert_int_equal(l.n_access, 2);
	assert_int_equal(l.n_certificates, 2);
	assert_int_equal(sync_push(s, MINT_NOW, NULL), 0);
	assert_int_equal(l.n_access, 2);
	sync_free(s);
	authority_close(a);
}

static void clock_alone_ends_a_client_and_is_told(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {0};
	struct sync *s = start(a, &l);
	char thumbprint[CERT_THUMBPRINT_MAX];

	scene_issue(a, "shop", "blue", MINT_NOW, thumbprint);
	assert_int_equal(sync_push(s, MINT_NOW + 7 * year, NULL), 0);
	assert_int_equal(l.n_clients, 1);
	assert_int_equal(sync_push(s, MINT_NOW + 9 * year, NULL), 0);
	assert_int_equal(l.n_clients, 0);
	sync_free(s);
	authority_close(a);
}

static void certificate_is_told_for_new_names_and_before_it_ends(void **state)
{
	static const char *const others[] = {"other.example.com"};
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {0};
	struct sync *s = start(a, &l);
	int64_t now = MINT_NOW;
	unsigned days;

	assert_int_equal(sync_set_names(s, names, 1), 0);
	assert_int_equal(sync_push(s, now, NULL), 0);
	assert_int_equal(sync_push(s, now + 3600, NULL), 0);
	assert_int_equal(l.n_certificates, 1);
	assert_string_equal(l.name, "vpn.example.com");
	assert_int_equal(sync_set_names(s, others, 1), 0);
	assert_int_equal(sync_push(s, now, NULL), 0);
	assert_int_equal(l.n_certificates, 2);
	assert_string_equal(l.name, "other.example.com");
	for (days = 0; days < 3660 && l.n_certificates == 2; days++)
		assert_int_equal(sync_push(s, now + (int64_t)days * 86400, NULL), 0);
	assert_int_equal(l.n_certificates, 3);
	sync_free(s);
	authority_close(a);
}

/* A gateway that was off for 21 years, or whose first start was in 1970, serves again. */
static void root_is_made_when_none_is_in_force(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {0};
	struct sync *s = start(a, &l);
	char thumbprint[CERT_THUMBPRINT_MAX];

	assert_int_equal(sync_set_names(s, names, 1), 0);
	assert_int_equal(sync_push(s, MINT_NOW, NULL), 0);
	assert_int_equal(authority_root_count(a), 1);
	assert_int_equal(sync_push(s, MINT_NOW + 21 * year, NULL), 0);
	assert_int_equal(authority_root_count(a), 2);
	assert_int_equal(l.n_certificates, 2);
	scene_issue(a, "shop", "blue", MINT_NOW + 21 * year, thumbprint);
	assert_int_equal(sync_push(s, 0, NULL), 0);
	assert_int_equal(l.n_certificates, 3);
	sync_free(s);
	authority_close(a);
}

static void what_could_not_be_sent_is_tried_again(void **state)
{
	struct authority *a = scene_open(MINT_NOW);
	struct line l = {.is_full = true};
	struct sync *s = start(a, &l);
	struct certs_error e;

	assert_int_equal(sync_push(s, MINT_NOW, &e), -ENOBUFS);
	assert_non_null(strstr(e.text, "takes no more"));
	l.is_full = false;
	assert_int_equal(sync_push(s, MINT_NOW, &e), 0);
	assert_int_equal(l.n_access, 1);
	sync_free(s);
	authority_close(a);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_change_is_told_once),
		TEST(all_is_told_to_who_knows_nothing),
		TEST(clock_alone_ends_a_client_and_is_told),
		TEST(certificate_is_told_for_new_names_and_before_it_ends),
		TEST(root_is_made_when_none_is_in_force),
		TEST(what_could_not_be_sent_is_tried_again),
	};

	return cmocka_run_group_tests_name("control/sync", tests, NULL, scene_tear_down);
}
