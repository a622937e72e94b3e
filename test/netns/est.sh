#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# curl and openssl enrol over the data plane's port, with an owner of the test's own in the place of the certificate
# authority: he answers with what he was asked. And a gateway without one.
here=$(dirname "$0")
. "$here/../support/tap.sh"
. "$here/../support/world.sh"

secret=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0
url=https://192.0.2.1/.well-known/est

setup() {
	world_up && make_ca ca && make_certificate server ca && make_ca stranger &&
		make_certificate client stranger
	cat "$world_dir/client.pem" "$world_dir/client.key" >"$world_dir/both.pem"
	head -c 700 /dev/zero | base64 >"$world_dir/request"
	start owner "$gw" "$build_dir/test/netns/est_owner" 192.0.2.1:443 "$world_dir/server.pem" "$world_dir/server.key"
	owner_pid=$started_pid
	wait_for 5 is_listening "$gw" 443
	descriptors_before=$(descriptors)
	# it takes its fifteen seconds beside the other cases
	hostile slow_body >"$world_dir/slow_body" &
	slow_pid=$!
}

descriptors() {
	ls "/proc/$owner_pid/fd" | wc -l
}

# est OPTION...: the body, and the status on a line of its own
est() {
	in_ns "$host" curl -sS -m 20 --cacert "$world_dir/ca.pem" -w 'status %{http_code}' "$@" 2>&1
}

# post PATH OPTION...
post() {
	local path=$1
	shift
	est -H 'Content-Type: application/pkcs10' --data-binary "@$world_dir/request" "$@" "$url/$path"
}

bytes() {
	openssl x509 -in "$world_dir/client.pem" -outform DER | wc -c
}

body=$(head -c 700 /dev/zero | base64 | wc -c)

curl_asks_for_the_roots() {
	is "$(est "$url/cacerts")" $'cacerts secret=0 cert=0 body=0 network=0 peer=192.0.2.2\nstatus 200' "the answer"
	is "$(est --tls-max 1.2 "$url/csrattrs")" $'csrattrs secret=0 cert=0 body=0 network=0 peer=192.0.2.2\nstatus 200' \
		"the answer by TLS 1.2"
}

curl_enrols_with_a_secret_as_password_or_bearer() {
	local expected="simpleenroll secret=32 cert=0 body=$body network=0 peer=192.0.2.2"$'\nstatus 200'
	is "$(post simpleenroll -u "app:$secret")" "$expected" "Basic"
	is "$(post simpleenroll --oauth2-bearer "$secret")" "$expected" "Bearer"
	is "$(post simpleenroll --tls-max 1.2 --oauth2-bearer "$secret")" "$expected" "Bearer by TLS 1.2"
	is "$(post simpleenroll -u "app:$secret" -H 'Expect: 100-continue')" "$expected" "with Expect"
	is "$(post simpleenroll -u "app:$secret" -H 'Accept: multipart/mixed')" \
		"${expected/network=0/network=1}" "with the network"
}

curl_renews_with_its_certificate() {
	is "$(post simplereenroll --cert "$world_dir/both.pem")" \
		"simplereenroll secret=0 cert=$(bytes) body=$body network=0 peer=192.0.2.2"$'\nstatus 200' "the answer"
	is "$(post simplereenroll --cert "$world_dir/both.pem" -H 'Expect: 100-continue')" \
		"simplereenroll secret=0 cert=$(bytes) body=$body network=0 peer=192.0.2.2"$'\nstatus 200' "with Expect"
}

renewal_without_a_certificate_or_by_tls12_says_what_is_missing() {
	is "$(post simplereenroll)" $'Renewal needs the present certificate.\nstatus 403' "without"
	is "$(post simplereenroll --tls-max 1.2 --cert "$world_dir/both.pem")" \
		$'Renewal needs the present certificate, and that needs TLS 1.3: come by it.\nstatus 403' "by TLS 1.2"
}

# s_client OPTION...: what openssl's own client gets for a renewal
s_client() {
	local request
	request=$(cat "$world_dir/request")
	{
		printf 'POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: gw.test\r\n'
		printf 'Content-Type: application/pkcs10\r\nContent-Length: %d\r\n\r\n%s' "${#request}" "$request"
	} | in_ns "$host" timeout 20 openssl s_client -quiet -ign_eof -CAfile "$world_dir/ca.pem" -connect 192.0.2.1:443 "$@" 2>/dev/null
}

openssl_renews_when_it_offers_to_be_asked() {
	like "$(s_client -enable_pha -cert "$world_dir/client.pem" -key "$world_dir/client.key")" \
		"simplereenroll secret=0 cert=$(bytes) body=" "the answer"
	like "$(s_client -cert "$world_dir/client.pem" -key "$world_dir/client.key")" \
		"offer post-handshake authentication" "without the offer"
}

