#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Parts of ipv6.sh.

ipv6.py standard ADDRESS CA       a client without our code: IPV6CP, router advertisement, ping, and what it may not send
ipv6.py echo ADDRESS PORT         answers datagrams until it is ended
ipv6.py datagrams ADDRESS PORT N SIZE
                                  sends N datagrams of SIZE bytes, again when none comes back for 0.2 s (a
                                  router that does not fragment answers the first one), and prints how many
                                  came back unchanged
ipv6.py refused ADDRESS CA        a client that asks for IPv6 where there is none
"""
import ipaddress
import os
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from sstp_raw import LCP, Client, checksum, control, ppp  # noqa: E402

IPV6CP, IPV6 = 0x8057, 0x0057
TARGET = "fd00:20::2"
WINDOW = 16  # datagrams on their way; a socket holds them
ICMPV6, ECHO_REQUEST, ECHO_REPLY, SOLICITATION, ADVERTISEMENT = 58, 128, 129, 133, 134


def ipv6(source, destination, payload, hops=64):
    """An ICMPv6 message with its checksum, in a packet."""
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed
    total = checksum(addresses + struct.pack(">II", len(payload), ICMPV6) + payload)
    payload = payload[:2] + struct.pack(">H", total) + payload[4:]
    return ppp(IPV6, struct.pack(">IHBB", 6 << 28, len(payload), ICMPV6, hops) + addresses + payload)


def ping(source, destination, text):
    return ipv6(source, destination, struct.pack(">BBHHH", ECHO_REQUEST, 0, 0, 7, 1) + text)


def negotiate(c):
    """Asks with zero, takes what it is given. Returns the identifier."""
    c.send(control(IPV6CP, 1, 1, b"\x01\x0a" + bytes(8)))
    given = None
    ours = theirs = False
    while not (ours and theirs):
        code, ident, body = c.receive_ppp(IPV6CP)
        if code == 1:
            assert body[:2] == b"\x01\x0a" and any(body[2:]), body.hex()
            c.send(control(IPV6CP, 2, ident, body))
            theirs = True
        elif code == 3:
            given = body[2:]
            c.send(control(IPV6CP, 1, ident + 1, body))
        else:
            assert code == 2 and body[2:] == given, (code, body.hex())
            ours = True
    return given


def next_message(c, kind, deadline):
    """The payload of the next ICMPv6 message of this type."""
    while True:
        packet = c.receive(deadline - time.monotonic())
        if packet[6:8] == b"\0\x57" and packet[8 + 6] == ICMPV6 and packet[8 + 40] == kind:
            return packet[8 + 40:]


def prefix_of(advertisement):
    """Of the option from which addresses are made; and all types of options."""
    at, found, types = 16, None, []
    while at < len(advertisement):
        kind, units = advertisement[at:at + 2]
        types.append(kind)
        if kind == 3:
            assert advertisement[at + 2:at + 4] == b"\x40\x40", "a /64, autonomous, not on-link"
            found = advertisement[at + 16:at + 24]
        at += 8 * units
    return found, types


def expect_reply(c, source, text):
    c.send(ping(source, TARGET, text))
    assert next_message(c, ECHO_REPLY, time.monotonic() + 5)[8:] == text


def standard(address, ca):
    c = Client((address, 443), ca)
    c.up("alice", "wonderland")
    identifier = negotiate(c)
    prefix, types = prefix_of(next_message(c, ADVERTISEMENT, time.monotonic() + 5))
    assert types == [3, 5, 24, 25], types
    own = str(ipaddress.IPv6Address(prefix + identifier))
    other = str(ipaddress.IPv6Address(prefix + bytes.fromhex("0123456789abcdef")))
    local = str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + identifier))
    c.send(ipv6(local, "ff02::2", struct.pack(">BBHI", SOLICITATION, 0, 0, 0), 255))
    assert prefix_of(next_message(c, ADVERTISEMENT, time.monotonic() + 5))[0] == prefix
    expect_reply(c, own, b"from its own address")
    expect_reply(c, other, b"from any of its /64")
    neighbour = ipaddress.IPv6Address(int(ipaddress.IPv6Address(own)) ^ 1 << 64)
    for source in (str(neighbour), "fd00:20::77", "2001:db8::1", "::1"):
        c.send(ping(source, TARGET, b"FOREIGN"))
    c.send(ping(local, TARGET, b"FOREIGN"), ping(own, "ff05::2", b"FOREIGN"), ping(own, "fe80::2", b"FOREIGN"))
    # an advertisement and a redirect of the client's
    for kind in (ADVERTISEMENT, 136, 137):
        c.send(ipv6(local, "ff02::1", struct.pack(">BBHI", kind, 0, 0, 0) + b"FOREIGN." * 4, 255))
    expect_reply(c, own, b"and it still works")
    print("address", own)
    c.close()


def refused(address, ca):
    c = Client((address, 443), ca)
    c.up("alice", "wonderland")
    c.send(control(IPV6CP, 1, 1, b"\x01\x0a" + bytes(8)))
    while True:
        code, _, body = c.receive_ppp(LCP)
        if code == 8:
            print("rejected", body[:2].hex())
            break
    c.close()


def echo(address, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    while True:
        text, visitor = s.recvfrom(65536)
        s.sendto(text, visitor)


def datagrams(address, port, n, size):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.connect((address, int(port)))
    sent = [struct.pack(">I", i) + os.urandom(int(size) - 4) for i in range(int(n))]
    back = set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        waiting = [text for text in sent if text not in back][:WINDOW]
        if not waiting:
            break
        for text in waiting:
            s.send(text)
        while any(text not in back for text in waiting) and select.select([s], [], [], 0.2)[0]:
            back.add(s.recv(65536))
    print(len(back & set(sent)), "of", n, "for", s.getsockname()[0])


if __name__ == "__main__":
    {"standard": standard, "refused": refused, "echo": echo, "datagrams": datagrams}[sys.argv[1]](*sys.argv[2:])
