#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the worker must not do to its neighbourhood, and what must not happen to it. In --current-netns beside
# routes of the operator's that lead to the virtual network without a tunnel; after SIGKILL; without its
# device, its resolver or its gateway.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

readonly EXIT_INTERNAL=125

page='curl -sS -m 5 http://10.20.0.2/'
page_regex='^hello from the virtual network, 172\.16\.77\.'

setup() {
	world_up && end_with failclosed_end && make_ca ca && make_certificate server ca &&
		start_web_server && write_config alice:wonderland bob:builder &&
		write_password alice wonderland && write_password bob builder &&
		ip -n "$host" route add default via 192.0.2.1 metric 50 &&
		ip -n "$host" route add 10.20.0.0/24 via 192.0.2.1 &&
		ip -n "$host" route add 10.20.0.2 via 192.0.2.1 &&
		ip -n "$host" route add 192.0.2.1 dev u0 && start_gateway && start_capture
	host_before=$(network_of "$host")
}

failclosed_end() {
	rm -rf "/etc/netns/$host" "/etc/netns/$app"
	world_end
}

start_capture() {
	start capture "$host" tcpdump -i u0 -n -U --immediate-mode -Z root -w "$world_dir/leak.pcap" \
		'dst net 10.20.0.0/24'
	wait_for 10 log_has capture 0 'listening on'
}

captured() {
	tcpdump -n -r "$world_dir/leak.pcap" 2>/dev/null | wc -l
}

# An earlier case's tunnel has ended in order, and its application's last connection may send its FIN again: that is
# not this case's affair.
forget_leaks() {
	leaks_before=$(captured)
}

leaked() {
	echo $(($(captured) - ${leaks_before:-0}))
}

# current_start NAME USER [OPTION]... [-- APP ARGS...]: in host itself, output in NAME.log
current_start() {
	local name=$1
	worker_command "$2"
	shift 2
	start "$name" "$host" "${worker_command[@]}" --current-netns "$@"
	worker_pid=$started_pid
}

connected='connected: WEBSITE_PRIVATE_IP='
is_down='the tunnel is down'

# ms_of COMMAND...: sets ms and status
ms_of() {
	local began
	began=$(date +%s%N)
	"$@"
	status=$?
	ms=$((($(date +%s%N) - began) / 1000000))
}

everything_is_tunnelled_and_the_operators_routes_survive() {
	current_start all alice --route 0.0.0.0/0 --route 10.20.0.0/24
	succeeds "the tunnel is up" wait_for 20 log_has all 0 "$connected"
	like "$(in_ns "$host" sh -c "$page")" "$page_regex" "page through the tunnel"
	stop "$worker_pid"
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
	is "$(leaked)" 0 "packets that left around the tunnel"
}

operators_routes_are_no_way_around_a_lost_tunnel() {
	current_start lost alice --route 10.20.0.0/24
	succeeds "the tunnel is up" wait_for 20 log_has lost 0 "$connected"
	stop "$gateway_pid" KILL
	succeeds "the tunnel is lost" wait_for 20 log_has lost 0 "$is_down"
	ms_of in_ns "$host" curl -s -m 5 -o /dev/null http://10.20.0.2/
	isnt $status 0 "a page is fetched without a tunnel"
	at_most $ms 2000 "milliseconds until it was refused"
	is "$(leaked)" 0 "packets that left around the tunnel"
	succeeds "the gateway starts again" start_gateway
	succeeds "the tunnel is up again" wait_for 30 connects_again lost
	stop "$worker_pid"
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
}

# connects_again NAME: a second time
connects_again() {
	[ "$(grep -c "$connected" "$world_dir/$1.log")" -ge 2 ]
}

flap_of_the_link_leaves_no_stale_way_to_the_gateway() {
	current_start flap alice --route 192.0.2.0/25
	succeeds "the tunnel is up" wait_for 20 log_has flap 0 "$connected"
	stop "$gateway_pid" KILL
	ip -n "$host" link set u0 down
	succeeds "the tunnel is lost" wait_for 20 log_has flap 0 "$is_down"
	ip -n "$host" link set u0 up
	ip -n "$host" route add default via 192.0.2.1 metric 50
	succeeds "the gateway starts again" start_gateway
	succeeds "the tunnel is up again" wait_for 30 connects_again flap
	stop "$worker_pid"
	ip -n "$host" route add 10.20.0.0/24 via 192.0.2.1
	ip -n "$host" route add 10.20.0.2 via 192.0.2.1
	ip -n "$host" route add 192.0.2.1 dev u0
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
}

