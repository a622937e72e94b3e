/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/gateway/api.h"
#include "sstp/gateway/certificates.h"
#include "sstp/gateway/control.h"
#include "sstp/gateway/enrolment.h"
#include "sstp/gateway/site.h"
#include "sstp/net/tls.h"
#include "sstp/ppp/nthash.h"
#include "sstp/session/directory.h"

/*
 * A healthy client is gone in well under a second. One that does not answer PPP's goodbye gets SSTP's after
 * STOP_HURRY, and is cut after as long again.
 */
#define STOP_HURRY (3 * CLOCK_NS_PER_S)

static const char gateway_name[] = "sstp-gateway";

struct gateway {
	struct loop *loop;
	struct parent_ask *parent;
	struct gateway_config *config;
	struct control *control; /* NULL: none is wanted */
	struct dataplane *dataplane;
	struct enrolment enrolment;
	struct gateway_site *site;
	struct dataplane_policy policy; /* what is in effect */
	struct loop_timer *stop_timer;
	bool hurried;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* ---- from configuration to policy ---- */

/* Passwords are hashed once and wiped: from then on nobody can read them out of this process. */
static int hash_passwords(struct gateway_config *config, char ret_error[GATEWAY_ERROR_MAX])
{
	for (size_t i = 0; i < config->n_users; i++) {
		struct gateway_user *user = &config->users[i];

		if (user->has_nt_hash || user->password.len == 0)
			continue;
		if (nt_hash((const char *)user->password.data, user->password.len, user->nt_hash) <
		    0) {
			snprintf(ret_error, GATEWAY_ERROR_MAX,
				 "%s: user '%s': the password is not valid UTF-8", config->path,
				 user->name);
			return -EINVAL;
		}
		user->has_nt_hash = true;
		secret_wipe(&user->password);
	}
	return 0;
}

static int make_directory(const struct gateway_config *config, struct directory **ret_directory)
{
	struct directory *d = directory_new(config->n_users);
	int r = d ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < config->n_users; i++) {
		const struct gateway_user *user = &config->users[i];

		if (user->has_nt_hash) /* others are locked */
			r = directory_add(d, user->name, user->nt_hash,
					  config->vnets[user->vnet].name);
	}
	if (r < 0) {
		directory_unref(d);
		return r;
	}
	*ret_directory = d;
	return 0;
}

/* files may be NULL when config has no certificates. */
static int load_certificates(const struct gateway *g, const struct gateway_config *config,
			     const struct pem_files *files, struct tls_ctx **ret_tls,
			     char ret_error[GATEWAY_ERROR_MAX])
{
	struct control_certificate own = {0};
	char tls_error[TLS_ERROR_MAX];
	int r;

	if (g->control)
		own = control_certificate(g->control);
	r = certificates_load(config, files, &own, ret_tls, tls_error);
	if (r < 0)
		snprintf(ret_error, GATEWAY_ERROR_MAX, "%s", tls_error);
	return r;
}

static int make_policy(const struct gateway *g, struct gateway_config *config,
		       const struct pem_files *files, struct dataplane_policy *ret_policy,
		       char ret_error[GATEWAY_ERROR_MAX])
{
	const struct gateway_limits *max = &config->limits;
	struct dataplane_policy policy = {
		.auth = (config->auth.mschapv2 ? LINK_AUTH_MSCHAPV2 : 0u) |
			(config->auth.eap_mschapv2 ? LINK_AUTH_EAP_MSCHAPV2 : 0u) |
			(config->auth.eap_tls ? LINK_AUTH_EAP_TLS : 0u) |
			(config->auth.pap ? LINK_AUTH_PAP : 0u),
		.pppd249_hlak = config->auth.eap_tls_pppd249,
		.congestion = (enum stream_congestion)config->congestion,
		.limits = {.sessions = max->sessions,
			   .half_open = max->half_open,
			   .per_source = {.half_open = max->half_open_per_address,
					  .accepts_per_s = max->accept_rate_per_address,
					  .auth_failures_per_min = max->auth_failures_per_address}},
	};
	int r = load_certificates(g, config, files, &policy.tls, ret_error);

	if (r < 0)
		return r;
	certificates_warn(config, policy.tls);
	r = hash_passwords(config, ret_error);
	if (r == 0) {
		r = make_directory(config, &policy.directory);
		if (r < 0)
			snprintf(ret_error, GATEWAY_ERROR_MAX, "users: %s", strerror(-r));
	}
	if (r < 0) {
		tls_ctx_unref(policy.tls);
		return r;
	}
	policy.access = g->control ? access_ref(control_access(g->control)) : NULL;
	*ret_policy = policy;
	return 0;
}

