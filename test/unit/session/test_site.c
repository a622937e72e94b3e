/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"

static struct scene {
	struct qsbr *qsbr;
	struct fib_publisher *publisher;
	struct site *site;
	unsigned changes; /* on_change was called */
} s;

static void on_change(void *arg)
{
	((struct scene *)arg)->changes++;
}

static int set_up(void **state)
{
	s = (struct scene){0};
	assert_int_equal(qsbr_new(1, &s.qsbr), 0);
	assert_int_equal(fib_publisher_new(s.qsbr, &s.publisher), 0);
	s.site = site_new(s.publisher, on_change, &s);
	assert_non_null(s.site);
	return 0;
}

static int tear_down(void **state)
{
	site_free(s.site);
	fib_publisher_reclaim(s.publisher);
	assert_int_equal(fib_publisher_count(s.publisher), 0);
	fib_publisher_free(s.publisher);
	qsbr_free(s.qsbr);
	return 0;
}

/* One route; "": none. */
static struct site_connection make(const char *app, const char *vnet, const char *route)
{
	static struct prefix p;
	struct site_connection c = {
		.app = app,
		.vnet = vnet,
		.refusal = "",
		.routes = &p,
		.dns_be = {inet_addr("10.1.0.4")},
		.description = "{}",
	};

	if (!*route)
		return c;
	assert_int_equal(prefix_parse(route, &p), 0);
	c.n_routes = 1;
	return c;
}

static void set(const char *app, const char *vnet, const char *route)
{
	struct site_connection c = make(app, vnet, route);

	assert_int_equal(site_set(s.site, &c), 0);
}

/* A session's part. */
struct party {
	struct connection *connection;
	struct connection_terms *terms;
	char why[SITE_WHY_MAX];
};

static int try_join(struct party *p, const char *app, const char *vnet)
{
	return site_join(s.site, app, vnet, &p->connection, &p->terms, p->why);
}

static struct party join(const char *app, const char *vnet)
{
	struct party p = {0};

	assert_int_equal(try_join(&p, app, vnet), 0);
	return p;
}

static void leave(struct party *p)
{
	connection_terms_unref(p->terms);
	connection_unref(p->connection);
}

static bool may_reach(const struct party *p, const char *address)
{
	const struct fib *table = fib_slot_get(connection_routes(p->connection));

	return table && fib_lookup4(table, inet_addr(address)) != FIB_NONE;
}

static void expect_refusal(const char *app, const char *vnet, int error, const char *why)
{
	struct party p = {0};

	assert_int_equal(try_join(&p, app, vnet), error);
	assert_string_equal(p.why, why);
	assert_null(p.connection);
	assert_null(p.terms);
}

static void know(void)
{
	site_begin(s.site);
	site_end(s.site);
}

/* ---- who comes in */

static void app_without_connection_to_the_network_is_refused_with_a_sentence(void **state)
{
	know();
	set("shop", "blue", "10.1.0.0/16");
	expect_refusal("stock", "blue", -ENOENT, "app stock is not connected to VNet blue");
	expect_refusal("shop", "red", -ENOENT, "app shop is not connected to VNet red");
}

static void connection_that_is_refused_lets_nobody_in_and_says_why(void **state)
{
	struct site_connection c = make("shop", "blue", "10.1.0.0/16");

	know();
	c.refusal = "not available in the Free tier";
	assert_int_equal(site_set(s.site, &c), 0);
	expect_refusal("shop", "blue", -EACCES, "not available in the Free tier");
	set("shop", "blue", "10.1.0.0/16");
	leave(&(struct party[]){join("shop", "blue")}[0]);
}

static void before_the_site_is_known_the_refusal_is_for_now_only(void **state)
{
	struct party p;

	site_begin(s.site);
	set("shop", "blue", "10.1.0.0/16");
	p = join("shop", "blue");
	leave(&p);
	expect_refusal("stock", "blue", -EAGAIN,
		       "the gateway does not know its connections yet: try again");
	site_end(s.site);
	expect_refusal("stock", "blue", -ENOENT, "app stock is not connected to VNet blue");
	site_begin(s.site); /* control has started anew: what was known is known */
	expect_refusal("stock", "blue", -ENOENT, "app stock is not connected to VNet blue");
}

