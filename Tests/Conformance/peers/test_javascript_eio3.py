"""The official JavaScript client of Socket.IO 2.x (Engine.IO 3), under node and in headless Chromium."""

import pytest

from peers.scenarios import ON_OWN_SERVER, SHORT_HEARTBEAT, TRANSPORTS, table, take_step
from peers.test_javascript_node import run
from support.client import old_client_script

OLD = ("--engineio3", "--jsonp")


def chosen_server(name, old_server, make_server):
    return make_server(*SHORT_HEARTBEAT, *OLD) if name in ON_OWN_SERVER else old_server


@pytest.fixture
def open_page(browser):
    contexts = []

    def open_page(server):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.expose_function("step", lambda name, value=None: take_step(server, name, value))
        assert page.goto(server.url("/page-2.html")).status == 200
        return page

    yield open_page
    for context in contexts:
        context.close()


def run_in_page(page, server, name, transports, **options):
    settings = {"url": server.url(), "transports": transports, "options": options}
    return page.evaluate(
        "([name, settings]) => runScenario(name, settings).catch((error) => String(error.stack))", [name, settings])


@pytest.mark.parametrize("name, transport", table(), ids=lambda value: value)
def test_scenario_under_node(name, transport, old_server, make_server):
    server = chosen_server(name, old_server, make_server)
    result = run(server, name, transport, old_client_script())
    assert result == "passed", result
    server.check()


@pytest.mark.parametrize("name, transport", table(), ids=lambda value: value)
def test_scenario_in_chromium(name, transport, old_server, make_server, open_page):
    """With XMLHttpRequest level 2: binary payloads in both directions."""
    server = chosen_server(name, old_server, make_server)
    result = run_in_page(open_page(server), server, name, TRANSPORTS[transport])
    assert result == "passed", result
    server.check()


@pytest.mark.parametrize("name", [name for name, transport in table() if transport == "polling"])
def test_scenario_by_jsonp(name, old_server, make_server, open_page):
    server = chosen_server(name, old_server, make_server)
    page = open_page(server)
    scripts = []
    page.on("request", lambda request: scripts.append(request.resource_type) if "j=" in request.url else None)
    result = run_in_page(page, server, name, ["polling"], forceJSONP=True)
    assert result == "passed", result
    assert "script" in scripts and "xhr" not in scripts
    server.check()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_old_and_new_clients_hear_each_other(transport, old_server, open_page, browser):
    """One broadcast of text and one of binary, to a 2.x and a 4.x client at a time."""
    old = open_page(old_server)
    new = browser.new_context().new_page()
    new.goto(old_server.url("/page.html"))
    listen = """([url, transports]) => new Promise((resolve, reject) => {
        window.heard = [];
        const socket = window.socket = io(url, {transports, reconnection: false, forceNew: true});
        socket.on("others", (value) => heard.push(value instanceof ArrayBuffer ? Array.from(new Uint8Array(value)) : value));
        socket.on("connect", () => resolve(socket.id));
        socket.on("connect_error", reject);
    })"""
    for page in (old, new):
        page.evaluate(listen, [old_server.url(), TRANSPORTS[transport]])
    for speaker, listener in ((old, new), (new, old)):
        speaker.evaluate("""() => {
            socket.emit("broadcast-others", "é🎉");
            socket.emit("broadcast-others", new Uint8Array([0, 1, 255]).buffer);
        }""")
        listener.wait_for_function("heard.length === 2", timeout=5000)
        assert listener.evaluate("heard") == ["é🎉", [0, 1, 255]]
    new.context.close()
    old_server.check()


def test_upgrades_may_be_refused(make_server, open_page):
    server = make_server(*OLD, "--no-upgrades")
    page = open_page(server)
    outcome = page.evaluate("""(url) => new Promise((resolve) => {
        const socket = io(url, {reconnection: false});
        socket.on("connect", () => setTimeout(() => socket.emit("echo", "still", (value) =>
            resolve([value, socket.io.engine.transport.name])), 300));
    })""", server.url())
    assert outcome == ["still", "polling"]


SCRIPT_TAG = """(url) => new Promise((resolve) => {
    window.___eio = [(payload) => resolve(payload.slice(0, 2))];
    const script = document.createElement("script");
    script.src = url;
    script.onerror = () => resolve("refused");
    script.onload = () => setTimeout(() => resolve("loaded in vain"), 100);
    document.head.appendChild(script);
})"""


def test_script_tags_of_this_origin_alone(old_server, server, browser):
    target = old_server.url("/socket.io/?EIO=4&transport=polling&j=0")
    page = browser.new_context().new_page()
    page.goto(old_server.url("/page.html"))
    assert page.evaluate(SCRIPT_TAG, target) == "0{"
    page.goto(server.url("/page.html"))     # another port is another origin
    assert page.evaluate(SCRIPT_TAG, target) == "refused"
    page.context.close()
