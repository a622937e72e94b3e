/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_REQUEST_H
#define TOOLS_SSTPCTL_REQUEST_H
/*
 * What a verb asks of the gateway. Its path is a pattern, in which a word in braces stands for the
 * argument or option of that name:
 *
 *   {ROUTE}    the word itself
 *   {NAME=x}   or x, when there is none
 *   {/PLAN}    the id of the plan, app or VNet that is called so: /subscriptions/.../serverfarms/plan1
 *   {+PLAN}    the id that a new one is to have
 *   *TYPE      at the beginning: the resources of this type in all subscriptions, or in those that
 *              --subscription and --resource-group say
 *   ?          at the end: options become the query, as they do of a GET below /v1/
 */
#include <jansson.h>

#include "tools/sstpctl/call.h"

enum {
	REQUEST_PATH_MAX = 1024
};

/* 0 with an owned answer, or an exit code, and the complaint was made. */
int request_send(struct call *c, const char *method, const char *path,
		 const struct body_field *fields, json_t **ret_answer);

/* The same with a body that is there already, which is taken; NULL: none. */
int request_send_body(struct call *c, const char *method, const char *path, json_t *body,
		      json_t **ret_answer);

/* What the call's verb asks for, and shows it. Returns an exit code. */
int request_run(struct call *c);

/* Of whatever a client says: the exit code. */
int request_exit_code(int error);

/* 0 with the client, which is made when there is none yet; or an exit code. */
int request_client(struct call *c, struct client **ret_client);

#endif
