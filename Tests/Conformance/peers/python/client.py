"""What the scenarios for python-socketio share."""

import asyncio
import json
import sys
import time
from urllib.parse import urlencode

import socketio
from engineio.payload import Payload

WAIT = 8
IS_OLD = not hasattr(socketio.AsyncClient, "get_sid")       # Socket.IO 2.x's protocol
# The client takes 16 packets a payload unless told otherwise; servers in other languages, Node's too, send more.
Payload.max_decode_packets = 10_000


async def until(condition, what, wait=WAIT):
    deadline = time.monotonic() + wait
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        await asyncio.sleep(0.005)


class Client:
    """An AsyncClient that records the events which it receives; each is closed when its scenario ends."""

    EVENTS = ["welcome", "echo", "echo-many", "echo-three", "message", "binary", "answer", "answer-timeout", "burst", "large", "room",
              "broadcast", "others", "slow", "said", "refused", "volatile", "several", "bare", ""]
    made = []

    def __init__(self, settings, **options):
        self.settings = settings
        self.made.append(self)
        self.io = socketio.AsyncClient(reconnection=options.pop("reconnection", False), **options)
        self.events, self.ends, self.reasons, self.errors, self.joined = [], [], [], [], []
        for namespace in ("/", "/chat", "/admin", "/unknown", "/mirror", "/operators"):
            self.listen(namespace)

    def listen(self, namespace):
        for event in self.EVENTS:
            self.hear(event, namespace)
        self.io.on("connect", lambda: self.joined.append(namespace), namespace=namespace)
        self.io.on("disconnect", lambda *reason: self._ended(namespace, *reason), namespace=namespace)
        self.io.on("connect_error", self.errors.append, namespace=namespace)

    def hear(self, event, namespace="/"):
        self.io.on(event, lambda *values: self.events.append((namespace, event, list(values))), namespace=namespace)

    def _ended(self, namespace, reason=None):
        self.ends.append(namespace)
        self.reasons.append(reason)

    def of(self, name, namespace="/"):
        return [values for where, event, values in self.events if (where, event) == (namespace, name)]

    async def next(self, name, namespace="/"):
        await until(lambda: self.of(name, namespace), name)
        index = next(n for n, (where, event, _) in enumerate(self.events) if (where, event) == (namespace, name))
        return self.events.pop(index)[2]

    async def connect(self, namespaces=("/",), query=None, path="/socket.io", **options):
        transports = self.settings["transports"]
        if not IS_OLD:
            options["wait_timeout"] = WAIT
        url = self.settings["url"] + "/?" + urlencode({**(query or {}), "run": self.settings["run"]})
        # Without a list it would join every namespace that has a handler.
        await asyncio.wait_for(self.io.connect(
            url, transports=transports, namespaces=list(namespaces), socketio_path=path, **options), WAIT)
        if len(transports) > 1:
            assert self.io.transport() == "websocket", "no upgrade"
        # A namespace is joined when its CONNECT comes, which 4.x's client doesn't wait for.
        for namespace in namespaces:
            await until(lambda: namespace.partition("?")[0] in self.joined or self.errors, namespace)
        return self

    async def ask(self, event, *values, namespace="/"):
        return await self.io.call(event, values, namespace=namespace, timeout=WAIT)

    async def emit(self, event, *values, namespace="/"):
        await self.io.emit(event, values, namespace=namespace)

    def id(self, namespace="/"):
        if not IS_OLD:
            return self.io.get_sid(namespace)
        return self.io.sid if namespace == "/" else f"{namespace}#{self.io.sid}"

    async def close(self):
        """Once its last POST is through: it would send nothing behind it, and wait for its parked poll's end."""
        if self.io.connected:
            await asyncio.sleep(0.02)
        await self.io.disconnect()


def step(name, value=None):
    print("STEP", json.dumps([name, value]), flush=True)
    return json.loads(sys.stdin.readline())


async def step_meanwhile(*arguments):
    """While the client's loop runs on."""
    return await asyncio.get_running_loop().run_in_executor(None, step, *arguments)
