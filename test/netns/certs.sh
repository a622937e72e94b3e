#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Certificates from end to end: a gateway with its own authority, apps that enrol by token and come in by EAP-TLS.
# Nothing but the token is carried from one to the other. What the gateway's own authority would never issue is made
# by openssl below an external root, "hq".
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_AUTH=120 EXIT_UNREACHED=122
sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
many_bin=$build_dir/test/netns/many
dates='+%Y%m%d%H%M%SZ'

# all workers come from one address
no_limits='limits: {half_open_per_address: 0, accept_rate_per_address: 0, auth_failures_per_address: 0}'

setup() {
	world_up && end_with certs_end && start_web_server &&
		config_log_level=info write_authority_config "$no_limits" && start_gateway &&
		ip netns add "$world_prefix-other" && ip -n "$world_prefix-other" link set lo up
}

certs_end() {
	ip netns del "$world_prefix-other" 2>/dev/null
	world_end
}

ctl() {
	"$sstpctl_bin" "$1" "$2" --socket "$world_dir/control.sock" "${@:3}" 2>&1
}

# tell NOUN VERB ARGUMENT...: a ctl that must succeed
tell() {
	ctl "$@" >"$world_dir/tell.log" || flunk "sstpctl $*" "$(cat "$world_dir/tell.log")"
}

# ---- apps

new_token() {
	ctl token create --app "$1" --vnet vnet1
}

# worker ARGUMENT...: in the host's namespace, in the foreground; sets status, out (the app's output) and err
worker() {
	timeout -k 5 60 ip netns exec "$host" "$worker_bin" "$@" >"$world_dir/out" 2>"$world_dir/err"
	status=$?
	out=$(cat "$world_dir/out")
	err=$(cat "$world_dir/err")
	cat "$world_dir/err" >>"$world_dir/worker.log"
}

# enrol APP: its profile is APP.yaml
enrol() {
	worker enrol "$(new_token "$1")" --profile "$world_dir/$1.yaml"
	is "$status" 0 "exit status of the enrolment of $1; $err"
}

# run APP COMMAND...: by its profile, in the app's namespace
run() {
	worker --profile "$world_dir/$1.yaml" --netns "$app" --connect-timeout 20 -- "${@:2}"
}

# start_app APP [OPTION]... -- COMMAND...: the same in the background, with the options that are given; sets app_pid
start_app() {
	start "$1" "$host" "$worker_bin" --profile "$world_dir/$1.yaml" "${@:2}"
	app_pid=$started_pid
}

# block_of APP KEY: what a profile holds in PEM
block_of() {
	awk -v key="$2:" '/^[^ ]/ { is_in = $1 == key } is_in' "$world_dir/$1.yaml" | sed -n 's/^  //p'
}

certificate_of() {
	block_of "$1" certificate
}

thumbprint_of() {
	certificate_of "$1" | openssl x509 -noout -fingerprint -sha1 | tr -d : | cut -d = -f 2
}

page='curl -sS -m 10 http://10.20.0.2/'

# page_in NAMESPACE: nothing when it does not come
page_in() {
	in_ns "$1" curl -s -m 2 http://10.20.0.2/
}

# row_of NOUN VERB WORD: the line of a list
row_of() {
	ctl "$1" "$2" | grep -w -- "$3"
}

# ---- certificates that openssl makes

# make_foreign NAME FROM UNTIL [EKU [SUBJECT [CA KEY]]]: NAME.pem and NAME.key; the times as in date -d
make_foreign() {
	local ca=${6-$world_dir/hq.pem} key=${7-$world_dir/hq.key}
	cat >"$world_dir/ca.cnf" <<-EOF
		[ca]
		default_ca = here
		[here]
		database = $world_dir/ca.index
		new_certs_dir = $world_dir
		rand_serial = yes
		default_md = sha256
		unique_subject = no
		policy = any
		[any]
		commonName = optional
		[leaf]
		basicConstraints = critical,CA:FALSE
		keyUsage = critical,digitalSignature
		extendedKeyUsage = ${4-clientAuth}
		[req]
		distinguished_name = dn
		[dn]
	EOF
	touch "$world_dir/ca.index"
	openssl req -config "$world_dir/ca.cnf" -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-subj "${5-/CN=$1}" -keyout "$world_dir/$1.key" -out "$world_dir/$1.csr" 2>"$world_dir/openssl.log"
	openssl ca -batch -notext -config "$world_dir/ca.cnf" -extensions leaf -cert "$ca" -keyfile "$key" \
		-startdate "$(date -u -d "$2" "$dates")" -enddate "$(date -u -d "$3" "$dates")" \
		-in "$world_dir/$1.csr" -out "$world_dir/$1.pem" 2>>"$world_dir/openssl.log" ||
		flunk "openssl makes no certificate $1" "$(cat "$world_dir/openssl.log")"
}

