"""Other ways in to a server than its port: a Unix domain socket, another port, a PROXY header first."""

import json
import socket
import struct

from .http1 import Connection, get

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21


class Door:
    """What the raw clients take for a server."""

    def __init__(self, server, address=None, before=b"", tls=None):
        """`before` is sent first, in clear text; `tls` is a client's context."""
        self.server, self.before, self.tls = server, before, tls
        self.address = address or ("127.0.0.1", server.port)

    def connect(self, timeout=5, protocol=None):
        if isinstance(self.address, tuple):
            connection = socket.create_connection(self.address, timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(str(self.address))
        if self.before:
            connection.sendall(self.before)
        return self.tls.wrap_socket(connection, server_hostname="one.example") if self.tls else connection

    def fetch(self, path="/client", *fields):
        """A page's bytes."""
        with Connection(self) as connection:
            answer = connection.send(get(path, *fields)).response()
            assert answer.status == 200, answer
            return answer.body

    def client(self, *fields):
        """How the server sees who asks."""
        return json.loads(self.fetch("/client", *fields))


def value(kind, data):
    return struct.pack("!BH", kind, len(data)) + data


def binary(block=b"", command=PROXY, family=0x11):
    """A PROXY header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(block)) + block


def four(source=("192.0.2.1", 4711), destination=("198.51.100.2", 443)):
    """The block of a TCP connection over IPv4."""
    return (socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
            + struct.pack("!HH", source[1], destination[1]))


def six(source=("2001:db8::1", 4711), destination=("::1", 443)):
    return (socket.inet_pton(socket.AF_INET6, source[0]) + socket.inet_pton(socket.AF_INET6, destination[0])
            + struct.pack("!HH", source[1], destination[1]))


LINE = b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n"
