/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_APPLY_WORK_H
#define SSTP_CONTROL_APPLY_WORK_H
/*
 * A large site, applied beside everything else: in a thread with a connection to the store of its own
 * (model_lend()), because one statement of it, the sync of all connections at the end, takes longer than an answer
 * may, and cannot be cut. It is still one transaction. Until that has ended all that is read is what stood before,
 * and nobody else writes: the operator's changes are refused, and what the data plane tells waits (server.c).
 */
#include "sstp/control/apply.h"
#include "sstp/control/operations.h"

/* All borrowed for as long as the operation goes on. */
struct apply_work_params {
	struct model *model;
	/* It is over, whether it was kept or not, and the model is its owner's again. */
	void (*on_end)(void *arg);
	void *arg;
};

/* Begins it as an operation, or refuses that. Copies what it needs of request. */
void apply_work_begin(struct operations *operations, const struct apply_work_params *params,
		      const struct front_request *request, int64_t now,
		      struct front_reply *ret_reply);

#endif
