/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_BACKGROUND_H
#define SSTP_WORKER_BACKGROUND_H
/*
 * Work that may take long, in a thread of its own beside the loop's: what it does is seen by the loop's thread from
 * background_wait(), or done(), on.
 */
#include "sstp/net/loop.h"

struct background;

/*
 * Runs work(arg) in a thread that takes no signals, then done(arg) in a pass of the loop. Returns owned; NULL with errno
 * set, and nothing is run.
 */
struct background *background_start(struct loop *loop, void (*work)(void *arg),
				    void (*done)(void *arg), void *arg);

/* Waits until the work is done. done() comes all the same. */
void background_wait(struct background *b);

/* Waits likewise; done() does not come any more. Takes NULL. Fine inside done(). */
void background_free(struct background *b);

#endif
