/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certs/calendar.h"
#include "certs/encoding.h"
#include "certs/key.h"
#include "sstp/base/conf.h"
#include "sstp/base/conf_file.h"
#include "sstp/base/secret.h"

/* ---- where ---- */

static const char system_folder[] = "/etc/sstp-gateway/profiles";

static int folder_of_profiles(char ret_folder[PROFILE_PATH_MAX], struct certs_error *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int n;

	if (geteuid() == 0)
		n = snprintf(ret_folder, PROFILE_PATH_MAX, "%s", system_folder);
	else if (xdg && *xdg == '/')
		n = snprintf(ret_folder, PROFILE_PATH_MAX, "%s/sstp-gateway/profiles", xdg);
	else if (home && *home == '/')
		n = snprintf(ret_folder, PROFILE_PATH_MAX, "%s/.config/sstp-gateway/profiles",
			     home);
	else
		return certs_fail(e, -ENOENT,
				  "no home folder for profiles: give the path of a file");
	return n < PROFILE_PATH_MAX ? 0 : certs_fail(e, -ENAMETOOLONG, "the path is too long");
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

int profile_path(const char *name, char ret_path[PROFILE_PATH_MAX], struct certs_error *ret_error)
{
	char folder[PROFILE_PATH_MAX];
	int r, n;

	if (strchr(name, '/')) {
		if (strlen(name) >= PROFILE_PATH_MAX)
			return certs_fail(ret_error, -ENAMETOOLONG, "the path is too long");
		strcpy(ret_path, name);
		return 0;
	}
	if (!name_is_label(name))
		return certs_fail(ret_error, -EINVAL,
				  "a profile is a path with a slash, or a name of 1 to 64 letters, "
				  "digits, '.', '_' and '-'");
	r = folder_of_profiles(folder, ret_error);
	if (r < 0)
		return r;
	n = snprintf(ret_path, PROFILE_PATH_MAX, "%s/%s%s", folder, name,
		     ends_with(name, ".yaml") ? "" : ".yaml");
	return n < PROFILE_PATH_MAX ? 0
				    : certs_fail(ret_error, -ENAMETOOLONG, "the path is too long");
}

const char *profile_default_name(const char *gateway, char ret_name[NAME_LABEL_MAX])
{
	size_t len = 0;

	for (; *gateway && len < NAME_LABEL_MAX - 1; gateway++) {
		bool fits = strchr("[]:", *gateway) == NULL;

		if (fits || len > 0)
			ret_name[len++] = fits ? *gateway : '-';
	}
	ret_name[len] = '\0';
	return ret_name;
}

/* ---- the file's shape ---- */

struct raw {
	char *gateway;
	char *vnet_name;
	char *app_name;
	char *enrolled;
	char **routes;
	uint32_t routes_count;
	char **dns_servers;
	uint32_t dns_servers_count;
	char **search_domains;
	uint32_t search_domains_count;
	char **pools;
	uint32_t pools_count;
	char *digest;
	char *roots;
	char *certificate;
	char *key;
};

static const cyaml_schema_value_t text_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, DESCRIPTION_DOMAIN_MAX - 1)};

