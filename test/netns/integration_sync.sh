#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A connection's life: token, certificate, description, sync, renewal, metering, disconnect; with an app that runs all
# the time and must notice only what it should. Plan manual syncs when it is told to, plan live within the change.
# B and a number: the statement in the project's notes on the integration.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

traffic=$here/seamless.py
# seamless.sh, which runs alone, holds it to 50 ms; here it is other scripts' processes that a probe waits for
gap_us_max=250000
readonly EXIT_DISCONNECTED=123

# all that is started here comes before what else the machine does: a gap is to be the sync's
setup() {
	renice -n -15 $$ >/dev/null
	site_up && start_name_servers && start echo "$vnet" python3 "$traffic" serve 10.21.0.2 7 &&
		wait_for 5 is_listening "$vnet" 7
}

# two of them, which know different addresses, in net1
start_name_servers() {
	local n
	ip -n "$gw" addr add 10.21.0.1/24 dev v0
	for n in 2 3; do
		ip -n "$vnet" addr add 10.21.0.$n/24 dev v1
		start "names$n" "$vnet" python3 "$world_root/test/support/nameserver.py" 10.21.0.$n 10.21.0.20$n
		wait_for 10 log_has "names$n" 0 '^ready$' || return 1
	done
}

# an app that asks for a name all the time, and prints the answer when it is another one
# shellcheck disable=SC2016
readonly asking_app='echo app $$; env | grep ^WEBSITE_; echo ready; exec python3 -uc "
import socket, time
last = None
while True:
    try:
        now = socket.gethostbyname(\"db.corp.test\")
    except OSError as e:
        now = type(e).__name__
    if now != last:
        print(\"name\", now)
    last = now
    time.sleep(0.05)"'

# name_is APP ADDRESS, for wait_for: what the app has been told last
name_is() {
	[ "$(sed -n 's/^name //p' "$world_dir/$1.log" | tail -n 1)" = "$2" ]
}

profile_of() {
	"$worker_bin" profile show "$world_dir/$1.yaml" --json | json_at "$2"
}

B13_first_connect_makes_the_certificate_and_needs_nothing_by_hand() {
	network 1 10.21.0.2 && gateway_of 1
	plan manual Standard '{"autoSync": false}' && app shop manual && connect shop net1
	is "$(property "$(connection shop net1)" certificateStatus)" None "the certificate before"
	enrol shop net1
	start_app shop -- sh -c "$asking_app"
	like "$(page shop 10.21.0.2)" "$page_regex" "a page through the tunnel"
	is "$(property "$(connection shop net1)" certThumbprint)" "$(profile_of shop certThumbprint)" "the certificate"
	is "$(property "$(connection shop net1)" resyncRequired)" false "resyncRequired"
}

B41_exchange_carries_dns_routes_and_description_with_the_certificate() {
	is "$(profile_of shop vnetName)" net1 "the VNet"
	is "$(profile_of shop dnsServers)" '["10.21.0.2"]' "name servers"
	is "$(profile_of shop addressSpaces)" '["10.21.0.0/24"]' "address spaces"
	is "$(grep -c 'enrolment from .* app shop has certificate' "$world_dir/gateway.log")" 1 "exchanges"
	is "$(tunnelled shop)" 10.21.0.0/24 "the routes in use"
	wait_for 5 name_is shop 10.21.0.202 || flunk "the name servers in use"
}

B43_client_certificate_lives_eight_years() {
	local from until
	block_of shop certificate >"$world_dir/shop.pem"
	from=$(date -u -d "$(openssl x509 -in "$world_dir/shop.pem" -noout -startdate | cut -d = -f 2)" +%s)
	until=$(date -u -d "$(openssl x509 -in "$world_dir/shop.pem" -noout -enddate | cut -d = -f 2)" +%s)
	is "$(date -u -d "@$until" +%F)" "$(date -u -d "$(date -u -d "@$from" +%F) + 8 years" +%F)" "its last day"
	is "$(property "$(connection shop net1)" certBlob)" "$(grep -v -- --- "$world_dir/shop.pem" | tr -d '\n')" \
		"the certificate that the view shows"
}

B29_plan_view_lists_its_networks_with_all_that_belongs_to_them() {
	local view=$web/serverfarms/manual/virtualNetworkConnections
	accepted "on-premises range" PATCH "$nets/net1/virtualNetworkGateways/gw" \
		'{"properties": {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.40.0/24"]}}}'
	accepted "a route" PUT "$view/net1/routes/far" '{"properties": {"startAddress": "10.9.0.0/24"}}'
	app other manual && connect other vnet1
	api GET "$view"
	is "$(json_at 0.name 1.name 2 <<<"$api_body" | paste -sd ' ')" "net1 vnet1 null" "its networks"
	is "$(json_at 0.properties.{location,certificateStatus,gatewayStatus,addressSpaces,pointToSiteAddressSpaces} <<<"$api_body" |
		paste -sd ' ')" ' InSync Up ["10.21.0.0/24"] ["172.16.81.0/24"]' "location, certificates, gateway, spaces"
	is "$(json_at 0.properties.{siteToSiteAddressSpaces,dnsServers,apps,resyncRequired} <<<"$api_body" |
		paste -sd ' ')" '["192.168.40.0/24"] 10.21.0.2 ["shop"] false' "on-premises, DNS, apps"
	is "$(json_at 0.properties.routes.{0,1}.properties.{startAddress,routeType} <<<"$api_body" | paste -sd ' ')" \
		"10.21.0.0/24 INHERITED 10.9.0.0/24 STATIC" "routes"
	api GET "$web/serverfarms/manual"
	is "$(json_at properties.vnetConnections{Used,Max} <<<"$api_body" | paste -sd /)" 2/5 "used/max"
	accepted "removal of the route" DELETE "$view/net1/routes/far"
}

