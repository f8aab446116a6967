"""Starts, watches and stops the server under test."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections import deque
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[3]


def command():
    """The server's command line: CONFORMANCE_SERVER, or the release build of the package."""
    given = os.environ.get("CONFORMANCE_SERVER")
    if given:
        return given.split()
    for configuration in ("release", "debug"):
        built = REPOSITORY / ".build" / configuration / "ConformanceServer"
        if built.exists():
            return [str(built)]
    raise RuntimeError("ConformanceServer is not built: swift build -c release --product ConformanceServer")


class Server:
    """One process of the server under test, on a loopback port."""

    context = None      # of TLS
    launcher = ()       # what starts the server's command line
    inherited = ()      # descriptors that it gets

    def __init__(self, *arguments, port=0, loops=2):
        self.arguments = [str(argument) for argument in arguments]
        self.loops = loops
        self.port = port
        self.process = None
        self.output = deque(maxlen=200)

    def start(self):
        line = [*self.launcher, *command()] + ["--host", "127.0.0.1", "--port", str(self.port), "--loops", str(self.loops)]
        self.process = subprocess.Popen(
            line + self.arguments, pass_fds=self.inherited, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        ready = threading.Event()
        threading.Thread(target=self._collect, args=(ready,), daemon=True).start()
        deadline = time.monotonic() + 15
        while not ready.wait(0.02):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("the server did not start:\n" + self.log())
        return self

    def _collect(self, ready):
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("listening on "):
                self.port = int(line.split()[-1])
                ready.set()

    @property
    def addresses(self):
        """All addresses that it listens on, as it writes them."""
        return [line.split(" ", 1)[1].strip() for line in self.output if line.startswith("address ")]

    def log(self):
        return "".join(self.output)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=5):
        """SIGTERM; the exit status, or the reason why there is none in time."""
        if not self.alive():
            return self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return "did not stop on SIGTERM"

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self, pause=0.0):
        """Stops without grace and starts again on the same port."""
        self.kill()
        time.sleep(pause)
        return self.start()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def memory(self):
        """Resident bytes."""
        return psutil.Process(self.process.pid).memory_info().rss

    def descriptors(self):
        """Those that are open."""
        return psutil.Process(self.process.pid).num_fds()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def connect(self, timeout=5, protocol=None):
        """A socket; clear text needs no word about the protocol, which TLSServer negotiates."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def fetch(self, path):
        """A page's bytes, by a client that has no part in any test."""
        with urllib.request.urlopen(self.url(path), timeout=5, context=self.context) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self.fetch("/stats"))

    def check(self):
        """The server still answers: asserted after every abuse."""
        assert self.alive(), f"the server died with {self.process.returncode}:\n{self.log()}"
        assert self.fetch("/hello") == b"hello"

    def disconnect_reason(self, socket_id, timeout=5):
        """The reason that the server saw for a Socket.IO socket's end."""
        return wait_until(lambda: next(
            (entry["reason"] for entry in self.stats()["disconnects"] if entry["id"] == socket_id), None),
            timeout, f"the server reported no disconnect of {socket_id}")


def stream_bytes(size):
    """What `/stream?bytes=size` sends."""
    return bytes(range(251)) * (size // 251) + bytes(range(size % 251))


def wait_until(condition, timeout=5, complaint="the condition did not come true"):
    """Polls until the condition is truthy, and returns it."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)
