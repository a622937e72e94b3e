#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What an app sees: tcpping and nameresolver in its world, brought there by sstp-worker exec. The 21 seconds of a target
# that is silent pass beside all else.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

tcpping=$build_dir/tools/tcpping/tcpping
nameresolver=$build_dir/tools/nameresolver/nameresolver

readonly servers=10.21.0 host_answer=192.0.2.99 silent=10.21.0.99 rejecting=10.21.0.88 prohibiting=10.21.0.89
readonly blocked='Connection attempt failed: An attempt was made to access a socket in a way forbidden'

setup() {
	site_up && end_with apptools_end && plan live && host_has_a_resolver &&
		network 1 $servers.54 && set_names '"10.21.0.53", "10.21.0.54"' && gateway_of 1 && there_are_servers &&
		connected_app shop live net1 && start_app shop &&
		wait_for 5 asks 10.21.0.53 10.21.0.54 && in_background silent "$tcpping" -n 1 $silent:8080
	[ $tap_case_failed = no ]
}

apptools_end() {
	rm -rf "/etc/netns/$host"
	site_end
}

# name_server ADDRESS ANSWER: in the VNet
name_server() {
	ip -n "$vnet" addr add "$1/32" dev v1 && ip -n "$gw" route add "$1/32" via 10.20.0.2 &&
		start "dns-$1" "$vnet" python3 "$here/../support/nameserver.py" "$1" "$2" && wait_for 5 log_has "dns-$1" 0 '^ready$'
}

# .53 and .56 are name servers that answer nothing
there_are_servers() {
	local address
	for address in $servers.53 $servers.56 $silent; do
		ip -n "$gw" route add blackhole "$address/32" || return 1
	done
	name_server $servers.54 10.21.0.2 && ip -n "$gw" route add unreachable $rejecting/32 &&
		ip -n "$gw" route add prohibit $prohibiting/32
}

host_has_a_resolver() {
	mkdir -p "/etc/netns/$host" && echo "nameserver 127.0.0.1" >"/etc/netns/$host/resolv.conf" &&
		start dns-host "$host" python3 "$here/../support/nameserver.py" 127.0.0.1 $host_answer &&
		wait_for 5 log_has dns-host 0 '^ready$'
}

# set_names SERVERS: of the VNet, as a JSON list without its brackets
set_names() {
	accepted "names" PUT "$nets/net1" "{\"properties\": {\"addressSpace\": {\"addressPrefixes\": [\"10.21.0.0/24\"]},
		\"dhcpOptions\": {\"dnsServers\": [$1]}}}"
}

# app_exec COMMAND...: in the app's world
app_exec() {
	in_ns "$host" "$worker_bin" exec "${worker_of[shop]}" -- "$@"
}

# asks SERVER..., for wait_for: the app's resolv.conf names these
asks() {
	[ "$(app_exec sed -n 's/^nameserver //p' /etc/resolv.conf | paste -sd ' ')" = "$*" ]
}

# timed NAME COMMAND...: in the app's world; output in NAME.out and NAME.err, status and milliseconds in NAME.ms
timed() {
	local name=$1 began status
	shift
	began=$(date +%s%N)
	app_exec "$@" >"$world_dir/$name.out" 2>"$world_dir/$name.err"
	status=$?
	echo "$status $((($(date +%s%N) - began) / 1000000))" >"$world_dir/$name.ms"
}

in_background() {
	timed "$@" &
	background=$!
}

# took NAME MS TOLERANCE: sets status
took() {
	local ms
	read -r status ms <"$world_dir/$1.ms"
	at_least "$ms" $(($2 - $3)) "milliseconds of $1"
	at_most "$ms" $(($2 + $3)) "milliseconds of $1"
}

# tcpping once; sets out and status
ping_once() {
	out=$(app_exec "$tcpping" -n 1 "$@" 2>&1)
	status=$?
}

