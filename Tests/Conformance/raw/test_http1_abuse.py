"""Time, memory and other protocols. LIMITS "Defaults" and the last HTTP/1.1 row."""

import socket
import time

import pytest

from support.http1 import Connection, get, post
from support.server import wait_until

MIB = 1 << 20


def drip(connection, data, pause, limit):
    """Sends a byte at a time until the server closes; returns the seconds that it took."""
    start = time.monotonic()
    connection.socket.settimeout(pause)
    for index in range(len(data)):
        try:
            connection.socket.sendall(data[index:index + 1])
            if not connection.socket.recv(4096):
                return time.monotonic() - start
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - start
        if time.monotonic() - start > limit:
            break
    raise AssertionError(f"still open after {limit} s")


def test_slow_head_is_cut_by_an_absolute_limit(impatient):
    with Connection(impatient) as connection:
        assert 0.5 < drip(connection, get("/hello", "X-A: " + "a" * 400), 0.05, 4) < 2.5
    impatient.check()


def test_silent_body_is_cut(impatient):
    with Connection(impatient) as connection:
        connection.send(get("/echo", "Content-Length: 10", method="POST") + b"abc")
        start = time.monotonic()
        connection.rest(5)
        assert 0.4 < time.monotonic() - start < 3
    impatient.check()


def test_idle_connection_is_closed(impatient):
    with Connection(impatient) as connection:
        connection.send(get("/hello"))
        assert connection.response().status == 200
        start = time.monotonic()
        connection.assert_ended(5)
        assert 0.5 < time.monotonic() - start < 3


def test_answer_that_nobody_reads_is_given_up(impatient):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", impatient.port))
    connection.sendall(get("/large") * 20)
    time.sleep(4)
    connection.settimeout(5)
    received = 0
    try:
        while data := connection.recv(65536):
            received += len(data)
    except ConnectionResetError:
        pass
    assert received < 20 * MIB, "all was kept for a client that did not read"
    connection.close()
    impatient.check()


def test_ten_thousand_pipelined_requests_never_read_cost_bounded_memory(server):
    before = server.memory()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.settimeout(2)
    try:
        connection.sendall(get("/large") * 10_000)
    except OSError:
        pass
    time.sleep(0.5)
    assert server.memory() - before < 64 * MIB
    server.check()
    connection.close()


@pytest.mark.timeout(120)
def test_five_thousand_silent_sockets_cost_bounded_memory_and_are_closed(impatient):
    impatient.check()
    before = impatient.memory()
    sockets = [impatient.connect() for _ in range(5_000)]
    impatient.check()
    assert impatient.memory() - before < 5_000 * 8 * 1024 + 16 * MIB

    def closed(connection):
        connection.setblocking(False)
        try:
            return not connection.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True

    wait_until(lambda: all(closed(connection) for connection in sockets[::50]), 15, "silent sockets are kept for ever")
    for connection in sockets:
        connection.close()
    impatient.check()


OTHERS = {
    "TLS client hello": bytes.fromhex("16030100c8010000c40303") + b"\x5a" * 194,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "zeros": b"\0" * 1000,
    "all bytes": bytes(range(256)) * 4,
    "HTTP/0.9": b"GET /hello\r\n",
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_other_protocols_are_refused_and_closed(server, data):
    with Connection(server) as connection:
        connection.send(data).finish_sending()
        answer = connection.rest()
        assert answer == b"" or answer.split(b" ")[1] in (b"400", b"505"), answer[:200]
    server.check()


def test_clients_that_vanish_are_forgotten(server):
    for n in range(300):
        connection = server.connect()
        connection.sendall([get("/slow"), get("/hello")[:20], post("/echo", b"a" * 50)[:-10]][n % 3])
        # RST instead of FIN
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    server.check()


def test_many_connections_at_once_are_all_served(server):
    connections = [Connection(server) for _ in range(300)]
    for connection in connections:
        connection.send(get("/hello"))
    for connection in connections:
        assert connection.response().body == b"hello"
        connection.socket.close()
