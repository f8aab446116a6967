"""RFC 6455, LIMITS "WebSocket"."""

import os
import time

import pytest

from support.http1 import Connection, exchange, get
from support.websocket import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, KEY, WebSocket, close_frame, frame, handshake)

MIB = 1 << 20


def expect_close(server, data, code, piecewise=False):
    with WebSocket(server) as socket:
        socket.send(data, piecewise)
        assert socket.close_code() == code
    server.check()


# --- handshake -----------------------------------------------------------------------------------

def test_accept_value_is_the_rfc_example(server):
    answer = exchange(server, handshake("/ws", key=KEY))
    assert answer.status == 101 and answer.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("key", [None, "", "c2hvcnQ=", "dGhlIHNhbXBsZSBub25jZQ", "!" * 24, "dGhlIHNhbXBsZSBub25jZQ==" * 2])
def test_missing_or_malformed_key_is_400(server, key):
    assert exchange(server, handshake("/ws", key=key)).status == 400
    server.check()


def test_duplicate_key_is_400(server):
    assert exchange(server, handshake("/ws", f"Sec-WebSocket-Key: {KEY}")).status == 400


@pytest.mark.parametrize("version", ["8", "0", "14", "13x", ""])
def test_other_version_is_426_and_names_13(server, version):
    answer = exchange(server, handshake("/ws", version=version))
    assert answer.status == 426 and answer.get("sec-websocket-version") == "13"


def test_post_is_405(server):
    assert exchange(server, handshake("/ws", method="POST")).status == 405


def test_plain_get_is_refused(server):
    assert exchange(server, get("/ws")).status in (400, 426)
    server.check()


@pytest.mark.parametrize("offer", [
    "permessage-deflate; unknown=1", "permessage-deflate; server_max_window_bits=99",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "x-webkit-something", ";;;"])
def test_unknown_extension_parameters_decline_the_extension(server, offer):
    with WebSocket(server, "/ws", f"Sec-WebSocket-Extensions: {offer}") as socket:
        assert socket.answer.get("sec-websocket-extensions") is None
        assert socket.send_text("plain").message() == "plain"


def test_cross_site_origin_is_403(server):
    assert exchange(server, handshake("/ws", "Origin: http://evil.example")).status == 403
    assert exchange(server, handshake("/ws", "Origin: null")).status == 403
    server.check()


def test_same_origin_and_no_origin_are_let_in(server):
    own = f"127.0.0.1:{server.port}"
    with Connection(server) as connection:
        connection.send(handshake("/ws", f"Origin: http://{own}").replace(b"Host: localhost", b"Host: " + own.encode()))
        assert connection.response().status == 101
    WebSocket(server).socket.close()


def test_subprotocol_is_negotiated(server):
    with WebSocket(server, "/ws-protocol", "Sec-WebSocket-Protocol: other, echo.v2") as socket:
        assert socket.answer.get("sec-websocket-protocol") == "echo.v2"
        assert socket.send_text("a").message() == "echo.v2:a"


def test_unknown_subprotocol_is_not_answered_with_one(server):
    answer = exchange(server, handshake("/ws-protocol", "Sec-WebSocket-Protocol: other"))
    assert answer.status in (101, 400) and answer.get("sec-websocket-protocol") is None


def test_frames_sent_with_the_handshake_are_read(server):
    with WebSocket(server, behind=frame(TEXT, "early")) as socket:
        assert socket.message() == "early"


# --- data ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 300_000, MIB])
def test_messages_of_every_length_form_are_echoed(server, size):
    data = os.urandom(size)
    with WebSocket(server) as socket:
        socket.send_binary(data)
        assert socket.message() == data


@pytest.mark.parametrize("text", ["", "a", "κόσμε", "\U0010ffff\ud7ff\ue000", "\0", "🎉" * 1000])
def test_text_is_echoed(server, text):
    with WebSocket(server) as socket:
        assert socket.send_text(text).message() == text


