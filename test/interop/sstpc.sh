#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A client that is not ours: sstpc with pppd, in a guest that has PPP in its kernel. See client.sh.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/guest.sh"
. "$here/client.sh"

setup() {
	world_with_gateway && make_ca other-ca && start_guest &&
		cp "$here/burst.py" "$here/../support/dhcp_inform.py" "$world_dir/" &&
		start burst "$vnet" python3 "$world_dir/burst.py" serve 10.20.0.2 7 &&
		head -c 16384 "$world_dir/www/big.bin" >"$world_dir/www/small.bin"
}

# ---- the cases

mschapv2_is_up_within_five_seconds() {
	dial alice wonderland ca || return
	expect_up
	first_address=$(ppp_address)
}

network_behind_the_gateway_answers_pings() {
	like "$(guest '/bin/busybox ping -c 3 -W 2 10.20.0.2')" '3 packets received' "three pings"
}

server_sees_the_address_of_the_pool() {
	is "$(guest 'curl -sS -m 10 http://10.20.0.2/')" \
		"hello from the virtual network, $first_address" "the page"
}

# sstpc sees the rest of a TLS record when the next one comes: no record may have one
bursts_come_whole_and_nothing_waits_for_what_comes_next() {
	is "$(guest "python3 $world_dir/burst.py count 10.20.0.2 7 5")" 40 "datagrams of five bursts of eight"
	# shellcheck disable=SC2016
	diag "seconds for 16 KB, 50 times, the least, the median and the most:" \
		"$(guest 'for i in $(/bin/busybox seq 50); do
			curl -sS -m 10 -o /dev/null -w "%{time_total}\n" http://10.20.0.2/small.bin; done' |
			sort -n | sed -n '1p;25p;50p' | xargs)"
}

# Debian's pppd does not ask by DHCP, as Windows does: a program of ours asks in its place
client_that_asks_by_dhcp_is_told_servers_and_routes() {
	local told
	told=$(guest "python3 $world_dir/dhcp_inform.py $first_address ppp0")
	is "$(grep -v '^server ' <<<"$told")" "$(printf '%s\n' 'dns 10.20.0.2' 'route 10.20.0.0/24' 'route249 10.20.0.0/24')" \
		"what it is told"
	is "$(grep '^server ' <<<"$told")" "server $(guest ip -4 -o addr show dev ppp0 | sed -n 's/.* peer \([0-9.]*\).*/\1/p')" \
		"who tells it"
	is "$(guest "python3 $world_dir/dhcp_inform.py $first_address ppp0 --type 3")" "nothing" "the answer to a request for a lease"
}

twenty_megabytes_come_down_unchanged() {
	is "$(guest 'curl -sS -m 90 http://10.20.0.2/big.bin | sha256sum')" "$big_sum  -" \
		"checksum of what came down"
}

twenty_megabytes_go_up_unchanged() {
	is "$(guest "curl -sS -m 90 -T $world_dir/www/big.bin http://10.20.0.2/up")" "$big_sum" \
		"checksum of what arrived"
}

disconnect_is_clean_and_frees_the_address() {
	local mark
	mark=$(log_mark gateway)
	hang_up
	succeeds "the gateway closes the session" wait_for 5 log_has gateway "$mark" closed
	succeeds "the client's device is gone" wait_for 5 has_no_ppp
	dial alice wonderland ca || return
	expect_up
	is "$(ppp_address)" "$first_address" "address of the next session of the same user"
	hang_up
}

wrong_password_is_refused() {
	dial alice looking-glass ca || return
	succeeds "sstpc ends" wait_for 15 sstpc_is_gone
	is "$(ppp_address)" "" "the client's address"
	like "$(log_since gateway "$dial_mark")" 'closed' "the gateway's log"
	hang_up
}

# The client looks at the certificate after the HTTP reply; it must not go on to its request. A start that
# died before it looked says nothing about the certificate, and is repeated.
certificate_of_another_ca_is_refused_by_the_client() {
	local try mark
	mark=$(log_mark gateway)
	for ((try = 1; try <= DIAL_TRIES; try++)); do
		start_sstpc alice wonderland other-ca
		wait_for 10 sstpc_is_gone
		hang_up KILL
		if guest 'grep -q "verification failed" /run/sstpc.log'; then
			break
		fi
	done
	like "$(guest 'cat /run/sstpc.log')" 'certificate verification failed' "what sstpc says"
	is "$(log_since gateway "$mark" | grep -c CALL_CONNECT_REQUEST)" 0 "requests that came"
}