B50_documented_syntax_gives_the_lines_that_are_parsed() {
	local form
	for form in "10.21.0.2:80" "10.21.0.2 80" "10.21.0.2" "-n 4 -w 5 10.21.0.2:80"; do
		# shellcheck disable=SC2086
		out=$(app_exec "$tcpping" $form) || flunk "tcpping $form failed"
		is "$(grep -cE '^Connected to 10\.21\.0\.2:80, time taken: (<1|[0-9]+)ms$' <<<"$out")" 4 "connections of $form"
		like "${out##*$'\n'}" '^Complete: 4/4 successful attempts \(100%\)\. Average success time: [0-9.]+ms$' "the end of $form"
	done
	is "$(app_exec "$tcpping" --crlf -n 1 10.21.0.2 | tr -dc '\r' | wc -c)" 2 "carriage returns that were asked for"
	is "$(app_exec "$tcpping" --json -n 2 10.21.0.2 | json_at successful attempts.1.outcome address privatePool | paste -sd ' ')" \
		'2 success 10.21.0.2 172.16.81.0/24' "the same as JSON"
}

# what a program takes from the answer, between its two words or up to the end
parsed() {
	python3 -c 'import re, sys; text = sys.stdin.read()
m = re.search(r"Addresses:\s*([\S\s]*)Aliases:\s*([\S\s]*)$", text) or re.search(r"Addresses:\s*([\S\s]*)$", text)
print(m.group(1).strip() if m else "none")'
}

B50_the_system_path_differs_from_the_path_of_the_VNet() {
	out=$(app_exec "$nameresolver" db.corp.test $servers.54)
	is "$(head -n 4 <<<"$out" | paste -sd '|')" "Server: 10.21.0.54||Non-authoritative answer:|Name: db.corp.test" "the head"
	is "$(parsed <<<"$out")" 10.21.0.2 "the app's answer"
	out=$(in_ns "$host" "$nameresolver" db.corp.test)
	is "$(head -n 1 <<<"$out")" "Server: 127.0.0.1" "the host's server"
	is "$(parsed <<<"$out")" $host_answer "the host's answer"
	like "$(tail -n 1 "$world_dir/dns-$servers.54.log")" '^db\.corp\.test from 172\.16\.81\.' "who asked the VNet's server"
}

B49_one_dead_server_costs_three_seconds_and_the_second_answers() {
	timed one "$nameresolver" db.corp.test
	took one 3000 300
	is "$status" 0 "exit status"
	is "$(head -n 1 "$world_dir/one.out")" "Server: 10.21.0.54" "who answered"
	is "$(parsed <"$world_dir/one.out")" 10.21.0.2 "the answer"
	like "$(<"$world_dir/one.err")" '^10\.21\.0\.53 timed out after [0-9]+ms$' "what is said of the first"
}

B49_two_dead_servers_cost_six_seconds() {
	set_names '"10.21.0.53", "10.21.0.56"'
	wait_for 5 asks 10.21.0.53 10.21.0.56 || flunk "the file stays"
	timed two "$nameresolver" db.corp.test
	took two 6000 300
	is "$status" 1 "exit status"
	is "$(<"$world_dir/two.out")" "No name server answers for db.corp.test" "the answer"
	is "$(grep -c 'timed out after' "$world_dir/two.err")" 2 "servers that are told"
}

B53_wrong_name_closed_port_and_what_is_unreachable_are_told_apart() {
	set_names '"10.21.0.54"'
	wait_for 5 asks 10.21.0.54 || flunk "the file stays"
	ping_once db.corp.test
	like "$out" 'Connected to 10\.21\.0\.2:80, ' "a name and a port that are right"
	is "$status" 0 "exit status"
	ping_once no-such.invalid:80
	like "$out" 'No such host is known: no-such\.invalid' "a name that is wrong"
	like "$out" 'Complete: 0/1 successful attempts \(0%\)' "its end"
	is "$status" 1 "exit status"
	ping_once 10.21.0.2:81
	like "$out" '^Connection attempt failed: Connection refused by 10\.21\.0\.2:81'$'\n' "a port that is closed"
	ping_once $rejecting
	like "$out" 'Host unreachable: 10\.21\.0\.88:80 \(ICMP host unreachable from [0-9.]+\)' "a host that is down"
	ping_once $prohibiting
	like "$out" 'Host unreachable: 10\.21\.0\.89:80 \(ICMP administratively prohibited from [0-9.]+\)' "a host that is closed"
	ping_once -w 0.5 $silent
	like "$out" '^Connection timed out: no answer from 10\.21\.0\.99:80 within 0\.5s' "a host that is silent"
	ping_once 203.0.113.1
	like "$out" 'Host unreachable: 203\.0\.113\.1:80 \(there is no route to it here\)' "what is routed nowhere"
}

