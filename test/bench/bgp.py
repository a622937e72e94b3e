# SPDX-License-Identifier: Apache-2.0
"""Many prefixes from on-premises, by BIRD on both sides, while a stream runs: how long until all are learned and looked up, what a
single change takes on top of them, what the stream notices while they flap, and what stays behind when they are withdrawn.

    far (BIRD, AS 65010) ---- gw (BIRD, gateway) ---- host (worker)      vnet: what the stream goes to

Whether the effective set is right is asked in three ways: the operator's list, the effective routes, and packets that are
answered, or not, by the gateway's own lookup.
"""
import contextlib
import os
import random
import re
import sys
import time

from figures import Figure, rounded
from lab import OUTER, ROOT, BenchError, read, wait_until

sys.path.insert(0, os.path.join(ROOT, "test/support"))
from operator_api import Api, Refused  # noqa: E402

PORT = 8446
STREAM_PORT = 7007
STREAM_BYTES_S = "5000000"
NET = "10.93.0"  # of the VNet, in gw and vnet
FAR = "198.18.93"
BLOCK = "100.64.0.0/10"  # that all prefixes lie in
PREFIXES_MAX = 60000
FLAPS = 6
FLAP_S = 0.7
SAMPLES = 20
CHANGES = 5
QUIET_S = 3
LIMIT_S = 60
PROVIDERS = "/subscriptions/default/resourceGroups/default/providers/Microsoft.Network/virtualNetworks"
VNET = f"{PROVIDERS}/bgp"
GATEWAY = f"{VNET}/virtualNetworkGateways/primary"
LIMITS = {"lookup_s": 1, "gap_ms": 50}  # what the project has promised
SEAMLESS = os.path.join(ROOT, "test/netns/seamless.py")
BIRD_IS_QUICK = (("connect retry time 10;", "connect delay time 1; connect retry time 1;"),
                 ("error wait time 2, 60;", "error wait time 1, 2;"), ("log syslog", "log stderr"))


def prefix(number):
    return f"100.{64 + (number >> 10)}.{number >> 2 & 255}.{number << 6 & 192}/26"


def ask(api, method, path, body=None):
    try:
        return api.call(method, path, body)
    except Refused as e:
        raise BenchError(str(e)) from e


# ---- the world

def gateway_yaml(lab):
    return f"""listen: ["{OUTER}:{PORT}"]
names: ["{OUTER}"]
state: {lab.path("bgp-state")}
control_socket: {lab.path("bgp.sock")}
bird_socket: {lab.path("gw.ctl")}
log: {{level: info, target: stderr}}
vnets:
  - {{name: own, address_spaces: [10.99.0.0/16], pools: [172.16.99.0/24], tun: own0}}
"""


def far_bird(lab):
    return f"""router id {FAR}.2;
log stderr {{ warning, error, fatal }};
protocol device {{}}
protocol static own {{
    ipv4;
    include "{lab.path("far.routes")}";
}}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol bgp hub {{
    local as 65010;
    neighbor {FAR}.1 as 65515;
    connect delay time 1;
    connect retry time 1;
    error wait time 1, 2;
    ipv4 {{ import all; export where source = RTS_STATIC; }};
}}
"""


