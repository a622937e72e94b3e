#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# IPv6 in the tunnel: a worker's application, a client without our code, and who has none of it.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

config_pap=true
config_ipv6=true
pool6_regex='^fd00:77:0:[0-9a-f]+::1$|^fd00:77::1$'

setup() {
	world_up && make_ca ca && make_certificate server ca && start_web_server && world_ipv6 &&
		start echo6 "$vnet" python3 "$here/ipv6.py" echo fd00:20::2 7 && wait_for 10 is_serving6 7 &&
		write_config && write_password alice wonderland && start_gateway
}

run6() {
	worker_run --route fd00:20::/64 -- "$@"
}

application_has_an_address_of_the_pool_and_the_server_sees_it() {
	local out
	out=$(run6 sh -c 'ip -6 -o addr show scope global | sed -n "s/.*inet6 \([^/]*\).*/\1/p"
		curl -sS -g -m 10 "http://[fd00:20::2]/"; curl -sS -m 10 http://10.20.0.2/')
	like "$(head -n 1 <<<"$out")" "$pool6_regex" "the address on the device"
	is "$(sed -n 2p <<<"$out")" "hello from the virtual network, $(head -n 1 <<<"$out")" "the page names it"
	like "$(sed -n 3p <<<"$out")" '^hello from the virtual network, 172' "IPv4 beside it"
}

twenty_megabytes_go_both_ways_unchanged() {
	is "$(run6 sh -c 'curl -sS -g -m 40 "http://[fd00:20::2]/big.bin" | sha256sum')" "$big_sum  -" "what came down"
	is "$(run6 curl -sS -g -m 40 -T "$world_dir/www/big.bin" "http://[fd00:20::2]/up")" "$big_sum" "what arrived"
}

datagrams_come_back_unchanged() {
	like "$(run6 python3 "$here/ipv6.py" datagrams fd00:20::2 7 500 1200)" '^500 of 500 for fd00:77:' "small ones"
	like "$(run6 python3 "$here/ipv6.py" datagrams fd00:20::2 7 100 5000)" '^100 of 100 for fd00:77:' "in fragments"
}

client_without_our_code_learns_its_network_and_sends_from_no_other() {
	local out mark
	mark=$(log_mark gateway)
	start capture "$vnet" tcpdump -i v1 -U -n -w "$world_dir/v1.pcap" ip6
	wait_for 5 log_has capture 0 listening
	out=$(in_ns "$host" python3 "$here/ipv6.py" standard 192.0.2.1 "$world_dir/ca.pem" 2>&1)
	like "$out" '^address fd00:77:' "what the client says"
	succeeds "the last ping is captured" wait_for 5 grep -aq 'and it still works' "$world_dir/v1.pcap"
	stop "$started_pid" TERM
	is "$(grep -ac FOREIGN "$world_dir/v1.pcap")" 0 "packets from foreign sources in the network"
	succeeds "the gateway counts them" wait_for 5 log_has gateway "$mark" 'source 4.*no_route 6'
}

without_ipv6_the_application_has_ipv4() {
	config_ipv6='' write_config && stop "$gateway_pid" TERM && start_gateway
	like "$(worker_run -- sh -c 'ip -6 -o addr show scope global; curl -sS -m 10 http://10.20.0.2/')" \
		'^hello from the virtual network, 172' "the page"
	is "$(in_ns "$host" python3 "$here/ipv6.py" refused 192.0.2.1 "$world_dir/ca.pem" 2>&1)" "rejected 8057" \
		"what a client is told that asks for IPv6"
}

nothing_of_ipv6_is_left_after_the_end() {
	stop "$gateway_pid" TERM
	is "$(ip -n "$gw" -6 route show table all | grep fd00:77)" "" "routes to the pool"
	is "$(ip -n "$app" -6 route show table all | grep -v ' dev lo ')" "" "routes of the application"
}

tap_main \
	application_has_an_address_of_the_pool_and_the_server_sees_it \
	twenty_megabytes_go_both_ways_unchanged \
	datagrams_come_back_unchanged \
	client_without_our_code_learns_its_network_and_sends_from_no_other \
	without_ipv6_the_application_has_ipv4 \
	nothing_of_ipv6_is_left_after_the_end \
	-- "$@"
