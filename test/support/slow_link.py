#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long and lossy link between two namespaces, where the kernel has no netem.

slow_link.py NS_A DEVICE_A NS_B DEVICE_B DELAY_MS LOSS_PERCENT SEED

Makes a TUN device in each; what goes into one comes out of the other after the delay, or never. Addresses are the
caller's affair. Prints "ready", and at SIGTERM "passed N lost N"."""
import collections
import ctypes
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_MAX = 65536
PACKETS_MAX = 10000  # under way in one direction


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET):
            sys.exit(f"{namespace}: {os.strerror(ctypes.get_errno())}")


def open_tun(namespace, device):
    enter(namespace)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Direction:
    def __init__(self, source, target, delay_s, loss, dice):
        self.source, self.target, self.delay_s, self.loss, self.dice = source, target, delay_s, loss, dice
        self.queue = collections.deque()
        self.passed = self.lost = 0

    def take(self):
        """What waits at the source; each is lost, or on its way from now on."""
        while True:
            try:
                packet = os.read(self.source, PACKET_MAX)
            except BlockingIOError:
                return
            if self.dice.random() < self.loss or len(self.queue) == PACKETS_MAX:
                self.lost += 1
            else:
                self.queue.append((time.monotonic() + self.delay_s, packet))

    def release(self):
        """Seconds until the next one has arrived."""
        while self.queue and self.queue[0][0] <= time.monotonic():
            try:
                os.write(self.target, self.queue.popleft()[1])
                self.passed += 1
            except OSError:  # the device is not up
                self.lost += 1
        return max(self.queue[0][0] - time.monotonic(), 0) if self.queue else 1


def main():
    ns_a, device_a, ns_b, device_b, delay_ms, loss_percent, seed = sys.argv[1:]
    a, b = open_tun(ns_a, device_a), open_tun(ns_b, device_b)
    dice = random.Random(int(seed))
    ways = [Direction(*ends, float(delay_ms) / 1000, float(loss_percent) / 100, dice) for ends in ((a, b), (b, a))]
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    print("ready", flush=True)
    while not stop:
        wait_s = min(way.release() for way in ways)
        select.select([a, b], [], [], wait_s)
        for way in ways:
            way.take()
    print("passed", sum(way.passed for way in ways), "lost", sum(way.lost for way in ways), flush=True)


if __name__ == "__main__":
    main()
