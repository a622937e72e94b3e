/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control process with its socket, whose parent and data plane are this: cli_gateway STATE SOCKET CONFIG. Of
 * CONFIG, a gateway.yaml, only the API over TCP counts. What a data plane would tell it comes in lines on standard
 * input; each is answered with "ok" when control has it.
 *
 *   networks NAME...                      the VNets that gateway.yaml has; they are up
 *   strict NAME...                        the same, and Linux apps and containers are refused
 *   state VNET [WHY]                      a VNet is up, or why it is not
 *   up NUMBER APP VNET ADDRESS SOURCE     a session
 *   traffic NUMBER SENT RECEIVED          its bytes up to now, from the client's point of view
 *   down NUMBER SENT RECEIVED WHY
 *   line NUMBER APP STAGES [WHY]          its time line, which came so far, and why the client has ended it
 *
 * At the end of the input it ends.
 *
 * What control asks its parent and the data plane, to explain something, is answered like this: a name server at an
 * address that ends with 4 knows that db.corp is 10.50.2.4, any other one says nothing; the kernel's routes are not told;
 * of what is probed port 443 is open, port 81 closed, and from all others nothing comes back. A trace says the same as the
 * app's worker would, and the kernel where the VNet is cannot be watched.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sstp/control/dns_ask.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_timeline.h"
#include "sstp/control/msg_trace.h"
#include "sstp/control/parent_msg.h"
#include "sstp/control/server.h"
#include "sstp/gateway/api.h"
#include "sstp/gateway/config.h"
#include "sstp/net/msgsock.h"

enum {
	NETWORKS_MAX = 8,
	LINE_MAX_BYTES = 4096,
	WORDS_MAX = 8,
	BOOT = 0x1234,
	STAGE_US = 1500,
};

#define BEGAN_US INT64_C(1790000000000001)

/* Shared with the thread that reads: the frames that control sends are of no interest but for this. */
static sem_t has_reply;
static atomic_bool has_session;

static void check(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "cli_gateway: %s\n", what);
	exit(1);
}

static bool may_certify(void *arg, const char *const *names, size_t n, struct certs_error *e)
{
	return true;
}

static int load_api(void *arg, struct tcp_front_settings *ret_settings, struct certs_error *e)
{
	struct gateway_config *config;
	struct conf_error error;
	int r;

	if (gateway_config_load(arg, &config, &error) < 0)
		return certs_fail(e, -EINVAL, "%s", error.text);
	r = api_open(config, ret_settings, e);
	gateway_config_free(config);
	return r;
}

/* ---- telling ---- */

