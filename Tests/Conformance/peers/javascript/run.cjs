// node run.cjs socket.io.min.js: runs scenarios, one after the other. Lines of JSON come in: a scenario with its settings, or
// the answer to a step. Lines go out: STEP with what the scenario asks for, RESULT when it is over.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const vm = require("node:vm");

require("./browser-globals.cjs");
const loaded = { exports: {} };
vm.runInThisContext(`(function (module, exports) {${fs.readFileSync(process.argv[2], "utf8")}\n})`)(loaded, loaded.exports);
globalThis.io = loaded.exports;
for (const script of ["old-client", "harness", "scenarios-events", "scenarios-audience", "scenarios-life"]) {
  vm.runInThisContext(fs.readFileSync(path.join(__dirname, script + ".js"), "utf8"));
}

const waiting = [];
const say = (kind, value) => process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
const step = (name, value = null) => new Promise((resolve) => {
  waiting.push(resolve);
  say("STEP", [name, value]);
});
const run = ([name, settings]) => globalThis.runScenario(name, { ...settings, step })
  .catch((error) => String(error.stack || error))
  .then((result) => say("RESULT", result));

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => (waiting.length ? waiting.shift() : run)(JSON.parse(line)));
lines.on("close", () => process.exit(0));
