"""Header lists, CONTINUATION and HPACK: limits of what is decoded, not of what is sent. LIMITS "HTTP/2"."""

import time

import pytest
from hpack import Encoder

from support.frames import (
    CONTINUATION, END_STREAM, ENHANCE_YOUR_CALM, FRAME, HEADERS, block_frames, frame, head)
from support.http2 import Http2

MIB = 1 << 20
KIB = 1 << 10
BOMB = b"\x40\x01x\x7f\xa1\x1e" + b"a" * 4000       # inserts `x: aaa...`, which 0xbe then names in a byte


def sized(total):
    """A request whose fields have that size decoded, 32 bytes for each included."""
    fields = head("/query?a=1")
    left = total - sum(len(name) + len(value) + 32 for name, value in fields)
    sizes = [8000] * (left // 8000) + [left % 8000]
    return fields + [(f"x-{n:03}", "b" * (size - 37)) for n, size in enumerate(sizes)]


def sent(server, fields=None, block=None):
    """A connection, and how the request ended."""
    connection = Http2(server)
    stream = connection.open()
    connection.send(block_frames(stream, connection.encoder.encode(fields) if fields else block))
    return connection, connection.outcome(stream)


def assert_taken(server, **request):
    assert sent(server, **request)[1] == ("status", 200)


def assert_too_large(server, **request):
    """431, and the connection goes on."""
    connection, outcome = sent(server, **request)
    assert outcome == ("status", 431)
    assert connection.exchange().body == b"hello"


def assert_calmed(server, **request):
    before = server.memory()
    connection, outcome = sent(server, **request)
    assert outcome == ("goaway", ENHANCE_YOUR_CALM)
    connection.assert_closed(ENHANCE_YOUR_CALM)
    assert server.memory() - before < 4 * MIB
    server.check()


def test_size_of_the_header_list(server):
    assert_taken(server, fields=sized(31 * KIB))
    assert_too_large(server, fields=sized(33 * KIB))
    assert_too_large(server, fields=sized(120 * KIB))
    assert_calmed(server, fields=sized(140 * KIB))


def test_size_of_a_field(server):
    assert_taken(server, fields=head("/hello", ("x-note", "b" * 15 * KIB)))
    assert_too_large(server, fields=head("/hello", ("x-note", "b" * 17 * KIB)))


@pytest.mark.parametrize("field", [("x", ""), ("cookie", "a=b"), ("accept-encoding", "gzip, deflate")], ids=["tiny", "cookie", "static"])
def test_number_of_fields(server, field):
    assert_taken(server, fields=head("/hello", *[field] * 95))
    assert_too_large(server, fields=head("/hello", *[field] * 110))
    assert_too_large(server, fields=head("/hello", *[field] * 950))
    assert_calmed(server, fields=head("/hello", *[field] * 1100))


def test_names_of_the_tables_count_as_what_they_stand_for(server):
    """The HPACK bomb: a byte names 4 KB."""
    start = Encoder().encode(head())
    assert_taken(server, block=start + BOMB + b"\xbe" * 6)
    assert_too_large(server, block=start + BOMB + b"\xbe" * 9)
    assert_calmed(server, block=start + BOMB + b"\xbe" * 12_000)
    assert_calmed(server, block=start + BOMB + b"\xbe" * 16 * FRAME)
    assert_calmed(server, block=start + b"\x90" * 12_000)


def test_refused_header_list_leaves_the_compression_right(server):
    """What a refused request put into the table, the next one may name."""
    with Http2(server) as connection:
        for fields in (sized(100 * KIB), head("/query?a=1", *[("x-y", "z")] * 500)):
            assert connection.response(connection.headers(fields)).status == 431
            connection.headers(head("/query?late=1"))
            assert connection.exchange("/query?a=1", ("x-y", "z")).body == b'{"a":"1"}'


@pytest.mark.parametrize("count", [150, 1100])
def test_trailers_obey_the_limits(server, count):
    with Http2(server) as connection:
        stream = connection.headers(head("/trailers", method="POST"), end=False)
        connection.trailers(stream, *[("x", "y")] * count)
        kind, code = connection.outcome(stream)
        assert (kind, code) == ("goaway", ENHANCE_YOUR_CALM) if count > 1000 else kind == "reset" or code == 431
    server.check()


# --- CONTINUATION --------------------------------------------------------------------------------

@pytest.mark.parametrize("payload", [b"", b"\x90", b"\x40\x01a\x01b" * 3000, BOMB], ids=["empty", "a byte", "full", "bomb"])
def test_flood_of_continuations_is_calmed(server, payload):
    before = server.memory()
    with Http2(server) as connection:
        connection.open()
        connection.send(frame(HEADERS, END_STREAM, 1, connection.encoder.encode(head())))
        for _ in range(200):
            connection.send(frame(CONTINUATION, 0, 1, payload) * 100).drain()
            if connection.farewells or connection.ended:
                break
        connection.assert_closed(ENHANCE_YOUR_CALM)
    assert server.memory() - before < 4 * MIB
    server.check()


def continued(connection, continuations):
    """A lawful request in one HEADERS and so many CONTINUATION."""
    block = connection.encoder.encode(head("/query?a=1", ("x-note", "b" * 2000)))
    return block_frames(connection.open(), block, size=-(-len(block) // (continuations + 1)))


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte-by-byte"])
def test_sixteen_continuations_are_fine_and_more_are_not(server, piecewise):
    with Http2(server) as connection:
        assert connection.send(continued(connection, 16), piecewise).response(1).body == b'{"a":"1"}'
    with Http2(server) as connection:
        connection.send(continued(connection, 18), piecewise)
        connection.assert_closed(ENHANCE_YOUR_CALM)
    server.check()


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "dripping"])
def test_header_block_without_end_is_cut_by_an_absolute_limit(impatient, drip):
    with Http2(impatient) as connection:
        connection.exchange()
        connection.open()
        start = time.monotonic()
        connection.send(frame(HEADERS, END_STREAM, 3, b"\x82") + frame(CONTINUATION, 0, 3, length=5000))
        while drip and not connection.ended and time.monotonic() - start < 4:
            connection.send(b"\x90").drain(0.05)
        connection.wait(lambda: False)
        assert 0.4 < time.monotonic() - start < 3
    impatient.check()
