#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One gateway, several virtual networks that know nothing of each other: red and blue have the same
# address space, the same pool and the same name for their device, each in a network namespace of its own:
#
#	gw (gateway) .... red 10.20.0.1 ---- 10.20.0.2 red-web
#	             .... blue 10.20.0.1 ---- 10.20.0.2 blue-web
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

setup() {
	world_up && end_with networks_end && make_ca ca && make_certificate server ca &&
		make_network red && make_network blue && write_passwords && write_networks_config &&
		start_gateway
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

networks_end() {
	local n
	end_processes_in "$gw"
	for n in "$world_prefix"-{red,blue,green}{-web,}; do
		if [ -e "/run/netns/$n" ]; then
			end_processes_in "$n"
			ip netns del "$n"
		fi
	done
	world_end
}

write_passwords() {
	local user
	for user in alice bob carol dave erin; do
		write_password $user "$user-password"
	done
}

# network_entry NAME COLOUR POOL TUN
network_entry() {
	printf '  - {name: %s, netns: %s, address_spaces: [10.20.0.0/24], pools: [%s], tun: %s}\n' \
		"$1" "$world_prefix-$2" "$3" "$4"
}

# The VNet "one" has a single address. With green there is one more VNet, with a user.
write_networks_config() {
	{
		cat <<-EOF
			listen: ["192.0.2.1:443"]
			certificate: $world_dir/server.pem
			key: $world_dir/server.key
			log: {level: debug, target: stderr}
			vnets:
		EOF
		network_entry red red "${config_pool:-172.16.77.0/24}" sstp0
		network_entry blue blue 172.16.77.0/24 sstp0
		network_entry one red 172.16.78.4/32 sstp1
		[ "${1-}" != green ] || network_entry green green 172.16.77.0/24 sstp0
		echo "users:"
		user_entry alice red
		user_entry bob blue
		user_entry carol one
		user_entry dave one
		[ "${1-}" != green ] || user_entry erin green
	} >"$world_dir/gateway.yaml"
}

user_entry() {
	echo "  - {name: $1, password: $1-password, vnet: $2}"
}

# user_run USER COMMAND...: an application of the user in a namespace of its own, in the foreground
user_run() {
	worker_command "$1"
	shift
	timeout -k 5 40 ip netns exec "$host" "${worker_command[@]}" --own-netns \
		--route 10.20.0.0/24 --connect-timeout 30 -- "$@" 2>>"$world_dir/worker.log"
}

# user_start NAME USER COMMAND...: the same in the background, with its output in NAME.log
user_start() {
	local name=$1
	worker_command "$2"
	shift 2
	start "$name" "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 -- "$@"
}

tun_devices() {
	ip -n "$1" -o link show type tun | awk -F ': ' '{print $2}' | sort | paste -sd ' '
}

# the command that fetches the page that differs
page='curl -sS -m 10 http://10.20.0.2/colour'

each_user_reaches_the_own_network_only() {
	is "$(user_run alice sh -c "$page")" red "what alice fetches from 10.20.0.2"
	is "$(user_run bob sh -c "$page")" blue "what bob fetches from 10.20.0.2"
}

both_at_once_with_one_address() {
	local script="echo \"\$WEBSITE_PRIVATE_IP\"; while :; do $page; sleep 0.1; done"
	local alice_pid bob_pid
	user_start alice alice sh -c "$script"
	alice_pid=$started_pid
	user_start bob bob sh -c "$script"
	bob_pid=$started_pid
	succeeds "alice's page" wait_for 20 log_has alice 0 '^red$'
	succeeds "bob's page" wait_for 20 log_has bob 0 '^blue$'
	is "$(grep -c '^blue$' "$world_dir/alice.log")" 0 "blue pages that alice got"
	is "$(grep -c '^red$' "$world_dir/bob.log")" 0 "red pages that bob got"
	is "$(grep -E -m 1 "$pool_regex" "$world_dir/alice.log")" \
		"$(grep -E -m 1 "$pool_regex" "$world_dir/bob.log")" "each the first address of an own pool"
	stop $alice_pid
	stop $bob_pid
}

devices_live_in_their_networks_only() {
	is "$(tun_devices "$world_prefix-red")" "sstp0 sstp1" "TUN devices of red"
	is "$(tun_devices "$world_prefix-blue")" "sstp0" "TUN devices of blue"
	is "$(tun_devices "$gw")" "" "TUN devices where the gateway runs"
	is "$(ip -n "$gw" -4 route show table all | grep -c 172.16)" 0 "routes to a pool where the gateway runs"
	like "$(ip -n "$world_prefix-red" -4 route show 172.16.77.0/24)" 'dev sstp0' "route to the pool in red"
}

# Broadcast addresses of the network's link are the gateway's own addresses too.
broadcast_does_not_reach_the_gateways_machine() {
	start listener "$world_prefix-red" python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7000))
print("listening", flush=True)
while True:
    print("heard", s.recv(100).decode(), flush=True)'
	local listener_pid=$started_pid
	succeeds "somebody listens beside the device" wait_for 10 log_has listener 0 '^listening$'
	user_run alice python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for last in 1, 255:
    s.sendto(b"10.20.0.%d" % last, ("10.20.0.%d" % last, 7000))'
	# a packet that arrives for certain, behind the others on their way
	is "$(user_run alice sh -c "$page")" red "the page"
	is "$(grep '^heard' "$world_dir/listener.log")" "" "what was heard where the device is"
	stop $listener_pid
}

