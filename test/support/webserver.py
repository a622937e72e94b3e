#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web server in the virtual network: webserver.py ADDRESS PORT FOLDER.

GET /          a page that names the visitor's address
GET /ticks     a line every 50 ms for as long as the visitor stays (a connection to watch)
GET /FILE      a file of FOLDER
PUT /anything  answers with the SHA-256 of what came
"""
import hashlib
import http.server
import socket
import sys
import time


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/":
            self.answer(f"hello from the virtual network, {self.client_address[0]}\n")
        elif self.path == "/ticks":
            self.tick()
        else:
            super().do_GET()

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while left > 0:
            data = self.rfile.read(min(left, 65536))
            if not data:
                return
            digest.update(data)
            left -= len(data)
        self.answer(digest.hexdigest() + "\n")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def tick(self):
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        number = 0
        try:
            while True:
                number += 1
                self.wfile.write(f"tick {number}\n".encode())
                time.sleep(0.05)
        except OSError:
            pass


class IPv6Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def main():
    address, port, folder = sys.argv[1:]
    kind = IPv6Server if ":" in address else http.server.ThreadingHTTPServer
    server = kind((address, int(port)), lambda *args: Handler(*args, directory=folder))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
