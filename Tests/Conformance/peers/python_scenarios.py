"""Scenarios for python-socketio's asynchronous client within the test's process, for test_msgpack.py; the table has its own."""

import asyncio
import time
import uuid
from contextlib import asynccontextmanager

import pytest
import socketio
from engineio.payload import Payload
from socketio.exceptions import ConnectionError as Refused

from peers.scenarios import SHORT_HEARTBEAT, TRANSPORTS

WAIT = 8

# The client takes 16 packets a payload unless told otherwise; servers in other languages, Node's too, send more.
Payload.max_decode_packets = 10_000

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


async def within(awaitable, what="answer"):
    try:
        return await asyncio.wait_for(awaitable, WAIT)
    except TimeoutError:
        raise AssertionError(f"timed out: {what}") from None


async def until(condition, what):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        await asyncio.sleep(0.005)


class Client:
    """An AsyncClient that records the events which it receives."""

    serializer = "default"

    def __init__(self, server, transport, **options):
        self.server, self.transport = server, transport
        self.io = socketio.AsyncClient(serializer=self.serializer, reconnection=options.pop("reconnection", False), **options)
        self.events, self.waiting, self.reasons = [], [], []
        for namespace in ("/", "/chat", "/admin"):
            self.io.on("*", self._recorder(self.events, namespace), namespace=namespace)
            self.io.on("disconnect", self._recorder(self.reasons, namespace), namespace=namespace)

    @staticmethod
    def _recorder(records, namespace):
        return lambda *values: records.append((namespace, values[0], list(values[1:])))

    def of(self, name, namespace="/"):
        return [values for where, event, values in self.events if (where, event) == (namespace, name)]

    async def next(self, name, namespace="/", count=1):
        """The first event of the name; it is taken out."""
        await until(lambda: len(self.of(name, namespace)) >= count, f"{count} x {name}")
        index = next(n for n, (where, event, _) in enumerate(self.events) if (where, event) == (namespace, name))
        return self.events.pop(index)[2]

    async def connect(self, namespaces=("/",), query="", **options):
        await within(self.io.connect(
            self.server.url(query), transports=TRANSPORTS[self.transport], namespaces=list(namespaces),
            wait_timeout=WAIT, **options), "connect")
        if self.transport == "upgrade":
            assert self.io.transport() == "websocket", "no upgrade"
        return self

    async def ask(self, event, *values, namespace="/"):
        return await self.io.call(event, values, namespace=namespace, timeout=WAIT)

    async def emit(self, event, *values, namespace="/"):
        await self.io.emit(event, values, namespace=namespace)

    def id(self, namespace="/"):
        return self.io.get_sid(namespace)


@asynccontextmanager
async def connected(server, transport, count=1, **options):
    clients = [Client(server, transport, **options) for _ in range(count)]
    try:
        for client in clients:
            await client.connect()
        yield clients[0] if count == 1 else clients
    finally:
        for client in clients:
            await client.io.disconnect()


async def reason(server, identifier):
    return await asyncio.to_thread(server.disconnect_reason, identifier)


def scenario(function):
    """Runs a coroutine as a test."""
    def test(transport, server):
        asyncio.run(function(transport, server))
        server.check()
    return test


def scenario_of_its_own(function):
    """The same, on a server with a short heartbeat that the scenario may stop."""
    def test(transport, make_server):
        server = make_server(*SHORT_HEARTBEAT)
        asyncio.run(function(transport, server))
        server.check()
    return test


@scenario
async def test_two_namespaces(transport, server):
    client = await Client(server, transport).connect(["/", "/chat"])
    assert await client.next("welcome", "/chat") == [client.id("/chat")]
    assert client.id("/") != client.id("/chat")
    assert await client.ask("echo", "main") == "main"
    assert await client.ask("echo", "chat", namespace="/chat") == "chat"
    await client.io.disconnect()
    await asyncio.sleep(0.05)


@scenario
async def test_unknown_namespace(transport, server):
    client = Client(server, transport)
    with pytest.raises(Refused):
        await client.connect(["/unknown"])
    await client.io.disconnect()


