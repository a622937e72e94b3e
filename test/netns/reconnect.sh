#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The gateway dies and comes back. The worker runs in --current-netns, in a namespace that has another way
# to 10.20.0.2 (a default route through the gateway's machine): the place where traffic could leak.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

setup() {
	world_with_gateway && ip -n "$host" route add default via 192.0.2.1 &&
		write_visitor && start_capture && start_worker
}

# fetches the page again and again, a line for each try
write_visitor() {
	cat >"$world_dir/visitor.sh" <<-'EOF'
		echo "address $WEBSITE_PRIVATE_IP"
		while :; do
			curl -s -m 1 http://10.20.0.2/ || echo "no answer"
			sleep 0.1
		done
	EOF
}

# what leaves through the outer interface with an inner destination
start_capture() {
	start capture "$host" tcpdump -i u0 -n -U --immediate-mode -Z root -w "$world_dir/leak.pcap" \
		'dst host 10.20.0.2'
	capture_pid=$started_pid
	wait_for 10 log_has capture 0 'listening on'
}

leaked() {
	tcpdump -n -r "$world_dir/leak.pcap" 2>/dev/null | wc -l
}

start_worker() {
	worker_command alice
	start worker "$host" "${worker_command[@]}" --current-netns --route 10.20.0.0/24 \
		-- sh "$world_dir/visitor.sh"
	worker_pid=$started_pid
}

# lines REGEX MARK: how often the visitor printed it
lines() {
	log_since worker "$2" | grep -Ec "$1"
}

has_lines() {
	[ "$(lines "$1" "$2")" -ge "$3" ]
}

tunnel_works_before() {
	succeeds "three pages arrive" wait_for 15 has_lines '^hello from' 0 3
	address=$(sed -n 's/^address //p' "$world_dir/worker.log")
	like "$address" "$pool_regex" "WEBSITE_PRIVATE_IP is an address of the pool"
}

traffic_fails_closed_while_the_gateway_is_gone() {
	local mark
	mark=$(log_mark worker)
	stop "$gateway_pid" KILL
	succeeds "a try finds no answer" wait_for 20 has_lines '^no answer' "$mark" 1
	mark=$(log_mark worker)
	succeeds "five tries find no answer" wait_for 20 has_lines '^no answer' "$mark" 5
	is "$(lines '^hello from' "$mark")" 0 "pages that arrived without a gateway"
	is "$(leaked)" 0 "packets that left around the tunnel"
	succeeds "the worker goes on" is_running "$worker_pid"
}

tunnel_heals_with_the_same_address() {
	local mark
	mark=$(log_mark worker)
	succeeds "the gateway starts again" start_gateway
	succeeds "three pages arrive" wait_for 30 has_lines '^hello from' "$mark" 3
	like "$(log_since worker "$mark" | grep '^hello from' | tail -n 1)" \
		", ${address//./\\.}\$" "the address the server sees"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

capture_would_have_seen_a_leak() {
	stop "$worker_pid" TERM
	in_ns "$host" curl -s -m 5 -o /dev/null http://10.20.0.2/
	is $? 0 "without the worker the default route reaches the server"
	stop "$capture_pid" TERM
	at_least "$(leaked)" 1 "packets seen around the tunnel, when there is none"
}

tap_main \
	tunnel_works_before \
	traffic_fails_closed_while_the_gateway_is_gone \
	tunnel_heals_with_the_same_address \
	capture_would_have_seen_a_leak \
	-- "$@"
