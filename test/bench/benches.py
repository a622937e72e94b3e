# SPDX-License-Identifier: Apache-2.0
"""What is measured. Each bench is a function of a Run; it returns its part of the JSON and the rows of the table.
Within a round the systems follow each other at once, and every other round the other way round."""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import bgp
import measure
import paths
import large_site
from figures import Figure, pair, peers, rounded
from lab import OUTER, BenchError, established, resident_bytes, routed, wait_until

DIRECTIONS = {"up": (), "down": ("--reverse",), "up4": ("--parallel", "4"),
              "down4": ("--reverse", "--parallel", "4")}
DIRECTION_LABELS = {"up": "TCP up", "down": "TCP down", "up4": "4 x TCP up", "down4": "4 x TCP down"}
SMALL_PACKET = 200
LINK = ("rate", "100mbit", "burst", "64kb", "latency", "50ms")  # the slow link of the bench `latency`
SESSIONS_PORT = 8443
ACCEPTS_PORT = 8444
SESSIONS_MAX = 4000
IDLE_SESSIONS = 1000
SETTLE_S = 4
FLOOD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "flood.py")
FILL_S = 2
LPM_PROGRAM = "test/bench/lpm/bench-lpm"
LPM_ROUTES = ("1000000", "200000")
LPM_WAYS = {"single": "one by one", "bulk": "64 at once"}
LPM_DUELS = {"v4_random": "IPv4 random", "v4_hot": "IPv4 hot", "v4_routed": "IPv4 routed",
             "v4_random_small_pages": "random, small pages", "v4_hot_small_pages": "hot, small pages",
             "v4_random_large_pages": "random, rte's pages large too",
             "v4_hot_large_pages": "hot, rte's pages large too",
             "v4_many_random": "random, 50,000 next hops", "v4_many_hot": "hot, 50,000 next hops",
             "v6_routed": "IPv6 routed", "v6_hot": "IPv6 hot"}
LPM_KEYS = {"v4_random": "random_ratio", "v4_hot": "hot_ratio", "v4_routed": "routed_ratio",
            "v6_routed": "v6_random_ratio", "v6_hot": "v6_hot_ratio"}


class Run:
    """What a bench needs: the systems, how long and how often, the plans of a site, and where progress goes."""

    def __init__(self, lab, systems, arguments, say):
        self.lab = lab
        self.systems = systems
        self.seconds = arguments.seconds
        self.rounds = arguments.rounds
        self.plans = arguments.plans
        self.prefixes = arguments.prefixes
        self.say = say

    @property
    def product(self):
        return self.systems[0]

    @property
    def ceiling(self):
        return self.systems[1]

    def each(self, systems=None):
        """(round, system), alternating. After a peer failed, it is left out."""
        for number in range(self.rounds):
            order = list(systems or self.systems)
            for system in order if number % 2 == 0 else reversed(order):
                if system in self.systems:
                    yield number, system

    @contextlib.contextmanager
    def forgiving(self, system):
        """A peer's failure is told and ends its part; the product's or the ceiling's ends the run."""
        try:
            yield
        except BenchError as e:
            if not system.is_peer:
                raise
            self.say(f"{system.name} is left out from here on: {e}")
            self.systems.remove(system)

    def tell(self, number, system, what, value):
        self.say(f"round {number + 1}/{self.rounds}  {system.name:<12}  {what:<22}  {value}")


def tunnel(run):
    speed = {d: Figure(label, "Gbit/s") for d, label in DIRECTION_LABELS.items()}
    cpu = {d: Figure(f"{label}, gateway's CPU", "s/GB", lower=True) for d, label in DIRECTION_LABELS.items()}
    for direction, options in DIRECTIONS.items():
        for number, system in run.each():
            with run.forgiving(system):
                got = measure.tcp(system, run.seconds, *options)
                speed[direction].add(system.name, got["gbps"])
                cpu[direction].add(system.name, got["cpu_s_per_gb"])
                run.tell(number, system, DIRECTION_LABELS[direction],
                         f"{got['gbps']:.2f} Gbit/s, {got['cpu_s_per_gb']:.2f} CPU s/GB")
    result = {}
    for d in DIRECTIONS:
        result[d] = {**pair(speed[d], "gbps"), **pair(cpu[d], "cpu_s_per_gb", "cpu_ratio")}
        result[d]["peers"] = peers({"gbps": speed[d], "cpu_s_per_gb": cpu[d]})
    return result, [*speed.values(), *cpu.values()]


def packets(run):
    figure = Figure(f"UDP of {SMALL_PACKET} bytes, delivered", "kpps", 1)
    for number, system in run.each():
        with run.forgiving(system):
            got = measure.udp(system, run.seconds, "--bitrate", "0", "--length", str(SMALL_PACKET))
            figure.add(system.name, got["kpps"])
            run.tell(number, system, "small packets", f"{got['kpps']:.1f} kpps")
    return {**pair(figure, "kpps"), "peers": peers({"kpps": figure})}, [figure]


