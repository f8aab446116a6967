"""Slow clients, floods, recovery as bytes, expiring identities, and the drain. LIMITS "Faults"."""

import json
import select
import signal
import socket
import statistics
import threading
import time

import pytest

from support.engine import EngineSocket, Polling, socketio
from support.http1 import Connection, get
from support.http2 import Http2
from support.http2_websocket import EngineStream
from support.server import wait_until
from support.websocket import TEXT, frame


def metrics(server):
    return json.loads(server.fetch("/delivery/metrics"))


def emit(server, **query):
    assert server.fetch("/delivery/emit?" + "&".join(f"{name}={value}" for name, value in query.items())) == b"emitted"


# --- recovery ------------------------------------------------------------------------------------

def connect(server, **auth):
    client = EngineSocket(server)
    client.send_packet("40" + (json.dumps(auth) if auth else ""))
    answer = json.loads(client.packet()[2:])
    return client, answer


def test_private_id_and_offset_travel_as_the_protocol_says(make_server):
    server = make_server("--recovery", 5000)
    client, answer = connect(server)
    assert set(answer) == {"sid", "pid"} and len(answer["pid"]) >= 20 and answer["pid"] != answer["sid"]
    emit(server, first=7)
    name, number, _, offset = json.loads(client.packet()[2:])
    assert (name, number) == ("number", 7) and isinstance(offset, str)
    client.socket.close()
    wait_until(lambda: server.stats()["sockets"]["/"] == 0)
    emit(server, first=8)
    client, again = connect(server, pid=answer["pid"], offset=offset)
    assert again == answer
    assert json.loads(client.packet()[2:])[1] == 8
    # Once only.
    _, other = connect(server, pid=answer["pid"], offset=offset)
    assert other["sid"] != answer["sid"] and other["pid"] != answer["pid"]
    assert metrics(server)["recovered"] == 1


@pytest.mark.parametrize("auth", [
    {"pid": 5}, {"pid": None, "offset": None}, {"pid": ["x"], "offset": "y"}, {"pid": "x" * 100_000, "offset": "x"},
    {"pid": "", "offset": ""}, {"offset": "abc"}, {"pid": {"a": 1}}])
def test_malformed_claims_make_a_new_client(make_server, auth):
    server = make_server("--recovery", 5000)
    client, answer = connect(server, **auth)
    assert answer["sid"]
    client.send_packet('421["rooms"]')
    assert client.packet().startswith("431[")
    server.check()


@pytest.mark.parametrize("offset", [1, {"a": 1}, "x", "aaaaaa.", "99999999999999999999999", "A" * 50_000])
def test_malformed_offsets_make_a_new_client(make_server, offset):
    server = make_server("--recovery", 5000)
    client, answer = connect(server)
    client.socket.close()
    wait_until(lambda: server.stats()["sockets"]["/"] == 0)
    _, other = connect(server, pid=answer["pid"], offset=offset)
    assert other["sid"] != answer["sid"]
    server.check()


def test_memory_stays_flat_while_a_client_is_away(make_server):
    server = make_server("--recovery", 60000)
    client, _ = connect(server)
    client.socket.close()
    wait_until(lambda: server.stats()["sockets"]["/"] == 0)
    for _ in range(30):
        emit(server, count=1000, size=1000)
    before = server.memory()
    for _ in range(100):
        emit(server, count=1000, size=1000)
    assert server.memory() - before < 8 << 20


# --- slow clients --------------------------------------------------------------------------------

class Crowd:
    """Many WebSocket clients that read all the time, on one thread, and note when they heard each number."""

    def __init__(self, server, count):
        self.sockets = [socketio(server)[0] for _ in range(count)]
        self.heard = []
        self.stopping = False
        self.poller = select.epoll()
        self.rest = {}
        for client in self.sockets:
            client.socket.setblocking(False)
            self.poller.register(client.socket.fileno(), select.EPOLLIN)
            self.rest[client.socket.fileno()] = [client.socket, 0]
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while not self.stopping:
            for descriptor, _ in self.poller.poll(0.1):
                entry = self.rest[descriptor]
                try:
                    entry[1] += len(entry[0].recv(1 << 20))
                except OSError:
                    pass
                self.heard.append(time.monotonic())

    def bytes(self):
        return [entry[1] for entry in self.rest.values()]

    def stop(self):
        self.stopping = True
        self.thread.join()


