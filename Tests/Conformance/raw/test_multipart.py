"""multipart/form-data and urlencoded forms as bytes that no client would send."""

import json
import random
import time

import pytest

from support.http1 import Connection

FIELD = b'Content-Disposition: form-data; name="a"\r\n'


def body(*contents, boundary=b"b"):
    parts = [b"--" + boundary + b"\r\n" + FIELD + b"\r\n" + content + b"\r\n" for content in contents]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


def post(path, content, content_type="multipart/form-data; boundary=b", fields=()):
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {content_type}", f"Content-Length: {len(content)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def answer(server, request):
    """Status and body of the answer."""
    with server.connect() as connection:
        connection.sendall(request.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n", 1))
        with connection.makefile("rb") as stream:
            head, _, content = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), content.decode("utf-8", "replace")


def test_pieces_of_any_size(server):
    content = bytes(random.Random(1).randbytes(3000)) + b"\r\n--\r\n-\r\n--c\r\r\n"
    request = post("/multipart", body(content, b"", b"\r\n"), fields=["Connection: close"])
    generator = random.Random(2)
    for size in (1, 7, 100):
        with server.connect() as connection:
            start = 0
            while start < len(request):
                end = start + generator.randint(1, size)
                connection.sendall(request[start:end])
                start = end
            with connection.makefile("rb") as stream:
                parts = json.loads(stream.read().split(b"\r\n\r\n", 1)[1])
        assert [part["bytes"] for part in parts] == [len(content), 0, 2]
        assert parts[0]["sum"] == sum(content)
    server.check()


@pytest.mark.parametrize("content, rule", [
    (b"", "the final boundary is missing"),
    (body(b"x")[:-6], "the final boundary is missing"),
    (b"no boundary at all", "the final boundary is missing"),
    (body(b"x").replace(b"\r\n", b"\n"), "LF alone"),
    (b"--bx\r\n\r\n", "not followed by the end of its line"),
    (b"--b\r\nno field\r\n\r\n--b--", "no field"),
    (b"--b\r\nA: b\r\n folded\r\n\r\n--b--", "no field"),
    (b"--b\r\nA: \x00\r\n\r\n--b--", "control character"),
    (b"--b\r\nA: b\r\n\r\nx\r\n--b--", "RFC 7578 4.2"),
], ids=range(9))
def test_malformed_bodies_name_their_rule(server, content, rule):
    status, text = answer(server, post("/multipart", content))
    assert status == 400 and rule in text
    server.check()


@pytest.mark.parametrize("boundary", ["", '""', "x" * 71, '"a "', "é"])
def test_malformed_boundaries(server, boundary):
    status, text = answer(server, post("/multipart", b"x", f"multipart/form-data; boundary={boundary}"))
    assert status == 400 and "boundary" in text


def test_limits_name_themselves(server):
    status, text = answer(server, post("/multipart", body(*[b""] * 1001)))
    assert status == 413 and "limit multipart parts" in text
    status, text = answer(server, post("/multipart", b"--b\r\nA: " + b"x" * 9000 + b"\r\n\r\n--b--"))
    assert status == 413 and "limit multipart headerBytes" in text
    status, text = answer(server, post("/multipart", b"x" * 9000 + body(b"")))
    assert status == 413 and "limit multipart preambleBytes" in text
    status, text = answer(server, post("/fields", body(b"x" * (1 << 20))))
    assert status == 413 and "totalBytes" in text
    server.check()


def test_near_boundaries_take_linear_time(server):
    boundary = b"-" * 70
    content = (b"\r\n" + b"-" * 71) * 40_000
    start = time.monotonic()
    status, text = answer(server, post("/multipart", body(content, boundary=boundary), f"multipart/form-data; boundary={boundary.decode()}"))
    assert status == 200 and json.loads(text)[0]["bytes"] == len(content)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("content, status, rule", [
    ("&".join(f"a{number}=1" for number in range(1001)), 413, "limit fields"),
    ("a" + "[b]" * 100_000 + "=1", 400, "limit depth"),
    ("q=" + "x" * (1 << 20), 413, "exceeds"),
    ("q=x&page=many", 400, "page"),
    ("q=x&range[from]=y", 400, "range[from]"),
    ("q=x&range=1&range[from]=2", 200, ""),
    ("page=1", 400, "q is missing"),
    ("q=%ff%00%zz&=&&[]=&a[=&]=1", 200, ""),
])
def test_urlencoded_forms(server, content, status, rule):
    answered, text = answer(server, post("/form", content.encode(), "application/x-www-form-urlencoded"))
    assert answered == status and rule in text
    server.check()


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "", "multipart/form-dat", "x"])
def test_other_types_are_415(server, content_type):
    status, text = answer(server, post("/form", b"q=x", content_type))
    assert status == 415 and "application/x-www-form-urlencoded" in text


def test_a_connection_goes_on_behind_a_refused_form(server):
    connection = Connection(server)
    connection.send(post("/multipart", b"--bx\r\n" + b"x" * 1000) + post("/form", b"q=x", "application/x-www-form-urlencoded"))
    assert connection.response().status == 400
    assert connection.response().status == 200
