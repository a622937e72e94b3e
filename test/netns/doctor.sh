#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What "sstpctl doctor" says of a virtual network with which all is well (vnet1), and of others of which each has faults
# planted: net1 has no way back to its pool, net2 a coexisting gateway and a name server that is not there, net3 a gateway that is
# down. Then long packets vanish on the way to vnet1. What can be asked side by side is.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

setup() {
	site_up 'attach_namespaces: [nowhere]' && build_site && ask_all
	[ $tap_case_failed = no ]
}

build_site() {
	start dns "$vnet" python3 "$here/../support/nameserver.py" 10.20.0.2 10.20.0.2 www.corp
	network 1 && network 2 10.22.0.66 && network 3 && gateway_of 1 && gateway_of 2 && plan plan1 || return 1
	start dns1 "$vnet" python3 "$here/../support/nameserver.py" 10.21.0.2 10.21.0.2 www.corp
	ip -n "$vnet" route add blackhole 172.16.81.0/24
	accepted "ExpressRoute in net2" PUT "$nets/net2/virtualNetworkGateways/er" '{"properties": {"gatewayType": "ExpressRoute"}}'
	accepted "on-premises of net1" PATCH "$nets/net1/virtualNetworkGateways/gw" \
		'{"properties": {"localNetworkAddressSpace": {"addressPrefixes": ["10.77.0.0/16"]}}}'
	accepted "net3, where nothing is" PUT "$nets/net3" '{"properties": {"addressSpace": {"addressPrefixes": ["10.23.0.0/24"]},
		"attach": {"networkNamespace": "nowhere"}}}'
	accepted "gateway of net3" PUT "$nets/net3/virtualNetworkGateways/gw" "$(gateway_body 172.16.83.0/24)"
	connected_app shop plan1 vnet1 && connected_app back plan1 net1 && connected_app gone plan1 net1 &&
		ctl cert revoke --app gone >/dev/null && start_app shop && start_app back || return 1
	wait_for 5 log_has dns 0 '^ready$' && wait_for 5 log_has dns1 0 '^ready$' && wait_for 5 is_down
}

is_down() {
	[[ $(property "$nets/net3/virtualNetworkGateways/gw" gatewayStatus) == NotConnected ]]
}

ctl() {
	"$sstpctl_bin" --socket "$world_dir/control.sock" "$@"
}

ask_all() {
	local began=$EPOCHREALTIME
	ctl doctor --vnet vnet1 >"$world_dir/one.said" 2>&1 &
	ctl doctor >"$world_dir/all.said" 2>&1
	all_code=$?
	wait $!
	one_code=$?
	asked_ms=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
	ip -n "$vnet" link set v1 mtu 1250
	ctl doctor --vnet vnet1 --json >"$world_dir/narrow.said" 2>&1
	narrow_code=$?
}

# says FILE VNET CHECK VERDICT REGEX: the line, and what is found
says() {
	like "$(grep -E "^$2 +$3 " "$world_dir/$1.said")" "^$2 +$3 +$4 +$5" "$3 of $2"
}

B51_doctor_prints_a_verdict_for_each_line_of_the_list() {
	says one vnet1 pool ok '172\.16\.77\.0/24 is within RFC 1918'
	says one vnet1 gateway ok 'The gateway is up, with 1 sessions'
	says one vnet1 coexistence ok 'No coexisting gateway is declared'
	says one vnet1 certificates ok 'The certificates of all 1 apps are in force'
	says one vnet1 sync ok 'Certificates, name servers and routes are in sync'
	says one vnet1 dns ok 'All 1 name servers answer'
	says one vnet1 returnRoute ok '10\.20\.0\.2 answers shop, an app of the pool'
	says one vnet1 onPremisesRoute ok 'Nothing on-premises is declared'
	says one vnet1 mtu ok 'Packets as long as the tunnel takes reach 10\.20\.0\.2 and come back'
	says one vnet1 offload '(ok|warning)' 'TUN device [a-z0-9]+, MTU [0-9]+: packets go'
	says one vnet1 poolLeft ok '1 of 256 addresses'
	is "$one_code" 0 "the exit code when nothing is a problem; $(<"$world_dir/one.said")"
}

whole_gateway_is_looked_at_too() {
	says one - serverCertificate ok 'The gateway.s certificate is valid, with [0-9]+ days left'
	says one - roots ok 'All 1 roots are in force; one issues for [0-9]+ days'
	says one - dataPlane ok 'The data plane knows all'
	says one - clock '(ok|warning)' '(The clock is kept|Nobody keeps the clock)'
	says one - sessions ok '2 of [0-9]+ sessions are up'
	says one - files ok '[0-9]+ of [0-9]+ files are open'
	says one - vnets ok '4 of 64 virtual networks'
	says one - planVnets ok '2 of 5 VNets'
}

B51_each_planted_fault_is_a_problem_with_what_to_do() {
	says all net1 returnRoute problem '10\.21\.0\.2 answers the gateway, and not the pool'
	like "$(<"$world_dir/all.said")" $'\nnet1 returnRoute: Add a route for 172\.16\.81\.0/24 by the gateway there' "what to do"
	says all net1 certificates problem '1 apps cannot come in: certificates revoked 1, .* one is gone'
	says all net2 coexistence problem 'The gateway coexists with an ExpressRoute gateway'
	says all net2 dns problem '0 of 1 name servers answer the gateway; 10\.22\.0\.66 does not'
	says all net3 gateway problem 'Nobody comes in by the gateway: '
	says all vnet1 returnRoute ok '10\.20\.0\.2 answers shop'
	is "$all_code" 1 "the exit code when something is"
}

what_cannot_be_checked_is_not_known_and_why() {
	says all net1 onPremisesRoute 'not known' 'No name server of the VNet is there, and so no host there is known'
	says all net2 returnRoute 'not known' 'No session is up'
	says all net3 offload 'not known' 'The kernel does not say'
}

mtu_black_hole_is_found_with_what_passes() {
	like "$(<"$world_dir/narrow.said")" 'Packets of 1280 bytes to or from 10\.20\.0\.2 vanish, of 1200 bytes they do not' "what is said"
	is "$narrow_code" 1 "the exit code, with --json"
}

wrong_questions_are_refused() {
	ctl doctor --vnet nobody >"$world_dir/wrong.said" 2>&1
	is $? 1 "the exit code of a VNet that there is not"
	like "$(<"$world_dir/wrong.said")" 'There is no such virtual network' "what is said"
	ctl doctor vnet1 >/dev/null 2>&1
	is $? 2 "the exit code of a wrong usage"
}

all_of_it_takes_seconds() {
	at_most "$asked_ms" 6000 "milliseconds until both were answered"
}

tap_main B51_doctor_prints_a_verdict_for_each_line_of_the_list \
	whole_gateway_is_looked_at_too \
	B51_each_planted_fault_is_a_problem_with_what_to_do \
	what_cannot_be_checked_is_not_known_and_why \
	mtu_black_hole_is_found_with_what_passes \
	wrong_questions_are_refused \
	all_of_it_takes_seconds -- "$@"
