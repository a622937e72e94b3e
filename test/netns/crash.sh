#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The world for crash.py: a gateway with an authority, which it starts itself, and the web server.
# CRASH_KILLS (12) says how many processes are killed, CRASH_SEED which and when; after a failure the logs are copied
# to the folder CRASH_LOGS.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/../support/site.sh"

if [ "${1-}" = --list ]; then
	exec python3 "$here/crash.py" --list
fi

world_up && end_with site_end && site_web_server &&
	config_log_level=info write_authority_config \
		'limits: {half_open_per_address: 0, accept_rate_per_address: 0}' || exit 1
for name in worker1 worker2 worker3; do
	make_view $name
done
WORLD_DIR=$world_dir WORLD_PREFIX=$world_prefix BUILD=$build_dir \
	timeout -k 5 $((60 + ${CRASH_KILLS:-12} * 8)) python3 "$here/crash.py" | tee "$world_dir/tap"
grep -qE '^not ok|Bail out' "$world_dir/tap" && tap_explain && cp "$world_dir"/*.log "${CRASH_LOGS:-$world_dir/www}"
grep -q '^ok' "$world_dir/tap" && ! grep -qE '^not ok|Bail out' "$world_dir/tap" &&
	! grep -qE 'Sanitizer|panicked' "$world_dir/gateway.log"
