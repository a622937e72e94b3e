#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The gateway's three processes: what each of them has, and what becomes of the others when one is killed.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly NO_CAPABILITIES=0000000000000000

setup() {
	world_up && make_ca ca && make_certificate server ca && make_certificate renewed ca && start_web_server &&
		write_processes_config && write_password alice wonderland && write_password bob builder &&
		start_gateway && start_watcher
}

# write_processes_config [NAME:PASSWORD]...: with a control process too
write_processes_config() {
	write_config "$@"
	cat >>"$world_dir/gateway.yaml" <<-EOF
		state: $world_dir/state
		control_socket: $world_dir/control.sock
	EOF
}

# one connection on which a line comes every 50 ms; the application starts it anew
start_watcher() {
	worker_start watcher -- sh -c 'while :; do curl -sS -m 60 --keepalive-time 1 -N http://10.20.0.2/ticks; sleep 0.1; done'
	watcher_pid=$worker_pid
	wait_for 15 log_has watcher 0 '^tick 5$'
}

last_tick() {
	sed -n 's/^tick //p' "$world_dir/watcher.log" | tail -n 1
}

has_ticked_past() {
	[ "$(last_tick)" -gt "$1" ]
}

control_pid() {
	pgrep -P "$gateway_pid" -f -- --control-process
}

# another_than PID FUNCTION: FUNCTION prints a process, and it is not this one
another_than() {
	local pid
	pid=$("$2") && [ -n "$pid" ] && [ "$pid" != "$1" ]
}

api_answers() {
	[ "$(curl -s --max-time 5 -o /dev/null -w '%{http_code}' --unix-socket "$world_dir/control.sock" http://gateway/v1/roots)" = 200 ]
}

is_served() {
	in_ns "$host" timeout 5 openssl s_client -connect 192.0.2.1:443 </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'
}

file_serial() {
	openssl x509 -noout -serial -in "$world_dir/$1.pem"
}

shows() {
	[ "$(in_ns "$host" timeout 5 openssl s_client -connect 192.0.2.1:443 </dev/null 2>/dev/null |
		openssl x509 -noout -serial 2>/dev/null)" = "$(file_serial "$1")" ]
}

user_fetches() {
	worker_command "$1"
	timeout -k 5 30 ip netns exec "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 -- \
		curl -sS -m 10 -o /dev/null -w '%{http_code}' http://10.20.0.2/ 2>>"$world_dir/worker.log"
}

ms_since() {
	echo $((($(date +%s%N) - $1) / 1000000))
}

# files_of PID: what is open there that is a file, but for the standard three
files_of() {
	local fd
	for fd in /proc/"$1"/fd/*; do
		[ "${fd##*/}" -le 2 ] || readlink "$fd"
	done | grep '^/' | grep -v '^/memfd:' | sort -u | paste -sd ' '
}

each_process_has_what_it_needs_and_no_more() {
	local data cap
	data=$(data_pid)
	for cap in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "$(grep -h "^$cap:" "/proc/$data"/task/*/status | awk '{print $2}' | sort -u)" $NO_CAPABILITIES \
			"$cap of each thread of the data plane"
	done
	is "$(files_of "$data")" /dev/net/tun "files that the data plane has open"
	is "$(files_of "$gateway_pid" | grep -c tun)" 0 "TUN queues that the parent keeps"
	is "$(files_of "$(control_pid)" | grep -c tun)" 0 "TUN queues that control has"
	like "$(files_of "$(control_pid)")" "$world_dir/state" "control has its state"
}

