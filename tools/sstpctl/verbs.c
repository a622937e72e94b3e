/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/verbs.h"

#include "tools/sstpctl/nouns.h"

#define PLACE	"subscription resource-group"
#define TAG	" if-match " PLACE
#define GATEWAY "{/VNET}/virtualNetworkGateways/{NAME=primary}"
#define PEERING "{/VNET}/virtualNetworkPeerings/{PEERING}"
#define NETWORK "{/PLAN}/virtualNetworkConnections/{VNET}"
#define ROUTE	NETWORK "/routes/{ROUTE}"
#define LINK	"{/APP}/virtualNetworkConnections/{VNET}"

#define GATEWAY_OPTIONS                                                                       \
	"name type vpn-type sku pools protocols custom-routes on-premises propagate-peerings" \
	" bgp asn kernel-table announce-table propagate-bgp bgp-filters advertise-host-routes"
#define PEERING_FLAGS \
	"allow-vnet-access allow-forwarded-traffic allow-gateway-transit use-remote-gateways"

#define DONE(text) (&(const struct view){.shape = VIEW_SENTENCE, .sentence = (text)})

static const struct verb verbs[] = {
	/* clang-format off */
	{"plan", "list", "", PLACE, "Shows the App Service plans.",
		"GET", "*Microsoft.Web/serverfarms", NULL, &plan_list_view, NULL},
	{"plan", "show", "PLAN", PLACE, "Shows a plan, and each VNet that its apps connect to.",
		"GET", "{/PLAN}", NULL, &plan_view, plan_show},
	{"plan", "create", "PLAN", "tier! platform auto-sync location " PLACE, "Makes a plan.",
		"PUT", "{+PLAN}", plan_body, DONE("plan {PLAN} is created"), NULL},
	{"plan", "set", "PLAN", "tier platform auto-sync location" TAG, "Changes what is said of a plan.",
		"PATCH", "{/PLAN}", plan_body, DONE("plan {PLAN} is changed"), NULL},
	{"plan", "delete", "PLAN", TAG, "Removes a plan without apps.",
		"DELETE", "{/PLAN}", NULL, DONE("plan {PLAN} is deleted"), NULL},
	{"plan", "sync", "PLAN [VNET]", "restart " PLACE,
		"Gives apps the certificates, DNS servers and routes of now, of one VNet or of all.",
		"POST", NETWORK "/sync", NULL, &plan_synced_view, plan_sync},

	{"app", "list", "", PLACE, "Shows the apps.",
		"GET", "*Microsoft.Web/sites", NULL, &app_list_view, NULL},
	{"app", "show", "APP", PLACE, "Shows an app, and the VNet that it is connected to.",
		"GET", "{/APP}", NULL, &app_view, app_show},
	{"app", "create", "APP", "plan! container default-routes location " PLACE, "Makes an app.",
		"PUT", "{+APP}", app_body, DONE("app {APP} is created"), NULL},
	{"app", "set", "APP", "plan container default-routes location" TAG, "Changes what is said of an app.",
		"PATCH", "{/APP}", app_body, DONE("app {APP} is changed"), NULL},
	{"app", "delete", "APP", TAG, "Removes an app and its connection.",
		"DELETE", "{/APP}", NULL, DONE("app {APP} is deleted"), NULL},

	{"vnet", "list", "", PLACE, "Shows the virtual networks.",
		"GET", "*Microsoft.Network/virtualNetworks", NULL, &vnet_list_view, NULL},
	{"vnet", "show", "VNET", PLACE, "Shows a virtual network, its gateway and its peerings.",
		"GET", "{/VNET}", NULL, &vnet_view, vnet_show},
	{"vnet", "create", "VNET", "address-spaces! dns search-domains network-namespace location " PLACE, "Makes a virtual network.",
		"PUT", "{+VNET}", vnet_body, DONE("vnet {VNET} is created"), NULL},
	{"vnet", "set", "VNET", "address-spaces dns search-domains network-namespace location" TAG, "Changes what is said of a virtual network.",
		"PATCH", "{/VNET}", vnet_body, DONE("vnet {VNET} is changed"), NULL},
	{"vnet", "delete", "VNET", TAG, "Removes a virtual network that no app is connected to.",
		"DELETE", "{/VNET}", NULL, DONE("vnet {VNET} is deleted"), NULL},

	{"vnet", "routes", "VNET", "source limit " PLACE,
		"Shows what its clients may reach, by whose word, and why not.",
		"GET", "{/VNET}/effectiveRoutes?", NULL, &effective_view, NULL},

	{"gateway", "list", "[VNET]", PLACE, "Shows the gateways of one VNet or of all, and whether they are up.",
		"GET", "{/VNET}/virtualNetworkGateways", NULL, &gateway_list_view, gateway_list},
	{"gateway", "show", "VNET", "name " PLACE, "Shows a VNet's gateway (--name: default \"primary\").",
		"GET", GATEWAY, NULL, &gateway_view, NULL},
	{"gateway", "create", "VNET",
		GATEWAY_OPTIONS " " PLACE,
		"Makes a VNet's gateway.",
		"PUT", GATEWAY, gateway_body, DONE("gateway of vnet {VNET} is created"), NULL},
	{"gateway", "set", "VNET",
		GATEWAY_OPTIONS TAG,
		"Changes what is said of a VNet's gateway.",
		"PATCH", GATEWAY, gateway_body, DONE("gateway of vnet {VNET} is changed"), NULL},
	{"gateway", "delete", "VNET", "name" TAG, "Removes the gateway of a VNet that no app is connected to.",
		"DELETE", GATEWAY, NULL, DONE("gateway of vnet {VNET} is deleted"), NULL},

	{"peering", "list", "[VNET]", PLACE, "Shows the peerings of one VNet or of all, and how they stand.",
		"GET", "{/VNET}/virtualNetworkPeerings", NULL, &peering_list_view, peering_list},
	{"peering", "show", "VNET PEERING", PLACE, "Shows one side of a peering.",
		"GET", PEERING, NULL, &peering_view, NULL},
	{"peering", "create", "VNET PEERING", "remote-vnet! " PEERING_FLAGS " " PLACE,
		"Makes a VNet's side of a peering; it is connected once the other side is there too.",
		"PUT", PEERING, peering_body, DONE("peering {PEERING} of vnet {VNET} is created"), NULL},
	{"peering", "set", "VNET PEERING", PEERING_FLAGS TAG, "Changes what a side allows.",
		"PATCH", PEERING, peering_set_body, DONE("peering {PEERING} of vnet {VNET} is changed"), NULL},
	{"peering", "delete", "VNET PEERING", TAG, "Removes a side; the other one is disconnected.",
		"DELETE", PEERING, NULL, DONE("peering {PEERING} of vnet {VNET} is deleted"), NULL},

	{"bgp", "peers", "VNET", "name " PLACE, "Shows whom the gateway's routing daemon speaks BGP with.",
		"POST", GATEWAY "/getBgpPeerStatus", NULL, &bgp_peers_view, NULL},
	{"bgp", "learned", "VNET", "limit name " PLACE, "Shows what is learned from on-premises, and by whom.",
		"POST", GATEWAY "/getLearnedRoutes?", NULL, &bgp_routes_view, NULL},
	{"bgp", "advertised", "VNET", "peer limit name " PLACE, "Shows what neighbours are told.",
		"POST", GATEWAY "/getAdvertisedRoutes?", NULL, &bgp_routes_view, NULL},
	{"bgp", "config", "VNET", "neighbor as name " PLACE, "Prints a configuration of BIRD for the gateway.",
		"GET", GATEWAY "/bgpConfiguration?", NULL, &bgp_config_view, NULL},

	{"connection", "list", "", "plan vnet " PLACE, "Shows which apps are connected to which VNets.",
		"GET", "*Microsoft.Web/virtualNetworkConnections", NULL, &connection_list_view, connection_list},
	{"connection", "show", "APP [VNET]", PLACE, "Shows an app's connection, and what is routed there.",
		"GET", LINK, NULL, &connection_view, connection_show},
	{"connection", "routes", "APP [VNET]", "source limit " PLACE,
		"Shows what an app sends into the tunnel, by whose word, and what becomes of it.",
		"GET", LINK "/effectiveRoutes?", NULL, &effective_view, connection_routes},
	{"connection", "connect", "APP VNET", PLACE, "Connects an app to a VNet.",
		"PUT", LINK, (const struct body_field[]){{NULL, NULL, BODY_TEXT}},
		DONE("app {APP} is connected to vnet {VNET}"), NULL},
	{"connection", "disconnect", "APP [VNET]", TAG,
		"Takes an app out of its VNet: its tunnels, routes and name servers there go.",
		"DELETE", LINK, NULL, DONE("app {APP} is disconnected from vnet {VNET}"),
		connection_disconnect},

	{"route", "list", "PLAN [VNET]", PLACE, "Shows the routes of a plan, to one VNet or to all.",
		"GET", NETWORK "/routes", NULL, &route_list_view, route_list},
	{"route", "show", "PLAN VNET ROUTE", PLACE, "Shows a route.",
		"GET", ROUTE, NULL, &route_view, NULL},
	{"route", "create", "PLAN VNET ROUTE", "prefix start end " PLACE,
		"Sends a prefix, or a range of addresses, to a VNet, for all apps of the plan.",
		"PUT", ROUTE, route_body, DONE("route {ROUTE} is created"), NULL},
	{"route", "set", "PLAN VNET ROUTE", "prefix start end" TAG, "Changes a route.",
		"PATCH", ROUTE, route_body, DONE("route {ROUTE} is changed"), NULL},
	{"route", "delete", "PLAN VNET ROUTE", TAG, "Removes a route.",
		"DELETE", ROUTE, NULL, DONE("route {ROUTE} is deleted"), NULL},

	{"explain", NULL, "[APP] [TARGET]", "from-vnet " PLACE,
		"Says why an app reaches HOST[:PORT], or does not: name, route, peering, the gateway, the way back.",
		"GET", NULL, NULL, &explain_view, explain_run},

	{"trace", NULL, "APP TARGET", PLACE,
		"Follows a probe of an app's to HOST[:PORT] stage by stage, and says where it stops.",
		"GET", NULL, NULL, &trace_view, trace_run},
	{"doctor", NULL, "", "vnet probe",
		"Checks pools, gateways, certificates, name servers, ways back, MTU, offload, clock and limits.",
		"GET", "/v1/doctor", NULL, &doctor_view, doctor_run},

	{"session", "list", "", "app vnet plan ended limit", "Shows the sessions that are up.",
		"GET", "/v1/sessions", NULL, &session_list_view, NULL},
	{"session", "show", "SESSION", "", "Shows all about a session.",
		"GET", "/v1/sessions/{SESSION}", NULL, &session_view, NULL},
	{"session", "timeline", "[SESSION]", "limit",
		"Shows all that happened to a session, by its id, its correlation id or its app; or which were last.",
		"GET", NULL, NULL, &timeline_view, session_timeline},
	{"session", "trace", "SESSION TARGET", "",
		"Follows a probe of one session's, whoever's, to ADDRESS[:PORT].",
		"GET", NULL, NULL, &trace_view, trace_session},
	{"session", "disconnect", "[SESSION]", "app vnet all",
		"Ends a session, those of an app or a VNet, or all of them.",
		"POST", "/v1/sessions/disconnect", NULL, &disconnected_view, session_disconnect},

	{"usage", NULL, "", "from to by per app vnet plan", "Shows what was moved, by day and connection, app, plan or VNet.",
		"GET", "/v1/usage", NULL, &usage_view, NULL},

	{"top", NULL, "", "once rows", "Shows the gateway at work: VNets, and the sessions that move most.",
		"GET", NULL, NULL, &top_view, top_run},
	{"metrics", NULL, "", "", "Prints all metrics as Prometheus reads them.",
		"GET", NULL, NULL, &metrics_view, metrics_run},

	{"token", "create", "", "app! vnet! gateway lifetime",
		"Makes a token by which an app's worker enrols once, and prints it, alone.",
		"POST", "/v1/tokens", token_body, &token_view, NULL},
	{"token", "list", "", "", "Shows tokens: open, used, expired.",
		"GET", "/v1/tokens", NULL, &token_list_view, NULL},
	{"token", "drop", "ID", "", "Takes an open token back.",
		"DELETE", "/v1/tokens/{ID}", NULL, DONE("token {ID} can no longer be used"), NULL},

	{"cert", "list", "", "", "Shows the certificates of apps.",
		"GET", "/v1/certificates", NULL, &cert_list_view, NULL},
	{"cert", "show", "THUMBPRINT", "", "Shows all about a certificate, itself included.",
		"GET", "/v1/certificates/{THUMBPRINT}", NULL, &object_view, NULL},
	{"cert", "revoke", "[THUMBPRINT]", "app foreign",
		"Revokes a certificate and its renewals, or all of --app: out at once, and for ever.",
		"POST", "/v1/certificates/{THUMBPRINT}/revoke", NULL, &revoked_view, cert_revoke},
	{"cert", "server", "", "", "Shows the gateway's own certificate, when it made one.",
		"GET", "/v1/server", NULL, &object_view, NULL},
	{"cert", "status", "", "",
		"Shows each app's certificate, and whether the app knows the present network and roots.",
		"GET", "/v1/apps", NULL, &cert_status_view, NULL},

	{"root", "list", "", "", "Shows the roots that clients are trusted by.",
		"GET", "/v1/roots", NULL, &root_list_view, NULL},
	{"root", "rotate", "", "", "Makes a new root beside the old one, for new certificates.",
		"POST", "/v1/roots/rotate", NULL, &root_rotated_view, NULL},
	{"root", "import", "FILE", "name! vnet!",
		"Trusts clients of an external root (PEM; - is standard input) for one VNet.",
		"POST", "/v1/roots", root_body,
		DONE("clients of root {NAME} may come into VNet {VNET}"), NULL},
	{"root", "drop", "THUMBPRINT", "", "Trusts a root no longer.",
		"DELETE", "/v1/roots/{THUMBPRINT}", NULL, &root_dropped_view, NULL},

	{"apply", NULL, "", "file! dry-run prune", "Makes the site what a file says, all or nothing.",
		"POST", "/v1/apply", NULL, &apply_view, site_apply},
	{"site", "show", "", "", "Shows the whole site as apply takes it, in YAML.",
		"GET", "/v1/site", NULL, &site_view, NULL},

	{"store", "backup", "", "keep", "Copies all that the gateway knows, also its keys, into a file in its state folder.",
		"POST", "/v1/backups", backup_body, &backup_view, NULL},
	{"store", "list", "", "", "Shows the copies that there are.",
		"GET", "/v1/backups", NULL, &backup_list_view, NULL},
	{"operation", "list", "", "", "Shows what took or takes long, the last 16 of them.",
		"GET", "/v1/operations", NULL, &operation_list_view, NULL},
	{"operation", "show", "OPERATION", "", "Shows how far one is.",
		"GET", "/v1/operations/{OPERATION}", NULL, &object_view, NULL},

	{"get", NULL, "KIND [NAME] [NAME] [NAME]", PLACE " app vnet plan name ended limit from to by per",
		"The same as KIND list, or as KIND show with all the names that it takes.",
		NULL, NULL, NULL, NULL, get_run},
	/* clang-format on */
};

