/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_DRAFT_H
#define SSTP_WORKER_DRAFT_H
/*
 * How a file with a secret comes to its place: written beside it, as 0600, and renamed when all of
 * it is on the disk. Who writes it holds a lock meanwhile, so that two writers do not undo each
 * other's work. The lock is on a file of its own: the file itself is another one after each rename.
 *
 *	.NAME.lock   empty; it stays
 *	.NAME.new    the draft. One that is there when the lock is taken was left by a writer
 *	             that was killed: it goes
 *	NAME.kept    what could not be put in place and is too dear to lose
 */
#include <stdbool.h>
#include <stddef.h>

struct draft;

/*
 * Takes the lock, and waits for it. Returned owned; -EISDIR: the path has no name; -errno of the
 * lock, or of removing what a killed writer has left.
 */
int draft_new(const char *path, struct draft **ret_draft);

/*
 * All that there is of it so far: it begins with what the write before it wrote. It is on the disk
 * then. 0 or -errno: then only what was written before counts.
 */
int draft_write(struct draft *d, const char *bytes, size_t len);

/*
 * After a write: room on the disk, so that later writes of up to that many bytes find it. -errno.
 */
int draft_reserve(struct draft *d, size_t bytes);

/*
 * Gives it its place; nothing more can be written. -EEXIST when something is there, unless replace
 * is set; -errno: nothing has changed, or, when it is the folder that cannot be synced, it is in
 * place.
 */
int draft_put(struct draft *d, bool replace);

/*
 * After a failure: what was written stays. Where, borrowed until draft_free(); NULL: nothing was.
 * When it cannot be renamed it is .NAME.new, which the next writer removes.
 */
const char *draft_keep(struct draft *d);

/* Removes what was neither put nor kept, and lets the lock go. Takes NULL. */
void draft_free(struct draft *d);

#endif
