#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# soak.sh [CASE]...: is every byte that goes through the tunnel the one that was sent, with the offloads on, off, and each
# one off? TCP and UDP, both ways, each byte compared by test/netns/soak.c. Without a CASE: all of them.
#
#	SOAK_BYTES=10G test/netns/soak.sh                 10 GB each way in each case, about ten minutes
#	SOAK_BYTES=10G test/netns/soak.sh all_on all_off  with and without offload
#
# SOAK_BYTES: of TCP each way (64M), and of UDP a datagram for each 50000 of them, at least 5000. SOAK_SEED: of the contents.
# SSTP_BUILD: where the programs were built (build/; a debugging build is not a fast one).
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

soak_bin=$build_dir/test/netns/soak
port=7000

setup() {
	soak_bytes=$(numfmt --from=si "${SOAK_BYTES:-64M}") || return 1
	soak_seed=${SOAK_SEED:-$RANDOM}
	soak_datagrams=$((soak_bytes > 250000000 ? soak_bytes / 50000 : 5000))
	diag "seed $soak_seed, $soak_bytes bytes each way"
	world_up && make_ca ca && make_certificate server ca && write_password alice wonderland
}

# ---- which offloads

kernel_has_uso() {
	printf '%s\n' 6.2 "$(uname -r)" | sort -CV
}

# the words of those that must be in effect when the given ones are off
in_effect() {
	local word words=()
	for word in tcp_read udp_read tcp_merge udp_merge io_uring; do
		[[ " $* " =~ " $word " ]] && continue
		[[ $word == udp_* ]] && ! kernel_has_uso && continue
		words+=("$word")
	done
	echo "${words[*]:-none}"
}

