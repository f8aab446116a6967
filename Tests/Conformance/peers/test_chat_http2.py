"""The chat sample over TLS in headless Chromium: the page comes over HTTP/2, and its Socket.IO connection is a WebSocket on
the same TCP connection (RFC 8441), as the server's log and Chromium's own net log show."""

import json
import re
import subprocess

import pytest
from playwright import sync_api as playwright

from support.chat import ROOT, Server, chat_binary, chromium, log_in, message, say
from support.server import wait_until

expect = playwright.expect


@pytest.fixture
def server(tmp_path):
    if chat_binary() is None:
        pytest.fail("the executable Chat is not built")
    subprocess.run([ROOT / "Samples/run", "--prepare"], check=True)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    server = Server(str(certificate), str(key))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def net_log(tmp_path):
    return tmp_path / "net-log.json"


@pytest.fixture
def tabs(net_log):
    """Opens tabs of one browser profile, which share their connections."""
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", f"--log-net-log={net_log}", "--net-log-capture-mode=Everything"])
        context = browser.new_context(ignore_https_errors=True)
        yield context.new_page
        browser.close()


def open_tab(tabs, server, name):
    page = tabs()
    page.goto(server.url)
    log_in(page, name)
    expect(page.locator("#room-title")).not_to_be_empty()
    return page


def requests(server):
    """What the access log says: a dictionary a request."""
    lines = [line for line in server.log() if " request" in line and "path=" in line]
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines]


def test_page_and_realtime_share_one_connection(server, tabs, net_log):
    ada, grace = open_tab(tabs, server, "Ada"), open_tab(tabs, server, "Grace")
    say(ada, "Over which protocol?")
    expect(message(grace, "Over which protocol?")).to_be_visible()
    say(grace, "The newer one")
    expect(message(ada, "The newer one")).to_be_visible()

    sockets = wait_until(lambda: (found := [entry for entry in requests(server) if entry.get("upgrade") == "websocket"])
                         and len(found) == 2 and found)
    browser = [entry for entry in requests(server) if entry["version"] == "HTTP/2"]
    assert {entry["path"] for entry in browser} >= {"/", "/app.js", "/socket.io/"}
    assert all(entry["version"] == "HTTP/2" and entry["status"] == "101" for entry in sockets), sockets
    assert len({entry["remote"] for entry in browser}) == 1, "more than one TCP connection"
    say(ada, "And still the same")
    expect(message(grace, "And still the same")).to_be_visible()


def test_the_browsers_own_log_says_so(server, net_log):
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", f"--log-net-log={net_log}", "--net-log-capture-mode=Everything"])
        context = browser.new_context(ignore_https_errors=True)
        page = open_tab(context.new_page, server, "Ada")
        wait_until(lambda: any(entry.get("upgrade") for entry in requests(server)))
        say(page, "Is this logged?")
        expect(message(page, "Is this logged?").locator(".receipt.sent")).to_have_count(1)
        browser.close()
    log = json.loads(net_log.read_text())
    names = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    sent = [event for event in log["events"] if names[event["type"]] == "HTTP2_SESSION_SEND_HEADERS"
            and str(server.port) in json.dumps(event)]
    tunnels = [event for event in sent if any(":protocol: websocket" in field for field in event["params"]["headers"])]
    assert len(tunnels) == 1, "Chromium sent no extended CONNECT"
    sessions = {event["source"]["id"] for event in sent}
    assert sessions == {tunnels[0]["source"]["id"]}, "page and WebSocket have different HTTP/2 sessions"
