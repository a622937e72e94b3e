/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_QSBR_H
#define ROUTING_QSBR_H
/*
 * When may what readers can still see be freed? Quiescent-state-based reclamation: each reader says
 * now and then that it holds nothing (between two passes of its loop), or that it sleeps. Something
 * taken out of sight is free when every reader has said so since. Readers never wait and write only
 * a cache line of their own; the writer asks and never waits either.
 *
 * A reader is a number below `readers`, used by one thread at a time; all begin asleep. One thread
 * is the writer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qsbr;

/* Returns 0 with an owned qsbr, or -ENOMEM. */
int qsbr_new(size_t readers, struct qsbr **ret_qsbr);

/* Takes NULL. No reader uses it any more. */
void qsbr_free(struct qsbr *q);

/* Reader: wakes up; from now on it may see things. */
void qsbr_online(struct qsbr *q, size_t reader);
/* Reader, awake: holds nothing of what it saw before. */
void qsbr_quiescent(struct qsbr *q, size_t reader);
/* Reader: holds nothing, and looks at nothing until qsbr_online(); before it blocks. */
void qsbr_offline(struct qsbr *q, size_t reader);

/* Writer: something has been taken out of sight. Returns the moment to ask qsbr_passed() about. */
uint64_t qsbr_retire(struct qsbr *q);
/* Writer: no reader can still hold what was out of sight at this moment. */
bool qsbr_passed(const struct qsbr *q, uint64_t moment);

#endif
