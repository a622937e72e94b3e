#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A gateway of several data threads: sessions spread over them, and every packet comes to its session, whether the
# kernel steers the device's queues or, where eBPF is refused, threads hand packets over.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sessions=200
many_bin=$build_dir/test/netns/many

setup() {
	world_up && make_ca ca && make_certificate server ca && config_log_level=info write_config &&
		echo 'limits: {half_open_per_address: 0, accept_rate_per_address: 0}' >>"$world_dir/gateway.yaml" &&
		echo 'threads: 3' >>"$world_dir/gateway.yaml" && start_gateway
}

many() {
	in_ns "$host" "$many_bin" 192.0.2.1:443 alice wonderland "$world_dir/ca.pem" 192.0.2.1 $sessions 10.20.0.2
}

# what the counters say NAME is
counter() {
	local mark
	mark=$(log_mark gateway)
	kill -USR1 "$gateway_pid"
	wait_for 2 log_has gateway "$mark" 'stats: vnet=' && log_since gateway "$mark" | sed -n "s/.* $1=\([^ ]*\) .*/\1/p"
}

each_has_its_thread_and_its_name() {
	is "$(cat /proc/"$(data_pid)"/task/*/comm | grep data | sort | tr '\n' ' ')" "data-0 data-1 data-2 " "threads"
}

every_session_pings_through_its_own_thread() {
	is "$(many)" "sessions $sessions up $sessions replied $sessions addresses $sessions ended_in_order $sessions" \
		"what the dialer saw"
}

hold_sessions() {
	in_ns "$vnet" sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all'
	start many "$host" "$many_bin" 192.0.2.1:443 alice wonderland "$world_dir/ca.pem" 192.0.2.1 $sessions 10.20.0.2
	many_pid=$started_pid
	wait_for 20 all_sessions_are_up
}

all_sessions_are_up() {
	[ "$(counter addresses)" = $sessions/256 ]
}

# with 200 sessions in three threads, one that has none is a chance of 1 in 10^35
sessions_spread_over_all_threads() {
	local a b c
	succeeds "sessions are up" hold_sessions
	IFS=/ read -r a b c <<<"$(counter per_thread)"
	diag "sessions of each thread: $a $b $c"
	is $((a + b + c)) $sessions "sessions"
	is $((a > 0 && b > 0 && c > 0)) 1 "threads that have some"
	kill "$many_pid"
	in_ns "$vnet" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_all'
	wait_for 10 no_session_is_left
}

no_session_is_left() {
	[ "$(counter sessions)" = 0 ]
}

steered_packets_are_not_handed_over() {
	is "$(counter handed_over)" 0 "packets handed over"
}

# loading a program takes CAP_BPF or CAP_SYS_ADMIN; the gateway itself needs neither here
restart_without_bpf() {
	stop "$gateway_pid" TERM
	start gateway "$gw" setpriv --bounding-set=-bpf,-sys_admin "$gateway_bin" --config "$world_dir/gateway.yaml"
	gateway_pid=$started_pid
	wait_for 10 gateway_has_settled && is_running "$gateway_pid"
}

without_bpf_the_gateway_starts_and_says_so() {
	local mark
	mark=$(log_mark gateway)
	succeeds "the gateway starts" restart_without_bpf
	succeeds "a line in the log" log_has gateway "$mark" 'not steered to their threads by eBPF [(]Operation not permitted'
}

without_bpf_threads_hand_over_and_every_session_pings() {
	every_session_pings_through_its_own_thread
	is $(($(counter handed_over) > 0)) 1 "packets were handed over"
}

gateway_ends_cleanly() {
	stop "$gateway_pid" TERM
	is $? 0 "exit status"
}

tap_main \
	each_has_its_thread_and_its_name \
	every_session_pings_through_its_own_thread \
	sessions_spread_over_all_threads \
	steered_packets_are_not_handed_over \
	without_bpf_the_gateway_starts_and_says_so \
	without_bpf_threads_hand_over_and_every_session_pings \
	gateway_ends_cleanly \
	-- "$@"
