"""RFC 9113 8: malformed requests and smuggling, lengths, CONNECT, and RFC 8441's errors. LIMITS "HTTP/2"."""

import json

import pytest

from support.frames import DATA, END_HEADERS, HEADERS, PROTOCOL_ERROR, extended, frame, head
from support.http2 import Http2

MALFORMED = ("reset", PROTOCOL_ERROR)


def outcome(server, fields, end=True, behind=b""):
    """How a request of these fields ends; the connection must go on whatever they are."""
    with Http2(server) as connection:
        stream = connection.headers(fields, end)
        connection.send(behind)
        result = connection.outcome(stream)
        assert connection.exchange("/hello").body == b"hello"
    server.check()
    return result


def assert_malformed(server, fields, *statuses, **options):
    assert outcome(server, fields, **options) in {MALFORMED, *(("status", status) for status in statuses or (400,))}


def replaced(name, *values):
    """A request whose pseudo-header field has these values: none, another, or several."""
    fields = []
    for key, value in head("/request"):
        fields += [(key, value)] if key != name else [(name, value) for value in values]
    return fields


# --- fields --------------------------------------------------------------------------------------

VALUES = {
    "CR": b"a\rb", "LF": b"a\nb", "CRLF": b"a\r\nX-Smuggled: yes", "NUL": b"a\0b", "bell": b"a\x07b", "DEL": b"a\x7fb",
    "leading space": b" a", "trailing space": b"a ", "leading tab": b"\ta", "trailing tab": b"a\t",
}
NAMES = {
    "upper case": b"X-Note", "one upper case letter": b"x-notE", "space": b"x note", "colon": b"x:note", "empty": b"",
    "CR": b"x\rnote", "LF": b"x\nnote", "NUL": b"x\0note", "trailing space": b"x-note ", "non-ASCII": b"x-n\xc3\xb6te",
    "parenthesis": b"x(note)", "DEL": b"x\x7f",
}
CONNECTION = [("connection", "close"), ("connection", "x-note"), ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"),
              ("transfer-encoding", "chunked"), ("upgrade", "websocket"), ("te", "gzip"), ("te", "trailers, gzip")]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_malformed_value_is_refused(server, value):
    assert_malformed(server, head("/request", ("x-note", value)))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_malformed_name_is_refused(server, name):
    assert_malformed(server, head("/request", (name, "a")))


@pytest.mark.parametrize("field", CONNECTION, ids=": ".join)
def test_connection_specific_field_is_refused(server, field):
    assert_malformed(server, head("/request", field))


@pytest.mark.parametrize("value", [b"", b"b\tc", b"\xe4\xff\x80", b'"quoted, \\" text"', b"a:b"], ids=repr)
def test_lawful_values_are_taken(server, value):
    assert outcome(server, head("/request", ("x-note", value), ("te", "trailers"))) == ("status", 200)


# --- pseudo-header fields ------------------------------------------------------------------------

PSEUDO = {
    **{f"no {name}": replaced(name) for name in (":method", ":path", ":scheme", ":authority")},
    **{f"empty {name}": replaced(name, "") for name in (":method", ":path", ":scheme", ":authority")},
    **{f"two {name}": replaced(name, value, value) for name, value in head("/request")},
    "unknown one": head("/request") + [(":unknown", "a")],
    ":status": head("/request") + [(":status", "200")],
    ":Method": [(":Method", "GET")] + replaced(":method"),
    "behind a regular field": [("x-note", "a")] + head("/request"),
    "last behind a regular field": replaced(":path") + [("x-note", "a"), (":path", "/request")],
    **{f"path {path!r}": replaced(":path", path) for path in (
        b"request", b"http://localhost/request", b"*", b"/request#fragment", b"/request#", b"/a b", b"/a\tb", b"/request HTTP/1.1\r\nX-A: b",
        b"/a\0", b"/a\rb", b"/a\nb", b"/a\x7f", b"/caf\xc3\xa9", b" /request", b"/request ", b"?a")},
    **{f"method {method!r}": replaced(":method", method) for method in (
        b"GET ", b" GET", b"GET /hello HTTP/1.1\r\nX: y", b"G\0ET", b"GE T", b"GET\r", b"G(ET)", b"\xc3\x89")},
    **{f"authority {value!r}": replaced(":authority", value) for value in (
        b"user@localhost", b"user:password@localhost", b"@localhost", b"localhost/", b"localhost:99999", b"localhost:8x", b"local host",
        b"localhost#", b"localhost?a", b"localhost\r\nX: y", b"a\0", b"a, b", b"[::1", b"local\\host")},
    **{f"scheme {value!r}": replaced(":scheme", value) for value in (b"ht tp", b"http:", b"1http", b"http\r\nX: y", b"h\0")},
    "host of another name": head("/request", ("host", "elsewhere")),
    "host of another port": head("/request", ("host", "localhost:81")),
    "host with a user": replaced(":authority") + [("host", "user@localhost")],
    "two hosts": replaced(":authority") + [("host", "localhost"), ("host", "localhost")],
    "empty host": replaced(":authority") + [("host", "")],
}


@pytest.mark.parametrize("fields", PSEUDO.values(), ids=PSEUDO.keys())
def test_malformed_request_is_refused(server, fields):
    assert_malformed(server, fields)


