/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread cannot do is undone in those that could. The threads and the device are real; what each thread
 * gets is counted, and refused to one of them.
 */
#include "sstp/session/dataplane_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/session/shard.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_queue.h"
#include "test/support/cmocka.h"
#include "tun/netns.h"
#include "tun/tun.h"

#define PATIENCE (5 * CLOCK_NS_PER_S) /* only a failing test waits that long */

enum {
	THREADS = 3,
};

/* What a thread gets. */
enum kind {
	SHARD,
	THREAD,
	CONTEXT,
	QUEUE,
	LISTENER,
	KINDS,
};

static int held[KINDS];
static enum kind refused;
static int refused_at = -1; /* how many are given before one is refused; below 0: none is */
static int queues_closed;
static int limits_set;

static bool is_refused(enum kind kind)
{
	errno = ENOMEM;
	return kind == refused && refused_at-- == 0;
}

static void refuse(enum kind kind, int at)
{
	refused = kind;
	refused_at = at;
}

struct shard *__real_shard_new(const struct shard_params *params);
struct shard *__wrap_shard_new(const struct shard_params *params);
void __real_shard_free(struct shard *s);
void __wrap_shard_free(struct shard *s);

struct shard *__wrap_shard_new(const struct shard_params *params)
{
	struct shard *s = is_refused(SHARD) ? NULL : __real_shard_new(params);

	held[SHARD] += s != NULL;
	return s;
}

void __wrap_shard_free(struct shard *s)
{
	held[SHARD] -= s != NULL;
	__real_shard_free(s);
}

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *arg),
			  void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *arg),
			  void *arg);

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *arg),
			  void *arg)
{
	return is_refused(THREAD) ? EAGAIN : __real_pthread_create(id, attr, run, arg);
}

/* Contexts are only counted: each copy is the same one, and none. */
int __wrap_tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx);
struct tls_ctx *__wrap_tls_ctx_ref(struct tls_ctx *ctx);
void __wrap_tls_ctx_unref(struct tls_ctx *ctx);

int __wrap_tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx)
{
	if (is_refused(CONTEXT))
		return -ENOMEM;
	held[CONTEXT]++;
	*ret_ctx = (struct tls_ctx *)(uintptr_t)ctx;
	return 0;
}

struct tls_ctx *__wrap_tls_ctx_ref(struct tls_ctx *ctx)
{
	held[CONTEXT]++;
	return ctx;
}

void __wrap_tls_ctx_unref(struct tls_ctx *ctx)
{
	held[CONTEXT] -= ctx != NULL;
}

void __real_admission_set_limits(struct admission *a, const struct admission_limits *limits);
void __wrap_admission_set_limits(struct admission *a, const struct admission_limits *limits);

void __wrap_admission_set_limits(struct admission *a, const struct admission_limits *limits)
{
	limits_set++;
	__real_admission_set_limits(a, limits);
}

struct vnet_queue *__real_vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
					 struct session_env *env, struct handover *handover);
struct vnet_queue *__wrap_vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
					 struct session_env *env, struct handover *handover);
void __real_vnet_queue_free(struct vnet_queue *q);
void __wrap_vnet_queue_free(struct vnet_queue *q);

struct vnet_queue *__wrap_vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
					 struct session_env *env, struct handover *handover)
{
	struct vnet_queue *q =
		is_refused(QUEUE) ? NULL : __real_vnet_queue_new(v, id, number, env, handover);

	held[QUEUE] += q != NULL;
	return q;
}

void __wrap_vnet_queue_free(struct vnet_queue *q)
{
	held[QUEUE] -= q != NULL;
	__real_vnet_queue_free(q);
}

int __real_vnet_queue_open(struct vnet_queue *q);
int __wrap_vnet_queue_open(struct vnet_queue *q);
void __real_vnet_queue_close(struct vnet_queue *q);
void __wrap_vnet_queue_close(struct vnet_queue *q);

int __wrap_vnet_queue_open(struct vnet_queue *q)
{
	return is_refused(QUEUE) ? -ENOMEM : __real_vnet_queue_open(q);
}

void __wrap_vnet_queue_close(struct vnet_queue *q)
{
	queues_closed++;
	__real_vnet_queue_close(q);
}

