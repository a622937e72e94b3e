#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# "sstpctl trace": a probe of an app's, with each stage of its way made the one where it stops. What takes its patience,
# because nothing answers, is asked for at once, by one app each: a worker follows one probe at a time.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

readonly apps='shop drops forward back answer nobody'

config_vnets() {
	cat <<-EOF
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24, "fd00:20::/64"]
		    pools: [172.16.77.0/24, "fd00:77::/48"]
		    dns_servers: [10.20.0.2]
		    tun: sstp0
	EOF
}

setup() {
	site_up 'auth: {mschapv2: true, pap: true}' 'users: [{name: alice, password: wonderland, vnet: vnet1}]' && plan plan1 &&
		with_ipv6 && silent_targets && network 3 || return 1
	for name in $apps; do
		connected_app "$name" plan1 vnet1
	done
	route_add far 203.0.113.0/24
	route_add unpeered 10.23.0.0/24
	for name in $apps; do
		start_app "$name" --route 10.20.0.0/24 --route fd00:20::/64 --route 203.0.113.0/24 --route 198.51.100.0/24 \
			--route 10.23.0.0/24
	done
	[ $tap_case_failed = no ]
}

with_ipv6() {
	local n
	for n in "$gw" "$vnet"; do
		in_ns "$n" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	done
	in_ns "$gw" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' &&
		ip -n "$gw" addr add fd00:20::1/64 dev v0 nodad && ip -n "$vnet" addr add fd00:20::2/64 dev v1 nodad &&
		ip -n "$vnet" route add default via fd00:20::1 &&
		start web6 "$vnet" "$world_root/test/support/webserver.py" fd00:20::2 80 "$world_dir/www" &&
		wait_for 10 is_serving6
}

is_serving6() {
	in_ns "$vnet" ss -6Hlnt | grep -q 'fd00:20::2'
}

# Addresses of vnet: .3 drops, to .4 the gateway's firewall forwards nothing, .5 finds no way back to the pool, and what .6
# answers the gateway does not forward. Nobody has .9. Behind .7 there is a firewall of the gateway's that says so.
silent_targets() {
	local n
	for n in 3 4 5 6 7; do
		ip -n "$vnet" addr add 10.20.0.$n/24 dev v1 || return 1
	done
	firewall "$vnet" input ip daddr 10.20.0.3 drop
	firewall "$vnet" output ip saddr 10.20.0.5 ip daddr 172.16.77.0/24 drop
	firewall "$gw" forward ip daddr 10.20.0.4 drop
	firewall "$gw" forward ip saddr 10.20.0.6 drop
	firewall "$gw" forward ip daddr 10.20.0.7 reject
}

# firewall NAMESPACE HOOK RULE...
firewall() {
	in_ns "$1" nft "add table inet t; add chain inet t $2 { type filter hook $2 priority 0; }; add rule inet t $2 ${*:3}"
}

# route_add NAME PREFIX: of the plan
route_add() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" route create plan1 vnet1 "$1" --prefix "$2" >/dev/null
}

# traced ARGUMENT...: what trace says, which must not be that it is too busy
traced() {
	wait_for 5 is_traced "$@"
	cat "$world_dir/traced"
}

is_traced() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" trace "$@" >"$world_dir/traced" 2>&1
	traced_status=$?
	! grep -Eq '^Busy|"Busy"' "$world_dir/traced"
}

# stage TEXT STAGE: what is said of it, on one line
stage() {
	grep -E "^$2 " <<<"$1" | tr -s ' '
}

all_good_to_an_open_port() {
	local text
	is_traced shop 10.20.0.2:80
	text=$(<"$world_dir/traced")
	is "$traced_status" 0 "the exit status"
	like "$text" 'Arrived: Port 80 of 10\.20\.0\.2 answers app shop' "the verdict"
	like "$(stage "$text" workerRoute)" 'workerRoute ok The app.s kernel sends it out of vnet0' "its route"
	like "$(stage "$text" tunnel)" 'tunnel ok .*session [0-9]+ .*worker_sent \+[1-9]' "out of the tunnel"
	like "$(stage "$text" source)" "source ok $(private_ip shop) is the session's address" "its source"
	like "$(stage "$text" tun)" 'tun ok .*rx_packets \+[1-9]' "to the device"
	like "$(stage "$text" gatewayRoute)" 'gatewayRoute ok .*out of v0.*seen to leave.*kernel_in \+1, kernel_left \+1' "on its way"
	like "$(stage "$text" vnet)" 'vnet ok 10\.20\.0\.2 answers' "the target"
	like "$(stage "$text" returnRoute)" 'returnRoute ok .*kernel_back \+[1-9].*kernel_out \+[1-9]' "back to the device"
	like "$(stage "$text" backInTunnel)" 'backInTunnel ok .*tx_packets \+[1-9]' "into the tunnel"
	like "$(stage "$text" app)" 'app ok The socket there was answered in [0-9.]+ ms' "the app's socket"
}

all_good_to_a_ping_and_by_ipv6() {
	like "$(traced shop 10.20.0.2)" 'Arrived: 10\.20\.0\.2 answers app shop' "a ping"
	like "$(traced shop '[fd00:20::2]:80')" 'Arrived: Port 80 of fd00:20::2 answers app shop' "a port by IPv6"
	like "$(traced shop fd00:20::2)" 'Arrived: fd00:20::2 answers app shop' "a ping by IPv6"
}

answer_is_json_too() {
	local text
	text=$(traced shop 10.20.0.2:81 --json)
	is "$(json_at verdict <<<"$text") $(json_at stoppedAt <<<"$text")" "PortClosed app" "a closed port"
	is "$(json_at stages.10.stage <<<"$text") $(json_at stages.10.result <<<"$text")" "app failed" "its last stage"
}

