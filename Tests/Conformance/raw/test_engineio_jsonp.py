"""Polling by scripts and forms (JSONP), of both revisions; compressed polls; hooks and errors of the Engine.IO layer."""

import gzip
import json
import zlib
from urllib.parse import quote_plus

import pytest

from support.engine import Polling, poll_path
from support.engine3 import FORM_TYPE, Polling3, encode, path, script_payload
from support.http1 import exchange, get, post
from support.websocket import handshake


def open_session(server, revision, index, *fields):
    answer = exchange(server, get(path("polling", revision=revision, query=f"&j={index}"), *fields))
    assert answer.status == 200, answer
    payload = script_payload(answer, index)
    return answer, json.loads(payload[payload.index("{"):])["sid"]


def form(payload):
    """What a form sends; a client doubles the backslash of a written \\n, and writes line feeds as \\n."""
    return "d=" + quote_plus(payload.replace("\\n", "\\\\n").replace("\n", "\\n"))


@pytest.mark.parametrize("revision", [3, 4])
def test_session(old_server, revision):
    answer, sid = open_session(old_server, revision, 7)
    assert answer.get("content-type") == "text/javascript; charset=UTF-8"
    assert answer.get("x-content-type-options") == "nosniff"
    assert answer.get("x-xss-protection") == "0"
    target = path("polling", sid, "&j=7", revision)
    event = '42["echo","</script>\u2028\u2029 é🎉 \\n & + % \\\\n"]'
    payload = encode(event) if revision == 3 else "40\x1e" + event
    answer = exchange(old_server, post(target, form(payload), FORM_TYPE))
    assert (answer.status, answer.body, answer.get("content-type")) == (200, b"ok", "text/html")
    assert answer.get("x-xss-protection") == "0"
    packets = script_payload(exchange(old_server, get(target)), 7)
    assert packets.endswith(event)


@pytest.mark.parametrize("revision", [3, 4])
def test_binary_is_base64(old_server, revision):
    _, sid = open_session(old_server, revision, 0)
    target = path("polling", sid, "&j=0", revision)
    event = '451-["echo",{"_placeholder":true,"num":0}]'
    payload = encode(event, "b4AP+/") if revision == 3 else "40\x1e" + event + "\x1ebAP+/"
    assert exchange(old_server, post(target, form(payload), FORM_TYPE)).status == 200
    packets = script_payload(exchange(old_server, get(target)), 0)
    assert packets.endswith("6:b4AP+/" if revision == 3 else "\x1ebAP+/")


@pytest.mark.parametrize("index", ["", "a", "-1", "1)", "1;alert(1)", "%3Cscript%3E", "0x1", "1.5", "9" * 16, "1&j=1"])
def test_index_is_digits_only(old_server, index):
    for revision in (3, 4):
        answer = exchange(old_server, get(path("polling", revision=revision, query=f"&j={index}")))
        assert answer.status == 400 and json.loads(answer.body)["code"] == 3, answer


def test_off_by_default(server):
    answer = exchange(server, get(poll_path(query="&j=0")))
    assert answer.status == 400 and json.loads(answer.body)["code"] == 3


@pytest.mark.parametrize("body", ["", "d=", "x=1", "d=%zz", "d=%", "6:4hello"])
def test_malformed_form_ends_the_session(old_server, body):
    _, sid = open_session(old_server, 3, 0)
    assert exchange(old_server, post(path("polling", sid, "&j=0"), body, FORM_TYPE)).status == 400
    assert json.loads(exchange(old_server, get(path("polling", sid, "&j=0"))).body)["code"] == 1


def test_scripts_of_other_sites_are_refused(old_server):
    target = path("polling", query="&j=0")
    for fields in (["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: cross-site", "Referer: http://bad.example/"], ["Referer: http://bad.example/x"]):
        answer = exchange(old_server, get(target, *fields))
        assert answer.status == 403 and json.loads(answer.body)["code"] == 4, answer
    assert exchange(old_server, get(target, "Sec-Fetch-Site: same-origin")).status == 200