struct listener *__real_listener_new(struct loop *loop, const struct sockaddr *addr,
				     socklen_t addr_len, listen_accept_fn *on_accept, void *arg);
struct listener *__wrap_listener_new(struct loop *loop, const struct sockaddr *addr,
				     socklen_t addr_len, listen_accept_fn *on_accept, void *arg);
void __real_listener_free(struct listener *l);
void __wrap_listener_free(struct listener *l);

struct listener *__wrap_listener_new(struct loop *loop, const struct sockaddr *addr,
				     socklen_t addr_len, listen_accept_fn *on_accept, void *arg)
{
	struct listener *l = is_refused(LISTENER)
				     ? NULL
				     : __real_listener_new(loop, addr, addr_len, on_accept, arg);

	held[LISTENER] += l != NULL;
	return l;
}

struct listener *__real_listener_adopt(struct loop *loop, int fd, listen_accept_fn *on_accept,
				       void *arg);
struct listener *__wrap_listener_adopt(struct loop *loop, int fd, listen_accept_fn *on_accept,
				       void *arg);

struct listener *__wrap_listener_adopt(struct loop *loop, int fd, listen_accept_fn *on_accept,
				       void *arg)
{
	struct listener *l = NULL;

	if (is_refused(LISTENER))
		close(fd);
	else
		l = __real_listener_adopt(loop, fd, on_accept, arg);
	held[LISTENER] += l != NULL;
	return l;
}

void __wrap_listener_free(struct listener *l)
{
	held[LISTENER] -= l != NULL;
	__real_listener_free(l);
}

static unsigned sites_looked_at;

void __real_shard_look_at_site(struct shard *s);
void __wrap_shard_look_at_site(struct shard *s);
void __wrap_shard_look_at_site(struct shard *s)
{
	sites_looked_at++; /* one thread after the other */
	__real_shard_look_at_site(s);
}

static uint32_t addresses_held; /* of any VNet: sessions have not left yet */

uint32_t __wrap_vnet_used(struct vnet *v);
uint32_t __wrap_vnet_used(struct vnet *v)
{
	return addresses_held;
}

/* ---- the scene: VNet "lab" in a namespace of its own */

struct scene {
	struct loop *loop;
	struct loop_timer *watchdog;
	struct dataplane *dataplane;
	struct directory *directory;
	struct dataplane_policy policy;
	int netns;
	char netns_path[32];
	struct prefix space, pool;
	struct vnet_params params;
};

static void on_watchdog(void *arg)
{
	fail_msg("nothing happened for five seconds");
}

static void stop_when_closed(void *arg)
{
	struct scene *s = arg;

	if (queues_closed == THREADS)
		loop_stop(s->loop);
}

static void init_vnet(struct scene *s)
{
	s->netns = netns_create();
	assert_in_range(s->netns, 0, 1 << 20);
	snprintf(s->netns_path, sizeof(s->netns_path), "/proc/self/fd/%d", s->netns);
	assert_int_equal(prefix_parse("10.20.0.0/24", &s->space), 0);
	assert_int_equal(prefix_parse("172.16.77.0/30", &s->pool), 0);
	s->params = (struct vnet_params){
		.name = "lab",
		.address_spaces = &s->space,
		.naddress_spaces = 1,
		.pools = &s->pool,
		.npools = 1,
		.gateway_be = inet_addr("172.16.77.1"),
		.tun_name = "lab0",
		.netns = s->netns_path,
		.mtu = 1400,
		.offload = TUN_OFFLOAD_ALL,
	};
}

static int set_up(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;

	memset(s, 0, sizeof(*s));
	*state = s;
	refuse(KINDS, -1);
	queues_closed = 0;
	limits_set = 0;
	addresses_held = 0;
	s->loop = loop_new();
	assert_non_null(s->loop);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	assert_int_equal(loop_on_pass_end(s->loop, stop_when_closed, s), 0);
	s->directory = directory_new(1);
	assert_non_null(s->directory);
	s->policy = (struct dataplane_policy){
		.tls = (struct tls_ctx *)s,
		.directory = s->directory,
	};
	init_vnet(s);
	s->dataplane = dataplane_new(s->loop, THREADS, "gw");
	assert_non_null(s->dataplane);
	assert_int_equal(held[SHARD], THREADS);
	return 0;
}

