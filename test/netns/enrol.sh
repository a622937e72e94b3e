#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sstp-worker enrol, renew and profile show, against an EST server of Python's (est_server.py) that does wrong
# what it is told to. Nothing of the gateway runs here.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_USAGE=2 EXIT_AUTH=120 EXIT_CERTIFICATE=121 EXIT_UNREACHED=122
est=$here/../support/est_server.py

setup() {
	world_up && ca=$world_dir/ca && "$est" pki "$ca" gw.test 192.0.2.1 && start_est
}

# start_est OPTION...: instead of the one that runs
start_est() {
	[ -z "${est_pid-}" ] || stop "$est_pid"
	start est "$gw" "$est" serve "$ca" 192.0.2.1 443 "$@"
	est_pid=$started_pid
	wait_for 5 is_listening "$gw" 443
}

new_token() {
	"$est" token "$ca" "${@:-192.0.2.1}"
}

# run ARGUMENT...: sstp-worker in the host's namespace; sets status, out and err
run() {
	in_ns "$host" env -u http_proxy -u https_proxy "$worker_bin" "$@" >"$world_dir/out" 2>"$world_dir/err"
	status=$?
	out=$(cat "$world_dir/out")
	err=$(cat "$world_dir/err")
}

# refused MODE STATUS REGEX: an enrolment that the server spoils
refused() {
	echo "$1" >"$ca/mode"
	run enrol "$(new_token)" --profile "$world_dir/refused.yaml"
	rm "$ca/mode"
	is "$status" "$2" "$1: exit status"
	like "$err" "$3" "$1: what is said"
	is "$(ls "$world_dir" | grep -c refused)" 0 "$1: files left behind"
}

thumbprint_of() {
	openssl x509 -in "$1" -noout -fingerprint -sha1 | tr -d : | cut -d = -f 2
}

B13_first_certificate_needs_a_token_and_nothing_else() {
	run enrol "$(new_token)" --profile "$world_dir/first.yaml"
	is "$status" 0 "exit status; $err"
	is "$(stat -c %a "$world_dir/first.yaml")" 600 "mode of the profile"
	like "$out" "$(thumbprint_of "$ca/client.pem")" "the thumbprint is told"
	openssl x509 -in "$world_dir/first.yaml" -noout -text >"$world_dir/text" 2>&1
	grep -q 'PRIVATE KEY' "$world_dir/first.yaml" || flunk "no key in the profile"
}

B41_network_comes_with_the_certificate_in_one_reply() {
	run profile show "$world_dir/first.yaml"
	like "$out" 'VNet: +lab' "VNet"
	like "$out" 'routes: +10\.20\.0\.0/24' "routes"
	like "$out" 'DNS servers: 10\.20\.0\.2' "DNS"
	is "$(grep -c simpleenroll "$ca/requests")" 1 "requests for it"
}

profile_show_prints_json_without_the_key() {
	run profile show "$world_dir/first.yaml" --json
	is "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["certThumbprint"])' <<<"$out")" \
		"$(thumbprint_of "$ca/client.pem")" "thumbprint"
	[[ "$out" != *PRIVATE* ]] || flunk "the key is printed"
}

token_from_standard_input() {
	new_token | run enrol - --profile "$world_dir/stdin.yaml"
	[ -s "$world_dir/stdin.yaml" ] || flunk "no profile" "$(cat "$world_dir/err")"
}

certificate_alone_is_enough() {
	echo plain >"$ca/mode"
	run enrol "$(new_token)" --profile "$world_dir/plain.yaml"
	rm "$ca/mode"
	is "$status" 0 "exit status; $err"
	run profile show "$world_dir/plain.yaml"
	like "$out" 'VNet: +not told' "VNet"
}

root_that_the_handshake_leaves_out_is_found_in_cacerts() {
	start_est --no-root
	run enrol "$(new_token)" --profile "$world_dir/no-root.yaml"
	is "$status" 0 "exit status; $err"
	start_est
}

profile_that_is_there_stays_and_the_token_too() {
	local token before
	token=$(new_token)
	before=$(cat "$world_dir/first.yaml")
	run enrol "$token" --profile "$world_dir/first.yaml"
	is "$status" $EXIT_USAGE "exit status"
	like "$err" '--force' "advice"
	is "$(cat "$world_dir/first.yaml")" "$before" "the profile"
	run enrol "$token" --profile "$world_dir/first.yaml" --force
	is "$status" 0 "the token was not used up; $err"
}

B16_token_works_once() {
	local token
	token=$(new_token)
	run enrol "$token" --profile "$world_dir/once.yaml"
	is "$status" 0 "first use; $err"
	run enrol "$token" --profile "$world_dir/twice.yaml"
	is "$status" $EXIT_AUTH "exit status of the second use"
	like "$err" 'this token was used.*ask for another' "what is said"
}

