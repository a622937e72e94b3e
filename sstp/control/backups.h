/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BACKUPS_H
#define SSTP_CONTROL_BACKUPS_H
/*
 * Copies of all that the gateway keeps, in backups/ of the state folder: the model, and the authority with its keys and
 * records (state_files.h). Each is one file, which only the gateway's user can read; whoever has it has the keys.
 *
 *   POST /v1/backups           {"keep": N}? begins one, backups/TIME-ID.sqlite: an operation (operations.h). Once it
 *                              is made, all but the newest N are removed; without it all are kept
 *   GET  /v1/backups           {"value": [{"name", "bytes", "created"}]}, the newest first
 *
 * A copy is of one moment, the one at which it is finished: changes meanwhile are in it, those of the model and of the
 * authority alike. It is taken back as a whole or not at all: the model and the files come into the store in one
 * transaction, and the files are put into their folders from there, by the restore or, when that was killed, by the
 * next start of the gateway.
 */
#include "sstp/control/model.h"
#include "sstp/control/operations.h"

enum {
	BACKUPS_KEPT_MAX = 1000,
};

struct backups;

/* state: the folder; all borrowed. Returns owned; NULL without memory. */
struct backups *backups_new(struct operations *operations, struct model *model, const char *state);
/* Takes NULL. */
void backups_free(struct backups *b);

/*
 * What the file says is all there is from now on, while no gateway runs (-EAGAIN, -EBUSY). In one without an authority,
 * of an older version, there is the model alone, and keys and certificates stay as they are: ret_has_authority. 0 or
 * -errno with a sentence; then nothing has changed, or the next start of the gateway goes on with it, as that says.
 */
int backups_restore(const char *state, const char *file, bool *ret_has_authority,
		    struct certs_error *ret_error);

/*
 * Goes on with a restore that was killed; before anybody opens the authority. While folders are locked. 1: there was
 * one; 0: there was none; -errno with a sentence.
 */
struct state_folders;
int backups_settle(struct model *model, struct state_folders *folders,
		   struct certs_error *ret_error);

/* The i-th route there is; NULL behind the last. */
const char *backups_route(size_t i, enum front_method *ret_method);

bool backups_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void backups_answer(struct backups *b, const struct front_request *request, int64_t now,
		    struct front_reply *ret_reply);

#endif
