#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who answers at an address, by TCP and by UDP, and if nobody does, what the way there said.

reach.py serve NAME ADDRESS...   answers on UDP and TCP port 7 of each with "NAME sees SOURCE", until it is ended
reach.py ask ADDRESS [SECONDS]   "NAME sees SOURCE", or "icmp TYPE/CODE from ROUTER", or "silence", or "not sent: WHY"
                                 where no route leads there; where TCP and UDP differ, both answers
"""
import ipaddress
import selectors
import socket
import struct
import sys
import time

PORT = 7
RESEND_S = 0.25
MSG_ERRQUEUE = 0x2000
SO_EE = struct.Struct("=IBBBBII")  # struct sock_extended_err: errno, origin, type, code, pad, info, data
ORIGINS = {2: "icmp", 3: "icmp6"}
IP_RECVERR, IPV6_RECVERR = 11, 25


def family(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def listen(name, address, selector):
    udp = socket.socket(family(address), socket.SOCK_DGRAM)
    tcp = socket.socket(family(address), socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for sock in udp, tcp:
        sock.bind((address, PORT))
    tcp.listen(64)
    selector.register(udp, selectors.EVENT_READ, answer_datagram)
    selector.register(tcp, selectors.EVENT_READ, answer_connection)


def answer_datagram(sock, name):
    _, peer = sock.recvfrom(2048)
    sock.sendto(f"{name} sees {peer[0]}".encode(), peer)


def answer_connection(sock, name):
    connection, peer = sock.accept()
    with connection:
        connection.send(f"{name} sees {peer[0]}".encode())


def serve(name, *addresses):
    selector = selectors.DefaultSelector()
    for address in addresses:
        listen(name, address, selector)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            try:
                key.data(key.fileobj, name)
            except OSError as error:  # a visitor that has gone, or that no route leads to
                print(error, flush=True)


def icmp_of(sock):
    """What stands in the socket's queue of errors; None: nothing."""
    sock.setblocking(False)
    try:
        _, messages, _, _ = sock.recvmsg(1, 512, MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    for _, _, data in messages:
        _, origin, kind, code, *_ = SO_EE.unpack_from(data)
        if origin in ORIGINS:
            return f"{ORIGINS[origin]} {kind}/{code} from {offender(data[SO_EE.size:])}"
    return None


def offender(data):
    kind = struct.unpack_from("=H", data)[0]
    size, at = (16, 8) if kind == socket.AF_INET6 else (4, 4)
    return str(ipaddress.ip_address(data[at:at + size]))


def errors_wanted(sock, address):
    if family(address) == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def ask_udp(address, until):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        errors_wanted(sock, address)
        while time.monotonic() < until:
            try:
                sock.settimeout(0.001 + min(RESEND_S, max(0, until - time.monotonic())))
                sock.connect((address, PORT))
                sock.send(b"?")
                return sock.recv(2048).decode()
            except TimeoutError:
                pass
            except OSError as error:
                return icmp_of(sock) or f"not sent: {error.strerror}"
    return "silence"


def ask_tcp(address, until):
    with socket.socket(family(address), socket.SOCK_STREAM) as sock:
        errors_wanted(sock, address)
        sock.settimeout(max(0.1, until - time.monotonic()))
        try:
            sock.connect((address, PORT))
            return sock.recv(2048).decode()
        except TimeoutError:
            return "silence"
        except OSError as error:
            return icmp_of(sock) or f"not sent: {error.strerror}"


def ask(address, seconds="2"):
    udp = ask_udp(address, time.monotonic() + float(seconds))
    # what was silent once has had its time
    tcp = ask_tcp(address, time.monotonic() + (0.3 if udp == "silence" else float(seconds)))
    print(udp if udp == tcp else f"udp: {udp}, tcp: {tcp}")


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
