"""Range requests for files: RFC 9110 14."""

import email
import itertools
import os
import random
import time

import pytest

from support.http1 import Connection, exchange, get

DATA = bytes(range(256)) * 400


@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=102390-", 102390, 102399), ("bytes=-5", 102395, 102399),
    ("bytes=0-999999999", 0, 102399), ("bytes=-999999999", 0, 102399)])
def test_one_range(server, asked, first, last):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert answer.status == 206 and answer.body == DATA[first:last + 1]
    assert answer.get("content-range") == f"bytes {first}-{last}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=102400-", "bytes=999999-9999999", "bytes=-0"])
def test_unsatisfiable_range_is_416(server, asked):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert answer.status == 416 and answer.get("content-range") == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("asked", [
    "bytes=5-2", "bytes=a-b", "bytes=", "bytes", "bytes=-", "lines=1-2", "bytes=1", "bytes=--5", "bytes=+1-2",
    "bytes=1-2-3", "bytes=0x1-2", "bytes=99999999999999999999999-1"])
def test_malformed_range_is_ignored(server, asked):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert (answer.status, answer.body) == (200, DATA)
    server.check()


@pytest.mark.parametrize("asked", [
    "bytes=" + ",".join(f"{n * 10}-{n * 10 + 1}" for n in range(17)), "bytes=0-10,5-20", "bytes=0-,0-,0-", "bytes=0-1,0-1"],
    ids=["17 ranges", "overlapping", "whole thrice", "equal"])
def test_abusive_ranges_get_the_file_whole(server, asked):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert (answer.status, answer.body) == (200, DATA)


def test_head_ignores_range(server):
    answer = exchange(server, get("/data.bin", "Range: bytes=0-1", method="HEAD"), head=True)
    assert answer.status == 200


# --- several ranges (RFC 9110 14.6) --------------------------------------------------------------

def parts(answer):
    """The parts of a multipart answer as a mail reader takes them apart: type, range, bytes."""
    assert answer.status == 206 and answer.get("content-range") is None
    message = email.message_from_bytes(
        b"Content-Type: " + answer.get("content-type").encode() + b"\r\n\r\n" + answer.body)
    assert message.get_content_type() == "multipart/byteranges" and not message.defects
    return [(part["content-type"], part["content-range"]) for part in message.get_payload()]


@pytest.mark.parametrize("asked, ranges", [
    ("bytes=0-1,5-6", [(0, 1), (5, 6)]), ("bytes=5-6 , 0-1", [(5, 6), (0, 1)]), ("bytes=0-1,2-3", [(0, 1), (2, 3)]),
    ("bytes=0-0,-1", [(0, 0), (102399, 102399)]), ("bytes=0-1,999999-,7-8", [(0, 1), (7, 8)]),
    ("bytes=0-9999,20000-102399", [(0, 9999), (20000, 102399)])])
def test_several_ranges_are_parts_in_their_order(server, asked, ranges):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert parts(answer) == [
        ("application/octet-stream", f"bytes {first}-{last}/{len(DATA)}") for first, last in ranges]
    boundary = answer.get("content-type").split("boundary=")[1].encode()
    expected = b"".join(
        b"\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s"
        % (boundary, first, last, len(DATA), DATA[first:last + 1]) for first, last in ranges)
    assert answer.body == expected + b"\r\n--%s--\r\n" % boundary
    assert answer.get("content-length") == str(len(answer.body))


@pytest.mark.parametrize("asked", ["bytes=5-6,102400-", "bytes=-0,5-6", "bytes=102400-,5-6,"])
def test_one_range_that_is_left_is_no_multipart(server, asked):
    answer = exchange(server, get("/data.bin", f"Range: {asked}"))
    assert (answer.status, answer.body, answer.get("content-range")) == (206, DATA[5:7], "bytes 5-6/102400")


def test_several_ranges_beyond_the_end_are_416(server):
    answer = exchange(server, get("/data.bin", "Range: bytes=102400-,200000-"))
    assert answer.status == 416 and answer.get("content-range") == "bytes */102400"


def test_sixteen_ranges_are_served(server):
    asked = ",".join(f"{n * 10}-{n * 10 + 1}" for n in range(16))
    assert len(parts(exchange(server, get("/data.bin", f"Range: bytes={asked}")))) == 16


def test_other_methods_ignore_range(server):
    assert exchange(server, get("/data.bin", "Range: bytes=0-1", "Content-Length: 0", method="POST")).status == 405
    assert exchange(server, get("/data.bin", "Range: bytes=9999999-", method="HEAD"), head=True).status == 200


def test_random_ranges_against_a_model(server):
    generator = random.Random(int(os.environ.get("CONFORMANCE_SEED", 1)))
    size = len(DATA)
    with Connection(server) as connection:
        for _ in range(500):
            specs, expected = [], []
            for _ in range(generator.randint(1, 5)):
                first, last = sorted(generator.choices(range(size + size // 8), k=2))
                kind = generator.randrange(3)
                specs.append([f"{first}-{last}", f"{first}-", f"-{last}"][kind])
                start = first if kind < 2 else max(0, size - last)
                end = min(last, size - 1) if kind == 0 else size - 1
                if start <= end:
                    expected.append((start, end))
            overlap = any(a[0] <= b[1] and b[0] <= a[1] for a, b in itertools.combinations(expected, 2))
            connection.send(get("/data.bin", "Range: bytes=" + ",".join(specs)))
            answer = connection.response()
            if not expected:
                assert answer.status == 416, specs
            elif overlap:
                assert (answer.status, answer.body) == (200, DATA), specs
            elif len(expected) == 1:
                assert answer.status == 206 and answer.body == DATA[expected[0][0]:expected[0][1] + 1], specs
            else:
                assert [given for _, given in parts(answer)] == [f"bytes {a}-{b}/{size}" for a, b in expected], specs


def test_several_long_ranges_cost_bounded_memory(server, public):
    path = public / "ranges.bin"
    with open(path, "wb") as file:
        file.truncate(400 << 20)
    before = server.memory()
    with Connection(server, timeout=20) as connection:
        connection.send(get("/ranges.bin", "Range: bytes=0-99999999,150000000-249999999,300000000-399999999"))
        head = connection.read_until(b"\r\n\r\n", time.monotonic() + 10)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert 300_000_000 < length < 300_001_000
        left, most = length - len(connection.buffer), 0
        while left > 0:
            left -= len(connection.socket.recv(1 << 20))
            most = max(most, server.memory())
        assert left == 0 and most - before < 32 << 20
    path.unlink()
