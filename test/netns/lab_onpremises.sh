#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What an app reaches behind its VNet's gateway, and how on-premises and the gateway learn of each other: routes by hand,
# custom routes, and eBGP between two BIRDs, in the lab of support/lab.sh. B and a number: the statement in the project's
# notes on the integration.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"
. "$here/../support/lab.sh"

readonly announce_table=8477 our_protocol=83
readonly bgp="\"enableBgp\": true, \"bgpSettings\": {\"announceTable\": $announce_table}"
readonly service=203.0.113.10 # a public address, reached from outside and through the VNet
readonly far_net=192.168.40.0/24 far_address=192.168.40.2
readonly far_net6=fd00:a::/48 far_address6=fd00:a::2

setup() {
	lab_up && make_service && plan plan1 && connected_app shop plan1 hub && start_app shop &&
		[ $tap_case_failed = no ]
}

make_service() {
	ip -n "$gw" addr add $service/32 dev lo && ip -n "$far" addr add $service/32 dev lo &&
		ip -n "$host" route add default via 192.0.2.1 && lab_server outside "$gw" $service &&
		lab_server inside "$far" $service && wait_for 5 servers_are_ready outside inside
}

# capture NAME NAMESPACE DEVICE FILTER: into NAME.pcap, until the script ends
capture() {
	start "capture-$1" "$2" tcpdump -i "$3" -n -U --immediate-mode -Z root -w "$world_dir/$1.pcap" "$4"
	wait_for 10 log_has "capture-$1" 0 'listening on' || flunk "no capture $1"
}

captured() {
	tcpdump -n -r "$world_dir/$1.pcap" 2>/dev/null | wc -l
}

has_captured() {
	[ "$(captured "$1")" -gt 0 ]
}

routes_of_shop_are() {
	wait_for 2 tunnelled_is shop "$1" || is "$(tunnelled shop)" "$1" "routes of the app"
}

# The gateway's machine knows the way there, the machine there no way back.
B19_without_a_way_back_the_packet_arrives_and_no_answer_does() {
	ip -n "$gw" route add $far_net via 198.18.60.2
	route far $far_net
	routes_of_shop_are "10.21.0.0/24 $far_net"
	capture arrives "$far" f1 "dst host $far_address"
	is "$(ask shop $far_address 0.5)" silence "what the app is answered"
	wait_for 2 has_captured arrives || flunk "the packet does not arrive"
	explained shop $far_address 'returnRoute +warning .*'"$hub_pool"
	explained shop $far_address "NoReturnPathSuspected: No return path suspected: .* route to the pool ${hub_pool//./\\.} by this gateway"
	ip -n "$far" route add $hub_pool via 198.18.60.1
	answers shop $far_address "^far sees $(private_ip shop)$"
	explained shop $far_address "Reachable: ${far_address//./\\.} is reachable: it answers a ping"
	is "$(starts_of shop)" 1 "starts of the app"
	ip -n "$far" route del $hub_pool
	ip -n "$gw" route del $far_net
	no_route far
	routes_of_shop_are 10.21.0.0/24
}

# From here on all routes on either side of the wire between gateway and on-premises are learned.
B18_on_premises_is_reached_when_its_route_is_present() {
	hub_gateway '' "$bgp"
	start_far_bird $far_net 192.168.41.0/24 $far_net6 && start_gateway_bird || flunk "no BIRD"
	wait_for 10 has_route "$gw" $far_net || flunk "nothing is learned: $(birdc_of far show protocols)"
	like "$(ask shop $far_address 0.5)" '^not sent' "without a route of the plan's"
	route far $far_net
	answers shop $far_address "^far sees $(private_ip shop)$"
	explained shop $far_address 'Reachable:'
	no_route far
	routes_of_shop_are 10.21.0.0/24
}

B18_on_premises_is_reached_by_IPv6() {
	wait_for 5 has_route "$gw" $far_net6 || flunk "nothing is learned: $(birdc_of gw show route)"
	wait_for 5 has_route "$far" $hub_pool6 || flunk "the pool is not known on-premises: $(ip -n "$far" -6 route)"
	like "$(ask shop $far_address6 0.5)" '^not sent' "without a route of the plan's"
	route far6 $far_net6
	answers shop $far_address6 '^far sees fd00:81:'
	explained shop $far_address6 'Reachable:'
	no_route far6
}

