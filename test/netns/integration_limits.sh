#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who may connect to what: the original's limits and refusals at a gateway at work, and that what was connected before
# a refusal is so afterwards. B and a number: the statement in the project's notes on the integration.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

setup() {
	site_up && plan plan1 && connected_app shop plan1 vnet1 && start_app shop
	[ $tap_case_failed = no ]
}

# changes_nothing FUNCTION...: the site is the same after it, and shop's tunnel is in use
changes_nothing() {
	whole_site >"$world_dir/before"
	"$@"
	site_is "$world_dir/before" "the site afterwards"
	like "$(page shop)" "$page_regex" "a page through the tunnel of before"
}

second_vnet() {
	refused 409 'Currently connected to VNET vnet1: an app has one VNET at a time' "second VNet" \
		PUT "$(connection shop net1)" '{}'
}

B2_second_vnet_of_an_app_is_refused_and_the_first_stays() {
	network 1 && gateway_of 1
	changes_nothing second_vnet
	reaches shop 10.21.0.2 && flunk "the refused VNet is reached"
	like "$(page shop)" "$page_regex" "a page of the first"
}

sixth_vnet() {
	refused 409 '^Adding this VNET would exceed the App Service Plan VNET limit of 5$' "sixth VNet" \
		PUT "$(connection app6 net5)" '{}'
}

# five apps in as many networks, each of which reaches its own and no other
B3_sixth_vnet_in_a_plan_is_refused() {
	local n
	for n in 1 2 3 4; do
		network "$n" && gateway_of "$n" && connected_app "app$n" plan1 "net$n" && start_app "app$n"
	done
	network 5 && gateway_of 5 && app app6 plan1
	changes_nothing sixth_vnet
	is "$(property "$web/serverfarms/plan1" vnetConnectionsUsed)" 5 "networks in use"
	for n in 1 2 3 4; do
		like "$(page "app$n" "10.2$n.0.2")" "${page_regex}172\.16\.8$n\." "the page of net$n, from its own pool"
		reaches "app$n" 10.20.0.2 && flunk "app$n reaches vnet1, which is shop's"
		end_app "app$n"
	done
}

# the sessions of plan1 in vnet1, with what must not change of them
sessions_of_vnet1() {
	api GET "/v1/sessions?vnet=vnet1&plan=plan1"
	python3 -c 'import json, sys
for s in json.load(sys.stdin)["value"]:
    print(s["vpnConnectionId"], s["app"], s["privateIpAddress"])' <<<"$api_body"
}

B4_six_apps_on_one_vnet_count_once_and_five_removals_keep_the_tunnel() {
	local n before
	for n in 1 2 3 4 5; do
		app "mate$n" plan1 && connect "mate$n" vnet1
	done
	is "$(property "$web/serverfarms/plan1" vnetConnectionsUsed)" 5 "a network counts once"
	is "$(property "$web/serverfarms/plan1/virtualNetworkConnections/vnet1" apps)" \
		'["mate1","mate2","mate3","mate4","mate5","shop"]' "its apps"
	before=$(sessions_of_vnet1)
	like "$before" '^SSTP_[^ ]+ shop 172\.16\.77\.[0-9]+$' "the one worker's tunnel, and no other"
	for n in 1 2 3 4 5; do
		accepted "removal of mate$n" DELETE "$web/sites/mate$n"
	done
	is "$(sessions_of_vnet1)" "$before" "the tunnel"
	like "$(page shop)" "$page_regex" "a page through it"
	is "$(grep -c 'tunnel is down' "$world_dir/shop.log")" 0 "times that it was down"
}

# gateway_is_refused REGEX WHAT BODY: such a gateway of net9 is made, and not to be connected to
gateway_is_refused() {
	accepted "gateway: $2" PUT "$nets/net9/virtualNetworkGateways/gw" "$3"
	refused 409 "$1" "$2" PUT "$(connection late net9)" '{}'
}

