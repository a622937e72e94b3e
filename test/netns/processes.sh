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
	succeeds "the watcher is back" wait_for 75 log_has watcher "$(log_mark watcher)" '^tick [0-9]'
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

# It has not answered: whatever it was told is asked of the next one.
what_a_data_plane_did_not_live_to_take_its_successor_gets() {
	local pid mark
	make_certificate fresh ca
	pid=$(data_pid)
	kill -s STOP "$pid"
	cp "$world_dir/fresh.pem" "$world_dir/renewed.pem" && cp "$world_dir/fresh.key" "$world_dir/renewed.key"
	sleep 1.5 # files are read half a second after they have changed
	kill -s KILL "$pid"
	succeeds "the certificate is shown" wait_for 5 shows fresh
	wait_for 5 another_than "$pid" data_pid
	pid=$(data_pid)
	mark=$(log_mark gateway)
	kill -s STOP "$pid"
	kill -s HUP "$gateway_pid"
	sleep 0.5
	kill -s KILL "$pid"
	succeeds "the reload is done" wait_for 5 log_has gateway "$mark" 'reloaded'
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
	succeeds "somebody is served" wait_for 5 is_served # who came to the old data plane's socket, comes again
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
	wait_for 5 has_children 2 || flunk "$(pgrep -c -P "$gateway_pid") children"
	is "$(ip -n "$gw" -o link show type tun | wc -l)" 1 "TUN devices"
}

# Control is back a moment later: who is served does not ask it.
has_children() {
	[ "$(pgrep -c -P "$gateway_pid")" = "$1" ]
}

# sessions_sql SQL: what control has stored
sessions_sql() {
	python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' \
		"$world_dir/state/model.sqlite" "$1"
}

what_a_session_moved_until_the_gateway_stops_is_stored() {
	succeeds "the watcher is back" wait_for 75 log_has watcher "$(log_mark watcher)" '^tick [0-9]'
	stop "$gateway_pid"
	is "$(sessions_sql "SELECT reason, ended > 0, received_bytes > 0 FROM session WHERE user = 'alice' ORDER BY id DESC")" \
		"the gateway is shutting down 1 1" "the last session"
	succeeds "it starts again" start_gateway
}

# Nobody is there to take leave of, and whoever starts waits for control.
sigterm_while_the_data_plane_starts_ends_at_once() {
	local pid began
	pid=$(data_pid)
	kill -s STOP "$(control_pid)"
	kill -s KILL "$pid"
	succeeds "another data plane" wait_for 5 another_than "$pid" data_pid
	began=$(date +%s%N)
	stop "$gateway_pid"
	is $? 0 "exit status"
	at_most "$(ms_since "$began")" 4000 "milliseconds: control has two seconds to end"
	succeeds "it starts again" start_gateway
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
	what_a_data_plane_did_not_live_to_take_its_successor_gets \
	killed_parent_takes_all_along_and_a_new_one_is_back_at_once \
	both_children_killed_at_once_are_back \
	killed_again_and_again_it_comes_back \
	what_a_session_moved_until_the_gateway_stops_is_stored \
	sigterm_while_the_data_plane_starts_ends_at_once \
	sigterm_takes_leave_and_leaves_nothing \
	-- "$@"
