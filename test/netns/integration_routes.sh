#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What goes into the tunnel and what does not, with packets: routes, names, addresses, isolation, a link that is long
# and loses, a gateway that is gone. The gateway's machine forwards nothing that comes from outside but by the tunnel,
# as an edge of a network should. B and a number: the statement in the project's notes on the integration.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

many_bin=$build_dir/test/netns/many
link_seed=${LINK_SEED:-20261123}
readonly service=203.0.113.10 vault=203.0.113.11 # in nobody's address space, reached from outside

setup() {
	site_up 'limits: {half_open_per_address: 0, accept_rate_per_address: 0}' && make_outside &&
		plan plan1 && connected_app shop plan1 vnet1 && start_app shop
	[ $tap_case_failed = no ]
}

make_outside() {
	ip -n "$gw" addr add $service/32 dev lo && ip -n "$gw" addr add $vault/32 dev lo &&
		ip -n "$gw" rule add iif u1 pref 100 blackhole && ip -n "$host" route add default via 192.0.2.1 &&
		start service "$gw" "$world_root/test/support/webserver.py" $service 80 "$world_dir/www" &&
		start vault "$gw" "$world_root/test/support/webserver.py" $vault 80 "$world_dir/www" &&
		wait_for 10 is_listening "$gw" 80
}

# capture NAME NAMESPACE DEVICE FILTER: into NAME.pcap, until the script ends
capture() {
	start "capture-$1" "$2" tcpdump -i "$3" -n -U --immediate-mode -Z root -w "$world_dir/$1.pcap" "$4"
	wait_for 10 log_has "capture-$1" 0 'listening on' || flunk "no capture $1"
}

# captured NAME [FILTER]: packets
captured() {
	tcpdump -n -r "$world_dir/$1.pcap" ${2:+"$2"} 2>/dev/null | wc -l
}

has_captured() {
	[ "$(captured "$1")" -gt 0 ]
}

# far_route ADDRESS: somewhere behind the VNet
far_address() {
	ip -n "$vnet" addr add "$1/32" dev lo && ip -n "$gw" route add "$1/32" via 10.20.0.2
}

B35_private_ip_is_in_the_environment_and_on_the_device() {
	local address
	address=$(private_ip shop)
	like "$address" "$pool_regex" "WEBSITE_PRIVATE_IP is in the pool"
	is "$(tunnel_address shop)" "$address" "the device's address"
	is "$(in_view shop sh -c 'tr "\0" "\n" </proc/'"$(sed -n 's/^app //p' "$world_dir/shop.log")"'/environ' |
		sed -n 's/^WEBSITE_PRIVATE_IP=//p')" "$address" "what the app's process has in its environment"
	like "$(page shop)" "virtual network, ${address//./\\.}$" "the source that the target sees"
}

B15_only_the_worker_s_app_reaches_the_vnet() {
	make_view stranger
	ip link add n0 netns "$(view_of stranger)" type veth peer name n1 netns "$host"
	ip -n "$(view_of stranger)" addr add 198.18.0.2/24 dev n0 && ip -n "$(view_of stranger)" link set n0 up
	ip -n "$host" addr add 198.18.0.1/24 dev n1 && ip -n "$host" link set n1 up
	ip -n "$(view_of stranger)" route add default via 198.18.0.1
	in_ns "$host" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	like "$(page shop)" "$page_regex" "the app's page"
	is "$(in_ns "$host" curl -s -m 1 http://10.20.0.2/)" "" "a page for the worker's own namespace"
	is "$(page_time=1 page stranger)" "" "a page for another app's namespace on the same machine"
	is "$(setpriv --reuid 65534 --clear-groups ip netns exec "$(view_of shop)" true 2>/dev/null && echo entered)" "" \
		"another user who enters the app's namespace"
}

B5_names_of_the_app_are_asked_of_the_vnet_s_servers_through_the_tunnel() {
	start names "$vnet" python3 "$world_root/test/support/nameserver.py" 10.20.0.2 10.20.0.77
	wait_for 10 log_has names 0 '^ready$' || flunk "no name server"
	capture around "$host" u0 'port 53'
	is "$(in_view shop getent ahostsv4 db.corp.test | awk 'NR == 1 { print $1 }')" 10.20.0.77 "the name's address"
	like "$(cat "$world_dir/names.log")" "db\.corp\.test from $(private_ip shop)" "who asked the VNet's server"
	is "$(captured around)" 0 "questions outside of the tunnel"
}

