/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_ASK_H
#define SSTP_GATEWAY_PARENT_ASK_H
/*
 * What the data plane has the parent do: one question, one answer, and the next question only then. Whoever asks waits, at
 * most PARENT_ASK_MS; it is for the control thread, whose waiting keeps no packet back. A parent that does not answer in
 * time is not asked again.
 */
#include <stdbool.h>

#include "sstp/control/parent_msg.h"
#include "sstp/session/vnet_open.h"

enum {
	PARENT_ASK_MS = 10000
};

struct parent_ask {
	int fd; /* the link for questions (msgsock); borrowed */
	bool is_broken;
};

/* arg: a struct parent_ask. As vnet_open(), by the parent; VNET_STEP_ASK: it does not answer. */
vnet_open_fn parent_ask_device;

/*
 * n sockets (1..PARENT_QUEUES_MAX) that listen on address number index of gateway.yaml. 0 with what is owned; -errno with
 * a sentence.
 */
int parent_ask_sockets(struct parent_ask *a, unsigned index, unsigned n, int *ret_fds,
		       char ret_error[PARENT_TEXT_MAX + 1]);

#endif
