#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What no operator would send: api.py HOST PORT TOKEN.

Each stranger may be answered 401 or 403 without a body, or not at all, and is cut off; an operator with the
token is served while they are there. Prints what went otherwise; the exit code is 1 then.
"""
import os
import socket
import ssl
import sys
import time

HOST, PORT, TOKEN = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
TURNED_AWAY = (b"", b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
               b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
DEADLINE_S = 10
failed = False


def complain(text):
    global failed
    failed = True
    print("# " + text)


def connect(with_tls=True):
    raw = socket.create_connection((HOST, PORT), timeout=DEADLINE_S + 5)
    if not with_tls:
        return raw
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw)


def read_all(s):
    data = b""
    try:
        while chunk := s.recv(65536):
            data += chunk
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def send(s, data):
    try:
        s.sendall(data)
    except (ConnectionError, ssl.SSLError):
        pass


def stranger(what, data, with_tls=True):
    s = connect(with_tls)
    send(s, data)
    answer = read_all(s)
    if answer not in TURNED_AWAY and with_tls:
        complain(f"{what}: answered {answer[:200]!r}")
    s.close()


def operator_is_served(when):
    s = connect()
    send(s, b"GET /v1/site HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN +
         b"\r\nConnection: close\r\n\r\n")
    answer = read_all(s)
    if not answer.startswith(b"HTTP/1.1 200 OK\r\n"):
        complain(f"{when}: the operator is answered {answer[:200]!r}")


def slow_loris():
    """Some that say a little again and again, more than one address may have; all are cut off in time."""
    began = time.monotonic()
    loris = []
    for _ in range(20):
        s = connect()
        send(s, b"GET /v1/site HTTP/1.1\r\n")
        loris.append(s)
    operator_is_served("beside 20 that are slow")
    while time.monotonic() - began < DEADLINE_S - 1:
        for s in loris:
            send(s, b"X")
        time.sleep(0.5)
    for s in loris:
        answer = read_all(s)
        if answer not in TURNED_AWAY:
            complain(f"a slow one is answered {answer[:200]!r}")
    if not DEADLINE_S - 1 < time.monotonic() - began < DEADLINE_S + 4:
        complain(f"slow ones are cut off after {time.monotonic() - began:.1f} s")


def many_connections():
    """More than there may be: those above are closed, and the place of those that go is free again."""
    held = []
    closed = 0
    for _ in range(200):
        try:
            held.append(connect(with_tls=False))
        except OSError:
            closed += 1
    for s in held:
        s.settimeout(0.01)
        try:
            closed += s.recv(1) == b""
        except (TimeoutError, BlockingIOError):
            pass
        except ConnectionError:
            closed += 1
    if closed < 200 - 128:
        complain(f"{closed} of 200 connections were closed")
    for s in held:
        s.close()
    operator_is_served("after 200 connections")


def main():
    stranger("a huge head", b"GET / HTTP/1.1\r\nX: " + b"a" * 1000000)
    stranger("a huge path", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n")
    stranger("many fields", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n")
    stranger("a body without an end", b"POST /v1/apply HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 300000)
    stranger("two requests", b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nAuthorization: Bearer " + TOKEN + b"\r\n\r\n")
    stranger("a token in the path", b"GET /?Authorization: Bearer " + TOKEN + b" HTTP/1.1\r\n\r\n")
    stranger("another method", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    stranger("plain HTTP", b"GET / HTTP/1.1\r\nAuthorization: Bearer " + TOKEN + b"\r\n\r\n", with_tls=False)
    for _ in range(50):
        stranger("noise", os.urandom(2000) + b"\r\n\r\n")
        stranger("noise before TLS", os.urandom(500), with_tls=False)
    operator_is_served("after noise")
    slow_loris()
    many_connections()
    return failed


if __name__ == "__main__":
    sys.exit(main())
