/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/orphans.h"

#include "sstp/base/log.h"
#include "sstp/control/model_internal.h"

/* 1, 0, -errno */
static int is_connected(struct model *m, const char *app, const char *vnet, struct certs_error *e)
{
	const struct store_value values[] = {{.name = ":app", .text = app},
					     {.name = ":vnet", .text = vnet}};
	struct store_query *q;
	int r = store_query(m->store,
			    "SELECT 1 FROM connection c JOIN app a ON a.id = c.app_id"
			    " JOIN vnet v ON v.id = c.vnet_id"
			    " WHERE a.name = :app AND v.name = :vnet",
			    values, 2, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

/* From the last one on: a token that is dropped moves those behind it. */
int orphans_drop(struct model *model, struct authority *authority, int64_t now,
		 struct certs_error *ret_error)
{
	int dropped = 0;

	for (size_t i = authority_token_count(authority); i-- > 0;) {
		struct authority_token_info t;
		int r;

		authority_token_at(authority, i, now, &t);
		if (t.state != AUTHORITY_TOKEN_OPEN)
			continue;
		r = is_connected(model, t.app, t.vnet, ret_error);
		if (r == 0 && dropped == ORPHANS_AT_ONCE)
			return 1;
		if (r == 0) {
			log_info("token %s is taken back: app %s is not connected to VNet %s any "
				 "more",
				 t.id, t.app, t.vnet);
			r = authority_token_drop(authority, t.id, now, ret_error);
			dropped++;
		}
		if (r < 0)
			return r;
	}
	return 0;
}
