"""Streams, resets and floods of frames: what is counted, and where it ends. LIMITS "HTTP/2"."""

import json
import socket
import time

import pytest
from hpack import Encoder

from support.frames import (
    ACK, DATA, END_STREAM, ENHANCE_YOUR_CALM, INITIAL_WINDOW, PADDED, PING, PREFACE, PRIORITY, REFUSED_STREAM, WINDOW,
    block_frames, frame, head, reset, settings, window_update)
from support.http2 import Http2
from support.server import wait_until

MIB = 1 << 20
HOLD = "/hold?milliseconds=1000"
GET = Encoder().encode(head("/hello"))


def holding(server):
    return json.loads(server.fetch("/holding"))


# --- concurrent streams --------------------------------------------------------------------------

def test_hundred_streams_at_a_time_and_no_more(make_server):
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        held = [connection.request(HOLD) for _ in range(100)]
        assert connection.outcome(connection.request(HOLD)) == ("reset", REFUSED_STREAM)
        assert connection.outcome(connection.request("/hello")) == ("reset", REFUSED_STREAM)
        assert all(connection.response(stream).status == 200 for stream in held)
        assert connection.exchange().body == b"hello"
    assert holding(server) == {"now": 0, "most": 100}


def test_stream_that_the_client_resets_counts_until_its_handler_ends(make_server):
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        held = [connection.request(HOLD) for _ in range(100)]
        wait_until(lambda: holding(server)["now"] == 100)
        connection.send(b"".join(reset(stream) for stream in held[:50]))
        assert connection.outcome(connection.request(HOLD)) == ("reset", REFUSED_STREAM)
        wait_until(lambda: holding(server)["now"] == 0)
        assert connection.exchange(HOLD).status == 200
    assert holding(server)["most"] == 100


def test_hundred_and_fifty_streams_in_one_segment(make_server):
    """What comes in one read is counted as it comes; and the server's SETTINGS are still its first frame."""
    server = make_server()
    with Http2(server, preface=False) as connection:
        connection.unacknowledged.append(0)
        block = Encoder().encode(head(HOLD))
        streams = [connection.open() for _ in range(150)]
        connection.send(PREFACE + settings() + b"".join(block_frames(stream, block, end=False) for stream in streams))
        assert {connection.outcome(stream) for stream in streams[100:]} == {("reset", REFUSED_STREAM)}
        connection.send(b"".join(frame(DATA, END_STREAM, stream) for stream in streams[:100]))
        assert {connection.outcome(stream) for stream in streams[:100]} == {("status", 200)}
    assert holding(server)["most"] == 100


def test_requests_whose_bodies_are_still_to_come_are_counted_as_they_come(make_server):
    """60 handlers run on streams that the client has reset; 60 requests in one segment are 20 too many."""
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        held = [connection.request(HOLD) for _ in range(60)]
        wait_until(lambda: holding(server)["now"] == 60)
        connection.send(b"".join(reset(stream) for stream in held))
        streams = [connection.open() for _ in range(60)]
        block = Encoder().encode(head(HOLD))
        connection.send(b"".join(block_frames(stream, block, end=False) for stream in streams))
        connection.send(b"".join(frame(DATA, END_STREAM, stream) for stream in streams[:40]))
        outcomes = [connection.outcome(stream) for stream in streams]
    assert holding(server)["most"] == 100
    assert outcomes == [("status", 200)] * 40 + [("reset", REFUSED_STREAM)] * 20


# --- resets --------------------------------------------------------------------------------------

RESETS = {
    "rapid reset": lambda stream: reset(stream),
    "window overflow": lambda stream: window_update(stream, (1 << 31) - 1),
    "WINDOW_UPDATE 0": lambda stream: window_update(stream, 0),
    "DATA behind END_STREAM": lambda stream: frame(DATA, 0, stream, b"a"),
    "HEADERS behind END_STREAM": lambda stream: block_frames(stream, GET),
    "PRIORITY of 4": lambda stream: frame(PRIORITY, 0, stream, b"abcd"),
    "refused streams": lambda stream: b"",
}
MALFORMED = {
    "connection-specific field": (head(HOLD, ("connection", "close")), b""),
    "no path": (head(None), b""),
    "path with a line break": (head("/hold?\r\nX: y"), b""),
    "more than announced": (head(HOLD, ("content-length", "1")), b"ab"),
}


def assert_calmed(server, connection):
    """GOAWAY(ENHANCE_YOUR_CALM) by the limit; or no reset at all, where the first was an error of the connection."""
    farewell = connection.assert_closed(*range(14))
    assert farewell.code == ENHANCE_YOUR_CALM or not any(stream.reset for stream in connection.streams.values()), farewell
    assert farewell.last < 2 * 320, "too late"
    assert holding(server)["most"] <= 100
    server.check()


@pytest.mark.parametrize("tail", RESETS.values(), ids=RESETS.keys())
def test_flood_of_resets_is_calmed(make_server, tail):
    server = make_server()
    with Http2(server) as connection:
        for _ in range(500):
            stream = connection.headers(head(HOLD))
            connection.send(tail(stream))
        assert_calmed(server, connection)


@pytest.mark.parametrize("fields, body", MALFORMED.values(), ids=MALFORMED.keys())
def test_flood_of_malformed_requests_is_calmed(make_server, fields, body):
    server = make_server()
    with Http2(server) as connection:
        for _ in range(500):
            stream = connection.headers(fields, end=not body)
            connection.send(frame(DATA, 0, stream, body) if body else b"")
        assert_calmed(server, connection)


