#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker that runs by a profile, and what happens when its certificate is renewed. The gateway knows alice by
# her password; the certificates come from est_server.py on the port beside it.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_AUTH=120
est=$here/../support/est_server.py


setup() {
	world_with_gateway && ca_dir=$world_dir/est && "$est" pki "$ca_dir" 192.0.2.1 || return 1
	start est "$gw" "$est" serve "$ca_dir" 192.0.2.1 444
	wait_for 5 is_listening "$gw" 444 || return 1
	profile=$world_dir/alice.yaml
	in_ns "$host" "$worker_bin" enrol "$("$est" token "$ca_dir" 192.0.2.1:444)" --profile "$profile" \
		>>"$world_dir/enrol.log" 2>&1
}

# run_worker NAME [OPTION]...: with an app that writes its address down, and lives
run_worker() {
	local name=$1
	shift
	worker_command alice
	# the routes are the profile's
	# shellcheck disable=SC2016
	start "$name" "$host" "${worker_command[@]}" --profile "$profile" --netns "$app" "$@" -- \
		sh -c 'echo app $$ $WEBSITE_PRIVATE_IP $WEBSITE_VNETNAME; exec sleep 300'
	worker_pid=$started_pid
	wait_for 10 log_has "$name" 0 '^app '
}

ups() {
	grep -c 'connected: WEBSITE_PRIVATE_IP' "$world_dir/$1.log"
}

has_ups() {
	[ "$(ups "$1")" -ge "$2" ]
}

page() {
	in_ns "$app" curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://10.20.0.2/
}

apps() {
	grep -c '^app ' "$world_dir/$1.log"
}


# renews NAME COMMAND...: COMMAND makes the running worker NAME change over
renews() {
	local name=$1 before mark
	shift
	before=$(sha256sum <"$profile")
	mark=$(log_mark "$name")
	succeeds "asking for it" "$@"
	wait_for 20 log_has "$name" "$mark" 'the new certificate is in use' || flunk "no change-over"
	isnt "$(sha256sum <"$profile")" "$before" "the profile"
	is "$(apps "$name")" 1 "starts of the app"
	is "$(page)" 200 "a page through the new session"
	log_has "$name" "$mark" 'the tunnel is down' && flunk "the tunnel was down"
	return 0
}

renew_by_command() {
	in_ns "$host" "$worker_bin" renew --profile "$profile" >>"$world_dir/enrol.log" 2>&1
}

profile_is_enough_for_routes_and_names() {
	run_worker first || flunk "no tunnel"
	like "$(grep '^app ' "$world_dir/first.log")" '172\.16\.77\.[0-9]+ lab$' "what the app is told"
	is "$(page)" 200 "a page through the tunnel"
}

B45_signal_renews_while_the_app_runs_on() {
	renews first kill -s USR2 "$worker_pid"
}

B45_renew_command_reaches_a_worker_that_runs() {
	renews first renew_by_command
}

B32_renewal_that_fails_leaves_the_session_in_use() {
	local mark before
	mark=$(log_mark first)
	before=$(ups first)
	echo later >"$ca_dir/mode"
	kill -s USR2 "$worker_pid"
	wait_for 10 log_has first "$mark" 'the certificate is not renewed' || flunk "nothing is said"
	rm "$ca_dir/mode"
	is "$(ups first)" "$before" "sessions"
	is "$(page)" 200 "a page through the old session"
	stop "$worker_pid"
}

B45_original_s_way_is_hanging_up_first() {
	run_worker second --renew-by-reconnect || flunk "no tunnel"
	kill -s USR2 "$worker_pid"
	wait_for 20 has_ups second 2 || flunk "no second session"
	log_has second 0 'the tunnel is down' || flunk "the tunnel was never down"
	is "$(apps second)" 1 "starts of the app"
	is "$(page)" 200 "a page through the new session"
	stop "$worker_pid"
}

certificate_alone_is_refused_by_a_gateway_that_does_not_take_it() {
	timeout 20 ip netns exec "$host" "$worker_bin" --profile "$profile" --gateway 192.0.2.1 \
		--ca "$world_dir/ca.pem" --netns "$app" --connect-timeout 8 -- true 2>"$world_dir/refused.log"
	is $? $EXIT_AUTH "exit status"
	like "$(cat "$world_dir/refused.log")" 'offers none of the EAP methods' "what is said"
}

tap_main profile_is_enough_for_routes_and_names \
	B45_signal_renews_while_the_app_runs_on \
	B45_renew_command_reaches_a_worker_that_runs \
	B32_renewal_that_fails_leaves_the_session_in_use \
	B45_original_s_way_is_hanging_up_first \
	certificate_alone_is_refused_by_a_gateway_that_does_not_take_it -- "$@"
