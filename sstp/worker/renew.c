/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/renew.h"

#include <errno.h>
#include <string.h>

#include "sstp/worker/profile.h"

static int renew(struct profile *p, const char *path, struct draft *draft, int64_t now,
		 struct certs_error *e)
{
	const struct enrol_identity present = {
		.gateway = p->gateway,
		.roots_pem = p->enrolment.roots_pem,
		.cert_pem = p->enrolment.cert_pem,
		.key_pem = p->enrolment.key_pem,
	};
	struct enrolment renewed = {0};
	EVP_PKEY *key = NULL;
	int r = profile_begin(p->gateway, now, path, draft, &key, e);

	if (r == 0)
		r = enrol_again(&present, key, now, &renewed, e);
	EVP_PKEY_free(key);
	if (r < 0)
		return r;
	profile_renew(p, &renewed, now);
	return profile_put(p, path, draft, true, e);
}

static bool is_held(const struct profile *p, const char *held)
{
	struct cert_facts facts;

	return !held || profile_certificate(p, &facts) < 0 || !strcmp(facts.thumbprint, held);
}

int renew_profile(const char *path, const char *held, int64_t now, struct certs_error *ret_error)
{
	struct profile p = {.enrolled = 0};
	struct draft *draft = NULL;
	int r = profile_lock(path, &draft, ret_error);

	if (r == 0)
		r = profile_load(path, &p, ret_error);
	if (r == 0 && is_held(&p, held))
		r = renew(&p, path, draft, now, ret_error);
	profile_done(&p);
	draft_free(draft);
	return r;
}
