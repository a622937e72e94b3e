#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Apps that enrol by token with a gateway that shows certificates of its operator's: below an intermediate, as ACME
# clients write them, below a root that the gateway's system trusts, or signed by themselves; and what comes of it when
# these are renewed, or are another authority's all at once.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_REFUSED=1 EXIT_CERTIFICATE=121
sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
page='curl -sS -m 10 http://10.20.0.2/'

setup() {
	world_up && end_with own_end && start_web_server && make_authorities && show first &&
		write_own_config && name_gateway && start_gateway
}

own_end() {
	rm -rf "/etc/netns/$host"
	world_end
}

# only the worker's machine knows the gateway's names
name_gateway() {
	mkdir -p "/etc/netns/$host" && echo "192.0.2.1 gw.test gw.one.test" >"/etc/netns/$host/hosts"
}

# ---- authorities

# make_intermediate NAME CA
make_intermediate() {
	openssl_req "$1" -subj "/CN=$1 of a small world" -newkey rsa:2048 -CA "$world_dir/$2.pem" -CAkey "$world_dir/$2.key" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# chain LEAF CA: what is to be shown of it, as ACME clients write it: the root stays away
chain() {
	cat "$world_dir/$1.pem" "$world_dir/$2.pem" >"$world_dir/$1.chain"
}

# below NAME CA: a certificate and its chain
below() {
	make_certificate "$1" "$2" && chain "$1" "$2"
}

make_self_signed() {
	openssl_req "$1" -subj "/CN=192.0.2.1" -newkey rsa:2048 -addext basicConstraints=critical,CA:FALSE \
		-addext extendedKeyUsage=serverAuth -addext subjectAltName=DNS:gw.test,IP:192.0.2.1 &&
		cp "$world_dir/$1.pem" "$world_dir/$1.chain"
}

make_authorities() {
	make_ca root && make_intermediate r10 root && make_intermediate r11 root && make_ca stranger &&
		below first r10 && below second r10 && below third r11 && below foreign stranger &&
		make_self_signed alone && make_self_signed alone2
}

# ---- the gateway

# show NAME: renamed over what is there, as ACME clients do
show() {
	cp "$world_dir/$1.key" "$world_dir/live.key.new" && cp "$world_dir/$1.chain" "$world_dir/live.pem.new" &&
		mv "$world_dir/live.key.new" "$world_dir/live.key" && mv "$world_dir/live.pem.new" "$world_dir/live.pem"
}

shown() {
	in_ns "$host" openssl s_client -connect 192.0.2.1:443 "$@" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint 2>/dev/null
}

is_shown() {
	[ "$(shown)" = "$(openssl x509 -in "$world_dir/$1.pem" -noout -fingerprint)" ]
}

# change_to NAME: under the running gateway, which sees it by itself
change_to() {
	show "$1"
	wait_for 10 is_shown "$1" || flunk "$1 is not shown"
}

# write_own_config [LINE]...
write_own_config() {
	write_authority_config "certificate: $world_dir/live.pem" "key: $world_dir/live.key" \
		'limits: {half_open_per_address: 0, accept_rate_per_address: 0, auth_failures_per_address: 0}' "$@"
}

restart_gateway() {
	stop "$gateway_pid"
	start_gateway || flunk "no gateway"
}

ctl() {
	"$sstpctl_bin" "$@" --socket "$world_dir/control.sock"
}

# new_token APP [HOST]: sets token and said; false when it is refused
new_token() {
	token=$(ctl token create --app "$1" --vnet vnet1 --gateway "${2-192.0.2.1}" 2>"$world_dir/said")
	local status=$?
	said=$(cat "$world_dir/said")
	return $status
}

# ---- apps

# worker ARGUMENT...: in the host's namespace, in the foreground; sets status, out and err
worker() {
	timeout -k 5 60 ip netns exec "$host" "$worker_bin" "$@" >"$world_dir/out" 2>"$world_dir/err"
	status=$?
	out=$(cat "$world_dir/out")
	err=$(cat "$world_dir/err")
	cat "$world_dir/err" >>"$world_dir/worker.log"
}

# enrol APP [HOST]: its profile is APP.yaml
enrol() {
	new_token "$@" || flunk "no token: $said"
	worker enrol "$token" --profile "$world_dir/$1.yaml"
	is "$status" 0 "exit status of the enrolment of $1; $err"
}

# connects APP WHAT: it has the page
connects() {
	# shellcheck disable=SC2086
	worker --profile "$world_dir/$1.yaml" --netns "$app" --connect-timeout 20 -- $page
	is "$status" 0 "$2: exit status; $err"
	[ -n "$out" ] || flunk "$2: no page"
}

# renews APP WHAT: another certificate is in its profile
renews() {
	local before
	before=$(thumbprint_of "$1")
	worker renew --profile "$world_dir/$1.yaml"
	is "$status" 0 "$2: exit status; $err"
	isnt "$(thumbprint_of "$1")" "$before" "$2: thumbprint"
}

# refused APP WHAT: neither a session nor a renewal, for the gateway's certificate
refused() {
	# shellcheck disable=SC2086
	worker --profile "$world_dir/$1.yaml" --netns "$app" --connect-timeout 20 -- $page
	is "$status" $EXIT_CERTIFICATE "$2: exit status; $err"
	like "$err" 'not trusted' "$2: what is said"
	worker renew --profile "$world_dir/$1.yaml"
	is "$status" $EXIT_CERTIFICATE "$2: exit status of the renewal; $err"
}

thumbprint_of() {
	worker profile show "$world_dir/$1.yaml" --json
	python3 -c 'import json, sys; print(json.load(sys.stdin)["certThumbprint"])' <<<"$out"
}

# has_root APP CERTIFICATE: is it among what the profile trusts?
has_root() {
	worker profile show "$world_dir/$1.yaml"
	grep '^root:' <<<"$out" |
		grep -q "$(openssl x509 -in "$world_dir/$2.pem" -noout -fingerprint -sha1 | tr -d : | cut -d = -f 2)"
}

status_of() {
	ctl cert status | awk -v app="$1" '$1 == app' | grep -oE 'valid|out of sync'
}

# ---- cases

B13_token_for_a_chain_with_an_intermediate_is_all_that_a_worker_needs() {
	enrol shop
	is "$said" "" "warnings"
	has_root shop r10 || flunk "the intermediate is not in the profile"
	has_root shop first && flunk "the certificate itself is in the profile"
	connects shop "by the new profile"
}

# start_shop: keeps its tunnel and counts its starts
start_shop() {
	start shop "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$app" -- sh -c 'echo begun; exec sleep 200'
	shop_pid=$started_pid
	wait_for 15 log_has shop 0 '^begun$' || flunk "no tunnel"
}

B45_worker_lives_through_the_renewal_of_the_operator_s_certificate() {
	local mark
	start_shop
	change_to second
	mark=$(log_mark shop)
	renews shop "below the new certificate"
	kill -s USR2 "$shop_pid"
	wait_for 20 log_has shop "$mark" 'the new certificate is in use' || flunk "no change-over"
	like "$(in_ns "$app" curl -s -m 5 -o /dev/null -w '%{http_code}' http://10.20.0.2/)" '^200$' "a page through the new session"
	mark=$(log_mark shop)
	stop "$gateway_pid"
	start_gateway || flunk "no gateway"
	wait_for 30 log_has shop "$mark" 'connected: ' || flunk "it does not come back"
	is "$(grep -c '^begun$' "$world_dir/shop.log")" 1 "starts of the app"
	stop "$shop_pid"
	connects shop "after all of it"
	is "$(status_of shop)" valid "status"
}

B13_token_made_before_the_renewal_is_good_after_it() {
	new_token early || flunk "no token: $said"
	change_to first
	worker enrol "$token" --profile "$world_dir/early.yaml"
	is "$status" 0 "exit status; $err"
	connects early "by the new profile"
}

B16_gateway_below_a_foreign_authority_learns_nothing() {
	new_token victim || flunk "no token: $said"
	change_to foreign
	worker enrol "$token" --profile "$world_dir/victim.yaml"
	is "$status" $EXIT_CERTIFICATE "exit status"
	like "$err" 'not the gateway that this token was made for.*Nothing was sent.*another token' "what is said"
	refused shop "a worker that was enrolled before"
	change_to first
	worker enrol "$token" --profile "$world_dir/victim.yaml"
	is "$status" 0 "the token was not used up; $err"
}

B16_intermediate_of_another_name_vouches_for_nothing() {
	openssl_req r10-other -subj "/CN=r10 of a small world" -newkey rsa:2048 -CA "$world_dir/stranger.pem" \
		-CAkey "$world_dir/stranger.key" -addext basicConstraints=critical,CA:TRUE
	below twin r10-other
	change_to twin
	refused shop "an issuer with the same name and another key"
	change_to first
	connects shop "the right one again"
}

token_for_a_name_that_no_certificate_has_is_refused() {
	new_token other other.test
	is $? $EXIT_REFUSED "exit status"
	like "$said" "no certificate of this gateway is for 'other\.test'" "what is said"
	is "$token" "" "the token"
}

network_roots_and_drift_follow_the_operator_s_authority() {
	is "$(status_of early)" valid "status before"
	change_to foreign
	is "$(status_of early)" "out of sync" "status below another authority"
	change_to first
	is "$(status_of early)" valid "status of old"
}

B13_root_that_the_gateway_s_system_trusts_outlives_its_intermediates() {
	export SSL_CERT_FILE=$world_dir/root.pem
	restart_gateway
	unset SSL_CERT_FILE
	enrol public gw.test
	has_root public root || flunk "the root is not in the profile"
	has_root public r10 && flunk "the intermediate is in the profile"
	connects public "below the first intermediate"
	change_to third
	connects public "below the second one"
	renews public "below the second one"
	connects public "with the new certificate"
	change_to first
	restart_gateway
}

B13_certificate_signed_by_itself_is_pinned_and_said_to_be() {
	change_to alone
	enrol lonely
	like "$said" 'enrol again whenever the certificate is replaced' "the warning"
	connects lonely "by the new profile"
	renews lonely "the same certificate"
	connects lonely "with the new certificate"
	change_to alone2
	refused lonely "another certificate signed by itself"
	worker enrol "$token" --profile "$world_dir/lonely2.yaml"
	is "$status" $EXIT_CERTIFICATE "exit status of an enrolment by the old token"
	change_to first
}

# of an RSA and an ECDSA certificate for one name, and one more below another authority
make_more() {
	openssl_req ec -subj "/CN=192.0.2.1" -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-CA "$world_dir/stranger.pem" -CAkey "$world_dir/stranger.key" -addext basicConstraints=critical,CA:FALSE \
		-addext extendedKeyUsage=serverAuth -addext subjectAltName=DNS:gw.test,IP:192.0.2.1 &&
		chain ec stranger &&
		openssl_req one -subj "/CN=one" -newkey rsa:2048 \
			-CA "$world_dir/r11.pem" -CAkey "$world_dir/r11.key" -addext basicConstraints=critical,CA:FALSE \
			-addext extendedKeyUsage=serverAuth -addext 'subjectAltName=DNS:*.one.test' &&
		chain one r11
}

B13_each_name_has_the_token_of_its_own_certificate() {
	make_more || flunk "no certificates"
	write_own_config "certificates:" \
		"  - {certificate: $world_dir/ec.chain, key: $world_dir/ec.key}" \
		"  - {certificate: $world_dir/one.chain, key: $world_dir/one.key}"
	restart_gateway
	enrol twin gw.test
	connects twin "the ECDSA one of two for a name"
	renews twin "the ECDSA one of two for a name"
	enrol address
	connects address "the same by its address"
	enrol one gw.one.test
	connects one "a wildcard's name"
	renews one "a wildcard's name"
}

tap_main \
	B13_token_for_a_chain_with_an_intermediate_is_all_that_a_worker_needs \
	B45_worker_lives_through_the_renewal_of_the_operator_s_certificate \
	B13_token_made_before_the_renewal_is_good_after_it \
	B16_gateway_below_a_foreign_authority_learns_nothing \
	B16_intermediate_of_another_name_vouches_for_nothing \
	token_for_a_name_that_no_certificate_has_is_refused \
	network_roots_and_drift_follow_the_operator_s_authority \
	B13_root_that_the_gateway_s_system_trusts_outlives_its_intermediates \
	B13_certificate_signed_by_itself_is_pinned_and_said_to_be \
	B13_each_name_has_the_token_of_its_own_certificate \
	-- "$@"
