#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One gateway with several names: what a client dials decides which certificate it is shown and whose users are served,
# and certificates change on disk while sessions and connects go on.
#
#	gw.test, 192.0.2.1   server (RSA) and server-ec (ECDSA): every user
#	*.one.test           one (ECDSA): users of vnet1, who is alice
#	gw.two.test          two (RSA): users of vnet2, who is bob
#
# An app with a certificate, depot of vnet2, comes in by the same names: TLS in EAP shows it what TLS outside shows.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_AUTH=120
many_bin=$build_dir/test/netns/many
sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
live=live

setup() {
	world_up && end_with names_end && make_ca ca && make_pairs && start_web_server &&
		write_passwords && write_names_config && start_gateway &&
		mkdir -p "/etc/netns/$host" &&
		echo "192.0.2.1 gw.test gw.one.test gw.two.test" >"/etc/netns/$host/hosts"
}

names_end() {
	rm -rf "/etc/netns/$host"
	world_end
}

# make_pair NAME KIND SUBJECT_ALTERNATIVE_NAMES: $world_dir/NAME.pem and NAME.key
make_pair() {
	local kind=(rsa:2048)
	[ "$2" = rsa ] || kind=(ec -pkeyopt ec_paramgen_curve:P-256)
	openssl_req "$1" -subj "/CN=$1" -newkey "${kind[@]}" -CA "$world_dir/ca.pem" -CAkey "$world_dir/ca.key" \
		-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
		-addext "subjectAltName=$3"
}

make_pairs() {
	make_pair server rsa DNS:gw.test,IP:192.0.2.1 && make_pair server-ec ec DNS:gw.test,IP:192.0.2.1 &&
		make_pair one ec 'DNS:*.one.test' && make_pair two rsa DNS:gw.two.test &&
		make_pair first rsa DNS:gw.test,IP:192.0.2.1 && make_pair second rsa DNS:gw.test,IP:192.0.2.1 &&
		make_live
}

# live/pair.pem and live/pair.key -> now/..., now -> one of the folders, as in a volume of Kubernetes
make_live() {
	local pair
	mkdir "$world_dir/$live" || return 1
	for pair in server first second; do
		mkdir "$world_dir/$live/$pair" && cp "$world_dir/$pair.pem" "$world_dir/$live/$pair/pair.pem" &&
			cp "$world_dir/$pair.key" "$world_dir/$live/$pair/pair.key" || return 1
	done
	ln -s server "$world_dir/$live/now"
	ln -s now/pair.pem "$world_dir/$live/pair.pem"
	ln -s now/pair.key "$world_dir/$live/pair.key"
}

# switch_live PAIR: certificate and key at once
switch_live() {
	ln -sfn "$1" "$world_dir/$live/next" && mv -T "$world_dir/$live/next" "$world_dir/$live/now"
}

# replace FILE BY: as ACME clients do
replace() {
	cp "$world_dir/$2" "$world_dir/$1.new" && mv "$world_dir/$1.new" "$world_dir/$1"
}

write_passwords() {
	local user
	for user in alice bob carol; do
		write_password $user "$user-password"
	done
}

write_names_config() {
	cat >"$world_dir/gateway.yaml" <<-EOF
		listen: ["192.0.2.1:443"]
		certificate: $world_dir/$live/pair.pem
		key: $world_dir/$live/pair.key
		certificates:
		  - {certificate: $world_dir/server-ec.pem, key: $world_dir/server-ec.key}
		  - {certificate: $world_dir/two.pem, key: $world_dir/two.key, vnet: vnet2}
		  - {certificate: $world_dir/one.pem, key: $world_dir/one.key, vnet: vnet1}
		names: [gw.test]
		state: $world_dir/state
		control_socket: $world_dir/control.sock
		log: {level: info, target: stderr}
		limits: {half_open_per_address: 0, accept_rate_per_address: 0, auth_failures_per_address: 0}
		vnets:
		  - {name: vnet1, address_spaces: [10.20.0.0/24], pools: [172.16.77.0/24], tun: sstp0}
		  - {name: vnet2, address_spaces: [10.20.0.0/24], pools: [172.16.78.0/24], tun: sstp1}
		users:
		  - {name: alice, password: alice-password, vnet: vnet1}
		  - {name: bob, password: bob-password, vnet: vnet2}
	EOF
}

