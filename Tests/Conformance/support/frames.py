"""The frames of RFC 9113 as bytes: every one a test can want, lawful or not."""

import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x1, 0x4, 0x8, 0x20
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEADER_LIST = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65_535         # of a stream and of a connection, until SETTINGS or WINDOW_UPDATE say otherwise
FRAME = 16_384          # the largest payload that either side may send


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame. `length` lies about the size."""
    size = len(payload) if length is None else length
    return struct.pack("!BHBBI", size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack("!HI", *pair) for pair in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", increment))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def head(path="/hello", *fields, method="GET", scheme="http", authority="localhost"):
    """A request's fields, the pseudo-header fields first; None leaves one out."""
    pairs = ((":method", method), (":scheme", scheme), (":authority", authority), (":path", path))
    return [pair for pair in pairs if pair[1] is not None] + list(fields)


def extended(path="/ws", *fields, version="13", protocol="websocket", **pseudo):
    """RFC 8441's request for a WebSocket."""
    start = head(path, **{"method": "CONNECT", **pseudo})
    return start + [(":protocol", protocol)] + [("sec-websocket-version", version)] * (version is not None) + list(fields)


def block_frames(stream, block, end=True, size=FRAME):
    """A header block as HEADERS and as many CONTINUATION as it takes."""
    pieces = [block[place:place + size] for place in range(0, len(block), size)] or [b""]
    kinds = [HEADERS] + [CONTINUATION] * (len(pieces) - 1)
    flags = [END_STREAM if end else 0] + [0] * (len(pieces) - 1)
    flags[-1] |= END_HEADERS
    return b"".join(frame(kind, flag, stream, piece) for kind, flag, piece in zip(kinds, flags, pieces))
