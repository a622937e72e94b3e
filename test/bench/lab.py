# SPDX-License-Identifier: Apache-2.0
"""The world that is measured in: namespaces of test/support/world.sh, CUBIC everywhere, and the processes in them.

    app   holds the inner end of every tunnel        host  the client's outer socket
    gw    the server of every tunnel                 vnet  a host behind it, an address for each tunnel

All tunnels are up at the same time and told apart by the address in vnet, so that rounds can alternate between them
without anything being torn down. Whatever is started here is stopped here, by process id or by namespace.
"""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALLOWED_CC = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
OUTER = "192.0.2.1"  # the gateway's address in world.sh
CALL_LIMIT_S = 60


class BenchError(Exception):
    """What went wrong, in words for whoever started the benchmark."""


def wait_until(limit_s, what, is_true):
    end = time.monotonic() + limit_s
    while not is_true():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {limit_s} s")
        time.sleep(0.03)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


class Lab:
    def __init__(self, build_dir):
        self.build_dir = build_dir
        self.folder = tempfile.mkdtemp(prefix="sstp-bench.")
        self.word = f"{os.environ.get('WORLD_RUN', 'bench')}-{os.getpid()}"
        self.app, self.host, self.gw, self.vnet = (f"sstp-{self.word}-{n}" for n in ("app", "host", "gw", "vnet"))
        self.more_namespaces = []
        self.children = []
        self.allowed_before = None

    # ---- namespaces

    def up(self):
        self.allow_cubic()
        self.world("world_build", "make_ca ca", "make_certificate server ca")
        for ns in (self.app, self.host, self.gw, self.vnet):
            self.check_cubic(ns)

    def world(self, *calls):
        """Runs functions of world.sh, with the names of this world set."""
        head = '. "$1/test/support/world.sh" && world_names "$2" "$3" && '
        env = dict(os.environ, SSTP_BUILD=self.build_dir)
        self.call(["bash", "-c", head + " && ".join(calls), "bash", ROOT, self.word, self.folder], env=env)

    def add_namespace(self, word):
        ns = f"sstp-{self.word}-{word}"
        self.more_namespaces.append(ns)
        self.call(["ip", "netns", "add", ns])
        self.call(["ip", "-n", ns, "link", "set", "lo", "up"])
        self.exec(ns, ["sh", "-c", "echo cubic >/proc/sys/net/ipv4/tcp_congestion_control"])
        return ns

    def remove_namespace(self, ns):
        self.world(f"end_processes_in {ns}; ip netns del {ns}")
        self.more_namespaces.remove(ns)

    def allow_cubic(self):
        """A new namespace may only choose what the machine allows; put back at the end."""
        allowed = read(ALLOWED_CC)
        if "cubic" not in allowed.split():
            self.allowed_before = allowed
            self.write_allowed(f"{allowed.strip()} cubic")

    @staticmethod
    def write_allowed(text):
        try:
            with open(ALLOWED_CC, "w", encoding="ascii") as f:
                f.write(text)
        except OSError as e:
            raise BenchError(f"this kernel has no CUBIC, or does not let namespaces have it: {e}") from e

    def check_cubic(self, ns):
        now = self.exec(ns, ["cat", "/proc/sys/net/ipv4/tcp_congestion_control"]).strip()
        if now != "cubic":
            raise BenchError(f"namespace {ns} would measure {now}, not CUBIC")

    def add_target(self, net):
        """Address NET.2 in vnet, for one tunnel alone."""
        self.call(["ip", "-n", self.gw, "addr", "replace", f"{net}.1/24", "dev", "v0"])
        self.call(["ip", "-n", self.vnet, "addr", "replace", f"{net}.2/24", "dev", "v1"])

    def down(self):
        """Undoes all of it, in reverse; a step that fails does not keep the others from being done."""
        with contextlib.ExitStack() as steps:
            steps.callback(shutil.rmtree, self.folder, ignore_errors=True)
            if self.allowed_before is not None:
                steps.callback(self.write_allowed, self.allowed_before)
            steps.callback(self.world, "world_down")
            for ns in list(self.more_namespaces):
                steps.callback(self.remove_namespace, ns)
            for child in list(self.children):
                steps.callback(self.stop, child)
            for child in self.children:
                self.resume(child)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """A file for root alone, as what holds passwords and keys should be; returns its path."""
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write(text)
        return self.path(name)

    # ---- processes

    def call(self, argv, limit_s=CALL_LIMIT_S, env=None, may_fail=False):
        """Runs a command to its end; returns what it printed."""
        try:
            run = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                 timeout=limit_s, env=env, check=False, start_new_session=True)
        except subprocess.TimeoutExpired as e:
            raise BenchError(f"{' '.join(argv)}: not done within {limit_s} s") from e
        if run.returncode and not may_fail:
            said = (run.stderr.strip() or run.stdout.strip())[-800:]
            raise BenchError(f"{' '.join(argv)}: exit status {run.returncode}\n{said}")
        return run.stdout

    def exec(self, ns, argv, **kwargs):
        return self.call(["ip", "netns", "exec", ns, *argv], **kwargs)

    def start(self, name, ns, argv, stdin=subprocess.DEVNULL):
        """In the background, output to NAME.log. `ip netns exec` becomes the program: the pid is the program's."""
        with open(self.path(name + ".log"), "wb") as log:
            child = subprocess.Popen(["ip", "netns", "exec", ns, *argv], stdin=stdin, stdout=log, stderr=log,
                                     cwd=self.folder, start_new_session=True)
        child.name = name
        self.children.append(child)
        return child

    @staticmethod
    def resume(child):
        if child.poll() is None:
            child.send_signal(signal.SIGCONT)

    def stop(self, child, how=signal.SIGTERM):
        if child.poll() is None:
            child.send_signal(how)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)
        if child in self.children:
            self.children.remove(child)

    def log(self, name):
        return read(self.path(name + ".log"))

    def check_alive(self, child):
        if child.poll() is not None:
            raise BenchError(f"{child.name} ended with status {child.returncode}; the end of its output:\n"
                             + self.log(child.name)[-1500:])

    def wait_log(self, child, text, limit_s=15):
        def is_there():
            self.check_alive(child)
            return text in self.log(child.name)
        try:
            wait_until(limit_s, f"{child.name}: '{text}' in its output", is_there)
        except BenchError as e:
            raise BenchError(f"{e}\n{self.log(child.name)[-1500:]}") from e

    def wait_listening(self, child, port, limit_s=10):
        def is_listening():
            self.check_alive(child)
            return listens(child.pid, port)
        wait_until(limit_s, f"{child.name} on port {port}", is_listening)

    def wait_device(self, ns, device, child, limit_s=15):
        def is_there():
            self.check_alive(child)
            return device in self.call(["ip", "-n", ns, "-o", "link"])
        wait_until(limit_s, f"device {device} of {child.name}", is_there)

    def wait_reachable(self, ns, address, limit_s=15):
        wait_until(limit_s, f"an answer from {address} through the tunnel",
                   lambda: " 1 received" in self.exec(ns, ["ping", "-c", "1", "-W", "1", address], may_fail=True))