sync_manual() {
	accepted "sync" POST "$web/serverfarms/manual/virtualNetworkConnections/net1/sync" "" "$@"
}

# resync_is true|false
resync_is() {
	is "$(property "$(connection shop net1)" resyncRequired)" "$1" "resyncRequired"
}

B31_changed_dns_takes_effect_with_the_sync_and_not_before() {
	accepted "other DNS" PUT "$nets/net1" "$(network_body 10.21.0.0/24 10.21.0.3)"
	sleep 1 # time for what must not come
	name_is shop 10.21.0.202 || flunk "the app asks the new server before the sync"
	is "$(property "$(connection shop net1)" dnsServers)" 10.21.0.2 "what the connection was synced to"
	sync_manual
	wait_for 5 name_is shop 10.21.0.203 || flunk "the app does not ask the new server after the sync"
	is "$(property "$(connection shop net1)" dnsServers)" 10.21.0.3 "what the connection was synced to"
	is "$(starts_of shop)" 1 "starts of the app"
}

B31_changed_dns_takes_effect_at_once_where_sync_is_automatic() {
	plan live && connected_app quick live net1 && start_app quick -- sh -c "$asking_app"
	wait_for 5 name_is quick 10.21.0.203 || flunk "the name servers in use"
	accepted "other DNS" PUT "$nets/net1" "$(network_body 10.21.0.0/24 10.21.0.2)"
	wait_for 2 name_is quick 10.21.0.202 || flunk "the app does not ask the new server"
	name_is shop 10.21.0.203 || flunk "so does the app of the other plan"
	end_app quick
	sync_manual
	wait_for 5 name_is shop 10.21.0.202 || flunk "shop was not synced"
}

B30_sync_fetches_dns_routes_and_is_idempotent() {
	local mark
	resync_is false
	accepted "a custom route" PUT "$nets/net1/virtualNetworkGateways/gw" "$(gateway_body 172.16.81.0/24 198.51.100.0/24)"
	accepted "DNS" PUT "$nets/net1" "$(network_body 10.21.0.0/24 10.21.0.3)"
	resync_is true
	is "$(tunnelled shop)" 10.21.0.0/24 "routes before the sync"
	sync_manual
	resync_is false
	wait_for 5 tunnelled_is shop "10.21.0.0/24 198.51.100.0/24" || flunk "routes after it: $(tunnelled shop)"
	wait_for 5 name_is shop 10.21.0.203 || flunk "the name servers in use"
	whole_site | strip_versions >"$world_dir/before"
	mark=$(log_mark shop)
	sync_manual
	sleep 1 # time for what must not come
	is "$(whole_site | strip_versions | diff "$world_dir/before" -)" "" "the site after a sync of nothing"
	is "$(log_since shop "$mark")" "" "what the worker says of it"
	is "$(profile_of shop dnsServers)" '["10.21.0.3"]' "what the next start will have"
}

