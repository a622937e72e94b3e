#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A gateway with an authority of its own, as its operator meets it: sstpctl, the control process that dies, the state
# that outlives everything, and what no operator would send to the socket.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
readonly EXIT_REFUSED=1 EXIT_USAGE=2 EXIT_UNREACHABLE=3
readonly SOME_THUMBPRINT=0123456789ABCDEF0123456789ABCDEF01234567

setup() {
	world_up && write_control_config gateway && socket=$world_dir/run/control.sock && start_gateway
}

# write_control_config NAME [STATE]: NAME.yaml, without a certificate
write_control_config() {
	cat >"$world_dir/$1.yaml" <<-EOF
		listen: ["192.0.2.1:443"]
		names: [gw.test, 192.0.2.1]
		state: ${2:-$world_dir/state}
		control_socket: $world_dir/run/control.sock
		log: {level: debug, target: stderr}
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24]
		    pools: [172.16.77.0/24]
		    dns_servers: [10.20.0.2]
		    tun: sstp0
	EOF
}

ctl() {
	"$sstpctl_bin" "$1" "$2" --socket "$socket" "${@:3}" 2>&1
}

# number_of NOUN: lines of a list but the titles
number_of() {
	ctl "$1" list | tail -n +2 | wc -l
}

ask() {
	curl -s --max-time 10 --unix-socket "$socket" "http://gateway$1" "${@:2}"
}

# status_of PATH CURL_ARGUMENT...
status_of() {
	ask "$1" -o /dev/null -w '%{http_code}' "${@:2}"
}

control_pid() {
	pgrep -P "$gateway_pid" -f -- --control-process
}

control_is_another_than() {
	local pid
	pid=$(control_pid) && [ "$pid" != "$1" ] && [ "$(status_of /v1/roots)" = 200 ]
}

shown_issuer() {
	in_ns "$gw" openssl s_client -connect 192.0.2.1:443 -servername gw.test </dev/null 2>/dev/null |
		grep -m1 ^issuer
}

shown_fingerprint() {
	in_ns "$gw" openssl s_client -connect 192.0.2.1:443 </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint
}

gateway_without_certificate_shows_one_of_its_own_root() {
	in_ns "$gw" openssl s_client -connect 192.0.2.1:443 -servername gw.test -showcerts </dev/null 2>/dev/null |
		sed -n '/BEGIN/,/END/p' >"$world_dir/shown.pem"
	is "$(grep -c BEGIN "$world_dir/shown.pem")" 2 "certificate and root are shown"
	like "$(openssl x509 -in "$world_dir/shown.pem" -noout -ext subjectAltName)" "DNS:gw.test, IP Address:192.0.2.1" \
		"it has the names"
	like "$(shown_issuer)" 'sstp-gateway root-' "its root is ours"
	is "$(stat -c %a "$world_dir/state")" 700 "the state folder is the owner's alone"
	is "$(stat -c %a "$socket")" 600 "so is the socket"
}

keys_are_not_open_in_the_process_that_strangers_reach() {
	is "$(find "/proc/$(data_pid)/fd" -lname "$world_dir/state*" | wc -l)" 0 "the data plane has no file of the state open"
	is "$(find "/proc/$(data_pid)/fd" -lname "*control.sock*" | wc -l)" 0 "nor the operator's socket"
	like "$(find "/proc/$(control_pid)/fd" -lname "$world_dir/state*" | wc -l)" '^[1-9]' "control has"
}

# status_with_body METHOD PATH [BODY]
status_with_body() {
	status_of "$2?api-version=2022-03-01" -X "$1" ${3:+--data-binary "$3"}
}

# property_of PATH KEY: of a resource's properties
property_of() {
	ask "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["properties"][sys.argv[1]])' "$2"
}

readonly providers=/subscriptions/default/resourceGroups/default/providers
readonly web=$providers/Microsoft.Web

networks_of_the_configuration_are_resources_that_are_changed_there() {
	local vnet=$providers/Microsoft.Network/virtualNetworks/vnet1
	is "$(property_of $vnet source)" gateway.yaml "it says where it is from"
	is "$(status_with_body DELETE $vnet)" 409 "removal is refused"
	like "$(ask $vnet -X DELETE)" "change it there, and reload" "with what to do"
	is "$(status_of "$vnet?api-version=1")" 200 "it is there"
	is "$(stat -c %a "$world_dir/state/model.sqlite")" 600 "the store is the owner's alone"
}

