"""The official JavaScript client under node."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from peers.scenarios import ALL, ON_OWN_SERVER, SHORT_HEARTBEAT, TRANSPORTS, table, take_step
from support.client import client_script

JAVASCRIPT = Path(__file__).parent / "javascript"


def node_command():
    node = shutil.which("node")
    assert node, "node is missing: Tests/run installs it"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major = int(version.lstrip("v").split(".")[0])
    return [node] + (["--experimental-websocket", "--no-warnings"] if major < 22 else [])


def run(server, name, transport, script=None):
    settings = {"url": server.url(), "transports": TRANSPORTS[transport]}
    return drive(server, node_command() + [
        str(JAVASCRIPT / "run.cjs"), str(script or client_script()), name, json.dumps(settings)])


def drive(server, command):
    """Runs a client's process, does the steps that it asks for, and returns its result."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            if kind == "STEP":
                process.stdin.write(json.dumps(take_step(server, *json.loads(rest))) + "\n")
                process.stdin.flush()
            elif kind == "RESULT":
                return json.loads(rest)
        return f"the client ended with {process.wait()}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name, transport", table(), ids=lambda value: value)
def test_scenario(name, transport, server, make_server):
    chosen = make_server(*SHORT_HEARTBEAT) if name in ON_OWN_SERVER else server
    result = run(chosen, name, transport)
    assert result == "passed", result
    chosen.check()


def test_table_names_every_scenario():
    written = re.findall(r"^  scenarios\.(\w+) =", (JAVASCRIPT / "scenarios.js").read_text(), re.MULTILINE)
    assert sorted(written) == sorted(ALL)
