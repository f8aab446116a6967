"""Flow control: windows that the client withholds, and those that the server does. FEATURES H8; LIMITS "HTTP/2"."""

import json
import time

import pytest

from support.frames import (
    CANCEL, DATA, FLOW_CONTROL_ERROR, FRAME, INITIAL_WINDOW, NO_ERROR, PING, WINDOW, frame, head, reset)
from support.http2 import Http2
from support.server import stream_bytes

MIB = 1 << 20
LARGE = (1 << 31) - 1
STREAM = "/stream?bytes=10000000&piece=65536"


def begin_upload(connection, path="/upload"):
    return connection.headers(head(path, method="POST"), end=False)


def synchronised(connection):
    """Everything that was sent has been read, and what came of it is here."""
    connection.send(frame(PING, payload=b"the end?"))
    while (got := connection.next_frame()).kind != PING:
        assert got, "the connection ended"
    return connection.drain(0.05)


# --- what the server withholds -------------------------------------------------------------------

def test_unread_body_withholds_its_window_while_others_go_on(server):
    body = b"\x07" * 300_000
    with Http2(server) as connection:
        connection.exchange()
        slow = begin_upload(connection, "/slow-upload?milliseconds=800")
        record = connection.streams[slow]
        assert connection.send_body(slow, body[:WINDOW], end=False) == WINDOW
        for _ in range(3):
            other = connection.request("/upload", method="POST", body=body)
            assert json.loads(connection.response(other).body) == {"bytes": 300_000, "sum": 2_100_000}
        assert synchronised(connection).streams[slow].window == 0, "the window grew, and nobody had read"
        assert not record.fields
        connection.send_body(slow, body[WINDOW:])
        assert json.loads(connection.response(slow).body) == {"bytes": 300_000, "sum": 2_100_000}


def test_data_beyond_the_window_is_refused(server):
    with Http2(server) as connection:
        connection.exchange()
        stream = begin_upload(connection, "/slow-upload?milliseconds=1000")
        connection.send_body(stream, bytes(WINDOW), end=False)
        connection.send(frame(DATA, 0, stream, b"a"))
        assert connection.outcome(stream) in (("reset", FLOW_CONTROL_ERROR), ("goaway", FLOW_CONTROL_ERROR))
    server.check()


def test_padding_counts_and_is_given_back(server):
    with Http2(server) as connection:
        stream = begin_upload(connection)
        for _ in range(1500):
            connection.wait(lambda: min(connection.window, connection.streams[stream].window) >= 257)
            connection.send(frame(DATA, 8, stream, b"\xff\x01" + bytes(255)))
            connection.window -= 257
            connection.streams[stream].window -= 257
        connection.send_body(stream, b"")
        assert json.loads(connection.response(stream).body) == {"bytes": 1500, "sum": 1500}


@pytest.mark.parametrize("path, code", [("/ignore-body", 200), ("/hello", 405)])
def test_body_that_nobody_reads_gives_the_connection_window_back(server, path, code):
    """12 MB, when the connection's window is 8 MiB."""
    with Http2(server) as connection:
        connection.exchange()
        for _ in range(200):
            stream = begin_upload(connection, path)
            connection.send_body(stream, bytes(60_000))
            assert connection.outcome(stream) in (("status", code), ("reset", NO_ERROR))
        assert connection.exchange("/upload", method="POST", body=bytes(1000)).status == 200


def test_reset_uploads_give_the_connection_window_back(server):
    with Http2(server) as connection:
        connection.exchange()
        for n in range(160):
            stream = begin_upload(connection, "/slow-upload?milliseconds=1")
            connection.send_body(stream, bytes(60_000), end=False)
            connection.send(reset(stream, CANCEL))
            if n % 20 == 0:
                connection.exchange()
        assert connection.exchange("/upload", method="POST", body=bytes(1000)).status == 200


def test_many_unread_bodies_cost_bounded_memory(server):
    """Each holds a stream's window at most, all of them the connection's."""
    server.check()
    before = server.memory()
    with Http2(server) as connection:
        connection.exchange()
        for _ in range(99):
            stream = begin_upload(connection, "/slow-upload?milliseconds=1500")
            connection.send_body(stream, bytes(WINDOW), end=False)
        synchronised(connection)
        assert server.memory() - before < 16 * MIB
    server.check()


def test_body_that_stops_is_cut(impatient):
    """408, or a reset; the connection and its other streams go on."""
    with Http2(impatient) as connection:
        stream = begin_upload(connection)
        connection.send_body(stream, b"abc", end=False)
        start = time.monotonic()
        kind, code = connection.outcome(stream)
        assert 0.4 < time.monotonic() - start < 3
        assert kind == "reset" or code == 408
        assert connection.exchange().body == b"hello"
    impatient.check()