/* Connect is the app's, sync and routes are the plan's. */
#define IS_CONNECTION                                                                         \
	"an app is connected and disconnected by name: sstpctl connection connect APP VNET, " \
	"sstpctl connection disconnect APP"
#define IS_SYNC \
	"a network is synced at the level of the App Service plan: sstpctl plan sync PLAN [VNET]"
#define IS_ROUTE "routes belong to the App Service plan: sstpctl route create PLAN VNET ROUTE"

#define IS_RESTORE "a copy is taken back while no gateway runs: sstp-gateway --restore FILE"

static const struct verb elsewhere[] = {
	{.noun = "plan", .verb = "connect", .help = IS_CONNECTION},
	{.noun = "plan", .verb = "disconnect", .help = IS_CONNECTION},
	{.noun = "app", .verb = "connect", .help = IS_CONNECTION},
	{.noun = "app", .verb = "disconnect", .help = IS_CONNECTION},
	{.noun = "app", .verb = "sync", .help = IS_SYNC},
	{.noun = "connection", .verb = "sync", .help = IS_SYNC},
	{.noun = "app", .verb = "route", .help = IS_ROUTE},
	{.noun = "connection", .verb = "route", .help = IS_ROUTE},
	{.noun = "store", .verb = "restore", .help = IS_RESTORE},
	{.noun = NULL},
};

const struct verb_table verbs_table = {verbs, sizeof(verbs) / sizeof(verbs[0]), elsewhere};
