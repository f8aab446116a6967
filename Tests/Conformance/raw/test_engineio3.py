"""Engine.IO v3 for Socket.IO 1.x and 2.x clients. LIMITS "Engine.IO and Socket.IO"."""

import json
import os
import random
import time

import pytest

from support.engine import EngineSocket, Polling, poll_path
from support.engine3 import BINARY_TYPE, Polling3, Socket3, decode, encode, encode_binary, path
from support.http1 import Connection, exchange, get
from support.server import wait_until
from support.websocket import handshake

EVENT = '451-["echo",{"_placeholder":true,"num":0}]'
OLD = ("--engineio3",)


def refused(answer, code):
    assert answer.status == 400, answer
    assert json.loads(answer.body)["code"] == code, answer


# --- handshake -----------------------------------------------------------------------------------

def test_off_by_default(server):
    refused(exchange(server, get(path("polling"))), 5)
    refused(exchange(server, handshake(path("websocket"))), 5)


def test_opening_packet_is_the_same_behind_its_length(old_server):
    polling = Polling3(old_server)
    assert polling.opening == {"sid": polling.sid, "upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000,
                               "maxPayload": 1_000_000}
    with Socket3(old_server) as socket:
        assert socket.opening["upgrades"] == []
        assert socket.message() == "40"


@pytest.mark.parametrize("version", ["2", "03", "5", "", "3&EIO=4", "3&EIO=3"])
def test_other_revisions_are_still_refused(old_server, version):
    assert exchange(old_server, get(f"/socket.io/?EIO={version}&transport=polling")).status == 400


def test_later_requests_must_have_the_revision_of_the_handshake(old_server):
    old, new = Polling3(old_server).joined(), Polling(old_server)
    refused(exchange(old_server, get(poll_path(old.sid))), 3)
    refused(exchange(old_server, get(path("polling", new.sid))), 3)
    refused(exchange(old_server, handshake(path("websocket", old.sid, revision=4))), 3)
    refused(exchange(old_server, handshake(path("websocket", new.sid))), 3)
    assert old.send("2").packet() == "3"
    assert new.connect()


# --- namespaces ----------------------------------------------------------------------------------

def test_root_is_joined_by_itself_and_ids_follow_from_the_session(old_server):
    polling = Polling3(old_server).joined()
    polling.send('420["rooms"]')
    assert polling.packet() == f'430[["{polling.sid}"]]'
    polling.send("40/chat")
    assert [polling.packet(), polling.packet()] == ["40/chat,", f'42/chat,["welcome","/chat#{polling.sid}"]']


def test_refusals_are_error_packets(old_server):
    polling = Polling3(old_server).joined()
    for packet, answer in (("40/admin", '44/admin,{"code":4401}'), ("40/admin?token=wrong", '44/admin,{"code":4401}'),
                           ("40/nowhere?a=b", '44/nowhere,"Invalid namespace"')):
        polling.send(packet)
        assert polling.packet() == answer


def test_query_of_a_namespace_is_in_its_handshake(old_server):
    with Socket3(old_server) as socket:
        assert socket.message() == "40"
        socket.send_packet("40/admin?token=secret&x=a%20b,")
        assert socket.message() == "40/admin,"
        socket.send_packet('42/admin?token=secret,1["handshake"]')
        answer = socket.message()
        assert answer.startswith("43/admin,1[")
        assert json.loads(answer[len("43/admin,1"):])[0]["auth"] is None
        socket.send_packet("41/admin")
        socket.send_packet('420["echo",1]')
        assert socket.message() == "430[1]"


@pytest.mark.parametrize("packet", ['42/chat,["echo",1]', '44"x"', "4", "49", '42["connect"]', "42{}"])
def test_socketio_violations_close(old_server, packet):
    polling = Polling3(old_server).joined()
    polling.post(encode(packet))
    wait_until(polling.ended)
    old_server.check()


# --- heartbeat -----------------------------------------------------------------------------------

def test_pings_are_answered_with_their_data(old_server):
    polling = Polling3(old_server).joined()
    polling.send("2", "2probe", "2ключ 🎉")
    assert [polling.packet() for _ in range(3)] == ["3", "3probe", "3ключ 🎉"]
    with Socket3(old_server) as socket:
        assert socket.message() == "40"
        socket.send_packet("2é")
        assert socket.message() == "3é"


def test_silent_client_is_closed_after_interval_and_timeout(make_server):
    server = make_server("--ping-interval", 300, "--ping-timeout", 200, *OLD)
    with Socket3(server) as socket:
        begin = time.monotonic()
        assert socket.message() == "40"
        for _ in range(4):
            time.sleep(0.3)
            socket.send_packet("2")
            assert socket.message() == "3"      # and no ping from the server
        assert socket.sid and time.monotonic() - begin > 1.1
        silent = time.monotonic()
        socket.assert_closed()
        assert 0.4 < time.monotonic() - silent < 1.5
    assert server.disconnect_reason(socket.sid) == "ping timeout"


