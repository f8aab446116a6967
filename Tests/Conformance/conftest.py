"""Servers for the whole suite. A missing client or browser fails here: nothing is skipped."""

import os
import resource
import shutil
from pathlib import Path

import pytest

from support.client import client_script
from support.server import Server
from support.tls import Certificates, TLSServer

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))

HERE = Path(__file__).parent
SHORT = ("--ping-interval", 300, "--ping-timeout", 200, "--connect-timeout", 600, "--upgrade-timeout", 700,
         "--header-timeout", 700, "--body-timeout", 700, "--idle-timeout", 900, "--write-timeout", 1500,
         "--message-timeout", 800, "--packet-timeout", 800, "--close-timeout", 700,
         "--preface-timeout", 700, "--stream-stall-timeout", 900, "--connection-stall-timeout", 1800)


skipped = []


def pytest_runtest_logreport(report):
    if report.skipped:
        skipped.append(report)


def pytest_sessionfinish(session):
    """A test that falls silent has failed."""
    if skipped:
        for report in skipped:
            print(f"\nskipped: {report.nodeid}: {report.longrepr}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def public(tmp_path_factory):
    """The folder that the server serves, with what must and what must not come out of it."""
    base = tmp_path_factory.mktemp("files")
    root = base / "public"
    (root / "folder").mkdir(parents=True)
    (root / ".well-known").mkdir()
    (root / ".secret-folder").mkdir()
    (root / "index.html").write_text("<!doctype html><title>root</title>")
    (root / "folder" / "index.html").write_text("<!doctype html><title>folder</title>")
    (root / "hello.txt").write_text("hello, file\n")
    (root / "with space.txt").write_text("space\n")
    (root / "café.txt").write_text("coffee\n")
    (root / "style.css").write_text("body {}\n")
    (root / "script.js").write_text("export {}\n")
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "empty.txt").write_bytes(b"")
    (root / "data.bin").write_bytes(bytes(range(256)) * 400)
    (root / ".hidden").write_text("secret\n")
    (root / ".secret-folder" / "file.txt").write_text("secret\n")
    (root / ".well-known" / "security.txt").write_text("Contact: mailto:a@b\n")
    (base / "outside.txt").write_text("secret\n")
    (root / "escape.txt").symlink_to(base / "outside.txt")
    (root / "escape-folder").symlink_to(base)
    (root / "inside.txt").symlink_to("hello.txt")
    os.mkfifo(root / "pipe")
    write_pages(root)
    return root


def write_pages(root):
    """One for each of the official client's versions, with the scenarios."""
    scripts = ["old-client.js", "harness.js", "scenarios-events.js", "scenarios-audience.js", "scenarios-life.js"]
    for script in scripts:
        shutil.copy(HERE / "peers" / "javascript" / script, root / script)
    for version, suffix in (("4", ""), ("3", "-3"), ("2", "-2")):
        client = f"socket.io{suffix}.min.js"
        shutil.copy(client_script(version), root / client)
        (root / f"page{suffix}.html").write_text(
            "<!doctype html><title>Conformance</title>" + "".join(f"<script src=/{name}></script>" for name in [client, *scripts]))


def running(*arguments, make=Server):
    server = make(*arguments).start()
    yield server
    died = not server.alive()
    log = server.log()
    status = server.stop()
    assert not died, f"the server died during the tests ({status}):\n{log}"
    assert status == 0, f"SIGTERM did not end the server cleanly: {status}\n{log}"


# Of these modules each test that uses one of these servers runs twice: with Socket.IO behind middleware, where a task answers
# each request, and bare, where the event loop does. Tests of the middleware itself are marked so.
MOUNTED_TWICE = ("test_engineio", "test_socketio", "test_delivery")


def pytest_configure(config):
    config.addinivalue_line("markers", "middleware: needs the middleware in front of Socket.IO")


def pytest_generate_tests(metafunc):
    if not metafunc.module.__name__.split(".")[-1].startswith(MOUNTED_TWICE):
        return
    ways = ["behind"] if any(metafunc.definition.iter_markers("middleware")) else ["behind", "bare"]
    for name in ("server", "old_server"):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, ways, indirect=True, scope="session")


def mounting(request):
    return ["--bare"] if getattr(request, "param", "behind") == "bare" else []


@pytest.fixture(scope="session")
def server(public, request):
    """Default limits."""
    yield from running("--files", public, *mounting(request))


@pytest.fixture(scope="session")
def impatient(public):
    """Every time limit below two seconds."""
    yield from running("--files", public, *SHORT)


@pytest.fixture(scope="session")
def old_server(public, request):
    """Takes Engine.IO 3 clients and JSONP too."""
    yield from running("--files", public, "--engineio3", "--jsonp", *mounting(request))


@pytest.fixture(scope="session")
def bare_server(public):
    """Mounts Socket.IO without middleware."""
    yield from running("--files", public, "--bare")


@pytest.fixture(scope="session")
def old_bare_server(public):
    """Both."""
    yield from running("--files", public, "--engineio3", "--jsonp", "--bare")


@pytest.fixture(scope="session")
def shared_origin():
    """Answers http://good.example across origins."""
    yield from running("--cors-origin", "http://good.example")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def secure(public, certificates):
    """Default limits, behind TLS."""
    yield from running(certificates, "--files", public, make=TLSServer)


@pytest.fixture(scope="session")
def old_secure(public, certificates):
    """Takes Engine.IO 3 clients too, behind TLS."""
    yield from running(certificates, "--files", public, "--engineio3", "--jsonp", make=TLSServer)


@pytest.fixture
def make_server(public):
    """Servers of a test's own: make_server("--ping-interval", 300)."""
    made = []

    def make(*arguments, kind=Server, **options):
        made.append(kind(*arguments, "--files", public, **options).start())
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_secure(make_server, certificates):
    """The same behind TLS."""
    return lambda *arguments, **options: make_server(certificates, *arguments, kind=TLSServer, **options)
