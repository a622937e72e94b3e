# SPDX-License-Identifier: Apache-2.0
"""A raw SSTP client that says exactly what a test wants said, right or wrong.

It shares no code with the product: an independent reading of MS-SSTP and PPP. It authenticates with PAP,
whose key for the crypto binding is 32 zero bytes.
"""
import hashlib
import hmac
import socket
import ssl
import struct
import time

URI = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
REQUEST_LINE = f"SSTP_DUPLEX_POST {URI} HTTP/1.1\r\n"
ENDLESS = "Content-Length: 18446744073709551615\r\n"

CALL_CONNECT_REQUEST = bytes.fromhex("1001000e00010001000100060001")
DISCONNECT = bytes.fromhex("10010014000600010002000c0000000000000000")
ECHO_REQUEST = bytes.fromhex("1001000800080000")
ECHO_RESPONSE = bytes.fromhex("1001000800090000")

ABORT_DONE = bytes.fromhex("10010014000500010002000c0000000200000005")

LCP, PAP, CHAP, IPCP, IPV6CP, CCP, IPV4 = 0xC021, 0xC023, 0xC223, 0x8021, 0x8057, 0x80FD, 0x0021


def abort(attribute, status):
    return bytes.fromhex("10010014000500010002000c000000") + bytes([attribute]) + struct.pack(">I", status)


def data(frame):
    return struct.pack(">BBH", 0x10, 0, 4 + len(frame)) + frame


def ppp(protocol, info):
    return data(b"\xff\x03" + struct.pack(">H", protocol) + info)


def control(protocol, code, ident, body=b""):
    return ppp(protocol, struct.pack(">BBH", code, ident, 4 + len(body)) + body)


class Closed(Exception):
    """The gateway closed the connection."""


