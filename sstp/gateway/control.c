/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/base/secret.h"
#include "sstp/control/channel.h"
#include "sstp/net/tls.h"

enum {
	RETRY_S = 5, /* what is said to applicants while control is down */
};

_Static_assert((int)GATEWAY_NAMES_MAX == (int)MSG_NAMES_MAX, "names of a gateway");

struct pending {
	uint64_t id; /* 0: free */
	control_answer *cb;
	void *arg;
};

struct control {
	struct loop *loop;
	struct control_params params;
	struct channel *channel; /* NULL: it is down */
	struct loop_timer *start_timer;
	bool is_started;		  /* control_wait() has returned */
	bool has_failed;		  /* before it did */
	char failure[MSG_REASON_MAX + 1]; /* why */
	/* what it is told whenever it comes up: a CONFIG */
	uint8_t *config;
	size_t config_len;
	bool wants_certificate;
	/* what it has told */
	char *chain_pem;
	char *key_pem;
	struct access *access;
	bool is_site_told;
	/* what it is asked */
	uint64_t last_id;
	struct pending pending[CONTROL_PENDING_MAX];
};

/* ---- what it is told ---- */

/* Texts of one VNet; what the message borrows. */
struct vnet_texts {
	char spaces[MSG_SPACES_MAX][PREFIX_TEXT_MAX];
	char pools[MSG_POOLS_MAX][PREFIX_TEXT_MAX];
	char dns[2 * GATEWAY_DNS_MAX][INET6_ADDRSTRLEN];
	char gateway[INET_ADDRSTRLEN];
};

static void describe_vnet(const struct gateway_vnet *v, struct vnet_texts *t, struct msg_vnet *m)
{
	m->name = v->name;
	for (; m->n_spaces < v->n_address_spaces && m->n_spaces < MSG_SPACES_MAX; m->n_spaces++)
		m->spaces[m->n_spaces] =
			prefix_format(&v->address_spaces[m->n_spaces], t->spaces[m->n_spaces]);
	for (; m->n_pools < v->n_pools && m->n_pools < MSG_POOLS_MAX; m->n_pools++)
		m->pools[m->n_pools] = prefix_format(&v->pools[m->n_pools], t->pools[m->n_pools]);
	_Static_assert(2 * GATEWAY_DNS_MAX <= MSG_SERVERS_MAX, "all are told");
	for (; m->n_dns < GATEWAY_DNS_MAX && v->dns_be[m->n_dns]; m->n_dns++)
		m->dns[m->n_dns] = inet_ntop(AF_INET, &v->dns_be[m->n_dns], t->dns[m->n_dns],
					     sizeof(t->dns[0]));
	for (size_t i = 0; i < v->n_dns6; i++, m->n_dns++)
		m->dns[m->n_dns] =
			inet_ntop(AF_INET6, v->dns6[i], t->dns[m->n_dns], sizeof(t->dns[0]));
	_Static_assert((int)GATEWAY_DOMAINS_MAX == (int)MSG_DOMAINS_MAX, "all are told");
	for (; m->n_domains < v->n_domains; m->n_domains++)
		m->domains[m->n_domains] = v->domains[m->n_domains];
	m->gateway = inet_ntop(AF_INET, &v->gateway_be, t->gateway, sizeof(t->gateway));
	m->netns = v->netns;
}

/* The first name, with the port that is listened on when it is not 443; "" without names. */
static void dial_of(const struct gateway_config *config, char buf[MSG_NAME_MAX + 1])
{
	const char *colon = strrchr(config->listen[0], ':');
	const char *name = config->n_names ? config->names[0] : "";
	bool is_v6 = strchr(name, ':') != NULL;
	bool is_default = !colon || strcmp(colon, ":443") == 0;

	snprintf(buf, MSG_NAME_MAX + 1, "%s%s%s%s", is_v6 ? "[" : "", name, is_v6 ? "]" : "",
		 *name && !is_default ? colon : "");
}

/* What tls shows, in owned texts. tls may be NULL. -ENOMEM: those that are counted are there. */
static int chains_of(const struct tls_ctx *tls, struct msg_config *m, char *chains[MSG_CHAINS_MAX])
{
	int r = 0;

	while (tls && m->n_chains < MSG_CHAINS_MAX && r == 0) {
		r = tls_ctx_chain(tls, m->n_chains, &chains[m->n_chains]);
		if (r == 0) {
			m->chains[m->n_chains] = chains[m->n_chains];
			m->n_chains++;
		}
	}
	return r == -ENOENT ? 0 : r;
}

