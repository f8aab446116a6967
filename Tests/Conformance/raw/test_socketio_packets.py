"""Socket.IO v5 packets that no client would send. LIMITS "Engine.IO and Socket.IO"."""

import json
import time

import pytest

from support.engine import EngineSocket, Polling, socketio
from support.websocket import TEXT, frame

MIB = 1 << 20
PLACEHOLDER = '{"_placeholder":true,"num":0}'

MALFORMED = {
    "object as name": "42[{}]", "null as name": "42[null]", "empty array": "42[]", "object": "42{}", "no payload": "42",
    "bad JSON": '42["echo",', "trailing comma": '42["echo",1,]', "comma only": "42[,]", "array of 1 and comma": "42[1,]",
    "behind the end": '42["echo",1]x', "two values": '42["echo"]["echo"]', "string": '42"echo"', "boolean name": "42[true]",
    "nested name": '42[["echo"]]', "single quotes": "42['echo']", "NaN": '42["echo",NaN]', "leading zero": '42["echo",01]',
    "plus": '42["echo",+1]', "lone minus": '42["echo",-]', "raw newline": '42["echo","a\nb"]', "raw NUL": '42["echo","a\0b"]',
    "bad escape": '42["echo","\\x"]', "short unicode escape": '42["echo","\\u12"]', "comment": '42["echo"/**/]',
    "unknown type": "47", "type 9": '49["echo"]', "letter type": "4abc", "no type": "4", "ack without id": "43[]",
    "ack id text": '43abc["x"]', "ack with object": "431{}", "negative ack id": '42-1["echo"]', "connect error by client": "44{}",
    "disconnect with payload": '41["x"]', "namespace without comma": '42/chat["echo"]',
    "ack id of 16 digits": '421234567890123456["echo",1]', "endless ack id": "42" + "1" * 1_000 + '["echo",1]',
    "long namespace": "42/" + "a" * 300 + ',["echo"]',
    "depth 100,000": '42["echo",' + "[" * 100_000 + "]" * 100_000 + "]", "unclosed depth": '42["echo",' + "[" * 100_000,
    "objects 10,000 deep": '42["echo",' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "]",
    "depth 200": '42["echo",' + "[" * 200 + "]" * 200 + "]",
}


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_packet_is_a_parse_error(server, packet, transport):
    if transport == "websocket":
        socket, socket_id = socketio(server)
        socket.send_packet(packet)
        socket.assert_session_ends()
    else:
        polling = Polling(server)
        socket_id = polling.connect()
        polling.post(packet)
    reason = server.disconnect_reason(socket_id)
    # A packet that is well formed but out of place ends the session without being a parse error.
    misplaced = {MALFORMED[name] for name in ("connect error by client", "long namespace", "namespace without comma", "disconnect with payload")}
    assert reason == "parse error" or packet in misplaced, reason
    server.check()


@pytest.mark.parametrize("name", ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])
def test_reserved_event_name_is_a_parse_error(server, name):
    socket, socket_id = socketio(server)
    socket.send_packet(f'42["{name}",1]')
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"
    server.check()


ATTACHMENTS = {
    "num 5": '{"_placeholder":true,"num":5}', "num -1": '{"_placeholder":true,"num":-1}',
    "num 1.5": '{"_placeholder":true,"num":1.5}', "num a string": '{"_placeholder":true,"num":"splice"}',
    "num missing": '{"_placeholder":true}', "num null": '{"_placeholder":true,"num":null}',
    "num huge": '{"_placeholder":true,"num":1e400}', "twice": PLACEHOLDER + "," + PLACEHOLDER,
}


@pytest.mark.parametrize("argument", ATTACHMENTS.values(), ids=ATTACHMENTS.keys())
def test_malformed_placeholder_is_a_parse_error(server, argument):
    socket, socket_id = socketio(server)
    socket.send_packet(f'451-["echo",{argument}]')
    socket.send_packet(b"\1\2\3")
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"
    server.check()


