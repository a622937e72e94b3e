#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Certificates from end to end: sstp-gateway with its authority, a token of sstpctl, and a worker that enrols, comes in
# by EAP-TLS and renews its certificate while its app talks. No file is copied, the token is all.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_AUTH=120
sstpctl_bin=$build_dir/tools/sstpctl/sstpctl

setup() {
	world_up && start_web_server && write_authority_config && start_gateway &&
		wait_for 10 test -S "$world_dir/control.sock"
}

sstpctl() {
	in_ns "$gw" "$sstpctl_bin" "$@" --socket "$world_dir/control.sock"
}

new_token() {
	sstpctl token create --app "$1" --vnet vnet1 --gateway 192.0.2.1
}

# worker ARGUMENT...: in the host's namespace
worker() {
	in_ns "$host" "$worker_bin" "$@"
}

page() {
	in_ns "$app" curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://10.20.0.2/
}

thumbprint() {
	worker profile show "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["certThumbprint"])'
}

B13_token_is_all_that_a_worker_needs() {
	worker enrol "$(new_token shop)" --profile "$world_dir/shop.yaml" >"$world_dir/enrol.log" 2>&1
	is $? 0 "exit status; $(cat "$world_dir/enrol.log")"
	like "$(worker profile show "$world_dir/shop.yaml")" 'VNet: +vnet1' "VNet"
	like "$(worker profile show "$world_dir/shop.yaml")" 'routes: +10\.20\.0\.0/24' "routes"
	like "$(sstpctl cert list)" "$(thumbprint "$world_dir/shop.yaml")" "the gateway knows it"
}

B43_client_certificate_lives_eight_years() {
	like "$(worker profile show "$world_dir/shop.yaml")" \
		"valid: +$(date -u +%Y)-.* to $(($(date -u +%Y) + 8))-" "its life"
}

B16_worker_comes_in_by_certificate_alone() {
	# shellcheck disable=SC2016
	start shop "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$app" -- \
		sh -c 'echo app $WEBSITE_PRIVATE_IP $WEBSITE_VNETNAME; exec sleep 300'
	worker_pid=$started_pid
	wait_for 10 log_has shop 0 '^app 172\.16\.77\.[0-9]+ vnet1$' || flunk "no app"
	is "$(page)" 200 "a page through the tunnel"
}

B45_renewal_gives_a_new_thumbprint_and_the_app_runs_on() {
	local before mark
	before=$(thumbprint "$world_dir/shop.yaml")
	mark=$(log_mark shop)
	kill -s USR2 "$worker_pid"
	wait_for 20 log_has shop "$mark" 'the new certificate is in use' || flunk "no change-over"
	is "$(page)" 200 "a page through the new session"
	isnt "$(thumbprint "$world_dir/shop.yaml")" "$before" "thumbprint"
	is "$(grep -c '^app ' "$world_dir/shop.log")" 1 "starts of the app"
	log_has shop "$mark" 'the tunnel is down' && flunk "the tunnel was down"
	wait_for 20 log_has gateway 0 'replaced by a session with the new certificate' || flunk "two sessions stay"
}

B16_revoked_certificate_ends_the_worker_with_its_reason() {
	sstpctl cert revoke "$(thumbprint "$world_dir/shop.yaml")" >>"$world_dir/enrol.log" 2>&1
	wait_for 10 is_gone "$worker_pid" || flunk "it goes on"
	wait "$worker_pid"
	is $? $EXIT_AUTH "exit status"
	like "$(tail -n 20 "$world_dir/shop.log")" 'revoked' "what is said"
}

B16_revoked_certificate_gets_no_new_one() {
	worker renew --profile "$world_dir/shop.yaml" >"$world_dir/renew.log" 2>&1
	is $? $EXIT_AUTH "exit status"
	like "$(cat "$world_dir/renew.log")" 'refuses.*revoked' "what is said"
}

B16_used_token_says_so() {
	local token
	token=$(new_token other)
	worker enrol "$token" --profile "$world_dir/other.yaml" >>"$world_dir/enrol.log" 2>&1
	worker enrol "$token" --profile "$world_dir/twice.yaml" >"$world_dir/twice.log" 2>&1
	is $? $EXIT_AUTH "exit status"
	like "$(cat "$world_dir/twice.log")" 'used' "what is said"
}

tap_main B13_token_is_all_that_a_worker_needs \
	B43_client_certificate_lives_eight_years \
	B16_worker_comes_in_by_certificate_alone \
	B45_renewal_gives_a_new_thumbprint_and_the_app_runs_on \
	B16_revoked_certificate_ends_the_worker_with_its_reason \
	B16_revoked_certificate_gets_no_new_one \
	B16_used_token_says_so -- "$@"
