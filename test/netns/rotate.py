#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway's certificate is replaced while clients are at every stage: what counts for the crypto binding is
the certificate that this very connection was shown.

Run by rotate.sh inside its world. P49 is the number of the statement in the project's notes on the protocol.
Prints TAP.
"""
import hashlib
import os
import shutil
import signal
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from sstp_raw import Client, abort, ping  # noqa: E402

GATEWAY = ("192.0.2.1", 443)
TARGET = "10.20.0.2"
DIR = os.environ.get("WORLD_DIR", "")


class LateClient(Client):
    """Connected, with the handshake still to come."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.timeout = 10
        self.tcp = socket.create_connection(GATEWAY, self.timeout)
        self.buffer, self.magic, self.address = b"", b"\x11\x22\x33\x44", None

    def handshake(self):
        context = ssl.create_default_context(cafile=DIR + "/ca.pem")
        context.check_hostname = False
        self.tls = context.wrap_socket(self.tcp)
        self.certificate = self.tls.getpeercert(binary_form=True)


def der(name):
    with open(f"{DIR}/{name}.pem", encoding="ascii") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


def client():
    return Client(GATEWAY, DIR + "/ca.pem")


def client_without_handshake():
    """Returns when the gateway has taken the connection: one that came later is served."""
    late = LateClient()
    client().close()
    return late


def logged(text, since):
    """Waits for a line in the gateway's log behind the mark."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with open(DIR + "/gateway.log", "rb") as f:
            f.seek(since)
            if text.encode() in f.read():
                return
        time.sleep(0.02)
    raise AssertionError("the gateway does not log: " + text)


def reload(expected):
    mark = os.path.getsize(DIR + "/gateway.log")
    os.kill(int(os.environ["GATEWAY_PID"]), signal.SIGHUP)
    logged(expected, mark)


def replace(name, what=("pem", "key")):
    """As certbot does: the new file takes the old one's place at once."""
    for end in what:
        shutil.copy(f"{DIR}/{name}.{end}", f"{DIR}/server.new")
        os.replace(f"{DIR}/server.new", f"{DIR}/server.{end}")


def rotate_to(name):
    replace(name)
    reload("reloaded")


def works(c, text):
    """The echo reply with this text comes back through the tunnel."""
    c.send(ping(socket.inet_ntoa(c.address), TARGET, text))
    while True:
        packet = c.receive()
        if packet[6:8] == b"\0\x21" and text in packet:
            return


def shown(c, name):
    assert c.certificate == der(name), f"another certificate was shown than {name}"


def P49_certificate_replaced_before_call_connected():
    rotate_to("first")
    c = client()
    shown(c, "first")
    c.authenticate("alice", "wonderland")
    rotate_to("second")
    c.send(c.call_connected())
    c.negotiate_ipcp()
    works(c, b"old-certificate-sha256")


def P49_the_same_with_sha1():
    rotate_to("first")
    c = client()
    c.authenticate("alice", "wonderland")
    rotate_to("second")
    c.send(c.call_connected(algorithm=1))
    c.negotiate_ipcp()
    works(c, b"old-certificate-sha1")


def certificate_replaced_between_handshake_and_http():
    rotate_to("first")
    c = client()
    rotate_to("second")
    shown(c, "first")
    works(c.up("alice", "wonderland"), b"handshake-before")


def connection_accepted_before_binds_to_what_it_is_shown():
    rotate_to("first")
    c = client_without_handshake()
    rotate_to("second")
    c.handshake()
    works(c.up("alice", "wonderland"), b"accepted-before")


def new_connections_are_shown_the_new_one():
    rotate_to("first")
    rotate_to("third")
    c = client()
    shown(c, "third")
    works(c.up("alice", "wonderland"), b"new-certificate")


def digest_of_the_old_one_is_refused_on_a_new_connection():
    rotate_to("first")
    rotate_to("second")
    c = client()
    c.authenticate("alice", "wonderland")
    c.send(c.call_connected(cert_hash=hashlib.sha256(der("first")).digest()))
    got = c.receive_control()
    assert got == abort(3, 4), f"answer: expected {abort(3, 4).hex()}, got {got.hex()}"


def live_sessions_go_on_over_every_change():
    rotate_to("first")
    c = client().up("alice", "wonderland")
    for name in ("second", "third", "first"):
        rotate_to(name)
        works(c, b"live-over-" + name.encode())


def key_of_another_certificate_is_refused_and_the_old_pair_stays():
    rotate_to("first")
    live = client().up("alice", "wonderland")
    replace("second", ("pem",))
    reload("reload refused")
    c = client()
    shown(c, "first")
    works(c.up("alice", "wonderland"), b"old-pair")
    works(live, b"live-over-refusal")
    replace("second", ("key",))
    reload("reloaded")
    shown(client(), "second")


CASES = (
    P49_certificate_replaced_before_call_connected,
    P49_the_same_with_sha1,
    certificate_replaced_between_handshake_and_http,
    connection_accepted_before_binds_to_what_it_is_shown,
    new_connections_are_shown_the_new_one,
    digest_of_the_old_one_is_refused_on_a_new_connection,
    live_sessions_go_on_over_every_change,
    key_of_another_certificate_is_refused_and_the_old_pair_stays,
)


def run_case(number, case):
    try:
        case()
    except Exception as error:  # whatever it is, it is this case's failure
        for line in f"{type(error).__name__}: {error}".splitlines():
            print("# " + line)
        print(f"not ok {number} - {case.__name__}", flush=True)
    else:
        print(f"ok {number} - {case.__name__}", flush=True)


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(case.__name__ for case in CASES))
        return
    chosen = [case for case in CASES if not sys.argv[1:] or case.__name__ in sys.argv[1:]]
    print(f"1..{len(chosen)}")
    for number, case in enumerate(chosen, 1):
        run_case(number, case)


if __name__ == "__main__":
    main()
