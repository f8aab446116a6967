"""curl, nghttp and h2load: HTTP/2 as its users speak it, in clear text and over TLS. FEATURES H3, H4, H5, H8, H9."""

import hashlib
import json
import subprocess
import threading
from contextlib import contextmanager

import pytest

from support.server import stream_bytes

MIB = 1 << 20
LARGE = 100 * MIB
REPORT = "\n%{http_version} %{response_code} %{num_connects}\n"


def run(*line, data=None, timeout=50):
    done = subprocess.run(list(map(str, line)), input=data, capture_output=True, timeout=timeout)
    assert done.returncode == 0, (line, done.stderr.decode()[-1000:], done.stdout.decode("latin-1")[-1000:])
    return done.stdout


@pytest.fixture(params=["server", "secure"], ids=["clear text", "TLS"])
def either(request):
    return request.getfixturevalue(request.param)


def curl(server, *arguments, **options):
    """curl's output; HTTP/2 unless the arguments say otherwise."""
    how = ["--cacert", server.certificates.pem("ca")] if server.context else ["--http2-prior-knowledge"]
    return run("curl", "-sS", *how, *arguments, **options)


def nghttp(server, *arguments):
    return run("nghttp", *["--no-verify-peer"] * bool(server.context), *arguments).decode("latin-1")


@contextmanager
def memory_stays_flat(server, limit=24 * MIB):
    """Looks on while a client is busy, and not only when it is done."""
    server.check()
    before, most, done = server.memory(), [0], threading.Event()

    def look():
        while not done.wait(0.02):
            most[0] = max(most[0], server.memory())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert most[0] - before < limit, f"grew by {most[0] - before}"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of 100 MiB, and what `/upload` answers to it."""
    path = tmp_path_factory.mktemp("large") / "file"
    data = stream_bytes(LARGE)
    path.write_bytes(data)
    return path, {"bytes": LARGE, "sum": sum(data) % (1 << 32)}


# --- curl ----------------------------------------------------------------------------------------

def test_curl(either):
    url = either.url("/hello")
    assert curl(either, "-w", REPORT, url).decode() == "hello\n2 200 1\n"
    assert curl(either, "-w", REPORT, "-I", url).decode().startswith("HTTP/2 200")
    assert curl(either, "-d", "a=b", either.url("/echo")) == b"a=b"


def test_curl_asks_for_an_upgrade_and_is_answered_over_http_1_1(server):
    assert run("curl", "-sS", "--http2", "-w", REPORT, server.url("/hello")).decode() == "hello\n1.1 200 1\n"


def test_curl_speaks_http_1_1_over_tls(secure):
    assert curl(secure, "--http1.1", "-w", REPORT, secure.url("/hello")).decode() == "hello\n1.1 200 1\n"
    for version in ("--tlsv1.2", "--tlsv1.3"):
        assert curl(secure, version, "--tls-max", version[-3:], secure.url("/hello")) == b"hello"


def test_curl_keeps_its_connection(secure):
    """Over TLS only: curl 7.88 can't use a connection of prior knowledge twice, whoever serves it."""
    said = curl(secure, "-w", REPORT, *[secure.url("/hello")] * 5).decode()
    assert said == "hello\n2 200 1\n" + "hello\n2 200 0\n" * 4


def test_curl_in_parallel(secure):
    said = curl(secure, "--parallel", "--parallel-max", 50, *[secure.url("/slow")] * 50)
    assert said == b"slow" * 50


@pytest.mark.parametrize("rate", [[], ["--limit-rate", "40M"]], ids=["fast", "slow"])
def test_large_download(either, rate):
    with memory_stays_flat(either):
        received = curl(either, *rate, either.url(f"/stream?bytes={LARGE}&piece=65536"))
    assert hashlib.sha256(received).digest() == hashlib.sha256(stream_bytes(LARGE)).digest()


@pytest.mark.parametrize("rate", [[], ["--limit-rate", "40M"]], ids=["fast", "slow"])
def test_large_upload(either, large, rate):
    path, expected = large
    with memory_stays_flat(either):
        assert json.loads(curl(either, *rate, "-X", "POST", "-T", path, either.url("/upload"))) == expected