plan_route() {
	echo "$web/serverfarms/plan1/virtualNetworkConnections/vnet1/routes/$1"
}

# route NAME START [END]
route() {
	accepted "route $1" PUT "$(plan_route "$1")" "{\"properties\": {\"startAddress\": \"$2\"${3:+, \"endAddress\": \"$3\"}}}"
}

# bad_route STATUS REGEX BODY
bad_route() {
	refused "$1" "$2" "a bad route" PUT "$(plan_route bad)" "{\"properties\": $3}"
}

readonly invalid_request='^Invalid request\. Ensure that required parameters are given'

B34_plan_route_steers_exactly_its_traffic_and_deletion_reverts() {
	local address
	for address in 10.9.0.5 10.9.1.5 10.8.0.4 10.8.0.5 10.8.0.12 10.8.0.13; do
		far_address $address
		reaches shop $address && flunk "$address is reached without a route"
	done
	is "$(tunnelled shop)" "10.20.0.0/24" "the app's routes before"
	route cidr 10.9.0.0/24
	route span 10.8.0.5 10.8.0.12
	wait_for 5 tunnelled_is shop "10.20.0.0/24 10.8.0.12/32 10.8.0.5/32 10.8.0.6/31 10.8.0.8/30 10.9.0.0/24" ||
		flunk "routes of the app: $(tunnelled shop)"
	for address in 10.9.0.5 10.8.0.5 10.8.0.12; do
		like "$(page shop $address)" "$page_regex" "$address, which the routes have"
	done
	for address in 10.9.1.5 10.8.0.4 10.8.0.13; do
		reaches shop $address && flunk "$address is reached, a neighbour of the routes"
	done
	accepted "deletion" DELETE "$(plan_route cidr)"
	accepted "deletion" DELETE "$(plan_route span)"
	wait_for 5 tunnelled_is shop 10.20.0.0/24 || flunk "routes of the app afterwards: $(tunnelled shop)"
	reaches shop 10.9.0.5 && flunk "a deleted route is in use"
	like "$(page shop)" "$page_regex" "the VNet itself"
	is "$(starts_of shop)" 1 "starts of the app"
}

B34_bad_routes_are_refused() {
	bad_route 400 "$invalid_request" '{"startAddress": "10.9.0.0/16", "endAddress": "10.9.255.255"}'
	bad_route 400 "$invalid_request" '{"startAddress": "10.9.0.300"}'
	bad_route 400 "$invalid_request" '{"startAddress": "10.9.0.9", "endAddress": "10.9.0.1"}'
	refused 404 'Route not found' "change of an unknown route" PATCH "$(plan_route none)" \
		'{"properties": {"startAddress": "10.9.0.0/16"}}'
	refused 404 'does not exist' "deletion of an unknown route" DELETE "$(plan_route none)"
	is "$(tunnelled shop)" 10.20.0.0/24 "the app's routes"
}

# A gateway does not enforce what a worker keeps to: it drops what is not in the plan's routes, whoever sends it.
B34_gateway_drops_what_is_outside_of_the_plan_s_routes() {
	local table
	table=$(worker_table "$(view_of shop)")
	ip -n "$(view_of shop)" route add 10.9.1.5/32 dev vnet0 table "$table"
	capture sent "$(view_of shop)" vnet0 'dst host 10.9.1.5'
	capture inside "$vnet" v1 'dst host 10.9.1.5'
	reaches shop 10.9.1.5 && flunk "a route of the app's own making is served"
	is "$(captured inside)" 0 "packets in the VNet"
	at_least "$(captured sent)" 1 "packets that the app sent"
	ip -n "$(view_of shop)" route del 10.9.1.5/32 dev vnet0 table "$table"
}

B40_route_tables_of_the_vnet_do_not_alter_the_worker_s_routes() {
	local before
	before=$(ip -n "$(view_of shop)" route show table all)
	ip -n "$gw" route add 10.66.0.0/16 via 10.20.0.2
	ip -n "$gw" route add 10.67.0.0/16 via 10.20.0.2 table 77 && ip -n "$gw" rule add to 10.67.0.0/16 lookup 77
	ip -n "$vnet" route add 10.68.0.0/16 via 10.20.0.1
	far_address 10.66.0.5
	accepted "sync" POST "$web/serverfarms/plan1/virtualNetworkConnections/vnet1/sync"
	sleep 1 # time for what must not come
	is "$(ip -n "$(view_of shop)" route show table all)" "$before" "the worker's routes"
	reaches shop 10.66.0.5 && flunk "a user-defined route of the VNet is reached"
	like "$(page shop)" "$page_regex" "the VNet itself"
}

