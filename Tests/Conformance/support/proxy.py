"""A TCP proxy whose connections a test can cut or freeze: what happens to a network, not what a client does."""

import socket
import struct
import threading


class Proxy:
    """Forwards a port of its own to the server's."""

    def __init__(self, server):
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                upstream = socket.create_connection(("127.0.0.1", self.server.port))
            except OSError:
                return
            pair = {"sockets": (client, upstream), "frozen": False}
            with self.lock:
                self.pairs.append(pair)
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._forward, args=(pair, source, sink), daemon=True).start()

    def _forward(self, pair, source, sink):
        try:
            while data := source.recv(65536):
                if not pair["frozen"]:
                    sink.sendall(data)
        except OSError:
            pass
        if not pair["frozen"]:
            self._end(pair)

    @staticmethod
    def _reset(connection):
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def _end(self, pair):
        for connection in pair["sockets"]:
            self._reset(connection)

    def cut(self):
        """Both ends learn that their connections are lost."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self._end(pair)

    def lose_client(self):
        """The client learns that its connections are lost; the server, nothing."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            pair["frozen"] = True
            self._reset(pair["sockets"][0])

    def close(self):
        self.listener.close()
        self.cut()
