/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/doctor_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/control/model_internal.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"
#include "tun/rtnl.h"

static void run(struct world *w, const char *sql)
{
	struct certs_error e;

	if (store_script(w->model->store, sql, &e) < 0)
		fail_msg("%s", e.text);
}

static struct doctor_read read_all(struct world *w, int64_t now)
{
	const struct doctor_source s = {.model = w->model, .est = &w->est, .now = now};
	struct doctor_read read;
	struct certs_error e;

	if (doctor_read(&s, NULL, &read, &e) < 0)
		fail_msg("%s", e.text);
	return read;
}

static void a_vnet_is_read_with_what_is_known_of_it(void **state)
{
	struct world *w = world_new();
	struct doctor_read r;

	world_connect(w, "shop", "blue");
	run(w, "INSERT INTO gateway_state VALUES ('blue', 'no device', 0);"
	       "INSERT INTO session (boot, number, app, plan, vnet, user, address, source, "
	       "correlation, thumbprint, since) VALUES (1, 1, 'shop', 'blue', 'blue', '', 0, '', "
	       "'', '', 0), (1, 2, 'shop', 'blue', 'blue', '', 0, '', '', '', 0);"
	       "UPDATE session SET ended = 5 WHERE number = 2;");
	r = read_all(w, MINT_NOW);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.vnets[0].name, "blue");
	assert_string_equal(r.vnets[0].app, "shop");
	assert_string_equal(r.vnets[0].down, "no device");
	assert_true(r.vnets[0].is_told && r.vnets[0].has_gateway && r.vnets[0].has_sstp);
	assert_true(r.vnets[0].is_route_based);
	assert_false(r.vnets[0].has_express_route);
	assert_int_equal(r.vnets[0].n_pools, 1);
	assert_int_equal(r.vnets[0].sessions, 1);
	assert_int_equal(r.vnets[0].apps, 1);
	assert_int_equal(r.vnets[0].unenrolled, 1);
	assert_true(r.vnets[0].inside.is_known);
	assert_false(r.vnets[0].outside.is_known || r.vnets[0].has_on_premises);
	assert_string_equal(r.ways[0].netns, "");
	assert_string_equal(r.ways[0].domain, "invalid");
	doctor_read_done(&r);
	world_free(w);
}

static void a_name_server_on_premises_is_a_host_there(void **state)
{
	struct world *w = world_new();
	struct doctor_read r;

	run(w, "UPDATE gateway SET on_premises = '[\"10.77.0.0/16\"]';"
	       "UPDATE vnet SET dns = '[\"8.8.8.8\", \"10.77.0.9\", \"10.77.0.8\"]',"
	       " search_domains = '[\"corp\", \"lab\"]';"
	       "INSERT INTO gateway (vnet_id, name, gateway_type) SELECT id, 'er',"
	       " 'ExpressRoute' FROM vnet;");
	r = read_all(w, MINT_NOW);
	assert_int_equal(r.vnets[0].n_servers, 3);
	assert_false(r.vnets[0].inside.is_known);
	assert_true(r.vnets[0].outside.is_known && r.vnets[0].has_on_premises);
	assert_int_equal(r.vnets[0].outside.address.addr[3], 9);
	assert_true(r.vnets[0].has_express_route);
	assert_string_equal(r.ways[0].domain, "corp");
	doctor_read_done(&r);
	world_free(w);
}

static void certificates_are_counted_by_what_they_are(void **state)
{
	struct world *w = world_new();
	struct doctor_read r;

	world_connect(w, "shop", "blue");
	world_connect(w, "web", "blue");
	run(w, "INSERT INTO certificate VALUES ('shop', 'blue', 'aa', '', 'revoked'),"
	       " ('web', 'blue', 'bb', '', 'near expiry');");
	r = read_all(w, MINT_NOW);
	assert_int_equal(r.vnets[0].certs[CERT_REVOKED], 1);
	assert_int_equal(r.vnets[0].certs[CERT_NEAR_EXPIRY], 1);
	assert_int_equal(r.vnets[0].unenrolled, 0);
	assert_string_equal(r.vnets[0].worst, "shop");
	assert_int_equal(r.vnets[0].resync,
			 2); /* their certificates are others than they were synced to */
	doctor_read_done(&r);
	world_free(w);
}

