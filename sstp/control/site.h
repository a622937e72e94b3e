/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_SITE_H
#define SSTP_CONTROL_SITE_H
/*
 * A site in JSON, as tools/sstpctl/site.yaml.example shows it: read into the resources that it
 * declares, and written from what the model has. Its keys are shorter than those of the resources
 * themselves, and stand in refusals as they were written; limits and allowed values are the kinds'.
 *
 * The order of what was read is one in which it can be made: what something belongs to or refers to
 * stands before it.
 */
#include <jansson.h>

#include "sstp/control/model.h"

/* Kinds as a site knows them, in the order in which they can be made. */
enum site_kind {
	SITE_VNET,
	SITE_GATEWAY,
	SITE_PEERING,
	SITE_PLAN,
	SITE_APP,
	SITE_CONNECTION,
	SITE_ROUTE,
	SITE_KINDS,
};

enum {
	SITE_TARGET_MAX = 160,
	SITE_ID_MAX = 512,
};

/* Names are borrowed of the site. */
struct site_item {
	enum site_kind kind;
	struct model_names names;
	json_t *fields; /* by name, as resource_read() */
	char *target;	/* "subscriptions[0].resourceGroups[0].plans[1]" */
};

struct site {
	struct site_item *items;
	size_t n;
	size_t cap;
	json_t *ids; /* of all items, as keys; folded */
};

struct site_error {
	char why[MODEL_WHY_MAX];
	char target[SITE_TARGET_MAX];
};

/* An object that outlives what was read. 0; -EINVAL with ret_error filled, -ENOMEM; site_done() always. */
int site_read(const json_t *json, struct site *ret_site, struct site_error *ret_error);
void site_done(struct site *s);

const struct resource_kind *site_resource(enum site_kind kind);

/* The resource's path, from the names in it. */
const char *site_id(enum site_kind kind, const struct model_names *names, char buf[SITE_ID_MAX]);

/* The site declares it. names: of a path, whatever their case. */
bool site_has(const struct site *s, enum site_kind kind, const struct model_names *names);

/* The site's key for one of the resource's fields; values as the site writes them: owned. */
const char *site_key(enum site_kind kind, const char *field);
json_t *site_value(enum site_kind kind, const char *field, json_t *value);

/* All that there is, without what is default; of the VNets of gateway.yaml only their peerings. */
void site_show(struct model *m, struct model_answer *ret_answer);

#endif