pools_and_networks_are_handed_back_to_on_premises() {
	local net
	for net in $hub_pool 10.21.0.0/24 $hub_pool6 fd00:21::/48; do
		wait_for 2 has_route "$far" $net || flunk "$net is not known on-premises: $(ip -n "$far" route)"
	done
	has_route "$far" "$(private_ip shop)" && flunk "so is the app's own address, which nobody asked for"
	hub_gateway '' "$bgp, \"advertiseHostRoutes\": true"
	wait_for 5 has_route "$far" "$(private_ip shop)" || flunk "the app's own address is not known on-premises"
	hub_gateway '' "$bgp"
	wait_for 5 has_no_route "$far" "$(private_ip shop)" || flunk "the app's own address is still known on-premises"
}

B20_what_is_learned_is_not_propagated_by_itself() {
	routes_of_shop_are 10.21.0.0/24
	like "$(ctl bgp learned hub --name gw)" "${far_net//./\\.} .*65010" "what the gateway says it has learned"
	hub_gateway $far_net "$bgp"
	routes_of_shop_are "10.21.0.0/24 $far_net"
	answers shop $far_address '^far sees '
	hub_gateway '' "$bgp"
	routes_of_shop_are 10.21.0.0/24
	hub_gateway '' "$bgp, \"propagateBgp\": true"
	routes_of_shop_are "10.21.0.0/24 $far_net 192.168.41.0/24"
	answers shop $far_address '^far sees '
	hub_gateway '' "$bgp, \"propagateBgp\": true, \"bgpFilters\": [{\"action\": \"permit\", \"prefix\": \"$far_net\"}]"
	routes_of_shop_are "10.21.0.0/24 $far_net"
}

# announced, withdrawn and announced again, under a running app
propagated_routes_follow_what_is_announced() {
	hub_gateway '' "$bgp, \"propagateBgp\": true"
	routes_of_shop_are "10.21.0.0/24 $far_net 192.168.41.0/24"
	far_announces $far_net 192.168.42.0/24 192.168.43.0/24
	wait_for 10 tunnelled_is shop "10.21.0.0/24 $far_net 192.168.42.0/24 192.168.43.0/24" ||
		flunk "routes of the app: $(tunnelled shop)"
	far_announces $far_net
	wait_for 10 tunnelled_is shop "10.21.0.0/24 $far_net" || flunk "routes of the app: $(tunnelled shop)"
	answers shop $far_address '^far sees '
	hub_gateway '' "$bgp"
	routes_of_shop_are 10.21.0.0/24
}

B21_custom_routes_come_and_go_and_the_worker_has_exactly_the_set() {
	route static 10.77.0.0/16
	hub_gateway "$far_net 198.51.100.0/24" "$bgp"
	routes_of_shop_are "10.21.0.0/24 10.77.0.0/16 $far_net 198.51.100.0/24"
	answers shop $far_address '^far sees '
	hub_gateway 198.51.100.0/24 "$bgp"
	routes_of_shop_are "10.21.0.0/24 10.77.0.0/16 198.51.100.0/24"
	like "$(ask shop $far_address 0.5)" '^not sent' "what is no custom route any more"
	hub_gateway '' "$bgp"
	no_route static
	routes_of_shop_are 10.21.0.0/24
}

# in host itself, where everything else has another way
B38_virtual_network_goes_into_the_tunnel_and_everything_else_its_own_way() {
	connected_app edge plan1 hub && start_app_here edge --tun edge0
	capture outer "$host" u0 "host $service or net 10.0.0.0/8"
	capture tunnel "$host" edge0 ip
	is "$(ask_here 10.21.0.2)" "hub sees $(private_ip edge)" "the VNet"
	is "$(ask_here $service)" "outside sees 192.0.2.2" "everything else"
	wait_for 2 has_captured outer || flunk "it does not go its own way"
	is "$(tcpdump -n -r "$world_dir/outer.pcap" net 10.0.0.0/8 2>/dev/null)" "" "packets to the VNet around the tunnel"
	is "$(tcpdump -n -r "$world_dir/tunnel.pcap" not net 10.21.0.0/24 2>/dev/null)" "" "other packets in the tunnel"
}

