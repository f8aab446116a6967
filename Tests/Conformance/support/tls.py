"""Certificates of the tests' own, made by openssl, and the server under test behind TLS."""

import json
import shutil
import ssl
import subprocess

from .http1 import get
from .server import Server

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)


class Certificates:
    """An authority, two servers' certificates, a client's, and one by an authority that nobody trusts."""

    def __init__(self, folder):
        self.folder = folder
        for authority in ("ca", "stranger-ca"):
            openssl("req", "-x509", *KEY, "-days", 30, "-subj", f"/CN={authority}", "-keyout", self.key(authority), "-out", self.pem(authority))
        self.issue("one", "one.example", "DNS:one.example,DNS:localhost,IP:127.0.0.1")
        self.issue("two", "two.example", "DNS:two.example,DNS:*.two.example")
        self.issue("client", "Ada Lovelace", "email:ada@example.com")
        self.issue("stranger", "Mallory", "email:mallory@example.com", authority="stranger-ca")

    def pem(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def issue(self, name, common_name, names, authority="ca"):
        """A new key and certificate in this name's files."""
        request, extensions = self.folder / "request", self.folder / "extensions"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", *KEY, "-subj", f"/O=Parley/CN={common_name}", "-keyout", self.folder / "new.key", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.pem(authority), "-CAkey", self.key(authority), "-CAcreateserial",
                "-days", 30, "-extfile", extensions, "-out", self.folder / "new.pem")
        shutil.move(self.folder / "new.key", self.key(name))
        shutil.move(self.folder / "new.pem", self.pem(name))

    def context(self, *protocols, client=None, minimum=None, maximum=None):
        """A client that trusts the authority."""
        context = ssl.create_default_context(cafile=self.pem("ca"))
        if protocols:
            context.set_alpn_protocols(protocols)
        if client:
            context.load_cert_chain(self.pem(client), self.key(client))
        context.minimum_version = minimum or ssl.TLSVersion.TLSv1_2
        context.maximum_version = maximum or ssl.TLSVersion.TLSv1_3
        return context

    def arguments(self, *names):
        return [argument for name in names for argument in ("--tls-certificate", self.pem(name), "--tls-key", self.key(name))]


class TLSServer(Server):
    """The server under test with the certificates of one.example and two.example."""

    def __init__(self, certificates, *arguments, **options):
        super().__init__(*certificates.arguments("one", "two"), *arguments, **options)
        self.certificates = certificates
        self.context = certificates.context(client="client")

    def url(self, path=""):
        return f"https://127.0.0.1:{self.port}{path}"

    def connect_raw(self, timeout=5):
        return super().connect(timeout)

    def connect(self, timeout=5, protocol=None, name="one.example", context=None):
        """A socket after the handshake; it must have agreed to the protocol, if one is given. An end without
        close_notify is an SSLEOFError, as it is to OpenSSL."""
        context = context or self.certificates.context(*[protocol] * bool(protocol), client="client")
        connection = context.wrap_socket(self.connect_raw(timeout), server_hostname=name, suppress_ragged_eofs=False)
        assert protocol is None or connection.selected_alpn_protocol() == protocol
        return connection


def asked(connection, path="/request"):
    """What a handler saw of a request over this socket."""
    connection.sendall(get(path, "Connection: close"))
    with connection.makefile("rb") as answer:
        return json.loads(answer.read().split(b"\r\n\r\n", 1)[1])


def subject(connection):
    """The common name of the peer's certificate."""
    return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]
