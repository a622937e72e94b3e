/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many ADDR:PORT USER PASSWORD CA NAME COUNT TARGET: COUNT SSTP sessions in one process, without TUN. Brings all up, sends an
 * ICMP echo request to TARGET through each, waits for each reply, then says goodbye. Prints what it saw; exit 0 when
 * every session came up, got its own reply with an address of its own, and ended in order. A PASSWORD that begins with
 * a slash is a PEM file, and the sessions come by the certificate and key in it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sstp/base/log.h"
#include "sstp/net/listen.h"
#include "sstp/ppp/eap_tls.h"
#include "sstp/session/session.h"
#include "tun/ip.h"

enum {
	IP_HEADER = 20,
	ICMP_HEADER = 8,
	PING_SIZE = IP_HEADER + ICMP_HEADER + 32,
	IN_FLIGHT = 64, /* handshakes at a time */
	FILE_MAX = 16384,
};

#define TIME_LIMIT (60 * CLOCK_NS_PER_S)

struct many;

struct one {
	struct many *all;
	struct session *session;
	uint32_t address_be;
	bool up, replied, ended, ended_well;
};

struct many {
	struct loop *loop;
	struct session_env env;
	struct sockaddr_storage server;
	socklen_t server_len;
	struct tls_ctx *tls;
	struct eap_tls_ctx *eap_tls; /* NULL: by password */
	const char *user, *name;
	struct secret password;
	uint32_t target_be;
	struct one *ones;
	unsigned count, started, up, replied, ended;
	bool closing, late;
};

static void make_ping(uint8_t pkt[PING_SIZE], uint32_t src_be, uint32_t dst_be)
{
	uint16_t sum;

	memset(pkt, 0, PING_SIZE);
	memcpy(pkt, (uint8_t[]){0x45, 0, 0, PING_SIZE, 0, 1, 0, 0, 64, 1}, 10);
	memcpy(pkt + 12, &src_be, 4);
	memcpy(pkt + 16, &dst_be, 4);
	sum = htons((uint16_t)~ip_checksum(pkt, IP_HEADER, 0));
	memcpy(pkt + 10, &sum, 2);
	pkt[IP_HEADER] = 8; /* echo request; the data is the sender's address */
	memcpy(pkt + IP_HEADER + ICMP_HEADER, &src_be, 4);
	sum = htons((uint16_t)~ip_checksum(pkt + IP_HEADER, PING_SIZE - IP_HEADER, 0));
	memcpy(pkt + IP_HEADER + 2, &sum, 2);
}

static void send_ping(struct one *o)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[PING_SIZE];

	make_ping(pkt, o->address_be, o->all->target_be);
	session_send(o->session, &plain, pkt, sizeof(pkt), 1400);
}

static void start_some(struct many *m);

static void close_all(struct many *m)
{
	m->closing = true;
	for (unsigned i = 0; i < m->started; i++)
		if (m->ones[i].session && !m->ones[i].ended)
			session_disconnect(m->ones[i].session, "done");
}

static void on_up(void *arg, const struct link_address *address)
{
	struct one *o = arg;

	o->up = true;
	o->all->up++;
	o->address_be = address->local;
	send_ping(o);
	start_some(o->all);
}

static void on_packet(void *arg, uint8_t *pkt, size_t len)
{
	struct one *o = arg;
	struct many *m = o->all;

	if (len != PING_SIZE || memcmp(pkt + 16, &o->address_be, 4) || pkt[IP_HEADER] != 0 ||
	    memcmp(pkt + IP_HEADER + ICMP_HEADER, &o->address_be, 4) || o->replied)
		return;
	o->replied = true;
	if (++m->replied == m->count)
		close_all(m);
}

static void on_auth(void *arg, bool ok)
{
}

static void on_burst_end(void *arg)
{
}

static void on_down(void *arg)
{
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	struct one *o = arg;

	o->ended = true;
	o->ended_well = end == SESSION_END_NORMAL;
	if (!o->ended_well)
		fprintf(stderr, "# session ended: %s\n", reason);
	session_free(o->session);
	o->session = NULL;
	if (++o->all->ended == o->all->count)
		loop_stop(o->all->loop);
	else
		start_some(o->all);
}

static const struct session_ops callbacks = {
	.on_auth = on_auth,
	.on_up = on_up,
	.on_packet = on_packet,
	.on_burst_end = on_burst_end,
	.on_down = on_down,
	.on_end = on_end,
};