app_is_connected_and_disconnected_by_the_paths_of_the_original() {
	local connection=$web/sites/cart/virtualNetworkConnections/vnet1
	is "$(status_with_body PUT $web/serverfarms/plan1 '{"sku": {"tier": "Free"}}')" 200 "a plan"
	is "$(status_with_body PUT $web/sites/cart '{"properties": {"serverFarmId": "plan1"}}')" 200 "an app in it"
	like "$(ask $connection -X PUT -d '{}')" "not available in the Free tier" "B46: the tier is refused"
	is "$(status_with_body PATCH $web/serverfarms/plan1 '{"sku": {"tier": "Basic"}}')" 200 "scaled up"
	is "$(status_with_body PUT $connection '{}')" 200 "it is connected"
	is "$(property_of $connection dnsServers)" 10.20.0.2 "with the network's name servers"
	is "$(property_of $connection gatewayStatus)" Up "the gateway is up"
	is "$(status_with_body PUT $web/serverfarms/plan1/virtualNetworkConnections/vnet1/routes/far \
		'{"properties": {"startAddress": "10.9.0.5", "endAddress": "10.9.0.12"}}')" 200 "a route of the plan"
	is "$(status_with_body POST $web/serverfarms/plan1/virtualNetworkConnections/vnet1/sync)" 200 "sync"
	is "$(status_with_body POST $connection/sync)" 405 "B26: sync is the plan's"
	is "$(status_with_body DELETE $connection)" 200 "it is disconnected"
	is "$(status_of $connection)" 404 "it is gone"
}

etag_guards_against_a_lost_update() {
	local plan=$web/serverfarms/plan1 etag
	etag=$(ask $plan -o /dev/null -D - | sed -n 's/^ETag: \(.*\)\r$/\1/p')
	is "$(status_of $plan -X PATCH -d '{"location": "here"}' -H "If-Match: $etag")" 200 "the first"
	is "$(status_of $plan -X PATCH -d '{"location": "there"}' -H "If-Match: $etag")" 412 "the second is refused"
	like "$(ask $plan)" '"location":"here"' "nothing was lost"
}

token_is_printed_alone_and_listed_without_its_secret() {
	local token id
	token=$(ctl token create --app shop --vnet vnet1 --lifetime 1h)
	like "$token" '^sstp1\.[A-Za-z0-9_-]+$' "the token alone"
	is "$(status_of $web/sites/shop/virtualNetworkConnections/vnet1)" 200 "app and connection are there"
	like "$(ctl token list)" 'shop +vnet1 +open' "it is listed"
	isnt "$(ctl token list --json | grep -c "${token:40:20}")" 1 "without its secret"
	id=$(ctl token list | awk '$2 == "shop" { print $1 }')
	succeeds "taking it back" ctl token drop "$id"
	is "$(number_of token)" 0 "it is gone"
	ctl token drop "$id" >/dev/null
	is $? $EXIT_REFUSED "a second time is refused"
}

mistakes_are_told_with_what_to_do() {
	like "$(ctl token create --app shop)" "--vnet is missing" "no VNet"
	ctl token create --app shop >/dev/null
	is $? $EXIT_USAGE "is a usage error"
	like "$(ctl token create --app shop --vnet vnet9)" "no VNet 'vnet9'" "a VNet that is not there"
	ctl token create --app shop --vnet vnet9 >/dev/null
	is $? $EXIT_REFUSED "is refused"
	like "$(ctl token create --app shop --vnet vnet1 --lifetime soon)" "must be like 90s" "a time that is none"
	like "$("$sstpctl_bin" token burn 2>&1)" "there is no 'token burn'" "a verb that is none"
	like "$("$sstpctl_bin" cert list --socket "$world_dir/none" 2>&1)" "is sstp-gateway running" "no gateway"
	"$sstpctl_bin" cert list --socket "$world_dir/none" 2>/dev/null
	is $? $EXIT_UNREACHABLE "is its own exit code"
	like "$("$sstpctl_bin" cert revoke --help)" "--foreign" "each verb has its help"
}

# with_fake_gateway ANSWER COMMAND...: with a $fake at which ANSWER is the answer to everything, before it hangs up
with_fake_gateway() {
	local pid
	fake=$world_dir/fake.sock
	python3 - "$fake" "$1" <<-'EOF' &
		import os, socket, sys
		listener = socket.socket(socket.AF_UNIX)
		listener.bind(sys.argv[1] + ".new")
		listener.listen()
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		while True:
		    peer = listener.accept()[0]
		    if peer.recv(65536):
		        peer.sendall(sys.argv[2].encode())
		    peer.close()
	EOF
	pid=$!
	wait_for 10 test -S "$fake" && "${@:2}"
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$fake"
}

# fake_ctl EXIT_CODE TEXT NOUN VERB ARGUMENT...
fake_ctl() {
	local said
	said=$("$sstpctl_bin" "${@:3}" --socket "$fake" 2>&1)
	is $? "$1" "the exit code of ${*:3:2}"
	like "$said" "$2" "what ${*:3:2} says"
}

