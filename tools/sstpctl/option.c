/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 64
};

static const char prefix[] = "SSTPCTL_";

static const struct option_info table[OPTION_COUNT] = {
	/* clang-format off */
	[OPTION_SUBSCRIPTION] = {"subscription", 0, "NAME", NULL, "SUBSCRIPTION", true,
		"which subscription (default \"default\"; a name that is nowhere else needs none)"},
	[OPTION_RESOURCE_GROUP] = {"resource-group", 'g', "NAME", NULL, NULL, true,
		"which resource group (likewise)"},
	[OPTION_APP] = {"app", 0, "NAME", NULL, "APP", false, "which app"},
	[OPTION_VNET] = {"vnet", 0, "NAME", NULL, "VNET", false, "which virtual network"},
	[OPTION_PLAN] = {"plan", 0, "NAME", NULL, "PLAN", false,
		"which App Service plan: its name or its id"},
	[OPTION_NAME] = {"name", 0, "NAME", NULL, NULL, false, "what it is to be called, or is called"},
	[OPTION_LOCATION] = {"location", 0, "TEXT", NULL, NULL, false, "where it is: any text"},
	[OPTION_TIER] = {"tier", 0, "TIER", "Free Shared Basic Standard Premium PremiumV2 PremiumV3",
		NULL, false, "pricing tier, from Basic on with VNet integration"},
	[OPTION_PLATFORM] = {"platform", 0, "NAME", "windows linux", NULL, false,
		"what its apps run on: windows (default) or linux"},
	[OPTION_AUTO_SYNC] = {"auto-sync", 0, "on|off", "on off", NULL, false,
		"whether changed networks are synced by themselves (default on)"},
	[OPTION_CONTAINER] = {"container", 0, "on|off", "on off", NULL, false,
		"whether the app is a container (default off)"},
	[OPTION_DEFAULT_ROUTES] = {"default-routes", 0, "on|off", "on off", NULL, false,
		"whether all of RFC 1918 goes to the VNet as well (default off)"},
	[OPTION_ADDRESS_SPACES] = {"address-spaces", 0, "CIDR,...", NULL, NULL, false,
		"what lies behind the gateway"},
	[OPTION_DNS] = {"dns", 0, "ADDRESS,...", NULL, NULL, false,
		"name servers, at most eight, of which PPP tells two; \"\": none"},
	[OPTION_SEARCH_DOMAINS] = {"search-domains", 0, "DOMAIN,...", NULL, NULL, false,
		"where short names are looked for, at most six; \"\": none"},
	[OPTION_NETWORK_NAMESPACE] = {"network-namespace", 0, "NAME", NULL, NULL, false,
		"where the VNet's TUN device is; \"\": in the gateway's own"},
	[OPTION_TYPE] = {"type", 0, "TYPE", "Vpn ExpressRoute", NULL, false, "of the gateway (default Vpn)"},
	[OPTION_VPN_TYPE] = {"vpn-type", 0, "TYPE", "RouteBased PolicyBased", NULL, false,
		"of the gateway (default RouteBased)"},
	[OPTION_SKU] = {"sku", 0, "SKU", "Basic VpnGw1 VpnGw2 VpnGw3 VpnGw4 VpnGw5 VpnGw1AZ VpnGw2AZ"
		" VpnGw3AZ VpnGw4AZ VpnGw5AZ Standard HighPerformance", NULL, false,
		"of the gateway (default VpnGw1)"},
	[OPTION_POOLS] = {"pools", 0, "CIDR,...", NULL, NULL, false,
		"addresses for apps, within RFC 1918"},
	[OPTION_PROTOCOLS] = {"protocols", 0, "NAME,...", "SSTP IkeV2 OpenVPN", NULL, false,
		"that clients may speak (default SSTP)"},
	[OPTION_CUSTOM_ROUTES] = {"custom-routes", 0, "CIDR,...", NULL, NULL, false,
		"what clients are told to send as well"},
	[OPTION_ON_PREMISES] = {"on-premises", 0, "CIDR,...", NULL, NULL, false,
		"what lies at the other end of its site-to-site tunnels"},
	[OPTION_BGP] = {"bgp", 0, "on|off", "on off", NULL, false,
		"whether a BGP daemon announces and learns for the VNet (default off)"},
	[OPTION_ASN] = {"asn", 0, "NUMBER", NULL, NULL, false, "its autonomous system (default 65515)"},
	[OPTION_KERNEL_TABLE] = {"kernel-table", 0, "NUMBER", NULL, NULL, false,
		"the route table with what is learned (default 254, main)"},
	[OPTION_ANNOUNCE_TABLE] = {"announce-table", 0, "NUMBER", NULL, NULL, false,
		"the one with what is announced (default 0: one of its own)"},
	[OPTION_PROPAGATE_BGP] = {"propagate-bgp", 0, "on|off", "on off", NULL, false,
		"whether clients reach what is learned (default off)"},
	[OPTION_BGP_FILTERS] = {"bgp-filters", 0, "FILTER,...", NULL, NULL, false,
		"of that: \"deny 10.9.0.0/16 le 32,permit 10.0.0.0/8 ge 16 le 24\"; \"\": none"},
	[OPTION_ADVERTISE_HOST_ROUTES] = {"advertise-host-routes", 0, "on|off", "on off", NULL, false,
		"whether each session's address is announced as well (default off)"},
	[OPTION_PROPAGATE_PEERINGS] = {"propagate-peerings", 0, "on|off", "on off", NULL, false,
		"whether apps are told of peered VNets that are open to them (default off)"},
	[OPTION_REMOTE_VNET] = {"remote-vnet", 0, "VNET", NULL, "VNET", false,
		"the other side: its name or its id; it need not be there yet"},
	[OPTION_ALLOW_VNET_ACCESS] = {"allow-vnet-access", 0, "on|off", "on off", NULL, false,
		"whether the two VNets reach each other (default on)"},
	[OPTION_ALLOW_FORWARDED_TRAFFIC] = {"allow-forwarded-traffic", 0, "on|off", "on off", NULL, false,
		"whether what comes from elsewhere may cross: apps do (default off)"},
	[OPTION_ALLOW_GATEWAY_TRANSIT] = {"allow-gateway-transit", 0, "on|off", "on off", NULL, false,
		"whether the other side may use this one's gateway (default off)"},
	[OPTION_USE_REMOTE_GATEWAYS] = {"use-remote-gateways", 0, "on|off", "on off", NULL, false,
		"whether this side uses the other one's gateway (default off)"},
	[OPTION_PREFIX] = {"prefix", 0, "CIDR", NULL, NULL, false, "what is routed, as a prefix"},
	[OPTION_START] = {"start", 0, "ADDRESS", NULL, NULL, false, "or the first address of a range"},
	[OPTION_END] = {"end", 0, "ADDRESS", NULL, NULL, false, "and the last one"},
	[OPTION_IF_MATCH] = {"if-match", 0, "ETAG", NULL, NULL, false,
		"only when it is still this version of it (\"etag\" in JSON)"},
	[OPTION_RESTART] = {"restart", 0, NULL, NULL, NULL, false,
		"also ends the sessions, so that apps are told to start again"},
	[OPTION_GATEWAY] = {"gateway", 0, "HOST[:PORT]", NULL, NULL, false,
		"what the worker dials (default: the first of the names)"},
	[OPTION_LIFETIME] = {"lifetime", 0, "TIME", "15m 1h 1d 7d", NULL, false,
		"how long it can be used: 90s, 15m, 1h (default), 7d"},
	[OPTION_FOREIGN] = {"foreign", 0, NULL, NULL, NULL, false,
		"also one that this gateway did not issue"},
	[OPTION_ALL] = {"all", 0, NULL, NULL, NULL, false, "every one there is"},
	[OPTION_ENDED] = {"ended", 0, NULL, NULL, NULL, false, "also those that have ended"},
	[OPTION_FROM] = {"from", 0, "DATE", NULL, NULL, false, "the first day: 2026-11-01 (UTC)"},
	[OPTION_TO] = {"to", 0, "DATE", NULL, NULL, false, "the last day (UTC)"},
	[OPTION_BY] = {"by", 0, "WHAT", "connection app plan vnet", NULL, false,
		"what is summed up: connection (default), app, plan or vnet"},
	[OPTION_PER] = {"per", 0, "WHAT", "day all", NULL, false, "day (default), or all of the days in one"},
	[OPTION_LIMIT] = {"limit", 0, "NUMBER", NULL, NULL, false,
		"how many: of ended sessions (default 1000), of routes (default 10000)"},
	[OPTION_KEEP] = {"keep", 0, "NUMBER", NULL, NULL, false,
		"of all copies the newest stay, so many of them (default: all)"},
	[OPTION_NEIGHBOR] = {"neighbor", 0, "ADDRESS", NULL, NULL, false,
		"whom BIRD is to speak BGP with"},
	[OPTION_AS] = {"as", 0, "NUMBER", NULL, NULL, false, "the neighbour's AS number"},
	[OPTION_PEER] = {"peer", 0, "ADDRESS", NULL, NULL, false, "only what this neighbour is told"},
	[OPTION_SOURCE] = {"source", 0, "SOURCE",
		"INHERITED STATIC CUSTOM ON_PREMISES BGP PEERED TWO_HOPS DEFAULT", NULL, false,
		"only what comes from there"},
	[OPTION_FROM_VNET] = {"from-vnet", 0, "NAME", NULL, "VNET", false,
		"as a client of this virtual network, instead of an app"},
	[OPTION_ONCE] = {"once", 0, NULL, NULL, NULL, false, "shows it once, and ends"},
	[OPTION_ROWS] = {"rows", 'n', "NUMBER", NULL, NULL, false, "how many sessions are shown"},
	[OPTION_PROBE] = {"probe", 0, "HOST[:PORT]", NULL, NULL, false,
			  "any SSTP server instead, as a Windows client sees it: sstp-probe(1)"},
	[OPTION_FILE] = {"file", 'f', "FILE", NULL, "FILE", false,
		"the site, YAML or JSON; - is standard input"},
	[OPTION_DRY_RUN] = {"dry-run", 0, NULL, NULL, NULL, false, "prints the difference, changes nothing"},
	[OPTION_PRUNE] = {"prune", 0, NULL, NULL, NULL, false, "removes what the site does not name"},
	[OPTION_SOCKET] = {"socket", 0, "PATH", NULL, "FILE", true,
		"the gateway's control_socket (default " SSTPCTL_SOCKET ")"},
	[OPTION_SERVER] = {"server", 0, "URL", NULL, NULL, true,
		"the gateway's API over TCP instead: https://HOST:PORT"},
	[OPTION_TOKEN_FILE] = {"token-file", 0, "FILE", NULL, "FILE", true,
		"a file with the bearer token for --server"},
	[OPTION_CERT] = {"cert", 0, "FILE", NULL, "FILE", true, "or a client certificate, PEM"},
	[OPTION_KEY] = {"key", 0, "FILE", NULL, "FILE", true, "and its key"},
	[OPTION_CACERT] = {"cacert", 0, "FILE", NULL, "FILE", true,
		"whom --server's certificate is to be from (default: the system's CAs)"},
	[OPTION_OUTPUT] = {"output", 'o', "FORMAT", "table json yaml csv", NULL, false,
		"table (default), json, yaml; lists also csv"},
	[OPTION_JSON] = {"json", 0, NULL, NULL, NULL, false, "the same as -o json"},
	[OPTION_HELP] = {"help", 'h', NULL, NULL, NULL, false,
		"prints help, on the noun or verb that is given, and ends"},
	[OPTION_VERSION] = {"version", 'V', NULL, NULL, NULL, false, "prints the version and ends"},
	/* clang-format on */
};

const struct option_info *option_info(enum option_id option)
{
	return &table[option];
}

enum option_id option_find(const char *name, size_t len)
{
	size_t i = 0;

	while (i < OPTION_COUNT &&
	       (strncmp(table[i].name, name, len) != 0 || table[i].name[len] != '\0'))
		i++;
	return (enum option_id)i;
}

bool option_is_among(enum option_id option, const char *list, bool *ret_is_needed)
{
	while (*list) {
		size_t len = strcspn(list, " !");
		bool is_needed = list[len] == '!';

		if (option_find(list, len) == option) {
			if (ret_is_needed)
				*ret_is_needed = is_needed;
			return true;
		}
		list += len + is_needed;
		list += strspn(list, " ");
	}
	return false;
}

const char *option_from_environment(enum option_id option)
{
	char name[NAME_MAX_BYTES];
	int len = snprintf(name, sizeof(name), "%s%s", prefix, table[option].name);
	const char *value;

	if (!table[option].is_in_environment || len < 0 || (size_t)len >= sizeof(name))
		return NULL;
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	value = getenv(name);
	return value && *value ? value : NULL;
}
