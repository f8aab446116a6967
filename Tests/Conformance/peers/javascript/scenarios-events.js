// What events carry: values, text, binary, acknowledgements, and their order.
(function (root) {
  "use strict";

  const { scenarios, assert, same, sleep, next, ask, collect, until, bytes, sameBytes, range } = root.conformance;

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
      // Chromium keeps an empty frame over HTTP/2 to itself until it reads the next.
      if (size === 0) socket.emit("burst", 1);
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
    const expected = Array.from({ length: 1000 }, (_, index) => index);
    const echoed = collect(socket, "echo"), burst = collect(socket, "burst");
    for (const index of expected) socket.emit("echo", index);
    await until(() => echoed.length >= 1000, "1,000 echoes");
    socket.emit("burst", 1000);
    await until(() => burst.length >= 1000, "1,000 of a burst");
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

  scenarios.jsonKinds = async (client) => {
    const socket = await client.connect(), mirror = socket.io.socket("/mirror");
    const echoed = collect(socket, "echo");
    const kinds = [
      null, true, false, 0, 1, -1, 9007199254740991, -9007199254740991, 2.5, -0.125, 1e-7, 1e21, 1.7976931348623157e308, "", "text",
      [], {}, [[]], [{}], [null], [[[1], "2"], { three: [] }], { "": "", "a b": null, "1": [0], nested: { deep: { deeper: false } } },
      { _placeholder: true, num: 0 },
    ];
    for (const value of kinds) socket.emit("echo", value);
    same(await Promise.all(kinds.map((value) => ask(socket, "echo", value))), kinds.map((value) => [value]), "acknowledgements");
    await until(() => echoed.length >= kinds.length, "echoes");
    same(echoed, kinds, "events");
    const several = next(mirror, "several");
    mirror.emit("several", [], {}, null);
    same(await several, [[], {}, null]);
  };

  scenarios.emptyEvents = async (client) => {
    const socket = await client.connect("/mirror");
    const bare = next(socket, "bare");
    socket.emit("bare");
    same(await bare, []);
    same(await ask(socket, "nothing"), [], "an acknowledgement of nothing");
    const nameless = next(socket, "");
    socket.emit("", 1);
    same(await nameless, [1], "an event whose name is empty");
  };

  scenarios.unicode = async (client) => {
    const socket = await client.connect("/mirror");
    const texts = [
      "😀𝒳🏳️‍🌈", "e\u0301 \u1100\u1161\u11a8", "\u0000", "a\u0000b", "\u001e\u001f\u007f\u0085", "\u2028\u2029\ufeff\ufffd\uffff", "שלום مرحبا",
      "\"\\/\b\f\n\r\t", "\u{10ffff}", "%41+&=#?", range(0x250).map((code) => String.fromCharCode(code)).join(""),
    ];
    for (const text of texts) {
      const answer = next(socket, `event ${text}`);
      socket.emit(`event ${text}`, text, { [text]: [text] });
      same(await answer, [text, { [text]: [text] }]);
      same(await ask(socket, "length", text), [new TextEncoder().encode(text).length], "bytes of UTF-8");
    }
  };

  scenarios.unforeseenEvents = async (client) => {
    const socket = await client.connect("/mirror");
    const names = ["unforeseen", "with space", "42", "toString", "constructor", "ключ"];
    const heard = [];
    if (socket.onAny) socket.onAny((...values) => heard.push(values));
    for (const name of names) {
      const answer = next(socket, name);
      socket.emit(name, name, bytes(5));
      const [text, data] = await answer;
      same(text, name);
      sameBytes(data, bytes(5), name);
    }
    if (socket.onAny) same(heard.map(([name, text]) => [name, text]), names.map((name) => [name, name]), "what onAny heard");
  };

  scenarios.nearMaxPayload = async (client) => {
    const socket = await client.connect("/mirror"), main = await client.connect();
    same(await ask(socket, "length", "x".repeat(999_900)), [999_900], "below a million bytes");
    const { id } = main, lost = next(main, "disconnect");
    main.emit("length", "x".repeat(1_000_100));
    const [reason] = await lost;
    assert(["transport close", "transport error"].includes(reason), `reason ${reason}`);
    // Haproxy holds the refused upload, and so what the client says behind it: the server would learn of its end at the next ping.
    const { isProxied, transports, step } = client.settings;
    if (!isProxied || transports[0] !== "polling" || transports.length > 1) {
      assert(["transport close", "transport error", "parse error"].includes(await step("reason", id)), "the server's reason");
    }
    same(await ask(socket, "length", "still"), [5], "other sessions");
  };

  scenarios.buffered = async (client) => {
    const socket = client.manager({ autoConnect: false }).socket("/mirror");
    const heard = collect(socket, "early");
    for (const index of range(20)) socket.emit("early", index);
    if (socket.volatile) socket.volatile.emit("early", "lost");
    socket.emit("early", bytes(3));
    socket.io.connect();
    socket.connect();
    await client.connected(socket);
    await until(() => heard.length >= 21, "what was emitted before the connection");
    sameBytes(heard.pop(), bytes(3), "binary");
    same(heard, range(20));
  };

  scenarios.volatileEvents = async (client) => {
    const socket = await client.connect();
    // A volatile event is lost when no poll happens to be waiting for it; sooner or later one is.
    for (const emitter of [socket, socket.volatile || socket]) {
      const heard = collect(socket, "volatile");
      for (let tries = 0; tries < 100 && !heard.length; tries++) {
        emitter.emit("volatile", { some: bytes(4) });
        await sleep(20);
      }
      sameBytes(heard[0].some, bytes(4), "volatile");
      socket.off("volatile");
    }
  };

  scenarios.acknowledgementTimeouts = async (client) => {
    const socket = await client.connect("/mirror");
    const late = await new Promise((resolve) => socket.timeout(100).emit("third", "", (error) => resolve(error)));
    assert(late instanceof Error, "a missing acknowledgement must time out");
    same(await new Promise((resolve) => socket.timeout(8000).emit("length", "in time", (...values) => resolve(values))), [null, 7]);
  };

  scenarios.retries = async (client) => {
    const socket = await client.connect("/mirror", {}, { retries: 3, ackTimeout: 150 });
    const order = [];
    const outcome = (...values) => new Promise((resolve) => socket.emit(...values, (...answer) => {
      order.push(values[0]);
      resolve(answer);
    }));
    const answers = await Promise.all([outcome("third", "try"), outcome("length", "behind it")]);
    same(answers, [[null, "try 3"], [null, 9]]);
    same(order, ["third", "length"], "one at a time");
    const other = await client.connect("/mirror", {}, { retries: 1, ackTimeout: 100 });
    const failed = await new Promise((resolve) => other.emit("third", "", (error) => resolve(error)));
    assert(failed instanceof Error, "no attempts are left");
    same(await new Promise((resolve) => other.emit("third", "other", (...values) => resolve(values))), [null, "other 3"]);
  };
})(globalThis);