/* Takes frame. */
static void send_frame(int fd, int r, uint8_t *frame, size_t len)
{
	check(r == 0, "encode");
	check(send(fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len, "send");
	msg_frame_free(frame, len);
}

#define SEND(fd, encode, ...)                                   \
	do {                                                    \
		uint8_t *frame = NULL;                          \
		size_t len = 0;                                 \
		int result = encode(__VA_ARGS__, &frame, &len); \
		send_frame(fd, result, frame, len);             \
	} while (0)

static void tell_state(int fd, const char *vnet, const char *why)
{
	const struct msg_vnet_state m = {.vnet = vnet, .why = why};

	SEND(fd, msg_vnet_state_encode, &m);
}

static void tell_config(int fd, char **names, size_t n, bool is_strict)
{
	struct msg_vnet *vnets = calloc(NETWORKS_MAX, sizeof(*vnets));
	struct msg_config config = {.names = {"gw.test"},
				    .n_names = 1,
				    .dial = "gw.test",
				    .vnets = vnets,
				    .n_vnets = n,
				    .is_strict = is_strict};
	char spaces[NETWORKS_MAX][32], pools[NETWORKS_MAX][32];

	for (size_t i = 0; i < n; i++) {
		snprintf(spaces[i], sizeof(spaces[i]), "10.%zu.0.0/16", 100 + i);
		snprintf(pools[i], sizeof(pools[i]), "172.30.%zu.0/24", i);
		vnets[i] = (struct msg_vnet){.name = names[i],
					     .spaces = {spaces[i]},
					     .n_spaces = 1,
					     .pools = {pools[i]},
					     .n_pools = 1,
					     .dns = {"10.100.0.4"},
					     .n_dns = 1,
					     .gateway = "192.0.0.8"};
	}
	SEND(fd, msg_config_encode, &config);
	SEND(fd, msg_name_encode, MSG_SESSIONS_BEGIN, "");
	for (size_t i = 0; i < n; i++)
		tell_state(fd, names[i], "");
	SEND(fd, msg_name_encode, MSG_SESSIONS_END, "");
	free(vnets);
}

/* NUMBER APP VNET ADDRESS SOURCE */
static void tell_up(int fd, char **words)
{
	char user[200];
	struct msg_session_up m = {.boot = BOOT,
				   .id = strtoull(words[0], NULL, 10),
				   .since = time(NULL),
				   .app = words[1],
				   .vnet = words[2],
				   .user = user,
				   .owner = user,
				   .address_be = inet_addr(words[3]),
				   .address6 = "",
				   .source = words[4],
				   .correlation = "{c0}",
				   .thumbprint = ""};

	has_session = true;
	snprintf(user, sizeof(user), "%s@%s", words[1], words[2]);
	SEND(fd, msg_session_up_encode, &m);
}

/* SENT RECEIVED; a packet has a hundred bytes. */
static struct msg_counts counts_of(char **words)
{
	struct msg_counts counts = {.sent_bytes = strtoull(words[0], NULL, 10),
				    .received_bytes = strtoull(words[1], NULL, 10)};

	counts.sent_packets = counts.sent_bytes / 100;
	counts.received_packets = counts.received_bytes / 100;
	return counts;
}

static void tell_traffic(int fd, char **words)
{
	const struct msg_traffic_entry entry = {.id = strtoull(words[0], NULL, 10),
						.counts = counts_of(words + 1)};
	const struct msg_traffic m = {.boot = BOOT, .entries = &entry, .n_entries = 1};

	SEND(fd, msg_traffic_encode, &m);
}

static void tell_down(int fd, char **words)
{
	const struct msg_session_down m = {.boot = BOOT,
					   .id = strtoull(words[0], NULL, 10),
					   .counts = counts_of(words + 1),
					   .reason = words[3]};

	SEND(fd, msg_session_down_encode, &m);
}

/* NUMBER APP STAGES [WHY]; each stage took a millisecond and a half. */
static void tell_line(int fd, char **words)
{
	unsigned stages = (unsigned)atoi(words[2]);
	char correlation[64];
	struct msg_timeline m = {
		.boot = BOOT,
		.id = strtoull(words[0], NULL, 10),
		.began_us = BEGAN_US,
		.lasted_us = STAGE_US * stages,
		.has_ended = words[3] != NULL,
		.address_be = inet_addr("172.30.0.5"),
		.ended_by = words[3] ? MSG_SIDE_CLIENT : MSG_SIDE_GATEWAY,
		.app = words[1],
		.vnet = "blue",
		.user = "shop@blue",
		.source = "192.0.2.7:50123",
		.dialled = "gw.test",
		.tls = stages > MSG_STAGE_TLS ? "TLSv1.3 TLS_AES_128_GCM_SHA256" : "",
		.correlation = correlation,
		.auth = "EAP-TLS",
		.thumbprint = "",
		.reason = words[3] ? words[3] : "",
	};

	snprintf(correlation, sizeof(correlation), "{7D1A2B3C-000%s-4F00-A000-0123456789AB}",
		 words[0]);
	for (unsigned i = 0; i < MSG_STAGES; i++)
		m.stages_us[i] = i < stages ? STAGE_US * i : MSG_STAGE_NEVER;
	SEND(fd, msg_timeline_encode, &m);
}

static void obey(int fd, char *line)
{
	char *words[WORDS_MAX] = {NULL};
	size_t n = 0;

	for (char *word = strtok(line, " \n"); word && n < WORDS_MAX; word = strtok(NULL, " \n"))
		words[n++] = word;
	check(n > 0, "an empty line");
	if (!strcmp(words[0], "networks") || !strcmp(words[0], "strict"))
		tell_config(fd, words + 1, n - 1, *words[0] == 's');
	else if (!strcmp(words[0], "state") && n >= 2)
		tell_state(fd, words[1], n > 2 ? words[2] : "");
	else if (!strcmp(words[0], "up") && n == 6)
		tell_up(fd, words + 1);
	else if (!strcmp(words[0], "traffic") && n == 4)
		tell_traffic(fd, words + 1);
	else if (!strcmp(words[0], "down") && n == 5)
		tell_down(fd, words + 1);
	else if (!strcmp(words[0], "line") && n >= 4)
		tell_line(fd, words + 1);
	else
		check(false, words[0]);
}

/* ---- hearing ---- */

static bool read_all(int fd, void *to, size_t len)
{
	uint8_t *at = to;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void answer_probe(int fd, const uint8_t *payload, size_t size)
{
	struct msg_probed answer = {.drop = "", .round_trip_us = 1500};
	struct msg_probe m;

	check(msg_probe_decode(payload, size, &m) == 0, "PROBE");
	answer.id = m.id;
	answer.source = answer.from = (struct prefix){.family = AF_INET};
	answer.outcome = !has_session	 ? MSG_OUTCOME_NO_SESSION
			 : m.port == 443 ? MSG_OUTCOME_OPEN
			 : m.port == 81	 ? MSG_OUTCOME_CLOSED
					 : MSG_OUTCOME_SILENCE;
	SEND(fd, msg_probed_encode, &answer);
}

/* vendor_trace.h's numbers: into the tunnel; open, closed, silence. */
static void answer_trace(int fd, const uint8_t *payload, size_t size)
{
	struct msg_trace m;
	struct msg_traced answer = {
		.end = has_session ? MSG_TRACE_ANSWERED : MSG_TRACE_NO_SESSION,
		.session = 7,
		.address = {AF_INET, 32, {172, 16, 0, 1}},
		.worker = {.route = 1,
			   .table = 254,
			   .sent = 1,
			   .via = {.family = AF_INET},
			   .source = {.family = AF_INET},
			   .device = "vnet0",
			   .drop = ""},
		.watch = {.sent = 1,
			  .passed = 1,
			  .drop = "",
			  .source = {.family = AF_INET},
			  .back_drop = ""},
		.counters = {{"rx_packets", 1}, {"tx_packets", 1}},
		.n_counters = 1,
	};

	check(msg_trace_decode(payload, size, &m) == 0, "TRACE");
	answer.id = m.id;
	answer.watch.from = m.destination;
	answer.worker.outcome = m.port == 443 ? 2 : m.port == 81 ? 3 : 6;
	answer.worker.took_us = m.port == 443 || m.port == 81 ? 1500 : 3500000;
	if (m.port == 443 || m.port == 81) {
		answer.watch.answer = m.port == 443 ? MSG_OUTCOME_OPEN : MSG_OUTCOME_CLOSED;
		answer.watch.answered = answer.watch.delivered = answer.worker.received = 1;
		answer.n_counters = 2;
	}
	SEND(fd, msg_traced_encode, &answer);
}

static void *hear(void *arg)
{
	uint8_t head[MSG_HEAD_SIZE], *payload;
	enum msg_kind kind;
	size_t len;
	int fd = *(int *)arg;

	while (read_all(fd, head, sizeof(head)) && msg_head(head, false, &kind, &len)) {
		payload = malloc(len + 1);
		check(payload && read_all(fd, payload, len), "a frame that is cut");
		if (kind == MSG_PROBE)
			answer_probe(fd, payload, len);
		if (kind == MSG_TRACE)
			answer_trace(fd, payload, len);
		free(payload);
		if (kind == MSG_EST_REPLY)
			sem_post(&has_reply);
	}
	return NULL;
}

/* Control answers in turn: with the answer to this it has all that was told before. */
static void wait_until_told(int fd)
{
	const struct msg_est_request m = {.id = 1, .kind = MSG_EST_CACERTS, .peer = "192.0.2.1"};

	SEND(fd, msg_est_request_encode, &m);
	sem_wait(&has_reply);
}

/* ---- the parent ---- */

/* Both questions, of which one is for IPv4. */
static void answer_names(int fd)
{
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 50, 2, 4};
	static const uint8_t name[] = {2, 'd', 'b', 4, 'c', 'o', 'r', 'p', 0, 0, 1};
	uint8_t packet[DNS_ASK_PACKET_MAX];

	for (int i = 0; i < 2; i++) {
		ssize_t len = recv(fd, packet, sizeof(packet) - sizeof(record), 0);
		bool is_known = len > 25 - 4 && !memcmp(packet + 12, name, sizeof(name));

		check(len > 12, "a question");
		packet[2] = 0x81;
		packet[3] = packet[14] == 'b' ? 0x80 : 0x83;
		packet[7] = is_known;
		memcpy(packet + len, record, sizeof(record));
		send(fd, packet, (size_t)len + (is_known ? sizeof(record) : 0), 0);
	}
}

static void *serve_names(void *arg)
{
	int fd = (int)(intptr_t)arg;

	answer_names(fd);
	close(fd);
	return NULL;
}

/* The end that control gets; -1: nobody is there. */
static int open_server(const struct prefix *server, int *ret_far)
{
	int fds[2];
	pthread_t thread;

	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0, "socketpair");
	*ret_far = -1;
	if (server->addr[3] == 4) {
		check(pthread_create(&thread, NULL, serve_names, (void *)(intptr_t)fds[1]) == 0,
		      "pthread_create");
		pthread_detach(thread);
	} else {
		*ret_far = fds[1];
	}
	return fds[0];
}

