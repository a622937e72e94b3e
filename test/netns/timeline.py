# SPDX-License-Identifier: Apache-2.0
"""Clients for timeline.sh: timeline.py CASE CA CORRELATION-ID.

Each says its SSTPCORRELATIONID, and is called after how it ends.
"""
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sstp_raw  # noqa: E402

GATEWAY = ("192.0.2.1", 443)


class Client(sstp_raw.Client):
    def __init__(self, ca, correlation, **arguments):
        self.correlation = correlation
        super().__init__(GATEWAY, ca, name="gw.test", **arguments)

    def http(self, *arguments, **named):
        return super().http(f"Host: gw.test\r\nSSTPCORRELATIONID: {self.correlation}\r\n" + sstp_raw.ENDLESS)


def good(ca, correlation):
    client = Client(ca, correlation).up("alice", "wonderland")
    client.send(sstp_raw.DISCONNECT)
    client.rest_until_closed()


def wrong_password(ca, correlation):
    client = Client(ca, correlation)
    client.connect_call()
    client.negotiate_lcp()
    assert not client.pap("alice", "looking-glass")
    client.close()


def forged(ca, correlation):
    client = Client(ca, correlation)
    client.authenticate("alice", "wonderland")
    client.send(client.call_connected(flip=8 * 90))
    client.rest_until_closed()


def hangs_up(ca, correlation):
    client = Client(ca, correlation)
    client.http()
    client.close()


def distrusts(ca, correlation):
    """The gateway's certificate is below none of this client's roots."""
    try:
        Client(None, correlation)
    except ssl.SSLError:
        return
    sys.exit("it trusts anybody")


def stays(ca, correlation):
    """Until the gateway terminates the link, to which it says nothing more."""
    client = Client(ca, correlation).up("alice", "wonderland")
    while client.receive_ppp(sstp_raw.LCP)[0] != 5:
        pass
    client.close()


def main():
    case, ca, correlation = sys.argv[1:]
    globals()[case](ca, correlation)


main()
