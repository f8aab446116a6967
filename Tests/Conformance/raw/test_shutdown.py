"""SIGTERM: what was accepted is answered, and the process ends in time. FEATURES H21; LIMITS "Faults" and "HTTP/2"."""

import json
import signal
import socket
import subprocess
import threading
import time

import pytest

from support.engine import Polling, poll_path, socketio
from support.frames import NO_ERROR, REFUSED_STREAM, head
from support.http1 import Connection, get
from support.http2 import Http2
from support.http2_websocket import StreamSocket
from support.server import stream_bytes
from support.websocket import CLOSE, WebSocket

DEADLINE = 3        # seconds: the server's default
LAST = (1 << 31) - 1


@pytest.fixture(params=["make_server", "make_secure"], ids=["clear text", "TLS"])
def make_either(request):
    return request.getfixturevalue(request.param)


def terminate(server, number=signal.SIGTERM):
    server.process.send_signal(number)
    return time.monotonic()


def assert_ended(server, start, within, status=0):
    """The process ends by then; its status is 0 unless it was forced."""
    try:
        ended = server.process.wait(max(0.1, start + within - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise AssertionError(f"still running {within} s after the signal:\n{server.log()}") from None
    assert status is None or ended == status, f"status {ended}:\n{server.log()}"


def assert_nothing_new_is_accepted(server):
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
            connection.sendall(get("/hello"))
            assert not connection.recv(4096), "answered"
    except OSError:
        pass


def in_background(function):
    """Runs it on a thread; call the result to join it, and to have what it returned or raised."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(10)
        assert outcome, "hangs"
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]
    return join


# --- idle ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_server_ends_at_once(make_server, number):
    server = make_server()
    with Connection(server) as first, Http2(server) as second, Connection(server) as silent:
        first.send(get("/hello")).response()
        second.exchange()
        start = terminate(server, number)
        first.assert_ended()
        silent.assert_ended()
        second.assert_closed(NO_ERROR)
    assert_ended(server, start, 1.5)


def test_signal_right_behind_the_start_is_heeded(make_server):
    """`listening on` says that it is ready for this too."""
    for _ in range(10):
        server = make_server()
        assert_ended(server, terminate(server), 1.5)


def test_unfinished_requests_do_not_keep_it(make_server):
    server = make_server("--shutdown-deadline", 1000)
    with Connection(server) as first, Http2(server) as second, Http2(server, preface=False) as third:
        first.send(get("/hello")[:20])
        second.send(b"\0\0\x10\1")
        third.send(b"PRI * HTTP")
        time.sleep(0.1)
        assert_ended(server, terminate(server), 2.5)


# --- in flight -----------------------------------------------------------------------------------

def test_http_1_1_request_in_flight_is_answered(make_either):
    server = make_either()
    with Connection(server) as connection:
        connection.send(get("/hold?milliseconds=500"))
        time.sleep(0.1)
        start = terminate(server)
        time.sleep(0.2)
        assert_nothing_new_is_accepted(server)
        answer = connection.response()
        assert answer.status == 200 and answer.closes
        connection.assert_ended()
    assert_ended(server, start, 2)


def test_http2_says_goodbye_twice_and_answers_what_is_in_flight(make_either):
    server = make_either()
    with Http2(server) as connection:
        connection.exchange()
        stream = connection.request("/hold?milliseconds=500")
        connection.drain(0.1)
        start = terminate(server)
        assert connection.response(stream).status == 200
        connection.wait(lambda: False)
        assert [(farewell.last, farewell.code) for farewell in connection.farewells] == [(LAST, NO_ERROR), (stream, NO_ERROR)]
    assert_ended(server, start, 2)


def test_http2_request_that_crosses_the_first_goaway_is_answered(make_server):
    """Why there are two: a round trip lies between, and what was under way counts as accepted."""
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        connection.acknowledges = False     # what crosses was sent before the PING was read
        start = terminate(server)
        connection.wait(lambda: connection.farewells)
        assert connection.farewells[-1].last == LAST
        crossing = [connection.request(path) for path in ("/hello", "/slow")]
        assert connection.response(crossing[0]).body == b"hello"
        assert connection.response(crossing[1]).body == b"slow"
        connection.wait(lambda: False)
        assert connection.farewells[-1].last >= crossing[1]
    assert_ended(server, start, 2)


def test_http2_client_that_answers_no_ping_does_not_keep_it(make_server):
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        connection.acknowledges = False
        start = terminate(server)
        connection.wait(lambda: False)
    assert_ended(server, start, DEADLINE + 1)


def test_stream_behind_the_last_goaway_starts_nothing(make_server):
    server = make_server()
    with Http2(server) as connection:
        connection.exchange()
        held = connection.request("/hold?milliseconds=600")
        connection.drain(0.1)
        terminate(server)
        connection.wait(lambda: len(connection.farewells) == 2)
        late = connection.request("/hello")
        assert connection.response(held).status == 200
        connection.wait(lambda: False)
        assert connection.streams[late].fields is None and connection.streams[late].reset in (None, REFUSED_STREAM)


def test_bodies_in_flight_are_finished(make_either):
    """A download and an upload that take a second more, over each version."""
    server = make_either()

    def download_1():
        with Connection(server) as connection:
            connection.send(get("/stream?bytes=8000000&piece=65536"))
            time.sleep(0.8)
            return connection.response().body == stream_bytes(8_000_000)

    def download_2():
        with Http2(server) as connection:
            stream = connection.request("/stream?bytes=8000000&piece=65536")
            time.sleep(0.8)
            return connection.response(stream).body == stream_bytes(8_000_000)

    def upload_1():
        with Connection(server) as connection:
            connection.send(get("/upload", "Content-Length: 10000", method="POST"))
            for _ in range(10):
                connection.send(b"\1" * 1000)
                time.sleep(0.08)
            return json.loads(connection.response().body)["sum"] == 10_000

    def upload_2():
        with Http2(server) as connection:
            stream = connection.headers(head("/upload", method="POST"), end=False)
            for n in range(10):
                connection.send_body(stream, b"\1" * 1000, end=n == 9)
                connection.drain(0.08)
            return json.loads(connection.response(stream).body)["sum"] == 10_000

    joins = [in_background(work) for work in (download_1, download_2, upload_1, upload_2)]
    time.sleep(0.3)
    start = terminate(server)
    assert [join() for join in joins] == [True] * 4
    assert_ended(server, start, DEADLINE)


def test_requests_sent_before_the_signal_are_answered(make_server):
    """They wait in the kernel, on connections that were idle or are new, when the signal is handled."""
    server = make_server()
    with Connection(server) as kept, Http2(server) as second:
        kept.send(get("/hello")).response()
        second.exchange()
        server.pause()
        with Connection(server) as new:
            kept.send(get("/hello"))
            new.send(get("/hello"))
            stream = second.request("/hello")
            start = terminate(server)
            server.resume()
            assert second.response(stream).body == b"hello"
            assert kept.response().body == b"hello"
            assert new.response().body == b"hello"
    assert_ended(server, start, DEADLINE)


# --- load ----------------------------------------------------------------------------------------

def load_1(server):
    """Requests on one kept connection until the server says that it closes; the number of answers."""
    with Connection(server) as connection:
        for count in range(1_000_000):
            answer = connection.send(get(f"/users/{count}")).response()
            assert answer.body == str(count).encode()
            if answer.closes:
                connection.assert_ended()
                return count + 1


def load_2(server):
    """Twenty at a time on one connection until GOAWAY; all of them must be answered."""
    with Http2(server) as connection:
        open_streams, count = [], 0
        while not connection.farewells:
            while len(open_streams) < 20:
                count += 1
                open_streams.append((count, connection.request(f"/users/{count}")))
            number, stream = open_streams.pop(0)
            assert connection.response(stream).body == str(number).encode()
        for number, stream in open_streams:
            assert connection.response(stream).body == str(number).encode()
        connection.wait(lambda: False)
        return count


@pytest.mark.parametrize("load", [load_1, load_2], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("turn", range(3))
def test_no_accepted_request_is_lost_under_load(make_either, load, turn):
    server = make_either()
    joins = [in_background(lambda: load(server)) for _ in range(8)]
    time.sleep(0.5)
    start = terminate(server)
    assert min(join() for join in joins) > 20
    assert_ended(server, start, DEADLINE)


# --- WebSocket and Engine.IO ---------------------------------------------------------------------

def test_websockets_are_closed_with_1001(make_either):
    server = make_either()
    with Http2(server) as connection:
        streams = [StreamSocket(connection) for _ in range(50)]
        sockets = [WebSocket(server) for _ in range(20)]
        request = connection.request("/hold?milliseconds=500")
        connection.drain(0.05)
        start = terminate(server)
        for websocket in sockets:
            assert websocket.close_code() == 1001
            websocket.socket.close()
        assert [stream.close_code() for stream in streams] == [1001] * 50
        assert all(stream.record.ended for stream in streams)
        assert connection.response(request).status == 200
        connection.wait(lambda: False)
        assert [farewell.last for farewell in connection.farewells] == [LAST, request]
    assert_ended(server, start, DEADLINE)


def test_websockets_that_answer_no_close_do_not_keep_it(make_server):
    server = make_server("--shutdown-deadline", 1000)
    with Http2(server) as connection, WebSocket(server) as socket:
        stream = StreamSocket(connection)
        start = terminate(server)
        assert socket.frame()[1] == stream.frame()[1] == CLOSE
        assert_ended(server, start, 2.5)


def test_message_under_way_is_echoed_before_the_close(make_server):
    server = make_server()
    with WebSocket(server) as socket:
        socket.send_text("last words")
        start = terminate(server)
        assert socket.message() == "last words"
        assert socket.close_code() == 1001
    assert_ended(server, start, DEADLINE)


def test_socketio_sessions_end(make_server):
    """A poll that is parked gets a noop, or the close; a WebSocket its close frame."""
    server = make_server()
    polling = Polling(server)
    polling.connect()
    socket, _ = socketio(server)
    parked = in_background(lambda: polling.request(get(poll_path(polling.sid))))
    time.sleep(0.2)
    start = terminate(server)
    answer = parked()
    assert answer.status == 200 and answer.body.decode().split("\x1e")[-1] in ("6", "1") and answer.closes
    assert socket.close_code() == 1001
    # The client keeps its socket open: the server waits for it up to its deadline.
    assert_ended(server, start, DEADLINE + 1)


# --- what hangs ----------------------------------------------------------------------------------

@pytest.mark.parametrize("protocol", [Connection, Http2])
def test_hung_handler_is_cut_at_the_deadline(make_server, protocol):
    server = make_server("--shutdown-deadline", 800)
    with protocol(server) as connection:
        if protocol is Http2:
            connection.request("/hold?milliseconds=60000")
        else:
            connection.send(get("/hold?milliseconds=60000"))
        time.sleep(0.1)
        start = terminate(server)
        assert_ended(server, start, 2.5, status=None)
        assert time.monotonic() - start > 0.6, "before its time"


def test_client_that_reads_nothing_is_cut_at_the_deadline(make_server):
    server = make_server("--shutdown-deadline", 800)
    with Connection(server) as first, Http2(server, replenishes=False) as second:
        first.send(get("/stream?bytes=1000000000&piece=65536"))
        second.request("/stream?bytes=1000000000&piece=65536")
        second.drain(0.1)
        start = terminate(server)
        assert_ended(server, start, 2.5, status=None)


def test_sighup_without_certificates_changes_nothing(make_server):
    server = make_server()
    with Connection(server) as connection:
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        server.check()
        connection.send(get("/hello"))
        assert connection.response().body == b"hello"


def test_second_signal_ends_at_once(make_server):
    server = make_server("--shutdown-deadline", 20_000)
    with Connection(server) as connection:
        connection.send(get("/hold?milliseconds=60000"))
        time.sleep(0.1)
        terminate(server)
        time.sleep(0.4)
        assert server.alive(), "the first one ended it"
        assert_ended(server, terminate(server), 1, status=None)


def test_many_connections_half_of_them_in_use(make_server):
    server = make_server()
    idle = [Connection(server) for _ in range(300)]
    busy = [Connection(server) for _ in range(300)]
    for connection in idle:
        connection.send(get("/hello")).response()
    for connection in busy:
        connection.send(get("/hold?milliseconds=500"))
    time.sleep(0.2)
    start = terminate(server)
    for connection in busy:
        answer = connection.response()
        assert answer.status == 200 and answer.closes
        connection.socket.close()
    for connection in idle:
        connection.assert_ended()
    assert_ended(server, start, DEADLINE)
