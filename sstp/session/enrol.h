/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_ENROL_H
#define SSTP_SESSION_ENROL_H
/*
 * The desk between the data threads, where clients ask to be enrolled, and the control thread, which knows who can answer.
 *
 * At most ENROL_MAX requests are there at a time, in all threads; more are refused. A request whose client has gone is
 * handed over no more; if that has happened already, it keeps its place until its owner answers, so that clients who ask and go
 * cannot heap up work for him, or until ENROL_ABANDONED has passed since it was asked. An answer to a client who has gone is dropped.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/proto/est.h"

#define ENROL_ABANDONED (60 * CLOCK_NS_PER_S)

enum {
	ENROL_MAX = 64,
};

struct enrol_desk;
struct loop;

/* In the control thread: who answers. request is borrowed for the call; enrol_answer(id) may be called in it, or later. */
typedef void enrol_owner_fn(void *arg, uint64_t id, const struct est_request *request);

/* In the data thread that asked: reply is borrowed for the call. */
typedef void enrol_answer_fn(void *who, const struct est_reply *reply);

/* For owners in this loop (borrowed), the control thread's. Nobody answers yet. Returns owned; NULL without memory. */
struct enrol_desk *enrol_new(struct loop *control);

/* Takes NULL. Nobody may ask or wait any more, and no loop that has run for it may run on. */
void enrol_free(struct enrol_desk *desk);

/* Control thread: */

/* NULL: nobody answers; who waits to be handed over gets a 503. */
void enrol_set_owner(struct enrol_desk *desk, enrol_owner_fn *fn, void *arg);

/* Borrows reply. An id that nobody waits for, or that was answered: nothing happens. */
void enrol_answer(struct enrol_desk *desk, uint64_t id, const struct est_reply *reply);

/* Any thread: does anybody answer? */
bool enrol_is_open(const struct enrol_desk *desk);

/* Data threads, each with its own loop: */

/*
 * Has request (borrowed) answered: on_answer(who) once, from loop, unless enrol_forget(*ret_id) comes first. now: of loop.
 * 0; -EBUSY: ENROL_MAX are there; -ENOENT: nobody answers; -ENOMEM.
 */
int enrol_ask(struct enrol_desk *desk, struct loop *loop, uint64_t now,
	      const struct est_request *request, enrol_answer_fn *on_answer, void *who,
	      uint64_t *ret_id);

/* who is no more. An id of 0, or one that was answered: nothing happens. */
void enrol_forget(struct enrol_desk *desk, uint64_t id);

/* How many are there now: asked, handed over, or with an answer on its way. */
unsigned enrol_count(struct enrol_desk *desk);

#endif
