"""What events carry: values, text, binary, acknowledgements, and their order."""

import asyncio

from socketio.exceptions import TimeoutError as Unanswered

from client import IS_OLD, Client, step_meanwhile, until


async def argumentsAndUnicode(client):
    values = [1, -2.5, "κόσμε 🎉 \0 \u2028 \"quoted\" \\", True, None, [1, [2, []]], {"ключ": {"deep": ["é"]}}, ""]
    await client.connect()
    await client.emit("echo-many", *values)
    assert await client.next("echo-many") == values
    assert await client.ask("echo-many", *values) == values
    await client.io.send(("plain", 2))
    assert await client.next("message") == ["plain", 2]


async def jsonKinds(client):
    await client.connect(["/", "/mirror"])
    kinds = [
        None, True, False, 0, 1, -1, 9007199254740991, -9007199254740991, 2.5, -0.125, 1e-7, 1e21, 1.7976931348623157e308, "", "text",
        [], {}, [[]], [{}], [None], [[[1], "2"], {"three": []}], {"": "", "a b": None, "1": [0], "nested": {"deep": {"deeper": False}}},
        {"_placeholder": True, "num": 0}]
    for value in kinds:
        await client.emit("echo", value)
    for value in kinds:
        assert await client.ask("echo", value) == value
    await until(lambda: len(client.of("echo")) >= len(kinds), "echoes")
    assert client.of("echo") == [[value] for value in kinds]
    await client.emit("several", [], {}, None, namespace="/mirror")
    assert await client.next("several", "/mirror") == [[], {}, None]


async def emptyEvents(client):
    await client.connect(["/mirror"])
    await client.emit("bare", namespace="/mirror")
    assert await client.next("bare", "/mirror") == []
    assert await client.ask("nothing", namespace="/mirror") in (None, ())
    await client.emit("", 1, namespace="/mirror")
    assert await client.next("", "/mirror") == [1]


async def unicode(client):
    await client.connect(["/mirror"])
    texts = [
        "😀𝒳🏳️‍🌈", "e\u0301 \u1100\u1161\u11a8", "\0", "a\0b", "\x1e\x1f\x7f\x85", "\u2028\u2029\ufeff\ufffd\uffff", "שלום مرحبا",
        "\"\\/\b\f\n\r\t", "\U0010ffff", "%41+&=#?", "".join(map(chr, range(0x250)))]
    for text in texts:
        client.hear(f"event {text}", "/mirror")
        await client.emit(f"event {text}", text, {text: [text]}, namespace="/mirror")
        assert await client.next(f"event {text}", "/mirror") == [text, {text: [text]}]
        assert await client.ask("length", text, namespace="/mirror") == len(text.encode())


async def unforeseenEvents(client):
    await client.connect(["/mirror"])
    names = ["unforeseen", "with space", "42", "toString", "constructor", "ключ"]
    heard = []
    if IS_OLD:
        for name in names:
            client.io.on(name, lambda *values, name=name: heard.append([name, *values]), namespace="/mirror")
    else:
        client.io.on("*", lambda *values: heard.append(list(values)), namespace="/mirror")
    for name in names:
        await client.emit(name, name, b"12345", namespace="/mirror")
    await until(lambda: len(heard) >= len(names), "answers")
    assert heard == [[name, name, b"12345"] for name in names], heard


async def binary(client):
    await client.connect()
    # An empty one comes out of 4.x's client as None.
    for size in ([] if IS_OLD else [0]) + [1, 3, 1000, 300_000]:
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
    client.io.on("question", lambda value: asyncio.sleep(1))
    await client.emit("ask-impatiently", "anyone?")
    assert await client.next("answer-timeout") == []


async def acknowledgementTimeouts(client):
    await client.connect(["/mirror"])
    try:
        await client.io.call("third", "", namespace="/mirror", timeout=0.1)
        raise AssertionError("answered")
    except Unanswered:
        pass
    assert await client.ask("length", "in time", namespace="/mirror") == 7


async def order(client):
    await client.connect()
    for n in range(1000):
        await client.emit("echo", n)
    await until(lambda: len(client.of("echo")) >= 1000, "1,000 echoes")
    await client.emit("burst", 1000)
    await until(lambda: len(client.of("burst")) >= 1000, "1,000 of a burst")
    await asyncio.sleep(0.05)
    assert client.of("echo") == [[n] for n in range(1000)]
    assert client.of("burst") == [[n] for n in range(1000)]


async def largeText(client):
    text = "é€🎉a" * 16_000
    await client.connect()
    await client.emit("echo", text)
    assert await client.next("echo") == [text]
    await client.emit("large", 400_000)
    assert await client.next("large") == ["x" * 400_000]


async def nearMaxPayload(client):
    await client.connect(["/mirror"])
    other = await Client(client.settings).connect()
    assert await client.ask("length", "x" * 999_900, namespace="/mirror") == 999_900
    if client.settings["transports"] == ["polling"]:
        return      # This client stops sending where it is refused, and notices at the next ping.
    identifier = other.id()
    await other.emit("length", "x" * 1_000_100)
    await until(lambda: other.ends, "the end")
    reason = await step_meanwhile("reason", identifier)
    assert reason in ("transport close", "transport error", "parse error"), reason
    assert await client.ask("length", "still", namespace="/mirror") == 5


async def volatileEvents(client):
    await client.connect()
    for _ in range(100):
        if not client.of("volatile"):
            await client.emit("volatile", {"some": b"data"})
            await asyncio.sleep(0.02)
    assert client.of("volatile")[0] == [{"some": b"data"}]