def test_large_upload_to_a_handler_that_takes_its_time(either, large):
    path, expected = large
    with memory_stays_flat(either):
        assert json.loads(curl(either, "-X", "POST", "-T", path, either.url("/slow-upload?milliseconds=1000"))) == expected


def test_upload_too_large_is_told_so(either, large):
    """curl 7.88 forgets a response whose RST_STREAM(NO_ERROR) comes with it; a moment later is soon enough."""
    assert curl(either, "-o", "/dev/null", "-w", "%{response_code}", "-X", "POST", "-T", large[0], either.url("/echo")) == b"413"


def test_curl_sends_and_gets_trailers(server):
    """Over HTTP/1.1 here: curl sends none over HTTP/2, but reads them."""
    assert b"x-checksum: 42" in curl(server, "-D", "-", server.url("/trailers"))
    assert b"x-checksum: 42" in run("curl", "-sS", "-H", "TE: trailers", "-D", "-", server.url("/trailers")).lower()


# --- nghttp --------------------------------------------------------------------------------------

def test_nghttp_fetches_several(either):
    said = nghttp(either, "-nv", *[either.url(path) for path in ("/hello", "/json", "/large", "/users/7", "/hello.txt")])
    assert said.count(":status: 200") == 5 and "GOAWAY" in said and "RST_STREAM" not in said


@pytest.mark.parametrize("options", [
    ["-m", 100], ["-p", 256], ["--no-dep"], ["--padding", 200], ["--continuation", "-H", "x-note: " + "a" * 200], ["-c", 0], ["-c", 100_000],
    ["-w", 1, "-W", 1], ["-w", 30, "-W", 30], ["--no-rfc7540-pri"], ["-M", 1, "-m", 10]], ids=lambda options: " ".join(map(str, options))[:25])
def test_nghttp_in_its_ways(either, options):
    count = options[options.index("-m") + 1] if "-m" in options else 1
    said = nghttp(either, "-nv", *options, either.url("/hello"))
    assert said.count(":status: 200") == count and "RST_STREAM" not in said


def test_nghttp_with_small_windows_gets_everything(either):
    assert nghttp(either, "-w", 4, "-W", 4, either.url("/stream?bytes=100000&piece=1000")).encode("latin-1") == stream_bytes(100_000)


def test_nghttp_sends_and_gets_trailers(either, tmp_path):
    (tmp_path / "body").write_text("hello")
    said = nghttp(either, "-v", "--trailer", "x-checksum: 42", "-d", tmp_path / "body", either.url("/trailers"))
    assert '{"x-checksum":"42"}' in said.lower()
    said = nghttp(either, "-v", either.url("/trailers"))
    assert "x-checksum: 42" in said.split("body", 1)[1]


def test_nghttp_expects_to_continue(either, tmp_path):
    (tmp_path / "body").write_text("hello")
    said = nghttp(either, "-v", "--expect-continue", "-d", tmp_path / "body", either.url("/echo"))
    assert said.index(":status: 100") < said.index(":status: 200")


# --- h2load --------------------------------------------------------------------------------------

@pytest.mark.parametrize("options, path", [
    (["-n", 20_000, "-c", 10, "-m", 100], "/hello"), (["-n", 5_000, "-c", 50, "-m", 10], "/json"),
    (["-n", 200, "-c", 5, "-m", 20], "/stream?bytes=1000000&piece=10000"), (["-n", 20_000, "-c", 10, "--h1"], "/hello")], ids=["hello", "many clients", "large", "HTTP/1.1"])
def test_h2load_fails_none(either, options, path):
    with memory_stays_flat(either, 32 * MIB):
        said = run("h2load", *options, either.url(path)).decode()
    count = options[1]
    assert f"{count} done, {count} succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said


def test_h2load_uploads(either, tmp_path):
    (tmp_path / "body").write_bytes(bytes(50_000))
    said = run("h2load", "-n", 1000, "-c", 5, "-m", 50, "-d", tmp_path / "body", either.url("/upload")).decode()
    assert "status codes: 1000 2xx" in said, said
