/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_DOCTOR_H
#define SSTP_CONTROL_DOCTOR_H
/*
 * What is well with the gateway, and what is not:
 *
 *   GET /v1/doctor[?vnet=VNET]     all of it, or one virtual network and what is of the whole gateway
 *
 * The answer is that of doctor_words.h. What the store, the authority and this process know is read; then all is asked
 * at once: the VNets' name servers and the kernel, by sockets that the parent opens, and in the name of a session one name
 * server in the VNet, and one on-premises, as explain asks (explain_round.h). BIRD is asked at the end. So the answer comes within
 * DOCTOR_PATIENCE and DOCTOR_BIRD_PATIENCE; what has not come by then is unknown.
 *
 * Limits: DOCTOR_MAX at once, more are refused with 429; DOCTOR_ASKED VNets are asked, of the others it is said that they are not.
 */
#include "sstp/control/admin.h"
#include "sstp/control/bgp.h"
#include "sstp/control/front.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/msgsock.h"

#define DOCTOR_PATIENCE	     (4 * CLOCK_NS_PER_S)
#define DOCTOR_BIRD_PATIENCE CLOCK_NS_PER_S

enum {
	DOCTOR_MAX = 2,
	DOCTOR_ASKED = 16,
};

struct doctor;

/* All borrowed. */
struct doctor_params {
	struct loop *loop;
	struct model *model;
	const struct est_world *est;
	const struct bgp *bgp; /* NULL: there is none */
	const char *bird;      /* as explain_params */
	/* Why the data plane does not know all that it should, ""; NULL: it has not said what it serves. */
	const char *(*behind)(void *arg);
	int (*ask)(void *arg, const struct parent_msg *m, const int *fds); /* as explain_params */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct doctor *doctor_new(const struct doctor_params *params);
/* What is asked is answered with 500. Before the front goes. Takes NULL. */
void doctor_free(struct doctor *d);

bool doctor_has_path(const char *path);

/* Fills ret_reply, or answers later (front_later()). */
void doctor_answer(struct doctor *d, const struct front_request *request,
		   struct front_reply *ret_reply);

/* As explain_on_parent() and explain_on_probed(); the ids that it asks with are others than explain's. */
void doctor_on_parent(struct doctor *d, const struct parent_msg *m, struct msgsock_fds *fds);
void doctor_on_probed(struct doctor *d, const struct msg_probed *m);

/* The i-th route there is; NULL behind the last. */
const char *doctor_route(size_t i, enum front_method *ret_method);

#endif