second_worker_with_an_overlapping_prefix_is_refused() {
	local first_pid before
	current_start first alice --route 10.20.0.0/24
	first_pid=$worker_pid
	succeeds "the tunnel is up" wait_for 20 log_has first 0 "$connected"
	before=$(network_of "$host")
	current_start second bob --route 10.0.0.0/8 --tun vnet1
	wait_for 10 is_gone "$worker_pid"
	stop "$worker_pid" KILL
	is $? $EXIT_INTERNAL "exit status of the second worker"
	like "$(cat "$world_dir/second.log")" \
		'route 10\.0\.0\.0/8 overlaps what another worker in this namespace tunnels' "its message"
	is "$(network_of "$host")" "$before" "network of the namespace"
	like "$(in_ns "$host" sh -c "$page")" "$page_regex" "page through the first tunnel"
	stop "$first_pid"
}

second_worker_with_other_prefixes_lives_beside_the_first() {
	local first_pid
	current_start one alice --route 10.20.0.0/24
	first_pid=$worker_pid
	succeeds "the first tunnel is up" wait_for 20 log_has one 0 "$connected"
	current_start two bob --route 10.30.0.0/24 --tun vnet1
	succeeds "the second tunnel is up" wait_for 20 log_has two 0 "$connected"
	like "$(ip -n "$host" route get 10.20.0.2)" 'dev vnet0' "the way of the first's prefix"
	like "$(ip -n "$host" route get 10.30.0.2)" 'dev vnet1' "the way of the second's prefix"
	stop "$worker_pid"
	like "$(in_ns "$host" sh -c "$page")" "$page_regex" "page when the second has ended"
	stop $first_pid
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
}

killed_worker_stays_closed_until_the_next_start() {
	forget_leaks
	current_start killed alice --route 10.20.0.0/24 --route 192.0.2.0/25
	killed_pid=$worker_pid
	succeeds "the tunnel is up" wait_for 20 log_has killed 0 "$connected"
	stop "$killed_pid" KILL
	in_ns "$host" curl -s -m 5 -o /dev/null http://10.20.0.2/
	isnt $? 0 "a page is fetched although the worker is dead"
	is "$(leaked)" 0 "packets that left around the tunnel"
	current_start next alice --route 10.20.0.0/25
	succeeds "the next tunnel is up" wait_for 20 log_has next 0 "$connected"
	is "$(ip -n "$host" -o route show table all proto 83 type unreachable | wc -l)" 1 \
		"unreachable routes: its own and no older ones"
	stop "$worker_pid"
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
	is "$(ls "/run/sstp-worker/$killed_pid" 2>/dev/null)" "" "what the dead one left below /run"
}

network_that_is_set_up_by_half_is_taken_back() {
	local table
	stop "$gateway_pid" TERM
	current_start half alice --route 10.20.0.0/24 --route 10.30.0.0/24
	succeeds "it tries" wait_for 20 log_has half 0 'trying again'
	table=$(ip -n "$host" rule show priority 8383 | sed 's/.*lookup \([0-9]*\).*/\1/')
	ip -n "$host" route add 10.30.0.0/24 dev u0 table "$table" metric 2
	succeeds "the gateway starts again" start_gateway
	succeeds "it cannot set all up" wait_for 20 log_has half 0 "cannot set up the app's network: File exists"
	is "$(ip -n "$host" -o link show up dev vnet0)" "" "the device is not up"
	ip -n "$host" route del 10.30.0.0/24 dev u0 table "$table" metric 2
	succeeds "the tunnel is up" wait_for 30 log_has half 0 "$connected"
	stop "$worker_pid"
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
}

tunnel_comes_back_without_a_resolver() {
	mkdir -p "/etc/netns/$host" && echo "192.0.2.1 gw.test" >"/etc/netns/$host/hosts"
	start names "$host" "$worker_bin" --gateway gw.test --user alice --ca "$world_dir/ca.pem" \
		--password-file "$world_dir/alice.password" --current-netns --route 0.0.0.0/0
	worker_pid=$started_pid
	succeeds "the tunnel is up" wait_for 20 log_has names 0 "$connected"
	: >"/etc/netns/$host/hosts"
	stop "$gateway_pid" KILL
	succeeds "the tunnel is lost" wait_for 20 log_has names 0 "$is_down"
	succeeds "the gateway starts again" start_gateway
	succeeds "the tunnel is up again" wait_for 40 connects_again names
	like "$(cat "$world_dir/names.log")" 'dialling an address known from before' "the worker's log"
	stop "$worker_pid"
	rm -r "/etc/netns/$host"
}

deleted_device_ends_application_and_worker() {
	worker_start device -- sh -c 'trap "echo got TERM; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	succeeds "the application starts" wait_for 20 log_has device 0 '^ready'
	ip -n "$app" link del vnet0
	succeeds "the worker ends" wait_for 8 is_gone "$worker_pid"
	stop "$worker_pid" KILL
	is $? $EXIT_INTERNAL "exit status of the worker"
	is "$(grep -c "error: the TUN device 'vnet0' is gone" "$world_dir/device.log")" 1 "times that it says so"
	like "$(cat "$world_dir/device.log")" 'got TERM' "the application was ended in order"
	is "$(ip -n "$app" rule show priority 8383)" "" "rules that are left"
}

