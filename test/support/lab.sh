# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A lab for routes: a site of site.sh whose gateway has the VNet hub, and more namespaces beside it. What joins them is
# the kernel's routing, as an operator's fabric would: whoever may reach what is for the gateway to say.
#
#	host (workers) ---- gw ---- vnet   hub    10.21.0.2    fd00:21::2
#	                    |
#	                    +---- spoke           10.40.0.2    fd00:40::2     peered with hub
#	                    |       +---- third   10.50.0.2    fd00:50::2     peered with spoke
#	                    |
#	                    +---- far             192.168.40.2 fd00:a::2      on-premises, by BGP only
#
# Behind each of them is the same server (reach.py), named after it. gw is AS 65515, far AS 65010: BIRD on either side,
# each with a socket, a configuration and a log in the world's folder. far has no way back but what it learns.

readonly hub_pool=172.16.81.0/24 hub_pool6=fd00:81::/56
readonly hub_spaces='10.21.0.0/24 fd00:21::/48' spoke_spaces='10.40.0.0/16 fd00:40::/48' third_spaces='10.50.0.0/16 fd00:50::/48'

# lab_up [LINE]...: all of it but BIRD, with these lines in gateway.yaml: hub has a gateway, spoke and third have none, and
# nothing is peered
lab_up() {
	world_up && lab_names && end_with lab_end && lab_build &&
		config_log_level=info write_authority_config "bird_socket: $world_dir/gw.ctl" "$@" && site_web_server &&
		start_gateway && wait_for 10 api_answers && lab_servers && lab_vnets
}

lab_names() {
	spoke=$world_prefix-spoke
	third=$world_prefix-third
	far=$world_prefix-far
}

lab_end() {
	local name
	trap '' HUP INT PIPE TERM
	for name in $far $third $spoke; do
		if [ -e "/run/netns/$name" ]; then
			end_processes_in "$name"
			ip netns del "$name"
		fi
	done
	site_end
}

lab_build() {
	local name
	for name in $spoke $third $far; do
		ip netns add "$name" && ip -n "$name" link set lo up || return 1
	done
	for name in $gw $vnet $spoke $third $far; do
		in_ns "$name" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
			for i in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$i; done
			echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || return 1
	done
	lab_link "$gw" s0 198.18.40 "$spoke" s1 && lab_link "$spoke" t0 198.18.50 "$third" t1 &&
		lab_link "$gw" f0 198.18.60 "$far" f1 &&
		lab_addresses && lab_fabric
}

