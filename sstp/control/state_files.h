/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_STATE_FILES_H
#define SSTP_CONTROL_STATE_FILES_H
/*
 * What of the state folder is no table of the store: the authority with its keys (authority/), and what apps were
 * handed (apps/). Both are vaults (certs/vault.h). A backup has their files with the model, by names such as
 * "authority/authority.json"; put back they are all that there is in their folders, by then.
 */
#include "sstp/control/store.h"

struct state_files {
	struct store_file *list; /* owned, with what is in it */
	size_t n;
};

/* All of them as they are now: whoever writes them is this thread. 0; -errno with a sentence. state_files_done() always. */
int state_files_read(const char *state, struct state_files *ret_files,
		     struct certs_error *ret_error);
/* Wipes and frees. */
void state_files_done(struct state_files *f);

/*
 * Both folders, locked: so no gateway runs. Makes what is missing of them, also state. 0 with an owned object;
 * -EBUSY: one does; -errno, as vault_open().
 */
struct state_folders;
int state_folders_open(const char *state, struct state_folders **ret_folders,
		       struct certs_error *ret_error);
/* Takes NULL. */
void state_folders_close(struct state_folders *f);

/*
 * Puts files in the place of what is there, each as a whole, others are removed. One that stops in the middle is to
 * be begun again. arg: a struct state_folders. 0; -EBADMSG: a name that is none of ours; -errno. For
 * store_take_files().
 */
int state_folders_write(void *arg, const struct store_file *files, size_t n,
			struct certs_error *ret_error);

#endif
