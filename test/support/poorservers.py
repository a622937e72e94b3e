# SPDX-License-Identifier: Apache-2.0
"""Servers that no SSTP client connects to: python3 poorservers.py ADDRESS FOLDER NAME:PORT:KIND...

NAME.pem and NAME.key of FOLDER are shown. KIND: web (TLS, and HTTP's 404), old (the same with TLS 1.0 alone), new (TLS 1.3
alone), chacha (TLS 1.2 with a suite that no Windows has), plain (HTTP without TLS, which is also where FOLDER's files are to
be had), mute (takes connections, and says nothing).
Prints "ready" when all listen.
"""
import http.server
import os
import socket
import socketserver
import ssl
import sys
import threading


class Web(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def refuse(self):
        self.send_error(404)

    do_SSTP_DUPLEX_POST = refuse

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        """Without the name of its address, which the base class looks up."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def handle_error(self, request, client_address):
        pass


def context(kind, pair):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind == "old":
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        ctx.minimum_version = ssl.TLSVersion.TLSv1
        ctx.maximum_version = ssl.TLSVersion.TLSv1
    elif kind == "new":
        ctx.minimum_version = ssl.TLSVersion.TLSv1_3
    elif kind == "chacha":
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    ctx.load_cert_chain(pair + ".pem", pair + ".key")
    return ctx


def serve(address, name, port, kind):
    if kind == "mute":
        return socket.create_server((address, port))
    server = Server((address, port), Web, bind_and_activate=True)
    if kind != "plain":
        server.socket = context(kind, name).wrap_socket(server.socket, server_side=True,
                                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    address, folder = sys.argv[1:3]
    os.chdir(folder)
    kept = []
    for word in sys.argv[3:]:
        name, port, kind = word.split(":")
        kept.append(serve(address, name, int(port), kind))
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
