/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MODEL_H
#define SSTP_CONTROL_MODEL_H
/*
 * Plans, apps, virtual networks, gateways, connections and routes, in a store. There is no second
 * copy in memory: a change is one transaction, in which the row is written and the rules are asked
 * as queries; it is committed, or taken back with the refusal.
 *
 * A connection keeps what it was last synced to. What has changed since shows as resyncRequired; the
 * connections of a plan with autoSync are synced within the change itself, unless the VNet is in
 * another subscription than the plan: sync does not work across them.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "certs/authority.h"
#include "sstp/control/msg.h"
#include "sstp/control/resource.h"
#include "sstp/control/store.h"

enum {
	MODEL_NAMES_MAX = 6, /* of a path */
	MODEL_ETAG_MAX = 24,
	MODEL_WHY_MAX = RESOURCE_WHY_MAX,
};

struct model;

/* As store_open(). */
int model_open(const char *path, struct model **ret_model, struct certs_error *ret_error);
/* Takes NULL. */
void model_close(struct model *m);

/*
 * What comes often and may be lost with a crash shares a transaction: model_batch() opens it where it is not
 * open yet; model_flush() commits what there is, as does every change of the model before it begins.
 */
int model_batch(struct model *m, struct certs_error *ret_error);
int model_flush(struct model *m, struct certs_error *ret_error);

/*
 * The model as another thread may change it: one that has all that this one was told beside the store. Until it
 * is given back, this one shows what stood before and changes nothing: what would fails with -EINPROGRESS and a
 * sentence, a request of the operator's with 409. Any thread's, one at a time. 0 with a model for
 * model_take_back(); -EINVAL: the store is in memory; -errno.
 */
int model_lend(struct model *m, struct model **ret_lent, struct certs_error *ret_error);
/* Ends what is lent, and with it what it has not committed. 0 or -errno: m may be behind what it has done. */
int model_take_back(struct model *m, struct model *lent, struct certs_error *ret_error);
bool model_is_lent(const struct model *m);

/*
 * Linux apps and containers are refused, as by the original: nothing connects them any more, and connections that
 * there are are disabled until that is lifted. 1: that is new; 0: it was so; -errno.
 */
int model_set_strict(struct model *m, bool is_strict, struct certs_error *ret_error);

/* The names in a path, for statements: ":subscription", ":group", ":plan", ... All borrowed. */
struct model_names {
	size_t n;
	struct store_value values[MODEL_NAMES_MAX];
};

struct model_answer {
	int status;		   /* of HTTP; 200, 201 or a refusal */
	char *json;		   /* owned: free(); NULL when why says it */
	char etag[MODEL_ETAG_MAX]; /* with its quotes; "" */
	char why[MODEL_WHY_MAX];   /* a sentence; of a refusal */
};

/* One resource, as JSON. */
void model_get(struct model *m, const struct resource_kind *kind, const struct model_names *names,
	       struct model_answer *ret_answer);

/* The rows of a statement, column 0 being JSON: an array, or that within {"value": }. */
void model_list(struct model *m, const char *sql, bool is_bare, const struct model_names *names,
		struct model_answer *ret_answer);

enum model_verb {
	MODEL_PUT,
	MODEL_PATCH,
	MODEL_POST, /* without a body */
	MODEL_DELETE,
};

/* All borrowed. */
struct model_change {
	enum model_verb verb;
	const struct resource_kind *kind;
	struct model_names names;
	const json_t *body;   /* an object; of MODEL_PUT and MODEL_PATCH */
	const char *if_match; /* an ETag as it was given out, or "*"; NULL: whatever is there */
	const char *if_none_match; /* "*": only where nothing is; else of no account */
	int64_t now;		   /* seconds since 1970 */
};

/* The answer shows what is there afterwards; {} when it is gone. */
void model_change(struct model *m, const struct model_change *change,
		  struct model_answer *ret_answer);

/*
 * App and connection to the VNet, made where they are missing in a plan of the VNet's name, subscription and
 * resource group "default"; then calls then(arg): 0 keeps all, anything else takes all back and is
 * returned, with then's own sentence. A refusal is -EEXIST (409), -ENOENT (404) or -EINVAL.
 */
int model_admit(struct model *m, const char *app, const char *vnet, int64_t now,
		int (*then)(void *arg), void *arg, struct certs_error *ret_error);

/* The VNets of gateway.yaml are these from now on; those that apps still use stay, as gone. */
int model_set_networks(struct model *m, const struct msg_config *config, int64_t now,
		       struct certs_error *ret_error);

/* Who has which certificate by now. */
int model_set_certificates(struct model *m, const struct authority *authority, int64_t now,
			   struct certs_error *ret_error);

/* For copies of it; borrowed. */
struct store *model_store(struct model *m);

/*
 * What the file says is the model from now on, all of it: while no gateway runs with it (-EAGAIN). path as
 * model_open(). 0 or -errno with a sentence; then nothing has changed.
 */
int model_restore(const char *path, const char *file, struct certs_error *ret_error);

#endif
