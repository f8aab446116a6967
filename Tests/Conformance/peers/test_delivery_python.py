"""python-socketio where recovery is on, which it doesn't speak: it sees the offset, and comes back as a new client."""

import time

import pytest
import socketio

from peers.scenarios import TRANSPORTS
from support.proxy import Proxy
from support.server import wait_until


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_reconnects_as_a_new_client(make_server, transport):
    server = make_server("--recovery", 20000)
    proxy = Proxy(server)
    client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.2)
    received, ids = [], []
    client.on("number", lambda *values: received.append(values))
    client.on("connect", lambda: ids.append(client.get_sid()))
    try:
        client.connect(proxy.url(), transports=TRANSPORTS[transport])
        server.fetch("/delivery/emit?first=1")
        wait_until(lambda: received)
        number, padding, offset = received[0]
        assert (number, padding) == (1, "") and isinstance(offset, str)
        time.sleep(0.1)
        proxy.cut()
        wait_until(lambda: len(ids) == 2)
        assert ids[0] != ids[1]
        server.fetch("/delivery/emit?first=2")
        wait_until(lambda: len(received) == 2)
        assert received[1][0] == 2
    finally:
        client.disconnect()
        proxy.close()
    server.check()
