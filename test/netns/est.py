#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""est.py FOLDER CASE: clients that enrol badly, or in numbers; prints what they saw. Run by est.sh in its world."""
import socket
import ssl
import sys
import time

GATEWAY = ("192.0.2.1", 443)
CACERTS = b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: gw.test\r\n\r\n"
FOLDER = sys.argv[1]


def connect():
    context = ssl.create_default_context(cafile=FOLDER + "/ca.pem")
    context.post_handshake_auth = True
    return context.wrap_socket(socket.create_connection(GATEWAY, timeout=30), server_hostname="192.0.2.1")


def read_all(s):
    got = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece
    except OSError:
        return got


def status(got):
    return got.split(b"\r\n", 1)[0].decode()


def endless_header():
    s = connect()
    s.sendall(b"GET /.well-known/est/cacerts HTTP/1.1\r\n")
    try:
        for _ in range(1000):
            s.sendall(b"X-Padding: 0123456789\r\n")
    except OSError:
        pass
    return status(read_all(s))


def body_behind_the_close():
    s = connect()
    s.sendall(CACERTS)
    got = b""
    try:
        for _ in range(100):
            s.sendall(b"x" * 1024)
        got = read_all(s)
    except OSError:
        got = read_all(s)
    return status(got)


def slow_body():
    s = connect()
    s.sendall(b"POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: gw.test\r\n"
              b"Content-Type: application/pkcs10\r\nContent-Length: 1000\r\n\r\n")
    begin = time.monotonic()
    try:
        while time.monotonic() - begin < 25:
            s.sendall(b"x")
            time.sleep(0.5)
    except OSError:
        pass
    seconds = time.monotonic() - begin
    return f"{status(read_all(s))}, {'in time' if 13 < seconds < 18 else f'after {seconds:.1f} s'}"


def a_thousand_connects():
    seen = {}
    for _ in range(50):
        clients = [connect() for _ in range(20)]
        for s in clients:
            s.sendall(CACERTS)
        for s in clients:
            line = status(read_all(s))
            seen[line] = seen.get(line, 0) + 1
            s.close()
    return ", ".join(f"{line}: {n}" for line, n in sorted(seen.items()))


def many_who_go():
    for _ in range(200):
        s = connect()
        s.sendall(CACERTS)
        s.close()
    return "gone"


print(globals()[sys.argv[2]]())
