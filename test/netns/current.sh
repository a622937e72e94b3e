#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The worker beside its application in one namespace (--current-netns): what it does to the routes there, and
# the ways in which a worker is started and ended. host has a default route through the gateway's machine,
# which reaches the virtual network without a tunnel: the way that traffic must never take.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_SIGTERM=143

setup() {
	world_up && end_with current_end && enable_ipv6 && make_ca ca && make_certificate_for_both ca && start_web_server &&
		config_listen='192.0.2.1:443", "[fd00:1::1]:443' write_config alice:wonderland bob:builder &&
		write_password alice wonderland && write_password bob builder &&
		ip -n "$host" route add default via 192.0.2.1 && start_gateway && start_capture
}

current_end() {
	rm -rf "/etc/netns/$host"
	world_end
}

enable_ipv6() {
	in_ns "$host" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 0 >/proc/sys/net/ipv6/conf/u0/disable_ipv6' &&
		in_ns "$gw" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
			echo 0 >/proc/sys/net/ipv6/conf/u1/disable_ipv6' &&
		ip -n "$host" addr add fd00:1::2/64 dev u0 nodad &&
		ip -n "$gw" addr add fd00:1::1/64 dev u1 nodad
}

# the server's certificate, with the IPv6 address in it
make_certificate_for_both() {
	openssl_req server -subj "/CN=192.0.2.1" -newkey rsa:2048 \
		-CA "$world_dir/$1.pem" -CAkey "$world_dir/$1.key" \
		-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
		-addext subjectAltName=DNS:gw.test,IP:192.0.2.1,IP:fd00:1::1
}

# what leaves through the outer interface with an inner destination
start_capture() {
	start capture "$host" tcpdump -i u0 -n -U --immediate-mode -Z root -w "$world_dir/leak.pcap" \
		'dst net 10.20.0.0/24'
	capture_pid=$started_pid
	wait_for 10 log_has capture 0 'listening on'
}

leaked() {
	tcpdump -n -r "$world_dir/leak.pcap" 2>/dev/null | wc -l
}

# current_run [OPTION]... -- APP ARGS...: alice's application in host itself, in the foreground
current_run() {
	worker_command alice
	timeout -k 5 60 ip netns exec "$host" "${worker_command[@]}" --current-netns "$@" \
		2>>"$world_dir/worker.log"
}

# current_start NAME [OPTION]... [-- APP ARGS...]: the same in the background, all output in NAME.log
current_start() {
	local name=$1
	worker_command alice
	shift
	start "$name" "$host" "${worker_command[@]}" --current-netns "$@"
	worker_pid=$started_pid
}

# the command that fetches the page
page='curl -sS -m 10 http://10.20.0.2/'
page_regex='^hello from the virtual network, 172\.16\.77\.'

