/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/worker/gateway_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/net/listen.h"
#include "sstp/session/nd.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/profile_file.h"
#include "tun/netns.h"

#define LIMIT	   (15 * CLOCK_NS_PER_S)
#define SEND_EVERY CLOCK_NS_PER_MS

static char host[] = "127.0.0.1";

int gateway_rig_namespace(void **state)
{
	int fd = netns_create();

	if (fd < 0 || netns_enter(fd) < 0) {
		fprintf(stderr, "no network namespace of our own: %s\n", strerror(errno));
		return -1;
	}
	close(fd);
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return 0;
}

static void check(struct gateway_rig *rig)
{
	if (rig->until && rig->until(rig))
		loop_stop(rig->loop);
}

/* ---- the gateway ---- */

static bool judge(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct eap_tls_verdict *v)
{
	const struct gateway_rig *rig = arg;

	strcpy(v->name, "shop");
	strcpy(v->thumbprint, "0123");
	v->alert = 44; /* certificate_revoked */
	strcpy(v->sentence, "revoked");
	return !rig->refuse;
}

static bool find_user(void *arg, const char *name, struct link_user *ret_user, const char **why)
{
	return true;
}

static void put_half(const char *text, uint8_t ret_half[8])
{
	uint8_t address[16];

	assert_int_equal(inet_pton(AF_INET6, text, address), 1);
	memcpy(ret_half, address, 8);
}

static bool assign(void *arg, struct link_address *ret_address, const char **why)
{
	const struct gateway_rig_session *s = arg;
	struct gateway_rig *rig = s->rig;

	*ret_address = (struct link_address){.local = inet_addr("10.20.0.1"),
					     .peer = inet_addr(rig->assign)};
	if (rig->assign6)
		put_half(rig->assign6, ret_address->prefix6);
	rig->replaces_be[s - rig->sessions] = session_replaces(s->session);
	if (rig->end_first_on_second && s == &rig->sessions[1])
		session_disconnect(rig->sessions[0].session, "another session of this app");
	return true;
}

static void on_auth(void *arg, bool ok)
{
}

static void on_server_up(void *arg, const struct link_address *address)
{
	struct gateway_rig_session *s = arg;

	s->up = true;
	if (s == &s->rig->sessions[1])
		s->rig->second_up_at = loop_now(s->rig->loop);
}

static void on_server_up6(void *arg)
{
	static const struct virtio_net_hdr plain;
	struct gateway_rig_session *s = arg;
	struct nd_advert advert = {.id = {[7] = 2}, .mtu = 1400};
	uint8_t pkt[ND_PACKET_MAX];

	if (!s->rig->advertise6)
		return;
	put_half(s->rig->advertise6, advert.prefix);
	session_send(s->session, &plain, pkt, nd_put_advert(&advert, pkt), 1400);
}

static struct gateway_rig_session *answering(struct gateway_rig_session *s)
{
	struct gateway_rig *rig = s->rig;

	if (s != &rig->sessions[1] || rig->sessions[0].ended ||
	    loop_now(rig->loop) - rig->second_up_at >= rig->changes_over_after)
		return s;
	return &rig->sessions[0];
}

/* One more there is one less here: no checksum notices. */
static void send_astray(struct gateway_rig_session *s, uint8_t *pkt, size_t len)
{
	static const struct virtio_net_hdr plain;

	pkt[19]++;
	pkt[15]--;
	session_send(s->session, &plain, pkt, len, 1400);
	pkt[19]--;
	pkt[15]++;
}

/* Back to its sender: addresses and ports change places, which no checksum notices. */
static void on_server_packet(void *arg, uint8_t *pkt, size_t len)
{
	static const struct virtio_net_hdr plain;
	struct gateway_rig_session *s = arg;
	uint8_t swapped[8], ports[4];

	s->rig->solicited += nd_is_solicitation(pkt, len);
	if (len < 28 || pkt[0] >> 4 != 4 || pkt[9] != IPPROTO_UDP)
		return;
	memcpy(swapped, pkt + 16, 4);
	memcpy(swapped + 4, pkt + 12, 4);
	memcpy(pkt + 12, swapped, 8);
	memcpy(ports, pkt + 22, 2);
	memcpy(ports + 2, pkt + 20, 2);
	memcpy(pkt + 20, ports, 4);
	s->packets++;
	if (s->rig->astray)
		send_astray(s, pkt, len);
	session_send(answering(s)->session, &plain, pkt, len, 1400);
}

static void on_burst_end(void *arg)
{
}

static void on_server_down(void *arg)
{
}

static void on_server_end(void *arg, enum session_end end, const char *reason)
{
	struct gateway_rig_session *s = arg;

	s->ended_by = session_ended_by(s->session);
	assert_int_equal(*session_tls_name(s->session) != '\0', /* it is known to the end */
			 stages_has_passed(session_stages(s->session), STAGE_TLS));
	session_free(s->session);
	s->session = NULL;
	s->ended = true;
	if (s == &s->rig->sessions[0])
		s->rig->first_ended_at = loop_now(s->rig->loop);
	check(s->rig);
}