# Neither configuration nor certificates are there any more.
data_plane_that_starts_again_needs_no_file() {
	local pid
	pid=$(data_pid)
	mkdir "$world_dir/away" && mv "$world_dir/gateway.yaml" "$world_dir"/server.* "$world_dir/away/"
	kill -s KILL "$pid"
	succeeds "another one" wait_for 5 another_than "$pid" data_pid
	succeeds "somebody is served" wait_for 5 is_served
	mv "$world_dir"/away/* "$world_dir/"
	is "$(user_fetches alice)" 200 "what alice fetches"
}

killed_control_is_not_noticed_by_sessions() {
	local pid before mark
	succeeds "the watcher is back" wait_for 20 has_ticked_past "$(last_tick)"
	pid=$(control_pid)
	before=$(last_tick)
	mark=$(log_mark watcher)
	kill -s KILL "$pid"
	is "$(user_fetches alice)" 200 "what alice fetches meanwhile"
	succeeds "another one" wait_for 5 another_than "$pid" control_pid
	succeeds "it answers" wait_for 5 api_answers
	succeeds "its lines go on" wait_for 5 has_ticked_past $((before + 10))
	is "$(log_since watcher "$mark" | grep -c 'no tunnel\|connected:')" 0 "connections that the watcher lost"
}

# Who dials in between waits in the backlog, and nobody is refused.
killed_data_plane_costs_a_reconnect() {
	local pid control mark began
	pid=$(data_pid)
	control=$(control_pid)
	mark=$(log_mark watcher)
	kill -s KILL "$pid"
	began=$(date +%s%N)
	succeeds "who dials at once is served" is_served
	at_most "$(ms_since "$began")" 2000 "milliseconds until he was"
	succeeds "the watcher's worker has come back" wait_for 20 log_has watcher "$mark" 'connected: WEBSITE_PRIVATE_IP'
	succeeds "and its lines" wait_for 20 log_has watcher "$mark" '^tick [0-9]'
	is "$(control_pid)" "$control" "control goes on"
	succeeds "it answers" api_answers
	like "$(log_since gateway 0)" 'the data plane is gone: it was ended by signal 9 \(Killed\)' "the log"
}

reload_and_new_certificates_reach_a_data_plane_that_was_started_again() {
	config_certificate=renewed write_processes_config alice:wonderland bob:builder
	kill -s HUP "$gateway_pid"
	succeeds "the new certificate is shown" wait_for 5 shows renewed
	is "$(user_fetches bob)" 200 "what the new user fetches"
	kill -s KILL "$(data_pid)"
	succeeds "it is shown by the next one" wait_for 5 shows renewed
	is "$(user_fetches bob)" 200 "who knows the new user too"
	cp "$world_dir/server.pem" "$world_dir/renewed.pem" && cp "$world_dir/server.key" "$world_dir/renewed.key"
	succeeds "a replaced file is shown" wait_for 5 shows server
	echo nonsense >"$world_dir/renewed.key"
	succeeds "nonsense is refused" wait_for 5 log_has gateway 0 'renewed.key: .*those in effect stay|cannot be used, those in effect stay'
	kill -s KILL "$(data_pid)"
	succeeds "and is not what the next one gets" wait_for 5 shows server
	cp "$world_dir/server.key" "$world_dir/renewed.key"
}

killed_parent_takes_all_along_and_a_new_one_is_back_at_once() {
	local data control mark began
	data=$(data_pid)
	control=$(control_pid)
	mark=$(log_mark watcher)
	kill -s KILL "$gateway_pid"
	began=$(date +%s%N)
	wait "$gateway_pid" 2>/dev/null
	succeeds "it starts" start_gateway
	succeeds "somebody is served" is_served
	at_most "$(ms_since "$began")" 2000 "milliseconds until he was"
	succeeds "the data plane of old is gone" wait_for 5 is_gone "$data"
	succeeds "so is control" wait_for 5 is_gone "$control"
	succeeds "its successor answers" wait_for 5 api_answers
	succeeds "the watcher's worker has come back" wait_for 20 log_has watcher "$mark" 'connected: WEBSITE_PRIVATE_IP'
}

both_children_killed_at_once_are_back() {
	local data control
	data=$(data_pid)
	control=$(control_pid)
	kill -s KILL "$data" "$control"
	succeeds "another data plane" wait_for 5 another_than "$data" data_pid
	succeeds "another control" wait_for 5 another_than "$control" control_pid
	succeeds "it answers" wait_for 5 api_answers
	is "$(user_fetches alice)" 200 "what alice fetches"
}

# The children of a shell's own: each kind in turn, some while others are still on their way.
killed_again_and_again_it_comes_back() {
	local i
	for i in 1 2 3 4 5 6 7 8 9; do
		case $((i % 3)) in
		0) kill -s KILL "$(control_pid)" ;;
		1) kill -s KILL "$(data_pid)" ;;
		2)
			kill -s KILL "$gateway_pid"
			wait "$gateway_pid" 2>/dev/null
			start_gateway || flunk "start number $i failed"
			;;
		esac 2>/dev/null
		wait_for 10 is_served || flunk "nobody is served after kill number $i"
	done
	is "$(user_fetches alice)" 200 "what alice fetches"
	is "$(pgrep -c -P "$gateway_pid")" 2 "children"
	is "$(ip -n "$gw" -o link show type tun | wc -l)" 1 "TUN devices"
}

sigterm_takes_leave_and_leaves_nothing() {
	local data control
	data=$(data_pid)
	control=$(control_pid)
	stop "$watcher_pid"
	stop "$gateway_pid"
	is $? 0 "exit status"
	succeeds "the data plane is gone" is_gone "$data"
	succeeds "control is gone" is_gone "$control"
	is "$(ip -n "$gw" -o link show type tun | wc -l)" 0 "TUN devices"
}

tap_main \
	each_process_has_what_it_needs_and_no_more \
	data_plane_that_starts_again_needs_no_file \
	killed_control_is_not_noticed_by_sessions \
	killed_data_plane_costs_a_reconnect \
	reload_and_new_certificates_reach_a_data_plane_that_was_started_again \
	killed_parent_takes_all_along_and_a_new_one_is_back_at_once \
	both_children_killed_at_once_are_back \
	killed_again_and_again_it_comes_back \
	sigterm_takes_leave_and_leaves_nothing \
	-- "$@"