static void the_gateway_is_read_too(void **state)
{
	struct world *w = world_new();
	struct doctor_read r;

	world_connect(w, "shop", "blue");
	run(w, "INSERT INTO session (boot, number, app, plan, vnet, user, address, source, "
	       "correlation, thumbprint, since) VALUES (1, 1, 'shop', 'blue', 'blue', '', 0, '', "
	       "'', '', 1);");
	r = read_all(w, MINT_NOW);
	assert_int_equal(r.gateway.server_error, -ENOENT); /* nobody has asked for one */
	assert_int_equal(r.gateway.roots, authority_root_count(w->est.authority));
	assert_int_equal(r.gateway.roots_bad, 0);
	assert_true(r.gateway.root_days > 0);
	assert_int_equal(r.gateway.clock_behind_s, 1 - MINT_NOW);
	assert_true(r.gateway.files > 2 && r.gateway.files < r.gateway.files_max);
	assert_int_equal(r.gateway.vnets, 1);
	assert_int_equal(r.gateway.vnets_max, 64);
	assert_int_equal(r.gateway.sessions, 1);
	assert_string_equal(r.gateway.plan, "blue");
	assert_int_equal(r.gateway.plan_vnets, 1);
	doctor_read_done(&r);
	r = read_all(w, 0);
	assert_true(r.gateway.clock_behind_s == 1 && r.gateway.root_days >= -1);
	doctor_read_done(&r);
	world_free(w);
}

static void a_vnet_that_there_is_not_is_refused(void **state)
{
	struct world *w = world_new();
	const struct doctor_source s = {.model = w->model, .est = &w->est, .now = MINT_NOW};
	struct doctor_read read = {.n = 7};
	struct certs_error e;

	assert_int_equal(doctor_read(&s, "red", &read, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no such virtual network"));
	assert_int_equal(read.n, 7);
	assert_int_equal(doctor_read(&s, "BLUE", &read, &e), 0);
	assert_int_equal(read.n, 1);
	doctor_read_done(&read);
	world_free(w);
}

/* 127.0.0.1 is as good as a pool: the kernel sends it to lo. */
static void the_device_of_a_pool_is_what_the_kernel_says(void **state)
{
	struct doctor_vnet v = {.pools = {{AF_INET, 8, {127}}}, .n_pools = 1};
	struct doctor_device d;
	struct rtnl *rtnl;

	assert_int_equal(rtnl_open(-1, &rtnl), 0);
	doctor_read_device(dup(rtnl_fd(rtnl)), &v, &d);
	rtnl_close(rtnl);
	assert_true(d.is_asked);
	assert_int_equal(d.error, 0);
	assert_string_equal(d.name, "lo");
	assert_false(d.is_tun);
	assert_true(d.mtu > 0);
}

static void what_is_no_socket_of_the_kernels_is_an_error(void **state)
{
	struct doctor_vnet v = {.pools = {{AF_INET, 8, {127}}}, .n_pools = 1};
	struct doctor_device d;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	doctor_read_device(fds[0], &v, &d);
	close(fds[1]);
	assert_true(d.is_asked && d.error < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_vnet_is_read_with_what_is_known_of_it, scene_set_up),
		cmocka_unit_test_setup(a_name_server_on_premises_is_a_host_there, scene_set_up),
		cmocka_unit_test_setup(certificates_are_counted_by_what_they_are, scene_set_up),
		cmocka_unit_test_setup(the_gateway_is_read_too, scene_set_up),
		cmocka_unit_test_setup(a_vnet_that_there_is_not_is_refused, scene_set_up),
		cmocka_unit_test_setup(the_device_of_a_pool_is_what_the_kernel_says, scene_set_up),
		cmocka_unit_test_setup(what_is_no_socket_of_the_kernels_is_an_error, scene_set_up),
	};

	return cmocka_run_group_tests_name("control/doctor_read", tests, NULL, scene_tear_down);
}
