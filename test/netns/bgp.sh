#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# BGP by a real daemon: BIRD beside the gateway, with the configuration that sstpctl makes, and BIRD on-premises.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

# Beside the site of site.sh, with the VNet net1 (10.21.0.0/24, pool 172.16.81.0/24):
#
#	gw 198.18.60.1 ---- 198.18.60.2 far    on-premises: 192.168.40.2, AS 65010
#
# far has no way back but what it learns.
readonly far_prefix=192.168.40.0/24 pool=172.16.81.0/24 space=10.21.0.0/24 custom=192.0.2.64/26

setup() {
	site_up 'bird_socket: "{vnet}.ctl"' && end_with bgp_end && far=$world_prefix-far && make_far && network 1 &&
		net_gateway && device=$(property "$nets/net1" device) && wait_for 5 has_link "$gw" "$device" &&
		start_net_bird && start_far_bird && wait_for 10 has_route "$far" $pool
}

bgp_end() {
	trap '' HUP INT PIPE TERM
	if [ -e "/run/netns/$far" ]; then
		end_processes_in "$far"
		ip netns del "$far"
	fi
	site_end
}

make_far() {
	ip netns add "$far" && ip -n "$far" link set lo up && ip -n "$far" addr add 192.168.40.2/24 dev lo &&
		ip link add f0 netns "$gw" type veth peer name f1 netns "$far" &&
		ip -n "$gw" addr add 198.18.60.1/30 dev f0 && ip -n "$gw" link set f0 up &&
		ip -n "$far" addr add 198.18.60.2/30 dev f1 && ip -n "$far" link set f1 up &&
		start far-web "$far" "$world_root/test/support/webserver.py" 192.168.40.2 80 "$world_dir/www"
}

# net_gateway [CUSTOM_ROUTE [MORE]]: with BGP, and one more custom route
net_gateway() {
	accepted "gateway of net1" PUT "$nets/net1/virtualNetworkGateways/gw" \
		"$(gateway_body $pool "$custom${1:+\", \"$1}" "\"enableBgp\": true${2:+, $2}")"
}

# bird NAME NAMESPACE: NAME.bird is its configuration
bird() {
	start "bird-$1" "$2" bird -f -c "$world_dir/$1.bird" -s "$world_dir/$1.ctl" -P "$world_dir/$1.pid"
	wait_for 5 test -S "$world_dir/$1.ctl"
}

# sstpctl's own configuration as it stands, but that tests do not wait for half a minute
start_net_bird() {
	ctl bgp config net1 --neighbor 198.18.60.2 --as 65010 >"$world_dir/made.bird" || return 1
	sed -e 's/log syslog/log stderr/; s/connect retry time 10;/connect delay time 1; connect retry time 1;/' \
		-e 's/error wait time 2, 60;/error wait time 1, 2;/' "$world_dir/made.bird" >"$world_dir/net1.bird" && bird net1 "$gw"
}

start_far_bird() {
	far_routes $far_prefix && cat >"$world_dir/far.bird" <<-EOT && bird far "$far"
		router id 198.18.60.2;
		log stderr all;
		protocol device {}
		protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol static own {
			ipv4;
			include "$world_dir/far.routes";
		}
		protocol bgp net1 {
			local as 65010;
			neighbor 198.18.60.1 as 65515;
			connect delay time 1;
			connect retry time 1;
			error wait time 1, 2;
			ipv4 { import all; export where source = RTS_STATIC; };
		}
	EOT
}

# far_routes PREFIX...: what on-premises announces
far_routes() {
	printf 'route %s unreachable;\n' "$@" >"$world_dir/far.routes"
}

far_announces() {
	far_routes "$@"
	like "$(birdc -s "$world_dir/far.ctl" configure 2>&1)" Reconfigured "BIRD on-premises"
}

# has_route NAMESPACE PREFIX
has_route() {
	ip -n "$1" route show exact "$2" 2>/dev/null | grep -q .
}

has_no_route() {
	! has_route "$@"
}

ctl() {
	"$sstpctl_bin" "$@" --name gw --socket "$world_dir/control.sock" 2>&1
}

learned_has() {
	ctl bgp learned net1 --json | grep -q "\"$1\""
}

learned_has_not() {
	! learned_has "$@"
}

announced() {
	ip -n "$gw" -o route show table "$1" 2>/dev/null | awk '{ print $1, $2 }' | paste -sd ,
}

