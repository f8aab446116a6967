"""How connections end, are lost and come back."""

import asyncio
import time

from client import Client, step, step_meanwhile, until


async def clientDisconnect(client):
    await client.connect()
    identifier = client.id()
    await client.close()
    # What it says last leaves while its loop runs on, over polling at times behind the end of its parked poll.
    reason = await step_meanwhile("reason", identifier)
    assert reason in ("client namespace disconnect", "transport close", "transport error"), reason


async def serverDisconnect(client):
    for close in (False, True):
        chosen = Client(client.settings)
        await chosen.connect()
        identifier = chosen.id()
        await chosen.emit("server-disconnect", close)
        await until(lambda: chosen.ends, "disconnect")
        assert step("reason", identifier) == "server namespace disconnect"


async def openedAgain(client):
    await client.connect()
    identifier = client.id()
    await client.ask("join", "before")
    await client.close()
    await step_meanwhile("reason", identifier)
    # Its tasks end later; 4.x's with the refusal of its last POST, upon which it would drop the connection made meanwhile.
    await client.io.eio.wait()
    await client.connect()
    assert client.id() not in (None, identifier)
    assert await client.ask("rooms") == [client.id()]
    await client.emit("echo", "once")
    await client.ask("echo", 0)
    assert client.of("echo") == [["once"]]


async def reconnection(client):
    client = Client(client.settings, reconnection=True, reconnection_delay=0.1, reconnection_delay_max=0.3)
    await client.connect()
    first = client.id()
    await client.ask("join", "before")
    await step_meanwhile("restart")
    await until(lambda: client.ends and client.io.connected and client.id() not in (None, first), "reconnection")
    assert await client.ask("echo", "again") == "again"
    assert await client.ask("rooms") == [client.id()]


async def cutConnection(client):
    client = Client(client.settings, reconnection=True, reconnection_delay=0.15, reconnection_delay_max=0.3)
    await client.connect(["/", "/chat"])
    identifiers = [client.id(), client.id("/chat")]
    await client.ask("join", "before")
    await asyncio.sleep(0.05)
    await step_meanwhile("cut")
    await until(lambda: client.ends and client.io.connected and len(client.joined) >= 4, "reconnection")
    assert client.id() not in identifiers and client.id("/chat") not in identifiers
    reason = await step_meanwhile("reason", identifiers[0])
    assert reason in ("transport close", "transport error"), reason
    assert await client.ask("rooms") == [client.id()]
    assert await client.ask("echo", "again", namespace="/chat") == "again"


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
    time.sleep(1.1)     # the client's event loop stands still: no ping leaves
    assert step("reason", identifier) == "ping timeout"


async def heartbeats(client):
    await client.connect()
    await asyncio.sleep(1.3)
    assert client.ends == [] and await client.ask("echo", "alive") == "alive"


async def trafficDuringUpgrade(client):
    """This client upgrades before connect() returns, so what the server sends at once is what meets the upgrade."""
    for _ in range(3):
        chosen = Client(client.settings)
        await chosen.connect(["/", "/chat"])
        for n in range(500):
            await chosen.emit("echo", n)
            await chosen.emit("echo", n, namespace="/chat")
        await until(lambda: len(chosen.of("echo")) >= 500 and len(chosen.of("echo", "/chat")) >= 500,
                    f"echoes {len(chosen.of('echo'))} {len(chosen.of('echo', '/chat'))} {chosen.ends} {chosen.errors}")
        assert chosen.of("echo") == chosen.of("echo", "/chat") == [[n] for n in range(500)]
        await chosen.close()