static void names_are_found_whatever_their_case(void **state)
{
	struct party p;

	know();
	set("Shop", "Blue", "10.1.0.0/16");
	p = join("sHOP", "bLUE");
	set("SHOP", "BLUE", "10.1.0.0/16");
	assert_int_equal(site_count(s.site), 1);
	assert_false(connection_has_changed(p.connection, p.terms));
	leave(&p);
}

/* ---- what it may reach */

static void each_connection_has_its_own_table(void **state)
{
	struct party shop, stock;

	set("shop", "blue", "10.1.0.0/16");
	set("stock", "blue", "10.2.0.0/16");
	shop = join("shop", "blue");
	stock = join("stock", "blue");
	assert_true(may_reach(&shop, "10.1.2.3"));
	assert_false(may_reach(&shop, "10.2.2.3"));
	assert_true(may_reach(&stock, "10.2.2.3"));
	assert_false(may_reach(&stock, "10.1.2.3"));
	leave(&shop);
	leave(&stock);
}

static void connection_without_routes_reaches_nothing(void **state)
{
	struct party p;

	set("shop", "blue", "");
	p = join("shop", "blue");
	assert_false(may_reach(&p, "10.1.2.3"));
	leave(&p);
}

static void changed_routes_hold_at_once_for_sessions_that_are_up(void **state)
{
	struct party p;

	set("shop", "blue", "10.1.0.0/16");
	p = join("shop", "blue");
	set("shop", "blue", "10.2.0.0/16");
	assert_true(may_reach(&p, "10.2.2.3"));
	assert_false(may_reach(&p, "10.1.2.3"));
	leave(&p);
}

static void tables_that_are_alike_are_one(void **state)
{
	char app[16];

	for (int i = 0; i < 100; i++) {
		snprintf(app, sizeof(app), "app%d", i);
		set(app, "blue", i % 2 ? "10.1.0.0/16" : "10.2.0.0/16");
	}
	assert_int_equal(site_count(s.site), 100);
	assert_int_equal(fib_publisher_count(s.publisher), 2);
}

static void routes_that_are_none_change_nothing(void **state)
{
	struct prefix wrong = {.family = AF_INET, .len = 8, .addr = {10, 1}};
	struct site_connection c = make("shop", "blue", "10.1.0.0/16");
	struct party p;

	assert_int_equal(site_set(s.site, &c), 0);
	p = join("shop", "blue");
	c.routes = &wrong;
	c.description = "{\"other\":1}";
	assert_int_equal(site_set(s.site, &c), -EINVAL);
	assert_true(may_reach(&p, "10.1.2.3"));
	assert_false(connection_has_changed(p.connection, p.terms));
	c.app = "stock";
	assert_int_equal(site_set(s.site, &c), -EINVAL);
	assert_int_equal(site_count(s.site), 1);
	assert_int_equal(s.changes, 0);
	leave(&p);
}

/* ---- what sessions are told */

/* As a thread that was made to look: the new terms. */
static void look(struct party *p)
{
	assert_true(connection_has_changed(p->connection, p->terms));
	connection_terms_unref(p->terms);
	p->terms = connection_terms(p->connection);
	assert_false(connection_has_changed(p->connection, p->terms));
}

static void changed_terms_are_there_for_who_looks(void **state)
{
	struct site_connection c = make("shop", "blue", "10.1.0.0/16");
	struct party p;

	assert_int_equal(site_set(s.site, &c), 0);
	p = join("shop", "blue");
	assert_int_equal(p.terms->dns_be[0], inet_addr("10.1.0.4"));
	c.dns_be[0] = inet_addr("10.1.0.5");
	assert_int_equal(site_set(s.site, &c), 0);
	look(&p);
	assert_int_equal(p.terms->dns_be[0], inet_addr("10.1.0.5"));
	c.description = "{\"digest\":\"1\"}";
	assert_int_equal(site_set(s.site, &c), 0);
	look(&p);
	assert_string_equal(p.terms->description, "{\"digest\":\"1\"}");
	c.refusal = "gateway is policy-based";
	assert_int_equal(site_set(s.site, &c), 0);
	look(&p);
	assert_string_equal(p.terms->refusal, "gateway is policy-based");
	assert_false(connection_is_gone(p.connection));
	leave(&p);
}

