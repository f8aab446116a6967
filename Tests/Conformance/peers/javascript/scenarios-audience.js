// Who hears what: namespaces, their refusals, rooms, and operators over many sockets.
(function (root) {
  "use strict";

  const { scenarios, assert, same, sleep, next, ask, collect, until, bytes, sameBytes, range } = root.conformance;

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
    const [error] = await Promise.race([
      next(refused, "connect_error"), next(refused.io, "error"), next(refused.io, "connect_error")]);     // 3.0.4: the manager's
    assert(error.type === "TransportError" || /error/.test(error.message), `unexpected ${error}`);
    const options = { path: "/private/socket.io", query: { token: "letmein", colour: "blue" } };
    const socket = await client.connect("/", options);
    const [seen] = await ask(socket, "handshake");
    same(seen.query.colour, "blue");
    same(await ask(socket, "echo", "in"), ["in"]);
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
    const unlucky = client.manager().socket("/rooms/13");
    same((await next(unlucky, "connect_error"))[0].message, "unlucky");
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

  scenarios.manyNamespaces = async (client) => {
    const manager = client.manager();
    const names = ["/", "/chat", "/mirror", "/operators", ...range(6).map((number) => `/n${number}`)];
    const sockets = names.map((name) => manager.socket(name));
    await Promise.all(sockets.map((socket) => client.connected(socket)));
    same(new Set(sockets.map((socket) => socket.id)).size, names.length, "ids of their own");
    const [main, chat, mirror, operators] = sockets;
    const [one, two] = [collect(main, "echo"), collect(chat, "echo")];
    for (const index of range(100)) {
      main.emit("echo", index);
      chat.emit("echo", bytes(index));
    }
    same(await Promise.all([ask(mirror, "length", "abc"), ask(operators, "slow", 1)]), [[3], [1]]);
    await until(() => one.length >= 100 && two.length >= 100, "echoes");
    same(one, range(100));
    two.forEach((data, index) => sameBytes(data, bytes(index), "each namespace its own"));
    for (const socket of sockets.slice(4)) socket.disconnect();
    same(await ask(main, "echo", "still"), ["still"]);
    sockets[5].connect();
    await next(sockets[5], "connect");
    assert(mirror.connected && !sockets[4].connected, "the others are as they were");
  };

  scenarios.authPayload = async (client) => {
    const payload = { token: "secret", "ключ": ["é", "😀", null, { deep: [1.5, true] }], empty: {} };
    const socket = await client.connect("/admin", {}, { auth: payload });
    const [seen] = await ask(socket, "handshake");
    same(seen.auth, payload);
  };

  scenarios.handshake = async (client) => {
    const socket = await client.connect("/", { query: { text: "é&= 😀", empty: "" } });
    const [seen] = await ask(socket, "handshake");
    same([seen.query.text, seen.query.empty, seen.namespace], ["é&= 😀", "", "/"]);
    same(seen.query.EIO, root.isOldClient ? "3" : "4");
    same(seen.query.transport, client.settings.transports[0]);
    same(seen.secure, client.settings.url.startsWith("https"), "secure");
    assert(seen.url.startsWith("/socket.io/?"), seen.url);
  };

  scenarios.manySockets = async (client) => {
    const room = "many-" + Math.random();
    const [one, two] = [await client.connect("/operators"), await client.connect("/operators")];
    assert((await ask(one, "all-join", room))[0] >= 2, "all joined");
    const [fetched] = await ask(one, "fetch");
    assert([one, two].every((socket) => fetched.some((each) => each.id === socket.id)), "both are known");
    const gone = next(two, "disconnect");
    one.emit("disconnect-others");
    same((await gone)[0], "io server disconnect");
    same(await ask(one, "slow", 1), [1]);
  };
})(globalThis);
