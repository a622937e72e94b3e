# SPDX-License-Identifier: Apache-2.0
"""What is measured: the product, the ceiling, and peers where they are installed. Each one is a tunnel from namespace
app to an address of its own in vnet, all with the same outer path and the same MTU inside."""
import os
import re
import shutil
import subprocess

from lab import OUTER, BenchError

MTU = "1400"
SLEEP = "exec sleep 86400"


class System:
    """name: as in the figures. target: the address behind the tunnel. pid: the server's process."""
    name = ""
    net = ""
    is_peer = False

    def __init__(self, lab):
        self.lab = lab
        self.ns = lab.app
        self.target = self.net + ".2"
        self.server = None
        self.client = None

    @property
    def pid(self):
        return self.server.pid

    def up(self):
        self.connect()
        self.lab.wait_reachable(self.ns, self.target)

    def again(self):
        """A new connection, which knows nothing of the path."""
        self.lab.stop(self.client)
        self.lab.stop(self.server)
        self.up()

    def connect(self):
        raise NotImplementedError

    def check_alive(self):
        self.lab.check_alive(self.server)
        self.lab.check_alive(self.client)

    def path(self, name):
        return self.lab.path(name)

    def adopt(self, device, address):
        """The client's device goes to namespace app, as the product's does, and carries the route to the target."""
        app = ["ip", "-n", self.lab.app]
        self.lab.call(["ip", "-n", self.lab.host, "link", "set", device, "netns", self.lab.app])
        self.lab.call([*app, "addr", "add", f"{address}/32", "dev", device])
        self.lab.call([*app, "link", "set", device, "up", "mtu", MTU])
        self.lab.call([*app, "route", "add", f"{self.net}.0/24", "dev", device])


def gateway_yaml(folder, port, tun, pool):
    return f"""listen: ["{OUTER}:{port}"]
certificate: {folder}/server.pem
key: {folder}/server.key
log: {{level: info, target: stderr}}
limits: {{half_open_per_address: 0, accept_rate_per_address: 0}}
vnets:
  - name: vnet1
    address_spaces: [10.20.0.0/24]
    pools: [{pool}]
    tun: {tun}
    mtu: {MTU}
users:
  - {{name: alice, password: wonderland, vnet: vnet1}}
"""


class Product(System):
    name = "product"
    net = "10.20.0"  # world.sh has made it

    def connect(self):
        self.server = self.start_gateway("gateway", 443, "sstp0", "172.16.64.0/24")
        self.client, _ = self.start_worker("worker", self.ns)

    def binary(self, path):
        return os.path.join(self.lab.build_dir, path)

    def start_gateway(self, name, port, tun, pool):
        config = self.lab.write(name + ".yaml", gateway_yaml(self.lab.folder, port, tun, pool))
        gateway = self.lab.start(name, self.lab.gw, [self.binary("sstp/gateway/sstp-gateway"), "--config", config])
        self.lab.wait_listening(gateway, port)
        return gateway

    def start_worker(self, name, ns):
        """Returns the worker and the address that its application got."""
        password = self.lab.write("alice.password", "wonderland\n")
        worker = self.lab.start(name, self.lab.host, [
            self.binary("sstp/worker/sstp-worker"), "--gateway", OUTER, "--user", "alice", "--password-file", password,
            "--ca", self.path("ca.pem"), "--mtu", MTU, "--netns", ns, "--route", self.net + ".0/24",
            "--", "sh", "-c", f'echo "address=$WEBSITE_PRIVATE_IP."; {SLEEP}'])
        self.lab.wait_log(worker, "address=")
        return worker, re.search(r"address=([\d.]+)\.", self.lab.log(name)).group(1)


class Ceiling(System):
    name = "ceiling"
    net = "10.21.0"

    def connect(self):
        self.lab.add_target(self.net)
        binary = os.path.join(self.lab.build_dir, "test/bench/ceiling")
        rest = [OUTER, "4433", self.path("server.pem"), self.path("server.key")]
        self.server = self.lab.start("ceiling-listen", self.lab.gw, [binary, "listen", "ceiling1", *rest])
        self.lab.wait_listening(self.server, 4433)
        self.client = self.lab.start("ceiling-dial", self.lab.host, [binary, "dial", "ceiling0", *rest])
        self.lab.wait_device(self.lab.host, "ceiling0", self.client)
        self.adopt("ceiling0", "10.35.0.2")
        self.lab.call(["ip", "-n", self.lab.gw, "addr", "add", "10.35.0.1", "peer", "10.35.0.2", "dev", "ceiling1"])
        self.lab.call(["ip", "-n", self.lab.gw, "link", "set", "ceiling1", "up", "mtu", MTU])


# ---- peers