class Client:
    """One connection. Every receive has a deadline, so that a test cannot hang."""

    def __init__(self, address, ca, name=None, alpn=None, version=None, timeout=10, window=None):
        self.timeout = timeout
        self.tcp = socket.socket(socket.AF_INET)
        if window:
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.tcp.settimeout(timeout)
        self.tcp.connect(address)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False
        if alpn:
            context.set_alpn_protocols(alpn)
        if version:
            context.maximum_version = context.minimum_version = version
        self.tls = context.wrap_socket(self.tcp, server_hostname=name)
        self.certificate = self.tls.getpeercert(binary_form=True)
        self.buffer = b""
        self.magic = b"\x11\x22\x33\x44"
        self.address = None

    def close(self):
        self.tls.close()

    def reset(self):
        """Closes with a TCP RST."""
        self.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.tls.close()

    def send(self, *packets):
        self.tls.sendall(b"".join(packets))

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self.tls.settimeout(left)
        try:
            chunk = self.tls.recv(65536)
        except (ssl.SSLError, ConnectionError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Closed(str(error)) from error
        if not chunk:
            raise Closed("end of stream")
        self.buffer += chunk

    # ---- HTTP

    def http(self, headers="Host: gw.test\r\n" + ENDLESS, line=REQUEST_LINE, after=b""):
        self.send((line + headers + "\r\n").encode() + after)
        return self.http_reply()

    def http_reply(self):
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self.buffer:
            self.fill(deadline)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode()

    # ---- SSTP

    def receive(self, timeout=None):
        """The next SSTP packet, whole."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(self.buffer) < 4 or len(self.buffer) < struct.unpack(">H", self.buffer[2:4])[0]:
            self.fill(deadline)
        length = struct.unpack(">H", self.buffer[2:4])[0]
        packet, self.buffer = self.buffer[:length], self.buffer[length:]
        return packet

    def receive_control(self, timeout=None):
        """The next control packet; PPP frames in between are passed over."""
        while True:
            packet = self.receive(timeout)
            if packet[1] & 1:
                return packet

    def receive_ppp(self, protocol, timeout=None):
        """The next frame of one protocol: (code, id, body); others are passed over, LCP's chores are answered."""
        while True:
            packet = self.receive(timeout)
            if packet[1] & 1:
                raise AssertionError("control packet instead of PPP: " + packet.hex())
            number = struct.unpack(">H", packet[6:8])[0]
            if number == protocol:
                code, ident, length = struct.unpack(">BBH", packet[8:12])
                return code, ident, packet[12:8 + length]

    def connect_call(self):
        """HTTP and CALL_CONNECT_REQUEST, up to the ACK."""
        reply = self.http()
        assert reply.startswith("HTTP/1.1 200"), reply
        self.send(CALL_CONNECT_REQUEST)
        ack = self.receive()
        assert ack[:15] == bytes.fromhex("100100300002000100040028000000"), ack.hex()
        self.hashes, self.nonce = ack[15], ack[16:48]

    def negotiate_lcp(self, mru=1500):
        """Our Conf-Req acknowledged and theirs."""
        self.send(control(LCP, 1, 1, struct.pack(">BBH", 1, 4, mru) + b"\x05\x06" + self.magic))
        ours = theirs = False
        while not (ours and theirs):
            code, ident, body = self.receive_ppp(LCP)
            if code == 1:
                if b"\x03\x05\xc2\x23\x81" in body:  # MS-CHAPv2: ask for PAP
                    self.send(control(LCP, 3, ident, b"\x03\x04\xc0\x23"))
                    continue
                self.send(control(LCP, 2, ident, body))
                theirs = True
            elif code == 2:
                ours = True

    def pap(self, user, password):
        """Sends the request; true for an Ack."""
        user, password = user.encode("latin-1"), password.encode("latin-1")
        self.send(control(PAP, 1, 1, bytes([len(user)]) + user + bytes([len(password)]) + password))
        code, _, _ = self.receive_ppp(PAP)
        return code == 2

    def call_connected(self, algorithm=2, nonce=None, cert_hash=None, flip=None):
        """CALL_CONNECTED, right unless told otherwise; flip: a bit of the message to invert at last."""
        digest = {1: hashlib.sha1, 2: hashlib.sha256}.get(algorithm, hashlib.sha256)
        cert_hash = cert_hash or digest(self.certificate).digest()
        head = bytes.fromhex("100100700004000100030068000000") + bytes([algorithm])
        head += (nonce or self.nonce) + cert_hash.ljust(32, b"\0")
        size = digest().digest_size
        seed = b"SSTP inner method derived CMK" + struct.pack("<H", size) + b"\x01"
        key = hmac.new(bytes(32), seed, digest).digest()
        mac = hmac.new(key, head + bytes(32), digest).digest()
        message = bytearray(head + mac.ljust(32, b"\0"))
        if flip is not None:
            message[flip // 8] ^= 1 << flip % 8
        return bytes(message)

    def negotiate_ipcp(self, address=b"\0\0\0\0", timeout=None):
        """Takes the address that the gateway naks with."""
        self.send(control(IPCP, 1, 1, b"\x03\x06" + address))
        ours = theirs = False
        while not (ours and theirs):
            code, ident, body = self.receive_ppp(IPCP, timeout)
            if code == 1:
                self.send(control(IPCP, 2, ident, body))
                theirs = True
            elif code == 3:
                self.send(control(IPCP, 1, ident + 1, body))
            elif code == 2:
                self.address, ours = body[2:6], True

    def up(self, user, password):
        """All the way to an open tunnel."""
        self.authenticate(user, password)
        self.send(self.call_connected())
        self.negotiate_ipcp()
        return self

    def authenticate(self, user, password):
        self.connect_call()
        self.negotiate_lcp()
        assert self.pap(user, password), "PAP refused"

    def rest_until_closed(self, timeout=10):
        """Everything the gateway still sends until it closes, PPP frames left out; raises TimeoutError."""
        packets = []
        try:
            while True:
                packet = self.receive(timeout)
                if packet[1] & 1:
                    packets.append(packet)
        except Closed:
            return packets


# ---- inner packets

def checksum(data_bytes):
    if len(data_bytes) % 2:
        data_bytes += b"\0"
    total = sum(struct.unpack(f">{len(data_bytes) // 2}H", data_bytes))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, payload):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ping(source, destination, text):
    body = struct.pack(">BBHHH", 8, 0, 0, 7, 1) + text
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    return ppp(IPV4, ipv4(source, destination, 1, body))
