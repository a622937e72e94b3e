#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a program hears that connects where it may not: answers.py ADDRESS...

A line for each: "10.30.0.2 ENETUNREACH", or "silence" when nothing is heard in a second.
"""
import errno
import socket
import sys
import time

PATIENCE = 1.0


def knock(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    began = time.monotonic()
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE)
        try:
            s.connect((address, 80))
        except TimeoutError:
            return "silence"
        except OSError as e:
            return errno.errorcode[e.errno] if time.monotonic() - began < PATIENCE else "silence"
    return "open"


def main():
    for address in sys.argv[1:]:
        print(address, knock(address))


if __name__ == "__main__":
    sys.exit(main())
