#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Time lines: sstpctl session timeline says of every set-up where it stopped, which side ended it and why, whoever asks for
# it by session, by SSTPCORRELATIONID or by app; and a control process that starts anew knows those that are up.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
good={7D1A2B3C-0001-4F00-A000-0123456789AB}
no_limits='limits: {half_open_per_address: 0, accept_rate_per_address: 0, auth_failures_per_address: 0}'

setup() {
	world_up && make_ca ca && make_ca hq && make_certificate server ca &&
		cat "$world_dir/server.pem" "$world_dir/ca.pem" >"$world_dir/server.chain" &&
		write_authority_config "certificate: $world_dir/server.chain" "key: $world_dir/server.key" "$no_limits" \
			'auth: {mschapv2: true, pap: true}' 'users:' \
			'  - {name: alice, password: wonderland, vnet: vnet1}' && start_gateway
}

ctl() {
	"$sstpctl_bin" "$@" --socket "$world_dir/control.sock" 2>&1
}

# client CASE CORRELATION-ID: in the host's namespace
client() {
	timeout 20 ip netns exec "$host" python3 "$here/timeline.py" "$1" "$world_dir/ca.pem" "$2" >>"$world_dir/client.log" 2>&1
}

# What see() has found: the members of a time line by name, and eventNames and details of its events, in their order.
declare -A line