/* Whatever a test did: all is given back. */
static int tear_down(void **state)
{
	struct scene *s = *state;

	dataplane_free(s->dataplane);
	for (unsigned i = 0; i < KINDS; i++)
		assert_int_equal(held[i], 0);
	directory_unref(s->directory);
	loop_timer_free(s->watchdog);
	loop_free(s->loop);
	close(s->netns);
	return 0;
}

static int index_here(void *arg)
{
	return (int)if_nametoindex("lab0");
}

static bool has_device(const struct scene *s)
{
	return netns_call(s->netns, index_here, NULL) != 0;
}

/* ---- */

static void vnet_that_one_thread_cannot_serve_is_taken_back(void **state)
{
	struct scene *s = *state;
	char error[256];

	for (int i = 0; i < THREADS; i++) {
		refuse(QUEUE, i);
		assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), -ENOMEM);
		assert_string_equal(error, "vnet lab: Cannot allocate memory");
		assert_int_equal(held[QUEUE], 0);
		assert_false(has_device(s));
	}
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_int_equal(held[QUEUE], THREADS);
	assert_true(has_device(s));
}

static int delete_device(void *arg)
{
	return system("ip link del lab0") == 0 ? 0 : -EIO;
}

/* Each thread finds that the device is gone, and the control thread has them close it. */
static void run_until_closed(struct scene *s)
{
	loop_timer_set(s->watchdog, clock_now() + PATIENCE);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_set(s->watchdog, CLOCK_NEVER);
}

/* Its device was deleted, and is made anew. */
static void vnet_that_one_thread_cannot_take_up_again_has_still_failed(void **state)
{
	struct scene *s = *state;
	char error[256];

	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_int_equal(netns_call(s->netns, delete_device, NULL), 0);
	run_until_closed(s);
	for (int i = 0; i < THREADS; i++) {
		queues_closed = 0;
		refuse(QUEUE, i);
		assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), -ENOMEM);
		assert_string_equal(error, "vnet lab: Cannot allocate memory");
		assert_int_equal(queues_closed, THREADS);
		assert_false(has_device(s));
	}
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_true(has_device(s));
}

/* Its name and its device are free at once, and what its sessions still hold is not. */
static void retired_vnet_stays_until_its_last_session_has_left(void **state)
{
	struct scene *s = *state;
	char error[256];

	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	addresses_held = 1;
	dataplane_retire_vnet(s->dataplane, "lab", "VNet lab was deleted");
	dataplane_retire_vnet(s->dataplane, "lab", "VNet lab was deleted");
	assert_int_equal(dataplane_vnet_id(s->dataplane, "lab"), -ENOENT);
	assert_false(dataplane_vnet_is_up(s->dataplane, "lab"));
	assert_int_equal(queues_closed, THREADS);
	assert_int_equal(held[QUEUE], THREADS);
	assert_false(has_device(s));
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_int_equal(held[QUEUE], 2 * THREADS);
	assert_true(has_device(s));
	dataplane_bury_vnets(s->dataplane);
	assert_int_equal(held[QUEUE], 2 * THREADS);
	addresses_held = 0;
	dataplane_bury_vnets(s->dataplane);
	assert_int_equal(held[QUEUE], THREADS);
	assert_true(dataplane_vnet_is_up(s->dataplane, "lab"));
}

static unsigned vnets_told, vnets_gone;

static void on_vnet(void *arg, const char *name, bool is_gone)
{
	assert_string_equal(name, "lab");
	vnets_told++;
	vnets_gone += is_gone;
}

static void listener_hears_of_a_device_that_goes_and_of_all_when_he_asks(void **state)
{
	struct scene *s = *state;
	char error[256];

	vnets_told = vnets_gone = 0;
	dataplane_tell_vnets(s->dataplane); /* nobody listens */
	dataplane_set_vnet_listener(s->dataplane, on_vnet, NULL);
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	dataplane_tell_vnets(s->dataplane);
	assert_int_equal(vnets_told, 1);
	assert_int_equal(vnets_gone, 0);
	assert_int_equal(netns_call(s->netns, delete_device, NULL), 0);
	run_until_closed(s);
	assert_int_equal(vnets_gone, 1);
	dataplane_tell_vnets(s->dataplane);
	assert_int_equal(vnets_told, 3);
	assert_int_equal(vnets_gone, 2);
}