# shown_serial [OPTION]...: of the certificate that openssl is shown
shown_serial() {
	in_ns "$host" openssl s_client -connect 192.0.2.1:443 "$@" </dev/null 2>/dev/null |
		openssl x509 -noout -serial 2>/dev/null
}

serial_of() {
	openssl x509 -noout -serial -in "$world_dir/$1.pem"
}

# shows PAIR [OPTION]...
shows() {
	local pair=$1
	shift
	[ "$(shown_serial "$@")" = "$(serial_of "$pair")" ]
}

rsa=(-sigalgs RSA-PSS+SHA256)
ecdsa=(-sigalgs ECDSA+SHA256)

name_picks_the_certificate() {
	is "$(shown_serial -servername gw.two.test)" "$(serial_of two)" "serial for gw.two.test"
	is "$(shown_serial -servername gw.one.test)" "$(serial_of one)" "serial for gw.one.test"
	is "$(shown_serial -servername OTHER.One.Test)" "$(serial_of one)" "serial for OTHER.One.Test"
	is "$(shown_serial -servername unknown.test "${rsa[@]}")" "$(serial_of server)" "serial for an unknown name"
	is "$(shown_serial -noservername "${rsa[@]}")" "$(serial_of server)" "serial without a name"
}

signature_algorithms_choose_the_kind_of_key() {
	local version
	for version in -tls1_2 -tls1_3; do
		is "$(shown_serial $version -servername gw.test "${rsa[@]}")" "$(serial_of server)" "RSA, $version"
		is "$(shown_serial $version -servername gw.test "${ecdsa[@]}")" "$(serial_of server-ec)" "ECDSA, $version"
		is "$(shown_serial $version -noservername "${ecdsa[@]}")" "$(serial_of server-ec)" "no name, $version"
	done
}

# dial NAME USER: the address that the worker's application is given, and the worker's exit status in `status`
dial() {
	address=$(timeout -k 5 40 ip netns exec "$host" "$worker_bin" --gateway "$1" --user "$2" \
		--password-file "$world_dir/$2.password" --ca "$world_dir/ca.pem" --own-netns \
		-- sh -c 'echo "$WEBSITE_PRIVATE_IP"' 2>"$world_dir/dial.log")
	status=$?
	cat "$world_dir/dial.log" >>"$world_dir/worker.log"
}

workers_come_in_by_the_names_of_their_vnet_and_by_those_of_all() {
	dial gw.one.test alice
	like "$address" '^172\.16\.77\.' "alice's address by gw.one.test"
	dial gw.two.test bob
	like "$address" '^172\.16\.78\.' "bob's address by gw.two.test"
	dial gw.test bob
	like "$address" '^172\.16\.78\.' "bob's address by gw.test"
	dial 192.0.2.1 alice
	like "$address" '^172\.16\.77\.' "alice's address by 192.0.2.1"
}

# dial_by_profile NAME: as dial, by depot's certificate
dial_by_profile() {
	address=$(timeout -k 5 40 ip netns exec "$host" "$worker_bin" --gateway "$1" --profile "$world_dir/depot.yaml" \
		--own-netns -- sh -c 'echo "$WEBSITE_PRIVATE_IP"' 2>"$world_dir/dial.log")
	status=$?
	cat "$world_dir/dial.log" >>"$world_dir/worker.log"
}

enrol_depot() {
	local token
	token=$("$sstpctl_bin" token create --app depot --vnet vnet2 --gateway gw.test --socket "$world_dir/control.sock") &&
		in_ns "$host" "$worker_bin" enrol "$token" --profile "$world_dir/depot.yaml"
}