# ---- latency

@contextlib.contextmanager
def slow_link(lab):
    """100 Mbit/s both ways, between the tunnels' outer ends. The queue is the router's own: a sender would notice one in
    its own machine, and hold back."""
    with routed(lab) as (router, links):
        for link in links:
            lab.call(["tc", "-n", router, "qdisc", "add", "dev", link, "root", "tbf", *LINK])
        yield


def loaded(run, system, direction):
    """Round trips beside a stream that fills the link, p99 in ms; and what the stream gets meanwhile, in Mbit/s. The
    first second, in which it finds its rate, is not counted."""
    count = max(100, run.seconds * 100)
    receiver = run.lab.vnet if direction == "up" else system.ns
    with measure.bulk(system, run.seconds + 10, *DIRECTIONS[direction]) as client:
        time.sleep(1)
        before, begin = measure.received_bytes(run.lab, receiver), time.monotonic()
        times = measure.ping_ms(system, count, 0.01)
        got, seconds = measure.received_bytes(run.lab, receiver) - before, time.monotonic() - begin
        run.lab.check_alive(client)
    return measure.percentile(times, 99), got * 8 / seconds / 1e6


def latency(run):
    idle = Figure("round trip, idle", "us", 0, lower=True)
    p99 = {d: Figure(f"round trip beside TCP {d}, p99", "ms", 1, lower=True) for d in ("up", "down")}
    bulk = {d: Figure(f"TCP {d} meanwhile", "Mbit/s", 1) for d in p99}
    worst = Figure("the worse of both, p99", "ms", 1, lower=True)
    for number, system in run.each():
        with run.forgiving(system):
            median_us = 1000 * measure.percentile(measure.ping_ms(system, run.seconds * 100, 0.005), 50)
            idle.add(system.name, median_us)
            run.tell(number, system, "round trip, idle", f"{median_us:.0f} us")
    with slow_link(run.lab):
        for number, system in run.each():
            with run.forgiving(system):
                got = {d: loaded(run, system, d) for d in p99}
                for d, (ms, mbps) in got.items():
                    p99[d].add(system.name, ms)
                    bulk[d].add(system.name, mbps)
                worst.add(system.name, max(ms for ms, _ in got.values()))
                run.tell(number, system, "p99 at 100 Mbit/s",
                         ", ".join(f"{ms:.1f} ms {d} beside {mbps:.1f} Mbit/s" for d, (ms, mbps) in got.items()))
    result = {**pair(idle, "idle_us", "idle_ratio"), **pair(worst, "loaded_p99_ms", "loaded_ratio")}
    for d in p99:
        result.update(pair(p99[d], f"loaded_{d}_p99_ms", f"loaded_{d}_ratio"))
        result.update(pair(bulk[d], f"bulk_{d}_mbps", f"bulk_{d}_ratio"))
    result["added_p99_ms"] = rounded(worst.median("product") - idle.median("product") / 1000)
    result["peers"] = peers({"idle_us": idle, "loaded_p99_ms": worst})
    return result, [idle, *p99.values(), worst, *bulk.values()]


# ---- sessions

def dial_sessions(run, count):
    """The dialler's command: it brings sessions up, pings through each, and ends them all."""
    return [run.product.binary("test/netns/many"), f"{OUTER}:{SESSIONS_PORT}", "alice", "wonderland",
            run.product.path("ca.pem"), OUTER, str(count), run.product.target]


def dial_tls(run, count):
    return [run.product.binary("test/bench/accepts"), "dial", OUTER, str(ACCEPTS_PORT), run.product.path("ca.pem"),
            str(count)]


@contextlib.contextmanager
def silent_target(lab):
    """Echo requests get no answer."""
    switch = "/proc/sys/net/ipv4/icmp_echo_ignore_all"
    try:
        lab.exec(lab.vnet, ["sh", "-c", f"echo 1 >{switch}"])
        yield
    finally:
        lab.exec(lab.vnet, ["sh", "-c", f"echo 0 >{switch}"])


def idle_session_bytes(run, gateway):
    """Sessions that wait for an answer that does not come stay up and idle. What the gateway then holds more than
    after its first session, divided; after some quiet seconds, in which it gives back what setting up needed."""
    lab = run.lab
    lab.exec(lab.host, dial_sessions(run, 1))
    time.sleep(SETTLE_S)
    before = resident_bytes(gateway.pid)
    with silent_target(lab):
        dialler = lab.start("many-idle", lab.host, dial_sessions(run, IDLE_SESSIONS))
        try:
            wait_until(50, f"{IDLE_SESSIONS} sessions",
                       lambda: established(gateway.pid, SESSIONS_PORT) == IDLE_SESSIONS)
            time.sleep(SETTLE_S)
            lab.check_alive(dialler)
            held = resident_bytes(gateway.pid) - before
        finally:
            lab.stop(dialler)
    wait_until(20, "the end of the idle sessions", lambda: established(gateway.pid, SESSIONS_PORT) == 0)
    return held / IDLE_SESSIONS