/* 0 or -errno; the frame is c's from then on. */
static int encode_config(struct control *c, const struct gateway_config *config,
			 const struct tls_ctx *tls)
{
	struct vnet_texts *texts = calloc(config->n_vnets, sizeof(*texts));
	struct msg_vnet *vnets = calloc(config->n_vnets, sizeof(*vnets));
	char *chains[MSG_CHAINS_MAX];
	char dial[MSG_NAME_MAX + 1];
	struct msg_config m = {.dial = dial,
			       .is_strict = config->is_strict,
			       .vnets = vnets,
			       .n_vnets = config->n_vnets};
	uint8_t *frame;
	size_t len;
	int r = -ENOMEM;

	dial_of(config, dial);
	for (; !config->n_certificates && m.n_names < config->n_names; m.n_names++)
		m.names[m.n_names] = config->names[m.n_names];
	for (size_t i = 0; texts && vnets && i < config->n_vnets; i++)
		describe_vnet(&config->vnets[i], &texts[i], &vnets[i]);
	if (texts && vnets)
		r = chains_of(config->n_certificates ? tls : NULL, &m, chains);
	if (r == 0)
		r = msg_config_encode(&m, &frame, &len);
	for (size_t i = 0; i < m.n_chains; i++)
		free(chains[i]);
	free(texts);
	free(vnets);
	if (r < 0)
		return r;
	msg_frame_free(c->config, c->config_len);
	c->config = frame;
	c->config_len = len;
	c->wants_certificate = m.n_names > 0;
	return 0;
}

static void send_config(struct control *c)
{
	uint8_t *copy = malloc(c->config_len);

	if (copy) {
		memcpy(copy, c->config, c->config_len);
		if (channel_send(c->channel, copy, c->config_len) == 0)
			return;
	}
	log_error("the control process cannot be told of the configuration");
}

/* ---- what it tells ---- */

/* The first reason is the one: what follows follows from it. */
static void start_failed(struct control *c, const char *why)
{
	if (!c->has_failed)
		snprintf(c->failure, sizeof(c->failure), "%s", why);
	c->has_failed = true;
	loop_stop(c->loop);
}

static void drop_certificate(struct control *c)
{
	if (c->key_pem)
		secret_wipe_bytes(c->key_pem, strlen(c->key_pem));
	free(c->key_pem);
	free(c->chain_pem);
	c->key_pem = NULL;
	c->chain_pem = NULL;
}

static int take_certificate(struct control *c, const uint8_t *payload, size_t len)
{
	struct msg_server_certificate m;
	char *chain;
	char *key;

	if (msg_server_certificate_decode(payload, len, &m) < 0)
		return -EBADMSG;
	/* as after a restart */
	if (c->chain_pem && !strcmp(c->chain_pem, m.chain_pem) && !strcmp(c->key_pem, m.key_pem))
		return 0;
	chain = strdup(m.chain_pem);
	key = strdup(m.key_pem);
	if (!chain || !key) {
		free(chain);
		free(key);
		return -ENOMEM;
	}
	drop_certificate(c);
	c->chain_pem = chain;
	c->key_pem = key;
	if (c->is_started)
		c->params.on_certificate(c->params.arg);
	return 0;
}

static int take_access(struct control *c, const uint8_t *payload, size_t len)
{
	struct authority_export e;
	struct certs_error error;
	struct access *access;
	int r = msg_access_decode(payload, len, &e);

	if (r < 0)
		return r;
	r = access_new(&e, &access, &error);
	if (r < 0) {
		log_error("who may come in stays as it was: %s", error.text);
		authority_export_done(&e);
		return 0;
	}
	access_unref(c->access);
	c->access = access;
	if (c->is_started)
		c->params.on_access(c->params.arg);
	return 0;
}

static void answer(struct pending *p, const struct msg_est_reply *reply)
{
	control_answer *cb = p->cb;

	p->id = 0;
	cb(p->arg, reply);
}

static int take_reply(struct control *c, const uint8_t *payload, size_t len)
{
	struct msg_est_reply m;

	if (msg_est_reply_decode(payload, len, &m) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < CONTROL_PENDING_MAX; i++) {
		if (!m.id || c->pending[i].id != m.id)
			continue;
		answer(&c->pending[i], &m);
		return 0;
	}
	return -EBADMSG;
}

/* While it starts, this is why it will not; later it stands in its own log. */
static int take_failure(struct control *c, const uint8_t *payload, size_t len)
{
	const char *text;

	if (msg_failed_decode(payload, len, &text) < 0)
		return -EBADMSG;
	if (!c->is_started)
		start_failed(c, text);
	return 0;
}

static bool has_all(const struct control *c)
{
	return c->access && c->is_site_told && (c->chain_pem || !c->wants_certificate);
}

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct control *c = arg;
	int r = -EBADMSG;

	if (kind == MSG_SERVER_CERTIFICATE)
		r = take_certificate(c, payload, len);
	else if (kind == MSG_ACCESS)
		r = take_access(c, payload, len);
	else if (kind == MSG_EST_REPLY)
		r = take_reply(c, payload, len);
	else if (kind == MSG_FAILED)
		r = take_failure(c, payload, len);
	else /* until the site is known, apps would be sent away */
		r = c->params.on_site ? c->params.on_site(c->params.arg, kind, payload, len) : 0;
	if (r < 0)
		log_error("a message of the control process is lost: %s", strerror(-r));
	c->is_site_told |= kind == MSG_SITE_END;
	if (!c->is_started && has_all(c))
		loop_stop(c->loop);
}

