#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Virtual networks that the API makes, each attached to a network namespace of its own: red and blue have the same address
# space and the same pool, which is that of gateway.yaml's too.
#
#	gw (gateway, vnet1) .... red 10.20.0.1 ---- 10.20.0.2 red-web
#	                    .... blue 10.20.0.1 ---- 10.20.0.2 blue-web
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
app2=

setup() {
	world_up && app2=$world_prefix-app2 && end_with attach_end && ip netns add "$app2" &&
		ip -n "$app2" link set lo up && make_network red && make_network blue &&
		write_attach_config red blue && start_gateway && wait_for 10 test -S "$world_dir/control.sock" && make_site
}

# make_network COLOUR: its namespace, where the gateway's device will be, and its web server's
make_network() {
	local net=$world_prefix-$1 web=$world_prefix-$1-web n
	for n in "$net" "$web"; do
		ip netns add "$n" && ip -n "$n" link set lo up || return 1
	done
	ip link add v0 netns "$net" type veth peer name v1 netns "$web" &&
		ip -n "$net" addr add 10.20.0.1/24 dev v0 && ip -n "$net" link set v0 up &&
		ip -n "$web" addr add 10.20.0.2/24 dev v1 && ip -n "$web" link set v1 up &&
		ip -n "$web" route add default via 10.20.0.1 &&
		in_ns "$net" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' &&
		mkdir "$world_dir/$1" && echo "$1" >"$world_dir/$1/colour" &&
		start "web-$1" "$web" "$world_root/test/support/webserver.py" 10.20.0.2 80 "$world_dir/$1" &&
		wait_for 10 is_listening "$web" 80
}

attach_end() {
	local n
	end_processes_in "$gw"
	for n in "$app2" "$world_prefix"-{red,blue,green}{-web,}; do
		if [ -e "/run/netns/$n" ]; then
			end_processes_in "$n"
			ip netns del "$n"
		fi
	done
	world_end
}

# write_attach_config COLOUR...: whose namespaces VNets of the API may be attached to
write_attach_config() {
	write_authority_config "attach_namespaces: [$(printf "$world_prefix-%s, " "$@")]"
}

ctl() {
	"$sstpctl_bin" "$1" "$2" --socket "$world_dir/control.sock" "${@:3}"
}

# vnet_of NAME [NAMESPACE [POOL]]: of the site
vnet_of() {
	local attach=
	[ -z "${2-}" ] || attach="attach: {networkNamespace: $world_prefix-$2}, "
	printf '{name: %s, %saddressSpaces: [10.20.0.0/24], gateways: [{name: gw, pools: [%s]}]}' "$1" "$attach" \
		"${3:-172.16.77.0/24}"
}

# apply VNET...: a site of these, with what is there already
apply() {
	local IFS=,
	echo "subscriptions: [{name: default, resourceGroups: [{name: default, vnets: [$*]}]}]" >"$world_dir/site.yaml"
	"$sstpctl_bin" apply -f "$world_dir/site.yaml" --socket "$world_dir/control.sock" 2>&1
}

make_site() {
	apply "$(vnet_of red red)" "$(vnet_of blue blue)" && ctl plan create p --tier Basic && connect shop red && connect till blue
} >>"$world_dir/ctl.log" 2>&1

# connect APP VNET: $world_dir/APP.yaml is its profile
connect() {
	ctl app create "$1" --plan p && wait_for 5 ctl connection connect "$1" "$2" &&
		in_ns "$host" "$worker_bin" enrol "$(ctl token create --app "$1" --vnet "$2" --gateway 192.0.2.1)" \
			--profile "$world_dir/$1.yaml"
}

# start_worker APP NETNS
start_worker() {
	# shellcheck disable=SC2016
	start "$1" "$host" "$worker_bin" --profile "$world_dir/$1.yaml" --netns "$2" --tun "tun-$1" -- \
		sh -c 'echo app $WEBSITE_PRIVATE_IP $WEBSITE_VNETNAME; exec sleep 300'
}

colour_seen_by() {
	in_ns "$1" curl -sS -m 5 http://10.20.0.2/colour 2>&1
}

networks_with_the_same_addresses_in_two_namespaces_carry_each_its_own_app() {
	start_worker shop "$app"
	start_worker till "$app2"
	wait_for 10 log_has shop 0 '^app 172\.16\.77\.[0-9]+ red$' || flunk "no shop"
	wait_for 10 log_has till 0 '^app 172\.16\.77\.[0-9]+ blue$' || flunk "no till"
	is "$(sed -n 's/^app \([0-9.]*\) .*/\1/p' "$world_dir/shop.log")" \
		"$(sed -n 's/^app \([0-9.]*\) .*/\1/p' "$world_dir/till.log")" "both have the same address"
	is "$(colour_seen_by "$app")" red "what shop reaches"
	is "$(colour_seen_by "$app2")" blue "what till reaches"
	like "$(ip -n "$world_prefix-red" -o link)" ': sstp[0-9]+:' "red's device is in red"
	is "$(ip -n "$gw" -o link | grep -c ': sstp[1-9]')" 0 "devices of the API where the gateway is"
}

same_pool_twice_in_one_namespace_is_refused() {
	like "$(apply "$(vnet_of green red)")" \
		'172.16.77.0/24 overlaps with the address pool 172.16.77.0/24 of virtual network red, which is in the same network namespace' \
		"the model's word"
	like "$(apply "$(vnet_of green red 172.16.77.128/25)")" 'overlaps with the address pool' "a part of it"
	like "$(apply "$(vnet_of green)")" 'overlaps with the address pool .*, which is in the same network namespace' \
		"one of gateway.yaml"
}

namespace_that_gateway_yaml_does_not_name_is_refused_until_it_does() {
	ip netns add "$world_prefix-green"
	apply "$(vnet_of green green)" >/dev/null
	wait_for 5 log_has gateway 0 "vnet green: the gateway may not use network namespace '$world_prefix-green' \(name it in attach_namespaces" ||
		flunk "it may be used"
	is "$(ip -n "$world_prefix-green" -o link | grep -c sstp)" 0 "devices there"
	write_attach_config red blue green
	kill -s HUP "$gateway_pid"
	wait_for 5 is_attached green || flunk "it is not used"
	is "$(colour_seen_by "$app")" red "shop goes on"
}

is_attached() {
	ip -n "$world_prefix-$1" -o link | grep -q ': sstp[0-9]'
}

network_goes_to_another_namespace_with_its_device() {
	apply "$(vnet_of green green 172.16.79.0/24)" "$(vnet_of blue green)" >/dev/null
	wait_for 5 is_detached blue || flunk "its device stays"
	# in one change: for a moment green still had the pool that blue brings with it
	wait_for 5 has_two_devices green || flunk "it is not made in the other one"
	apply "$(vnet_of blue blue)" >/dev/null
	wait_for 20 sees_blue || flunk "till does not come back: $(colour_seen_by "$app2")"
}

has_two_devices() {
	[ "$(ip -n "$world_prefix-$1" -o link | grep -c ': sstp[0-9]')" = 2 ]
}

is_detached() {
	! is_attached "$1"
}

sees_blue() {
	[ "$(colour_seen_by "$app2")" = blue ]
}

tap_main networks_with_the_same_addresses_in_two_namespaces_carry_each_its_own_app \
	same_pool_twice_in_one_namespace_is_refused \
	namespace_that_gateway_yaml_does_not_name_is_refused_until_it_does \
	network_goes_to_another_namespace_with_its_device -- "$@"