def rate(run, argv, count):
    begin = time.monotonic()
    run.lab.exec(run.lab.host, argv, limit_s=120)
    return count / (time.monotonic() - begin)


def sessions(run):
    lab, product = run.lab, run.product
    figure = Figure("sessions set up and ended; TLS", "1/s", 0)
    memory = Figure("memory of an idle session", "bytes", 0, lower=True)
    count = min(SESSIONS_MAX, 200 * run.seconds)
    gateway = product.start_gateway("gateway-sessions", SESSIONS_PORT, "sstp2", "172.16.96.0/20")
    accepts = lab.start("accepts", lab.gw, [product.binary("test/bench/accepts"), "serve", OUTER, str(ACCEPTS_PORT),
                                            product.path("server.pem"), product.path("server.key")])
    lab.wait_listening(accepts, ACCEPTS_PORT)
    try:
        memory.add("product", idle_session_bytes(run, gateway))
        run.tell(0, product, "idle session", memory.text("product") + " bytes")
        for number, system in run.each([product, run.ceiling]):
            dial = dial_sessions if system is product else dial_tls
            figure.add(system.name, rate(run, dial(run, count), count))
            run.tell(number, system, "set-ups", f"{figure.rounds[system.name][-1]:.0f}/s")
    finally:
        lab.stop(accepts)
        lab.stop(gateway)
    result = pair(figure, "per_s")
    result["tls_accepts_per_s"] = result.pop("ceiling_per_s")
    result["bytes_per_idle_session"] = round(memory.median("product"))
    return result, [figure, memory]


# ---- syscalls

def syscalls(run):
    figures = {d: Figure(f"per 64 KB {d}, gateway's", "syscalls", 2, lower=True) for d in ("up", "down")}
    seen = {d: {} for d in figures}
    for d, figure in figures.items():
        for number, system in run.each():
            with run.forgiving(system):
                calls, seen[d][system.name] = measure.syscalls_per_64k(system, run.seconds, *DIRECTIONS[d])
                figure.add(system.name, calls)
                top = sorted(seen[d][system.name].items(), key=lambda item: -item[1])[:4]
                run.tell(number, system, f"system calls {d}", f"{calls:.2f} per 64 KB: "
                         + ", ".join(f"{name} {n}" for name, n in top))
    result = {}
    for d, figure in figures.items():
        result.update(pair(figure, f"{d}_per_64k", f"{d}_ratio"))
        result[f"{d}_calls"] = seen[d]
    result["peers"] = peers({f"{d}_per_64k": figure for d, figure in figures.items()})
    return result, list(figures.values())


# ---- stall

@contextlib.contextmanager
def stalled_session(run, worker, address):
    """A session whose worker is stopped, while the virtual network goes on sending to it: as fast as it can until all
    that waits on the way is full, then a trickle that keeps it full."""
    flood = [sys.executable, FLOOD, address]
    worker.send_signal(signal.SIGSTOP)
    try:
        run.lab.exec(run.lab.vnet, [*flood, "400", str(FILL_S)])
        child = run.lab.start("flood", run.lab.vnet, [*flood, "5", "3600"])
        try:
            yield
            run.lab.check_alive(child)
        finally:
            run.lab.stop(child)
    finally:
        run.lab.resume(worker)


def beside_stalled(run, worker, address):
    """What the other session gets meanwhile, in Gbit/s; and how much it misses of a stream that leaves room."""
    with stalled_session(run, worker, address):
        speed = measure.tcp(run.product, run.seconds, "--reverse")["gbps"]
        return speed, measure.udp(run.product, run.seconds, "--reverse", "--bitrate", "20M", "--length", "1000")