app_with_a_certificate_comes_in_by_the_names_of_its_vnet_and_by_those_of_all() {
	local name mark
	succeeds "depot is enrolled" enrol_depot
	for name in gw.two.test gw.test; do
		mark=$(log_mark gateway)
		dial_by_profile $name
		like "$address" '^172\.16\.78\.' "depot's address by $name; $(tail -n 3 "$world_dir/dial.log")"
		like "$(log_since gateway "$mark")" 'depot@vnet2.*authenticated by EAP-TLS' "the gateway's log"
	done
	dial_by_profile gw.one.test
	is $status $EXIT_AUTH "exit status by a name of another VNet"
}

# What the worker heard, but for times, numbers, its own name, the next challenge, and whose second after the goodbye is
# over first
heard() {
	sed -E 's/^[^ ]* //; s/ C=[0-9A-F]*//; s/[0-9]+//g; s/alice|carol//g; s/on (timeout|connection lost)$//' "$world_dir/dial.log"
}

user_of_another_vnet_is_refused_like_one_that_nobody_knows() {
	local mark other
	mark=$(log_mark gateway)
	dial gw.two.test alice
	is $status $EXIT_AUTH "exit status of alice's worker"
	other=$(heard)
	dial gw.two.test carol
	is $status $EXIT_AUTH "exit status of carol's worker"
	is "$(heard)" "$other" "what carol's worker heard, and alice's"
	like "$(log_since gateway "$mark")" \
		'user="alice" authentication failed: user of VNet vnet1, but the name that was dialled is for VNet vnet2' \
		"the gateway's log"
	like "$(log_since gateway "$mark")" 'user="carol" authentication failed: no such user' "the gateway's log"
}

useless_pair_is_refused_by_name() {
	sed "s|- {certificate: $world_dir/one.pem|- {certificate: $world_dir/first.pem, key: $world_dir/first.key}\n  &|" \
		"$world_dir/gateway.yaml" >"$world_dir/useless.yaml"
	like "$("$gateway_bin" --check --config "$world_dir/useless.yaml" 2>&1)" \
		"first\.pem: would never be shown: .*pair\.pem answers to its names" "what --check says"
}

certificate_renamed_over_is_shown_within_seconds() {
	local began
	make_pair renewed rsa DNS:gw.two.test
	replace two.key renewed.key
	replace two.pem renewed.pem
	began=$(date +%s%N)
	succeeds "the new one is shown" wait_for 5 shows renewed -servername gw.two.test
	diag "after $((($(date +%s%N) - began) / 1000000)) ms"
	at_most $((($(date +%s%N) - began) / 1000000)) 2500 "milliseconds until it was shown"
	dial gw.two.test bob
	like "$address" '^172\.16\.78\.' "bob's address by the new certificate"
}

link_to_another_folder_is_followed() {
	switch_live first
	succeeds "the new one is shown" wait_for 5 shows first -noservername "${rsa[@]}"
	switch_live server
	succeeds "the old one is shown" wait_for 5 shows server -noservername "${rsa[@]}"
}

half_written_and_mismatched_pairs_change_nothing_until_they_are_whole() {
	local mark
	make_pair another rsa DNS:gw.two.test
	mark=$(log_mark gateway)
	head -c 600 "$world_dir/another.pem" >"$world_dir/two.pem"
	succeeds "a warning names the file" wait_for 5 log_has gateway "$mark" \
		'warning: certificate files have changed and cannot be used, those in effect stay: [^ ]*/two\.pem'
	is "$(shown_serial -servername gw.two.test)" "$(serial_of renewed)" "serial while the file is half there"
	mark=$(log_mark gateway)
	cat "$world_dir/another.pem" >"$world_dir/two.pem"
	succeeds "a warning names the key" wait_for 5 log_has gateway "$mark" \
		'warning: .*/two\.key: is not the private key of the first certificate in [^ ]*/two\.pem'
	is "$(shown_serial -servername gw.two.test)" "$(serial_of renewed)" "serial while the key is missing"
	is "$(shown_serial -servername gw.one.test)" "$(serial_of one)" "serial of a name that has nothing to do with it"
	cat "$world_dir/another.key" >"$world_dir/two.key"
	succeeds "the whole pair is shown" wait_for 5 shows another -servername gw.two.test
}