one_user_twice_gets_two_addresses() {
	local first_pid first second
	user_start twice-1 alice sh -c 'echo "address $WEBSITE_PRIVATE_IP"; exec sleep 600'
	first_pid=$started_pid
	succeeds "the first is up" wait_for 20 log_has twice-1 0 '^address '
	first=$(sed -n 's/^address //p' "$world_dir/twice-1.log")
	second=$(user_run alice sh -c 'echo "$WEBSITE_PRIVATE_IP"; '"$page")
	like "$first" "$pool_regex" "the first address"
	like "$(head -n 1 <<<"$second")" "$pool_regex" "the second address"
	isnt "$(head -n 1 <<<"$second")" "$first" "the second address"
	is "$(tail -n 1 <<<"$second")" red "the page over the second"
	stop $first_pid
}

full_pool_is_a_clear_end_and_heals() {
	local mark holder_pid waiter_pid
	mark=$(log_mark gateway)
	user_start holder carol sh -c 'echo "address $WEBSITE_PRIVATE_IP"; exec sleep 600'
	holder_pid=$started_pid
	succeeds "the only address is given" wait_for 20 log_has holder 0 '^address 172\.16\.78\.4$'
	user_start waiter dave sh -c 'echo "address $WEBSITE_PRIVATE_IP"; exec sleep 600'
	waiter_pid=$started_pid
	succeeds "the gateway says why" wait_for 20 log_has gateway "$mark" \
		'user="dave" no address: every address of the pool is taken'
	succeeds "the gateway ends the session for that reason" wait_for 20 log_has gateway "$mark" \
		'user="dave" closed .*no address: every address of the pool is taken'
	succeeds "the worker tries again" wait_for 20 log_has waiter 0 'no tunnel to .* trying again'
	is "$(grep -c '^address' "$world_dir/waiter.log")" 0 "applications started without an address"
	stop $waiter_pid
	stop $holder_pid
	# a stranger would have to wait for a minute, its last owner gets it at once
	user_start again carol sh -c 'echo "address $WEBSITE_PRIVATE_IP"; exec sleep 600'
	succeeds "the address is given again" wait_for 20 log_has again 0 '^address 172\.16\.78\.4$'
	stop $started_pid
}

network_added_by_a_reload_works_at_once() {
	local mark
	user_start stays alice sh -c "while :; do $page; sleep 0.1; done"
	stays_pid=$started_pid
	succeeds "a session is up" wait_for 20 log_has stays 0 '^red$'
	succeeds "one more network" make_network green
	write_networks_config green
	kill -s HUP "$gateway_pid"
	succeeds "its device is there" wait_for 10 has_device "$world_prefix-green" sstp0
	is "$(user_run erin sh -c "$page")" green "what the new user fetches from 10.20.0.2"
	is "$(user_run bob sh -c "$page")" blue "what bob fetches from 10.20.0.2"
	mark=$(log_mark stays)
	succeeds "the session from before goes on" wait_for 20 log_has stays "$mark" '^red$'
}

has_device() {
	[ "$(tun_devices "$1")" = "$2" ]
}

changed_pool_is_refused_and_the_old_goes_on() {
	local mark
	mark=$(log_mark gateway)
	config_pool=172.16.90.0/24 write_networks_config green
	kill -s HUP "$gateway_pid"
	succeeds "the gateway says what it refuses" wait_for 10 log_has gateway "$mark" \
		"'pools' of VNet 'red' has changed"
	mark=$(log_mark stays)
	succeeds "the session goes on" wait_for 20 log_has stays "$mark" '^red$'
	like "$(user_run alice sh -c 'echo $WEBSITE_PRIVATE_IP')" "$pool_regex" "a new session's address"
	is "$(ip -n "$world_prefix-red" -4 route show 172.16.90.0/24)" "" "route to the pool that was refused"
	stop "$stays_pid"
}

network_that_cannot_be_made_is_refused_and_the_old_goes_on() {
	local mark
	mark=$(log_mark gateway)
	write_networks_config green
	sed -i '/^users:/i\  - {name: nowhere, netns: no-such-namespace, address_spaces: [10.30.0.0/24], pools: [172.16.79.0/24], tun: sstp2}' \
		"$world_dir/gateway.yaml"
	sed -i 's|10.20.0.0/24|10.40.0.0/24|' "$world_dir/gateway.yaml"
	kill -s HUP "$gateway_pid"
	succeeds "the gateway says what is missing" wait_for 10 log_has gateway "$mark" \
		"reload refused, nothing has changed: vnet nowhere: cannot open its network namespace"
	is "$(user_run alice sh -c "$page")" red "what alice fetches from 10.20.0.2"
	is "$(user_run erin sh -c "$page")" green "what erin fetches from 10.20.0.2"
}

nothing_is_left_in_the_networks() {
	stop "$gateway_pid"
	is $? 0 "exit status of the gateway"
	local colour
	for colour in red blue green; do
		is "$(tun_devices "$world_prefix-$colour")" "" "TUN devices of $colour"
		is "$(ip -n "$world_prefix-$colour" -4 route show table all | grep -c 172.16)" 0 \
			"routes to a pool in $colour"
	done
}

tap_main \
	each_user_reaches_the_own_network_only \
	both_at_once_with_one_address \
	devices_live_in_their_networks_only \
	broadcast_does_not_reach_the_gateways_machine \
	one_user_twice_gets_two_addresses \
	full_pool_is_a_clear_end_and_heals \
	network_added_by_a_reload_works_at_once \
	changed_pool_is_refused_and_the_old_goes_on \
	network_that_cannot_be_made_is_refused_and_the_old_goes_on \
	nothing_is_left_in_the_networks \
	-- "$@"