/* A thousand changes in one message of control are one look. */
static void change_is_announced_once_until_a_look_has_begun(void **state)
{
	struct site_connection c = make("shop", "blue", "10.1.0.0/16");

	assert_int_equal(site_set(s.site, &c), 0);
	assert_int_equal(s.changes, 0); /* nobody can have it yet */
	assert_int_equal(site_set(s.site, &c), 0);
	assert_int_equal(s.changes, 0); /* it is what it was */
	c.description = "{\"digest\":\"1\"}";
	assert_int_equal(site_set(s.site, &c), 0);
	c.description = "{\"digest\":\"2\"}";
	assert_int_equal(site_set(s.site, &c), 0);
	assert_int_equal(s.changes, 1);
	site_begin_look(s.site);
	site_drop(s.site, "nobody");
	assert_int_equal(s.changes, 1);
	site_drop(s.site, "shop");
	assert_int_equal(s.changes, 2);
}

static void expect_gone(struct party *p)
{
	char text[SITE_WHY_MAX];

	assert_true(connection_is_gone(p->connection));
	assert_true(connection_has_changed(p->connection, p->terms));
	assert_false(may_reach(p, "10.1.2.3"));
	assert_string_equal(connection_epitaph(p->connection, text),
			    "app shop is not connected to VNet blue any more");
	leave(p);
}

static void dropped_connection_reaches_nothing_and_says_so(void **state)
{
	struct party p;

	set("shop", "blue", "10.1.0.0/16");
	p = join("shop", "blue");
	site_drop(s.site, "shop");
	assert_int_equal(site_count(s.site), 0);
	expect_gone(&p);
}

/* Also when it comes again before anybody has looked. */
static void connection_to_another_network_is_another_one(void **state)
{
	struct party before, after;

	set("shop", "blue", "10.1.0.0/16");
	before = join("shop", "blue");
	set("shop", "red", "10.1.0.0/16");
	set("shop", "blue", "10.1.0.0/16");
	assert_int_equal(site_count(s.site), 1);
	after = join("shop", "blue");
	assert_true(may_reach(&after, "10.1.2.3"));
	assert_false(connection_has_changed(after.connection, after.terms));
	expect_gone(&before);
	leave(&after);
}

/* Control has started anew, and tells all. */
static void what_is_not_told_again_is_gone_and_the_rest_goes_on(void **state)
{
	struct party shop, stock;

	set("shop", "blue", "10.1.0.0/16");
	set("stock", "blue", "10.1.0.0/16");
	know(); /* nothing was told in between */
	assert_int_equal(site_count(s.site), 0);
	set("shop", "blue", "10.1.0.0/16");
	set("stock", "blue", "10.1.0.0/16");
	set("till", "blue", "10.1.0.0/16");
	shop = join("shop", "blue");
	stock = join("stock", "blue");
	site_begin(s.site);
	set("stock", "blue", "10.1.0.0/16");
	site_begin(s.site); /* it has died in the middle */
	set("stock", "blue", "10.1.0.0/16");
	set("till", "blue", "10.1.0.0/16");
	site_end(s.site);
	assert_int_equal(site_count(s.site), 2);
	assert_false(connection_has_changed(stock.connection, stock.terms));
	assert_true(may_reach(&stock, "10.1.2.3"));
	expect_gone(&shop);
	leave(&stock);
}

/* ---- many */

enum {
	MANY = 5000,
	ROUTES = 50
};

static void many_app(int i, char app[16])
{
	snprintf(app, 16, "app%d", i * 7919 % MANY);
}

/* Routes as a plan's: each plan has 20 apps, and one route is the plan's own. */
static struct site_connection many_connection(int i, const char *app, struct prefix routes[ROUTES])
{
	struct site_connection c = {.app = app,
				    .vnet = "blue",
				    .refusal = "",
				    .routes = routes,
				    .n_routes = ROUTES,
				    .description = "{}"};

