/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_SERVER_H
#define SSTP_CONTROL_SERVER_H
/*
 * The control process: what it is once it has been started. It has the state folder, the CA's keys,
 * the admin socket, and one channel to the data plane, which tells it when to end.
 */

struct server_params {
	int fd;		    /* the socket to the data plane */
	const char *state;  /* a folder; made when only it is missing */
	const char *socket; /* of the operator: front.h */
};

/*
 * Runs until the data plane closes its end. Returns the exit code: 1 when it cannot start, which is
 * logged with a sentence.
 */
int server_run(const struct server_params *params);

#endif
