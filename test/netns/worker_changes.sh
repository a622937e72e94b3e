#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The route to an address that an app talks to is cut shorter, longer and shorter again, CHANGES (1000) times: nothing of
# it is lost, and the worker holds what it held before.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

readonly traffic=$here/seamless.py changes=${CHANGES:-1000} target=10.30.0.2
# a gap of a route that is away would be lost datagrams; this much is what other processes may take of the CPU
readonly longest_gap_us=500000 grown_kb_max=2048
is_sanitized() {
	grep -Eqa '__(asan|tsan)_init' "$worker_bin"
}

setup() {
	site_up && ip -n "$vnet" addr add $target/24 dev v1 && ip -n "$gw" route add 10.30.0.0/23 via 10.20.0.2 &&
		start echo "$vnet" python3 "$traffic" serve $target 7 && wait_for 5 is_listening "$vnet" 7 && plan live &&
		connected_app shop live vnet1 && change_routes 1 >/dev/null && start_traffic
	[ $tap_case_failed = no ]
}

# 2 MB/s each way, and a datagram every millisecond
start_traffic() {
	start traffic "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$(view_of shop)" -- \
		python3 "$traffic" app $target 7 2000000
	worker_pid=$started_pid
	wait_for 15 log_has traffic 0 '^app ' || flunk "no app" "$(tail -n 5 "$world_dir/traffic.log")"
}

# change_routes COUNT: the route of the plan, which always holds the target
change_routes() {
	python3 - "$world_root/test/support" "$world_dir/control.sock" "$1" 2>&1 <<-'EOF'
		import sys, time
		sys.path.insert(0, sys.argv[1])
		from operator_api import Api
		api, count, began = Api(sys.argv[2]), int(sys.argv[3]), time.monotonic()
		route = ("/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/serverfarms/live"
		         "/virtualNetworkConnections/vnet1/routes/far")
		for n in range(count):
		    prefix = ("10.30.0.0/24", "10.30.0.0/25", "10.30.0.0/23")[(count - 1 - n) % 3]
		    api.call("PUT", route, {"properties": {"startAddress": prefix}})
		print(f"{count} changes in {time.monotonic() - began:.1f} s")
	EOF
}

kernel_routes() {
	ip -n "$(view_of shop)" route show table all | grep 'vnet0\|unreachable' | sort
}

# kilobytes of memory of the worker's own, and how many files it has open
holds() {
	awk '/^Private_/ { kb += $2 } END { print kb }' "/proc/$worker_pid/smaps_rollup"
	find "/proc/$worker_pid/fd" | wc -l
}

routes_are() {
	[ "$(kernel_routes)" = "$1" ]
}

# what_traffic_says: sets tcp, lost and gap
what_traffic_says() {
	kill "$(pgrep -P "$worker_pid" python3)"
	wait_for 10 log_has traffic 0 '^probe ' || flunk "no report" "$(tail -n 5 "$world_dir/traffic.log")"
	wait_for 5 log_has traffic 0 '^tcp '
	read -r sent lost _ _ gap < <(sed -n 's/^probe //p' "$world_dir/traffic.log")
	tcp=$(sed -n 's/^tcp //p' "$world_dir/traffic.log")
	diag "tcp $tcp; $lost of $sent datagrams lost; longest gap $gap us; $seen changes seen by the worker"
}

thousand_changes_under_load_lose_nothing() {
	local mark before
	change_routes 99 >/dev/null # what is allocated once, and is kept
	wait_for 5 tunnelled_is shop "10.20.0.0/24 10.30.0.0/24" || flunk "routes: $(tunnelled shop)"
	before=$(kernel_routes)
	mark=$(log_mark traffic)
	mapfile -t held < <(holds)
	diag "$(change_routes "$changes")"
	wait_for 5 routes_are "$before" || flunk "the kernel's routes are others: $(kernel_routes)"
	seen=$(log_since traffic "$mark" | grep -c 'the virtual network has changed')
	mapfile -t holds < <(holds)
	what_traffic_says
	like "$tcp" ' same$' "the stream"
	is "$lost" 0 "datagrams lost"
	is_sanitized || at_most "$gap" $longest_gap_us "microseconds between two answers"
	at_least "$seen" $((changes / 10)) "changes that the worker saw"
}

worker_holds_what_it_held() {
	diag "KB and files: ${held[*]}, then ${holds[*]}"
	is "${holds[1]}" "${held[1]}" "open files"
	is_sanitized || at_most $((holds[0] - held[0])) $grown_kb_max "kilobytes more than before"
	stop "$worker_pid"
}

tap_main thousand_changes_under_load_lose_nothing worker_holds_what_it_held -- "$@"