def test_pongs_close(old_server):
    polling = Polling3(old_server).joined()
    polling.post(encode(*["3"] * 500))
    assert polling.ended()
    with Socket3(old_server) as socket:
        assert socket.message() == "40"
        socket.send_packet("3")
        socket.assert_closed()


# --- payloads ------------------------------------------------------------------------------------

def test_lengths_count_utf16_code_units_both_ways(old_server):
    polling = Polling3(old_server, "&b64=1").joined()
    text = "κόσμε 🎉 \u2028"
    polling.send(f'42["echo","{text}"]', "2")
    answer = polling.get()
    assert answer.get("content-type") == "text/plain; charset=UTF-8"
    assert decode(answer)[0] == f'42["echo","{text}"]'


def test_binary_payloads_both_ways(old_server):
    polling = Polling3(old_server).joined()
    data = bytes(range(256)) * 5
    answer = polling.post(encode_binary(EVENT, data, "2", '42["echo","é🎉"]'), BINARY_TYPE)
    assert (answer.status, answer.body) == (200, b"ok")
    received = []
    while len(received) < 4:
        answer = polling.get()
        received += decode(answer)
    assert received == [EVENT, data, "3", '42["echo","é🎉"]']


def test_base64_for_those_who_ask(old_server):
    polling = Polling3(old_server, "&b64=1").joined()
    polling.send(EVENT, "b4AQIDBA==")
    answer = polling.get()
    assert answer.body == b'42:' + EVENT.encode() + b'10:b4AQIDBA=='
    polling.post(encode_binary(EVENT, b"\1"), BINARY_TYPE)
    assert decode(polling.get()) == [EVENT, "b4AQ=="]


def test_binary_over_websocket_has_its_type(old_server):
    with Socket3(old_server) as socket:
        assert socket.message() == "40"
        socket.send_packet(EVENT)
        socket.send_packet(b"\4\1\2\xff")
        assert socket.message() == EVENT
        assert socket.message() == b"\4\1\2\xff"
    with Socket3(old_server, query="&b64=1") as socket:
        assert socket.message() == "40"
        socket.send_packet(EVENT)
        socket.send_packet("b4AQIDBA==")
        assert [socket.message(), socket.message()] == [EVENT, "b4AQIDBA=="]


@pytest.mark.parametrize("message", [b"", b"\1", b"\x34abc", b"\5", "b", "b5AA==", "b4*", "7", "0{}"], ids=repr)
def test_malformed_websocket_packets_close(old_server, message):
    with Socket3(old_server) as socket:
        assert socket.message() == "40"
        socket.send_packet(message)
        socket.assert_closed(1)
    old_server.check()


MALFORMED = [
    b"5:4hello", b"7:4hello", b":4hello", b"-1:4hello", b"+6:4hello", b" 6:4hello", b"6 :4hello", b"6.0:4hello", b"0x6:4hello",
    b"1e1:4hello", b"0:", b"0:0:", b"", b"6", b"6:", b"4hello", "2:4🎉".encode(), "4:4🎉".encode(), "3:4\ud83c".encode("utf-8", "surrogatepass")[:-1],
    b"99999999999999999999:4", b"9223372036854775807:4", b"18446744073709551617:4", b"9" * 100_000, b"9" * 100_000 + b":4", b"1:7", b"1:b", b"2:b2",
    b"4:b4*=", b"2:4\xff", b"2:4\x80", b"3:4\xc3", b"1:21:21", "١:2".encode(), b"\xef\xbb\xbf1:2",
]
MALFORMED_BINARY = [
    b"\0", b"\0\xff", b"\0\1", b"\0\1\xff", b"\0\2\xff2", b"\1\5\xff\4abc", b"\2\1\xff2", b"\0\x31\xff2", b"\0\0\xff", b"\1\0\xff", b"\1\1\xff2",
    b"\0" + b"\t" * 400 + b"\xff2", b"\0" + b"\t" * 900_000, b"\1\1\xff\2", b"\0\1\xff4\0", b"1:2", b"\xff\xff\xff",
]


@pytest.mark.parametrize("payload, kind", [(payload, "text") for payload in MALFORMED] + [(payload, "binary") for payload in MALFORMED_BINARY],
                         ids=lambda value: repr(value)[:40])
def test_malformed_payload_closes_at_once(old_server, payload, kind):
    polling = Polling3(old_server).joined()
    with Connection(old_server) as parked:
        parked.send(get(path("polling", polling.sid)))
        parked.assert_open(0.05)
        begin = time.monotonic()
        refused(polling.post(payload, BINARY_TYPE) if kind == "binary" else polling.post(payload), 3)
        assert parked.response().status == 400
        assert time.monotonic() - begin < 0.2
    assert polling.ended()
    assert old_server.disconnect_reason(polling.sid) == "parse error"
    old_server.check()


