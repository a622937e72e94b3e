# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# sstpc with pppd in the guest of guest.sh. To be read after it.
#
# sstpc 1.0.18 dies ("The event loop terminated unsuccessfully"), or hangs where pppd has started it, when its TLS
# handshake never has to wait: it asks for the HTTP reply only in the callback of a write that was put off. Any
# server on a path without delay does that to it, hence the millisecond in guest_init; on a machine that lets the
# guest stand still for so long it can happen all the same. So dial() starts it again, a few times, where the gateway
# has not seen a CALL_CONNECT_REQUEST, and says how often; from there on nothing is forgiven. pppd never gets
# usepeerdns: the guest's /etc is the machine's.

readonly DIAL_TRIES=4

# start_sstpc USER PASSWORD CA [PPPD_OPTION]...
start_sstpc() {
	local user=$1 password=$2 ca=$3
	shift 3
	guest "rm -f /run/sstpc.log
		sstpc --log-level 4 --log-stderr --ca-cert $world_dir/$ca.pem \
			--user $user --password $password 192.0.2.1 \
			noauth noipdefault nodefaultroute refuse-eap $* >/run/sstpc.log 2>&1 &
		echo \$! >/run/sstpc.pid"
}

sstpc_runs() {
	guest 'kill -0 $(cat /run/sstpc.pid)' >/dev/null 2>&1
}

sstpc_is_gone() {
	! sstpc_runs
}

has_requested_or_died() {
	log_has gateway "$dial_mark" CALL_CONNECT_REQUEST || sstpc_is_gone
}

# dial USER PASSWORD CA [PPPD_OPTION]...: until the gateway saw its request. Sets dial_mark, the place in
# the gateway's log where this attempt begins, and dial_began. start_client: what starts it, if not start_sstpc
dial() {
	local try
	for ((try = 1; try <= DIAL_TRIES; try++)); do
		dial_mark=$(log_mark gateway)
		dial_began=$(date +%s%N)
		"${start_client:-start_sstpc}" "$@"
		wait_for 10 has_requested_or_died
		if log_has gateway "$dial_mark" CALL_CONNECT_REQUEST; then
			diag "sstpc's request came at start $try, after $(dial_ms) ms"
			return 0
		fi
		hang_up KILL
	done
	flunk "sstpc did not get as far as its CALL_CONNECT_REQUEST in $DIAL_TRIES starts"
	return 1
}

dial_ms() {
	echo $((($(date +%s%N) - dial_began) / 1000000))
}

# hang_up [SIGNAL]: ends pppd, and sstpc with it
hang_up() {
	local signal=${1:-TERM}
	guest "/bin/busybox killall -$signal pppd 2>/dev/null
		[ $signal = TERM ] || kill -$signal \$(cat /run/sstpc.pid) 2>/dev/null; true"
	wait_for 10 sstpc_is_gone || guest 'kill -KILL $(cat /run/sstpc.pid); true'
}

ppp_address() {
	guest "ip -4 -o addr show dev ppp0 2>/dev/null" | sed -n 's/.* inet \([0-9.]*\) .*/\1/p'
}

is_up() {
	[ -n "$(ppp_address)" ]
}

has_no_ppp() {
	! guest 'ip link show dev ppp0' >/dev/null 2>&1
}

# expect_up: the address is there within 5 s, and the route to the network is set
expect_up() {
	wait_for 10 is_up
	at_most "$(dial_ms)" 5000 "milliseconds from sstpc's start to its address"
	like "$(ppp_address)" "$pool_regex" "the client's address"
	guest 'ip route replace 10.20.0.0/24 dev ppp0'
}

# what the client itself said, for a failed case
tap_explain() {
	diag "the end of sstpc's own log:" "$(guest 'tail -n 25 /run/sstpc.log')" \
		"the end of gateway.log:" "$(tail -n 40 "$world_dir/gateway.log")"
}