def test_frames_byte_by_byte_are_echoed(server):
    with WebSocket(server) as socket:
        socket.send(frame(TEXT, "ab", fin=False) + frame(PING, "p") + frame(CONTINUATION, "c" * 130), piecewise=True)
        assert socket.frame() == (True, PONG, b"p")
        assert socket.message() == "ab" + "c" * 130


def test_text_split_inside_a_character_is_joined(server):
    encoded = "κόσμε🎉".encode()
    with WebSocket(server) as socket:
        for n in range(len(encoded)):
            socket.send(frame(TEXT if n == 0 else CONTINUATION, encoded[n:n + 1], fin=n == len(encoded) - 1))
        assert socket.message() == "κόσμε🎉"


def test_many_messages_in_one_segment_keep_their_order(server):
    with WebSocket(server) as socket:
        socket.send(b"".join(frame(TEXT, str(n)) for n in range(2000)))
        assert [socket.message() for _ in range(2000)] == [str(n) for n in range(2000)]


def test_ping_is_answered_with_its_payload(server):
    with WebSocket(server) as socket:
        socket.send(frame(PING, b"\x00\xff payload"))
        assert socket.frame() == (True, PONG, b"\x00\xff payload")
        assert socket.send(frame(PONG, b"unasked")).send_text("still here").message() == "still here"


# --- protocol errors -----------------------------------------------------------------------------