static void answer_dial(int link, const struct parent_dial *m)
{
	struct parent_msg answer = {.kind = PARENT_DIALLED, .dialled = {.id = m->id}};
	uint8_t packet[PARENT_MSG_MAX];
	int fd = -1, far = -1, len;

	if (m->server.len && m->use == PARENT_DIAL_NAMES)
		fd = open_server(&m->server, &far); /* who says nothing stays open */
	else
		answer.dialled.error = -EOPNOTSUPP;
	len = parent_msg_encode(&answer, packet);
	check(msgsock_send(link, packet, (size_t)len, &fd, fd >= 0) == 0, "msgsock_send");
	if (fd >= 0)
		close(fd);
}

static void answer_watch(int link, const struct parent_watch *m)
{
	struct parent_msg answer = {.kind = PARENT_WATCHING,
				    .watching = {.id = m->id, .error = -EPERM}};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&answer, packet);

	check(msgsock_send(link, packet, (size_t)len, NULL, 0) == 0, "msgsock_send");
}

static void *be_parent(void *arg)
{
	int link = *(int *)arg;
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;

	while (msgsock_wait(link, -1) == 0) {
		ssize_t len = msgsock_recv(link, packet, &fds);

		if (len <= 0)
			break;
		if (parent_msg_decode(packet, (size_t)len, fds.n, false, &m) == 0) {
			if (m.kind == PARENT_DIAL)
				answer_dial(link, &m.dial);
			else if (m.kind == PARENT_WATCH)
				answer_watch(link, &m.watch);
		}
		msgsock_close_fds(&fds);
	}
	return NULL;
}