def test_payload_of_a_form_has_the_limit_of_others(old_server):
    for size, status in ((900_000, 200), (1_000_002, 413)):
        _, sid = open_session(old_server, 3, 0)
        packet = "6" + "%" * (size - 9)
        answer = exchange(old_server, post(path("polling", sid, "&j=0"), form(encode(packet)), FORM_TYPE))
        assert answer.status == status, answer


# --- compression ---------------------------------------------------------------------------------

@pytest.mark.parametrize("accepted, undo", [
    ("gzip", gzip.decompress), ("deflate", zlib.decompress), ("deflate;q=0.1, gzip", gzip.decompress), ("br", bytes), ("gzip;q=0", bytes)])
@pytest.mark.parametrize("query", ["", "&j=0"])
def test_polls_are_compressed_from_one_kibibyte_on(old_server, accepted, undo, query):
    polling = Polling(old_server)
    polling.connect()
    target = poll_path(polling.sid, query=query)
    for size in (100, 1100, 200_000):
        polling.send(f'42["large",{size}]')
        answer = exchange(old_server, get(target, f"Accept-Encoding: {accepted}"))
        coding = answer.get("content-encoding")
        assert (coding is not None) == (undo is not bytes and size > 1024)
        body = undo(answer.body) if coding else answer.body
        assert b"x" * size in body
        assert ("accept-encoding" in answer.get("vary").lower()) == (size > 1024)


def test_binary_payloads_are_compressed_too(old_server):
    polling = Polling3(old_server).joined()
    polling.send('42["send-binary",5000]')
    answer = exchange(old_server, get(path("polling", polling.sid), "Accept-Encoding: gzip"))
    assert (answer.get("content-type"), answer.get("content-encoding")) == ("application/octet-stream", "gzip")
    assert bytes(n & 255 for n in range(5000)) in gzip.decompress(answer.body)


# --- hooks and errors ----------------------------------------------------------------------------

def test_hooks_add_fields_to_the_first_and_to_every_response(server):
    first = exchange(server, get(poll_path()))
    assert (first.get("x-initial"), first.get("x-every")) == ("/socket.io/", "yes")
    polling = Polling(server)
    posted = polling.post("40")
    polled = polling.get()
    opened = exchange(server, handshake("/socket.io/?EIO=4&transport=websocket"))
    assert [(answer.get("x-initial"), answer.get("x-every")) for answer in (posted, polled)] == [(None, "yes")] * 2
    assert opened.status == 101 and (opened.get("x-initial"), opened.get("x-every")) == ("/socket.io/", "yes")


@pytest.mark.middleware
@pytest.mark.parametrize("query, status, code, message, context", [
    ("EIO=4&transport=tcp", 400, 0, "Transport unknown", {"transport": "tcp"}),
    ("EIO=4&transport=polling&sid=unknown", 400, 1, "Session ID unknown", {"sid": "unknown"}),
    ("EIO=4&transport=websocket", 400, 3, "Bad request", {"name": "TRANSPORT_HANDSHAKE_ERROR"}),
    ("EIO=4&transport=polling&refuse", 403, 4, "Forbidden", {"name": "ALLOW_REQUEST"}),
    ("EIO=3&transport=polling", 400, 5, "Unsupported protocol version", {"protocol": "3"})])
def test_refusals_are_reported(server, query, status, code, message, context):
    target = f"/socket.io/?{query}&test=reported"
    answer = exchange(server, get(target))
    assert answer.status == status and json.loads(answer.body) == {"code": code, "message": message}
    assert answer.get("x-every") is None
    told = [error for error in json.loads(server.fetch("/connection-errors")) if error["target"] == target]
    assert told == [{"code": code, "message": message, "context": context, "target": target}]


def test_handshake_by_another_method_is_reported(server):
    target = poll_path(query="&test=method")
    assert json.loads(exchange(server, post(target, "")).body)["code"] == 2
    told = [error for error in json.loads(server.fetch("/connection-errors")) if error["target"] == target]
    assert [(error["code"], error["context"]) for error in told] == [(2, {"method": "POST"})]
