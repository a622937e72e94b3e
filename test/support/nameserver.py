#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server that knows one address: nameserver.py ADDRESS ANSWER [UNKNOWN]. Every question for an IPv4 address is answered
with ANSWER, any other with nothing; that there is no name UNKNOWN, and none of "invalid"; each is printed as "NAME from
ADDRESS"."""
import socket
import struct
import sys

TYPE_A = 1
HEADER = 12
IS_ANSWER = 0x8400
NO_SUCH_NAME = 0x8403
POINTER_TO_QUESTION = 0xC00C


def question(packet):
    """(name, type, where the question ends)"""
    labels, at = [], HEADER
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from("!H", packet, at + 1)[0], at + 5


def reply(packet, kind, end, address):
    if not address:
        return packet[:2] + struct.pack("!HHHHH", NO_SUCH_NAME, 1, 0, 0, 0) + packet[HEADER:end]
    records = struct.pack("!HHHIH", POINTER_TO_QUESTION, TYPE_A, 1, 0, 4) + socket.inet_aton(address)
    is_known = kind == TYPE_A
    head = packet[:2] + struct.pack("!HHHHH", IS_ANSWER, 1, is_known, 0, 0)
    return head + packet[HEADER:end] + (records if is_known else b"")


def main():
    address, answer, unknown = (sys.argv[1:] + [""])[:3]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 53))
        print("ready", flush=True)
        while True:
            packet, peer = s.recvfrom(4096)
            name, kind, end = question(packet)
            print(name, "from", peer[0], flush=True)
            s.sendto(reply(packet, kind, end, "" if name == unknown or name.endswith(".invalid") else answer), peer)


if __name__ == "__main__":
    main()
