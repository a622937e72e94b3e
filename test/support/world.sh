# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A small world of network namespaces, for the tests and for tools/demo:
#
#	app (only loopback)
#	host 192.0.2.2 ---- 192.0.2.1 gw 10.20.0.1 ---- 10.20.0.2 vnet (web server, port 80)
#
# The gateway runs in gw, the worker in host, its application in app. host has no route to 10.20.0.0/24;
# vnet answers through gw. Every name begins with sstp-$WORLD_RUN-, unique for each run, so that worlds
# do not meet; what runs inside is found by namespace and stopped by process id, nothing else is touched.
#
#	world_up                makes one for a test, removed when the script ends
#	world_with_gateway      the same with a gateway, a web server and user alice
#	world_names WORD DIR    only sets the variables ($host $app $gw $vnet $world_dir) of a world whose
#	                        life the caller minds himself, with world_build and world_down

world_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build_dir=${SSTP_BUILD:-$world_root/build}
gateway_bin=$build_dir/sstp/gateway/sstp-gateway
worker_bin=$build_dir/sstp/worker/sstp-worker

# passwords and keys lie in the world's folder
umask 077

pool_regex='^172\.16\.77\.[0-9]+$'

# ---- namespaces

# world_names WORD [DIR]: sets the names; DIR keeps certificates, configuration and logs
world_names() {
	world_prefix=sstp-$1
	world_dir=${2-}
	host=$world_prefix-host
	app=$world_prefix-app
	gw=$world_prefix-gw
	vnet=$world_prefix-vnet
}

# world_up: a world of its own for a test, removed when the script ends, however it ends
world_up() {
	world_names "${WORLD_RUN:-r$$}-$$" "$(mktemp -d "${TMPDIR:-/tmp}/sstp-world.XXXXXX")"
	end_with world_end
	world_build
}

# end_with FUNCTION: runs it when the script ends, by itself or by a signal
end_with() {
	trap "$1" EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
}

world_end() {
	trap '' HUP INT PIPE TERM
	world_down
	rm -rf "$world_dir"
}

world_build() {
	local n
	for n in $host $app $gw $vnet; do
		ip netns add "$n" && ip -n "$n" link set lo up || return 1
		# the kernel's default may be one that starves without its own queueing discipline
		in_ns "$n" sh -c 'echo cubic >/proc/sys/net/ipv4/tcp_congestion_control' 2>/dev/null
		in_ns "$n" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null
	done
	ip link add u0 netns "$host" type veth peer name u1 netns "$gw" &&
		ip link add v0 netns "$gw" type veth peer name v1 netns "$vnet" &&
		ip -n "$host" addr add 192.0.2.2/24 dev u0 && ip -n "$host" link set u0 up &&
		ip -n "$gw" addr add 192.0.2.1/24 dev u1 && ip -n "$gw" link set u1 up &&
		ip -n "$gw" addr add 10.20.0.1/24 dev v0 && ip -n "$gw" link set v0 up &&
		ip -n "$vnet" addr add 10.20.0.2/24 dev v1 && ip -n "$vnet" link set v1 up &&
		ip -n "$vnet" route add default via 10.20.0.1 &&
		in_ns "$gw" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

in_ns() {
	ip netns exec "$@"
}

# Ends all processes of the world, the worker's side first, and removes its namespaces.
world_down() {
	local n
	for n in $app $host $gw $vnet; do
		if [ -e "/run/netns/$n" ]; then
			end_processes_in "$n"
			ip netns del "$n"
		fi
	done
}

end_processes_in() {
	signal_all TERM "$1"
	wait_for 5 is_empty_ns "$1" || {
		signal_all KILL "$1"
		wait_for 5 is_empty_ns "$1"
	}
}

signal_all() {
	local pid
	for pid in $(ip netns pids "$2" 2>/dev/null); do
		kill -s "$1" "$pid" 2>/dev/null
	done
}

is_empty_ns() {
	[ -z "$(ip netns pids "$1" 2>/dev/null)" ]
}

# ---- processes and waiting

# wait_for SECONDS COMMAND...: until COMMAND succeeds; 1 when the time is over
wait_for() {
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt $end ] || return 1
		sleep 0.05
	done
}

