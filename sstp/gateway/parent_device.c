/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_device.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "routing/pool.h"
#include "sstp/base/log.h"
#include "sstp/gateway/parent_routes.h"
#include "sstp/session/vnet_open.h"
#include "tun/netns.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"
#include "tun/tun.h"

#define RETRY_EVERY (20 * CLOCK_NS_PER_MS)

enum {
	MTU_MIN = 576,
	DIGITS_MAX = 9,
};

struct given {
	char tun[IFNAMSIZ]; /* "": none */
	char *netns;	    /* owned */
	struct prefix pools[PARENT_POOLS_MAX];
	size_t n_pools;
};

struct parent_devices {
	struct loop_timer *timer;
	void (*answer)(void *arg, const struct parent_msg *m, const int *fds);
	void *arg;
	/* the one that waits */
	struct parent_open open;
	char tun[IFNAMSIZ];
	char netns[PARENT_PATH_MAX + 1];
	uint64_t until;
	struct given given[PARENT_GIVEN_MAX];
	size_t next_given;
};

/* ---- what is allowed ---- */

static bool same_device(const struct parent_open *m, const struct gateway_vnet *v)
{
	return strcmp(m->tun, v->tun) == 0 && strcmp(m->netns, v->netns ? v->netns : "") == 0;
}

static bool same_pools(const struct parent_open *m, const struct gateway_vnet *v)
{
	if (m->n_pools != v->n_pools)
		return false;
	for (size_t i = 0; i < m->n_pools; i++)
		if (!prefix_equal(&m->pools[i], &v->pools[i]))
			return false;
	return true;
}

static const struct gateway_vnet *find_device(const struct parent_open *m,
					      const struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_vnets; i++)
		if (same_device(m, &config->vnets[i]))
			return &config->vnets[i];
	return NULL;
}

/* sstp0, sstp1, ... */
static bool is_our_name(const char *tun)
{
	static const char word[] = "sstp";
	const char *digits = tun + strlen(word);
	size_t n;

	if (strncmp(tun, word, strlen(word)) != 0)
		return false;
	n = strspn(digits, "0123456789");
	return n >= 1 && n <= DIGITS_MAX && !digits[n];
}

/* A name and a path may be the same; what cannot be looked at is another one. */
static bool is_same_namespace(const char *a, const char *b)
{
	struct stat stat_a, stat_b;
	int fd_a, fd_b;
	bool is_same;

	if (strcmp(a, b) == 0)
		return true;
	fd_a = *a ? netns_open(a) : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fd_b = *b ? netns_open(b) : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	is_same = fd_a >= 0 && fd_b >= 0 && fstat(fd_a, &stat_a) == 0 &&
		  fstat(fd_b, &stat_b) == 0 && stat_a.st_dev == stat_b.st_dev &&
		  stat_a.st_ino == stat_b.st_ino;
	if (fd_a >= 0)
		close(fd_a);
	if (fd_b >= 0)
		close(fd_b);
	return is_same;
}

static bool overlap(const struct prefix *a, size_t n_a, const struct prefix *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t k = 0; k < n_b; k++)
			if (prefix_overlaps(&a[i], &b[k]))
				return true;
	return false;
}

static bool overlaps_config(const struct parent_open *m, const struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_vnets; i++) {
		const struct gateway_vnet *v = &config->vnets[i];

		if (overlap(m->pools, m->n_pools, v->pools, v->n_pools) &&
		    is_same_namespace(m->netns, v->netns ? v->netns : ""))
			return true;
	}
	return false;
}

/* Those of the file's own VNets are not for all. */
static bool may_attach(const char *netns, const struct gateway_config *config)
{
	struct gateway_config list = {.attach_namespaces = config->attach_namespaces,
				      .n_attach_namespaces = config->n_attach_namespaces,
				      .attaches_anywhere = config->attaches_anywhere};

	return !parent_routes_objection(netns, &list);
}

static bool is_private(const struct prefix *p)
{
	return p->family == AF_INET6 ? prefix_is_ip6_unicast(p) : prefix_is_rfc1918(p);
}

static const char *object(int error, const char *why, int *ret_error)
{
	*ret_error = error;
	return why;
}

static const char *objection_to_own(const struct parent_open *m,
				    const struct gateway_config *config, int *ret_error)
{
	if (!is_our_name(m->tun))
		return object(-EPERM,
			      "its name is neither one of gateway.yaml nor sstp and a number",
			      ret_error);
	if (!may_attach(m->netns, config))
		return object(-ENONET,
			      "its namespace is not among attach_namespaces of gateway.yaml",
			      ret_error);
	if (!m->n_pools)
		return object(-EPERM, "it has no pool", ret_error);
	for (size_t i = 0; i < m->n_pools; i++) {
		if (!is_private(&m->pools[i]))
			return object(-EPERM, "a pool is not private", ret_error);
		if (m->pools[i].family == AF_INET6 && m->mtu < GATEWAY_MTU6_MIN)
			return object(-EPERM, "its MTU is too small for IPv6", ret_error);
	}
	if (overlaps_config(m, config))
		return object(-EADDRINUSE, "a pool overlaps one of gateway.yaml", ret_error);
	return NULL;
}

const char *parent_device_objection(const struct parent_open *m,
				    const struct gateway_config *config, int *ret_error)
{
	const struct gateway_vnet *v = find_device(m, config);

	if (m->mtu < MTU_MIN)
		return object(-EPERM, "its MTU is too small", ret_error);
	if (m->addresses > POOL_MAX)
		return object(-EPERM, "it has too many addresses", ret_error);
	if (!v)
		return objection_to_own(m, config, ret_error);
	return same_pools(m, v)
		       ? NULL
		       : object(-EPERM, "its pools are not those of gateway.yaml", ret_error);
}

