#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Each fault of sstp-faults(7) is planted, and what explain says of it is what the page has. The page is read for both.
#
#	host (worker) ---- gw ---- vnet 10.20.0.2 ---- target 10.22.0.1-6 (and 198.18.70.99, which is not there)
#	                   |                |
#	                   |                +--------- narrow 10.24.0.1, by a link that loses long packets
#	                   +---- router 198.18.80.2 -- back 10.25.0.1
#
# All are asked side by side, when the test begins.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

page=$here/../../tools/sstpctl/sstp-faults.7
pool=172.16.77.0/24

setup() {
	site_up 'attach_namespaces: [nowhere]' && end_with faults_end && build_networks && build_firewalls && build_site &&
		ask_all
	[ $tap_case_failed = no ]
}

faults_end() {
	local name
	for name in target narrow router back; do
		if [ -e "/run/netns/$world_prefix-$name" ]; then
			end_processes_in "$world_prefix-$name"
			ip netns del "$world_prefix-$name"
		fi
	done
	site_end
}

# place NAME: a namespace that forwards
place() {
	ip netns add "$world_prefix-$1" && ip -n "$world_prefix-$1" link set lo up && forwards "$world_prefix-$1"
}

forwards() {
	in_ns "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter'
}

# wire NAMESPACE DEVICE NET NAMESPACE DEVICE: NET.1 and NET.2
wire() {
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4" &&
		ip -n "$1" addr add "$3.1/24" dev "$2" && ip -n "$1" link set "$2" up &&
		ip -n "$4" addr add "$3.2/24" dev "$5" && ip -n "$4" link set "$5" up
}

build_networks() {
	local i
	for i in target narrow router back; do
		place $i || return 1
	done
	target=$world_prefix-target narrow=$world_prefix-narrow router=$world_prefix-router back=$world_prefix-back
	forwards "$vnet" && wire "$vnet" t0 198.18.70 "$target" t1 && wire "$vnet" n0 198.18.71 "$narrow" n1 &&
		wire "$gw" r0 198.18.80 "$router" r1 && wire "$router" b0 198.18.81 "$back" b1 &&
		ip -n "$vnet" route add 10.22.0.0/16 via 198.18.70.2 && ip -n "$vnet" route add 10.24.0.0/16 via 198.18.71.2 &&
		ip -n "$target" route add default via 198.18.70.1 && ip -n "$narrow" route add default via 198.18.71.1 &&
		ip -n "$router" route add 10.25.0.0/16 via 198.18.81.2 && ip -n "$back" route add default via 198.18.81.1 &&
		ip -n "$gw" route add 10.25.0.0/16 via 198.18.80.2 || return 1
	for i in 10.22.0.0/16 10.24.0.0/16 198.18.70.0/24; do
		ip -n "$gw" route add $i via 10.20.0.2 || return 1
	done
	for i in 1 2 3 4 5 6; do
		ip -n "$target" addr add 10.22.0.$i/32 dev lo || return 1
	done
	ip -n "$narrow" addr add 10.24.0.1/32 dev lo && ip -n "$back" addr add 10.25.0.1/32 dev lo &&
		ip -n "$narrow" link set n1 mtu 1250 && # the other end keeps 1500
		serve_in "$target" && serve_in "$narrow" && serve_in "$back"
}

serve_in() {
	start "web-$1" "$1" "$world_root/test/support/webserver.py" 0.0.0.0 80 "$world_dir/www"
	wait_for 10 is_listening "$1" 80
}

# drop SELECTOR...: what target takes for a firewall; its own table is asked behind these
drop() {
	ip -n "$target" rule add pref 1 "$@" blackhole
}

build_firewalls() {
	ip -n "$target" rule add pref 9 lookup local && ip -n "$target" rule del pref 0 &&
		drop to 10.22.0.1 ipproto tcp dport 80 && drop from $pool to 10.22.0.2 ipproto tcp dport 80 &&
		drop from $pool to 10.22.0.3 && drop to 10.22.0.6
}

# Beside vnet1: net1, whose name server is not there; net3, whose gateway does not come up; spoke, peered with a flag missing.
build_site() {
	local i
	start dns "$vnet" python3 "$here/../support/nameserver.py" 10.20.0.2 10.22.0.5 wrong.corp
	network 1 10.21.0.66 && network 3 && plan plan1 && connected_app shop plan1 vnet1 && start_app shop || return 1
	for i in 10.22.0.0/16 10.25.0.0/16 10.24.0.0/16 10.40.0.0/16 198.18.70.0/24; do
		ctl route create plan1 vnet1 "to-${i%%/*}" --prefix $i >/dev/null || return 1
	done
	accepted "gateway of net1" PUT "$nets/net1/virtualNetworkGateways/gw" "$(gateway_body 172.16.81.0/24)"
	gateway_of 3
	accepted "spoke" PUT "$nets/spoke" "$(network_body 10.40.0.0/24 10.40.0.2)"
	ctl peering create vnet1 to-spoke --remote-vnet spoke --allow-forwarded-traffic on --allow-gateway-transit on >/dev/null &&
		ctl peering create spoke to-vnet1 --remote-vnet vnet1 --allow-forwarded-traffic on >/dev/null || return 1
	connected_app gone plan1 vnet1 && ctl cert revoke --app gone >/dev/null || return 1
	app mute plan1 && connect mute net1 && app stuck plan1 && connect stuck net3 || return 1
	accepted "net3, where nothing is" PUT "$nets/net3" '{"properties": {"addressSpace": {"addressPrefixes": ["10.23.0.0/24"]},
		"attach": {"networkNamespace": "nowhere"}}}'
	wait_for 5 is_down stuck
	drop from "$(half_of "$(private_ip shop)")" to 10.22.0.4
	wait_for 5 log_has dns 0 '^ready$'
}