strip_versions() {
	sed 's/"etag":"[^,]*",//g'
}

B42_changed_certificate_is_shown_out_of_sync_and_sync_repairs() {
	local before
	before=$(property "$(connection shop net1)" certThumbprint)
	kill -s USR2 "${worker_of[shop]}"
	wait_for 20 log_has shop 0 'the new certificate is in use' || flunk "it is not renewed"
	isnt "$(property "$(connection shop net1)" certThumbprint)" "$before" "the certificate"
	is "$(property "$(connection shop net1)" certificateStatus)" OutOfSync "its status"
	is "$(property "$web/serverfarms/manual/virtualNetworkConnections/net1" certificateStatus)" OutOfSync "in the plan's view"
	resync_is true
	sync_manual
	is "$(property "$(connection shop net1)" certificateStatus)" valid "its status after the sync"
	is "$(property "$web/serverfarms/manual/virtualNetworkConnections/net1" certificateStatus)" InSync "in the plan's view"
	resync_is false
}

# start_traffic NAME PROFILE [OPTION]...: an app that has a stream and a probe, of which nothing may be lost
start_traffic() {
	local name=$1 profile=$2
	cp "$world_dir/$profile.yaml" "$world_dir/$name.yaml" 2>/dev/null
	[ -e "/run/netns/$(view_of "$name")" ] || make_view "$name"
	start "$name" "$host" "$worker_bin" --profile "$world_dir/$name.yaml" --netns "$(view_of "$name")" "${@:3}" \
		-- python3 "$traffic" app 10.21.0.2 7 5000000
	worker_of[$name]=$started_pid
	wait_for 15 log_has "$name" 0 '^app ' || flunk "no tunnel for $name"
	sleep 0.5 # the probe's beginning
}

# end_traffic NAME: sets gap_us, and checks that every byte came back
end_traffic() {
	gap_us=
	kill -s TERM "$(sed -n 's/^app \([0-9]*\) .*/\1/p' "$world_dir/$1.log")"
	wait_for 20 log_has "$1" 0 '^tcp ' || flunk "the stream did not end"
	end_app "$1"
	like "$(grep '^tcp ' "$world_dir/$1.log")" '^tcp ([0-9]+) ([0-9]+) same$' "the bytes that came back"
	gap_us=$(sed -n 's/^probe .* longest gap //p' "$world_dir/$1.log")
	diag "$(grep '^probe ' "$world_dir/$1.log") us"
}

B32_sync_has_no_outage_and_leaves_the_app_alone() {
	local n
	app stream manual && connect stream net1 && enrol stream net1 && start_traffic stream stream
	for n in 2 3 2; do
		accepted "DNS" PUT "$nets/net1" "$(network_body 10.21.0.0/24 10.21.0.$n)"
		accepted "a custom route" PUT "$nets/net1/virtualNetworkGateways/gw" \
			"$(gateway_body 172.16.81.0/24 198.51.10$n.0/24)"
		sync_manual
		wait_for 5 tunnelled_is stream "10.21.0.0/24 198.51.10$n.0/24" || flunk "routes: $(tunnelled stream)"
		sleep 0.3
	done
	end_traffic stream
	at_most "${gap_us:-$((gap_us_max + 1))}" $gap_us_max "longest gap in microseconds"
	log_has stream 0 'the tunnel is down' && flunk "the tunnel was down"
	is "$(grep -c '^app ' "$world_dir/stream.log")" 1 "starts of the app"
}

# writes each event down, with what the network was and is
write_hook() {
	cat >"$world_dir/hook" <<-EOF
		#!/bin/sh
		{
			echo "event \$SSTP_EVENT"
			env | grep ^SSTP_ | sed 's/^/  /'
		} >>"$world_dir/events.log"
	EOF
	chmod 700 "$world_dir/hook"
}

events() {
	sed -n 's/^event //p' "$world_dir/events.log" | paste -sd ' '
}

events_are() {
	[ "$(events)" = "$1" ]
}

