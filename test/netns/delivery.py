#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How evenly a TCP stream arrived, from a capture at its receiver (96 bytes of each packet are enough).

delivery.py PCAP PORT up|down BEGIN END [BEGIN END]...
    Of the connection with most bytes to (up) or from (down) PORT. A byte is delivered when all before it have come, as
    the receiver's program sees it. Prints "resets N missing N", bytes that never came among those; then for each span
    (seconds since 1970) "gap US at S bytes N": the longest time without a delivery, when that began (seconds after
    BEGIN), and what was delivered.
"""
import collections
import struct
import sys

ETHERNET, RAW_IP = 1, 101
FIN, SYN, RST = 1, 2, 4
Segment = collections.namedtuple("Segment", "at_ns flow seq length flags")


def read_packets(path):
    """Yields (ns, bytes of the IP packet that were kept)."""
    with open(path, "rb") as f:
        data = f.read()
    if struct.unpack_from("<I", data)[0] != 0xA1B23C4D:
        sys.exit("delivery.py: not a capture with nanoseconds: tcpdump --time-stamp-precision nano")
    skip = {ETHERNET: 14, RAW_IP: 0}[struct.unpack_from("<I", data, 20)[0]]
    at = 24
    while at + 16 <= len(data):
        seconds, ns, kept, _ = struct.unpack_from("<IIII", data, at)
        yield seconds * 10**9 + ns, data[at + 16 + skip:at + 16 + kept]
        at += 16 + kept


def read_segments(path, port, way):
    for at_ns, ip in read_packets(path):
        if len(ip) < 40 or ip[0] >> 4 != 4 or ip[9] != 6:
            continue
        ip_len = (ip[0] & 15) * 4
        sport, dport, seq = struct.unpack_from(">HHI", ip, ip_len)
        if port != (dport if way == "up" else sport):
            continue
        header = ip_len + (ip[ip_len + 12] >> 4) * 4
        length = struct.unpack_from(">H", ip, 2)[0] - header
        yield Segment(at_ns, (sport, dport), seq, length, ip[ip_len + 13])


class Receiver:
    """What a receiver's TCP does with segments: says when the stream goes on, and by how much."""

    def __init__(self):
        self.next = None  # unwrapped
        self.early = {}  # begin -> end

    def take(self, s):
        """Returns the bytes that can be delivered now."""
        if self.next is None:
            self.next = s.seq + (1 if s.flags & SYN else 0)
        if s.length <= 0:
            return 0
        begin = self.next + (s.seq - self.next + 2**31) % 2**32 - 2**31
        self.early[begin] = max(self.early.get(begin, 0), begin + s.length)
        if begin > self.next:
            return 0
        before = self.next
        for begin in sorted(self.early):
            if begin > self.next:
                break
            self.next = max(self.next, self.early.pop(begin))
        return self.next - before

    def missing(self):
        return min(self.early) - self.next if self.early else 0


def deliver(segments):
    """Of one connection: [(ns, bytes)], bytes that are missing."""
    receiver = Receiver()
    deliveries = []
    for s in segments:
        n = receiver.take(s)
        if n:
            deliveries.append((s.at_ns, n))
    return deliveries, receiver.missing()


def longest_gap(deliveries, begin_ns, end_ns):
    """(ns, when it began, bytes); the ends of the span count as deliveries."""
    inside = [d for d in deliveries if begin_ns <= d[0] < end_ns]
    times = [begin_ns] + [d[0] for d in inside] + [end_ns]
    gap, began = max((b - a, a) for a, b in zip(times, times[1:]))
    return gap, began, sum(d[1] for d in inside)


def main():
    path, port, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    flows = collections.defaultdict(list)
    resets = 0
    for s in read_segments(path, port, way):
        flows[s.flow].append(s)
        resets += s.flags & RST != 0
    if not flows:
        sys.exit("delivery.py: nothing was captured")
    deliveries, missing = deliver(max(flows.values(), key=lambda f: sum(s.length for s in f)))
    print("resets", resets, "missing", missing)
    bounds = [int(float(t) * 1e6) * 1000 for t in sys.argv[4:]]
    for begin, end in zip(bounds[::2], bounds[1::2]):
        gap, began, count = longest_gap(deliveries, begin, end)
        print("gap", gap // 1000, "at", f"{(began - begin) / 1e9:.3f}", "bytes", count)


if __name__ == "__main__":
    main()