B6_gateway_that_is_policy_based_or_has_no_pool_or_no_sstp_is_refused() {
	network 9 && plan plan2 && app late plan2
	gateway_is_refused 'Vpn type is not RouteBased' "policy-based" '{"properties": {"vpnType": "PolicyBased"}}'
	gateway_is_refused 'no point-to-site address pool' "no pool" '{"properties": {}}'
	gateway_is_refused 'SSTP is not among the protocols' "no SSTP" "$(speaking OpenVPN)"
	is "$(property "$web/serverfarms/plan2" vnetConnectionsUsed)" 0 "connections"
}

# speaking PROTOCOL[", "PROTOCOL]: the body of a gateway with a pool, which speaks these
speaking() {
	echo "{\"properties\": {\"vpnClientConfiguration\": {\"vpnClientProtocols\": [\"${1//, /\", \"}\"]," \
		"\"vpnClientAddressPool\": {\"addressPrefixes\": [\"172.16.89.0/24\"]}}}}"
}

B7_expressroute_and_coexistence_are_refused() {
	accepted "no gateway" DELETE "$nets/net9/virtualNetworkGateways/gw"
	accepted "ExpressRoute" PUT "$nets/net9/virtualNetworkGateways/er" '{"properties": {"gatewayType": "ExpressRoute"}}'
	refused 409 'not of the Vpn type' "ExpressRoute" PUT "$(connection late net9)" '{}'
	accepted "both" PUT "$nets/net9/virtualNetworkGateways/gw" "$(speaking SSTP)"
	refused 409 'coexists with an ExpressRoute gateway' "coexistence" PUT "$(connection late net9)" '{}'
	accepted "no ExpressRoute" DELETE "$nets/net9/virtualNetworkGateways/er"
}

# pool_is_refused POOL...; net9's gateway keeps what it has
pool_is_refused() {
	local pool
	for pool in "$@"; do
		refused 400 "RFC 1918" "pool $pool" PUT "$nets/net9/virtualNetworkGateways/gw" "$(gateway_body "$pool")"
	done
}

B11_pool_must_lie_within_rfc_1918() {
	local pool
	pool_is_refused 100.64.0.0/10 172.32.0.0/16 192.169.0.0/24 9.255.255.0/24 11.0.0.0/24 172.15.255.0/24 \
		192.167.255.0/24 172.0.0.0/8 10.0.0.0/7 192.168.0.0/15
	for pool in 10.0.0.0/24 10.255.255.0/24 172.16.0.0/24 172.31.255.0/24 192.168.0.0/24 192.168.255.0/24; do
		accepted "pool $pool" PUT "$nets/net9/virtualNetworkGateways/gw" "$(gateway_body "$pool")"
	done
}

B12_ikev2_must_be_off_and_sstp_on_unless_the_sku_is_basic() {
	gateway_is_refused 'IKEv2 is among the protocols' "both" "$(speaking 'IkeV2, SSTP')"
	gateway_is_refused 'SSTP is not among the protocols' "IKEv2 alone" "$(speaking IkeV2)"
	refused 400 'Basic SKU has no other point-to-site protocol' "Basic with IKEv2" \
		PUT "$nets/net9/virtualNetworkGateways/gw" '{"properties": {"sku": {"name": "Basic"},
		"vpnClientConfiguration": {"vpnClientProtocols": ["IkeV2"]}}}'
	accepted "SSTP alone" PUT "$nets/net9/virtualNetworkGateways/gw" "$(speaking SSTP)"
	connect late net9
	accepted "disconnect" DELETE "$(connection late net9)"
}

