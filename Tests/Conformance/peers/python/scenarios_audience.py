"""Who hears what: namespaces, their refusals, rooms, and operators over many sockets."""

import uuid

import socketio
from socketio.exceptions import ConnectionError as Refused

from client import IS_OLD, Client, until


async def namespaces(client):
    await client.connect(["/", "/chat"])
    assert await client.next("welcome", "/chat") == [client.id("/chat")]
    assert client.id("/") != client.id("/chat")
    assert await client.ask("echo", "main") == "main"
    assert await client.ask("echo", "chat", namespace="/chat") == "chat"
    unknown = Client(client.settings)
    try:
        await unknown.connect(["/unknown"])
    except Refused:
        pass
    await until(lambda: unknown.errors, "refusal")
    assert "Invalid namespace" in str(unknown.errors[0]), unknown.errors


async def manyNamespaces(client):
    names = ["/", "/chat", "/mirror", "/operators", *(f"/n{number}" for number in range(6))]
    for name in names[4:]:
        client.listen(name)
    await client.connect(names)
    assert len({client.id(name) for name in names}) == len(names)
    for number in range(100):
        await client.emit("echo", number)
        await client.emit("echo", bytes([1, number]), namespace="/chat")
    assert await client.ask("length", "abc", namespace="/mirror") == 3
    assert await client.ask("slow", 1, namespace="/operators") == 1
    await until(lambda: len(client.of("echo")) >= 100 and len(client.of("echo", "/chat")) >= 100, "echoes")
    assert client.of("echo") == [[number] for number in range(100)]
    assert client.of("echo", "/chat") == [[bytes([1, number])] for number in range(100)]
    assert client.ends == []


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


async def auth(client):
    for token in ("", "wrong"):
        refused = Client(client.settings)
        try:
            await (refused.connect([f"/admin?token={token}"]) if IS_OLD else refused.connect(["/admin"], auth={"token": token}))
        except Refused:
            pass
        await until(lambda: refused.errors, "refusal")
        # Old clients are told the data alone.
        assert refused.errors[0] == ({"code": 4401} if IS_OLD else {"message": "not authorized", "data": {"code": 4401}}), refused.errors
    if IS_OLD:
        await client.connect()
        await client.io._send_packet(socketio.packet.Packet(socketio.packet.CONNECT, namespace="/admin?token=secret"))
        await until(lambda: "/admin" in client.joined, "namespace")
    else:
        await client.connect(["/admin"], auth=lambda: {"token": "secret"})
    seen = await client.ask("handshake", namespace="/admin")
    assert seen["auth"] == (None if IS_OLD else {"token": "secret"}), seen


async def authPayload(client):
    payload = {"token": "secret", "ключ": ["é", "😀", None, {"deep": [1.5, True]}], "empty": {}}
    await client.connect(["/admin"], auth=payload)
    assert (await client.ask("handshake", namespace="/admin"))["auth"] == payload


async def middleware(client):
    try:
        await Client(client.settings).connect(path="/private/socket.io")
        raise AssertionError("let in without a token")
    except Refused:
        pass
    await client.connect(query={"token": "letmein"}, path="/private/socket.io", headers={"X-User": "ada"})
    seen = await client.ask("handshake")
    assert (seen["user"], seen["query"]["token"]) == ("ada", "letmein"), seen


async def handshake(client):
    await client.connect(query={"text": "é&= 😀", "empty": ""}, headers={"X-User": "ada"})
    seen = await client.ask("handshake")
    assert (seen["query"]["text"], seen["namespace"], seen["user"]) == ("é&= 😀", "/", "ada"), seen
    assert seen["query"]["EIO"] == ("3" if IS_OLD else "4")
    assert seen["query"]["transport"] == client.settings["transports"][0]
    assert seen["secure"] == client.settings["url"].startswith("https") and seen["url"].startswith("/socket.io/?")


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


async def manySockets(client):
    where, room = "/operators", uuid.uuid4().hex
    other = Client(client.settings)
    for each in (client, other):
        await each.connect([where])
    assert await client.ask("all-join", room, namespace=where) >= 2
    fetched = [each["id"] for each in await client.ask("fetch", namespace=where)]
    assert client.id(where) in fetched and other.id(where) in fetched, fetched
    await client.emit("disconnect-others", namespace=where)
    await until(lambda: where in other.ends, "disconnect")
    assert await client.ask("slow", 1, namespace=where) == 1