is_down() {
	[[ $(ctl explain "$1" 10.23.0.2) == *GatewayDown* ]]
}

# half_of ADDRESS: of the pool, where it is
half_of() {
	echo "172.16.77.$((${1##*.} / 128 * 128))/25"
}

ctl() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" "$@"
}

# faults: what the page has under FAULTS: NAME, tab, command, tab, what is said
faults() {
	awk '/^\.Sh/ { is_in = $2 == "FAULTS" }
		is_in && /^\.It Ic/ { name = $3; n = 0 }
		is_in && /^\.Dl/ { line[++n] = substr($0, 5); if (n == 2) print name "\t" line[1] "\t" line[2] }' "$page"
}

ask_all() {
	local name command said pids=() began=$EPOCHREALTIME
	while IFS=$'\t' read -r name command said; do
		# shellcheck disable=SC2086
		ctl $command >"$world_dir/$name.said" 2>&1 &
		pids+=($!)
	done < <(faults)
	wait "${pids[@]}"
	asked_ms=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
}

# fault NAME: the page's line is said
fault() {
	local name command said
	while IFS=$'\t' read -r name command said; do
		[ "$name" = "$1" ] || continue
		[[ $(<"$world_dir/$name.said") == *$'\n'"$said"* ]] ||
			flunk "$1" "  the page has: $said" "  said:         $(<"$world_dir/$name.said")"
		return
	done < <(faults)
	flunk "sstp-faults(7) has no $1"
}

# says NAME REGEX: also that
says() {
	like "$(<"$world_dir/$1.said")" "$2" "what is said of $1"
}

B52_drop_refusal_and_dead_host_are_told_apart() {
	fault firewall-drops-port
	fault closed-port
	fault dead-host
}

B52_firewall_that_blocks_the_pool_is_found_and_the_range_is_told() {
	fault firewall-drops-pool
	says firewall-drops-pool 'Allow TCP port 80 from the pool 172\.16\.77\.0/24'
	fault firewall-drops-all-of-pool
	fault pool-outside-the-firewalls-range
	says pool-outside-the-firewalls-range "the app's $(private_ip shop | sed 's/\./\\./g') is not\. Allow all of 172\.16\.77\.0/24"
}

B55_gateway_itself_tells_a_host_that_fails_from_an_app_that_does() {
	says firewall-drops-pool 'gatewayProbe +ok +The gateway itself \(10\.20\.0\.1\) reaches port 80 of 10\.22\.0\.2: it is open'
	says silent-host 'gatewayProbe +failed +The gateway itself \(10\.20\.0\.1\) gets no answer from 10\.22\.0\.6 either'
	fault silent-host
}

B56_routes_for_the_pool_firewall_and_how_to_tell_are_listed() {
	fault no-return-route
	says no-return-route '1\. The network of 10\.25\.0\.1 has no route for the pool: add one for 172\.16\.77\.0/24'
	says no-return-route '2\. A firewall or NSG at 10\.25\.0\.1'
	says no-return-route '3\. What tells them apart: on the VM, tcpdump'
	says firewall-drops-all-of-pool '1\. A firewall or NSG at 10\.22\.0\.3.*2\. 10\.22\.0\.3 has no route for the pool 172\.16\.77\.0/24'
}

mtu_black_hole_is_found_with_what_passes() {
	fault mtu-black-hole
	says mtu-black-hole 'Set mtu: 1200 in gateway\.yaml'
}

what_is_declared_is_said_without_a_probe() {
	fault missing-peering-flag
	fault missing-plan-route
	fault certificate-revoked
	fault gateway-down
}

names_that_fail_are_told_apart() {
	fault dns-dead
	fault wrong-host-name
}

all_of_it_takes_seconds() {
	at_most "$asked_ms" 7000 "milliseconds until all were answered"
}

every_fault_of_the_page_was_asked() {
	is "$(faults | wc -l)" "$(sed -n '/^\.Sh FAULTS/,/^\.Sh SEE/p' "$page" | grep -c '^\.It Ic ')" "faults with a command and a line"
	at_least "$(faults | wc -l)" 12 "faults"
}

tap_main B52_drop_refusal_and_dead_host_are_told_apart \
	B52_firewall_that_blocks_the_pool_is_found_and_the_range_is_told \
	B55_gateway_itself_tells_a_host_that_fails_from_an_app_that_does \
	B56_routes_for_the_pool_firewall_and_how_to_tell_are_listed \
	mtu_black_hole_is_found_with_what_passes \
	what_is_declared_is_said_without_a_probe \
	names_that_fail_are_told_apart \
	every_fault_of_the_page_was_asked \
	all_of_it_takes_seconds -- "$@"
