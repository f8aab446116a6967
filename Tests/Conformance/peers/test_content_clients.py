"""Cookies, sessions and forms as curl, requests and aiohttp speak them."""

import asyncio
import json
import subprocess

import aiohttp
import pytest
import requests

MIB = 1 << 20
SECRET = bytes(range(256)) * 400


def curl(*line, timeout=60):
    done = subprocess.run(["curl", "-sS", *map(str, line)], capture_output=True, timeout=timeout)
    assert done.returncode == 0, (line, done.stderr.decode()[-1000:])
    return done.stdout.decode()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "pic ture.png"
    path.write_bytes(SECRET)
    return path


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_curl_uploads(server, picture, version):
    parts = json.loads(curl(
        version, "--form-string", "title=größe; \"quoted\"", "-F", f"file=@{picture};type=image/png", "-F", f"file=@{picture};filename=\"a\\\"b.txt\"",
        "-F", "empty=", server.url("/multipart")))
    assert [part["name"] for part in parts] == ["title", "file", "file", "empty"]
    assert parts[0]["bytes"] == len("größe; \"quoted\"".encode())
    assert parts[1] | {"sum": 0} == {"name": "file", "filename": "pic ture.png", "type": "image/png", "bytes": len(SECRET), "sum": 0}
    assert parts[1]["sum"] == sum(SECRET) and parts[2]["filename"] == 'a"b.txt'
    assert int(curl(version, "-F", f"file=@{picture}", server.url("/multipart-save"))) == len(SECRET)


def test_curl_forms(server):
    form = ["--data-urlencode", "q=a&b=c+ü%", "-d", "tags[]=x", "-d", "tags[]=y", "-d", "range[from]=3", "-d", "exact=on", "-d", "page="]
    assert json.loads(curl(*form, server.url("/form"))) == {
        "q": "a&b=c+ü%", "tags": ["x", "y"], "range": {"from": 3}, "exact": True}
    assert json.loads(curl("-G", *form, server.url("/search"))) == json.loads(curl(*form, server.url("/content")))
    assert json.loads(curl("-F", "q=x", "-F", "tags=a", "-F", "tags=b", server.url("/content")))["tags"] == ["a", "b"]
    assert json.loads(curl("--json", '{"q": "x", "exact": false, "tags": []}', server.url("/content")))["q"] == "x"


def test_curl_keeps_cookies(server, tmp_path):
    jar = tmp_path / "jar"
    keep = ["-b", jar, "-c", jar]
    curl(*keep, server.url("/cookies/set?a=1&b=x%2Fy"))
    curl(*keep, server.url("/cookies/sign/hello"))
    cookies = json.loads(curl(*keep, server.url("/cookies")))
    assert cookies["a"] == "1" and cookies["b"] == "x/y"
    assert curl(*keep, server.url("/cookies/signed")) == "hello"
    jar.write_text(jar.read_text().replace(cookies["signed"], cookies["signed"][:-2] + "AA"))
    assert curl(*keep, server.url("/cookies/signed")) == "not signed"
    curl(*keep, server.url("/cookies/delete/a"))
    assert "a" not in json.loads(curl(*keep, server.url("/cookies")))


def test_no_cookie_injects_a_field(server):
    head = curl("-i", server.url("/cookies/set?a=b%0d%0aX-Injected:%201"))
    assert head.startswith("HTTP/1.1 500") and "injected" not in head.lower()
    assert curl("-i", server.url("/cookies/set?a%0d%0ab=c")).startswith("HTTP/1.1 500")
    server.check()


def test_sessions_of_requests(server, secure):
    for one, verify in ((server, True), (secure, str(secure.certificates.pem("ca")))):
        with requests.Session() as client:
            client.verify, client.trust_env = verify, False     # the environment may name other roots
            url = one.url
            assert client.get(url("/session/get/user")).status_code == 404 and not client.cookies
            client.post(url("/session/set/user/ada"))
            (cookie,) = client.cookies
            assert cookie.secure == (one is secure) and len(cookie.value) == 24 and cookie.has_nonstandard_attr("HttpOnly")
            assert client.get(url("/session/get/user")).text == "ada"
            client.post(url("/session/renew"))
            assert client.cookies["session"] != cookie.value
            assert client.get(url("/session/get/user")).text == "ada"
            stale = requests.get(url("/session/get/user"), cookies={"session": cookie.value}, verify=verify)
            assert stale.status_code == 404 and not stale.cookies
            client.post(url("/session/destroy"))
            assert not client.cookies and client.get(url("/session/get/user")).status_code == 404


def test_requests_uploads(server):
    fields = {"title": "ü", "text": ""}
    files = [("file", ("naïve \"x\".txt", b"a\r\nb", "text/plain")), ("file", ("b", b""))]
    parts = {part["name"]: part for part in requests.post(server.url("/fields"), data=fields, files=files, timeout=5).json()}
    assert parts["title"]["text"] == "ü" and parts["text"]["text"] == ""
    first = requests.post(server.url("/multipart"), files=files[:1], timeout=5).json()[0]
    assert first["filename"] == 'naïve "x".txt' and first["bytes"] == 4 and first["type"] == "text/plain"


def test_aiohttp_streams_an_upload(server):
    async def upload():
        async def pieces():
            for _ in range(40):
                yield SECRET

        form = aiohttp.FormData()
        form.add_field("stream", pieces(), filename="s", content_type="x/y")
        form.add_field("after", "x")
        async with aiohttp.ClientSession() as session, session.post(server.url("/multipart"), data=form) as answer:
            return await answer.json(content_type=None)

    parts = asyncio.run(upload())
    assert [(part["name"], part["bytes"]) for part in parts] == [("stream", 40 * len(SECRET)), ("after", 1)]


def test_a_large_upload_needs_no_memory(make_server, tmp_path):
    server = make_server()
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(256 * MIB)
    server.check()
    before = server.memory()
    assert int(curl("-F", f"file=@{path}", server.url("/multipart-count"))) == 256 * MIB
    assert server.memory() - before < 24 * MIB


def test_json_lines(server):
    lines = curl("-N", server.url("/lines")).splitlines()
    assert [json.loads(line) for line in lines] == [{"n": 0}, {"n": 1}, {"n": 2}]
