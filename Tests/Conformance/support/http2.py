"""HTTP/2 as frames: sends exactly what a test says, and reads strictly what comes. Only HPACK is a library's."""

import struct
import time
from collections import namedtuple

from hpack import Decoder, Encoder

from .frames import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME, GOAWAY, HEADERS, INITIAL_WINDOW, PADDED, PING, PREFACE,
    PRIORITISED, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW, WINDOW_UPDATE, block_frames, frame, head, settings, window_update)
from .http1 import Connection, Malformed, Response, Silence

CONNECTION_FIELDS = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host"}

Frame = namedtuple("Frame", "kind flags stream payload")
Farewell = namedtuple("Farewell", "last code debug")


class StreamReset(Exception):
    """The server reset the stream before its response was whole."""

    def __init__(self, code):
        super().__init__(f"RST_STREAM {code}")
        self.code = code


class Stream:
    """What came on a stream, and what may still go and come."""

    def __init__(self, method, window, allowance):
        self.method, self.window, self.allowance = method, window, allowance
        self.informational, self.fields, self.trailers = [], None, None
        self.body = bytearray()
        self.ended = self.held = False      # held: its window is not given back
        self.reset = None

    def response(self):
        fields = [pair for pair in self.fields if pair[0] != ":status"]
        status = int(dict(self.fields)[":status"])
        return Response("HTTP/2", status, "", fields, bytes(self.body), self.trailers or (), self.informational)


