/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_OPTION_H
#define TOOLS_SSTPCTL_OPTION_H
/*
 * Every option that some verb takes: one table, out of which come the command line, help and
 * completion. Lists are written with commas; an option is given once.
 */
#include <stdbool.h>
#include <stddef.h>

enum option_id {
	OPTION_SUBSCRIPTION,
	OPTION_RESOURCE_GROUP,
	OPTION_APP,
	OPTION_VNET,
	OPTION_PLAN,
	OPTION_NAME,
	OPTION_LOCATION,
	OPTION_TIER,
	OPTION_PLATFORM,
	OPTION_AUTO_SYNC,
	OPTION_CONTAINER,
	OPTION_DEFAULT_ROUTES,
	OPTION_ADDRESS_SPACES,
	OPTION_DNS,
	OPTION_SEARCH_DOMAINS,
	OPTION_NETWORK_NAMESPACE,
	OPTION_TYPE,
	OPTION_VPN_TYPE,
	OPTION_SKU,
	OPTION_POOLS,
	OPTION_PROTOCOLS,
	OPTION_CUSTOM_ROUTES,
	OPTION_ON_PREMISES,
	OPTION_BGP,
	OPTION_ASN,
	OPTION_KERNEL_TABLE,
	OPTION_ANNOUNCE_TABLE,
	OPTION_PROPAGATE_BGP,
	OPTION_BGP_FILTERS,
	OPTION_ADVERTISE_HOST_ROUTES,
	OPTION_PROPAGATE_PEERINGS,
	OPTION_REMOTE_VNET,
	OPTION_ALLOW_VNET_ACCESS,
	OPTION_ALLOW_FORWARDED_TRAFFIC,
	OPTION_ALLOW_GATEWAY_TRANSIT,
	OPTION_USE_REMOTE_GATEWAYS,
	OPTION_PREFIX,
	OPTION_START,
	OPTION_END,
	OPTION_IF_MATCH,
	OPTION_RESTART,
	OPTION_GATEWAY,
	OPTION_LIFETIME,
	OPTION_FOREIGN,
	OPTION_ALL,
	OPTION_ENDED,
	OPTION_FROM,
	OPTION_TO,
	OPTION_BY,
	OPTION_PER,
	OPTION_LIMIT,
	OPTION_KEEP,
	OPTION_SOURCE,
	OPTION_NEIGHBOR,
	OPTION_AS,
	OPTION_PEER,
	OPTION_FROM_VNET,
	OPTION_ONCE,
	OPTION_ROWS,
	OPTION_PROBE,
	OPTION_FILE,
	OPTION_DRY_RUN,
	OPTION_PRUNE,
	OPTION_SOCKET, /* from here on every verb takes them */
	OPTION_SERVER,
	OPTION_TOKEN_FILE,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_CACERT,
	OPTION_OUTPUT,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
	OPTION_COMMON = OPTION_SOCKET,
};

struct option_info {
	const char *name;
	char letter;		/* of its short form; 0: none */
	const char *value;	/* what stands for it in help; NULL: a switch */
	const char *words;	/* what it is likely to be, with blanks between; NULL: anything */
	const char *names;	/* it names one of these: "APP"; "FILE": of a file; NULL: neither */
	bool is_in_environment; /* SSTPCTL_NAME stands in for it */
	const char *help;
};

/* Returns borrowed. */
const struct option_info *option_info(enum option_id option);

/* OPTION_COUNT: there is none of this name, which need not end behind len bytes. */
enum option_id option_find(const char *name, size_t len);

/*
 * Whether a verb's list, "tier! location", has the option. ret_is_needed (NULL: of no interest): it
 * has to be given.
 */
bool option_is_among(enum option_id option, const char *list, bool *ret_is_needed);

/* What the environment says; NULL: nothing. Returns borrowed. */
const char *option_from_environment(enum option_id option);

#endif