# the first address of the pool is as good as the last: as many sessions as the /28 has addresses
B37_every_address_of_the_pool_is_usable_behind_a_firewall_that_allows_the_pool() {
	network 7 && gateway_of 7 172.16.87.0/28 && connected_app crowd plan1 net7 && unpack crowd
	ip -n "$vnet" route replace 172.16.87.0/28 via 10.20.0.1
	ip -n "$vnet" route del default via 10.20.0.1
	in_ns "$vnet" sh -c 'echo 1 >/proc/sys/net/ipv4/conf/v1/rp_filter'
	is "$(in_ns "$host" "$many_bin" 192.0.2.1:443 crowd "$world_dir/crowd.pair" "$world_dir/crowd.roots" 192.0.2.1 \
		16 10.27.0.2 2>&1)" "sessions 16 up 16 replied 16 addresses 16 ended_in_order 16" "what sixteen sessions saw"
	reaches shop && flunk "the firewall lets others than the pool pass"
	in_ns "$vnet" sh -c 'echo 0 >/proc/sys/net/ipv4/conf/v1/rp_filter'
	ip -n "$vnet" route add default via 10.20.0.1
	like "$(page shop)" "$page_regex" "shop without the firewall"
}

B36_private_ip_may_change_with_a_reconnect_but_stays_in_the_pool() {
	local before after
	network 8 && gateway_of 8 172.16.88.0/29 && connected_app mover plan1 net8 && start_app mover --restart-app on-address-change
	before=$(private_ip mover)
	like "$before" '^172\.16\.88\.[0-7]$' "the first address"
	gateway_of 8 172.16.98.0/29
	wait_for 20 reaches mover 10.28.0.2 || flunk "it does not come back"
	after=$(private_ip mover)
	like "$after" '^172\.16\.98\.[0-7]$' "WEBSITE_PRIVATE_IP after the reconnect"
	is "$(tunnel_address mover)" "$after" "the device's address"
	like "$(page mover 10.28.0.2)" "virtual network, ${after//./\\.}$" "the source that the target sees"
	diag "from $before to $after"
	end_app mover
}

B9_what_is_not_in_the_routes_never_enters_the_tunnel() {
	connected_app edge plan1 vnet1
	start_app_here edge --tun edge0
	capture tunnel "$gw" sstp0 "host $service or host $vault"
	like "$(in_ns "$host" curl -s -m 3 http://$service/)" 'network, 192\.0\.2\.2$' "the service sees the outer address"
	like "$(in_ns "$host" curl -s -m 3 http://10.20.0.2/)" "network, $(private_ip edge)$" "the VNet the private one"
	is "$(captured tunnel)" 0 "packets of the service in the tunnel"
}

# settings are the platform's to resolve, not the app's: what a plan routes does not concern it
B9_settings_are_resolved_outside_of_the_tunnel_even_where_the_app_s_traffic_goes_in() {
	end_app edge
	capture app "$(view_of shop)" vnet0 "dst host $vault"
	route vault $vault/32
	wait_for 5 tunnelled_is shop "10.20.0.0/24 $vault/32" || flunk "routes of the app: $(tunnelled shop)"
	like "$(in_ns "$host" curl -s -m 3 http://$vault/)" 'network, 192\.0\.2\.2$' "the vault for the platform"
	is "$(captured tunnel)" 0 "the platform's packets in the tunnel"
	page_time=1 page shop $vault >/dev/null
	wait_for 5 has_captured app || flunk "the app's packets to the same address are not in the tunnel"
	accepted "deletion" DELETE "$(plan_route vault)"
}

# status_of_worker PROFILE KEY: as the worker shows it to everybody on the machine
status_of_worker() {
	"$worker_bin" status "$1" --json | json_at "0.$2"
}

status_is() {
	[ "$(status_of_worker "$1" "$2")" = "$3" ]
}

