/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sstp/gateway/config.h"

static bool same_text(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a, b);
}

static bool same_listen(const struct gateway_config *a, const struct gateway_config *b)
{
	if (a->n_listen != b->n_listen)
		return false;
	for (size_t i = 0; i < a->n_listen; i++)
		if (strcmp(a->listen[i], b->listen[i]))
			return false;
	return true;
}

/* In order: an address's place among the pools is its index in the packet path. */
static bool same_pools(const struct gateway_vnet *a, const struct gateway_vnet *b)
{
	if (a->n_pools != b->n_pools)
		return false;
	for (size_t i = 0; i < a->n_pools; i++)
		if (!prefix_equal(&a->pools[i], &b->pools[i]))
			return false;
	return true;
}

static const struct gateway_vnet *find_vnet(const struct gateway_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_vnets; i++)
		if (!strcmp(config->vnets[i].name, name))
			return &config->vnets[i];
	return NULL;
}

/* The key of a VNet that changed and cannot change while it runs, or NULL. */
static const char *fixed_key_changed(const struct gateway_vnet *a, const struct gateway_vnet *b)
{
	if (!same_text(a->tun, b->tun))
		return "tun";
	if (!same_text(a->netns, b->netns))
		return "netns";
	if (!same_pools(a, b))
		return "pools";
	if (a->gateway_be != b->gateway_be)
		return "gateway_address";
	if (a->mtu != b->mtu)
		return "mtu";
	return NULL;
}

const char *gateway_config_needs_restart(const struct gateway_config *old_config,
					 const struct gateway_config *new_config,
					 char buf[CONF_ERROR_MAX])
{
	const char *offload = conf_offload_difference(old_config->offload, new_config->offload);

	if (!same_listen(old_config, new_config))
		return "'listen' has changed";
	if (old_config->threads != new_config->threads)
		return "'threads' has changed";
	if (offload) {
		snprintf(buf, CONF_ERROR_MAX, "'offload.%s' has changed", offload);
		return buf;
	}
	if (old_config->has_control != new_config->has_control)
		return "whether there is a control process ('names' or 'state') has changed";
	if (old_config->n_certificates && !new_config->n_certificates)
		return "'certificate' has been removed";
	if (strcmp(old_config->state, new_config->state))
		return "'state' has changed";
	if (strcmp(old_config->control_socket, new_config->control_socket))
		return "'control_socket' has changed";
	if (strcmp(old_config->bird_socket, new_config->bird_socket))
		return "'bird_socket' has changed";
	for (size_t i = 0; i < old_config->n_vnets; i++) {
		const struct gateway_vnet *old_vnet = &old_config->vnets[i];
		const struct gateway_vnet *new_vnet = find_vnet(new_config, old_vnet->name);
		const char *key = new_vnet ? fixed_key_changed(old_vnet, new_vnet) : NULL;

		if (new_vnet && !key)
			continue;
		if (key)
			snprintf(buf, CONF_ERROR_MAX, "'%s' of VNet '%s' has changed", key,
				 old_vnet->name);
		else
			snprintf(buf, CONF_ERROR_MAX, "VNet '%s' has been removed", old_vnet->name);
		return buf;
	}
	return NULL;
}