@pytest.mark.parametrize("packet", ['45-["x"]', '45["x"]', '45a-["x"]', '45-1-["x"]', '451["x"]', '451-', '4511-["x"]',
                                    '4599999999999999999999-["x"]', '451.5-["x"]', "451-{}", "451-[]", "461-[]"])
def test_malformed_binary_header_is_a_parse_error(server, packet):
    socket, socket_id = socketio(server)
    socket.send_packet(packet)
    socket.send_packet(b"\1")     # the payload may be looked at when the packet is complete
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"
    server.check()


def test_binary_event_without_attachments_is_delivered_at_once(server):
    socket, socket_id = socketio(server)
    socket.send_packet('450-["echo","x"]')
    assert socket.packet() == '42["echo","x"]'
    socket.send_packet(b"\1")
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"


def test_ten_attachments_are_fine_and_eleven_are_not(server):
    def packet(count):
        places = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(count))
        return f'45{count}-["echo",[{places}]]'

    socket, socket_id = socketio(server)
    socket.send_packet(packet(10))
    for n in range(10):
        socket.send_packet(bytes([n]))
    assert socket.packet() == packet(10)
    assert [socket.packet() for _ in range(10)] == [bytes([n]) for n in range(10)]
    socket.send_packet(packet(11))
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"


def test_text_between_attachments_closes(server):
    socket, socket_id = socketio(server)
    socket.send_packet(f'451-["echo",{PLACEHOLDER}]')
    socket.send_packet('42["echo","between"]')
    socket.assert_session_ends()
    assert server.disconnect_reason(socket_id) == "parse error"


def test_heartbeats_between_attachments_are_fine(impatient):
    socket, _ = socketio(impatient)
    socket.send_packet(f'451-["echo",{PLACEHOLDER}]')
    assert socket.packet(pong=False) == "2"
    socket.send_packet("3")
    socket.send_packet(b"\1\2")
    assert socket.packet() == f'451-["echo",{PLACEHOLDER}]'
    assert socket.packet() == b"\1\2"


def test_unfinished_binary_packet_is_given_up(impatient):
    socket, socket_id = socketio(impatient)
    socket.send_packet(f'451-["echo",{PLACEHOLDER}]')
    start = time.monotonic()
    with pytest.raises(AssertionError):
        while True:
            socket.packet(4)
    assert 0.4 < time.monotonic() - start < 3
    impatient.check()


HARMLESS_OR_ENDING = {
    "10^6 digits": '42["echo",' + "1" * 999_000 + "]", "10^6 digits behind the point": '42["echo",0.' + "1" * 999_000 + "]",
    "200,000 keys": '42["echo",{' + ",".join(f'"{n:x}":0' for n in range(100_000)) + "}]",
    "equal keys": '42["echo",{' + ",".join(['"a":0'] * 150_000) + "}]",
    "1e999": '42["echo",1e999]', "-1e999": '42["echo",-1e999]', "1e-999": '42["echo",1e-999]', "1e99999999999999999999": '42["echo",1e99999999999999999999]',
    "2^63": '42["echo",9223372036854775808]', "-2^63 - 1": '42["echo",-9223372036854775809]', "2^64": '42["echo",18446744073709551616]',
    "-0": '42["echo",-0]', "lone high surrogate": '42["echo","\\ud800"]', "lone low surrogate": '42["echo","\\udc00x"]',
    "surrogates reversed": '42["echo","\\udc00\\ud800"]', "NUL escape": '42["echo","a\\u0000b"]',
    "NUL in the name": '42["ec\\u0000ho"]', "__proto__": '42["__proto__",{"__proto__":{"a":1}}]',
    "placeholder in a plain event": f'42["echo",{PLACEHOLDER}]', "number as name": '42[1,"x"]', "empty name": '42["",1]',
    "attachment that is not mentioned": '451-["echo","text"]', "ack of nothing": '4399["x"]', "ack of the future": '43999999999999999["x"]', "binary ack of nothing": '461-7[' + PLACEHOLDER + "]",
    "no argument": '42["echo"]', "many arguments": '42["echo"' + ",1" * 50_000 + "]", "unknown event": '42["nobody listens",1]',
    "text for a number": '42["slow","a","b"]', "object for a room": '42["join",{}]',
    "room of 100 kB": '42["join","' + "r" * 100_000 + '"]', "empty room": '42["join",""]',
}


