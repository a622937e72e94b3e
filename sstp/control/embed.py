#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py JSON C NAME: a C file with the JSON text, compact, as `const char NAME[]`."""
import json
import sys

ROW = 80


def main():
    source, target, name = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        text = json.dumps(json.load(f), separators=(",", ":"))
    rows = [text[i:i + ROW] for i in range(0, len(text), ROW)]
    quoted = ["\t\"" + row.replace("\\", "\\\\").replace("\"", "\\\"") + "\"" for row in rows]
    with open(target, "w", encoding="ascii") as f:
        f.write(f"extern const char {name}[];\nconst char {name}[] =\n" + "\n".join(quoted) + ";\n")


if __name__ == "__main__":
    main()