@pytest.mark.parametrize("path", [b"/x\r\ny", b"/x y", b"/x#y"])
def test_malformed_request_starts_no_handler(server, path):
    """What follows it on the connection is a request of its own, and untouched by it."""
    with Http2(server) as connection:
        connection.headers(replaced(":path", path))
        answer = json.loads(connection.exchange("/request").body)
        assert (answer["path"], answer["authority"]) == ("/request", "localhost")


def test_host_stands_in_for_the_authority(server):
    with Http2(server) as connection:
        for fields in (replaced(":authority") + [("host", "a.example:81")], head("/request", ("host", "a.example:81"), authority="a.example:81")):
            assert json.loads(connection.response(connection.headers(fields)).body)["authority"] == "a.example:81"


def test_asterisk_is_for_options(server):
    assert outcome(server, head("*", method="OPTIONS"))[1] in (200, 204, 404)


# --- lengths -------------------------------------------------------------------------------------

def upload(length, *frames):
    """A request on stream 1 that announces a length, and what follows its fields."""
    return head("/echo", ("content-length", length), method="POST"), b"".join(frames)


MISMATCHES = {
    "too little": upload("6", frame(DATA, 1, 1, b"hello")),
    "too much": upload("4", frame(DATA, 1, 1, b"hello")),
    "too much before the end": upload("4", frame(DATA, 0, 1, b"hello")),
    "nothing": upload("5", frame(DATA, 1, 1)),
    "too much of nothing": upload("0", frame(DATA, 1, 1, b"a")),
    "too little in two": upload("7", frame(DATA, 0, 1, b"hel"), frame(DATA, 1, 1, b"lo")),
    "2^63": upload("9223372036854775808", frame(DATA, 1, 1, b"hello")),
    **{repr(value): upload(value, frame(DATA, 1, 1, b"hello")) for value in ("+5", "-1", "0x5", "5 5", "5, 5", "", "5.", "18446744073709551621")},
}


@pytest.mark.parametrize("fields, behind", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_length_that_the_body_does_not_have_is_refused(server, fields, behind):
    """2^63 and more may also be answered as too large."""
    statuses = (400, 413) if len(dict(fields)["content-length"]) > 18 else (400,)
    assert_malformed(server, fields, *statuses, end=False, behind=behind)


def test_length_without_a_body_is_refused(server):
    assert_malformed(server, upload("5")[0])
    assert outcome(server, upload("0")[0]) == ("status", 200)


def test_two_lengths_are_refused(server):
    assert_malformed(server, upload("5")[0] + [("content-length", "5")], end=False, behind=frame(DATA, 1, 1, b"hello"))


TRAILERS = {
    "pseudo-header field": [(":path", "/hello")], "upper case": [("X-A", "b")], "connection-specific": [("connection", "close")],
    "line break": [("x-a", "b\r\nc")], "empty name": [("", "b")],
}


@pytest.mark.parametrize("trailers", TRAILERS.values(), ids=TRAILERS.keys())
def test_malformed_trailers_are_refused(server, trailers):
    with Http2(server) as connection:
        stream = connection.headers(head("/echo", method="POST"), end=False)
        connection.send_body(stream, b"hello", end=False)
        connection.trailers(stream, *trailers)
        assert connection.outcome(stream) in (MALFORMED, ("status", 400))
        assert connection.exchange("/hello").body == b"hello"
    server.check()


def test_trailers_that_do_not_end_the_stream_are_refused(server):
    with Http2(server) as connection:
        stream = connection.headers(head("/echo", method="POST"), end=False)
        connection.send_body(stream, b"hello", end=False)
        connection.send(frame(HEADERS, END_HEADERS, stream, connection.encoder.encode([("x-a", "b")])))
        assert connection.outcome(stream) in (MALFORMED, ("status", 400), ("goaway", PROTOCOL_ERROR))
    server.check()


# --- CONNECT -------------------------------------------------------------------------------------

def test_plain_connect_is_refused(server):
    assert_malformed(server, [(":method", "CONNECT"), (":authority", "localhost:80")], 400, 403, 404, 405, 501, end=False)
    assert_malformed(server, [(":method", "CONNECT"), (":authority", "localhost:80"), (":path", "/"), (":scheme", "http")], end=False)


REFUSED = {
    "no :path": (extended(None), (400,)),
    "no :scheme": (extended(scheme=None), (400,)),
    "no :authority": (extended(authority=None), (400,)),
    ":protocol with GET": (extended(method="GET"), (400,)),
    "two :protocol": (extended()[:4] + [(":protocol", "websocket")] + extended()[4:], (400,)),
    "empty :protocol": (extended(protocol=""), (400, 501)),
    "unknown :protocol": (extended(protocol="connect-udp"), (400, 501)),
    "upgrade": (extended("/ws", ("upgrade", "websocket")), (400,)),
    "connection": (extended("/ws", ("connection", "upgrade")), (400,)),
}


@pytest.mark.parametrize("fields, statuses", REFUSED.values(), ids=REFUSED.keys())
def test_malformed_extended_connect_is_refused(server, fields, statuses):
    assert_malformed(server, fields, *statuses, end=False)


def test_extended_connect_that_ends_at_once_is_refused(server):
    kind, code = outcome(server, extended())
    assert kind == "reset" or code == 400


def test_extended_connect_where_there_is_no_websocket(server):
    assert outcome(server, extended("/missing"), end=False) == ("status", 404)
    assert outcome(server, extended("/hello"), end=False) in [("status", status) for status in (400, 404, 405, 501)]
