"""RFC 6455 as bytes: every bit of a frame is the test's to choose."""

import base64
import hashlib
import os
import struct
import time

from .http1 import Connection, Malformed, get

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def handshake(path, *fields, key=KEY, version="13", method="GET"):
    lines = ["Upgrade: websocket", "Connection: Upgrade"]
    if key is not None:
        lines.append(f"Sec-WebSocket-Key: {key}")
    if version is not None:
        lines.append(f"Sec-WebSocket-Version: {version}")
    return get(path, *lines, *fields, method=method)


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None, encoding=None):
    """One frame. `length` lies about the size; `encoding` (7, 16, 64) forces the length field's form."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if length is None else length
    encoding = encoding or (7 if size < 126 else 16 if size < 65536 else 64)
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if encoding == 7:
        head += bytes([mask_bit | size])
    elif encoding == 16:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    repeated = key * (len(payload) // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:len(payload)], "big")
    return head + key + mixed.to_bytes(len(payload), "big")


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class WebSocket(Connection):
    """A WebSocket connection after its opening handshake."""

    def __init__(self, server, path="/ws", *fields, behind=b"", timeout=5):
        super().__init__(server, timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(handshake(path, *fields, key=key) + behind)
        self.answer = self.response()
        assert self.answer.status == 101, self.answer
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert self.answer.get("sec-websocket-accept") == base64.b64encode(accept).decode()
        assert (self.answer.get("upgrade") or "").lower() == "websocket"
        assert "upgrade" in (self.answer.get("connection") or "").lower()

    def frame(self, timeout=None):
        """The next frame from the server as (fin, opcode, payload); a server never masks, and is minimal."""
        deadline = time.monotonic() + (timeout or self.timeout)
        first, second = self.read_exactly(2, deadline)
        if first & 0x70 or second & 0x80:
            raise Malformed(f"reserved bits or mask from the server: {first:#x} {second:#x}")
        size = second
        if size == 126:
            size = struct.unpack("!H", self.read_exactly(2, deadline))[0]
            assert size >= 126, "length not minimal"
        elif size == 127:
            size = struct.unpack("!Q", self.read_exactly(8, deadline))[0]
            assert size >= 65536, "length not minimal"
        return bool(first & 0x80), first & 0x0F, self.read_exactly(size, deadline)

    def message(self, timeout=None):
        """The next data message: str or bytes. Pings are answered, fragments joined."""
        parts, kind = [], None
        while True:
            fin, opcode, payload = self.frame(timeout)
            if opcode == PING:
                self.send(frame(PONG, payload))
            elif opcode == CLOSE:
                raise Malformed(f"closed: {payload!r}")
            elif opcode != PONG:
                kind = kind or opcode
                parts.append(payload)
                if fin:
                    whole = b"".join(parts)
                    return whole.decode() if kind == TEXT else whole

    def send_text(self, text):
        return self.send(frame(TEXT, text))

    def send_binary(self, data):
        return self.send(frame(BINARY, data))

    def close_code(self, timeout=None):
        """Reads on to the close frame; its code (None when empty). The stream must end behind it."""
        while True:
            _, opcode, payload = self.frame(timeout)
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                payload[2:].decode()
                self.send(close_frame(code if code is not None else 1000))
                self.rest(timeout)
                return code

    def assert_closed(self, timeout=None):
        """The connection ends, with a close frame or without."""
        try:
            return self.close_code(timeout)
        except Malformed:
            self.rest(timeout)
            return None