B16_expired_token_is_not_even_sent() {
	local before
	before=$(wc -l <"$ca/requests")
	run enrol "$(new_token 192.0.2.1 --lifetime -10)" --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_AUTH "exit status"
	like "$err" 'expired at .*clock says' "what is said"
	is "$(wc -l <"$ca/requests")" "$before" "requests"
}

mistyped_token_is_seen_before_anything_is_done() {
	local token
	token=$(new_token)
	run enrol "${token%?????}AAAAA" --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_USAGE "exit status"
	run enrol nonsense --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_USAGE "exit status of what is no token"
}

B16_gateway_with_another_root_learns_nothing() {
	local before
	before=$(grep -c simpleenroll "$ca/requests")
	run enrol "$(new_token 192.0.2.1 --pin other.pem)" --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_CERTIFICATE "exit status"
	like "$err" 'not the gateway that this token was made for.*Nothing was sent' "what is said"
	is "$(grep -c simpleenroll "$ca/requests")" "$before" "requests for a certificate"
}

B16_pin_of_the_server_s_own_certificate_is_as_good_as_its_root_s() {
	run enrol "$(new_token 192.0.2.1 --pin server.pem)" --profile "$world_dir/leaf.yaml"
	is "$status" 0 "exit status; $err"
	run renew --profile "$world_dir/leaf.yaml"
	is "$status" 0 "exit status of a renewal; $err"
}

B16_gateway_of_another_name_learns_nothing() {
	local before
	before=$(grep -c simpleenroll "$ca/requests")
	mkdir -p "/etc/netns/$host" && echo "192.0.2.1 other.test" >"/etc/netns/$host/hosts"
	run enrol "$(new_token other.test)" --profile "$world_dir/refused.yaml"
	rm -r "/etc/netns/$host"
	is "$status" $EXIT_CERTIFICATE "exit status"
	like "$err" 'other\.test.*not to be trusted' "what is said"
	is "$(grep -c simpleenroll "$ca/requests")" "$before" "requests for a certificate"
}

gateway_that_is_not_there_is_said() {
	run enrol "$(new_token 192.0.2.1:4)" --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_UNREACHED "exit status"
	like "$err" 'cannot connect to 192\.0\.2\.1:4.*firewall' "what is said"
	run enrol "$(new_token nowhere.invalid)" --profile "$world_dir/refused.yaml"
	is "$status" $EXIT_UNREACHED "exit status for a name that is none"
}

B16_certificate_that_is_not_right_is_not_taken() {
	refused foreign-key $EXIT_CERTIFICATE 'for another key'
	refused foreign-root $EXIT_CERTIFICATE 'cannot be used'
	refused no-client-auth $EXIT_CERTIFICATE 'cannot be used'
	refused expired $EXIT_CERTIFICATE 'cannot be used.*clock'
}

reply_that_is_none_is_said() {
	refused garbage $EXIT_CERTIFICATE "the gateway's answer"
	refused bad-json $EXIT_CERTIFICATE 'network description.*not JSON'
	refused no-vnet $EXIT_CERTIFICATE 'network description.*vnetName'
	refused huge $EXIT_UNREACHED 'more than 1 MB'
	refused status-500 $EXIT_UNREACHED 'HTTP 500'
	refused broken $EXIT_UNREACHED 'no answer'
	refused later $EXIT_UNREACHED 'later: busy'
}

folder_that_cannot_be_written_costs_no_token() {
	local token
	token=$(new_token)
	run enrol "$token" --profile /proc/nothing/p.yaml
	is "$status" $EXIT_USAGE "exit status"
	run enrol "$token" --profile "$world_dir/costs-nothing.yaml"
	is "$status" 0 "the token was not used up; $err"
}

# full_disk PROFILE ARGUMENT...: sstp-worker with PROFILE in a folder that has no room for it
full_disk() {
	local profile=$1
	shift
	mkdir -p "$world_dir/full"
	in_ns "$host" env -u http_proxy -u https_proxy unshare --mount sh -c '
		mount -t tmpfs -o size=8k tmpfs "$0" || exit 99
		[ ! -e "$0.yaml" ] || cp -p "$0.yaml" "$0/p.yaml"
		"$@" --profile "$0/p.yaml"
		status=$?
		ls -A "$0" >"$0.files"
		exit $status' "$profile" "$worker_bin" "$@" >"$world_dir/out" 2>"$world_dir/err"
	status=$?
	err=$(cat "$world_dir/err")
}