# --- what the client withholds -------------------------------------------------------------------

def feed_nothing(connection, stream, turn):
    pass


def feed_a_byte(connection, stream, turn):
    connection.give(stream, 1)


def toggle(connection, stream, turn):
    connection.announce((INITIAL_WINDOW, turn % 2))


@pytest.mark.parametrize("feed", [feed_nothing, feed_a_byte, toggle])
def test_stalled_stream_is_reset(impatient, feed):
    """Others on the connection go on."""
    with Http2(impatient, (INITIAL_WINDOW, 0), replenishes=False) as connection:
        connection.wait(lambda: not connection.unacknowledged)
        stream = connection.request(STREAM)
        record = connection.streams[stream]
        start = time.monotonic()
        for turn in range(1, 80):
            feed(connection, stream, turn)
            connection.drain(0.05)
            if feed is not toggle:
                other = connection.request("/hello")
                assert connection.give(other, 5).response(other).body == b"hello"
            if record.reset is not None:
                break
        assert record.reset is not None, "still fed a byte at a time"
        assert 0.6 < time.monotonic() - start < 3
        assert len(record.body) < 100
    impatient.check()


def test_stalled_connection_is_closed(impatient):
    """Its window is used up, and given back never; each stream that is reset is followed by the next."""
    with Http2(impatient, (INITIAL_WINDOW, LARGE), replenishes=False) as connection:
        start = time.monotonic()
        while not connection.ended and time.monotonic() - start < 6:
            connection.request(STREAM)
            connection.drain(0.2)
        assert connection.ended and connection.farewells
        assert 1 < time.monotonic() - start < 5
        assert sum(len(stream.body) for stream in connection.streams.values()) == WINDOW
    impatient.check()


def test_connection_window_that_drips_is_closed(impatient):
    with Http2(impatient, (INITIAL_WINDOW, LARGE), replenishes=False) as connection:
        start = time.monotonic()
        while not connection.ended and time.monotonic() - start < 8:
            if not any(stream.reset is None for stream in connection.streams.values()):
                connection.request(STREAM)
            connection.give(0, 1).drain(0.05)
        assert connection.ended and connection.farewells
        assert time.monotonic() - start < 6
    impatient.check()


def test_slow_but_steady_reader_is_served(impatient):
    """3 seconds for 300 KB: longer than every stall limit."""
    with Http2(impatient, (INITIAL_WINDOW, 10_000), replenishes=False) as connection:
        stream = connection.request("/stream?bytes=300000&piece=10000")
        record = connection.streams[stream]
        while not record.ended:
            assert record.reset is None and not connection.farewells
            connection.drain(0.1)
            connection.give(0, 10_000)
            if not record.ended:
                connection.give(stream, 10_000)
        assert bytes(record.body) == stream_bytes(300_000)


def test_stalled_streams_cost_bounded_memory(server):
    """500 answers of 10 MB, of which nothing is taken: 64 KiB for each, and what a stream itself needs."""
    server.check()
    before = server.memory()
    connections = [Http2(server, (INITIAL_WINDOW, 0)) for _ in range(5)]
    for connection in connections:
        for _ in range(100):
            connection.request("/stream?bytes=10000000&piece=1000")
        connection.drain(0.1)
    time.sleep(0.3)
    assert server.memory() - before < 500 * (64 + 24) * 1024
    for connection in connections:
        connection.socket.close()
    server.check()


def test_windows_are_kept_to_the_byte(server):
    with Http2(server, (INITIAL_WINDOW, 0), replenishes=False) as connection:
        connection.wait(lambda: not connection.unacknowledged)
        stream = connection.request("/stream?bytes=200000&piece=7000")
        record = connection.streams[stream]
        for step in (1, 2, 100, FRAME - 1, FRAME, FRAME + 1):
            before = len(record.body)
            connection.give(stream, step)
            connection.wait(lambda: len(record.body) == before + step)
        synchronised(connection)
        total = len(record.body)
        connection.announce((INITIAL_WINDOW, 50))
        connection.wait(lambda: len(record.body) == total + 50)
        connection.announce((INITIAL_WINDOW, 0))     # now 50 below zero
        connection.give(stream, 49)
        synchronised(connection)
        assert len(record.body) == total + 50
        connection.give(stream, 2)
        connection.wait(lambda: len(record.body) == total + 51)
        connection.give(stream, LARGE - 100)
        connection.give(0, LARGE - WINDOW)
        connection.response(stream)
        assert bytes(record.body) == stream_bytes(200_000)
