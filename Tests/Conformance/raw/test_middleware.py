"""Middleware over a socket, with curl and a WebSocket client: authentication, limits, error pages, CORS."""

import json
import subprocess

import pytest
import websocket

from support.http1 import exchange, get, post


def curl(server, path, *arguments):
    url = f"http://127.0.0.1:{server.port}{path}"
    command = ["curl", "-sS", "-w", "\n%{http_code}", *arguments, url]
    body, status = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.rsplit("\n", 1)
    return int(status), body


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_authenticates(server, version):
    assert curl(server, "/basic/name", version, "-u", "ada:sécret:1") == (200, "ada")
    assert curl(server, "/basic/name", version, "-u", "ada:wrong")[0] == 401
    assert curl(server, "/bearer/name", version, "--oauth2-bearer", "good") == (200, "ada")
    assert curl(server, "/bearer/name", version, "--oauth2-bearer", "bad")[0] == 401


def test_curl_reads_the_challenge(server):
    assert curl(server, "/basic/name", "--anyauth", "-u", "ada:sécret:1") == (200, "ada")


def test_a_websocket_client_authenticates(server):
    address = f"ws://127.0.0.1:{server.port}/bearer/socket"
    for url, header in [(address + "?token=good", None), (address, ["Authorization: Bearer good"])]:
        client = websocket.create_connection(url, header=header, timeout=5)
        assert client.recv() == "ada"
        client.close()
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        websocket.create_connection(address + "?token=bad", timeout=5)
    assert refusal.value.status_code == 401


def test_error_pages_are_what_the_client_accepts(server):
    problem = exchange(server, get("/pages/fails", "Accept: application/json", "X-Request-ID: id-1"))
    assert problem.status == 409 and problem.get("content-type") == "application/problem+json"
    assert json.loads(problem.body) == {
        "type": "about:blank", "title": "Conflict", "status": 409, "detail": "<script>alert(1)</script>", "requestId": "id-1"}
    page = exchange(server, get("/pages/fails", "Accept: text/html,*/*;q=0.8"))
    assert b"<script>" not in page.body and b"&lt;script&gt;" in page.body
    assert page.get("x-content-type-options") == "nosniff" and len(page.get("x-request-id")) == 32


def test_rate_limit(make_server):
    server = make_server()
    answers = [exchange(server, get("/limited/hello")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].get("ratelimit-policy") == '"default";q=2;w=3600'
    assert answers[0].get("ratelimit") == '"default";r=1;t=1800'
    assert 1790 <= int(answers[2].get("retry-after")) <= 1800


def test_timeout(server):
    answer = exchange(server, get("/timed/slow"))
    assert answer.status == 503 and answer.body == b"no response within 0.1 seconds"


def test_body_limit(server):
    assert exchange(server, post("/sized/upload", "x" * 1000)).status == 200
    assert exchange(server, post("/sized/upload", "x" * 1001)).status == 413
    chunked = "POST /sized/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(server, chunked + "3e8\r\n" + "x" * 1000 + "\r\n0\r\n\r\n").status == 200
    assert exchange(server, chunked + "3e9\r\n" + "x" * 1001 + "\r\n0\r\n\r\n").status == 413


def test_a_preflight_needs_no_credentials(server):
    preflight = get("/cors/closed/item", "Origin: http://localhost:1", "Access-Control-Request-Method: PUT", method="OPTIONS")
    answer = exchange(server, preflight)
    assert answer.status == 204 and answer.get("access-control-allow-origin") == "http://localhost:1"
    refused = exchange(server, preflight.replace(b"localhost:1", b"evil.example"))
    assert refused.status == 204 and refused.get("access-control-allow-origin") is None
    failed = exchange(server, get("/cors/fails", "Origin: http://localhost:1"))
    assert failed.status == 500 and failed.get("access-control-allow-origin") == "http://localhost:1"