def test_packet_that_is_no_socketio_closes_too(old_server):
    polling = Polling3(old_server).joined()
    polling.post("6:4hello")
    assert polling.ended()
    assert old_server.disconnect_reason(polling.sid) == "parse error"


def test_too_many_packets_close(old_server):
    polling = Polling3(old_server).joined()
    assert polling.post("1:6" * 1000).status == 200
    refused(polling.post("1:6" * 1001), 3)
    assert polling.ended()


@pytest.mark.parametrize("fields", [[], [BINARY_TYPE]])
def test_2_megabytes_are_413(old_server, fields):
    polling = Polling3(old_server).joined()
    assert polling.post(b"1:6" * 700_000, *fields).status == 413


# --- upgrade -------------------------------------------------------------------------------------

def test_upgrade_by_probe(old_server):
    polling = Polling3(old_server).joined()
    with Connection(old_server) as parked, Socket3(old_server, polling.sid) as socket:
        parked.send(get(path("polling", polling.sid)))
        parked.assert_open(0.05)
        socket.send_packet("2probe")
        assert socket.message() == "3probe"
        assert parked.response().body == b"1:6"
        polling.send('42["echo","before"]')
        socket.send_packet("5")
        assert socket.message() == '42["echo","before"]'
        socket.send_packet(EVENT)
        socket.send_packet(b"\4\0\xff")
        assert [socket.message(), socket.message()] == [EVENT, b"\4\0\xff"]
        refused(polling.get(), 3)


def test_base64_is_a_matter_of_each_transport(old_server):
    polling = Polling3(old_server, "&b64=1").joined()
    with Socket3(old_server, polling.sid) as socket:
        socket.send_packet("2probe")
        assert socket.message() == "3probe"
        polling.send(EVENT, "b4AP8=")
        socket.send_packet("5")
        assert [socket.message(), socket.message()] == [EVENT, b"\4\0\xff"]


def test_abandoned_upgrade_leaves_the_session(old_server):
    polling = Polling3(old_server).joined()
    with Socket3(old_server, polling.sid) as socket:
        socket.send_packet(b"\4probe")
        socket.assert_closed()
    assert polling.send("2").packet() == "3"


# --- both revisions ------------------------------------------------------------------------------

def test_broadcast_reaches_both_revisions(old_server):
    clients = [Polling3(old_server).joined(), Polling3(old_server, "&b64=1").joined()]
    polling = Polling(old_server)
    polling.connect()
    with Socket3(old_server) as old, EngineSocket(old_server) as new:
        assert old.message() == "40"
        new.connect_namespace()
        old.send_packet('42["broadcast","mixed-text 🎉"]')
        old.send_packet('451-["broadcast",{"_placeholder":true,"num":0}]')
        old.send_packet(b"\4\1\2\3")
        text, event = '42["broadcast","mixed-text 🎉"]', '451-["broadcast",{"_placeholder":true,"num":0}]'
        assert [old.message() for _ in range(3)] == [text, event, b"\4\1\2\3"]
        assert [new.packet() for _ in range(3)] == [text, event, b"\1\2\3"]
        assert [clients[0].packet() for _ in range(3)] == [text, event, b"\1\2\3"]
        assert [clients[1].packet() for _ in range(3)] == [text, event, "b4AQID"]
        assert [polling.packet() for _ in range(3)] == [text, event, "bAQID"]


# --- mutations -----------------------------------------------------------------------------------

def test_mutated_payloads(old_server):
    """Seeded: payloads cut, joined and damaged; the server lives, and no session outlives its client's nonsense."""
    generator = random.Random(int(os.environ.get("CONFORMANCE_SEED", "20240612")))
    lawful = [encode("2", '42["echo",1]', EVENT, "b4AQID").encode(), encode("4é🎉", "6", "40/chat", '42/chat,1["echo","🎉"]').encode(),
              encode_binary(EVENT, b"\0\1\2", "2"), encode_binary('42["echo","é🎉"]', "6", "40/admin?token=secret")]
    begin, sessions = old_server.memory(), old_server.stats()["sessions"]
    for _ in range(1500):
        payload = bytearray(generator.choice(lawful))
        for _ in range(generator.randint(1, 4)):
            place = generator.randrange(len(payload) + 1)
            action = generator.randrange(4)
            if action == 0:
                del payload[place:]
            elif action == 1:
                payload[place:place] = generator.choice([b"9" * 30, b":", b"\xff", b"\0", b"\t\t\t", b"-", "🎉".encode(), b"1:2", b"\1\2\xff\4a"])
            elif action == 2 and place < len(payload):
                payload[place] = generator.randrange(256)
            else:
                payload[place:place] = payload[:place][-8:]
        polling = Polling3(old_server)
        answer = polling.post(bytes(payload), *([BINARY_TYPE] if generator.random() < 0.5 else []))
        assert answer.status in (200, 400), answer
        polling.post("1:1")
    old_server.check()
    wait_until(lambda: old_server.stats()["sessions"] <= sessions + 5)
    assert old_server.memory() - begin < 64 << 20