ERRORS = {
    "unmasked": frame(TEXT, "a", masked=False),
    **{f"RSV {bits:03b}": frame(TEXT, "a", rsv=bits) for bits in (1, 2, 3, 4, 7)},
    **{f"opcode {opcode:x}": frame(opcode, "a") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "long ping": frame(PING, b"a" * 126),
    "long close": frame(CLOSE, b"\x03\xe8" + b"a" * 124),
    "fragmented ping": frame(PING, "a", fin=False),
    "fragmented close": frame(CLOSE, b"\x03\xe8", fin=False),
    "continuation first": frame(CONTINUATION, "a"),
    "unfinished continuation first": frame(CONTINUATION, "a", fin=False),
    "text inside a message": frame(TEXT, "a", fin=False) + frame(TEXT, "b"),
    "binary inside a message": frame(TEXT, "a", fin=False) + frame(BINARY, b"b"),
    "continuation behind a message": frame(TEXT, "", fin=True) + frame(CONTINUATION, ""),
    "5 in 16 bits": frame(TEXT, "hello", encoding=16),
    "125 in 16 bits": frame(TEXT, "a" * 125, encoding=16),
    "5 in 64 bits": frame(TEXT, "hello", encoding=64),
    "65535 in 64 bits": frame(BINARY, b"a" * 65535, encoding=64),
    "2^63": frame(BINARY, b"", length=1 << 63, encoding=64),
    "2^64 - 1": frame(BINARY, b"", length=(1 << 64) - 1, encoding=64),
}


@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte-by-byte"])
@pytest.mark.parametrize("data", ERRORS.values(), ids=ERRORS.keys())
def test_protocol_error_is_1002(server, data, piecewise):
    expect_close(server, data, 1002, piecewise and len(data) < 300)


INVALID_TEXT = {
    "lone continuation": b"\x80", "overlong": b"\xc0\xaf", "overlong 3": b"\xe0\x80\xaf", "surrogate": b"\xed\xa0\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80", "5 bytes": b"\xf8\x88\x80\x80\x80", "latin-1": b"caf\xe9!", "0xff": b"\xff",
}


@pytest.mark.parametrize("data", INVALID_TEXT.values(), ids=INVALID_TEXT.keys())
def test_invalid_text_is_1007(server, data):
    expect_close(server, frame(TEXT, b"abc" + data + b"def"), 1007)


@pytest.mark.parametrize("data", INVALID_TEXT.values(), ids=INVALID_TEXT.keys())
def test_invalid_text_fails_before_the_last_fragment(server, data):
    expect_close(server, frame(TEXT, "ok", fin=False) + frame(CONTINUATION, b"abc" + data + b"def", fin=False), 1007)


@pytest.mark.parametrize("data", [b"\xce", b"\xe2\x82", b"\xf0\x9f\x8e"])
def test_text_that_ends_inside_a_character_is_1007(server, data):
    expect_close(server, frame(TEXT, b"abc" + data), 1007)
    expect_close(server, frame(TEXT, "abc", fin=False) + frame(CONTINUATION, data), 1007)


# --- limits --------------------------------------------------------------------------------------

@pytest.mark.parametrize("length", [MIB + 1, 1 << 31, 1 << 40, (1 << 63) - 1])
def test_announced_size_above_the_limit_is_1009_and_not_allocated(server, length):
    before = server.memory()
    expect_close(server, frame(BINARY, b"", length=length, encoding=64), 1009)
    assert server.memory() - before < 8 * MIB


def test_fragments_that_add_up_above_the_limit_are_1009(server):
    part = b"a" * (300 * 1024)
    expect_close(server, frame(BINARY, part, fin=False) + frame(CONTINUATION, part, fin=False) * 3, 1009)


def test_too_many_fragments_are_1009(server):
    expect_close(server, frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 5000, 1009)


def test_a_thousand_fragments_are_fine(server):
    with WebSocket(server) as socket:
        socket.send(frame(BINARY, b"a", fin=False) + frame(CONTINUATION, b"a", fin=False) * 998 + frame(CONTINUATION, b"a"))
        assert socket.message() == b"a" * 1000


def test_message_that_takes_too_long_is_closed(impatient):
    with WebSocket(impatient) as socket:
        socket.send(frame(TEXT, "a", fin=False))
        start = time.monotonic()
        for _ in range(40):
            socket.send(frame(CONTINUATION, "a", fin=False))
            time.sleep(0.05)
        socket.assert_closed(3)
        assert time.monotonic() - start < 5
    impatient.check()


def test_flood_of_pings_costs_bounded_memory(server):
    before = server.memory()
    with WebSocket(server) as socket:
        socket.socket.settimeout(2)
        flood = frame(PING, b"a" * 125) * 1000
        try:
            for _ in range(200):
                socket.socket.sendall(flood)
        except OSError:
            pass
        assert server.memory() - before < 16 * MIB
    server.check()


# --- close ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_invalid_close_code_is_1002(server, code):
    expect_close(server, close_frame(code), 1002)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_valid_close_code_is_echoed(server, code):
    expect_close(server, close_frame(code, b"reason"), code)


def test_empty_close_is_answered(server):
    with WebSocket(server) as socket:
        assert socket.send(close_frame()).close_code() in (None, 1000)
    server.check()


def test_one_byte_close_is_1002(server):
    expect_close(server, frame(CLOSE, b"\x03"), 1002)


def test_close_reason_that_is_not_text_is_1007(server):
    with WebSocket(server) as socket:
        assert socket.send(close_frame(1000, b"\xff\xfe")).close_code() in (1002, 1007)
    server.check()


def test_nothing_behind_a_close_is_read(server):
    with WebSocket(server) as socket:
        socket.send(close_frame(1000) + frame(TEXT, "late"))
        fin, opcode, _ = socket.frame()
        assert opcode == CLOSE
        socket.assert_ended()


def test_close_of_the_server_waits_only_five_seconds(server):
    with WebSocket(server, timeout=8) as socket:
        socket.send_text("please close")
        _, opcode, payload = socket.frame()
        assert opcode == CLOSE and payload[:2] == (4000).to_bytes(2, "big")
        start = time.monotonic()
        socket.rest(8)
        assert time.monotonic() - start < 6.5


def test_vanished_clients_are_forgotten(server):
    for _ in range(100):
        socket = WebSocket(server)
        socket.send_text("x")
        socket.socket.close()
    server.check()
