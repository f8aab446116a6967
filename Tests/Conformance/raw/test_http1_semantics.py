"""RFC 9110 over a socket: pipelining, methods, errors, routes (FEATURES H1, H2, H11, H12)."""

import json

import pytest

from support.http1 import Connection, exchange, get, post


def test_pipelined_requests_are_answered_in_order(server):
    with Connection(server) as connection:
        connection.send(b"".join(
            get("/slow") if n == 10 else post("/echo", str(n)) if n % 3 == 0 else get(f"/users/{n}") for n in range(60)))
        for n in range(60):
            answer = connection.response()
            assert answer.status == 200
            expected = b"slow" if n == 10 else str(n).encode()
            assert answer.body == expected, (n, answer)


def test_nothing_behind_a_malformed_request_is_answered(server):
    with Connection(server) as connection:
        connection.send(get("/hello") + b"BAD\r\n\r\n" + get("/hello"))
        assert connection.response().status == 200
        assert connection.response().status == 400
        connection.assert_ended()


@pytest.mark.parametrize("path", ["/hello", "/json", "/large", "/hello.txt", "/missing"])
def test_head_is_get_without_the_body(server, path):
    with Connection(server) as connection:
        connection.send(get(path, method="HEAD") + get(path))
        head = connection.response(head=True)
        full = connection.response()
        assert head.status == full.status
        assert head.get("content-length") == full.get("content-length")
        assert head.get("content-type") == full.get("content-type")


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body_carry_none(server, status):
    with Connection(server) as connection:
        connection.send(get(f"/status/{status}") + get("/hello"))
        assert connection.response().status == status
        assert connection.response().body == b"hello"


def test_connection_close_is_honoured(server):
    with Connection(server) as connection:
        connection.send(get("/hello", "Connection: close") + get("/hello"))
        assert connection.response().closes
        connection.assert_ended()


def test_http_1_0_keep_alive_is_honoured_or_closed(server):
    with Connection(server) as connection:
        connection.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = connection.response()
        assert answer.status == 200
        if (answer.get("connection") or "").lower() != "keep-alive":
            connection.assert_ended()


@pytest.mark.parametrize("path", ["/hello", "/large"])
def test_half_closed_client_still_gets_its_answer(server, path):
    with Connection(server) as connection:
        connection.send(get(path)).finish_sending()
        assert connection.response().status == 200
        connection.assert_ended()


def test_half_closed_client_cancels_a_handler_that_waits(server):
    """As elsewhere, a client that ends its side is taken to be gone: nothing waits on for it."""
    with Connection(server) as connection:
        connection.send(get("/slow")).finish_sending()
        assert connection.response().status == 500
        connection.assert_ended()


def test_date_is_an_imf_fixdate(server):
    from email.utils import parsedate_to_datetime
    date = exchange(server, get("/hello")).get("date")
    assert date.endswith(" GMT") and parsedate_to_datetime(date)


def test_json_answer(server):
    answer = exchange(server, get("/json"))
    assert answer.get("content-type").startswith("application/json")
    assert json.loads(answer.body) == {"name": "Parley", "numbers": [1, 2, 3], "nested": {"ok": True}}


def test_query_is_decoded_once(server):
    answer = exchange(server, get("/query?a=1&b=%C3%A9&c=a+b&d=%2525&e="))
    assert json.loads(answer.body) == {"a": "1", "b": "é", "c": "a b", "d": "%25", "e": ""}


def test_parameters_are_decoded_once(server):
    assert exchange(server, get("/users/a%2520b")).body == b"a%20b"
    assert exchange(server, get("/users/%C3%A9")).body.decode() == "é"


@pytest.mark.parametrize("target", ["/users/%", "/users/%4", "/users/%zz", "/users/%ff"])
def test_malformed_percent_encoding_is_answered(server, target):
    assert exchange(server, get(target)).status in (200, 400, 404)
    server.check()


def test_missing_route_is_404(server):
    assert exchange(server, get("/missing")).status == 404


def test_other_method_is_405_with_allow(server):
    answer = exchange(server, get("/hello", method="DELETE"))
    assert answer.status == 405
    allowed = {method.strip() for method in answer.get("allow").split(",")}
    assert {"GET", "HEAD"} <= allowed and "DELETE" not in allowed


def test_options_names_the_methods(server):
    answer = exchange(server, get("/hello", method="OPTIONS"))
    assert answer.status in (200, 204) and "GET" in answer.get("allow")


def test_unknown_method_is_refused_politely(server):
    assert exchange(server, get("/hello", method="BREW")).status in (405, 501)


def test_thrown_http_error_is_its_status_and_message(server):
    answer = exchange(server, get("/throws"))
    assert answer.status == 418 and b"short and stout" in answer.body
    server.check()


def test_other_error_is_500_and_tells_nothing(server):
    answer = exchange(server, get("/fails"))
    assert answer.status == 500 and b"secret detail" not in answer.body
    server.check()


@pytest.mark.parametrize("kind", ["crlf", "cr", "lf", "nul", "name"])
def test_header_with_line_break_or_nul_injects_nothing(server, kind):
    """500, or the field's type made spaces of the characters before the server saw them (swift-http-types does)."""
    with Connection(server) as connection:
        connection.send(get(f"/bad-header?kind={kind}") + get("/hello"))
        answer = connection.response()
        assert not answer.get("injected") and b"Injected" not in answer.body
        if answer.status != 500:
            assert answer.status == 200 and kind != "name" and answer.get("x-note").split() == ["a", "Injected:", "yes"]
        assert connection.response().body == b"hello"
    server.check()


def test_large_answer_is_whole(server):
    answer = exchange(server, get("/large"))
    assert len(answer.body) == 1 << 20 and set(answer.body) == {ord("x")}


def test_upgrade_to_h2c_is_ignored(server):
    answer = exchange(server, get("/hello", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"))
    assert (answer.status, answer.body) == (200, b"hello")