refusals_are_what_http_has_for_them() {
	local status_of='.*status '
	is "$(post simpleenroll | sed "s/$status_of//;1d")" 401 "no secret"
	is "$(post simpleenroll -u app:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA | sed "s/$status_of//;1d")" 401 "a secret that the owner refuses"
	is "$(post label/simpleenroll -u "app:$secret" | sed "s/$status_of//;1d")" 404 "a label"
	is "$(est "$url/simpleenroll" | sed "s/$status_of//;1d")" 405 "GET"
	is "$(post simpleenroll -u "app:$secret" -H 'Transfer-Encoding: chunked' | sed "s/$status_of//;1d")" 501 "chunks"
	is "$(post simpleenroll -u "app:$secret" -H 'Content-Length: 99999999999' | sed "s/$status_of//;1d")" 413 "99 GB"
	is "$(est --data-binary x -u "app:$secret" "$url/simpleenroll" | sed "s/$status_of//;1d")" 415 "a form"
}

hostile() {
	in_ns "$host" timeout 120 python3 "$here/est.py" "$world_dir" "$1"
}

endless_header_is_answered_once() {
	is "$(hostile endless_header)" "HTTP/1.1 431 Request Header Fields Too Large" "the answer"
}

bytes_behind_the_request_do_not_spoil_the_answer() {
	is "$(hostile body_behind_the_close)" "HTTP/1.1 200 OK" "the answer"
}

slow_body_ends_after_fifteen_seconds() {
	wait "$slow_pid"
	is "$(cat "$world_dir/slow_body")" "HTTP/1.1 408 Request Timeout, in time" "the answer"
}

a_thousand_connects_are_all_answered() {
	is "$(hostile a_thousand_connects)" "HTTP/1.1 200 OK: 1000" "the answers"
}

clients_who_go_leave_nothing_behind() {
	is "$(hostile many_who_go)" gone "the clients"
	is "$(est "$url/cacerts" | tail -1)" "status 200" "the next one"
	wait_for 5 descriptors_are_back
	is "$(descriptors)" "$descriptors_before" "open descriptors"
}

descriptors_are_back() {
	[ "$(descriptors)" = "$descriptors_before" ]
}

# so that guessing a secret is as slow as guessing a password
address_with_too_many_wrong_secrets_is_kept_out() {
	local wrong=app:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA strict_pid i
	start strict "$gw" "$build_dir/test/netns/est_owner" 192.0.2.1:444 "$world_dir/server.pem" "$world_dir/server.key" 3
	strict_pid=$started_pid
	wait_for 5 is_listening "$gw" 444
	url=${url/192.0.2.1/192.0.2.1:444}
	for i in 1 2 3 4; do
		is "$(post simpleenroll -u "$wrong" | tail -1)" "status 401" "attempt $i"
	done
	is "$(post simpleenroll -u "$wrong" | tail -1)" "status 000" "attempt 5"
	url=${url/:444/}
	stop "$strict_pid"
	is $? 0 "the owner's exit status"
}

owner_ends_cleanly() {
	stop "$owner_pid"
	is $? 0 "its exit status"
	is "$(grep -c 'runtime error\|Sanitizer' "$world_dir/owner.log")" 0 "reports in its log"
}

gateway_without_an_authority_has_no_such_path_and_logs_why() {
	local mark path
	config_log_level=info write_config && start_gateway || flunk "no gateway"
	mark=$(log_mark gateway)
	for path in cacerts csrattrs nothing; do
		is "$(est "$url/$path" | tail -1)" "status 404" "$path"
	done
	is "$(post simplereenroll --cert "$world_dir/both.pem" | tail -1)" "status 404" "simplereenroll"
	succeeds "the log says why" wait_for 5 log_has gateway "$mark" 'no certificate authority runs here'
	stop "$gateway_pid"
}

tap_main \
	curl_asks_for_the_roots \
	curl_enrols_with_a_secret_as_password_or_bearer \
	curl_renews_with_its_certificate \
	renewal_without_a_certificate_or_by_tls12_says_what_is_missing \
	openssl_renews_when_it_offers_to_be_asked \
	refusals_are_what_http_has_for_them \
	endless_header_is_answered_once \
	bytes_behind_the_request_do_not_spoil_the_answer \
	a_thousand_connects_are_all_answered \
	slow_body_ends_after_fifteen_seconds \
	clients_who_go_leave_nothing_behind \
	address_with_too_many_wrong_secrets_is_kept_out \
	owner_ends_cleanly \
	gateway_without_an_authority_has_no_such_path_and_logs_why \
	-- "$@"