# make_profile NAME: NAME.yaml, the profile of shop with NAME.pem and NAME.key in it
make_profile() {
	{
		awk '/^[^ ]/ { is_own = /^(certificate|key):/ } !is_own' "$world_dir/shop.yaml"
		echo "certificate: |"
		sed 's/^/  /' "$world_dir/$1.pem"
		echo "key: |"
		sed 's/^/  /' "$world_dir/$1.key"
	} >"$world_dir/$1.yaml"
}

# foreign NAME FROM UNTIL...: as make_foreign, with its profile
foreign() {
	make_foreign "$@"
	make_profile "$1"
}

# ---- what must not come to be

all_reasons='wrong root|expired|not yet valid|revoked|no clientAuth|name unknown|malformed|weak key|unusable name'

# refused PROFILE REASON: the app does not run, no address is leased, and the gateway's log has this reason alone
refused() {
	local mark
	mark=$(log_mark gateway)
	run "$1" echo ran
	is "$status" $EXIT_AUTH "$1: exit status of the worker"
	is "$out" "" "$1: output of the app"
	is "$(log_since gateway "$mark" | grep -oE "authentication failed: ($all_reasons)" | sort -u)" \
		"authentication failed: $2" "$1: reasons in the gateway's log"
	log_has gateway "$mark" 'up, address=' && flunk "$1: a session came up"
	is "$(leases)" 0 "$1: leased addresses"
}

# how many addresses are in use now
leases() {
	local mark
	mark=$(log_mark gateway)
	kill -s USR1 "$gateway_pid"
	wait_for 5 log_has gateway "$mark" 'stats: vnet=vnet1' || return 1
	log_since gateway "$mark" | sed -n 's/.*vnet=vnet1 addresses=\([0-9]*\).*/\1/p'
}

has_no_leases() {
	[ "$(leases)" = 0 ]
}

# ---- the cases

B13_first_connect_needs_a_token_and_nothing_else() {
	is "$(find "$world_dir" -maxdepth 1 -name '*.pem' | wc -l)" 0 "certificates made by hand"
	enrol shop
	run shop sh -c "echo \$WEBSITE_PRIVATE_IP \$WEBSITE_VNETNAME; $page"
	is "$status" 0 "exit status of the app; $err"
	like "$out" '^172\.16\.77\.[0-9]+ vnet1' "what the app was told"
	like "$out" 'hello from the virtual network, 172\.16\.77\.' "the page"
	like "$(log_since gateway 0)" "authenticated by EAP-TLS, certificate $(thumbprint_of shop)" "the gateway's log"
	like "$(ctl root list | tail -n +2)" '^[0-9A-F]{40} +root-[0-9A-F]+ +own .* yes +yes ' "the only root, the gateway's own"
}

B14_connect_while_the_gateway_is_down_fails_and_succeeds_later_without_a_change() {
	local before network token
	token=$(new_token early)
	stop "$gateway_pid"
	is $? 0 "exit status of the gateway"
	before=$(sha256sum "$world_dir/shop.yaml")
	network=$(network_of "$app")
	worker enrol "$token" --profile "$world_dir/early.yaml"
	is "$status" $EXIT_UNREACHED "exit status of the enrolment"
	is "$(find "$world_dir" -name 'early*')" "" "files that the enrolment left"
	worker --profile "$world_dir/shop.yaml" --netns "$app" --connect-timeout 2 -- echo ran
	is "$status" $EXIT_UNREACHED "exit status of the worker"
	is "$out" "" "output of the app"
	like "$err" 'cannot connect to 192\.0\.2\.1:443|no tunnel to 192\.0\.2\.1:443' "what is said"
	is "$(network_of "$app")" "$network" "the app's network"
	start_app shop --netns "$app" -- sh -c "$page; echo ended"
	wait_for 10 log_has shop 0 'trying again' || flunk "the patient worker says nothing"
	start_gateway || flunk "no gateway"
	wait_for 30 log_has shop 0 '^hello from the virtual network' || flunk "the worker that waited does not come in"
	wait "$app_pid"
	is $? 0 "exit status of the worker that waited"
	is "$(sha256sum "$world_dir/shop.yaml")" "$before" "the profile"
	worker enrol "$token" --profile "$world_dir/early.yaml"
	is "$status" 0 "exit status of the enrolment by the same token; $err"
}