def measure(server, crowd, rounds):
    """Seconds from a broadcast until the last of the crowd heard it, sorted."""
    times = []
    for _ in range(rounds):
        expected = [count + 1 for count in crowd.bytes()]
        begin = time.monotonic()
        emit(server, size=2000)
        wait_until(lambda: all(now >= least for now, least in zip(crowd.bytes(), expected)), complaint="not heard")
        times.append(max(crowd.heard[-1], begin) - begin)
    return sorted(times)


@pytest.mark.parametrize("policy", ["drop-oldest", "drop-newest", "disconnect", None])
def test_one_of_a_thousand_that_reads_nothing_harms_nobody(make_server, policy):
    server = make_server(*(("--slow-clients", policy) if policy else ()), loops=1)
    crowd = Crowd(server, 999)
    try:
        slow, slow_id = socketio(server)
        quiet = measure(server, crowd, 30)
        emit(server, room=slow_id, count=2000, size=1000)
        before = server.memory()
        for _ in range(20):
            emit(server, room=slow_id, count=2000, size=1000)     # 40 MB that it does not read
        behind = measure(server, crowd, 30)
        assert server.memory() - before < 8 << 20
        assert behind[28] < quiet[28] * 3 + 0.1, (quiet, behind)
        counted = metrics(server)
        if policy == "drop-oldest":
            assert counted["droppedOldest"] > 10_000 and server.stats()["sockets"]["/"] == 1000
        elif policy == "drop-newest":
            assert counted["droppedNewest"] > 10_000 and server.stats()["sockets"]["/"] == 1000
        else:
            assert wait_until(lambda: server.stats()["sockets"]["/"] == 999)
        slow.socket.close()
    finally:
        crowd.stop()
    server.check()


@pytest.mark.parametrize("kind", ["websocket", "TLS", "HTTP/2", "polling"])
def test_who_reads_on_has_the_latest_in_order(make_server, make_secure, kind):
    server = (make_secure if kind == "TLS" else make_server)("--slow-clients", "drop-oldest")
    if kind == "polling":
        client = Polling(server)
        socket_id = client.connect()
    else:
        client = EngineStream(Http2(server)) if kind == "HTTP/2" else EngineSocket(server)
        socket_id = client.connect_namespace()
    total = 20_000
    for first in range(0, total, 2000):
        emit(server, room=socket_id, first=first, count=2000, size=1000)
    numbers = []
    while not numbers or numbers[-1] < total - 1:
        numbers.append(json.loads(client.packet()[2:])[1])
    assert numbers == sorted(set(numbers)) and len(numbers) < total
    server.check()


# --- floods --------------------------------------------------------------------------------------

def echo_times(client, rounds):
    times = []
    for number in range(rounds):
        begin = time.monotonic()
        client.send_packet(f'42{number}["echo",{number}]')
        assert client.packet() == f"43{number}[{number}]"
        times.append(time.monotonic() - begin)
        time.sleep(0.005)
    return sorted(times)


def flood(client, stop):
    """Sends as fast as the server reads."""
    burst = frame(TEXT, '42["volatile",1]') * 500
    try:
        client.socket.settimeout(0.2)
        while not stop.is_set():
            try:
                client.socket.sendall(burst)
            except TimeoutError:
                return
    except OSError:
        pass


@pytest.mark.parametrize("action", ["pause", "disconnect"])
def test_a_flooded_neighbour_keeps_its_latency(make_server, action):
    server = make_server("--flood-packets", 1000, "--flood-action", action, loops=1)
    neighbour, _ = socketio(server)
    quiet = echo_times(neighbour, 150)
    flooders = [socketio(server)[0] for _ in range(4)]
    stop = threading.Event()
    threads = [threading.Thread(target=flood, args=(client, stop)) for client in flooders]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    loud = echo_times(neighbour, 150)
    stop.set()
    for thread in threads:
        thread.join()
    assert statistics.median(loud) < statistics.median(quiet) * 3 + 0.005, (quiet, loud)
    assert loud[int(len(loud) * 0.95)] < 0.05, loud
    assert metrics(server)["floods"] >= 4
    server.check()


