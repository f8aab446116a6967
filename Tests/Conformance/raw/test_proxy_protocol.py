"""PROXY protocol headers, versions 1 and 2 (haproxy's proxy-protocol.txt). FEATURES H24."""

import time

import pytest

from support.doors import LINE, LOCAL, Door, binary, four, six, value
from support.http1 import Connection, get
from support.http2 import Http2
from support.tls import TLSServer
from support.websocket import WebSocket

PROXIED = ("--address", "tcp:0,proxy", "--address", "tcp:0", "--proxy-from", "loopback")
TLS = b"\x01\0\0\0\0" + value(0x21, b"TLSv1.3") + value(0x22, b"Ada")


@pytest.fixture(scope="module")
def proxied(certificates):
    server = TLSServer(certificates, "--address", "tcp:0,proxy,clear", "--address", "tcp:0,proxy", "--proxy-from", "loopback").start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def clear(proxied):
    return lambda before=LINE: Door(proxied, before=before)


@pytest.fixture
def secure_door(proxied, certificates):
    port = int(proxied.addresses[1].rsplit(":", 1)[1])
    return lambda before=LINE, *protocols: Door(proxied, ("127.0.0.1", port), before, certificates.context(*protocols))


HEADERS = {
    "v1 TCP4": (LINE, "192.0.2.1:4711", "198.51.100.2:443"),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::1 ::1 4711 443\r\n", "[2001:db8::1]:4711", "[::1]:443"),
    "v2 TCP4": (binary(four()), "192.0.2.1:4711", "198.51.100.2:443"),
    "v2 TCP6": (binary(six(), family=0x21), "[2001:db8::1]:4711", "[::1]:443"),
    "v2 Unix": (binary(b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0"), family=0x31), "unix:/run/a", "unix:/run/b"),
    "v2 values": (binary(four() + value(4, b"pad" * 100) + value(0xEA, b"vpce")), "192.0.2.1:4711", "198.51.100.2:443"),
}
NO_ADDRESS = {
    "v1 UNKNOWN": b"PROXY UNKNOWN\r\n", "v1 UNKNOWN with more": b"PROXY UNKNOWN a b c\r\n",
    "v2 LOCAL": binary(command=LOCAL, family=0), "v2 LOCAL with more": binary(four(), command=LOCAL),
    "v2 UNSPEC": binary(family=0), "v2 datagram": binary(four(), family=0x12),
}


@pytest.mark.parametrize("name", HEADERS)
def test_the_client_is_the_headers_and_the_peer_is_the_proxy(clear, secure_door, name):
    header, client, destination = HEADERS[name]
    for door in (clear(header), secure_door(header)):
        seen = door.client()
        assert (seen["client"], seen["destination"]) == (client, destination)
        assert seen["peer"].startswith("127.0.0.1:")


@pytest.mark.parametrize("name", NO_ADDRESS)
def test_without_addresses_the_client_is_the_peer(clear, name):
    seen = clear(NO_ADDRESS[name]).client()
    assert seen["client"] == seen["peer"] and "destination" not in seen


def test_values_of_tls_and_authority(clear):
    seen = clear(binary(four() + value(2, b"one.example") + value(0x20, TLS))).client()
    assert (seen["scheme"], seen["proxiedTLS"], seen["proxiedServerName"]) == ("https", "TLSv1.3", "one.example")
    assert seen["encrypted"] is False
    assert clear(binary(four() + value(0x20, b"\0" * 5))).client()["scheme"] == "http"


@pytest.mark.parametrize("header", [LINE, binary(four() + value(4, b"x" * 50))], ids=["v1", "v2"])
def test_byte_by_byte_and_with_the_request_in_one_segment(clear, proxied, header):
    with Connection(Door(proxied)) as connection:
        connection.send(header + get("/client") + get("/hello"), piecewise=True)
        assert b"192.0.2.1:4711" in connection.response().body and connection.response().body == b"hello"
    with Connection(Door(proxied)) as connection:
        connection.send(header + get("/client") + get("/hello"))
        assert b"192.0.2.1:4711" in connection.response().body and connection.response().body == b"hello"


def test_http2_and_websocket_behind_it(clear, secure_door):
    for door in (clear(), secure_door(LINE, "h2")):
        with Http2(door) as http2:
            for _ in range(2):
                assert b"192.0.2.1:4711" in http2.exchange("/client").body
    with WebSocket(clear()) as websocket:
        websocket.send_text("hello")
        assert websocket.message() == "hello"


WRONG = {
    "none": get("/hello"), "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "TLS": b"\x16\x03\x01\x02\0\x01",
    "v1 too long": b"PROXY UNKNOWN " + b"x" * 200, "v1 bare LF": LINE.replace(b"\r", b""), "v1 port": LINE.replace(b"4711", b"65536"),
    "v1 lower case": LINE.lower(), "v1 zeros": LINE.replace(b"192.0", b"192.00"), "v1 family": LINE.replace(b"TCP4", b"TCP6"),
    "v2 version": binary(four(), command=0x11), "v2 command": binary(four(), command=0x22), "v2 family": binary(four(), family=0x41),
    "v2 short": binary(four()[:-1]), "v2 value": binary(four() + b"\x04\xff\xff"), "v2 huge": binary(b"\0" * 60_000),
    "v2 signature": binary(four()).replace(b"QUIT", b"QUIZ"), "v2 checksum": binary(four() + value(3, b"\0\0\0\0")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_header_is_closed_without_a_word(proxied, name):
    with Connection(Door(proxied)) as connection:
        connection.send(WRONG[name] + get("/hello")).assert_ended()
    assert proxied.alive() and Door(proxied, before=LINE).fetch("/hello") == b"hello"


def test_two_headers_are_one_too_many(clear):
    with Connection(clear(LINE + LINE)) as connection:
        assert connection.send(get("/hello")).response().status == 400


def test_a_header_must_come_in_time(make_server):
    server = make_server("--address", "tcp:0,proxy", "--proxy-from", "loopback", "--proxy-timeout", 400)
    for beginning in (b"", LINE[:10], binary(four())[:20]):
        start = time.monotonic()
        with Connection(Door(server, before=beginning)) as connection:
            connection.assert_ended()
        assert 0.3 < time.monotonic() - start < 3
    with Connection(Door(server, before=LINE)) as connection:
        time.sleep(0.6)
        assert connection.send(get("/hello")).response().status == 200


def test_only_trusted_proxies_are_believed(make_server):
    server = make_server("--address", "tcp:0,proxy", "--proxy-from", "192.0.2.0/24")
    for before in (LINE, b""):
        with Connection(Door(server, before=before)) as connection:
            connection.send(get("/client")).assert_ended()
    lenient = make_server("--address", "tcp:0,proxy", "--proxy-from", "192.0.2.0/24", "--serve-strangers")
    seen = Door(lenient).client()
    assert seen["client"] == seen["peer"]
    with Connection(Door(lenient, before=LINE)) as connection:
        assert connection.send(get("/client")).response().status == 400


def test_an_address_without_it_takes_no_header(server):
    with Connection(Door(server, before=LINE)) as connection:
        assert connection.send(get("/hello")).response().status == 400


def test_a_thousand_unfinished_headers_cost_little(proxied):
    before = proxied.memory()
    connections = [Door(proxied, before=binary(b"\0" * 500)[:-1]).connect() for _ in range(1000)]
    assert Door(proxied, before=LINE).fetch("/hello") == b"hello"
    assert proxied.memory() - before < 32 << 20
    for connection in connections:
        connection.close()