static void on_server_traced(void *arg, const struct vendor_traced *traced)
{
	struct gateway_rig_session *s = arg;

	s->rig->traced = *traced;
	s->rig->traces++;
	check(s->rig);
}

static const struct session_ops server_callbacks = {
	.find_user = find_user,
	.assign = assign,
	.on_auth = on_auth,
	.on_up = on_server_up,
	.on_up6 = on_server_up6,
	.on_packet = on_server_packet,
	.on_burst_end = on_burst_end,
	.on_traced = on_server_traced,
	.on_down = on_server_down,
	.on_end = on_server_end,
};

static void on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct gateway_rig *rig = arg;
	struct gateway_rig_session *s = &rig->sessions[rig->n_sessions];
	struct session_params params = {
		.ops = &server_callbacks,
		.arg = s,
		.id = 100 + rig->n_sessions,
		.auth = LINK_AUTH_EAP_TLS,
		.hashes = SSTP_HASH_SHA256,
		.name = "gateway",
		.eap_tls = rig->eap_tls,
	};

	assert_true(rig->n_sessions < GATEWAY_RIG_SESSIONS);
	s->rig = rig;
	s->session = session_accept(&rig->env, fd, rig->tls, &params);
	assert_non_null(s->session);
	rig->n_sessions++;
	check(rig);
	if (rig->drop_first && s == &rig->sessions[0]) {
		session_free(s->session);
		s->session = NULL;
	}
}

void gateway_rig_show_in_eap(struct gateway_rig *rig, const struct testcert *leaf)
{
	const struct eap_tls_pair shown = {leaf->cert, leaf->key, NULL};
	const struct eap_tls_server server = {
		.pairs = &shown, .n_pairs = 1, .judge = judge, .arg = rig};
	char error[EAP_TLS_REASON_MAX];

	eap_tls_ctx_unref(rig->eap_tls);
	assert_int_equal(eap_tls_ctx_new_server(&server, &rig->eap_tls, error), 0);
}

static void make_gateway(struct gateway_rig *rig, const struct testcert *leaf)
{
	const struct sockaddr_in any = {.sin_family = AF_INET,
					.sin_addr = {htonl(INADDR_LOOPBACK)}};
	char *chain = testcert_chain_pem(leaf), *key = testcert_key_pem(leaf);
	const struct tls_pair pair = {.cert_file = "gateway",
				      .key_file = "gateway",
				      .cert_pem = chain,
				      .key_pem = key,
				      .tag = TLS_NO_TAG};
	char error[TLS_ERROR_MAX];
	struct sockaddr_storage bound;

	assert_int_equal(session_env_init(&rig->env, rig->loop), 0);
	assert_int_equal(tls_ctx_new_server_of(&pair, 1, &rig->tls, error), 0);
	gateway_rig_show_in_eap(rig, leaf);
	rig->listener = listener_new(rig->loop, (const void *)&any, sizeof(any), on_accept, rig);
	assert_non_null(rig->listener);
	assert_int_equal(listener_address(rig->listener, &bound), 0);
	rig->config.gateway_port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
	free(chain);
	free(key);
}

/* ---- the worker ---- */

static void note(struct gateway_rig *rig, const char *event)
{
	size_t len = strlen(rig->events);

	snprintf(rig->events + len, sizeof(rig->events) - len, "%s%s", len ? ", " : "", event);
	check(rig);
}

static void on_up(void *arg, const struct link_address *address)
{
	char text[32] = "up ";

	inet_ntop(AF_INET, &address->local, text + 3, sizeof(text) - 3);
	note(arg, text);
}

static void on_address6(void *arg, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN + 2] = "6 none";

	if (address)
		inet_ntop(AF_INET6, address, text + 2, sizeof(text) - 2);
	note(arg, text);
}

static void on_down(void *arg)
{
	note(arg, "down");
}

static void on_replaced(void *arg, bool ok, const char *reason)
{
	struct gateway_rig *rig = arg;

	snprintf(rig->reason, sizeof(rig->reason), "%s", reason);
	rig->had_ipv6 = rig->tunnel->current->has_address6;
	note(rig, ok ? "replaced" : "not replaced");
}

static void on_description(void *arg, const char *text, size_t len)
{
	struct gateway_rig *rig = arg;

	assert_in_range(len, 0, VENDOR_TEXT_MAX);
	memcpy(rig->description, text, len);
	rig->description[len] = '\0';
	rig->descriptions++;
	check(rig);
}

