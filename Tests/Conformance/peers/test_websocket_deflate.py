"""permessage-deflate (RFC 7692) with peers: python's websockets in every combination of parameters, Chromium, and the official
Socket.IO client. Sizes and kinds of messages are those of Autobahn's cases 12 and 13."""

import asyncio
import itertools
import os
import random

import pytest
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from peers.drivers import run_in_node

MIB = 1 << 20
PATHS = ["/ws-deflate", "/ws-deflate-takeover", "/ws-deflate-small"]
SIZES = [0, 1, 15, 16, 17, 125, 126, 1000, 4096, 65_535, 65_536, 131_072, MIB]
COMBINATIONS = list(itertools.product([False, True], [False, True], [None, 9, 12, 15], [None, True, 9, 12, 15]))


def connect(server, path, factory=None, **options):
    factories = [factory or ClientPerMessageDeflateFactory(client_max_window_bits=True)]
    return websockets.connect(
        f"ws://127.0.0.1:{server.port}{path}", extensions=factories, compression=None, max_size=4 * MIB,
        ping_interval=None, **options)


async def echoes(socket, messages):
    for message in messages:
        await socket.send(message)
        assert await asyncio.wait_for(socket.recv(), 10) == message


def texts():
    line = '{"id": %d, "name": "Grüße, κόσμε 😀", "tags": ["a", "b"]}'
    return [line % number for number in range(20)] + ["".join(line % number for number in range(500))]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["random", "repetitive", "text"])
def test_every_size_comes_back(server, path, kind):
    def message(size):
        if kind == "random":
            return os.urandom(size)
        if kind == "repetitive":
            return (b"*" * size)
        source = "".join(texts())
        return (source * (size // len(source) + 1))[:size]      # up to two bytes a character

    async def body():
        async with connect(server, path) as socket:
            assert socket.protocol.extensions, "compression was agreed on"
            await echoes(socket, [message(size) for size in SIZES if kind != "text" or size < MIB // 2] * 2)
    asyncio.run(body())
    server.check()


@pytest.mark.parametrize("path", PATHS)
def test_every_combination_of_parameters(server, path):
    async def one(server_alone, client_alone, server_bits, client_bits):
        factory = ClientPerMessageDeflateFactory(
            server_no_context_takeover=server_alone, client_no_context_takeover=client_alone,
            server_max_window_bits=server_bits, client_max_window_bits=client_bits)
        async with connect(server, path, factory) as socket:
            agreed = bool(socket.protocol.extensions)
            # A limit that this client can't be told.
            assert agreed == (path != "/ws-deflate-small" or client_bits is not None)
            rng = random.Random(7)
            await echoes(socket, texts() + [rng.randbytes(3000), b"x" * 70_000, rng.randbytes(3000), ""])

    async def body():
        for combination in COMBINATIONS:
            await one(*combination)
    asyncio.run(body())
    server.check()


@pytest.mark.parametrize("path", PATHS)
def test_fragmented_and_interleaved(server, path):
    async def body():
        async with connect(server, path) as socket:
            for pieces in ([b"a" * 10, b"", b"b" * 70_000, b"c"], [os.urandom(50) for _ in range(200)], ["ä", "€", "😀" * 999]):
                await socket.send(iter(pieces))
                pong = await socket.ping()
                empty = "" if isinstance(pieces[0], str) else b""
                assert await asyncio.wait_for(socket.recv(), 10) == empty.join(pieces)
                await asyncio.wait_for(pong, 10)
    asyncio.run(body())


@pytest.mark.parametrize("path", PATHS)
def test_a_thousand_messages_each(server, path):
    async def body():
        async with connect(server, path) as socket:
            messages = texts() * 50

            async def send():
                for message in messages:
                    await socket.send(message)
            sender = asyncio.create_task(send())
            for message in messages:
                assert await asyncio.wait_for(socket.recv(), 10) == message
            await sender
    asyncio.run(body())



@pytest.mark.parametrize("options", [["--compress-realtime"], ["--compress-realtime", "--takeover"]], ids=["alone", "takeover"])
def test_broadcasts_reach_every_kind_of_client(make_server, options):
    """Some agreed on compression, some did not; each gets the same event."""
    server = make_server(*options)
    url = f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket"
    payload = "news " * 2000

    async def open_one(compressed):
        factory = [ClientPerMessageDeflateFactory(client_max_window_bits=True)] if compressed else []
        socket = await websockets.connect(url, extensions=factory, compression=None, ping_interval=None)
        assert (await socket.recv()).startswith("0")
        await socket.send("40")
        assert (await socket.recv()).startswith("40")
        return socket

    async def body():
        sockets = [await open_one(index % 3 != 0) for index in range(12)]
        for _ in range(5):
            await sockets[0].send(f'42["broadcast","{payload}"]')
            for socket in sockets:
                message = await asyncio.wait_for(socket.recv(), 10)
                while message == "2":
                    await socket.send("3")
                    message = await asyncio.wait_for(socket.recv(), 10)
                assert message == f'42["broadcast","{payload}"]'
        for socket in sockets:
            await socket.close()
    asyncio.run(body())
    server.check()


# The browser's driver runs an event loop of its own from here on.

def test_chromium_agrees_by_itself(server, browser):
    page = browser.new_page()
    page.goto(server.url("/page.html"))
    result = page.evaluate(
        """async ([urls]) => {
            const outcome = [];
            for (const url of urls) {
                const socket = new WebSocket(url);
                await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
                let same = true;
                for (const size of [0, 1, 100, 5000, 70000, 500000]) {
                    const text = "grüße 😀 ".repeat(size / 10 + 1).slice(0, size);
                    const reply = new Promise((resolve) => { socket.onmessage = (event) => resolve(event.data); });
                    socket.send(text.isWellFormed && !text.isWellFormed() ? "x" : text);
                    same = same && (await reply) === (text.isWellFormed && !text.isWellFormed() ? "x" : text);
                }
                outcome.push([socket.extensions.split(";")[0], same]);
                socket.close();
            }
            return outcome;
        }""", [[f"ws://127.0.0.1:{server.port}{path}" for path in PATHS]])
    page.close()
    assert result == [["permessage-deflate", True]] * 3


@pytest.mark.parametrize("options", [["--compress-realtime"], ["--compress-realtime", "--takeover"]], ids=["alone", "takeover"])
@pytest.mark.parametrize("transport", ["websocket", "upgrade"])
@pytest.mark.parametrize("name", ["largeText", "order", "rooms", "binary", "argumentsAndUnicode"])
def test_socketio_under_node(make_server, name, transport, options):
    server = make_server(*options)
    assert run_in_node(server, name, transport) == "passed"
    server.check()


@pytest.mark.parametrize("options", [["--compress-realtime"], ["--compress-realtime", "--takeover"]], ids=["alone", "takeover"])
@pytest.mark.parametrize("name", ["largeText", "order", "rooms", "binary"])
def test_socketio_in_chromium(make_server, browser, name, options):
    server = make_server(*options)
    page = browser.new_page()
    page.expose_function("step", lambda name, value=None: None)
    page.goto(server.url("/page.html"))
    result = page.evaluate(
        "([name, settings]) => runScenario(name, settings).catch((error) => String(error.stack))",
        [name, {"url": server.url(), "transports": ["websocket"]}])
    page.close()
    assert result == "passed", result
