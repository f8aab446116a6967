"""Files by more than the defaults: compressed siblings, rules for caches, listings, fallbacks, single files."""

import base64
import gzip
import hashlib
import json
import os
import re
import urllib.parse
from html.parser import HTMLParser

import pytest

from support.http1 import exchange, get

SCRIPT = b"export const number = 42\n" * 100
BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture(scope="module")
def assets(public):
    folder = public / "assets"
    folder.mkdir()
    for name, content in {
        "app.js": SCRIPT, "app.js.gz": gzip.compress(SCRIPT), "app.js.br": b"brotli", "app.js.zst": b"zstandard",
        "plain.js": SCRIPT, "old.js": SCRIPT, "old.js.gz": gzip.compress(b"old"),
    }.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (1_600_000_000, 1_600_000_000))
    os.utime(folder / "old.js.gz", (1_599_999_999, 1_599_999_999))
    return folder


# --- compressed siblings (RFC 9110 8.4, 12.5.3) --------------------------------------------------

@pytest.mark.parametrize("accepted, coding", [
    (None, None), ("gzip", "gzip"), ("x-gzip", "gzip"), ("br, gzip", "br"), ("gzip, deflate, br, zstd", "br"),
    ("gzip, zstd", "zstd"), ("gzip;q=1, br;q=0.9", "gzip"), ("br;q=0, *", "zstd"), ("*", "br"), ("identity", None), ("br;q=0", None),
    ("identity, br;q=0.5", None), ("identity;q=0, gzip", "gzip"), ("identity;q=0", None), ("*;q=0", None), ("compress", None)])
def test_coding_by_weight(server, assets, accepted, coding):
    fields = [f"Accept-Encoding: {accepted}"] if accepted else []
    answer = exchange(server, get("/variants/assets/app.js", *fields))
    assert answer.status == 200 and answer.get("content-encoding") == coding
    assert answer.get("vary") == "Accept-Encoding"
    assert answer.get("content-type") == "text/javascript; charset=utf-8"
    expected = {None: SCRIPT, "br": b"brotli", "zstd": b"zstandard"}
    body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
    assert body == expected.get(coding, SCRIPT)


def test_each_coding_has_its_tag(server, assets):
    tags = {exchange(server, get("/variants/assets/app.js", f"Accept-Encoding: {coding}")).get("etag")
            for coding in ("identity", "br", "gzip", "zstd")}
    assert len(tags) == 4
    for tag in tags:
        fresh = [coding for coding in ("identity", "br", "gzip", "zstd") if exchange(server, get(
            "/variants/assets/app.js", f"Accept-Encoding: {coding}", f"If-None-Match: W/{tag}")).status == 304]
        assert len(fresh) == 1


def test_range_of_a_coding(server, assets):
    answer = exchange(server, get("/variants/assets/app.js", "Accept-Encoding: br", "Range: bytes=-3"))
    assert (answer.status, answer.body, answer.get("content-range")) == (206, b"tli", "bytes 3-5/6")
    assert answer.get("content-encoding") == "br" and answer.get("vary") == "Accept-Encoding"


@pytest.mark.parametrize("fields, status", [
    (["If-None-Match: *"], 304), (['If-Match: "x"'], 412), (["Range: bytes=999999-"], 416), (["Range: bytes=0-1,3-4"], 206)])
def test_every_answer_varies(server, assets, fields, status):
    for path in ("/variants/assets/app.js", "/variants/assets/plain.js"):
        answer = exchange(server, get(path, *fields))
        assert answer.status == status and answer.get("vary") == "Accept-Encoding"


def test_older_sibling_and_option_off(server, assets):
    assert exchange(server, get("/variants/assets/old.js", "Accept-Encoding: gzip")).body == SCRIPT
    answer = exchange(server, get("/assets/app.js", "Accept-Encoding: gzip"))
    assert answer.body == SCRIPT and answer.get("vary") is None


def test_cache_control_by_path(server, assets):
    assert "immutable" in exchange(server, get("/variants/assets/app.js")).get("cache-control")
    assert exchange(server, get("/variants/folder/")).get("cache-control") == "no-store"
    assert exchange(server, get("/variants/hello.txt")).get("cache-control") == "no-cache"


# --- listings ------------------------------------------------------------------------------------

