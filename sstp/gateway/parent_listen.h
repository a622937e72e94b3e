/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_LISTEN_H
#define SSTP_GATEWAY_PARENT_LISTEN_H
/*
 * The sockets that the gateway listens on. They are the parent's, and the data plane gets them: while that is dead, who
 * dials waits in their backlogs, and its successor gets the same ones.
 */
#include "sstp/control/parent_msg.h"
#include "sstp/gateway/config.h"

/* Zeroed: none is open. */
struct parent_listen_sockets {
	int fds[PARENT_LISTENERS_MAX][PARENT_QUEUES_MAX];
	unsigned n[PARENT_LISTENERS_MAX];
};

/*
 * Whether nobody else listens there, before anything is begun. Waits for 2 s, blocking: a gateway that was killed may be on its way
 * out. 0, or -errno and a sentence.
 */
int parent_listen_probe(const struct gateway_config *config, char ret_error[CONF_ERROR_MAX]);

/*
 * n sockets (1..PARENT_QUEUES_MAX) of address number index of config, opened the first time. Returns them, borrowed until
 * parent_listen_close(); NULL with -errno and a sentence: -EINVAL: there is no such address, or it has another number of
 * sockets.
 */
const int *parent_listen_get(struct parent_listen_sockets *l, const struct gateway_config *config,
			     unsigned index, unsigned n, int *ret_error,
			     char ret_text[CONF_ERROR_MAX]);

/*
 * What the connections of config's clients begin with: the data plane may set only what every process may, and load no
 * module. What the kernel refuses is for the data plane to say.
 */
void parent_listen_set_congestion(struct parent_listen_sockets *l,
				  const struct gateway_config *config);

/* Nobody can dial any more. Takes a zeroed one. */
void parent_listen_close(struct parent_listen_sockets *l);

#endif
