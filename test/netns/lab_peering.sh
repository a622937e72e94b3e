#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What a peering opens and what closes it, with packets, in the lab of support/lab.sh. The ways between the networks are
# always there: it is the gateway that lets nobody through. B and a number: the statement in the project's notes on the
# integration.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"
. "$here/../support/lab.sh"

setup() {
	lab_up && plan plan1 && connected_app shop plan1 hub && start_app shop &&
		[ $tap_case_failed = no ]
}

# capture NAME NAMESPACE DEVICE FILTER: into NAME.pcap, until the script ends
capture() {
	start "capture-$1" "$2" tcpdump -i "$3" -n -U --immediate-mode -Z root -w "$world_dir/$1.pcap" "$4"
	wait_for 10 log_has "capture-$1" 0 'listening on' || flunk "no capture $1"
}

captured() {
	tcpdump -n -r "$world_dir/$1.pcap" 2>/dev/null | wc -l
}

state_of() {
	property "$(peering_path "$1" "$2")" peeringState
}

# the one side after the other, as two operators do it
B22_spoke_is_reached_when_both_sides_have_their_flags_and_the_plan_its_route() {
	# shellcheck disable=SC2086
	peering hub spoke $hub_flags
	route spoke 10.40.0.0/16
	is "$(state_of hub spoke)" Initiated "the one side"
	answers shop 10.40.0.2 "$prohibited"
	explained shop 10.40.0.2 'PeeringClosed: .*: Virtual network spoke has no peering to hub\.$'
	# shellcheck disable=SC2086
	peering spoke hub $spoke_flags
	is "$(state_of hub spoke) $(state_of spoke hub)" "Connected Connected" "both sides"
	answers shop 10.40.0.2 "^spoke sees $(private_ip shop)$"
	explained shop 10.40.0.2 'Reachable:'
	is "$(starts_of shop)" 1 "starts of the app"
}

# without FLAG VNET REMOTE FLAG...: all but the one
without() {
	local flags=" ${*:4} "
	# shellcheck disable=SC2086
	peering "$2" "$3" ${flags/ $1 / }
}

# missing FLAG VNET REMOTE FLAG...: that one of the VNet's peering with the other
missing() {
	without "$@"
	answers shop 10.40.0.2 "$prohibited"
	explained shop 10.40.0.2 "PeeringClosed: .*: $1 is not set on peering to-$3 of virtual network $2\\.$"
	peering "${@:2}"
	answers shop 10.40.0.2 '^spoke sees '
}

B23_each_flag_that_is_missing_closes_the_way_and_is_named_with_its_side() {
	local flag
	for flag in $hub_flags; do
		# shellcheck disable=SC2086
		missing "$flag" hub spoke $hub_flags
	done
	for flag in $spoke_flags; do
		# shellcheck disable=SC2086
		missing "$flag" spoke hub $spoke_flags
	done
}

# What the gateway refuses on the way there it refuses on the way back: the spoke may not reach an app either.
B23_packets_of_the_spoke_do_not_arrive_either() {
	capture arrives "$(view_of shop)" vnet0 'src host 10.40.0.2'
	in_ns "$spoke" ping -q -n -c 1 -W 0.5 -I 10.40.0.2 "$(private_ip shop)" >/dev/null
	wait_for 2 has_captured arrives || flunk "with all flags they do"
	# shellcheck disable=SC2086
	without allowForwardedTraffic hub spoke $hub_flags
	answers shop 10.40.0.2 "$prohibited"
	capture closed "$(view_of shop)" vnet0 'src host 10.40.0.2'
	like "$(in_ns "$spoke" ping -n -c 1 -W 0.5 -I 10.40.0.2 "$(private_ip shop)")" 'Packet filtered' "what the spoke is told"
	is "$(captured closed)" 0 "packets of the spoke"
	peer_hub_and_spoke
	answers shop 10.40.0.2 '^spoke sees '
}

has_captured() {
	[ "$(captured "$1")" -gt 0 ]
}

