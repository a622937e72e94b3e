#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the operator's model says is what packets meet: plans and their routes, connections, networks made by the API, and
# addresses that stay. Behind the gateway, in the VNet's namespace, are three more networks that only a plan's routes
# lead to:
#
#	vnet 10.20.0.2	address space of vnet1
#	     10.30.0.2	plan gold's
#	     10.40.0.2	plan silver's
#	     10.50.0.2	address space of vnet2, which the API makes
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
readonly PORT=7777
app2=

setup() {
	world_up && app2=$world_prefix-app2 && end_with site_end && make_more_networks && start_web_server &&
		start echo "$vnet" python3 "$world_root/test/netns/seamless.py" serve 10.30.0.2 $PORT &&
		write_authority_config && start_gateway && wait_for 10 test -S "$world_dir/control.sock" && make_site
}

make_more_networks() {
	local n
	ip netns add "$app2" && ip -n "$app2" link set lo up || return 1
	for n in 30 40 50; do
		ip -n "$vnet" addr add 10.$n.0.2/24 dev v1 && ip -n "$gw" route add 10.$n.0.0/24 via 10.20.0.2 || return 1
	done
}

site_end() {
	if [ -e "/run/netns/$app2" ]; then
		end_processes_in "$app2"
		ip netns del "$app2"
	fi
	world_end
}

ctl() {
	"$sstpctl_bin" "$1" "$2" --socket "$world_dir/control.sock" "${@:3}"
}

# The names of all that is said elsewhere: plan gold has shop, plan silver has till.
make_site() {
	ctl plan create gold --tier Basic && ctl plan create silver --tier Standard &&
		ctl app create shop --plan gold && ctl app create till --plan silver &&
		ctl connection connect shop vnet1 && ctl connection connect till vnet1 &&
		ctl route create gold vnet1 far --prefix 10.30.0.0/24 &&
		ctl route create silver vnet1 far --start 10.40.0.0 --end 10.40.0.255 &&
		enrol shop vnet1 && enrol till vnet1
} >>"$world_dir/ctl.log" 2>&1

# enrol APP VNET: $world_dir/APP.yaml, the profile
enrol() {
	in_ns "$host" "$worker_bin" enrol "$(ctl token create --app "$1" --vnet "$2" --gateway 192.0.2.1)" \
		--profile "$world_dir/$1.yaml"
}

# start_worker APP NETNS: in the background; sets worker_pid
start_worker() {
	# shellcheck disable=SC2016
	start "$1" "$host" "$worker_bin" --profile "$world_dir/$1.yaml" --netns "$2" --tun "tun-$1" --log-level debug -- \
		sh -c 'echo app $WEBSITE_PRIVATE_IP $WEBSITE_VNETNAME; exec sleep 300'
	worker_pid=$started_pid
}

# address_of APP: that its worker has told it last
address_of() {
	sed -n 's/^app \([0-9.]*\) .*/\1/p' "$world_dir/$1.log" | tail -n 1
}

reaches() {
	in_ns "$1" ping -c 1 -W 1 -i 0.2 "$2" >/dev/null 2>&1
}

# dropped REASON: what the gateway has counted of it until now, in all sessions
dropped() {
	local mark
	mark=$(log_mark gateway)
	kill -s USR1 "$(data_pid)"
	wait_for 5 log_has gateway "$mark" 'stats: sessions=' || return 1
	log_since gateway "$mark" | sed -n "s/.*stats: sessions=.* $1 \([0-9]*\).*/\1/p" | grep . || echo 0
}

