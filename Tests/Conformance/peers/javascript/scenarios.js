// The scenarios for the official JavaScript client, the same under node and in a browser.
//
// runScenario(name, {url, transports, step}) resolves when all that the scenario asserts came true. `step(name, value)`
// asks the test that drives it for something outside the client's reach: restart, pause, or the server's own view.
(function (root) {
  "use strict";

  const scenarios = {};

  function assert(condition, complaint) {
    if (!condition) throw new Error(complaint);
  }

  function same(actual, expected, what) {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    assert(a === b, `${what || "value"}: got ${String(a).slice(0, 400)}, expected ${String(b).slice(0, 400)}`);
  }

  function sleep(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  function within(promise, what, milliseconds = 8000) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`timed out: ${what}`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  function next(emitter, event) {
    return within(new Promise((resolve) => emitter.once(event, (...values) => resolve(values))), event);
  }

  function ask(socket, ...values) {
    return within(new Promise((resolve) => socket.emit(...values, (...answer) => resolve(answer))), `ack of ${values[0]}`);
  }

  function collect(socket, event) {
    const list = [];
    socket.on(event, (...values) => list.push(values.length === 1 ? values[0] : values));
    return list;
  }

  async function until(condition, what) {
    const deadline = Date.now() + 8000;
    while (!condition()) {
      assert(Date.now() < deadline, `timed out: ${what}`);
      await sleep(5);
    }
  }

  function bytes(count, seed = 1) {
    const list = Uint8Array.from({ length: count }, (_, index) => (index * 7 + seed) & 255);
    return root.isOldClient ? list.buffer : list;       // old clients know no other binary
  }

  function sameBytes(actual, expected, what) {
    assert(actual instanceof ArrayBuffer || ArrayBuffer.isView(actual), `${what}: not binary but ${typeof actual}`);
    const view = actual instanceof ArrayBuffer
      ? new Uint8Array(actual) : new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength);
    const wanted = new Uint8Array(expected);
    assert(view.length === wanted.length, `${what}: ${view.length} bytes, expected ${wanted.length}`);
    for (let index = 0; index < view.length; index++) assert(view[index] === wanted[index], `${what}: byte ${index}`);
  }

  // A manager of the scenario's own; every one is closed when the scenario ends.
  class Client {
    constructor(settings) {
      this.settings = settings;
      this.managers = [];
    }
    manager(options = {}) {
      const manager = new root.io.Manager(this.settings.url, {
        transports: this.settings.transports, reconnection: false, path: "/socket.io", ...this.settings.options, ...options,
      });
      this.managers.push(manager);
      return manager;
    }
    async connect(namespace = "/", options = {}, socketOptions = {}) {
      const socket = this.manager(options).socket(namespace, socketOptions);
      await this.connected(socket);
      return socket;
    }
    async connected(socket) {
      const refused = new Promise((_, reject) =>
        socket.once("connect_error", (error) => reject(new Error(`connect_error: ${error.message}`))));
      await within(Promise.race([next(socket, "connect"), refused]), "connect");
      if (this.settings.transports.length > 1 && !this.settings.traffic) await this.upgraded(socket);
    }
    async upgraded(socket) {
      const engine = socket.io.engine;
      await until(() => engine.transport.name === "websocket", "upgrade");
    }
    close() {
      for (const manager of this.managers) {
        manager.reconnection(false);
        if (manager.engine) manager.engine.close();
      }
    }
  }

  scenarios.namespaces = async (client) => {
    const manager = client.manager();
    const main = manager.socket("/"), chat = manager.socket("/chat");
    const welcomed = next(chat, "welcome");
    await Promise.all([client.connected(main), client.connected(chat)]);
    same((await welcomed)[0], chat.id, "the id that the server welcomes");
    assert(main.id !== chat.id, "the ids must differ");
    same(await ask(main, "echo", "main"), ["main"]);
    same(await ask(chat, "echo", "chat"), ["chat"]);
    chat.disconnect();
    same(await ask(main, "echo", "still"), ["still"]);
    same(await client.settings.step("reason", chat.id || (await welcomed)[0]), "client namespace disconnect");
    const unknown = manager.socket("/unknown");
    same((await next(unknown, "connect_error"))[0].message, "Invalid namespace");
  };

  scenarios.auth = async (client) => {
    for (const auth of [undefined, { token: "wrong" }]) {
      const refused = client.manager().socket("/admin", { auth });
      const [error] = await next(refused, "connect_error");
      // Old clients are told the data alone.
      if (!root.isOldClient) same(error.message, "not authorized");
      same(error.data, { code: 4401 });
      assert(!refused.connected, "must not be connected");
    }
    const plain = await client.connect("/admin", {}, { auth: { token: "secret" } });
    same((await ask(plain, "handshake"))[0].auth, root.isOldClient ? null : { token: "secret" });
    const lazy = await client.connect("/admin", {}, { auth: (done) => done({ token: "secret" }) });
    same(await ask(lazy, "echo", 1), [1]);
  };

  scenarios.middleware = async (client) => {
    const refused = client.manager({ path: "/private/socket.io" }).socket("/");
    const [error] = await next(refused, "connect_error");
    assert(error.type === "TransportError" || /error/.test(error.message), `unexpected ${error}`);
    const options = { path: "/private/socket.io", query: { token: "letmein", colour: "blue" } };
    const socket = await client.connect("/", options);
    const [seen] = await ask(socket, "handshake");
    same(seen.query.colour, "blue");
    same(await ask(socket, "echo", "in"), ["in"]);
  };

  scenarios.argumentsAndUnicode = async (client) => {
    const socket = await client.connect();
    const values = [1, -2.5, "κόσμε 🎉 \u0000 \u2028 \"quoted\" \\", true, null, [1, [2, []]], { "ключ": { deep: ["é"] } }, ""];
    const echoed = next(socket, "echo-many");
    socket.emit("echo-many", ...values);
    same(await echoed, values);
    same(await ask(socket, "echo-many", ...values), [values]);
    const message = next(socket, "message");
    socket.send("plain", 2);
    same(await message, ["plain", 2]);
  };

  scenarios.binary = async (client) => {
    const socket = await client.connect();
    // Base64 of more is too much for an old client's arguments.
    for (const size of [0, 1, 3, 1000, root.isOldClient ? 60000 : 300000]) {
      const sent = bytes(size);
      const echoed = next(socket, "echo");
      socket.emit("echo", sent);
      sameBytes((await echoed)[0], sent, `echo of ${size}`);
    }
    const nested = next(socket, "echo-three");
    socket.emit("echo-three", { file: bytes(5), list: [bytes(6, 2), "text"] }, "between", bytes(7, 3));
    const [object, between, last] = await nested;
    sameBytes(object.file, bytes(5), "file");
    sameBytes(object.list[0], bytes(6, 2), "in a list");
    same([object.list[1], between], ["text", "between"]);
    sameBytes(last, bytes(7, 3), "last");
    const pushed = next(socket, "binary");
    socket.emit("send-binary", 1000);
    const [parcel] = await pushed;
    same(parcel.text, "parcel");
    sameBytes(parcel.data, Uint8Array.from({ length: 1000 }, (_, index) => index & 255), "pushed");
    same(await ask(socket, "binary-size", bytes(12345)), [12345]);
  };

  scenarios.acknowledgements = async (client) => {
    const socket = await client.connect();
    same(await ask(socket, "echo", { a: [1] }), [{ a: [1] }]);
    sameBytes((await ask(socket, "echo", bytes(100)))[0], bytes(100), "acknowledged binary");
    socket.on("question", (value, answer) => answer(value === "bytes" ? bytes(9) : value));
    let answer = next(socket, "answer");
    socket.emit("ask", "plain");
    same(await answer, ["plain"]);
    answer = next(socket, "answer");
    socket.emit("ask", "bytes");
    sameBytes((await answer)[0], bytes(9), "answered binary");
    const numbers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(socket, "echo", index)));
    same(numbers, Array.from({ length: 50 }, (_, index) => [index]));
    const late = await new Promise((resolve) => socket.timeout(150).emit("never-acknowledged", (error) => resolve(error)));
    assert(late instanceof Error, "a missing ack must time out");
    socket.off("question");
    const timeout = next(socket, "answer-timeout");
    socket.emit("ask-impatiently", "anyone?");
    await timeout;
    same((await socket.emitWithAck("echo", "promise")), "promise");
  };

  scenarios.order = async (client) => {
    const socket = await client.connect();
    const expected = Array.from({ length: 500 }, (_, index) => index);
    const echoed = collect(socket, "echo"), burst = collect(socket, "burst");
    for (const index of expected) socket.emit("echo", index);
    await until(() => echoed.length >= 500, "500 echoes");
    socket.emit("burst", 500);
    await until(() => burst.length >= 500, "500 of a burst");
    await sleep(50);
    same(echoed, expected);
    same(burst, expected);
    const slow = collect(socket, "slow");
    socket.emit("slow", 1, 150);
    socket.emit("slow", 2, 0);
    await until(() => slow.length === 2, "slow handlers");
    same(slow, [1, 2]);
  };

  scenarios.largeText = async (client) => {
    const socket = await client.connect();
    const text = "é€🎉a".repeat(40000);      // 400 kB of UTF-8
    const echoed = next(socket, "echo");
    socket.emit("echo", text);
    assert((await echoed)[0] === text, "the text changed");
    const large = next(socket, "large");
    socket.emit("large", 400000);
    assert((await large)[0] === "x".repeat(400000), "the large text changed");
  };

  scenarios.rooms = async (client) => {
    const room = "room-" + Math.random(), other = "other-" + Math.random();
    const [a, b, c] = [await client.connect(), await client.connect(), await client.connect()];
    const heard = [a, b, c].map((socket) => collect(socket, "room"));
    const broadcasts = [a, b, c].map((socket) => collect(socket, "others"));
    const settle = () => Promise.all([a, b, c].map((socket) => ask(socket, "echo", 0)));
    const heardNow = async (what, expected) => {
      await settle();
      await until(() => heard.every((list, index) => list.length >= expected[index].length), what);
      same(heard.map((list) => list.splice(0)), expected, what);
    };
    await ask(a, "join", room);
    await ask(b, "join", room);
    await ask(b, "join", other);
    same((await ask(b, "rooms"))[0], [b.id, room, other].sort());
    a.emit("to-room", room, "all");
    await heardNow("to a room", [["all"], ["all"], []]);
    c.emit("to-room", room, "outside");
    await heardNow("from outside", [["outside"], ["outside"], []]);
    a.emit("to-room-others", room, "others");
    await heardNow("sender excluded", [[], ["others"], []]);
    a.emit("to-rooms", [room, other, b.id], "once");
    await heardNow("a union reaches each once", [["once"], ["once"], []]);
    a.emit("to-room-except", room, other, "except");
    await heardNow("except", [["except"], [], []]);
    c.emit("to-room", b.id, "private");
    await heardNow("the room of an id", [[], ["private"], []]);
    await ask(b, "leave", room);
    a.emit("to-room", room, "left");
    await heardNow("left", [["left"], [], []]);
    const everyone = [a, b, c].map((socket) => collect(socket, "broadcast"));
    a.emit("broadcast", room);
    await until(() => everyone.every((list) => list.includes(room)), "broadcast");
    b.emit("broadcast-others", room);
    await until(() => broadcasts[0].includes(room) && broadcasts[2].includes(room), "broadcast to others");
    await settle();
    assert(!broadcasts[1].includes(room), "the sender heard its own");
    const binary = [a, c].map((socket) => next(socket, "others"));
    b.emit("broadcast-others", bytes(50));
    for (const [data] of await Promise.all(binary)) sameBytes(data, bytes(50), "broadcast binary");
    // A volatile event is lost when no poll happens to be waiting for it; sooner or later one is.
    const volatile = collect(a, "volatile");
    for (let tries = 0; tries < 100 && !volatile.length; tries++) {
      a.emit("volatile", 1);
      await sleep(20);
    }
    same(volatile[0], 1, "volatile");
  };

  scenarios.clientDisconnect = async (client) => {
    const socket = await client.connect();
    const { id } = socket;
    const reason = next(socket, "disconnect");
    socket.disconnect();
    same((await reason)[0], "io client disconnect");
    same(await client.settings.step("reason", id), "client namespace disconnect");
    const dropped = await client.connect();
    const droppedId = dropped.id;
    const closed = next(dropped, "disconnect");
    dropped.io.engine.close();
    same((await closed)[0], "forced close");
    same(await client.settings.step("reason", droppedId), "transport close");
  };

  scenarios.serverDisconnect = async (client) => {
    for (const close of [false, true]) {
      const socket = await client.connect();
      const { id } = socket, { engine } = socket.io;
      const reason = next(socket, "disconnect");
      socket.emit("server-disconnect", close);
      same((await reason)[0], "io server disconnect", `close ${close}`);
      same(await client.settings.step("reason", id), "server namespace disconnect");
      if (close) await until(() => engine.readyState === "closed", "closed engine");
    }
  };

  scenarios.operators = async (client) => {
    const one = await client.connect("/operators", { forceNew: true });
    const two = await client.connect("/operators", { forceNew: true });
    same(await ask(one, "pair", 3), [3, "second"], "several values of an acknowledgement");
    same(await ask(one, "greeting", { name: "ada", times: 1 }), [{ name: "ADA", times: 2 }]);
    const refused = next(one, "refused");
    one.emit("forbidden");
    same(await refused, ["forbidden", "middleware", null]);
    one.on("present?", (answer) => answer(1));
    two.on("present?", (answer) => answer(2));
    const [census] = await ask(one, "census", 300);
    assert([1, 2].every((number) => census.replies.includes(number)), `replies ${JSON.stringify(census)}`);
    const [before] = await ask(one, "slow", 1);
    same(before, 1);
  };

  scenarios.dynamicNamespaces = async (client) => {
    const id = 1000 + Math.floor(Math.random() * 1e9);
    const one = await client.connect(`/rooms/${id}`), two = await client.connect(`/rooms/${id + 1}`);
    same(await ask(one, "where"), [id]);
    same(await ask(two, "where"), [id + 1]);
    const said = [], own = next(one, "said");
    two.on("said", (text) => said.push(text));
    one.emit("say", "to one room");
    same(await own, ["to one room"]);
    const both = Promise.all([next(one, "said"), next(two, "said")]);
    one.emit("say-to-all", `to all ${id}`);
    await both;
    assert(!said.includes("to one room"), "the other namespace heard it");
    one.disconnect();
    const again = await client.connect(`/rooms/${id}`, { forceNew: true });
    same(await ask(again, "where"), [id], "after the namespace was removed");
  };

  scenarios.reconnection = async (client) => {
    const socket = await client.connect("/", { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 300 });
    const firstId = socket.id;
    await ask(socket, "join", "before");
    const lost = next(socket, "disconnect"), back = next(socket.io, "reconnect"), connected = next(socket, "connect");
    await client.settings.step("restart");
    const [reason] = await lost;
    assert(["transport close", "transport error"].includes(reason), `reason ${reason}`);
    await Promise.all([back, connected]);
    assert(socket.id !== firstId, "a new server cannot know the id");
    same(await ask(socket, "echo", "again"), ["again"]);
    same((await ask(socket, "rooms"))[0], [socket.id]);
  };

  scenarios.serverFallsSilent = async (client) => {
    const socket = await client.connect();
    const lost = next(socket, "disconnect");
    await client.settings.step("pause");
    try {
      same((await lost)[0], "ping timeout");
    } finally {
      await client.settings.step("resume");
    }
  };

  scenarios.clientFallsSilent = async (client) => {
    const socket = await client.connect();
    const { id } = socket;
    const end = Date.now() + 1500;
    while (Date.now() < end);       // the event loop stands still: no pong leaves
    same(await client.settings.step("reason", id), "ping timeout");
  };

  scenarios.heartbeats = async (client) => {
    const socket = await client.connect();
    let pings = 0;
    socket.io.on("ping", () => pings++);
    await sleep(1500);
    assert(pings >= 3, `${pings} pings`);
    same(await ask(socket, "echo", "alive"), ["alive"]);
  };

  scenarios.trafficDuringUpgrade = async (client) => {
    client.settings.traffic = true;
    for (let round = 0; round < 5; round++) {
      const socket = await client.connect();
      const echoed = collect(socket, "echo"), burst = collect(socket, "burst");
      const count = 400;
      for (let index = 0; index < count; index++) {
        socket.emit("echo", index);
        if (index % 100 === 0) socket.emit("burst", 50);
        if (index % 5 === round) await sleep(0);
      }
      await until(() => echoed.length >= count && burst.length >= 200, "all echoes");
      await client.upgraded(socket);
      socket.emit("echo", count);
      await until(() => echoed.length > count, "the echo after the upgrade");
      await sleep(30);
      same(echoed, Array.from({ length: count + 1 }, (_, index) => index));
      same(burst, Array.from({ length: 200 }, (_, index) => index % 50));
      socket.disconnect();
    }
  };

  root.scenarioNames = Object.keys(scenarios);
  root.runScenario = async (name, settings) => {
    const client = new Client({ ...settings, step: settings.step || root.step });
    try {
      await scenarios[name](client);
    } finally {
      client.close();
    }
    return "passed";
  };
})(globalThis);