# start_both [WORD]...: gateway and worker with these off; checks that both say so
start_both() {
	local word gateway_at worker_at off=("$@") names=() lines=()
	for word in "$@"; do
		names+=("${word/_/-}")
		lines+=("$word: false")
	done
	write_config
	(IFS=, && echo "offload: {${lines[*]}}") >>"$world_dir/gateway.yaml"
	worker_options=(--no-offload "$(IFS=, && echo "${names[*]}")")
	[ $# -gt 0 ] || worker_options=()
	gateway_at=$(log_mark gateway)
	worker_at=$(log_mark worker)
	start_gateway || return 1
	worker_start worker "${worker_options[@]}" -- sh -c 'echo "address=$WEBSITE_PRIVATE_IP."; exec sleep 86400'
	wait_for 15 log_has worker "$worker_at" '^address=' || return 1
	checks_say "${off[@]}"
	like "$(log_since gateway "$gateway_at")" "sstp0: offload in effect: $(in_effect "$@")"$'\n' \
		"the gateway's log"
	like "$(log_since worker "$worker_at")" "vnet0: offload in effect: $(in_effect "$@")"$'\n' \
		"the worker's log"
}

# what --check prints of both
checks_say() {
	local word expected=""
	for word in tcp_read udp_read tcp_merge udp_merge io_uring; do
		[[ " $* " =~ " $word " ]] && expected+="  $word: false;" || expected+="  $word: true;"
	done
	is "$("$gateway_bin" --config "$world_dir/gateway.yaml" --check 2>/dev/null | offloads_of)" "$expected" \
		"sstp-gateway --check"
	worker_command alice
	is "$("${worker_command[@]}" "${worker_options[@]}" --check 2>/dev/null | offloads_of)" "$expected" \
		"sstp-worker --check"
}

offloads_of() {
	sed -n '/^offload:/,/^[^ o]/p' | grep '^ ' | tr '\n' ';'
}

stop_both() {
	stop "$worker_pid" TERM
	is $? 143 "exit status of the worker: that of its application, by signal"
	stop "$gateway_pid" TERM
	is $? 0 "exit status of the gateway"
}

# ---- transfers

listens_there() {
	[ -n "$(in_ns "$vnet" ss -Hln "--$1" "sport = :$port")" ] || is_gone "$listener_pid"
}

# transfer tcp|udp VNET_ROLE APP_ROLE AMOUNT: sets listener_said and connector_said
transfer() {
	local protocol=$1 status
	port=$((port + 1))
	in_ns "$vnet" "$soak_bin" "$protocol" "$2" listen 10.20.0.2 $port "$soak_seed" "$4" \
		>"$world_dir/listener" 2>&1 &
	listener_pid=$!
	wait_for 5 listens_there "$protocol"
	connector_said=$(in_ns "$app" "$soak_bin" "$protocol" "$3" connect 10.20.0.2 $port "$soak_seed" "$4" 2>&1)
	status=$?
	wait "$listener_pid"
	is $? 0 "exit status of the end in the virtual network"
	is $status 0 "exit status of the end in the application's namespace"
	listener_said=$(cat "$world_dir/listener")
}

# both ends say "bytes N digest HEX seconds S gbps G"
tcp_is_unchanged() {
	transfer tcp "$2" "$3" "$soak_bytes"
	diag "$1: $connector_said"
	is "${connector_said%% seconds*}" "${listener_said%% seconds*}" "$1: bytes and digest at both ends"
	like "$connector_said" '^bytes [1-9][0-9]* digest [0-9a-f]{16} ' "$1: what was transferred"
}

# udp_is_unchanged WHAT VNET_ROLE APP_ROLE: half of the datagrams may be lost, so that little else than loss passes
udp_is_unchanged() {
	local sent received number='s/^datagrams \([0-9]*\).*/\1/p'
	transfer udp "$2" "$3" "$soak_datagrams"
	if [ "$2" = send ]; then
		sent=$listener_said received=$connector_said
	else
		sent=$connector_said received=$listener_said
	fi
	diag "$1: sent $sent; received $received"
	like "$received" ' wrong 0 reordered 0$' "$1: datagrams with other contents, and behind later ones"
	like "$sent" '^datagrams [1-9]' "$1: datagrams sent"
	received=$(sed -n "$number" <<<"$received")
	sent=$(sed -n "$number" <<<"$sent")
	at_least "$((2 * ${received:-0}))" "${sent:-1}" "$1: twice the datagrams received"
}

without() {
	if ! start_both "$@"; then
		flunk "gateway and worker do not come up"
		return
	fi
	tcp_is_unchanged "TCP up" receive send
	tcp_is_unchanged "TCP down" send receive
	udp_is_unchanged "UDP up" receive send
	udp_is_unchanged "UDP down" send receive
	stop_both
}

all_on() {
	without
}

all_off() {
	without tcp_read udp_read tcp_merge udp_merge io_uring
}

without_tcp_read() {
	without tcp_read
}

without_udp_read() {
	without udp_read
}

without_tcp_merge() {
	without tcp_merge
}

without_udp_merge() {
	without udp_merge
}

without_io_uring() {
	without io_uring
}

# what the other cases stand on: over loopback, one end with another seed
wrong_content_is_noticed() {
	local protocol
	for protocol in tcp udp; do
		in_ns "$vnet" "$soak_bin" $protocol receive listen 10.20.0.2 6999 1 1000 >"$world_dir/listener" 2>&1 &
		listener_pid=$!
		port=6999
		wait_for 5 listens_there $protocol
		in_ns "$vnet" "$soak_bin" $protocol send connect 10.20.0.2 6999 2 1000 >/dev/null 2>&1
		wait "$listener_pid"
		is $? 1 "exit status of the receiver over $protocol"
		like "$(cat "$world_dir/listener")" '^wrong: (byte 0 is|datagram)' "what it says over $protocol"
	done
}

# likewise: datagrams of 8 bytes, which are a length and a number; 1, then 0, then 1000, the sender's last word
wrong_order_is_noticed() {
	in_ns "$vnet" "$soak_bin" udp receive listen 10.20.0.2 6998 1 1000 >"$world_dir/listener" 2>&1 &
	listener_pid=$!
	port=6998
	wait_for 5 listens_there udp
	in_ns "$vnet" bash -c 'for number in "\1\0" "\0\0" "\350\3"; do
		printf "\10\0$number\0\0\0\0" >/dev/udp/10.20.0.2/6998
	done'
	wait "$listener_pid"
	is $? 1 "exit status of the receiver"
	is "$(cat "$world_dir/listener")" "datagrams 2 wrong 0 reordered 1" "what it says"
}

cases=(wrong_content_is_noticed wrong_order_is_noticed all_on all_off without_tcp_read without_udp_read without_tcp_merge without_udp_merge without_io_uring)
if [ $# -gt 0 ] && [ "$1" != --list ]; then
	cases=("$@")
	set --
fi
tap_main "${cases[@]}" -- "$@"
