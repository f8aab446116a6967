"""TLS 1.2 and 1.3, ALPN, handshakes, HTTP over it and its end. FEATURES H3, H6; LIMITS "Defaults"."""

import json
import os
import socket
import ssl
import struct
import subprocess
import time

import pytest

from support.frames import NO_ERROR, head
from support.http1 import Connection, get, post
from support.http2 import Http2
from support.http2_websocket import EngineStream, StreamSocket
from support.server import stream_bytes, wait_until
from support.tls import asked, subject
from support.websocket import WebSocket

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
MIB = 1 << 20


def s_client(server, *options, data=b"", name="one.example"):
    """What openssl's own client says about a connection, and what came over it."""
    line = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", name,
            "-CAfile", server.certificates.pem("ca"), "-verify_return_error", *options]
    done = subprocess.run(list(map(str, line)), input=data, capture_output=True, timeout=10)
    return (done.stdout + done.stderr).decode("latin-1")


# --- versions and ALPN ---------------------------------------------------------------------------

@pytest.mark.parametrize("version, name", [(TLS_1_2, "TLSv1.2"), (TLS_1_3, "TLSv1.3")])
@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_both_versions_with_both_protocols(secure, version, name, protocol):
    context = secure.certificates.context(protocol, minimum=version, maximum=version)
    with secure.connect(context=context) as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == (name, protocol)
        assert subject(connection) == "one.example"