ask_here() {
	in_ns "$host" python3 "$world_root/test/support/reach.py" ask "$1" "${2:-2}" 2>&1
}

here_answers() {
	[[ $(ask_here "$1" 0.3) =~ $2 ]]
}

# the same address in the VNet's view is on-premises
B39_public_block_goes_into_the_tunnel_when_it_is_added() {
	far_announces $far_net 203.0.113.0/24
	ip -n "$gw" addr del $service/32 dev lo
	wait_for 5 has_route "$gw" 203.0.113.0/24 || flunk "it is not learned"
	route block 203.0.113.0/24
	wait_for 2 here_answers $service "^inside sees $(private_ip edge)$" || flunk "it is answered: $(ask_here $service)"
	answers shop $service '^inside sees '
	no_route block
	ip -n "$gw" addr add $service/32 dev lo
	far_announces $far_net 192.168.41.0/24
	wait_for 5 has_no_route "$gw" 203.0.113.0/24 || flunk "it is not withdrawn"
	wait_for 2 here_answers $service '^outside sees 192\.0\.2\.2$' || flunk "it is answered: $(ask_here $service)"
}

# All that the app sends, but not what its worker sends to the gateway.
forced_tunnelling_takes_everything_but_the_tunnel_itself() {
	capture leak "$host" u0 'host 198.51.100.9'
	capture forced "$gw" "$hub_device" 'dst host 198.51.100.9'
	hub_gateway '0.0.0.0/1 128.0.0.0/1' "$bgp"
	routes_of_shop_are '0.0.0.0/1 10.21.0.0/24 128.0.0.0/1'
	ask_here 198.51.100.9 0.5 >"$world_dir/forced.txt"
	wait_for 2 has_captured forced || flunk "it is not in the tunnel: $(cat "$world_dir/forced.txt")"
	is "$(captured leak)" 0 "packets around the tunnel"
	is "$(ask_here 10.21.0.2)" "hub sees $(private_ip edge)" "the VNet"
	is "$(ask_here $far_address)" "far sees $(private_ip edge)" "on-premises"
	is "$(grep -c 'tunnel is down' "$world_dir/edge.log")" 0 "times that the tunnel was down"
	hub_gateway '' "$bgp"
	wait_for 2 here_answers $service '^outside sees 192\.0\.2\.2$' || flunk "it is answered: $(ask_here $service)"
	end_app edge
}

# Routes of a gateway that has gone are withdrawn before its tunnels end; what the app has of them leads nowhere else.
B10_gateway_that_stops_withdraws_its_routes_and_the_app_s_traffic_fails_closed() {
	hub_gateway $far_net "$bgp"
	route far $far_net
	answers shop $far_address '^far sees '
	stop "$gateway_pid"
	wait_for 5 has_no_route "$far" $hub_pool || flunk "the pool is still known on-premises"
	is "$(ip -n "$gw" route show table all proto $our_protocol)" "" "routes of ours in the kernel"
	like "$(ask shop $far_address 0.5)" '^not sent' "what the app is answered"
	start_gateway || flunk "the gateway does not start"
	wait_for 10 has_route "$far" $hub_pool || flunk "the pool is not known again"
	wait_for 20 answer_is_like shop $far_address '^far sees ' || flunk "it does not come back"
}

tap_main B19_without_a_way_back_the_packet_arrives_and_no_answer_does \
	B18_on_premises_is_reached_when_its_route_is_present \
	B18_on_premises_is_reached_by_IPv6 \
	pools_and_networks_are_handed_back_to_on_premises \
	B20_what_is_learned_is_not_propagated_by_itself \
	propagated_routes_follow_what_is_announced \
	B21_custom_routes_come_and_go_and_the_worker_has_exactly_the_set \
	B38_virtual_network_goes_into_the_tunnel_and_everything_else_its_own_way \
	B39_public_block_goes_into_the_tunnel_when_it_is_added \
	forced_tunnelling_takes_everything_but_the_tunnel_itself \
	B10_gateway_that_stops_withdraws_its_routes_and_the_app_s_traffic_fails_closed -- "$@"
