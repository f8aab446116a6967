"""python run.py scenario settings: runs one scenario of python-socketio 4.x, whose client speaks Engine.IO 3.

Steps go out as lines on standard output and their answers come in on standard input, as with the JavaScript client's run.cjs.
"""

import asyncio
import json
import sys
import time
import traceback
import uuid

import socketio
from engineio.payload import Payload
from socketio.exceptions import ConnectionError as Refused

WAIT = 8
# The client takes 16 packets a payload unless told otherwise; servers in other languages, Node's too, send more.
Payload.max_decode_packets = 10_000


async def until(condition, what, wait=WAIT):
    deadline = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        await asyncio.sleep(0.005)


class Client:
    """An AsyncClient that records the events which it receives."""

    EVENTS = ["welcome", "echo", "echo-many", "echo-three", "message", "binary", "answer", "burst", "large", "room",
              "broadcast", "others", "slow", "said", "refused"]

    def __init__(self, settings, **options):
        self.settings = settings
        self.io = socketio.AsyncClient(reconnection=options.pop("reconnection", False), **options)
        self.events, self.ends, self.errors, self.joined = [], [], [], []
        for namespace in ("/", "/chat", "/admin", "/unknown"):
            self.listen(namespace)

    def listen(self, namespace):
        for event in self.EVENTS:
            self.io.on(event, self._recorder(namespace, event), namespace=namespace)
        self.io.on("connect", lambda: self.joined.append(namespace), namespace=namespace)
        self.io.on("disconnect", lambda: self.ends.append(namespace), namespace=namespace)
        self.io.on("connect_error", self.errors.append, namespace=namespace)

    def _recorder(self, namespace, event):
        return lambda *values: self.events.append((namespace, event, list(values)))

    def of(self, name, namespace="/"):
        return [values for where, event, values in self.events if (where, event) == (namespace, name)]

    async def next(self, name, namespace="/"):
        await until(lambda: self.of(name, namespace), name)
        index = next(n for n, (where, event, _) in enumerate(self.events) if (where, event) == (namespace, name))
        return self.events.pop(index)[2]

    async def connect(self, namespaces=None, query="", path="/socket.io", **options):
        transports = self.settings["transports"]
        # Without a list it would join every namespace that has a handler.
        await asyncio.wait_for(self.io.connect(
            self.settings["url"] + query, transports=transports, namespaces=namespaces or ["/"], socketio_path=path, **options),
            WAIT)
        if len(transports) > 1:
            assert self.io.transport() == "websocket", "no upgrade"
        # A namespace is joined when its CONNECT comes, which this client doesn't wait for.
        for namespace in namespaces or ["/"]:
            await until(lambda: namespace.partition("?")[0] in self.joined or self.errors, namespace)
        return self

    async def ask(self, event, *values, namespace="/"):
        return await self.io.call(event, values, namespace=namespace, timeout=WAIT)

    async def emit(self, event, *values, namespace="/"):
        await self.io.emit(event, values, namespace=namespace)

    def id(self, namespace="/"):
        return self.io.sid if namespace == "/" else f"{namespace}#{self.io.sid}"

    async def close(self):
        await self.io.disconnect()


def step(name, value=None):
    print("STEP", json.dumps([name, value]), flush=True)
    return json.loads(sys.stdin.readline())


async def namespaces(client):
    await client.connect(["/chat"])
    assert await client.next("welcome", "/chat") == [client.id("/chat")]
    assert await client.ask("echo", "main") == "main"
    assert await client.ask("echo", "chat", namespace="/chat") == "chat"
    unknown = Client(client.settings)
    await unknown.connect(["/unknown"])
    await until(lambda: unknown.errors, "refusal")
    assert unknown.errors == ["Invalid namespace"], unknown.errors
    await unknown.close()