#define MUST(_name, _max) \
	CYAML_FIELD_STRING_PTR(#_name, CYAML_FLAG_DEFAULT, struct raw, _name, 1, _max)
#define MAY(_name, _max) \
	CYAML_FIELD_STRING_PTR(#_name, CYAML_FLAG_OPTIONAL, struct raw, _name, 1, _max)

static const cyaml_schema_field_t fields[] = {
	MUST(gateway, HOSTNAME_PORT_MAX - 1),
	MAY(vnet_name, NAME_LABEL_MAX - 1),
	MAY(app_name, NAME_LABEL_MAX - 1),
	MUST(enrolled, CALENDAR_TEXT_MAX - 1),
	CYAML_FIELD_SEQUENCE("routes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, routes,
			     &text_entry, 0, DESCRIPTION_ROUTES_MAX),
	CYAML_FIELD_SEQUENCE("dns_servers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw,
			     dns_servers, &text_entry, 0, DESCRIPTION_DNS_MAX),
	CYAML_FIELD_SEQUENCE("search_domains", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw,
			     search_domains, &text_entry, 0, DESCRIPTION_DOMAINS_MAX),
	CYAML_FIELD_SEQUENCE("pools", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, pools,
			     &text_entry, 0, DESCRIPTION_POOLS_MAX),
	MAY(digest, DESCRIPTION_DIGEST_MAX - 1),
	MUST(roots, ENROL_PEM_MAX),
	MUST(certificate, ENROL_PEM_MAX),
	MUST(key, KEY_PEM_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields)};

static void raw_free(struct raw *raw)
{
	if (raw && raw->key)
		secret_wipe_bytes(raw->key, strlen(raw->key));
	conf_free(&schema, raw);
}

/* ---- reading ---- */

struct load {
	const char *path;
	const struct raw *raw;
	struct profile *p;
	struct conf_error error;
};

static int no_memory(struct load *l)
{
	conf_fail_plain(&l->error, "out of memory");
	return -ENOMEM;
}

static int fail(struct load *l, const char *key, const char *why)
{
	return conf_fail(&l->error, l->path, key, "'%s' %s", key, why);
}

static int load_label(struct load *l, const char *key, const char *text, char ret[NAME_LABEL_MAX])
{
	if (text && !name_is_label(text))
		return fail(l, key, "must be 1..64 letters, digits, '.', '_' and '-'");
	strcpy(ret, text ? text : "");
	return 0;
}

static int load_names(struct load *l)
{
	struct description *d = &l->p->enrolment.description;
	int r;

	if (!hostname_split(l->raw->gateway, NULL, NULL))
		return fail(l, "gateway", "must be HOST or HOST:PORT, such as vpn.example.com:443");
	strcpy(l->p->gateway, l->raw->gateway);
	r = load_label(l, "vnet_name", l->raw->vnet_name, d->vnet);
	if (r == 0)
		r = load_label(l, "app_name", l->raw->app_name, d->app);
	if (r == 0 && l->raw->digest)
		strcpy(d->digest, l->raw->digest);
	return r;
}

static int load_time(struct load *l)
{
	struct tm tm = {0};
	const char *end = strptime(l->raw->enrolled, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return fail(l, "enrolled", "must be a time such as 2026-11-23T12:00:00Z");
	l->p->enrolled = timegm(&tm);
	return 0;
}

static int load_routes(struct load *l)
{
	struct description *d = &l->p->enrolment.description;
	size_t n = l->raw->routes_count;

	d->routes = calloc(n + 1, sizeof(*d->routes));
	if (!d->routes)
		return no_memory(l);
	for (size_t i = 0; i < n; i++)
		if (prefix_parse(l->raw->routes[i], &d->routes[i]) < 0)
			return fail(l, "routes", "must hold prefixes, such as 10.1.0.0/16");
	if (description_unique(d->routes, n, &d->n_routes) < 0)
		return no_memory(l);
	return d->n_routes == n ? 0 : fail(l, "routes", "holds a prefix twice");
}

static int load_dns(struct load *l)
{
	struct description *d = &l->p->enrolment.description;

	for (size_t i = 0; i < l->raw->dns_servers_count; i++)
		if (description_server(l->raw->dns_servers[i], &d->dns[d->n_dns++]) < 0)
			return fail(l, "dns_servers", "must hold addresses");
	return 0;
}

static int load_domains(struct load *l)
{
	struct description *d = &l->p->enrolment.description;

	for (size_t i = 0; i < l->raw->search_domains_count; i++) {
		if (!description_is_domain(l->raw->search_domains[i]))
			return fail(l, "search_domains", "must hold domains");
		strcpy(d->domains[d->n_domains++], l->raw->search_domains[i]);
	}
	return 0;
}

static int load_pools(struct load *l)
{
	struct description *d = &l->p->enrolment.description;

	for (size_t i = 0; i < l->raw->pools_count; i++)
		if (prefix_parse(l->raw->pools[i], &d->pools[d->n_pools++]) < 0)
			return fail(l, "pools", "must hold prefixes, such as 172.16.77.0/24");
	return 0;
}

static int check_roots(struct load *l)
{
	struct stack_st_X509 *roots = NULL;
	struct certs_error why;

	if (encoding_chain_from_pem(l->raw->roots, strlen(l->raw->roots), &roots, &why) < 0)
		return fail(l, "roots", why.text);
	sk_X509_pop_free(roots, X509_free);
	return 0;
}

static int check_pair(struct load *l)
{
	struct stack_st_X509 *chain = NULL;
	struct certs_error why;
	EVP_PKEY *key = NULL;
	int r = 0;

	if (encoding_chain_from_pem(l->raw->certificate, strlen(l->raw->certificate), &chain,
				    &why) < 0)
		return fail(l, "certificate", why.text);
	if (key_from_pem(l->raw->key, strlen(l->raw->key), &key, &why) < 0)
		r = fail(l, "key", why.text);
	else if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
		r = fail(l, "key", "is not the one of the certificate");
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	return r;
}

static int load_pem(struct load *l)
{
	struct enrolment *e = &l->p->enrolment;
	int r = check_roots(l);

	if (r == 0)
		r = check_pair(l);
	if (r < 0)
		return r;
	e->roots_pem = strdup(l->raw->roots);
	e->cert_pem = strdup(l->raw->certificate);
	e->key_pem = strdup(l->raw->key);
	return e->roots_pem && e->cert_pem && e->key_pem ? 0 : no_memory(l);
}

static int load_all(struct load *l)
{
	static int (*const steps[])(struct load * l) = {
		load_names, load_time, load_routes, load_dns, load_domains, load_pools, load_pem};
	int r = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
		r = steps[i](l);
	return r;
}

static int refuse_exposed(const char *path, struct certs_error *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		return certs_fail(e, -EACCES,
				  "%s holds a private key and others may read it: chmod 600 it",
				  path);
	return 0;
}

int profile_load(const char *path, struct profile *ret_profile, struct certs_error *ret_error)
{
	struct profile p = {.enrolled = 0};
	struct load l = {.path = path, .p = &p};
	void *raw = NULL;
	int r = refuse_exposed(path, ret_error);

	if (r < 0)
		return r;
	r = conf_load(path, &schema, &raw, &l.error);
	l.raw = raw;
	if (r == 0)
		r = load_all(&l);
	if (raw)
		raw_free(raw);
	if (r < 0) {
		profile_done(&p);
		return certs_fail(ret_error, r, "%s", l.error.text);
	}
	*ret_profile = p;
	return 0;
}

/* ---- writing ---- */

static void write_block(FILE *f, const char *key, const char *pem)
{
	bool at_start = true;

	fprintf(f, "%s: |\n", key);
	for (; *pem; pem++) {
		if (at_start)
			fputs("  ", f);
		fputc(*pem, f);
		at_start = *pem == '\n';
	}
}

static void write_text(FILE *f, const char *key, const char *text)
{
	if (!*text)
		return;
	fprintf(f, "%s: ", key);
	conf_print_text(f, text);
	fputc('\n', f);
}

static void write_lists(FILE *f, const struct description *d)
{
	char text[PREFIX_TEXT_MAX];

	fprintf(f, "routes:%s\n", d->n_routes ? "" : " []");
	for (size_t i = 0; i < d->n_routes; i++)
		fprintf(f, "  - %s\n", prefix_format(&d->routes[i], text));
	fprintf(f, "dns_servers:%s\n", d->n_dns ? "" : " []");
	for (size_t i = 0; i < d->n_dns; i++)
		fprintf(f, "  - \"%s\"\n", prefix_format_address(&d->dns[i], text));
	if (d->n_domains)
		fputs("search_domains:\n", f);
	for (size_t i = 0; i < d->n_domains; i++)
		fprintf(f, "  - %s\n", d->domains[i]);
	if (d->n_pools)
		fputs("pools:\n", f);
	for (size_t i = 0; i < d->n_pools; i++)
		fprintf(f, "  - \"%s\"\n", prefix_format(&d->pools[i], text));
}

/* What is known before there is a certificate comes first: a draft begins with it (profile_begin()). */
static void write_all(FILE *f, const struct profile *p)
{
	const struct description *d = &p->enrolment.description;
	char time_text[CALENDAR_TEXT_MAX];

	fputs("# A profile of sstp-worker(8): it holds a private key, and belongs to one worker.\n",
	      f);
	write_text(f, "gateway", p->gateway);
	write_text(f, "enrolled", calendar_text(p->enrolled, time_text));
	write_block(f, "key", p->enrolment.key_pem);
	if (!p->enrolment.cert_pem)
		return;
	write_text(f, "vnet_name", d->vnet);
	write_text(f, "app_name", d->app);
	write_lists(f, d);
	write_text(f, "digest", d->digest);
	write_block(f, "roots", p->enrolment.roots_pem);
	write_block(f, "certificate", p->enrolment.cert_pem);
}

/* The whole text, owned, a secret of *ret_len bytes. NULL without memory. */
static char *to_text(const struct profile *p, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	if (!f)
		return NULL;
	write_all(f, p);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static void folder_of(const char *path, char ret_folder[PROFILE_PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(ret_folder, PROFILE_PATH_MAX, "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	if (!*ret_folder)
		strcpy(ret_folder, "/");
}

/* What else is configured lies in the folder of the system's profiles' folder, and others may read it. */
static mode_t mode_of(const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(system_folder, folder, len) && system_folder[len] == '/' ? 0755 : 0700;
}

static int make_folders(const char *folder)
{
	char part[PROFILE_PATH_MAX];
	const char *end = folder;

	do {
		end = strchrnul(end + 1, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(end - folder), folder);
		if (access(part, F_OK) < 0 && mkdir(part, mode_of(part)) < 0 && errno != EEXIST)
			return -errno;
	} while (*end);
	return 0;
}

int profile_lock(const char *path, struct draft **ret_draft, struct certs_error *ret_error)
{
	int r = draft_new(path, ret_draft);

	return r < 0 ? certs_fail(ret_error, r, "cannot lock %s: %s", path, strerror(-r)) : 0;
}

static int is_there(const char *path, struct certs_error *e)
{
	return certs_fail(e, -EEXIST, "%s is there already: --force replaces it", path);
}

static int check_free(const char *path, bool replace, struct certs_error *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return certs_fail(e, -EISDIR, "%s is a folder: give the path of a file", path);
	return replace ? 0 : is_there(path, e);
}

int profile_prepare(const char *path, bool replace, struct draft **ret_draft,
		    struct certs_error *ret_error)
{
	char folder[PROFILE_PATH_MAX];
	struct draft *d;
	int r;

	folder_of(path, folder);
	r = make_folders(folder);
	if (r < 0)
		return certs_fail(ret_error, r, "cannot write into %s: %s", folder, strerror(-r));
	r = profile_lock(path, &d, ret_error);
	if (r < 0)
		return r;
	r = check_free(path, replace, ret_error);
	if (r < 0)
		draft_free(d);
	else
		*ret_draft = d;
	return r;
}

static int write_draft(const struct profile *p, struct draft *d)
{
	size_t len = 0;
	char *text = to_text(p, &len);
	int r;

	if (!text)
		return -ENOMEM;
	r = draft_write(d, text, len);
	secret_wipe_bytes(text, len);
	free(text);
	return r;
}

static int take_key(struct profile *p, EVP_PKEY **ret_key, struct certs_error *e)
{
	EVP_PKEY *key;
	int r = key_new(&key, e);

	if (r < 0)
		return r;
	if (key_to_pem(key, &p->enrolment.key_pem) < 0) {
		EVP_PKEY_free(key);
		return certs_fail(e, -ENOMEM, "out of memory");
	}
	*ret_key = key;
	return 0;
}

int profile_begin(const char *gateway, int64_t now, const char *path, struct draft *d,
		  EVP_PKEY **ret_key, struct certs_error *ret_error)
{
	struct profile head = {.enrolled = now};
	EVP_PKEY *key = NULL;
	int r = take_key(&head, &key, ret_error);

	if (r < 0)
		return r;
	snprintf(head.gateway, sizeof(head.gateway), "%s", gateway);
	r = write_draft(&head, d);
	if (r == 0)
		r = draft_reserve(d, PROFILE_RESERVE);
	profile_done(&head);
	if (r == 0) {
		*ret_key = key;
		return 0;
	}
	EVP_PKEY_free(key);
	return certs_fail(ret_error, r, "cannot write %s: %s", path, strerror(-r));
}

int profile_put(const struct profile *p, const char *path, struct draft *d, bool replace,
		struct certs_error *ret_error)
{
	int r = write_draft(p, d);

	if (r == 0)
		r = draft_put(d, replace);
	if (r == -EEXIST)
		return is_there(path, ret_error);
	return r < 0 ? certs_fail(ret_error, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

/* ---- the rest ---- */

void profile_renew(struct profile *p, struct enrolment *renewed, int64_t now)
{
	struct description *d = &p->enrolment.description;

	if (!renewed->description.vnet[0]) {
		renewed->description = *d;
		memset(d, 0, sizeof(*d));
	}
	enrolment_done(&p->enrolment);
	p->enrolment = *renewed;
	p->enrolled = now;
	memset(renewed, 0, sizeof(*renewed));
}

int profile_describe(const char *path, struct description *d, struct certs_error *ret_error)
{
	struct profile p = {.enrolled = 0};
	struct draft *draft = NULL;
	struct description before;
	int r = profile_lock(path, &draft, ret_error);

	if (r == 0)
		r = profile_load(path, &p, ret_error);
	if (r == 0 && !description_equal(&p.enrolment.description, d)) {
		before = p.enrolment.description;
		p.enrolment.description = *d;
		*d = before;
		r = profile_put(&p, path, draft, true, ret_error);
	}
	profile_done(&p);
	draft_free(draft);
	return r;
}

int profile_certificate(const struct profile *p, struct cert_facts *ret_facts)
{
	struct stack_st_X509 *chain = NULL;
	int r = encoding_chain_from_pem(p->enrolment.cert_pem, strlen(p->enrolment.cert_pem),
					&chain, NULL);

	if (r == 0)
		r = cert_facts(sk_X509_value(chain, 0), ret_facts, NULL);
	sk_X509_pop_free(chain, X509_free);
	return r < 0 ? -EBADMSG : 0;
}

void profile_done(struct profile *p)
{
	if (!p)
		return;
	enrolment_done(&p->enrolment);
	memset(p, 0, sizeof(*p));
}