exec_is_the_app_s_world_and_the_command_s_own_end() {
	local pid
	is "$(app_exec sh -c 'env | grep ^WEBSITE_ | sort')" "WEBSITE_DNS_SERVER=10.21.0.54
WEBSITE_PRIVATE_IP=$(private_ip shop)
WEBSITE_PRIVATE_POOL=172.16.81.0/24
WEBSITE_VNETNAME=net1" "the environment"
	is "$(app_exec readlink /proc/self/ns/net)" "$(in_view shop readlink /proc/self/ns/net)" "the network namespace"
	app_exec sh -c 'exit 7'
	is $? 7 "the command's status"
	app_exec no-such-command 2>"$world_dir/exec.err"
	is $? 127 "status when it is not found"
	like "$(<"$world_dir/exec.err")" "cannot start 'no-such-command': cannot execute" "what is said then"
	in_ns "$host" "$worker_bin" exec nobody -- true 2>"$world_dir/exec.err"
	is $? 125 "status without a worker"
	like "$(<"$world_dir/exec.err")" "no worker 'nobody' runs here" "what is said then"
	in_ns "$host" setpriv --bounding-set=-all --inh-caps=-all "$worker_bin" exec "${worker_of[shop]}" true 2>"$world_dir/exec.err"
	is $? 125 "status of who may not"
	like "$(<"$world_dir/exec.err")" 'cannot open the app.s network namespace: Permission denied \(needs' "what is said then"
	start signalled "$host" "$worker_bin" exec "${worker_of[shop]}" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	pid=$started_pid
	wait_for 5 log_has signalled 0 '^ready$' || flunk "it does not start"
	stop "$pid"
	is $? 9 "status of a command that was signalled"
}

B48_B54_silent_target_times_out_after_21_seconds_and_the_pool_to_let_in_is_told() {
	wait "$background"
	took silent 21000 500
	is "$status" 1 "exit status"
	is "$(<"$world_dir/silent.out")" "Connection timed out: no answer from 10.21.0.99:8080 within 21s
Complete: 0/1 successful attempts (0%). Average success time: 0ms" "what is printed"
	like "$(<"$world_dir/silent.err")" "let in the whole pool: 172\\.16\\.81\\.0/24 \\(this app is $(private_ip shop) now\\)" \
		"what is to be done"
}

# state_is STATE, for wait_for
state_is() {
	[ "$(in_ns "$host" "$worker_bin" status "${worker_of[shop]}" --json | json_at 0.state)" = "$1" ]
}

without_a_tunnel_exec_says_so_and_the_VNet_is_blocked() {
	stop "$gateway_pid"
	wait_for 10 state_is down || flunk "the tunnel stays"
	app_exec "$tcpping" -n 1 10.21.0.2 >"$world_dir/down.out" 2>"$world_dir/down.err"
	is $? 1 "exit status"
	like "$(<"$world_dir/down.err")" "the tunnel of 'shop' is not up: down since .*; what is for the VNet is refused" "the warning"
	is "$(head -c ${#blocked} "$world_dir/down.out")" "$blocked" "what is printed"
	like "$(<"$world_dir/down.out")" '10\.21\.0\.2:80 \(the route is closed, as without a tunnel\)' "and why"
}

tap_main B50_documented_syntax_gives_the_lines_that_are_parsed \
	B50_the_system_path_differs_from_the_path_of_the_VNet \
	B49_one_dead_server_costs_three_seconds_and_the_second_answers \
	B49_two_dead_servers_cost_six_seconds \
	B53_wrong_name_closed_port_and_what_is_unreachable_are_told_apart \
	exec_is_the_app_s_world_and_the_command_s_own_end \
	B48_B54_silent_target_times_out_after_21_seconds_and_the_pool_to_let_in_is_told \
	without_a_tunnel_exec_says_so_and_the_VNet_is_blocked -- "$@"