/* ---- life ---- */

/* As the parent does: control gets a data plane. Returns this one's end. */
static int introduce(int link)
{
	struct parent_msg m = {.kind = PARENT_PEER};
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(&m, packet);
	int fds[2];

	check(len > 0, "PEER");
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
	check(msgsock_send(link, packet, (size_t)len, &fds[1], 1) == 0, "msgsock_send");
	close(fds[1]);
	return fds[0];
}

static pid_t start(char **argv, int *ret_link)
{
	int fds[2];
	pid_t pid;

	check(msgsock_pair(fds) == 0, "msgsock_pair");
	pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0) {
		const struct server_params params = {.fd = fds[1],
						     .state = argv[1],
						     .socket = argv[2],
						     .may_certify = may_certify,
						     .load_api = load_api,
						     .arg = argv[3]};

		close(fds[0]);
		_exit(server_run(&params));
	}
	close(fds[1]);
	*ret_link = fds[0];
	return pid;
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_BYTES];
	int link, fd, status = 1;
	pthread_t thread, parent;
	pid_t pid;

	check(argc == 4, "usage: cli_gateway STATE SOCKET CONFIG");
	pid = start(argv, &link);
	fd = introduce(link);
	check(sem_init(&has_reply, 0, 0) == 0, "sem_init");
	check(pthread_create(&thread, NULL, hear, &fd) == 0, "pthread_create");
	check(pthread_create(&parent, NULL, be_parent, &link) == 0, "pthread_create");
	while (fgets(line, sizeof(line), stdin)) {
		obey(fd, line);
		wait_until_told(fd);
		puts("ok");
		fflush(stdout);
	}
	shutdown(link, SHUT_RDWR); /* which also ends the thread that reads it */
	waitpid(pid, &status, 0);
	pthread_join(thread, NULL);
	pthread_join(parent, NULL);
	close(link);
	close(fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
