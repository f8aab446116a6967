"""RFC 9113 3 to 6: the preface, framing, stream identifiers, SETTINGS, and RFC 7541's errors. FEATURES H3, H4."""

import struct
import time

import pytest
from hpack import Encoder

from support.frames import (
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, END_HEADERS, END_STREAM,
    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW, MAX_FRAME, MAX_STREAMS, NO_ERROR, PADDED, PING,
    PREFACE, PRIORITISED, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW, WINDOW_UPDATE,
    block_frames, frame, head, reset, settings, window_update)
from support.http1 import Connection, get
from support.http2 import Http2

# Blocks that hang on no dynamic table, for frames that are put together here.
GET, HOLD, POST = (Encoder().encode(head(path, method=method)) for path, method in (
    ("/hello", "GET"), ("/hold?milliseconds=300", "GET"), ("/echo", "POST")))
OPEN = block_frames(1, POST, end=False)
HELD = block_frames(1, HOLD)
UNFINISHED = frame(HEADERS, END_STREAM, 1, GET[:5])
BIG = b"a" * 16_385


def with_streams(server, data):
    connection = Http2(server)
    for stream in (1, 2, 3, 5):
        connection.open(stream, "GET")
    connection.unacknowledged.append(0)
    return connection.send(data)


# --- preface -------------------------------------------------------------------------------------

def test_settings_come_first_and_are_acknowledged(server):
    with Http2(server, (MAX_STREAMS, 0), (0xFA17, 7)) as connection:
        for _ in range(3):
            connection.announce((ENABLE_PUSH, 0))
        connection.wait(lambda: not connection.unacknowledged)
        assert connection.settings[ENABLE_CONNECT_PROTOCOL] == 1 and connection.settings[MAX_STREAMS] == 100
        assert connection.settings.get(INITIAL_WINDOW, WINDOW) == WINDOW


@pytest.mark.parametrize("cuts", [[3], [14], [18], [23], [24], [30], range(1, 90)], ids=str)
def test_preface_in_pieces(server, cuts):
    data = PREFACE + settings((INITIAL_WINDOW, WINDOW)) + block_frames(1, GET)
    with Http2(server, preface=False) as connection:
        connection.unacknowledged.append(0)
        connection.open(1)
        for start, end in zip([0, *cuts], [*cuts, len(data)]):
            connection.send(data[start:end])
            time.sleep(0.002)
        assert connection.response(1).body == b"hello"


@pytest.mark.parametrize("data", [
    PREFACE[:18] + b"XX\r\n\r\n" + settings(), PREFACE.replace(b"2.0", b"2.1"), PREFACE.lower(), b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
    get("/hello") + PREFACE + settings()], ids=repr)
def test_what_is_no_preface_is_refused(server, data):
    with Connection(server) as connection:
        connection.send(data)
        if data.startswith(b"GET"):
            assert connection.response().body == b"hello"
        answer = connection.rest()
        assert not answer or answer[:9] == b"HTTP/1.1 " and answer[9:12] in (b"400", b"501", b"505"), answer
    server.check()


def test_first_frame_must_be_settings(server):
    with Http2(server, preface=False) as connection:
        connection.send(PREFACE + frame(PING, payload=b"12345678") + settings())
        connection.assert_closed(PROTOCOL_ERROR)
    server.check()


@pytest.mark.parametrize("data", [PREFACE[:10], PREFACE, PREFACE + settings()[:5]], ids=["half a preface", "no SETTINGS", "half SETTINGS"])
def test_preface_without_settings_is_closed_in_time(impatient, data):
    with Http2(impatient, preface=False) as connection:
        connection.acknowledges = False
        start = time.monotonic()
        connection.send(data)
        connection.wait(lambda: False)
        assert 0.5 < time.monotonic() - start < 3
    impatient.check()


def test_settings_that_are_never_acknowledged_are_no_reason_to_hang(impatient):
    """RFC 9113 6.5.3: such a peer may be closed, SETTINGS_TIMEOUT; it is answered until then."""
    with Http2(impatient) as connection:
        connection.acknowledges = False
        assert connection.exchange("/hello").body == b"hello"
        connection.wait(lambda: False)
    impatient.check()


