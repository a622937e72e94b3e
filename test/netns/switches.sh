#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# congestion (the kernel must have bbr), and the switches that a reload cannot change. That the tunnel carries with every
# offload off is soak.sh's.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

setup() {
	world_with_gateway && has_another_default "$gw" && has_another_default "$host"
}

# so that what a connection has is what was chosen for it
has_another_default() {
	in_ns "$1" sh -c 'echo reno >/proc/sys/net/ipv4/tcp_congestion_control'
}

# config_with LINE...: gateway.yaml with these at its end
config_with() {
	write_config
	printf '%s\n' "$@" >>"$world_dir/gateway.yaml"
}

# the congestion control of a session's TCP connection: at the gateway, at the worker
gateway_s_congestion() {
	in_ns "$gw" ss -Htni state established 'sport = :443' | grep -Eow 'cubic|bbr|reno' | head -n 1
}

worker_s_congestion() {
	in_ns "$host" ss -Htni state established 'dport = :443' | grep -Eow 'cubic|bbr|reno' | head -n 1
}

# connect [OPTION]...: a session that lasts until disconnect
connect() {
	local mark
	mark=$(log_mark worker)
	worker_start worker "$@" -- sh -c 'echo up; exec sleep 86400'
	wait_for 15 log_has worker "$mark" '^up$'
}

disconnect() {
	stop "$worker_pid" TERM
}

auto_is_cubic() {
	like "$("$gateway_bin" --config "$world_dir/gateway.yaml" --check 2>/dev/null)" $'\ncongestion: auto\n' "sstp-gateway --check"
	connect
	is "$(gateway_s_congestion)" cubic "the gateway's"
	is "$(worker_s_congestion)" cubic "the worker's"
	disconnect
}

chosen_congestion_counts_for_new_connections_after_a_reload() {
	local mark
	mark=$(log_mark gateway)
	connect --congestion cubic
	config_with 'congestion: bbr'
	like "$("$gateway_bin" --config "$world_dir/gateway.yaml" --check 2>/dev/null)" $'\ncongestion: bbr\n' "sstp-gateway --check"
	kill -s HUP "$gateway_pid"
	succeeds "the gateway reloads" wait_for 5 log_has gateway "$mark" reloaded
	is "$(gateway_s_congestion)" cubic "the gateway's, of a connection from before"
	disconnect
	connect --congestion bbr
	is "$(gateway_s_congestion)" bbr "the gateway's"
	is "$(worker_s_congestion)" bbr "the worker's"
	disconnect
}

# reload_is_refused LINE REGEX: with this line in the file, because of this
reload_is_refused() {
	local mark
	mark=$(log_mark gateway)
	config_with "$1"
	kill -s HUP "$gateway_pid"
	succeeds "the log says why" wait_for 5 log_has gateway "$mark" "reload refused, nothing has changed: $2\$"
}

what_needs_a_restart_is_told() {
	reload_is_refused 'threads: 63' "'threads' has changed"
	reload_is_refused 'offload: {udp_merge: false}' "'offload\.udp_merge' has changed"
	connect
	succeeds "the gateway serves as before" is_running "$gateway_pid"
	disconnect
}

tap_main \
	auto_is_cubic \
	chosen_congestion_counts_for_new_connections_after_a_reload \
	what_needs_a_restart_is_told \
	-- "$@"