# lab_link NAMESPACE DEVICE NET NAMESPACE DEVICE: NET.1 and NET.2, fd00:NET::1 and 2
lab_link() {
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4" &&
		ip -n "$1" -batch - <<-EOT && ip -n "$4" -batch - <<-EOT2
			addr add $3.1/30 dev $2
			addr add fd00:${3//./:}::1/64 dev $2 nodad
			link set $2 up
		EOT
			addr add $3.2/30 dev $5
			addr add fd00:${3//./:}::2/64 dev $5 nodad
			link set $5 up
		EOT2
}

lab_addresses() {
	ip -n "$gw" -batch - <<-EOT && ip -n "$vnet" -batch - <<-EOT2 && lab_loopbacks
		addr add 10.21.0.1/24 dev v0
		addr add fd00:21::1/48 dev v0 nodad
	EOT
		addr add 10.21.0.2/24 dev v1
		addr add fd00:21::2/48 dev v1 nodad
		route add ::/0 via fd00:21::1
	EOT2
}

lab_loopbacks() {
	ip -n "$spoke" addr add 10.40.0.2/16 dev lo && ip -n "$spoke" addr add fd00:40::2/128 dev lo &&
		ip -n "$third" addr add 10.50.0.2/16 dev lo && ip -n "$third" addr add fd00:50::2/128 dev lo &&
		ip -n "$far" addr add 192.168.40.2/24 dev lo && ip -n "$far" addr add fd00:a::2/128 dev lo
}

# The fabric knows every way, also those that no peering opens.
lab_fabric() {
	ip -n "$gw" -batch - <<-EOT && ip -n "$spoke" -batch - <<-EOT2 && ip -n "$third" -batch - <<-EOT3
		route add 10.40.0.0/16 via 198.18.40.2
		route add 10.50.0.0/16 via 198.18.40.2
		route add fd00:40::/48 via fd00:198:18:40::2
		route add fd00:50::/48 via fd00:198:18:40::2
	EOT
		route add default via 198.18.40.1
		route add ::/0 via fd00:198:18:40::1
		route add 10.50.0.0/16 via 198.18.50.2
		route add fd00:50::/48 via fd00:198:18:50::2
	EOT2
		route add default via 198.18.50.1
		route add ::/0 via fd00:198:18:50::1
	EOT3
}

lab_servers() {
	lab_server hub "$vnet" 10.21.0.2 fd00:21::2 && lab_server spoke "$spoke" 10.40.0.2 fd00:40::2 &&
		lab_server third "$third" 10.50.0.2 fd00:50::2 && lab_server far "$far" 192.168.40.2 fd00:a::2 &&
		wait_for 5 servers_are_ready hub spoke third far
}

# lab_server NAME NAMESPACE ADDRESS...: on addresses that the namespace has
lab_server() {
	start "server-$1" "$2" python3 "$world_root/test/support/reach.py" serve "$1" "${@:3}"
}

servers_are_ready() {
	local name
	for name in "$@"; do
		log_has "server-$name" 0 '^ready$' || return 1
	done
}

# ---- virtual networks, peerings

lab_vnets() {
	lab_vnet hub "$hub_spaces" && lab_vnet spoke "$spoke_spaces" && lab_vnet third "$third_spaces" && hub_gateway
}

# json_list WORD...: a list of texts
json_list() {
	local IFS=,
	set -- "${@/#/\"}"
	echo "[${*/%/\"}]"
}

# lab_vnet NAME SPACES [DNS]: spaces with blanks between them
lab_vnet() {
	# shellcheck disable=SC2086
	accepted "VNet $1" PUT "$nets/$1" "{\"properties\": {\"addressSpace\": {\"addressPrefixes\": $(json_list $2)},
		\"dhcpOptions\": {\"dnsServers\": $(json_list ${3-})}}}"
}

# hub_gateway [CUSTOM_ROUTES [MORE]]: routes with blanks between them, more properties as JSON; waits until it is up
hub_gateway() {
	# shellcheck disable=SC2086
	accepted "gateway of hub" PUT "$nets/hub/virtualNetworkGateways/gw" "{\"properties\": {\"vpnClientConfiguration\":
		{\"vpnClientAddressPool\": {\"addressPrefixes\": $(json_list $hub_pool $hub_pool6)}},
		\"customRoutes\": {\"addressPrefixes\": $(json_list ${1-})}${2:+, $2}}}"
	wait_for 5 hub_is_up || flunk "the gateway of hub does not come up"
	[ "$tap_case_failed" = no ]
}

hub_is_up() {
	hub_device=$(property "$nets/hub" device)
	has_link "$gw" "$hub_device"
}

# peering VNET REMOTE [FLAG]...: these flags are set, the others are not
peering() {
	accepted "peering of $1 with $2" PUT "$(peering_path "$1" "$2")" "$(peering_body "${@:2}")"
}

# peering_body REMOTE [FLAG]...
peering_body() {
	local flag
	printf '{"properties": {"remoteVirtualNetwork": {"id": "%s"}' "$nets/$1"
	for flag in allowVirtualNetworkAccess allowForwardedTraffic allowGatewayTransit useRemoteGateways; do
		printf ', "%s": %s' $flag "$([[ " ${*:2} " = *" $flag "* ]] && echo true || echo false)"
	done
	echo '}}'
}

peering_path() {
	echo "$nets/$1/virtualNetworkPeerings/to-$2"
}

readonly hub_flags='allowVirtualNetworkAccess allowForwardedTraffic allowGatewayTransit'
readonly spoke_flags='allowVirtualNetworkAccess allowForwardedTraffic useRemoteGateways'

# all that it takes: hub and spoke peered, each with its three flags
# shellcheck disable=SC2086
peer_hub_and_spoke() {
	peering hub spoke $hub_flags && peering spoke hub $spoke_flags
}

plan_route() {
	echo "$web/serverfarms/plan1/virtualNetworkConnections/hub/routes/$1"
}

# route NAME START [END]: of plan1 in hub
route() {
	accepted "route $1" PUT "$(plan_route "$1")" "{\"properties\": {\"startAddress\": \"$2\"${3:+, \"endAddress\": \"$3\"}}}"
}

no_route() {
	accepted "no route $1" DELETE "$(plan_route "$1")"
}

# ---- what is reached, and what is said about it

# ask APP ADDRESS [SECONDS]: "SERVER sees SOURCE", "icmp TYPE/CODE from ROUTER", "silence", or "not sent: WHY"
ask() {
	in_view "$1" python3 "$world_root/test/support/reach.py" ask "$2" "${3:-${ask_time:-2}}" 2>&1
}

answer_is_like() {
	[[ $(ask_time=0.3 ask "$1" "$2") =~ $3 ]]
}

# answers APP ADDRESS REGEX: within two seconds, which a change has to reach gateway and worker
answers() {
	wait_for 2 answer_is_like "$1" "$2" "$3" || like "$(ask "$1" "$2" 0.5)" "$3" "what $1 is answered from $2"
}

readonly prohibited='^icmp 3/13 from ' prohibited6='^icmp6 1/1 from '

# ctl WORD...: sstpctl
ctl() {
	"$sstpctl_bin" "$@" --socket "$world_dir/control.sock" 2>&1
}

# explain APP TARGET [OPTION]...: in words
explain() {
	ctl explain "$@"
}

# explained APP TARGET REGEX [OPTION]...
explained() {
	like "$(explain "$1" "$2" "${@:4}")" "$3" "what is said about $1 and $2"
}

# ---- BIRD

# bird NAME NAMESPACE: NAME.bird is its configuration; bird_NAME asks it
bird() {
	start "bird-$1" "$2" bird -f -c "$world_dir/$1.bird" -s "$world_dir/$1.ctl" -P "$world_dir/$1.pid"
	wait_for 5 test -S "$world_dir/$1.ctl"
}

# birdc_of NAME COMMAND...: what it says
birdc_of() {
	birdc -s "$world_dir/$1.ctl" "${@:2}" 2>&1
}

# start_gateway_bird: as the gateway has it configured, with far as its neighbour.
start_gateway_bird() {
	ctl bgp config hub --name gw --neighbor 198.18.60.2 --as 65010 | sed 's/^log syslog all/log stderr all/' >"$world_dir/gw.bird" && bird gw "$gw"
}

# start_far_bird PREFIX...: that announces these; what it learns goes into far's kernel
start_far_bird() {
	far_routes "$@" && cat >"$world_dir/far.bird" <<-EOT && bird far "$far"
		router id 198.18.60.2;
		log stderr all;
		protocol device {}
		protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
		protocol static own4 {
			ipv4;
			include "$world_dir/far.routes4";
		}
		protocol static own6 {
			ipv6;
			include "$world_dir/far.routes6";
		}
		protocol bgp hub {
			local as 65010;
			neighbor 198.18.60.1 as 65515;
			connect delay time 1;
			connect retry time 1;
			error wait time 1, 2;
			ipv4 { import all; export where source = RTS_STATIC; };
			ipv6 { import all; export where source = RTS_STATIC; };
		}
	EOT
}

# far_routes PREFIX...: what on-premises announces; to a BIRD that runs by far_announces
far_routes() {
	local prefix
	: >"$world_dir/far.routes4"
	: >"$world_dir/far.routes6"
	for prefix in "$@"; do
		case $prefix in
		*:*) echo "route $prefix unreachable;" >>"$world_dir/far.routes6" ;;
		*) echo "route $prefix unreachable;" >>"$world_dir/far.routes4" ;;
		esac
	done
}

far_announces() {
	far_routes "$@" && like "$(birdc_of far configure)" Reconfigured "BIRD on-premises"
}

# has_route NAMESPACE PREFIX [TABLE]
has_route() {
	ip -n "$1" "$([[ $2 == *:* ]] && echo -6 || echo -4)" route show table "${3:-main}" exact "$2" 2>/dev/null | grep -q .
}

has_no_route() {
	! has_route "$@"
}
