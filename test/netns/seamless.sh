#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Renewal without an outage, gateway and worker together: while bytes flow, the worker's certificate is renewed again
# and again, and each time a second session takes the address over from the first. Nobody takes another's.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
traffic=$here/seamless.py
gap_us_max=50000
# under the thread sanitizer, which is many times slower, it is not the gap that is tested
grep -q __tsan_init "$gateway_bin" 2>/dev/null && gap_us_max=1000000

# all that is started here comes before what else the machine does: the gap is to be the renewal's
setup() {
	renice -n -15 $$ >/dev/null
	world_up && write_threads_config 1 && start_gateway && enrol first && enrol second &&
		start echo "$vnet" python3 "$traffic" serve 10.20.0.2 7 && wait_for 5 is_listening "$vnet" 7
}

write_threads_config() {
	config_log_level=info write_authority_config "threads: $1"
}

# enrol NAME: app shop, in NAME.yaml
enrol() {
	local token
	token=$("$sstpctl_bin" token create --app shop --vnet vnet1 --socket "$world_dir/control.sock") &&
		in_ns "$host" "$worker_bin" enrol "$token" --profile "$world_dir/$1.yaml" >>"$world_dir/enrol.log" 2>&1
}

# run_worker NAME PROFILE NETNS_OPTION... -- APP...: sets worker_pid
run_worker() {
	local name=$1 profile=$world_dir/$2.yaml
	shift 2
	: >"$world_dir/$name.log"
	start "$name" "$host" "$worker_bin" --profile "$profile" "$@"
	worker_pid=$started_pid
	wait_for 10 log_has "$name" 0 '^app '
}

# what the app NAME was told: pid or address
app_pid() {
	sed -n 's/^app \([0-9]*\) .*/\1/p' "$world_dir/$1.log"
}

app_address() {
	sed -n 's/^app [0-9]* //p' "$world_dir/$1.log"
}

# every address that NAME had, each once
addresses() {
	grep -o 'WEBSITE_PRIVATE_IP=[0-9.]*' "$world_dir/$1.log" | cut -d = -f 2 | sort -u
}

# renew NAME: and waits until the new certificate is in use
renew() {
	local mark
	mark=$(log_mark "$1")
	kill -s USR2 "$worker_pid"
	wait_for 20 log_has "$1" "$mark" 'the new certificate is in use' || flunk "no change-over" \
		"$(log_since "$1" "$mark" | tail -n 5)"
}

# renews_under_traffic NAME TIMES
renews_under_traffic() {
	local name=$1 i gap
	run_worker "$name" first --netns "$app" -- python3 "$traffic" app 10.20.0.2 7 || flunk "no tunnel"
	sleep 1
	for ((i = 0; i < $2; i++)); do
		renew "$name"
		sleep 0.5
	done
	is "$(grep -c '^app ' "$world_dir/$name.log")" 1 "starts of the app"
	kill -s TERM "$(app_pid "$name")"
	wait_for 30 log_has "$name" 0 '^tcp ' || flunk "the stream did not end"
	wait "$worker_pid"
	is $? 0 "the app's exit status"
	like "$(grep '^tcp ' "$world_dir/$name.log")" '^tcp ([0-9]+) ([0-9]+) same$' "the bytes that came back"
	is "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "their number"
	like "$(addresses "$name")" '^172\.16\.77\.[0-9]+$' "one address all the time"
	log_has "$name" 0 'the tunnel is down' && flunk "the tunnel was down"
	gap=$(sed -n 's/^probe .* longest gap //p' "$world_dir/$name.log")
	diag "$2 renewals: $(grep '^tcp ' "$world_dir/$name.log"); $(grep '^probe ' "$world_dir/$name.log") us"
	at_most "${gap:-$((gap_us_max + 1))}" $gap_us_max "longest gap in microseconds"
}

B45_renewal_loses_no_byte_and_keeps_the_address() {
	renews_under_traffic one-thread 4
}

B45_renewal_loses_no_byte_when_threads_change() {
	stop "$gateway_pid" TERM
	write_threads_config 2
	start_gateway || flunk "the gateway does not start"
	renews_under_traffic two-threads 8
}

wait_for_second_certificate() {
	wait_for 30 log_has "$1" 0 'the new certificate is in use'
}

# it sees that somebody else has renewed the file
two_workers_of_one_profile_keep_addresses_of_their_own() {
	local both
	run_worker twin first -- sh -c 'echo app $$ $WEBSITE_PRIVATE_IP; exec sleep 300' || flunk "no tunnel"
	local twin_pid=$worker_pid
	run_worker brother first --netns "$app" -- sh -c 'echo app $$ $WEBSITE_PRIVATE_IP; exec sleep 300' ||
		flunk "no tunnel"
	renew brother
	wait_for_second_certificate twin || flunk "the other one does not change over"
	both=$(addresses twin; addresses brother)
	is "$(sort -u <<<"$both" | wc -l)" 2 "addresses of both together"
	is "$(wc -l <<<"$both")" 2 "and each has one"
	stop "$worker_pid"
	stop "$twin_pid"
}

each_enrolment_of_an_app_has_an_address_that_stays() {
	local name before
	for name in second first second; do
		run_worker "$name" "$name" --netns "$app" -- sh -c 'echo app $$ $WEBSITE_PRIVATE_IP; exec sleep 300' ||
			flunk "no tunnel"
		stop "$worker_pid"
		[ "$name" = first ] && isnt "$(app_address first)" "$before" "another one's address"
		[ "$name" = second ] && [ -n "${before-}" ] && is "$(app_address second)" "$before" "its own address again"
		before=${before:-$(app_address second)}
	done
}

gateway_ends_cleanly() {
	stop "$gateway_pid" TERM
	is $? 0 "exit status"
}

tap_main B45_renewal_loses_no_byte_and_keeps_the_address \
	B45_renewal_loses_no_byte_when_threads_change \
	two_workers_of_one_profile_keep_addresses_of_their_own \
	each_enrolment_of_an_app_has_an_address_that_stays \
	gateway_ends_cleanly -- "$@"
