#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the operator changes reaches a worker that runs, in band: routes, name servers, the end of a connection. Its app
# and its streams go on, unless its restart policy says otherwise; a hook is told of everything.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
traffic=$here/seamless.py
plan=http://x/subscriptions/default/resourceGroups/default/providers/Microsoft.Web/serverfarms/gold
readonly EXIT_DISCONNECTED=123 EXIT_SIGTERM=143

setup() {
	world_up && make_more_networks && start_web_server &&
		start echo "$vnet" python3 "$traffic" serve 10.20.0.2 7 && wait_for 5 is_listening "$vnet" 7 &&
		write_authority_config && start_gateway && wait_for 10 test -S "$world_dir/control.sock" &&
		make_site >>"$world_dir/ctl.log" 2>&1
}

# behind the gateway, besides vnet1's own 10.20.0.0/24: only a plan's routes lead there
make_more_networks() {
	local n
	for n in 30 40; do
		ip -n "$vnet" addr add 10.$n.0.2/24 dev v1 && ip -n "$gw" route add 10.$n.0.0/24 via 10.20.0.2 || return 1
	done
}

ctl() {
	"$sstpctl_bin" "$1" "$2" --socket "$world_dir/control.sock" "${@:3}"
}

make_site() {
	ctl plan create gold --tier Basic && ctl app create shop --plan gold && ctl connection connect shop vnet1 &&
		in_ns "$host" "$worker_bin" enrol "$(ctl token create --app shop --vnet vnet1 --gateway 192.0.2.1)" \
			--profile "$world_dir/shop.yaml"
}

# events go here, one in a line
# shellcheck disable=SC2016
hook='echo "$SSTP_EVENT address=$SSTP_ADDRESS was=$SSTP_OLD_ADDRESS routes=$SSTP_ROUTES were=$SSTP_OLD_ROUTES'
hook+=' dns=$SSTP_DNS reason=$SSTP_REASON" >>'

# live_start NAME [OPTION]... -- APP ARGS...: sets worker_pid
live_start() {
	local name=$1
	shift
	: >"$world_dir/$name.log"
	start "$name" "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$app" \
		--on-event "$hook$world_dir/$name.events" "$@"
	worker_pid=$started_pid
	wait_for 10 log_has "$name" 0 '^app ' || flunk "no app" "$(tail -n 20 "$world_dir/$name.log")"
}

# an app that prints what it was told, and runs on
# shellcheck disable=SC2016
idle_app='echo app $$ $WEBSITE_PRIVATE_IP $WEBSITE_VNETNAME $WEBSITE_DNS_SERVER,$WEBSITE_DNS_ALT_SERVER; exec sleep 300'

reaches() {
	in_ns "$app" ping -c 1 -W 1 "$1" >/dev/null 2>&1
}

has_route() {
	ip -n "$app" route show table all | grep -q "^$1 dev vnet0"
}

has_no_route() {
	! ip -n "$app" route show table all | grep -q -E "^(unreachable )?$1( |\$)"
}

has_event() {
	grep -q -E -- "$2" "$world_dir/$1.events" 2>/dev/null
}

app_pid() {
	sed -n 's/^app \([0-9]*\) .*/\1/p' "$world_dir/$1.log" | tail -n 1
}

starts() {
	grep -c '^app ' "$world_dir/$1.log"
}

routes_of_profile() {
	"$worker_bin" profile show "$world_dir/shop.yaml" --json |
		python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)["addressSpaces"]))'
}

