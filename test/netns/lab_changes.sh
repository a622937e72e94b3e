#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Routes of a plan and of a gateway changed LAB_CHANGES (1000) times under load: no packet meets a table that is half old
# and half new, and nothing is left of them. swaps.py says how that is told.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"
. "$here/../support/lab.sh"

# a multiple of four ends with the routes that it began with
readonly swaps=$here/../support/swaps.py changes=${LAB_CHANGES:-1000}
heap_bytes_max=65536
# once: a thread's first memory, pages of queues
grown_kb_max=6144
# a sanitizer keeps freed memory on purpose
grep -Eqa '__(asan|tsan)_init' "$gateway_bin" && grown_kb_max=1048576

setup() {
	lab_up && plan plan1 && connected_app shop plan1 hub && start_app shop && all_of_the_net_is_there &&
		start arrived "$vnet" python3 "$swaps" receive "$world_dir/arrived" && receiver_pid=$started_pid &&
		wait_for 5 log_has arrived 0 '^ready$' &&
		[ $tap_case_failed = no ]
}

# The app's whole 10.9.0.0/16 goes into its tunnel, whatever its worker is told: it is the gateway that is to refuse. Its
# device's queue has room for what comes while the worker writes what it was told into its profile.
all_of_the_net_is_there() {
	ip -n "$gw" route add 10.9.0.0/16 via 10.21.0.2 && ip -n "$vnet" route add local 10.9.0.0/16 dev lo &&
		ip -n "$(view_of shop)" link set vnet0 txqueuelen 10000 &&
		ip -n "$(view_of shop)" route add 10.9.0.0/16 dev vnet0 table "$(worker_table "$(view_of shop)")"
}

change_routes() {
	python3 "$swaps" change "$world_dir/control.sock" "$1" >"$world_dir/change.log" 2>&1 ||
		flunk "the changes end" "$(tail -n 3 "$world_dir/change.log")"
	diag "$(cat "$world_dir/change.log")"
}

# big downloads through the same tunnel
start_load() {
	start load "$(view_of shop)" sh -c 'while :; do curl -s -m 20 -o /dev/null http://10.21.0.2/big.bin && echo done; done'
	load_pid=$started_pid
	wait_for 10 log_has load 0 '^done$' || flunk "no load"
}

# what the data plane has allocated and not freed
heap_bytes() {
	local mark
	mark=$(log_mark gateway)
	kill -s USR1 "$gateway_pid"
	wait_for 5 log_has gateway "$mark" heap_bytes= || flunk "no counters"
	log_since gateway "$mark" | sed -n 's/.* heap_bytes=\([0-9]*\).*/\1/p' | tail -n 1
}

# of gateway, control and data plane, and of the worker: kilobytes of memory of its own, open files
holds() {
	local pid
	for pid in "$gateway_pid" $(pgrep -P "$gateway_pid") "${worker_of[shop]}"; do
		echo "$(tr '\0' '\n' <"/proc/$pid/cmdline" | grep -Em 1 -- '^--([a-z]+-process|profile|config)$')" \
			"$(awk '/^Private_/ { kb += $2 } END { print kb }' "/proc/$pid/smaps_rollup")" \
			"$(find "/proc/$pid/fd" | wc -l)"
	done
}

kernel_routes() {
	local name
	for name in "$gw" "$(view_of shop)"; do
		ip -n "$name" -4 route show table all
		ip -n "$name" -6 route show table all
	done | grep -v fe80:: | sort
}

# The first hundred are for what is allocated once, and is kept.
no_packet_meets_a_table_that_is_half_old_and_half_new() {
	start_load
	change_routes 100
	stop "$load_pid"
	heap_before=$(heap_bytes)
	holds >"$world_dir/before"
	kernel_routes >"$world_dir/routes"
	start sent "$(view_of shop)" python3 "$swaps" send "$world_dir/sent" "$(private_ip shop)"
	sender_pid=$started_pid
	start_load
	change_routes "$changes"
	stop "$sender_pid"
	stop "$receiver_pid"
	stop "$load_pid"
	diag "$(grep -c done "$world_dir/load.log") downloads of 2 MB meanwhile"
	python3 "$swaps" judge "$world_dir/sent" "$world_dir/arrived" "$changes" >"$world_dir/judge.log" 2>&1 ||
		flunk "a packet met neither of the two tables"
	diag "$(cat "$world_dir/judge.log")"
}

nothing_is_left_of_the_changes() {
	local name kb files was_kb was_files heap
	wait_for 2 routes_are_as_before
	is "$(kernel_routes | diff "$world_dir/routes" -)" "" "routes in the kernel of gateway and app"
	heap=$(heap_bytes)
	diag "the data plane had $heap_before bytes allocated, then $heap"
	at_most $((heap - heap_before)) $heap_bytes_max "bytes more than before"
	while read -r name kb files && read -r _ was_kb was_files <&3; do
		diag "$name: $was_kb KB and $was_files files, then $kb and $files"
		at_most $((kb - was_kb)) $grown_kb_max "kilobytes more than before in $name"
		is "$files" "$was_files" "open files of $name"
	done < <(holds) 3<"$world_dir/before"
	is "$(starts_of shop)" 1 "starts of the app"
}

routes_are_as_before() {
	kernel_routes | cmp -s "$world_dir/routes" -
}

tap_main no_packet_meets_a_table_that_is_half_old_and_half_new \
	nothing_is_left_of_the_changes -- "$@"
