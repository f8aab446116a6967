"""Engine.IO v4 over HTTP: handshake, errors, polling. LIMITS "Engine.IO and Socket.IO"."""

import json
import re
import threading

import pytest

from support.engine import EngineSocket, Polling, poll_path, socket_path
from support.http1 import Connection, exchange, get, post
from support.server import wait_until
from support.websocket import handshake

MIB = 1 << 20


def expect_error(answer, code=None, status=400):
    assert answer.status == status, answer
    error = json.loads(answer.body)
    assert set(error) == {"code", "message"} and isinstance(error["message"], str) and error["message"]
    assert error["code"] in ((code,) if code is not None else range(6)), error


# --- handshake -----------------------------------------------------------------------------------

def test_opening_packet_has_the_protocols_fields(server):
    opening = Polling(server).opening
    assert opening["upgrades"] == ["websocket"]
    assert (opening["pingInterval"], opening["pingTimeout"], opening["maxPayload"]) == (25000, 20000, 1_000_000)
    with EngineSocket(server) as socket:
        assert socket.opening["upgrades"] == []


def test_opening_answer_is_text_and_complete(server):
    answer = exchange(server, get(poll_path()))
    assert answer.get("content-type").lower().replace(" ", "") == "text/plain;charset=utf-8"
    assert answer.get("set-cookie") is None


def test_path_without_trailing_slash_is_served(server):
    assert exchange(server, get("/socket.io?EIO=4&transport=polling")).status == 200


@pytest.mark.parametrize("query, code", [
    ("transport=polling", 5), ("EIO=&transport=polling", 5), ("EIO=abc&transport=polling", 5), ("EIO=2&transport=polling", 5),
    ("EIO=5&transport=polling", 5), ("EIO=04&transport=polling", None), ("EIO=4&EIO=4&transport=polling", None),
    ("EIO=4&EIO=3&transport=polling", None), ("EIO=4", 0), ("EIO=4&transport=", 0), ("EIO=4&transport=abc", 0),
    ("EIO=4&transport=__proto__", 0), ("EIO=4&transport=POLLING", 0), ("EIO=4&transport=polling&transport=websocket", None),
    ("EIO=4&transport=polling&sid=unknown", 1), ("EIO=4&transport=polling&sid=", None),
    ("EIO=4&transport=websocket", 3), ("EIO=4&transport=polling&sid=" + "a" * 5000, 1)], ids=lambda value: str(value)[:60])
def test_bad_query_is_400_with_its_code(server, query, code):
    expect_error(exchange(server, get("/socket.io/?" + query)), code)
    server.check()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_handshake_by_another_method_is_code_2(server, method):
    expect_error(exchange(server, get(poll_path(), "Content-Length: 0", method=method)), 2)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_another_method_on_a_session_is_400_and_harmless(server, method):
    polling = Polling(server)
    answer = polling.request(get(poll_path(polling.sid), "Content-Length: 0", method=method))
    assert answer.status == 400
    assert polling.connect()


def test_unknown_sid_over_websocket_is_refused(server):
    expect_error(exchange(server, handshake(socket_path("unknown"))), 1)


def test_unknown_transport_over_websocket_is_refused(server):
    expect_error(exchange(server, handshake("/socket.io/?EIO=4&transport=abc")), 0)
    expect_error(exchange(server, handshake("/socket.io/?EIO=2&transport=websocket")), 5)


def test_session_identifiers_are_random_and_never_the_clients(server):
    sids = {Polling(server).sid for _ in range(200)}
    assert len(sids) == 200
    assert all(len(sid) >= 20 and re.fullmatch(r"[A-Za-z0-9_-]+", sid) for sid in sids)
    # No position may be constant: 120 random bits leave none.
    assert all(len({sid[n] for sid in sids}) > 1 for n in range(20))
    expect_error(exchange(server, get(poll_path("mychosensessionid000"))), 1)


def test_socket_id_is_not_the_session_identifier(server):
    polling = Polling(server)
    assert polling.connect() != polling.sid


# --- polling -------------------------------------------------------------------------------------

def test_packets_of_a_payload_are_handled_in_order(server):
    polling = Polling(server)
    polling.connect()
    polling.send(*[f'42["echo",{n}]' for n in range(300)])
    assert [polling.packet() for _ in range(300)] == [f'42["echo",{n}]' for n in range(300)]


def test_binary_is_base64_both_ways(server):
    polling = Polling(server)
    polling.connect()
    polling.send('451-["echo",{"_placeholder":true,"num":0}]', "bAQIDBA==")
    assert polling.packet() == '451-["echo",{"_placeholder":true,"num":0}]'
    assert polling.packet() == "bAQIDBA=="


