#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Five hundred sessions at once against one gateway: all up, each pings, all gone, nothing left behind. In one thread:
# several would share them out differently in each wave, and what the heap keeps would vary with that (threads.sh has them).
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sessions=500
many_bin=$build_dir/test/netns/many

setup() {
	world_up && make_ca ca && make_certificate server ca && config_log_level=info write_config &&
		sed -i 's|172.16.77.0/24|172.16.76.0/22|' "$world_dir/gateway.yaml" &&
		echo 'limits: {half_open_per_address: 0, accept_rate_per_address: 0}' >>"$world_dir/gateway.yaml" &&
		echo 'threads: 1' >>"$world_dir/gateway.yaml" && start_gateway &&
		many 1 >/dev/null
	settle
	sleep 3
	heap_before=$(heap_bytes)
	diag "resident: $(rss) kB after one session"
	descriptors_before=$(descriptors)
}

many() {
	in_ns "$host" "$many_bin" 192.0.2.1:443 alice wonderland "$world_dir/ca.pem" 192.0.2.1 "$1" 10.20.0.2
}

# the last session's memory goes at the end of a pass
settle() {
	wait_for 5 no_session_is_left
}

no_session_is_left() {
	local mark
	mark=$(log_mark gateway)
	kill -USR1 "$gateway_pid"
	wait_for 2 log_has gateway "$mark" 'stats: vnet=' && log_has gateway "$mark" 'stats: sessions=0 '
}

# the process that start() runs is `ip netns exec`, which has become the gateway
rss() {
	awk '/^VmRSS/ {print $2}' "/proc/$(data_pid)/status"
}

descriptors() {
	ls "/proc/$(data_pid)/fd" | wc -l
}

all_come_up_ping_and_end_in_order() {
	is "$(many $sessions)" \
		"sessions $sessions up $sessions replied $sessions addresses $sessions ended_in_order $sessions" \
		"what the dialer saw"
	is "$(grep -c 'panicked\|runtime error\|AddressSanitizer' "$world_dir/gateway.log")" 0 "reports in the log"
}

every_address_is_given_back() {
	local mark
	settle
	mark=$(log_mark gateway)
	kill -USR1 "$gateway_pid"
	succeeds "counters are logged" wait_for 2 log_has gateway "$mark" 'addresses=0/1024'
}

# none of a session's: with the session its descriptors are closed
no_descriptor_is_left() {
	succeeds "no session is left" settle
	is "$(descriptors)" "$descriptors_before" "open descriptors"
}

heap_bytes() {
	local mark
	mark=$(log_mark gateway)
	kill -USR1 "$gateway_pid"
	wait_for 2 log_has gateway "$mark" 'heap_bytes=' && log_since gateway "$mark" | sed -n 's/.* heap_bytes=\([0-9]*\) .*/\1/p'
}

# What a first wave leaves in use is kept on purpose, the event loop's slot per descriptor, and is bounded here. It
# also leaves holes between these in the heap, so resident memory is compared from wave to wave.
first_wave_leaves_only_what_is_kept_on_purpose() {
	local after
	diag "resident: $(rss) kB right after $sessions sessions"
	sleep 3 # memory goes back when two seconds were quiet
	after=$(heap_bytes)
	diag "resident: $(rss) kB when they are over; in use: $heap_before bytes before, $after after"
	at_most $((after - heap_before)) $((sessions * 512)) "bytes in use more than before the wave"
}

again_the_same() {
	is "$(many $sessions)" \
		"sessions $sessions up $sessions replied $sessions addresses $sessions ended_in_order $sessions" \
		"what the dialer saw"
	no_descriptor_is_left
	sleep 3
}

# Whether a wave leaves resident memory within 5 % of what it was before it.
wave_adds_little() {
	local before after
	before=$(rss)
	many $sessions >/dev/null
	settle
	sleep 3
	after=$(rss)
	diag "resident: $before kB before, $after kB after"
	[ $((after * 100)) -le $((before * 105)) ]
}

# What is in use is exact. How the heap's holes lie is not, and the system takes and gives pages of files: a leak adds
# to every wave, so one of three that adds nothing tells that there is none.
memory_is_back_within_five_percent() {
	local before
	before=$(heap_bytes)
	# a sanitizer keeps freed memory in quarantine on purpose
	[ "$(nm "$gateway_bin" | grep -c '__[at]san_init')" -gt 0 ] && return
	succeeds "a wave that adds less than 5 %" eval 'wave_adds_little || wave_adds_little || wave_adds_little'
	at_most $(($(heap_bytes) - before)) $((sessions * 256)) "bytes in use more than before these waves"
}

gateway_ends_cleanly() {
	stop "$gateway_pid" TERM
	is $? 0 "exit status (a leak report would change it)"
}

tap_main \
	all_come_up_ping_and_end_in_order \
	every_address_is_given_back \
	no_descriptor_is_left \
	first_wave_leaves_only_what_is_kept_on_purpose \
	again_the_same \
	memory_is_back_within_five_percent \
	gateway_ends_cleanly \
	-- "$@"