fakes_without_what_has_to_be_there() {
	fake_ctl $EXIT_REFUSED "no 'token' in its answer" token create --app shop --vnet vnet1
	fake_ctl $EXIT_REFUSED "no 'thumbprint' in its answer" root rotate
	fake_ctl $EXIT_REFUSED "no 'value' in its answer" cert list
}

gateway_that_hangs_up_or_talks_nonsense_is_told_apart() {
	with_fake_gateway "" fake_ctl $EXIT_UNREACHABLE "$world_dir/fake.sock: " cert list
	with_fake_gateway $'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}' \
		fake_ctl $EXIT_UNREACHABLE "$world_dir/fake.sock: " cert list
	with_fake_gateway $'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}' fakes_without_what_has_to_be_there
	with_fake_gateway $'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]' \
		fake_ctl $EXIT_REFUSED "does not speak as expected" cert list
}

options_may_stand_in_front_of_noun_and_verb() {
	like "$("$sstpctl_bin" --json --socket "$socket" root list)" '"kind": "own"' "JSON"
	is "$("$sstpctl_bin" root --json list --socket="$socket")" "$(ctl root list --json)" "the same elsewhere"
	like "$("$sstpctl_bin" cert --help)" 'cert revoke \[THUMBPRINT\]' "a noun has its help"
	like "$("$sstpctl_bin" --app shop cert list 2>&1)" 'cert list takes no --app' "an option of another verb"
}

# completes WORD...: what bash would offer for the last one
completes() {
	# shellcheck disable=SC2034
	(
		PATH=$(dirname "$sstpctl_bin"):$PATH
		. "$world_root/tools/sstpctl/completion.bash"
		COMP_WORDS=(sstpctl "$@") COMP_CWORD=$#
		_sstpctl
		echo "${COMPREPLY[*]}"
	)
}

completion_knows_noun_and_verb_behind_options() {
	is "$(completes roo)" root "a noun"
	is "$(completes --json --socket "$socket" cert re)" revoke "a verb behind options"
	is "$(completes --socket = "$socket" token cr)" create "a verb behind --socket=PATH"
	is "$(completes cert --json revoke --for)" --foreign "a verb's option"
	is "$(completes cert list --app)" "" "another verb's option"
}

thumbprint_is_revoked_and_stays_so() {
	like "$(ctl cert revoke $SOME_THUMBPRINT)" "$SOME_THUMBPRINT|not" "one that is not ours is refused"
	succeeds "--foreign revokes it" ctl cert revoke --foreign $SOME_THUMBPRINT
	ctl cert revoke --foreign $SOME_THUMBPRINT >/dev/null
	is $? $EXIT_REFUSED "a second time is refused"
}

root_is_rotated_imported_and_dropped() {
	local old
	old=$(ctl root list | awk 'NR == 2 { print $1 }')
	make_ca elsewhere
	succeeds "rotation" ctl root rotate
	is "$(number_of root)" 2 "both are trusted"
	succeeds "import" ctl root import --name hq --vnet vnet1 "$world_dir/elsewhere.pem"
	like "$(ctl root list)" 'hq +external +vnet1' "the external one is listed"
	succeeds "the old one is dropped" ctl root drop "$old"
	is "$(number_of root)" 2 "it is gone"
	wait_for 5 grep -q "the gateway has a new certificate" "$world_dir/gateway.log" ||
		flunk "the gateway did not take the certificate of the new root"
}

control_that_is_killed_is_back_with_its_state_and_the_gateway_did_not_notice() {
	local pid roots before
	pid=$(control_pid)
	roots=$(ctl root list)
	before=$(shown_fingerprint)
	is "$(status_with_body PUT $web/serverfarms/kept '{"sku": {"tier": "Basic"}}')" 200 "a plan is acknowledged"
	ctl token create --app survivor --vnet vnet1 >/dev/null
	kill -s KILL "$pid"
	wait_for 5 control_is_another_than "$pid" || flunk "it is not back"
	is "$(ctl root list)" "$roots" "the same roots"
	like "$(ctl token list)" 'survivor +vnet1 +open' "the token is there"
	is "$(status_of $web/serverfarms/kept)" 200 "the plan is there"
	is "$(status_of $web/sites/survivor)" 200 "and the token's app"
	is "$(shown_fingerprint)" "$before" "the same certificate is shown"
	is_running "$gateway_pid" || flunk "the gateway has ended too"
}

second_gateway_on_the_same_state_is_refused_with_a_sentence() {
	local out
	write_control_config second
	sed -i 's/192.0.2.1:443/192.0.2.1:444/; s/sstp0/sstp1/; s/control\.sock/second.sock/' "$world_dir/second.yaml"
	out=$(in_ns "$gw" timeout 20 "$gateway_bin" --config "$world_dir/second.yaml" 2>&1)
	is $? 1 "it does not start"
	like "$out" "control cannot start: .*$world_dir/state" "it says which folder"
	like "$out" "the control process does not start" "and that this is why"
	is "$(status_of /v1/roots)" 200 "the first one goes on"
}

