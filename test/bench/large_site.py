# SPDX-License-Identifier: Apache-2.0
"""A large site: plans of five apps and fifty routes each. What an operator waits for (apply, lists), also while somebody
applies, and what an app waits for: from the answer to a changed route to the route in its own kernel."""
import os
import re
import sys
import threading
import time

from figures import Figure, rounded
from lab import OUTER, ROOT, BenchError, wait_until

sys.path.insert(0, os.path.join(ROOT, "test/support"))
from operator_api import Api, Refused  # noqa: E402

PORT = 8445
APPS_OF_PLAN = 5
ROUTES_OF_PLAN = 50
VNETS_MAX = 50
CHANGES_OF_ROUND = 10
API_LIMIT_S = 120
PAUSE_S = 0.005
PROVIDERS = "/subscriptions/bench/resourceGroups/bench/providers"
LIMITS = {"apply_s": 10, "list_s": 1, "route_s": 1}  # what the project has promised
LISTS = {"plans": "/subscriptions/bench/providers/Microsoft.Web/serverfarms",
         "apps": "/subscriptions/bench/providers/Microsoft.Web/sites",
         "networks": "/subscriptions/bench/providers/Microsoft.Network/virtualNetworks",
         "the whole site": "/v1/site"}


def timed(api, method, path, body=None):
    """(seconds until the whole answer was there, the answer)"""
    begin = time.monotonic()
    try:
        answer = api.call(method, path, body)
    except Refused as e:
        raise BenchError(str(e)) from e
    return time.monotonic() - begin, answer


class Onlooker(threading.Thread):
    """Asks something small again and again; slowest_s: of the answers until it is stopped"""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api = api
        self.slowest_s = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(PAUSE_S):
            self.slowest_s = max(self.slowest_s, timed(self.api, "GET", "/v1/operations")[0])

    def stop(self):
        self.is_over.set()
        self.join()
        return self.slowest_s


def applied_s(lab, site):
    """(seconds that it took, of the slowest answer that somebody else got meanwhile)"""
    onlooker = Onlooker(Api(lab.path("site.sock"), API_LIMIT_S))
    onlooker.start()
    took = timed(Api(lab.path("site.sock"), API_LIMIT_S), "POST", "/v1/apply", site)[0]
    return took, onlooker.stop()


# ---- what is declared

def vnet_of(plan, n_vnets):
    return f"vnet{plan % n_vnets}"


def plan(number, n_vnets):
    vnet = vnet_of(number, n_vnets)
    return {"name": f"plan{number}", "tier": "Standard",
            "apps": [{"name": f"app{number}-{n}", "vnet": vnet} for n in range(APPS_OF_PLAN)],
            "routes": [{"vnet": vnet, "name": f"route{n}", "startAddress": f"198.{18 + n % 2}.{number % 256}.{4 * n}/30"}
                       for n in range(ROUTES_OF_PLAN)]}


def vnet(number):
    return {"name": f"vnet{number}", "addressSpaces": [f"10.{100 + number}.0.0/16"],
            "gateways": [{"name": "gw", "pools": [f"172.20.{number}.0/24"]}]}


def declared(n_plans):
    n_vnets = min(VNETS_MAX, n_plans)
    group = {"name": "bench", "plans": [plan(n, n_vnets) for n in range(n_plans)],
             "vnets": [vnet(n) for n in range(n_vnets)]}
    return {"subscriptions": [{"name": "bench", "resourceGroups": [group]}]}


# ---- what is measured

def gateway_yaml(lab):
    return f"""listen: ["{OUTER}:{PORT}"]
names: ["{OUTER}"]
state: {lab.path("site-state")}
control_socket: {lab.path("site.sock")}
log: {{level: info, target: stderr}}
vnets:
  - {{name: own, address_spaces: [10.99.0.0/16], pools: [172.16.99.0/24], tun: own0}}
"""


def start_gateway(lab, binary):
    config = lab.write("site.yaml", gateway_yaml(lab))
    gateway = lab.start("gateway-site", lab.gw, [binary, "--config", config])
    lab.wait_listening(gateway, PORT)
    wait_until(10, "the operator's socket", lambda: os.path.exists(lab.path("site.sock")))
    return gateway


