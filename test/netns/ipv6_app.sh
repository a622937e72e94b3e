#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What an app in a VNet with IPv6 sees: its address, sockets of both families, refusals at once instead of silence, and no
# way around a tunnel that is lost.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly connected='connected: WEBSITE_PRIVATE_IPV6='

config_vnets() {
	cat <<-EOF
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24, "fd00:20::/64"]
		    pools: [172.16.77.0/24, "fd00:77::/48"]
		    dns_servers: [10.20.0.2, "fd00:20::2"]
		    tun: sstp0
	EOF
}

# The host has ways of its own to the VNet, which nothing may take.
setup() {
	world_up && with_ipv6 && make_ca ca && make_certificate server ca && start_web_server &&
		start web6 "$vnet" "$world_root/test/support/webserver.py" fd00:20::2 80 "$world_dir/www" &&
		wait_for 10 is_serving6 && write_config && write_password alice wonderland && start_gateway && start_capture
}

with_ipv6() {
	local n
	for n in "$host" "$gw" "$vnet"; do
		in_ns "$n" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	done
	in_ns "$gw" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' &&
		ip -n "$gw" addr add fd00:20::1/64 dev v0 nodad && ip -n "$gw" addr add 2001:db8::1/64 dev u1 nodad &&
		ip -n "$vnet" addr add fd00:20::2/64 dev v1 nodad && ip -n "$host" addr add 2001:db8::2/64 dev u0 nodad &&
		ip -n "$vnet" route add default via fd00:20::1 &&
		ip -n "$gw" route add unreachable fd00:20::66/128 && ip -n "$gw" route add prohibit fd00:20::67/128 &&
		ip -n "$gw" route add unreachable 10.20.0.66/32 && ip -n "$gw" route add prohibit 10.20.0.67/32 &&
		ip -n "$host" route add fd00:20::/64 via 2001:db8::1 && ip -n "$host" route add fd00:20::2/128 via 2001:db8::1
}

is_serving6() {
	in_ns "$vnet" ss -6Hlnt | grep -q 'fd00:20::2'
}

start_capture() {
	local mark
	mark=$(log_mark capture)
	start capture "$host" tcpdump -i u0 -n -U --immediate-mode -Z root -w "$world_dir/leak.pcap" \
		'net fd00:20::/64 or net fd00:77::/48 or net 10.20.0.0/24'
	capture_pid=$started_pid
	wait_for 10 log_has capture "$mark" 'listening on'
}

leaked() {
	tcpdump -n -r "$world_dir/leak.pcap" 2>/dev/null | wc -l
}

# live_start NAME NETNS_OPTION... -- APP...: sets worker_pid
live_start() {
	local name=$1
	shift
	worker_command alice
	start "$name" "$host" "${worker_command[@]}" --route 10.20.0.0/24 --route fd00:20::/64 "$@"
	worker_pid=$started_pid
	wait_for 15 log_has "$name" 0 "$connected" || flunk "no IPv6 for $name" "$(tail -n 5 "$world_dir/$name.log")"
}

# try FAMILY SOCKTYPE ADDRESS PORT: one line of what connect(), and a datagram's way, comes to, and the tenths of a second
try='import errno, os, socket, sys, time
for family, kind, address, port in (w.split(",") for w in sys.argv[1:]):
	with socket.socket(getattr(socket, family), getattr(socket, kind)) as s:
		s.settimeout(5)
		if family == "AF_INET6":
			s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		began, said = time.monotonic(), "ok"
		try:
			s.connect((address, int(port)))
			if kind == "SOCK_DGRAM":
				s.send(b"x")
				s.recv(1)
		except OSError as e:
			said = errno.errorcode.get(e.errno, "timeout")
		print(address, said, "at once" if time.monotonic() - began < 1 else "late", flush=True)'

app_is_told_its_ipv6_address_and_so_is_whoever_asks_the_worker() {
	local address
	# shellcheck disable=SC2016
	live_start told --own-netns -- sh -c 'echo told $WEBSITE_PRIVATE_IP $WEBSITE_PRIVATE_IPV6 $WEBSITE_DNS_SERVER
		ip -6 -o addr show dev vnet0; curl -sS -g -m 5 "http://[fd00:20::2]/"; exec sleep 300'
	wait_for 10 log_has told 0 '^hello' || flunk "no page over IPv6"
	address=$(sed -n 's/^told 172[^ ]* \([^ ]*\) .*/\1/p' "$world_dir/told.log")
	like "$address" '^fd00:77:.*:1$' "WEBSITE_PRIVATE_IPV6"
	is "$(sed -n 's/.*inet6 \([^ ]*\).*/\1/p' "$world_dir/told.log")" "$address/128" "the device's only address"
	like "$(cat "$world_dir/told.log")" "hello from the virtual network, $address" "the page names it"
	is "$(in_ns "$host" "$worker_bin" status "$worker_pid" --json | "$here/../support/json_at" 0.address6)" "$address" "status"
	stop "$worker_pid"
}

