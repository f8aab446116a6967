// How connections end, are lost and come back.
(function (root) {
  "use strict";

  const { scenarios, assert, same, sleep, next, ask, collect, until, range } = root.conformance;

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
    const end = Date.now() + 1100;
    while (Date.now() < end);       // the event loop stands still: no pong leaves
    same(await client.settings.step("reason", id), "ping timeout");
  };

  scenarios.heartbeats = async (client) => {
    const socket = await client.connect();
    let pings = 0;
    // The server's pings; of Engine.IO 3, its pongs.
    socket.io.engine.on("packet", ({ type }) => { if (type === "ping" || type === "pong") pings++; });
    await until(() => pings >= 3, "three pings");
    same(await ask(socket, "echo", "alive"), ["alive"]);
  };

  scenarios.trafficDuringUpgrade = async (client) => {
    client.settings.traffic = true;
    for (let round = 0; round < 3; round++) {
      const socket = await client.connect();
      const echoed = collect(socket, "echo"), burst = collect(socket, "burst");
      const count = 1000;
      for (let index = 0; index < count; index++) {
        socket.emit("echo", index);
        if (index % 100 === 0) socket.emit("burst", 100);
        if (index % 7 === round) await sleep(0);
      }
      await until(() => echoed.length >= count && burst.length >= 1000, "all echoes");
      await client.upgraded(socket);
      socket.emit("echo", count);
      await until(() => echoed.length > count, "the echo after the upgrade");
      await sleep(30);
      same(echoed, range(count + 1));
      same(burst, range(1000).map((index) => index % 100));
      socket.disconnect();
    }
  };

  scenarios.openedAgain = async (client) => {
    const socket = await client.connect();
    const heard = collect(socket, "echo");
    const { id } = socket, { engine } = socket.io;
    await ask(socket, "join", "before");
    socket.disconnect();
    same(await client.settings.step("reason", id), "client namespace disconnect");
    await until(() => engine.readyState === "closed", "the end of the connection");
    socket.connect();
    await client.connected(socket);
    assert(socket.id && socket.id !== id, "a new id");
    same((await ask(socket, "rooms"))[0], [socket.id], "no room is left");
    socket.emit("echo", "once");
    await until(() => heard.length, "echo");
    await ask(socket, "echo", 0);
    same(heard, ["once"], "handlers of before");
  };

  // A connection that is cut between two polls, or while it is upgraded, may leave the session unharmed.
  async function away(client, socket, meanwhile) {
    await sleep(50);
    const gone = next(socket, "disconnect"), back = next(socket, "connect");
    await client.settings.step("cut");
    const [reason] = await gone;
    assert(["transport close", "transport error"].includes(reason), `reason ${reason}`);
    await meanwhile();
    await back;
    await client.connected(socket);
  }
  const patient = { reconnection: true, reconnectionDelay: 150, reconnectionDelayMax: 500, randomizationFactor: 0 };

  scenarios.cutConnection = async (client) => {
    const socket = await client.connect("/", patient), chat = socket.io.socket("/chat");
    await next(chat, "connect");
    const ids = [socket.id, chat.id];
    const heard = collect(socket, "echo");
    await ask(socket, "join", "before");
    const chatIsBack = () => chat.connected && chat.id !== ids[1];
    await away(client, socket, () => socket.emit("echo", "meanwhile"));
    await until(chatIsBack, "the other namespace");
    assert(!ids.includes(socket.id), "a new id");
    assert(/^transport (close|error)$/.test(await client.settings.step("reason", ids[0])), "the server's reason");
    same((await ask(socket, "rooms"))[0], [socket.id]);
    await until(() => heard.length, "what was emitted meanwhile");
    same(heard, ["meanwhile"]);
    same(await ask(chat, "echo", "again"), ["again"]);
  };

  scenarios.recovery = async (client) => {
    const { step } = client.settings;
    const socket = await client.connect("/", patient);
    const numbers = [], { id } = socket, room = "red-" + id;
    socket.on("number", (number) => numbers.push(number));
    assert(!socket.recovered, "recovered at first");
    await ask(socket, "join", room);
    await ask(socket, "remember", "ada");
    await step("emit", { room, first: 0, count: 2 });
    await until(() => numbers.length >= 2, "live events");
    await away(client, socket, () => step("emit", { room, first: 2, count: 100 }));
    assert(socket.recovered && socket.id === id, "not recovered");
    await until(() => numbers.length >= 102, "missed events");
    same(numbers, range(102), "each once, in order");
    same(await ask(socket, "recall"), [["ada", "true"]], "the server's view");
    assert((await ask(socket, "rooms"))[0].includes(room), "rooms");
  };
})(globalThis);
