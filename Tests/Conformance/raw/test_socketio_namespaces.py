"""Socket.IO v5 connections and namespaces, as the protocol's own test suite asks."""

import json
import time

import pytest

from support.engine import EngineSocket, Polling, socketio
from support.server import wait_until


def test_main_namespace(server):
    with EngineSocket(server) as socket:
        socket.send_packet("40")
        answer = json.loads(socket.packet()[2:])
        assert set(answer) == {"sid"} and isinstance(answer["sid"], str)


def test_custom_namespace_and_query(server):
    with EngineSocket(server) as socket:
        socket.send_packet("40/chat,")
        assert socket.packet().startswith('40/chat,{"sid":"')
        assert socket.packet().startswith('42/chat,["welcome","')


def test_connect_is_written_before_what_the_connection_handler_emits(server):
    for _ in range(20):
        with EngineSocket(server) as socket:
            socket.send_packet("40/chat,{}")
            identifier = json.loads(socket.packet()[len("40/chat,"):])["sid"]
            assert socket.packet() == f'42/chat,["welcome","{identifier}"]'


def test_events_right_behind_the_connect_are_delivered_or_end_the_session(server):
    with EngineSocket(server) as socket:
        socket.send_packet("40/admin," + json.dumps({"token": "secret"}))
        for n in range(20):
            socket.send_packet(f'42/admin,["echo",{n}]')
        # Node ends the session for an event before the answer to CONNECT: lawful too. Losing one is not.
        try:
            received = [socket.packet() for _ in range(21)]
        except AssertionError:
            received = None
        if received is not None:
            assert received[0].startswith("40/admin,{"), received[0]
            assert received[1:] == [f'42/admin,["echo",{n}]' for n in range(20)]
    server.check()


def test_unknown_namespace(server):
    with EngineSocket(server) as socket:
        socket.send_packet("40/unknown,")
        assert socket.packet() == '44/unknown,{"message":"Invalid namespace"}'
        socket.send_packet("40")
        assert socket.packet().startswith("40{"), "the session survived"


def test_refused_namespace_carries_message_and_data(server):
    before = server.stats()["sockets"]
    with EngineSocket(server) as socket:
        for auth in ("", "{}", '{"token":"wrong"}', '{"token":1}', '{"token":null}'):
            socket.send_packet("40/admin," + auth)
            answer = socket.packet()
            assert answer.startswith("44/admin,"), answer
            assert json.loads(answer[9:]) == {"message": "not authorized", "data": {"code": 4401}}
        assert server.stats()["sockets"].get("/admin", 0) == before.get("/admin", 0)
        assert "joined-too-early" not in server.stats()["rooms"].get("/admin", {})
        socket.send_packet('40/admin,{"token":"secret"}')
        assert socket.packet().startswith("40/admin,{")


@pytest.mark.parametrize("payload", ["[]", '"x"', "1", "{", "{]", '{"a":1}x', "null"])
def test_auth_that_is_no_object_is_refused_or_ends_the_session(server, payload):
    with EngineSocket(server) as socket:
        socket.send_packet("40/admin," + payload)
        try:
            answer = socket.packet()
        except AssertionError:
            answer = "closed"
        assert answer == "closed" or answer.startswith("44/admin,"), answer
    server.check()


@pytest.mark.parametrize("packet", ['42["echo",1]', '42/chat,["echo",1]', "41", "43[]", '450-["echo"]'])
def test_packet_before_any_connect_ends_the_session(server, packet):
    with EngineSocket(server) as socket:
        socket.send_packet(packet)
        socket.assert_session_ends()
    server.check()


def test_event_for_a_namespace_not_joined_ends_the_session(server):
    socket, socket_id = socketio(server)
    socket.send_packet('42/chat,["echo",1]')
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id)


def test_second_connect_to_the_same_namespace_ends_the_session(server):
    socket, _ = socketio(server)
    socket.send_packet("40")
    socket.assert_session_ends()
    server.check()


def test_namespaces_of_one_client_are_independent(server):
    socket, main = socketio(server)
    chat = socket.connect_namespace("/chat")
    assert socket.packet() == f'42/chat,["welcome","{chat}"]'
    assert main != chat
    socket.send_packet('42["echo",1]')
    socket.send_packet('42/chat,5["echo",2]')
    assert socket.packet() == '42["echo",1]'
    assert socket.packet() == "43/chat,5[2]"
    socket.send_packet("41/chat,")
    socket.send_packet('42["echo",3]')
    assert socket.packet() == '42["echo",3]'
    assert server.disconnect_reason(chat) == "client namespace disconnect"
    assert socket.connect_namespace("/chat") != chat


def test_disconnect_by_the_client_keeps_the_session_for_another_connect(server):
    socket, first = socketio(server)
    socket.send_packet("41")
    assert server.disconnect_reason(first) == "client namespace disconnect"
    assert socket.connect_namespace() != first


