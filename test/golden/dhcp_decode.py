#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scapy and tshark read in the gateway's answers to a DHCPINFORM is what went in: dhcp_decode.py DHCP_ANSWER.

The routes are random sets; the seed is printed, and TEST_SEED repeats one. Neither of the two joins a long option
(RFC 3396): that is done here, by the specification. Debian's python3, which has scapy.
"""
import ipaddress
import os
import random
import subprocess
import sys
import tempfile

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.utils import wrpcap

SERVERS = ["10.20.0.4", "10.20.0.5"]
DOMAINS = ["corp.example.com", "example.com", "lab"]
ROUTER = "172.16.77.1"
SETS = 20


def ask(program, routes, most=1400):
    out = subprocess.run([program, str(most), ",".join(SERVERS), ",".join(DOMAINS)] + routes,
                         capture_output=True, text=True, check=True).stdout
    return bytes.fromhex(out)


def random_routes(rng, count):
    routes = set()
    while len(routes) < count:
        length = rng.randrange(33)
        routes.add(str(ipaddress.ip_network((rng.getrandbits(32), length), strict=False)))
    return sorted(routes)


def decode_routes(value):
    """RFC 3442: each as PREFIX; the router must be ours."""
    routes = []
    while value:
        length, n = value[0], (value[0] + 7) // 8
        address = value[1:1 + n] + bytes(4 - n)
        routes.append(f"{ipaddress.ip_address(address)}/{length}")
        if str(ipaddress.ip_address(value[1 + n:5 + n])) != ROUTER:
            routes.append("by another router")
        value = value[5 + n:]
    return routes


def joined_options(packet):
    """RFC 3396: parts of the same code, one behind the other."""
    options, at, found = packet[28 + 240:], 0, {}
    while options[at] != 255:
        code, length = options[at], options[at + 1]
        found[code] = found.get(code, b"") + options[at + 2:at + 2 + length]
        at += 2 + length
    return found


def by_scapy(packet):
    """{name or code: value or values}."""
    options = IP(packet)[DHCP].options
    return {o[0]: o[1:] if len(o) > 2 else o[1] for o in options if isinstance(o, tuple)}


def scapy_routes(options):
    """Of scapy's own reading of 121, "10.0.0.0/8:172.16.77.1"; whatever name this version has for it."""
    value = next(v for k, v in options.items() if str(k).startswith("classless"))
    values = value if isinstance(value, (tuple, list)) else [value]
    return [v if isinstance(v, str) else v.decode() for v in values]


def by_tshark(packets):
    """The routes that it reads in option 121 of each, as it prints them."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answers.pcap")
        wrpcap(path, [IP(p) for p in packets])
        out = subprocess.run(["tshark", "-r", path, "-V", "-Y", "dhcp"], capture_output=True, text=True,
                             check=True).stdout
    answers = []
    code = None
    for line in out.splitlines():
        words = line.split()
        if line.startswith("Frame "):
            answers.append({"text": [], "routes": []})
        elif answers and words[:1] == ["Option:"]:
            code = words[1]
        if answers:
            answers[-1]["text"].append(line.strip())
            if code == "(121)" and f"-{ROUTER}" in line:
                route = line.strip().removesuffix(f"-{ROUTER}")
                answers[-1]["routes"].append("0.0.0.0/0" if route == "default" else route)
    return answers


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = False

    def same(self, what, wanted, found):
        self.n += 1
        ok = wanted == found
        self.failed |= not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}")
        if not ok:
            print(f"# wanted {wanted}\n# found  {found}")


def main():
    program = os.path.abspath(sys.argv[1])
    seed = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
    rng, tap = random.Random(seed), Tap()
    print(f"# seed: TEST_SEED={seed}")
    sets = [random_routes(rng, rng.randrange(1, 27)) for _ in range(SETS)]
    packets = [ask(program, routes) for routes in sets]
    options = [by_scapy(p) for p in packets]
    seen = by_tshark(packets)
    tap.same("scapy: servers, domain, mask, and no lease", (SERVERS, DOMAINS[0].encode(), "255.255.255.255", 5, False),
             (list(options[0]["name_server"]), options[0]["domain"], options[0]["subnet_mask"],
              options[0]["message-type"], "lease_time" in options[0]))
    tap.same("scapy: whose answer it is", ("0.0.0.0", "172.16.77.9", 0x01020304, 67, 68),
             (IP(packets[0])[BOOTP].yiaddr, IP(packets[0])[BOOTP].ciaddr, IP(packets[0])[BOOTP].xid,
              IP(packets[0])[UDP].sport, IP(packets[0])[UDP].dport))
    tap.same("scapy: routes", [sorted(f"{r}:{ROUTER}" for r in routes) for routes in sets],
             [sorted(scapy_routes(o)) for o in options])
    tap.same("tshark: the search list", [f"FQDN: {d}" for d in DOMAINS],
             [line for line in seen[0]["text"] if line.startswith("FQDN:")])
    tap.same("tshark: nothing that it stumbles over", [],
             [line for s in seen for line in s["text"] if "alformed" in line or "incorrect" in line])
    tap.same("tshark: routes", sets, [sorted(s["routes"]) for s in seen])
    whole = [joined_options(p) for p in packets]
    tap.same("both codes for routes say the same", [o[121] for o in whole], [o[249] for o in whole])
    many = random_routes(rng, 70)
    long = joined_options(ask(program, many))
    tap.same("an option that is split is whole again", (many, True), (sorted(decode_routes(long[121])), len(long[121]) > 255))
    none = joined_options(ask(program, many, 576))
    tap.same("routes that do not fit are not told by halves", (False, False, True), (121 in none, 249 in none, 6 in none))
    print(f"1..{tap.n}")
    return tap.failed


if __name__ == "__main__":
    sys.exit(main())
