/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VNets: what an address plan must be so that packets find their way. Pools are private (of IPv6: unicast) and
 * disjoint where they meet in one routing table (one network namespace), and no pool lies in the
 * VNet that its clients are to reach.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "routing/pool.h"
#include "sstp/gateway/config_load.h"

enum {
	QUOTED_MAX = 80,
	LABEL_MAX = 63,	  /* RFC 1035 section 2.3.4 */
	DOMAIN_MAX = 253, /* without a dot at the end */
};

/* The first of the dummy addresses of RFC 7600: never routed, so no VNet can hold it. */
#define DEFAULT_GATEWAY_ADDRESS "192.0.0.8"

static int fail_text(struct load *l, const char *what, const char *text)
{
	char buf[QUOTED_MAX];

	return load_fail(l, "%s, not '%s'", what, log_escape(buf, sizeof(buf), text, strlen(text)));
}

static int load_prefix(struct load *l, const char *text, struct prefix *ret_prefix)
{
	char buf[PREFIX_TEXT_MAX];
	int r = prefix_parse(text, ret_prefix);

	if (r == -EDOM)
		return load_fail(l, "has bits set behind its length: write %s",
				 prefix_format(ret_prefix, buf));
	return r ? fail_text(l, "must be a prefix, such as 10.1.0.0/16", text) : 0;
}

/* Loads `key` of VNet i: n prefixes, none of which overlaps an earlier one. */
static int load_prefixes(struct load *l, size_t i, const char *key, char *const *texts, size_t n,
			 struct prefix **ret_list, size_t *ret_n)
{
	struct prefix *list = calloc(n, sizeof(*list));
	int r = 0;

	if (!list)
		return load_no_memory(l);
	*ret_list = list;
	*ret_n = n;
	for (size_t k = 0; k < n && !r; k++) {
		load_at(l, "vnets[%zu].%s[%zu]", i, key, k);
		r = load_prefix(l, texts[k], &list[k]);
		for (size_t j = 0; j < k && !r; j++)
			if (prefix_overlaps(&list[j], &list[k]))
				r = load_fail(l, "%s overlaps %s", texts[k], texts[j]);
	}
	return r;
}

static bool is_unicast(uint32_t addr_be)
{
	uint32_t first = ntohl(addr_be) >> 24;

	return first > 0 && first != 127 && first < 224;
}

static int load_address(struct load *l, const char *text, uint32_t *ret_be)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1 || !is_unicast(addr.s_addr))
		return fail_text(l, "must be a host's IPv4 address, such as 10.1.0.4", text);
	*ret_be = addr.s_addr;
	return 0;
}

bool load_is_name(const char *text)
{
	return !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-")] &&
	       strcmp(text, ".") && strcmp(text, "..");
}

static int load_name(struct load *l, const char *text, char **ret_text)
{
	if (!load_is_name(text))
		return fail_text(l, "must be made of letters, digits, '.', '_' and '-'", text);
	return load_text(l, text, ret_text);
}

/* A name as iproute2 knows it, or a path, which control is told as a line of text. */
static int load_netns(struct load *l, size_t i, const char *text, struct gateway_vnet *v)
{
	if (!text)
		return 0;
	load_at(l, "vnets[%zu].netns", i);
	if (*text != '/')
		return load_name(l, text, &v->netns);
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return fail_text(l, "must be a name, or a path in plain ASCII", text);
	return load_text(l, text, &v->netns);
}

static int load_tun(struct load *l, size_t i, const char *text, struct gateway_vnet *v)
{
	char name[16];

	load_at(l, "vnets[%zu].tun", i);
	snprintf(name, sizeof(name), "sstp%zu", i);
	return load_name(l, text ? text : name, &v->tun);
}

/* Neither multicast, link-local, loopback nor anything else that begins with zeros. */
static bool is_unicast6(const uint8_t *addr)
{
	return addr[0] != 0xff && !(addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) &&
	       (addr[0] || addr[1]);
}

static int load_address6(struct load *l, const char *text, uint8_t ret[16])
{
	uint8_t addr[16];

	if (inet_pton(AF_INET6, text, addr) != 1 || !is_unicast6(addr))
		return fail_text(l, "must be a host's address, such as 10.1.0.4 or fd00::4", text);
	memcpy(ret, addr, sizeof(addr));
	return 0;
}

static int load_dns(struct load *l, size_t i, const struct gateway_raw_vnet *raw,
		    struct gateway_vnet *v)
{
	size_t n4 = 0;
	int r = 0;

