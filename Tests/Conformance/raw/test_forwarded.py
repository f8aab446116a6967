"""Forwarded (RFC 7239) and X-Forwarded-*: what trusted proxies say counts, and nobody else's word. FEATURES H24."""

import json

import pytest

from support.doors import LINE, Door
from support.engine import EngineSocket, Polling, poll_path
from support.http1 import Connection, get
from support.http2 import Http2
from support.server import Server
from support.websocket import handshake

LIES = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1",
        "Forwarded: for=6.6.6.6;proto=https;host=evil.example")


@pytest.fixture(scope="module")
def trusting():
    server = Server("--trust", "loopback", "--trust", "unix", "--trust", "10.0.0.0/8", "--forwarded-host").start()
    yield server
    assert server.stop() == 0


def client(server, *fields):
    return Door(server).client(*fields)


def test_nobody_is_trusted_unless_told(server, make_server):
    for each in (server, make_server("--trust", "192.0.2.0/24")):
        seen = client(each, *LIES)
        assert seen["client"] == seen["peer"]
        assert seen["scheme"] == "http" and seen["authority"] != "evil.example"


def test_what_a_client_writes_before_the_proxy_is_not_believed(trusting):
    seen = client(trusting, "X-Forwarded-For: 6.6.6.6, 10.0.0.1, 192.0.2.1, 10.0.0.2", "X-Forwarded-Proto: https")
    assert (seen["client"], seen["scheme"]) == ("192.0.2.1:0", "https")
    assert client(trusting, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.1")["client"] == "192.0.2.1:0"


def test_the_kind_that_was_not_asked_for_is_not_read(trusting, make_server):
    standard = make_server("--trust", "loopback", "--forwarded-kind", "forwarded")
    assert client(trusting, "Forwarded: for=6.6.6.6")["client"].startswith("127.0.0.1:")
    assert client(standard, "X-Forwarded-For: 6.6.6.6")["client"].startswith("127.0.0.1:")
    seen = client(standard, 'Forwarded: for=6.6.6.6, For="[2001:db8::1]:4711";proto=https')
    assert (seen["client"], seen["scheme"]) == ("[2001:db8::1]:4711", "https")


def test_without_being_asked_for_the_host_stays(make_server):
    server = make_server("--trust", "loopback")
    assert client(server, *LIES)["authority"] != "evil.example"


def test_same_origin_is_the_clients(trusting):
    origin = "Origin: https://one.example"
    assert client(trusting, origin)["sameOrigin"] is False
    seen = client(trusting, origin, "X-Forwarded-Host: one.example", "X-Forwarded-Proto: https")
    assert seen["sameOrigin"] is True and seen["authority"] == "one.example"


def test_a_websocket_of_the_clients_origin_is_let_in(trusting, server):
    fields = ("Origin: https://one.example", "X-Forwarded-Host: one.example", "X-Forwarded-For: 192.0.2.1")
    for each, status in ((trusting, 101), (server, 403)):
        with Connection(each) as connection:
            assert connection.send(handshake("/ws", *fields)).response().status == status


def test_http2_streams_have_each_their_client(trusting):
    with Http2(trusting) as http2:
        for last in (1, 2):
            answer = http2.exchange("/client", ("x-forwarded-for", f"192.0.2.{last}"))
            assert json.loads(answer.body)["client"] == f"192.0.2.{last}:0"


def test_a_handshake_has_the_clients_address(trusting):
    fields = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https")
    for session in (Polling(trusting, fields=fields), EngineSocket(trusting, fields=fields)):
        (session.connect if isinstance(session, Polling) else session.connect_namespace)()
        (session.send if isinstance(session, Polling) else session.send_packet)('420["handshake"]')
        [seen] = json.loads(session.packet().removeprefix("430"))
        assert (seen["address"], seen["secure"]) == ("192.0.2.1:0", True)


def test_a_handshake_of_a_page_behind_the_proxy_is_of_the_same_origin(trusting, server):
    fields = ("Origin: https://one.example", "X-Forwarded-Host: one.example")
    Polling(trusting, fields=fields)
    with Connection(server) as connection:
        assert connection.send(get(poll_path(), *fields)).response().status == 403


@pytest.mark.parametrize("value", ["unknown", "_hidden", "x" * 8000, ",".join(["1.1.1.1"] * 1000) + ",\"", "[::1", "\xff\xfe", "::%1"])
def test_nonsense_is_not_believed(trusting, value):
    with Connection(trusting) as connection:
        answer = connection.send(get("/client", f"X-Forwarded-For: {value}")).response()
    assert json.loads(answer.body)["client"].startswith("127.0.0.1:")


def test_proxies_behind_a_balancer_with_proxy_protocol(make_server):
    """The address in the PROXY header is the one whose forwarded fields are trusted or not."""
    server = make_server("--address", "tcp:0,proxy", "--proxy-from", "loopback", "--trust", "192.0.2.0/24")
    assert Door(server, before=LINE).client("X-Forwarded-For: 203.0.113.9")["client"] == "203.0.113.9:0"
    stranger = LINE.replace(b"192.0.2.1", b"203.0.113.7")
    assert Door(server, before=stranger).client("X-Forwarded-For: 203.0.113.9")["client"] == "203.0.113.7:4711"