def start_worker(lab, api, binary):
    """The first app of the first plan, in a namespace of its own: (the worker, its namespace)"""
    _, token = timed(api, "POST", "/v1/tokens", {"app": "app0-0", "vnet": vnet_of(0, VNETS_MAX),
                                                 "gateway": f"{OUTER}:{PORT}"})
    profile = lab.path("site-profile.yaml")
    lab.exec(lab.host, [binary, "enrol", token["token"], "--profile", profile, "--force"])
    ns = lab.add_namespace("site")
    worker = lab.start("worker-site", lab.host, [binary, "--profile", profile, "--netns", ns])
    lab.wait_log(worker, "connected: WEBSITE_PRIVATE_IP=", 30)
    return worker, ns


def has_route(lab, ns, prefix):
    shown = lab.call(["ip", "-n", ns, "-4", "route", "show", "table", "all", prefix])
    return re.search(rf"^{re.escape(prefix)} dev ", shown, re.MULTILINE) is not None


def route_s(lab, api, ns, number):
    """From the answer to a changed route of the plan to the route in the worker's namespace."""
    prefix = f"203.0.{113 + number // 64}.{number % 64 * 4}/30"
    path = f"{PROVIDERS}/Microsoft.Web/serverfarms/plan0/virtualNetworkConnections/{vnet_of(0, VNETS_MAX)}/routes/route0"
    timed(api, "PUT", path, {"properties": {"startAddress": prefix}})
    begin = time.monotonic()
    while not has_route(lab, ns, prefix):
        if time.monotonic() - begin > 20:
            raise BenchError(f"the route to {prefix} does not reach the worker within 20 s")
    return time.monotonic() - begin


def lists_s(api):
    """The slowest list, and each of them."""
    each = {name: timed(api, "GET", path)[0] for name, path in LISTS.items()}
    return max(each.values()), each


class Figures:
    def __init__(self):
        self.apply = Figure("site applied, empty before", "s", lower=True)
        self.meanwhile = Figure("slowest answer meanwhile", "s", 3, lower=True)
        self.again = Figure("the same once more", "s", lower=True)
        self.list = Figure("slowest list", "s", 3, lower=True)
        self.route = Figure("changed route in a worker's kernel", "s", 3, lower=True)

    def rows(self):
        return [self.apply, self.meanwhile, self.again, self.list, self.route]


def measure_round(run, number, figures, binaries):
    """A gateway without a past each time."""
    lab = run.lab
    gateway = start_gateway(lab, binaries["gateway"])
    worker = ns = None
    try:
        api = Api(lab.path("site.sock"), API_LIMIT_S)
        site = {"site": declared(run.plans)}
        took, meanwhile = applied_s(lab, site)
        figures.apply.add("product", took)
        figures.meanwhile.add("product", meanwhile)
        figures.again.add("product", timed(api, "POST", "/v1/apply", site)[0])
        slowest, each = lists_s(api)
        figures.list.add("product", slowest)
        worker, ns = start_worker(lab, api, binaries["worker"])
        times = [route_s(lab, api, ns, n) for n in range(CHANGES_OF_ROUND)]
        figures.route.add("product", max(times))
        run.tell(number, run.product, "site", f"applied in {figures.apply.rounds['product'][-1]:.2f} s, lists "
                 + ", ".join(f"{name} {s:.3f} s" for name, s in each.items()) + f", route {max(times):.3f} s")
        lab.check_alive(gateway)
    finally:
        for child in filter(None, (worker, gateway)):
            lab.stop(child)
        if ns:
            lab.remove_namespace(ns)
        lab.call(["rm", "-rf", lab.path("site-state")])


def site(run):
    binaries = {name: run.product.binary(f"sstp/{name}/sstp-{name}") for name in ("gateway", "worker")}
    figures = Figures()
    for number in range(run.rounds):
        measure_round(run, number, figures, binaries)
    result = {"plans": run.plans, "connections": run.plans * APPS_OF_PLAN, "routes": run.plans * ROUTES_OF_PLAN,
              "limits": LIMITS}
    for key, figure in (("apply_s", figures.apply), ("meanwhile_s", figures.meanwhile), ("apply_again_s", figures.again),
                        ("list_s", figures.list), ("route_s", figures.route)):
        result[key] = rounded(figure.median("product"))
        result["rounds_" + key] = [rounded(v) for v in figure.rounds["product"]]
    return result, figures.rows()