@scenario
async def test_auth_is_refused_with_data(transport, server):
    for auth in ({}, {"token": "wrong"}):
        client = Client(server, transport)
        errors = []
        client.io.on("connect_error", errors.append, namespace="/admin")
        with pytest.raises(Refused):
            await client.connect(["/admin"], auth=auth)
        assert errors[0] == {"message": "not authorized", "data": {"code": 4401}}
        await client.io.disconnect()


@scenario
async def test_auth_is_accepted(transport, server):
    for auth in ({"token": "secret", "more": ["é"]}, lambda: {"token": "secret", "more": ["é"]}):
        client = await Client(server, transport).connect(["/admin"], auth=auth)
        seen = await client.ask("handshake", namespace="/admin")
        assert seen["auth"] == {"token": "secret", "more": ["é"]}
        await client.io.disconnect()


@scenario
async def test_route_middleware(transport, server):
    path = "/private/socket.io"
    with pytest.raises(Refused):
        await Client(server, transport).connect(socketio_path=path)
    client = await Client(server, transport).connect(
        query="/?token=letmein", socketio_path=path, headers={"X-User": "ada"})
    seen = await client.ask("handshake")
    assert (seen["user"], seen["query"]["token"]) == ("ada", "letmein")
    await client.io.disconnect()


@scenario
async def test_arguments_and_unicode(transport, server):
    values = [1, -2.5, "κόσμε 🎉 \0 \u2028 \"quoted\" \\", True, None, [1, [2, []]], {"ключ": {"deep": ["é"]}}, ""]
    async with connected(server, transport) as client:
        await client.emit("echo-many", *values)
        assert await client.next("echo-many") == values
        assert await client.ask("echo-many", *values) == values
        await client.io.send(("plain", 2))
        assert await client.next("message") == ["plain", 2]


@scenario
async def test_binary_both_ways(transport, server):
    async with connected(server, transport) as client:
        for size in (0, 1, 3, 1000, 300_000):
            data = bytes(n & 255 for n in range(size))
            await client.emit("echo", data)
            assert await client.next("echo") == [data]
        await client.emit("echo-three", {"file": b"12345", "list": [b"678", "text"]}, "between", b"\xff\x00")
        assert await client.next("echo-three") == [{"file": b"12345", "list": [b"678", "text"]}, "between", b"\xff\x00"]
        await client.emit("send-binary", 1000)
        [parcel] = await client.next("binary")
        assert parcel["text"] == "parcel" and parcel["data"] == bytes(n & 255 for n in range(1000))
        assert await client.ask("binary-size", b"a" * 12345) == 12345


@scenario
async def test_acknowledgements_both_ways(transport, server):
    async with connected(server, transport) as client:
        assert await client.ask("echo", {"a": [1]}) == {"a": [1]}
        assert await client.ask("echo", b"\1\2\3") == b"\1\2\3"
        client.io.on("question", lambda value: b"\7\7" if value == "bytes" else value)
        await client.emit("ask", "plain")
        assert await client.next("answer") == ["plain"]
        await client.emit("ask", "bytes")
        assert await client.next("answer") == [b"\7\7"]
        answers = await asyncio.gather(*[client.ask("echo", n) for n in range(50)])
        assert answers == list(range(50))
        with pytest.raises(socketio.exceptions.TimeoutError):
            await client.io.call("never-acknowledged", timeout=0.15)


@scenario
async def test_500_messages_in_order(transport, server):
    async with connected(server, transport) as client:
        for n in range(500):
            await client.emit("echo", n)
        await until(lambda: len(client.of("echo")) >= 500, "500 echoes")
        await client.emit("burst", 500)
        await until(lambda: len(client.of("burst")) >= 500, "500 of a burst")
        await asyncio.sleep(0.05)
        assert client.of("echo") == [[n] for n in range(500)]
        assert client.of("burst") == [[n] for n in range(500)]


@scenario
async def test_large_text(transport, server):
    text = "é€🎉a" * 16_000     # 400 kB, as this client escapes what is not ASCII
    async with connected(server, transport) as client:
        await client.emit("echo", text)
        assert await client.next("echo") == [text]
        await client.emit("large", 400_000)
        assert await client.next("large") == ["x" * 400_000]


