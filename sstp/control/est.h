/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EST_H
#define SSTP_CONTROL_EST_H
/*
 * Answers what applicants ask by EST (RFC 7030), with the authority. No I/O but the authority's own
 * store; time is handed in.
 *
 * Who is who: an enrolment by its token, which is proof in itself; a re-enrolment by the certificate whose
 * key the data plane says that it has seen used. The certificate is looked for among ours byte by byte, so
 * that nothing has to be believed of what it says; that the client has its key is believed of the data plane:
 * the proof is TLS's, and TLS ends there. A data plane that is a stranger's can so renew any certificate
 * that it has seen, for a key of its own. To revoke it with its renewals (admin.h) undoes that. A second
 * proof, by a signature of the old key in the request, would close this only if clients that cannot make one,
 * which are all but our worker, were refused.
 *
 * A request gives its public key and nothing else (certs/csr.h). RFC 7030 4.2.2 wants subject and
 * SubjectAltName of a re-enrolment to be those of the certificate that it renews: they are, whatever the
 * request says, for we put in what we put into the present one. Requests are not refused for another name,
 * because usual tools cannot repeat the UPN that ours have.
 *
 * /cacerts is what an applicant is to verify this gateway by from then on (RFC 7030 4.1): our own roots,
 * and while certificates of the operator's are shown, their anchors in front of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/anchors.h"
#include "certs/authority.h"
#include "sstp/control/attempts.h"
#include "sstp/control/handed.h"
#include "sstp/control/msg.h"
#include "sstp/control/network.h"

enum {
	EST_RETRY_S = 60,     /* of refusals that are not the applicant's fault */
	EST_ANCHORS_MAX = 10, /* told of by cacerts, beside our own roots */
};

/* All borrowed. */
struct est_world {
	struct authority *authority;
	struct attempts *attempts;
	struct handed *handed;
	struct networks *networks;
	/* of the operator's certificates that the gateway shows; NULL: it shows one of ours */
	const struct anchors *anchors;
};

/* Owned: est_answer_done(). */
struct est_answer {
	unsigned status; /* of HTTP */
	const char *content_type;
	bool is_base64; /* the body, which is to be said in a header */
	char *body;	/* a text */
	unsigned retry_after_s;
	bool has_changed; /* the authority: who may come in is another set now */
	/* for the log: whom, and what was wrong; printable ASCII, no secret */
	char app[NAME_LABEL_MAX];	      /* "": not known */
	char thumbprint[CERT_THUMBPRINT_MAX]; /* of what was issued, or shown; "" */
	char reason[CERTS_ERROR_MAX];	      /* "": all went well */
};

/* now: seconds since 1970; now_ns: of a clock that never goes back. Always answers something. */
void est_answer(const struct est_world *w, const struct msg_est_request *request, int64_t now,
		uint64_t now_ns, struct est_answer *ret_answer);

void est_answer_done(struct est_answer *answer);

/* SHA-256 in hex over the fingerprints of all that cacerts tells of: what an app knows, or should. */
int est_roots_digest(const struct est_world *w, int64_t now, char ret_digest[NETWORK_DIGEST_MAX]);

#endif