static const struct reach *reach_of(const struct scene *s)
{
	int id = dataplane_vnet_id(s->dataplane, "lab");

	assert_in_range(id, 0, SHARD_VNETS_MAX - 1);
	return s->dataplane->vnets[id]->policy.reach;
}

/* Told before, while and after there is a VNet of the name: it is this one's all the same. */
static void reach_finds_its_vnet_whenever_that_is_made(void **state)
{
	struct scene *s = *state;
	struct reach *first = reach_new(), *second = reach_new();
	char error[256];

	assert_int_equal(dataplane_set_reach(s->dataplane, "lab", first), 0);
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_ptr_equal(reach_of(s), first);
	assert_int_equal(dataplane_set_reach(s->dataplane, "lab", second), 0);
	reach_unref(first);
	reach_unref(second);
	assert_ptr_equal(reach_of(s), second);
	dataplane_retire_vnet(s->dataplane, "lab", "VNet lab was deleted");
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_ptr_equal(reach_of(s), second);
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_ptr_equal(reach_of(s), second);
	dataplane_drop_reach(s->dataplane, "lab");
	assert_null(reach_of(s));
	dataplane_drop_reach(s->dataplane, "lab");
}

static void reach_that_is_not_told_anew_is_none(void **state)
{
	struct scene *s = *state;
	struct reach *r = reach_new();
	char error[256];

	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_int_equal(dataplane_set_reach(s->dataplane, "lab", r), 0);
	assert_int_equal(dataplane_set_reach(s->dataplane, "other", r), 0);
	dataplane_begin_reach(s->dataplane);
	assert_int_equal(dataplane_set_reach(s->dataplane, "lab", r), 0);
	dataplane_end_reach(s->dataplane);
	assert_ptr_equal(reach_of(s), r);
	dataplane_begin_reach(s->dataplane);
	dataplane_end_reach(s->dataplane);
	assert_null(reach_of(s));
	reach_unref(r);
}

static void address_of_no_vnet_is_not_remembered(void **state)
{
	struct scene *s = *state;
	char error[256];
	const uint32_t address_be = inet_addr("172.16.77.2");

	assert_false(dataplane_remember_lease(s->dataplane, "lab", address_be, "l1"));
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	assert_false(dataplane_remember_lease(s->dataplane, "lab", inet_addr("10.20.0.2"), "l1"));
	assert_true(dataplane_remember_lease(s->dataplane, "lab", address_be, "l1"));
}

/* Each thread is made to look, once for all that has changed. */
static void stop_when_looked(void *arg)
{
	struct scene *s = arg;

	if (sites_looked_at == THREADS)
		loop_stop(s->loop);
}

static void changes_of_the_site_reach_each_thread_together(void **state)
{
	struct scene *s = *state;
	struct site_connection c = {
		.app = "shop", .vnet = "lab", .refusal = "", .description = "1"};

	sites_looked_at = 0;
	assert_int_equal(loop_on_pass_end(s->loop, stop_when_looked, s), 0);
	assert_int_equal(site_set(dataplane_site(s->dataplane), &c), 0);
	c.description = "2";
	assert_int_equal(site_set(dataplane_site(s->dataplane), &c), 0);
	c.description = "3";
	assert_int_equal(site_set(dataplane_site(s->dataplane), &c), 0);
	loop_timer_set(s->watchdog, clock_now() + PATIENCE);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_set(s->watchdog, CLOCK_NEVER);
	assert_int_equal(sites_looked_at, THREADS);
}

static void on_traffic(void *arg, const struct report_traffic *entries, size_t n)
{
	fail_msg("there is no session");
}

static void without_sessions_there_is_nothing_to_tell(void **state)
{
	struct scene *s = *state;

	assert_int_equal(dataplane_tell_sessions(s->dataplane), 0);
	assert_int_equal(dataplane_tell_traffic(s->dataplane, on_traffic, NULL), 0);
	dataplane_disconnect(s->dataplane,
			     &(struct site_disconnect){.app = "", .vnet = "", .reason = "all"});
	assert_int_equal(dataplane_sessions(s->dataplane), 0);
}

