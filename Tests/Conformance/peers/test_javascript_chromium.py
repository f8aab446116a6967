"""The official JavaScript client in headless Chromium across origins."""

import pytest

from peers.scenarios import TRANSPORTS


@pytest.fixture
def open_page(browser):
    contexts = []

    def open_page(server):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        answer = page.goto(server.url("/page.html"))
        assert answer.status == 200
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_pages_of_another_origin_are_kept_out(server, shared_origin, open_page):
    """The page comes from `server`; the realtime server that it asks allows another origin only."""
    page = open_page(server)
    outcome = page.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = io(url, {transports: ["polling"], reconnection: false});
            socket.on("connect", () => resolve("connected"));
            socket.on("connect_error", () => resolve("refused"));
        })""", shared_origin.url())
    assert outcome == "refused"
    outcome = page.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = io(url, {transports: ["websocket"], reconnection: false});
            socket.on("connect", () => resolve("connected"));
            socket.on("connect_error", () => resolve("refused"));
        })""", shared_origin.url())
    assert outcome == "refused"


def test_pages_of_the_allowed_origin_are_let_in(make_server, server, open_page):
    page = open_page(server)
    friendly = make_server("--cors-origin", server.url())
    for transports in TRANSPORTS.values():
        outcome = page.evaluate(
            """([url, transports]) => new Promise((resolve) => {
                const socket = io(url, {transports, reconnection: false, withCredentials: true});
                socket.on("connect", () => socket.emit("echo", "across", resolve));
                socket.on("connect_error", (error) => resolve(error.message));
            })""", [friendly.url(), transports])
        assert outcome == "across"
