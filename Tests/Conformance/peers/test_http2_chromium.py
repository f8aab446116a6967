"""A real browser over TLS: HTTP/2, and its WebSockets on the page's own connection (RFC 8441). FEATURES W5."""

import psutil

PAGE = """(count) => Promise.all(Array.from({length: count}, (_, n) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${location.host}/ws`);
    socket.onopen = () => socket.send(`number ${n}`);
    socket.onmessage = (event) => { socket.close(1000); resolve(event.data); };
    socket.onerror = () => reject(new Error("failed"));
})))"""


def connections(server):
    return [each for each in psutil.Process(server.process.pid).net_connections() if each.status == psutil.CONN_ESTABLISHED]


def open_page(browser, server):
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    assert page.goto(server.url("/page.html")).status == 200
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    return page


def test_websockets_share_the_pages_connection(make_secure, browser):
    server = make_secure()
    page = open_page(browser, server)
    statuses = []
    session = page.context.new_cdp_session(page)
    session.on("Network.webSocketHandshakeResponseReceived", lambda event: statuses.append(event["response"]["status"]))
    session.send("Network.enable")
    assert page.evaluate(PAGE, 50) == [f"number {n}" for n in range(50)]
    assert statuses == [200] * 50, "an upgrade of HTTP/1.1 is 101"
    assert len(connections(server)) == 1
    page.context.close()
    server.check()


def test_socketio_over_http2(make_secure, browser):
    server = make_secure()
    page = open_page(browser, server)
    for transports in (["websocket"], ["polling"], ["polling", "websocket"]):
        answer = page.evaluate(
            """(transports) => new Promise((resolve) => {
                const socket = io({transports, reconnection: false});
                socket.on("connect", () => socket.emit("echo", {over: "h2"}, (value) => { socket.disconnect(); resolve(value); }));
                socket.on("connect_error", (error) => resolve(error.message));
            })""", transports)
        assert answer == {"over": "h2"}
    assert len(connections(server)) == 1
    page.context.close()
    server.check()
