"""Behind nginx and haproxy, and reached by curl in ways of its own. FEATURES H24."""

import asyncio
import json
import subprocess
import time

import pytest
import socketio

from peers.drivers import run_in_node
from peers.scenarios import TRANSPORTS
from support.doors import Door
from support.http1 import Connection, get
from support.proxies import free_port, haproxy, nginx
from support.server import Server, wait_until
from support.tls import TLSServer
from support.websocket import WebSocket

PROXIED = ("--address", "tcp:0,proxy", "--proxy-from", "loopback")


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("p")


@pytest.fixture
def front():
    """front(nginx, server, ...): a proxy that is stopped afterwards."""
    made = []

    def make(start, *arguments, **options):
        made.append(start(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def client(front, *fields):
    return Door(front).client(*fields)


# --- curl ----------------------------------------------------------------------------------------


def test_curl_over_a_unix_socket(make_server, folder):
    path = folder / "a.sock"
    make_server("--address", f"unix:{path}")
    for version in ("--http1.1", "--http2-prior-knowledge"):
        assert curl("--unix-socket", path, version, "http://one.example/hello") == b"hello"
        assert len(curl("--unix-socket", path, version, "http://one.example/large")) == 1 << 20
    data = folder / "data"
    data.write_bytes(bytes(range(256)) * 20_000)
    sent = json.loads(curl("--unix-socket", path, "--data-binary", f"@{data}", "http://one.example/upload"))
    assert sent["bytes"] == 5_120_000


@pytest.mark.parametrize("tls", [False, True], ids=["clear text", "TLS"])
def test_curl_sends_a_proxy_header(make_server, certificates, tls):
    server = make_server(certificates, *PROXIED, kind=TLSServer) if tls else make_server(*PROXIED)
    how = ["--cacert", certificates.pem("ca")] if tls else ["--http2-prior-knowledge"]
    seen = json.loads(curl("--haproxy-protocol", *how, server.url("/client")))
    assert seen["client"] == seen["peer"] and seen["version"] == "HTTP/2"
    assert seen["destination"] == f"127.0.0.1:{server.port}"


# --- nginx ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory):
    """nginx before a Unix domain socket."""
    folder = tmp_path_factory.mktemp("n")
    path = folder / "a.sock"
    server = Server("--address", f"unix:{path}", "--trust", "unix", "--address", "tcp:0").start()
    proxy = nginx(server, folder, f"unix:{path}")
    yield proxy
    proxy.stop()
    assert server.stop() == 0


def test_nginx_tells_the_client(behind_nginx):
    seen = client(behind_nginx)
    assert (seen["peer"], seen["client"], seen["scheme"], seen["version"]) == ("unix:", "127.0.0.1:0", "http", "HTTP/1.1")


def test_nginx_and_a_client_that_lies(behind_nginx):
    seen = client(behind_nginx, "X-Forwarded-For: 6.6.6.6, 7.7.7.7", "X-Forwarded-Proto: https",
                  "X-Forwarded-Host: evil.example", "Forwarded: for=6.6.6.6;proto=https")
    assert (seen["client"], seen["scheme"]) == ("127.0.0.1:0", "http")
    assert seen["authority"] != "evil.example"


def test_nginx_keeps_its_connections_alive(behind_nginx):
    before = [client(behind_nginx)["loop"] for _ in range(30)]
    assert len(set(before)) == 1, "a connection each"
    assert len(curl(behind_nginx.url("/large"))) == 1 << 20


def test_a_websocket_through_nginx(behind_nginx):
    with WebSocket(behind_nginx) as websocket:
        websocket.send_text("through")
        assert websocket.message() == "through"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_python_socketio_through_nginx(behind_nginx, transport):
    async def talk():
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(behind_nginx.url(), transports=TRANSPORTS[transport], namespaces=["/", "/chat"])
        assert await client.call("echo", {"a": [1]}) == {"a": [1]}
        assert await client.call("binary-size", b"x" * 100_000) == 100_000
        assert (await client.call("handshake"))["address"] == "127.0.0.1:0"
        await client.disconnect()
    asyncio.run(talk())
    behind_nginx.check()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ["namespaces", "binary", "acknowledgements", "order", "largeText", "clientDisconnect"])
def test_the_official_client_through_nginx(behind_nginx, name, transport):
    assert run_in_node(behind_nginx, name, transport) == "passed"


def test_nginx_ends_tls(front, make_server, certificates, folder):
    path = folder / "a.sock"
    server = make_server("--address", f"unix:{path}", "--trust", "unix")
    tls = f"listen 127.0.0.1:{(port := free_port())} ssl; ssl_certificate {certificates.pem('one')}; " \
          f"ssl_certificate_key {certificates.key('one')};"
    front(nginx, server, folder, f"unix:{path}", more=tls)
    seen = Door(server, ("127.0.0.1", port), tls=certificates.context()).client("Origin: https://one.example")
    assert (seen["scheme"], seen["encrypted"], seen["client"]) == ("https", False, "127.0.0.1:0")


# --- haproxy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
@pytest.mark.parametrize("way", ["TCP", "Unix"])
def test_haproxy_tells_the_client(front, make_server, folder, options, way):
    path = folder / "a.sock"
    address = f"unix:{path},proxy" if way == "Unix" else "tcp:0,proxy"
    server = make_server("--address", address, "--proxy-from", "loopback", "--proxy-from", "unix")
    upstream = f"unix@{path}" if way == "Unix" else f"127.0.0.1:{server.port}"
    proxy = front(haproxy, server, folder, upstream, options)
    with Connection(proxy) as connection:
        name = "%s:%s" % connection.socket.getsockname()
        for _ in range(2):
            seen = json.loads(connection.send(get("/client")).response().body)
            assert (seen["client"], seen["destination"]) == (name, f"127.0.0.1:{proxy.port}")
        assert seen["peer"] != name
    assert curl("--http2-prior-knowledge", proxy.url("/hello")) == b"hello"
    with WebSocket(proxy) as websocket:
        websocket.send_text("through")
        assert websocket.message() == "through"


def test_haproxy_ends_tls_and_says_so(front, make_server, certificates, folder):
    server = make_server(*PROXIED)
    pem = folder / "haproxy.pem"
    pem.write_text(certificates.pem("one").read_text() + certificates.key("one").read_text())
    proxy = front(
        haproxy, server, folder, f"127.0.0.1:{server.port}", "send-proxy-v2-ssl-cn proxy-v2-options authority,ssl,cert-cn",
        bind=f"ssl crt {pem} ca-file {certificates.pem('ca')} verify optional")
    door = Door(server, ("127.0.0.1", proxy.port), tls=certificates.context(client="client"))
    seen = door.client()
    assert (seen["scheme"], seen["encrypted"], seen["proxiedTLS"]) == ("https", False, "TLSv1.3")
    assert seen["proxiedServerName"] == "one.example"


def test_tls_through_haproxy(front, make_server, certificates, folder):
    server = make_server(certificates, *PROXIED, kind=TLSServer)
    proxy = front(haproxy, server, folder, f"127.0.0.1:{server.port}", "send-proxy-v2")
    url = f"https://one.example:{proxy.port}/client"
    seen = json.loads(curl("--cacert", certificates.pem("ca"), "--connect-to", f"one.example:{proxy.port}:127.0.0.1:{proxy.port}", url))
    assert seen["version"] == "HTTP/2" and seen["encrypted"] and seen["client"] != seen["peer"]


def test_haproxys_health_checks(front, make_server, folder):
    server = make_server(*PROXIED)
    proxy = front(
        haproxy, server, folder, f"127.0.0.1:{server.port}", "check inter 100ms send-proxy-v2 check-send-proxy",
        backend="option httpchk GET /hello")
    assert wait_until(lambda: Door(proxy).fetch("/hello") == b"hello")
    time.sleep(0.6)
    assert Door(proxy).fetch("/hello") == b"hello", "still up after its checks"
    assert server.alive()
