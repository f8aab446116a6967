"""WebSocket and Engine.IO on a stream of an HTTP/2 connection (RFC 8441), for the tests of websocket.py and engine.py."""

import json
import time

from .engine import EngineSocket, socket_path
from .frames import CANCEL, DATA, END_STREAM, FRAME, extended, frame, reset
from .websocket import WebSocket


class StreamSocket(WebSocket):
    """A WebSocket whose bytes are a stream's DATA; other streams of the connection are read meanwhile."""

    def __init__(self, connection, path="/ws", *fields, timeout=5):
        self.connection, self.timeout = connection, timeout
        self.stream = connection.headers(extended(path, *fields), end=False)
        self.record = connection.streams[self.stream]
        self.answer = connection.started(self.stream)
        assert self.answer.status == 200 and not self.record.ended, self.answer
        assert self.answer.get("sec-websocket-accept") is None and self.answer.get("content-length") is None
        self.buffer = self.record.body

    def __exit__(self, *_):
        if not self.over:
            self.cancel()

    @property
    def over(self):
        return self.record.ended or self.record.reset is not None or self.connection.ended

    def send(self, data, piecewise=False):
        self.connection.send_body(self.stream, data, end=False, piece=1 if piecewise else FRAME)
        return self

    def close_code(self, timeout=None, ends=True):
        """As over TCP; the stream's own half is ended too, as a client should."""
        code = super().close_code(timeout)
        if ends and self.record.reset is None:
            self.finish_sending()
        return code

    def cancel(self):
        """RST_STREAM: what a TCP reset is to HTTP/1.1."""
        self.connection.send(reset(self.stream, CANCEL))

    def finish_sending(self):
        self.connection.send(frame(DATA, END_STREAM, self.stream))
        return self

    def _more(self, deadline):
        size = len(self.buffer)
        while len(self.buffer) == size:
            if self.over or self.connection.next_frame(max(0.001, deadline - time.monotonic())) is None:
                return False
        return True


class EngineStream(StreamSocket, EngineSocket):
    """An Engine.IO session over such a WebSocket, or the probe of an upgrade when a sid is given."""

    def __init__(self, connection, *fields, sid=None, query="", timeout=5):
        StreamSocket.__init__(self, connection, socket_path(sid, query=query), *fields, timeout=timeout)
        if sid is None:
            self.opening = json.loads(self.message()[1:])
            self.sid = self.opening["sid"]