	for (size_t k = 0; k < raw->dns_servers_count && !r; k++) {
		const char *text = raw->dns_servers[k];
		bool is_ipv6 = strchr(text, ':');

		load_at(l, "vnets[%zu].dns_servers[%zu]", i, k);
		if ((is_ipv6 ? v->n_dns6 : n4) == GATEWAY_DNS_MAX)
			r = load_fail(l, "is one too many: %d of IPv4 and %d of IPv6 can be told",
				      GATEWAY_DNS_MAX, GATEWAY_DNS_MAX);
		else if (is_ipv6)
			r = load_address6(l, text, v->dns6[v->n_dns6++]);
		else
			r = load_address(l, text, &v->dns_be[n4++]);
	}
	return r;
}

/* Labels of letters, digits and '-', with dots between (RFC 1035 section 2.3.1). */
static bool is_domain(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-";
	size_t n = strspn(text, letters);

	if (strlen(text) > DOMAIN_MAX)
		return false;
	for (; n > 0 && n <= LABEL_MAX && text[n] == '.'; n = strspn(text, letters))
		text += n + 1;
	return n > 0 && n <= LABEL_MAX && text[n] == '\0';
}

static int load_domains(struct load *l, size_t i, const struct gateway_raw_vnet *raw,
			struct gateway_vnet *v)
{
	int r = 0;

	for (size_t k = 0; k < raw->search_domains_count && !r; k++) {
		const char *text = raw->search_domains[k];

		load_at(l, "vnets[%zu].search_domains[%zu]", i, k);
		if (!is_domain(text))
			return fail_text(l, "must be a domain, such as corp.example.com", text);
		r = load_text(l, text, &v->domains[v->n_domains]);
		v->n_domains += r == 0;
	}
	return r;
}

static int load_addressing(struct load *l, size_t i, const struct gateway_raw_vnet *raw,
			   struct gateway_vnet *v)
{
	int r = load_prefixes(l, i, "address_spaces", raw->address_spaces,
			      raw->address_spaces_count, &v->address_spaces, &v->n_address_spaces);

	if (!r)
		r = load_prefixes(l, i, "pools", raw->pools, raw->pools_count, &v->pools,
				  &v->n_pools);
	if (!r)
		r = load_dns(l, i, raw, v);
	if (!r)
		r = load_domains(l, i, raw, v);
	load_at(l, "vnets[%zu].gateway_address", i);
	return r ? r
		 : load_address(
			   l, raw->gateway_address ? raw->gateway_address : DEFAULT_GATEWAY_ADDRESS,
			   &v->gateway_be);
}

static int load_vnet(struct load *l, size_t i)
{
	const struct gateway_raw_vnet *raw = &l->raw->vnets[i];
	struct gateway_vnet *v = &l->config->vnets[i];
	int r;

	v->mtu = raw->mtu ? (uint16_t)*raw->mtu : GATEWAY_MTU_DEFAULT;
	v->client_to_client = raw->client_to_client && *raw->client_to_client;
	load_at(l, "vnets[%zu].name", i);
	r = load_name(l, raw->name, &v->name);
	if (!r)
		r = load_addressing(l, i, raw, v);
	if (!r)
		r = load_netns(l, i, raw->netns, v);
	return r ? r : load_tun(l, i, raw->tun, v);
}

static bool same_netns(const struct gateway_vnet *a, const struct gateway_vnet *b)
{
	if (!a->netns || !b->netns)
		return a->netns == b->netns;
	return !strcmp(a->netns, b->netns);
}

static int fail_overlap(struct load *l, const struct prefix *mine, const struct prefix *other,
			const char *of, const char *vnet)
{
	char a[PREFIX_TEXT_MAX];
	char b[PREFIX_TEXT_MAX];

	return load_fail(l, "%s overlaps %s, %s of VNet '%s'", prefix_format(mine, a),
			 prefix_format(other, b), of, vnet);
}

static int check_pool(struct load *l, const struct gateway_vnet *v, const struct prefix *pool)
{
	char buf[PREFIX_TEXT_MAX];

	if (pool->family == AF_INET && !prefix_is_rfc1918(pool))
		return load_fail(l,
				 "%s is not private: a pool must lie in 10.0.0.0/8, 172.16.0.0/12 "
				 "or 192.168.0.0/16",
				 prefix_format(pool, buf));
	for (size_t k = 0; k < v->n_address_spaces; k++)
		if (prefix_overlaps(pool, &v->address_spaces[k]))
			return fail_overlap(l, pool, &v->address_spaces[k], "an address space",
					    v->name);
	return 0;
}

