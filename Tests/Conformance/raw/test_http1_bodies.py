"""RFC 9112 6 and 7: framing. LIMITS "HTTP/1.1", rows 7 to 12."""

import pytest

from support.http1 import Connection, assert_refused, assert_sending_fails, exchange, get, post

PIECES = pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte-by-byte"])
CHUNKED = "Transfer-Encoding: chunked"


def chunked(body, *fields, path="/echo", coding="chunked"):
    return get(path, f"Transfer-Encoding: {coding}", *fields, method="POST") + (
        body.encode("latin-1") if isinstance(body, str) else body)


def test_body_with_length_is_echoed(server):
    assert exchange(server, post("/echo", "hello")).body == b"hello"


@PIECES
def test_chunked_body_is_echoed(server, piecewise):
    with Connection(server) as connection:
        connection.send(chunked("5\r\nhello\r\n1;x=y\r\n \r\nA\r\n0123456789\r\n00\r\nX-Trailer: a\r\n\r\n"), piecewise)
        assert connection.response().body == b"hello 0123456789"
        connection.send(get("/hello"))
        assert connection.response().body == b"hello"


AMBIGUOUS = {
    "length and coding": ["Content-Length: 5", CHUNKED],
    "coding and length": [CHUNKED, "Content-Length: 5"],
    "two equal lengths": ["Content-Length: 5", "Content-Length: 5"],
    "two lengths": ["Content-Length: 5", "Content-Length: 6"],
    "list of lengths": ["Content-Length: 5, 5"],
    "list of different lengths": ["Content-Length: 5, 6"],
    **{f"length {value!r}": ["Content-Length: " + value] for value in (
        "+0", "-1", "0x0", "0 0", "", "18446744073709551616", "18446744073709551615", "9223372036854775808",
        "5.", "5,", "1_0", "5\t5", "\xb2", "٣".encode().decode("latin-1"), "99999999999999999999999999999999")},
}


@PIECES
@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_length_is_refused(server, lines, piecewise):
    # 2^64 - 1 and 2^63 are numbers, and too large ones: 413 is the other right answer to them.
    statuses = (400, 413) if any(n in lines[0] for n in ("615", "808")) else 400
    assert_refused(server, get("/echo", *lines, method="POST") + b"hello", statuses, piecewise)


@PIECES
def test_transfer_coding_in_http_1_0_is_refused(server, piecewise):
    assert_refused(server, "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   piecewise=piecewise)


@pytest.mark.parametrize("coding, statuses", [
    ("gzip", (501,)), ("identity", (400, 501)), ("unknown", (501,)),
    ("gzip, chunked", (400, 501)), ("chunked, gzip", (400, 501)), ("chunked, chunked", (400, 501)),
    ("\x0bchunked", (400, 501)), ("chunked\x0b", (400, 501)), ("chunked;q=1", (400, 501)), ("", (400, 501)),
    ("xchunked", (501,)), ("chunke", (501,)), ('"chunked"', (400, 501)), ("chun\u212aed".encode().decode("latin-1"), (400, 501)),
], ids=repr)
def test_other_transfer_coding_is_refused(server, coding, statuses):
    assert_refused(server, chunked("0\r\n\r\n", coding=coding), statuses)


def test_chunked_twice_in_two_fields_is_refused(server):
    assert_refused(server, chunked("0\r\n\r\n", CHUNKED), (400, 501))


def test_coding_names_are_case_insensitive(server):
    assert exchange(server, chunked("5\r\nhello\r\n0\r\n\r\n", coding="ChUnKeD")).body == b"hello"


CHUNKS = {
    "0x": "0x3\r\nabc\r\n0\r\n\r\n",
    "plus": "+3\r\nabc\r\n0\r\n\r\n",
    "minus": "-3\r\nabc\r\n0\r\n\r\n",
    "space before": " 3\r\nabc\r\n0\r\n\r\n",
    "space behind": "3 \r\nabc\r\n0\r\n\r\n",
    "empty": "\r\nabc\r\n0\r\n\r\n",
    "empty with extension": ";a=b\r\nabc\r\n0\r\n\r\n",
    "not hexadecimal": "g\r\nabc\r\n0\r\n\r\n",
    "17 digits": "10000000000000003\r\nabc\r\n0\r\n\r\n",
    "21 leading zeros": "0" * 21 + "3\r\nabc\r\n0\r\n\r\n",
    "LF behind the size": "3\nabc\r\n0\r\n\r\n",
    "LF behind the data": "3\r\nabc\n0\r\n\r\n",
    "LF behind the last chunk": "3\r\nabc\r\n0\n\r\n",
    "LF at the end": "3\r\nabc\r\n0\r\n\n",
    "data too long": "3\r\nabcd\r\n0\r\n\r\n",
    "data too short": "3\r\nab\r\n0\r\n\r\n",
    "CR in the extension": "3;a\rb\r\nabc\r\n0\r\n\r\n",
    "LF in the extension": "3;a\nb\r\nabc\r\n0\r\n\r\n",
    "NUL in the extension": "3;a\0b\r\nabc\r\n0\r\n\r\n",
    "underscore": "1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "malformed trailer": "3\r\nabc\r\n0\r\nX A: b\r\n\r\n",
    "folded trailer": "3\r\nabc\r\n0\r\nX-A: b\r\n c\r\n\r\n",
    "trailer without colon": "3\r\nabc\r\n0\r\nX-A\r\n\r\n",
}


@PIECES
@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS.keys())
def test_malformed_chunk_is_refused(server, body, piecewise):
    assert_refused(server, chunked(body), piecewise=piecewise)