def test_flood_in_the_first_segment_is_calmed_behind_the_preface(make_server):
    """What the server owed before its GOAWAY still comes, its SETTINGS first."""
    server = make_server()
    with Http2(server, preface=False) as connection:
        connection.unacknowledged.append(0)
        block = Encoder().encode(head(HOLD))
        streams = [connection.open() for _ in range(400)]
        connection.send(PREFACE + settings() + b"".join(block_frames(stream, block) for stream in streams))
        assert_calmed(server, connection)
        assert connection.settings


def test_rapid_reset_by_many_connections_leaves_nothing_behind(make_server):
    server = make_server()
    server.check()
    before = server.memory()
    for _ in range(50):
        with Http2(server) as connection:
            for _ in range(300):
                connection.send(reset(connection.headers(head("/slow"))))
            connection.assert_closed(ENHANCE_YOUR_CALM)
    assert server.memory() - before < 16 * MIB
    server.check()


def test_client_may_change_its_mind_now_and_then(server):
    with Http2(server) as connection:
        for _ in range(3):
            for _ in range(50):
                connection.send(reset(connection.request("/slow")))
            connection.exchange("/slow")
        assert connection.exchange().body == b"hello"
        assert not connection.farewells


# --- floods --------------------------------------------------------------------------------------

FLOODS = {     # the n-th frame of each
    "PING": lambda n: frame(PING, payload=n.to_bytes(8, "big")),
    "acknowledgement of PING": lambda n: frame(PING, ACK, 0, b"12345678"),
    "SETTINGS": lambda n: settings(),
    "SETTINGS with values": lambda n: settings((INITIAL_WINDOW, WINDOW + n % 2), (0xFA17, 1)),
    "PRIORITY": lambda n: frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f"),
    "PRIORITY of idle streams": lambda n: frame(PRIORITY, 0, 2 * n + 3, b"\0\0\0\0\x0f"),
    "WINDOW_UPDATE": lambda n: window_update(0, 1),
    "WINDOW_UPDATE of a stream": lambda n: window_update(1, 1),
    "unknown frame": lambda n: frame(0xFA, 0, 0, b"a"),
    "unknown frame of a stream": lambda n: frame(0xFA, 0, 1, b"a"),
    "empty DATA": lambda n: frame(DATA, 0, 1),
    "empty padded DATA": lambda n: frame(DATA, PADDED, 1, b"\0"),
    "RST_STREAM of a closed stream": lambda n: reset(1),
}
EARLIER = ("DATA", "RST_STREAM", "SETTINGS")     # these may have smaller limits of their own


def flood(connection, make, frames):
    """Sends so many frames, and reads between; returns how many it took until the server had enough."""
    for sent in range(0, frames, 200):
        if connection.farewells or connection.ended:
            return sent
        connection.send(b"".join(make(n) for n in range(sent, sent + 200))).drain()
    return frames


@pytest.mark.parametrize("name", FLOODS)
def test_flood_of_frames_is_calmed(server, name):
    server.check()
    before = server.memory()
    with Http2(server) as connection:
        connection.headers(head("/echo", method="POST"), end=False)
        connection.unacknowledged += [0] * 25_000
        sent = flood(connection, FLOODS[name], 25_000)
        connection.assert_closed(ENHANCE_YOUR_CALM)
        assert sent > 5_000 or any(word in name for word in EARLIER), "an honest client may send so many"
    assert server.memory() - before < 8 * MIB
    server.check()


@pytest.mark.parametrize("name", ["PING", "SETTINGS", "SETTINGS with values"])
def test_flood_whose_answers_nobody_reads_costs_bounded_memory(impatient, name):
    impatient.check()
    before = impatient.memory()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        connection.settimeout(1)
        try:
            connection.sendall(PREFACE + settings())
            for _ in range(500):
                connection.sendall(b"".join(map(FLOODS[name], range(1000))))
        except OSError:
            pass
        assert impatient.memory() - before < 8 * MIB
        assert_ends(connection)
    impatient.check()


def assert_ends(connection):
    connection.settimeout(4)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


def test_requests_whose_answers_nobody_reads_cost_bounded_memory(impatient):
    impatient.check()
    before = impatient.memory()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        block = Encoder().encode(head("/stream?bytes=10000000&piece=65536"))
        connection.sendall(PREFACE + settings((INITIAL_WINDOW, (1 << 31) - 1)) + window_update(0, (1 << 31) - 1 - WINDOW))
        connection.sendall(b"".join(block_frames(stream, block) for stream in range(1, 200, 2)))
        time.sleep(0.5)
        assert impatient.memory() - before < 24 * MIB
        time.sleep(1.5)
        assert_ends(connection)
    impatient.check()


def test_fifty_empty_data_in_a_row_are_fine(server):
    with Http2(server) as connection:
        stream = connection.headers(head("/echo", method="POST"), end=False)
        for piece in (b"hel", b"lo"):
            connection.send(frame(DATA, 0, stream) * 50)
            connection.send_body(stream, piece, end=False)
        connection.send_body(stream, b"")
        assert connection.response(stream).body == b"hello"


def test_three_thousand_pieces_of_a_byte_are_fine(server):
    with Http2(server) as connection:
        stream = connection.headers(head("/echo", method="POST"), end=False)
        connection.send_body(stream, b"ab" * 1500, piece=1)
        assert connection.response(stream).body == b"ab" * 1500
