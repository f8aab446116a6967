"""Several addresses, Unix domain sockets, and sockets that somebody else opened. FEATURES H24."""

import os
import resource
import shutil
import signal
import socket
import stat
import sys
import threading
import time

import pytest

from support.doors import Door
from support.engine import Polling
from support.http1 import Connection, get
from support.http2 import Http2
from support.server import Server, wait_until
from support.tls import TLSServer
from support.websocket import WebSocket

CHILD = """
import os, sys
number, names, *line = sys.argv[1:]
os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), number
if names: os.environ["LISTEN_FDNAMES"] = names
os.execv(line[0], line)
"""


@pytest.fixture
def folder(tmp_path_factory):
    """A short path: sockets have 107 bytes."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture
def unix(make_server, folder):
    server = make_server("--address", f"unix:{folder}/a.sock")
    return Door(server, folder / "a.sock")


def test_unix_socket_serves_every_protocol(unix):
    assert unix.fetch("/hello") == b"hello"
    seen = unix.client()
    assert (seen["peer"], seen["client"], seen["version"], seen["encrypted"]) == ("unix:", "unix:", "HTTP/1.1", False)
    with Http2(unix) as http2:
        assert http2.exchange("/hello").body == b"hello"
    with WebSocket(unix) as websocket:
        websocket.send_text("over a file")
        assert websocket.message() == "over a file"
    assert Polling(unix).connect()
    with Connection(unix) as connection:
        for _ in range(3):
            assert connection.send(get("/large")).response().body == b"x" * (1 << 20)


def test_unix_sockets_connections_spread_over_the_loops(make_server, folder):
    server = make_server("--address", f"unix:{folder}/a.sock", loops=4)
    door = Door(server, folder / "a.sock")
    loops = [door.client()["loop"] for _ in range(40)]
    assert len(set(loops)) == 4 and max(map(loops.count, loops)) == 10


def test_unix_socket_has_its_mode_and_goes_with_the_server(make_server, folder):
    path = folder / "a.sock"
    before = os.umask(0o077)
    try:
        server = make_server("--address", f"unix:{path}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert server.stop() == 0 and not path.exists()


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(make_server, folder):
    path = folder / "a.sock"
    first = make_server("--address", f"unix:{path}")
    with pytest.raises(RuntimeError, match="EADDRINUSE"):
        make_server("--address", f"unix:{path}")
    assert Door(first, path).fetch("/hello") == b"hello"
    first.kill()
    assert path.exists()
    assert Door(make_server("--address", f"unix:{path}"), path).fetch("/hello") == b"hello"


def test_a_file_that_is_no_socket_stays(make_server, folder):
    path = folder / "precious"
    path.write_text("precious")
    with pytest.raises(RuntimeError, match="no socket"):
        make_server("--address", f"unix:{path}")
    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_is_a_clear_error(make_server, folder):
    with pytest.raises(RuntimeError, match="a path has 1 to 10[37] bytes, this one"):
        make_server("--address", f"unix:{folder}/{'x' * 120}")


def test_one_server_with_tls_clear_text_and_a_unix_socket(make_server, certificates, folder):
    path = folder / "a.sock"
    server = make_server(
        certificates, "--address", "tcp:0", "--address", "tcp:0,clear", "--address", f"unix:{path}", kind=TLSServer)
    ports = [int(address.rsplit(":", 1)[1]) for address in server.addresses[:2]]
    seen = [
        Door(server, ("127.0.0.1", ports[0]), tls=certificates.context()).client(),
        Door(server, ("127.0.0.1", ports[1])).client(), Door(server, path).client()]
    assert [each["scheme"] for each in seen] == ["https", "http", "http"]
    assert [each["encrypted"] for each in seen] == [True, False, False]


def test_shutting_down_ends_all_addresses_and_finishes_requests(make_server, folder):
    path = folder / "a.sock"
    server = make_server("--address", "tcp:0", "--address", f"unix:{path}")
    with Connection(server) as one, Connection(Door(server, path)) as two:
        for connection in (one, two):
            connection.send(get("/hold?milliseconds=600"))
        wait_until(lambda: b'"now":2' in Door(server, path).fetch("/holding").replace(b" ", b""))
        server.process.send_signal(signal.SIGTERM)
        for connection in (one, two):
            assert connection.response().status == 200
    assert server.process.wait(5) == 0 and not path.exists()


def test_the_limit_of_connections_is_for_all_addresses(make_server, folder):
    path = folder / "a.sock"
    server = make_server("--address", "tcp:0", "--address", f"unix:{path}", "--maximum-connections", 2)
    door = Door(server, path)
    with Connection(server) as one, Connection(door) as two:
        for connection in (one, two):
            assert connection.send(get("/hello")).response().status == 200
        for way in (server, door):
            with Connection(way) as refused:
                refused.assert_ended()
    wait_until(lambda: answers(door))


def answers(door):
    try:
        return door.fetch("/hello") == b"hello"
    except (AssertionError, OSError):
        return False


@pytest.mark.parametrize("spare", [4] * (sys.platform == "linux"))
def test_without_descriptors_every_listener_refuses_and_recovers(make_server, folder, spare):
    path = folder / "a.sock"
    server = make_server("--address", "tcp:0", "--address", f"unix:{path}")
    ways = [Door(server), Door(server, path)]
    for way in ways:
        assert way.fetch("/hello") == b"hello"
    process, limit = server.process.pid, resource.RLIMIT_NOFILE
    before = resource.prlimit(process, limit)
    resource.prlimit(process, limit, (descriptors(process) + spare, before[1]))
    for way in ways:
        crowd = [way.connect(0.3) for _ in range(3 * spare)]
        # All but the spare ones; fewer where a loop's own spare descriptor went to a connection that another loop accepted
        # just then. What is left waits in the backlog until a descriptor is free.
        assert any([is_closed(connection) for connection in crowd])
        for connection in crowd:
            connection.close()
        wait_until(lambda: answers(way))
    resource.prlimit(process, limit, before)
    server.check()


def descriptors(process):
    """How many it has open once those of what was fetched are gone, which takes a busy machine a moment."""
    seen = []
    while len(seen) < 5 or len(set(seen[-5:])) > 1:
        assert len(seen) < 100, f"descriptors come and go: {seen}"
        time.sleep(0.1)
        seen.append(len(os.listdir(f"/proc/{process}/fd")))
    return seen[-1]


def is_closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


# --- sockets of others ---------------------------------------------------------------------------


def listening(family, address):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(128)
    return listener


class Activated(Server):
    """Started as systemd would: sockets from descriptor 3 on."""

    def __init__(self, sockets, names, *arguments, **options):
        super().__init__(*arguments, **options)
        self.sockets, self.names = sockets, names

    def start(self):
        # Descriptors from 3 on are this process's own here: a launcher puts the sockets there.
        mover = ("import os, sys; numbers = list(map(int, sys.argv[1].split(',')));"
                 "[os.dup2(n, 100 + i) for i, n in enumerate(numbers)];"
                 "[os.dup2(100 + i, 3 + i) for i in range(len(numbers))];"
                 "[os.close(100 + i) for i in range(len(numbers))];"
                 "os.execv(sys.argv[2], sys.argv[2:])")
        self.inherited = tuple(each.fileno() for each in self.sockets)
        numbers = ",".join(map(str, self.inherited))
        self.launcher = (sys.executable, "-c", mover, numbers, sys.executable, "-c", CHILD, str(len(self.sockets)), self.names)
        return super().start()


@pytest.fixture
def activate(public):
    made = []

    def make(sockets, names, *arguments, **options):
        made.append(Activated(sockets, names, *arguments, **options).start())
        return made[-1]

    yield make
    for server in made:
        server.kill()


def test_systemds_sockets_by_name(activate, folder):
    path = folder / "a.sock"
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as tcp, listening(socket.AF_UNIX, str(path)) as unix:
        server = activate([tcp, unix], "web:admin", "--address", "systemd:admin", "--address", "systemd:web", loops=3)
        assert server.addresses == [f"unix:{path}", f"127.0.0.1:{server.port}"]
        for door in (Door(server), Door(server, path)):
            loops = [door.client()["loop"] for _ in range(12)]
            assert len(set(loops)) == 3
        assert server.stop() == 0
        assert path.exists(), "the file is systemd's"


def test_all_of_systemds_sockets_without_names_on_a_restart(activate):
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as one, listening(socket.AF_INET, ("127.0.0.1", 0)) as two:
        ports = [each.getsockname()[1] for each in (one, two)]
        for _ in range(2):
            server = activate([one, two], "", "--address", "systemd")
            for port in ports:
                assert Door(server, ("127.0.0.1", port)).fetch("/hello") == b"hello"
            assert server.stop() == 0
        # Whoever comes meanwhile waits for the next server.
        with socket.create_connection(("127.0.0.1", ports[0])) as waiting:
            waiting.sendall(get("/hello", "Connection: close"))
            activate([one, two], "", "--address", "systemd")
            waiting.settimeout(5)
            assert waiting.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("names, address, complaint", [
    ("web", "systemd:other", "no socket named other"), ("a:b", "systemd", "2 names for 1 sockets")])
def test_systemds_sockets_that_are_not_there(activate, names, address, complaint):
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as listener:
        with pytest.raises(RuntimeError, match=complaint):
            activate([listener], names, "--address", address)


def test_without_systemd_the_error_says_so(make_server):
    with pytest.raises(RuntimeError, match="LISTEN_PID and LISTEN_FDS are not set"):
        make_server("--address", "systemd")


@pytest.mark.parametrize("kind, listens, complaint", [
    (socket.SOCK_STREAM, False, "it does not listen"), (socket.SOCK_DGRAM, False, "it is no stream socket")])
def test_what_is_no_listening_stream_socket_is_refused(activate, kind, listens, complaint):
    with socket.socket(socket.AF_INET, kind) as wrong:
        wrong.bind(("127.0.0.1", 0))
        with pytest.raises(RuntimeError, match=complaint):
            activate([wrong], "", "--address", "systemd")


@pytest.mark.parametrize("activator", ["systemd-socket-activate"] * (sys.platform == "linux"))
def test_systemds_own_tool(activator, make_server, folder):
    assert shutil.which(activator), f"{activator} is missing: Tests/run installs it"
    path = folder / "a.sock"

    class BySystemd(Server):
        launcher = (activator, "-l", str(path), "--fdname=web")

    # The server is started by the first connection.
    first = []

    def knock():
        wait_until(path.exists)
        while not first:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                first.append(connection)
            except ConnectionRefusedError:
                time.sleep(0.05)

    threading.Thread(target=knock).start()
    server = make_server("--address", "systemd:web", kind=BySystemd)
    first[0].settimeout(5)
    first[0].sendall(get("/hello", "Connection: close"))
    assert first[0].recv(4096).endswith(b"hello")
    assert Door(server, path).client()["peer"] == "unix:"
    environment = open(f"/proc/{server.process.pid}/fdinfo/3").read()
    assert int(environment.split("flags:")[1].split()[0], 8) & os.O_CLOEXEC
    assert server.stop() == 0
