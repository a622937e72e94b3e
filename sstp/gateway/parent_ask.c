/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/net/msgsock.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"

/* What came; the answer borrows from the packet. */
struct answer {
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;
};

static int ask(struct parent_ask *a, const struct parent_msg *question)
{
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(question, packet);

	if (len < 0)
		return len;
	return msgsock_send(a->fd, packet, (size_t)len, NULL, 0);
}

static int hear(struct parent_ask *a, enum parent_kind kind, struct answer *ret_answer)
{
	int r = msgsock_wait(a->fd, PARENT_ASK_MS);
	ssize_t n;

	if (r < 0)
		return r;
	n = msgsock_recv(a->fd, ret_answer->packet, &ret_answer->fds);
	if (n <= 0)
		return n < 0 ? (int)n : -EPIPE;
	r = parent_msg_decode(ret_answer->packet, (size_t)n, ret_answer->fds.n, true,
			      &ret_answer->m);
	if (r == 0 && ret_answer->m.kind == kind)
		return 0;
	msgsock_close_fds(&ret_answer->fds);
	return -EBADMSG;
}

/* 0, or -errno: the parent could not be asked, or does not answer. */
static int exchange(struct parent_ask *a, const struct parent_msg *question, enum parent_kind kind,
		    struct answer *ret_answer)
{
	int r = a->is_broken ? -EPIPE : ask(a, question);

	if (r == -EMSGSIZE)
		return r;
	if (r == 0)
		r = hear(a, kind, ret_answer);
	a->is_broken |= r < 0;
	return r;
}

/* ---- devices ---- */

static struct parent_msg open_question(const struct vnet_open_params *p)
{
	struct parent_msg m = {.kind = PARENT_OPEN_DEVICE,
			       .open = {.tun = p->tun_name,
					.netns = p->netns,
					.mtu = p->mtu,
					.offload = p->offload,
					.queues = p->queues,
					.addresses = p->addresses,
					.n_pools = p->npools}};

	for (size_t i = 0; i < p->npools && i < PARENT_POOLS_MAX; i++)
		m.open.pools[i] = p->pools[i];
	return m;
}

static int take_tuns(const struct parent_device *d, struct msgsock_fds *fds, struct vnet_opened *o)
{
	o->tuns = calloc(d->queues, sizeof(*o->tuns));
	if (!o->tuns)
		return -ENOMEM;
	for (o->n = 0; o->n < d->queues; o->n++) {
		struct tun *t = &o->tuns[o->n];

		*t = (struct tun){
			.fd = msgsock_take_fd(fds), .ifindex = d->ifindex, .offload = d->offload};
		snprintf(t->name, sizeof(t->name), "%s", d->tun);
	}
	return 0;
}

/* As many as there are, in the order of parent_msg.h; what is not taken the caller closes. */
static int take_device(const struct parent_device *d, struct msgsock_fds *fds,
		       struct vnet_opened *ret_opened)
{
	struct vnet_opened o = {.steer_error = d->steer_error, .is_forwarding = d->is_forwarding};
	int r = take_tuns(d, fds, &o);

	if (r == 0)
		r = rtnl_adopt(msgsock_take_fd(fds), &o.rtnl);
	if (r == 0)
		r = rtnl_watch_adopt(msgsock_take_fd(fds), &o.watch);
	if (r == 0 && d->is_steered)
		r = steer_adopt(&o.tuns[0], msgsock_take_fd(fds), &o.steer);
	if (r < 0) {
		vnet_opened_close(&o);
		return r;
	}
	*ret_opened = o;
	return 0;
}

int parent_ask_device(void *arg, const struct vnet_open_params *params,
		      struct vnet_opened *ret_opened, enum vnet_step *ret_step)
{
	struct parent_msg question = open_question(params);
	struct answer answer;
	int r = exchange(arg, &question, PARENT_DEVICE, &answer);

	*ret_step = VNET_STEP_ASK;
	if (r < 0)
		return r;
	if (answer.m.device.error) {
		*ret_step = answer.m.device.step < VNET_STEPS ? (enum vnet_step)answer.m.device.step
							      : VNET_STEP_ASK;
		return answer.m.device.error;
	}
	*ret_step = VNET_STEP_SET_UP;
	r = take_device(&answer.m.device, &answer.fds, ret_opened);
	msgsock_close_fds(&answer.fds);
	return r;
}

/* ---- listening ---- */

int parent_ask_sockets(struct parent_ask *a, unsigned index, unsigned n, int *ret_fds,
		       char ret_error[PARENT_TEXT_MAX + 1])
{
	struct parent_msg question = {.kind = PARENT_LISTEN,
				      .listen = {.index = index, .sockets = n}};
	struct answer answer;
	int r = exchange(a, &question, PARENT_SOCKETS, &answer);

	if (r == 0 && !answer.m.sockets.error && answer.m.sockets.sockets != n) {
		msgsock_close_fds(&answer.fds);
		r = -EBADMSG;
	}
	if (r < 0) {
		snprintf(ret_error, PARENT_TEXT_MAX + 1,
			 "the parent process does not give sockets to listen on: %s", strerror(-r));
		return r;
	}
	snprintf(ret_error, PARENT_TEXT_MAX + 1, "%s", answer.m.sockets.text);
	for (unsigned i = 0; !answer.m.sockets.error && i < n; i++)
		ret_fds[i] = msgsock_take_fd(&answer.fds);
	return answer.m.sockets.error;
}