removed_peering_is_disconnected_on_the_other_side() {
	accepted "removal" DELETE "$(peering_path spoke hub)"
	is "$(state_of hub spoke)" Disconnected "what is left"
	answers shop 10.40.0.2 "$prohibited"
	explained shop 10.40.0.2 'PeeringClosed: .*: Virtual network spoke has no peering to hub\.$'
	# shellcheck disable=SC2086
	peering spoke hub $spoke_flags
	answers shop 10.40.0.2 '^spoke sees '
}

# refused_peering STATUS REGEX WHAT VNET REMOTE [FLAG]...
refused_peering() {
	refused "$1" "$2" "$3" PUT "$(peering_path "$4" "$5")" "$(peering_body "${@:5}")"
}

B24_what_a_peering_may_not_be_is_refused() {
	lab_vnet twin 10.21.0.0/25
	whole_site >"$world_dir/before"
	refused_peering 400 'to-hub already has UseRemoteGateways' "a second one with remote gateways" \
		spoke third allowVirtualNetworkAccess useRemoteGateways
	refused_peering 400 'hub has a gateway of its own' "remote gateways of a VNet that has one itself" \
		hub third allowVirtualNetworkAccess useRemoteGateways
	refused_peering 400 'overlap' "spaces that overlap" twin hub allowVirtualNetworkAccess
	site_is "$world_dir/before" "the site afterwards"
	peering hub third allowVirtualNetworkAccess
	refused_peering 400 'hub/to-third has AllowGatewayTransit flag set to false' "a gateway without transit" \
		third hub allowVirtualNetworkAccess useRemoteGateways
	accepted "no peering with third" DELETE "$(peering_path hub third)"
	accepted "no twin" DELETE "$nets/twin"
	answers shop 10.40.0.2 '^spoke sees '
}

# third is peered with spoke as well as it can be, and the fabric would carry the packets
B24_peering_is_not_transitive() {
	local both='allowVirtualNetworkAccess allowForwardedTraffic'
	route third 10.50.0.0/16
	# shellcheck disable=SC2086
	peering spoke third $both allowGatewayTransit && peering third spoke $both
	capture fabric "$spoke" t0 'dst net 10.50.0.0/16'
	answers shop 10.50.0.2 "$prohibited"
	explained shop 10.50.0.2 'PeeringClosed: .*: Peering is not transitive: virtual network third is 2 hops away from hub, behind spoke\.$'
	is "$(captured fabric)" 0 "packets on the way to it"
	answers shop 10.40.0.2 '^spoke sees '
	no_route third
}

B25_without_a_plan_route_a_peered_network_is_not_routed_to_the_tunnel() {
	no_route spoke
	wait_for 2 tunnelled_is shop 10.21.0.0/24 || flunk "routes of the app: $(tunnelled shop)"
	capture tunnel "$(view_of shop)" vnet0 'dst net 10.40.0.0/16'
	like "$(ask shop 10.40.0.2)" '^not sent' "what the app is answered"
	explained shop 10.40.0.2 'NotRouted: No route of the connection has 10\.40\.0\.2'
	is "$(captured tunnel)" 0 "packets in the tunnel"
	route spoke 10.40.0.0/16
	answers shop 10.40.0.2 '^spoke sees '
}

peered_networks_are_routed_by_themselves_where_the_gateway_is_told_to() {
	no_route spoke
	hub_gateway '' '"propagatePeerings": true'
	wait_for 2 tunnelled_is shop "10.21.0.0/24 10.40.0.0/16" || flunk "routes of the app: $(tunnelled shop)"
	answers shop 10.40.0.2 '^spoke sees '
	# shellcheck disable=SC2086
	without allowVirtualNetworkAccess spoke hub $spoke_flags
	wait_for 2 tunnelled_is shop 10.21.0.0/24 || flunk "routes of the app while it is closed: $(tunnelled shop)"
	peer_hub_and_spoke
	hub_gateway '' '"propagatePeerings": false'
	wait_for 2 tunnelled_is shop 10.21.0.0/24 || flunk "routes of the app afterwards: $(tunnelled shop)"
	route spoke 10.40.0.0/16
	answers shop 10.40.0.2 '^spoke sees '
}

