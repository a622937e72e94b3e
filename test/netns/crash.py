#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the gateway's processes at random moments, under a script of changes and connects.

A supervisor starts the parent again within 100 ms, as systemd would; the parent does the same for control and the data
plane. Meanwhile an operator writes changes and notes which were acknowledged, and three workers keep their tunnels. The
service is back when an app that has just connected, by its certificate, has an answer from the VNet, and a change is
acknowledged again: both within 2 s of the last kill.

Run by crash.sh in its world; CRASH_KILLS, CRASH_SEED. Prints TAP.
"""
import http.client
import os
import random
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from operator_api import Api, Refused  # noqa: E402

BACK_S = 2.0  # what the project has promised
BACKOFF_MAX_S = 60.0  # of a worker whose sessions are cut again and again, as here
RESTART_S = 0.1
GATEWAY = "192.0.2.1"
TARGET = "10.20.0.2"
VNET = "vnet1"
WORKERS = ("worker1", "worker2", "worker3")
PROVIDERS = "/subscriptions/default/resourceGroups/default/providers"
WEB = PROVIDERS + "/Microsoft.Web"
VNETS = PROVIDERS + "/Microsoft.Network/virtualNetworks"
ROUTES = f"{WEB}/serverfarms/base/virtualNetworkConnections/{VNET}/routes"
DOUBLE_KILLS = 0.2  # of all: the next one falls into the recovery
NO_ANSWER = (OSError, http.client.HTTPException)
DIR = os.environ.get("WORLD_DIR", "")
PREFIX = os.environ.get("WORLD_PREFIX", "")
BUILD = os.environ.get("BUILD", "")


def in_ns(name, *argv):
    return ["ip", "netns", "exec", f"{PREFIX}-{name}", *argv]


def wait_for(limit_s, is_true, pause_s=0.01):
    end = time.monotonic() + limit_s
    while not is_true():
        if time.monotonic() > end:
            return False
        time.sleep(pause_s)
    return True


def log_text(name):
    try:
        with open(f"{DIR}/{name}.log", encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


# ---- the processes

class Supervisor(threading.Thread):
    """systemd, as far as it matters here."""

    def __init__(self):
        super().__init__(daemon=True)
        self.parent = None
        self.is_ending = False
        self.starts = 0
        self.start()

    def run(self):
        argv = in_ns("gw", BUILD + "/sstp/gateway/sstp-gateway", "--config", DIR + "/gateway.yaml")
        with open(DIR + "/gateway.log", "ab") as log:
            while not self.is_ending:
                self.starts += 1
                self.parent = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                self.parent.wait()
                time.sleep(RESTART_S)

    def end(self):
        """In order; the exit status."""
        self.is_ending = True
        self.parent.terminate()
        self.join(20)
        return self.parent.returncode

    def processes(self):
        """{kind: pid} of those that live: the parent, and its children by what they are called."""
        found = {"parent": self.parent.pid} if self.parent and self.parent.poll() is None else {}
        for pid in children_of(found.get("parent", 0)):
            for kind in ("control", "data"):
                if kind in command_of(pid):
                    found[kind] = pid
        return found


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def command_of(pid):
    """The words that tell a child's kind: its first argument."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read().split(b"\0")
    except OSError:
        return ""
    return words[1].decode() if len(words) > 1 else ""


# ---- changes