def stall(run):
    lab, product = run.lab, run.product
    alone = Figure("TCP down alone", "Gbit/s")
    beside = Figure("beside a stalled session", "Gbit/s")
    loss = Figure("lost of a stream of 20 Mbit/s", "packets", 0, lower=True)
    sent = 0
    worker, address = product.start_worker("worker-stall", lab.add_namespace("stall"))
    for number in range(run.rounds):
        if number % 2 == 0:
            alone.add("product", measure.tcp(product, run.seconds, "--reverse")["gbps"])
        speed, paced = beside_stalled(run, worker, address)
        if number % 2:
            alone.add("product", measure.tcp(product, run.seconds, "--reverse")["gbps"])
        beside.add("product", speed)
        loss.add("product", paced["lost"])
        sent += paced["packets"]
        run.tell(number, product, "beside a stalled one", f"{speed:.2f} Gbit/s, alone "
                 f"{alone.rounds['product'][-1]:.2f}, lost {paced['lost']} of {paced['packets']}")
    lab.stop(worker)
    share = Figure("the share of alone", "ratio")
    share.rounds["product"] = [b / a for a, b in zip(alone.rounds["product"], beside.rounds["product"])]
    result = {"ratio": rounded(share.median("product")), "lost": sum(loss.rounds["product"]), "sent": sent,
              "gbps": rounded(beside.median("product")), "alone_gbps": rounded(alone.median("product"))}
    return result, [alone, beside, share, loss]


# ---- lpm

def lpm_duel(raw, label, key):
    figure = Figure(label, "M/s", 0)
    figure.rounds = raw[key]
    return figure


def lpm_ratio(figures, *keys):
    return rounded(min(figures[key].ratio("product", "rte_lpm") for key in keys))


def lpm_program(build_dir, seconds, rounds):
    """What bench-lpm printed. It compares every answer with rte_lpm's."""
    argv = [os.path.join(build_dir, LPM_PROGRAM), *LPM_ROUTES, str(rounds), str(1000 * seconds)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{LPM_PROGRAM} failed: {done.returncode}")
    return json.loads(done.stdout)


def lpm_stalls(raw):
    """The longest times between two batches of lookups, but for those in which the kernel gave the CPU to another:
    these are only in _wall. What the hypervisor takes is in both, and in `still` as well."""
    keys, figures = {}, []
    for phase, rounds in raw["own_stall_us"].items():
        figure = Figure(f"longest wait of a reader, {phase}", "us", 0, lower=True)
        figure.rounds["product"] = rounds
        figures.append(figure)
        keys[f"{phase}_max_stall_us"] = max(rounds)
        keys[f"{phase}_median_stall_us"] = statistics.median(rounds)
        keys[f"{phase}_max_stall_us_wall"] = max(raw["stall_us"][phase])
    for phase, label, key in (("swap", "tables swapped", "swaps_per_s"), ("rebuild", "tables rebuilt", "rebuilds_per_s")):
        figure = Figure(f"{label} a second meanwhile", "/s", 1)
        figure.rounds["product"] = raw["swaps_per_s"][phase]
        figures.append(figure)
        keys[key] = rounded(figure.median("product"))
    return keys, figures


def lpm_sizes(raw, prefix, key):
    """Memory beside rte_lpm's, and the time from unsorted routes to a table that is looked up in."""
    return {f"{key}memory_ratio": rounded(raw[f"{prefix}_bytes"] / raw[f"{prefix}_rte_bytes"]),
            f"{key}memory_mb": rounded(raw[f"{prefix}_bytes"] / 1e6),
            f"{key}build_s": rounded(raw[f"{prefix}_insert_s"] + raw[f"{prefix}_compile_s"]),
            f"{key}build_one_by_one_s": rounded(raw[f"{prefix}_insert_unsorted_s"] + raw[f"{prefix}_compile_s"])}


def lpm(build_dir, seconds, rounds, say):
    """Needs no namespaces. A ratio is the lesser of the two: one at a time, and in bulk."""
    say(f"{LPM_ROUTES[0]} IPv4 and {LPM_ROUTES[1]} IPv6 prefixes, one core")
    raw = lpm_program(build_dir, seconds, rounds)
    figures = {f"{key}_{way}": lpm_duel(raw, f"{label}, {LPM_WAYS[way]}", f"{key}_{way}")
               for key, label in LPM_DUELS.items() for way in LPM_WAYS}
    result = {**lpm_sizes(raw, "v4", ""), **lpm_sizes(raw, "v4_many", "many_"), **lpm_sizes(raw, "v6", "v6_")}
    for key, name in LPM_KEYS.items():
        result[name] = lpm_ratio(figures, f"{key}_single", f"{key}_bulk")
    for name, figure in figures.items():
        result[name] = {**{f"{s}_mlps": rounded(figure.median(s)) for s in figure.systems()},
                        "ratio": lpm_ratio(figures, name)}
    stalls, rows = lpm_stalls(raw)
    result.update(stalls, small_tables_mb=rounded(raw["small_bytes"] / 1e6))
    return result, [*figures.values(), *rows]


ALONE = {"lpm": lpm}  # of (build_dir, seconds, rounds, say)
BENCHES = {"tunnel": tunnel, "packets": packets, "latency": latency, "sessions": sessions, "syscalls": syscalls,
           "stall": stall, "paths": paths.paths, "site": large_site.site, "bgp": bgp.bgp}