class Links(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.links, self.style, self.tags, self.open = [], "", set(), None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open = tag
        self.links += [value for name, value in attributes if name == "href"]

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open == "style":
            self.style += data


@pytest.fixture(scope="module")
def listed(public):
    folder = public / "listed"
    (folder / "sub").mkdir(parents=True)
    for name in ["b.txt", "<img src=x onerror=alert(1)>", 'quote".txt', "a:b", "50% off?#.txt", "café.txt", ".secret", "amp&amp;.txt"]:
        (folder / name).write_text("x")
    (folder / "out").symlink_to(public.parent / "outside.txt")
    os.mkfifo(folder / "pipe")
    return folder


def test_listing_links_lead_to_what_is_served(server, listed):
    answer = exchange(server, get("/variants/listed/", BROWSER))
    page = Links(answer.body.decode())
    assert answer.get("content-type") == "text/html; charset=utf-8" and answer.get("x-content-type-options") == "nosniff"
    assert "img" not in page.tags and "script" not in page.tags
    names = [urllib.parse.unquote(link) for link in page.links]
    assert names[:2] == ["../", "./sub/"] and names[2:] == sorted(names[2:])
    assert {name[2:] for name in names[2:]} == {
        path.name for path in listed.iterdir() if path.name not in (".secret", "out", "pipe", "sub")}
    for link in page.links[2:]:
        target = urllib.parse.urljoin("http://localhost/variants/listed/", link).removeprefix("http://localhost")
        assert exchange(server, get(target)).status == 200, link


def test_listing_style_is_the_one_that_its_policy_allows(server, listed):
    answer = exchange(server, get("/variants/listed/"))
    allowed = re.search("style-src 'sha256-([^']*)'", answer.get("content-security-policy"))[1]
    style = Links(answer.body.decode()).style
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() == allowed


def test_listing_as_json(server, listed):
    answer = exchange(server, get("/variants/listed/", "Accept: application/json"))
    listing = json.loads(answer.body)
    assert answer.get("vary") == "Accept" and listing["path"] == "/variants/listed/" and not listing["isTruncated"]
    assert listing["entries"][0]["name"] == "sub" and listing["entries"][0]["type"] == "directory"
    assert {entry["size"] for entry in listing["entries"][1:]} == {1}


def test_listing_is_bounded(server, public):
    folder = public / "many"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.txt").touch()
    listing = json.loads(exchange(server, get("/variants/many/", "Accept: application/json")).body)
    assert len(listing["entries"]) == 50 and listing["isTruncated"]
    assert exchange(server, get("/many/")).status == 404


# --- fallbacks -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pages(public):
    (public / "404.html").write_text("<title>nothing here</title>")


def test_pages_of_an_application_are_its_index(server, pages):
    for path in ("/pages/settings", "/pages/users/42/", "/pages/a.b/c"):
        answer = exchange(server, get(path, BROWSER))
        assert answer.status == 200 and b"<title>root</title>" in answer.body
        assert answer.get("cache-control") == "no-cache" and answer.get("vary") == "Accept"
    assert exchange(server, get("/pages/settings", BROWSER, method="HEAD"), head=True).status == 200
    assert exchange(server, get("/pages/api", BROWSER)).body == b"route"
    answer = exchange(server, get("/pages/settings", BROWSER, "Content-Length: 0", method="POST"))
    assert answer.status == 405 and set(answer.get("allow").split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert exchange(server, get("/pages/settings", method="OPTIONS")).get("allow") == answer.get("allow")


@pytest.mark.parametrize("path, fields", [
    ("/pages/app.js", [BROWSER]), ("/pages/api/users", ["Accept: */*"]), ("/pages/.env", [BROWSER]), ("/pages/x", [])])
def test_what_is_no_page_is_missing(server, pages, path, fields):
    answer = exchange(server, get(path, *fields))
    assert answer.status == 404 and answer.body == b"<title>nothing here</title>" and answer.get("etag") is None
    assert exchange(server, get(path, "Accept: application/json")).get("content-type") == "text/plain; charset=utf-8"


# --- single files --------------------------------------------------------------------------------

def test_download_has_a_name_and_ranges(server):
    answer = exchange(server, get("/download?path=hello.txt&name=Gr%C3%B6%C3%9Fe.txt", "Range: bytes=0-4"))
    assert (answer.status, answer.body) == (206, b"hello")
    assert answer.get("content-disposition") == "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt"


@pytest.mark.parametrize("path", [
    "../outside.txt", "/../outside.txt", "folder/../../outside.txt", "escape.txt", "escape-folder/outside.txt", ".hidden", "pipe",
    "hello.txt%00.png", "", "folder", "%2e%2e/outside.txt", "/etc/passwd"])
def test_download_leads_nowhere_else(server, path):
    assert exchange(server, get(f"/download?path={path}&name=x")).status == 404
    server.check()


def test_download_name_can_inject_nothing(server):
    answer = exchange(server, get("/download?path=hello.txt&name=a%22%0d%0aX-Injected:%20yes%0d%0a%0d%0a"))
    assert answer.status == 200 and answer.get("x-injected") is None and answer.body == b"hello, file\n"
