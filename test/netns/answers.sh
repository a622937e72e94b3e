#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Answers, not silence: who sends what the gateway does not forward hears so at once, in both families.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

config_vnets() {
	cat <<-EOF
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24, "fd00:20::/64"]
		    pools: [172.16.77.0/24, "fd00:77::/48"]
		    dns_servers: [10.20.0.2]
		    tun: sstp0
	EOF
}

setup() {
	world_up && with_ipv6 && make_ca ca && make_certificate server ca && start_web_server &&
		write_config && write_password alice wonderland && start_gateway
}

with_ipv6() {
	local n
	for n in "$gw" "$vnet"; do
		in_ns "$n" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	done
	in_ns "$gw" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' &&
		ip -n "$gw" addr add fd00:20::1/64 dev v0 nodad &&
		ip -n "$vnet" addr add fd00:20::2/64 dev v1 nodad &&
		ip -n "$vnet" route add default via fd00:20::1
}

# knock ADDRESS...: from an application whose worker leads all of it into the tunnel
knock() {
	worker_run --route 10.0.0.0/8 --route 172.16.0.0/12 --route fd00::/16 -- python3 "$here/answers.py" "$@"
}

# ---- the cases

application_hears_at_once_what_does_not_go_on() {
	local mark
	mark=$(log_mark gateway)
	is "$(knock 10.20.0.2 10.30.0.2 fd00:30::2 10.20.0.1 fd00:20::1 172.16.77.77)" "$(printf '%s\n' \
		'10.20.0.2 open' \
		'10.30.0.2 ENETUNREACH' \
		'fd00:30::2 ENETUNREACH' \
		'10.20.0.1 EHOSTUNREACH' \
		'fd00:20::1 EACCES' \
		'172.16.77.77 EHOSTUNREACH')" "what it hears"
	succeeds "the gateway counts them" wait_for 5 log_has gateway "$mark" 'told why [5-9]'
}

network_hears_that_nobody_holds_an_address() {
	is "$(in_ns "$vnet" python3 "$here/answers.py" 172.16.77.200 fd00:77:0:c8::1)" "$(printf '%s\n' \
		'172.16.77.200 EHOSTUNREACH' \
		'fd00:77:0:c8::1 EHOSTUNREACH')" "what a server hears"
}

tap_main \
	application_hears_at_once_what_does_not_go_on \
	network_hears_that_nobody_holds_an_address \
	-- "$@"
