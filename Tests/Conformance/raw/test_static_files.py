"""Which files are served, as what, and what becomes of those that change meanwhile."""

import os
import socket
import time

import pytest

from support.http1 import Connection, exchange, get
from support.server import wait_until

DATA = bytes(range(256)) * 400


@pytest.mark.parametrize("path, kind", [
    ("/hello.txt", "text/plain"), ("/style.css", "text/css"), ("/script.js", "text/javascript"),
    ("/picture.png", "image/png"), ("/data.bin", "application/octet-stream"), ("/index.html", "text/html")])
def test_type_follows_the_extension_and_is_not_sniffed(server, path, kind):
    answer = exchange(server, get(path))
    assert answer.status == 200 and answer.get("content-type").startswith(kind)
    assert answer.get("x-content-type-options") == "nosniff"


def test_file_is_sent_whole(server):
    answer = exchange(server, get("/data.bin"))
    assert answer.body == DATA and answer.get("content-length") == str(len(DATA))


def test_empty_file_is_sent(server):
    answer = exchange(server, get("/empty.txt"))
    assert (answer.status, answer.body) == (200, b"")


def test_index_is_found(server):
    assert b"<title>root</title>" in exchange(server, get("/")).body
    assert b"<title>folder</title>" in exchange(server, get("/folder/")).body


def test_names_are_decoded_once(server):
    assert exchange(server, get("/with%20space.txt")).body == b"space\n"
    assert exchange(server, get("/caf%C3%A9.txt")).body == b"coffee\n"
    assert exchange(server, get("/with%2520space.txt")).status == 404


def test_head_carries_the_length_only(server):
    with Connection(server) as connection:
        connection.send(get("/data.bin", method="HEAD") + get("/hello"))
        answer = connection.response(head=True)
        assert answer.status == 200 and answer.get("content-length") == str(len(DATA))
        assert connection.response().body == b"hello"


def test_other_methods_are_not_files(server):
    assert exchange(server, get("/hello.txt", "Content-Length: 0", method="POST")).status in (404, 405)


