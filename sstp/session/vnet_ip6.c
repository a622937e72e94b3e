/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_ip6.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/session/vnet_internal.h"

/* The gateway's end of every tunnel (ip6cp.h): fe80::2. */
static const uint8_t gateway_id[ND_ID_SIZE] = {[ND_ID_SIZE - 1] = 2};

static uint64_t first_half(const uint8_t *address)
{
	uint64_t half;

	memcpy(&half, address, sizeof(half));
	return be64toh(half);
}

bool vnet_ip6_is_there(const struct vnet *v)
{
	return v->pool6.family == AF_INET6;
}

void vnet_ip6_prefix(const struct vnet *v, uint32_t index, uint8_t ret_prefix[ND_PREFIX_SIZE])
{
	uint64_t half = vnet_ip6_is_there(v) ? htobe64(first_half(v->pool6.addr) + index) : 0;

	memcpy(ret_prefix, &half, sizeof(half));
}

int vnet_ip6_index(const struct vnet *v, const uint8_t address[ND_ADDRESS_SIZE])
{
	uint64_t index = first_half(address) - first_half(v->pool6.addr);

	if (!vnet_ip6_is_there(v) || index >= pool_indexes(v->pool))
		return -ENOENT;
	return (int)index;
}

bool vnet_ip6_is_local(const struct ip6_info *ip)
{
	static const uint8_t unspecified[ND_ADDRESS_SIZE];

	return (ip->src[0] == 0xfe && (ip->src[1] & 0xc0) == 0x80) ||
	       memcmp(ip->src, unspecified, sizeof(unspecified)) == 0;
}

void vnet_ip6_set(struct vnet *v, const struct vnet_params *params)
{
	struct nd_advert *a = &v->advert;

	pthread_mutex_lock(&v->lock);
	a->mtu = v->mtu;
	a->n_dns = params->ndns6;
	memcpy(a->id, gateway_id, sizeof(a->id));
	memcpy(a->dns, params->dns6, sizeof(a->dns));
	pthread_mutex_unlock(&v->lock);
}

/* Too many are as if they were not there: the client's own routes may still lead here. */
void vnet_ip6_set_routes(struct vnet *v, const struct prefix *routes, size_t n)
{
	struct nd_advert *a = &v->advert;

	if (n > ND_ROUTES_MAX)
		n = ND_ROUTES_MAX;
	pthread_mutex_lock(&v->lock);
	a->n_routes = n;
	a->is_default = false;
	for (size_t i = 0; i < n; i++) {
		a->routes[i] = routes[i];
		a->is_default |= routes[i].len == 0;
	}
	pthread_mutex_unlock(&v->lock);
}

void vnet_ip6_advert(struct vnet *v, uint32_t index, struct nd_advert *ret_advert)
{
	pthread_mutex_lock(&v->lock);
	*ret_advert = v->advert;
	pthread_mutex_unlock(&v->lock);
	vnet_ip6_prefix(v, index, ret_advert->prefix);
}