class Http2(Connection):
    """A connection under the test's full control; by itself it acknowledges, and gives back windows if it `replenishes`."""

    protocol = "h2"

    def __init__(self, server, *own_settings, timeout=5, replenishes=True, preface=True):
        super().__init__(server, timeout)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.replenishes, self.acknowledges = replenishes, True
        self.streams, self.settings, self.farewells = {}, None, []
        self.window, self.allowance = WINDOW, WINDOW
        self.own, self.unacknowledged = {INITIAL_WINDOW: WINDOW}, []
        self.next_stream = 1
        if preface:
            self.send(PREFACE)
            self.announce(*own_settings)

    # --- sending ---------------------------------------------------------------------------------

    def announce(self, *pairs):
        """SETTINGS. A smaller window holds from its acknowledgement on, a larger one at once."""
        change = dict(pairs).get(INITIAL_WINDOW, self.own[INITIAL_WINDOW]) - self.own[INITIAL_WINDOW]
        self.own.update(pairs)
        self.unacknowledged.append(min(change, 0))
        self._allow(max(change, 0))
        return self.send(settings(*pairs))

    def _allow(self, change):
        for stream in self.streams.values():
            stream.allowance += change

    def give(self, stream, increment):
        """WINDOW_UPDATE, for the connection when the stream is 0."""
        (self.streams[stream] if stream else self).allowance += increment
        return self.send(window_update(stream, increment))

    def open(self, stream=None, method="GET"):
        """Notes a stream, as the client who is about to send its HEADERS; returns its id."""
        stream = stream or self.next_stream
        self.next_stream = max(self.next_stream, stream + 2)
        window = (self.settings or {}).get(INITIAL_WINDOW, WINDOW)
        self.streams[stream] = Stream(method, window, self.own[INITIAL_WINDOW] - sum(self.unacknowledged))
        return stream

    def headers(self, fields, end=True, stream=None):
        """A request of exactly these fields; returns its stream."""
        stream = self.open(stream, dict(fields).get(":method"))
        self.send(block_frames(stream, self.encoder.encode(fields), end))
        return stream

    def request(self, path="/hello", *fields, method="GET", body=None, **pseudo):
        """A request, with its body whole if there is one; returns its stream."""
        stream = self.headers(head(path, *fields, method=method, **pseudo), body is None)
        if body is not None:
            self.send_body(stream, body)
        return stream

    def trailers(self, stream, *fields):
        return self.send(block_frames(stream, self.encoder.encode(fields)))

    def send_body(self, stream, body, end=True, piece=FRAME, timeout=None):
        """DATA as the windows allow, until the server has enough; returns the number of bytes sent."""
        record, sent, view = self.streams[stream], 0, memoryview(body)
        while sent < len(body) or not body:
            room = min(piece, len(body) - sent, self.window, record.window)
            if record.reset is not None or record.ended or self.ended:
                return sent
            if room <= 0 < len(body):
                self.next_frame(timeout)
                continue
            last = end and sent + room == len(body)
            self.send(frame(DATA, END_STREAM if last else 0, stream, bytes(view[sent:sent + room])))
            self.window, record.window, sent = self.window - room, record.window - room, sent + room
            if not body:
                break
        return sent

    # --- reading ---------------------------------------------------------------------------------

    def next_frame(self, timeout=None):
        """The next frame, checked and noted; None at the end of the connection."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.buffer) < (size := 9 + int.from_bytes(self.buffer[:3], "big")) or len(self.buffer) < 9:
            if not self._more(deadline):
                if self.buffer:
                    raise Malformed(f"ended inside a frame: {bytes(self.buffer[:50])!r}")
                return None
        kind, flags, stream = struct.unpack("!BBI", self.buffer[3:9])
        got = Frame(kind, flags, stream, bytes(self.buffer[9:size]))
        del self.buffer[:size]
        self._check(got)
        return got

    def _check(self, got):
        if len(got.payload) > FRAME or got.stream >> 31:
            raise Malformed(f"frame too large, or reserved bit: {got.kind} {len(got.payload)} {got.stream:#x}")
        if self.settings is None and (got.kind != SETTINGS or got.flags & ACK):
            raise Malformed(f"the server's preface is no SETTINGS but {got}")
        if got.kind in (DATA, HEADERS, RST_STREAM) and got.stream not in self.streams:
            raise Malformed(f"on a stream that nobody opened: {got}")
        takers = {DATA: self._data, HEADERS: self._headers, RST_STREAM: self._reset, SETTINGS: self._settings,
                  PING: self._ping, GOAWAY: self._goaway, WINDOW_UPDATE: self._window_update}
        if got.kind in (PUSH_PROMISE, CONTINUATION):
            raise Malformed(f"unasked {got}")
        if got.kind in takers:
            takers[got.kind](got)

    def _data(self, got):
        stream, size = self.streams[got.stream], len(got.payload)
        padding = got.payload[0] + 1 if got.flags & PADDED else 0
        stream.allowance -= size
        self.allowance -= size
        if stream.allowance < 0 or self.allowance < 0 or padding > size:
            raise Malformed(f"DATA beyond its window or padding: {stream.allowance} {self.allowance} {padding}")
        if stream.fields is None or stream.ended:
            raise Malformed(f"DATA outside a response: {got.payload[:50]!r}")
        stream.body += got.payload[bool(padding):size - max(0, padding - 1)]
        if self.replenishes and size:
            self.give(0, size)
            if not stream.held and not got.flags & END_STREAM:
                self.give(got.stream, size)
        stream.ended = bool(got.flags & END_STREAM)
        self._check_length(stream)

    def _headers(self, got):
        stream, block, flags = self.streams[got.stream], got.payload, got.flags
        if flags & PADDED:
            block = block[1:len(block) - block[0]]
        if flags & PRIORITISED:
            block = block[5:]
        if not flags & END_HEADERS:
            raise Malformed("no response of these tests needs a CONTINUATION")
        fields = [(str(name), str(value)) for name, value in self.decoder.decode(block)]
        for name, value in fields:
            if name != name.lower() or name in CONNECTION_FIELDS or any(c in value for c in "\r\n\0"):
                raise Malformed(f"field {name!r}: {value!r}")
        statuses = [value for name, value in fields if name.startswith(":")]
        if stream.ended:
            raise Malformed(f"HEADERS behind the end: {fields}")
        stream.ended = bool(flags & END_STREAM)
        if stream.fields is None:
            if fields[0][0] != ":status" or len(statuses) != 1 or len(statuses[0]) != 3:
                raise Malformed(f"a response's first field is :status, its only pseudo-header field: {fields}")
            if statuses[0][0] == "1" and not stream.ended and statuses[0] != "101":
                stream.informational.append(int(statuses[0]))
            else:
                stream.fields = fields
        elif statuses or not stream.ended:
            raise Malformed(f"these are no trailers: {fields}")
        else:
            stream.trailers = fields
        self._check_length(stream)

    @staticmethod
    def _check_length(stream):
        lengths = [value for name, value in stream.fields or () if name == "content-length"]
        bare = stream.method == "HEAD" or (stream.fields and stream.fields[0][1] in ("204", "304"))
        if bare and stream.body:
            raise Malformed("a body where there must be none")
        if len(lengths) > 1 or (stream.ended and lengths and not bare and int(lengths[0]) != len(stream.body)):
            raise Malformed(f"content-length {lengths} for {len(stream.body)} bytes")

    def _reset(self, got):
        self.streams[got.stream].reset = struct.unpack("!I", got.payload)[0]

    def _settings(self, got):
        if got.stream or len(got.payload) % 6 or (got.flags & ACK and (got.payload or not self.unacknowledged)):
            raise Malformed(f"SETTINGS: {got}")
        if got.flags & ACK:
            return self._allow(self.unacknowledged.pop(0))
        before = (self.settings or {}).get(INITIAL_WINDOW, WINDOW)
        self.settings = {**(self.settings or {}), **dict(struct.iter_unpack("!HI", got.payload))}
        for stream in self.streams.values():
            stream.window += self.settings.get(INITIAL_WINDOW, WINDOW) - before
        if self.acknowledges:
            self.send(frame(SETTINGS, ACK))

    def _ping(self, got):
        if got.stream or len(got.payload) != 8:
            raise Malformed(f"PING: {got}")
        if self.acknowledges and not got.flags & ACK:
            self.send(frame(PING, ACK, 0, got.payload))

    def _goaway(self, got):
        last, code = struct.unpack("!II", got.payload[:8])
        if got.stream or (self.farewells and last > self.farewells[-1].last):
            raise Malformed(f"GOAWAY: {got} after {self.farewells}")
        self.farewells.append(Farewell(last, code, got.payload[8:]))

    def _window_update(self, got):
        increment, = struct.unpack("!I", got.payload)
        taker = self if not got.stream else self.streams[got.stream]
        taker.window += increment
        if not increment or taker.window >= 1 << 31:
            raise Malformed(f"WINDOW_UPDATE {increment}, which makes {taker.window}")

    # --- waiting ---------------------------------------------------------------------------------

    def wait(self, condition, timeout=None):
        """Reads on until the condition is truthy or the connection ends; returns whether it is."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while not condition():
            if self.next_frame(max(0.001, deadline - time.monotonic())) is None:
                return condition()
        return True

    def drain(self, wait=0.001):
        """Takes in what has come already; returns self."""
        try:
            while self.next_frame(wait):
                pass
        except Silence:
            pass
        return self

    def started(self, stream, timeout=None):
        """The response as far as its fields."""
        record = self.streams[stream]
        if not self.wait(lambda: record.fields or record.reset is not None, timeout):
            raise Malformed(f"ended before the response: {self.farewells}")
        if not record.fields:
            raise StreamReset(record.reset)
        return record.response()

    def response(self, stream, timeout=None):
        record = self.streams[stream]
        if not self.wait(lambda: record.ended or record.reset is not None, timeout):
            raise Malformed(f"ended before the response's end: {self.farewells}")
        if not record.ended:
            raise StreamReset(record.reset)
        return record.response()

    def exchange(self, *arguments, timeout=None, **options):
        return self.response(self.request(*arguments, **options), timeout)

    def outcome(self, stream, timeout=None):
        """How a request ends: ("status", n), ("reset", code) or ("goaway", code)."""
        try:
            return "status", self.response(stream, timeout).status
        except StreamReset as error:
            return "reset", error.code
        except Malformed:
            if not self.farewells:
                raise
            return "goaway", self.farewells[-1].code

    def assert_closed(self, *codes, timeout=None):
        """The connection ends, and says why before; returns the GOAWAY."""
        self.wait(lambda: False, timeout)
        assert self.farewells, "closed without a GOAWAY"
        assert self.farewells[-1].code in codes, self.farewells
        return self.farewells[-1]
