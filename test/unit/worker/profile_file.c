/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/worker/profile_file.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

struct profile profile_file_new(const struct testcert *root, const struct testcert *leaf)
{
	struct profile p = {.gateway = "vpn.example.com:444", .enrolled = 1795000000};
	struct description *d = &p.enrolment.description;

	strcpy(d->vnet, "lab");
	strcpy(d->app, "shop");
	strcpy(d->digest, "5f0c");
	d->routes = calloc(1, sizeof(*d->routes));
	d->n_routes = 1;
	assert_int_equal(prefix_parse("10.20.0.0/16", &d->routes[0]), 0);
	d->n_dns = 2;
	d->dns[0] = prefix_host4(inet_addr("10.20.0.4"));
	assert_int_equal(prefix_parse("fd20::4", &d->dns[1]), 0);
	d->n_domains = 1;
	strcpy(d->domains[0], "corp.example.com");
	d->n_pools = 1;
	assert_int_equal(prefix_parse("172.16.77.0/24", &d->pools[0]), 0);
	p.enrolment.roots_pem = testcert_cert_pem(root);
	p.enrolment.cert_pem = testcert_cert_pem(leaf);
	p.enrolment.key_pem = testcert_key_pem(leaf);
	return p;
}

int profile_file_save(const struct profile *p, const char *path, bool replace,
		      struct certs_error *ret_error)
{
	struct draft *draft = NULL;
	int r = profile_lock(path, &draft, ret_error);

	if (r == 0)
		r = profile_put(p, path, draft, replace, ret_error);
	draft_free(draft);
	return r;
}
