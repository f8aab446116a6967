"""The table: what a client does and what must come of it, who does it, over which transports and versions of HTTP.

Every cell of it that exists runs (test_scenarios.py); `missing` says why the others don't.
"""

from collections import namedtuple

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}
SHORT_HEARTBEAT = ("--ping-interval", 400, "--ping-timeout", 300)
RECOVERY = ("--recovery", 20_000)

# place: the server that it needs. "shared" by all, "guarded" by HTTP middleware, "cut" off by a proxy between, "recovery" likewise where recovery is on, or
# "own", with a short heartbeat, which the scenario may stop.
Scenario = namedtuple("Scenario", "name place does observed")

SCENARIOS = [Scenario(*row) for row in (
    # --- events ---
    ("argumentsAndUnicode", "shared", "emits eight arguments of all kinds; sends", "they come back as event, acknowledgement, `message`"),
    ("jsonKinds", "shared", "emits every kind of JSON, large and small numbers, empty and nested lists and objects", "each as it was, in order"),
    ("emptyEvents", "shared", "emits without arguments; under an empty name", "the event and the acknowledgement without values; the name"),
    ("unicode", "shared", "emits astral, combining, right-to-left and control characters, NUL, U+001E", "unchanged in names, keys and values"),
    ("unforeseenEvents", "shared", "emits names that have no handler", "the server's catch-all hears them; so does the client's"),
    ("binary", "shared", "emits 0 to 300,000 bytes, and bytes within objects and lists", "the same bytes in the same places; those that the server makes"),
    ("acknowledgements", "shared", "asks and is asked, with text and binary, 50 at once; does not answer", "the answers, each to its question; the server's timeout"),
    ("acknowledgementTimeouts", "shared", "asks what nobody answers", "its timeout, and none where the answer is in time"),
    ("retries", "shared", "emits with `retries` and `ackTimeout`", "the third attempt is acknowledged, what is behind it waits; attempts end"),
    ("order", "shared", "emits 1,000 events, asks for 1,000; events with slow handlers", "all, in order"),
    ("largeText", "shared", "emits 400 kB", "unchanged, both ways"),
    ("nearMaxPayload", "shared", "sends 999,900 bytes; 1,000,100", "taken; the session's end, which disturbs no other"),
    ("buffered", "shared", "emits before it is connected", "in order, after the connection; nothing of what was volatile"),
    ("volatileEvents", "shared", "emits volatile events, and has them emitted", "they arrive, with binary"),
    # --- audience ---
    ("namespaces", "shared", "joins two namespaces; leaves one; joins none that exists", "ids of their own; the other goes on; `Invalid namespace`"),
    ("manyNamespaces", "shared", "joins ten namespaces over one connection, emits to them in turn", "each hears its own; leaving and rejoining concern one"),
    ("dynamicNamespaces", "shared", "joins namespaces that match a pattern; one that is refused", "their parameters; events to one and to all; the refusal"),
    ("auth", "shared", "joins without, with a wrong and a right token, plain and by function", "`connect_error` with its data; let in"),
    ("authPayload", "shared", "joins with a nested payload", "the handshake has it"),
    ("middleware", "guarded", "comes with and without what HTTP middleware asks for", "refused; let in"),
    ("handshake", "guarded", "comes with a query", "the handshake has it, the protocol, the transport, the path"),
    ("rooms", "shared", "joins, leaves; emits to rooms with and without itself, unions, exceptions, all, others; binary", "who should hear it hears it once"),
    ("operators", "shared", "asks for several values, typed events, a refused event, everybody's answer", "values, errors, the census of acknowledgements"),
    ("manySockets", "shared", "has all join a room, fetched, disconnected but itself", "both are in it; the other hears why it ended"),
    # --- life ---
    ("clientDisconnect", "shared", "disconnects; drops the connection", "the reason, on both sides"),
    ("serverDisconnect", "shared", "is disconnected, with its connection and without", "the reason, on both sides"),
    ("openedAgain", "shared", "disconnects and connects again", "a new id without rooms, the handlers of before"),
    ("cutConnection", "cut", "loses its connection", "back with a new id in every namespace; what it emitted meanwhile"),
    ("recovery", "recovery", "loses its connection, misses 100 events", "the same id, rooms and data; every event once, in order"),
    ("reconnection", "own", "sees the server restart", "back with a new id"),
    ("serverFallsSilent", "own", "hears nothing", "it ends the connection itself"),
    ("clientFallsSilent", "own", "says nothing", "the server's `ping timeout`"),
    ("heartbeats", "own", "is quiet for three heartbeats", "still connected"),
    ("trafficDuringUpgrade", "shared", "emits 1,000 events and is sent 1,000 while it upgrades", "each once, in order"),
)]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

# way: how it is run (drivers.py); lacks: the scenarios that it can't do, with the reason.
Client = namedtuple("Client", "name is_old way lacks")

BEFORE_4_6 = {"retries": "retries came with 4.6", "recovery": "connection state recovery came with 4.6"}
OLD = {**BEFORE_4_6, "authPayload": "Socket.IO 2.x has a query in place of auth"}
PYTHON = {
    "retries": "python-socketio has no retries", "recovery": "python-socketio can't recover its state",
    "buffered": "python-socketio refuses to emit before it is connected"}

CLIENTS = [Client(*row) for row in (
    ("chromium-4", False, "page.html", {}),
    ("chromium-3", False, "page-3.html", BEFORE_4_6),
    ("chromium-2", True, "page-2.html", OLD),
    ("jsonp-2", True, "page-2.html", {**OLD, "nearMaxPayload": "a form's answer can't be read: it isn't told of the refusal"}),
    ("node-4", False, "node", {}),
    ("node-3", False, "node", BEFORE_4_6),
    ("node-2", True, "node", OLD),
    ("python-5", False, "python", PYTHON),
    ("python-4", True, "python", {**OLD, **PYTHON}),
)]

# Chromium speaks HTTP/2 itself, over TLS with ALPN. For node's and python's clients haproxy does: they have HTTP/1.1 alone.
HTTP = ("1.1", "2")

Cell = namedtuple("Cell", "client http transport scenario")


def is_browser(client):
    return client.way.endswith(".html")


def missing(client, http, transport, scenario):
    """Why the cell doesn't exist; None where it does."""
    if scenario.name in client.lacks:
        return client.lacks[scenario.name]
    if scenario.name == "trafficDuringUpgrade" and transport != "upgrade":
        return "there is no upgrade"
    if client.name == "jsonp-2" and transport != "polling":
        return "JSONP is polling by scripts"
    if http == "2" and scenario.place == "own" and not is_browser(client):
        return "its clock is the same behind haproxy, whose own clocks would be judged; Chromium does it over HTTP/2"
    return None


def cells():
    """Those that run."""
    everything = (Cell(*each) for each in (
        (client, http, transport, scenario)
        for client in CLIENTS for http in HTTP for transport in TRANSPORTS for scenario in SCENARIOS))
    return [cell for cell in everything if missing(*cell) is None]


def summary():
    """Of each client and version of HTTP the number of scenarios by transport, as README.md has it."""
    rows = ["| client | HTTP | " + " | ".join(TRANSPORTS) + " |", "|---|---|" + "---|" * len(TRANSPORTS)]
    for client in CLIENTS:
        for http in HTTP:
            counts = [sum(cell[:3] == (client, http, transport) for cell in cells()) for transport in TRANSPORTS]
            how = "2" if http == "2" and is_browser(client) else "2, by haproxy" if http == "2" else http
            rows.append(f"| {client.name} | {how} | " + " | ".join(str(count or "-") for count in counts) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(summary())
