/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BACKUPS_H
#define SSTP_CONTROL_BACKUPS_H
/*
 * Copies of all that the gateway keeps, in backups/ of the state folder, each one file that only the gateway's
 * user can read:
 *
 *   POST /v1/backups           begins one, backups/TIME-ID.sqlite: an operation (operations.h)
 *   GET  /v1/backups           {"value": [{"name", "bytes", "created"}]}, the newest first
 *
 * A copy is of one moment, the one at which it is finished: changes meanwhile are in it.
 */
#include "sstp/control/model.h"
#include "sstp/control/operations.h"

struct backups;

/* state: the folder; all borrowed. Returns owned; NULL without memory. */
struct backups *backups_new(struct operations *operations, struct model *model, const char *state);
/* Takes NULL. */
void backups_free(struct backups *b);

/* The i-th route there is; NULL behind the last. */
const char *backups_route(size_t i, enum front_method *ret_method);

bool backups_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void backups_answer(struct backups *b, const struct front_request *request, int64_t now,
		    struct front_reply *ret_reply);

#endif
