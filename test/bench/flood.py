# SPDX-License-Identifier: Apache-2.0
"""flood.py ADDRESS MBIT_PER_S SECONDS: sends datagrams of 1200 bytes to port 9 of the address, evenly."""
import socket
import sys
import time

SIZE = 1200
STEP_S = 0.005


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    address, mbit, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, 9))
    per_second = mbit * 1e6 / 8 / SIZE
    begin = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - begin) < seconds:
        while sent < passed * per_second:
            sent += 1
            try:
                sock.send(bytes(SIZE))
            except OSError:
                pass  # an ICMP answer, or a full device: this is only pressure
        time.sleep(STEP_S)


if __name__ == "__main__":
    main()