B32_app_is_restarted_by_sync_only_where_its_policy_says_so_and_an_event_is_emitted() {
	write_hook
	app loud manual && connect loud net1 && enrol loud net1
	start_app loud --restart-app always --on-event "$world_dir/hook"
	accepted "DNS" PUT "$nets/net1" "$(network_body 10.21.0.0/24 10.21.0.3)"
	sync_manual
	wait_for 10 starts_are loud 2 || flunk "the app is not restarted"
	like "$(events)" '^up .*network-changed' "events"
	is "$(starts_of shop)" 1 "starts of the app whose policy is never"
	like "$(page loud 10.21.0.2)" "$page_regex" "a page"
}

starts_are() {
	[ "$(starts_of "$1")" = "$2" ]
}

# as the original does it: every session of the plan's network ends, and its app is to restart
B32_sync_with_restart_is_an_outage_that_is_measured() {
	local began
	local -i before
	before=$(starts_of loud)
	began=$(date +%s%N)
	accepted "sync with restart" POST "$web/serverfarms/manual/virtualNetworkConnections/net1/sync?restart=true"
	wait_for 10 starts_are loud $((before + 1)) || flunk "the app is not restarted"
	wait_for 10 reaches loud 10.21.0.2 || flunk "no page"
	diag "outage: $((($(date +%s%N) - began) / 1000000)) ms"
	at_most $((($(date +%s%N) - began) / 1000000)) 5000 "milliseconds until the restarted app has its page"
	like "$(events)" 'restart-required|down' "events"
	end_app loud
}

B45_renewal_gives_a_new_thumbprint_and_the_app_is_not_restarted() {
	local before mark
	before=$(property "$(connection shop net1)" certThumbprint)
	start_traffic renewed stream
	before=$(property "$(connection stream net1)" certThumbprint)
	mark=$(log_mark renewed)
	kill -s USR2 "${worker_of[renewed]}"
	wait_for 20 log_has renewed "$mark" 'the new certificate is in use' || flunk "it is not renewed"
	isnt "$(property "$(connection stream net1)" certThumbprint)" "$before" "the thumbprint"
	end_traffic renewed
	at_most "${gap_us:-$((gap_us_max + 1))}" $gap_us_max "longest gap in microseconds"
	is "$(grep -c '^app ' "$world_dir/renewed.log")" 1 "starts of the app"
	log_has renewed 0 'the tunnel is down' && flunk "the tunnel was down"
}

# usage_of KEY: of shop's connection, today
usage_of() {
	api GET "/v1/usage?by=connection&app=shop"
	json_at "value.0.$1" <<<"$api_body"
}

usage_is_at_least() {
	[ "$(usage_of "$1")" -ge "$2" ] 2>/dev/null
}

# two million bytes to the app, one out of it: what leaves the VNet is what the original charges
B47_bytes_of_a_connection_and_hours_of_a_gateway_are_metered() {
	local egress ingress
	wait_for 10 usage_is_at_least egressBytes 0 || flunk "no usage: $api_body"
	sleep 2 # the counters of before are told every second
	egress=$(usage_of egressBytes) ingress=$(usage_of ingressBytes)
	is "$(in_view shop curl -s -m 20 http://10.21.0.2/big.bin | sha256sum | cut -d ' ' -f 1)" "$big_sum" "the download"
	head -c 1000000 "$world_dir/www/big.bin" >"$world_dir/half.bin"
	in_view shop curl -s -m 20 -T "$world_dir/half.bin" http://10.21.0.2/up >/dev/null
	wait_for 10 usage_is_at_least egressBytes $((egress + 2000000)) || flunk "egress: $egress, then $(usage_of egressBytes)"
	wait_for 10 usage_is_at_least ingressBytes $((ingress + 1000000)) || flunk "ingress: $ingress, then $(usage_of ingressBytes)"
	sleep 2 # what comes late
	at_most "$(usage_of egressBytes)" $((egress + 2300000)) "bytes to the app"
	at_most "$(usage_of ingressBytes)" $((ingress + 1300000)) "bytes from the app"
	api GET "/v1/usage?by=vnet&vnet=net1"
	like "$(json_at value.0.gatewayHours <<<"$api_body")" '^0\.0[0-9]*[1-9]' "the gateway's hours"
	like "$("$sstpctl_bin" usage --socket "$world_dir/control.sock" 2>&1)" 'shop' "sstpctl usage"
}