static void start_some(struct many *m)
{
	while (!m->closing && m->started < m->count && m->started - m->up - m->ended < IN_FLIGHT) {
		struct one *o = &m->ones[m->started++];
		struct session_params params = {
			.ops = &callbacks,
			.arg = o,
			.auth = m->eap_tls ? LINK_AUTH_EAP_TLS : LINK_AUTH_MSCHAPV2,
			.hashes = SSTP_HASH_SHA256,
			.name = m->user,
			.password = m->eap_tls ? NULL : &m->password,
			.eap_tls = m->eap_tls,
			.host = m->name,
		};

		o->all = m;
		o->session = session_dial(&m->env, (struct sockaddr *)&m->server, m->server_len,
					  m->tls, &params);
		if (!o->session) {
			perror("# dial");
			m->ended++;
		}
	}
}

static void on_late(void *arg)
{
	struct many *m = arg;

	m->late = true;
	loop_stop(m->loop);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint32_t));
}

static unsigned count_distinct(const struct many *m)
{
	uint32_t *all = calloc(m->count, sizeof(*all));
	unsigned distinct = 0;

	for (unsigned i = 0; i < m->count; i++)
		all[i] = m->ones[i].address_be;
	qsort(all, m->count, sizeof(*all), compare);
	for (unsigned i = 0; i < m->count; i++)
		distinct += all[i] && (i == 0 || all[i] != all[i - 1]);
	free(all);
	return distinct;
}

static int report(const struct many *m)
{
	unsigned well = 0, distinct = count_distinct(m);

	for (unsigned i = 0; i < m->count; i++)
		well += m->ones[i].ended_well;
	printf("sessions %u up %u replied %u addresses %u ended_in_order %u%s\n", m->count, m->up,
	       m->replied, distinct, well, m->late ? " (time limit)" : "");
	return m->up == m->count && m->replied == m->count && distinct == m->count &&
			       well == m->count
		       ? 0
		       : 1;
}

static int run(struct many *m)
{
	struct loop_timer *limit = loop_timer_new(m->loop, on_late, m);
	int r;

	loop_timer_set(limit, loop_now(m->loop) + TIME_LIMIT);
	start_some(m);
	loop_run(m->loop);
	r = report(m);
	for (unsigned i = 0; i < m->count; i++)
		session_free(m->ones[i].session);
	loop_timer_free(limit);
	return r;
}

/* What is in a file of at most FILE_MAX bytes. */
static bool read_text(const char *path, char text[FILE_MAX + 1])
{
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(text, 1, FILE_MAX, f) : 0;

	if (f)
		fclose(f);
	text[len] = '\0';
	return len > 0;
}

static bool come_by_certificate(struct many *m, const char *pair, const char *ca)
{
	char pem[FILE_MAX + 1], roots[FILE_MAX + 1],
		error[EAP_TLS_REASON_MAX] = "cannot read the files";
	const struct eap_tls_client params = {
		.identity = {.chain = pem, .key = pem},
		.roots = roots,
		.server_name = m->name,
	};

	if (read_text(pair, pem) && read_text(ca, roots) &&
	    eap_tls_ctx_new_client(&params, &m->eap_tls, error) == 0)
		return true;
	fprintf(stderr, "%s, %s: %s\n", pair, ca, error);
	return false;
}

int main(int argc, char **argv)
{
	struct many m = {0};
	char error[TLS_ERROR_MAX];
	struct rlimit files;
	int r;

	if (argc != 8 || address_parse(argv[1], 443, &m.server, &m.server_len) < 0 ||
	    inet_pton(AF_INET, argv[7], &m.target_be) != 1) {
		fprintf(stderr, "usage: many ADDR:PORT USER PASSWORD CA NAME COUNT TARGET\n");
		return 2;
	}
	log_open("many", LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	m.user = argv[2];
	m.name = argv[5];
	m.count = (unsigned)atoi(argv[6]);
	m.ones = calloc(m.count, sizeof(*m.ones));
	m.loop = loop_new();
	if (!m.ones || !m.loop || secret_set(&m.password, argv[3], strlen(argv[3])) < 0 ||
	    session_env_init(&m.env, m.loop) < 0)
		return 1;
	if (tls_ctx_new_client(argv[4], &m.tls, error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (*argv[3] == '/' && !come_by_certificate(&m, argv[3], argv[4]))
		return 1;
	r = run(&m);
	session_env_done(&m.env);
	eap_tls_ctx_unref(m.eap_tls);
	tls_ctx_unref(m.tls);
	loop_free(m.loop);
	free(m.ones);
	return r;
}
