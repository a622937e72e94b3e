# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A user-mode Linux guest in $host of world.sh, on a tap: 192.0.3.1 here, 192.0.3.2 there. Its console goes
# to guest.log. To be read after world.sh.

guest_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

start_guest() {
	# the guest promises to take segments of 64 KB, and cuts each one off after the first 1500 bytes
	ip -n "$host" tuntap add dev tapu mode tap && ip -n "$host" addr add 192.0.3.1/24 dev tapu &&
		ip -n "$host" link set tapu gso_max_segs 1 up && ip -n "$gw" route add 192.0.3.0/24 via 192.0.2.2 &&
		in_ns "$host" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || return 1
	# from the world's folder, because a path of a deep clone is too much for some command lines; HOME is
	# where this kernel keeps its own files
	cp "$guest_folder/guest_init" "$guest_folder/guest_agent.py" "$world_dir/" &&
		HOME=$world_dir start guest "$host" linux.uml mem=256M rootfstype=hostfs rootflags=/ rw \
			"init=$world_dir/guest_init" con=null con0=null,fd:1 quiet \
			vec0:transport=tap,ifname=tapu,depth=128
	guest_pid=$started_pid
	# nothing may be sent to it before it says so: a packet on the tap while it boots can stop the boot
	wait_for 30 log_has guest 0 'guest is ready' && guest true
}

# guest COMMAND...: runs it in the guest's shell; its output and exit status
guest() {
	local status
	in_ns "$host" curl -sS -m 120 -D "$world_dir/guest.head" -o "$world_dir/guest.out" \
		--data-binary "$*" http://192.0.3.2:8080/ || return 125
	tr -d '\0' <"$world_dir/guest.out" # sstpc's log has zero bytes, which no shell variable takes
	status=$(sed -n 's/^X-Status: \([0-9]*\).*/\1/p' "$world_dir/guest.head")
	return "${status:-125}"
}

stop_guest() {
	in_ns "$host" curl -s -m 5 -o /dev/null -d '' http://192.0.3.2:8080/end
	wait_for 10 is_gone "$guest_pid" || kill -s KILL "$guest_pid" 2>/dev/null
	wait "$guest_pid" 2>/dev/null
}