def test_disconnect_by_the_server(server):
    socket, socket_id = socketio(server)
    socket.send_packet('42["server-disconnect",false]')
    assert socket.packet() == "41"
    assert server.disconnect_reason(socket_id) == "server namespace disconnect"
    assert socket.connect_namespace() != socket_id


def test_disconnect_by_the_server_with_close(server):
    socket, socket_id = socketio(server)
    chat = socket.connect_namespace("/chat")
    socket.packet()
    socket.send_packet('42["server-disconnect",true]')
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "server namespace disconnect"
    assert server.disconnect_reason(chat) in ("server namespace disconnect", "forced server close", "forced close")


def test_rooms_are_visible_while_disconnecting_and_gone_after(server):
    socket, socket_id = socketio(server)
    socket.send_packet('421["join","parting"]')
    assert socket.packet() == "431[]"
    socket.socket.close()
    entry = wait_until(lambda: next((e for e in server.stats()["disconnects"] if e["id"] == socket_id), None))
    assert sorted(entry["rooms"]) == sorted([socket_id, "parting"])
    assert "parting" not in server.stats()["rooms"]["/"]


@pytest.mark.parametrize("name", ["/" + "n" * 256, "/" + "n" * 100_000])
def test_overlong_namespace_name_is_refused(server, name):
    with EngineSocket(server) as socket:
        socket.send_packet(f"40{name},")
        try:
            assert socket.packet().startswith("44")
        except AssertionError as error:
            assert "closed" in str(error) or "ended" in str(error), error
    server.check()


def test_namespaces_of_a_client_are_limited(server):
    """/n0 to /n39 exist; a client may join 32."""
    with EngineSocket(server) as socket:
        joined = 0
        for n in range(40):
            socket.send_packet(f"40/n{n},")
            try:
                answer = socket.packet()
            except AssertionError:
                break
            if not answer.startswith("40"):
                break
            joined += 1
        assert joined == 32
    server.check()


def test_many_refused_connects_are_bounded(server):
    with EngineSocket(server) as socket:
        for n in range(2_000):
            socket.send_packet(f"40/unknown{n},")
        time.sleep(0.2)
    server.check()
    assert len(server.stats()["sockets"]) < 100


def test_ack_ids_of_the_client_are_echoed(server):
    socket, _ = socketio(server)
    for identifier in ("0", "1", "999999999999999", "007"):
        socket.send_packet(f'42{identifier}["echo",1]')
        answer = socket.packet()
        assert answer[:2] == "43" and int(answer[2:-3]) == int(identifier) and answer.endswith("[1]")


def test_second_answer_to_an_ack_is_ignored(server):
    socket, _ = socketio(server)
    socket.send_packet('42["ask","hello"]')
    question = socket.packet()
    assert question.startswith("42") and question.endswith('["question","hello"]')
    identifier = question[2:question.index("[")]
    socket.send_packet(f'43{identifier}["first"]')
    socket.send_packet(f'43{identifier}["second"]')
    assert json.loads(socket.packet()[2:]) == ["answer", "first"]
    socket.send_packet('42["echo","next"]')
    assert socket.packet() == '42["echo","next"]'


def test_unanswered_ack_times_out(server):
    socket, _ = socketio(server)
    socket.send_packet('42["ask-impatiently","hello"]')
    socket.packet()
    assert socket.packet() == '42["answer-timeout"]'


def test_handlers_of_a_socket_run_in_order(server):
    """S32: an asynchronous handler that waits holds back the next, not other sockets."""
    socket, _ = socketio(server)
    other, _ = socketio(server)
    start = time.monotonic()
    socket.send_packet('42["slow",1,400]')
    socket.send_packet('42["slow",2,0]')
    socket.send_packet('42["slow",3,0]')
    other.send_packet('42["echo","free"]')
    assert other.packet() == '42["echo","free"]'
    assert time.monotonic() - start < 0.3
    assert [socket.packet() for _ in range(3)] == [f'42["slow",{n}]' for n in (1, 2, 3)]
    assert time.monotonic() - start > 0.35


@pytest.mark.middleware
def test_handshake_carries_what_http_middleware_stored(server):
    polling = Polling(server, query="&colour=blue", fields=["X-User: ada", "X-Custom: yes"])
    polling.connect(auth={"key": "value"})
    polling.send('420["handshake"]')
    seen = json.loads(polling.packet()[3:])[0]
    assert seen["user"] == "ada" and seen["auth"] == {"key": "value"}
    assert seen["query"]["colour"] == "blue" and seen["query"]["EIO"] == "4"
    assert seen["headers"]["x-custom"] == "yes"
    assert seen["address"].startswith("127.0.0.1") and seen["secure"] is False and seen["namespace"] == "/"
    assert seen["url"].startswith("/socket.io/?")
