# SPDX-License-Identifier: Apache-2.0
"""Paths on which a sender that limits itself may lose its share: beside a foreign flow, uneven, long. The router in
between does what path.c says, there and back."""
import contextlib
import os
import time

import measure
from figures import Figure, pair
from lab import OUTER, routed

# name: label, rate in Mbit/s, buffer, delay each way, slot on the way down (ms), beside a foreign CUBIC flow
PATHS = {
    "short": ("short buffer", 100, 5, 1, 0, False),
    "shared_short": ("short buffer, shared", 100, 5, 1, 0, True),
    "shared": ("50 ms buffer, shared", 100, 50, 1, 0, True),
    "slots": ("8 ms slots", 100, 50, 5, 8, False),
    "long": ("100 ms, buffer as long", 100, 100, 50, 0, False),
    "slow": ("5 Mbit/s, 200 ms buffer", 5, 200, 10, 0, False),
}
FOREIGN_PORT = "5200"
NO_METRICS = "/proc/sys/net/ipv4/tcp_no_metrics_save"
DIRECTIONS = {"up": (), "down": ("--reverse",)}


@contextlib.contextmanager
def path(lab, rate, buffer_ms, delay_ms, slot_ms):
    """One process for each direction; what comes from a link is routed into its device, what comes out goes on."""
    program = os.path.join(lab.build_dir, "test/bench/path")
    with routed(lab) as (router, links):
        children = []
        try:
            for number, (link, slot) in enumerate(zip(links, (0, slot_ms))):
                device = f"path{number}"
                child = lab.start(device, router, [program, device, str(rate), str(buffer_ms), str(delay_ms), str(slot)])
                children.append(child)
                lab.wait_device(router, device, child)
                lab.call(["ip", "-n", router, "link", "set", device, "up", "txqueuelen", "10000"])
                lab.call(["ip", "-n", router, "route", "add", "default", "dev", device, "table", str(100 + number)])
                lab.call(["ip", "-n", router, "rule", "add", "iif", link, "lookup", str(100 + number)])
            yield
            for child in children:
                lab.check_alive(child)
        finally:
            for child in children:
                lab.stop(child)


@contextlib.contextmanager
def foreign(lab, seconds, *options):
    """A TCP stream of somebody else's over the same path, from host to gateway."""
    server = lab.start("foreign-server", lab.gw, ["iperf3", "--server", "--one-off", "--bind", OUTER, "--port",
                                                  FOREIGN_PORT])
    try:
        lab.wait_listening(server, int(FOREIGN_PORT))
        client = lab.start("foreign", lab.host, measure.client_argv(OUTER, FOREIGN_PORT, seconds, options))
        try:
            yield
            lab.check_alive(client)
        finally:
            lab.stop(client)
    finally:
        lab.stop(server)


def rate_mbps(run, system, direction, is_shared):
    """What the stream gets after two seconds in which it, and the foreign one before it, find their rates. All of the
    connections are new."""
    lab, options = run.lab, DIRECTIONS[direction]
    system.again()
    receiver = lab.vnet if direction == "up" else system.ns
    seconds = run.seconds + 10
    with contextlib.ExitStack() as streams:
        if is_shared:
            streams.enter_context(foreign(lab, seconds, *options))
            time.sleep(1)
        client = streams.enter_context(measure.bulk(system, seconds, *options))
        time.sleep(2)
        before, begin = measure.received_bytes(lab, receiver), time.monotonic()
        time.sleep(run.seconds)
        got, passed = measure.received_bytes(lab, receiver) - before, time.monotonic() - begin
        lab.check_alive(client)
    return got * 8 / passed / 1e6


def forget_paths(lab):
    """The kernel keeps for a new connection what it knows of the last one to this address."""
    for ns in (lab.app, lab.host, lab.gw, lab.vnet):
        lab.exec(ns, ["sh", "-c", f"echo 1 >{NO_METRICS}"])
        lab.call(["ip", "-n", ns, "tcp_metrics", "flush", "all"])


def paths(run):
    forget_paths(run.lab)
    result, rows = {}, []
    for name, (label, *shape, is_shared) in PATHS.items():
        figures = {d: Figure(f"{label}: TCP {d}", "Mbit/s", 1) for d in DIRECTIONS}
        with path(run.lab, *shape):
            for number, system in run.each():
                with run.forgiving(system):
                    for d, figure in figures.items():
                        figure.add(system.name, rate_mbps(run, system, d, is_shared))
                    run.tell(number, system, label, ", ".join(f"{f.rounds[system.name][-1]:.1f} Mbit/s {d}"
                                                              for d, f in figures.items()))
        result[name] = {key: value for d, f in figures.items() for key, value in pair(f, f"{d}_mbps", f"{d}_ratio").items()}
        rows += figures.values()
    return result, rows
