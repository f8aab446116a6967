"""RFC 9112: heads, targets and Host. LIMITS "HTTP/1.1", rows 1 to 6."""

import json

import pytest

from support.http1 import Connection, assert_refused, assert_sending_fails, exchange, get

PIECES = pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte-by-byte"])


def request(*lines):
    return "\r\n".join(["GET /hello HTTP/1.1", *lines, "", ""])


FIELDS = {
    "obs-fold": ["Host: a", "X-A: b", " c"],
    "obs-fold with tab": ["Host: a", "X-A: b", "\tc"],
    "first line folded": [" X-A: b", "Host: a"],
    "space before the colon": ["Host : a"],
    "tab before the colon": ["Host: a", "X-A\t: b"],
    "no colon": ["Host: a", "X-A"],
    "empty name": ["Host: a", ": b"],
    "parenthesis in the name": ["Host: a", "X(A): b"],
    "slash in the name": ["Host: a", "X/A: b"],
    "non-ASCII name": ["Host: a", "X\xe9: b"],
    "NUL in the name": ["Host: a", "X\0A: b"],
    "NUL in the value": ["Host: a", "X-A: b\0c"],
    "CR in the value": ["Host: a", "X-A: b\rc"],
    "bell in the value": ["Host: a", "X-A: b\x07c"],
    "DEL in the value": ["Host: a", "X-A: b\x7fc"],
    "escape in the value": ["Host: a", "X-A: \x1b[31m"],
    "space in the name": ["Host: a", "X A: b"],
}


@PIECES
@pytest.mark.parametrize("lines", FIELDS.values(), ids=FIELDS.keys())
def test_malformed_field_is_refused(server, lines, piecewise):
    assert_refused(server, request(*lines), piecewise=piecewise)


@PIECES
@pytest.mark.parametrize("value", ["b\tc", "\xe4\xff\x80", "", "\t b \t", "a:b:c", '"quoted, \\" text"'])
def test_lawful_field_values_are_accepted(server, value, piecewise):
    with Connection(server) as connection:
        connection.send(request("Host: a", "X-A:" + value), piecewise)
        assert connection.response().status == 200


BARE = {
    "request line": "GET /hello HTTP/1.1\nHost: a\r\n\r\n",
    "field line": "GET /hello HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
    "end of the head": "GET /hello HTTP/1.1\r\nHost: a\r\n\n",
    "everywhere": "GET /hello HTTP/1.1\nHost: a\n\n",
    "LF CR": "GET /hello HTTP/1.1\n\rHost: a\n\r\n\r",
    "inside a value": "GET /hello HTTP/1.1\r\nHost: a\r\nX-A: b\n c\r\n\r\n",
    "CR alone": "GET /hello HTTP/1.1\rHost: a\r\r",
    "CR CR LF": "GET /hello HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "before the request line": "\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
}


@PIECES
@pytest.mark.parametrize("data", BARE.values(), ids=BARE.keys())
def test_bare_line_feed_or_return_is_refused(server, data, piecewise):
    assert_refused(server, data, piecewise=piecewise)


@pytest.mark.parametrize("count", [1, 4])
def test_up_to_four_leading_empty_lines_are_allowed(server, count):
    assert exchange(server, b"\r\n" * count + get("/hello")).status == 200


def test_more_leading_empty_lines_are_refused(server):
    assert_refused(server, b"\r\n" * 5 + get("/hello"))


REQUEST_LINES = [
    "GET  /hello HTTP/1.1", "GET /hello  HTTP/1.1", "GET\t/hello HTTP/1.1", "GET /hello\tHTTP/1.1",
    " GET /hello HTTP/1.1", "GET /hello HTTP/1.1 ", "GET /hello HTTP/1.1\t", "GET /hello HTTP/1.10",
    "GET /hello HTTP/01.1", "GET /hello HTTP/1", "GET /hello HTTP/1.", "GET /hello HTTP/.1", "GET /hello HTTP/a.b",
    "GET /hello http/1.1", "GET /hello Http/1.1", "GET /hello HTTP/0.9", "GET /hello", "GET", "GET /hello HTTPS/1.1",
    "GET /hel lo HTTP/1.1", "G(T /hello HTTP/1.1", " /hello HTTP/1.1", "GET  HTTP/1.1", "GET hello HTTP/1.1",
    "G\xc9T /hello HTTP/1.1", "GET /hello HTTP/1.1\0", "GET /hello HTTP /1.1", "\x0bGET /hello HTTP/1.1",
]


