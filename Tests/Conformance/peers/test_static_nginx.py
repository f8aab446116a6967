"""The same requests to nginx and to Parley, and the same answers; where they differ on purpose the table says why."""

import gzip
import os
import re

import pytest

from support.http1 import exchange, get
from support.nginx import Nginx
from support.server import Server

DATA = bytes(range(256)) * 400
PAGE = b"<!doctype html><title>page</title>" + b"<p>text" * 1000
CHANGED = 1_600_000_000
DATE, BEFORE, AFTER = ("Sun, 13 Sep 2020 12:26:40 GMT", "Sun, 13 Sep 2020 12:26:39 GMT", "Sun, 13 Sep 2020 12:26:41 GMT")
COMPARED = ["content-type", "content-length", "content-range", "content-encoding", "last-modified"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    base = tmp_path_factory.mktemp("compared")
    root = base / "root"
    (root / "folder").mkdir(parents=True)
    (root / "empty folder").mkdir()
    files = {
        "data.bin": DATA, "page.html": PAGE, "page.html.gz": gzip.compress(PAGE, mtime=0), "empty.txt": b"", "one.txt": b"1",
        "index.html": b"root", "folder/index.html": b"folder", "folder/index.html.gz": gzip.compress(b"folder", mtime=0),
        "a b+c&d.txt": b"odd", "large.bin": os.urandom(3 << 20), "caf\u00e9.txt": b"coffee", "only.txt.gz": b"alone",
        "plus+.txt": b"plus", "UPPER.TXT": b"upper", "a.b.css": b"css", "noextension": b"?",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
        os.utime(root / name, (CHANGED, CHANGED))
    (root / "link.txt").symlink_to("one.txt")
    return root


@pytest.fixture(scope="module")
def peers(site):
    nginx = Nginx(site, site.parent / "nginx")
    ours = Server("--files", site).start()
    yield nginx, ours
    nginx.stop()
    assert ours.stop() == 0


def answer(server, path, fields, method):
    """Status, fields and body, with each server's own tag and boundary in place of a name."""
    tag = exchange(server, get(path)).get("etag", '"none"')
    fields = [field.format(tag=tag, weak="W/" + tag.removeprefix("W/"), opaque=tag.strip('"')) for field in fields]
    response = exchange(server, get(path, *fields, method=method), head=method == "HEAD")
    seen = {name: response.get(name) for name in COMPARED}
    body = response.body
    if boundary := re.match("multipart/byteranges; boundary=(.*)", seen["content-type"] or ""):
        body = body.replace(boundary[1].encode(), b"B")
        seen.update({"content-type": "multipart", "content-length": len(body)})
    if response.status >= 400 or response.status in (301, 304):
        # The words of an error are each server's own; a 304 has no content to describe.
        body = b""
        seen = {"content-range": seen["content-range"]}
    if location := response.get("location"):
        seen["location"] = re.sub("^http://[^/]*", "", location)
    return response.status, seen, body


def same(path, *fields, method="GET"):
    return pytest.param(path, fields, method, id=f"{method} {path} {' | '.join(fields)}")


PATHS = [
    "/", "/folder/", "/folder", "/folder?a=b", "/page.html", "/data.bin", "/empty.txt", "/one.txt", "/large.bin", "/link.txt",
    "/a%20b+c%26d.txt", "/a%20b%2bc&d.txt", "/plus+.txt", "/caf%C3%A9.txt", "/caf%c3%a9.txt", "/a.b.css", "/noextension", "/missing",
    "/folder/missing", "/one.txt/", "/one.txt/x", "/one.txt?x=1", "/one.txt?", "/%6Fne.txt", "/one.tx%74", "/only.txt", "/only.txt.gz",
    "/One.txt", "/one.txt%20", "/one.txt.", "/%2e%2e/root/one.txt%00", "/..", "/%", "/%zz", "/one%00.txt",
]
RANGES = [
    "bytes=0-0", "bytes=0-9", "bytes=10-19", "bytes=0-", "bytes=102399-", "bytes=-1", "bytes=-100", "bytes=-102400", "bytes=-102401",
    "bytes=-99999999", "bytes=0-999999", "bytes=102400-", "bytes=102400-102500", "bytes=999999-9999999", "bytes=5-2", "bytes=",
    "bytes", "bytes=a-b", "bytes=-", "lines=0-1", "bytes=1", "bytes=--1", "bytes=+1-2", "bytes=0x1-2",
    "bytes=0-1,5-6", "bytes=0-1, 5-6", "bytes=5-6,0-1", "bytes=0-1,2-3", "bytes=0-1,-1", "bytes=0-0,10-19,102390-", "bytes=0-,0-,0-",
    "bytes=0-1,102400-", "bytes=102400-,102401-", "bytes=0-1,a-b", "bytes=007-008",
]
CONDITIONS = [
    [f"If-None-Match: {value}"] for value in
    ["{tag}", "{weak}", '"x"', '"x", {tag}', '"x",{weak}', "*", '"x","y"', "{opaque}", ""]
] + [
    [f"If-Match: {value}"] for value in ["{tag}", "{weak}", '"x"', '"x", {tag}', "*"]
] + [
    [f"If-Modified-Since: {value}"] for value in [DATE, BEFORE, AFTER, "nonsense", "Sunday, 13-Sep-20 12:26:40 GMT"]
] + [
    [f"If-Unmodified-Since: {value}"] for value in [DATE, BEFORE, AFTER, "nonsense"]
] + [
    ["If-None-Match: {tag}", f"If-Modified-Since: {BEFORE}"], ['If-None-Match: "x"', f"If-Modified-Since: {DATE}"],
    ['If-Match: "x"', "If-None-Match: {tag}"], ["If-Match: {tag}", "If-None-Match: {tag}"],
    [f"If-Unmodified-Since: {BEFORE}", f"If-Modified-Since: {DATE}"], ['If-Match: "x"', "Range: bytes=0-1"],
    ["If-None-Match: {tag}", "Range: bytes=0-1"], ["If-None-Match: {tag}", "Range: bytes=999999-"],
    ["If-Range: {tag}", "Range: bytes=0-1"], ['If-Range: "x"', "Range: bytes=0-1"], ["If-Range: {weak}", "Range: bytes=0-1"],
    [f"If-Range: {DATE}", "Range: bytes=0-1"], [f"If-Range: {BEFORE}", "Range: bytes=0-1"], [f"If-Range: {AFTER}", "Range: bytes=0-1"],
    ['If-Range: "x"', "Range: bytes=999999-"], ["If-Range: {tag}", "Range: bytes=0-1,4-5"],
]
CODINGS = ["gzip", "gzip, br", "gzip;q=0", "gzip;q=0.5", "*", "identity", "deflate", "", "GZIP", "gzip;q=1.0, identity;q=0"]

SAME = [same(path, method=method) for path in PATHS for method in ("GET", "HEAD")]
SAME += [same("/data.bin", f"Range: {value}") for value in RANGES]
SAME += [same("/large.bin", f"Range: {value}") for value in ["bytes=100000-2000000", "bytes=0-999999,2000000-2999999"]]
SAME += [same("/empty.txt", f"Range: {value}") for value in ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"]]
SAME += [same("/data.bin", *fields, method=method) for fields in CONDITIONS for method in ("GET", "HEAD")]
SAME += [same(f"/variants{path}", f"Accept-Encoding: {value}", method=method)
         for path in ("/page.html", "/folder/", "/one.txt", "/only.txt") for value in CODINGS for method in ("GET", "HEAD")]
SAME += [same("/variants/page.html", "Accept-Encoding: gzip", *more) for more in [
    ["Range: bytes=0-9"], ["Range: bytes=-5"], ["If-None-Match: {tag}"], [f"If-Modified-Since: {DATE}"], ["Range: bytes=99999-"]]]
SAME += [same(path, method="POST") for path in ("/one.txt", "/folder/")]

# Where Parley does otherwise on purpose: the requests' ids, Parley's status, and why.
DIFFERENCES = [
    (r".* Range: bytes=(5-2|a-b|-|1|--1|\+1-2|0x1-2|0-1,a-b)", 200, "RFC 9110 14.2: a Range that is invalid is ignored; nginx: 416"),
    (r".*/empty.txt Range: bytes=(0-|0-0|-0)", 416, "RFC 9110 14.1.2: an empty file has no byte that these name; nginx: 200"),
    (f".* If-Modified-Since: {AFTER}", 304, "RFC 9110 13.1.3: not modified since; nginx has if_modified_since exact"),
    (r".* If-Unmodified-Since: nonsense", 200, "RFC 9110 13.1.4: a date that is none is ignored; nginx: 412"),
    (fr".* If-None-Match: {{tag}} \| If-Modified-Since: {BEFORE}", 304,
     "RFC 9110 13.1.3: If-Modified-Since is ignored beside If-None-Match; nginx asks for both"),
    (r"HEAD .* If-Range: .*", 200, "RFC 9110 14.2: Range is for GET only; nginx: 206"),
    (r".* Accept-Encoding: \*", 200, "RFC 9110 12.5.3: * is any coding; nginx sends the original"),
    (r".*/only.txt Accept-Encoding: .*gzip.*", 404, "there is no such file; nginx serves a sibling without its original"),
    (r".*/only.txt Accept-Encoding: GZIP", 404, "the same"),
    (r".*/page.html Accept-Encoding: gzip \| Range: bytes=(0-9|-5)", 206, "RFC 9110 14.2: a coding has ranges too; nginx: 200"),
    (r".*/page.html Accept-Encoding: gzip \| Range: bytes=99999-", 416, "the same"),
]


@pytest.mark.parametrize("path, fields, method", SAME)
def test_answers_as_nginx_does(peers, path, fields, method, request):
    nginx, ours = (answer(peer, path, fields, method) for peer in peers)
    for pattern, status, why in DIFFERENCES:
        if re.fullmatch(pattern, request.node.callspec.id) and ours != nginx:
            assert ours[0] == status, (why, ours)
            return
    assert ours == nginx


def test_what_nginx_says_less_often(peers):
    """Vary where there is no sibling yet, too, and Accept-Ranges with a part: a cache must know of both."""
    nginx, ours = peers
    path = "/variants/one.txt"
    assert exchange(nginx, get(path)).get("vary") is None and exchange(ours, get(path)).get("vary") == "Accept-Encoding"
    part = get("/data.bin", "Range: bytes=0-1")
    assert exchange(nginx, part).get("accept-ranges") is None and exchange(ours, part).get("accept-ranges") == "bytes"
