#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sstp-probe at servers that no Windows client connects to, each for a reason of its own, and at a gateway, which it does.
# All are asked at once, the case of each looks at what was said.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

probe_bin=$build_dir/tools/probe/sstp-probe

# NAME:PORT:KIND of the servers, as poorservers.py takes them
readonly servers=(expired:1001:web foreign:1002:web stranger:1003:web client:1004:web anyuse:1005:web good:1006:old
	good:1007:chacha good:1008:new good:1009:plain good:1010:web good:1011:mute offline:1012:web revoked:1013:web
	listed:1014:web short:1015:web fetched:1016:web)

setup() {
	world_up && end_with world_end && make_ca ca && make_ca strangers && make_inner && make_certificates && make_list &&
		make_certificate server ca && write_config && start_gateway &&
		start poor "$gw" python3 "$here/../support/poorservers.py" 192.0.2.1 "$world_dir" "${servers[@]}" &&
		wait_for 5 log_has poor 0 '^ready$' && ask_all
}

# ---- certificates

readonly for_servers=extendedKeyUsage=serverAuth dialled=subjectAltName=DNS:gw.test
readonly list_at=crlDistributionPoints=URI:http://192.0.2.1

# leaf NAME CA EXTENSION...
leaf() {
	openssl_req "$1" -subj "/CN=a server" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -CA "$world_dir/$2.pem" \
		-CAkey "$world_dir/$2.key" -addext basicConstraints=critical,CA:FALSE "${@:3}"
}

# an authority below ca, of which only the leaf's extension says where it is
make_inner() {
	openssl_req inner -subj "/CN=inner of a small world" -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-CA "$world_dir/ca.pem" -CAkey "$world_dir/ca.key" -addext basicConstraints=critical,CA:TRUE &&
		openssl x509 -in "$world_dir/inner.pem" -outform DER -out "$world_dir/inner.der"
}

make_certificates() {
	leaf good ca -addext $for_servers -addext $dialled &&
		leaf stranger strangers -addext $for_servers -addext $dialled &&
		leaf foreign ca -addext $for_servers -addext subjectAltName=DNS:other.test &&
		leaf client ca -addext extendedKeyUsage=clientAuth -addext $dialled && leaf anyuse ca -addext $dialled &&
		leaf offline ca -addext $for_servers -addext $dialled -addext $list_at:9/ca.crl &&
		leaf revoked ca -addext $for_servers -addext $dialled -addext $list_at:1009/ca.crl &&
		leaf listed ca -addext $for_servers -addext $dialled -addext $list_at:1009/ca.crl &&
		leaf short inner -addext $for_servers -addext $dialled &&
		leaf fetched inner -addext $for_servers -addext $dialled \
			-addext "authorityInfoAccess=caIssuers;URI:http://192.0.2.1:1009/inner.der"
}

# the authority with a memory: what is not of today, and what is revoked
old_ca() {
	openssl ca -config "$world_dir/ca.cnf" -batch "$@" 2>>"$world_dir/openssl.log"
}

make_list() {
	: >"$world_dir/index" && echo 01 >"$world_dir/serial" && cat >"$world_dir/ca.cnf" <<-EOF
		[ca]
		default_ca = it
		[it]
		database = $world_dir/index
		serial = $world_dir/serial
		new_certs_dir = $world_dir
		certificate = $world_dir/ca.pem
		private_key = $world_dir/ca.key
		default_md = sha256
		policy = policy
		default_crl_days = 1
		unique_subject = no
		[policy]
		commonName = supplied
		[server]
		extendedKeyUsage = serverAuth
		subjectAltName = DNS:gw.test
	EOF
	openssl req -new -config "$world_dir/req.cnf" -subj "/CN=a server" -key "$world_dir/good.key" -out "$world_dir/old.csr" &&
		old_ca -in "$world_dir/old.csr" -notext -extensions server -startdate 200101000000Z -enddate 210101000000Z \
			-out "$world_dir/expired.pem" && cp "$world_dir/good.key" "$world_dir/expired.key" &&
		old_ca -revoke "$world_dir/revoked.pem" && old_ca -gencrl -out "$world_dir/list.pem" &&
		openssl crl -in "$world_dir/list.pem" -outform DER -out "$world_dir/ca.crl"
}

# ---- asking

# ask PORT: what is said stands in PORT.json, and in PORT.status
ask() {
	in_ns "$host" "$probe_bin" --name gw.test --cacert "$world_dir/ca.pem" --json "192.0.2.1:$1" >"$world_dir/$1.json" \
		2>"$world_dir/$1.err"
	echo $? >"$world_dir/$1.status"
}

