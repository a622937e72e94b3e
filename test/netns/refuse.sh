#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Connections that must not come to be: the worker ends with its own exit status, and the application
# never runs.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_AUTH=120 EXIT_CERTIFICATE=121 EXIT_UNREACHABLE=122

setup() {
	world_up && make_ca ca && make_certificate server ca && make_ca other-ca &&
		ip -n "$gw" addr add 192.0.2.9/24 dev u1 &&
		config_listen=0.0.0.0:443 write_config &&
		write_password alice wonderland && write_password stranger wonderland &&
		write_password wrong wrong && start_gateway
}

# refused EXIT_STATUS GATEWAY USER PASSWORD CA [OPTION]...
refused() {
	local status=$1 gateway=$2 user=$3 password=$4 ca=$5
	shift 5
	rm -f "$world_dir/ran"
	timeout -k 5 40 ip netns exec "$host" "$worker_bin" --gateway "$gateway" --user "$user" \
		--password-file "$world_dir/$password.password" --ca "$world_dir/$ca.pem" --netns "$app" \
		"$@" -- touch "$world_dir/ran" >>"$world_dir/worker.log" 2>&1
	is $? "$status" "exit status of the worker"
	is "$(ls "$world_dir/ran" 2>/dev/null)" "" "the application must not run"
}

wrong_password_is_final() {
	local mark
	mark=$(log_mark gateway)
	refused $EXIT_AUTH 192.0.2.1 alice wrong ca
	is "$(log_since gateway "$mark" | grep -c 'CALL_CONNECT_REQUEST')" 1 "number of tries"
	like "$(log_since gateway "$mark")" 'authentication failed: wrong password' "why, for the operator"
}

unknown_user_is_refused_like_a_wrong_password() {
	local mark
	mark=$(log_mark gateway)
	refused $EXIT_AUTH 192.0.2.1 stranger stranger ca
	like "$(log_since gateway "$mark")" 'authentication failed: no such user' "why, for the operator"
}

certificate_of_another_ca_is_refused() {
	refused $EXIT_CERTIFICATE 192.0.2.1 alice alice other-ca
}

certificate_for_another_name_is_refused() {
	refused $EXIT_CERTIFICATE 192.0.2.9 alice alice ca
}

nobody_there_is_reported_after_the_connect_timeout() {
	local began=$SECONDS
	refused $EXIT_UNREACHABLE 192.0.2.77 alice alice ca --connect-timeout 2
	at_most $((SECONDS - began)) 6 "seconds until it gave up"
}

closed_port_is_reported_after_the_connect_timeout() {
	refused $EXIT_UNREACHABLE 192.0.2.1:444 alice alice ca --connect-timeout 2
}

gateway_still_serves_the_right_ones() {
	is "$(worker_run -- echo connected)" connected "output of the application"
}

tap_main \
	wrong_password_is_final \
	unknown_user_is_refused_like_a_wrong_password \
	certificate_of_another_ca_is_refused \
	certificate_for_another_name_is_refused \
	nobody_there_is_reported_after_the_connect_timeout \
	closed_port_is_reported_after_the_connect_timeout \
	gateway_still_serves_the_right_ones \
	-- "$@"
