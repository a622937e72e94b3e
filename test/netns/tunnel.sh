#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One worker, one application: what it gets, what goes through, and what is gone afterwards.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

setup() {
	world_with_gateway
}

application_sees_an_address_of_the_pool() {
	local out
	out=$(worker_run -- sh -c 'echo "$WEBSITE_PRIVATE_IP"; ip -4 -o addr show scope global')
	like "$(head -n 1 <<<"$out")" "$pool_regex" "WEBSITE_PRIVATE_IP is an address of the pool"
	like "$(tail -n +2 <<<"$out")" "inet $(head -n 1 <<<"$out" | sed 's/\./\\./g')[ /]" \
		"the interface has this address"
}

page_is_fetched_from_the_address_of_the_pool() {
	local out
	out=$(worker_run -- sh -c 'echo "hello from the virtual network, $WEBSITE_PRIVATE_IP"
		curl -sS -m 10 http://10.20.0.2/')
	is "$(tail -n 1 <<<"$out")" "$(head -n 1 <<<"$out")" "the page names the application's address"
}

twenty_megabytes_come_down_unchanged() {
	is "$(worker_run -- sh -c 'curl -sS -m 40 http://10.20.0.2/big.bin | sha256sum')" \
		"$big_sum  -" "checksum of what came down"
}

twenty_megabytes_go_up_unchanged() {
	is "$(worker_run -- curl -sS -m 40 -T "$world_dir/www/big.bin" http://10.20.0.2/up)" \
		"$big_sum" "checksum of what arrived"
}

# packets of two sessions, from one device, into records of their own
two_applications_at_once_get_each_its_own_bytes() {
	local mark
	mark=$(log_mark beside)
	worker_command alice
	start beside "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 -- \
		sh -c 'curl -sS -m 40 http://10.20.0.2/big.bin | sha256sum'
	is "$(worker_run -- sh -c 'curl -sS -m 40 http://10.20.0.2/big.bin | sha256sum')" \
		"$big_sum  -" "checksum of what the one got"
	succeeds "the other has the same" wait_for 40 log_has beside "$mark" "^$big_sum  -"
}

exit_status_of_the_application_is_returned() {
	local status
	for status in 0 7 119; do
		worker_run -- sh -c "exit $status"
		is $? $status "exit status"
	done
}

signal_is_passed_to_the_application() {
	local mark
	mark=$(log_mark signal)
	worker_start signal -- sh -c \
		'trap "echo got TERM; exit 42" TERM; echo ready; while :; do sleep 0.1; done'
	succeeds "the application starts" wait_for 15 log_has signal "$mark" '^ready$'
	stop "$worker_pid" TERM
	is $? 42 "exit status after the application's own handler"
	like "$(log_since signal "$mark")" 'got TERM' "the application had the signal"
}

only_the_namespace_of_the_application_reaches_the_network() {
	local mark
	mark=$(log_mark only)
	worker_start only -- sh -c 'curl -sS -m 10 http://10.20.0.2/; echo done; sleep 60'
	succeeds "the application reaches it" wait_for 15 log_has only "$mark" '^hello from'
	in_ns "$host" curl -s -m 2 -o /dev/null http://10.20.0.2/
	isnt $? 0 "the worker's own namespace must not reach it"
	is "$(ip -n "$host" -o link show type tun)" "" "no TUN device in the worker's own namespace"
	isnt "$(ip -n "$app" -o link show type tun)" "" "the TUN device is in the application's namespace"
	stop "$worker_pid" TERM
}

names_are_asked_of_the_network_s_server() {
	local before
	before=$(sha256sum /etc/resolv.conf)
	is "$(worker_run -- sed -n 's/^nameserver //p' /etc/resolv.conf)" 10.20.0.2 \
		"name server in the application's resolv.conf"
	is "$(sha256sum /etc/resolv.conf)" "$before" "resolv.conf of everybody else"
}

own_namespace_needs_no_name() {
	local out
	worker_command alice
	out=$(timeout 60 ip netns exec "$host" "${worker_command[@]}" --own-netns \
		--route 10.20.0.0/24 -- curl -sS -m 10 http://10.20.0.2/ 2>>"$world_dir/worker.log")
	like "$out" '^hello from the virtual network, 172\.16\.77\.' "page fetched from an own namespace"
}

nothing_is_left_in_any_namespace_after_the_end() {
	local app_before host_before gw_before
	app_before=$(network_of "$app")
	host_before=$(network_of "$host")
	gw_before=$(network_of "$gw")
	worker_run -- curl -sS -m 10 -o /dev/null http://10.20.0.2/
	is $? 0 "the application's exit status"
	is "$(network_of "$app")" "$app_before" "network of the application's namespace"
	is "$(network_of "$host")" "$host_before" "network of the worker's namespace"
	is "$(network_of "$gw")" "$gw_before" "network of the gateway's namespace"
}

# what Windows does by itself, with our own client
eap_mschapv2_lets_in_where_nothing_else_is_allowed() {
	local mark
	mark=$(log_mark gateway)
	sed -i 's/^auth: .*/auth: {mschapv2: false, eap_mschapv2: true, eap_tls: false, pap: false}/' "$world_dir/gateway.yaml"
	kill -s HUP "$gateway_pid"
	wait_for 5 log_has gateway "$mark" 'reloaded'
	like "$(worker_run -- curl -sS -m 10 http://10.20.0.2/)" '^hello from' "the page"
	like "$(log_since gateway "$mark")" 'authenticated by EAP-MSCHAPv2' "what the gateway says"
}

gateway_takes_its_device_with_it() {
	stop "$gateway_pid" TERM
	is $? 0 "exit status of the gateway"
	is "$(ip -n "$gw" -o link show type tun)" "" "no TUN device is left"
	is "$(ip -n "$gw" -4 route show 172.16.77.0/24)" "" "no route to the pool is left"
}

tap_main \
	application_sees_an_address_of_the_pool \
	page_is_fetched_from_the_address_of_the_pool \
	twenty_megabytes_come_down_unchanged \
	twenty_megabytes_go_up_unchanged \
	two_applications_at_once_get_each_its_own_bytes \
	exit_status_of_the_application_is_returned \
	signal_is_passed_to_the_application \
	only_the_namespace_of_the_application_reaches_the_network \
	names_are_asked_of_the_network_s_server \
	own_namespace_needs_no_name \
	nothing_is_left_in_any_namespace_after_the_end \
	eap_mschapv2_lets_in_where_nothing_else_is_allowed \
	gateway_takes_its_device_with_it \
	-- "$@"
