#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Metrics as traffic is made: each is scraped before and after, and has moved by what was done, no more. What is scraped is
# read by Prometheus' own client library, and by no mercy of ours.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

readonly api_url=https://192.0.2.1:8443

setup() {
	world_up && end_with site_end && make_ca ca && make_certificate api ca && echo 0123456789abcdef0123456789abcdef >"$world_dir/token" &&
		config_log_level=info write_authority_config "api:" "  listen: 192.0.2.1:8443" "  certificate: $world_dir/api.pem" \
			"  key: $world_dir/api.key" "  token_file: $world_dir/token" "users:" \
			"  - {name: alice, password: wonderland, vnet: vnet1}" "auth: {mschapv2: true}" &&
		site_web_server && start_gateway && wait_for 10 api_answers && plan plan1 && connected_app shop plan1 vnet1
	[ $tap_case_failed = no ]
}

# scrape NAME: into NAME.prom; returns curl's status
scrape() {
	curl -s --max-time 5 --unix-socket "$world_dir/control.sock" -D "$world_dir/$1.head" -o "$world_dir/$1.prom" http://gateway/metrics
}

# value NAME SERIES: nothing when there is none
value() {
	awk -v series="$2 " 'index($0, series) == 1 { print substr($0, length(series) + 1) }' "$world_dir/$1.prom"
}

# is_well_formed NAME
is_well_formed() {
	is "$(/usr/bin/python3 "$here/metrics.py" "$world_dir/$1.prom" 2>&1)" "" "what the parser finds in $1"
}

# moved SERIES BY WHAT, between before and after
moved() {
	is "$(("$(value after "$1")" - "$(value before "$1")"))" "$2" "$3: $1"
}

answer_is_prometheus_text_and_nothing_is_there_twice() {
	scrape before
	like "$(cat "$world_dir/before.head")" 'Content-Type: text/plain; version=0\.0\.4' "its type"
	is_well_formed before
	is "$(value before sstp_up)" 1 "the data plane"
	is "$(value before 'sstp_gateway_up{vnet="vnet1"}')" 1 "the gateway of the VNet"
	is "$(value before 'sstp_sessions{vnet="vnet1"}')" 0 "sessions before there is one"
	is "$(value before sstp_enrolment_requests_total)" 2 "what the worker has enrolled by"
	is "$(value before 'sstp_setup_failures_total{stage="sstp",reason="normal"}')" 0 "who enrols, as a set-up that fails"
}

session_moves_what_it_should() {
	# each packet by itself, so that the app counts the same ones
	start_app shop --no-offload all
	scrape after
	is "$(value after 'sstp_sessions{vnet="vnet1"}')" 1 "sessions"
	is "$(value after 'sstp_plan_sessions{vnet="vnet1",plan="plan1"}')" 1 "sessions of the plan"
	is "$(value after 'sstp_pool_used_addresses{vnet="vnet1"}')" 1 "addresses"
	moved 'sstp_authentications_total{method="certificate",result="ok"}' 1 "log-ins"
	moved sstp_setup_seconds_count 1 "set-ups"
	moved 'sstp_setup_seconds_bucket{le="+Inf"}' 1 "set-ups"
	moved 'sstp_enrolment_requests_total' 0 "enrolments"
	local stage
	for stage in tls http sstp lcp auth bound ipcp; do
		moved "sstp_setup_stage_seconds_count{stage=\"$stage\"}" 1 "each stage"
	done
}

# bytes_of rx|tx: of the app's device
bytes_of() {
	in_view shop cat "/sys/class/net/vnet0/statistics/$1_bytes"
}

plan_has_moved() {
	scrape after
	[ "$(value after 'sstp_plan_bytes_total{vnet="vnet1",plan="plan1",direction="to_clients"}')" = "$1" ]
}

bytes_are_those_that_the_app_has_counted() {
	in_view shop curl -s -o /dev/null --max-time 10 http://10.20.0.2/big.bin
	wait_for 2 plan_has_moved "$(bytes_of rx)" || flunk "the plan's traffic is not what the app has got"
	is "$(value after 'sstp_bytes_total{vnet="vnet1",direction="to_clients"}')" "$(bytes_of rx)" "bytes to the app"
	is "$(value after 'sstp_bytes_total{vnet="vnet1",direction="from_clients"}')" "$(bytes_of tx)" "bytes from the app"
	at_least "$(bytes_of rx)" 2000000 "a file"
}

drops_have_their_reason() {
	scrape before
	ip -n "$(view_of shop)" route add 198.51.100.0/24 dev vnet0 table "$(worker_table "$(view_of shop)")"
	in_view shop python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
[s.sendto(b"x", ("198.51.100.7", 9)) for _ in range(5)]' "$(tunnel_address shop)"
	wait_for 2 drops_are_told 5 || flunk "drops: $(grep 'drops.* [1-9]' "$world_dir/after.prom")"
}