static void drop_policy(struct dataplane_policy *policy)
{
	tls_ctx_unref(policy->tls);
	directory_unref(policy->directory);
	access_unref(policy->access);
}

static int set_vnets(struct gateway *g, const struct gateway_config *config,
		     char ret_error[GATEWAY_ERROR_MAX])
{
	for (size_t i = 0; i < config->n_vnets; i++) {
		const struct gateway_vnet *v = &config->vnets[i];
		struct vnet_params params = {
			.name = v->name,
			.address_spaces = v->address_spaces,
			.naddress_spaces = v->n_address_spaces,
			.pools = v->pools,
			.npools = v->n_pools,
			.dns_be = {v->dns_be[0], v->dns_be[1]},
			.ndns6 = v->n_dns6,
			.domains = (const char *const *)v->domains,
			.ndomains = v->n_domains,
			.gateway_be = v->gateway_be,
			.tun_name = v->tun,
			.netns = v->netns ? v->netns : "",
			.mtu = v->mtu,
			.offload = config->offload,
			.client_to_client = v->client_to_client,
		};
		int r;

		_Static_assert(sizeof(params.dns6) == sizeof(v->dns6), "as many name servers");
		_Static_assert((int)GATEWAY_DOMAINS_MAX == (int)VNET_DOMAINS_MAX, "domains");
		memcpy(params.dns6, v->dns6, sizeof(params.dns6));
		r = dataplane_set_vnet(g->dataplane, &params, ret_error);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_vnet(const struct gateway_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_vnets; i++)
		if (strcmp(config->vnets[i].name, name) == 0)
			return true;
	return false;
}

/* Takes back what set_vnets() did of a configuration that turned out not to work. */
static void restore_vnets(struct gateway *g, const struct gateway_config *failed)
{
	char error[GATEWAY_ERROR_MAX];

	if (!g->config)
		return;
	for (size_t i = 0; i < failed->n_vnets; i++)
		if (!has_vnet(g->config, failed->vnets[i].name))
			dataplane_remove_vnet(g->dataplane, failed->vnets[i].name);
	if (set_vnets(g, g->config, error) < 0)
		log_error("the former settings are not all back in effect: %s", error);
}

/* Until here a certificate's tag is an index of the configuration; the data plane's ids stay over its reloads. */
static int map_tags(struct gateway *g, const struct gateway_config *config, struct tls_ctx *tls)
{
	int *ids = calloc(config->n_vnets, sizeof(*ids));
	int r = ids ? 0 : -ENOMEM;

	for (size_t i = 0; i < config->n_vnets && r == 0; i++) {
		ids[i] = dataplane_vnet_id(g->dataplane, config->vnets[i].name);
		if (ids[i] < 0)
			r = ids[i];
	}
	if (r == 0)
		tls_ctx_map_tags(tls, ids, config->n_vnets);
	free(ids);
	return r;
}

/* The VNets of config are there. Takes what policy names when it succeeds. */
static int set_policy(struct gateway *g, const struct gateway_config *config,
		      const struct dataplane_policy *policy, char ret_error[GATEWAY_ERROR_MAX])
{
	int r = map_tags(g, config, policy->tls);

	if (r == 0)
		r = dataplane_set_policy(g->dataplane, policy);
	if (r < 0) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "TLS: %s", strerror(-r));
		return r;
	}
	g->policy = *policy;
	return 0;
}

/* The same policy with other certificates. files as load_certificates(). */
static int reload_certificates(struct gateway *g, const struct pem_files *files,
			       char ret_error[GATEWAY_ERROR_MAX])
{
	struct dataplane_policy policy = g->policy;
	struct tls_ctx *old = policy.tls;
	int r = load_certificates(g, g->config, files, &policy.tls, ret_error);

	if (r < 0)
		return r;
	certificates_warn(g->config, policy.tls);
	r = set_policy(g, g->config, &policy, ret_error);
	tls_ctx_unref(r < 0 ? policy.tls : old);
	return r;
}

/* Also when it makes none any more: what is there then is loaded again. */
static void on_own_certificate(void *arg)
{
	struct gateway *g = arg;
	char error[GATEWAY_ERROR_MAX];

	if (g->config->n_certificates)
		return;
	if (reload_certificates(g, NULL, error) < 0)
		log_error("the gateway's new certificate cannot be used: %s", error);
	else
		log_info("the gateway has a new certificate: new connections get it");
}

static void on_access(void *arg)
{
	struct gateway *g = arg;
	struct dataplane_policy policy = g->policy;
	int r;

	policy.access = control_access(g->control);
	r = dataplane_set_policy(g->dataplane, &policy);
	if (r < 0) {
		log_error("who may come in by a certificate stays as it was: %s", strerror(-r));
		return;
	}
	log_debug("who may come in by a certificate has changed");
	access_unref(g->policy.access);
	g->policy.access = access_ref(policy.access);
}

