/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a message of rtnetlink, header and all. What is a route of table 254 is kept and taken away again. */
#include "tun/rtnl_learn.h"

#include <stdlib.h>
#include <string.h>

enum {
	TABLE = 254
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep_and_drop(const struct rtnl_learned *route)
{
	static const bool wanted[256] = {[12] = true};
	struct rtnl_mirror *m = rtnl_mirror_new(wanted);

	if (rtnl_mirror_add(m, route, RTNL_MIRROR_LAST) < 0 || !rtnl_mirror_check(m) ||
	    rtnl_mirror_del(m, route) < 0 || rtnl_mirror_count(m) != 0)
		abort();
	rtnl_mirror_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtnl_hop more[RTNL_HOPS_MAX];
	struct rtnl_learned route;
	uint8_t *aligned = malloc(size + 1); /* as the kernel's are */

	memcpy(aligned, data, size);
	if (rtnl_learn_parse(aligned, size, TABLE, &route, more) == 0)
		keep_and_drop(&route);
	free(aligned);
	return 0;
}