B15_only_the_namespace_of_the_app_reaches_the_virtual_network() {
	local n before
	before=$(network_of "$host")
	start_app early --netns "$app" -- sh -c "echo begun; exec sleep 100"
	wait_for 10 log_has early 0 '^begun$' || flunk "no tunnel"
	like "$(page_in "$app")" '^hello' "the page in the app's namespace"
	for n in "$host" "$world_prefix-other"; do
		page_in "$n" && flunk "the page comes in $n too"
		is "$(ip -n "$n" -o link show type tun)" "" "TUN devices in $n"
	done
	is "$(network_of "$host")" "$before" "the host's network"
	stop "$app_pid"
	page_in "$app" && flunk "the page comes without the tunnel"
	return 0
}

B16_each_certificate_that_is_not_right_is_refused_for_its_own_reason() {
	local reason mark
	wait_for 10 has_no_leases || flunk "somebody has an address before"
	make_ca hq
	make_ca stranger
	tell root import --name hq --vnet vnet1 "$world_dir/hq.pem"
	foreign good '1 day ago' '1 day'
	run good echo ran
	is "$out" ran "a good certificate of the external root; $err"
	wait_for 10 has_no_leases || flunk "the good one has its address still"
	foreign ended '2 days ago' '1 hour ago'
	foreign future '1 hour' '2 days'
	foreign server '1 day ago' '1 day' serverAuth
	foreign alien '1 day ago' '1 day' clientAuth /CN=alien "$world_dir/stranger.pem" "$world_dir/stranger.key"
	enrol gone
	tell cert revoke "$(thumbprint_of gone)"
	make_unknown
	mark=$(log_mark gateway)
	refused alien 'wrong root'
	refused ended expired
	refused future 'not yet valid'
	refused gone revoked
	refused server 'no clientAuth'
	refused unknown 'name unknown'
	is "$(log_since gateway "$mark" | grep -c enrolment)" 0 "requests for a renewal that would be refused"
	is "$(grep -c 'enrol again with a new token' <<<"$err")" 1 "how often the worker says what to do"
	for reason in "(alien|stranger)" 'expired on' 'not valid before' "$(thumbprint_of gone)" 'CN ?= ?server' 'unknown: unknown'; do
		like "$(grep 'authentication failed' "$world_dir/gateway.log")" "$reason" "details in the log"
	done
}

# of the gateway's own root, by its own key, and yet not one that the gateway knows: as after a restore of its state
make_unknown() {
	block_of shop roots >"$world_dir/own.pem"
	cp "$(find "$world_dir/state" -name 'root-*.key')" "$world_dir/own.key"
	foreign unknown '1 minute ago' '1 day' clientAuth /CN=unknown "$world_dir/own.pem" "$world_dir/own.key"
	rm "$world_dir/own.key"
}

# hello OPTION...: what openssl says of a handshake
hello() {
	in_ns "$host" openssl s_client -connect 192.0.2.1:443 "$@" </dev/null 2>&1
}

B17_worker_comes_by_port_443_and_tls_below_1_2_is_refused() {
	local old
	like "$(hello -tls1_2)" 'Protocol *: TLSv1\.2|New, TLSv1\.2' "TLS 1.2"
	like "$(hello -tls1_3)" 'New, TLSv1\.3' "TLS 1.3"
	for old in -tls1_1 -tls1; do
		# the alert comes from the gateway: so the client did ask
		like "$(hello $old -cipher ALL@SECLEVEL=0)" 'alert protocol version' "$old"
	done
	start_app shop --netns "$app" -- sh -c "echo up; exec sleep 100"
	wait_for 10 log_has shop 0 '^up$' || flunk "no tunnel"
	like "$(in_ns "$host" ss -Hnt state established dst 192.0.2.1)" '192\.0\.2\.1:443' "the tunnel's connection"
	like "$(grep 'up, address=' "$world_dir/shop.log")" 'TLSv1\.[23]' "its TLS"
	stop "$app_pid"
}