second_gateway_on_the_same_socket_is_refused_with_a_sentence() {
	local out
	write_control_config third "$world_dir/state3"
	sed -i 's/192.0.2.1:443/192.0.2.1:444/; s/sstp0/sstp1/' "$world_dir/third.yaml"
	out=$(in_ns "$gw" timeout 20 "$gateway_bin" --config "$world_dir/third.yaml" 2>&1)
	is $? 1 "it does not start"
	like "$out" "another gateway answers there" "it says why"
	is "$(status_of /v1/roots)" 200 "the first one goes on"
}

hostile_requests_are_refused_and_nothing_else_happens() {
	local pid before
	pid=$(control_pid)
	before=$(ctl token list)
	head -c 200000 /dev/zero | tr '\0' a >"$world_dir/big"
	is "$(status_of /v1/tokens --data-binary x -H "Content-Length: 99999999")" 413 "a body over the limit"
	is "$(status_of /v1/roots -H "X: $(head -c 9000 "$world_dir/big")")" 400 "a head over the limit"
	is "$(status_of /v1/tokens --data-binary '{')" 400 "no JSON"
	is "$(status_of /v1/tokens --data-binary "$(printf '[%.0s' {1..5000})")" 400 "JSON that is deep"
	is "$(status_of /v1/tokens --data-binary '{"app": 7, "vnet": "vnet1"}')" 400 "a number for a name"
	is "$(status_of /v1/tokens --data-binary $'{"app": "\xff\xfe", "vnet": "vnet1"}')" 400 "what is not UTF-8"
	is "$(status_of '/v1/tokens/..%2f..%2fstate' -X DELETE)" 404 "a path into the folder"
	is "$(status_of $web/serverfarms/big -X PUT -d '{"sku": {"tier": "Basic", "\u0000": 1}}')" 400 "a NUL in a key"
	is "$(status_of "$web/serverfarms/..%2f..%2fx" -X PUT -d '{}')" 404 "a path into another"
	is "$(status_of "$web/serverfarms/%27%3bDROP%20TABLE%20plan" -X PUT -d '{}')" 400 "a name that is SQL"
	is "$(status_of /v1/tokens -X DELETE)" 405 "a method that is not there"
	head -c 4096 /dev/urandom | timeout 5 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())' "$socket"
	is "$(status_of /v1/roots)" 200 "it still answers"
	is "$(control_pid)" "$pid" "it is the same process"
	is "$(ctl token list)" "$before" "nothing was made"
}

all_that_is_killed_is_there_again_after_a_start() {
	local roots before pid
	roots=$(ctl root list)
	before=$(shown_fingerprint)
	pid=$(control_pid)
	kill -s KILL "$gateway_pid"
	wait "$gateway_pid" 2>/dev/null
	wait_for 5 is_gone "$pid" || flunk "control outlives the gateway"
	succeeds "the gateway starts again" start_gateway
	is "$(ctl root list)" "$roots" "the same roots"
	like "$(ctl token list)" 'survivor +vnet1 +open' "the token is there"
	is "$(shown_fingerprint)" "$before" "the same certificate is shown"
	ctl cert revoke --foreign $SOME_THUMBPRINT >/dev/null
	is $? $EXIT_REFUSED "the thumbprint is still revoked"
}

gateway_that_ends_leaves_no_control_behind() {
	local pid
	pid=$(control_pid)
	stop "$gateway_pid"
	is $? 0 "it ends well"
	is_gone "$pid" || flunk "control is still there"
	[ ! -e "$socket" ] || flunk "the socket is still there"
}

tap_main gateway_without_certificate_shows_one_of_its_own_root \
	keys_are_not_open_in_the_process_that_strangers_reach \
	networks_of_the_configuration_are_resources_that_are_changed_there \
	app_is_connected_and_disconnected_by_the_paths_of_the_original \
	etag_guards_against_a_lost_update \
	token_is_printed_alone_and_listed_without_its_secret \
	mistakes_are_told_with_what_to_do \
	gateway_that_hangs_up_or_talks_nonsense_is_told_apart \
	options_may_stand_in_front_of_noun_and_verb \
	completion_knows_noun_and_verb_behind_options \
	thumbprint_is_revoked_and_stays_so \
	root_is_rotated_imported_and_dropped \
	control_that_is_killed_is_back_with_its_state_and_the_gateway_did_not_notice \
	second_gateway_on_the_same_state_is_refused_with_a_sentence \
	second_gateway_on_the_same_socket_is_refused_with_a_sentence \
	hostile_requests_are_refused_and_nothing_else_happens \
	all_that_is_killed_is_there_again_after_a_start \
	gateway_that_ends_leaves_no_control_behind -- "$@"
