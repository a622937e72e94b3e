#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The API's description against the API: openapi.py API_RUN.

Every route that api_run knows stands in openapi.json and the other way round, and every request and
answer of the golden transcripts (api/*.out) is as the description says: its status is named there, its
body of the schema.
"""
import json
import os
import re
import subprocess
import sys

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "test", "golden", "api")
DESCRIPTION = os.path.join(ROOT, "sstp", "control", "openapi.json")


def resolve(node, root):
    """Without references: the schemas do not refer to themselves."""
    if isinstance(node, list):
        return [resolve(n, root) for n in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = root
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        return resolve(target, root)
    return {key: resolve(value, root) for key, value in node.items()}


def nameless(path):
    return re.sub(r"\{\w+\}|:\w+|\*", "{}", path)


def operations(api):
    return {(method.upper(), nameless(path)): operation for path, item in api["paths"].items()
            for method, operation in item.items() if method != "parameters"}


def check_routes(program, described):
    run = subprocess.run([program, "--routes"], check=True, text=True, stdout=subprocess.PIPE)
    routes = {(line.split(" ")[0], nameless(line.split(" ")[1])) for line in run.stdout.splitlines()}
    yield from (f"{' '.join(r)} is not described" for r in sorted(routes - set(described)))
    yield from (f"{' '.join(r)} is described, and is no route" for r in sorted(set(described) - routes))


def check_names(api):
    """The parameters of a path are those that stand in it."""
    for path, item in api["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        if [p["name"] for p in item.get("parameters", [])] != names:
            yield f"{path}: its parameters are not those in the path"


def exchanges(text):
    """Yields method, path, request body or None, status, answer of a transcript."""
    pattern = re.compile(r"^([A-Z]+) (\S+)\n((?:(?!=> ).*\n)*)=> (\d+).*\n((?:.+\n)+)", re.M)
    for method, path, body, status, answer in pattern.findall(text):
        body = "".join(line for line in body.splitlines(True) if not line.startswith("If-Match"))
        yield method, path, body.strip(), status, json.loads(answer)


def find(described, method, path):
    for (m, pattern), operation in described.items():
        regex = "/".join("[^/]+" if part == "{}" else re.escape(part) for part in pattern.split("/"))
        if m == method and re.fullmatch(regex, path, re.I):
            return operation
    return None


def problem(schema, value):
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(value), key=lambda e: list(e.path))
    return f"at {list(errors[0].path)}: {errors[0].message[:200]}" if errors else None


def schema_of(content):
    return content["content"]["application/json"]["schema"]


def check_exchange(described, method, path, body, status, answer):
    operation = find(described, method, path.split("?")[0])
    if operation is None:
        return None if status in ("404", "405") else "not described"
    response = operation["responses"].get(status)
    if response is None:
        return f"status {status} is not described"
    wrong = problem(schema_of(response), answer)
    if wrong:
        return "the answer, " + wrong
    # what was taken is as described; what is refused need not be
    if status.startswith("2") and "requestBody" in operation and body:
        wrong = problem(schema_of(operation["requestBody"]), json.loads(body))
        return "the request, " + wrong if wrong else None
    return None


def check_transcripts(described):
    for name in sorted(n for n in os.listdir(HERE) if n.endswith(".out")):
        with open(os.path.join(HERE, name), encoding="utf-8") as f:
            found = list(exchanges(f.read()))
        if not found:
            yield f"{name}: no exchange is found in it"
        for method, path, body, status, answer in found:
            wrong = check_exchange(described, method, path, body, status, answer)
            if wrong:
                yield f"{name}: {method} {path}: {wrong}"


def check_refusals(described):
    """The check itself: an answer with a key too many, one too few, of another type is found."""
    path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
    good = {"id": "", "name": "v", "type": "", "etag": "", "location": "", "properties": {
        "addressSpace": {"addressPrefixes": []}, "dhcpOptions": {"dnsServers": [], "searchDomains": []},
        "attach": {"networkNamespace": None}, "source": "api", "device": None, "apps": []}}
    if check_exchange(described, "GET", path, "", "200", good):
        yield "a good answer is refused"
    for bad in ({**good, "more": 1}, {k: v for k, v in good.items() if k != "name"}, {**good, "location": 1}):
        if not check_exchange(described, "GET", path, "", "200", bad):
            yield f"a bad answer is taken: {bad}"


def main():
    with open(DESCRIPTION, encoding="utf-8") as f:
        api = json.load(f)
    described = operations(resolve(api, api))
    checks = (
        ("every_route_is_described_and_nothing_else", check_routes(os.path.abspath(sys.argv[1]), described)),
        ("parameters_are_those_of_the_paths", check_names(api)),
        ("transcripts_are_as_described", check_transcripts(described)),
        ("what_is_not_as_described_is_found", check_refusals(described)),
    )
    failed = False
    print(f"1..{len(checks)}")
    for number, (name, findings) in enumerate(checks, 1):
        found = list(findings)
        failed = failed or bool(found)
        for text in found:
            print("# " + text)
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
