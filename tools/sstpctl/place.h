/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_PLACE_H
#define TOOLS_SSTPCTL_PLACE_H
/*
 * Where a plan, an app or a virtual network is: its subscription and resource group, which nobody
 * wants to type. What is not said is "default" when there is one of that name there; otherwise all
 * are looked through, and the name will do when it is there once.
 */
#include <jansson.h>

#include "tools/sstpctl/call.h"

enum {
	PLACE_ID_MAX = 512
};

/*
 * The id of what is called name, as a path: kind is "PLAN", "APP" or "VNET", and may go on behind that.
 * name may be an id. is_new: where it is to be, if there is no such one. Of what is nowhere the id is where it
 * would be by default, so that the gateway can say that it is not there. 0, or an exit code.
 */
int place_find(struct call *c, const char *kind, const char *name, bool is_new,
	       char ret_id[PLACE_ID_MAX]);

/* All of a type ("Microsoft.Web/sites"), as {"value": []}, as far as the options say. 0 or an exit code. */
int place_list(struct call *c, const char *type, json_t **ret_answer);

/* 0 with an owned answer; a refusal is complained about. An exit code. */
int place_get(struct call *c, const char *path, json_t **ret_answer);

#endif