profile_has() {
	[ "$(routes_of_profile)" = "$*" ]
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

B34_route_of_the_plan_reaches_a_running_worker_within_a_second() {
	local began
	live_start shop -- sh -c "$idle_app"
	reaches 10.30.0.2 && flunk "10.30.0.2 is reached without a route"
	began=$(now_ms)
	ctl route create gold vnet1 far --prefix 10.30.0.0/24 >>"$world_dir/ctl.log" 2>&1
	wait_for 5 has_route 10.30.0.0/24 || flunk "no route"
	at_most $(($(now_ms) - began)) 1000 "milliseconds until the route was there"
	succeeds "10.30.0.2 is reached" reaches 10.30.0.2
	succeeds "10.20.0.2 is reached still" reaches 10.20.0.2
	is "$(starts shop)" 1 "starts of the app"
	succeeds "the hook is told of both" wait_for 5 has_event shop \
		'^network-changed .* routes=10\.20\.0\.0/24,10\.30\.0\.0/24 were=10\.20\.0\.0/24 '
}

live_network_is_in_the_profile_for_the_next_start() {
	succeeds "the profile has it" wait_for 5 profile_has 10.20.0.0/24 10.30.0.0/24
	is "$(stat -c %a "$world_dir/shop.yaml")" 600 "mode of the profile"
}

B34_route_that_is_deleted_is_refused_at_once() {
	ctl route delete gold vnet1 far >>"$world_dir/ctl.log" 2>&1
	wait_for 5 has_no_route 10.30.0.0/24 || flunk "the route stays"
	reaches 10.30.0.2 && flunk "10.30.0.2 is reached"
	succeeds "10.20.0.2 is reached still" reaches 10.20.0.2
	succeeds "the profile has it" wait_for 5 profile_has 10.20.0.0/24
	stop "$worker_pid"
}

# sends from the private address without end, and says when that changes
sender='import os, socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((os.environ["WEBSITE_PRIVATE_IP"], 0))
print("app", os.getpid(), os.environ["WEBSITE_PRIVATE_IP"], flush=True)
before = ""
while True:
	try:
		s.sendto(b"x", ("10.30.0.2", 9))
		now = "sent"
	except OSError as e:
		now = os.strerror(e.errno)
	if now != before:
		print("datagram:", now, flush=True)
	before = now
	time.sleep(0.01)'

start_capture() {
	start capture "$host" tcpdump -i u0 -n -U --immediate-mode -Z root -w "$world_dir/leak.pcap" \
		'net 10.30.0.0/24 or net 172.16.77.0/24'
	capture_pid=$started_pid
	wait_for 10 log_has capture 0 'listening on'
}

has_no_tun() {
	[ -z "$(ip -n "$host" -o link show type tun)" ]
}

leaked() {
	tcpdump -n -r "$world_dir/leak.pcap" 2>/dev/null | wc -l
}

# bound_start NAME: the sender beside the worker, in host, where another way leads to 10.30.0.0/24
bound_start() {
	start "$1" "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --current-netns -- python3 -c "$sender"
	worker_pid=$started_pid
	wait_for 10 log_has "$1" 0 '^datagram: sent'
}

B34_socket_on_the_private_address_finds_no_other_way_when_its_route_is_deleted() {
	local address before
	ip -n "$host" route add default via 192.0.2.1
	before=$(network_of "$host")
	ctl route create gold vnet1 far --prefix 10.30.0.0/24 >>"$world_dir/ctl.log" 2>&1
	start_capture
	succeeds "datagrams are sent through the tunnel" bound_start bound
	ctl route delete gold vnet1 far >>"$world_dir/ctl.log" 2>&1
	succeeds "then refused" wait_for 5 log_has bound 0 '^datagram: Network is unreachable'
	is "$(leaked)" 0 "packets that left around the tunnel"

	address=$(sed -n 's/^app [0-9]* //p' "$world_dir/bound.log")
	stop "$worker_pid" KILL
	succeeds "its device goes with it" wait_for 5 has_no_tun
	ip -n "$host" addr add "$address/32" dev lo
	sleep 0.2 # of sending
	is "$(leaked)" 0 "packets that left around the tunnel of a dead worker"
	ip -n "$host" addr del "$address/32" dev lo
	kill -s KILL "$(app_pid bound)"

	start bound_next "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --current-netns
	succeeds "the next worker connects" wait_for 10 log_has bound_next 0 'connected: WEBSITE_PRIVATE_IP='
	stop "$started_pid"
	is "$(network_of "$host")" "$before" "network of the namespace afterwards"
	ip -n "$host" route del default via 192.0.2.1
	stop "$capture_pid"
}

# 10 routes come and go while the app's stream runs on
B32_stream_to_a_kept_prefix_loses_nothing_while_routes_change() {
	local i
	live_start stream -- sh -c "echo app \$\$; exec python3 $traffic app 10.20.0.2 7 2000000"
	for ((i = 0; i < 10; i++)); do
		ctl route create gold vnet1 "far$i" --prefix "10.40.$i.0/24" || break
		wait_for 5 has_route "10.40.$i.0/24" || flunk "no route to 10.40.$i.0/24"
		ctl route delete gold vnet1 "far$i"
		wait_for 5 has_no_route "10.40.$i.0/24" || flunk "the route to 10.40.$i.0/24 stays"
	done >>"$world_dir/ctl.log" 2>&1
	is "$i" 10 "changes"
	kill -s TERM "$(app_pid stream)"
	wait_for 30 log_has stream 0 '^tcp ' || flunk "the stream did not end"
	wait "$worker_pid"
	like "$(grep '^tcp ' "$world_dir/stream.log")" '^tcp ([0-9]+) ([0-9]+) same$' "the bytes that came back"
	is "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "their number"
	like "$(grep '^probe ' "$world_dir/stream.log")" '^probe [0-9]+ 0 ' "datagrams: sent, lost"
	log_has stream 0 'the tunnel is down' && flunk "the tunnel was down"
	diag "$(grep '^probe ' "$world_dir/stream.log") us"
}

# set_dns SERVER...: of vnet1, which is gateway.yaml's; the file is read again
set_dns() {
	local list=$*
	sed -i "s/dns_servers:.*/dns_servers: [${list// /, }]/" "$world_dir/gateway.yaml"
	kill -s HUP "$gateway_pid"
}

servers_are() {
	[ "$(sed -n 's/^nameserver //p' "/etc/netns/$app/resolv.conf" | xargs)" = "$*" ]
}

B31_name_servers_change_under_the_app_in_place() {
	local inode
	live_start dns --dns-alt-server 192.0.2.99 -- sh -c "$idle_app"
	succeeds "the VNet's, then the alternative" servers_are 10.20.0.2 192.0.2.99
	like "$(grep '^app' "$world_dir/dns.log")" ' vnet1 10\.20\.0\.2,192\.0\.2\.99$' "its environment"
	inode=$(stat -c %i "/etc/netns/$app/resolv.conf")
	set_dns 10.20.0.3 10.20.0.4
	succeeds "the new ones" wait_for 5 servers_are 10.20.0.3 10.20.0.4 192.0.2.99
	is "$(stat -c %i "/etc/netns/$app/resolv.conf")" "$inode" "the file"
	is "$(nsenter -t "$(app_pid dns)" -m -- sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)" 10.20.0.3 \
		"what the app sees"
	is "$(starts dns)" 1 "starts of the app"
	set_dns 10.20.0.2
	succeeds "the old one again" wait_for 5 servers_are 10.20.0.2 192.0.2.99
	stop "$worker_pid"
}

starts_are() {
	[ "$(starts "$1")" -ge "$2" ]
}

B32_app_is_started_again_with_the_new_network_when_that_is_wished() {
	live_start always --restart-app always -- sh -c "$idle_app"
	set_dns 10.20.0.3
	wait_for 10 starts_are always 2 || flunk "the app is not started again"
	like "$(grep '^app' "$world_dir/always.log" | tail -n 1)" ' 10\.20\.0\.3,$' "its environment"
	set_dns 10.20.0.2
	wait_for 10 starts_are always 3 || flunk "the app is not started again"
	stop "$worker_pid"
	is $? $EXIT_SIGTERM "exit status: the app's"
	is "$(starts always)" 3 "starts of the app"
}

B32_restart_asked_by_the_operator_is_an_event_and_a_new_tunnel() {
	local began
	live_start sync -- sh -c "$idle_app"
	began=$(now_ms)
	curl -sS -f -X POST --unix-socket "$world_dir/control.sock" "$plan/virtualNetworkConnections/vnet1/sync?restart=true" \
		>>"$world_dir/ctl.log" 2>&1 || flunk "the sync fails"
	succeeds "the hook is told" wait_for 10 has_event sync '^restart-required .*the gateway asks for it'
	at_most $(($(now_ms) - began)) 2000 "milliseconds until the new tunnel"
	succeeds "10.20.0.2 is reached" reaches 10.20.0.2
	is "$(starts sync)" 1 "starts of the app, which is never started again"
	stop "$worker_pid"
}

B27_disconnect_takes_routes_and_name_servers_and_leaves_the_app() {
	local before
	before=$(network_of "$app")
	live_start gone -- sh -c "$idle_app"
	isnt "$(network_of "$app")" "$before" "network of the app"
	ctl connection disconnect shop >>"$world_dir/ctl.log" 2>&1
	succeeds "the hook is told" wait_for 10 has_event gone '^disconnected '
	succeeds "a restart is asked for" wait_for 5 has_event gone '^restart-required '
	is "$(cut -d ' ' -f 1 "$world_dir/gone.events" | xargs)" "up down disconnected restart-required" "events"
	wait_for 5 network_is "$before" || flunk "something is left" "$(network_of "$app")"
	servers_are 10.20.0.2 && flunk "the VNet's name server is left"
	succeeds "the app runs on" is_running "$(app_pid gone)"
	like "$(in_ns "$host" "$worker_bin" status "$worker_pid")" '^shop: disconnected since' "the status"
	stop "$worker_pid"
	is $? $EXIT_SIGTERM "exit status: the app's"
}

network_is() {
	[ "$(network_of "$app")" = "$1" ]
}

B27_disconnect_ends_an_app_that_may_be_started_again() {
	ctl connection connect shop vnet1 >>"$world_dir/ctl.log" 2>&1
	live_start ends --restart-app on-address-change -- sh -c "$idle_app"
	ctl connection disconnect shop >>"$world_dir/ctl.log" 2>&1
	wait_for 15 is_gone "$worker_pid" || flunk "the worker goes on"
	wait "$worker_pid"
	is $? $EXIT_DISCONNECTED "exit status"
	like "$(cat "$world_dir/ends.log")" 'the gateway closes the connection' "what it says"
}

tap_main B34_route_of_the_plan_reaches_a_running_worker_within_a_second \
	live_network_is_in_the_profile_for_the_next_start \
	B34_route_that_is_deleted_is_refused_at_once \
	B34_socket_on_the_private_address_finds_no_other_way_when_its_route_is_deleted \
	B32_stream_to_a_kept_prefix_loses_nothing_while_routes_change \
	B31_name_servers_change_under_the_app_in_place \
	B32_app_is_started_again_with_the_new_network_when_that_is_wished \
	B32_restart_asked_by_the_operator_is_an_event_and_a_new_tunnel \
	B27_disconnect_takes_routes_and_name_servers_and_leaves_the_app \
	B27_disconnect_ends_an_app_that_may_be_started_again -- "$@"
