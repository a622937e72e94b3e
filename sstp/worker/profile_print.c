/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <openssl/x509.h>
#include <string.h>

#include "certs/calendar.h"
#include "certs/encoding.h"
#include "certs/status.h"
#include "sstp/worker/profile.h"

static enum cert_status status_of(const struct cert_facts *facts, int64_t now)
{
	const struct status_facts s = {.not_before = facts->not_before,
				       .not_after = facts->not_after};

	return status_at(&s, now);
}

static void print_lists(FILE *f, const struct description *d)
{
	char text[PREFIX_TEXT_MAX];

	fputs("routes:     ", f);
	for (size_t i = 0; i < d->n_routes; i++)
		fprintf(f, " %s", prefix_format(&d->routes[i], text));
	fputs(d->n_routes ? "\nDNS servers:" : " none\nDNS servers:", f);
	for (size_t i = 0; i < d->n_dns; i++)
		fprintf(f, " %s", prefix_format_address(&d->dns[i], text));
	fputs(d->n_dns ? "\n" : " none\n", f);
	if (d->n_domains)
		fputs("search:     ", f);
	for (size_t i = 0; i < d->n_domains; i++)
		fprintf(f, " %s%s", d->domains[i], i + 1 < d->n_domains ? "" : "\n");
	if (d->n_pools)
		fputs("pool:       ", f);
	for (size_t i = 0; i < d->n_pools; i++)
		fprintf(f, " %s%s", prefix_format(&d->pools[i], text),
			i + 1 < d->n_pools ? "" : "\n");
}

static void print_certificate(FILE *f, const struct cert_facts *facts, int64_t now)
{
	char from[CALENDAR_TEXT_MAX], until[CALENDAR_TEXT_MAX];

	fprintf(f, "subject:     %s\n", facts->subject);
	fprintf(f, "issuer:      %s\n", facts->issuer);
	fprintf(f, "thumbprint:  %s\n", facts->thumbprint);
	fprintf(f, "valid:       %s to %s\n", calendar_text(facts->not_before, from),
		calendar_text(facts->not_after, until));
	fprintf(f, "status:      %s\n", status_text(status_of(facts, now)));
}

static struct stack_st_X509 *roots_of(const struct profile *p)
{
	struct stack_st_X509 *roots = NULL;

	if (encoding_chain_from_pem(p->enrolment.roots_pem, strlen(p->enrolment.roots_pem), &roots,
				    NULL) < 0)
		return NULL;
	return roots;
}

static void print_roots(FILE *f, const struct profile *p)
{
	struct stack_st_X509 *roots = roots_of(p);
	struct cert_facts facts;

	for (int i = 0; i < sk_X509_num(roots); i++)
		if (cert_facts(sk_X509_value(roots, i), &facts, NULL) == 0)
			fprintf(f, "root:        %s (%s)\n", facts.thumbprint, facts.subject);
	sk_X509_pop_free(roots, X509_free);
}

void profile_print(FILE *f, const struct profile *p, int64_t now)
{
	const struct description *d = &p->enrolment.description;
	char enrolled[CALENDAR_TEXT_MAX];
	struct cert_facts facts;

	fprintf(f, "gateway:     %s\n", p->gateway);
	fprintf(f, "VNet:        %s\n", d->vnet[0] ? d->vnet : "not told");
	fprintf(f, "app:         %s\n", d->app[0] ? d->app : "not told");
	print_lists(f, d);
	fprintf(f, "enrolled:    %s\n", calendar_text(p->enrolled, enrolled));
	if (profile_certificate(p, &facts) == 0)
		print_certificate(f, &facts, now);
	print_roots(f, p);
}

static void json_lists(json_t *root, const struct description *d)
{
	json_t *routes = json_array(), *dns = json_array(), *domains = json_array();
	json_t *pools = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < d->n_routes; i++)
		json_array_append_new(routes, json_string(prefix_format(&d->routes[i], text)));
	for (size_t i = 0; i < d->n_dns; i++)
		json_array_append_new(dns, json_string(prefix_format_address(&d->dns[i], text)));
	for (size_t i = 0; i < d->n_domains; i++)
		json_array_append_new(domains, json_string(d->domains[i]));
	for (size_t i = 0; i < d->n_pools; i++)
		json_array_append_new(pools, json_string(prefix_format(&d->pools[i], text)));
	json_object_set_new(root, "addressSpaces", routes);
	json_object_set_new(root, "dnsServers", dns);
	json_object_set_new(root, "searchDomains", domains);
	json_object_set_new(root, "pointToSiteAddressSpaces", pools);
}

static json_t *json_time(int64_t t)
{
	char text[CALENDAR_TEXT_MAX];

	return json_string(calendar_text(t, text));
}

static void json_certificate(json_t *root, const struct cert_facts *facts, int64_t now)
{
	json_object_set_new(root, "subject", json_string(facts->subject));
	json_object_set_new(root, "issuer", json_string(facts->issuer));
	json_object_set_new(root, "certThumbprint", json_string(facts->thumbprint));
	json_object_set_new(root, "notBefore", json_time(facts->not_before));
	json_object_set_new(root, "notAfter", json_time(facts->not_after));
	json_object_set_new(root, "status", json_string(status_text(status_of(facts, now))));
}

static json_t *json_roots(const struct profile *p)
{
	struct stack_st_X509 *roots = roots_of(p);
	json_t *list = json_array();
	struct cert_facts facts;

	for (int i = 0; i < sk_X509_num(roots); i++)
		if (cert_facts(sk_X509_value(roots, i), &facts, NULL) == 0)
			json_array_append_new(list, json_string(facts.thumbprint));
	sk_X509_pop_free(roots, X509_free);
	return list;
}

void profile_print_json(FILE *f, const struct profile *p, int64_t now)
{
	const struct description *d = &p->enrolment.description;
	struct cert_facts facts;
	json_t *root = json_object();

	json_object_set_new(root, "gateway", json_string(p->gateway));
	json_object_set_new(root, "vnetName", json_string(d->vnet));
	json_object_set_new(root, "appName", json_string(d->app));
	json_lists(root, d);
	json_object_set_new(root, "digest", json_string(d->digest));
	json_object_set_new(root, "enrolled", json_time(p->enrolled));
	if (profile_certificate(p, &facts) == 0)
		json_certificate(root, &facts, now);
	json_object_set_new(root, "roots", json_roots(p));
	json_dumpf(root, f, JSON_INDENT(2));
	fputc('\n', f);
	json_decref(root);
}