def test_http_1_1_is_spoken_on_the_same_port(server):
    with Http2(server) as second, Connection(server) as first:
        for _ in range(3):
            assert second.exchange("/hello").body == b"hello"
            assert first.send(get("/hello")).response().body == b"hello"


def test_switched_off_http2_is_refused(make_server):
    server = make_server("--no-http2")
    with Connection(server) as connection:
        answer = connection.send(PREFACE + settings() + block_frames(1, GET)).rest()
        assert not answer or answer[:9] == b"HTTP/1.1 " and answer[9:12] in (b"400", b"505"), answer
    server.check()


# --- what is taken -------------------------------------------------------------------------------

TAKEN = {
    "unknown frame": frame(0xFA, 0xFF, 0, b"anything") + frame(0x0B, 0, 1, b""),
    "unknown setting": settings((0xFFFF, 0xFFFFFFFF), (0, 0), (0x7FFF, 1)),
    "reserved bit": frame(PING, 0, 1 << 31, b"12345678"),
    "unknown flags": frame(PING, 0xFE, 0, b"12345678") + frame(SETTINGS, 0xFE),
    "unasked acknowledgement of a PING": frame(PING, ACK, 0, b"12345678"),
    "PRIORITY of idle streams": frame(PRIORITY, 0, 3, b"\0\0\0\0\x0f") + frame(PRIORITY, 0, 9, b"\x80\0\0\x03\xff"),
    "PRIORITY_UPDATE": frame(0x10, 0, 0, b"\0\0\0\1u=1"),
    "largest windows": window_update(0, (1 << 31) - 1 - WINDOW) + settings((INITIAL_WINDOW, (1 << 31) - 1), (MAX_FRAME, (1 << 24) - 1)),
    "empty table": settings((1, 0)),
    "500 PINGs": frame(PING, payload=b"12345678") * 500,
}


@pytest.mark.parametrize("data", TAKEN.values(), ids=TAKEN.keys())
def test_lawful_frames_disturb_nothing(server, data):
    with Http2(server) as connection:
        connection.unacknowledged += [0, 0]
        connection.send(data)
        for _ in range(2):
            assert connection.exchange("/hello").body == b"hello"
        assert not connection.farewells


def test_ping_is_answered_with_its_payload(server):
    with Http2(server) as connection:
        connection.send(frame(PING, payload=b"\0\xffparley"))
        while (got := connection.next_frame()).kind != PING:
            pass
        assert got == (PING, ACK, 0, b"\0\xffparley")


def test_padding_and_priority_are_taken_off(server):
    with Http2(server) as connection:
        connection.open(1, "POST")
        connection.send(frame(HEADERS, END_HEADERS | PADDED | PRIORITISED, 1, b"\x07" + b"\0\0\0\0\x10" + POST + bytes(7)))
        connection.send(frame(DATA, PADDED, 1, b"\x03hel" + bytes(3)) + frame(DATA, PADDED, 1, b"\xff" + bytes(255)))
        connection.send(frame(DATA, PADDED | END_STREAM, 1, b"\0lo"))
        assert connection.response(1).body == b"hello"