static int on_site(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct gateway *g = arg;

	return gateway_site_on_message(g->site, kind, payload, len);
}

static void on_control_up(void *arg)
{
	struct gateway *g = arg;

	gateway_site_tell_all(g->site);
}

static int send_to_control(void *arg, uint8_t *frame, size_t len)
{
	struct gateway *g = arg;

	return control_send(g->control, frame, len);
}

/* The VNets of the configuration are there. */
static int open_site(struct gateway *g)
{
	return gateway_site_open(g->site, &(struct gateway_site_params){
						  .dataplane = g->dataplane,
						  .mtu = GATEWAY_MTU_DEFAULT,
						  .offload = g->config->offload,
						  .send = send_to_control,
						  .arg = g,
					  });
}

/* What can fail of a configuration that is good in itself: its VNets. Takes what policy names when it succeeds. */
static int put_into_effect(struct gateway *g, struct gateway_config *config,
			   const struct dataplane_policy *policy, char ret_error[GATEWAY_ERROR_MAX])
{
	struct dataplane_policy old = g->policy;
	int r = set_vnets(g, config, ret_error);

	if (r == 0)
		r = set_policy(g, config, policy, ret_error);
	if (r < 0) {
		restore_vnets(g, config);
		return r;
	}
	drop_policy(&old);
	gateway_config_free(g->config);
	g->config = config;
	return 0;
}

/* Makes config the one in effect. */
static int apply(struct gateway *g, struct gateway_config *config, const struct pem_files *files,
		 char ret_error[GATEWAY_ERROR_MAX])
{
	struct dataplane_policy policy;
	int r = make_policy(g, config, files, &policy, ret_error);

	if (r < 0)
		return r;
	r = put_into_effect(g, config, &policy, ret_error);
	if (r < 0)
		drop_policy(&policy);
	return r;
}

/* ---- life ---- */

static int listen_on(struct gateway *g, unsigned i, char ret_error[GATEWAY_ERROR_MAX])
{
	int fds[DATAPLANE_THREADS_MAX];
	int r = parent_ask_sockets(g->parent, i, dataplane_threads(g->dataplane), fds, ret_error);

	if (r < 0)
		return r;
	r = dataplane_listen_by(g->dataplane, fds);
	if (r < 0)
		snprintf(ret_error, GATEWAY_ERROR_MAX, "cannot listen on %s: %s",
			 g->config->listen[i], strerror(-r));
	else
		log_info("listening on %s", g->config->listen[i]);
	return r;
}

static int listen_all(struct gateway *g, char ret_error[GATEWAY_ERROR_MAX])
{
	int r = 0;

	for (unsigned i = 0; i < g->config->n_listen && r == 0; i++)
		r = listen_on(g, i, ret_error);
	return r;
}

static void say_goodbye(struct gateway *g)
{
	dataplane_shutdown(g->dataplane, "the gateway is shutting down", g->on_stopped,
			   g->on_stopped_arg);
}

static void on_stop_timer(void *arg)
{
	struct gateway *g = arg;

	if (g->hurried) {
		log_warning("%u clients did not say goodbye in time: cut",
			    dataplane_sessions(g->dataplane));
		g->on_stopped(g->on_stopped_arg);
		return;
	}
	g->hurried = true;
	loop_timer_set(g->stop_timer, loop_now(g->loop) + STOP_HURRY);
	say_goodbye(g);
}

static int make_control(struct gateway *g, const struct gateway_config *config,
			const struct pem_files *files, char ret_error[GATEWAY_ERROR_MAX])
{
	struct control_params params = {
		.config = config,
		.on_certificate = on_own_certificate,
		.on_access = on_access,
		.on_site = on_site,
		.on_up = on_control_up,
		.arg = g,
	};
	struct tls_ctx *tls = NULL;
	int r = 0;

	if (!config->has_control)
		return 0;
	g->site = gateway_site_new(g->loop);
	if (!g->site) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	if (config->n_certificates) /* from its first word on it makes tokens for them */
		r = load_certificates(g, config, files, &tls, ret_error);
	if (r < 0)
		return r;
	params.tls = tls;
	r = control_new(g->loop, &params, &g->control);
	if (r < 0)
		snprintf(ret_error, GATEWAY_ERROR_MAX, "the control process: %s", strerror(-r));
	tls_ctx_unref(tls);
	return r;
}

