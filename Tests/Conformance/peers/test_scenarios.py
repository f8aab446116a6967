"""The table of scenarios.py: every client, over every transport and version of HTTP that it has."""

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from peers.drivers import Page, Place, Process, command
from peers.scenarios import BY_NAME, CLIENTS, RECOVERY, SHORT_HEARTBEAT, TRANSPORTS, cells, is_browser, missing, summary
from support.proxies import haproxy_to_http2
from support.proxy import Proxy
from support.server import Server
from support.tls import TLSServer

HERE = Path(__file__).parent
OLD = ("--engineio3", "--jsonp")
ARGUMENTS = {"shared": (), "cut": (), "recovery": RECOVERY, "own": SHORT_HEARTBEAT}
VERSIONS = {"1.1": {"HTTP/1.1"}, "2": {"HTTP/2"}}


def runs_in_background(cell):
    """These wait for clocks, on servers of their own; the others needn't wait for them."""
    return cell.scenario.place == "own" and not is_browser(cell.client)


# First what has one page, one process or one server in common; last what went on meanwhile.
TABLE = sorted(cells(), key=lambda cell: (runs_in_background(cell), CLIENTS.index(cell.client), cell.http))


class Stage:
    """The servers, proxies, pages and processes of the table, each made when it is first needed."""

    def __init__(self, request, public, certificates, folders, browser=None):
        self.request, self.public, self.certificates = request, public, certificates
        self.folders, self.browser = folders, browser
        self.places, self.drivers = {}, {}
        self.exits = ExitStack()

    def server(self, cell, is_secure):
        """The suite's own where it will do."""
        place, is_old = cell.scenario.place, cell.client.is_old
        if place in ("shared", "guarded", "cut"):
            # Without middleware in front where that is possible: over HTTP/1.1 then no task answers a client.
            plain = "bare_server" if place == "shared" and cell.http == "1.1" else "server"
            return self.request.getfixturevalue(("old_" if is_old else "") + ("secure" if is_secure else plain))
        arguments = [*ARGUMENTS[place], *(OLD if is_old else ()), "--files", self.public]
        server = TLSServer(self.certificates, *arguments) if is_secure else Server(*arguments)
        self.exits.callback(server.kill)
        return server.start()

    def place(self, cell):
        kind = cell.scenario.place
        is_secure = cell.http == "2" and is_browser(cell.client)
        key = (kind, cell.client.is_old, cell.http, is_secure)
        if key not in self.places:
            server = self.server(cell, is_secure)
            url, proxy, upstream = server.url(), None, server.port
            if kind in ("cut", "recovery"):
                proxy = Proxy(server)
                self.exits.callback(proxy.close)
                url, upstream = url.replace(str(server.port), str(proxy.port)), proxy.port
            if cell.http == "2" and not is_secure:
                front = haproxy_to_http2(server, self.folders.mktemp("front"), f"127.0.0.1:{upstream}")
                self.exits.callback(front.stop)
                url = front.url()
            self.places[key] = Place(server, url, proxy)
        return self.places[key]

    def driver(self, cell, place):
        key = (cell.client.name, place.url if is_browser(cell.client) else None)
        if key not in self.drivers:
            driver = Page(self.browser, cell.client.way) if is_browser(cell.client) else Process(command(cell.client))
            self.exits.callback(driver.close)
            self.drivers[key] = driver
        return self.drivers[key]

    def run(self, cell):
        place = self.place(cell)
        settings = {
            "url": place.url, "transports": TRANSPORTS[cell.transport], "run": uuid.uuid4().hex,
            "isProxied": cell.http == "2" and not is_browser(cell.client),
            "options": {"forceJSONP": True} if cell.client.name == "jsonp-2" else {}}
        result = self.driver(cell, place).run(place, cell.scenario.name, settings)
        assert result == "passed", result
        check_passages(place.server, cell, settings["run"])
        place.server.check()


def check_passages(server, cell, run):
    """What the server saw: the version of HTTP, the transport, an upgrade if there should be one."""
    seen = json.loads(server.fetch(f"/passages/{run}"))
    versions = {each["version"] for each in seen}
    # Behind a cut a browser's WebSocket may come before it speaks HTTP/2 again.
    if cell.http == "1.1" or cell.transport == "polling" or cell.scenario.place in ("shared", "guarded"):
        assert versions == VERSIONS[cell.http], seen
    assert {each["transport"] for each in seen} == set(TRANSPORTS[cell.transport]), seen
    assert {each["byScript"] for each in seen} == {cell.client.name == "jsonp-2"}, seen


def selected_cells(request):
    """Those of the test run."""
    items = [item for item in request.session.items if item.module is request.module and hasattr(item, "callspec")]
    return [item.callspec.params["cell"] for item in items]


@pytest.fixture(scope="module")
def stage(request, public, certificates, tmp_path_factory):
    # A fixture that is set up before this one outlives it.
    browser = request.getfixturevalue("browser") if any(is_browser(cell.client) for cell in selected_cells(request)) else None
    made = Stage(request, public, certificates, tmp_path_factory, browser)
    with made.exits:
        yield made


@contextmanager
def waiting_cells(request, public, certificates, folders):
    """Begins the selected cells that wait for clocks, three at a time; gives their outcomes by id."""
    def run(cell):
        stage = Stage(request, public, certificates, folders)
        with stage.exits:
            stage.run(cell)

    pool = ThreadPoolExecutor(3)
    try:
        yield {name_of(cell): pool.submit(run, cell) for cell in selected_cells(request) if runs_in_background(cell)}
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", autouse=True)
def waiting(request, public, certificates, tmp_path_factory):
    with waiting_cells(request, public, certificates, tmp_path_factory) as outcomes:
        yield outcomes


def name_of(cell):
    return f"{cell.client.name}-HTTP/{cell.http}-{cell.transport}-{cell.scenario.name}"


@pytest.mark.parametrize("cell", TABLE, ids=name_of)
def test_scenario(cell, stage, waiting):
    if name_of(cell) in waiting:
        waiting[name_of(cell)].result()
    else:
        stage.run(cell)


def test_every_scenario_is_written_for_every_client():
    written = re.findall(r"^  scenarios\.(\w+) =", "".join(path.read_text() for path in (HERE / "javascript").glob("scenarios-*.js")), re.MULTILINE)
    assert sorted(written) == sorted(BY_NAME)
    written = re.findall(r"^async def (\w+)\(client\)", "".join(path.read_text() for path in (HERE / "python").glob("scenarios_*.py")), re.MULTILINE)
    python = next(client for client in CLIENTS if client.name == "python-5")
    assert sorted(written) == sorted(name for name in BY_NAME if name not in python.lacks)


def test_readme_has_the_table():
    assert summary() in (HERE.parent / "README.md").read_text()
