#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The world for security.py: a gateway that takes PAP, so that a client without any of our code can log in.
# Two runs of it: with generous limits for everything, then with low ones for the limits themselves.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

if [ "${1-}" = --list ]; then
	python3 "$here/security.py" --list
	echo gateway_ends_cleanly
	exit
fi

generous='{half_open_per_address: 0, accept_rate_per_address: 0, auth_failures_per_address: 0}'
sanitized=$(nm "$gateway_bin" | grep -c -m 1 __asan_init)

# restart_with LIMITS
restart_with() {
	[ -z "${gateway_pid-}" ] || stop "$gateway_pid" TERM
	config_pap=true write_config {alice,bob,carol,dave}:wonderland
	echo "limits: $1" >>"$world_dir/gateway.yaml"
	start_gateway
}

run_phase() {
	WORLD_DIR=$world_dir WORLD_VNET=$vnet WORLD_GW=$gw GATEWAY_PID=$gateway_pid DATA_PID=$(data_pid) SANITIZED=$sanitized in_ns "$host" python3 "$here/security.py" "$@" | tee -a "$world_dir/tap"
}

# the phases' cases in one row, and the gateway's own end, where a sanitizer's report would show
renumber() {
	{
		grep -v '^1\.\.' "$world_dir/tap"
		[ "$1" -eq 0 ] && ! grep -q Sanitizer "$world_dir/gateway.log" && echo ok 0 - gateway_ends_cleanly ||
			echo not ok 0 - gateway_ends_cleanly
	} | awk '/^(not )?ok / {sub(/ok [0-9]+/, "ok " ++n)} {print} END {print "1.." n}' | tee "$world_dir/result"
}

world_up && make_ca ca && make_certificate server ca || exit 1
restart_with "$generous" || exit 1
run_phase main "$@" >/dev/null
[ $# -gt 0 ] || {
	restart_with '{half_open_per_address: 8, auth_failures_per_address: 4}' || exit 1
	run_phase limits >/dev/null
}
[ $# -gt 0 ] || {
	restart_with "$generous" || exit 1
	run_phase end >/dev/null
}
stop "$gateway_pid" TERM
status=$?
renumber $status
grep -q '^not ok' "$world_dir/result" && diag "the end of gateway.log:" "$(tail -n 40 "$world_dir/gateway.log")"
! grep -q '^not ok' "$world_dir/result"
