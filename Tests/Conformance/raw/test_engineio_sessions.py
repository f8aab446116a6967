"""Engine.IO v4 sessions: WebSocket, upgrade, heartbeat. LIMITS "Engine.IO and Socket.IO"."""

import json
import time

import pytest

from support.engine import EngineSocket, Polling, poll_path, socket_path
from support.http1 import Connection, exchange, get
from support.server import wait_until
from support.websocket import handshake

MIB = 1 << 20


def echo(n):
    return f'42["echo",{n}]'


def assert_no_second_socket(connection):
    """Refused by 400, or accepted and closed without harm."""
    answer = connection.response()
    assert answer.status in (101, 400)
    if answer.status == 101:
        connection.rest()


# --- WebSocket -----------------------------------------------------------------------------------

@pytest.mark.parametrize("packet", ["9", "abc", "", "7", "0{}", "5", "2", "2probe", "3probe"], ids=repr)
def test_malformed_packet_ends_the_session(server, packet):
    with EngineSocket(server) as socket:
        socket.connect_namespace()
        socket.send_packet(packet)
        socket.assert_session_ends()
    server.check()


def test_unexpected_binary_ends_the_session(server):
    with EngineSocket(server) as socket:
        socket.connect_namespace()
        socket.send_packet(b"\1\2\3")
        socket.assert_session_ends()
    server.check()


def test_close_packet_ends_the_session_over_websocket(server):
    with EngineSocket(server) as socket:
        socket_id = socket.connect_namespace()
        socket.send_packet("1")
        socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "transport close"


def test_vanished_websocket_is_a_transport_close(server):
    with EngineSocket(server) as socket:
        socket_id = socket.connect_namespace()
    assert server.disconnect_reason(socket_id) == "transport close"


def test_message_above_max_payload_ends_the_session(server):
    with EngineSocket(server) as socket:
        socket.connect_namespace()
        socket.send_packet('42["echo","' + "a" * 1_000_000 + '"]')
        socket.assert_session_ends()
    server.check()


# --- upgrade -------------------------------------------------------------------------------------