operators_resolv_conf_comes_back_after_a_killed_worker() {
	local file=/etc/netns/$app/resolv.conf
	mkdir -p "/etc/netns/$app" && echo "nameserver 192.0.2.53" >"$file"
	worker_start names1 -- sleep 600
	succeeds "our server stands there" wait_for 20 grep -q 10.20.0.2 "$file"
	end_processes_in_app "$worker_pid"
	is "$(worker_run -- sed -n 's/^nameserver //p' /etc/resolv.conf)" 10.20.0.2 "the next one's server"
	is "$(cat "$file")" "nameserver 192.0.2.53" "the operator's file afterwards"
	is "$(ls "/etc/netns/$app")" resolv.conf "files in the folder"
	rm -r "/etc/netns/$app"
}

# kills a worker without a word, and the application that it leaves behind
end_processes_in_app() {
	stop "$1" KILL
	signal_all KILL "$app"
	wait_for 5 is_empty_ns "$app"
}

namespace_by_path_has_name_servers_too() {
	worker_command alice
	is "$(in_ns "$host" timeout -k 5 60 "${worker_command[@]}" --netns "/run/netns/$app" \
		--route 10.20.0.0/24 -- sed -n 's/^nameserver //p' /etc/resolv.conf 2>>"$world_dir/worker.log")" \
		10.20.0.2 "name server in the application's resolv.conf"
}

application_runs_without_a_resolv_conf() {
	local mark
	mark=$(log_mark worker)
	worker_command alice
	is "$(in_ns "$host" unshare -m sh -c 'mount -t tmpfs none /etc && exec "$@"' sh \
		timeout -k 5 60 "${worker_command[@]}" --netns "/run/netns/$app" --route 10.20.0.0/24 \
		-- sh -c 'echo "$WEBSITE_DNS_SERVER"' 2>>"$world_dir/worker.log")" 10.20.0.2 \
		"WEBSITE_DNS_SERVER"
	like "$(log_since worker "$mark")" 'warning: there is no /etc/resolv.conf' "the worker's warning"
}

dead_gateway_does_not_keep_the_exit_status_back() {
	mkfifo "$world_dir/fifo"
	worker_start late -- sh -c 'echo ready; read -r _ <"$0"; exit 7' "$world_dir/fifo"
	succeeds "the application starts" wait_for 20 log_has late 0 '^ready'
	freeze "$(data_pid)"
	echo >"$world_dir/fifo"
	ms_of wait "$worker_pid"
	kill -s CONT "$(data_pid)"
	is $status 7 "exit status of the application"
	at_least $ms 2000 "milliseconds: the goodbye was tried"
	at_most $ms 4500 "milliseconds until the worker ended"
}

second_sigterm_ends_at_once() {
	current_start twice alice --route 10.20.0.0/24
	succeeds "the tunnel is up" wait_for 20 log_has twice 0 "$connected"
	freeze "$(data_pid)"
	kill -s TERM "$worker_pid"
	succeeds "it says goodbye" wait_for 5 log_has twice 0 'Terminated: disconnecting'
	ms_of stop "$worker_pid" TERM
	kill -s CONT "$(data_pid)"
	is $status 0 "exit status of the worker"
	at_most $ms 1500 "milliseconds from the second SIGTERM on"
	is "$(network_of "$host")" "$host_before" "network of the namespace afterwards"
}

capture_would_have_seen_a_leak() {
	forget_leaks
	in_ns "$host" curl -s -m 5 -o /dev/null http://10.20.0.2/
	is $? 0 "without a worker the operator's route reaches the server"
	succeeds "packets seen around the tunnel, when there is none" wait_for 5 has_leaked
}

has_leaked() {
	[ "$(leaked)" -gt 0 ]
}

tap_main \
	everything_is_tunnelled_and_the_operators_routes_survive \
	operators_routes_are_no_way_around_a_lost_tunnel \
	flap_of_the_link_leaves_no_stale_way_to_the_gateway \
	second_worker_with_an_overlapping_prefix_is_refused \
	second_worker_with_other_prefixes_lives_beside_the_first \
	killed_worker_stays_closed_until_the_next_start \
	network_that_is_set_up_by_half_is_taken_back \
	tunnel_comes_back_without_a_resolver \
	deleted_device_ends_application_and_worker \
	operators_resolv_conf_comes_back_after_a_killed_worker \
	namespace_by_path_has_name_servers_too \
	application_runs_without_a_resolv_conf \
	dead_gateway_does_not_keep_the_exit_status_back \
	second_sigterm_ends_at_once \
	capture_would_have_seen_a_leak \
	-- "$@"