static void on_retry(void *arg, enum session_end end, const char *reason, uint64_t wait)
{
	struct gateway_rig *rig = arg;

	rig->waits = wait;
	rig->end = end;
	if (!wait)
		return;
	snprintf(rig->reason, sizeof(rig->reason), "%s", reason);
	note(rig, "waits");
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	struct gateway_rig *rig = arg;

	rig->tunnel_ended = true;
	rig->end = end;
	snprintf(rig->reason, sizeof(rig->reason), "%s", reason);
	note(rig, "end");
}

static const struct tunnel_ops tunnel_callbacks = {
	.on_up = on_up,
	.on_address6 = on_address6,
	.on_down = on_down,
	.on_replaced = on_replaced,
	.on_description = on_description,
	.on_retry = on_retry,
	.on_end = on_end,
};

static void make_worker(struct gateway_rig *rig)
{
	struct network_params network = {
		.netns_fd = -1,
		.tun_name = "rig0",
		.mtu = 1400,
		.routes = rig->config.profile.enrolment.description.routes,
		.nroutes = 1,
	};
	struct tunnel_params params = {
		.ops = &tunnel_callbacks,
		.arg = rig,
		.host = host,
		.port = rig->config.gateway_port,
		.credentials = &rig->credentials,
		.mtu = 1400,
	};
	char error[256];

	if (network_new(&network, &rig->network, error) < 0)
		fail_msg("%s", error);
	assert_int_equal(
		credentials_new(&rig->config, &rig->config.profile, &rig->credentials, error), 0);
	params.network = rig->network;
	rig->tunnel = tunnel_new(rig->loop, &params);
	assert_non_null(rig->tunnel);
}

/* ---- the app ---- */

static void on_app_readable(void *arg, unsigned ready)
{
	struct gateway_rig *rig = arg;
	unsigned number;

	while (recv(rig->app, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number))
		rig->received++;
	check(rig);
}

static void on_app_timer(void *arg)
{
	struct gateway_rig *rig = arg;
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(7), .sin_addr = {inet_addr("10.20.0.9")}};

	if (rig->app_sends && sendto(rig->app, &rig->sent, sizeof(rig->sent), MSG_DONTWAIT,
				     (void *)&to, sizeof(to)) == sizeof(rig->sent))
		rig->sent++;
	loop_timer_set(rig->app_timer, loop_now(rig->loop) + SEND_EVERY);
	check(rig);
}

void gateway_rig_start_app(struct gateway_rig *rig)
{
	rig->app = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(rig->app >= 0);
	rig->app_io = loop_io_new(rig->loop, rig->app, LOOP_READ, on_app_readable, rig);
	rig->app_sends = true;
	loop_timer_set(rig->app_timer, loop_now(rig->loop));
}

/* ---- both ---- */

static void on_limit(void *arg)
{
	struct gateway_rig *rig = arg;

	rig->late = true;
	loop_stop(rig->loop);
}

void gateway_rig_run(struct gateway_rig *rig, bool (*until)(struct gateway_rig *rig))
{
	rig->until = until;
	loop_timer_set(rig->limit, loop_now(rig->loop) + LIMIT);
	if (!until(rig))
		assert_int_equal(loop_run(rig->loop), 0);
	if (rig->late)
		fail_msg("nothing more happens: %s; %u sessions, %u of %u datagrams came back: %s",
			 rig->events, rig->n_sessions, rig->received, rig->sent, rig->reason);
}

struct gateway_rig *gateway_rig_new(void)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *server = testcert_new(&(struct testcert_spec){
		.san = "IP:127.0.0.1", .eku = "serverAuth", .issuer = root});
	struct testcert *client = testcert_new(&(struct testcert_spec){
		.common_name = "shop", .eku = "clientAuth", .issuer = root});
	struct gateway_rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->app = -1;
	rig->assign = "172.16.77.2";
	rig->loop = loop_new();
	rig->config.gateway_host = host;
	rig->config.profile = profile_file_new(root, client);
	rig->app_timer = loop_timer_new(rig->loop, on_app_timer, rig);
	rig->limit = loop_timer_new(rig->loop, on_limit, rig);
	make_gateway(rig, server);
	make_worker(rig);
	testcert_free(client);
	testcert_free(server);
	testcert_free(root);
	return rig;
}

void gateway_rig_free(struct gateway_rig *rig)
{
	tunnel_free(rig->tunnel);
	network_free(rig->network);
	loop_io_free(rig->app_io);
	loop_timer_free(rig->app_timer);
	loop_timer_free(rig->limit);
	if (rig->app >= 0)
		close(rig->app);
	for (unsigned i = 0; i < rig->n_sessions; i++)
		session_free(rig->sessions[i].session);
	listener_free(rig->listener);
	session_env_done(&rig->env);
	loop_free(rig->loop);
	tls_ctx_unref(rig->tls);
	eap_tls_ctx_unref(rig->eap_tls);
	credentials_done(&rig->credentials);
	profile_done(&rig->config.profile);
	free(rig);
}
