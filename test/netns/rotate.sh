#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The world for rotate.py: a gateway that takes PAP, and two more certificates to change to.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

if [ "${1-}" = --list ]; then
	exec python3 "$here/rotate.py" --list
fi

world_up && make_ca ca && start_web_server || exit 1
for name in first second third; do
	make_certificate $name ca || exit 1
done
cp "$world_dir/first.pem" "$world_dir/server.pem" && cp "$world_dir/first.key" "$world_dir/server.key" || exit 1
config_pap=true write_config alice:wonderland && start_gateway || exit 1
WORLD_DIR=$world_dir GATEWAY_PID=$gateway_pid timeout -k 5 120 \
	ip netns exec "$host" python3 "$here/rotate.py" "$@" | tee "$world_dir/tap"
stop "$gateway_pid" TERM
gateway_status=$?
echo "# gateway ended with $gateway_status"
grep -q '^not ok' "$world_dir/tap" && tap_explain
[ $gateway_status = 0 ] && grep -q '^ok' "$world_dir/tap" &&
	! grep -qE '^not ok|Sanitizer' "$world_dir/tap" "$world_dir/gateway.log"