class Operator(threading.Thread):
    """Writes changes all the time. `known` is what was acknowledged; where no answer came, `doubt` has what else it may
    be."""

    def __init__(self, dice):
        super().__init__(daemon=True)
        self.dice = dice
        self.api = Api(DIR + "/control.sock", 5)
        self.known, self.doubt = {}, {}
        self.lock = threading.Lock()  # held through a change: none is under way for who has it
        self.is_ending = False
        self.acknowledged = self.unanswered = 0
        self.problems = []

    def run(self):
        while not self.is_ending:
            with self.lock:
                self.change()
            time.sleep(self.dice.random() * 0.01)

    def change(self):
        path, value = self.dice.choice((self.some_plan, self.some_route, self.some_app, self.some_vnet))()
        if value is None and self.known.get(path) is None and path not in self.doubt:
            return
        try:
            self.write(path, value)
            self.known[path] = value
            self.doubt.pop(path, None)
            self.acknowledged += 1
        except Refused as e:
            if e.status != 404 or path not in self.doubt:  # it was removed without an answer
                self.problems.append(str(e))
        except NO_ANSWER:
            self.doubt.setdefault(path, []).append(value)
            self.unanswered += 1

    def write(self, path, value):
        if value is None:
            self.api.call("DELETE", path)
        else:
            self.api.call("PUT", path, BODIES[kind_of(path)](value))

    def some_plan(self):
        return f"{WEB}/serverfarms/p{self.dice.randrange(6)}", self.some_text()

    def some_route(self):
        n = self.dice.randrange(8)
        return f"{ROUTES}/r{n}", self.dice.choice((None, f"198.18.{n}.{self.dice.randrange(64) * 4}/30"))

    def some_app(self):
        return f"{WEB}/sites/a{self.dice.randrange(6)}", self.some_text()

    def some_vnet(self):
        return f"{VNETS}/n{self.dice.randrange(3)}", self.dice.choice((None, f"10.3.0.{self.dice.randrange(1, 250)}"))

    def some_text(self):
        return self.dice.choice((None, f"place{self.dice.randrange(10**6)}"))

    def check(self):
        """Reads everything back, in between two changes; what is in doubt is known afterwards."""
        with self.lock:
            self.api.close()  # it may be one to a process that is dead, of which nobody has asked anything since
            for path in sorted(set(self.known) | set(self.doubt)):
                allowed = [self.known.get(path), *self.doubt.pop(path, [])]
                now = self.read(path)
                if now not in allowed:
                    self.problems.append(f"{path} is {now}, acknowledged was {allowed[0]}")
                self.known[path] = now

    def read(self, path):
        try:
            answer = self.api.call("GET", path)
        except Refused as e:
            return None if e.status == 404 else f"refused: {e}"
        return VALUES[kind_of(path)](answer)


def kind_of(path):
    return path.rsplit("/", 2)[1]


BODIES = {
    "serverfarms": lambda text: {"location": text, "sku": {"tier": "Basic"}},
    "sites": lambda text: {"location": text, "properties": {"serverFarmId": "base"}},
    "routes": lambda prefix: {"properties": {"startAddress": prefix}},
    "virtualNetworks": lambda dns: {"properties": {"addressSpace": {"addressPrefixes": ["10.3.0.0/24"]},
                                                   "dhcpOptions": {"dnsServers": [dns]}}},
}
VALUES = {
    "serverfarms": lambda answer: answer["location"],
    "sites": lambda answer: answer["location"],
    "routes": lambda answer: answer[0]["properties"]["startAddress"],
    "virtualNetworks": lambda answer: answer["properties"]["dhcpOptions"]["dnsServers"][0],
}


# ---- connects

def enrol(api, app):
    token = api.call("POST", "/v1/tokens", {"app": app, "vnet": VNET, "gateway": GATEWAY})["token"]
    subprocess.run(in_ns("host", BUILD + "/sstp/worker/sstp-worker", "enrol", token, "--profile", f"{DIR}/{app}.yaml"),
                   check=True, capture_output=True)


def block_of(app, key):
    """What its profile holds in PEM."""
    with open(f"{DIR}/{app}.yaml", encoding="ascii") as f:
        text = re.search(rf"^{key}: \|\n((?:  .*\n)+)", f.read(), re.MULTILINE).group(1)
    return text.replace("  ", "", 1).replace("\n  ", "\n")


