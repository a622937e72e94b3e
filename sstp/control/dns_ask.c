/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/dns_ask.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/random.h"
#include "sstp/base/wire.h"

enum {
	QUESTIONS = 2,
};

static const uint16_t types[QUESTIONS] = {ns_t_a, ns_t_aaaa};

struct dns_ask {
	int fd;
	struct loop_io *io;
	struct loop_timer *timer;
	uint16_t ids[QUESTIONS];
	bool is_answered[QUESTIONS];
	struct dns_answer answers[QUESTIONS];
	void (*on_done)(void *arg, const struct dns_answer *answer);
	void *arg;
};

/* ---- packets ---- */

/* A dot at the end is taken, too. */
static bool put_name(struct wire_writer *w, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > DNS_ASK_NAME_MAX)
		return false;
	while (*name) {
		size_t label = strcspn(name, ".");

		if (label == 0 || label > NS_MAXLABEL)
			return false;
		wire_put_u8(w, (uint8_t)label);
		wire_put(w, name, label);
		name += label;
		name += *name == '.';
	}
	wire_put_u8(w, 0);
	return true;
}

int dns_ask_encode(const char *name, uint16_t type, uint16_t id, uint8_t buf[DNS_ASK_PACKET_MAX])
{
	/* one question, and recursion is wanted */
	const uint8_t head[NS_HFIXEDSZ] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
	const uint8_t tail[NS_QFIXEDSZ] = {(uint8_t)(type >> 8), (uint8_t)type, 0, ns_c_in};
	struct wire_writer w = wire_writer(buf, DNS_ASK_PACKET_MAX);

	wire_put(&w, head, sizeof(head));
	if (!put_name(&w, name))
		return -EINVAL;
	wire_put(&w, tail, sizeof(tail));
	return w.failed ? -EINVAL : (int)wire_len(&w);
}

/* Aliases stand in front of what they lead to: of whatever name an address is, it is the answer. */
static void take_address(ns_rr *rr, uint16_t type, struct dns_answer *answer)
{
	size_t size = type == ns_t_aaaa ? 16 : 4;
	struct prefix *p = &answer->addresses[answer->n];

	if (ns_rr_type(*rr) != type || ns_rr_rdlen(*rr) != size ||
	    answer->n == DNS_ASK_ADDRESSES_MAX)
		return;
	*p = (struct prefix){.family = type == ns_t_aaaa ? AF_INET6 : AF_INET,
			     .len = (uint8_t)(8 * size)};
	memcpy(p->addr, ns_rr_rdata(*rr), size);
	answer->n++;
}

static enum dns_outcome outcome_of(int code, size_t n)
{
	if (code == ns_r_nxdomain)
		return DNS_NO_NAME;
	if (code != ns_r_noerror)
		return DNS_REFUSED;
	return n ? DNS_FOUND : DNS_NO_ADDRESS;
}

static bool is_answer(ns_msg *m, uint16_t type, uint16_t id)
{
	ns_rr question;

	return ns_msg_id(*m) == id && ns_msg_getflag(*m, ns_f_qr) &&
	       ns_msg_count(*m, ns_s_qd) == 1 && ns_parserr(m, ns_s_qd, 0, &question) == 0 &&
	       ns_rr_type(question) == type;
}

int dns_ask_decode(const uint8_t *packet, size_t len, uint16_t type, uint16_t id,
		   struct dns_answer *ret_answer)
{
	struct dns_answer answer = {.n = 0};
	ns_msg m;
	ns_rr rr;

	if (len > DNS_ASK_PACKET_MAX || ns_initparse(packet, (int)len, &m) < 0 ||
	    !is_answer(&m, type, id))
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(m, ns_s_an); i++) {
		if (ns_parserr(&m, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		take_address(&rr, type, &answer);
	}
	answer.outcome = outcome_of(ns_msg_getflag(m, ns_f_rcode), answer.n);
	*ret_answer = answer;
	return 0;
}

/* ---- asking ---- */

/* What one of the two has found is the answer; else the first one says why there is none. */
static struct dns_answer together(const struct dns_ask *a)
{
	struct dns_answer answer = a->answers[0];

	for (size_t i = 1; i < QUESTIONS; i++)
		for (size_t k = 0; k < a->answers[i].n && answer.n < DNS_ASK_ADDRESSES_MAX; k++)
			answer.addresses[answer.n++] = a->answers[i].addresses[k];
	if (answer.n)
		answer.outcome = DNS_FOUND;
	else if (answer.outcome == DNS_SILENCE)
		answer.outcome = a->answers[1].outcome;
	return answer;
}

static void done(struct dns_ask *a)
{
	struct dns_answer answer = together(a);

	loop_io_watch(a->io, 0);
	loop_timer_set(a->timer, CLOCK_NEVER);
	a->on_done(a->arg, &answer);
}

static void on_timer(void *arg)
{
	done(arg);
}

static void take_packet(struct dns_ask *a, const uint8_t *packet, size_t len)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (!a->is_answered[i] &&
		    dns_ask_decode(packet, len, types[i], a->ids[i], &a->answers[i]) == 0)
			a->is_answered[i] = true;
}

static void refuse_all(struct dns_ask *a)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (!a->is_answered[i]) {
			a->answers[i].outcome = DNS_REFUSED;
			a->answers[i].is_nobody = true;
			a->is_answered[i] = true;
		}
}

static void on_ready(void *arg, unsigned ready)
{
	struct dns_ask *a = arg;
	uint8_t packet[DNS_ASK_PACKET_MAX];
	ssize_t len = recv(a->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (len >= 0)
		take_packet(a, packet, (size_t)len);
	else if (errno != EAGAIN && errno != EINTR)
		refuse_all(a);
	if (a->is_answered[0] && a->is_answered[1])
		done(a);
}

/* The error of what was sent first, ICMP's, may come with the second. */
static int ask(struct dns_ask *a, const char *name)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		uint8_t packet[DNS_ASK_PACKET_MAX];
		int len;

		random_fill(&random_system, &a->ids[i], sizeof(a->ids[i]));
		len = dns_ask_encode(name, types[i], a->ids[i], packet);
		if (len < 0)
			return len;
		if (!a->is_answered[i])
			a->answers[i].outcome = DNS_SILENCE;
		if (send(a->fd, packet, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			refuse_all(a);
	}
	return 0;
}

int dns_ask_new(struct loop *loop, int fd, const char *name,
		void (*on_done)(void *arg, const struct dns_answer *answer), void *arg,
		struct dns_ask **ret_ask)
{
	struct dns_ask *a = calloc(1, sizeof(*a));
	int r = -ENOMEM;

	if (!a) {
		close(fd);
		return r;
	}
	a->fd = fd;
	a->on_done = on_done;
	a->arg = arg;
	a->io = loop_io_new(loop, fd, LOOP_READ, on_ready, a);
	a->timer = loop_timer_new(loop, on_timer, a);
	if (a->io && a->timer)
		r = ask(a, name);
	if (r < 0) {
		dns_ask_free(a);
		return r;
	}
	loop_timer_set(a->timer, loop_now(loop) + (a->is_answered[0] ? 0 : DNS_ASK_PATIENCE));
	*ret_ask = a;
	return 0;
}

void dns_ask_free(struct dns_ask *a)
{
	if (!a)
		return;
	loop_io_free(a->io);
	loop_timer_free(a->timer);
	close(a->fd);
	free(a);
}
