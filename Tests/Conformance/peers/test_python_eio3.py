"""python-socketio 4.x, the last whose client speaks Engine.IO 3, over polling, WebSocket and upgrade."""

import json
from pathlib import Path

import pytest

from peers.scenarios import ON_OWN_SERVER, SHORT_HEARTBEAT, TRANSPORTS, table
from peers.test_javascript_node import drive
from support.client import old_python

DRIVER = Path(__file__).parent / "python_eio3" / "run.py"


@pytest.mark.parametrize("name, transport", table(), ids=lambda value: value)
def test_scenario(name, transport, old_server, make_server):
    server = make_server(*SHORT_HEARTBEAT, "--engineio3") if name in ON_OWN_SERVER else old_server
    settings = {"url": server.url(), "transports": TRANSPORTS[transport]}
    result = drive(server, [str(old_python()), str(DRIVER), name, json.dumps(settings)])
    assert result == "passed", result
    server.check()
