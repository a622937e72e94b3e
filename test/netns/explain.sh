#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What "sstpctl explain" finds out where it asks others: a name server in the virtual network, the gateway's kernel, and
# the network itself. Whatever else it says is tested in golden/cli.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

setup() {
	site_up && plan plan1 && connected_app shop plan1 vnet1 && start_app shop &&
		start dns "$vnet" python3 "$here/../support/nameserver.py" 10.20.0.2 10.20.0.2 &&
		wait_for 5 log_has dns 0 '^ready$'
	[ $tap_case_failed = no ]
}

# explained TARGET: what is said of it, in steps, and the verdict in the end
explained() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" explain shop "$1"
}

name_is_asked_where_the_network_is() {
	like "$(explained db.corp:80)" 'Name server 10\.20\.0\.2: db\.corp is 10\.20\.0\.2' "the name server's answer"
}

kernel_of_the_gateway_is_asked() {
	like "$(explained 10.20.0.2:80)" 'kernel sends 10\.20\.0\.2 out of [a-z0-9]+' "where it goes"
	route_add 198.51.100.0/24
	like "$(explained 198.51.100.7)" 'GatewayHasNoRoute: The gateway has no way to 198\.51\.100\.7' "what has no route"
	like "$(explained 10.20.0.1)" 'Gateway: 10\.20\.0\.1 is the gateway itself' "the gateway's own address"
}

# route_add PREFIX: of the plan
route_add() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" route create plan1 vnet1 far --prefix "$1" >/dev/null
}

# What a packet in the app's name meets is the verdict.
B52_who_answers_is_told() {
	like "$(explained 10.20.0.2:80)" 'Reachable: Port 80 of 10\.20\.0\.2 is open\.' "an open port"
	like "$(explained 10.20.0.2:81)" 'PortClosed: Port 81 is refused by the host: 10\.20\.0\.2 itself' "a closed port"
	like "$(explained 10.20.0.2)" 'Reachable: 10\.20\.0\.2 is reachable: it answers a ping\.' "a ping"
}

# 198.51.100.0/24 is behind vnet, which turns it away
B52_router_that_turns_it_away_is_named() {
	in_ns "$vnet" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	ip -n "$vnet" route add prohibit 198.51.100.0/24
	ip -n "$gw" route add 198.51.100.0/24 via 10.20.0.2
	like "$(explained 198.51.100.7:80)" \
		'Unreachable: .* Router 10\.20\.0\.2 says: administratively prohibited \(ICMP type 3, code 13\)' "who turns it away"
}

B19_silence_is_a_way_back_that_is_suspected() {
	ip -n "$vnet" route del prohibit 198.51.100.0/24
	ip -n "$vnet" addr add 198.51.100.7/32 dev lo
	ip -n "$vnet" route add blackhole 172.16.77.0/24
	like "$(explained 198.51.100.7:80)" \
		'NoReturnPathSuspected: No return path suspected: .* needs a route to the pool [0-9.]+/[0-9]+ by this gateway' "silence"
	like "$("$sstpctl_bin" --socket "$world_dir/control.sock" explain shop 198.51.100.7 --json)" \
		'"verdict": "NoReturnPathSuspected"' "its word"
}

without_a_session_the_verdict_is_without_a_probe() {
	end_app shop
	like "$(explained 10.20.0.2:80)" 'NotConnected: .* no session of app shop is up, and the verdict is without a probe' "the verdict"
}

what_is_not_routed_is_said() {
	like "$(explained 203.0.113.7)" 'NotRouted: No route of the connection has 203\.0\.113\.7' "the verdict"
}

tap_main name_is_asked_where_the_network_is \
	kernel_of_the_gateway_is_asked \
	B52_who_answers_is_told \
	B52_router_that_turns_it_away_is_named \
	B19_silence_is_a_way_back_that_is_suspected \
	what_is_not_routed_is_said \
	without_a_session_the_verdict_is_without_a_probe -- "$@"