B41_one_reply_carries_certificate_and_network_and_both_reach_the_app() {
	local mark
	mark=$(log_mark gateway)
	enrol clerk
	# the roots are asked for before the token is given away
	is "$(log_since gateway "$mark" | sed -n 's/.* enrolment \([a-z]*\) begins.*/\1/p' | xargs)" "cacerts simpleenroll" \
		"requests of the enrolment"
	run clerk sh -c 'cat /etc/resolv.conf; ip route get 10.20.0.2; echo "$WEBSITE_VNETNAME"'
	like "$out" 'nameserver 10\.20\.0\.2' "the app's name server"
	like "$out" '10\.20\.0\.2 dev vnet0' "the app's way to the virtual network"
	like "$out" $'\nvnet1' "the app's VNet"
}

# state_of APP: what sstpctl says of it
state_of() {
	row_of cert status "$1"
}

is_in_state() {
	[[ "$(state_of "$1")" =~ $2 ]]
}

B42_network_that_has_changed_shows_as_out_of_sync_until_the_worker_syncs() {
	enrol drifter
	like "$(state_of drifter)" ' valid .* no ' "before the change"
	sed -i 's|address_spaces: .*|address_spaces: [10.20.0.0/24, 10.21.0.0/16]|; s|dns_servers: .*|dns_servers: [10.20.0.2, 10.20.0.3]|' \
		"$world_dir/gateway.yaml"
	kill -s HUP "$gateway_pid"
	wait_for 5 is_in_state drifter 'out of sync .*yes .*its network has changed' ||
		flunk "not out of sync" "$(state_of drifter)"
	worker renew --profile "$world_dir/drifter.yaml"
	is "$status" 0 "exit status of the renewal; $err"
	like "$(state_of drifter)" ' valid .* no ' "after the sync"
	worker profile show "$world_dir/drifter.yaml"
	like "$out" 'routes: +10\.20\.0\.0/24 10\.21\.0\.0/16' "routes of the profile"
	run drifter sh -c 'cat /etc/resolv.conf; ip route get 10.21.1.1'
	like "$out" 'nameserver 10\.20\.0\.3' "the app's name servers"
	like "$out" '10\.21\.1\.1 dev vnet0' "the app's way to what is new"
}

# date_of CERTIFICATE WHICH: such as "2026-11-23 13:00:00 UTC"
date_of() {
	date -u -d "$(openssl x509 -in "$1" -noout "-${2}date" | cut -d = -f 2)" '+%F %T UTC'
}

B43_client_certificate_lives_eight_years() {
	enrol years
	certificate_of years >"$world_dir/years.pem"
	is "$(date_of "$world_dir/years.pem" end)" \
		"$(date -u -d "$(date_of "$world_dir/years.pem" start) 8 years" '+%F %T UTC')" "notAfter"
}

# shows_status NAME STATUS: profile show, both ways
shows_status() {
	worker profile show "$world_dir/$1.yaml"
	like "$out" "status: +$2" "$1: text"
	worker profile show "$world_dir/$1.yaml" --json
	like "$out" "\"status\": \"$2\"" "$1: JSON"
}

# five days off the boundary, since date's months and the calendar's differ at the end of a month
B44_status_is_shown_as_valid_near_expiry_expired_and_revoked() {
	like "$(state_of years)" ' valid ' "sstpctl cert status"
	like "$(row_of cert list gone)" ' revoked ' "sstpctl cert list"
	openssl_req near-root -subj /CN=near -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 100 \
		-addext basicConstraints=critical,CA:TRUE
	tell root import --name near-root --vnet vnet1 "$world_dir/near-root.pem"
	like "$(row_of root list near-root)" 'near expiry' "a root of 100 days"
	like "$(row_of root list hq)" ' valid ' "a root of a year"
	foreign long '1 day ago' '6 months 5 days'
	foreign near '1 day ago' '6 months -5 days'
	shows_status years valid
	shows_status long valid
	shows_status near 'near expiry'
	shows_status ended expired
	shows_status future 'not yet valid'
}

