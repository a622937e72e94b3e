#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An EST server (RFC 7030) for tests: certificates by openssl, one connection at a time.

    est_server.py pki FOLDER NAME...       two authorities, root and other, and a server's certificate
    est_server.py token FOLDER GATEWAY [--lifetime S] [--pin ROOT]     prints a token, made known
    est_server.py serve FOLDER ADDRESS PORT [--no-root] [--plain-tls-1.2]

FOLDER/mode is read at every request and says what goes wrong on purpose (see MODES); without the file
nothing does. FOLDER/requests gets a line per request. /simplereenroll asks for the client's certificate
after the request (post-handshake authentication), as gateways do that have one port for everything.
"""
import argparse
import base64
import hashlib
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import time

MODES = ("", "plain", "foreign-key", "foreign-root", "no-client-auth", "expired", "garbage", "huge",
         "later", "bad-json", "broken", "status-500", "no-vnet")
NETWORK = {"vnetName": "lab", "appName": "shop", "addressSpaces": ["10.20.0.0/24"],
           "dnsServers": ["10.20.0.2"], "digest": "0123abcd"}


def openssl(folder, *words, data=None):
    run = subprocess.run(("openssl",) + words, cwd=folder, input=data, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    if run.returncode:
        sys.exit(f"openssl {' '.join(words)}: {run.stderr.decode()}")
    return run.stdout


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="ascii") as f:
        f.write(text)


def read(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="ascii") as f:
            return f.read()
    except FileNotFoundError:
        return ""


# ---- the authorities

def make_root(folder, name):
    openssl(folder, "req", "-x509", "-config", "req.cnf", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", f"/CN={name}", "-keyout",
            f"{name}.key", "-out", f"{name}.pem", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def make_pki(folder, names):
    os.makedirs(folder, mode=0o700, exist_ok=True)
    write(folder, "req.cnf", "[req]\ndistinguished_name = dn\n[dn]\n")
    for name in ("root", "other"):
        make_root(folder, name)
    san = ",".join(("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in names)
    openssl(folder, "req", "-x509", "-config", "req.cnf", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj", "/CN=server", "-CA", "root.pem",
            "-CAkey", "root.key", "-keyout", "server.key", "-out", "server.pem", "-addext",
            "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth", "-addext",
            f"subjectAltName={san}")


def fingerprint(folder, name):
    return hashlib.sha256(openssl(folder, "x509", "-in", name, "-outform", "DER")).digest()


def make_token(folder, gateway, lifetime, pin):
    secret = secrets.token_bytes(32)
    expires = int(time.time()) + lifetime
    body = bytes([len(gateway)]) + gateway.encode() + fingerprint(folder, pin) + secret + \
        (expires & (2**64 - 1)).to_bytes(8, "big")
    body += hashlib.sha256(b"sstp1." + body).digest()[:4]
    with open(os.path.join(folder, "tokens"), "a", encoding="ascii") as f:
        f.write(f"{base64.urlsafe_b64encode(secret).decode().rstrip('=')}\n")
    return "sstp1." + base64.urlsafe_b64encode(body).decode().rstrip("=")


def issue(folder, request, mode):
    """A certificate for the request's key, as PEM."""
    authority = "other" if mode == "foreign-root" else "root"
    usage = "serverAuth" if mode == "no-client-auth" else "clientAuth"
    if mode == "foreign-key":
        openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "foreign.key")
        request = openssl(folder, "req", "-new", "-config", "req.cnf", "-key", "foreign.key", "-subj",
                          "/CN=shop", "-outform", "DER")
    with open(os.path.join(folder, "request.der"), "wb") as f:
        f.write(request)
    write(folder, "client.cnf", f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\n"
          "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:shop@lab\n")
    openssl(folder, "x509", "-req", "-inform", "DER", "-in", "request.der", "-CA", f"{authority}.pem",
            "-CAkey", f"{authority}.key", "-days", "-1" if mode == "expired" else "2922", "-sha256",
            "-extfile", "client.cnf", "-out", "client.pem")


def certs_only(folder, *names):
    words = [word for name in names for word in ("-certfile", name)]
    der = openssl(folder, "crl2pkcs7", "-nocrl", "-outform", "DER", *words)
    return base64.encodebytes(der)


# ---- the service

class Reply(Exception):
    """What a request is answered with."""

    def __init__(self, status, content_type="text/plain", body=b""):
        super().__init__(status)
        self.status = status
        self.type = content_type
        self.body = body


def take_token(folder, headers):
    known = read(folder, "tokens").split()
    used = read(folder, "used").split()
    secret = headers.get("authorization", "").removeprefix("Bearer ")
    if secret in used:
        raise Reply("401 Unauthorized", body=b"this token was used\r\n")
    if secret not in known:
        raise Reply("401 Unauthorized", body=b"unknown token\r\n")
    write(folder, "used", "\n".join(used + [secret]))