ask_all() {
	local server port pids=()
	for server in "${servers[@]}" none:443:gateway none:2:nobody; do
		port=${server#*:}
		ask "${port%:*}" &
		pids+=($!)
	done
	wait "${pids[@]}"
	make_table
}

# a line for each check: PORT|CHECK|VERDICT|CODE|TEXT; and one for each port: PORT|end|CONNECTS|CODE|WINDOWS
make_table() {
	python3 - "$world_dir" >"$world_dir/table" <<-'EOF'
		import glob, json, os, sys
		for path in glob.glob(sys.argv[1] + "/*.json"):
		    port = os.path.basename(path)[:-5]
		    said = json.load(open(path))
		    for c in said["checks"]:
		        print(port, c["check"], c["verdict"], c["code"] or "-", c["text"], sep="|")
		    print(port, "end", said["connects"], said["code"] or "-", said["windows"], sep="|")
	EOF
}

# said PORT CHECK: the verdicts and codes of it, as "bad 0x800B0101"
said() {
	awk -F '|' -v port="$1" -v check="$2" '$1 == port && $2 == check { printf "%s%s %s", sep, $3, $4; sep = " " }' \
		"$world_dir/table"
}

# end PORT: what Windows would report
end() {
	awk -F '|' -v port="$1" '$1 == port && $2 == "end" { print $5 }' "$world_dir/table"
}

# fails PORT CHECK CODE: Windows fails at it, for this alone
fails() {
	is "$(<"$world_dir/$1.status")" 1 "exit status of port $1; $(<"$world_dir/$1.err")"
	is "$(said "$1" "$2")" "bad $3" "$2 of port $1"
	like "$(end "$1")" "^$3: " "what Windows would report of port $1"
}

# ---- cases

a_gateway_is_good() {
	is "$(<"$world_dir/443.status")" 0 "exit status; $(<"$world_dir/443.err")"
	is "$(said 443 end)" "True -" "what is said of it"
	is "$(said 443 tls)" "ok - ok -" "Windows 11 and 10"
	is "$(said 443 chain) $(said 443 name) $(said 443 usage) $(said 443 time)" "ok - ok - ok - ok -" "its certificate"
	is "$(said 443 revocation)" "note 0x80092012" "without an address to ask"
	is "$(said 443 http) $(said 443 sstp)" "ok - ok -" "SSTP"
	like "$(<"$world_dir/443.json")" 'crypto binding with SHA-256 SHA-1' "its hashes"
	like "$(<"$world_dir/443.json")" 'authentication by.* MS-CHAPv2' "its methods"
}

certificates_fail_by_their_own_codes() {
	fails 1001 time 0x800B0101
	fails 1002 name 0x800B010F
	fails 1003 chain 0x800B010A
	fails 1004 usage 0x800B0110
	fails 1015 chain 0x800B010A
}

a_certificate_for_no_usage_is_a_note() {
	is "$(said 1005 usage)" "note -" "usage"
}

an_intermediate_is_fetched_from_where_the_certificate_says() {
	is "$(said 1016 chain)" "note - ok -" "chain"
}

lists_are_fetched_and_read() {
	is "$(said 1012 revocation)" "ok - bad 0x80092013" "a list that is not there"
	is "$(said 1013 revocation)" "ok - bad 0x80092010" "a certificate that is on it"
	is "$(said 1014 revocation)" "ok - ok -" "a certificate that is not on it"
}

tls_that_windows_has_not() {
	fails 1006 tls 0x80090331
	like "$(<"$world_dir/1006.json")" 'no more than TLS 1\.0 or 1\.1' "why"
	fails 1007 tls 0x80090331
	like "$(<"$world_dir/1007.json")" 'no version or cipher suite in common' "why"
	is "$(said 1008 tls)" "ok - note 0x80090331" "TLS 1.3 alone"
}

what_is_no_tls_is_told() {
	fails 1009 tls 0x80090308
	fails 1011 tls 0x8007274C
}

a_web_server_is_no_gateway() {
	is "$(<"$world_dir/1010.status")" 1 "exit status"
	is "$(said 1010 http)" "bad -" "its verdict"
	like "$(end 1010)" '^event 4 of RasSstp' "what Windows logs"
}

a_closed_port_is_refused() {
	fails 2 tcp 0x8007274D
}

lines_for_people_say_the_same() {
	local out
	out=$(in_ns "$host" "$probe_bin" --name gw.test --cacert "$world_dir/ca.pem" 192.0.2.1:1001)
	like "$out" 'BAD   time        CN=a server expired at 2021-01-01T00:00:00Z' "the verdict"
	like "$out" 'Windows: 0x800B0101: A required certificate is not within its validity period' "what Windows says"
	like "$out" 'To do: renew it and load it into the server' "what to do"
	like "$(tail -n 1 <<<"$out")" '^192\.0\.2\.1:1001: a Windows client would not connect\. It would report 0x800B0101' "the end"
}

sstpctl_doctor_is_the_same() {
	local out status
	out=$(PATH=$build_dir/tools/probe:$PATH in_ns "$host" "$build_dir/tools/sstpctl/sstpctl" doctor --probe 192.0.2.1:1001 \
		--cacert "$world_dir/ca.pem" --json)
	status=$?
	is "$status" 1 "exit status"
	like "$out" '"target": *"192\.0\.2\.1:1001"' "what it prints"
	"$build_dir/tools/sstpctl/sstpctl" doctor --probe gw.test --vnet lab >/dev/null 2>&1
	is $? 2 "exit status of two questions at once"
}

a_wrong_command_line_exits_with_2() {
	local words
	for words in "" "a b" "--name * gw.test" "gw.test:0" "--cacert /dev/null gw.test" "--no-such gw.test"; do
		# shellcheck disable=SC2086
		set -f
		"$probe_bin" $words >/dev/null 2>&1
		is $? 2 "exit status of '$words'"
		set +f
	done
	"$probe_bin" --help | grep -q '^Usage: sstp-probe' || flunk "no --help"
}

tap_main a_gateway_is_good certificates_fail_by_their_own_codes a_certificate_for_no_usage_is_a_note \
	an_intermediate_is_fetched_from_where_the_certificate_says lists_are_fetched_and_read tls_that_windows_has_not \
	what_is_no_tls_is_told a_web_server_is_no_gateway a_closed_port_is_refused lines_for_people_say_the_same \
	sstpctl_doctor_is_the_same \
	a_wrong_command_line_exits_with_2 -- "$@"
