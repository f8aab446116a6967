"""The scenarios of python-socketio once more, in MessagePack: its serializer against the server's parser."""

import asyncio
import json

import pytest
import socketio

from conftest import running
from peers import python_scenarios as scenarios
from peers.scenarios import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

for name in dir(scenarios):
    if name.startswith("test_"):
        globals()[name] = getattr(scenarios, name)


@pytest.fixture(scope="module")
def server(public):
    yield from running("--files", public, "--msgpack")


@pytest.fixture
def make_server(make_server):
    return lambda *arguments: make_server("--msgpack", *arguments)


@pytest.fixture(autouse=True)
def serializer(monkeypatch):
    monkeypatch.setattr(scenarios.Client, "serializer", "msgpack")


def test_numbers_of_every_width(transport, server):
    """What MessagePack writes in so many forms, and JSON in one."""
    edges = [2 ** n + d for n in (5, 7, 8, 15, 16, 31, 32, 53) for d in (-1, 0, 1)]
    values = [0, *edges, *[-n for n in edges], 2 ** 63 - 1, -2 ** 63, 0.1, 1e300, -2.5]

    async def run():
        async with scenarios.connected(server, transport) as client:
            assert await client.ask("echo", values) == values

    asyncio.run(run())
    server.check()


def test_keys_that_are_no_strings(transport, server):
    """Python's msgpack writes them as they are; they arrive as JSON's encoder has them."""
    async def run():
        async with scenarios.connected(server, transport) as client:
            value = {1: "a", -7: "b", True: "c", None: "d", 1.5: "e", 2 ** 40: "f"}
            assert await client.ask("echo", value) == json.loads(json.dumps(value))

    asyncio.run(run())
    server.check()


def test_client_of_the_other_parser_is_sent_away(transport, server):
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url(), transports=TRANSPORTS[transport], wait_timeout=2)
    client.disconnect()
    server.check()