# alice's application fetches 20 MB over a connection that lasts longer than what goes on beside it: the last part is not
# read before the file `over` is there
start_stream() {
	start stream "$host" "$worker_bin" --gateway gw.one.test --user alice \
		--password-file "$world_dir/alice.password" --ca "$world_dir/ca.pem" --netns "$app" --route 10.20.0.0/24 \
		-- sh -c "echo begun; curl -sS --limit-rate 800k http://10.20.0.2/big.bin |
			{ head -c 18000000; until [ -e '$world_dir/over' ]; do sleep 0.1; done; cat; } | sha256sum; echo ended"
	stream_pid=$started_pid
	wait_for 15 log_has stream 0 '^begun$'
}

# Replaces certificates until it is ended: by a link, by renames of which the key comes first, and now and then by a reload
replace_for_ever() {
	local pairs=(first another second renewed) i=0
	while [ -d "$world_dir/$live" ]; do
		switch_live "${pairs[i % 2 * 2]}"
		replace two.key "${pairs[i % 2 * 2 + 1]}.key"
		sleep 0.05
		replace two.pem "${pairs[i % 2 * 2 + 1]}.pem"
		i=$((i + 1))
		[ $((i % 4)) != 0 ] || kill -HUP "$gateway_pid"
		sleep 0.6
	done
}

# connect TIMES USER NAME: so many sessions at once, each of which sends a ping and disconnects
connect() {
	in_ns "$host" "$many_bin" 192.0.2.1:443 "$2" "$2-password" "$world_dir/ca.pem" "$3" "$1" 10.20.0.2 |
		sed -n 's/.* up \([0-9]*\) replied \([0-9]*\) .*/\1 \2/p'
}

count_since() {
	log_since gateway "$1" | grep -c "$2"
}

two_hundred_connects_during_replacements_all_succeed_and_a_stream_goes_on() {
	local mark round up=0 replied=0 u r replacer changes
	succeeds "the stream begins" start_stream
	mark=$(log_mark gateway)
	replace_for_ever &
	replacer=$!
	for round in {1..20}; do
		read -r u r <<<"$(connect 5 alice 192.0.2.1)"
		up=$((up + u)) replied=$((replied + r))
		read -r u r <<<"$(connect 5 bob gw.two.test)"
		up=$((up + u)) replied=$((replied + r))
		sleep 0.3
	done
	touch "$world_dir/over"
	kill $replacer
	wait $replacer 2>/dev/null
	changes=$(count_since "$mark" 'certificate files have changed: new')
	diag "new certificates $changes times by themselves, $(count_since "$mark" ': reloaded') times by a reload"
	is $up 200 "sessions that came up"
	is $replied 200 "sessions with an answer to their ping"
	at_least "$changes" 5 "times that new certificates came into effect by themselves"
	at_least "$(count_since "$mark" ': reloaded')" 1 "reloads"
	succeeds "the stream ends" wait_for 60 log_has stream 0 '^ended$'
	like "$(log_since stream 0)" "$big_sum" "checksum of what the stream brought"
	wait "$stream_pid"
	is $? 0 "exit status of the stream's worker"
}

tap_main \
	name_picks_the_certificate \
	signature_algorithms_choose_the_kind_of_key \
	workers_come_in_by_the_names_of_their_vnet_and_by_those_of_all \
	app_with_a_certificate_comes_in_by_the_names_of_its_vnet_and_by_those_of_all \
	user_of_another_vnet_is_refused_like_one_that_nobody_knows \
	useless_pair_is_refused_by_name \
	certificate_renamed_over_is_shown_within_seconds \
	link_to_another_folder_is_followed \
	half_written_and_mismatched_pairs_change_nothing_until_they_are_whole \
	two_hundred_connects_during_replacements_all_succeed_and_a_stream_goes_on \
	-- "$@"