# The process that takes SIGUSR1.
data_pid() {
	echo "$gateway_pid"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

each_app_reaches_the_network_and_its_own_plans_routes() {
	start_worker shop "$app" && shop_pid=$worker_pid
	start_worker till "$app2" && till_pid=$worker_pid
	wait_for 10 log_has shop 0 '^app 172\.16\.77\.[0-9]+ vnet1$' || flunk "no shop"
	wait_for 10 log_has till 0 '^app 172\.16\.77\.[0-9]+ vnet1$' || flunk "no till"
	reaches "$app" 10.20.0.2 || flunk "shop does not reach the VNet"
	reaches "$app" 10.30.0.2 || flunk "shop does not reach its plan's network"
	reaches "$app2" 10.20.0.2 || flunk "till does not reach the VNet"
	reaches "$app2" 10.40.0.2 || flunk "till does not reach its plan's network"
}

# The worker's own table leaves it out already; who changes that meets the gateway's.
what_another_plan_has_is_dropped_by_the_gateway_and_counted() {
	local before after table
	before=$(dropped not_in_plan)
	table=$(worker_table "$app")
	ip -n "$app" route add 10.40.0.0/24 dev tun-shop table "$table"
	reaches "$app" 10.40.0.2 && flunk "shop reaches what is till's"
	after=$(dropped not_in_plan)
	ip -n "$app" route del 10.40.0.0/24 dev tun-shop table "$table"
	at_least $((after - before)) 1 "drops with their reason"
}

# until_reaches NETNS ADDRESS: prints the milliseconds that took
until_reaches() {
	local began
	began=$(milliseconds)
	wait_for 5 reaches "$1" "$2" || return 1
	echo $(($(milliseconds) - began))
}

route_that_is_added_while_a_stream_runs_holds_within_a_second_and_nothing_is_lost() {
	local took verdict
	start stream "$app" env WEBSITE_PRIVATE_IP="$(address_of shop)" python3 "$world_root/test/netns/seamless.py" app 10.30.0.2 $PORT 2000000
	wait_for 10 log_has stream 0 '^app ' || flunk "no stream"
	sleep 1
	reaches "$app" 10.40.0.2 && flunk "it is reached before it is added"
	ctl route create gold vnet1 also --prefix 10.40.0.0/24 >>"$world_dir/ctl.log" 2>&1
	took=$(until_reaches "$app" 10.40.0.2) || flunk "it is never reached"
	at_most "${took:-5000}" 1000 "milliseconds until the route holds"
	ctl route delete gold vnet1 also >>"$world_dir/ctl.log" 2>&1
	wait_for 2 is_not_reached "$app" 10.40.0.2 || flunk "it is reached after it was taken away"
	stop "$started_pid"
	verdict=$(cat "$world_dir/stream.log")
	like "$verdict" 'tcp .* same' "the stream came back as it was"
	like "$verdict" 'probe [0-9]+ 0 ' "no datagram was lost"
	is "$(grep -c '^app ' "$world_dir/shop.log")" 1 "starts of the app"
}

is_not_reached() {
	! reaches "$@"
}

sessions_are_known_to_the_operator() {
	wait_for 5 sessions_has "shop +vnet1" || flunk "shop's session is not listed" "$(ctl session list)"
	like "$(ctl session list)" "till" "till's"
	like "$(ctl session list)" "$(address_of shop)" "its address"
}

sessions_has() {
	ctl session list | grep -Eq -- "$1"
}

session_that_is_disconnected_ends_and_its_worker_comes_back() {
	local mark
	mark=$(log_mark gateway)
	ctl session disconnect --app till >>"$world_dir/ctl.log" 2>&1
	wait_for 10 log_has gateway "$mark" 'user="?till@vnet1.*disconnecting' || flunk "it is not disconnected"
	wait_for 20 log_has gateway "$mark" 'user="?till@vnet1.* up, address=' || flunk "it does not come back"
}

app_that_is_disconnected_loses_its_tunnel_and_is_refused_with_the_reason() {
	local mark
	mark=$(log_mark gateway)
	ctl connection disconnect till >>"$world_dir/ctl.log" 2>&1
	wait_for 5 log_has gateway "$mark" 'app till is not connected to VNet vnet1 any more' || flunk "its session stays"
	wait_for 5 is_not_reached "$app2" 10.20.0.2 || flunk "packets still flow"
	stop "$till_pid"
	mark=$(log_mark gateway)
	start_worker till "$app2"
	wait_for 10 log_has gateway "$mark" 'no address: app till is not connected to VNet vnet1' || flunk "it is let in"
	stop "$worker_pid"
	like "$(tail -n 20 "$world_dir/till.log")" 'not connected to VNet vnet1' "its worker says why"
	reaches "$app" 10.20.0.2 || flunk "shop's tunnel is gone too"
}

connection_of_a_tier_that_does_not_have_it_is_refused_until_it_does() {
	local mark
	mark=$(log_mark gateway)
	ctl plan set gold --tier Free >>"$world_dir/ctl.log" 2>&1
	wait_for 5 log_has gateway "$mark" 'disconnecting: .*Free' || flunk "shop's session stays"
	ctl plan set gold --tier Basic >>"$world_dir/ctl.log" 2>&1
	stop "$shop_pid"
	mark=$(log_mark shop)
	start_worker shop "$app" && shop_pid=$worker_pid
	wait_for 10 log_has shop "$mark" '^app 172\.16\.77\.[0-9]+ vnet1$' || flunk "it is not let in again"
}

network_made_by_the_api_carries_traffic_and_goes_with_its_device() {
	ctl vnet create vnet2 --address-spaces 10.50.0.0/24 --dns 10.50.0.2 >>"$world_dir/ctl.log" 2>&1
	ctl gateway create vnet2 --pools 172.16.78.0/24 >>"$world_dir/ctl.log" 2>&1
	wait_for 5 has_device sstp || flunk "no device"
	ctl app create cash --plan silver >>"$world_dir/ctl.log" 2>&1
	wait_for 5 ctl connection connect cash vnet2 >>"$world_dir/ctl.log" 2>&1 || flunk "its gateway is never up"
	like "$(ctl connection show cash vnet2)" 'Gateway status +Up' "it is said to be up"
	enrol cash vnet2 >>"$world_dir/ctl.log" 2>&1
	start_worker cash "$app2"
	wait_for 10 log_has cash 0 '^app 172\.16\.78\.[0-9]+ vnet2$' || flunk "no cash"
	reaches "$app2" 10.50.0.2 || flunk "cash does not reach its VNet"
	reaches "$app2" 10.20.0.2 && flunk "cash reaches another VNet"
	ctl connection disconnect cash >>"$world_dir/ctl.log" 2>&1
	wait_for 5 is_not_reached "$app2" 10.50.0.2 || flunk "packets still flow"
	stop "$worker_pid"
	ctl gateway delete vnet2 >>"$world_dir/ctl.log" 2>&1
	ctl vnet delete vnet2 >>"$world_dir/ctl.log" 2>&1
	wait_for 5 has_no_device sstp || flunk "its device stays"
}

# has_device PREFIX: a device of that name and a number, but the one of gateway.yaml
has_device() {
	ip -n "$gw" -o link | grep -v 'sstp0:' | grep -q ": $1[0-9]"
}

has_no_device() {
	! has_device "$1"
}

address_stays_over_a_restart_of_the_gateway() {
	local before mark
	# somebody else would get the first free address
	before=$(address_of shop)
	ctl connection connect till vnet1 >>"$world_dir/ctl.log" 2>&1
	stop "$shop_pid"
	sleep 1
	stop "$gateway_pid"
	start_gateway || flunk "the gateway does not start again"
	mark=$(log_mark till)
	start_worker till "$app2" && till_pid=$worker_pid
	wait_for 10 log_has till "$mark" '^app 172' || flunk "no till"
	mark=$(log_mark shop)
	start_worker shop "$app" && shop_pid=$worker_pid
	wait_for 10 log_has shop "$mark" '^app 172' || flunk "no shop"
	is "$(address_of shop)" "$before" "its address"
	isnt "$(address_of till)" "$before" "the other one's"
}

tap_main each_app_reaches_the_network_and_its_own_plans_routes \
	what_another_plan_has_is_dropped_by_the_gateway_and_counted \
	route_that_is_added_while_a_stream_runs_holds_within_a_second_and_nothing_is_lost \
	sessions_are_known_to_the_operator \
	session_that_is_disconnected_ends_and_its_worker_comes_back \
	app_that_is_disconnected_loses_its_tunnel_and_is_refused_with_the_reason \
	connection_of_a_tier_that_does_not_have_it_is_refused_until_it_does \
	network_made_by_the_api_carries_traffic_and_goes_with_its_device \
	address_stays_over_a_restart_of_the_gateway -- "$@"
