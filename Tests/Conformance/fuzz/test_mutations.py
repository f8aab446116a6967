"""Seeded mutations of lawful bytes, thrown at the server over sockets: it lives, answers, and stays small.

CONFORMANCE_SEED repeats a run; without it the seed is fixed, so that every run throws the same bytes.
"""

import os
import random
import socket
import time

import pytest
from hpack import Encoder

from support import frames
from support.engine import Polling, poll_path, socket_path
from support.http1 import get, post
from support.websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame, handshake

SEED = int(os.environ.get("CONFORMANCE_SEED", "20240612"))
ROUNDS = 5_000      # for each of the five protocols
MIB = 1 << 20

HTTP = [
    get("/hello"), get("/query?a=1&b=%C3%A9"), get("/users/42"), get("/hello.txt", "Range: bytes=1-3"), get("/large", method="HEAD"),
    post("/echo", "hello"), get("/echo", "Transfer-Encoding: chunked", method="POST") + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    get("/echo", "Expect: 100-continue", "Content-Length: 5", method="POST") + b"hello", get("/", 'If-None-Match: "x", W/"y"'),
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", get("http://a:80/request", "Connection: keep-alive, upgrade"),
    get("/data.bin", "Range: bytes=0-1,5-6,-7") + get("/hello"), handshake("/ws"), handshake(socket_path()),
]
FRAMES = [
    frame(TEXT, "hello"), frame(BINARY, bytes(range(200))), frame(PING, "ping"), frame(CLOSE, b"\x03\xe8bye"),
    frame(TEXT, "héllo 🎉" * 30, fin=False) + frame(PING, "") + frame(CONTINUATION, "end"), frame(BINARY, b"x" * 70_000),
    frame(TEXT, "a", fin=False) + frame(CONTINUATION, "b", fin=False) + frame(CONTINUATION, "c"),
]


def request(path, *fields, end=True, size=frames.FRAME, **pseudo):
    """A request on stream 1 that hangs on no dynamic table."""
    return frames.block_frames(1, Encoder().encode(frames.head(path, *fields, **pseudo)), end, size)


def data(payload, flags=0):
    return frames.frame(frames.DATA, flags, 1, payload)


def tunnel(path, payload):
    return frames.block_frames(1, Encoder().encode(frames.extended(path)), end=False) + data(payload)


LENGTH = ("content-length", "5")
HTTP2 = [
    request("/hello"), request("/large") + frames.window_update(1, 100_000), request("/users/7", ("cookie", "a=b"), ("cookie", "c=d")),
    request("/echo", LENGTH, method="POST", end=False) + data(b"he") + data(b"\2llo\0\0", frames.END_STREAM | frames.PADDED),
    request("/echo", LENGTH, method="POST", end=False, size=7) + data(b"hello") + frames.block_frames(1, Encoder().encode([("x-a", "b")])),
    frames.frame(frames.HEADERS, frames.END_STREAM | frames.END_HEADERS | frames.PRIORITISED | frames.PADDED, 1, b"\1\0\0\0\0\x0f\x82\x86\x84\x41\1a\0"),
    tunnel("/ws", frame(TEXT, "hello") + frame(PING, "p") + frame(CLOSE, b"\x03\xe8")),
    tunnel(socket_path(), frame(TEXT, "40") + frame(TEXT, '420["echo",1]')), request("/slow") + frames.reset(1),
    frames.settings((frames.INITIAL_WINDOW, 1), (1, 0)) + request("/json") + frames.settings((frames.INITIAL_WINDOW, 70_000), (1, 4096)),
    frames.frame(frames.PING, payload=b"12345678") + frames.frame(frames.PRIORITY, 0, 3, b"\0\0\0\1\x0f"),
    frames.frame(frames.GOAWAY, payload=bytes(8)) + frames.frame(0xFA, 9, 1, b"a"),
]
ENGINE = [
    b"40", b"3", b"2", b"6", b"1", b"5", b"2probe", b'40\x1e42["echo",1]\x1e3', b"bAQIDBA==", b'40/chat,\x1e42/chat,1["echo",{"a":[1]}]',
    b'40{"token":"x"}\x1e451-["echo",{"_placeholder":true,"num":0}]\x1ebAQID',
]
SOCKET = [
    '2["echo",{"a":[1,2.5e3,"\\u00e9",null,true]}]', '21["echo","text"]', '2/chat,7["echo",1]', "0/chat,{}", '0/admin,{"token":"secret"}',
    "1", "1/chat,", '31["answer"]', '51-["echo",{"_placeholder":true,"num":0}]', '52-3["echo-three",{"_placeholder":true,"num":1},0,{"_placeholder":true,"num":0}]',
    '61-0[{"_placeholder":true,"num":0}]', '2["join","room"]', '2["to-room","room",[[]]]', '2["typed",{"id":1,"name":"x"}]', '4{"message":"x"}',
    '2["ask","x"]', '2["server-disconnect",false]', '2["rooms"]', '21["handshake"]', '2["send-binary",10]',
]
INTERESTING = [b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\x1e", b"\xff", b"\x80", b":", b" ", b"\t", b",", b'"', b"\\", b"[", b"]", b"{", b"}", b"-",
               b"0", b"9" * 20, b"99999999999999999999", b"1e999", b"\\ud800", b"%", b"/../", b"chunked", b"Content-Length: 5\r\n", b"\x7f\xff\xff\xff"]