def enrolled(folder, body, mode):
    issue(folder, base64.b64decode(body), mode)
    certs = certs_only(folder, "client.pem")
    if mode == "garbage":
        certs = b"MIIB\n"
    if mode == "plain":
        raise Reply("200 OK", "application/pkcs7-mime; smime-type=certs-only", certs)
    network = dict(NETWORK)
    if mode == "no-vnet":
        del network["vnetName"]
    text = b"{" if mode == "bad-json" else json.dumps(network).encode()
    parts = b"".join(b"--est\r\nContent-Type: " + kind + b"\r\n\r\n" + part + b"\r\n" for kind, part in
                     ((b"application/pkcs7-mime; smime-type=certs-only", certs),
                      (b"application/json", text)))
    raise Reply("200 OK", "multipart/mixed; boundary=est", parts + b"--est--\r\n")


def ask_for_certificate(connection):
    """TLS 1.3 sends the question with our next bytes, and the answer comes with the client's."""
    if connection.getpeercert(True):
        raise Reply("500 Internal Server Error", body=b"the certificate came too early\r\n")
    connection.verify_client_post_handshake()
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    connection.setblocking(False)
    end = time.monotonic() + 5
    while not connection.getpeercert(True) and time.monotonic() < end:
        try:
            connection.recv(1)
        except ssl.SSLWantReadError:
            time.sleep(0.01)
    connection.setblocking(True)
    if not connection.getpeercert(True):
        raise Reply("401 Unauthorized", body=b"no certificate\r\n")


def answer(folder, connection, path, headers, body):
    mode = read(folder, "mode").strip()
    if mode == "later":
        raise Reply("503 Service Unavailable", body=b"busy\r\n")
    if mode == "status-500":
        raise Reply("500 Internal Server Error", body=b"<html>\r\n")
    if mode == "huge":
        raise Reply("200 OK", body=b"x" * (2 << 20))
    if path == "/.well-known/est/cacerts":
        raise Reply("200 OK", "application/pkcs7-mime", certs_only(folder, "root.pem"))
    if mode == "broken":
        raise ConnectionError
    if path == "/.well-known/est/simpleenroll":
        take_token(folder, headers)
        enrolled(folder, body, mode)
    if path == "/.well-known/est/simplereenroll":
        ask_for_certificate(connection)
        enrolled(folder, body, mode)
    raise Reply("404 Not Found")


def read_request(stream):
    words = stream.readline().decode("latin-1").split()
    headers = {}
    while (line := stream.readline().decode("latin-1").strip()):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return words, headers, stream.read(int(headers.get("content-length", "0")))


def serve_one(folder, connection):
    words, headers, body = read_request(connection.makefile("rb"))
    if len(words) < 2:
        return
    with open(os.path.join(folder, "requests"), "a", encoding="ascii") as f:
        f.write(f"{words[0]} {words[1]}\n")
    try:
        answer(folder, connection, words[1], headers, body)
    except Reply as reply:
        head = f"HTTP/1.1 {reply.status}\r\nContent-Type: {reply.type}\r\n" \
            f"Content-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + reply.body)


def serve(folder, address, port, with_root, old_tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = read(folder, "server.pem") + (read(folder, "root.pem") if with_root else "")
    write(folder, "chain.pem", chain)
    context.load_cert_chain(os.path.join(folder, "chain.pem"), os.path.join(folder, "server.key"))
    context.load_verify_locations(os.path.join(folder, "root.pem"))
    context.post_handshake_auth = True
    context.verify_mode = ssl.CERT_OPTIONAL
    if old_tls:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    listener = socket.create_server((address, port))
    print("ready", flush=True)
    while True:
        plain, _ = listener.accept()
        plain.settimeout(10)
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                serve_one(folder, connection)
        except OSError as error:
            print(error, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    pki = verbs.add_parser("pki")
    pki.add_argument("folder")
    pki.add_argument("names", nargs="+")
    token = verbs.add_parser("token")
    token.add_argument("folder")
    token.add_argument("gateway")
    token.add_argument("--lifetime", type=int, default=3600)
    token.add_argument("--pin", default="root.pem")
    service = verbs.add_parser("serve")
    service.add_argument("folder")
    service.add_argument("address")
    service.add_argument("port", type=int)
    service.add_argument("--no-root", action="store_true")
    service.add_argument("--plain-tls-1.2", dest="old_tls", action="store_true")
    options = parser.parse_args()
    if options.verb == "pki":
        make_pki(options.folder, options.names)
    elif options.verb == "token":
        print(make_token(options.folder, options.gateway, options.lifetime, options.pin))
    else:
        serve(options.folder, options.address, options.port, not options.no_root, options.old_tls)


if __name__ == "__main__":
    main()
