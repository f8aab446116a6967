"""RFC 9110 over HTTP/2: the same answers as over HTTP/1.1, and many at a time. FEATURES H3, H5, H8, H9, H10, H12."""

import json
import socket
import time

import pytest

from support.frames import DATA, END_STREAM, FRAME, INITIAL_WINDOW, NO_ERROR, frame, head
from support.http1 import Connection, get
from support.http2 import Http2
from support.server import stream_bytes

MIB = 1 << 20


@pytest.fixture
def connection(server):
    with Http2(server) as connection:
        yield connection
    server.check()


# --- answers -------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/hello", "/json", "/large", "/hello.txt", "/missing"])
def test_head_is_get_without_the_body(connection, path):
    bare, full = connection.exchange(path, method="HEAD"), connection.exchange(path)
    assert bare.status == full.status and bare.body == b""
    for name in ("content-length", "content-type"):
        assert bare.get(name) == full.get(name)


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body_carry_none(connection, status):
    answer = connection.exchange(f"/status/{status}")
    assert answer.status == status and answer.body == b"" and answer.get("content-length") is None


def test_answers_have_a_date_and_their_length(connection):
    for path, length in (("/hello", "5"), ("/large", str(MIB)), ("/hello.txt", "12"), ("/missing", None)):
        answer = connection.exchange(path)
        assert len(answer.all("date")) == 1 and answer.get("date").endswith(" GMT")
        assert answer.all("content-length") == [length or str(len(answer.body))]


def test_request_as_its_handler_sees_it(connection):
    answer = json.loads(connection.exchange("/request?a=%C3%A9", authority="a.example:81").body)
    assert {name: answer[name] for name in ("method", "scheme", "authority", "path", "query", "version")} == {
        "method": "GET", "scheme": "http", "authority": "a.example:81", "path": "/request", "query": {"a": "é"}, "version": "HTTP/2"}


def test_other_method_is_405_with_allow(connection):
    answer = connection.exchange("/hello", method="DELETE")
    assert answer.status == 405 and "GET" in answer.get("allow")


def test_unknown_method_is_refused_politely(connection):
    assert connection.exchange("/hello", method="BREW").status in (405, 501)


def test_missing_route_is_404(connection):
    assert connection.exchange("/missing").status == 404


def test_errors_are_answered_and_tell_nothing(connection):
    answer = connection.exchange("/throws")
    assert answer.status == 418 and b"short and stout" in answer.body
    answer = connection.exchange("/fails")
    assert answer.status == 500 and b"secret detail" not in answer.body


@pytest.mark.parametrize("kind", ["crlf", "cr", "lf", "nul", "name"])
def test_header_with_line_break_or_nul_injects_nothing(connection, kind):
    """500, or the field's type made spaces of the characters before the server saw them (swift-http-types does)."""
    answer = connection.exchange(f"/bad-header?kind={kind}")
    if answer.status != 500:
        assert answer.status == 200 and kind != "name" and answer.get("x-note").split() == ["a", "Injected:", "yes"]


def test_files_and_ranges(connection):
    data = bytes(range(256)) * 400
    assert connection.exchange("/data.bin").body == data
    answer = connection.exchange("/data.bin", ("range", "bytes=100-199"))
    assert answer.status == 206 and answer.body == data[100:200]
    tag = connection.exchange("/hello.txt").get("etag")
    assert connection.exchange("/hello.txt", ("if-none-match", tag)).status == 304


def test_large_answer_is_whole(connection):
    assert connection.exchange("/large").body == b"x" * MIB


@pytest.mark.parametrize("size, piece", [(0, 1), (1, 1), (1000, 1), (FRAME, FRAME), (100_001, 7000), (20_000_000, 65_536)])
def test_streamed_answer_is_whole(connection, size, piece):
    assert connection.exchange(f"/stream?bytes={size}&piece={piece}", timeout=20).body == stream_bytes(size)


def test_streamed_answer_does_not_wait_for_its_end(server):
    with Http2(server, (INITIAL_WINDOW, 100_000), replenishes=False) as connection:
        stream = connection.request("/stream?bytes=1000000000&piece=1000")
        connection.wait(lambda: len(connection.streams[stream].body) > 50_000)


