#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a burst arrives whole, and not only with what comes after it.

burst.py serve ADDRESS PORT          answers each datagram with a burst of eight, handed to the kernel as one
burst.py count ADDRESS PORT ROUNDS   asks for that many bursts, one after the other; prints how many of their
                                     datagrams came within a second of the one before
"""
import socket
import sys

BURST = 8
SIZE = 100
UDP_SEGMENT = 103


def serve(sock, address):
    sock.bind(address)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
    while True:
        _, client = sock.recvfrom(SIZE)
        sock.sendto(bytes(BURST * SIZE), client)


def receive(sock):
    try:
        return len(sock.recv(2 * SIZE)) == SIZE
    except TimeoutError:
        return False


def count(sock, address, rounds):
    sock.settimeout(1)
    came = 0
    for _ in range(rounds):
        sock.sendto(b"now", address)
        came += sum(receive(sock) for _ in range(BURST))
    print(came)


def main():
    mode, host, port, *rounds = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if mode == "serve":
            serve(sock, (host, int(port)))
        else:
            count(sock, (host, int(port)), int(rounds[0]))


if __name__ == "__main__":
    main()