# start NAME NAMESPACE COMMAND...: in the background, output to $world_dir/NAME.log; sets started_pid
start() {
	local name=$1
	shift
	ip netns exec "$@" >>"$world_dir/$name.log" 2>&1 </dev/null &
	started_pid=$!
}

is_running() {
	kill -0 "$1" 2>/dev/null
}

is_gone() {
	! is_running "$1"
}

# freeze PID: stops it for a while; returns when each of its threads stands still. Go on: kill -s CONT PID
freeze() {
	kill -s STOP "$1"
	wait_for 5 is_frozen "$1"
}

is_frozen() {
	! grep -L '^State:.T' /proc/"$1"/task/*/status | grep -q .
}

# stop PID [SIGNAL]: ends a child of this shell; returns its exit status
stop() {
	{
		kill -s "${2:-TERM}" "$1"
		wait_for 10 is_gone "$1" || kill -s KILL "$1"
		wait "$1"
	} 2>/dev/null # bash's own word on a killed job among it
}

is_listening() {
	[ -n "$(ip netns exec "$1" ss -Hltn "sport = :$2")" ]
}

# A place in a log: log_mark NAME prints it, log_since NAME MARK what was written after it.
log_mark() {
	stat -c %s "$world_dir/$1.log" 2>/dev/null || echo 0
}

log_since() {
	tail -c "+$(($2 + 1))" "$world_dir/$1.log" 2>/dev/null
}

# log_has NAME MARK REGEX
log_has() {
	log_since "$1" "$2" | grep -Eq -- "$3"
}

# ---- certificates

# make_ca NAME: $world_dir/NAME.pem and NAME.key
make_ca() {
	openssl_req "$1" -subj "/CN=$1 of a small world" -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# make_certificate NAME CA: a server's, for gw.test and 192.0.2.1. RSA, which every client takes; the
# name is in the subject too, because some clients look nowhere else.
make_certificate() {
	openssl_req "$1" -subj "/CN=192.0.2.1" -newkey rsa:2048 \
		-CA "$world_dir/$2.pem" -CAkey "$world_dir/$2.key" \
		-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth \
		-addext subjectAltName=DNS:gw.test,IP:192.0.2.1
}

openssl_req() {
	local name=$1
	shift
	printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$world_dir/req.cnf"
	openssl req -x509 -config "$world_dir/req.cnf" -nodes -days 365 "$@" \
		-keyout "$world_dir/$name.key" -out "$world_dir/$name.pem" 2>"$world_dir/openssl.log"
}

# ---- the web server in the virtual network

# Serves a page and big.bin (20 MB), and answers an upload with its checksum. Sets big_sum.
start_web_server() {
	mkdir -p "$world_dir/www"
	head -c 20000000 /dev/urandom >"$world_dir/www/big.bin"
	big_sum=$(sha256sum <"$world_dir/www/big.bin" | cut -d ' ' -f 1)
	start web "$vnet" "$world_root/test/support/webserver.py" 10.20.0.2 80 "$world_dir/www"
	wait_for 10 is_listening "$vnet" 80
}

# world_ipv6: fd00:20::1 at the gateway, and fd00:20::2, with the same web server, behind it; after start_web_server
world_ipv6() {
	local n
	for n in "$gw" "$vnet"; do
		in_ns "$n" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	done
	in_ns "$gw" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' &&
		ip -n "$gw" addr add fd00:20::1/64 dev v0 nodad &&
		ip -n "$vnet" addr add fd00:20::2/64 dev v1 nodad &&
		ip -n "$vnet" route add default via fd00:20::1 &&
		start web6 "$vnet" "$world_root/test/support/webserver.py" fd00:20::2 80 "$world_dir/www" &&
		wait_for 10 is_serving6 80
}

# is_serving6 PORT: a TCP or UDP socket of fd00:20::2
is_serving6() {
	[ -n "$(in_ns "$vnet" ss -6Hlntu "src [fd00:20::2] and sport = :$1")" ]
}

# ---- the gateway

# the VNet of this world; config_ipv6: with IPv6, as world_ipv6 makes it
config_vnets() {
	local and=${config_ipv6:+yes}
	cat <<-EOF
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24${and:+, "fd00:20::/64"}]
		    pools: [172.16.77.0/24${and:+, "fd00:77::/48"}]
		    dns_servers: [10.20.0.2${and:+, "fd00:20::2"}]
		    tun: sstp0
	EOF
}

# write_config [NAME:PASSWORD]...: gateway.yaml; config_pap, config_listen, config_certificate change it
write_config() {
	local user
	{
		cat <<-EOF
			listen: ["${config_listen:-192.0.2.1:443}"]
			certificate: $world_dir/${config_certificate:-server}.pem
			key: $world_dir/${config_certificate:-server}.key
			log: {level: ${config_log_level:-debug}, target: stderr}
			auth: {mschapv2: true, pap: ${config_pap:-false}}
			$(config_vnets)
			users:
		EOF
		for user in "${@:-alice:wonderland}"; do
			echo "  - {name: ${user%%:*}, password: ${user#*:}, vnet: vnet1}"
		done
	} >"$world_dir/gateway.yaml"
}

# write_authority_config [LINE]...: gateway.yaml of a gateway with an authority, and no users; with these lines too
write_authority_config() {
	{
		cat <<-EOF
			listen: ["192.0.2.1:443"]
			names: [192.0.2.1, gw.test]
			state: $world_dir/state
			control_socket: $world_dir/control.sock
			log: {level: ${config_log_level:-debug}, target: stderr}
			$(config_vnets)
		EOF
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$world_dir/gateway.yaml"
}

# starts it with gateway.yaml and waits until it listens; sets gateway_pid
start_gateway() {
	start gateway "$gw" "$gateway_bin" --config "$world_dir/gateway.yaml"
	gateway_pid=$started_pid
	wait_for 10 gateway_has_settled || return 1
	is_running "$gateway_pid"
}

# the process that clients talk to
data_pid() {
	pgrep -P "$gateway_pid" -f -- --data-process
}

gateway_has_settled() {
	is_listening "$gw" 443 || is_gone "$gateway_pid"
}

# world_with_gateway: what most tests start from
world_with_gateway() {
	world_up && make_ca ca && make_certificate server ca && start_web_server &&
		write_config && write_password alice wonderland && start_gateway
}

# ---- the worker

write_password() {
	printf '%s\n' "$2" >"$world_dir/$1.password"
}

# Sets worker_command for user USER: run it in $host, with more options and "-- APP ARGS..." behind it.
worker_command() {
	worker_command=("$worker_bin" --gateway 192.0.2.1 --user "$1"
		--password-file "$world_dir/$1.password" --ca "$world_dir/ca.pem")
}

# worker_run [OPTION]... -- APP ARGS...: alice's application in $app, in the foreground; its output is
# the application's, the worker's own messages go to worker.log; returns the worker's exit status
worker_run() {
	worker_command alice
	timeout -k 5 60 ip netns exec "$host" "${worker_command[@]}" --netns "$app" \
		--route 10.20.0.0/24 "$@" 2>>"$world_dir/worker.log"
}

# worker_start NAME [OPTION]... -- APP ARGS...: the same in the background; all output in NAME.log
worker_start() {
	local name=$1
	shift
	worker_command alice
	start "$name" "$host" "${worker_command[@]}" --netns "$app" --route 10.20.0.0/24 "$@"
	worker_pid=$started_pid
}

# the network state of a namespace as text, to compare before and after
network_of() {
	ip -n "$1" -o link | sed 's/^[0-9]*: //; s/ qdisc.*//'
	ip -n "$1" -4 -o addr | sed 's/^[0-9]*: //'
	ip -n "$1" -4 route show table all
	ip -n "$1" -4 rule
}

# called by tap.sh when a case failed
tap_explain() {
	local log
	for log in gateway worker; do
		[ -s "$world_dir/$log.log" ] && diag "the end of $log.log:" "$(tail -n 25 "$world_dir/$log.log")"
	done
}

# worker_table NAMESPACE: the number of its worker's routing table; what is sent from the private address asks no other
worker_table() {
	ip -n "$1" rule | sed -n 's/.* lookup \([0-9][0-9]*\).*/\1/p' | head -n 1
}
