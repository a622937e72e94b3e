# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A site in a world of world.sh: a gateway with its authority, plans, apps and networks by the operator's socket, and
# workers that enrol by token. Each app has a namespace of its own, its view, named after it. Besides vnet1 of
# gateway.yaml (10.20.0.0/24) there can be net1 to net9 of the API: 10.21.0.0/24 with the pool 172.16.81.0/24, and so
# on. Behind each of them is the same web server, at .2; gw is .1.

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl

readonly providers=/subscriptions/default/resourceGroups/default/providers
readonly web=$providers/Microsoft.Web
readonly nets=$providers/Microsoft.Network/virtualNetworks
readonly page_regex='^hello from the virtual network, '

declare -A worker_of # the process of each app's worker
views=()

# site_up [LINE]...: a gateway with an authority, these lines in its configuration, and the web server
site_up() {
	world_up && end_with site_end && config_log_level=info write_authority_config "$@" && site_web_server &&
		start_gateway && wait_for 10 api_answers
}

site_end() {
	local name
	for name in "${views[@]}"; do
		end_processes_in "$(view_of "$name")"
		ip netns del "$(view_of "$name")"
		rm -rf "/etc/netns/$(view_of "$name")"
	done
	world_end
}

site_web_server() {
	mkdir -p "$world_dir/www" && head -c 2000000 /dev/urandom >"$world_dir/www/big.bin" || return 1
	big_sum=$(sha256sum <"$world_dir/www/big.bin" | cut -d ' ' -f 1)
	start web "$vnet" "$world_root/test/support/webserver.py" 0.0.0.0 80 "$world_dir/www"
	wait_for 10 is_listening "$vnet" 80
}

# ---- the API