def test_tls_1_1_is_refused(secure):
    assert "alert protocol version" in s_client(secure, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    secure.check()


@pytest.mark.parametrize("offered, chosen", [
    (("h2", "http/1.1"), "h2"), (("http/1.1", "h2"), "h2"), (("http/1.1",), "http/1.1"), (("spdy/3", "h2"), "h2"), ((), None)], ids=str)
def test_protocol_is_chosen_from_those_offered(secure, offered, chosen):
    with secure.connect(context=secure.certificates.context(*offered)) as connection:
        assert connection.selected_alpn_protocol() == chosen
        if chosen != "h2":
            assert asked(connection)["version"] == "HTTP/1.1"


def test_protocol_that_nobody_knows_is_not_agreed_to(secure):
    """RFC 7301 3.2: refused by an alert; or no protocol is chosen, and the client may go."""
    try:
        with secure.connect(context=secure.certificates.context("spdy/3")) as connection:
            assert connection.selected_alpn_protocol() is None
    except ssl.SSLError as error:
        assert "no application protocol" in str(error)
    secure.check()


def test_switched_off_http2_is_not_offered(make_secure):
    server = make_secure("--no-http2")
    with server.connect(context=server.certificates.context("h2", "http/1.1")) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_client_is_content(secure, version):
    said = s_client(secure, version, "-alpn", "h2,http/1.1", "-brief")
    assert "Verification: OK" in said and f"TLSv1.{version[-1]}" in said
    assert "ALPN protocol: h2" in s_client(secure, version, "-alpn", "h2,http/1.1")


def test_renegotiation_is_refused(secure):
    """RFC 9113 9.2.1, and CVE-2011-1473: not one is done."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_2", "-alpn", "http/1.1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(0.3)
    process.stdin.write(b"R\n")
    process.stdin.flush()
    time.sleep(0.3)
    said, _ = process.communicate(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", timeout=10)
    assert b"verify return" not in said.split(b"RENEGOTIATING")[1], said[-500:]
    secure.check()


def test_compression_and_weak_ciphers_are_not_agreed_to(secure):
    with secure.connect(context=secure.certificates.context(maximum=TLS_1_2)) as connection:
        assert connection.compression() is None
    for cipher in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA"):
        context = secure.certificates.context("h2", maximum=TLS_1_2)
        context.set_ciphers(cipher)
        try:
            with secure.connect(context=context) as connection:
                assert connection.selected_alpn_protocol() != "h2", "RFC 9113 9.2.2 and appendix A"
        except ssl.SSLError:
            pass
    secure.check()


# --- what is no handshake ------------------------------------------------------------------------

def closed_after(connection):
    """The seconds until the peer closed."""
    start = time.monotonic()
    connection.settimeout(8)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - start


@pytest.mark.parametrize("data", [b"", b"\x16", bytes.fromhex("16030100c8010000c40303") + b"\x5a" * 20], ids=["silent", "a byte", "part of a hello"])
def test_handshake_has_a_time_limit(make_secure, data):
    server = make_secure("--handshake-timeout", 700)
    with server.connect_raw() as connection:
        connection.sendall(data)
        assert 0.5 < closed_after(connection) < 3
    with server.connect_raw() as connection:        # each byte is progress, and no more time
        start = time.monotonic()
        try:
            for byte in bytes.fromhex("1603010200010001fc0303") + b"\x5a" * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - start < 3
    server.check()


GARBAGE = {
    "HTTP": get("/hello"), "zeros": bytes(1000), "all bytes": bytes(range(256)) * 8, "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "largest record": b"\x16\x03\x01\xff\xff" + bytes(1000),
    "hello of another length": b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", "alert": b"\x15\x03\x03\x00\x02\x02\x00",
    "data first": b"\x17\x03\x03\x00\x05hello", "SSLv2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_closed(secure, data):
    with secure.connect_raw() as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert closed_after(connection) < 2
    secure.check()


def test_garbage_behind_the_handshake_is_closed(secure):
    raw = secure.connect_raw()
    descriptor = raw.dup()
    with secure.certificates.context("http/1.1").wrap_socket(raw, server_hostname="one.example"):
        descriptor.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert closed_after(descriptor) < 3
    secure.check()


def test_unfinished_handshakes_cost_bounded_memory_and_are_closed(make_secure):
    server = make_secure("--handshake-timeout", 1500)
    server.check()
    before = server.memory()
    sockets = [server.connect_raw() for _ in range(1000)]
    for connection in sockets:
        connection.sendall(b"\x16\x03\x01")
    server.check()
    assert server.memory() - before < 1000 * 64 * 1024
    time.sleep(2)
    for connection in sockets[::50]:
        assert closed_after(connection) < 2
    for connection in sockets:
        connection.close()
    server.check()


# --- HTTP over TLS -------------------------------------------------------------------------------

def test_http_1_1_over_tls(secure):
    with Connection(secure) as connection:
        assert connection.send(get("/hello")).response().body == b"hello"
        assert connection.send(post("/echo", b"a" * MIB)).response().body == b"a" * MIB
        assert connection.send(get("/stream?bytes=3000000&piece=10000")).response().body == stream_bytes(3_000_000)
        assert connection.send(get("/data.bin")).response().body == bytes(range(256)) * 400
        connection.send(get("/hello"), piecewise=True)      # a record for each byte
        assert connection.response().body == b"hello"


def test_http2_over_tls(secure):
    with Http2(secure) as connection:
        assert connection.exchange(scheme="https").body == b"hello"
        assert connection.exchange("/stream?bytes=5000000&piece=10000").body == stream_bytes(5_000_000)
        answer = connection.exchange("/upload", method="POST", body=b"\1" * 5_000_000)
        assert json.loads(answer.body) == {"bytes": 5_000_000, "sum": 5_000_000}
        streams = [connection.request("/slow") for _ in range(100)]
        assert all(connection.response(stream).body == b"slow" for stream in streams)


def test_websockets_over_tls(secure):
    with WebSocket(secure, "/ws", "Origin: https://localhost") as socket:
        assert socket.send_text("a").message() == "a"
    with Http2(secure) as connection, StreamSocket(connection) as socket:
        session = EngineStream(connection)
        session.connect_namespace()
        session.send_packet('421["handshake"]')
        assert json.loads(session.packet()[3:])[0]["secure"] is True
        assert socket.send_text("a").message() == "a"


def test_slow_reader_over_tls_costs_bounded_memory(secure):
    secure.check()
    before = secure.memory()
    connections = [Connection(secure) for _ in range(5)]
    for connection in connections:
        connection.send(get("/stream?bytes=100000000&piece=65536"))
    time.sleep(1)
    assert secure.memory() - before < 5 * 8 * MIB
    for connection in connections:
        connection.socket.close()
    secure.check()


# --- ends ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_server_ends_with_close_notify(secure, version):
    context = secure.certificates.context("http/1.1", minimum=version, maximum=version)
    with secure.connect(context=context) as connection:
        connection.sendall(get("/hello", "Connection: close"))
        received = b""
        while data := connection.recv(65536):
            received += data
        assert received.endswith(b"hello")


def test_http2_connection_ends_with_goaway_and_close_notify(make_secure):
    with Http2(make_secure("--idle-timeout", 700)) as connection:
        connection.exchange()
        connection.assert_closed(NO_ERROR)


def test_client_that_ends_with_close_notify_is_answered_in_kind(secure):
    with secure.connect(protocol="http/1.1") as connection:
        connection.sendall(get("/hello"))
        wait_until(lambda: b"hello" in connection.recv(65536))
        connection.unwrap()
    secure.check()


def end_tcp(connection):
    """FIN without close_notify."""
    with socket.socket(fileno=os.dup(connection.socket.fileno())) as descriptor:
        descriptor.shutdown(socket.SHUT_WR)


def test_truncated_upload_is_no_whole_one(secure):
    with Connection(secure) as connection:
        connection.send(get("/upload", "Content-Length: 10", method="POST") + b"abc")
        end_tcp(connection)
        try:
            received = connection.rest()
        except OSError:     # the server may end as roughly
            received = bytes(connection.buffer)
        assert b" 200 " not in received
    secure.check()


def test_truncated_upload_over_http2_is_no_whole_one(secure):
    with Http2(secure) as connection:
        stream = connection.headers(head("/upload", method="POST"), end=False)
        connection.send_body(stream, b"abc", end=False)
        end_tcp(connection)
        try:
            connection.wait(lambda: False)
        except OSError:
            pass
        assert connection.streams[stream].fields is None
    secure.check()


def test_clients_that_vanish_are_forgotten(secure):
    secure.check()
    for n in range(100):
        connection = secure.connect_raw() if n % 2 else secure.connect(protocol="h2")
        connection.sendall(b"\x16\x03\x01\x02\0" if n % 2 else b"PRI * HTTP/2.0\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    secure.check()
