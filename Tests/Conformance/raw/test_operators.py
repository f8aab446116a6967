"""Dynamic namespaces, acknowledged broadcasts, event middleware and typed events."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.engine import EngineSocket
from support.http1 import Malformed

SPACE = "/operators"


class Member(EngineSocket):
    """A client that is in a namespace."""

    def join(self, namespace=SPACE):
        self.namespace = namespace
        self.send_packet(f"40{namespace},")
        answer = self.packet()
        assert answer.startswith(f"40{namespace},{{"), answer
        self.id = json.loads(answer[len(f"40{namespace},"):])["sid"]
        return self

    def emit(self, *values, ack=""):
        self.send_packet(f"42{self.namespace},{ack}{json.dumps(values)}")

    def expect(self, *values):
        packet = self.packet()
        prefix = f"42{self.namespace},"
        assert packet.startswith(prefix), packet
        assert json.loads(packet[len(prefix):]) == list(values)

    def ask(self, *values):
        self.emit(*values, ack=7)
        packet = self.packet()
        prefix = f"43{self.namespace},7"
        assert packet.startswith(prefix), packet
        return json.loads(packet[len(prefix):])


@pytest.fixture
def member(server):
    with Member(server) as client:
        yield client.join()


def test_dynamic_namespaces_have_parameters_and_are_apart(server):
    with Member(server) as one, Member(server) as two:
        one.join("/rooms/1")
        two.join("/rooms/2")
        assert one.ask("where") == [1]
        assert two.ask("where") == [2]
        one.emit("say", "to my room")
        one.expect("said", "to my room")
        one.emit("say-to-all", "to all rooms")
        two.expect("said", "to all rooms")
        one.expect("said", "to all rooms")


@pytest.mark.parametrize("name, message", [
    ("/rooms/13", "unlucky"), ("/rooms/x", "invalid path parameter: id"), ("/rooms/", "Invalid namespace"),
    ("/rooms/1/2", "Invalid namespace"), ("/rooms", "Invalid namespace"),
])
def test_refused_names(server, name, message):
    with EngineSocket(server) as socket:
        socket.send_packet(f"40{name},")
        assert socket.packet() == f'44{name},' + json.dumps({"message": message}, separators=(",", ":"))


def test_an_empty_dynamic_namespace_is_gone(server):
    with Member(server) as watcher:
        watcher.join("/rooms/100")
        before = watcher.ask("children")[0]
        for number in range(200, 230):
            with Member(server) as visitor:
                visitor.join(f"/rooms/{number}")
        deadline = time.monotonic() + 5
        while watcher.ask("children")[0] > before:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_many_clients_ask_for_one_new_namespace_at_once(server):
    def come(_):
        with Member(server) as client:
            client.join("/rooms/777")
            return client.ask("where")

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(come, range(64))) == [[777]] * 64
    server.check()


def test_middleware_refuses_one_event_and_nothing_else(member):
    member.emit("forbidden", ack=1)
    member.expect("refused", "forbidden", "middleware", None)
    assert member.ask("pair", 3) == [3, "second"]


def test_the_path_of_what_does_not_fit(member):
    member.emit("greeting", {"name": "ada", "times": "often"})
    member.expect("refused", "greeting", "arguments", "[0].times")
    member.emit("pair")
    member.expect("refused", "pair", "arguments", "[0]")


def test_typed_event(member):
    assert member.ask("greeting", {"name": "ada", "times": 1}) == [{"name": "ADA", "times": 2}]


def test_concurrent_handlers_overtake(member):
    member.emit("slow", 300, ack=1)
    member.emit("slow", 1, ack=2)
    assert member.packet() == f"43{SPACE},2[1]"
    assert member.packet() == f"43{SPACE},1[300]"


def test_broadcast_with_acknowledgements(make_server):
    server = make_server()
    with Member(server) as one, Member(server) as two, Member(server) as three, Member(server) as four:
        for client in (one, two, three, four):
            client.join()
        one.emit("census", 400, ack=5)
        for number, client in enumerate((one, two, three, four)):
            packet = client.packet()
            prefix = f"42{SPACE},"
            end = packet.index("[")
            assert packet[end:] == '["present?"]'
            identifier = packet[len(prefix):end]
            assert 2**30 <= int(identifier) < 2**31
            if number < 2:
                client.send_packet(f"43{SPACE},{identifier}[{number}]")
                client.send_packet(f"43{SPACE},{identifier}[9]")
            elif number == 2:
                client.send_packet(f'43{SPACE},{identifier}["text"]')
        answer = one.packet()
        assert answer.startswith(f"43{SPACE},5"), answer
        result = json.loads(answer[len(f"43{SPACE},5"):])[0]
        assert sorted(result["replies"]) == [0, 1]
        assert result["missing"] == [four.id] and result["invalid"] == 1


def test_operators_on_all_sockets(make_server):
    server = make_server()
    with Member(server) as one, Member(server) as two:
        one.join()
        two.join()
        assert one.ask("all-join", "red") == [2]
        assert {entry["id"] for entry in one.ask("fetch")[0]} == {one.id, two.id}
        one.emit("disconnect-others")
        assert two.packet() == f"41{SPACE},"
        assert one.ask("all-join", "red") == [1]


def test_an_event_that_may_not_be_compressed_travels_as_it_is(make_server):
    server = make_server("--compress-realtime")
    with Member(server, fields=["Sec-WebSocket-Extensions: permessage-deflate"]) as client:
        assert "permessage-deflate" in client.answer.get("sec-websocket-extensions")
        client.join()
        client.emit("compressed", "x" * 5000)
        client.expect("plain", "x" * 5000)
        client.emit("greeting", {"name": "x" * 5000, "times": 1}, ack=1)
        with pytest.raises(Malformed, match="reserved bits"):
            client.packet()
