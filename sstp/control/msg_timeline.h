/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_TIMELINE_H
#define SSTP_CONTROL_MSG_TIMELINE_H
/*
 * How a session has come up, or did not: who asks why one failed wants to know where it stopped. As msg.h in all else.
 */
#include "sstp/control/msg.h"

/* In the order in which a session that goes well passes them; the last two in either order, or never. */
enum msg_stage {
	MSG_STAGE_TCP,
	MSG_STAGE_TLS,
	MSG_STAGE_HTTP,
	MSG_STAGE_SSTP,
	MSG_STAGE_LCP,
	MSG_STAGE_AUTH,
	MSG_STAGE_BOUND,
	MSG_STAGE_IPCP,
	MSG_STAGE_IP6CP,
	MSG_STAGE_SUBSCRIBED,
	MSG_STAGES,
};

/* Who ended it. */
enum msg_side {
	MSG_SIDE_GATEWAY,
	MSG_SIDE_CLIENT,
	MSG_SIDE_NETWORK,
	MSG_SIDES,
};

enum {
	MSG_TLS_MAX = 63,  /* bytes of version and cipher */
	MSG_AUTH_MAX = 31, /* of PPP's method */
};

/*
 * data -> control: when a session is up, when it has come further, and when it has ended, also of those that never came up.
 * Texts are printable ASCII, escaped; "": not known, for it did not come that far.
 */
struct msg_timeline {
	uint64_t boot; /* with id: which session it is, as in SESSION_UP */
	uint64_t id;
	int64_t began_us;   /* since 1970 */
	uint64_t lasted_us; /* until it ended, or until now */
	bool has_ended;
	bool is_enrolment; /* it wanted a certificate, not a tunnel */
	uint8_t ended_by;  /* enum msg_side */
	uint32_t untold;   /* that failed before and were not told of, for they were too many */
	uint32_t stages_us[MSG_STAGES]; /* since it began; MSG_STAGE_NEVER: not passed */
	uint32_t address_be;		/* 0: none */
	const char *app;
	const char *vnet;
	const char *user;
	const char *source; /* address and port */
	const char *dialled;
	const char *tls; /* "TLSv1.3 TLS_AES_128_GCM_SHA256" */
	const char *correlation;
	const char *auth;
	const char *thumbprint;
	const char *reason; /* why it ended */
};

#define MSG_STAGE_NEVER UINT32_MAX

/* -EINVAL also for a side that there is not. */
int msg_timeline_encode(const struct msg_timeline *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_timeline_decode(const uint8_t *payload, size_t len, struct msg_timeline *ret_timeline);

#endif
