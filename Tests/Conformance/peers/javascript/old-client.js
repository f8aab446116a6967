// Makes a Socket.IO 2.x client look like a later one, as far as the scenarios go: refusals are `connect_error` events with a
// message or data, and `auth` travels as the namespace's query. It and 3.x get two conveniences of 4.x, too.
(function (root) {
  "use strict";

  root.isOldClient = root.io.protocol === 4;
  if (root.isOldClient) speakAsLaterOnes();

  function speakAsLaterOnes() {
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
  }

  const manager = new root.io.Manager({ autoConnect: false });
  const { prototype } = root.io.Socket || Object.getPrototypeOf(manager.socket("/")).constructor;
  prototype.timeout = prototype.timeout || function (milliseconds) {
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
  prototype.emitWithAck = prototype.emitWithAck || function (...values) {
    return new Promise((resolve) => this.emit(...values, resolve));
  };
})(globalThis);