# An app that lives, and a ping each 10 ms beside it
start_watched() {
	start_app "$1" --netns "$app" "${@:2}" -- sh -c 'echo "app $$"; exec sleep 300'
	wait_for 10 log_has "$1" 0 '^app ' || flunk "$1: no tunnel"
	start "$1-ping" "$app" ping -D -n -i 0.01 10.20.0.2
	ping_pid=$started_pid
}

# ends the ping; prints the longest time in ms without an answer
longest_gap() {
	stop "$ping_pid" INT
	awk -F '[][]' '/ time=/ { if (n++ && $2 - last > gap) gap = $2 - last; last = $2 } END { printf "%d\n", gap * 1000 }' \
		"$world_dir/$1-ping.log"
}

has_come_up_twice() {
	[ "$(grep -c 'connected: WEBSITE_PRIVATE_IP' "$world_dir/$1.log")" -ge 2 ]
}

# the addresses that an app's worker has had, each once
addresses_of() {
	sed -n 's/.*connected: WEBSITE_PRIVATE_IP=//p' "$world_dir/$1.log" | uniq | xargs
}

# renewed APP OLD_THUMBPRINT: another one is in the profile and at the gateway, and the app is the same
renewed() {
	isnt "$(thumbprint_of "$1")" "$2" "$1: thumbprint"
	like "$(row_of cert list "$(thumbprint_of "$1")")" "[0-9A-F]{40} +$1 +vnet1 +valid " "$1: at the gateway"
	log_has gateway 0 "authenticated by EAP-TLS, certificate $(thumbprint_of "$1")" || flunk "$1: it is not in use"
	is "$(grep -c '^app ' "$world_dir/$1.log")" 1 "$1: starts of the app"
	like "$(page_in "$app")" '^hello' "$1: the page afterwards"
}

B45_renewal_gives_a_new_thumbprint_and_the_app_is_not_restarted() {
	local before gap
	enrol calm
	before=$(thumbprint_of calm)
	start_watched calm
	sleep 0.5
	kill -s USR2 "$app_pid"
	wait_for 20 log_has calm 0 'the new certificate is in use' || flunk "no change-over"
	sleep 0.5
	gap=$(longest_gap calm)
	diag "a second session first: the longest gap between answers to pings each 10 ms is $gap ms"
	at_most "$gap" 1000 "milliseconds without an answer"
	like "$(addresses_of calm)" "$pool_regex" "the one address, before and after"
	renewed calm "$before"
	stop "$app_pid"
}

B45_renewal_by_disconnect_and_reconnect_measured() {
	local before gap
	enrol abrupt
	before=$(thumbprint_of abrupt)
	start_watched abrupt --renew-by-reconnect
	sleep 0.5
	kill -s USR2 "$app_pid"
	wait_for 20 has_come_up_twice abrupt || flunk "no second session"
	sleep 0.5
	gap=$(longest_gap abrupt)
	diag "disconnected and reconnected: the longest gap between answers to pings each 10 ms is $gap ms"
	at_most "$gap" 15000 "milliseconds without an answer"
	like "$(addresses_of abrupt)" "$pool_regex" "the one address, before and after"
	log_has abrupt 0 'the tunnel is down' || flunk "the tunnel was never down"
	renewed abrupt "$before"
	stop "$app_pid"
}

# verdict_on NAME PURPOSE [OPTION]...: what openssl verify says of NAME.pem below roots.pem
verdict_on() {
	openssl verify -x509_strict -purpose "$2" "${@:3}" -CAfile "$world_dir/roots.pem" "$world_dir/$1.pem" 2>&1 |
		sed "s|^$world_dir/$1.pem: ||"
}