/* The one of IPv6, beside pools of n IPv4 addresses. */
static int check_pool6(struct load *l, const struct gateway_vnet *v, const struct prefix *pool,
		       uint64_t n)
{
	char buf[PREFIX_TEXT_MAX];

	prefix_format(pool, buf);
	if (!prefix_is_ip6_unicast(pool))
		return load_fail(
			l, "%s is no unicast prefix: an IPv6 pool must lie in fc00::/7 or 2000::/3",
			buf);
	if (pool->len > GATEWAY_POOL6_BITS_MAX || !prefix_has_networks6(pool, n))
		return load_fail(
			l,
			"%s is too small: each of the %llu IPv4 addresses of the pools has a /64 "
			"of it, and it has at most %d bits",
			buf, (unsigned long long)n, GATEWAY_POOL6_BITS_MAX);
	if (v->mtu < GATEWAY_MTU6_MIN)
		return load_fail(l, "is of IPv6, which needs an mtu of %d", GATEWAY_MTU6_MIN);
	return 0;
}

static int check_family(struct load *l, size_t i, uint64_t n)
{
	const struct gateway_vnet *v = &l->config->vnets[i];
	const struct prefix *pool6 = NULL;
	int r = n ? 0 : load_fail(l, "must have one of IPv4");

	for (size_t k = 0; k < v->n_pools && !r; k++) {
		load_at(l, "vnets[%zu].pools[%zu]", i, k);
		if (v->pools[k].family == AF_INET)
			continue;
		r = pool6 ? load_fail(l, "is the second of IPv6; there can be one")
			  : check_pool6(l, v, &v->pools[k], n);
		pool6 = &v->pools[k];
	}
	return r;
}

static int check_pool_against(struct load *l, const struct prefix *pool,
			      const struct gateway_vnet *other)
{
	for (size_t k = 0; k < other->n_pools; k++)
		if (prefix_overlaps(pool, &other->pools[k]))
			return fail_overlap(l, pool, &other->pools[k], "a pool", other->name);
	return 0;
}

static int check_pools(struct load *l, size_t i)
{
	const struct gateway_vnet *v = &l->config->vnets[i];
	uint64_t size = 0;
	int r = 0;

	for (size_t k = 0; k < v->n_pools && !r; k++) {
		load_at(l, "vnets[%zu].pools[%zu]", i, k);
		if (v->pools[k].family == AF_INET)
			size += prefix_size4(&v->pools[k]);
		r = check_pool(l, v, &v->pools[k]);
		for (size_t j = 0; j < i && !r; j++)
			if (same_netns(v, &l->config->vnets[j]))
				r = check_pool_against(l, &v->pools[k], &l->config->vnets[j]);
	}
	load_at(l, "vnets[%zu].pools", i);
	if (!r && size > POOL_MAX)
		r = load_fail(l, "hold %llu addresses; %d are allowed", (unsigned long long)size,
			      POOL_MAX);
	return r ? r : check_family(l, i, size);
}

static int check_names(struct load *l, size_t i)
{
	const struct gateway_vnet *v = &l->config->vnets[i];

	for (size_t j = 0; j < i; j++) {
		const struct gateway_vnet *other = &l->config->vnets[j];

		load_at(l, "vnets[%zu].name", i);
		if (!strcmp(v->name, other->name))
			return load_fail(l, "'%s' is there twice", v->name);
		load_at(l, "vnets[%zu].tun", i);
		if (same_netns(v, other) && !strcmp(v->tun, other->tun))
			return load_fail(l, "'%s' is the device of VNet '%s' already", v->tun,
					 other->name);
	}
	return 0;
}

int load_vnets(struct load *l)
{
	size_t n = l->raw->vnets_count;
	int r = 0;

	l->config->vnets = calloc(n, sizeof(*l->config->vnets));
	if (!l->config->vnets)
		return load_no_memory(l);
	l->config->n_vnets = n;
	for (size_t i = 0; i < n && !r; i++) {
		r = load_vnet(l, i);
		if (!r)
			r = check_names(l, i);
		if (!r)
			r = check_pools(l, i);
	}
	return r;
}

int load_vnet_named(struct load *l, const char *name, size_t *ret_index)
{
	char buf[QUOTED_MAX];

	for (size_t i = 0; i < l->config->n_vnets; i++) {
		if (!strcmp(l->config->vnets[i].name, name)) {
			*ret_index = i;
			return 0;
		}
	}
	return load_fail(l, "names '%s', which is none of the vnets",
			 log_escape(buf, sizeof(buf), name, strlen(name)));
}

void vnet_done(struct gateway_vnet *v)
{
	free(v->name);
	free(v->address_spaces);
	free(v->pools);
	free(v->tun);
	free(v->netns);
	while (v->n_domains)
		free(v->domains[--v->n_domains]);
}