@PIECES
@pytest.mark.parametrize("line", REQUEST_LINES, ids=repr)
def test_malformed_request_line_is_refused(server, line, piecewise):
    assert_refused(server, line + "\r\nHost: a\r\n\r\n", piecewise=piecewise)


def test_higher_minor_version_is_treated_as_1_1(server):
    answer = exchange(server, "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n")
    assert (answer.status, answer.body, answer.closes) == (200, b"hello", False)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_another_major_version_is_not_supported(server, version):
    assert_refused(server, f"GET /hello HTTP/{version}\r\nHost: a\r\n\r\n", 505)


@PIECES
@pytest.mark.parametrize("lines", [
    [], ["Host: a", "Host: a"], ["Host: a", "host: b"], ["Host: a@b"], ["Host: a/b"], ["Host: a:65536"],
    ["Host: a:99999999999999999999"], ["Host: a:-1"], ["Host: a:x"], ["Host: a b"], ["Host: a?b"],
    ["Host: a#b"], ["Host: [::1"], ["Host: a\\b"], ["Host: <a>"]], ids=repr)
def test_missing_double_or_malformed_host_is_refused(server, lines, piecewise):
    assert_refused(server, request(*lines), piecewise=piecewise)


@pytest.mark.parametrize("host", ["a", "a:80", "127.0.0.1:65535", "[::1]:8080", "a.b-c.d", "xn--nxasmq6b"])
def test_lawful_hosts_are_accepted(server, host):
    assert exchange(server, request("Host: " + host)).status == 200


def test_http_1_0_needs_no_host_and_closes(server):
    with Connection(server) as connection:
        connection.send("GET /hello HTTP/1.0\r\n\r\n" + "GET /hello HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200
        connection.assert_ended()


def test_authority_of_an_absolute_target_overrides_host(server):
    answer = exchange(server, "GET https://real.example:81/request?x=1 HTTP/1.1\r\nHost: other\r\n\r\n")
    seen = json.loads(answer.body)
    assert (seen["authority"], seen["scheme"], seen["path"]) == ("real.example:81", "http", "/request")
    assert seen["query"] == {"x": "1"}


@pytest.mark.parametrize("target", ["http://a@b/hello", "http:///hello", "http://a:99999/hello", "ftp//a", "http://"])
def test_malformed_absolute_target_is_refused(server, target):
    assert_refused(server, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")


def test_asterisk_belongs_to_options(server):
    assert_refused(server, "GET * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert exchange(server, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status in (200, 204)


def test_connect_is_not_served(server):
    assert exchange(server, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n").status in (405, 501)
    server.check()


@PIECES
@pytest.mark.parametrize("target", ["/hello#x", "/hel\x7flo", "/h\xe9llo", "/hel\x01lo", "/hello\0", "/hello\x0b"], ids=repr)
def test_target_outside_visible_characters_or_with_fragment_is_refused(server, target, piecewise):
    assert_refused(server, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n", piecewise=piecewise)


def test_target_at_its_limit_and_above(server):
    fitting = "/query?x=" + "a" * (8192 - len("/query?x="))
    assert exchange(server, get(fitting)).status == 200
    assert_refused(server, get(fitting + "a"), 414)
    assert_refused(server, get("/" + "a" * 200_000), 414)


def test_field_above_16_kib_is_refused(server):
    assert exchange(server, get("/hello", "X-A: " + "a" * 16_000)).status == 200
    assert_refused(server, get("/hello", "X-A: " + "a" * 16_400), 431)


def test_header_section_above_32_kib_is_refused(server):
    assert exchange(server, get("/hello", *[f"X-{n}: " + "a" * 10_000 for n in range(3)])).status == 200
    assert_refused(server, get("/hello", *[f"X-{n}: " + "a" * 12_000 for n in range(3)]), 431)


def test_more_than_100_headers_are_refused(server):
    assert exchange(server, get("/hello", *["X-A: b"] * 99)).status == 200
    assert_refused(server, get("/hello", *["X-A: b"] * 101), 431)


def test_reading_stops_at_the_header_limit(server):
    before = server.memory()
    with Connection(server) as connection:
        connection.send("GET /hello HTTP/1.1\r\nHost: a\r\n")
        assert_sending_fails(connection, 8, b"X-Filler: " + b"a" * 8000 + b"\r\n")
    assert server.memory() - before < 8 << 20
    server.check()