openssl_accepts_the_chains_and_finds_the_usages_and_names_as_stated() {
	local text
	certificate_of years >"$world_dir/years.pem"
	block_of years roots >"$world_dir/roots.pem"
	hello -showcerts | sed -n '/BEGIN CERT/,/END CERT/p' >"$world_dir/shown.pem"
	is "$(verdict_on years sslclient)" OK "the client's chain"
	like "$(verdict_on years sslserver)" 'unsuitable certificate purpose|unsupported certificate purpose' \
		"the client's certificate as a server's"
	is "$(verdict_on shown sslserver -verify_ip 192.0.2.1)" OK "the server's chain, by address"
	is "$(verdict_on shown sslserver -verify_hostname gw.test)" OK "the server's chain, by name"
	like "$(verdict_on shown sslserver -verify_hostname other.test)" 'hostname mismatch' "another name"
	text=$(openssl x509 -in "$world_dir/years.pem" -noout -ext extendedKeyUsage,subjectAltName)
	like "$text" $'Extended Key Usage: ?\n +TLS Web Client Authentication(\n|$)' "the client's usages"
	like "$text" 'UPN' "the client's name"
	text=$(openssl x509 -in "$world_dir/shown.pem" -noout -ext extendedKeyUsage,subjectAltName)
	like "$text" $'Extended Key Usage: ?\n +TLS Web Server Authentication(\n|$)' "the server's usages"
	like "$text" 'IP Address:192\.0\.2\.1' "the server's address"
	like "$text" 'DNS:gw\.test' "the server's name"
}

# start_stream APP [OPTION]...: it reads a connection of the web server that says a number each 50 ms; curl writes each at once
start_stream() {
	start_app "$1" "${@:2}" -- curl -sSN http://10.20.0.2/ticks
	wait_for 15 log_has "$1" 0 '^tick 3$'
}

ticks_of() {
	sed -n 's/^tick //p' "$world_dir/$1.log"
}

has_more_ticks_than() {
	[ "$(ticks_of "$1" | tail -n 1)" -gt "$2" ]
}

# stream_is_whole APP PID: it still runs, no number is missing or twice, and its worker ends in order
stream_is_whole() {
	local last
	last=$(ticks_of "$1" | tail -n 1)
	wait_for 5 has_more_ticks_than "$1" $((last + 5)) || flunk "$1: the stream stands at $last"
	is "$(ticks_of "$1" | awk '$1 != NR' | head -n 1)" "" "$1: first number out of order"
	diag "$1: $(ticks_of "$1" | tail -n 1) numbers in order"
	stop "$2"
}

revoked_app_is_out_within_two_seconds_and_its_neighbour_loses_no_byte() {
	local neighbour_pid victim_pid mark began took
	enrol victim
	enrol neighbour
	start_stream neighbour || flunk "no stream"
	neighbour_pid=$app_pid
	start_app victim --netns "$app" -- sh -c 'echo begun; exec sleep 100'
	victim_pid=$app_pid
	wait_for 10 log_has victim 0 '^begun$' || flunk "no tunnel"
	mark=$(log_mark gateway)
	began=$(date +%s%N)
	tell cert revoke "$(thumbprint_of victim)"
	wait_for 5 log_has victim 0 'the tunnel is down' || flunk "the session lives on"
	took=$((($(date +%s%N) - began) / 1000000))
	diag "the revoked app was out after $took ms"
	at_most $took 2000 "milliseconds until the session was down"
	like "$(log_since gateway "$mark")" "disconnecting: the client's certificate, or an issuer's, was revoked" "the gateway's log"
	wait_for 20 log_has gateway "$mark" 'authentication failed: revoked' || flunk "the gateway does not say why"
	wait_for 5 log_has victim 0 'revoked' || flunk "the worker does not say why"
	page_in "$app" && flunk "the revoked app gets the page"
	stop "$victim_pid"
	stream_is_whole neighbour "$neighbour_pid"
}

# is_out APP SINCE MARK REASON: it is within two seconds of a time in ns, and the gateway's log says why
is_out() {
	local took
	wait_for 5 log_has "$1" 0 'the tunnel is down' || flunk "$1: the session lives on"
	took=$((($(date +%s%N) - $2) / 1000000))
	diag "$1 was out after $took ms"
	at_most $took 2000 "milliseconds until the session of $1 was down"
	like "$(log_since gateway "$3")" "disconnecting: $4" "the gateway's log"
	page_in "$app" && flunk "$1: the page comes still"
	return 0
}

app_below_an_external_root_is_out_when_that_root_is_dropped() {
	local mark began
	make_ca annex
	tell root import --name annex --vnet vnet1 "$world_dir/annex.pem"
	foreign lodger '1 day ago' '1 day' clientAuth /CN=lodger "$world_dir/annex.pem" "$world_dir/annex.key"
	start_app lodger --netns "$app" -- sh -c 'echo begun; exec sleep 100'
	wait_for 10 log_has lodger 0 '^begun$' || flunk "no tunnel"
	mark=$(log_mark gateway)
	began=$(date +%s%N)
	tell root drop "$(openssl x509 -in "$world_dir/annex.pem" -noout -fingerprint -sha1 | tr -d : | cut -d = -f 2)"
	is_out lodger "$began" "$mark" "the root of the client's certificate was dropped"
	wait_for 20 log_has gateway "$mark" 'authentication failed: wrong root' || flunk "the worker is not refused"
	stop "$app_pid"
}

