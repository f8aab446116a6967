// What the official client's browser build expects of its surroundings and node has not: XMLHttpRequest and FileReader,
// as far as Engine.IO uses them. WebSocket is node's own, but for one habit.
"use strict";
const http = require("node:http");

const agent = new http.Agent({ keepAlive: true });

// A browser's WebSocket says that it failed after close() returned; node's says so within, again and again to a client that
// closes when it hears so.
globalThis.WebSocket = class extends globalThis.WebSocket {
  close(...reason) {
    queueMicrotask(() => super.close(...reason));
  }
};

globalThis.XMLHttpRequest = class XMLHttpRequest {
  constructor() {
    this.readyState = 0;
    this.status = 0;
    this.responseText = "";
    this.withCredentials = false;
    this.onreadystatechange = null;
  }
  open(method, url) {
    this.method = method;
    this.url = url;
    this.headers = {};
    this.readyState = 1;
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  getResponseHeader(name) {
    const value = this.response && this.response.headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }
  send(body) {
    const payload = body === undefined || body === null ? undefined : Buffer.from(body);
    const headers = { ...this.headers };
    if (payload) headers["Content-Length"] = payload.length;
    this.request = http.request(this.url, { method: this.method, headers, agent }, (response) => {
      this.response = response;
      this.status = response.statusCode;
      this.change(2);
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        this.responseText = Buffer.concat(parts).toString("utf8");
        this.change(4);
      });
      response.on("error", () => this.fail());
    });
    this.request.on("error", () => this.fail());
    this.request.end(payload);
  }
  fail() {
    if (this.readyState === 4) return;
    this.status = 0;
    this.change(4);
  }
  change(state) {
    if (this.aborted) return;
    this.readyState = state;
    if (this.onreadystatechange) this.onreadystatechange();
  }
  abort() {
    this.aborted = true;
    if (this.request) this.request.destroy();
  }
};

globalThis.FileReader = class FileReader {
  readAsDataURL(blob) {
    blob.arrayBuffer().then((data) => {
      this.result = `data:${blob.type};base64,${Buffer.from(data).toString("base64")}`;
      this.onload();
    });
  }
};
