#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The operator's API over TCP, as its operator meets it and as strangers do.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly api=https://192.0.2.1:8443

setup() {
	world_up && make_certificates && write_api_config && start_gateway || return 1
	as_operator=(--cert "$world_dir/operator.pem" --key "$world_dir/operator.key")
	as_stranger=(--cert "$world_dir/stranger.pem" --key "$world_dir/stranger.key")
}

# issue NAME SUBJECT: NAME.pem and NAME.key below ops.pem
issue() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$world_dir/$1.key" -subj "$2" \
		-out "$world_dir/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$world_dir/$1.csr" -CA "$world_dir/ops.pem" -CAkey "$world_dir/ops.key" \
			-CAcreateserial -days 2 -out "$world_dir/$1.pem" \
			-extfile <(echo subjectAltName=IP:192.0.2.1) 2>/dev/null
}

self_signed() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$world_dir/$1.key" \
		-out "$world_dir/$1.pem" -subj "$2" -days 2 2>/dev/null
}

make_certificates() {
	self_signed ops /CN=ops && self_signed stranger /CN=stranger && issue api /CN=api && issue operator /CN=operator &&
		openssl rand -hex 32 >"$world_dir/token"
}

write_api_config() {
	cat >"$world_dir/gateway.yaml" <<-EOF
		listen: ["192.0.2.1:443"]
		names: [gw.test]
		state: $world_dir/state
		control_socket: $world_dir/run/control.sock
		api: {listen: "192.0.2.1:8443", certificate: api.pem, key: api.key, client_ca: ops.pem, token_file: token}
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24]
		    pools: [172.16.77.0/24]
		    tun: sstp0
	EOF
}

ask() {
	in_ns "$host" curl -s --max-time 10 --cacert "$world_dir/ops.pem" "$api$1" "${@:2}"
}

# status_of PATH CURL_ARGUMENT...
status_of() {
	ask "$1" -o /dev/null -w '%{http_code}' "${@:2}"
}

# field KEY...: of the JSON on standard input
field() {
	python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[int(k) if isinstance(o, list) else k], sys.argv[1:], json.load(sys.stdin)))' "$@"
}

with_token() {
	echo "Authorization: Bearer ${1-$(cat "$world_dir/token")}"
}

logged() {
	grep -q -- "$1" "$world_dir/gateway.log"
}

certificate_or_token_lets_in_and_stands_in_the_log() {
	is "$(status_of /v1/site "${as_operator[@]}")" 200 "by certificate"
	is "$(status_of /v1/site "${as_operator[@]}" --tls-max 1.2)" 200 "with TLS 1.2 as well"
	is "$(status_of /v1/site -H "$(with_token)")" 200 "by token"
	is "$(status_of /subscriptions/default/resourceGroups/g/providers/Microsoft.Web/serverfarms/p -X PUT \
		-d '{"sku": {"tier": "Basic"}}' "${as_operator[@]}")" 200 "a change"
	wait_for 5 logged 'audit: certificate CN=operator from 192.0.2.2:[0-9]*: PUT /subscriptions/.*/serverfarms/p: 200' ||
		flunk "the log does not say who: $(grep audit "$world_dir/gateway.log")"
	is "$(status_of /v1/tokens/none -X DELETE -H "$(with_token)")" 404 "a refusal"
	wait_for 5 logged 'audit: token from 192.0.2.2:[0-9]*: DELETE /v1/tokens/none: 404' || flunk "nor of a token"
}

nobody_else_gets_more_than_401_or_403() {
	local path
	for path in /v1/site /openapi.json /v1/tokens /subscriptions / /none; do
		is "$(ask $path -w '%{http_code} %{size_download}')" "401 0" "$path without credentials"
		is "$(ask $path -w '%{http_code} %{size_download}' -H "$(with_token ffffffffffffffffffffffffffffffff)")" "403 0" \
			"$path with a wrong token"
		is "$(ask $path -w '%{http_code} %{size_download}' "${as_stranger[@]}")" "403 0" "$path with another's certificate"
	done
	is "$(status_of /v1/site -u admin:admin)" 403 "a password"
	is "$(status_of /v1/apply --data-binary @"$world_dir/gateway.yaml")" 401 "a body"
}

hostile_clients_are_turned_away_and_the_operator_is_served_meanwhile() {
	local pid
	pid=$(pgrep -P "$gateway_pid" -f -- --control-process)
	in_ns "$host" timeout 60 python3 "$here/api.py" 192.0.2.1 8443 "$(cat "$world_dir/token")" || flunk "see above"
	is "$(status_of /v1/site "${as_operator[@]}")" 200 "the operator is served afterwards"
	is "$(pgrep -P "$gateway_pid" -f -- --control-process)" "$pid" "by the same process"
}

reload_takes_other_tokens() {
	local old
	old=$(with_token)
	openssl rand -hex 32 >"$world_dir/token"
	kill -s HUP "$gateway_pid"
	wait_for 5 token_is_good || flunk "the new token is not taken"
	is "$(status_of /v1/site -H "$old")" 403 "the old one is wrong now"
}

token_is_good() {
	[ "$(status_of /v1/site -H "$(with_token)")" = 200 ]
}

backup_is_made_over_the_api_and_restored_by_command() {
	local operation name out root
	root=$(ask /v1/roots "${as_operator[@]}" | field value 0 fingerprint)
	operation=$(ask /v1/backups -X POST "${as_operator[@]}" | field id)
	wait_for 5 operation_has_ended "$operation" || flunk "it does not end"
	name=$(ask "/v1/operations/$operation" "${as_operator[@]}" | field result name)
	ask /subscriptions/default/resourceGroups/g/providers/Microsoft.Web/serverfarms/p -X DELETE "${as_operator[@]}" >/dev/null
	out=$(in_ns "$gw" "$gateway_bin" --config "$world_dir/gateway.yaml" --restore "$world_dir/state/backups/$name" 2>&1)
	is $? 1 "it is refused while the gateway runs"
	like "$out" "stop the gateway first" "with what to do"
	kill -s TERM "$gateway_pid"
	wait_for 10 is_gone "$gateway_pid"
	rm -r "$world_dir/state/authority"
	in_ns "$gw" "$gateway_bin" --config "$world_dir/gateway.yaml" --restore "$world_dir/state/backups/$name" >/dev/null
	is $? 0 "it is restored"
	is "$(stat -c %a "$world_dir/state/backups/$name")" 600 "nobody else can read it"
	start_gateway
	is "$(ask /v1/roots "${as_operator[@]}" | field value 0 fingerprint)" "$root" "the authority is the one of then"
	is "$(status_of /subscriptions/default/resourceGroups/g/providers/Microsoft.Web/serverfarms/p "${as_operator[@]}")" 200 \
		"what was removed behind it is there again"
}

operation_has_ended() {
	[ "$(ask "/v1/operations/$1" "${as_operator[@]}" | field status)" = Succeeded ]
}

tap_main certificate_or_token_lets_in_and_stands_in_the_log \
	nobody_else_gets_more_than_401_or_403 \
	hostile_clients_are_turned_away_and_the_operator_is_served_meanwhile \
	reload_takes_other_tokens \
	backup_is_made_over_the_api_and_restored_by_command -- "$@"
