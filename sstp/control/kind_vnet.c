/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/field_check.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

enum {
	SPACES_MAX = 1024,
	DNS_MAX = 8, /* MSG_SERVERS_MAX; of which PPP carries two */
	DOMAINS_MAX = 6,
	NAMESPACE_MAX = 64,
};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"location", RESOURCE_TEXT, "location", "\"\"", 64, NULL, NULL},
	{"properties.addressSpace.addressPrefixes",
	             RESOURCE_TEXTS, "spaces", NULL, SPACES_MAX, NULL, field_check_prefix},
	{"properties.dhcpOptions.dnsServers",
	             RESOURCE_TEXTS, "dns", "[]", DNS_MAX, NULL, field_check_address},
	{"properties.dhcpOptions.searchDomains",
	             RESOURCE_TEXTS, "search_domains", "[]", DOMAINS_MAX, NULL, field_check_domain},
	{"properties.attach.networkNamespace",
	             RESOURCE_TEXT, "netns", "\"\"", NAMESPACE_MAX, NULL, field_check_netns},
	{.path = "properties.source", .type = RESOURCE_READ_ONLY},
	{.path = "properties.device", .type = RESOURCE_READ_ONLY},
	{.path = "properties.apps",   .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

#define FROM " FROM vnet_json WHERE subscription = :subscription"

const char kind_vnet_list[] = "SELECT json" FROM " AND resource_group = :group ORDER BY name";
const char kind_vnet_list_all[] = "SELECT json" FROM " ORDER BY name";

const struct resource_kind kind_vnet = {
	.name = "vnet",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.view = "CREATE TEMP VIEW vnet_json AS SELECT subscription, resource_group, name, version,"
		" json_object('id', '/subscriptions/' || subscription || '/resourceGroups/' ||"
		"  resource_group || '/providers/Microsoft.Network/virtualNetworks/' || name,"
		"  'name', name, 'type', 'Microsoft.Network/virtualNetworks', 'etag', " SQL_ETAG ","
		"  'location', location, 'properties', json_object("
		"   'addressSpace', json_object('addressPrefixes', json(spaces)),"
		"   'dhcpOptions', json_object('dnsServers', json(dns),"
		"    'searchDomains', json(search_domains)),"
		"   'attach', json_object('networkNamespace', nullif(attach_netns, '')),"
		"   'source', source,"
		"   'device', device, 'apps', (SELECT json_group_array(app) FROM (SELECT a.name AS"
		"    app FROM connection c JOIN app a ON a.id = c.app_id WHERE c.vnet_id = vnet.id"
		"    ORDER BY a.name)))) AS json FROM vnet",
	.get = "SELECT json, version" FROM " AND resource_group = :group AND name = :vnet",
	.insert = "INSERT INTO vnet (subscription, resource_group, name)"
		  " VALUES (:subscription, :group, :vnet)",
	/* 100 and above: a configuration's own devices are called sstp0 and so on */
	.update = "UPDATE vnet SET location = :body ->> 'location', source = 'api', spaces = :body "
		  "-> 'spaces',"
		  " dns = :body -> 'dns', search_domains = :body -> 'search_domains',"
		  " attach_netns = :body ->> 'netns', device = coalesce(device, 'sstp' || (100 + "
		  "id)),"
		  " version = :revision WHERE " SQL_VNET,
	.remove = "DELETE FROM vnet WHERE " SQL_VNET,
	.touch = "INSERT INTO touched SELECT app_id FROM connection WHERE vnet_id = " SQL_VNET_ID,
	.missing = "There is no such virtual network.",
	.taken = "A virtual network of this name is there already, in another resource group or "
		 "subscription: names of virtual networks are unique over the gateway.",
	.before_write = rules_vnet_before_write,
	.before_remove = rules_vnet_before_remove,
	.after_write = rules_vnet_after_write,
	.after_all = rules_vnet_after_all,
};
