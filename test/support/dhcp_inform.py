#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks by DHCPINFORM as Windows does, and prints what is told: dhcp_inform.py ADDRESS DEVICE [--type N] [--seconds S].

A line per fact: "dns 10.20.0.4", "domain corp.example", "search corp.example", "route 10.0.0.0/8" (option 121),
"route249 10.0.0.0/8", "server 172.16.77.1"; "nothing" when no answer comes. Asks up to three times, a second apart, from
ADDRESS over DEVICE. Root, for port 68 and the device.
"""
import argparse
import ipaddress
import os
import socket
import struct
import sys

COOKIE = b"\x63\x82\x53\x63"
WANTED = bytes([1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 119, 252])
SO_BINDTODEVICE = 25


def question(address, kind, xid):
    packed = socket.inet_aton(address)
    head = struct.pack("!BBBBIHH4s12x6s10x192x", 1, 8, 6, 0, xid, 0, 0, packed, b"\x00\x53\x45\0\0\0")
    options = bytes([53, 1, kind, 61, 7, 8]) + b"\x00\x53\x45\0\0\0" + b"\x3c\x08MSFT 5.0" + bytes([55, len(WANTED)]) + WANTED
    return head + COOKIE + options + b"\xff"


def options_of(message):
    """{code: value}, parts of the same code one behind the other (RFC 3396)."""
    if len(message) < 241 or message[236:240] != COOKIE:
        return None
    at, found = 240, {}
    while at < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        code, length = message[at], message[at + 1]
        found[code] = found.get(code, b"") + message[at + 2:at + 2 + length]
        at += 2 + length
    return found


def addresses(value):
    return [socket.inet_ntoa(value[i:i + 4]) for i in range(0, len(value), 4)]


def routes(value):
    while value:
        length, n = value[0], (value[0] + 7) // 8
        yield str(ipaddress.ip_network((value[1:1 + n] + bytes(4 - n), length)))
        value = value[5 + n:]


def names(value):
    labels = []
    while value:
        n = value[0]
        if n:
            labels.append(value[1:1 + n].decode())
        else:
            yield ".".join(labels)
            labels = []
        value = value[1 + n:]


def facts(options):
    yield from (f"server {a}" for a in addresses(options.get(54, b"")))
    yield from (f"dns {a}" for a in addresses(options.get(6, b"")))
    if 15 in options:
        yield f"domain {options[15].decode()}"
    yield from (f"search {name}" for name in names(options.get(119, b"")))
    yield from (f"route {r}" for r in routes(options.get(121, b"")))
    yield from (f"route249 {r}" for r in routes(options.get(249, b"")))
    yield from (f"lease {code}" for code in (51, 58, 59) if code in options)


def ask(args):
    xid = int.from_bytes(os.urandom(4), "big")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, args.device.encode())
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.bind((args.address, 68))
        s.settimeout(args.seconds / 3)
        for _ in range(3):
            s.sendto(question(args.address, args.type, xid), ("255.255.255.255", 67))
            try:
                message, _ = s.recvfrom(4096)
            except TimeoutError:
                continue
            if message[4:8] == xid.to_bytes(4, "big"):
                return options_of(message)
    return None


def main():
    parser = argparse.ArgumentParser(description="Asks by DHCPINFORM, and prints what is told.")
    parser.add_argument("address")
    parser.add_argument("device")
    parser.add_argument("--type", type=int, default=8, help="of the message; 8: DHCPINFORM")
    parser.add_argument("--seconds", type=float, default=3, help="for three questions")
    options = ask(parser.parse_args())
    print("\n".join(facts(options)) if options else "nothing")


if __name__ == "__main__":
    sys.exit(main())
