// node delivery.cjs socket.io.min.js scenario settings: as run.cjs, for the scenarios of delivery.js.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const vm = require("node:vm");

require("./browser-globals.cjs");
const [clientPath, name, settings] = process.argv.slice(2);
const loaded = { exports: {} };
vm.runInThisContext(`(function (module, exports) {${fs.readFileSync(clientPath, "utf8")}\n})`)(loaded, loaded.exports);
globalThis.io = loaded.exports;
vm.runInThisContext(fs.readFileSync(path.join(__dirname, "delivery.js"), "utf8"));

const waiting = [];
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => waiting.shift()(JSON.parse(line)));
const say = (kind, value) => process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
const step = (stepName, value = null) => new Promise((resolve) => {
  waiting.push(resolve);
  say("STEP", [stepName, value]);
});

const given = JSON.parse(settings);
const outcome = name === "expiry" ? globalThis.runExpiry(given.url) : globalThis.runDelivery(name, { ...given, step });
outcome.catch((error) => String(error.stack || error)).then((result) => {
  say("RESULT", result);
  lines.close();
  setTimeout(() => process.exit(0), 20);
});