class Ocserv(System):
    name = "ocserv"
    net = "10.22.0"
    is_peer = True
    needs = {"ocserv": "ocserv", "openconnect": "openconnect"}

    def connect(self):
        self.lab.add_target(self.net)
        self.write_config()
        self.server = self.lab.start("ocserv", self.lab.gw, ["ocserv", "-f", "-d", "1", "-c", self.path("ocserv.conf")])
        self.lab.wait_listening(self.server, 4443)
        self.client = self.lab.start("openconnect", self.lab.host, [
            "openconnect", "--no-dtls", "--non-inter", "--user=alice", "--passwd-on-stdin", "--interface=oc0",
            "--cafile=" + self.path("ca.pem"), "--script=/bin/true", f"https://{OUTER}:4443"], stdin=subprocess.PIPE)
        self.client.stdin.write(b"wonderland\n")
        self.client.stdin.close()
        self.lab.wait_log(self.client, "Configured as")
        address = re.search(r"Configured as ([\d.]+)", self.lab.log("openconnect")).group(1)
        self.adopt("oc0", address)

    def write_config(self):
        hashed = self.lab.call(["openssl", "passwd", "-5", "wonderland"]).strip()
        lines = [
            f'auth = "plain[passwd={self.path("ocserv.passwd")}]"', "tcp-port = 4443", "listen-host = " + OUTER,
            "run-as-user = root", "run-as-group = root", "isolate-workers = false", "device = ocs",
            f'socket-file = {self.path("ocserv.sock")}', f'pid-file = {self.path("ocserv.pid")}',
            f'server-cert = {self.path("server.pem")}', f'server-key = {self.path("server.key")}',
            "ipv4-network = 10.32.0.0", "ipv4-netmask = 255.255.255.0", f"route = {self.net}.0/255.255.255.0",
            "mtu = 1428", "try-mtu-discovery = false", "max-clients = 8",  # less its own 28 bytes: MTU inside
            'tls-priorities = "NORMAL:%SERVER_PRECEDENCE:-AES-256-GCM:-CHACHA20-POLY1305"']
        self.lab.write("ocserv.passwd", f"alice:*:{hashed}\n")
        self.lab.write("ocserv.conf", "\n".join(lines) + "\n")


class Openvpn(System):
    name = "openvpn"
    net = "10.23.0"
    is_peer = True
    needs = {"openvpn": "openvpn"}

    def connect(self):
        self.lab.add_target(self.net)
        self.lab.write("openvpn.user", "alice\nwonderland\n")
        common = ["openvpn", "--dev-type", "tun", "--data-ciphers", "AES-128-GCM", "--disable-dco", "--tun-mtu", MTU,
                  "--ca", self.path("ca.pem"), "--script-security", "3", "--port", "1194"]
        self.server = self.lab.start("openvpn", self.lab.gw, [
            *common, "--dev", "ovpn1", "--mode", "server", "--tls-server", "--proto", "tcp-server", "--dh", "none",
            "--cert", self.path("server.pem"), "--key", self.path("server.key"), "--topology", "subnet",
            "--verify-client-cert", "none", "--auth-user-pass-verify", "/bin/true", "via-env",
            "--server", "10.31.0.0", "255.255.255.0"])
        self.lab.wait_listening(self.server, 1194)
        self.client = self.lab.start("openvpn-client", self.lab.host, [
            *common, "--client", "--dev", "ovpn0", "--proto", "tcp-client", "--remote", OUTER, "--nobind",
            "--auth-user-pass", self.path("openvpn.user"), "--ifconfig-noexec", "--route-noexec"])
        self.lab.wait_log(self.client, "Initialization Sequence Completed")
        self.adopt("ovpn0", "10.31.0.2")


class WireguardGo(System):
    name = "wireguard-go"
    net = "10.24.0"
    is_peer = True
    needs = {"wireguard-go": "wireguard-go", "wg": "wireguard-tools"}

    def connect(self):
        self.lab.add_target(self.net)
        public = {side: self.make_key(side) for side in ("server", "client")}
        self.server = self.start_side("wireguard-go", self.lab.gw, "wg1")
        self.client = self.start_side("wireguard-go-client", self.lab.host, "wg0")
        self.lab.exec(self.lab.gw, ["wg", "set", "wg1", "listen-port", "51820", "private-key", self.path("wg-server"),
                                    "peer", public["client"], "allowed-ips", "10.30.0.2/32"])
        self.lab.exec(self.lab.host, ["wg", "set", "wg0", "private-key", self.path("wg-client"), "peer",
                                      public["server"], "endpoint", OUTER + ":51820", "allowed-ips", "0.0.0.0/0"])
        self.lab.call(["ip", "-n", self.lab.gw, "addr", "add", "10.30.0.1", "peer", "10.30.0.2", "dev", "wg1"])
        self.lab.call(["ip", "-n", self.lab.gw, "link", "set", "wg1", "up", "mtu", MTU])
        self.adopt("wg0", "10.30.0.2")

    def start_side(self, name, ns, device):
        child = self.lab.start(name, ns, ["env", "LOG_LEVEL=error", "wireguard-go", "-f", device])
        self.lab.wait_device(ns, device, child)
        return child

    def make_key(self, side):
        key = self.lab.call(["wg", "genkey"])
        self.lab.write("wg-" + side, key)
        return subprocess.run(["wg", "pubkey"], input=key, capture_output=True, text=True, check=True).stdout.strip()


PEERS = (Ocserv, Openvpn, WireguardGo)


def bring_up(lab, with_peers, say):
    """The product, the ceiling, and those of the peers that are installed and come up, in this order."""
    systems = [Product(lab), Ceiling(lab)]
    for system in systems:
        system.up()
    for peer in PEERS if with_peers else ():
        missing = [package for program, package in peer.needs.items() if not shutil.which(program)]
        if missing:
            say(f"{peer.name} is left out: not installed (Debian: {' '.join(missing)})")
            continue
        try:
            system = peer(lab)
            system.up()
            systems.append(system)
        except BenchError as e:
            say(f"{peer.name} is left out: {e}")
    return systems
