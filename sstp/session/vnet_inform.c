/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_inform.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/aggregate.h"
#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/session/dhcp.h"
#include "sstp/session/site.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_ip6.h"
#include "sstp/session/vnet_queue.h"

/* ---- the control thread */

/* Returns owned, in order and as few as can be, IPv4 first; NULL without memory. */
static struct prefix *list_routes(const struct vnet_policy *policy, size_t *ret_n)
{
	size_t n = policy->naddress_spaces, kept = 0;
	const struct reach_route *routes = NULL;
	struct prefix *list;

	if (policy->reach)
		routes = reach_routes(policy->reach, &n);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!policy->reach)
			list[kept++] = policy->address_spaces[i];
		else if (routes[i].verdict == REACH_VNET || routes[i].verdict == REACH_OPEN)
			list[kept++] = routes[i].prefix;
	*ret_n = aggregate_minimal(list, aggregate_sort(list, kept));
	return list;
}

void vnet_inform_set_routes(struct vnet *v, const struct vnet_policy *policy)
{
	size_t n = 0, n_ipv4 = 0;
	struct prefix *list = list_routes(policy, &n), *shorter, *old;

	if (!list) {
		log_error("vnet %s: no memory for what its clients are told", v->name);
		return;
	}
	while (n_ipv4 < n && list[n_ipv4].family == AF_INET)
		n_ipv4++;
	vnet_ip6_set_routes(v, list + n_ipv4, n - n_ipv4);
	if (n_ipv4 > VNET_INFORM_ROUTES_MAX)
		n_ipv4 = VNET_INFORM_ROUTES_MAX;
	shorter = realloc(list, (n_ipv4 + 1) * sizeof(*list));
	pthread_mutex_lock(&v->lock);
	old = v->inform.routes;
	v->inform.routes = shorter ? shorter : list;
	v->inform.n_routes = n_ipv4;
	pthread_mutex_unlock(&v->lock);
	free(old);
}

void vnet_inform_set_domains(struct vnet *v, const char *const *domains, size_t n)
{
	struct vnet_inform *i = &v->inform;

	pthread_mutex_lock(&v->lock);
	while (i->n_domains)
		free(i->domains[--i->n_domains]);
	for (size_t k = 0; k < n && i->n_domains < VNET_DOMAINS_MAX; k++) {
		i->domains[i->n_domains] = strdup(domains[k]);
		i->n_domains += i->domains[i->n_domains] != NULL;
	}
	pthread_mutex_unlock(&v->lock);
}

void vnet_inform_done(struct vnet_inform *i)
{
	free(i->routes);
	while (i->n_domains)
		free(i->domains[--i->n_domains]);
}

/* ---- a data thread */

static void set_dns(struct dhcp_offer *offer, const uint32_t dns_be[2])
{
	offer->dns_be = dns_be;
	offer->n_dns = !dns_be[0] ? 0 : !dns_be[1] ? 1 : 2;
}

/* terms: of the app's connection; NULL: it is nobody's. */
static int answer(struct vnet *v, const struct vnet_lease *lease, const struct session *s,
		  const struct connection_terms *terms, const uint8_t *pkt, size_t len,
		  uint8_t packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer)
{
	struct dhcp_offer offer = {
		.server_be = v->gateway_be,
		.client_be = lease->address_be,
		.max = session_packet_max(s, v->mtu),
	};
	int r;

	pthread_mutex_lock(&v->lock);
	offer.domains = (const char *const *)v->inform.domains;
	offer.n_domains = v->inform.n_domains;
	offer.routes = terms ? terms->routes : v->inform.routes;
	offer.n_routes = terms ? terms->n_routes : v->inform.n_routes;
	set_dns(&offer, terms ? terms->dns_be : v->dns_be);
	r = dhcp_answer(&offer, pkt, len, packet, ret_answer);
	pthread_mutex_unlock(&v->lock);
	return r;
}

/* Once a session: not every client reads them. */
static void remark(const struct vnet_lease *lease, struct session *s, const struct dhcp_answer *a)
{
	if (lease->holder->is_remarked || (!a->is_split && !a->lacks_routes))
		return;
	lease->holder->is_remarked = true;
	session_log(
		s, a->lacks_routes ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		a->lacks_routes
			? "it asks for routes by DHCP: they do not fit in one answer, and it gets "
			  "none"
			: "it asks for routes by DHCP: they are longer than an option, and split");
}

/* A client that asks again and again is answered once a second; in between nobody even looks at what it says. */
static bool may_ask(const struct vnet_holder *h, uint64_t now)
{
	return !h->informed_at || now >= h->informed_at + CLOCK_NS_PER_S;
}

bool vnet_inform(struct vnet *v, const struct vnet_lease *lease, struct session *s,
		 const uint8_t *pkt, const struct ip_info *ip, uint64_t now)
{
	static const struct virtio_net_hdr plain;
	struct connection_terms *terms = NULL;
	uint8_t packet[DHCP_PACKET_MAX];
	struct dhcp_answer a;
	int r;

	if (ip->protocol != IPPROTO_UDP || ip->src_be != lease->address_be ||
	    (ip->dst_be != INADDR_BROADCAST && ip->dst_be != v->gateway_be) ||
	    session_is_worker(s) || !may_ask(lease->holder, now))
		return false;
	if (lease->connection)
		terms = connection_terms(lease->connection);
	r = answer(v, lease, s, terms, pkt, ip->total_len, packet, &a);
	connection_terms_unref(terms);
	if (r < 0)
		return false;
	lease->holder->informed_at = now;
	session_send(s, &plain, packet, a.len, v->mtu);
	remark(lease, s, &a);
	return true;
}