app_is_out_when_its_certificate_expires() {
	local mark end
	end=$(($(date +%s) + 8))
	make_ca annex2
	tell root import --name annex2 --vnet vnet1 "$world_dir/annex2.pem"
	foreign mayfly '1 day ago' "@$end" clientAuth /CN=mayfly "$world_dir/annex2.pem" "$world_dir/annex2.key"
	mark=$(log_mark gateway)
	start_app mayfly --netns "$app" -- sh -c 'echo begun; exec sleep 100'
	wait_for 10 log_has mayfly 0 '^begun$' || flunk "no tunnel"
	wait_for 15 log_has gateway "$mark" 'disconnecting:'
	is_out mayfly $(((end + 1) * 1000000000)) "$mark" "the client's certificate, or an issuer's, has expired"
	stop "$app_pid"
}

# up_addresses MARK: of the sessions that came up
up_addresses() {
	log_since gateway "$1" | sed -n 's/.* up, address=\([0-9.]*\) .*/\1/p' | xargs
}

# move_host FROM TO: another address, as on another network; what the gateway sends to the former one finds nobody
move_host() {
	ip -n "$host" address del "$1/24" dev u0 && ip -n "$host" address add "$2/24" dev u0
}

# The gateway learns nothing of it.
B36_app_keeps_its_address_when_its_connection_dies_without_a_word() {
	local mark address
	mark=$(log_mark gateway)
	start_app shop --netns "$app" -- sh -c 'echo "at $WEBSITE_PRIVATE_IP"; exec sleep 100'
	wait_for 10 log_has shop 0 '^at ' || flunk "no tunnel"
	address=$(sed -n 's/^at //p' "$world_dir/shop.log")
	ip -n "$host" link set u0 down
	in_ns "$host" ss -K dst 192.0.2.1 >"$world_dir/ss.log" 2>&1
	wait_for 10 log_has shop 0 'the tunnel is down' || flunk "the connection lives on" "$(cat "$world_dir/ss.log")"
	move_host 192.0.2.2 192.0.2.3
	ip -n "$host" link set u0 up
	wait_for 20 log_has gateway "$mark" 'takes over address=' || flunk "nobody takes the address over"
	is "$(up_addresses "$mark")" "$address $address" "addresses of the two sessions"
	like "$(log_since gateway "$mark")" 'disconnecting: its client has dialled again: session=[0-9]+ has the address now' \
		"the gateway's log of the old session"
	like "$(page_in "$app")" '^hello' "the page"
	stop "$app_pid"
	move_host 192.0.2.3 192.0.2.2
}

# What an operator sees of an app is its newest certificate; the one before it is as good.
revoking_what_status_shows_puts_the_app_out() {
	local before
	enrol twice
	cp "$world_dir/twice.yaml" "$world_dir/before.yaml"
	before=$(thumbprint_of twice)
	worker renew --profile "$world_dir/twice.yaml"
	is "$status" 0 "exit status of the renewal; $err"
	isnt "$(thumbprint_of twice)" "$before" "the new thumbprint"
	like "$(state_of twice)" "$(thumbprint_of twice)" "what status shows"
	enrol stays
	tell cert revoke "$(thumbprint_of twice)"
	like "$(cat "$world_dir/tell.log")" 'live certificates among it: 2' "what is said"
	like "$(row_of cert list "$before")" ' revoked ' "the one before"
	refused twice revoked
	refused before revoked
	worker renew --profile "$world_dir/before.yaml"
	isnt "$status" 0 "a renewal by the one before"
	like "$(state_of stays)" ' valid ' "its neighbour"
}

revoking_tells_of_what_remains_and_revokes_it_by_app() {
	enrol pair
	cp "$world_dir/pair.yaml" "$world_dir/first.yaml"
	rm "$world_dir/pair.yaml"
	enrol pair
	tell cert revoke "$(thumbprint_of first)"
	like "$(cat "$world_dir/tell.log")" '1 other live certificate of app pair remains' "what is said"
	tell cert revoke --app pair
	like "$(row_of cert list "$(thumbprint_of pair)")" ' revoked ' "the other one"
	refused pair revoked
}