/* ---- up and down ---- */

static void answer_unavailable(control_answer *cb, void *arg)
{
	static const char text[] = "the gateway's authority is not there; try again\n";
	struct msg_est_reply reply = {
		.status = 503,
		.content_type = "text/plain",
		.encoding = "",
		.body = (const uint8_t *)text,
		.body_len = sizeof(text) - 1,
		.retry_after_s = RETRY_S,
		.reason = "the control process is down",
	};

	cb(arg, &reply);
}

static void answer_all(struct control *c)
{
	for (size_t i = 0; i < CONTROL_PENDING_MAX; i++) {
		struct pending *p = &c->pending[i];

		if (!p->id)
			continue;
		p->id = 0;
		answer_unavailable(p->cb, p->arg);
	}
}

/* Why it is gone is the parent's to say; while we start, the next one may have more luck. */
static void on_closed(void *arg, const char *why)
{
	struct control *c = arg;

	channel_free(c->channel);
	c->channel = NULL;
	if (!c->is_started)
		return;
	log_debug("the control process is not there: %s", why);
	answer_all(c);
}

void control_attach(struct control *c, int fd)
{
	struct channel_params params = {
		.fd = fd, .on_message = on_message, .on_closed = on_closed, .arg = c};

	if (c->channel)
		on_closed(c, "there is another one");
	c->channel = channel_new(c->loop, &params);
	if (!c->channel) {
		log_error("there is no way to the control process: %s", strerror(errno));
		return;
	}
	if (c->is_started)
		log_info("the control process runs again");
	send_config(c);
	if (c->is_started && c->params.on_up)
		c->params.on_up(c->params.arg);
}

static void on_start_timer(void *arg)
{
	start_failed(arg, "it says nothing");
}

/* ---- life ---- */

int control_new(struct loop *loop, const struct control_params *params,
		struct control **ret_control)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->params = *params;
	c->params.config = NULL;
	c->params.tls = NULL;
	c->start_timer = loop_timer_new(loop, on_start_timer, c);
	r = c->start_timer ? encode_config(c, params->config, params->tls) : -ENOMEM;
	if (r < 0) {
		control_free(c);
		return r;
	}
	*ret_control = c;
	return 0;
}

int control_wait(struct control *c, char ret_error[CONTROL_ERROR_MAX])
{
	int r;

	loop_timer_set(c->start_timer, loop_now(c->loop) + CONTROL_START_NS);
	r = loop_run(c->loop);
	loop_timer_set(c->start_timer, CLOCK_NEVER);
	c->is_started = true;
	if (r == 0 && has_all(c) && !c->has_failed)
		return 0;
	if (r == 0 && !c->has_failed)
		start_failed(c, "the gateway ends");
	snprintf(ret_error, CONTROL_ERROR_MAX, "the control process does not start: %.460s",
		 r < 0 ? strerror(-r) : c->failure);
	return r < 0 ? r : -ESRCH;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->channel)
		channel_flush(c->channel); /* how the last sessions ended */
	channel_free(c->channel);
	answer_all(c);
	loop_timer_free(c->start_timer);
	msg_frame_free(c->config, c->config_len);
	drop_certificate(c);
	access_unref(c->access);
	free(c);
}

void control_configure(struct control *c, const struct gateway_config *config,
		       const struct tls_ctx *tls)
{
	int r = encode_config(c, config, tls);

	if (r < 0)
		log_error("the control process cannot be told of the configuration: %s",
			  strerror(-r));
	else if (c->channel)
		send_config(c);
}

int control_send(struct control *c, uint8_t *frame, size_t len)
{
	if (c->channel)
		return channel_send(c->channel, frame, len);
	msg_frame_free(frame, len);
	return -ENOTCONN;
}

struct control_certificate control_certificate(const struct control *c)
{
	return (struct control_certificate){.chain_pem = c->chain_pem, .key_pem = c->key_pem};
}

struct access *control_access(const struct control *c)
{
	return c->access;
}

/* ---- questions ---- */

static struct pending *free_place(struct control *c)
{
	for (size_t i = 0; i < CONTROL_PENDING_MAX; i++)
		if (!c->pending[i].id)
			return &c->pending[i];
	return NULL;
}

void control_ask(struct control *c, const struct msg_est_request *request, control_answer *cb,
		 void *arg)
{
	struct msg_est_request m = *request;
	struct pending *p = free_place(c);
	uint8_t *frame;
	size_t len;

	m.id = ++c->last_id;
	if (!p || !c->channel || msg_est_request_encode(&m, &frame, &len) < 0 ||
	    channel_send(c->channel, frame, len) < 0) {
		answer_unavailable(cb, arg);
		return;
	}
	*p = (struct pending){.id = m.id, .cb = cb, .arg = arg};
}
