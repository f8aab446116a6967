"""What only clients of Socket.IO 2.x (Engine.IO 3) need, in headless Chromium; their scenarios are the table's."""

import pytest

from peers.scenarios import TRANSPORTS

OLD = ("--engineio3", "--jsonp")


@pytest.fixture
def open_page(browser):
    contexts = []

    def open_page(server):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        assert page.goto(server.url("/page-2.html")).status == 200
        return page

    yield open_page
    for context in contexts:
        context.close()


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