# what each says of itself; the next step is the gateway's administrator's
B55_each_silence_has_its_stage() {
	local name pid pids=()
	local -A target=([drops]=3:80 [forward]=4:80 [back]=5:80 [answer]=6:80 [nobody]=9:80)
	for name in ${apps#shop}; do
		"$sstpctl_bin" --socket "$world_dir/control.sock" trace "$name" "10.20.0.${target[$name]}" \
			>"$world_dir/$name.traced" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
		is "$?" 1 "the exit status of each"
	done
	like "$(<"$world_dir/drops.traced")" 'TargetSilent \(it stopped at: vnet\): Port 80 of 10\.20\.0\.3' "a target that drops"
	like "$(<"$world_dir/forward.traced")" 'GatewayDrops \(it stopped at: gatewayRoute\).*nft list ruleset' "the gateway's firewall"
	like "$(<"$world_dir/back.traced")" 'NoWayBack \(it stopped at: returnRoute\).*a route to 172\.16\.77\.0/24' "no way back"
	like "$(<"$world_dir/answer.traced")" 'GatewayDropsAnswer \(it stopped at: returnRoute\)' "the answer at the gateway's firewall"
	like "$(<"$world_dir/nobody.traced")" 'NobodyThere \(it stopped at: vnet\)' "nobody has the address"
}

firewall_of_the_gateway_that_says_so_is_named() {
	like "$(traced forward 10.20.0.7:80)" 'GatewayRefuses \(it stopped at: gatewayRoute\)' "the verdict"
}

drops_of_the_gateway_have_their_stage() {
	local text
	accepted 'a peering of one side' PUT "$nets/vnet1/virtualNetworkPeerings/to-net3" \
		"{\"properties\": {\"remoteVirtualNetwork\": {\"id\": \"$nets/net3\"}, \"allowVirtualNetworkAccess\": true}}"
	text=$(traced back 10.23.0.2:80)
	like "$text" 'PeeringClosed \(it stopped at: peering\)' "no peering"
	like "$(stage "$text" peering)" 'peering failed .*peering \+[1-9]' "its counter"
	text=$(traced back 198.51.100.7:80)
	like "$text" 'NotAllowed \(it stopped at: lookup\)' "not in the plan"
	like "$(stage "$text" lookup)" 'not_in_plan \+[1-9]|no_route \+[1-9]' "its counter"
	like "$(traced back 203.0.113.7:80)" 'GatewayHasNoRoute \(it stopped at: gatewayRoute\)' "the gateway has no route"
}

source_that_is_not_the_session_s_is_named() {
	ip -n "$(view_of answer)" addr add 192.0.2.77/32 dev lo
	ip -n "$(view_of answer)" route add 10.20.0.2 dev vnet0 src 192.0.2.77 table 99
	ip -n "$(view_of answer)" rule add to 10.20.0.2 lookup 99 pref 1
	like "$(traced answer 10.20.0.2:80)" "WorkerDropsSource \(it stopped at: source\).*ip route get" "the verdict"
	ip -n "$(view_of answer)" rule del pref 1
}

worker_without_a_route_into_the_tunnel_is_named() {
	like "$(traced drops 192.0.2.99:80)" 'WorkerHasNoRoute \(it stopped at: workerRoute\)' "no route"
	ip -n "$(view_of drops)" link add lan0 type veth peer name lan1
	ip -n "$(view_of drops)" addr add 192.0.2.98/24 dev lan0
	ip -n "$(view_of drops)" link set lan1 up
	ip -n "$(view_of drops)" link set lan0 up
	like "$(traced drops 192.0.2.99:80)" 'out of lan0.*WorkerRoutesElsewhere \(it stopped at: workerRoute\)' "another device"
}

# A client of another make, by a password: the gateway asks in its name.
B56_standard_client_is_traced_by_the_gateway() {
	local session
	unpack shop
	start client "$host" python3 -c '
import sys, time
sys.path.insert(0, sys.argv[1])
import sstp_raw
client = sstp_raw.Client(("192.0.2.1", 443), sys.argv[2]).up("alice", "wonderland")
print("ready", flush=True)
time.sleep(60)' "$world_root/test/support" "$world_dir/shop.roots"
	wait_for 10 log_has client 0 '^ready$' || flunk "no client" "$(tail -n 3 "$world_dir/client.log")"
	wait_for 5 is_listed
	session=$(sessions | awk '/alice/ { print $1 }')
	like "$("$sstpctl_bin" --socket "$world_dir/control.sock" session trace "$session" 10.20.0.2:80)" \
		'workerRoute +unknown +Not asked: the client is not our worker.*Reached: Port 80 of 10\.20\.0\.2 answers' "the verdict"
	like "$("$sstpctl_bin" --socket "$world_dir/control.sock" session trace "$session" 10.20.0.2:81)" \
		'PortClosed' "a closed port"
}

sessions() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" session list
}

is_listed() {
	sessions | grep -q alice
}

without_a_session_that_is_said() {
	end_app drops
	like "$(traced drops 10.20.0.2:80)" 'NotConnected .*No session of app drops is up' "the verdict"
}

tap_main all_good_to_an_open_port \
	all_good_to_a_ping_and_by_ipv6 \
	answer_is_json_too \
	B55_each_silence_has_its_stage \
	firewall_of_the_gateway_that_says_so_is_named \
	drops_of_the_gateway_have_their_stage \
	source_that_is_not_the_session_s_is_named \
	worker_without_a_route_into_the_tunnel_is_named \
	B56_standard_client_is_traced_by_the_gateway \
	without_a_session_that_is_said -- "$@"
