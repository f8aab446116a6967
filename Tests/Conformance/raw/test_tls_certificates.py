"""Certificates: by the client's name, asked of the client, and anew by SIGHUP. FEATURES H6."""

import json
import signal
import ssl
import threading
import time

import pytest

from support.http1 import Connection, get
from support.http2 import Http2
from support.server import wait_until
from support.tls import Certificates, TLSServer, asked, subject

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


# --- names ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, certificate", [
    ("one.example", "one.example"), ("two.example", "two.example"), ("www.two.example", "two.example"), ("TWO.example", "two.example"),
    ("unknown.example", "one.example"), (None, "one.example")])
def test_certificate_follows_the_name(secure, name, certificate):
    context = secure.certificates.context("http/1.1")
    context.check_hostname = False
    with secure.connect(name=name, context=context) as connection:
        assert subject(connection) == certificate
        answer = asked(connection)
        assert (answer.get("serverName") or "").lower() == (name or "").lower() and answer["scheme"] == "https"


def test_handler_sees_the_name_over_http2(secure):
    with Http2(secure) as connection:
        answer = json.loads(connection.exchange("/request", scheme="https").body)
        assert (answer["serverName"], answer["scheme"], answer["version"]) == ("one.example", "https", "HTTP/2")


# --- client certificates -------------------------------------------------------------------------

def who(server, client, version=TLS_1_3):
    """The identity that a handler saw; an SSLError where there was no connection."""
    context = server.certificates.context("http/1.1", client=client, minimum=version, maximum=version)
    with server.connect(context=context) as connection:
        return asked(connection).get("clientCertificate")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_required_client_certificate(make_secure, certificates, version):
    server = make_secure("--client-ca", certificates.pem("ca"), "--client-certificates", "required")
    assert "Ada Lovelace" in who(server, "client", version)
    for client in (None, "stranger"):
        with pytest.raises(OSError):
            who(server, client, version)
    with Http2(server) as connection:
        assert "Ada Lovelace" in json.loads(connection.exchange("/request").body)["clientCertificate"]
    server.check()


def test_optional_client_certificate(make_secure, certificates):
    server = make_secure("--client-ca", certificates.pem("ca"), "--client-certificates", "optional")
    assert "Ada Lovelace" in who(server, "client")
    assert who(server, None) is None
    with pytest.raises(OSError):
        who(server, "stranger")
    server.check()


def test_client_certificate_that_nobody_asked_for_is_no_identity(secure):
    assert who(secure, "client") is None


# --- reload --------------------------------------------------------------------------------------

def serial(server, name="one.example"):
    with server.connect(name=name) as connection:
        return connection.getpeercert()["serialNumber"]


@pytest.fixture
def reloading(make_server, tmp_path):
    """A server whose certificates the test may replace."""
    return make_server(Certificates(tmp_path), kind=TLSServer)


def test_reload_under_load_fails_no_request(reloading):
    server, certificates = reloading, reloading.certificates
    stop, failures, counts = threading.Event(), [], [0] * 6

    def load(n):
        kept = Http2(server) if n % 3 == 0 else Connection(server)
        try:
            while not stop.is_set():
                if n % 3 == 0:
                    assert kept.exchange().body == b"hello"
                elif n % 3 == 1:
                    assert kept.send(get("/hello")).response().body == b"hello"
                else:
                    with Connection(server) as connection:
                        assert connection.send(get("/hello")).response().body == b"hello"
                counts[n] += 1
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=load, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    before = serial(server), serial(server, "two.example")
    for _ in range(5):
        certificates.issue("one", "one.example", "DNS:one.example,IP:127.0.0.1")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.15)
    wait_until(lambda: serial(server) != before[0])
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not failures and min(counts) > 10, (failures, counts)
    assert serial(server, "two.example") == before[1]
    server.check()


@pytest.mark.parametrize("damage", ["not a certificate", "", None])
def test_reload_of_a_broken_file_keeps_what_there_is(reloading, damage):
    server, before = reloading, serial(reloading)
    path = server.certificates.pem("one")
    path.unlink() if damage is None else path.write_text(damage)
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert serial(server) == before
    server.certificates.issue("one", "one.example", "DNS:one.example,IP:127.0.0.1")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: serial(server) != before)
    server.check()


def test_key_that_does_not_fit_is_not_loaded(reloading):
    server, before = reloading, serial(reloading)
    server.certificates.key("one").write_text(server.certificates.key("two").read_text())
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert serial(server) == before
    server.check()