# A client of the VNet's own has no plan: what is peered it reaches, what is behind that it does not.
clients_of_the_vnet_are_explained_by_the_same_rules() {
	like "$(ctl explain 10.40.0.2 --from-vnet hub)" 'Allowed:' "the spoke"
	like "$(ctl explain 10.50.0.2 --from-vnet hub)" 'PeeringClosed: .*: Peering is not transitive' "what is behind it"
	# shellcheck disable=SC2086
	without useRemoteGateways spoke hub $spoke_flags
	like "$(ctl explain 10.40.0.2 --from-vnet hub)" \
		'PeeringClosed: .*: useRemoteGateways is not set on peering to-hub of virtual network spoke\.$' "the closed spoke"
	peer_hub_and_spoke
}

# the same gate, and the same answers
B22_B23_spoke_is_reached_by_IPv6_under_the_same_flags() {
	local address6
	route spoke6 fd00:40::/48
	address6=$(private_ip6 shop)
	like "$address6" '^fd00:81:' "the app's address"
	answers shop fd00:21::2 "^hub sees $address6$"
	answers shop fd00:40::2 "^spoke sees $address6$"
	explained shop fd00:40::2 'Reachable:'
	# shellcheck disable=SC2086
	without allowForwardedTraffic spoke hub $spoke_flags
	answers shop fd00:40::2 "$prohibited6"
	explained shop fd00:40::2 'PeeringClosed: .*: allowForwardedTraffic is not set on peering to-hub of virtual network spoke\.$'
	peer_hub_and_spoke
	answers shop fd00:40::2 '^spoke sees '
	no_route spoke6
	like "$(ask shop fd00:40::2)" '^not sent' "without the plan's route"
}

private_ip6() {
	ip -n "$(view_of "$1")" -6 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4 }'
}

# The name server is in the spoke: names are known as long as the peering is open.
B5_names_are_asked_of_a_server_in_the_peered_network_while_the_peering_is_open() {
	start names "$spoke" python3 "$world_root/test/support/nameserver.py" 10.40.0.2 10.40.0.77
	wait_for 10 log_has names 0 '^ready$' || flunk "no name server"
	lab_vnet hub "$hub_spaces" 10.40.0.2
	wait_for 2 resolves 10.40.0.77 || flunk "the name is not known"
	like "$(cat "$world_dir/names.log")" "db\.corp\.test from $(private_ip shop)" "who asked"
	explained shop db.corp.test '10\.40\.0\.2'
	explained shop db.corp.test '10\.40\.0\.77'
	# shellcheck disable=SC2086
	without allowGatewayTransit hub spoke $hub_flags
	wait_for 2 resolves_not || flunk "the name is known without a way to the server"
	explained shop db.corp.test 'name +failed .* allowGatewayTransit is not set on peering to-spoke .* db\.corp\.test is 10\.40\.0\.77'
	explained shop db.corp.test 'NameServerNotReached: .* 10\.40\.0\.2 is not reached: allowGatewayTransit is not set on peering to-spoke of virtual network hub\.$'
	peer_hub_and_spoke
	wait_for 2 resolves 10.40.0.77 || flunk "the name is not known afterwards"
}

# resolves ADDRESS, for wait_for
resolves() {
	[ "$(in_view shop timeout 1 getent ahostsv4 db.corp.test | awk 'NR == 1 { print $1 }')" = "$1" ]
}

resolves_not() {
	! in_view shop timeout 1 getent ahostsv4 db.corp.test >/dev/null
}

tap_main B22_spoke_is_reached_when_both_sides_have_their_flags_and_the_plan_its_route \
	B23_each_flag_that_is_missing_closes_the_way_and_is_named_with_its_side \
	B23_packets_of_the_spoke_do_not_arrive_either \
	removed_peering_is_disconnected_on_the_other_side \
	B24_what_a_peering_may_not_be_is_refused \
	B24_peering_is_not_transitive \
	B25_without_a_plan_route_a_peered_network_is_not_routed_to_the_tunnel \
	peered_networks_are_routed_by_themselves_where_the_gateway_is_told_to \
	clients_of_the_vnet_are_explained_by_the_same_rules \
	B22_B23_spoke_is_reached_by_IPv6_under_the_same_flags \
	B5_names_are_asked_of_a_server_in_the_peered_network_while_the_peering_is_open -- "$@"
