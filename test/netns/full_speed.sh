#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Renewal under iperf3 at full speed, each way: no reset, no byte lost, and how long the stream stood still. That is
# taken from a capture at the receiver: the arrival of the stream's own packets. iperf3's intervals are too coarse, and a
# probe beside it has gaps of its own where it waits for a processor. Beside each renewal stands a span of the same
# length without one: how long anything stands still on this machine under this load, for other reasons.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

sstpctl_bin=$build_dir/tools/sstpctl/sstpctl
traffic=$here/seamless.py
delivery=$here/delivery.py
port=5201
renewals=3
span_s=2
gap_ms_max=50
settle_s=2
# a renewal takes much less than a second
run_s=$((settle_s + renewals * (2 * span_s + 1) + 1))
stream_bytes_s=500000 # of the stream whose digest is compared, beside iperf3

setup() {
	world_up && write_renewing_config && start_gateway && enrol &&
		start echo "$vnet" python3 "$traffic" serve 10.20.0.2 7 && wait_for 5 is_listening "$vnet" 7 &&
		start iperf3-server "$vnet" iperf3 --server --bind 10.20.0.2 --port $port &&
		wait_for 5 is_listening "$vnet" $port
}

write_renewing_config() {
	cat >"$world_dir/gateway.yaml" <<-EOF
		listen: ["192.0.2.1:443"]
		names: [192.0.2.1]
		state: $world_dir/state
		control_socket: $world_dir/run/control.sock
		log: {level: info, target: stderr}
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24]
		    pools: [172.16.77.0/24]
		    dns_servers: [10.20.0.2]
		    tun: sstp0
	EOF
}

enrol() {
	local token
	token=$("$sstpctl_bin" token create --app shop --vnet vnet1 --socket "$world_dir/run/control.sock") &&
		in_ns "$host" "$worker_bin" enrol "$token" --profile "$world_dir/shop.yaml" >"$world_dir/enrol.log" 2>&1
}

# run_worker NAME: with the app whose stream must come back as it was sent; sets worker_pid
run_worker() {
	start "$1" "$host" "$worker_bin" --profile "$world_dir/shop.yaml" --netns "$app" -- \
		python3 "$traffic" app 10.20.0.2 7 $stream_bytes_s
	worker_pid=$started_pid
	wait_for 10 log_has "$1" 0 '^app '
}

# start_capture NAME NAMESPACE DEVICE: sets capture_pid
start_capture() {
	start "$1" "$2" tcpdump -i "$3" -n -s 96 -B 65536 --time-stamp-precision nano -Z root -w "$world_dir/$1.pcap" \
		"tcp port $port"
	capture_pid=$started_pid
	wait_for 10 log_has "$1" 0 'listening on'
}

now_s() {
	date +%s.%N
}

# renew NAME: and waits until the new certificate is in use
renew() {
	local mark
	mark=$(log_mark "$1")
	kill -s USR2 "$worker_pid"
	wait_for 20 log_has "$1" "$mark" 'the new certificate is in use' || flunk "no change-over" \
		"$(log_since "$1" "$mark" | tail -n 5)"
}

# a span without a renewal and one with, again and again; sets spans
renew_in_turns() {
	local i
	spans=()
	for ((i = 0; i < renewals; i++)); do
		spans+=("$(now_s)")
		sleep $span_s
		spans+=("$(now_s)" "$(now_s)")
		renew "$1"
		sleep $span_s
		spans+=("$(now_s)")
	done
}

# renews_under_iperf3 up|down NAMESPACE DEVICE [IPERF3_OPTION]...: the receiver's namespace and device
renews_under_iperf3() {
	local way=$1 report=$world_dir/$1.json iperf3_pid
	run_worker "$way" || flunk "no tunnel"
	start_capture "capture-$way" "$2" "$3" || flunk "no capture"
	shift 3
	ip netns exec "$app" iperf3 --client 10.20.0.2 --port $port --json --time $run_s "$@" >"$report" &
	iperf3_pid=$!
	sleep $settle_s
	renew_in_turns "$way"
	is_running $iperf3_pid || diag "iperf3 was through before the last span was: its gap is not the renewal's"
	wait $iperf3_pid
	is $? 0 "iperf3's exit status"
	stop "$capture_pid" INT
	kill -s TERM "$(sed -n 's/^app \([0-9]*\) .*/\1/p' "$world_dir/$way.log")"
	wait_for 30 log_has "$way" 0 '^tcp ' || flunk "the stream did not end"
	wait "$worker_pid"
	is $? 0 "the app's exit status"
	like "$(grep '^tcp ' "$world_dir/$way.log")" '^tcp ([0-9]+) ([0-9]+) same$' "the bytes that came back"
	is "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "their number"
	log_has "$way" 0 'the tunnel is down' && flunk "the tunnel was down"
	like "$(cat "$world_dir/capture-$way.log")" '(^|[^0-9])0 packets dropped by kernel' "the capture"
	tell "$way" "$report"
}

# Says what was; judges only what does not hang on when a processor was free.
tell() {
	local lines gaps i longest
	lines=$(python3 "$delivery" "$world_dir/capture-$1.pcap" $port "$1" "${spans[@]}") || flunk "no delivery" "$lines"
	is "$(head -n 1 <<<"$lines")" "resets 0 missing 0" "iperf3's stream"
	mapfile -t gaps < <(sed -n 's/^gap \([0-9]*\) .*/\1/p' <<<"$lines")
	for ((i = 0; i < 2 * renewals; i += 2)); do
		diag "$1: longest gap $(in_ms "${gaps[i + 1]}") ms with a renewal, $(in_ms "${gaps[i]}") ms without"
	done
	longest=$(printf '%s\n' "${gaps[@]}" | sed -n 'n;p' | sort -n | tail -n 1)
	diag "$1: $([ "$longest" -le $((gap_ms_max * 1000)) ] && echo within || echo above) $gap_ms_max ms" \
		"$1: $(retransmitted "$2") segments sent again by iperf3's TCP; $(grep '^probe ' "$world_dir/$1.log") us"
}

in_ms() {
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

retransmitted() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["end"]["sum_sent"]["retransmits"])' "$1"
}

B45_renewal_under_iperf3_upload() {
	renews_under_iperf3 up "$vnet" v1
}

B45_renewal_under_iperf3_download() {
	renews_under_iperf3 down "$app" vnet0 --reverse
}

tap_main B45_renewal_under_iperf3_upload B45_renewal_under_iperf3_download -- "$@"