def test_largest_chunk_size_is_never_allocated_and_never_complete(server):
    before = server.memory()
    with Connection(server) as connection:
        connection.send(chunked("ffffffffffffffff\r\nabc\r\n0\r\n\r\n") + get("/hello")).finish_sending()
        answer = connection.rest()
        assert b" 200 " not in answer, answer
    assert server.memory() - before < 8 << 20
    server.check()


def test_chunk_extension_line_limit(server):
    assert exchange(server, chunked(f"3;{'a' * 200}\r\nabc\r\n0\r\n\r\n")).body == b"abc"
    assert_refused(server, chunked(f"3;{'a' * 300}\r\nabc\r\n0\r\n\r\n"), 413)


def test_chunk_extension_total_limit(server):
    assert_refused(server, chunked(f"1;{'a' * 240}\r\nx\r\n" * 80 + "0\r\n\r\n"), 413)


def test_endless_chunk_extension_is_cut(server):
    assert_refused(server, chunked("3;" + "a" * 500_000), 413)


def test_trailers_obey_the_header_limits(server):
    assert_refused(server, chunked("0\r\n" + "X-A: b\r\n" * 200 + "\r\n"), 431)
    assert_refused(server, chunked("0\r\nX-A: " + "b" * 40_000 + "\r\n\r\n"), 431)


def test_trailers_never_become_framing_fields(server):
    with Connection(server) as connection:
        connection.send(chunked("3\r\nabc\r\n0\r\nContent-Length: 40\r\nConnection: close\r\nHost: evil\r\n\r\n") + get("/hello"))
        answer = connection.response()
        if answer.status == 400:    # refusing forbidden trailers is right too; using them is not
            connection.assert_ended()
        else:
            assert answer.body == b"abc" and not answer.closes
            assert connection.response().body == b"hello"
    server.check()


def test_100_continue_comes_once_before_the_body(server):
    with Connection(server) as connection:
        connection.send(get("/echo", "Content-Length: 5", "Expect: 100-continue", method="POST"))
        assert connection.response().status == 100
        connection.assert_open(0.1)
        connection.send("hello")
        answer = connection.response()
        assert (answer.status, answer.body) == (200, b"hello")
        connection.send(get("/hello"))
        assert connection.response().body == b"hello"


def test_100_continue_is_omitted_when_the_body_is_there(server):
    answer = exchange(server, post("/echo", "hello", "Expect: 100-continue"))
    assert answer.status in (100, 200)


@pytest.mark.parametrize("path, status", [("/missing", (404, 405)), ("/ignore-body", (200,)), ("/hello", (405,))])
def test_final_answer_without_100_when_the_handler_does_not_read(server, path, status):
    with Connection(server) as connection:
        connection.send(get(path, "Content-Length: 5", "Expect: 100-continue", method="POST"))
        answer = connection.response()
        assert answer.status in status
        if answer.status >= 400:
            assert answer.closes
            connection.assert_ended()
    server.check()


def test_too_large_announced_body_is_refused_without_100(server):
    assert_refused(server, get("/echo", "Content-Length: 2000000", "Expect: 100-continue", method="POST"), 413)


def test_other_expectations_fail(server):
    answer = exchange(server, get("/echo", "Content-Length: 5", "Expect: the-unexpected", method="POST"))
    assert answer.status == 417
    server.check()


def test_collected_body_limit_by_length(server):
    body = b"a" * (1 << 20)
    assert exchange(server, post("/echo", body)).body == body
    assert_refused(server, post("/echo", body + b"a"), 413)


def test_collected_body_limit_by_chunks(server):
    before = server.memory()
    piece = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with Connection(server) as connection:
        connection.send(chunked(piece * 200 + b"0\r\n\r\n"))
        assert connection.response().status == 413
    server.check()
    assert server.memory() - before < 32 << 20


def test_short_unread_body_is_drained(server):
    with Connection(server) as connection:
        connection.send(post("/ignore-body", b"a" * 100_000))
        assert connection.response().status == 200
        connection.send(get("/hello"))
        assert connection.response().body == b"hello"


def test_long_unread_body_gets_its_answer_and_a_lingering_close(server):
    """At most 256 KiB are drained; what comes while the close lingers is thrown away, but not for long."""
    before = server.memory()
    with Connection(server, timeout=8) as connection:
        connection.send(get("/ignore-body", "Content-Length: 1000000000", method="POST"))
        connection.send(b"a" * 200_000)
        assert connection.response().status == 200
        assert_sending_fails(connection, 9)
    assert server.memory() - before < 16 << 20
    server.check()


def test_body_cut_short_by_the_client_leaves_nothing_behind(server):
    for _ in range(20):
        with Connection(server) as connection:
            connection.send(get("/echo", "Content-Length: 5000", method="POST") + b"abc")
    server.check()