socket_for_both_families_reaches_targets_of_both() {
	local out
	worker_command alice
	out=$(timeout -k 5 40 ip netns exec "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 --route fd00:20::/64 -- \
		python3 -c "$try" AF_INET6,SOCK_STREAM,::ffff:10.20.0.2,80 AF_INET6,SOCK_STREAM,fd00:20::2,80 2>>"$world_dir/worker.log")
	is "$out" "::ffff:10.20.0.2 ok at once"$'\n'"fd00:20::2 ok at once" "what it comes to"
}

what_is_not_reached_is_said_at_once() {
	local out
	worker_command alice
	out=$(timeout -k 5 40 ip netns exec "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 --route fd00:20::/64 -- \
		python3 -c "$try" AF_INET,SOCK_STREAM,10.20.0.66,80 AF_INET,SOCK_STREAM,10.20.0.67,80 AF_INET,SOCK_STREAM,10.20.0.2,81 \
		AF_INET,SOCK_DGRAM,10.20.0.2,81 AF_INET6,SOCK_STREAM,fd00:20::66,80 AF_INET6,SOCK_STREAM,fd00:20::67,80 \
		AF_INET6,SOCK_DGRAM,fd00:20::2,81 AF_INET,SOCK_STREAM,10.99.0.1,80 AF_INET6,SOCK_STREAM,fd00:99::1,80 \
		2>>"$world_dir/worker.log")
	is "$out" "10.20.0.66 EHOSTUNREACH at once
10.20.0.67 EHOSTUNREACH at once
10.20.0.2 ECONNREFUSED at once
10.20.0.2 ECONNREFUSED at once
fd00:20::66 ENETUNREACH at once
fd00:20::67 EACCES at once
fd00:20::2 ECONNREFUSED at once
10.99.0.1 ENETUNREACH at once
fd00:99::1 ENETUNREACH at once" "what the app is told"
}

host_tries() {
	in_ns "$host" python3 -c "$try" "$@"
}

lost_tunnel_and_dead_worker_refuse_ipv6_and_nothing_goes_around() {
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 ok at once" "the host's own way without a tunnel"
	stop "$capture_pid" TERM
	start_capture
	live_start lost --current-netns -- sleep 300
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 ok at once" "through the tunnel"
	stop "$gateway_pid" KILL
	wait_for 20 log_has lost 0 'the tunnel is down' || flunk "the tunnel is not missed"
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 EHOSTUNREACH at once" "without the gateway"
	is "$(bound_send fd00:99::1)" ENETUNREACH "from the private address, which stays, to elsewhere"
	stop "$worker_pid" KILL
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 EHOSTUNREACH at once" "without the worker"
	is "$(leaked)" 0 "packets that went around the tunnel"
}

# bound_send TO: a datagram from the tunnel's address; the error's name
bound_send() {
	in_ns "$host" python3 -c 'import errno, socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
try:
	s.bind((sys.argv[1], 0))
	s.sendto(b"x", (sys.argv[2], 9))
	print("sent")
except OSError as e:
	print(errno.errorcode[e.errno])' "$(sed -n "s/.*$connected//p" "$world_dir/lost.log" | tail -n 1)" "$1"
}

next_worker_takes_over_what_a_killed_one_left_and_takes_all_of_it_back() {
	start_gateway
	live_start next --current-netns -- sleep 300
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 ok at once" "through the tunnel"
	stop "$worker_pid"
	is "$(ip -n "$host" -6 rule show | grep -c '^838[34]:')" 0 "rules"
	is "$(ip -n "$host" -6 route show table all proto 83 | wc -l)" 0 "routes"
	is "$(host_tries AF_INET6,SOCK_STREAM,fd00:20::2,80)" "fd00:20::2 ok at once" "the host's own way again"
}

tap_main app_is_told_its_ipv6_address_and_so_is_whoever_asks_the_worker \
	socket_for_both_families_reaches_targets_of_both \
	what_is_not_reached_is_said_at_once \
	lost_tunnel_and_dead_worker_refuse_ipv6_and_nothing_goes_around \
	next_worker_takes_over_what_a_killed_one_left_and_takes_all_of_it_back -- "$@"