static int start_dataplane(struct gateway *g, const struct gateway_config *config,
			   char ret_error[GATEWAY_ERROR_MAX])
{
	unsigned threads = config->threads ? config->threads : dataplane_cpus();
	int r;

	g->stop_timer = loop_timer_new(g->loop, on_stop_timer, g);
	g->dataplane = g->stop_timer ? dataplane_new(g->loop, threads, gateway_name) : NULL;
	if (g->dataplane) {
		dataplane_set_opener(g->dataplane, parent_ask_device, g->parent);
		return 0;
	}
	r = -errno;
	snprintf(ret_error, GATEWAY_ERROR_MAX, "cannot start %u data threads: %s", threads,
		 strerror(-r));
	return r;
}

int gateway_new(struct loop *loop, struct parent_ask *parent, const struct gateway_config *config,
		const struct pem_files *files, struct gateway **ret_gateway,
		char ret_error[GATEWAY_ERROR_MAX])
{
	struct gateway *g = calloc(1, sizeof(*g));
	int r = -ENOMEM;

	snprintf(ret_error, GATEWAY_ERROR_MAX, "out of memory");
	if (g) {
		g->loop = loop;
		g->parent = parent;
		r = make_control(g, config, files, ret_error);
	}
	if (r < 0) {
		gateway_free(g);
		return r;
	}
	*ret_gateway = g;
	return 0;
}

void gateway_attach_control(struct gateway *g, int fd)
{
	if (g->control)
		control_attach(g->control, fd);
	else
		close(fd);
}

int gateway_start(struct gateway *g, struct gateway_config *config, const struct pem_files *files,
		  char ret_error[GATEWAY_ERROR_MAX])
{
	int r = g->control ? control_wait(g->control, ret_error) : 0;

	if (r == 0)
		r = start_dataplane(g, config, ret_error);
	if (r == 0)
		r = apply(g, config, files, ret_error);
	if (r < 0) {
		gateway_config_free(config);
		return r;
	}
	if (g->control) {
		g->enrolment = (struct enrolment){g->dataplane, g->control};
		enrolment_open(&g->enrolment);
		r = open_site(g);
	}
	if (r < 0) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "out of memory");
		return r;
	}
	return listen_all(g, ret_error);
}

void gateway_free(struct gateway *g)
{
	if (!g)
		return;
	loop_timer_free(g->stop_timer);
	drop_policy(&g->policy);
	gateway_site_free(g->site);
	control_free(g->control); /* answers who still waits */
	dataplane_free(g->dataplane);
	gateway_config_free(g->config);
	free(g);
}

int gateway_reload(struct gateway *g, struct gateway_config *config, const struct pem_files *files,
		   char ret_error[GATEWAY_ERROR_MAX])
{
	int r = apply(g, config, files, ret_error);

	if (r < 0) {
		gateway_config_free(config);
		return r;
	}
	if (!g->control)
		return 0;
	control_configure(g->control, config, g->policy.tls);
	gateway_site_tell_all(g->site); /* a device may have been made anew */
	return 0;
}

int gateway_set_certificates(struct gateway *g, const struct pem_files *files,
			     char ret_error[GATEWAY_ERROR_MAX])
{
	int r = reload_certificates(g, files, ret_error);

	if (r < 0)
		log_warning("certificate files have changed and cannot be used, those in effect "
			    "stay: %s; put a certificate and its key there, they are tried again "
			    "at the next change",
			    ret_error);
	else
		log_info("certificate files have changed: new connections get the new ones");
	if (g->control)
		control_configure(g->control, g->config, g->policy.tls);
	return r;
}

void gateway_stop(struct gateway *g, void (*done)(void *arg), void *arg)
{
	g->on_stopped = done;
	g->on_stopped_arg = arg;
	loop_timer_set(g->stop_timer, loop_now(g->loop) + STOP_HURRY);
	say_goodbye(g);
}

void gateway_log_stats(struct gateway *g)
{
	dataplane_log_stats(g->dataplane);
}

int gateway_check(struct gateway_config *config, char ret_error[GATEWAY_ERROR_MAX])
{
	struct gateway none = {0};
	struct dataplane_policy policy;
	struct pem_files files = {0};
	struct tcp_front_settings api;
	struct certs_error e;
	int r = api_open(config, &api, &e);

	if (r < 0) {
		snprintf(ret_error, GATEWAY_ERROR_MAX, "%s", e.text);
		return r;
	}
	tcp_front_settings_done(&api);
	if (!config->n_certificates) /* the authority makes one, and is not asked here */
		return hash_passwords(config, ret_error);
	snprintf(ret_error, GATEWAY_ERROR_MAX, "out of memory");
	r = certificates_read(config, &files);
	if (r == 0)
		r = make_policy(&none, config, &files, &policy, ret_error);
	pem_files_done(&files);
	if (r < 0)
		return r;
	drop_policy(&policy);
	return 0;
}