# the device of VNet number 7 is sstp107
announce_table() {
	echo $((8300 + ${device#sstp}))
}

our_routes_arrive_on_premises_and_nothing_is_forwarded_by_the_markers() {
	local prefix
	for prefix in $pool $space $custom; do
		succeeds "$prefix on-premises" wait_for 5 has_route "$far" "$prefix"
	done
	is "$(announced "$(announce_table)")" \
		"blackhole $space,blackhole $pool,blackhole $custom" "the table of what is announced"
	is "$(ip -n "$gw" rule | grep -c "$(announce_table)")" 0 "rules that ask it"
	succeeds "the pool leads to the device" has_route "$gw" $pool
}

what_on_premises_announces_is_learned_and_shown_with_its_path() {
	succeeds "learned" wait_for 5 learned_has $far_prefix
	like "$(ctl bgp learned net1)" "$far_prefix +198\.18\.60\.2 +198\.18\.60\.2 +EBgp +65010" "bgp learned"
	like "$(ctl bgp peers net1)" '198\.18\.60\.2 +65010 +Connected +[0-9:]+ +1 +3 ' "bgp peers"
	like "$(ctl bgp advertised net1 --peer 198.18.60.2)" "$pool +198\.18\.60\.1 +198\.18\.60\.2 +Network +65515" \
		"bgp advertised"
}

# doctor_says REGEX: of the way back from on-premises
doctor_says() {
	like "$("$sstpctl_bin" doctor --vnet net1 --socket "$world_dir/control.sock" | grep ' onPremisesRoute ')" "$1" "doctor"
}

B51_doctor_asks_bird_whom_it_tells_of_the_pool() {
	doctor_says '^net1 +onPremisesRoute +ok +BIRD tells 198\.18\.60\.2 \(AS 65010\) of the pool'
}

what_is_withdrawn_there_is_forgotten_here() {
	far_announces $far_prefix 10.66.0.0/16
	succeeds "one more is learned" wait_for 5 learned_has 10.66.0.0/16
	far_announces $far_prefix
	succeeds "and forgotten" wait_for 5 learned_has_not 10.66.0.0/16
	succeeds "the other one stays" learned_has $far_prefix
}

default_route_and_own_prefixes_are_never_learned() {
	far_announces $far_prefix 0.0.0.0/0 10.21.0.128/25 172.16.81.7/32 10.0.0.0/8
	succeeds "what covers the own ones" wait_for 5 learned_has 10.0.0.0/8
	# BIRD's filter keeps them out too: what it would let in is put in by hand
	ip -n "$gw" route add 10.21.0.192/26 via 198.18.60.2 proto bird
	wait_for 5 log_never 10.21.0.192/26
	is "$(ctl bgp learned net1 --json | json_at total)" 2 "prefixes learned"
	is "$(ctl bgp learned net1 --json | json_at neverLearned)" 1 "prefixes never learned"
	ip -n "$gw" route del 10.21.0.192/26 proto bird
	far_announces $far_prefix
	succeeds "gone" wait_for 5 learned_has_not 10.0.0.0/8
}

log_never() {
	[ "$(ctl bgp learned net1 --json | json_at neverLearned)" = 1 ]
}

custom_route_that_on_premises_has_is_not_announced_back() {
	net_gateway $far_prefix
	succeeds "what on-premises has not" wait_for 5 has_route "$far" $custom
	is "$(announced "$(announce_table)")" \
		"blackhole $space,blackhole $pool,blackhole $custom" "the table of what is announced"
	net_gateway
}

sessions_are_announced_when_asked_for() {
	plan plan1 && connected_app shop plan1 net1 && start_app shop
	net_gateway '' '"advertiseHostRoutes": true'
	succeeds "the app's address on-premises" wait_for 5 has_route "$far" "$(private_ip shop)"
	net_gateway
	succeeds "gone" wait_for 5 has_no_route "$far" "$(private_ip shop)"
}

# on-premises is reached by what is learned there and here
learned_prefix_carries_traffic_when_it_is_a_custom_route() {
	net_gateway $far_prefix
	accepted "sync" POST "$web/serverfarms/plan1/virtualNetworkConnections/net1/sync"
	wait_for 5 reaches shop 192.168.40.2 || flunk "on-premises is not reached"
	net_gateway
}

daemon_that_is_gone_is_a_sentence_and_nothing_learned_is_lost() {
	stop "$(cat "$world_dir/net1.pid")" KILL
	like "$(ctl bgp peers net1)" 'BIRD cannot be asked at .*/net1\.ctl' "bgp peers"
	doctor_says '^net1 +onPremisesRoute +not known +Whom BIRD tells of the pool is not known: BIRD cannot be asked'
	succeeds "what it had put into the kernel is still there" learned_has $far_prefix
	like "$(ctl bgp learned net1 --json | json_at message)" 'BIRD cannot be asked' "its neighbours are not known"
	bird net1 "$gw"
	succeeds "on-premises again" wait_for 10 has_route "$far" $pool
	succeeds "learned again" wait_for 10 learned_has $far_prefix
}

# It cannot be made anew while something else has its name.
device_that_fails_withdraws_at_once() {
	printf 'link del %s\nlink add %s type veth peer name blocker\n' "$device" "$device" | ip -n "$gw" -batch -
	succeeds "nothing is announced" wait_for 2 has_no_route "$far" $pool
	is "$(announced "$(announce_table)")" "" "the table of what is announced"
	ip -n "$gw" link del "$device"
	kill -s HUP "$gateway_pid"
	succeeds "on-premises again" wait_for 10 has_route "$far" $pool
}

# many_prefixes STEP: 100.64.0.0/26 and so on, 3000 of them, and only each STEP-th
many_prefixes() {
	local i
	for ((i = 0; i < 3000; i += $1)); do
		echo "100.$((64 + i / 1024)).$((i / 4 % 256)).$((i % 4 * 64))/26"
	done
}

# what is learned, or effective: prefixes, sorted
all_learned() {
	api POST "$nets/net1/virtualNetworkGateways/gw/getLearnedRoutes?limit=100000"
	prefixes_at network
}

all_effective() {
	api GET "$nets/net1/effectiveRoutes?source=BGP&limit=100000"
	prefixes_at prefix
}

prefixes_at() {
	python3 -c 'import json, sys; print(*sorted(r[sys.argv[1]] for r in json.load(sys.stdin)["value"]), sep="\n")' "$1" <<<"$api_body"
}

learned_are() {
	[ "$(all_learned | sha256sum)" = "$1" ]
}

# settles_as FILE: both sets are the one in the file
settles_as() {
	local sum
	sum=$(sha256sum <"$1")
	wait_for 5 learned_are "$sum" || flunk "learned" "$(all_learned | diff "$1" - | head -n 5)"
	is "$(all_effective | sha256sum)" "$sum" "effective"
}

effective_set_is_what_was_announced_last_however_it_flapped() {
	local i
	net_gateway '' '"propagateBgp": true'
	many_prefixes 1 >"$world_dir/all.list"
	many_prefixes 3 >"$world_dir/third.list"
	for i in all third all third; do
		mapfile -t prefixes <"$world_dir/$i.list"
		far_announces "${prefixes[@]}"
		LC_ALL=C sort -o "$world_dir/$i.list" "$world_dir/$i.list"
	done
	settles_as "$world_dir/third.list"
	mapfile -t prefixes <"$world_dir/all.list"
	far_announces "${prefixes[@]}"
	settles_as "$world_dir/all.list"
	is "$(starts_of shop)" 1 "starts of the app"
	far_announces $far_prefix
	echo $far_prefix >"$world_dir/none.list"
	settles_as "$world_dir/none.list"
	net_gateway
}

# The routes of a killed gateway stay until its successor begins, which serves another network by then.
what_a_killed_gateway_announced_is_withdrawn_by_the_next() {
	local table
	table=$(announce_table)
	stop "$gateway_pid" KILL
	wait_for 5 is_empty_of_gateway
	isnt "$(announced "$table")" "" "the table of what was announced"
	ip -n "$gw" route add blackhole 10.99.0.0/16 table "$table" proto 83
	succeeds "a stale one on-premises" wait_for 5 has_route "$far" 10.99.0.0/16
	start_gateway
	succeeds "is gone" wait_for 5 has_no_route "$far" 10.99.0.0/16
	succeeds "the others are back" wait_for 10 has_route "$far" $pool
	is "$(announced "$table")" "blackhole $space,blackhole $pool,blackhole $custom" \
		"the table of what is announced"
}

is_empty_of_gateway() {
	! pgrep -f "^$gateway_bin .*$world_dir|^sstp-gateway --control-process $world_dir" >/dev/null
}

# On-premises it is said when a route goes, here when a session does.
gateway_that_ends_withdraws_before_it_says_goodbye() {
	local mark monitor gone_at bye_at
	wait_for 15 reaches shop 10.21.0.2 || flunk "the app is not back"
	mark=$(log_mark shop)
	start monitor "$far" sh -c "ip -ts monitor route | sed -u -n '/^\\[/{s/^.\\([^]]*\\).*Deleted.*/\\1/p}'"
	monitor=$started_pid
	sleep 0.2
	stop "$gateway_pid"
	stop "$monitor"
	gone_at=$(date -d "$(head -n 1 "$world_dir/monitor.log")" +%s%N)
	bye_at=$(log_since shop "$mark" | grep -Em 1 'gateway.*(shutting down|disconnect|closed)|tunnel .*(lost|down|gone)' |
		cut -d ' ' -f 1)
	diag "withdrawn on-premises at $(head -n 1 "$world_dir/monitor.log"), goodbye at $bye_at"
	isnt "$bye_at" "" "when the worker heard of it"
	at_most "$gone_at" "$(date -d "$bye_at" +%s%N)" "when the routes were withdrawn on-premises"
	is "$(announced "$(announce_table)")" "" "the table of what is announced"
	is "$(ls "$world_dir/state/announced" 2>&1 | grep -c 'No such file')" 1 "the list of tables"
}

tap_main our_routes_arrive_on_premises_and_nothing_is_forwarded_by_the_markers \
	what_on_premises_announces_is_learned_and_shown_with_its_path \
	B51_doctor_asks_bird_whom_it_tells_of_the_pool \
	what_is_withdrawn_there_is_forgotten_here \
	default_route_and_own_prefixes_are_never_learned \
	custom_route_that_on_premises_has_is_not_announced_back \
	sessions_are_announced_when_asked_for \
	learned_prefix_carries_traffic_when_it_is_a_custom_route \
	daemon_that_is_gone_is_a_sentence_and_nothing_learned_is_lost \
	device_that_fails_withdraws_at_once \
	effective_set_is_what_was_announced_last_however_it_flapped \
	what_a_killed_gateway_announced_is_withdrawn_by_the_next \
	gateway_that_ends_withdraws_before_it_says_goodbye -- "$@"