def test_upgrade_flushes_the_parked_poll_with_a_noop(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as parked:
        parked.send(get(poll_path(polling.sid)))
        parked.assert_open(0.1)
        with EngineSocket(server, sid=polling.sid) as socket:
            socket.upgrade()
            assert parked.response().body == b"6"
            socket.send_packet("5")
            socket.send_packet(echo(1))
            assert socket.packet() == echo(1)


def test_packets_before_during_and_after_an_upgrade_arrive_once_and_in_order(server):
    polling = Polling(server)
    polling.connect()
    polling.send(*map(echo, range(0, 50)))
    received = []
    with EngineSocket(server, sid=polling.sid) as socket:
        socket.upgrade()
        polling.send(*map(echo, range(50, 100)))    # a POST during the upgrade is lawful
        while True:                                 # the client polls until its poll is answered with a noop
            answer = polling.get()
            assert answer.status == 200, answer
            packets = answer.body.decode().split("\x1e")
            received += [packet for packet in packets if packet != "6"]
            if "6" in packets:
                break
            if len(received) == 100:
                break
        socket.send_packet("5")
        for n in range(100, 150):
            socket.send_packet(echo(n))
        while len(received) < 150:
            packet = socket.packet()
            if packet != "6":
                received.append(packet)
    assert received == [echo(n) for n in range(150)]


def test_polling_is_over_after_the_upgrade(server):
    polling = Polling(server)
    polling.connect()
    with EngineSocket(server, sid=polling.sid) as socket:
        socket.upgrade().send_packet("5")
        socket.send_packet(echo(0))
        assert socket.packet() == echo(0)
        assert polling.get().status == 400
        socket.send_packet(echo(1))
        assert socket.packet() == echo(1), "the late poll harmed the session"


def test_second_websocket_after_the_upgrade_is_refused(server):
    polling = Polling(server)
    polling.connect()
    with EngineSocket(server, sid=polling.sid) as socket:
        socket.upgrade().send_packet("5")
        socket.send_packet(echo(0))
        assert socket.packet() == echo(0)
        with Connection(server) as late:
            late.send(handshake(socket_path(polling.sid)))
            assert_no_second_socket(late)
        socket.send_packet(echo(1))
        assert socket.packet() == echo(1)


def test_second_websocket_of_a_websocket_session_is_refused(server):
    with EngineSocket(server) as socket:
        socket.connect_namespace()
        with Connection(server) as late:
            late.send(handshake(socket_path(socket.sid)))
            assert_no_second_socket(late)
        socket.send_packet(echo(1))
        assert socket.packet() == echo(1)


@pytest.mark.parametrize("eio", ["EIO=3", "EIO=5", "", "EIO=4&EIO=3"])
def test_upgrade_with_another_version_is_refused_and_harmless(server, eio):
    polling = Polling(server)
    polling.connect()
    answer = exchange(server, handshake(f"/socket.io/?{eio}&transport=websocket&sid={polling.sid}"))
    assert answer.status == 400
    assert polling.send(echo(1)).packet() == echo(1)


def test_abandoned_upgrade_leaves_the_session_on_polling(server):
    polling = Polling(server)
    polling.connect()
    for step in range(3):
        with EngineSocket(server, sid=polling.sid) as socket:
            if step:
                socket.send_packet("2probe")
                assert socket.message() == "3probe"
        time.sleep(0.05)
        received = polling.send(echo(step)).packet()
        while received == "6":
            received = polling.packet()
        assert received == echo(step)


def test_silent_upgrade_is_reclaimed_by_its_timeout(make_server):
    server = make_server("--upgrade-timeout", 500)
    polling = Polling(server)
    polling.connect()
    for probe in (False, True):
        with EngineSocket(server, sid=polling.sid) as socket:
            if probe:
                socket.upgrade()
            start = time.monotonic()
            socket.assert_session_ends(3)
            assert 0.3 < time.monotonic() - start < 2
        received = polling.send(echo(1)).packet()
        while received == "6":
            received = polling.packet()
        assert received == echo(1)


@pytest.mark.parametrize("first", ["5", "3probe", "2", "2other", '42["echo",1]', "abc", "", b"2probe"], ids=repr)
def test_anything_but_the_probe_fails_the_upgrade_only(server, first):
    polling = Polling(server)
    polling.connect()
    with EngineSocket(server, sid=polling.sid) as socket:
        socket.send_packet(first)
        socket.assert_session_ends(3)
    received = polling.send(echo(1)).packet()
    while received == "6":
        received = polling.packet()
    assert received == echo(1)


def test_of_two_upgrades_one_wins(server):
    polling = Polling(server)
    polling.connect()
    first = EngineSocket(server, sid=polling.sid)
    first.upgrade()
    with Connection(server) as second:
        second.send(handshake(socket_path(polling.sid)))
        refused = second.response().status == 400
        first.send_packet("5")
        for n in range(20):
            first.send_packet(echo(n))
        received = []
        while len(received) < 20:
            packet = first.packet()
            if packet != "6":
                received.append(packet)
        assert received == [echo(n) for n in range(20)]
        if not refused:
            second.rest(12)
    first.socket.close()
    server.check()


# --- heartbeat -----------------------------------------------------------------------------------

def test_server_pings_and_keeps_a_client_that_pongs(impatient):
    with EngineSocket(impatient) as socket:
        socket_id = socket.connect_namespace()
        start = time.monotonic()
        for n in range(1, 5):
            assert socket.packet(pong=False) == "2"
            assert abs(time.monotonic() - start - 0.3 * n) < 0.25
            socket.send_packet("3")
        socket.send_packet(echo(1))
        assert socket.packet() == echo(1)
        assert all(entry["id"] != socket_id for entry in impatient.stats()["disconnects"])


def test_server_pings_over_polling(impatient):
    polling = Polling(impatient)
    polling.connect()
    for _ in range(4):
        assert polling.packet(pong=False) == "2"
        polling.send("3")
    assert polling.send(echo(1)).packet() == echo(1)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_client_that_does_not_pong_is_closed(impatient, transport):
    start = time.monotonic()
    if transport == "polling":
        polling = Polling(impatient)
        socket_id = polling.connect()
        wait_until(polling.ended, 3)
    else:
        with EngineSocket(impatient) as socket:
            socket_id = socket.connect_namespace()
            assert socket.packet(pong=False) == "2"
            socket.assert_session_ends(3)
    assert 0.4 < time.monotonic() - start < 1.5
    assert impatient.disconnect_reason(socket_id) == "ping timeout"


def test_client_without_namespace_is_closed_by_connect_timeout(impatient):
    with EngineSocket(impatient) as socket:
        start = time.monotonic()
        with pytest.raises(AssertionError):     # pings are answered until the server closes
            while True:
                socket.packet(3)
        assert 0.4 < time.monotonic() - start < 2
    before = impatient.stats()["sessions"]
    Polling(impatient)
    wait_until(lambda: impatient.stats()["sessions"] <= before, 3)


@pytest.mark.parametrize("flood", ["3", "2"])
def test_flood_of_unasked_heartbeats_is_closed(server, flood):
    before = server.memory()
    with EngineSocket(server) as socket:
        socket.connect_namespace()
        from support.websocket import TEXT, frame
        socket.send(frame(TEXT, flood) * 20_000)
        socket.assert_session_ends()
    assert server.memory() - before < 8 * MIB
    server.check()


def test_sessions_leave_nothing_behind(server):
    wait_until(lambda: server.stats()["sessions"] < 10_000)
    sockets = []
    for _ in range(50):
        socket = EngineSocket(server)
        socket.connect_namespace()
        socket.send_packet('420["join","leak-check"]')
        assert socket.packet() == "430[]"
        sockets.append(socket)
    stats = server.stats()
    assert stats["rooms"]["/"].get("leak-check") == 50
    sessions = stats["sessions"]
    for socket in sockets:
        socket.socket.close()
    wait_until(lambda: "leak-check" not in server.stats()["rooms"]["/"])
    wait_until(lambda: server.stats()["sessions"] <= sessions - 50)