drops_are_told() {
	scrape after
	[ "$(("$(value after 'sstp_drops_total{vnet="vnet1",reason="not_in_plan"}')" - "$(value before 'sstp_drops_total{vnet="vnet1",reason="not_in_plan"}')"))" = "$1" ]
}

failed_log_in_is_counted_by_its_stage() {
	scrape before
	write_password alice nonsense
	unpack shop
	timeout 3 ip netns exec "$host" "$worker_bin" --gateway 192.0.2.1 --user alice --password-file "$world_dir/alice.password" \
		--ca "$world_dir/shop.roots" --own-netns --connect-timeout 2 -- true >"$world_dir/alice.log" 2>&1
	scrape after
	moved 'sstp_authentications_total{method="password",result="failed"}' 1 "failed log-ins"
	moved 'sstp_setup_failures_total{stage="auth",reason="auth"}' 1 "failed set-ups"
	moved sstp_setup_seconds_count 0 "set-ups"
}

stranger_is_turned_away_and_who_has_the_token_is_not() {
	is "$(in_ns "$host" curl -sk -o /dev/null -w '%{http_code}' $api_url/metrics)" 401 "without a token"
	is "$(in_ns "$host" curl -sk -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer wrong' $api_url/metrics)" 403 "with a wrong one"
	in_ns "$host" curl -sk -H "Authorization: Bearer $(cat "$world_dir/token")" -o "$world_dir/tcp.prom" $api_url/metrics
	is "$(value tcp sstp_up)" 1 "with the right one"
}

scrapes_go_on_under_load() {
	in_view shop curl -s -o /dev/null --max-time 4 --limit-rate 20M 'http://10.20.0.2/big.bin?[1-50]' &
	local load=$!
	for _ in {1..20}; do
		scrape load || flunk "a scrape fails"
		is "$(value load sstp_up)" 1 "the data plane"
	done
	is_well_formed load
	kill "$load" 2>/dev/null
	wait "$load" 2>/dev/null
}

top_shows_it_once() {
	"$sstpctl_bin" top --once --socket "$world_dir/control.sock" >"$world_dir/top.txt"
	like "$(cat "$world_dir/top.txt")" 'Sessions: 1 .*data plane: up' "totals"
	like "$(grep ^vnet1 "$world_dir/top.txt")" '^vnet1 +1 +1/256 ' "the VNet"
	like "$(grep ^shop "$world_dir/top.txt")" '^shop +vnet1 +172\.16\.77\.' "the session"
	at_most "$(wc -L <"$world_dir/top.txt")" 80 "columns"
	"$sstpctl_bin" metrics --socket "$world_dir/control.sock" >"$world_dir/ctl.prom"
	is "$(value ctl 'sstp_sessions{vnet="vnet1"}')" 1 "sstpctl metrics"
}

data_plane_that_does_not_answer_is_down_and_the_rest_is_answered() {
	local began
	kill -s STOP "$(data_pid)"
	began=$(date +%s%N)
	scrape down || flunk "no answer"
	at_most $((($(date +%s%N) - began) / 1000000)) 1500 "milliseconds"
	kill -s CONT "$(data_pid)"
	is "$(value down sstp_up)" 0 "the data plane"
	is "$(value down 'sstp_certificates{status="valid"}')" 1 "certificates"
	is "$(value down 'sstp_plan_sessions{vnet="vnet1",plan="plan1"}')" 1 "sessions as they are known"
	is_well_formed down
	scrape after
	is "$(value after sstp_up)" 1 "the data plane, later"
}

data_plane_that_has_ended_is_down_at_once() {
	kill -s KILL "$(data_pid)"
	scrape killed || flunk "no answer"
	is "$(value killed sstp_up)" 0 "the data plane"
	is "$(value killed 'sstp_certificates{status="valid"}')" 1 "certificates"
	wait_for 5 is_up_again || flunk "it does not come back"
}

is_up_again() {
	scrape after && [ "$(value after sstp_up)" = 1 ]
}

tap_main answer_is_prometheus_text_and_nothing_is_there_twice \
	session_moves_what_it_should \
	bytes_are_those_that_the_app_has_counted \
	drops_have_their_reason \
	failed_log_in_is_counted_by_its_stage \
	stranger_is_turned_away_and_who_has_the_token_is_not \
	scrapes_go_on_under_load \
	top_shows_it_once \
	data_plane_that_does_not_answer_is_down_and_the_rest_is_answered \
	data_plane_that_has_ended_is_down_at_once -- "$@"