def write(name, text):
    with open(os.open(f"{DIR}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
        f.write(text)


class Worker:
    def __init__(self, app):
        self.app = app
        with open(f"{DIR}/{app}.log", "ab") as log:
            self.process = subprocess.Popen(
                in_ns("host", BUILD + "/sstp/worker/sstp-worker", "--profile", f"{DIR}/{app}.yaml", "--netns",
                      f"{PREFIX}-app-{app}", "--", "sh", "-c", "echo app $$; exec sleep 3600"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_for(15, lambda: "\napp " in "\n" + log_text(app)):
            raise RuntimeError(f"no tunnel for {app}:\n{log_text(app)[-800:]}")
        self.first_address = self.address()

    def address(self):
        """On its device; None when there is none."""
        shown = subprocess.run(["ip", "-n", f"{PREFIX}-app-{self.app}", "-4", "-o", "addr", "show", "scope", "global"],
                               capture_output=True, text=True, check=False).stdout
        found = re.search(r"inet ([\d.]+)", shown)
        return found and found.group(1)

    def has_page(self):
        return subprocess.run(in_ns("app-" + self.app, "curl", "-s", "--max-time", "1", "-o", "/dev/null",
                                    f"http://{TARGET}/"), check=False).returncode == 0

    def starts(self):
        return len(re.findall(r"^app \d+$", log_text(self.app), re.MULTILINE))

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def new_session_has_an_answer(end):
    """Dials by certificate until one session has pinged through; False when the time is over."""
    argv = in_ns("host", BUILD + "/test/netns/many", GATEWAY + ":443", "probe", DIR + "/probe.pair", DIR + "/probe.roots",
                 GATEWAY, "1", TARGET)
    while time.monotonic() < end:
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=BACK_S, check=False)
        except subprocess.TimeoutExpired:
            continue
        if done.returncode == 0:
            return True
        time.sleep(0.01)
    return False


def change_is_acknowledged(api, end, number):
    while time.monotonic() < end:
        try:
            api.call("PUT", WEB + "/serverfarms/base", {"location": f"after{number}", "sku": {"tier": "Basic"}})
            return True
        except NO_ANSWER:
            time.sleep(0.01)
    return False


# ---- the run

class Run:
    def __init__(self, kills, seed):
        self.kills = kills
        self.dice = random.Random(seed)
        self.supervisor = Supervisor()
        self.api = Api(DIR + "/control.sock", 5)
        self.back = {"parent": [], "control": [], "data": []}
        self.twice = []  # addresses that two have at a time
        self.killed = 0

    def set_up(self):
        if not wait_for(15, self.api_answers):
            raise RuntimeError("the gateway does not start:\n" + log_text("gateway")[-1500:])
        self.api.call("PUT", WEB + "/serverfarms/base", {"sku": {"tier": "Basic"}})
        for app in (*WORKERS, "probe"):
            self.api.call("PUT", f"{WEB}/sites/{app}", {"properties": {"serverFarmId": "base"}})
            enrol(self.api, app)
        write("probe.pair", block_of("probe", "certificate") + block_of("probe", "key"))
        write("probe.roots", block_of("probe", "roots"))
        self.workers = [Worker(app) for app in WORKERS]
        if not new_session_has_an_answer(time.monotonic() + 10):
            raise RuntimeError("no session:\n" + log_text("gateway")[-1500:])
        self.operator = Operator(random.Random(self.dice.random()))
        self.operator.start()

    def api_answers(self):
        try:
            self.api.call("GET", "/v1/roots")
            return True
        except NO_ANSWER:
            return False

    def kill_one(self):
        """Of those that live; the kind. Whoever dies with it is gone as well: he must not be taken for the next one."""
        kinds = self.supervisor.processes()
        kind = self.dice.choice(sorted(kinds)) if kinds else None
        if kind:
            os.kill(kinds[kind], signal.SIGKILL)
            self.killed += 1
            for pid in kinds.values() if kind == "parent" else [kinds[kind]]:
                if not wait_for(BACK_S, lambda pid=pid: not is_alive(pid), 0.001):
                    raise RuntimeError(f"process {pid} outlives the {kind}")
        return kind

    def step(self, number):
        time.sleep(self.dice.random() * 0.7)
        begin = time.monotonic()
        kind = self.kill_one()
        if self.dice.random() < DOUBLE_KILLS:
            time.sleep(self.dice.random() * 0.3)
            begin = time.monotonic()
            kind = self.kill_one() or kind
        if not kind:
            return
        is_back = new_session_has_an_answer(begin + 15) and change_is_acknowledged(self.api, begin + 15, number)
        self.back[kind].append(time.monotonic() - begin if is_back else 15.0)
        self.operator.check()
        self.check_views()
        self.check_addresses()

    def check_views(self):
        for path in (f"{WEB}/serverfarms", f"{WEB}/sites", VNETS, ROUTES, "/v1/certificates", "/v1/sessions"):
            self.api.call("GET", path)

    def check_addresses(self):
        """What is on devices, and what the gateway says of its sessions."""
        on_devices = [a for a in (worker.address() for worker in self.workers) if a]
        sessions = [s["privateIpAddress"] for s in self.api.call("GET", "/v1/sessions")["value"]]
        for held in (on_devices, sessions):
            self.twice += sorted({a for a in held if held.count(a) > 1})

    def run(self):
        number = 0
        while self.killed < self.kills:
            number += 1
            self.step(number)
            if number % 10 == 0:
                print(f"# {self.killed} kills", flush=True)
        self.operator.is_ending = True
        self.operator.join(10)
        self.workers_are_back = wait_for(BACKOFF_MAX_S + 15, lambda: all(w.has_page() for w in self.workers), 0.1)
        self.operator.check()
        self.api.close()  # a connection on which nothing is asked for 30 s is cut
        self.check_addresses()

    # ---- the cases; each returns what is wrong, or nothing

    def service_is_back_within_2_s_of_each_kill(self):
        for kind, times in self.back.items():
            if times:
                print(f"# {kind:<8} {len(times):>3} times, back after {statistics.median(times):.2f} s in the median, "
                      f"{max(times):.2f} s at most")
        late = [f"{kind}: {t:.2f} s" for kind, times in self.back.items() for t in times if t > BACK_S]
        return ", ".join(late)

    def no_acknowledged_change_is_lost(self):
        o = self.operator
        print(f"# {o.acknowledged} changes acknowledged, {o.unanswered} without an answer")
        return "\n".join(o.problems) or ("" if o.acknowledged > 10 * self.killed else "hardly any change came through")

    def no_address_is_leased_twice(self):
        return " ".join(self.twice)

    def dead_processes_cost_the_apps_a_reconnect_and_nothing_else(self):
        wrong = [] if self.workers_are_back else ["not all workers are back after their longest wait"]
        for w in self.workers:
            if w.starts() != 1:
                wrong.append(f"{w.app} was started {w.starts()} times")
            if w.address() != w.first_address:
                wrong.append(f"{w.app} had {w.first_address}, has {w.address()}")
        return "\n".join(wrong)

    def gateway_ends_in_order(self):
        for w in self.workers:
            w.end()
        status = self.supervisor.end()
        return "" if status == 0 else f"exit status {status}"

    def store_is_consistent(self):
        wrong = []
        with sqlite3.connect(f"{DIR}/state/model.sqlite") as store:
            for pragma in ("integrity_check", "foreign_key_check"):
                rows = store.execute(f"PRAGMA {pragma}").fetchall()
                if rows not in ([], [("ok",)]):
                    wrong.append(f"{pragma}: {rows[:5]}")
        return "\n".join(wrong)


CASES = ("service_is_back_within_2_s_of_each_kill", "no_acknowledged_change_is_lost", "no_address_is_leased_twice",
         "dead_processes_cost_the_apps_a_reconnect_and_nothing_else", "gateway_ends_in_order", "store_is_consistent")


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
        return 0
    seed = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
    kills = int(os.environ.get("CRASH_KILLS", "12"))
    print(f"1..{len(CASES)}\n# CRASH_SEED={seed} CRASH_KILLS={kills}", flush=True)
    run = Run(kills, seed)
    try:
        run.set_up()
        run.run()
    except (RuntimeError, Refused, *NO_ANSWER, subprocess.SubprocessError) as e:
        print(f"Bail out! {type(e).__name__}: {e}".replace("\n", "\n# "))
        return 1
    failed = False
    for number, name in enumerate(CASES, 1):
        wrong = getattr(run, name)()
        failed = failed or bool(wrong)
        for line in wrong.splitlines()[:20]:
            print("#", line)
        print(f"{'not ' if wrong else ''}ok {number} - {name}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
