"""What runs the scenarios of the table: a process that takes one after the other, or a page of the browser."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

from peers.scenarios import TRANSPORTS
from support.client import client_script, old_python

HERE = Path(__file__).parent
PATIENCE = 45


class Place:
    """A server as a scenario sees it: where it is, and what may happen to it."""

    def __init__(self, server, url=None, proxy=None):
        self.server, self.proxy = server, proxy
        self.url = url or server.url()

    def take_step(self, name, value=None):
        """Does what a scenario asks for; most of it returns nothing."""
        if name == "reason":
            return self.server.disconnect_reason(value)
        if name == "emit":
            assert self.server.fetch("/delivery/emit?" + urlencode(value)) == b"emitted"
        elif name == "cut":
            self.proxy.cut()
        else:
            {"restart": lambda: self.server.restart(pause=0.3), "pause": self.server.pause, "resume": self.server.resume}[name]()
        return None


def node_command():
    node = shutil.which("node")
    assert node, "node is missing: Tests/run installs it"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major = int(version.lstrip("v").split(".")[0])
    return [node] + (["--experimental-websocket", "--no-warnings"] if major < 22 else [])


def command(client):
    """The process that runs a client of the table."""
    if client.way == "node":
        return node_command() + [HERE / "javascript" / "run.cjs", client_script(client.name[-1])]
    return [old_python() if client.is_old else sys.executable, HERE / "python" / "run.py"]


class Process:
    """Runs scenarios in a process, which is started anew when one didn't pass."""

    def __init__(self, line):
        self.line = list(map(str, line))
        self.process = None

    def run(self, place, name, settings):
        if self.process is None:
            self.process = subprocess.Popen(self.line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        watch = threading.Timer(PATIENCE, self.process.kill)
        watch.start()
        result = None
        try:
            result = self._converse(place, [name, settings])
        finally:
            watch.cancel()
            if result != "passed":
                self.close()
        return result

    def _converse(self, place, message):
        while True:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
            line = next((line for line in self.process.stdout if line.startswith(("STEP ", "RESULT "))), None)
            if line is None:
                return f"the client ended with {self.process.wait()}"
            kind, _, value = line.partition(" ")
            if kind == "RESULT":
                return json.loads(value)
            message = place.take_step(*json.loads(value))

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                pipe.close()
            self.process = None


class Page:
    """Runs scenarios in one page of a browser; another is opened when one didn't pass."""

    def __init__(self, browser, name):
        self.browser, self.name = browser, name
        self.context = self.page = self.place = None

    def open(self, place):
        self.place = place
        self.context = self.browser.new_context(ignore_https_errors=True)
        self.page = self.context.new_page()
        self.page.expose_function("step", lambda name, value=None: self.place.take_step(name, value))
        assert self.page.goto(f"{place.url}/{self.name}").status == 200

    def run(self, place, name, settings):
        if self.page is None:
            self.open(place)
        result = self.page.evaluate(
            "([name, settings]) => fetch('/hello').then(() => runScenario(name, settings)).catch((error) => String(error.stack))", [name, settings])
        if result != "passed":
            self.close()
        return result

    def close(self):
        if self.context is not None:
            self.context.close()
            self.context = self.page = None


def run_in_node(server, name, transport):
    """One scenario of the 4.x client under node, whatever stands before the server."""
    driver = Process(node_command() + [HERE / "javascript" / "run.cjs", client_script()])
    try:
        return driver.run(Place(server), name, {"url": server.url(), "transports": TRANSPORTS[transport], "run": "-"})
    finally:
        driver.close()
