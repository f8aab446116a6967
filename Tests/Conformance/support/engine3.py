"""Engine.IO v3 as bytes: what Socket.IO 1.x and 2.x clients send, and what none would."""

import json
import re

from .http1 import Connection, get, post
from .websocket import BINARY, TEXT, WebSocket, frame

PATH = "/socket.io/"
TEXT_TYPE = "Content-Type: text/plain;charset=UTF-8"
BINARY_TYPE = "Content-Type: application/octet-stream"
FORM_TYPE = "Content-Type: application/x-www-form-urlencoded"


def path(transport, sid=None, query="", revision=3):
    return f"{PATH}?EIO={revision}&transport={transport}{query}" + (f"&sid={sid}" if sid else "")


def units(text):
    """The length of a text as JavaScript has it."""
    return len(text.encode("utf-16-le")) // 2


def encode(*packets):
    """A payload in the text framing."""
    return "".join(f"{units(packet)}:{packet}" for packet in packets)


def encode_binary(*packets):
    """A payload in the binary framing; bytes are messages."""
    output = b""
    for packet in packets:
        body = packet.encode() if isinstance(packet, str) else b"\4" + packet
        digits = bytes(int(digit) for digit in str(len(body)))
        output += (b"\0" if isinstance(packet, str) else b"\1") + digits + b"\xff" + body
    return output


def decode(answer):
    """The packets of an answer, by its content type: texts, and bytes for binary messages."""
    packets, body = [], answer.body
    if answer.get("content-type") == "application/octet-stream":
        while body:
            mark, (digits, _, rest) = body[0], body[1:].partition(b"\xff")
            size = int("".join(map(str, digits)))
            packet, body = rest[:size], rest[size:]
            assert len(packet) == size
            packets.append(packet[1:] if mark else packet.decode())
        return packets
    text = body.decode().encode("utf-16-le")
    while text:
        colon = text.index(b":\0")
        size = 2 * int(text[:colon].decode("utf-16-le"))
        packet, text = text[colon + 2:colon + 2 + size], text[colon + 2 + size:]
        assert len(packet) == size
        packets.append(packet.decode("utf-16-le"))
    return packets


class Polling3:
    """A polling session of Engine.IO 3."""

    def __init__(self, server, query=""):
        self.server, self.query = server, query
        answer = self.request(get(path("polling", query=query)))
        assert answer.status == 200, answer
        [opening, *self.pending] = decode(answer)
        assert opening[0] == "0"
        self.opening = json.loads(opening[1:])
        self.sid = self.opening["sid"]

    def request(self, data, timeout=5):
        with Connection(self.server, timeout) as connection:
            return connection.send(data).response()

    def get(self, timeout=5):
        return self.request(get(path("polling", self.sid, self.query)), timeout)

    def post(self, body, *fields):
        return self.request(post(path("polling", self.sid, self.query), body, *(fields or [TEXT_TYPE])))

    def send(self, *packets):
        answer = self.post(encode(*packets))
        assert (answer.status, answer.body) == (200, b"ok"), answer
        return self

    def packet(self, timeout=5):
        while not self.pending:
            answer = self.get(timeout)
            assert answer.status == 200, answer
            self.pending = decode(answer)
        return self.pending.pop(0)

    def joined(self):
        """Waits for the root namespace."""
        assert self.packet() == "40"
        return self

    def ended(self):
        answer = self.get()
        return answer.status == 400 and json.loads(answer.body)["code"] == 1


class Socket3(WebSocket):
    """A session over WebSocket from the start, or an upgrade when a sid is given."""

    def __init__(self, server, sid=None, query="", timeout=5):
        super().__init__(server, path("websocket", sid, query), timeout=timeout)
        if sid is None:
            opening = self.message()
            assert opening[0] == "0"
            self.opening = json.loads(opening[1:])
            self.sid = self.opening["sid"]

    def send_packet(self, packet):
        return self.send(frame(TEXT, packet) if isinstance(packet, str) else frame(BINARY, packet))


SCRIPT = re.compile(r"^___eio\[(\d+)\]\((\".*\")\);$", re.DOTALL)


def script_payload(answer, index):
    """The payload in a JSONP answer, read as JavaScript would."""
    found = SCRIPT.match(answer.body.decode())
    assert found and int(found[1]) == index, answer.body
    assert not re.search("[\u2028\u2029<\n\r]", found[2]), "ends a line or a script"
    return json.loads(found[2])