# status_at DAY EXPECTED: what the app's view and the worker's profile show on that day; gateway and worker have a fake clock
status_at() {
	local -x FAKE_CLOCK_S LD_PRELOAD=$build_dir/test/support/libfake_clock.so
	local -x ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	FAKE_CLOCK_S=$(($(date -u -d "$1" +%s) - $(date -u +%s)))
	stop "$gateway_pid"
	start_gateway && wait_for 10 api_answers || flunk "the gateway does not start on $1"
	is "$(property "$(connection stream net1)" certificateStatus)" "$2" "what the app's view shows on $1"
	is "$(profile_of stream status)" "$2" "what the profile shows on $1"
}

# the last case: it changes the clock
B44_status_is_near_expiry_when_less_than_six_months_are_left() {
	local end
	sync_manual
	end=$(date -u -d "$(block_of stream certificate | openssl x509 -noout -enddate | cut -d = -f 2)" +%F)
	status_at "$end -6 months -1 day" valid
	status_at "$end -6 months +1 day" "near expiry"
	status_at "$end -1 day" "near expiry"
	status_at "$end +1 day" expired
}

# shows_state NAME STATE: what its worker tells others; by process, since other worlds have an app of that name too
shows_state() {
	[ "$("$worker_bin" status "${worker_of[$1]}" --json | json_at 0.state)" = "$2" ]
}

# One app is left running, and has nothing of the VNet any more; the other's policy is that it is ended.
B27_disconnect_takes_tunnel_routes_dns_and_environment_and_leaves_the_vnet_as_it_was() {
	local gateway=$nets/net1/virtualNetworkGateways/gw before name
	api GET "$nets/net1"
	before=$api_body
	api GET "$gateway"
	before+=$api_body
	start_app loud --restart-app always --on-event "$world_dir/hook"
	for name in shop loud; do
		accepted "disconnect" DELETE "$(connection $name net1)"
	done
	wait_for 10 log_has shop 0 'disconnected' || flunk "the worker is not told"
	wait_for 5 tunnelled_is shop "" || flunk "its routes: $(tunnelled shop)"
	reaches shop 10.21.0.2 && flunk "the VNet is reached"
	is "$(grep -s '10\.21\.' "/etc/netns/$(view_of shop)/resolv.conf")" "" "name servers"
	wait_for 5 shows_state shop disconnected || flunk "the worker shows $("$worker_bin" status "${worker_of[shop]}" --json)"
	wait_for 10 is_gone "${worker_of[loud]}" || flunk "the other one's worker goes on"
	wait "${worker_of[loud]}"
	is $? $EXIT_DISCONNECTED "its exit status"
	like "$(events)" 'restart-required' "events"
	is "$(property "$web/sites/shop" siteConfig.vnetName)" null "the app's VNet"
	for name in shop loud; do
		connect $name net1
	done
	is "$(api GET "$nets/net1" && echo "$api_body")$(api GET "$gateway" && echo "$api_body")" "$before" \
		"the configuration of VNet and gateway, with the same apps connected"
}

tap_main B13_first_connect_makes_the_certificate_and_needs_nothing_by_hand \
	B41_exchange_carries_dns_routes_and_description_with_the_certificate \
	B43_client_certificate_lives_eight_years \
	B29_plan_view_lists_its_networks_with_all_that_belongs_to_them \
	B31_changed_dns_takes_effect_with_the_sync_and_not_before \
	B31_changed_dns_takes_effect_at_once_where_sync_is_automatic \
	B30_sync_fetches_dns_routes_and_is_idempotent \
	B42_changed_certificate_is_shown_out_of_sync_and_sync_repairs \
	B32_sync_has_no_outage_and_leaves_the_app_alone \
	B32_app_is_restarted_by_sync_only_where_its_policy_says_so_and_an_event_is_emitted \
	B32_sync_with_restart_is_an_outage_that_is_measured \
	B45_renewal_gives_a_new_thumbprint_and_the_app_is_not_restarted \
	B47_bytes_of_a_connection_and_hours_of_a_gateway_are_metered \
	B27_disconnect_takes_tunnel_routes_dns_and_environment_and_leaves_the_vnet_as_it_was \
	B44_status_is_near_expiry_when_less_than_six_months_are_left -- "$@"