application_beside_the_worker_reaches_the_network() {
	local before
	before=$(network_of "$host")
	like "$(current_run --route 10.20.0.0/24 -- sh -c "$page")" "$page_regex" "page through the tunnel"
	is "$(network_of "$host")" "$before" "network of the namespace afterwards"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

# 192.0.0.0/8 is wider than the link to the gateway, which keeps its own way; so the kernel needs no help.
route_over_the_gateways_link_keeps_the_tunnel() {
	local before
	before=$(network_of "$host")
	like "$(current_run --route 192.0.0.0/8 --route 10.20.0.0/24 -- sh -c "$page")" "$page_regex" \
		"page through the tunnel"
	is "$(network_of "$host")" "$before" "network of the namespace afterwards"
}

# A host route of the tunnel's own stands right over the gateway: only a pin keeps it outside. The application ends with
# its children: a page that one of them fetched after the worker's end would be a packet around the tunnel.
route_over_the_gateway_itself_leaves_it_outside() {
	local before mark=0
	before=$(network_of "$host")
	current_start pinned --route 192.0.2.0/25 --route 10.20.0.0/24 -- \
		sh -c "trap exit TERM; while :; do $page; sleep 0.5; done"
	succeeds "pages arrive" wait_for 20 log_has pinned 0 "$page_regex"
	like "$(ip -n "$host" -4 route get 192.0.2.1)" 'dev u0' "the way to the gateway"
	like "$(ip -n "$host" -4 route get 192.0.2.7)" 'dev vnet0' "the way to its neighbours"
	mark=$(log_mark pinned)
	succeeds "more pages arrive" wait_for 20 log_has pinned "$mark" "$page_regex"
	is "$(grep -c 'the tunnel is down' "$world_dir/pinned.log")" 0 "times that the tunnel broke"
	stop "$worker_pid"
	is "$(ip netns pids "$host")" "$capture_pid" "processes that are left"
	is "$(network_of "$host")" "$before" "network of the namespace afterwards"
}

# Others' routes to the very same destinations: the link's own, the default route, a way to the gateway.
routes_of_others_are_there_again_afterwards() {
	local before route
	ip -n "$host" route add 192.0.2.1/32 dev u0
	before=$(network_of "$host")
	for route in 192.0.2.0/25 192.0.2.0/24 0.0.0.0/0; do
		like "$(current_run --route $route --route 10.20.0.0/24 --connect-timeout 20 -- sh -c "$page")" \
			"$page_regex" "page through the tunnel with $route"
		is "$(network_of "$host")" "$before" "network of the namespace after --route $route"
		restore_routes
	done
	ip -n "$host" route del 192.0.2.1/32 dev u0
}

restore_routes() {
	ip -n "$host" route replace 192.0.2.0/24 dev u0 proto kernel scope link src 192.0.2.2
	ip -n "$host" route replace 192.0.2.1/32 dev u0
	ip -n "$host" route replace default via 192.0.2.1
}

# The way to the gateway that the worker keeps outside goes with the link, and must come back with it.
tunnel_heals_when_the_link_was_down() {
	local mark
	current_start flaps --route 192.0.2.0/25 --route 10.20.0.0/24
	succeeds "the tunnel is up" wait_for 20 log_has flaps 0 'connected: WEBSITE_PRIVATE_IP='
	mark=$(log_mark flaps)
	ip -n "$host" link set u0 down
	end_connections
	ip -n "$host" link set u0 up
	ip -n "$host" addr replace fd00:1::2/64 dev u0 nodad
	ip -n "$host" route replace default via 192.0.2.1 dev u0 onlink
	succeeds "the tunnel is up again" wait_for 30 log_has flaps "$mark" 'connected: WEBSITE_PRIVATE_IP='
	stop "$worker_pid"
}

# cuts every session at the gateway's end, as if its machine had started again
end_connections() {
	stop "$gateway_pid" KILL
	start_gateway
}

second_worker_does_not_take_the_first_ones_routes() {
	local first_pid second_pid
	current_start first --route 10.20.0.0/24 --tun first0
	first_pid=$worker_pid
	succeeds "the first tunnel is up" wait_for 20 log_has first 0 'connected: WEBSITE_PRIVATE_IP='
	current_start second --route 10.20.0.0/24 --tun second0
	second_pid=$worker_pid
	succeeds "the second has an answer" wait_for 20 log_has second 0 'connected|first0|10\.20\.0\.0/24'
	stop "$second_pid"
	like "$(in_ns "$host" sh -c "$page")" "$page_regex" "page through the first when the second has gone"
	stop "$first_pid"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

killed_worker_leaves_no_way_around() {
	local began_at
	network_before=$(network_of "$host")
	current_start killed --route 10.20.0.0/24 -- sh -c "$page; exec sleep 600"
	succeeds "the page arrives" wait_for 20 log_has killed 0 "$page_regex"
	end_at_once "$worker_pid"
	succeeds "its device goes with it" wait_for 10 has_no_tun
	began_at=$(date +%s%N)
	in_ns "$host" curl -s -m 10 -o /dev/null http://10.20.0.2/
	isnt $? 0 "a page is fetched although the worker is dead"
	at_most $((($(date +%s%N) - began_at) / 1000000)) 3000 "milliseconds until it failed"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

# kills a worker without a word, and the application that it leaves behind
end_at_once() {
	local children
	children=$(pgrep -P "$1")
	stop "$1" KILL
	# shellcheck disable=SC2086 # one or more process ids
	kill -s KILL $children 2>/dev/null
	rm -rf "/run/sstp-worker/$1" # its resolv.conf, which nobody uses any more
}

has_no_tun() {
	[ -z "$(ip -n "$host" -o link show type tun)" ]
}

next_start_takes_over_and_leaves_nothing() {
	like "$(current_run --route 10.20.0.0/24 -- sh -c "$page")" "$page_regex" "page through the tunnel"
	is "$(network_of "$host")" "$network_before" "network of the namespace afterwards"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

killed_worker_with_a_pin_is_taken_over_too() {
	local before
	before=$(network_of "$host")
	current_start again --route 192.0.2.0/25 --route 10.20.0.0/24 -- sh -c "$page; exec sleep 600"
	succeeds "the page arrives" wait_for 20 log_has again 0 "$page_regex"
	end_at_once "$worker_pid"
	succeeds "its device goes with it" wait_for 10 has_no_tun
	like "$(current_run --route 192.0.2.0/25 --route 10.20.0.0/24 -- sh -c "$page")" "$page_regex" \
		"page through the next tunnel"
	is "$(network_of "$host")" "$before" "network of the namespace afterwards"
}

two_workers_serve_two_users_at_once() {
	local alice_pid bob_pid
	local script="echo \"address \$WEBSITE_PRIVATE_IP\"; $page; exec sleep 600"
	worker_start two-alice -- sh -c "$script"
	alice_pid=$worker_pid
	worker_command bob
	start two-bob "$host" "${worker_command[@]}" --own-netns --route 10.20.0.0/24 -- sh -c "$script"
	bob_pid=$started_pid
	succeeds "alice's page" wait_for 20 log_has two-alice 0 "$page_regex"
	succeeds "bob's page" wait_for 20 log_has two-bob 0 "$page_regex"
	isnt "$(grep -m 1 '^address' "$world_dir/two-alice.log")" \
		"$(grep -m 1 '^address' "$world_dir/two-bob.log")" "the address of one and the other"
	succeeds "alice's worker goes on" is_running $alice_pid
	stop $alice_pid
	is $? $EXIT_SIGTERM "exit status of alice's worker: its application's"
	succeeds "bob's worker goes on" is_running $bob_pid
	stop $bob_pid
}

application_that_cannot_start_ends_the_worker_like_a_shell() {
	local mark
	mark=$(log_mark worker)
	worker_run -- no-such-program
	is $? 127 "exit status for a program that is not there"
	worker_run -- /etc/passwd
	is $? 126 "exit status for a file that is no program"
	like "$(log_since worker "$mark")" "cannot start 'no-such-program': cannot execute: No such file" \
		"the worker says why"
}

settings_come_from_a_file() {
	cat >"$world_dir/worker.yaml" <<-EOF
		gateway: 192.0.2.1:443
		user: bob
		password_file: bob.password
		ca: ca.pem
		vnet_name: lab
		netns: $app
		routes: [10.20.0.0/24]
		connect_timeout: 30
	EOF
	is "$(timeout -k 5 60 ip netns exec "$host" "$worker_bin" --config "$world_dir/worker.yaml" \
		-- sh -c "echo \$WEBSITE_VNETNAME; $page" 2>>"$world_dir/worker.log" |
		sed 's/172.16.77.*/of the pool/')" "lab
hello from the virtual network, of the pool" "output of the application"
	like "$(tail -n 20 "$world_dir/gateway.log")" 'user="bob"' "the gateway's log"
}

sigterm_without_an_application_says_goodbye() {
	local mark began
	mark=$(log_mark gateway)
	current_start alone --route 10.20.0.0/24
	succeeds "the tunnel is up" wait_for 20 log_has alone 0 'connected: WEBSITE_PRIVATE_IP='
	like "$(in_ns "$host" sh -c "$page")" "$page_regex" "page for anybody in the namespace"
	began=$(date +%s%N)
	stop "$worker_pid" TERM
	is $? 0 "exit status of the worker"
	at_most $((($(date +%s%N) - began) / 1000000)) 3000 "milliseconds until it ended"
	succeeds "the gateway was told" wait_for 5 log_has gateway "$mark" \
		'user="alice" closed after .*(the peer ended the link|the peer disconnected)'
}

sigterm_while_it_still_tries_is_obeyed() {
	local began
	start nobody "$host" "$worker_bin" --gateway 192.0.2.77 --user alice \
		--password-file "$world_dir/alice.password" --ca "$world_dir/ca.pem" --current-netns \
		--route 10.20.0.0/24
	worker_pid=$started_pid
	succeeds "it tries" wait_for 20 log_has nobody 0 'trying again'
	began=$(date +%s%N)
	stop "$worker_pid" TERM
	is $? 0 "exit status of the worker"
	at_most $((($(date +%s%N) - began) / 1000000)) 3000 "milliseconds until it ended"
}

# `ip netns exec` mounts this folder's files over those in /etc
gateway_is_found_by_its_name() {
	mkdir -p "/etc/netns/$host" && echo "192.0.2.1 gw.test" >"/etc/netns/$host/hosts"
	like "$(in_ns "$host" timeout -k 5 60 "$worker_bin" --gateway gw.test --user alice \
		--password-file "$world_dir/alice.password" --ca "$world_dir/ca.pem" --netns "$app" \
		--route 10.20.0.0/24 -- sh -c "$page" 2>>"$world_dir/worker.log")" "$page_regex" \
		"page through the tunnel to gw.test"
	rm -r "/etc/netns/$host"
}

gateway_is_reached_over_ipv6() {
	local mark
	mark=$(log_mark gateway)
	like "$(in_ns "$host" timeout -k 5 60 "$worker_bin" --gateway '[fd00:1::1]:443' --user alice \
		--password-file "$world_dir/alice.password" --ca "$world_dir/ca.pem" --netns "$app" \
		--route 10.20.0.0/24 -- sh -c "$page" 2>>"$world_dir/worker.log")" "$page_regex" \
		"page through the tunnel to fd00:1::1"
	like "$(log_since gateway "$mark")" 'peer=\[fd00:1::2\]:[0-9]+ user="alice" authenticated' \
		"the gateway's log"
}

capture_would_have_seen_a_leak() {
	is "$(leaked)" 0 "packets that left around the tunnel"
	in_ns "$host" curl -s -m 10 -o /dev/null http://10.20.0.2/
	is $? 0 "without a worker the default route reaches the server"
	succeeds "packets seen around the tunnel, when there is none" wait_for 5 has_leaked
}

has_leaked() {
	[ "$(leaked)" -gt 0 ]
}

tap_main \
	application_beside_the_worker_reaches_the_network \
	route_over_the_gateways_link_keeps_the_tunnel \
	route_over_the_gateway_itself_leaves_it_outside \
	routes_of_others_are_there_again_afterwards \
	tunnel_heals_when_the_link_was_down \
	second_worker_does_not_take_the_first_ones_routes \
	killed_worker_leaves_no_way_around \
	next_start_takes_over_and_leaves_nothing \
	killed_worker_with_a_pin_is_taken_over_too \
	two_workers_serve_two_users_at_once \
	application_that_cannot_start_ends_the_worker_like_a_shell \
	settings_come_from_a_file \
	sigterm_without_an_application_says_goodbye \
	sigterm_while_it_still_tries_is_obeyed \
	gateway_is_found_by_its_name \
	gateway_is_reached_over_ipv6 \
	capture_would_have_seen_a_leak \
	-- "$@"
