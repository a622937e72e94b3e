/* SPDX-License-Identifier: Apache-2.0 */
/*
 * est_owner ADDR:PORT CERT KEY [FAILURES]: a data plane of two threads without a VNet, and an owner in the place of a certificate
 * authority who answers each enrolment with what he was asked: "OPERATION secret=BYTES cert=BYTES body=BYTES network=0
 * peer=ADDRESS". A secret that is all zero gets a 401. Until SIGTERM; SIGUSR1 logs the counters. FAILURES: so many
 * failed log-ins a minute are allowed to an address.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/net/listen.h"
#include "sstp/net/loop.h"
#include "sstp/net/tls.h"
#include "sstp/session/dataplane.h"
#include "sstp/session/directory.h"

struct owner {
	struct loop *loop;
	struct dataplane *dataplane;
	uint32_t failures; /* per minute; 0: no limit */
};

static void on_request(void *arg, uint64_t id, const struct est_request *request)
{
	static const uint8_t zero[EST_SECRET_SIZE];
	struct owner *o = arg;
	struct est_reply reply = {.status = 200, .content_type = "text/plain"};
	char text[256];

	reply.body_len = (size_t)snprintf(
		text, sizeof(text), "%s secret=%d cert=%zu body=%zu network=%d peer=%s\n",
		est_operation_name(request->operation), request->has_secret ? EST_SECRET_SIZE : 0,
		request->cert_len, request->body_len, request->wants_network, request->peer);
	reply.body = text;
	if (request->has_secret && memcmp(request->secret, zero, sizeof(zero)) == 0)
		reply.status = 401;
	dataplane_answer_enrol(o->dataplane, id, &reply);
}

static void on_empty(void *arg)
{
	struct owner *o = arg;

	loop_stop(o->loop);
}

static void on_signal(void *arg, int signo)
{
	struct owner *o = arg;

	if (signo == SIGUSR1)
		dataplane_log_stats(o->dataplane);
	else
		dataplane_shutdown(o->dataplane, "the gateway stops", on_empty, o);
}

static int serve(struct owner *o, const char *address, struct tls_ctx *tls,
		 struct directory *directory)
{
	struct dataplane_policy policy = {
		.tls = tls,
		.directory = directory,
		.limits.per_source.auth_failures_per_min = o->failures,
	};
	struct sockaddr_storage addr;
	socklen_t len;
	int r = address_parse(address, 443, &addr, &len);

	if (r == 0)
		r = dataplane_set_policy(o->dataplane, &policy);
	if (r == 0)
		r = dataplane_listen(o->dataplane, (struct sockaddr *)&addr, len);
	if (r == 0)
		r = loop_on_signal(o->loop, SIGTERM, on_signal, o);
	if (r == 0)
		r = loop_on_signal(o->loop, SIGUSR1, on_signal, o);
	if (r < 0)
		return r;
	dataplane_set_enrol(o->dataplane, on_request, o);
	return loop_run(o->loop);
}

int main(int argc, char **argv)
{
	struct owner o = {.loop = loop_new()};
	struct directory *directory = directory_new(1);
	struct tls_ctx *tls;
	char error[TLS_ERROR_MAX];
	int r;

	if (argc < 4 || argc > 5 || !o.loop || !directory)
		return 2;
	o.failures = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	log_open("est_owner", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	if (tls_ctx_new_server(argv[2], argv[3], &tls, error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	o.dataplane = dataplane_new(o.loop, 2, "gw");
	r = o.dataplane ? serve(&o, argv[1], tls, directory) : -errno;
	if (r < 0)
		fprintf(stderr, "est_owner: %s\n", strerror(-r));
	dataplane_free(o.dataplane);
	tls_ctx_unref(tls);
	directory_unref(directory);
	loop_free(o.loop);
	return r < 0;
}
