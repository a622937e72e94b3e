/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_VAULT_H
#define CERTS_VAULT_H
/*
 * A folder of small secret files that only one process has open, and in which a crash leaves each
 * file as it was before or as it was to be. A file is written beside its place, flushed, renamed
 * over it, and the folder is flushed.
 *
 * The folder is 0700, its files 0600, all owned by whoever runs the process; anything looser is
 * refused with a sentence that says how to mend it. The lock is on the file "lock" in it (flock; it
 * goes with the process).
 */
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	VAULT_FILE_MAX = 64 << 20, /* bytes of a file */
	/* with NUL; letters, digits, '-', '_', '.', not a dot at first */
	VAULT_NAME_MAX = 128,
	VAULT_FILES_MAX = 1024, /* in the folder */
};

/* What a write or a removal is made of, in the order of events. */
enum vault_step {
	VAULT_CREATE, /* the file beside */
	VAULT_WRITE,
	VAULT_SYNC,
	VAULT_RENAME,
	VAULT_UNLINK,
	VAULT_SYNC_FOLDER,
	VAULT_STEP_COUNT,
};

/*
 * Asked before each step, for tests: anything but 0 is what the step fails with (-errno), and it is
 * not done.
 */
struct vault_hook {
	int (*before)(void *arg, enum vault_step step, const char *name);
	void *arg;
};

struct vault;

/*
 * Opens the folder; makes it when it is missing (its parent must be there), and removes what a
 * crash left beside. With a sentence: -EBUSY (another process has it open), -EACCES (others can
 * read it, or it belongs to another user), -ENOTDIR, -ENOENT, -ENOMEM, or what the system says.
 */
int vault_open(const char *folder, struct vault **ret_vault, struct certs_error *ret_error);

/* Lets go of the lock. Takes NULL. */
void vault_close(struct vault *v);

/* From now on hook (borrowed until vault_close; NULL: none) is asked. */
void vault_set_hook(struct vault *v, const struct vault_hook *hook);

/*
 * The whole of file name, and a NUL behind it that ret_len does not count. Owned, to be given to
 * vault_data_free(). With a sentence: -ENOENT; -EACCES (mode or owner); -EFBIG; -EINVAL (a name
 * that is none, not a regular file); -ENOMEM.
 */
int vault_read(struct vault *v, const char *name, char **ret_data, size_t *ret_len,
	       struct certs_error *ret_error);

/* Wipes and frees. Takes NULL. */
void vault_data_free(char *data, size_t len);

/*
 * Writes file name. On failure the old content stands, unless only the last step failed: then the
 * new one does, and may or may not outlive a loss of power; writing again is right in both cases.
 */
int vault_write(struct vault *v, const char *name, const void *data, size_t len,
		struct certs_error *ret_error);

/* Removes file name; one that is not there is no error. */
int vault_remove(struct vault *v, const char *name, struct certs_error *ret_error);

/*
 * Calls visit for each file but the lock, in no order; anything but 0 ends the walk and is
 * returned. The visitor may remove the file it was called for. -E2BIG: more than VAULT_FILES_MAX.
 */
int vault_walk(struct vault *v, int (*visit)(void *arg, const char *name), void *arg);

#endif
