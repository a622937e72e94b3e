#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Names: an app asks its VNet's servers through the tunnel, and the host never does. Servers change under an app that runs;
# a dead one costs 3 seconds.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

readonly servers=10.21.0 host_answer=192.0.2.99

setup() {
	site_up && end_with names_end && plan live && host_has_a_resolver &&
		network 1 $servers.54 && set_names '"10.21.0.54"' && gateway_of 1 && there_are_name_servers &&
		connected_app shop live net1 && mkfifo "$world_dir/names" &&
		start_app shop --dns-alt-server 10.21.0.55 -- python3 -c "$resolver" "$world_dir/names"
	exec 7>"$world_dir/names"
	[ $tap_case_failed = no ]
}

names_end() {
	rm -rf "/etc/netns/$host"
	site_end
}

# name_server ADDRESS ANSWER: in the VNet
name_server() {
	ip -n "$vnet" addr add "$1/32" dev v1 && ip -n "$gw" route add "$1/32" via 10.20.0.2 &&
		start "dns-$1" "$vnet" python3 "$here/../support/nameserver.py" "$1" "$2" && wait_for 5 log_has "dns-$1" 0 '^ready$'
}

# .53 and .56 answer nothing, and nobody says that they do not
there_are_name_servers() {
	name_server $servers.54 10.21.0.204 && name_server $servers.55 10.21.0.205 &&
		ip -n "$gw" route add blackhole $servers.53/32 && ip -n "$gw" route add blackhole $servers.56/32
}

host_has_a_resolver() {
	mkdir -p "/etc/netns/$host" && echo "nameserver 127.0.0.1" >"/etc/netns/$host/resolv.conf" &&
		sha256sum "/etc/netns/$host/resolv.conf" /etc/resolv.conf >"$world_dir/resolvers" &&
		start dns-host "$host" python3 "$here/../support/nameserver.py" 127.0.0.1 $host_answer &&
		wait_for 5 log_has dns-host 0 '^ready$'
}

# set_names SERVERS [DOMAINS]: of the VNet, as JSON lists without their brackets
set_names() {
	accepted "names" PUT "$nets/net1" "{\"properties\": {\"addressSpace\": {\"addressPrefixes\": [\"10.21.0.0/24\"]},
		\"dhcpOptions\": {\"dnsServers\": [$1], \"searchDomains\": [${2-}]}}}"
}

# an app that looks a name up whenever it reads one, and says what came and after how many tenths of a second
resolver='import os, socket, sys, time
print("\n".join(f"{k}={v}" for k, v in os.environ.items() if k.startswith("WEBSITE_")))
print("ready", flush=True)
while True:
	with open(sys.argv[1]) as names:
		for name in names:
			began = time.monotonic()
			try:
				answer = socket.getaddrinfo(name.strip(), None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
			except OSError as e:
				answer = "none"
			print(name.strip(), "is", answer, round((time.monotonic() - began) * 10), flush=True)'

# look_up NAME: in the app; sets answer and tenths
look_up() {
	local mark
	mark=$(log_mark shop)
	echo "$1" >&7
	wait_for 20 log_has shop "$mark" "^$1 is " || flunk "no answer for $1"
	read -r _ _ answer tenths < <(log_since shop "$mark" | grep "^$1 is ")
}

# asks SERVER, for wait_for: the app's file begins with it
asks() {
	[ "$(nsenter -t "$(app_pid)" -m -- sed -n 's/^nameserver //p' /etc/resolv.conf | paste -sd ' ')" = "$*" ]
}

app_pid() {
	pgrep -P "${worker_of[shop]}" -x python3
}

vnet_name_goes_through_the_tunnel_and_the_host_does_not_know_it() {
	look_up db.corp.test
	is "$answer" 10.21.0.204 "what the app is answered"
	like "$(tail -n 1 "$world_dir/dns-$servers.54.log")" '^db\.corp\.test from 172\.16\.81\.' "who asked the VNet's server"
	is "$(in_ns "$host" getent ahostsv4 db.corp.test | awk 'NR == 1 { print $1 }')" $host_answer "what the host is answered"
	is "$(grep -c 'from 192' "$world_dir/dns-$servers.54.log")" 0 "questions of the host at the VNet's server"
	is "$(grep -vc 'from 127.0.0.1' "$world_dir/dns-host.log")" 1 "questions of others at the host's, and ready"
	is "$(grep -c db.corp.test "$world_dir/dns-host.log")" 1 "times that the host's server heard the name"
	is "$(sha256sum "/etc/netns/$host/resolv.conf" /etc/resolv.conf | diff "$world_dir/resolvers" -)" "" \
		"the host's own files"
}

servers_and_domains_change_under_the_app() {
	set_names '"10.21.0.55"' '"corp.test", "test"'
	wait_for 5 asks 10.21.0.55 || flunk "the file stays"
	look_up db
	is "$answer" 10.21.0.205 "answer of the new server"
	like "$(tail -n 1 "$world_dir/dns-$servers.55.log")" '^db\.corp\.test from 172\.16\.81\.' "what it was asked"
	is "$(starts)" 1 "starts of the app"
}

starts() {
	grep -c '^ready$' "$world_dir/shop.log"
}

B49_dead_first_server_costs_three_seconds_and_the_second_answers() {
	set_names '"10.21.0.53", "10.21.0.54"'
	wait_for 5 asks 10.21.0.53 10.21.0.54 10.21.0.55 || flunk "the file stays"
	look_up db.corp.test
	is "$answer" 10.21.0.204 "answer of the second server"
	at_least "$tenths" 27 "tenths of a second"
	at_most "$tenths" 35 "tenths of a second"
}

alternative_is_the_third_of_the_file_and_all_are_in_the_environment() {
	local out
	set_names '"10.21.0.54", "fd21::54", "10.21.0.53", "10.21.0.56"'
	wait_for 5 asks 10.21.0.54 fd21::54 10.21.0.55 || flunk "the file stays"
	end_app shop
	start_app shop --dns-alt-server 10.21.0.55 -- sh -c 'env | grep ^WEBSITE_DNS; echo ready; exec sleep 300'
	out=$(grep ^WEBSITE_DNS "$world_dir/shop.log" | tail -n 2 | sort | paste -sd ' ')
	is "$out" "WEBSITE_DNS_ALT_SERVER=10.21.0.55 WEBSITE_DNS_SERVER=10.21.0.54,fd21::54,10.21.0.53,10.21.0.56" \
		"the app's environment"
	is "$(in_ns "$host" "$worker_bin" status "${worker_of[shop]}" --json | json_at 0.dnsServers)" \
		'["10.21.0.54","fd21::54","10.21.0.53","10.21.0.56","10.21.0.55"]' "status"
	end_app shop
}

B49_two_dead_servers_cost_six_seconds() {
	set_names '"10.21.0.53", "10.21.0.56"'
	start_app shop -- python3 -c "$resolver" "$world_dir/names"
	exec 7>"$world_dir/names"
	look_up db.corp.test
	is "$answer" none "answer"
	at_least "$tenths" 57 "tenths of a second"
	at_most "$tenths" 67 "tenths of a second"
	end_app shop
}

tap_main vnet_name_goes_through_the_tunnel_and_the_host_does_not_know_it \
	servers_and_domains_change_under_the_app \
	B49_dead_first_server_costs_three_seconds_and_the_second_answers \
	alternative_is_the_third_of_the_file_and_all_are_in_the_environment \
	B49_two_dead_servers_cost_six_seconds -- "$@"
