#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden files of the configuration: run.py [--update] CONFIG_CHECK KIND.

KIND/NNN-name.yaml is loaded; NNN-name.out is what must be printed: what is in effect, or the error. What
is printed without an error must load again and print the same. So must the example that is shipped.
--update writes the .out files as they come: read the diff before you believe it.
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def arguments(kind, name):
    return ["gateway", name] if kind == "gateway" else ["worker", "--config", name, "--check"]


def load(program, kind, name, folder):
    """Returns exit code and output; paths in it are as short as the name."""
    run = subprocess.run([program] + arguments(kind, name), cwd=folder, check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    return run.returncode, run.stdout


def make_folder(folder):
    """What configurations name: a certificate with its key, a password."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "1", "-subj", "/CN=golden", "-keyout", "gateway.key", "-out", "gateway.pem"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    contents = {"alice.password": "wonderland\n", "empty.password": "\nx\n",
                "long.password": "x" * 257 + "\n"}
    for name, text in contents.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o600)


def put(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)


def objections(program, kind, name, text, expected, folder):
    """Yields what is wrong with one case; expected None: whatever it prints, without an error."""
    put(folder, name, text)
    code, output = load(program, kind, name, folder)
    if expected is not None and output != expected:
        yield f"expected:\n{expected}got:\n{output}"
    if expected is None and code:
        yield output
    if not code:
        put(folder, "printed.yaml", output)
        again = load(program, kind, "printed.yaml", folder)
        if again != (0, output):
            yield f"what it prints:\n{output}prints when loaded again:\n{again[1]}"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def cases(kind):
    """Yields name of the file, its text, path of the expected output (None: none)."""
    folder = os.path.join(HERE, kind)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            yield name, read(os.path.join(folder, name)), os.path.join(folder, name[:-5] + ".out")
    example = kind + ".yaml.example"
    yield example, read(os.path.join(ROOT, "sstp", kind, example)), None


def update(program, kind, folder):
    for name, text, out in cases(kind):
        put(folder, name, text)
        if out:
            with open(out, "w", encoding="utf-8") as f:
                f.write(load(program, kind, name, folder)[1])


def test(program, kind, folder):
    listed = list(cases(kind))
    failed = False
    print(f"1..{len(listed)}")
    for number, (name, text, out) in enumerate(listed, 1):
        expected = read(out) if out else None
        found = list(objections(program, kind, name, text, expected, folder))
        for objection in found:
            print("# " + objection.rstrip("\n").replace("\n", "\n# "))
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
        failed = failed or bool(found)
    return failed


def main():
    args = [a for a in sys.argv[1:] if a != "--update"]
    program, kind = os.path.abspath(args[0]), args[1]
    folder = tempfile.mkdtemp(prefix="golden-")
    try:
        make_folder(folder)
        if "--update" in sys.argv:
            update(program, kind, folder)
            return False
        return test(program, kind, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