@pytest.mark.parametrize("count", [2, 5, 17])
def test_header_blocks_in_pieces_are_joined(server, count):
    with Http2(server) as connection:
        block = connection.encoder.encode(head("/query?a=1", ("x-note", "b" * 50)))
        connection.send(block_frames(connection.open(), block, size=-(-len(block) // count)))
        assert connection.response(1).body == b'{"a":"1"}'


# --- connection errors ---------------------------------------------------------------------------

SIZES = {
    "PING of 7": frame(PING, payload=b"a" * 7),
    "PING of 9": frame(PING, payload=b"a" * 9),
    "RST_STREAM of 3": OPEN + frame(RST_STREAM, 0, 1, b"abc"),
    "RST_STREAM of 5": OPEN + frame(RST_STREAM, 0, 1, b"abcde"),
    "WINDOW_UPDATE of 3": frame(WINDOW_UPDATE, payload=b"abc"),
    "WINDOW_UPDATE of 5": OPEN + frame(WINDOW_UPDATE, 0, 1, b"abcde"),
    "SETTINGS of 5": frame(SETTINGS, payload=b"abcde"),
    "SETTINGS acknowledged with a payload": frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\1"),
    "GOAWAY of 7": frame(GOAWAY, payload=b"a" * 7),
    "DATA of 16,385": OPEN + frame(DATA, 0, 1, BIG),
    "HEADERS of 16,385": frame(HEADERS, END_HEADERS, 1, BIG),
    "SETTINGS of 16,386": frame(SETTINGS, payload=b"\0\1\0\0\0\1" * 2731),
    "unknown frame of 16,385": frame(0xFA, payload=BIG),
    "2^24 - 1 announced": OPEN + frame(DATA, 0, 1, length=(1 << 24) - 1),
    "HEADERS cut inside the priority": frame(HEADERS, END_HEADERS | PRIORITISED, 1, b"\0\0"),
}
STREAMS = {
    **{f"{name} on stream 0": frame(kind, flags, 0, payload) for name, kind, flags, payload in (
        ("DATA", DATA, 0, b"a"), ("HEADERS", HEADERS, END_HEADERS, GET), ("PRIORITY", PRIORITY, 0, b"\0\0\0\1\0"),
        ("RST_STREAM", RST_STREAM, 0, b"\0\0\0\0"), ("CONTINUATION", CONTINUATION, END_HEADERS, GET))},
    **{f"{name} on a stream": OPEN + frame(kind, 0, 1, payload) for name, kind, payload in (
        ("SETTINGS", SETTINGS, b""), ("PING", PING, b"12345678"), ("GOAWAY", GOAWAY, bytes(8)))},
    **{f"{name} on an idle stream": frame(kind, 0, 5, payload) for name, kind, payload in (
        ("DATA", DATA, b"a"), ("RST_STREAM", RST_STREAM, bytes(4)), ("WINDOW_UPDATE", WINDOW_UPDATE, b"\0\0\0\1"))},
    "even stream": block_frames(2, GET),
    "going backwards": block_frames(5, GET) + block_frames(3, GET),
    "PUSH_PROMISE": OPEN + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET),
    "CONTINUATION without HEADERS": OPEN + frame(CONTINUATION, END_HEADERS, 1, GET),
    "HEADERS padded beyond the end": frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + GET),
    "DATA padded without a length": OPEN + frame(DATA, PADDED, 1),
    "DATA padded beyond the end": OPEN + frame(DATA, PADDED, 1, b"\x05abcd"),
    **{f"{name} inside a header block": UNFINISHED + data for name, data in (
        ("PING", frame(PING, payload=b"12345678")), ("DATA", frame(DATA, 0, 1, b"a")), ("HEADERS", block_frames(3, GET)),
        ("HEADERS of the stream", frame(HEADERS, END_HEADERS, 1, GET[5:])), ("unknown frame", frame(0xFA, 0, 1)),
        ("CONTINUATION of another stream", frame(CONTINUATION, END_HEADERS, 3, GET[5:])), ("SETTINGS", settings()),
        ("PRIORITY", frame(PRIORITY, 0, 1, b"\0\0\0\3\0")), ("RST_STREAM", reset(1)))},
    "WINDOW_UPDATE 0 of the connection": window_update(0, 0),
    "ENABLE_PUSH 2": settings((ENABLE_PUSH, 2)),
    "ENABLE_CONNECT_PROTOCOL 2": settings((ENABLE_CONNECT_PROTOCOL, 2)),
    "MAX_FRAME_SIZE 16,383": settings((MAX_FRAME, 16_383)),
    "MAX_FRAME_SIZE 2^24": settings((MAX_FRAME, 1 << 24)),
}
WINDOWS = {
    "INITIAL_WINDOW_SIZE 2^31": settings((INITIAL_WINDOW, 1 << 31)),
    "connection window above 2^31 - 1": window_update(0, (1 << 31) - 1) * 2,
}
COMPRESSION = {
    "index 0": b"\x80",
    "index beyond the tables": GET + b"\xff\x80\x01",
    "name beyond the tables": GET + b"\x7f\x80\x01\x01a",
    "integer without end": b"\xff" * 12,
    "integer above 2^32": b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "string beyond the block": GET + b"\x40\x0aab",
    "cut": GET[:-1],
    "table above its limit": b"\x3f\xe2\xff\x03" + GET,
    "table size behind a field": GET + b"\x20",
    "Huffman padding of zeros": GET + b"\x40\x01a\x81\x18",
    "Huffman padding of 11 bits": GET + b"\x40\x01a\x82\x1f\xff",
    "Huffman end of string": GET + b"\x40\x01a\x84\xff\xff\xff\xff",
}
ERRORS = {
    **{name: (data, FRAME_SIZE_ERROR) for name, data in SIZES.items()},
    **{name: (data, PROTOCOL_ERROR) for name, data in STREAMS.items()},
    **{name: (data, FLOW_CONTROL_ERROR) for name, data in WINDOWS.items()},
    **{name: (block_frames(1, block), COMPRESSION_ERROR) for name, block in COMPRESSION.items()},
}


@pytest.mark.parametrize("data, code", ERRORS.values(), ids=ERRORS.keys())
def test_connection_error_closes_with_its_code(server, data, code):
    with with_streams(server, data) as connection:
        connection.assert_closed(code)
    server.check()


@pytest.mark.parametrize("name", ["PING of 7", "even stream", "index 0", "connection window above 2^31 - 1"])
def test_connection_error_byte_by_byte(server, name):
    with with_streams(server, b"") as connection:
        connection.send(ERRORS[name][0], piecewise=True)
        connection.assert_closed(ERRORS[name][1])
    server.check()


# --- stream errors -------------------------------------------------------------------------------

STREAM_ERRORS = {
    "PRIORITY of 4": (HELD + frame(PRIORITY, 0, 1, b"abcd"), FRAME_SIZE_ERROR),
    "WINDOW_UPDATE 0": (HELD + window_update(1, 0), PROTOCOL_ERROR),
    "window above 2^31 - 1": (HELD + window_update(1, (1 << 31) - 1), FLOW_CONTROL_ERROR),
    "window above 2^31 - 1 by SETTINGS": (
        HELD + window_update(1, (1 << 31) - 1 - WINDOW) + settings((INITIAL_WINDOW, WINDOW + 1)), FLOW_CONTROL_ERROR),
    "DATA behind END_STREAM": (HELD + frame(DATA, 0, 1, b"a"), STREAM_CLOSED),
    "HEADERS behind END_STREAM": (HELD + frame(HEADERS, END_HEADERS | END_STREAM, 1, GET), STREAM_CLOSED),
    "CONTINUATION behind END_STREAM": (HELD + frame(CONTINUATION, END_HEADERS, 1, GET), (STREAM_CLOSED, PROTOCOL_ERROR)),
}


@pytest.mark.parametrize("data, code", STREAM_ERRORS.values(), ids=STREAM_ERRORS.keys())
def test_stream_error_ends_the_stream_or_the_connection(server, data, code):
    """RFC 9113 5.4.1: an endpoint may treat a stream error as a connection error."""
    with with_streams(server, data) as connection:
        record = connection.streams[1]
        connection.wait(lambda: record.reset is not None or connection.farewells or record.ended)
        got = record.reset if record.reset is not None else connection.farewells and connection.farewells[-1].code
        assert got in (code if isinstance(code, tuple) else (code,)), (got, record.fields)
        if record.reset is not None:
            assert connection.exchange("/hello").body == b"hello"
    server.check()


@pytest.mark.parametrize("kind", ["DATA", "HEADERS"])
def test_frames_of_a_reset_stream_are_ignored(server, kind):
    """They may have been under way. RFC 9113 5.1 lets a server close the connection for them too, which nobody would like."""
    with Http2(server) as connection:
        for _ in range(20):
            stream = connection.headers(head("/echo", method="POST"), end=False)
            connection.send(reset(stream))
            if kind == "DATA":
                connection.send(frame(DATA, END_STREAM, stream, b"late"))
            else:
                connection.trailers(stream, *head("/hello"))
        assert connection.exchange("/hello").body == b"hello"
        assert not any(stream.fields for stream in list(connection.streams.values())[:-1])
    server.check()


def test_goaway_of_the_client_ends_the_connection_after_its_answers(server):
    with Http2(server) as connection:
        stream = connection.request("/hold?milliseconds=200")
        connection.send(frame(GOAWAY, payload=struct.pack("!II", 0, NO_ERROR) + b"enough"))
        assert connection.response(stream).status == 200
        connection.wait(lambda: False)
    server.check()
