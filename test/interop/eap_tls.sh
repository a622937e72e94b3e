#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sstpc with pppd 2.4.9 by EAP-TLS, with a client certificate of the gateway's own authority, which openssl and
# curl have enrolled: no code of ours on that side. pppd before 2.5 makes half of EAP-TLS's key wrong, so
# eap_tls_pppd249 has to be on.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"
. "$here/guest.sh"
. "$here/client.sh"

est=https://192.0.2.1/.well-known/est

setup() {
	world_up && start_web_server && write_gateway_config true && start_gateway && start_guest
}

# write_gateway_config PPPD249
write_gateway_config() {
	cat >"$world_dir/gateway.yaml" <<-EOF
		listen: ["192.0.2.1:443"]
		names: [192.0.2.1]
		state: $world_dir/state
		control_socket: $world_dir/control.sock
		log: {level: debug, target: stderr}
		auth: {eap_tls_pppd249: $1}
		vnets:
		  - name: vnet1
		    address_spaces: [10.20.0.0/24]
		    pools: [172.16.77.0/24]
		    dns_servers: [10.20.0.2]
		    tun: sstp0
		users:
		  - {name: alice, password: wonderland, vnet: vnet1}
	EOF
}

# token_part root|secret: what a token pins, as hex, and what it is worth, as the password that EST wants
token_part() {
	python3 - "$1" "$token" <<-'EOF'
		import base64, sys
		raw = base64.urlsafe_b64decode(sys.argv[2].split(".")[1] + "==")
		root, secret = raw[-76:-44], raw[-44:-12]
		print(root.hex() if sys.argv[1] == "root" else
		      base64.urlsafe_b64encode(secret).decode().rstrip("="))
	EOF
}

from_pkcs7() {
	base64 -d | openssl pkcs7 -inform DER -print_certs
}

fetch() {
	in_ns "$host" curl -sS --fail -m 20 "$@"
}

fingerprint_of() {
	openssl x509 -in "$1" -noout -fingerprint -sha256 | cut -d = -f 2 | tr -d : | tr A-F a-f
}

# pppd starts sstpc, because the other way round sstpc refuses EAP-TLS: only pppd's plugin has the key to tell
start_pppd() {
	guest "rm -f /run/sstpc.log; mkdir -p /run/sstpc
		pppd nodetach logfile /run/sstpc.log plugin sstp-pppd-plugin.so \
			ipparam eap sstp-sock /run/sstpc/sstpc-eap \
			pty 'sstpc --log-level 4 --log-stderr --ipparam eap --nolaunchpppd \
				--ca-cert $world_dir/root.pem 192.0.2.1' \
			user shop ca $world_dir/root.pem cert $world_dir/shop.pem key $world_dir/shop.key need-peer-eap \
			noauth noipdefault nodefaultroute >/dev/null 2>&1 &
		echo \$! >/run/sstpc.pid"
}

dial_by_certificate() {
	start_client=start_pppd dial
}

# ---- the cases

curl_finds_the_root_that_the_token_pins() {
	token=$("$build_dir/tools/sstpctl/sstpctl" token create --app shop --vnet vnet1 \
		--socket "$world_dir/control.sock")
	fetch -k "$est/cacerts" | from_pkcs7 >"$world_dir/root.pem"
	is "$(fingerprint_of "$world_dir/root.pem")" "$(token_part root)" "fingerprint of the root"
}

openssl_and_curl_enrol() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=shop \
		-keyout "$world_dir/shop.key" -outform DER 2>/dev/null | base64 >"$world_dir/shop.req"
	fetch --cacert "$world_dir/root.pem" -u "shop:$(token_part secret)" \
		-H 'Content-Type: application/pkcs10' --data-binary "@$world_dir/shop.req" \
		"$est/simpleenroll" | from_pkcs7 >"$world_dir/shop.pem"
	like "$(openssl verify -purpose sslclient -CAfile "$world_dir/root.pem" "$world_dir/shop.pem")" \
		': OK$' "what openssl says of the certificate"
}

eap_tls_is_up() {
	dial_by_certificate || return
	expect_up
	like "$(guest 'curl -sS -m 10 http://10.20.0.2/')" '^hello from' "the page"
	like "$(log_since gateway "$dial_mark")" 'shop@vnet1.*authenticated by EAP-TLS, certificate [0-9A-F]{40}' \
		"the gateway's log"
	like "$(log_since gateway "$dial_mark")" 'bound by the key of pppd before 2\.5' "its warning"
	hang_up
}

mschapv2_is_up_on_the_same_port() {
	dial alice wonderland root || return
	expect_up
	like "$(guest 'curl -sS -m 10 http://10.20.0.2/')" '^hello from' "the page"
	like "$(log_since gateway "$dial_mark")" 'alice.*authenticated by MS-CHAPv2' "the gateway's log"
	hang_up
}

eap_tls_without_the_switch_is_refused() {
	write_gateway_config false
	kill -s HUP "$gateway_pid"
	succeeds "the reload" wait_for 5 log_has gateway 0 reloaded
	dial_by_certificate || return
	succeeds "sstpc ends" wait_for 20 sstpc_is_gone
	is "$(ppp_address)" "" "the client's address"
	like "$(log_since gateway "$dial_mark")" 'authenticated by EAP-TLS' "the certificate is good"
	like "$(log_since gateway "$dial_mark")" 'invalid crypto binding' \
		"the gateway's log"
	hang_up
	stop_guest
}

tap_main \
	curl_finds_the_root_that_the_token_pins \
	openssl_and_curl_enrol \
	eap_tls_is_up \
	mschapv2_is_up_on_the_same_port \
	eap_tls_without_the_switch_is_refused \
	-- "$@"
