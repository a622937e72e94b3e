/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MODEL_INTERNAL_H
#define SSTP_CONTROL_MODEL_INTERNAL_H
/* What the files of the model share. */
#include "sstp/control/model.h"

enum {
	MODEL_VALUES_MAX = MODEL_NAMES_MAX + 4
};

struct model {
	struct store *store;
	bool is_strict;
	bool is_batch; /* model_batch() */
	bool is_lent;  /* model_lend() */
};

/* What a change's statements are given. */
struct model_values {
	size_t n;
	struct store_value list[MODEL_VALUES_MAX];
	char *body; /* owned */
};

/* 0 with a new revision, an open transaction, and what statements get; -errno. */
int model_begin(struct model *m, const struct model_names *names, int64_t now,
		struct model_values *ret_values, struct certs_error *ret_error);

/* A text of its own for ":body". -ENOMEM. */
int model_set_body(struct model_values *v, const json_t *body);

/* Within the transaction. False: refused, as ret_answer says. */
bool model_apply(struct model *m, const struct model_change *change, struct model_values *v,
		 struct model_answer *ret_answer);

/*
 * The parts of that, for many changes in one transaction. False: refused, as ret_answer says.
 *
 * model_fetch: 1: found, with json and etag; 0: not; -errno. model_write: the rules of before_write, and the row;
 * what has to do with it is in temp.touched. model_remove: the rules of before_remove, and the row.
 */
int model_fetch(struct model *m, const struct resource_kind *kind, const struct model_names *names,
		struct model_answer *ret_answer, struct certs_error *ret_error);
bool model_keeps(struct model *m, const struct resource_rule *rules, const struct model_values *v,
		 struct model_answer *ret_answer);
bool model_write(struct model *m, const struct resource_kind *kind, bool is_there,
		 const struct model_values *v, struct model_answer *ret_answer);
bool model_remove(struct model *m, const struct resource_kind *kind, const struct model_values *v,
		  struct model_answer *ret_answer);
/* Rows changed; -1: refused. */
int model_run(struct model *m, const struct resource_kind *kind, const char *sql,
	      const struct model_values *v, struct model_answer *ret_answer);

/* Syncs what temp.touched names and its plan lets be synced. */
int model_settle(struct model *m, const struct model_values *v, struct certs_error *ret_error);

/* Commits, or takes back. */
int model_end(struct model *m, bool is_good, struct model_values *v, struct certs_error *ret_error);

/* A trouble of the store's as an answer. */
void model_fail(struct model_answer *a, int error, const struct certs_error *e);

#endif