class Site:
    """Gateway, worker, both BIRDs; and what is asked of them."""

    def __init__(self, lab, binaries, steps):
        self.lab = lab
        self.steps = steps
        self.binaries = binaries
        self.far = lab.add_namespace("far")
        steps.callback(lab.remove_namespace, self.far)
        self.link_far()
        lab.add_target(NET)
        self.gateway = self.start("gateway-bgp", lab.gw, [binaries["gateway"], "--config",
                                                         lab.write("bgp.yaml", gateway_yaml(lab))])
        lab.wait_listening(self.gateway, PORT)
        wait_until(10, "the operator's socket", lambda: os.path.exists(lab.path("bgp.sock")))
        self.api = Api(lab.path("bgp.sock"), LIMIT_S)
        self.declare()
        self.start_birds()
        self.worker_ns = self.start_worker()

    def start(self, name, ns, argv):
        child = self.lab.start(name, ns, argv)
        self.steps.callback(self.lab.stop, child)
        return child

    def link_far(self):
        lab = self.lab
        lab.call(["ip", "link", "add", "b0", "netns", lab.gw, "type", "veth", "peer", "name", "b1", "netns", self.far])
        for ns, device, end in ((lab.gw, "b0", 1), (self.far, "b1", 2)):
            lab.call(["ip", "-n", ns, "addr", "add", f"{FAR}.{end}/30", "dev", device])
            lab.call(["ip", "-n", ns, "link", "set", device, "up"])
        # every address of the block answers there
        lab.call(["ip", "-n", self.far, "route", "add", "local", BLOCK, "dev", "lo"])

    def declare(self):
        ask(self.api, "PUT", VNET, {"properties": {"addressSpace": {"addressPrefixes": [f"{NET}.0/24"]}}})
        ask(self.api, "PUT", GATEWAY, {"properties": {
            "enableBgp": True, "propagateBgp": True,
            "vpnClientConfiguration": {"vpnClientAddressPool": {"addressPrefixes": ["172.16.93.0/24"]}}}})
        group = "/subscriptions/default/resourceGroups/default/providers/Microsoft.Web"
        ask(self.api, "PUT", f"{group}/serverfarms/plan", {"sku": {"tier": "Standard"}})
        ask(self.api, "PUT", f"{group}/sites/shop", {"properties": {"serverFarmId": "plan"}})
        ask(self.api, "PUT", f"{group}/sites/shop/virtualNetworkConnections/bgp", {})

    def start_birds(self):
        lab = self.lab
        text = ask(self.api, "GET", f"{GATEWAY}/bgpConfiguration?neighbor={FAR}.2&as=65010")["text"]
        for old, new in BIRD_IS_QUICK:
            text = text.replace(old, new)
        lab.write("gw.bird", text)
        lab.write("far.bird", far_bird(lab))
        self.announces([], wait=False)
        for name, ns in (("gw", lab.gw), ("far", self.far)):
            self.start(f"bird-{name}", ns, ["bird", "-f", "-c", lab.path(f"{name}.bird"), "-s", lab.path(f"{name}.ctl"),
                                            "-P", lab.path(f"{name}.pid")])
        wait_until(LIMIT_S, "the way back on-premises",
                   lambda: "172.16.93.0/24" in lab.call(["ip", "-n", self.far, "route"]))

    def start_worker(self):
        lab = self.lab
        token = ask(self.api, "POST", "/v1/tokens", {"app": "shop", "vnet": "bgp", "gateway": f"{OUTER}:{PORT}"})
        profile = lab.path("bgp-profile.yaml")
        lab.exec(lab.host, [self.binaries["worker"], "enrol", token["token"], "--profile", profile, "--force"])
        ns = lab.add_namespace("bgp")
        self.steps.callback(lab.remove_namespace, ns)
        worker = self.start("worker-bgp", lab.host, [self.binaries["worker"], "--profile", profile, "--netns", ns])
        lab.wait_log(worker, "connected: WEBSITE_PRIVATE_IP=", 30)
        # the whole block goes into the tunnel, whatever the worker is told: the gateway is to refuse
        table = re.search(r"lookup (\d+)", lab.call(["ip", "-n", ns, "rule"])).group(1)
        lab.call(["ip", "-n", ns, "route", "add", BLOCK, "dev", "vnet0", "table", table])
        return ns

    # ---- on-premises

    def announces(self, numbers, wait=True):
        """BIRD on-premises announces these and no others; returns when it was told."""
        self.lab.write("far.routes", "".join(f"route {prefix(n)} unreachable;\n" for n in numbers))
        begin = time.monotonic()
        if wait:
            said = self.lab.call(["birdc", "-s", self.lab.path("far.ctl"), "configure"])
            if "Reconfigured" not in said and "Reconfiguration in progress" not in said:
                raise BenchError(f"BIRD on-premises: {said}")
        return begin

    # ---- the gateway

    def total(self):
        return ask(self.api, "POST", f"{GATEWAY}/getLearnedRoutes?limit=1")["total"]

    def settles(self, count):
        wait_until(LIMIT_S, f"{count} prefixes learned", lambda: self.total() == count)

    def learned(self):
        return {route["network"] for route in
                ask(self.api, "POST", f"{GATEWAY}/getLearnedRoutes?limit=1048576")["value"]}

    def effective(self):
        return {route["prefix"] for route in
                ask(self.api, "GET", f"{VNET}/effectiveRoutes?source=BGP&limit=1048576")["value"]}

    def answers(self, number, patience_s=1.0):
        address = prefix(number).partition("/")[0]
        said = self.lab.exec(self.worker_ns, ["ping", "-n", "-c", "1", "-W", str(patience_s), address], may_fail=True)
        return " 1 received" in said

    def check(self, numbers, among):
        """The effective set is the announced one, and so is what is looked up."""
        should = {prefix(n) for n in numbers}
        for what, found in (("learned", self.learned()), ("effective", self.effective())):
            if found != should:
                raise BenchError(f"{what}: {len(found - should)} too many, {len(should - found)} missing")
        inside = random.sample(sorted(numbers), min(SAMPLES, len(numbers)))
        outside = random.sample([n for n in range(among) if n not in numbers], SAMPLES if len(numbers) < among else 0)
        wrong = [prefix(n) for n in inside if not self.answers(n)]
        wrong += [prefix(n) for n in outside if self.answers(n, 0.2)]
        if wrong:
            raise BenchError(f"looked up wrongly: {' '.join(wrong)}")

    def memory(self):
        """Bytes of control and data plane that are their own."""
        found = {}
        for pid in read(f"/proc/{self.gateway.pid}/task/{self.gateway.pid}/children").split():
            name = "data" if "--data-process" in read(f"/proc/{pid}/cmdline") else "control"
            kilobytes = re.findall(r"^Private_\w+: +(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
            found[name] = 1024 * sum(map(int, kilobytes))
        return found


# ---- the stream

@contextlib.contextmanager
def stream(site, name):
    """Yields a dictionary that has gap_ms at the end."""
    lab, found = site.lab, {}
    child = lab.start(name, site.worker_ns, ["env", "WEBSITE_PRIVATE_IP=none", sys.executable, SEAMLESS, "app",
                                               f"{NET}.2", str(STREAM_PORT), STREAM_BYTES_S])
    try:
        time.sleep(0.5)
        yield found
        lab.check_alive(child)
    finally:
        lab.stop(child)
    probe = re.search(r"^probe (\d+) (\d+) longest gap (\d+)$", lab.log(name), re.MULTILINE)
    if not probe or not re.search(r"^tcp \d+ \d+ same$", lab.log(name), re.MULTILINE):
        raise BenchError(f"the stream ended with:\n{lab.log(name)[-800:]}")
    sent, lost, gap_us = map(int, probe.groups())
    found.update(sent=sent, lost=lost, gap_ms=gap_us / 1000)


class Figures:
    def __init__(self):
        self.learn = Figure("announced: all of them looked up", "s", 2, lower=True)
        self.withdraw = Figure("withdrawn: none left", "s", 2, lower=True)
        self.lookup = Figure("one more on top of them, looked up", "s", 3, lower=True)
        self.gap = Figure("longest gap in a stream meanwhile", "ms", 1, lower=True)
        self.quiet_gap = Figure("longest gap while nothing changes", "ms", 1, lower=True)
        self.control = Figure("memory kept by control", "MB", 2, lower=True)
        self.data = Figure("memory kept by the data plane", "MB", 2, lower=True)

    def rows(self):
        return [self.learn, self.withdraw, self.lookup, self.gap, self.quiet_gap, self.control, self.data]


def change_s(site, numbers, extra):
    """From the word to BIRD on-premises to an answer through the gateway's own lookup."""
    begin = site.announces([*numbers, extra])
    while not site.answers(extra, 0.05):
        if time.monotonic() - begin > LIMIT_S:
            raise BenchError(f"{prefix(extra)} is not looked up within {LIMIT_S} s")
    took = time.monotonic() - begin
    site.announces(numbers)
    site.settles(len(numbers))
    return took


def all_looked_up_s(site, numbers, begin):
    """The last one first: what is looked up is replaced as a whole."""
    wait_until(LIMIT_S, "the last prefix looked up", lambda: site.answers(numbers[-1], 0.05))
    site.settles(len(numbers))
    return time.monotonic() - begin


def flap(site, numbers):
    """All of them, every second one, all of them, ...; ends with all."""
    for round_of in range(FLAPS):
        site.announces(numbers if round_of % 2 else numbers[::2])
        time.sleep(FLAP_S)


def measure(run, number, site, figures):
    numbers, spare = list(range(run.prefixes)), run.prefixes
    server = site.start("stream-server", run.lab.vnet,
                        [sys.executable, SEAMLESS, "serve", f"{NET}.2", str(STREAM_PORT)])
    run.lab.wait_listening(server, STREAM_PORT)
    with stream(site, "stream-quiet") as quiet:
        time.sleep(QUIET_S)
    # what is allocated once, and kept
    site.announces(numbers[:100])
    site.settles(100)
    site.announces([])
    site.settles(0)
    before = site.memory()
    with stream(site, "stream") as busy:
        figures.learn.add("product", all_looked_up_s(site, numbers, site.announces(numbers)))
        flap(site, numbers)
        site.settles(len(numbers))
        site.check(set(numbers), spare)
        site.announces(numbers[1::2])
        site.settles(len(numbers[1::2]))
        time.sleep(1)
        site.check(set(numbers[1::2]), spare)
        site.announces(numbers)
        site.settles(len(numbers))
        figures.lookup.add("product", max(change_s(site, numbers, spare) for _ in range(CHANGES)))
        begin = site.announces([])
        site.settles(0)
        figures.withdraw.add("product", time.monotonic() - begin)
        site.check(set(), spare)
    time.sleep(1)
    after = site.memory()
    figures.gap.add("product", busy["gap_ms"])
    figures.quiet_gap.add("product", quiet["gap_ms"])
    for name, figure in (("control", figures.control), ("data", figures.data)):
        figure.add("product", max(after[name] - before[name], 0) / 1e6)
    run.tell(number, run.product, "bgp", f"{run.prefixes} learned in {figures.learn.rounds['product'][-1]:.2f} s, one more in "
             f"{figures.lookup.rounds['product'][-1]:.3f} s, gap {busy['gap_ms']:.1f} ms (quiet {quiet['gap_ms']:.1f}), "
             f"lost {busy['lost']} of {busy['sent']}, kept {figures.control.rounds['product'][-1]:.2f} and "
             f"{figures.data.rounds['product'][-1]:.2f} MB")


def bgp(run):
    binaries = {name: run.product.binary(f"sstp/{name}/sstp-{name}") for name in ("gateway", "worker")}
    figures = Figures()
    for number in range(run.rounds):
        with contextlib.ExitStack() as steps:
            steps.callback(run.lab.call, ["rm", "-rf", run.lab.path("bgp-state")])
            measure(run, number, Site(run.lab, binaries, steps), figures)
    result = {"prefixes": run.prefixes, "flaps": FLAPS, "limits": LIMITS}
    for key, figure in (("learn_s", figures.learn), ("withdraw_s", figures.withdraw), ("lookup_s", figures.lookup),
                        ("gap_ms", figures.gap), ("quiet_gap_ms", figures.quiet_gap), ("control_kept_mb", figures.control),
                        ("data_kept_mb", figures.data)):
        result[key] = rounded(figure.median("product"))
        result["rounds_" + key] = [rounded(v) for v in figure.rounds["product"]]
    return result, figures.rows()
