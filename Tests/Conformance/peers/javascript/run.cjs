// node run.cjs socket.io.min.js scenario settings: runs one scenario. Steps go out as lines on standard output, their
// answers come in as lines on standard input; the last line is the result.
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
for (const script of ["old-client.js", "scenarios.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(__dirname, script), "utf8"));
}

const waiting = [];
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => waiting.shift()(JSON.parse(line)));
const say = (kind, value) => process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
const step = (stepName, value = null) => new Promise((resolve) => {
  waiting.push(resolve);
  say("STEP", [stepName, value]);
});

globalThis.runScenario(name, { ...JSON.parse(settings), step }).then(
  () => say("RESULT", "passed"),
  (error) => say("RESULT", String(error.stack || error)),
).finally(() => {
  lines.close();
  setTimeout(() => process.exit(0), 20);
});
