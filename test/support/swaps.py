#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two tables of routes that have no address in common, exchanged again and again under packets to both.

swaps.py receive FILE            where the addresses are: notes each packet that arrives, until it is ended
swaps.py send FILE SOURCE        where the app is: notes each packet that left, until it is ended
swaps.py change SOCKET COUNT     exchanges the tables of plan and gateway in turn, COUNT times in all
swaps.py judge SENT ARRIVED COUNT

Every packet has a number, and the number says its destination. A packet that arrives says which table it met, and so
does one that does not, since it would have arrived by the other: in order of sending they tell which table was in
effect when. That can change as often as the operator changed it. A table that is half old and half new, for however
short a time, lets some of both pass, or none, and so adds changes that nobody made.
"""
import array
import signal
import socket
import struct
import sys
import time

from operator_api import Api

PORT = 7001
SO_RCVBUFFORCE = 33
TICK_S = 0.002
CHANGE_S = 0.006  # at least, from one to the next: each table is to be met by some packets
SEEN_MIN = 0.5  # of the changes: fewer seen, and the packets were too few to tell
PROVIDERS = "/subscriptions/default/resourceGroups/default/providers"
ROUTE = f"{PROVIDERS}/Microsoft.Web/serverfarms/plan1/virtualNetworkConnections/hub/routes/swap"
GATEWAY = f"{PROVIDERS}/Microsoft.Network/virtualNetworks/hub/virtualNetworkGateways/gw"
# what a table has: one address out of each of the prefixes that its range is made of
OLD = (5, 6, 8, 12)
NEW = (105, 106, 108, 112)
PREFIXES = ("5/32", "6/31", "8/30", "12/32"), ("105/32", "106/31", "108/30", "112/32")
STREAMS = {"plan": "10.9.0", "gateway": "10.9.1"}


def targets():
    """(stream, table, address) by a packet's number modulo their number; the last one is in no table"""
    every = [(stream, table, f"{net}.{(OLD, NEW)[table][i]}")
             for i in range(len(OLD)) for stream, net in STREAMS.items() for table in (0, 1)]
    return every + [(None, None, "10.9.0.50")]


TARGETS = targets()


class Ended(Exception):
    pass


def end(*_):
    raise Ended


def save(path, numbers):
    with open(path, "wb") as f:
        numbers.tofile(f)


def load(path):
    numbers = array.array("I")
    with open(path, "rb") as f:
        numbers.frombytes(f.read())
    return numbers


def receive(path):
    arrived = array.array("I")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        sock.bind(("", PORT))
        print("ready", flush=True)
        try:
            while True:
                arrived.append(struct.unpack("!I", sock.recv(2048))[0])
        except Ended:
            save(path, arrived)


def send(path, source):
    sent = array.array("I")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        print("ready", flush=True)
        try:
            send_for_ever(sock, sent)
        except Ended:
            save(path, sent)


def send_for_ever(sock, sent):
    number, next_s = 0, time.monotonic()
    while True:
        for _, _, address in TARGETS:
            try:
                sock.sendto(struct.pack("!I", number), (address, PORT))
                sent.append(number)
            except OSError:  # the answer to an earlier one: this one has not left
                pass
            number += 1
        next_s = max(next_s + TICK_S, time.monotonic() - 10 * TICK_S)
        time.sleep(max(0, next_s - time.monotonic()))


def change(path, count):
    api = Api(path)
    gateway = api.call("GET", GATEWAY)["properties"]
    began = time.monotonic()
    for n in range(int(count)):
        due = time.monotonic() + CHANGE_S
        exchange(api, n % 2, (n // 2 + 1) % 2, gateway)
        time.sleep(max(0, due - time.monotonic()))
    print(f"{count} changes in {time.monotonic() - began:.1f} s")


def exchange(api, is_gateway, table, gateway):
    if is_gateway:
        prefixes = [f"{STREAMS['gateway']}.{p}" for p in PREFIXES[table]]
        api.call("PATCH", GATEWAY, {"properties": {"customRoutes": {"addressPrefixes": prefixes}}})
        return
    net, first, last = STREAMS["plan"], (OLD, NEW)[table][0], (OLD, NEW)[table][-1]
    api.call("PUT", ROUTE, {"properties": {"startAddress": f"{net}.{first}", "endAddress": f"{net}.{last}"}})


def tables_met(stream, sent, arrived):
    """(number, table) of each packet of the stream"""
    for number in sent:
        name, table, _ = TARGETS[number % len(TARGETS)]
        if name == stream:
            yield number, table if number in arrived else 1 - table


def judge(sent_path, arrived_path, count):
    sent, arrived, errors = load(sent_path), set(load(arrived_path)), 0
    print(f"{len(sent)} packets sent, {len(arrived)} arrived")
    for stream in STREAMS:
        met = list(tables_met(stream, sent, arrived))
        switches = [i for i in range(1, len(met)) if met[i][1] != met[i - 1][1]]
        made = int(count) // 2
        print(f"{stream}: {made} changes made, {len(switches)} seen")
        if not made * SEEN_MIN <= len(switches) <= made:
            errors += 1
            show(met, switches)
    strangers = [n for n in arrived if TARGETS[n % len(TARGETS)][0] is None]
    print(f"{len(strangers)} packets arrived that no table allows")
    sys.exit(1 if errors or strangers else 0)


def show(met, switches):
    """The first place where the table changed to and fro within a few packets."""
    for i, j in zip(switches, switches[1:]):
        if j - i < 8:
            print("tables met in turn:", "".join(str(table) for _, table in met[max(0, i - 16):j + 24]),
                  f"at number {met[i][0]}")
            return


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    {"receive": receive, "send": send, "change": change, "judge": judge}[sys.argv[1]](*sys.argv[2:])
