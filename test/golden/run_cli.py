#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden sessions of the command line: run_cli.py [--update] [--only NAME] CLI_GATEWAY SSTPCTL.

cli/NAME.in holds what is typed, in a shell, each in a block that begins with "$ " and ends with an empty line;
cli/NAME.out is the same with what is printed behind it, and the exit code unless it is 0. A line "# tell TEXT" is
told to the control process (cli_gateway.c); other lines that begin with # are comments. Each file has a gateway
and a folder of its own; where the first line is "# api", that has an API over TCP too, at $API, a token for it in the
file token, and a client's certificate in client.pem and client.key. What differs from run to run has a word in its place: TIME, THUMBPRINT, ID.
--update writes the .out files as they come: read the diff before you believe it.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PATTERNS = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b[0-9A-F]{40}\b"), "THUMBPRINT"),
    (re.compile(r"\b[0-9A-F]{2}(:[0-9A-F]{2}){31}\b|\b[0-9a-f]{64}\b"), "FINGERPRINT"),
    (re.compile(r"\bsstp1[.-][A-Za-z0-9_.-]{60,}"), "TOKEN"),
)


CONFIG = """listen: ["127.0.0.1:443"]
names: [gw.test]
vnets: [{name: unused, address_spaces: [10.99.0.0/16], pools: [172.31.0.0/24]}]
"""
API = 'api: {listen: "127.0.0.1:%d", certificate: server.pem, key: server.key, client_ca: ca.pem, token_file: token}\n'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(folder):
    """An authority; below it a server for 127.0.0.1 and a client; a stranger beside it; a token."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "stranger"):
        openssl(folder, "req", "-x509", *key, "-days", "1", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.pem")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        openssl(folder, "req", "-x509", *key, "-days", "1", "-subj", f"/CN={name}", "-addext", extension, "-addext",
                "basicConstraints=CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out",
                f"{name}.pem")
    for name, text in (("token", "0123456789abcdef" * 4), ("wrong-token", "f" * 64)):
        put(os.path.join(folder, name), text + "\n")


def put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)


class Gateway:
    """A control process in a folder of its own, where commands run."""

    def __init__(self, program, sstpctl, has_api):
        self.folder = tempfile.mkdtemp(prefix="cli-")
        self.api = f"https://127.0.0.1:{free_port()}"
        config = os.path.join(self.folder, "gateway.yaml")
        if has_api:
            make_certificates(self.folder)
        put(config, CONFIG + (API % int(self.api.split(":")[2]) if has_api else ""))
        self.socket = os.path.join(self.folder, "control.sock")
        self.log = open(os.path.join(self.folder, "control.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([program, os.path.join(self.folder, "state"), self.socket, config], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        os.symlink(sstpctl, os.path.join(self.folder, "sstpctl"))
        self.environment = dict(os.environ, SSTPCTL_SOCKET=self.socket, EXAMPLES=os.path.join(ROOT, "tools/sstpctl"),
                                API=self.api, PATH=self.folder + ":" + os.environ["PATH"], LC_ALL="C")
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket) and time.monotonic() < deadline:
            time.sleep(0.01)

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ok\n":
            raise RuntimeError("cli_gateway: " + text)

    def run(self, command):
        run = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, check=False, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        code = f"=> {run.returncode}\n" if run.returncode else ""
        return self.plain(run.stdout) + code

    def plain(self, text):
        text = text.replace(self.socket, "SOCKET").replace(self.api, "API")
        for pattern, word in PATTERNS:
            text = pattern.sub(word, text)
        return text

    def end(self):
        """Returns what is wrong with its end, or ''."""
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        self.log.seek(0)
        said = self.log.read()
        self.log.close()
        shutil.rmtree(self.folder)
        return f"the control process ended with {code}:\n{said}" if code else ""


def transcript(gateway, text):
    """What is typed, with what is printed behind each."""
    for block in text.rstrip("\n").split("\n\n"):
        lines = block.split("\n")
        command = "\n".join(line for line in lines if not line.startswith("#"))
        for line in lines:
            if line.startswith("# tell "):
                gateway.tell(line[len("# tell "):])
        yield block + "\n"
        if command.startswith("$ "):
            yield gateway.run(command[2:] + "\n")
        yield "\n"


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return f.read()


def run_case(case, program, sstpctl):
    text = read(case + ".in")
    gateway = Gateway(program, sstpctl, text.startswith("# api\n"))
    try:
        got = "".join(transcript(gateway, text)).rstrip("\n") + "\n"
    finally:
        wrong = gateway.end()
    return got + wrong


def main():
    args = [a for a in sys.argv[1:] if a != "--update"]
    only = None
    if args[0] == "--only":
        only = args[1]
        args = args[2:]
    program, sstpctl = os.path.abspath(args[0]), os.path.abspath(args[1])
    cases = sorted(n[:-len(".in")] for n in os.listdir(HERE) if n.endswith(".in") and (not only or only in n))
    failed = False
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        got = run_case(case, program, sstpctl)
        if "--update" in sys.argv:
            with open(os.path.join(HERE, case + ".out"), "w", encoding="utf-8") as f:
                f.write(got)
        expected = read(case + ".out")
        if got != expected:
            failed = True
            print("# expected:\n# " + expected.replace("\n", "\n# "))
            print("# got:\n# " + got.replace("\n", "\n# "))
        print(f"{'ok' if got == expected else 'not ok'} {number} - {case}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
