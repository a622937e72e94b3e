#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stream that must not notice anything, and a probe that measures what it would.

seamless.py serve ADDRESS PORT  sends back what comes, by TCP and by UDP
seamless.py app ADDRESS PORT [BYTES_S]
                                until SIGTERM: a TCP stream of random bytes that come back, and a datagram every
                                millisecond; then prints "tcp SENT RECEIVED same|different" and "probe SENT LOST
                                longest gap US" (microseconds between two that came back)
"""
import hashlib
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

BLOCK = 64 * 1024
STREAM_BYTES_S = 25_000_000  # each way: the gap is to be the renewal's, not that of a machine at its limit
PROBE_S = 0.001
TIMESTAMP_NS = 35  # SO_TIMESTAMPNS: when the kernel got it


def echo_datagrams(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(address)
        while True:
            s.sendto(*s.recvfrom(2048))


def echo_stream(peer):
    with peer:
        while data := peer.recv(BLOCK):
            peer.sendall(data)


def serve(address):
    threading.Thread(target=echo_datagrams, args=(address,), daemon=True).start()
    with socket.create_server(address) as listener:
        while True:
            threading.Thread(target=echo_stream, args=(listener.accept()[0],), daemon=True).start()


class Stream:
    """Sends until told to stop; then what is still on its way comes back."""

    def __init__(self, address, bytes_s):
        self.bytes_s = bytes_s
        self.tcp = socket.create_connection(address, 10)
        self.tcp.settimeout(20)
        self.sums = [hashlib.sha256(), hashlib.sha256()]
        self.counts = [0, 0]
        self.stop = threading.Event()
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    def count(self, way, data):
        self.sums[way].update(data)
        self.counts[way] += len(data)

    def send(self):
        due = time.monotonic()
        while not self.stop.is_set():
            due = max(due + BLOCK / self.bytes_s, time.monotonic() - 0.1)
            time.sleep(max(due - time.monotonic(), 0))
            data = os.urandom(BLOCK)
            self.tcp.sendall(data)
            self.count(0, data)
        self.tcp.shutdown(socket.SHUT_WR)

    def receive(self):
        while data := self.tcp.recv(BLOCK):
            self.count(1, data)

    def report(self):
        same = self.sums[0].digest() == self.sums[1].digest()
        print("tcp", *self.counts, "same" if same else "different", flush=True)


class Probe:
    def __init__(self, address):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, TIMESTAMP_NS, 1)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.udp.connect(address)
        self.sent = self.received = self.last_ns = self.gap_ns = 0

    def take_all(self, wait_s):
        while select.select([self.udp], [], [], max(wait_s, 0))[0]:
            wait_s = 0
            _, notes, _, _ = self.udp.recvmsg(64, 64)
            seconds, ns = struct.unpack("qq", notes[0][2])
            now_ns = seconds * 10**9 + ns
            if self.last_ns:
                self.gap_ns = max(self.gap_ns, now_ns - self.last_ns)
            self.last_ns = now_ns
            self.received += 1

    def run(self, stop):
        due = time.monotonic()
        while not stop:
            self.udp.send(struct.pack("Q", self.sent))
            self.sent += 1
            due = max(due + PROBE_S, time.monotonic() - PROBE_S)
            while time.monotonic() < due:
                self.take_all(due - time.monotonic())
        self.take_all(1)

    def report(self):
        print("probe", self.sent, self.sent - self.received, "longest gap", self.gap_ns // 1000, flush=True)


def probe(address):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    p = Probe(address)
    p.run(stop)
    p.report()


def app(address, bytes_s=STREAM_BYTES_S):
    print("app", os.getpid(), os.environ["WEBSITE_PRIVATE_IP"], flush=True)
    child = os.fork()
    if child == 0:
        probe(address)
        os._exit(0)
    stream = Stream(address, bytes_s)
    signal.signal(signal.SIGTERM, lambda *_: stream.stop.set())
    stream.receive()
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    stream.report()


if __name__ == "__main__":
    {"serve": serve, "app": app}[sys.argv[1]]((sys.argv[2], int(sys.argv[3])), *map(int, sys.argv[4:]))
