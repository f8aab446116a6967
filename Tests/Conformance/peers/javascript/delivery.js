// What the official client makes of connection state recovery and of identities that expire, under node and in a browser.
// `step(name, value)` asks the test for what happens outside: the network is cut, somebody emits.
(function (root) {
  "use strict";

  const assert = (condition, complaint) => {
    if (!condition) throw new Error(complaint);
  };
  const same = (actual, expected, what) => {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    assert(a === b, `${what}: got ${a}, expected ${b}`);
  };
  const within = (promise, what) => Promise.race([
    promise, new Promise((_, reject) => setTimeout(() => reject(new Error(`timed out: ${what}`)), 8000)),
  ]);
  const next = (emitter, event) => within(new Promise((resolve) => emitter.once(event, resolve)), event);
  const ask = (socket, ...values) => within(new Promise((resolve) => socket.emit(...values, resolve)), values[0]);
  const until = async (condition, what) => {
    const deadline = Date.now() + 8000;
    while (!condition()) {
      assert(Date.now() < deadline, `timed out: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  const scenarios = {};

  // A connection that is cut between two polls, or while it is upgraded, may leave the session unharmed.
  async function settled({ io: manager }) {
    if (manager.opts.transports.length > 1) await until(() => manager.engine.transport.name === "websocket", "upgrade");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async function away(socket, step, how, meanwhile) {
    await settled(socket);
    const gone = next(socket, "disconnect");
    await step(how);
    const reason = await gone;
    const back = next(socket, "connect");
    await meanwhile();
    await back;
    return reason;
  }

  scenarios.recovery = async (socket, step) => {
    const numbers = [];
    const id = socket.id;
    assert(!socket.recovered, "recovered at first");
    await ask(socket, "join", "red");
    await ask(socket, "remember", "ada");
    socket.on("number", (number) => numbers.push(number));

    // It has received no event yet, and so has no offset.
    await away(socket, step, "cut", () => step("emit", { room: "red", first: 0, count: 3 }));
    assert(socket.recovered, "not recovered without an offset");
    same(socket.id, id, "id");
    await until(() => numbers.length >= 3, "missed events");
    same(numbers, [0, 1, 2], "missed events");

    await step("emit", { room: id, first: 3, count: 2 });
    await until(() => numbers.length >= 5, "live events");
    await away(socket, step, "cut", async () => {
      await step("emit", { first: 5, count: 200 });
      await step("emit", { room: "green", first: 999 });
      await step("emit", { room: "red", first: 205, count: 1 });
    });
    assert(socket.recovered, "not recovered with an offset");
    same(socket.id, id, "id");
    await until(() => numbers.length >= 206, "missed events");
    same(numbers, Array.from({ length: 206 }, (_, index) => index), "each once, in order");
    same(await ask(socket, "recall"), ["ada", "true"], "the server's view");
    same((await ask(socket, "rooms")).includes("red"), true, "rooms");

    // Nothing was missed.
    await away(socket, step, "cut", () => {});
    assert(socket.recovered && socket.id === id, "not recovered without missed events");
    await step("emit", { room: "red", first: 206 });
    await until(() => numbers.length >= 207, "live events");
    same(numbers.at(-1), 206, "live event");

    // Who leaves begins anew.
    socket.disconnect().connect();
    await next(socket, "connect");
    assert(!socket.recovered && socket.id !== id, "recovered after it left");
    same((await ask(socket, "recall"))[1], "false", "the server's view");
  };

  scenarios.halfOpen = async (socket, step) => {
    const numbers = [];
    const id = socket.id;
    socket.on("number", (number) => numbers.push(number));
    await step("emit", { first: 0 });
    await until(() => numbers.length, "event");
    await away(socket, step, "loseClient", () => step("emit", { first: 1, count: 2 }));
    assert(socket.recovered && socket.id === id, "not recovered while the server believes in the connection");
    await until(() => numbers.length >= 3, "missed events");
    same(numbers, [0, 1, 2], "events");
  };

  scenarios.expired = async (socket, step) => {
    const id = socket.id;
    await ask(socket, "remember", "ada");
    socket.io.reconnectionDelay(1000);
    await away(socket, step, "cut", () => {});
    assert(!socket.recovered && socket.id !== id, "recovered after its time");
    await step("expired", "ada timeout");
  };

  root.runDelivery = async (name, settings) => {
    const manager = new root.io.Manager(settings.url, {
      transports: settings.transports, reconnectionDelay: 150, reconnectionDelayMax: 1000, randomizationFactor: 0,
    });
    const socket = manager.socket("/");
    try {
      await next(socket, "connect");
      await scenarios[name](socket, settings.step);
      return "passed";
    } finally {
      manager.reconnection(false);
      socket.disconnect();
      manager.engine.close();
    }
  };

  root.runExpiry = async (url) => {
    const manager = new root.io.Manager(url, { transports: ["websocket"], reconnection: false });
    const kept = manager.socket("/expiring", { auth: { lifetime: 900 } });
    let asked = 0;
    kept.on("refresh", (left, reply) => {
      asked += 1;
      assert(left > 0 && left <= 500, `asked with ${left} ms left`);
      reply({ lifetime: 900 });
    });
    await next(kept, "connect");
    const other = new root.io.Manager(url, { transports: ["polling"], reconnection: false });
    const lost = other.socket("/expiring", { auth: { lifetime: 700 } });
    same(await next(lost, "disconnect"), "io server disconnect", "reason");
    await until(() => asked >= 3, "three refreshes");
    assert(kept.connected, "the renewed identity ended");
    kept.disconnect();
    manager.engine.close();
    other.engine.close();
    return "passed";
  };
})(globalThis);