@scenario
async def test_rooms_and_broadcasts(transport, server):
    room, other = uuid.uuid4().hex, uuid.uuid4().hex
    async with connected(server, transport, count=3) as (a, b, c):
        async def heard(event, expected):
            await until(lambda: all(len(x.of(event)) >= len(e) for x, e in zip((a, b, c), expected)), event)
            for client in (a, b, c):
                await client.ask("echo", 0)
            assert [[values[0] for values in client.of(event)] for client in (a, b, c)] == expected
            for client in (a, b, c):
                client.events.clear()

        await a.ask("join", room)
        await b.ask("join", room)
        await b.ask("join", other)
        assert await b.ask("rooms") == sorted([b.id(), room, other])
        await a.emit("to-room", room, "all")
        await heard("room", [["all"], ["all"], []])
        await c.emit("to-room", room, b"binary")
        await heard("room", [[b"binary"], [b"binary"], []])
        await a.emit("to-room-others", room, "others")
        await heard("room", [[], ["others"], []])
        await a.emit("to-rooms", [room, other, b.id()], "once")
        await heard("room", [["once"], ["once"], []])
        await a.emit("to-room-except", room, other, "except")
        await heard("room", [["except"], [], []])
        await b.ask("leave", room)
        await a.emit("to-room", room, "left")
        await heard("room", [["left"], [], []])
        await a.emit("broadcast", room)
        await heard("broadcast", [[room], [room], [room]])
        await a.emit("broadcast-others", room)
        await heard("others", [[], [room], [room]])


@scenario
async def test_client_disconnects(transport, server):
    async with connected(server, transport) as client:
        identifier = client.id()
        await client.io.disconnect()
        assert client.reasons == [("/", client.io.reason.CLIENT_DISCONNECT, [])]
    assert await reason(server, identifier) in ("client namespace disconnect", "transport close")


@scenario
async def test_server_disconnects(transport, server):
    for close in (False, True):
        async with connected(server, transport) as client:
            identifier = client.id()
            await client.emit("server-disconnect", close)
            await until(lambda: client.reasons, "disconnect")
            assert client.reasons == [("/", client.io.reason.SERVER_DISCONNECT, [])]
        assert await reason(server, identifier) == "server namespace disconnect"


@scenario_of_its_own
async def test_reconnection_after_a_restart(transport, server):
    async with connected(server, transport, reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.3) as client:
        first = client.id()
        await client.ask("join", "before")
        await asyncio.to_thread(server.restart, 0.3)
        await until(lambda: client.io.connected and client.id() not in (None, first), "reconnection")
        await until(lambda: client.reasons, "disconnect")
        assert client.reasons[0][1] in (client.io.reason.TRANSPORT_ERROR, client.io.reason.SERVER_DISCONNECT)
        assert await client.ask("echo", "again") == "again"
        assert await client.ask("rooms") == [client.id()]


@scenario_of_its_own
async def test_silent_server_is_noticed(transport, server):
    async with connected(server, transport) as client:
        server.pause()
        try:
            await until(lambda: client.reasons, "heartbeat timeout")
        finally:
            server.resume()


@scenario_of_its_own
async def test_silent_client_is_noticed(transport, server):
    async with connected(server, transport) as client:
        identifier = client.id()
        time.sleep(1.5)     # the client's event loop stands still: no pong leaves
        assert await reason(server, identifier) == "ping timeout"


@scenario_of_its_own
async def test_heartbeats_keep_a_quiet_client(transport, server):
    async with connected(server, transport) as client:
        await asyncio.sleep(1.5)
        assert client.reasons == [] and await client.ask("echo", "alive") == "alive"


@scenario
async def test_traffic_from_the_first_moment(transport, server):
    """python-socketio upgrades before connect() returns, so the server's burst is what meets the upgrade."""
    for _ in range(3):
        client = Client(server, transport)
        await client.connect(["/", "/chat"])
        for n in range(200):
            await client.emit("echo", n)
            await client.emit("echo", n, namespace="/chat")
        await until(lambda: len(client.of("echo")) >= 200 and len(client.of("echo", "/chat")) >= 200, "echoes")
        assert client.of("echo") == client.of("echo", "/chat") == [[n] for n in range(200)]
        await client.io.disconnect()