# ---- rotation

# unpack APP: for many
unpack() {
	{
		certificate_of "$1"
		block_of "$1" key
	} >"$world_dir/$1.pair"
	block_of "$1" roots >"$world_dir/$1.roots"
}

# connect APP TIMES: so many sessions at once by its certificate, each sends a ping; how many came up, and had an answer
connect() {
	in_ns "$host" "$many_bin" 192.0.2.1:443 "$1" "$world_dir/$1.pair" "$world_dir/$1.roots" 192.0.2.1 "$2" 10.20.0.2 |
		sed -n 's/.* up \([0-9]*\) replied \([0-9]*\) .*/\1 \2/p'
}

shown_issuer() {
	hello | openssl x509 -noout -issuer
}

# change ROUND: what happens beside the connects of a round
change() {
	case $1 in
	3) ctl root rotate ;;
	6) kill -s USR2 "$stream_pid" ;;
	8) in_ns "$host" "$worker_bin" renew --profile "$world_dir/loader.yaml" ;;
	11) ctl root drop "$old_root" ;;
	15)
		sed -i 's/^names: .*/names: [192.0.2.1, gw.test, also.test]/' "$world_dir/gateway.yaml"
		kill -s HUP "$gateway_pid"
		;;
	esac >>"$world_dir/change.log" 2>&1
}

root_rotation_and_reload_of_the_server_certificate_cost_neither_a_stream_nor_a_connect() {
	local round up=0 replied=0 u r before changer
	enrol stream
	enrol loader
	before=$(shown_issuer)
	old_root=$(ctl root list | awk '$3 == "own" { print $1 }')
	start_stream stream --netns "$app" || flunk "no stream"
	stream_pid=$app_pid
	for round in {1..20}; do
		unpack loader
		change "$round" &
		changer=$!
		read -r u r <<<"$(connect loader 10)"
		up=$((up + ${u:-0})) replied=$((replied + ${r:-0}))
		wait $changer || flunk "the change in round $round fails" "$(cat "$world_dir/change.log")"
		[ "$round" != 6 ] || wait_for 10 log_has stream 0 'the new certificate is in use' || flunk "the stream's certificate is not renewed"
	done
	is $up 200 "sessions that came up"
	is $replied 200 "sessions with an answer to their ping"
	is "$(ctl root list | grep -c "$old_root")" 0 "the old root in the list"
	isnt "$(shown_issuer)" "$before" "the root of the gateway's certificate"
	like "$(hello | openssl x509 -noout -ext subjectAltName)" 'DNS:also\.test' "the reloaded certificate has the new name"
	stream_is_whole stream "$stream_pid"
}

tap_main \
	B13_first_connect_needs_a_token_and_nothing_else \
	B14_connect_while_the_gateway_is_down_fails_and_succeeds_later_without_a_change \
	B15_only_the_namespace_of_the_app_reaches_the_virtual_network \
	B16_each_certificate_that_is_not_right_is_refused_for_its_own_reason \
	B17_worker_comes_by_port_443_and_tls_below_1_2_is_refused \
	B41_one_reply_carries_certificate_and_network_and_both_reach_the_app \
	B42_network_that_has_changed_shows_as_out_of_sync_until_the_worker_syncs \
	B43_client_certificate_lives_eight_years \
	B44_status_is_shown_as_valid_near_expiry_expired_and_revoked \
	B45_renewal_gives_a_new_thumbprint_and_the_app_is_not_restarted \
	B45_renewal_by_disconnect_and_reconnect_measured \
	openssl_accepts_the_chains_and_finds_the_usages_and_names_as_stated \
	revoked_app_is_out_within_two_seconds_and_its_neighbour_loses_no_byte \
	B36_app_keeps_its_address_when_its_connection_dies_without_a_word \
	app_below_an_external_root_is_out_when_that_root_is_dropped \
	app_is_out_when_its_certificate_expires \
	revoking_what_status_shows_puts_the_app_out \
	revoking_tells_of_what_remains_and_revokes_it_by_app \
	root_rotation_and_reload_of_the_server_certificate_cost_neither_a_stream_nor_a_connect \
	-- "$@"
