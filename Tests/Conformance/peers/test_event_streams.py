"""Server-sent events: EventSource in a real browser, and curl; over HTTP/1.1 and HTTP/2."""

import signal
import subprocess
import time

import pytest

from support.server import wait_until

# Collects what an EventSource sees until it has so many ticks.
COLLECT = """({path, count}) => new Promise((resolve, reject) => {
    const seen = [], source = new EventSource(path);
    source.addEventListener("hello", (event) => seen.push(["hello", event.data, event.lastEventId]));
    source.addEventListener("tick", (event) => {
        seen.push(["tick", event.data, event.lastEventId]);
        if (seen.filter((each) => each[0] === "tick").length === count) { source.close(); resolve(seen); }
    });
    setTimeout(() => reject(new Error(JSON.stringify(seen))), 10000);
})"""


@pytest.fixture(params=["server", "secure"], ids=["HTTP/1.1", "HTTP/2"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["make_server", "make_secure"], ids=["HTTP/1.1", "HTTP/2"])
def make_either(request):
    return request.getfixturevalue(request.param)


def open_page(browser, server):
    page = browser.new_context(ignore_https_errors=True).new_page()
    assert page.goto(server.url("/page.html")).status == 200
    version = page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
    assert version == ("h2" if server.context else "http/1.1")
    return page


def curl(server, *arguments):
    how = ["--cacert", server.certificates.pem("ca")] if server.context else []
    return ["curl", "-sSN", *map(str, how), *arguments]


def test_chromium_reads_events_and_comes_back(either, browser):
    page = open_page(browser, either)
    seen = page.evaluate(COLLECT, {"path": "/events?count=3", "count": 7})
    tick = lambda number: ["tick", f"line {number}\nsecond\nthird\n", str(number)]
    assert seen == [["hello", "after 0", ""], tick(1), tick(2), tick(3),
                    ["hello", "after 3", "3"], tick(4), tick(5), tick(6),
                    ["hello", "after 6", "6"], tick(7)]
    page.context.close()
    either.check()


def test_a_closed_event_source_ends_its_handler(make_either, browser):
    server = make_either()
    page = open_page(browser, server)
    page.evaluate("""() => new Promise((resolve) => {
        window.sources = Array.from({length: 3}, () => new EventSource("/events/endless"));
        let opened = 0;
        for (const source of window.sources) source.onmessage = () => { if (++opened === 3) resolve(); };
    })""")
    assert server.fetch("/events/open") == b"3"
    page.evaluate("() => window.sources.forEach((source) => source.close())")
    wait_until(lambda: server.fetch("/events/open") == b"0")
    page.context.close()
    server.check()


def test_curl_gets_each_event_when_it_is_sent(either):
    client = subprocess.Popen(
        curl(either, either.url("/events?count=2&milliseconds=700")), stdout=subprocess.PIPE, text=True)
    start = time.monotonic()
    line = lambda: client.stdout.readline()
    assert [line() for _ in range(4)] == ["event: hello\n", "retry: 100\n", "data: after 0\n", "\n"]
    assert [line() for _ in range(7)] == ["event: tick\n", "id: 1\n", "data: line 1\n", "data: second\n", "data: third\n", "data: \n", "\n"]
    assert time.monotonic() - start < 0.6
    assert "id: 2\n" in client.stdout.read() and client.wait(5) == 0
    assert time.monotonic() - start >= 1.3


def test_heartbeats_keep_a_silent_stream(either):
    done = subprocess.run(
        curl(either, either.url("/events?count=1&milliseconds=900&heartbeat=200")), capture_output=True, text=True, timeout=10)
    assert 2 <= done.stdout.count("\n:\n\n") <= 5


def test_a_client_that_wants_something_else_gets_406(either):
    done = subprocess.run(
        curl(either, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Accept: text/html", either.url("/events")),
        capture_output=True, text=True, timeout=10)
    assert done.stdout == "406"


def test_a_shutdown_ends_event_streams_at_once(make_either):
    server = make_either("--shutdown-deadline", 20_000)
    clients = [subprocess.Popen(curl(server, server.url("/events/endless")), stdout=subprocess.PIPE) for _ in range(5)]
    for client in clients:
        assert client.stdout.readline() == b'data: {"open":true}\n'
    server.process.send_signal(signal.SIGTERM)
    start = time.monotonic()
    assert [client.wait(10) for client in clients] == [0] * 5, "each stream is whole"
    assert server.process.wait(10) == 0
    assert time.monotonic() - start < 5