# --- request bodies ------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, FRAME, FRAME + 1, 65_535, 65_536, 200_000, MIB])
@pytest.mark.parametrize("announced", [False, True], ids=["open", "announced"])
def test_body_is_echoed(connection, size, announced):
    body = stream_bytes(size)
    fields = [("content-length", str(size))] if announced else []
    answer = connection.exchange("/echo", *fields, method="POST", body=body)
    assert (answer.status, answer.body) == (200, body)


def test_body_piece_by_piece(connection):
    stream = connection.headers(head("/echo", method="POST"), end=False)
    for n in range(20):
        connection.send_body(stream, bytes([n]) * n, end=False)
        connection.drain(0.01)
    connection.send_body(stream, b"")
    assert connection.response(stream).body == b"".join(bytes([n]) * n for n in range(20))


@pytest.mark.parametrize("announced", [False, True], ids=["open", "announced"])
def test_body_above_the_limit_is_413(connection, announced):
    fields = [("content-length", str(3 * MIB))] if announced else []
    stream = connection.headers(head("/echo", *fields, method="POST"), end=False)
    connection.send_body(stream, bytes(3 * MIB))
    assert connection.response(stream).status == 413
    assert connection.drain(0.05).streams[stream].reset in (None, NO_ERROR)
    assert connection.exchange().body == b"hello"


def test_100_continue_comes_once_before_the_body(connection):
    stream = connection.headers(head("/echo", ("expect", "100-continue"), ("content-length", "5"), method="POST"), end=False)
    record = connection.streams[stream]
    connection.wait(lambda: record.informational)
    assert record.fields is None
    connection.send_body(stream, b"hello")
    answer = connection.response(stream)
    assert (answer.status, answer.body, answer.informational) == (200, b"hello", [100])


@pytest.mark.parametrize("path, status", [("/missing", 405), ("/ignore-body", 200), ("/hello", 405)])
def test_final_answer_without_100_when_the_handler_does_not_read(connection, path, status):
    stream = connection.headers(head(path, ("expect", "100-continue"), ("content-length", "5"), method="POST"), end=False)
    answer = connection.response(stream)
    assert (answer.status, answer.informational) == (status, [])


def test_other_expectations_fail(connection):
    assert connection.exchange("/echo", ("expect", "the-unexpected"), method="POST", body=b"hello").status == 417


def test_early_answer_to_an_unfinished_upload_is_whole(connection):
    """RFC 9113 8.1: the rest of the body is not wanted, and RST_STREAM(NO_ERROR) says so behind the response."""
    for path, status in (("/ignore-body", 200), ("/hello", 405)):
        stream = connection.headers(head(path, method="POST"), end=False)
        connection.send_body(stream, bytes(30_000), end=False)
        assert connection.response(stream).status == status
        assert connection.drain(0.1).streams[stream].reset in (None, NO_ERROR)
        connection.send(frame(DATA, END_STREAM, stream, b"late"))       # it may have been under way
        connection.window -= 4
        assert connection.exchange().body == b"hello"


def test_answered_upload_that_never_ends_is_ended(connection):
    """As over HTTP/1.1, some of it is drained, for some time: then RST_STREAM(NO_ERROR), and the stream is free."""
    stream = connection.headers(head("/ignore-body", method="POST"), end=False)
    record = connection.streams[stream]
    assert connection.response(stream).status == 200
    connection.wait(lambda: record.reset is not None, 7)
    assert record.reset == NO_ERROR


def test_answered_upload_that_goes_on_is_ended(connection):
    stream = connection.headers(head("/ignore-body", method="POST"), end=False)
    assert connection.response(stream).status == 200
    record = connection.streams[stream]
    record.ended = False        # send_body would stop
    # The server reads on for 5 s: the wait for its next frame must be longer.
    assert connection.send_body(stream, bytes(3 * MIB), end=False, timeout=7) < 2 * MIB and record.reset == NO_ERROR


# --- trailers ------------------------------------------------------------------------------------

def test_trailers_come_behind_the_body(connection):
    answer = connection.exchange("/trailers")
    assert (answer.body, answer.trailers) == (b"body", [("x-checksum", "42")])
    assert connection.exchange("/trailers", method="HEAD").trailers == []