async def auth(client):
    for query in ("", "?token=wrong"):
        refused = Client(client.settings)
        await refused.connect(["/admin" + query])
        await until(lambda: refused.errors, "refusal")
        assert refused.errors == [{"code": 4401}], refused.errors
        await refused.close()
    await client.connect()
    await client.io._send_packet(socketio.packet.Packet(socketio.packet.CONNECT, namespace="/admin?token=secret"))
    await until(lambda: "/admin" in client.joined, "namespace")
    seen = await client.ask("handshake", namespace="/admin")
    assert seen["auth"] is None, seen


async def middleware(client):
    try:
        await Client(client.settings).connect(path="/private/socket.io")
        raise AssertionError("let in without a token")
    except Refused:
        pass
    await client.connect(query="/?token=letmein", path="/private/socket.io", headers={"X-User": "ada"})
    seen = await client.ask("handshake")
    assert (seen["user"], seen["query"]["token"]) == ("ada", "letmein"), seen


async def argumentsAndUnicode(client):
    values = [1, -2.5, "κόσμε 🎉 \0 \u2028 \"quoted\" \\", True, None, [1, [2, []]], {"ключ": {"deep": ["é"]}}, ""]
    await client.connect()
    await client.emit("echo-many", *values)
    assert await client.next("echo-many") == values
    assert await client.ask("echo-many", *values) == values
    await client.io.send(("plain", 2))
    assert await client.next("message") == ["plain", 2]


async def binary(client):
    await client.connect()
    for size in (1, 3, 1000, 300_000):      # an empty one comes out of this client as None
        data = bytes(n & 255 for n in range(size))
        await client.emit("echo", data)
        assert await client.next("echo") == [data]
    parts = ({"file": b"12345", "list": [b"678", "text"]}, "between", b"\xff\x00")
    await client.emit("echo-three", *parts)
    assert await client.next("echo-three") == list(parts)
    await client.emit("send-binary", 1000)
    [parcel] = await client.next("binary")
    assert parcel["text"] == "parcel" and parcel["data"] == bytes(n & 255 for n in range(1000))
    assert await client.ask("binary-size", b"a" * 12345) == 12345


async def acknowledgements(client):
    await client.connect()
    assert await client.ask("echo", {"a": [1]}) == {"a": [1]}
    assert await client.ask("echo", b"\1\2\3") == b"\1\2\3"
    client.io.on("question", lambda value: b"\7\7" if value == "bytes" else value)
    await client.emit("ask", "plain")
    assert await client.next("answer") == ["plain"]
    await client.emit("ask", "bytes")
    assert await client.next("answer") == [b"\7\7"]
    answers = await asyncio.gather(*[client.ask("echo", n) for n in range(50)])
    assert answers == list(range(50))


async def order(client):
    await client.connect()
    for n in range(500):
        await client.emit("echo", n)
    await until(lambda: len(client.of("echo")) >= 500, "500 echoes")
    await client.emit("burst", 500)
    await until(lambda: len(client.of("burst")) >= 500, "500 of a burst")
    await asyncio.sleep(0.05)
    assert client.of("echo") == [[n] for n in range(500)]
    assert client.of("burst") == [[n] for n in range(500)]


async def largeText(client):
    text = "é€🎉a" * 16_000
    await client.connect()
    await client.emit("echo", text)
    assert await client.next("echo") == [text]
    await client.emit("large", 400_000)
    assert await client.next("large") == ["x" * 400_000]


async def rooms(client):
    room, other = uuid.uuid4().hex, uuid.uuid4().hex
    a, b, c = client, Client(client.settings), Client(client.settings)

    async def heard(event, expected):
        await until(lambda: all(len(x.of(event)) >= len(e) for x, e in zip((a, b, c), expected)), event)
        for each in (a, b, c):
            await each.ask("echo", 0)
        assert [[values[0] for values in each.of(event)] for each in (a, b, c)] == expected
        for each in (a, b, c):
            each.events.clear()

    for each in (a, b, c):
        await each.connect()
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
    for each in (b, c):
        await each.close()