def test_a_flood_that_is_dropped_leaves_the_connection_usable(make_server):
    server = make_server("--flood-packets", 100, "--flood-action", "drop")
    client, _ = socketio(server)
    client.send(frame(TEXT, '42["burst",1]') * 1000)
    time.sleep(1.2)
    client.send_packet('425["echo",5]')
    answers = []
    while not answers or answers[-1] != "435[5]":
        answers.append(client.packet())
    assert 50 < len(answers) < 150
    assert metrics(server)["floodDropped"] > 800


# --- identities ----------------------------------------------------------------------------------

def test_identity_expires_in_its_namespace_only(server):
    client = EngineSocket(server)
    client.connect_namespace()
    client.connect_namespace("/expiring", {"lifetime": 700})
    begin = time.monotonic()
    assert client.packet().startswith('42/expiring,0["refresh",')
    assert client.packet() == "41/expiring,"
    assert 0.5 < time.monotonic() - begin < 2
    client.send_packet('421["rooms"]')
    assert client.packet().startswith("431[")


def test_refusing_and_malformed_answers_do_not_renew_it(server):
    for answer in ('43/expiring,0[]', '43/expiring,0[{}]', '43/expiring,0["x"]', '43/expiring,0[{"lifetime":"x"}]'):
        client = EngineSocket(server)
        client.connect_namespace("/expiring", {"lifetime": 600})
        assert client.packet().startswith('42/expiring,0["refresh",')
        client.send_packet(answer)
        assert client.packet() == "41/expiring,"
        client.socket.close()
    server.check()


# --- the drain -----------------------------------------------------------------------------------

def test_clients_are_told_one_after_the_other(make_server):
    server = make_server("--shutdown-spread", 2000, "--shutdown-deadline", 8000)
    clients = [socketio(server)[0] for _ in range(150)]
    polling = Polling(server)
    polling.connect()
    parked = Connection(server, 10)
    parked.send(get(f"/socket.io/?EIO=4&transport=polling&sid={polling.sid}"))
    time.sleep(0.1)
    ends, begin = [], time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    waiting = {client.socket.fileno(): client for client in clients}
    while waiting and time.monotonic() < begin + 5:
        ready, _, _ = select.select(list(waiting), [], [], 0.1)
        for descriptor in ready:
            data = waiting[descriptor].socket.recv(4096)
            if b"\x88" in data or not data:
                ends.append(time.monotonic() - begin)
                waiting.pop(descriptor).socket.close()
    assert not waiting
    answer = parked.response()
    assert answer.status == 200 and answer.body == b"1"
    assert ends[0] < 0.7 and 1.2 < ends[-1] < 3, (ends[0], ends[-1])
    for start in (0, 0.5, 1.0, 1.5):
        assert any(start <= end < start + 0.6 for end in ends), ends
    assert 30 < sum(end < 1 for end in ends) < 120
    assert server.process.wait(4) == 0


def test_work_that_was_accepted_is_done_during_the_drain(make_server):
    server = make_server("--shutdown-spread", 1500, "--shutdown-deadline", 6000)
    clients = [socketio(server)[0] for _ in range(20)]
    idle = Connection(server, 5)
    idle.send(get("/hello")).response()
    for client in clients:
        client.send_packet('421["slow",7,400]')
    time.sleep(0.1)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    # A keep-alive connection is served as long as sessions are being closed, but gets no new session.
    assert idle.send(get("/hello")).response().body == b"hello"
    assert idle.send(get("/socket.io/?EIO=4&transport=polling")).response().status == 503
    for client in clients:
        assert client.packet() == '42["slow",7]'
        assert client.packet() == "431[]"
    assert server.process.wait(6) == 0


def test_a_handler_that_hangs_does_not_hold_the_drain_up(make_server):
    server = make_server("--shutdown-spread", 500, "--shutdown-deadline", 3000)
    client, _ = socketio(server)
    client.send_packet('42["slow",7,60000]')
    time.sleep(0.1)
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    client.assert_closed()
    assert server.process.wait(5) == 0
    assert time.monotonic() - begin < 4


def test_spread_beyond_the_deadline_is_cut_to_it(make_server):
    server = make_server("--shutdown-spread", 60000, "--shutdown-deadline", 2000)
    clients = [socketio(server)[0] for _ in range(30)]
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        client.assert_closed(3)
    assert server.process.wait(4) == 0
    assert time.monotonic() - begin < 3