	for (int k = 0; k < ROUTES; k++)
		routes[k] = (struct prefix){
			.family = AF_INET, .len = 24, .addr = {10, (uint8_t)(i / 20), (uint8_t)k}};
	return c;
}

static void
five_thousand_connections_with_fifty_routes_are_set_in_far_less_than_a_second(void **state)
{
	struct prefix routes[ROUTES];
	uint64_t began = clock_now(), first, again;
	struct site_connection c;
	char app[16];

	for (int i = 0; i < MANY; i++) {
		many_app(i, app);
		c = many_connection(i, app, routes);
		assert_int_equal(site_set(s.site, &c), 0);
	}
	first = clock_now() - began;
	began = clock_now();
	for (int i = 0; i < MANY; i++) {
		many_app(i, app);
		c = many_connection(i, app, routes);
		assert_int_equal(site_set(s.site, &c), 0);
	}
	again = clock_now() - began;
	print_message("first %.3f s, again %.3f s, tables %zu of %zu bytes\n", (double)first / 1e9,
		      (double)again / 1e9, fib_publisher_count(s.publisher),
		      fib_publisher_bytes(s.publisher));
	assert_int_equal(site_count(s.site), MANY);
	assert_true(first < 5 * CLOCK_NS_PER_S); /* a sanitizer's build takes part of it */
	assert_int_equal(s.changes, 0);
}

/* ---- threads */

static atomic_bool stopping;

/* A data thread: sessions come, look and go. */
static void *come_and_go(void *arg)
{
	atomic_uint *joined = arg;
	struct party p = {0};

	while (!atomic_load(&stopping)) {
		if (try_join(&p, "shop", "blue") < 0)
			continue;
		if (connection_has_changed(p.connection, p.terms)) {
			connection_terms_unref(p.terms);
			p.terms = connection_terms(p.connection);
		}
		atomic_fetch_add(joined, 1);
		leave(&p);
	}
	return NULL;
}

static void sessions_come_and_go_while_control_changes_all(void **state)
{
	pthread_t threads[2];
	atomic_uint joined[2] = {0};

	atomic_store(&stopping, false);
	set("shop", "blue", "10.1.0.0/16");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &joined[i]), 0);
	for (int i = 0; i < 20000; i++) {
		struct site_connection c =
			make("shop", "blue", i % 2 ? "10.1.0.0/16" : "10.2.0.0/16");

		c.description = i % 3 ? "{}" : "{\"digest\":\"1\"}";
		assert_int_equal(site_set(s.site, &c), 0);
		if (i % 16 == 0)
			site_drop(s.site, "shop");
		if (i % 64 == 0)
			fib_publisher_reclaim(s.publisher);
	}
	while (!atomic_load(&joined[0]) && !atomic_load(&joined[1]))
		set("shop", "blue", "10.1.0.0/16");
	atomic_store(&stopping, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(app_without_connection_to_the_network_is_refused_with_a_sentence),
		TEST(connection_that_is_refused_lets_nobody_in_and_says_why),
		TEST(before_the_site_is_known_the_refusal_is_for_now_only),
		TEST(names_are_found_whatever_their_case),
		TEST(each_connection_has_its_own_table),
		TEST(connection_without_routes_reaches_nothing),
		TEST(changed_routes_hold_at_once_for_sessions_that_are_up),
		TEST(tables_that_are_alike_are_one),
		TEST(routes_that_are_none_change_nothing),
		TEST(changed_terms_are_there_for_who_looks),
		TEST(change_is_announced_once_until_a_look_has_begun),
		TEST(dropped_connection_reaches_nothing_and_says_so),
		TEST(connection_to_another_network_is_another_one),
		TEST(what_is_not_told_again_is_gone_and_the_rest_goes_on),
		TEST(five_thousand_connections_with_fifty_routes_are_set_in_far_less_than_a_second),
		TEST(sessions_come_and_go_while_control_changes_all),
	};

	return cmocka_run_group_tests_name("session/site", tests, NULL, NULL);
}
