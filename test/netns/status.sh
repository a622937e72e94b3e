#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How a worker is doing, seen from outside: sstp-worker status. A gateway that falls silent, with no word and no reset, is
# known and shown within 10 s; what is for the VNet is refused meanwhile, and all heals by itself.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly NOT_UP=1 NO_WORKER=3

setup() {
	world_with_gateway
}

status() {
	in_ns "$host" "$worker_bin" status "$@"
}

# found by its device: other tests' workers may run beside it
tun=st$$

# field NAME: of the worker
field() {
	status "$tun" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0].get(sys.argv[1], ""))' "$1"
}

state_is() {
	[ "$(field state)" = "$1" ]
}

nothing_runs_and_that_is_said() {
	local out
	out=$(status nobody 2>&1)
	is $? $NO_WORKER "exit status"
	is "$out" "sstp-worker: no worker 'nobody' runs here" "what it says"
}

worker_that_is_up_is_shown_with_all_it_has() {
	worker_start shown --tun "$tun" -- sh -c 'echo app $$; exec sleep 300'
	wait_for 10 log_has shown 0 '^app ' || flunk "no app"
	status "$tun" >"$world_dir/status.txt"
	is $? 0 "exit status"
	like "$(cat "$world_dir/status.txt")" '^192\.0\.2\.1: up since 20' "its state"
	like "$(cat "$world_dir/status.txt")" 'address: +172\.16\.77\.' "its address"
	like "$(cat "$world_dir/status.txt")" 'routes: +10\.20\.0\.0/24' "its routes"
	like "$(cat "$world_dir/status.txt")" 'DNS servers: +10\.20\.0\.2' "its name servers"
	is "$(field appPid)" "$(sed -n 's/^app //p' "$world_dir/shown.log")" "its app"
	is "$(field pid)" "$worker_pid" "itself"
}

cut_the_wire() {
	ip -n "$gw" link set u1 down
}

mend_the_wire() {
	ip -n "$gw" link set u1 up
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

B10_silent_gateway_is_shown_within_10_s_and_traffic_is_refused() {
	local began
	began=$(now_ms)
	cut_the_wire
	wait_for 15 state_is down || flunk "it is not shown"
	at_most $(($(now_ms) - began)) 10000 "milliseconds until it was shown"
	diag "shown after $(($(now_ms) - began)) ms"
	status "$tun" >"$world_dir/status.txt"
	is $? $NOT_UP "exit status"
	like "$(field lastError)" 'answers no echo|no tunnel|connection|handshake' "why"
	began=$(now_ms)
	in_ns "$app" curl -s -m 10 -o /dev/null http://10.20.0.2/
	isnt $? 0 "a page is fetched although the gateway is silent"
	at_most $(($(now_ms) - began)) 1000 "milliseconds until it was refused"
	succeeds "the app runs on" is_running "$(field appPid)"
}

B10_tunnel_comes_back_by_itself() {
	mend_the_wire
	wait_for 40 state_is up || flunk "it does not come back"
	is "$(in_ns "$app" curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://10.20.0.2/)" 200 "a page"
	is "$(grep -c '^app ' "$world_dir/shown.log")" 1 "starts of the app"
}

# an idle tunnel is asked for life all the time; that must not look like a fault
idle_tunnel_stays_up() {
	local since
	since=$(field since)
	sleep 11
	is "$(field state)" up "the state"
	is "$(field since)" "$since" "since when"
}

worker_that_has_ended_is_not_shown() {
	stop "$worker_pid"
	status "$tun" >/dev/null 2>&1
	is $? $NO_WORKER "exit status"
	is "$(ls "/run/sstp-worker/$worker_pid" 2>/dev/null)" "" "what is left of it"
}

tap_main nothing_runs_and_that_is_said \
	worker_that_is_up_is_shown_with_all_it_has \
	B10_silent_gateway_is_shown_within_10_s_and_traffic_is_refused \
	B10_tunnel_comes_back_by_itself \
	idle_tunnel_stays_up \
	worker_that_has_ended_is_not_shown -- "$@"