# see KEY: the newest time line of a session, a correlation id or an app; "": of all
see() {
	local name value
	line=()
	while IFS=$'\t' read -r name value; do
		line[$name]=$value
	done < <(ctl session timeline ${1:+"$1"} --json --limit 1 | python3 -S -c '
import json, sys
line = json.load(sys.stdin)["value"][0]
line["eventNames"] = " ".join(e["event"] for e in line["events"])
line["details"] = "; ".join(e["event"] + ": " + e["detail"] for e in line["events"])
for key, value in line.items():
    print(key, value, sep="\t")' 2>/dev/null)
}

# has KEY MEMBER REGEX
has() {
	see "$1"
	[[ ${line[$2]-} =~ $3 ]]
}

# failed CASE CORRELATION-ID STAGE SIDE REASON: a set-up that comes to nothing, and what is said of it
failed() {
	client "$1" "$2" || flunk "$1: the client says" "$(tail -n 3 "$world_dir/client.log")"
	wait_for 5 has "$2" state failed || flunk "$1: no time line" "${line[state]}"
	is "${line[stoppedAt]}" "$3" "$1: stopped at"
	is "${line[endedBy]}" "$4" "$1: ended by"
	like "${line[reason]}" "$5" "$1: reason"
}

good_session_is_told_from_tcp_to_its_end() {
	client good "$good" || flunk "the client says" "$(tail -n 3 "$world_dir/client.log")"
	wait_for 5 has "$good" state ended || flunk "no time line" "${line[state]}"
	is "${line[eventNames]}" "tcp tls http sstp lcp auth bound ipcp ended" "events"
	is "${line[endedBy]}" client "ended by"
	is "${line[vpnUserName]}" alice "user"
	is "${line[authentication]}" PAP "method"
	is "${line[dialled]}" gw.test "name dialled"
	is "${line[vnet]}" vnet1 "VNet"
	like "${line[tls]}" '^TLSv1\.[23] [A-Z0-9_-]+$' "TLS"
	like "${line[privateIpAddress]}" "$pool_regex" "address"
	like "${line[publicIpAddress]}" '^192\.0\.2\.2:[0-9]+$' "source"
}

correlation_id_is_found_with_or_without_braces_in_any_case() {
	local bare=${good:1:36} id=${line[vpnConnectionId]}
	see "$bare"
	is "${line[vpnConnectionId]}" "$id" "without braces"
	see "${bare,,}"
	is "${line[vpnConnectionId]}" "$id" "in small letters"
	see "$id"
	is "${line[correlationId]}" "$good" "by its id"
	see "${id##*-}"
	is "${line[correlationId]}" "$good" "by its number"
}

table_has_offset_gap_event_and_detail() {
	ctl session timeline "$good" >"$world_dir/table.txt"
	is $? 0 "exit status"
	like "$(grep -m 1 OFFSET "$world_dir/table.txt")" '^OFFSET +GAP +EVENT +DETAIL$' "titles"
	like "$(grep -w tls "$world_dir/table.txt" | tail -n 1)" '^[0-9.]+ ms +[0-9.]+ ms +tls +TLSv1\..* name dialled: gw\.test$' "a line"
	ctl session timeline 999999 >"$world_dir/none.txt"
	is $? 1 "exit status of a session that is not there"
	like "$(cat "$world_dir/none.txt")" 'no time line' "what is said of it"
}

wrong_password_stops_at_auth() {
	failed wrong_password '{7D1A2B3C-0002-4F00-A000-0123456789AB}' auth gateway 'wrong password'
	is "${line[vpnUserName]}" alice "who the client said it was"
}

forged_binding_stops_at_bound() {
	failed forged '{7D1A2B3C-0003-4F00-A000-0123456789AB}' bound gateway 'invalid crypto binding'
}

client_that_hangs_up_behind_the_preamble_stops_at_sstp() {
	failed hangs_up '{7D1A2B3C-0004-4F00-A000-0123456789AB}' sstp client 'closed by the peer'
}

client_that_refuses_the_certificate_stops_at_tls_and_its_name_is_told() {
	client distrusts - || flunk "the client says" "$(tail -n 3 "$world_dir/client.log")"
	wait_for 5 has "" reason 'the peer refused TLS: alert "?unknown CA|\\x22unknown CA' ||
		flunk "the reason" "${line[reason]}"
	is "${line[stoppedAt]}" tls "stopped at"
	is "${line[endedBy]}" client "ended by"
	is "${line[dialled]}" gw.test "name dialled"
}

other_failures_of_tls_are_ours() {
	in_ns "$host" openssl s_client -connect 192.0.2.1:443 -tls1_1 -cipher ALL@SECLEVEL=0 </dev/null >/dev/null 2>&1
	wait_for 5 has "" reason 'unsupported protocol' || flunk "the reason" "${line[reason]}"
	is "${line[stoppedAt]}" tls "stopped at"
	is "${line[endedBy]}" gateway "ended by"
}

# enrol APP: its profile is APP.yaml
enrol() {
	in_ns "$host" "$worker_bin" enrol "$(ctl token create --app "$1" --vnet vnet1)" --profile "$world_dir/$1.yaml" \
		>"$world_dir/enrol.log" 2>&1 || flunk "no enrolment" "$(cat "$world_dir/enrol.log")"
}

# shop's profile, with a certificate that nobody here has issued
make_stranger() {
	openssl_req stranger -subj /CN=stranger -newkey ec -pkeyopt ec_paramgen_curve:P-256 -CA "$world_dir/hq.pem" \
		-CAkey "$world_dir/hq.key" -addext extendedKeyUsage=clientAuth
	{
		awk '/^[^ ]/ { is_own = /^(certificate|key):/ } !is_own' "$world_dir/shop.yaml"
		echo "certificate: |"
		sed 's/^/  /' "$world_dir/stranger.pem"
		echo "key: |"
		sed 's/^/  /' "$world_dir/stranger.key"
	} >"$world_dir/stranger.yaml"
}

start_shop() {
	start shop "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$app" -- sh -c 'echo up; exec sleep 100'
	shop_pid=$started_pid
	wait_for 10 log_has shop 0 '^up$' || flunk "no tunnel" "$(tail -n 3 "$world_dir/shop.log")"
}

untrusted_client_certificate_stops_at_auth_and_is_named() {
	enrol shop
	see ""
	is "${line[state]}" enrolment "the enrolment before"
	make_stranger
	timeout 20 ip netns exec "$host" "$worker_bin" --profile "$world_dir/stranger.yaml" --netns "$app" \
		--connect-timeout 5 -- true >"$world_dir/stranger.log" 2>&1
	wait_for 5 has "" state failed || flunk "no time line" "${line[state]}"
	is "${line[stoppedAt]}" auth "stopped at"
	like "${line[reason]}" 'wrong root' "reason"
	is "${line[authentication]}" EAP-TLS "method"
	is "${line[certThumbprint]}" \
		"$(openssl x509 -in "$world_dir/stranger.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')" "certificate"
}

worker_is_found_by_its_app_with_what_it_was_told() {
	start_shop
	wait_for 5 has shop eventNames subscribed || flunk "events" "${line[eventNames]}"
	like "${line[eventNames]}" '^tcp tls http sstp lcp auth bound ipcp .*subscribed' "events"
	is "${line[state]}" up "state"
	like "${line[details]}" 'auth: EAP-TLS as shop@vnet1, certificate [0-9A-F]{40}' "who it is"
	ctl route create vnet1 vnet1 more --prefix 10.20.9.0/24 >"$world_dir/route.log"
	ctl plan sync vnet1 vnet1 >>"$world_dir/route.log"
	wait_for 5 has shop details 'network: it is told of its network' ||
		flunk "it was not told of its network" "${line[details]}" "$(cat "$world_dir/route.log")"
}

control_pid() {
	pgrep -P "$gateway_pid" -f -- --control-process
}

control_is_another_than() {
	[ -n "$(control_pid)" ] && [ "$(control_pid)" != "$1" ] && ctl session timeline >/dev/null
}

session_that_is_up_is_known_again_behind_a_restart_of_control() {
	local pid before
	pid=$(control_pid)
	before=${line[vpnConnectionId]}
	kill -s KILL "$pid"
	wait_for 10 control_is_another_than "$pid" || flunk "no new control process"
	wait_for 5 has shop state up || flunk "it is not known" "${line[state]}"
	is "${line[vpnConnectionId]}" "$before" "session"
	like "${line[eventNames]}" '^tcp tls http sstp lcp auth bound ipcp .*subscribed' "events"
	like "${line[privateIpAddress]}" "$pool_regex" "address"
}

operator_who_disconnects_is_named() {
	client stays "$good" &
	wait_for 10 has "$good" state up || flunk "no session" "$(tail -n 3 "$world_dir/client.log")"
	ctl session disconnect "${line[vpnConnectionId]}" >"$world_dir/disconnect.log"
	wait_for 10 has "$good" state ended || flunk "it goes on"
	is "${line[endedBy]}" gateway "ended by"
	like "${line[reason]}" 'disconnected by the operator' "reason"
	like "${line[details]}" 'disconnect: disconnected by the operator, by uid 0' "who"
	wait $!
}

revocation_stands_before_the_end_that_it_brings() {
	ctl cert revoke --app shop >"$world_dir/revoke.log" || flunk "revoke" "$(cat "$world_dir/revoke.log")"
	wait_for 10 has shop details 'was revoked' || flunk "the end" "${line[details]}"
	like "${line[details]}" 'revocation: .* revoked, by uid 0' "who"
	stop "$shop_pid"
}

tap_main good_session_is_told_from_tcp_to_its_end \
	correlation_id_is_found_with_or_without_braces_in_any_case \
	table_has_offset_gap_event_and_detail \
	wrong_password_stops_at_auth \
	forged_binding_stops_at_bound \
	client_that_hangs_up_behind_the_preamble_stops_at_sstp \
	client_that_refuses_the_certificate_stops_at_tls_and_its_name_is_told \
	other_failures_of_tls_are_ours \
	untrusted_client_certificate_stops_at_auth_and_is_named \
	worker_is_found_by_its_app_with_what_it_was_told \
	session_that_is_up_is_known_again_behind_a_restart_of_control \
	operator_who_disconnects_is_named \
	revocation_stands_before_the_end_that_it_brings -- "$@"
