/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_PROFILE_H
#define SSTP_WORKER_PROFILE_H
/*
 * A profile: all that a worker needs to dial its gateway by certificate, in one YAML file of mode
 * 0600 that takes its place all at once (draft.h).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "certs/cert.h"
#include "certs/error.h"
#include "certs/hostname.h"
#include "sstp/worker/draft.h"
#include "sstp/worker/enrol.h"

enum {
	PROFILE_PATH_MAX = 4096,
	PROFILE_RESERVE = 128 * 1024, /* bytes: more than the chains that there are come to */
};

/* Owned: profile_done(). */
struct profile {
	char gateway[HOSTNAME_PORT_MAX]; /* host[:port], as hostname_split() takes it */
	int64_t enrolled;		 /* seconds since 1970, UTC */
	struct enrolment enrolment;	 /* complete: key, certificate and roots fit together */
};

/*
 * The file that a name stands for: with a slash it is the path itself. Otherwise NAME.yaml (or
 * NAME, when it ends so) in the profiles' folder: /etc/sstp-gateway/profiles for root, for others
 * sstp-gateway/profiles below $XDG_CONFIG_HOME or ~/.config. -EINVAL: not a name; -ENAMETOOLONG;
 * -ENOENT: no folder is known.
 */
int profile_path(const char *name, char ret_path[PROFILE_PATH_MAX], struct certs_error *ret_error);

/*
 * The name of a gateway's profile when none is given: host or host-port, without characters that
 * name_is_label() refuses. Returns ret_name.
 */
const char *profile_default_name(const char *gateway, char ret_name[NAME_LABEL_MAX]);

/*
 * Reads and checks it; the certificate may have expired. 0; with a sentence -ENOENT; -EACCES: it
 * cannot be read, or others can read the key; -EINVAL with file and line; -ENOMEM.
 */
int profile_load(const char *path, struct profile *ret_profile, struct certs_error *ret_error);

/*
 * Keeps others from writing it: enrolling again, and workers with the same profile that renew it.
 * Waits for the lock. The file must be read again then: another one may have been first. ret_draft,
 * owned: draft_free() ends it. With a sentence -errno of draft_new().
 */
int profile_lock(const char *path, struct draft **ret_draft, struct certs_error *ret_error);

/*
 * Before a token is used up: the same for a new profile. Makes the folder (0700), and those that it
 * is in, where they are missing. With a sentence: -EEXIST when it is there, unless replace is set;
 * -errno of the step that failed.
 */
int profile_prepare(const char *path, bool replace, struct draft **ret_draft,
		    struct certs_error *ret_error);

/*
 * Makes the key of the profile to be, owned, and writes it into the draft, on the disk and with
 * room for the rest: nothing else can be missing when the certificate is there. With a sentence:
 * -errno.
 */
int profile_begin(const char *gateway, int64_t now, const char *path, struct draft *d,
		  EVP_PKEY **ret_key, struct certs_error *ret_error);

/*
 * Writes it, as 0600, and gives it its place at once. With a sentence: -EEXIST when something is
 * there, unless replace is set; -errno of the step that failed: the old file stands then.
 */
int profile_put(const struct profile *p, const char *path, struct draft *d, bool replace,
		struct certs_error *ret_error);

/* Takes over what a renewal brought (it is zeroed). A missing description keeps the present one. */
void profile_renew(struct profile *p, struct enrolment *renewed, int64_t now);

/*
 * Takes a description over into the profile at path, as profile_put() does, when it differs from what
 * is there. Waits for the lock. What was in d is the old one afterwards. With a sentence: as
 * profile_load() and profile_put().
 */
int profile_describe(const char *path, struct description *d, struct certs_error *ret_error);

/* The first and the last second of its certificate's life, and its thumbprint. -EBADMSG. */
int profile_certificate(const struct profile *p, struct cert_facts *ret_facts);

/* Wipes and frees. Takes NULL and a zeroed one. */
void profile_done(struct profile *p);

/*
 * Prints what is in it, without the key, for people or as a JSON object. `now` in seconds since
 * 1970.
 */
void profile_print(FILE *f, const struct profile *p, int64_t now);
void profile_print_json(FILE *f, const struct profile *p, int64_t now);

#endif