# A stranger's link has the name that the gateway needs for its device.
B14_connect_fails_cleanly_until_the_gateway_is_up_and_then_succeeds_unchanged() {
	local device
	network 6 && app early plan2
	refused 409 'has no gateway' "no gateway" PUT "$(connection early net6)" '{}'
	device=$(property "$nets/net6" device)
	ip -n "$gw" link add "$device" type veth peer name other
	accepted "gateway" PUT "$nets/net6/virtualNetworkGateways/gw" "$(gateway_body 172.16.86.0/24)"
	wait_for 5 log_has gateway 0 'gateway of VNet net6 is not up' || flunk "nothing is said"
	whole_site >"$world_dir/before"
	refused 409 'gateway of virtual network net6 is not up' "a gateway that is not up" PUT "$(connection early net6)" '{}'
	site_is "$world_dir/before" "the site after the refusal"
	ip -n "$gw" link del "$device"
	wait_for 10 connects early net6 || flunk "it never succeeds: $api_body"
	is "$(property "$(connection early net6)" gatewayStatus)" Up "the gateway"
	enrol early net6 && start_app early
	like "$(page early 10.26.0.2)" "$page_regex" "a page through it"
	end_app early
}

connects() {
	api PUT "$(connection "$1" "$2")" '{}'
	[ "$api_status" = 200 ]
}

wrong_levels() {
	local plan=$web/serverfarms/plan1/virtualNetworkConnections/vnet1 app
	app=$(connection shop vnet1)
	refused 405 'synced at the level of the App Service plan' "sync of an app" POST "$app/sync"
	refused 405 'Routes belong to the App Service plan' "an app's route" PUT "$app/routes/r" \
		'{"properties": {"startAddress": "10.9.0.0/16"}}'
	refused 405 'connected and disconnected at its own level' "connect of a plan" PUT "$plan" '{}'
	refused 405 'connected and disconnected at its own level' "disconnect of a plan" DELETE "$plan"
}

B26_wrong_level_is_refused() {
	changes_nothing wrong_levels
}

vnet_in_use() {
	refused 409 'net1 is in use by the apps app1, second: disconnect them first' "a VNet in use" DELETE "$nets/net1"
	refused 409 'gateway of virtual network net1 is in use by the apps app1, second' "its gateway" \
		DELETE "$nets/net1/virtualNetworkGateways/gw"
}

B28_what_is_in_use_is_not_deleted_before_disconnect() {
	local device
	app second plan2 && connect second net1 && start_app app1
	changes_nothing vnet_in_use
	like "$(page app1 10.21.0.2)" "$page_regex" "a page of what was not deleted"
	end_app app1
	device=$(property "$nets/net1" device)
	accepted "disconnect" DELETE "$(connection app1 net1)"
	accepted "disconnect" DELETE "$(connection second net1)"
	accepted "its gateway" DELETE "$nets/net1/virtualNetworkGateways/gw"
	accepted "the VNet" DELETE "$nets/net1"
	wait_for 5 has_no_link "$gw" "$device" || flunk "its device is still there"
}

has_no_link() {
	! has_link "$@"
}

far_syncs() {
	refused 409 'does not work across subscriptions: the App Service plan is in default, virtual network far in other' \
		"sync across subscriptions" POST "$web/serverfarms/plan2/virtualNetworkConnections/far/sync"
}

B33_sync_across_subscriptions_is_refused() {
	local far=/subscriptions/other/resourceGroups/default/providers/Microsoft.Network/virtualNetworks/far
	accepted "a VNet of another subscription" PUT $far "$(network_body 10.27.0.0/24 10.27.0.2)"
	accepted "its gateway" PUT $far/virtualNetworkGateways/gw "$(gateway_body 172.16.87.0/24)"
	app distant plan2
	wait_for 10 connects distant far || flunk "connecting across subscriptions: $api_body"
	accepted "its DNS changes" PUT $far "$(network_body 10.27.0.0/24 10.27.0.3)"
	is "$(property "$(connection distant far)" resyncRequired)" true "resyncRequired"
	changes_nothing far_syncs
	is "$(property "$(connection distant far)" resyncRequired)" true "resyncRequired afterwards"
}

tier() {
	accepted "scaled to $2" PATCH "$web/serverfarms/$1" "{\"sku\": {\"tier\": \"$2\"}}"
}

