# SPDX-License-Identifier: Apache-2.0
"""The operator's socket of a gateway, for tests and benchmarks."""
import http.client
import json
import socket


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
        """The answer. After an exception the next call makes a new connection."""
        try:
            self.request(method, path, None if body is None else json.dumps(body))
            reply = self.getresponse()
            answer = reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if reply.status >= 300:
            raise Refused(reply.status, f"{method} {path}: {answer[:300].decode(errors='replace')}")
        return json.loads(answer)
