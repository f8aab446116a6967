"""HTTP/1.1 as bytes: sends exactly what a test says, and reads answers strictly."""

import socket
import ssl
import time


class Malformed(AssertionError):
    """The server sent something that is not lawful HTTP."""


class Silence(AssertionError):
    """The server sent nothing in time."""


class Response:
    def __init__(self, version, status, reason, fields, body, trailers=(), informational=()):
        self.version, self.status, self.reason = version, status, reason
        self.fields, self.body, self.trailers = fields, body, list(trailers)
        self.informational = informational

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    @property
    def closes(self):
        return "close" in (self.get("connection") or "").lower()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:80]!r}>"


class Connection:
    """A connection under the test's full control."""

    protocol = "http/1.1"

    def __init__(self, server, timeout=5):
        self.socket = server.connect(timeout, self.protocol)
        self.timeout = timeout
        self.buffer = bytearray()
        self.ended = False
        self.reset = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, piecewise=False):
        """Sends; a peer that closed early is no error of the sender's."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        try:
            if piecewise:
                for index in range(len(data)):
                    self.socket.sendall(data[index:index + 1])
            else:
                self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return self

    def finish_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self

    def _more(self, deadline):
        if self.ended:
            return False
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            self.ended = self.reset = True
            return False
        except TimeoutError:
            raise Silence(f"nothing more came; so far {bytes(self.buffer[:300])!r}") from None
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def read_exactly(self, count, deadline):
        while len(self.buffer) < count:
            if not self._more(deadline):
                raise Malformed(f"ended after {len(self.buffer)} of {count} bytes: {bytes(self.buffer[:300])!r}")
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_until(self, mark, deadline):
        while mark not in self.buffer:
            if not self._more(deadline):
                raise Malformed(f"ended before {mark!r}: {bytes(self.buffer[:300])!r}")
        return self.read_exactly(self.buffer.index(mark) + len(mark), deadline)

    def response(self, head=False, timeout=None):
        """Reads one response; its framing is checked as a careful client would."""
        deadline = time.monotonic() + (timeout or self.timeout)
        block = self.read_until(b"\r\n\r\n", deadline)
        status_line, *lines = block[:-4].split(b"\r\n")
        parts = status_line.decode("latin-1").split(" ", 2)
        if len(parts) != 3 or parts[0] != "HTTP/1.1" or len(parts[1]) != 3 or not parts[1].isdigit():
            raise Malformed(f"status line {status_line!r}")
        answer = Response(parts[0], int(parts[1]), parts[2], self._fields(lines), b"")
        answer.body = self._body(answer, head, deadline)
        return answer

    @staticmethod
    def _fields(lines):
        fields = []
        for line in lines:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or not name or any(ord(c) < 0x20 for c in value if c != "\t") or "\n" in line.decode("latin-1"):
                raise Malformed(f"header line {line!r}")
            fields.append((name, value.strip(" \t")))
        return fields

    def _body(self, answer, head, deadline):
        lengths, codings = answer.all("content-length"), answer.all("transfer-encoding")
        if lengths and codings:
            raise Malformed("both Content-Length and Transfer-Encoding")
        if len(lengths) > 1:
            raise Malformed("two Content-Length")
        if answer.status < 200 or answer.status == 204:
            if lengths or codings:
                raise Malformed(f"{answer.status} announces a body")
            return b""
        if head or answer.status == 304:
            return b""
        if codings:
            return self._chunks(answer, deadline)
        if lengths:
            return self.read_exactly(int(lengths[0]), deadline)
        if not answer.closes:
            raise Malformed(f"no framing: {answer}")
        return self.rest(deadline - time.monotonic())

    def _chunks(self, answer, deadline):
        body = b""
        while True:
            size = int(self.read_until(b"\r\n", deadline)[:-2].split(b";")[0], 16)
            if size == 0:
                lines = iter(lambda: self.read_until(b"\r\n", deadline)[:-2], b"")
                answer.trailers = self._fields(lines)
                return body
            data = self.read_exactly(size + 2, deadline)
            if data[-2:] != b"\r\n":
                raise Malformed("chunk without its CRLF")
            body += data[:-2]

    def rest(self, timeout=None):
        """All that comes until the end of the stream."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while self._more(deadline):
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def assert_ended(self, timeout=None):
        """The server ended the connection and said nothing more."""
        left = self.rest(timeout)
        assert not left, f"answered behind the end: {left[:300]!r}"

    def assert_open(self, wait=0.2):
        self.socket.settimeout(wait)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return
        assert data, "the server closed the connection"
        self.buffer += data


def get(path, *fields, method="GET", host="localhost"):
    """A plain request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(path, body, *fields):
    if isinstance(body, str):
        body = body.encode()
    return get(path, f"Content-Length: {len(body)}", *fields, method="POST") + body


def exchange(server, data, head=False, timeout=5):
    """Sends on a connection of its own, and reads one response."""
    with Connection(server, timeout) as connection:
        return connection.send(data).response(head)


def assert_refused(server, data, statuses=(400,), piecewise=False):
    """`400!`: that status, `Connection: close`, an end, and nothing pipelined behind answered."""
    if isinstance(statuses, int):
        statuses = (statuses,)
    if isinstance(data, str):
        data = data.encode("latin-1")
    with Connection(server) as connection:
        connection.send(data + get("/hello"), piecewise)
        answer = connection.response()
        assert answer.status in statuses, answer
        assert answer.closes, f"no Connection: close in {answer}"
        connection.assert_ended()
    server.check()
    return answer


def assert_sending_fails(connection, seconds, piece=b"a" * 1000):
    """The peer does not take bytes for ever: within the time it closes, or stops reading."""
    deadline = time.monotonic() + seconds
    connection.socket.settimeout(1)
    while time.monotonic() < deadline:
        try:
            connection.socket.sendall(piece)
        except OSError:
            return
        time.sleep(0.01)
    raise AssertionError(f"still reading after {seconds} s")
