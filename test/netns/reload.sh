#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGHUP takes a new configuration while sessions go on; SIGTERM takes leave of them.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

has_device() {
	ip -n "$gw" link show sstp0 >/dev/null
}

setup() {
	world_with_gateway && make_certificate renewed ca && write_password bob builder &&
		start_watcher
}

# one session that lasts over all cases: a connection on which a line comes every 50 ms
start_watcher() {
	worker_start watcher -- curl -sS -N http://10.20.0.2/ticks
	watcher_pid=$worker_pid
	wait_for 15 log_has watcher 0 '^tick 5$'
}

last_tick() {
	sed -n 's/^tick //p' "$world_dir/watcher.log" | tail -n 1
}

has_ticked_past() {
	[ "$(last_tick)" -gt "$1" ]
}

# the serial number of the certificate that a new connection is shown, and that of a file
shown_serial() {
	in_ns "$host" openssl s_client -connect 192.0.2.1:443 </dev/null 2>/dev/null |
		openssl x509 -noout -serial 2>/dev/null
}

file_serial() {
	openssl x509 -noout -serial -in "$world_dir/$1.pem"
}

shows() {
	[ "$(shown_serial)" = "$(file_serial "$1")" ]
}

bob_connects() {
	worker_command bob
	timeout -k 5 30 ip netns exec "$host" "${worker_command[@]}" --own-netns -- echo connected \
		2>>"$world_dir/worker.log"
}

user_who_is_not_known_yet_is_refused() {
	is "$(bob_connects)" "" "output of the application of a user who is not known"
	is "$(shown_serial)" "$(file_serial server)" "certificate at the start"
}

reload_brings_a_new_user_and_certificate() {
	config_certificate=renewed write_config alice:wonderland bob:builder
	kill -s HUP "$gateway_pid"
	succeeds "the new certificate is shown" wait_for 5 shows renewed
	is "$(bob_connects)" connected "output of the application of the new user"
}

session_goes_on_over_the_reload() {
	local before
	before=$(last_tick)
	succeeds "its connection goes on" wait_for 5 has_ticked_past $((before + 10))
	is "$(sed -n 's/^tick //p' "$world_dir/watcher.log" | awk '$1 != ++n' | wc -l)" 0 \
		"lines lost or repeated"
	succeeds "its worker goes on" is_running "$watcher_pid"
}

bad_configuration_keeps_the_old_one() {
	local mark before
	mark=$(log_mark gateway)
	before=$(last_tick)
	echo "listen: [" >"$world_dir/gateway.yaml"
	kill -s HUP "$gateway_pid"
	succeeds "the gateway names the file" wait_for 5 log_has gateway "$mark" 'gateway\.yaml'
	succeeds "the gateway goes on" is_running "$gateway_pid"
	is "$(bob_connects)" connected "output of an application after the bad reload"
	is "$(shown_serial)" "$(file_serial renewed)" "certificate after the bad reload"
	succeeds "the session goes on" wait_for 5 has_ticked_past "$before"
}

cpu_ticks() {
	awk '{print $14 + $15}' "/proc/$(data_pid)/stat"
}

# somebody deletes the device under the gateway: nobody may spin on what is left
deleted_device_ends_its_sessions_and_a_reload_makes_it_anew() {
	local gateway_at watcher_at before
	gateway_at=$(log_mark gateway)
	watcher_at=$(log_mark watcher)
	ip -n "$gw" link del sstp0
	succeeds "the log says so" wait_for 5 log_has gateway "$gateway_at" "TUN device 'sstp0' is gone"
	before=$(cpu_ticks)
	sleep 1
	at_most $(($(cpu_ticks) - before)) 20 "hundredths of a second of processor time in a second"
	config_certificate=renewed write_config alice:wonderland bob:builder
	kill -s HUP "$gateway_pid"
	succeeds "the device is there again" wait_for 5 has_device
	is "$(bob_connects)" connected "output of an application after the reload"
	succeeds "the watcher's worker has come back" wait_for 20 log_has watcher "$watcher_at" 'connected: WEBSITE_PRIVATE_IP'
}

sigterm_disconnects_with_a_reason() {
	local gateway_at watcher_at began
	gateway_at=$(log_mark gateway)
	watcher_at=$(log_mark watcher)
	began=$(date +%s%N)
	kill -s TERM "$gateway_pid"
	succeeds "the gateway ends" wait_for 10 is_gone "$gateway_pid"
	at_most $((($(date +%s%N) - began) / 1000000)) 8000 "milliseconds until it ended"
	wait "$gateway_pid"
	is $? 0 "exit status of the gateway"
	like "$(log_since gateway "$gateway_at")" 'user="alice".*closed' "the gateway's log"
	like "$(log_since watcher "$watcher_at" | grep -v '^tick')" '[Dd]isconnect|DISCONNECT' \
		"the worker knows that it was told to go"
	stop "$watcher_pid" TERM
}

tap_main \
	user_who_is_not_known_yet_is_refused \
	reload_brings_a_new_user_and_certificate \
	session_goes_on_over_the_reload \
	bad_configuration_keeps_the_old_one \
	deleted_device_ends_its_sessions_and_a_reload_makes_it_anew \
	sigterm_disconnects_with_a_reason \
	-- "$@"