@pytest.mark.parametrize("packet", HARMLESS_OR_ENDING.values(), ids=HARMLESS_OR_ENDING.keys())
def test_odd_packet_is_answered_ignored_or_an_error_but_never_a_trap(server, packet):
    before = server.memory()
    socket, _ = socketio(server)
    socket.send_packet(packet)
    if packet.startswith(("451", "461")):
        socket.send_packet(b"\1")
    server.check()
    time.sleep(0.05)
    socket.socket.close()
    assert server.memory() - before < 128 * MIB
    server.check()


@pytest.mark.parametrize("value", ["null", "true", "-1.5e3", '"a\\"\\\\\\/\\b\\f\\n\\r\\té\\ud83c\\udf89"', "[[],{}]", '{"a":{"b":[1,2,{"c":null}]}}',
                                   "9007199254740991", "0.1", '"\\u0000"', "[" * 100 + "]" * 100])
def test_every_json_value_survives_the_way_there_and_back(server, value):
    socket, _ = socketio(server)
    socket.send_packet(f'427["echo",{value}]')
    answer = socket.packet()
    assert answer.startswith("437[")
    assert json.loads(answer[3:]) == [json.loads(value)]
    socket.socket.close()


def test_white_space_between_tokens_is_lawful(server):
    socket, _ = socketio(server)
    socket.send_packet('427[ "echo" ,\t{ "a" :\r\n1 } ]')
    assert json.loads(socket.packet()[3:]) == [{"a": 1}]


def test_type_mismatch_reaches_the_hook_and_nothing_else(server):
    socket, _ = socketio(server)
    for arguments in ("", ",1", ',"x"', ",null", ',{"id":"x","name":"y"}', ',{"id":1}', ',{"id":1.5,"name":"y"}',
                      ',{"id":99999999999999999999,"name":"y"}', ',[]'):
        socket.send_packet(f'42["typed"{arguments}]')
        assert json.loads(socket.packet()[2:]) == ["type-mismatch", "typed"], arguments
    socket.send_packet('421["typed",{"id":1,"name":"y","more":true}]')
    assert json.loads(socket.packet()[3:]) == [{"id": 1, "name": "Y"}]
    server.check()


def test_events_at_a_slow_handler_are_bounded(server):
    """10^5 events at a handler that takes a second: the reading pauses, so the sender's socket fills."""
    before = server.memory()
    socket, _ = socketio(server)
    filler = "x" * 1000
    batch = frame(TEXT, f'42["slow",1,1000,"{filler}"]') * 100
    socket.socket.settimeout(2)
    sent = 0
    try:
        while sent < 100_000:
            socket.socket.sendall(batch)
            sent += 100
    except OSError:
        pass
    assert sent < 100_000, "everything was read"
    assert server.memory() - before < 48 * MIB
    server.check()
    socket.socket.close()


def test_client_that_reads_no_broadcasts_is_cut_and_harms_nobody(server):
    before = server.memory()
    stuck, stuck_id = socketio(server)
    stuck.send_packet('42["join","flood"]')
    healthy, _ = socketio(server)
    text = "x" * 100_000
    for n in range(200):
        healthy.send_packet(f'42["to-room","flood","{text}"]')
        if n % 20 == 0:
            healthy.send_packet(f'42["echo",{n}]')
            assert healthy.packet() == f'42["echo",{n}]'
    healthy.send_packet('42["echo","last"]')
    assert healthy.packet() == '42["echo","last"]'
    assert server.memory() - before < 48 * MIB
    assert server.disconnect_reason(stuck_id, 5)
    server.check()
