# SPDX-License-Identifier: Apache-2.0
"""The operator's socket of a gateway, for tests and benchmarks."""
import http.client
import json
import socket
import time

POLL_S = 0.02


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class Api(http.client.HTTPConnection):
    """Raises OSError or HTTPException when there is no answer, Refused when it is none of 2xx."""

    def __init__(self, path, timeout_s=10):
        super().__init__("gateway", timeout=timeout_s)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        """The answer, of an operation the one it has in the end. After an exception the next call makes a new connection."""
        reply, answer = self.ask(method, path, body)
        if reply.status != 202:
            return answer
        operation = answer
        while operation["status"] == "Running":
            time.sleep(POLL_S)
            _, operation = self.ask("GET", reply.headers["Location"])
        if operation["error"]:
            raise Refused(409, f"{method} {path}: {operation['error']}")
        return operation["result"]

    def ask(self, method, path, body=None):
        """One answer, with its head."""
        try:
            self.request(method, path, None if body is None else json.dumps(body))
            reply = self.getresponse()
            answer = reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if reply.status >= 300:
            raise Refused(reply.status, f"{method} {path}: {answer[:300].decode(errors='replace')}")
        return reply, json.loads(answer)
