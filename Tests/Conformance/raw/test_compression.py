"""Compression as bytes: WebSocket frames that abuse permessage-deflate, and HTTP content codings, with curl and zip bombs."""

import gzip
import subprocess
import time
import zlib

import pytest

from support.frames import INITIAL_WINDOW
from support.http1 import Connection, exchange, get
from support.http2 import Http2
from support.http2_websocket import StreamSocket
from support.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, close_frame, frame

MIB = 1 << 20
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def raw_deflate(data, flush=zlib.Z_SYNC_FLUSH, level=9):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    out = compressor.compress(data) + compressor.flush(flush)
    return out[:-4] if flush == zlib.Z_SYNC_FLUSH else out


def bomb(size):
    """Zeros, compressed without holding them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = b"".join(compressor.compress(bytes(MIB)) for _ in range(size // MIB))
    return (out + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def opened(server, path="/ws-deflate", offer=OFFER, **options):
    socket = WebSocket(server, path, offer, **options)
    assert "permessage-deflate" in socket.answer.get("sec-websocket-extensions")
    return socket


def close_code(server, data, path="/ws-deflate"):
    with opened(server, path) as socket:
        socket.send(data)
        code = socket.close_code()
    server.check()
    return code


# --- WebSocket -------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/ws-deflate", "/ws-deflate-takeover", "/ws-deflate-small"])
def test_a_gibibyte_of_zeros_is_1009_and_memory_stays(server, path):
    data = bomb(1 << 30)
    assert len(data) < MIB + 65_536
    before = server.memory()
    for _ in range(3):
        # The announced frame may exceed what a compressed message may have; cut so that inflating is what finds it.
        assert close_code(server, frame(BINARY, data[:MIB], rsv=4), path) == 1009
    assert server.memory() - before < 8 * MIB


def test_a_bomb_in_fragments_fails_before_its_end(server):
    data = bomb(64 * MIB)
    with opened(server) as socket:
        socket.send(frame(BINARY, data[:4000], rsv=4, fin=False))
        assert socket.close_code() == 1009
    server.check()


@pytest.mark.parametrize("data", [
    frame(PING, b"", rsv=4), frame(PONG, b"", rsv=4), frame(CLOSE, b"", rsv=4),
    frame(TEXT, b"\x00", rsv=4, fin=False) + frame(CONTINUATION, b"\x00", rsv=4),
    frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"\x00", rsv=4),
    frame(TEXT, b"\x00", rsv=6), frame(TEXT, b"\x00", rsv=5), frame(TEXT, b"a", rsv=2), frame(CONTINUATION, b"\x00", rsv=4)])
def test_misuse_of_reserved_bits_is_1002(server, data):
    assert close_code(server, data) == 1002


def test_rsv1_without_agreement_is_1002(server):
    with WebSocket(server, "/ws-deflate") as socket:
        socket.send(frame(TEXT, b"\x00", rsv=4))
        assert socket.close_code() == 1002


@pytest.mark.parametrize("payload", [
    b"", b"\x07\xff", b"\xff" * 100, raw_deflate(b"hello" * 50)[:-3], raw_deflate(b"hello")[:3], b"\xf2\x00\x11\x00\x00"])
def test_what_cannot_be_inflated_is_1007(server, payload):
    assert close_code(server, frame(BINARY, payload, rsv=4)) == 1007


def test_text_is_validated_when_inflated(server):
    assert close_code(server, frame(TEXT, raw_deflate(b"fine \xc3\x28"), rsv=4)) == 1007
    assert close_code(server, frame(TEXT, raw_deflate("half ä".encode()[:-1]), rsv=4)) == 1007
    # Fail-fast: the message isn't complete.
    assert close_code(server, frame(TEXT, raw_deflate(b"fine \xff" + bytes(100)), rsv=4, fin=False)) == 1007


def test_text_cut_within_a_character_between_fragments(server):
    text = "grüße 😀" * 20
    data = raw_deflate(text.encode())
    with opened(server) as socket:
        for index, byte in enumerate(data):
            last = index == len(data) - 1
            socket.send(frame(CONTINUATION if index else TEXT, bytes([byte]), rsv=0 if index else 4, fin=last))
        fin, opcode, payload = compressed_frame(socket)
        assert zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff").decode() == text


def compressed_frame(socket):
    """A frame whose RSV1 is set, which the reader for plain ones refuses."""
    deadline = time.monotonic() + 5
    first, size = socket.read_exactly(2, deadline)
    assert first & 0x70 == 0x40, hex(first)
    if size == 126:
        size = int.from_bytes(socket.read_exactly(2, deadline), "big")
    elif size == 127:
        size = int.from_bytes(socket.read_exactly(8, deadline), "big")
    return bool(first & 0x80), first & 0x0F, socket.read_exactly(size, deadline)


def test_final_blocks_and_stored_blocks(server):
    with opened(server) as socket:
        for payload in (raw_deflate(b"short", zlib.Z_FINISH) + b"\x00", raw_deflate(b"short", level=0)):
            assert socket.send(frame(BINARY, payload, rsv=4)).message() == b"short"


def test_uncompressed_messages_are_fine_too(server):
    with opened(server) as socket:
        assert socket.send_text("tiny").message() == "tiny"


@pytest.mark.parametrize("offers, accepted", [
    ("permessage-deflate; bogus, permessage-deflate", True),
    ("permessage-deflate; server_max_window_bits=7, x-other, permessage-deflate; server_max_window_bits=8", True),
    ("permessage-deflate; server_max_window_bits=\"10\"", True), ("permessage-deflate; client_max_window_bits=8", True),
    ("permessage-deflate; bogus=\"a, permessage-deflate\"", False), ("permessage-bzip2", False), ("permessage-deflate;;", False)])
def test_offers(server, offers, accepted):
    with WebSocket(server, "/ws-deflate", f"Sec-WebSocket-Extensions: {offers}") as socket:
        assert (socket.answer.get("sec-websocket-extensions") is not None) == accepted
        assert socket.send_text("x").message() == "x"


def test_a_window_of_8_bits_is_kept_to(server):
    payload = bytes(range(250)) * 40 + bytes(range(256)) * 40 + bytes(range(251)) * 40
    with opened(server, offer="Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8") as socket:
        assert "server_max_window_bits=8" in socket.answer.get("sec-websocket-extensions")
        socket.send(frame(BINARY, payload))
        _, _, data = compressed_frame(socket)
        inflater = zlib.decompressobj(-8)
        out = b"".join(inflater.decompress(data[index:index + 1]) for index in range(len(data)))
        assert out + inflater.decompress(b"\x00\x00\xff\xff") == payload


def test_over_http2(server):
    with Http2(server, (INITIAL_WINDOW, 1 << 20)) as connection:
        connection.give(0, 8 * MIB)
        with StreamSocket(connection, "/ws-deflate", ("sec-websocket-extensions", "permessage-deflate")) as socket:
            message = b"one stream of many " * 1000
            socket.send(frame(BINARY, raw_deflate(message), rsv=4))
            _, opcode, payload = compressed_frame(socket)
            assert opcode == BINARY
            assert zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff") == message
            socket.send(frame(BINARY, bomb(4 * MIB), rsv=4))
            assert socket.close_code() == 1009
    server.check()


# --- responses -------------------------------------------------------------------------------------

def curl(server, path, *arguments):
    return subprocess.run(
        ["curl", "-s", "--max-time", "10", *arguments, server.url(path)], capture_output=True, check=True).stdout


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_reads_what_it_asked_for(server, version):
    plain = curl(server, "/compressed/text?lines=100000", version)
    assert curl(server, "/compressed/text?lines=100000", version, "--compressed") == plain
    assert len(plain) > 5 * MIB
    for coding in ("gzip", "deflate"):
        raw = curl(server, "/compressed/text?lines=1000", version, "-H", f"Accept-Encoding: {coding}")
        assert zlib.decompress(raw, 31 if coding == "gzip" else 15) == curl(server, "/compressed/text?lines=1000", version)


def test_events_arrive_one_by_one(server):
    with Connection(server) as connection:
        connection.send(get("/compressed/events", "Accept-Encoding: gzip"))
        head = connection.read_until(b"\r\n\r\n", time.monotonic() + 5)
        assert b"content-encoding: gzip" in head.lower()
        inflater, seen, start = zlib.decompressobj(31), [], time.monotonic()
        while len(seen) < 5:
            size = int(connection.read_until(b"\r\n", start + 5), 16)
            text = inflater.decompress(connection.read_exactly(size, start + 5))
            connection.read_exactly(2, start + 5)
            if text:
                seen.append((text, time.monotonic() - start))
        assert [text for text, _ in seen] == [f"data: {number}\n\n".encode() for number in range(5)]
        assert seen[-1][1] - seen[0][1] > 0.4


def test_files_are_compressed_and_revalidated(server):
    answer = exchange(server, get("/compressed/files/script.js", "Accept-Encoding: gzip"))
    assert answer.get("content-encoding") is None, "too short"
    answer = exchange(server, get("/compressed/files/socket.io.min.js", "Accept-Encoding: gzip"))
    assert answer.get("content-encoding") == "gzip" and answer.get("etag").startswith("W/")
    assert "accept-encoding" in answer.get("vary").lower()
    plain = exchange(server, get("/compressed/files/socket.io.min.js"))
    assert gzip.decompress(answer.body) == plain.body
    again = exchange(server, get(
        "/compressed/files/socket.io.min.js", "Accept-Encoding: gzip", f"If-None-Match: {answer.get('etag')}"))
    assert again.status == 304 and again.get("etag") == answer.get("etag")


def test_a_browser_sees_a_compressed_page(server):
    head = curl(server, "/compressed/text", "-I", "--compressed").decode().lower()
    assert "content-encoding: gzip" in head and "200" in head.split("\r\n")[0]


# --- requests --------------------------------------------------------------------------------------

def post(path, body, coding, *fields):
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"".join(f"{field}\r\n".encode() for field in fields) + b"\r\n" + body


def test_compressed_uploads(server):
    text = b"uploaded text, compressed " * 10_000
    for coding, body in [
            ("gzip", gzip.compress(text)), ("deflate", zlib.compress(text)), ("deflate", raw_deflate(text, zlib.Z_FINISH)),
            ("gzip", gzip.compress(text[:1000]) + gzip.compress(b"") + gzip.compress(text[1000:]))]:
        answer = exchange(server, post("/inflated/echo", body, coding))
        assert answer.status == 200 and answer.body == text


def test_uploads_after_continue(server):
    body = gzip.compress(b"x" * 5000)
    with Connection(server) as connection:
        request = post("/inflated/count", body, "gzip", "Expect: 100-continue")
        connection.send(request[:-len(body)])
        assert connection.read_until(b"\r\n\r\n", time.monotonic() + 5).startswith(b"HTTP/1.1 100 ")
        assert connection.send(body).response().body == b"5000"


@pytest.mark.parametrize("path", ["/inflated/echo", "/inflated/count"])
def test_zip_bombs_are_413_and_memory_stays(server, path):
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(compressor.compress(bytes(MIB)) for _ in range(1024)) + compressor.flush()
    before = server.memory()
    for _ in range(3):
        answer = exchange(server, post(path, body, "gzip"))
        assert answer.status == 413 and b"limit maximum" in answer.body
    server.check()
    assert server.memory() - before < 12 * MIB


@pytest.mark.parametrize("body, coding, status", [
    (b"plain", "gzip", 400), (gzip.compress(b"cut off" * 99)[:-1], "gzip", 400), (gzip.compress(b"x") + b"tail", "gzip", 400),
    (zlib.compress(b"x") + b"\x00", "deflate", 400), (b"plain", "br", 415), (gzip.compress(gzip.compress(b"x")), "gzip, gzip", 415)])
def test_refused_uploads(server, body, coding, status):
    answer = exchange(server, post("/inflated/count", body, coding))
    assert answer.status == status
    if status == 415:
        assert answer.get("accept-encoding") == "gzip, deflate"
    server.check()
