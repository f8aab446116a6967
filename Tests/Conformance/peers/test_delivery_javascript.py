"""Connection state recovery and expiring identities with the official client: the network is cut, not the client closed."""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from peers.drivers import node_command
from peers.scenarios import TRANSPORTS
from support.client import client_script
from support.proxy import Proxy
from support.server import wait_until

JAVASCRIPT = Path(__file__).parent / "javascript"
LONG, SHORT = ("--recovery", 20000), ("--recovery", 300)
SCENARIOS = [("recovery", LONG), ("halfOpen", LONG), ("expired", SHORT)]
TABLE = [(*scenario, transport) for scenario in SCENARIOS for transport in TRANSPORTS]


@pytest.fixture
def network(make_server):
    """A server behind a proxy, and what the scenarios may ask of both."""
    proxies = []

    def network(*arguments):
        server = make_server(*arguments)
        proxies.append(Proxy(server))
        return server, proxies[-1]

    yield network
    for proxy in proxies:
        proxy.close()


def take_step(server, proxy, name, value):
    if name == "cut":
        proxy.cut()
    elif name == "loseClient":
        proxy.lose_client()
    elif name == "emit":
        assert server.fetch("/delivery/emit?" + urlencode(value)) == b"emitted"
    elif name == "expired":
        wait_until(lambda: value in json.loads(server.fetch("/delivery/expired")), complaint="not told of the expiry")


def run_in_node(server, proxy, name, transport):
    settings = {"url": proxy.url(), "transports": TRANSPORTS[transport]}
    process = subprocess.Popen(
        node_command() + [str(JAVASCRIPT / "delivery.cjs"), str(client_script()), name, json.dumps(settings)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "STEP":
                process.stdin.write(json.dumps(take_step(server, proxy, *json.loads(rest))) + "\n")
                process.stdin.flush()
            elif kind == "RESULT":
                return json.loads(rest)
        return f"node ended with {process.wait()}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name, arguments, transport", TABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_node(name, arguments, transport, network):
    server, proxy = network(*arguments)
    result = run_in_node(server, proxy, name, transport)
    assert result == "passed", result
    server.check()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_node_with_middleware(transport, network):
    """Middleware that runs again lets the client back in."""
    server, proxy = network(*LONG, "--recovery-runs-middleware")
    assert run_in_node(server, proxy, "recovery", transport) == "passed"


def test_node_without_recovery_is_a_new_client(network):
    server, proxy = network()
    assert "not recovered" in run_in_node(server, proxy, "recovery", "websocket")


def test_node_expiry(network):
    server, proxy = network()
    assert run_in_node(server, proxy, "expiry", "websocket") == "passed"


@pytest.mark.parametrize("name, arguments, transport", TABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_chromium(name, arguments, transport, network, browser):
    server, proxy = network(*arguments)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.expose_function("step", lambda name, value=None: take_step(server, proxy, name, value))
        assert page.goto(proxy.url("/page.html")).status == 200
        page.add_script_tag(path=str(JAVASCRIPT / "delivery.js"))
        settings = {"url": proxy.url(), "transports": TRANSPORTS[transport]}
        result = page.evaluate(
            "([name, settings]) => runDelivery(name, {...settings, step}).catch((error) => String(error.stack))",
            [name, settings])
        assert result == "passed", result
    finally:
        context.close()
