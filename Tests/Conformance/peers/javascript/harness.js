// What the scenarios for the official JavaScript client share, the same under node and in a browser.
//
// runScenario(name, {url, transports, run, step}) resolves when all that the scenario asserts came true. `step(name, value)`
// asks the test that drives it for something outside the client's reach: restart, pause, cut, or the server's own view.
(function (root) {
  "use strict";

  const scenarios = {};

  function assert(condition, complaint) {
    if (!condition) throw new Error(complaint);
  }

  // JSON's objects have no order.
  const sorted = (key, value) => (value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value);

  function same(actual, expected, what) {
    const [a, b] = [JSON.stringify(actual, sorted), JSON.stringify(expected, sorted)];
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

  const range = (count) => Array.from({ length: count }, (_, index) => index);

  // A manager of the scenario's own; every one is closed when the scenario ends.
  class Client {
    constructor(settings) {
      this.settings = settings;
      this.managers = [];
    }
    manager(options = {}) {
      const { url, transports, run, options: given } = this.settings;
      const manager = new root.io.Manager(url, {
        transports, reconnection: false, path: "/socket.io", ...given, ...options, query: { ...options.query, run },
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
      if (!socket.connected) {
        const refused = new Promise((_, reject) =>
          socket.once("connect_error", (error) => reject(new Error(`connect_error: ${error.message}`))));
        await within(Promise.race([next(socket, "connect"), refused]), "connect");
      }
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

  // A browser opens WebSockets over HTTP/2 only where it has a connection that speaks it.
  async function stepOfPage(name, value) {
    const answer = await root.step(name, value);
    if (name === "cut" || name === "restart") await root.fetch("/hello").catch(() => {});
    return answer;
  }

  root.conformance = { scenarios, assert, same, sleep, within, next, ask, collect, until, bytes, sameBytes, range };
  root.runScenario = async (name, settings) => {
    const client = new Client({ ...settings, step: settings.step || stepOfPage });
    try {
      await scenarios[name](client);
    } finally {
      client.close();
    }
    return "passed";
  };
})(globalThis);
