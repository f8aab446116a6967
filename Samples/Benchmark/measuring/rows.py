"""What is measured: a row is one kind of work, with the load that asks for it and the bars that it has to pass."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    # The figure's key in the load generator's JSON, or "wrk" for its requests a second.
    key: str
    load: tuple
    # What Parley's server is told.
    flags: tuple = ()
    # Which other servers take part.
    against: tuple = ("floor", "uWebSockets", "node-ws", "python-socketio")
    # The least ratio to each of them.
    bars: dict = field(default_factory=dict)
    # The most that Parley's figure may be, where less is better.
    most: int | None = None
    # How many microseconds of processor time one may cost more than without the flags, which is measured in turn.
    costs_more: float | None = None
    rounds: int | None = None


def echo(name, *load, **more):
    return Row(name, "messages/s", "msgs_per_s", ("--mode", *load), **more)


# Node's server is not to be had from Debian or PyPI. Where five or four times its rate is asked for, that is as many times
# python-socketio's, by the rates that both had on one machine: 1,820 and 918 connects, 9,500 and 3,200 echoes a second.
FIVE_TIMES_NODE_CONNECTING = round(5 * 1820 / 918, 1)
FOUR_TIMES_NODE_ECHOING = round(4 * 9500 / 3200, 1)

ROWS = [
    echo("echo with ack, depth 1", "echo-ack", "--depth", "1", bars={"uWebSockets": 0.85}),
    echo("echo with ack, depth 16", "echo-ack", "--depth", "16", bars={"uWebSockets": 0.4, "node-ws": 2}),
    echo("echo with ack, depth 16, asynchronous handler", "echo-ack", "--depth", "16", flags=("--async",), against=(),
         costs_more=1.5),
    echo("echo with ack, depth 16, two loops", "echo-ack", "--depth", "16", flags=("--loops", "2"), against=(),
         costs_more=0.3),
    echo("binary echo 1 KiB, depth 1", "binary", "--payload", "1024", "--depth", "1", flags=("--binary", "--emit")),
    echo("binary echo 1 KiB, depth 16", "binary", "--payload", "1024", "--depth", "16", flags=("--binary", "--emit")),
    Row("broadcast to 1,000, one in flight", "deliveries/s", "deliveries_per_s",
        ("--mode", "broadcast", "--connections", "1000", "--payload", "64"), bars={"uWebSockets": 0.9}),
    Row("broadcast to 1,000, four in flight", "deliveries/s", "deliveries_per_s",
        ("--mode", "broadcast", "--connections", "1000", "--payload", "64", "--depth", "4"), bars={"uWebSockets": 0.9}),
    Row("rooms: 1,000 clients in 100 rooms", "deliveries/s", "deliveries_per_s",
        ("--mode", "room", "--connections", "1000", "--rooms", "100", "--payload", "64"), bars={"uWebSockets": 0.9}),
    Row("connects with namespace, WebSocket", "connects/s", "connects_per_s", ("--mode", "connect"), bars={"uWebSockets": 0.6}),
    Row("connects with namespace, polling", "connects/s", "connects_per_s",
        ("--mode", "connect", "--transport", "polling"), against=("python-socketio",),
        bars={"python-socketio": FIVE_TIMES_NODE_CONNECTING}),
    echo("polling echo, depth 1", "echo-ack", "--transport", "polling", against=("python-socketio",),
         bars={"python-socketio": FOUR_TIMES_NODE_ECHOING}),
    Row("idle connection", "bytes", "bytes_per_connection", ("--mode", "idle", "--connections", "10000"),
        against=("floor", "uWebSockets", "python-socketio"), most=4096, rounds=1),
    Row("HTTP hello", "requests/s", "wrk", ("/hello",), against=("nginx",), bars={"nginx": 1.0}),
    Row("static file of 10 KiB", "requests/s", "wrk", ("/files/10k.txt",), against=("nginx",), bars={"nginx": 0.8}),
    Row("HTTP/2 hello, 10 connections of 100 streams", "requests/s", "h2load", ("/hello",), against=("nghttpd",),
        bars={"nghttpd": 0.7}),
    *[echo(f"growth: echo with ack, {count:,} connections", "echo-ack", "--connections", str(count), against=("floor", "uWebSockets"))
      for count in (100, 1000, 10_000)],
    *[echo(f"growth: echo with ack, payload of {size:,} bytes", "echo-ack", "--payload", str(size), against=("floor", "uWebSockets"))
      for size in (100, 1000, 10_000)],
    *[Row(f"growth: broadcast to {count:,}", "deliveries/s", "deliveries_per_s",
          ("--mode", "broadcast", "--connections", str(count), "--payload", "64"), against=("floor", "uWebSockets"))
      for count in (100, 1000, 10_000)],
    *[Row(f"growth: {count:,} rooms of ten", "deliveries/s", "deliveries_per_s",
          ("--mode", "room", "--connections", str(10 * count), "--rooms", str(count), "--payload", "64"), against=("floor", "uWebSockets"))
      for count in (10, 100, 1000)],
]
