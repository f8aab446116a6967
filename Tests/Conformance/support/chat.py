"""The chat sample as a process, and what people do on its page."""

import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLIENT = ROOT / ".cache/vendor/socket.io.min.js"


def chat_binary():
    candidates = [os.environ.get("CHAT_BINARY"), ROOT / ".build/release/Chat", ROOT / ".build/debug/Chat"]
    return next((str(path) for path in candidates if path and os.access(path, os.X_OK)), None)


def chromium():
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


class Server:
    """The chat on a port of its own, which stays the same when it is restarted; over TLS with certificate and key."""

    environment = None
    program = staticmethod(chat_binary)

    def __init__(self, certificate=None, key=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.port}/"
        self.arguments = ["--certificate", certificate, "--key", key] if certificate else []
        self.trust = ssl.create_default_context(cafile=certificate) if certificate else None
        self.output = tempfile.TemporaryFile()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.program(), "--port", str(self.port), *self.arguments], stdout=self.output, stderr=self.output,
            env=self.environment)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the sample ended by itself"
            try:
                urllib.request.urlopen(self.url, timeout=2, context=self.trust).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the sample does not answer")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the sample did not end within 15 s of SIGTERM")

    def log(self):
        """The lines that the server logged."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace").splitlines()

    def post(self, path, value):
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5, context=self.trust) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


def log_in(page, name):
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join the chat").click()


def say(page, text):
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def message(page, text):
    return page.locator(".message", has_text=text)
