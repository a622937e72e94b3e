/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/pool.h"
#include "sstp/session/vnet_open.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"
#include "tun/tun.h"

#define RETRY_EVERY (20 * CLOCK_NS_PER_MS)

enum {
	MTU_MIN = 576,
	DIGITS_MAX = 9,
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

/* In the present namespace, where all of these devices are. */
static bool overlaps_pools(const struct prefix *p, const struct gateway_config *config)
{
	for (size_t i = 0; i < config->n_vnets; i++) {
		const struct gateway_vnet *v = &config->vnets[i];

		for (size_t k = 0; !v->netns && k < v->n_pools; k++)
			if (prefix_overlaps(p, &v->pools[k]))
				return true;
	}
	return false;
}

static bool is_private(const struct prefix *p)
{
	return p->family == AF_INET6 ? prefix_is_ip6_unicast(p) : prefix_is_rfc1918(p);
}

static const char *objection_to_own(const struct parent_open *m,
				    const struct gateway_config *config)
{
	if (m->netns[0])
		return "no VNet of gateway.yaml has this namespace and device";
	if (!is_our_name(m->tun))
		return "its name is neither one of gateway.yaml nor sstp and a number";
	if (!m->n_pools)
		return "it has no pool";
	for (size_t i = 0; i < m->n_pools; i++) {
		if (!is_private(&m->pools[i]))
			return "a pool is not private";
		if (m->pools[i].family == AF_INET6 && m->mtu < GATEWAY_MTU6_MIN)
			return "its MTU is too small for IPv6";
		if (overlaps_pools(&m->pools[i], config))
			return "a pool overlaps one of gateway.yaml";
	}
	return NULL;
}

const char *parent_device_objection(const struct parent_open *m,
				    const struct gateway_config *config)
{
	const struct gateway_vnet *v = find_device(m, config);

	if (m->mtu < MTU_MIN)
		return "its MTU is too small";
	if (m->addresses > POOL_MAX)
		return "it has too many addresses";
	if (!v)
		return objection_to_own(m, config);
	return same_pools(m, v) ? NULL : "its pools are not those of gateway.yaml";
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
	d->open = *m;
	snprintf(d->tun, sizeof(d->tun), "%s", m->tun);
	snprintf(d->netns, sizeof(d->netns), "%s", m->netns);
	d->until = clock_now() + PARENT_DEVICE_PATIENCE;
	try(d);
}

void parent_devices_refuse(struct parent_devices *d)
{
	answer_error(d, -EPERM, VNET_STEP_ASK);
}

void parent_devices_forget(struct parent_devices *d)
{
	loop_timer_set(d->timer, CLOCK_NEVER);
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
	loop_timer_free(d->timer);
	free(d);
}
