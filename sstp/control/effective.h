/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EFFECTIVE_H
#define SSTP_CONTROL_EFFECTIVE_H
/*
 * The effective routes: one set for a VNet, of what its clients may reach, and one for a connection, of
 * what an app sends into the tunnel, each prefix with its reason (routing/ruleset.h). All that says
 * where traffic goes is made of them: the data plane's tables, descriptions, views and explain.
 *
 * A VNet's set, as of now:
 *   INHERITED    its address spaces: routed
 *   CUSTOM       its gateway's custom routes: routed
 *   ON_PREMISES  ranges that are declared to be there: theirs, so that no peering closes them; routed only by others
 *   BGP          what is learned and passes bgpFilters: routed with propagateBgp; else shown only
 *   PEERED       the address spaces of a peered VNet: routed when the gate is open (fabric.h), else closed
 *   TWO_HOPS     those of VNets behind a peered one: closed
 *
 * A connection's set is asked behind it. INHERITED and CUSTOM are as the connection was last synced; the others
 * are live:
 *   STATIC       the plan's routes; DEFAULT: RFC 1918, where the app wants it
 *   PEERED       routed with propagatePeerings when the gate is open; else shown only: another route must cover it
 *   BGP          as in the VNet's set, as long as there are no more than EFFECTIVE_TOLD_MAX that pass the filter: of more
 *                none is told to workers. The data plane lets everybody reach them by the VNet's table, so its own
 *                list of a connection is without them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/ruleset.h"
#include "sstp/control/fabric.h"
#include "sstp/control/learned.h"
#include "sstp/control/msg_site.h"

enum {
	EFFECTIVE_TOLD_MAX = 4000, /* learned prefixes that workers are told */
	EFFECTIVE_RULES_MAX =
		32768, /* read of a connection's own; whoever has so many has too many */
};

/* Borrowed until the next question behind a change. */
struct effective_vnet {
	const struct fabric_vnet *vnet;
	const struct fabric_peer *peers;
	size_t n_peers;
	const struct ruleset *set; /* origin: of PEERED and TWO_HOPS the place in peers */
	const struct prefix *told; /* learned ones that workers are told */
	size_t n_told;
	size_t n_permitted; /* learned ones that pass the filter; more than EFFECTIVE_TOLD_MAX: none is told */
	uint64_t
		generation; /* another one whenever what connections get of it may be another one */
};

struct effective;

/* Where what is learned comes from: as learned_of(). */
typedef struct learned_routes effective_learned_fn(void *arg, const char *vnet,
						   enum learned_view view);

/* One for a model, which is borrowed. 0 with an owned one; -errno with a sentence. */
int effective_new(struct model *model, struct effective **ret_effective,
		  struct certs_error *ret_error);
/* Takes NULL. */
void effective_free(struct effective *e);

/* From now on; NULL: nothing is learned, as before the first call. */
void effective_set_learned(struct effective *e, effective_learned_fn *learned, void *arg);

/* As of now; borrowed. NULL and -errno: the model cannot be read. */
const struct fabric *effective_fabric(struct effective *e, int *ret_error,
				      struct certs_error *ret_why);

/* 1: there is one; 0: no VNet has this id; -errno with a sentence. */
int effective_vnet(struct effective *e, int64_t id, const struct effective_vnet **ret_vnet,
		   struct certs_error *ret_error);

/*
 * The table that the data plane gets for the VNet, ascending: an entry where something else holds than
 * above it. 0 with an owned list (free); -ENOMEM.
 */
int effective_table(const struct effective_vnet *v, struct msg_route **ret_list, size_t *ret_n);

/* What a connection is, for its set. */
struct effective_query {
	int64_t plan;
	int64_t vnet;
	bool has_defaults;
	const char *synced; /* JSON, as the model has it */
};

/* Owned: effective_connection_done(). */
struct effective_connection {
	const struct effective_vnet *gate; /* borrowed; NULL: there is no such VNet any more */
	struct ruleset *
		set; /* origin: of STATIC the place in names; of PEERED and TWO_HOPS as the gate's */
	char **names;
	size_t n_names;
	bool has_too_many; /* routes were left out */
};

int effective_connection(struct effective *e, const struct effective_query *query,
			 struct effective_connection *ret_connection,
			 struct certs_error *ret_error);
/* Takes a zeroed one too. */
void effective_connection_done(struct effective_connection *c);

/* The sets with all that is learned in them, whether it counts or not; origin of BGP: the place in learned. For views. */
struct effective_shown {
	const struct effective_vnet *gate;	/* borrowed; NULL as above */
	struct effective_connection connection; /* of a VNet's own: all zero but set */
	bool is_connection;
	struct learned_routes learned;
};

/* query NULL: the VNet's own set. As effective_connection(); 0: there is no such VNet. For effective_shown_done(). */
int effective_show(struct effective *e, int64_t vnet, const struct effective_query *query,
		   struct effective_shown *ret_shown, struct certs_error *ret_error);
void effective_shown_done(struct effective_shown *s);

#endif
