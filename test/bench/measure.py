# SPDX-License-Identifier: Apache-2.0
"""The instruments: iperf3, ping, strace. Each call is bounded in time and returns numbers."""
import contextlib
import itertools
import json
import re
import signal

from lab import BenchError, cpu_seconds, read, wait_until

SLACK_S = 20  # for iperf3's own exchange at both ends of a run
PROBE_LOST_MS = 3000.0  # what a probe that never came back counts
PORTS = itertools.cycle(range(5201, 5999))


@contextlib.contextmanager
def iperf_server(system):
    """On the system's own address: a UDP answer would leave with vnet's first one otherwise."""
    lab = system.lab
    port = next(PORTS)
    server = lab.start(f"iperf3-{port}", lab.vnet, ["iperf3", "--server", "--one-off", "--bind", system.target,
                                                    "--port", str(port)])
    try:
        lab.wait_listening(server, port)
        yield port
    finally:
        lab.stop(server)


def client_argv(target, port, seconds, options):
    return ["iperf3", "--client", target, "--port", str(port), "--json", "--time", str(seconds),
            "--connect-timeout", "5000", *options]


def result_of(text, what):
    try:
        result = json.loads(text)
    except ValueError as e:
        raise BenchError(f"iperf3 {what}: no result: {text[-300:]}") from e
    if "error" in result:
        raise BenchError(f"iperf3 {what}: {result['error']}")
    return result["end"]


def iperf(system, seconds, *options):
    """One run from app to the system's target; returns iperf3's "end" and the server's CPU seconds meanwhile."""
    lab = system.lab
    with iperf_server(system) as port:
        before = cpu_seconds(system.pid)
        text = lab.exec(system.ns, client_argv(system.target, port, seconds, options), limit_s=seconds + SLACK_S,
                        may_fail=True)
        cpu = cpu_seconds(system.pid) - before
    system.check_alive()
    return result_of(text, f"through {system.name}"), cpu


def tcp(system, seconds, *options):
    """{gbps, cpu_s_per_gb, bytes}, all as the receiver saw it."""
    end, cpu = iperf(system, seconds, *options)
    got = end["sum_received"]
    if not got["bytes"]:
        raise BenchError(f"nothing came through {system.name}")
    return {"gbps": got["bits_per_second"] / 1e9, "cpu_s_per_gb": cpu / (got["bytes"] / 1e9), "bytes": got["bytes"]}


def udp(system, seconds, *options):
    """{kpps, lost}: packets that the receiver got, and those that it missed."""
    end, cpu = iperf(system, seconds, "--udp", *options)
    total = end["sum"]
    delivered = total["packets"] - total["lost_packets"]
    return {"kpps": delivered / total["seconds"] / 1000, "lost": total["lost_packets"], "packets": total["packets"]}


@contextlib.contextmanager
def bulk(system, seconds, *options):
    """A stream in the background, for at most `seconds`."""
    lab = system.lab
    with iperf_server(system) as port:
        client = lab.start("bulk", system.ns, client_argv(system.target, port, seconds, options))
        try:
            yield client
        finally:
            lab.stop(client)


def received_bytes(lab, ns):
    """What all devices of the namespace have received, its loopback not counted."""
    lines = lab.exec(ns, ["cat", "/proc/net/dev"]).splitlines()
    devices = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(int(counters.split()[0]) for name, counters in devices.items() if name.strip() != "lo")


def ping_ms(system, count, interval_s):
    """The round trips of `count` echo requests, sorted; a lost one counts PROBE_LOST_MS."""
    text = system.lab.exec(system.ns, ["ping", "-n", "-c", str(count), "-i", str(interval_s), "-W", "3", system.target],
                           limit_s=count * interval_s + SLACK_S, may_fail=True)
    times = sorted(float(t) for t in re.findall(r" time=([\d.]+) ms", text))
    if not times:
        raise BenchError(f"no echo came back through {system.name}")
    return times + [PROBE_LOST_MS] * (count - len(times))


def percentile(ordered, p):
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


def is_traced(pid):
    return "TracerPid:\t0\n" not in read(f"/proc/{pid}/status")


def syscalls_per_64k(system, seconds, *options):
    """System calls of the server for each 64 KB that arrive, and how many of which. strace slows the server down,
    which makes its batches larger: the figure is for what a full pass costs."""
    lab = system.lab
    tracer = lab.start("strace", lab.gw, ["strace", "--summary-only", "--follow-forks", "--summary-columns=calls,name",
                                          "--attach", str(system.pid)])
    try:
        wait_until(10, f"strace at {system.name}", lambda: is_traced(system.pid))
        stream = tcp(system, seconds, *options)
    finally:
        lab.stop(tracer, signal.SIGINT)
    calls = {name: int(n) for n, name in re.findall(r"^\s*(\d+) (\w+)$", lab.log("strace"), re.MULTILINE)}
    calls.pop("total", None)
    if not calls:
        raise BenchError(f"strace counted nothing at {system.name}:\n{lab.log('strace')[-500:]}")
    return sum(calls.values()) / (stream["bytes"] / 65536), calls
