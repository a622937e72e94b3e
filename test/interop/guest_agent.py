#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs commands inside the guest: guest_agent.py ADDRESS PORT. POST / with a shell command as the body
answers with its output (both kinds) and its exit status in the header X-Status; POST /end ends it, and
with it the guest."""
import http.server
import subprocess
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        command = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/end":
            self.answer(0, b"")
            threading.Thread(target=self.server.shutdown).start()
            return
        run = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.answer(run.returncode, run.stdout)

    def answer(self, status, data):
        self.send_response(200)
        self.send_header("X-Status", str(status))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    address, port = sys.argv[1:]
    server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
    print("guest is ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
