"""RFC 8441: WebSockets on the streams of one HTTP/2 connection. FEATURES W5; LIMITS "HTTP/2" and "WebSocket"."""

import json
import os

import pytest

from support.engine import poll_path, socketio
from support.frames import INITIAL_WINDOW, REFUSED_STREAM, extended
from support.http2 import Http2
from support.http2_websocket import EngineStream, StreamSocket
from support.server import wait_until
from support.websocket import BINARY, CONTINUATION, PING, PONG, TEXT, close_frame, frame

MIB = 1 << 20


@pytest.fixture
def connection(server):
    with Http2(server, (INITIAL_WINDOW, 1 << 20)) as connection:
        connection.give(0, 8 * MIB)
        yield connection
        assert connection.exchange().body == b"hello", "the connection's other streams must go on"
    server.check()


def refusal(connection, *arguments, **options):
    """The ordinary response to a WebSocket that is not let in."""
    return connection.response(connection.headers(extended(*arguments, **options), end=False))


# --- handshake -----------------------------------------------------------------------------------

def test_echo(connection):
    with StreamSocket(connection) as socket:
        assert socket.send_text("κόσμε").message() == "κόσμε"
        socket.send_binary(bytes(range(256)))
        assert socket.message() == bytes(range(256))


def test_key_of_http_1_1_is_ignored(connection):
    with StreamSocket(connection, "/ws", ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")) as socket:
        assert socket.send_text("a").message() == "a"


def test_subprotocol_is_negotiated(connection):
    with StreamSocket(connection, "/ws-protocol", ("sec-websocket-protocol", "other, echo.v2")) as socket:
        assert socket.answer.get("sec-websocket-protocol") == "echo.v2"
        assert socket.send_text("a").message() == "echo.v2:a"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:81"])
def test_cross_site_origin_is_403(connection, origin):
    assert refusal(connection, "/ws", ("origin", origin)).status == 403


def test_same_origin_is_let_in(connection):
    with StreamSocket(connection, "/ws", ("origin", "http://localhost")) as socket:
        assert socket.send_text("a").message() == "a"


def test_missing_route_is_404(connection):
    assert refusal(connection, "/missing").status == 404


@pytest.mark.parametrize("version", ["8", "0", "14", "13x", "", None])
def test_other_version_is_426_and_names_13(connection, version):
    answer = refusal(connection, version=version)
    assert answer.status == 426 and answer.get("sec-websocket-version") == "13"


def test_plain_get_is_refused(connection):
    assert connection.exchange("/ws").status in (400, 426)


# --- data ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000, MIB])
def test_messages_of_every_length_are_echoed(connection, size):
    data = os.urandom(size)
    with StreamSocket(connection) as socket:
        socket.send_binary(data)
        assert socket.message() == data


def test_frames_byte_by_byte_and_fragmented_are_echoed(connection):
    with StreamSocket(connection) as socket:
        socket.send(frame(TEXT, "ab", fin=False) + frame(PING, "p") + frame(CONTINUATION, "c" * 130), piecewise=True)
        assert socket.frame() == (True, PONG, b"p")
        assert socket.message() == "ab" + "c" * 130


def test_many_messages_keep_their_order(connection):
    with StreamSocket(connection) as socket:
        socket.send(b"".join(frame(TEXT, str(n)) for n in range(2000)))
        assert [socket.message() for _ in range(2000)] == [str(n) for n in range(2000)]


def test_messages_sent_with_the_handshake_are_read(connection):
    stream = connection.headers(extended(), end=False)
    connection.send_body(stream, frame(TEXT, "early"), end=False)
    assert connection.started(stream).status == 200
    connection.wait(lambda: connection.streams[stream].body == b"\x81\x05early")


ERRORS = {
    "unmasked": (frame(TEXT, "a", masked=False), 1002),
    "RSV": (frame(TEXT, "a", rsv=4), 1002),
    "opcode": (frame(3, "a"), 1002),
    "long ping": (frame(PING, b"a" * 126), 1002),
    "continuation first": (frame(CONTINUATION, "a"), 1002),
    "2^63": (frame(BINARY, b"", length=1 << 63, encoding=64), 1002),
    "invalid text": (frame(TEXT, b"abc\xff"), 1007),
    "too large": (frame(BINARY, b"", length=MIB + 1, encoding=64), 1009),
    "close 1005": (close_frame(1005), 1002),
}


@pytest.mark.parametrize("data, code", ERRORS.values(), ids=ERRORS.keys())
def test_error_closes_with_its_code_and_ends_the_stream(connection, data, code):
    with StreamSocket(connection) as socket:
        assert socket.send(data).close_code() == code
        assert socket.over


# --- close ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_code_is_echoed_and_the_stream_ended(connection, code):
    """RFC 8441 5: an orderly end is END_STREAM, not RST_STREAM."""
    with StreamSocket(connection) as socket:
        assert socket.send(close_frame(code, b"reason")).close_code() == code
        assert socket.record.ended


def test_close_of_the_server_has_its_code(connection):
    with StreamSocket(connection) as socket:
        assert socket.send_text("please close").close_code() == 4000
        assert socket.record.ended


def test_closed_websocket_whose_client_does_not_end_the_stream_is_reset(impatient):
    """Over HTTP/1.1 the server closes; else 100 of these would fill the connection."""
    with Http2(impatient) as connection:
        socket = StreamSocket(connection)
        assert socket.send(close_frame(1000)).close_code(ends=False) == 1000
        connection.wait(lambda: socket.record.reset is not None)
        assert connection.exchange().body == b"hello"


def test_client_that_ends_its_side_ends_the_websocket(connection):
    with StreamSocket(connection) as socket:
        assert socket.send_text("a").message() == "a"
        socket.finish_sending().rest()
        assert socket.over


@pytest.mark.parametrize("end", ["cancel", "finish_sending"])
def test_end_of_the_stream_ends_the_session(server, connection, end):
    socket = EngineStream(connection)
    socket_id = socket.connect_namespace()
    getattr(socket, end)()
    assert server.disconnect_reason(socket_id) in ("transport close", "transport error")


def test_end_of_the_connection_ends_all_its_sessions(server):
    with Http2(server) as connection:
        ids = [EngineStream(connection).connect_namespace() for _ in range(50)]
    for socket_id in ids:
        assert server.disconnect_reason(socket_id) in ("transport close", "transport error")


# --- many on one connection ----------------------------------------------------------------------

def test_hundred_on_one_connection(connection):
    sockets = [StreamSocket(connection) for _ in range(100)]
    assert connection.outcome(connection.headers(extended(), end=False)) == ("reset", REFUSED_STREAM)
    for turn in range(3):
        for n, socket in enumerate(sockets):
            socket.send_text(f"{turn} of {n}")
        for n, socket in enumerate(sockets):
            assert socket.message() == f"{turn} of {n}"
    for socket in sockets[:50]:
        assert socket.send(close_frame(1000)).close_code() == 1000
    for n, socket in enumerate(sockets[50:]):
        assert socket.send_text(str(n)).message() == str(n)
        socket.send(close_frame(1000)).close_code()


def stuff(socket, messages):
    """Sends what the server will have to send back, as far as it takes it; returns the number of messages."""
    data = frame(BINARY, bytes(20_000))

    def has_room():
        return min(socket.record.window, socket.connection.window) >= len(data)

    for n in range(messages):
        if not has_room():
            socket.connection.drain(0.3)
        if not has_room():
            return n
        socket.send(data).connection.drain()
    return messages


def test_one_that_stops_reading_holds_up_itself_only(server, connection):
    sockets = [StreamSocket(connection) for _ in range(100)]
    server.check()
    before = server.memory()
    stuck, *others = sockets
    stuck.record.held = True
    count = stuff(stuck, 1000)
    assert 50 < count < 500, "taken, and nobody reads the answers"
    for n, socket in enumerate(others):
        assert socket.send_text(str(n)).message() == str(n)
    assert server.memory() - before < 16 * MIB
    stuck.record.held = False
    connection.give(stuck.stream, count * 21_000)
    assert [len(stuck.message()) for _ in range(count)] == [20_000] * count
    for socket in sockets:
        socket.cancel()


def test_one_that_never_reads_again_is_cut(impatient):
    with Http2(impatient) as connection:
        stuck, other = StreamSocket(connection), StreamSocket(connection)
        stuck.record.held = True
        assert 5 < stuff(stuck, 1000) < 500
        for n in range(40):
            assert other.send_text(str(n)).message() == str(n)
            connection.drain(0.1)
            if stuck.over:
                break
        assert stuck.over, "still there, and has taken nothing for 4 s"
        assert other.send_text("still here").message() == "still here"
    impatient.check()


def test_quiet_websocket_is_neither_idle_nor_stalled(impatient):
    with Http2(impatient) as connection:
        with StreamSocket(connection) as socket:
            connection.drain(2.5)
            assert socket.send_text("still here").message() == "still here"


# --- Engine.IO and Socket.IO ---------------------------------------------------------------------

def test_socketio_with_acknowledgements_and_attachments(connection):
    socket = EngineStream(connection)
    socket.connect_namespace()
    socket.send_packet('421["echo",{"a":[1,null]}]')
    assert socket.packet() == '431[{"a":[1,null]}]'
    socket.send_packet('42["send-binary",3]')
    header = socket.packet()
    assert header.startswith('451-["binary",') and socket.packet() == b"\0\1\2"


def test_broadcast_reaches_both_versions(server, connection):
    second = EngineStream(connection)
    second.connect_namespace()
    first, _ = socketio(server)
    first.send_packet('42["broadcast-others","across"]')
    assert second.packet() == '42["others","across"]'
    second.send_packet('42["broadcast-others","back"]')
    assert first.packet() == '42["others","back"]'
    first.socket.close()


def test_polling_and_upgrade_on_one_connection(connection):
    opening = connection.exchange(poll_path()).body.decode()
    sid = json.loads(opening[1:])["sid"]
    answer = connection.exchange(poll_path(sid), ("content-type", "text/plain;charset=UTF-8"), method="POST", body=b"40")
    assert (answer.status, answer.body) == (200, b"ok")
    assert connection.exchange(poll_path(sid)).body.startswith(b"40{")
    parked = connection.request(poll_path(sid))
    socket = EngineStream(connection, sid=sid).upgrade()
    assert connection.response(parked).body == b"6"
    socket.send_packet("5")
    socket.send_packet('427["echo","upgraded"]')
    assert socket.packet() == '437["upgraded"]'


def test_handshake_over_http2_has_its_fields(connection):
    """RFC 9113 8.2.3: crumbs of a cookie are one field to whoever reads it."""
    socket = EngineStream(connection, ("cookie", "a=1"), ("x-note", "parley"), ("cookie", "b=2"), query="&room=7")
    socket.connect_namespace()
    socket.send_packet('421["handshake"]')
    handshake = json.loads(socket.packet()[3:])[0]
    fields = {name.lower(): value for name, value in handshake["headers"].items()}
    assert fields["cookie"] == "a=1; b=2" and fields["x-note"] == "parley"
    assert handshake["query"]["room"] == "7" and not handshake["secure"]


def test_refused_session_is_an_ordinary_response(connection):
    answer = refusal(connection, "/socket.io/?EIO=4&transport=websocket&refuse")
    assert answer.status == 403
    answer = refusal(connection, "/socket.io/?EIO=4&transport=websocket&sid=unknown")
    assert answer.status == 400 and json.loads(answer.body)["code"] == 1
    assert refusal(connection, "/private/socket.io/?EIO=4&transport=websocket").status == 401


def test_vanished_clients_are_forgotten(server):
    wait_until(lambda: server.stats()["sessions"] < 10_000)
    before = server.stats()["sessions"]
    for _ in range(5):
        with Http2(server) as connection:
            for _ in range(40):
                EngineStream(connection).connect_namespace()
    wait_until(lambda: server.stats()["sessions"] <= before)
