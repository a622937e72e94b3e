/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/enrolment.h"

#include <stdlib.h>

/* Who waits for the control process's answer. */
struct applicant {
	struct dataplane *dataplane;
	uint64_t id;
};

static void on_reply(void *arg, const struct msg_est_reply *m)
{
	struct applicant *a = arg;
	struct est_reply reply = {
		.status = (int)m->status,
		.content_type = m->content_type,
		.encoding = m->encoding,
		.retry_after_s = m->retry_after_s,
		.body = m->body,
		.body_len = m->body_len,
		.reason = m->reason,
	};

	dataplane_answer_enrol(a->dataplane, a->id, &reply);
	free(a);
}

static void on_enrol(void *arg, uint64_t id, const struct est_request *request)
{
	static const enum msg_est_kind kinds[] = {
		[EST_CACERTS] = MSG_EST_CACERTS,
		[EST_SIMPLEENROLL] = MSG_EST_SIMPLEENROLL,
		[EST_SIMPLEREENROLL] = MSG_EST_SIMPLEREENROLL,
		[EST_CSRATTRS] = MSG_EST_CSRATTRS,
	};
	const struct enrolment *e = arg;
	struct applicant *a = malloc(sizeof(*a));
	struct msg_est_request m = {
		.kind = kinds[request->operation],
		.peer = request->peer,
		.secret = request->has_secret ? request->secret : NULL,
		.cert = request->cert,
		.cert_len = request->cert_len,
		.wants_network = request->wants_network,
		.body = request->body,
		.body_len = request->body_len,
	};
	struct est_reply refusal = est_refusal(503, "the gateway is out of memory");

	if (!a) {
		dataplane_answer_enrol(e->dataplane, id, &refusal);
		return;
	}
	*a = (struct applicant){e->dataplane, id};
	control_ask(e->control, &m, on_reply, a);
}

void enrolment_open(struct enrolment *e)
{
	dataplane_set_enrol(e->dataplane, on_enrol, e);
}