full_disk_costs_no_token_and_no_request() {
	local token before
	token=$(new_token)
	before=$(wc -l <"$ca/requests")
	full_disk "$world_dir/full" enrol "$token"
	isnt "$status" 0 "exit status"
	like "$err" 'No space left' "what is said"
	is "$(wc -l <"$ca/requests")" "$before" "requests"
	is "$(cat "$world_dir/full.files")" .p.yaml.lock "what is left behind"
	run enrol "$token" --profile "$world_dir/full.yaml"
	is "$status" 0 "the token was not used up; $err"
	before=$(wc -l <"$ca/requests")
	full_disk "$world_dir/full" renew
	isnt "$status" 0 "exit status of a renewal"
	is "$(wc -l <"$ca/requests")" "$before" "requests of a renewal"
}

renewal_of_a_certificate_that_is_no_longer_there_is_not_done() {
	local before requests
	run enrol "$(new_token)" --profile "$world_dir/still.yaml"
	before=$(cat "$world_dir/still.yaml")
	requests=$(wc -l <"$ca/requests")
	run renew --profile "$world_dir/still.yaml" --if-still 0000000000000000000000000000000000000000
	is "$status" 0 "exit status; $err"
	is "$(cat "$world_dir/still.yaml")" "$before" "the profile"
	is "$(wc -l <"$ca/requests")" "$requests" "requests"
	run renew --profile "$world_dir/still.yaml" --if-still "$(thumbprint_of "$ca/client.pem")"
	is "$status" 0 "exit status; $err"
	isnt "$(cat "$world_dir/still.yaml")" "$before" "the profile"
}

B45_renewal_by_the_present_certificate_gives_another_thumbprint() {
	local before
	run enrol "$(new_token)" --profile "$world_dir/renew.yaml"
	before=$(thumbprint_of "$ca/client.pem")
	run renew --profile "$world_dir/renew.yaml"
	is "$status" 0 "exit status; $err"
	isnt "$(thumbprint_of "$ca/client.pem")" "$before" "thumbprint"
	run profile show "$world_dir/renew.yaml"
	like "$out" "$(thumbprint_of "$ca/client.pem")" "the new one is in the profile"
	is "$(stat -c %a "$world_dir/renew.yaml")" 600 "mode of the profile"
}

renewal_that_fails_leaves_the_profile_as_it_was() {
	local before mode
	before=$(cat "$world_dir/renew.yaml")
	for mode in foreign-key broken later; do
		echo $mode >"$ca/mode"
		run renew --profile "$world_dir/renew.yaml"
		isnt "$status" 0 "$mode: exit status"
		is "$(cat "$world_dir/renew.yaml")" "$before" "$mode: the profile"
	done
	rm "$ca/mode"
}

renewal_wants_tls_1_3() {
	start_est --plain-tls-1.2
	run renew --profile "$world_dir/renew.yaml"
	is "$status" $EXIT_UNREACHED "exit status"
	start_est
}

commands_that_make_no_sense_are_refused() {
	run enrol
	is "$status" $EXIT_USAGE "enrol without a token"
	run renew
	is "$status" $EXIT_USAGE "renew without a profile"
	run profile list
	is "$status" $EXIT_USAGE "profile list"
	run profile show "$world_dir/no-such.yaml"
	is "$status" $EXIT_USAGE "a profile that is not there"
	like "$err" 'no-such\.yaml' "what is said"
	run enrol --help
	is "$status" 0 "help"
	like "$out" 'Usage:' "help"
}

tap_main B13_first_certificate_needs_a_token_and_nothing_else \
	B41_network_comes_with_the_certificate_in_one_reply \
	profile_show_prints_json_without_the_key \
	token_from_standard_input \
	certificate_alone_is_enough \
	root_that_the_handshake_leaves_out_is_found_in_cacerts \
	profile_that_is_there_stays_and_the_token_too \
	B16_token_works_once \
	B16_expired_token_is_not_even_sent \
	mistyped_token_is_seen_before_anything_is_done \
	B16_gateway_with_another_root_learns_nothing \
	B16_pin_of_the_server_s_own_certificate_is_as_good_as_its_root_s \
	B16_gateway_of_another_name_learns_nothing \
	gateway_that_is_not_there_is_said \
	B16_certificate_that_is_not_right_is_not_taken \
	reply_that_is_none_is_said \
	folder_that_cannot_be_written_costs_no_token \
	full_disk_costs_no_token_and_no_request \
	renewal_of_a_certificate_that_is_no_longer_there_is_not_done \
	B45_renewal_by_the_present_certificate_gives_another_thumbprint \
	renewal_that_fails_leaves_the_profile_as_it_was \
	renewal_wants_tls_1_3 \
	commands_that_make_no_sense_are_refused -- "$@"