def mutated(generator, data):
    """One to four damages: bits, bytes, cuts, repetitions, interesting pieces."""
    data = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        place = generator.randrange(len(data) + 1)
        kind = generator.randrange(7)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << generator.randrange(8)
        elif kind == 1 and data:
            data[place % len(data)] = generator.randrange(256)
        elif kind == 2:
            del data[place:place + generator.randint(1, 8)]
        elif kind == 3:
            data[place:place] = data[place:place + generator.randint(1, 16)] * generator.randint(1, 5)
        elif kind == 4:
            data[place:place] = generator.choice(INTERESTING)
        elif kind == 5:
            del data[place:]
        else:
            data[place:place] = generator.randbytes(generator.randint(1, 8))
    return bytes(data)


class Thrower:
    """Keeps a handful of connections busy, so that the bytes meet a server that has other things to do."""

    def __init__(self, server, opening=b""):
        self.server, self.opening = server, opening
        self.open = []

    def throw(self, data):
        connection = self.server.connect(timeout=5)
        try:
            connection.sendall(self.opening + data)
        except OSError:
            pass
        self.open.append(connection)
        if len(self.open) == 16:
            self.close(self.open.pop(0))

    @staticmethod
    def close(connection):
        """Reads what is there, and goes; now and then without a word."""
        connection.setblocking(False)
        try:
            connection.recv(65536)
        except OSError:
            pass
        if connection.fileno() % 3 == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    def finish(self):
        while self.open:
            self.close(self.open.pop())


def http(server, generator):
    thrower = Thrower(server)
    yield from (lambda: thrower.throw(mutated(generator, generator.choice(HTTP))) for _ in range(ROUNDS))
    thrower.finish()


def http2(server, generator):
    thrower = Thrower(server, frames.PREFACE + frames.settings())
    yield from (lambda: thrower.throw(mutated(generator, b"".join(generator.choices(HTTP2, k=generator.randint(1, 2))))) for _ in range(ROUNDS))
    thrower.finish()


def websocket(server, generator):
    thrower = Thrower(server, handshake("/ws"))
    for _ in range(ROUNDS):
        data = b"".join(generator.choices(FRAMES, k=generator.randint(1, 3)))
        yield lambda: thrower.throw(mutated(generator, data))
    thrower.finish()


def engine(server, generator):
    polling = [Polling(server) for _ in range(4)]
    thrower = Thrower(server)

    def throw(session, payload):
        thrower.throw(post(poll_path(session.sid), payload, "Content-Type: text/plain;charset=UTF-8"))

    for count in range(ROUNDS):
        if count % 16 == 0:
            polling[count // 16 % 4] = Polling(server)
        yield lambda: throw(generator.choice(polling), mutated(generator, generator.choice(ENGINE)))
    thrower.finish()


def socketio(server, generator):
    thrower = Thrower(server, handshake(socket_path()) + frame(TEXT, "40"))
    for _ in range(ROUNDS):
        data = b""
        for _ in range(generator.randint(1, 4)):
            data += frame(TEXT, b"4" + mutated(generator, generator.choice(SOCKET).encode()))
            if generator.randrange(3) == 0:
                data += frame(BINARY, generator.randbytes(generator.randint(0, 20)))
        yield lambda: thrower.throw(data)
    thrower.finish()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("protocol", [http, http2, websocket, engine, socketio], ids=lambda protocol: protocol.__name__)
def test_mutations_do_no_harm(make_server, protocol):
    server = make_server("--ping-interval", 2000, "--ping-timeout", 1000, "--connect-timeout", 2000)
    generator = random.Random(f"{SEED} {protocol.__name__}")
    server.check()
    before, start, count = server.memory(), time.monotonic(), 0
    for throw in protocol(server, generator):
        throw()
        count += 1
        if count % 500 == 0:
            assert server.alive(), f"died after {count} of seed {SEED}:\n{server.log()}"
    assert count == ROUNDS
    server.check()
    assert time.monotonic() - start < 120
    assert server.memory() - before < 64 * MIB, f"grew by {(server.memory() - before) / MIB:.0f} MiB"
    assert server.stop() == 0, server.log()