/* ---- what was given ---- */

static int has_device(void *arg)
{
	return if_nametoindex(arg) != 0;
}

/* What cannot be looked at is gone. */
static bool is_there(struct given *g)
{
	int fd = *g->netns ? netns_open(g->netns) : -1;
	bool has_it;

	if (*g->netns && fd < 0)
		return false;
	has_it = netns_call(fd, has_device, g->tun) > 0;
	if (fd >= 0)
		close(fd);
	return has_it;
}

static void forget(struct given *g)
{
	free(g->netns);
	*g = (struct given){.tun = ""};
}

/* NULL: none. */
static const struct given *find_overlap(struct parent_devices *d, const struct parent_open *m)
{
	for (size_t i = 0; i < PARENT_GIVEN_MAX; i++) {
		struct given *g = &d->given[i];

		if (!*g->tun || !overlap(m->pools, m->n_pools, g->pools, g->n_pools) ||
		    !is_same_namespace(m->netns, g->netns) || strcmp(m->tun, g->tun) == 0)
			continue;
		if (is_there(g))
			return g;
		forget(g);
	}
	return NULL;
}

/* Takes the place of the one of that name, or of the oldest. */
static void remember(struct parent_devices *d)
{
	struct given *g = NULL;

	for (size_t i = 0; i < PARENT_GIVEN_MAX && !g; i++)
		if (!strcmp(d->given[i].tun, d->tun) && !strcmp(d->given[i].netns, d->netns))
			g = &d->given[i];
	if (!g) {
		g = &d->given[d->next_given];
		d->next_given = (d->next_given + 1) % PARENT_GIVEN_MAX;
	}
	forget(g);
	g->netns = strdup(d->netns);
	if (!g->netns)
		return;
	snprintf(g->tun, sizeof(g->tun), "%s", d->tun);
	memcpy(g->pools, d->open.pools, sizeof(g->pools));
	g->n_pools = d->open.n_pools;
}

/* ---- opening ---- */

static void answer_error(struct parent_devices *d, int error, enum vnet_step step)
{
	struct parent_msg m = {.kind = PARENT_DEVICE, .device = {.error = error, .step = step}};

	d->answer(d->arg, &m, NULL);
}

static void hand_over(struct parent_devices *d, const struct vnet_opened *o)
{
	struct parent_msg m = {.kind = PARENT_DEVICE,
			       .device = {.queues = o->n,
					  .tun = o->tuns[0].name,
					  .ifindex = o->tuns[0].ifindex,
					  .offload = o->tuns[0].offload,
					  .is_steered = o->steer != NULL,
					  .steer_error = o->steer_error,
					  .is_forwarding = o->is_forwarding}};
	int fds[PARENT_QUEUES_MAX + 3];
	unsigned n = 0;

	for (; n < o->n; n++)
		fds[n] = o->tuns[n].fd;
	fds[n++] = rtnl_fd(o->rtnl);
	fds[n++] = rtnl_watch_fd(o->watch);
	if (o->steer)
		fds[n++] = steer_map(o->steer);
	d->answer(d->arg, &m, fds);
}

static void try(void *arg)
{
	struct parent_devices *d = arg;
	struct vnet_open_params params = {
		.tun_name = d->tun,
		.netns = d->netns,
		.mtu = d->open.mtu,
		.offload = d->open.offload & TUN_OFFLOAD_ALL,
		.queues = d->open.queues,
		.addresses = d->open.addresses,
		.pools = d->open.pools,
		.npools = d->open.n_pools,
	};
	struct vnet_opened o;
	enum vnet_step step;
	int r = vnet_open(NULL, &params, &o, &step);

	if (r == 0) {
		remember(d);
		hand_over(d, &o);
		vnet_opened_close(&o);
	} else if (r == -EBUSY && step == VNET_STEP_CREATE && clock_now() < d->until) {
		loop_timer_set(d->timer, clock_now() + RETRY_EVERY);
	} else {
		answer_error(d, r, step);
	}
}

void parent_devices_open(struct parent_devices *d, const struct parent_open *m)
{
	const struct given *other = find_overlap(d, m);

	if (other) {
		log_error(
			"the data plane does not get device %s: a pool overlaps that of %s, in the "
			"same namespace",
			m->tun, other->tun);
		parent_devices_refuse(d, -EADDRINUSE);
		return;
	}
	d->open = *m;
	snprintf(d->tun, sizeof(d->tun), "%s", m->tun);
	snprintf(d->netns, sizeof(d->netns), "%s", m->netns);
	d->until = clock_now() + PARENT_DEVICE_PATIENCE;
	try(d);
}

void parent_devices_refuse(struct parent_devices *d, int error)
{
	answer_error(d, error, VNET_STEP_ASK);
}

void parent_devices_forget(struct parent_devices *d)
{
	loop_timer_set(d->timer, CLOCK_NEVER);
	for (size_t i = 0; i < PARENT_GIVEN_MAX; i++)
		forget(&d->given[i]);
}

struct parent_devices *
parent_devices_new(struct loop *loop,
		   void (*answer)(void *arg, const struct parent_msg *m, const int *fds), void *arg)
{
	struct parent_devices *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->answer = answer;
	d->arg = arg;
	d->timer = loop_timer_new(loop, try, d);
	if (d->timer)
		return d;
	free(d);
	return NULL;
}

void parent_devices_free(struct parent_devices *d)
{
	if (!d)
		return;
	parent_devices_forget(d);
	loop_timer_free(d->timer);
	free(d);
}
