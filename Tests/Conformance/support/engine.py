"""Engine.IO v4 and Socket.IO v5 as text: no client library, so that a test can send what none would."""

import json

from .http1 import Connection, get, post
from .websocket import BINARY, TEXT, WebSocket, frame

SEPARATOR = "\x1e"
PATH = "/socket.io/"


def poll_path(sid=None, path=PATH, query=""):
    return f"{path}?EIO=4&transport=polling" + (f"&sid={sid}" if sid else "") + query


def socket_path(sid=None, path=PATH, query=""):
    return f"{path}?EIO=4&transport=websocket" + (f"&sid={sid}" if sid else "") + query


class Polling:
    """A polling session. Each of its requests may go over a connection of its own."""

    def __init__(self, server, path=PATH, query="", fields=()):
        self.server, self.path, self.query, self.fields = server, path, query, fields
        answer = self.request(get(poll_path(path=path, query=query), *fields))
        assert answer.status == 200, answer
        packets = answer.body.decode().split(SEPARATOR)
        assert packets[0][0] == "0", packets
        self.opening = json.loads(packets[0][1:])
        self.sid = self.opening["sid"]
        self.pending = packets[1:]

    def request(self, data, timeout=5):
        with Connection(self.server, timeout) as connection:
            return connection.send(data).response()

    def get(self, timeout=5, fields=None):
        return self.request(get(poll_path(self.sid, self.path, self.query), *(self.fields if fields is None else fields)), timeout)

    def post(self, *packets, fields=None):
        return self.post_body(SEPARATOR.join(packets), fields)

    def post_body(self, body, fields=None):
        chosen = self.fields if fields is None else fields
        return self.request(post(poll_path(self.sid, self.path, self.query), body,
                                 "Content-Type: text/plain;charset=UTF-8", *chosen))

    def send(self, *packets):
        answer = self.post(*packets)
        assert answer.status == 200 and answer.body == b"ok", answer
        return self

    def packet(self, timeout=5, pong=True):
        """The next packet; heartbeats are answered unless the test wants to see them."""
        while True:
            while not self.pending:
                answer = self.get(timeout)
                assert answer.status == 200, answer
                self.pending = answer.body.decode().split(SEPARATOR)
            packet = self.pending.pop(0)
            if packet == "2" and pong:
                self.send("3")
            else:
                return packet

    def connect(self, namespace="/", auth=None):
        """Joins a namespace, and returns the socket id."""
        prefix = "" if namespace == "/" else namespace + ","
        self.send(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        answer = self.packet()
        assert answer.startswith(f"40{prefix}{{"), answer
        return json.loads(answer[2 + len(prefix):])["sid"]

    def ended(self):
        """A request for a session that is gone: 400, code 1."""
        answer = self.get()
        return answer.status == 400 and json.loads(answer.body)["code"] == 1


class EngineSocket(WebSocket):
    """A session over WebSocket from the start, or the probe of an upgrade when a sid is given."""

    def __init__(self, server, sid=None, path=PATH, query="", fields=(), timeout=5):
        super().__init__(server, socket_path(sid, path, query), *fields, timeout=timeout)
        self.opening = None
        if sid is None:
            packet = self.message()
            assert packet[0] == "0", packet
            self.opening = json.loads(packet[1:])
            self.sid = self.opening["sid"]

    def send_packet(self, packet):
        return self.send(frame(TEXT if isinstance(packet, str) else BINARY, packet))

    def packet(self, timeout=None, pong=True):
        while True:
            packet = self.message(timeout)
            if packet == "2" and pong:
                self.send_packet("3")
            else:
                return packet

    def connect_namespace(self, namespace="/", auth=None):
        prefix = "" if namespace == "/" else namespace + ","
        self.send_packet(f"40{prefix}" + ("" if auth is None else json.dumps(auth)))
        answer = self.packet()
        assert answer.startswith(f"40{prefix}{{"), answer
        return json.loads(answer[2 + len(prefix):])["sid"]

    def upgrade(self):
        """The probe's own two steps, after which the session is this socket's."""
        self.send_packet("2probe")
        assert self.message() == "3probe"
        return self

    def assert_session_ends(self, timeout=5):
        """Closed by the server; anything that it had still to say may come before."""
        self.assert_closed(timeout)


def socketio(server, namespace="/", auth=None):
    """A WebSocket that has joined a namespace: (socket, socket id)."""
    socket = EngineSocket(server)
    return socket, socket.connect_namespace(namespace, auth)