@contextlib.contextmanager
def routed(lab):
    """A router between the tunnels' outer ends, which they reach by it alone: (its namespace, its links to host and
    gateway)."""
    router = lab.add_namespace("router")
    ends = ((lab.host, "192.0.2.2", OUTER), (lab.gw, OUTER, "192.0.2.2"))
    try:
        for number, (ns, own, peer) in enumerate(ends):
            inner, outer = f"s{number}", f"r{number}"
            lab.call(["ip", "link", "add", inner, "netns", ns, "type", "veth", "peer", "name", outer, "netns", router])
            lab.call(["ip", "-n", router, "addr", "add", f"198.51.100.{2 * number}/31", "dev", outer])
            lab.call(["ip", "-n", ns, "addr", "add", f"198.51.100.{2 * number + 1}/31", "dev", inner])
            for where, device in ((ns, inner), (router, outer)):
                lab.call(["ip", "-n", where, "link", "set", device, "up"])
            lab.call(["ip", "-n", router, "route", "add", own, "via", f"198.51.100.{2 * number + 1}"])
            lab.call(["ip", "-n", ns, "route", "add", peer, "via", f"198.51.100.{2 * number}", "src", own])
        lab.exec(router, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
        yield router, [f"r{number}" for number in range(len(ends))]
    finally:
        for number, (ns, _, _) in enumerate(ends):
            lab.call(["ip", "-n", ns, "link", "del", f"s{number}"], may_fail=True)
        lab.remove_namespace(router)


def sockets(pid, port, state):
    """How many TCP sockets with this local port are in the state, in the namespace of the process."""
    count = 0
    for line in (read(f"/proc/{pid}/net/tcp") + read(f"/proc/{pid}/net/tcp6")).splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == state:
            count += int(fields[1].rsplit(":", 1)[1], 16) == port
    return count


def listens(pid, port):
    return sockets(pid, port, "0A") > 0


def established(pid, port):
    return sockets(pid, port, "01")


def family_of(pid):
    """The process and its descendants, for a server that works in several."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        fields = read(path).rpartition(")")[2].split()
        if fields:
            children.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    family = [pid]
    for member in family:
        family.extend(children.get(member, []))
    return family


def cpu_seconds(pid):
    """User and system time of a process with its descendants. All threads: those that live, which are what
    /proc/PID/task lists, and those that have ended."""
    ticks = 0
    for member in family_of(pid):
        fields = read(f"/proc/{member}/stat").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    return sum(int(read(f"/proc/{p}/statm").split()[1]) for p in family_of(pid)) * os.sysconf("SC_PAGE_SIZE")