def test_unicode_is_counted_in_bytes(server):
    polling = Polling(server)
    polling.connect()
    polling.send('42["echo","κόσμε 🎉"]', '42["echo","\\ud83c\\udf89"]')
    assert json.loads(polling.packet()[2:]) == ["echo", "κόσμε 🎉"]
    assert json.loads(polling.packet()[2:]) == ["echo", "🎉"]


def test_parked_poll_is_answered_when_something_comes(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as parked:
        parked.send(get(poll_path(polling.sid)))
        parked.assert_open(0.2)
        polling.send('42["echo","now"]')
        assert parked.response().body == b'42["echo","now"]'


def test_requests_of_one_session_may_share_a_connection(server):
    polling = Polling(server)
    with Connection(server) as connection:
        connection.send(post(poll_path(polling.sid), "40"))
        assert connection.response().body == b"ok"
        connection.send(get(poll_path(polling.sid)))
        assert connection.response().body.startswith(b"40{")


def test_overlapping_polls_close_the_session(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as parked:
        parked.send(get(poll_path(polling.sid)))
        parked.assert_open(0.2)
        assert polling.get().status == 400
        parked.response()
    assert polling.ended()
    server.check()


def test_overlapping_posts_close_the_session(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as slow:
        slow.send(get(poll_path(polling.sid), "Content-Length: 20", method="POST") + b'42["echo"')
        slow.assert_open(0.2)
        assert polling.post('42["echo",1]').status == 400
    wait_until(polling.ended)
    server.check()


def test_poll_beside_post_is_no_overlap(server):
    polling = Polling(server)
    polling.connect()
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(polling.packet() for _ in range(20)))
    thread.start()
    for n in range(20):
        polling.send(f'42["echo",{n}]')
    thread.join(10)
    assert answers == [f'42["echo",{n}]' for n in range(20)]


def test_vanished_poll_does_not_lose_the_session(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as parked:
        parked.send(get(poll_path(polling.sid)))
        parked.assert_open(0.1)
    # Node ends the session when a poll breaks off, so both are lawful; a hanging or dying server is not.
    answer = polling.post('42["echo","after"]')
    assert answer.status in (200, 400)
    server.check()


def test_head_of_a_poll_does_not_consume_packets(server):
    polling = Polling(server)
    polling.connect()
    polling.send('42["echo","kept"]')
    with Connection(server) as connection:
        connection.send(get(poll_path(polling.sid), method="HEAD"))
        assert connection.response(head=True).status == 400
    assert polling.packet() == '42["echo","kept"]'


def test_close_packet_ends_the_session(server):
    polling = Polling(server)
    socket_id = polling.connect()
    with Connection(server) as parked:
        parked.send(get(poll_path(polling.sid)))
        parked.assert_open(0.1)
        polling.send("1")
        assert parked.response().body in (b"6", b"1")
    assert polling.ended()
    assert server.disconnect_reason(socket_id) == "transport close"


# --- payload limits and malformed payloads -----------------------------------------------------------

def test_octet_stream_is_400_and_finished(server):
    polling = Polling(server)
    answer = polling.request(post(poll_path(polling.sid), b"\x04abc", "Content-Type: application/octet-stream"))
    assert answer.status == 400
    server.check()


def test_two_megabytes_are_413(server):
    polling = Polling(server)
    polling.connect()
    assert polling.post_body("4" + "a" * 2_000_000).status == 413
    server.check()


def test_two_chunked_megabytes_are_413(server):
    polling = Polling(server)
    polling.connect()
    with Connection(server) as connection:
        connection.send(get(poll_path(polling.sid), "Transfer-Encoding: chunked", method="POST"))
        connection.send((b"10000\r\n" + b"4" * 65536 + b"\r\n") * 31 + b"0\r\n\r\n")
        assert connection.response().status == 413
    server.check()


def test_payload_at_the_limit_is_accepted(server):
    polling = Polling(server)
    polling.connect()
    text = "a" * (1_000_000 - len('42["echo",""]'))
    polling.send(f'42["echo","{text}"]')
    assert polling.packet() == f'42["echo","{text}"]'


def test_announced_limit_is_configurable(make_server):
    server = make_server("--max-payload", 1000)
    polling = Polling(server)
    assert polling.opening["maxPayload"] == 1000
    polling.connect()
    assert polling.post('42["echo","' + "a" * 1000 + '"]').status == 413
    socket = EngineSocket(server)
    socket.connect_namespace()
    socket.send_packet('42["echo","' + "a" * 1000 + '"]')
    socket.assert_session_ends()
    server.check()


@pytest.mark.parametrize("payload", [
    "9", "abc", "", "\x1e", "4\x1e\x1e4", "b", "b!!!!", "bAQI", "bAQID=", "b=", "7", "x2", "\x00", b"\xff\xfe", b'42["echo","\xff"]',
    "0{}", "5", "2probe", "3probe"], ids=repr)
def test_malformed_payload_ends_the_session(server, payload):
    polling = Polling(server)
    polling.connect()
    answer = polling.post_body(payload)
    if payload in ("bAQI",):    # unpadded base64: lenient decoders accept it as an unexpected attachment, which ends too
        assert answer.status in (200, 400)
    wait_until(polling.ended)
    server.check()


def test_more_than_a_thousand_packets_end_the_session(server):
    polling = Polling(server)
    polling.connect()
    polling.post_body("\x1e".join(["3"] * 1001))
    wait_until(polling.ended)


@pytest.mark.parametrize("body", ["\x1e" * 300_000, "3\x1e" * 300_000, "4\x1e" * 300_000], ids=["empty", "pongs", "messages"])
def test_300_000_separators_cost_linear_memory(server, body):
    before = server.memory()
    polling = Polling(server)
    polling.connect()
    assert polling.post_body(body).status in (200, 400, 413)
    wait_until(polling.ended)
    assert server.memory() - before < 16 * MIB
    server.check()


# --- origins and authorization -------------------------------------------------------------------

def test_no_cors_headers_by_default(server):
    own = exchange(server, get(poll_path()))
    foreign = exchange(server, get(poll_path(), "Origin: http://evil.example"))
    for answer in (own, foreign):
        assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]
    assert foreign.status in (200, 403)


def test_websocket_from_a_foreign_origin_is_403_by_default(server):
    assert exchange(server, handshake(socket_path(), "Origin: http://evil.example")).status == 403
    polling = Polling(server)
    assert exchange(server, handshake(socket_path(polling.sid), "Origin: http://evil.example")).status == 403
    assert polling.connect(), "the session was harmed"


def test_polling_checks_the_origin_again(server):
    polling = Polling(server)
    polling.connect()
    answer = polling.post('42["echo",1]', fields=["Origin: http://evil.example"])
    assert answer.status == 403, answer
    server.check()


def test_cors_names_the_allowed_origin_everywhere(shared_origin):
    good = "Origin: http://good.example"
    preflight = exchange(shared_origin, get(
        poll_path(), good, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type", method="OPTIONS"))
    assert preflight.status in (200, 204)
    assert "POST" in preflight.get("access-control-allow-methods")
    answers = [preflight, exchange(shared_origin, get(poll_path(), good)),
               exchange(shared_origin, get(poll_path("unknown"), good)), exchange(shared_origin, get("/socket.io/?EIO=9", good))]
    for answer in answers:
        assert answer.get("access-control-allow-origin") == "http://good.example", answer
        assert "origin" in answer.get("vary").lower()


def test_cors_never_allows_others(shared_origin):
    for origin in ("http://evil.example", "http://good.example.evil", "https://good.example", "null", "http://good.example:81"):
        answer = exchange(shared_origin, get(poll_path(), f"Origin: {origin}"))
        assert answer.get("access-control-allow-origin") is None, origin
        assert "origin" in answer.get("vary").lower()


@pytest.mark.middleware
def test_route_middleware_refuses_before_any_session(server):
    private = "/private/socket.io/"
    before = server.stats()["sessions"]
    assert exchange(server, get(poll_path(path=private))).status == 401
    assert exchange(server, handshake(socket_path(path=private))).status == 401
    assert server.stats()["sessions"] == before
    polling = Polling(server, path=private, query="&token=letmein")
    assert polling.connect()


@pytest.mark.middleware
def test_route_middleware_runs_on_every_poll(server):
    polling = Polling(server, path="/private/socket.io/", query="&token=letmein")
    polling.connect()
    polling.query = ""
    assert polling.get().status == 401
    assert polling.post('42["echo",1]').status == 401
    polling.query = "&token=letmein"
    assert polling.send('42["echo",1]').packet() == '42["echo",1]'


@pytest.mark.middleware
def test_allow_request_refuses_with_403_and_code_4(server):
    before = server.stats()["sessions"]
    expect_error(exchange(server, get(poll_path(query="&refuse=1"))), 4, status=403)
    assert exchange(server, handshake(socket_path(query="&refuse=1"))).status == 403
    assert server.stats()["sessions"] == before


@pytest.mark.middleware
def test_two_mounts_share_namespaces_and_rooms(server):
    public, private = Polling(server), Polling(server, path="/private/socket.io/", query="&token=letmein")
    for polling in (public, private):
        polling.connect()
        polling.send('420["join","mounts"]')
        assert polling.packet() == "430[]"
    public.send('42["to-room","mounts","hello"]')
    assert public.packet() == private.packet() == '42["room","hello"]'