def test_trailers_of_a_request_reach_its_handler(connection):
    for body in (b"", b"hello" * 10_000):
        stream = connection.headers(head("/trailers", ("te", "trailers"), method="POST"), end=False)
        if body:
            connection.send_body(stream, body, end=False)
        connection.trailers(stream, ("x-checksum", "42"), ("x-other", "é".encode()))
        answer = {name.lower(): value for name, value in json.loads(connection.response(stream).body).items()}
        assert answer == {"x-checksum": "42", "x-other": "é"}


def test_trailers_over_http_1_1(server):
    with Connection(server) as connection:
        answer = connection.send(get("/trailers", "TE: trailers", "Connection: TE")).response()
        assert answer.body == b"body" and [(name.lower(), value) for name, value in answer.trailers] == [("x-checksum", "42")]
        connection.send(get("/trailers", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n0\r\nX-Checksum: 42\r\n\r\n")
        assert {name.lower(): value for name, value in json.loads(connection.response().body).items()} == {"x-checksum": "42"}


# --- many at a time ------------------------------------------------------------------------------

def test_slow_answer_holds_up_no_other(connection):
    slow = connection.request("/hold?milliseconds=1000")
    start = time.monotonic()
    for _ in range(50):
        assert connection.exchange().body == b"hello"
    assert time.monotonic() - start < 0.9 and connection.streams[slow].fields is None
    assert connection.response(slow).status == 200


def test_hundred_at_once(connection):
    connection.exchange()
    start = time.monotonic()
    streams = [connection.request("/slow") for _ in range(100)]
    assert all(connection.response(stream).body == b"slow" for stream in streams)
    assert time.monotonic() - start < 2, "one after the other"


def test_thousand_in_turn_leave_no_stream_behind(connection):
    for _ in range(20):
        streams = [connection.request(f"/users/{n}") for n in range(50)]
        assert [connection.response(stream).body for stream in streams] == [str(n).encode() for n in range(50)]


def test_large_answers_share_the_connection(connection):
    """None is starved: each of ten has a part of its bytes before any has all of them."""
    streams = [connection.request("/stream?bytes=2000000&piece=65536") for _ in range(10)]
    records = [connection.streams[stream] for stream in streams]
    connection.wait(lambda: any(record.ended for record in records), 20)
    assert all(len(record.body) > 100_000 for record in records)
    assert all(connection.response(stream, 20).body == stream_bytes(2_000_000) for stream in streams)


def test_interleaved_uploads_keep_apart(connection):
    streams = [connection.headers(head("/upload", method="POST"), end=False) for _ in range(20)]
    for _ in range(30):
        for n, stream in enumerate(streams):
            connection.send_body(stream, bytes([n]) * 1000 * (n + 1), end=False)
    for n, stream in enumerate(streams):
        connection.send_body(stream, b"")
        assert json.loads(connection.response(stream).body) == {"bytes": 30_000 * (n + 1), "sum": 30_000 * (n + 1) * n}


def test_answer_and_upload_at_the_same_time(connection):
    down = connection.request("/stream?bytes=3000000&piece=10000")
    up = connection.request("/upload", method="POST", body=bytes(3_000_000))
    assert json.loads(connection.response(up).body) == {"bytes": 3_000_000, "sum": 0}
    assert connection.response(down).body == stream_bytes(3_000_000)


# --- connections ---------------------------------------------------------------------------------

def test_idle_connection_is_closed_with_goaway(impatient):
    with Http2(impatient) as connection:
        stream = connection.request()
        connection.response(stream)
        start = time.monotonic()
        farewell = connection.assert_closed(NO_ERROR)
        assert 0.5 < time.monotonic() - start < 3 and farewell.last == stream


def test_busy_connection_is_not_idle(impatient):
    with Http2(impatient) as connection:
        assert connection.exchange("/hold?milliseconds=1800").status == 200
        assert not connection.farewells


def test_half_closed_client_is_not_waited_for(server):
    """It can give no window any more: the connection ends, as far as it got."""
    with Http2(server) as connection:
        connection.request("/large")
        connection.finish_sending().wait(lambda: False)
    server.check()


def test_clients_that_vanish_are_forgotten(server):
    for n in range(200):
        with Http2(server) as connection:
            connection.request(["/slow", "/large", "/stream?bytes=10000000&piece=1000"][n % 3])
            connection.headers(head("/upload", method="POST"), end=False)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.check()