static void stats_have_each_network_with_its_pool(void **state)
{
	struct scene *s = *state;
	struct dataplane_stats *stats;
	char error[256];

	addresses_held = 3;
	assert_int_equal(dataplane_set_vnet(s->dataplane, &s->params, error), 0);
	stats = dataplane_stats(s->dataplane);
	assert_non_null(stats);
	assert_string_equal(stats->vnets[0].name, "lab");
	assert_int_equal(stats->vnets[0].used, 3);
	assert_int_equal(stats->vnets[0].size, 3);
	assert_null(stats->vnets[1].name);
	assert_int_equal(stats->sum.sessions, 0);
	free(stats);
	addresses_held = 0;
}

static void policy_that_one_thread_cannot_get_is_nobodys(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < THREADS; i++) {
		refuse(CONTEXT, i);
		assert_int_equal(dataplane_set_policy(s->dataplane, &s->policy), -ENOMEM);
		assert_int_equal(held[CONTEXT], 0);
		assert_int_equal(limits_set, 0);
	}
	assert_int_equal(dataplane_set_policy(s->dataplane, &s->policy), 0);
	assert_int_equal(held[CONTEXT], THREADS);
	assert_int_equal(limits_set, 1);
}

/* Those that do listen go with the data plane, which has not begun to work. */
static void listener_that_one_thread_cannot_have_is_an_error(void **state)
{
	struct scene *s = *state;
	const struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	for (int i = 0; i < THREADS; i++) {
		int before = held[LISTENER];

		refuse(LISTENER, i);
		assert_int_equal(
			dataplane_listen(s->dataplane, (const struct sockaddr *)&any, sizeof(any)),
			-ENOMEM);
		assert_int_equal(held[LISTENER], before + i);
	}
}

/* The others listen where one thread cannot. */
static void sockets_that_listen_already_are_taken_by_a_thread_each(void **state)
{
	struct scene *s = *state;
	const struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	assert_int_equal(dataplane_threads(s->dataplane), THREADS);
	for (int at = -1; at < THREADS; at++) {
		int before = held[LISTENER];
		int fds[THREADS];

		for (int i = 0; i < THREADS; i++) {
			fds[i] = listener_socket((const struct sockaddr *)&any, sizeof(any));
			assert_true(fds[i] >= 0);
		}
		refuse(LISTENER, at);
		assert_int_equal(dataplane_listen_by(s->dataplane, fds), at < 0 ? 0 : -ENOMEM);
		assert_int_equal(held[LISTENER], before + THREADS - (at >= 0));
	}
}

static void data_plane_that_lacks_one_thread_is_none(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < THREADS; i++) {
		refuse(SHARD, i);
		assert_null(dataplane_new(s->loop, THREADS, "gw"));
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(held[SHARD], THREADS); /* the scene's */
	}
}

static void thread_that_cannot_be_started_leaves_no_shard(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < THREADS; i++) {
		refuse(THREAD, i);
		assert_null(dataplane_new(s->loop, THREADS, "gw"));
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(held[SHARD], THREADS); /* the scene's */
	}
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(vnet_that_one_thread_cannot_serve_is_taken_back),
		in_scene(vnet_that_one_thread_cannot_take_up_again_has_still_failed),
		in_scene(retired_vnet_stays_until_its_last_session_has_left),
		in_scene(listener_hears_of_a_device_that_goes_and_of_all_when_he_asks),
		in_scene(reach_finds_its_vnet_whenever_that_is_made),
		in_scene(reach_that_is_not_told_anew_is_none),
		in_scene(address_of_no_vnet_is_not_remembered),
		in_scene(changes_of_the_site_reach_each_thread_together),
		in_scene(without_sessions_there_is_nothing_to_tell),
		in_scene(stats_have_each_network_with_its_pool),
		in_scene(policy_that_one_thread_cannot_get_is_nobodys),
		in_scene(listener_that_one_thread_cannot_have_is_an_error),
		in_scene(sockets_that_listen_already_are_taken_by_a_thread_each),
		in_scene(data_plane_that_lacks_one_thread_is_none),
		in_scene(thread_that_cannot_be_started_leaves_no_shard),
	};

	log_open("test-session-dataplane", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("session/dataplane", tests, NULL, NULL);
}
