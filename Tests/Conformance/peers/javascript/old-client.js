// Makes a Socket.IO 2.x client look like a later one, as far as the scenarios go: refusals are `connect_error` events with a
// message or data, `auth` travels as the namespace's query, and two conveniences exist. Later clients are left alone.
(function (root) {
  "use strict";

  if (root.io.protocol !== 4) return;
  root.isOldClient = true;

  const encode = (values) => Object.entries(values || {}).map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  const { Manager } = root.io;
  const plainSocket = Manager.prototype.socket;

  Manager.prototype.socket = function (namespace, options = {}) {
    let { auth } = options;
    if (typeof auth === "function") auth((values) => { auth = values; });
    const socket = plainSocket.call(this, namespace, { ...options, query: encode(auth) });
    // "connect_error" is one of the names that this client emits locally.
    socket.on("error", (error) => {
      socket.emit("connect_error", typeof error === "string" ? { message: error } : { data: error });
    });
    return socket;
  };

  root.io.Socket = root.io.Socket || Object.getPrototypeOf(new Manager({ autoConnect: false }).socket("/")).constructor;
  root.io.Socket.prototype.timeout = function (milliseconds) {
    return {
      emit: (...values) => {
        const done = values.pop();
        const timer = setTimeout(() => done(new Error("timeout")), milliseconds);
        this.emit(...values, (...answer) => {
          clearTimeout(timer);
          done(null, ...answer);
        });
      },
    };
  };
  root.io.Socket.prototype.emitWithAck = function (...values) {
    return new Promise((resolve) => this.emit(...values, resolve));
  };
})(globalThis);