async def operators(client):
    where = "/operators"
    clients = [client, Client(client.settings)]
    for number, each in enumerate(clients, 1):
        each.listen(where)
        each.io.on("present?", lambda number=number: number, namespace=where)
        await each.connect([where])
    assert list(await client.ask("pair", 3, namespace=where)) == [3, "second"]
    assert await client.ask("greeting", {"name": "ada", "times": 1}, namespace=where) == {"name": "ADA", "times": 2}
    await client.emit("forbidden", namespace=where)
    assert await client.next("refused", where) == ["forbidden", "middleware", None]
    census = await client.ask("census", 300, namespace=where)
    assert {1, 2} <= set(census["replies"]), census
    assert await client.ask("slow", 1, namespace=where) == 1
    await clients[1].close()


async def dynamicNamespaces(client):
    number = uuid.uuid4().int % 10**9 + 1000
    one, two = f"/rooms/{number}", f"/rooms/{number + 1}"
    for namespace in (one, two):
        client.listen(namespace)
    await client.connect([one, two])
    assert await client.ask("where", namespace=one) == number
    assert await client.ask("where", namespace=two) == number + 1
    await client.emit("say", "to one room", namespace=one)
    assert await client.next("said", one) == ["to one room"]
    await client.emit("say-to-all", f"to all {number}", namespace=one)
    await until(lambda: [f"to all {number}"] in client.of("said", one), "one")
    await until(lambda: [f"to all {number}"] in client.of("said", two), "two")
    assert ["to one room"] not in client.of("said", two)


async def clientDisconnect(client):
    await client.connect()
    identifier = client.id()
    await client.io.disconnect()
    # What it says last leaves while its loop runs on, over polling at times behind the end of its parked poll.
    reason = await asyncio.get_running_loop().run_in_executor(None, step, "reason", identifier)
    assert reason in ("client namespace disconnect", "transport close", "transport error"), reason


async def serverDisconnect(client):
    for close in (False, True):
        chosen = Client(client.settings)
        await chosen.connect()
        identifier = chosen.id()
        await chosen.emit("server-disconnect", close)
        await until(lambda: chosen.ends, "disconnect")
        assert step("reason", identifier) == "server namespace disconnect"
        await chosen.close()


async def reconnection(client):
    client = Client(client.settings, reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.3)
    await client.connect()
    first = client.id()
    await client.ask("join", "before")
    await asyncio.get_running_loop().run_in_executor(None, step, "restart")
    await until(lambda: client.ends and client.io.connected and client.id() not in (None, first), "reconnection")
    assert await client.ask("echo", "again") == "again"
    assert await client.ask("rooms") == [client.id()]
    await client.close()


async def serverFallsSilent(client):
    await client.connect()
    step("pause")
    try:
        await until(lambda: client.ends, "heartbeat timeout", 20)      # its polls wait five seconds more
    finally:
        step("resume")


async def clientFallsSilent(client):
    await client.connect()
    identifier = client.id()
    time.sleep(1.5)     # the client's event loop stands still: no ping leaves
    assert step("reason", identifier) == "ping timeout"


async def heartbeats(client):
    await client.connect()
    await asyncio.sleep(1.5)
    assert client.ends == [] and await client.ask("echo", "alive") == "alive"


async def trafficDuringUpgrade(client):
    """This client upgrades before connect() returns, so what the server sends at once is what meets the upgrade."""
    for _ in range(3):
        chosen = Client(client.settings)
        await chosen.connect(["/chat"])
        for n in range(200):
            await chosen.emit("echo", n)
            await chosen.emit("echo", n, namespace="/chat")
        await until(lambda: len(chosen.of("echo")) >= 200 and len(chosen.of("echo", "/chat")) >= 200,
                    f"echoes {len(chosen.of('echo'))} {len(chosen.of('echo', '/chat'))} {chosen.ends} {chosen.errors}")
        assert chosen.of("echo") == chosen.of("echo", "/chat") == [[n] for n in range(200)]
        await chosen.close()


async def main(name, settings):
    client = Client(settings)
    try:
        await globals()[name](client)
        return "passed"
    except BaseException:
        return traceback.format_exc()
    finally:
        await client.close()


print("RESULT", json.dumps(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))), flush=True)