ESCAPES = [
    "/../outside.txt", "/folder/../../outside.txt", "/%2e%2e/outside.txt", "/.%2e/outside.txt", "/%2E./outside.txt",
    "/..%2foutside.txt", "/%2e%2e%2foutside.txt", "/..%5coutside.txt", "/%5c..%5coutside.txt", "/folder/..%2f..%2foutside.txt",
    "/folder/../hello.txt", "/hello.txt%00", "/hello.txt%00.png", "/%00", "/hel%2flo.txt", "/folder%2findex.html",
    "/folder%5cindex.html", "/%ff", "/%c0%ae%c0%ae/outside.txt", "/%", "/%2", "/%zz", "/..", "/../", "/folder/..",
    "//etc/passwd", "/%252e%252e/outside.txt", "/escape.txt", "/escape-folder/outside.txt", "/escape-folder/public/hello.txt",
    "/.hidden", "/%2ehidden", "/.secret-folder/file.txt", "/pipe", "/hello.txt/", "/hello.txt/x", "/..;/outside.txt", "/./hello.txt",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_outside_or_hidden_is_served(server, path):
    answer = exchange(server, get(path))
    assert b"secret" not in answer.body and b"root:" not in answer.body
    if path == "/./hello.txt":     # a dot segment that stays inside may be resolved
        assert answer.status in (200, 301, 308, 400, 404)
    else:
        assert answer.status in (400, 404), answer
    server.check()


def test_symbolic_link_inside_and_well_known_are_served(server):
    assert exchange(server, get("/inside.txt")).body == b"hello, file\n"
    assert exchange(server, get("/.well-known/security.txt")).status == 200


# --- files that change ---------------------------------------------------------------------------

def test_file_that_grows_sends_what_was_announced(server, public):
    path = public / "growing.bin"
    path.write_bytes(b"a" * (20 << 20))
    with Connection(server, timeout=10) as connection:
        connection.send(get("/growing.bin") + get("/hello"))
        with open(path, "ab") as file:
            file.write(b"b" * (1 << 20))
        answer = connection.response()
        assert len(answer.body) == int(answer.get("content-length"))
        assert connection.response().body == b"hello"


def test_file_that_shrinks_resets_the_connection(server, public):
    path = public / "shrinking.bin"
    path.write_bytes(b"a" * (64 << 20))
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.settimeout(5)
    connection.sendall(get("/shrinking.bin") + get("/hello"))
    head = connection.recv(4096)
    assert b"Content-Length: 67108864" in head or b"content-length: 67108864" in head.lower()
    time.sleep(0.3)
    os.truncate(path, 1 << 20)
    received = len(head)
    try:
        while data := connection.recv(1 << 20):
            received += len(data)
            assert b"hello" not in data, "another answer inside the announced length"
    except ConnectionResetError:
        pass
    assert received < 64 << 20
    connection.close()
    server.check()


def test_reading_a_large_file_slowly_costs_bounded_memory(server, public):
    (public / "large.bin").write_bytes(b"a" * (32 << 20))
    before = server.memory()
    connections = []
    for _ in range(10):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(get("/large.bin"))
        connections.append(connection)
    time.sleep(0.5)
    assert server.memory() - before < 64 << 20
    for connection in connections:
        connection.close()
    wait_until(server.alive)
    server.check()


@pytest.mark.parametrize("size", [16384, 65536, 1 << 20])
def test_long_file_arrives_whole_at_any_speed(server, public, size):
    """By the kernel's own copying in clear text: nothing twice, nothing left out, and the next answer behind it."""
    content = os.urandom(24 << 20)
    (public / "random.bin").write_bytes(content)
    with Connection(server, timeout=30) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        connection.send(get("/random.bin") + get("/random.bin", "Range: bytes=1000001-20000000, 23000000-23999999, 0-99999")
                        + get("/hello"))
        time.sleep(0.3)
        assert connection.response().body == content
        several = connection.response()
        assert several.status == 206 and len(several.body) == int(several.get("content-length"))
        assert content[1000001:20000001] in several.body and content[23000000:24000000] in several.body
        assert connection.response().body == b"hello"


@pytest.mark.parametrize("kind", ["server", "secure"])
def test_one_gibibyte_takes_constant_memory(request, public, kind):
    server = request.getfixturevalue(kind)
    with open(public / "gibibyte.bin", "wb") as file:
        file.truncate(1 << 30)
    slow = []
    for _ in range(5):
        slow.append(Connection(server))
        slow[-1].send(get("/gibibyte.bin"))
    before, most, received = server.memory(), 0, 0
    with Connection(server, timeout=60) as connection:
        connection.send(get("/gibibyte.bin"))
        head = connection.read_until(b"\r\n\r\n", time.monotonic() + 10)
        assert b"content-length: 1073741824" in head.lower()
        left = (1 << 30) - len(connection.buffer)
        buffer = bytearray(1 << 20)
        while left > 0 and (count := connection.socket.recv_into(buffer, min(left, len(buffer)))):
            left -= count
            received += 1
            if received % 100 == 0:
                most = max(most, server.memory())
        assert left == 0 and most - before < 24 << 20
    for connection in slow:
        connection.socket.close()
    (public / "gibibyte.bin").unlink()
    server.check()


def test_client_that_leaves_a_long_file_leaves_nothing_behind(server, public):
    with open(public / "left.bin", "wb") as file:
        file.truncate(1 << 30)
    before = server.descriptors()
    for _ in range(50):
        with Connection(server) as connection:
            connection.send(get("/left.bin"))
            connection.socket.recv(100_000)
    wait_until(lambda: server.descriptors() <= before, complaint="descriptors stay open")
    (public / "left.bin").unlink()
    server.check()


# --- files in memory -----------------------------------------------------------------------------

def settled(path, content):
    """Writes a file and waits until it may be kept in memory."""
    path.write_bytes(content)
    time.sleep(2.1)
    return path


def test_change_of_a_file_in_memory_is_seen_within_its_validity(server, public):
    path = settled(public / "hot.txt", b"one")
    assert {exchange(server, get("/hot.txt")).body for _ in range(5)} == {b"one"}

    def becomes(status, body=None):
        time.sleep(0.11)
        for _ in range(5):
            answer = exchange(server, get("/hot.txt"))
            assert answer.status == status and (body is None or answer.body == body), answer

    path.write_bytes(b"two")
    becomes(200, b"two")
    (public / "hot.new").write_bytes(b"six")
    (public / "hot.new").rename(path)
    becomes(200, b"six")
    path.unlink()
    becomes(404)
    settled(path, b"ten")
    becomes(200, b"ten")
    path.unlink()
    path.symlink_to(public.parent / "outside.txt")
    becomes(404)
    path.unlink()
    path.mkdir()
    becomes(404)
    path.rmdir()


def test_file_in_memory_is_never_torn(make_server, public):
    """Rewritten by renaming all the time: each answer is one of its states, and its tag belongs to its bytes."""
    server = make_server(loops=2)
    path = public / "torn.txt"
    seen = {}
    deadline = time.monotonic() + 4
    number = 0
    while time.monotonic() < deadline:
        number += 1
        (public / "torn.new").write_bytes(str(number % 7).encode() * (1000 + number))
        (public / "torn.new").rename(path)
        pause = time.monotonic() + (2.3 if number == 3 else 0.01)
        while time.monotonic() < pause:
            answer = exchange(server, get("/torn.txt"))
            assert len(set(answer.body)) == 1 and len(answer.body) >= 1000
            assert seen.setdefault(answer.get("etag"), answer.body) == answer.body
