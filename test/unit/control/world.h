/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_CONTROL_WORLD_H
#define TEST_UNIT_CONTROL_WORLD_H
/* The inside of a control process, in a folder of the test's own (scene.h), at MINT_NOW. */
#include "sstp/control/est.h"
#include "sstp/control/model.h"
#include "test/unit/certs/scene.h"

struct world {
	struct est_world est;
	struct anchors *anchors;
	struct model *model; /* in memory */
};

struct world *world_new(void);
void world_free(struct world *w);

/* App and connection, in the plan of the VNet's name (model_admit()). */
void world_connect(struct world *w, const char *app, const char *vnet);

/* What the description of the connection has as its digest; good until the next call. */
const char *world_digest(struct world *w, const char *app, const char *vnet);

/* The VNet "blue" with this DNS server from now on. */
void world_set_dns(struct world *w, const char *dns);

/*
 * From now on the gateway shows a certificate of its operator's, for gw.test, below issuer (NULL: by
 * itself).
 */
void world_show(struct world *w, const struct minted *issuer);

/* The body of an enrolment for a new key, NUL-terminated, owned (free). */
char *world_csr(void);

#endif