B46_tiers_below_basic_are_refused() {
	local name
	plan small Free && app tiny small
	for name in Free Shared; do
		tier small $name
		refused 409 "not available in the $name tier" "tier $name" PUT "$(connection tiny vnet1)" '{}'
	done
	for name in Basic Standard Premium PremiumV2 PremiumV3; do
		tier small $name
		connect tiny vnet1
		accepted "disconnect" DELETE "$(connection tiny vnet1)"
	done
}

# sessions_of APP: their addresses
sessions_of() {
	api GET "/v1/sessions?app=$1"
	json_at value.0.privateIpAddress <<<"$api_body"
}

# the worker comes back by itself, within its minute: B46_scale_up_restores_the_connection looks for it
B46_scale_down_disables_the_connection_at_once() {
	plan scaled && connected_app elastic scaled vnet1 && start_app elastic
	is "$(sessions_of elastic)" "$(private_ip elastic)" "its session"
	tier scaled Free
	is "$(property "$(connection elastic vnet1)" state)" Disabled "its state"
	wait_for 5 reaches_not elastic || flunk "the app still reaches its VNet"
	wait_for 5 log_has elastic 0 'not available in the Free tier' || flunk "the worker is not told why"
	is "$(sessions_of elastic)" null "its session"
	in_ns "$host" timeout 20 "$worker_bin" --profile "$world_dir/elastic.yaml" --own-netns --connect-timeout 2 -- true \
		>>"$world_dir/other.log" 2>&1
	isnt $? 0 "exit status of a second worker, while it is disabled"
	tier scaled Standard
	is "$(property "$(connection elastic vnet1)" state)" Enabled "its state when scaled up"
	like "$(page shop)" "$page_regex" "a page of the plan beside it"
}

B46_scale_up_restores_the_connection() {
	wait_for 75 reaches elastic || flunk "the worker does not come back"
	is "$(starts_of elastic)" 1 "starts of the app"
}

# ends the gateway: what is strict is read at start
B8_linux_apps_and_containers_are_refused_when_strict_and_else_named_as_lifted() {
	accepted "a plan for Linux" PUT "$web/serverfarms/linux" '{"sku": {"tier": "Basic"}, "properties": {"reserved": true}}'
	app penguin linux && app box plan2 '"isContainer": true'
	connect penguin vnet1 && connect box vnet1
	like "$(property "$web/sites/penguin" remarks)" 'Linux' "the app's view says that a refusal is lifted"
	like "$(property "$web/sites/box" remarks)" 'container' "that of the container too"
	accepted "disconnect" DELETE "$(connection penguin vnet1)"
	accepted "disconnect" DELETE "$(connection box vnet1)"
	stop "$gateway_pid" && echo 'strict: true' >>"$world_dir/gateway.yaml" && start_gateway && wait_for 10 api_answers
	refused 409 'not available for Linux apps' "a Linux app" PUT "$(connection penguin vnet1)" '{}'
	refused 409 'not available for containers' "a container" PUT "$(connection box vnet1)" '{}'
}

tap_main B46_scale_down_disables_the_connection_at_once \
	B2_second_vnet_of_an_app_is_refused_and_the_first_stays \
	B3_sixth_vnet_in_a_plan_is_refused \
	B4_six_apps_on_one_vnet_count_once_and_five_removals_keep_the_tunnel \
	B6_gateway_that_is_policy_based_or_has_no_pool_or_no_sstp_is_refused \
	B7_expressroute_and_coexistence_are_refused \
	B11_pool_must_lie_within_rfc_1918 \
	B12_ikev2_must_be_off_and_sstp_on_unless_the_sku_is_basic \
	B14_connect_fails_cleanly_until_the_gateway_is_up_and_then_succeeds_unchanged \
	B46_tiers_below_basic_are_refused \
	B26_wrong_level_is_refused \
	B28_what_is_in_use_is_not_deleted_before_disconnect \
	B33_sync_across_subscriptions_is_refused \
	B46_scale_up_restores_the_connection \
	B8_linux_apps_and_containers_are_refused_when_strict_and_else_named_as_lifted -- "$@"