# the gateway's processes stand still: nothing hangs up, as when its machine or the way to it is lost
B10_gateway_down_is_known_within_ten_seconds_and_traffic_fails_closed() {
	local processes pid began
	start_app_here edge --tun edge0
	is "$(status_of_worker edge state)" up "its state before"
	capture leak "$host" u0 'dst net 10.20.0.0/24'
	mapfile -t processes < <(ip netns pids "$gw" | grep -Fx -f <(pgrep -x sstp-gateway))
	for pid in "${processes[@]}"; do
		freeze "$pid"
	done
	began=$(date +%s%N)
	wait_for 15 log_has edge 0 'the tunnel is down' || flunk "it is not noticed"
	diag "known after $((($(date +%s%N) - began) / 1000000)) ms"
	at_most $((($(date +%s%N) - began) / 1000000)) 10000 "milliseconds until it is known"
	wait_for 2 status_is edge state down || flunk "its state is $(status_of_worker edge state)"
	is "$(in_ns "$host" curl -s -m 2 http://10.20.0.2/)" "" "a page without a tunnel"
	is "$(captured leak)" 0 "packets of the app that left around the tunnel"
	for pid in "${processes[@]}"; do
		kill -s CONT "$pid"
	done
	wait_for 20 status_is edge state up || flunk "it does not come back"
	like "$(in_ns "$host" curl -s -m 3 http://10.20.0.2/)" "$page_regex" "a page through the new tunnel"
	is "$(captured leak)" 0 "packets that left around the tunnel in all"
	end_app edge
}

# start_link: 192.0.2.1 is reached by it alone from now on
start_link() {
	start link "$host" python3 "$world_root/test/support/slow_link.py" "$host" far0 "$gw" far1 "$1" "$2" "$link_seed"
	link_pid=$started_pid
	wait_for 10 log_has link 0 '^ready$' || return 1
	ip -n "$gw" addr add 198.51.100.1/24 dev far1 && ip -n "$gw" link set far1 up &&
		ip -n "$host" addr add 198.51.100.2/24 dev far0 && ip -n "$host" link set far0 up &&
		ip -n "$host" route add 192.0.2.1/32 dev far0 src 198.51.100.2
}

# no link, no region in common: an address is all that they share
B1_worker_and_gateway_meet_over_a_link_of_100_ms_that_loses_1_percent() {
	local began passed lost
	diag "LINK_SEED=$link_seed"
	start_link 100 1 || flunk "no link"
	like "$(in_ns "$host" ping -n -c 3 -i 0.2 192.0.2.1)" 'min/avg/max/mdev = 20[0-9]\.' "the round trip"
	app remote plan1 && connect remote vnet1
	began=$(date +%s%N)
	enrol remote vnet1 && start_app remote
	diag "enrolled and up after $((($(date +%s%N) - began) / 1000000)) ms"
	is "$(in_view remote curl -s -m 60 http://10.20.0.2/big.bin | head -c 500000 | sha256sum)" \
		"$(head -c 500000 "$world_dir/www/big.bin" | sha256sum)" "half a million bytes through it"
	end_app remote
	ip -n "$host" route del 192.0.2.1/32
	stop "$link_pid"
	read -r _ passed _ lost < <(tail -n 1 "$world_dir/link.log")
	diag "the link passed $passed packets, and lost $lost"
	at_least "${lost:-0}" 1 "packets lost"
	at_most $((lost * 1000 / (passed + lost))) 30 "of a thousand"
}

tap_main B35_private_ip_is_in_the_environment_and_on_the_device \
	B15_only_the_worker_s_app_reaches_the_vnet \
	B5_names_of_the_app_are_asked_of_the_vnet_s_servers_through_the_tunnel \
	B34_plan_route_steers_exactly_its_traffic_and_deletion_reverts \
	B34_bad_routes_are_refused \
	B34_gateway_drops_what_is_outside_of_the_plan_s_routes \
	B40_route_tables_of_the_vnet_do_not_alter_the_worker_s_routes \
	B37_every_address_of_the_pool_is_usable_behind_a_firewall_that_allows_the_pool \
	B36_private_ip_may_change_with_a_reconnect_but_stays_in_the_pool \
	B9_what_is_not_in_the_routes_never_enters_the_tunnel \
	B9_settings_are_resolved_outside_of_the_tunnel_even_where_the_app_s_traffic_goes_in \
	B10_gateway_down_is_known_within_ten_seconds_and_traffic_fails_closed \
	B1_worker_and_gateway_meet_over_a_link_of_100_ms_that_loses_1_percent -- "$@"