# api METHOD PATH [BODY [CURL_ARGUMENT...]]: sets api_status and api_body
api() {
	local answer
	answer=$(curl -s --max-time 20 --unix-socket "$world_dir/control.sock" -X "$1" ${3:+--data-binary "$3"} \
		-w '\n%{http_code}' "http://gateway$2" "${@:4}")
	api_status=${answer##*$'\n'}
	api_body=${answer%$'\n'*}
}

api_answers() {
	api GET /v1/roots && [ "$api_status" = 200 ]
}

# accepted WHAT METHOD PATH [BODY]
accepted() {
	api "${@:2}"
	is "$api_status" 200 "$1; ${api_body:0:300}"
}

# refused STATUS REGEX WHAT METHOD PATH [BODY]: the sentence must be like it
refused() {
	api "${@:4}"
	is "$api_status" "$1" "$3"
	like "$(json_at error.message <<<"$api_body")" "$2" "$3"
}

json_at() {
	"$world_root/test/support/json_at" "$@"
}

# property PATH KEY: of a resource's properties
property() {
	api GET "$1"
	json_at "properties.$2" <<<"$api_body"
}

# property_is PATH KEY VALUE, for wait_for
property_is() {
	[ "$(property "$1" "$2")" = "$3" ]
}

# All that the operator has declared, as text: what a refusal must not change.
whole_site() {
	local path app
	for path in Microsoft.Web/serverfarms Microsoft.Web/sites Microsoft.Network/virtualNetworks; do
		api GET "$providers/$path"
		echo "$api_body"
	done
	api GET "$web/sites"
	for app in $(python3 -c 'import json, sys; print(*(a["name"] for a in json.load(sys.stdin)["value"]))' <<<"$api_body"); do
		api GET "$web/sites/$app/virtualNetworkConnections"
		echo "$api_body"
	done
}

# site_is FILE WHAT: as whole_site said then
site_is() {
	local changes
	changes=$(whole_site | diff "$1" - | cut -c 1-300)
	is "$changes" "" "$2"
}

# ---- plans, apps, networks

# plan NAME [TIER [PROPERTIES]]
plan() {
	accepted "plan $1" PUT "$web/serverfarms/$1" "{\"sku\": {\"tier\": \"${2:-Standard}\"}, \"properties\": ${3:-{\}}}"
}

# app NAME PLAN [MORE_PROPERTIES]
app() {
	accepted "app $1" PUT "$web/sites/$1" "{\"properties\": {\"serverFarmId\": \"$2\"${3:+, $3}}}"
}

# network N [DNS]: the VNet netN without a gateway, and where it is
network() {
	ip -n "$gw" addr add "10.2$1.0.1/24" dev v0 2>/dev/null
	ip -n "$vnet" addr add "10.2$1.0.2/24" dev v1 2>/dev/null
	accepted "VNet net$1" PUT "$nets/net$1" "$(network_body "10.2$1.0.0/24" "${2:-10.2$1.0.2}")"
}

# network_body SPACE DNS[","DNS]
network_body() {
	echo "{\"properties\": {\"addressSpace\": {\"addressPrefixes\": [\"$1\"]}," \
		"\"dhcpOptions\": {\"dnsServers\": [\"${2//,/\", \"}\"]}}}"
}

# gateway_of N [POOL [CUSTOM_ROUTE]]: its gateway, and waits until it is up
gateway_of() {
	accepted "gateway of net$1" PUT "$nets/net$1/virtualNetworkGateways/gw" \
		"$(gateway_body "${2:-172.16.8$1.0/24}" "${3-}")"
	wait_for 5 has_link "$gw" "$(property "$nets/net$1" device)" || flunk "the gateway of net$1 does not come up"
}

# gateway_body POOL [CUSTOM_ROUTE [MORE]]
gateway_body() {
	echo "{\"properties\": {\"vpnClientConfiguration\": {\"vpnClientAddressPool\": {\"addressPrefixes\": [\"$1\"]}}," \
		"\"customRoutes\": {\"addressPrefixes\": [${2:+\"$2\"}]}${3:+, $3}}}"
}

has_link() {
	ip -n "$1" link show "$2" >/dev/null 2>&1
}

# connection APP VNET: the path
connection() {
	echo "$web/sites/$1/virtualNetworkConnections/$2"
}

connect() {
	accepted "connection of $1 to $2" PUT "$(connection "$1" "$2")" '{}'
}

# connected_app NAME PLAN VNET: made, connected, enrolled, with a view of its own
connected_app() {
	app "$1" "$2" && connect "$1" "$3" && enrol "$1" "$3"
}

# ---- workers

new_token() {
	"$sstpctl_bin" token create --app "$1" --vnet "$2" --gateway 192.0.2.1 --socket "$world_dir/control.sock"
}

# enrol APP VNET: profile APP.yaml, and a view
enrol() {
	in_ns "$host" "$worker_bin" enrol "$(new_token "$1" "$2")" --profile "$world_dir/$1.yaml" --force \
		>>"$world_dir/enrol.log" 2>&1 || flunk "$1 does not enrol" "$(tail -n 3 "$world_dir/enrol.log")"
	[ -e "/run/netns/$(view_of "$1")" ] || make_view "$1"
}

# block_of PROFILE KEY: what a profile holds in PEM
block_of() {
	awk -v key="$2:" '/^[^ ]/ { is_in = $1 == key } is_in' "$world_dir/$1.yaml" | sed -n 's/^  //p'
}

# unpack APP: its certificate and key for test/netns/many, as APP.pair and APP.roots
unpack() {
	{
		block_of "$1" certificate
		block_of "$1" key
	} >"$world_dir/$1.pair"
	block_of "$1" roots >"$world_dir/$1.roots"
}

view_of() {
	echo "$world_prefix-app-$1"
}

make_view() {
	views+=("$1")
	ip netns add "$(view_of "$1")" && ip -n "$(view_of "$1")" link set lo up
}

# what an app does unless it is told otherwise: says who it is, and waits
# shellcheck disable=SC2016
readonly idle_app='echo app $$; env | grep ^WEBSITE_; echo ready; exec sleep 300'

# start_app APP [OPTION]... [-- COMMAND...]: by its profile in its view, output in APP.log; waits until the app is there
start_app() {
	local name=$1 mark
	shift
	mark=$(log_mark "$name")
	[[ " $* " == *" -- "* ]] || set -- "$@" -- sh -c "$idle_app"
	start "$name" "$host" "$worker_bin" --profile "$world_dir/$name.yaml" --netns "$(view_of "$name")" "$@"
	worker_of[$name]=$started_pid
	wait_for 15 log_has "$name" "$mark" '^ready$' || flunk "no tunnel for $name" "$(log_since "$name" "$mark" | tail -n 5)"
}

# end_app APP: and its worker; returns the worker's exit status
end_app() {
	stop "${worker_of[$1]}"
}

# start_app_here APP [OPTION]... [-- COMMAND...]: the same beside the worker, in host itself
start_app_here() {
	local name=$1 mark
	shift
	mark=$(log_mark "$name")
	[[ " $* " == *" -- "* ]] || set -- "$@" -- sh -c "$idle_app"
	start "$name" "$host" "$worker_bin" --profile "$world_dir/$name.yaml" --current-netns "$@"
	worker_of[$name]=$started_pid
	wait_for 15 log_has "$name" "$mark" '^ready$' || flunk "no tunnel for $name" "$(log_since "$name" "$mark" | tail -n 5)"
}

# in_view APP COMMAND...
in_view() {
	in_ns "$(view_of "$1")" "${@:2}"
}

# page APP [ADDRESS]: what the web server says; nothing when it is not reached
page() {
	in_view "$1" curl -s --max-time "${page_time:-3}" "http://${2:-10.20.0.2}/"
}

# reaches APP [ADDRESS], for wait_for
reaches() {
	[[ $(page_time=1 page "$@") =~ $page_regex ]]
}

reaches_not() {
	! reaches "$@"
}

# private_ip APP: as the app was told when it started last
private_ip() {
	sed -n 's/^WEBSITE_PRIVATE_IP=//p' "$world_dir/$1.log" | tail -n 1
}

# starts_of APP: how often the app was started
starts_of() {
	grep -c '^app ' "$world_dir/$1.log"
}

# tunnel_address APP: what stands on its device
tunnel_address() {
	ip -n "$(view_of "$1")" -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4 }'
}

# tunnelled APP: the prefixes that lead into its tunnel, sorted, with blanks between them
tunnelled() {
	ip -n "$(view_of "$1")" -4 route show table all | awk '/dev vnet0/ && !/table local/ && !/^local|^broadcast/ { print $1 }' |
		sed '/\//!s|$|/32|' | sort -u | paste -sd ' '
}

# tunnelled_is APP PREFIXES, for wait_for
tunnelled_is() {
	[ "$(tunnelled "$1")" = "$2" ]
}

# called by tap.sh when a case failed
tap_explain() {
	local log
	for log in gateway "${!worker_of[@]}"; do
		[ -s "$world_dir/$log.log" ] && diag "the end of $log.log:" "$(tail -n 6 "$world_dir/$log.log")"
	done
}