pap_is_refused_where_it_is_not_enabled() {
	dial alice wonderland ca refuse-mschap-v2 refuse-mschap refuse-chap || return
	succeeds "sstpc ends" wait_for 15 sstpc_is_gone
	is "$(ppp_address)" "" "the client's address"
	hang_up
}

pap_works_where_it_is_enabled() {
	config_pap=true write_config
	kill -s HUP "$gateway_pid"
	dial alice wonderland ca refuse-mschap-v2 refuse-mschap refuse-chap || return
	expect_up
	like "$(guest 'curl -sS -m 10 http://10.20.0.2/')" '^hello from' "the page"
}

client_ends_when_the_gateway_dies() {
	stop "$gateway_pid" KILL
	succeeds "sstpc ends" wait_for 20 sstpc_is_gone
	succeeds "its device is gone" wait_for 5 has_no_ppp
	hang_up
}

client_connects_to_the_gateway_that_came_back() {
	succeeds "the gateway starts" start_gateway
	dial alice wonderland ca || return
	expect_up
	like "$(guest 'curl -sS -m 10 http://10.20.0.2/')" '^hello from' "the page"
	hang_up
}

ppp_address6() {
	guest "ip -6 -o addr show dev ppp0 scope global 2>/dev/null" | sed -n 's/.* inet6 \([0-9a-f:]*\).*/\1/p'
}

has_address6() {
	[ -n "$(ppp_address6)" ]
}

# pppd's own identifier, which it does not give up; address and route of its kernel by our advertisement
ipv6_comes_by_advertisement_and_leads_to_the_network() {
	stop "$gateway_pid" TERM
	world_ipv6 && config_ipv6=true write_config && start_gateway
	guest '/bin/busybox insmod /usr/lib/uml/modules/$(/bin/busybox uname -r)/kernel/net/ipv6/ipv6.ko
		echo 64 >/proc/sys/net/ipv6/conf/default/accept_ra_rt_info_max_plen'
	dial alice wonderland ca +ipv6 || return
	expect_up
	succeeds "the client has an IPv6 address" wait_for 10 has_address6
	like "$(ppp_address6)" '^fd00:77:' "it"
	is "$(guest 'curl -sS -g -m 10 "http://[fd00:20::2]/"')" \
		"hello from the virtual network, $(ppp_address6)" "the page"
	is "$(guest 'curl -sS -g -m 90 "http://[fd00:20::2]/big.bin" | sha256sum')" "$big_sum  -" \
		"checksum of what came down"
	like "$(guest '/bin/busybox ping -c 3 -W 2 fd00:20::2')" '3 packets received' "three pings"
	hang_up
}

pppd_that_wants_no_ipv6_has_ipv4() {
	dial alice wonderland ca noipv6 || return
	expect_up
	like "$(guest 'curl -sS -m 10 http://10.20.0.2/')" '^hello from' "the page"
	hang_up
	stop_guest
}

tap_main \
	mschapv2_is_up_within_five_seconds \
	network_behind_the_gateway_answers_pings \
	server_sees_the_address_of_the_pool \
	client_that_asks_by_dhcp_is_told_servers_and_routes \
	bursts_come_whole_and_nothing_waits_for_what_comes_next \
	twenty_megabytes_come_down_unchanged \
	twenty_megabytes_go_up_unchanged \
	disconnect_is_clean_and_frees_the_address \
	wrong_password_is_refused \
	certificate_of_another_ca_is_refused_by_the_client \
	pap_is_refused_where_it_is_not_enabled \
	pap_works_where_it_is_enabled \
	client_ends_when_the_gateway_dies \
	client_connects_to_the_gateway_that_came_back \
	ipv6_comes_by_advertisement_and_leads_to_the_network \
	pppd_that_wants_no_ipv6_has_ipv4 \
	-- "$@"
