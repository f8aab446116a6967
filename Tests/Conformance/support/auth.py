"""The authentication sample as a process, JWTs that it did not make, and clients of its namespaces."""

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import threading
import time

import requests
import socketio
from socketio.exceptions import ConnectionError as Refused

from support.chat import ROOT, Server
from support.server import wait_until

SECRET = "a secret that only these tests and their server know"
USERS = {"ada": "member", "grace": "administrator"}


def auth_binary():
    candidates = [os.environ.get("AUTH_BINARY"), ROOT / ".build-samples/release/Auth", ROOT / ".build-samples/debug/Auth"]
    return next((str(path) for path in candidates if path and os.access(path, os.X_OK)), None)


class AuthServer(Server):
    """The sample; it makes passwords when it starts, and logs them."""

    program = staticmethod(auth_binary)
    environment = {**os.environ, "AUTH_JWT_SECRET": SECRET}

    def __init__(self, *arguments, certificate=None, key=None):
        super().__init__(certificate, key)
        self.certificate = certificate
        self.arguments += ["--attempts", "1000", *map(str, arguments)]

    def passwords(self):
        return dict(re.findall(r"Sign in as (\w+) with (\S+)", "\n".join(self.log())))

    def connect(self, timeout=5, protocol=None):
        return socket.create_connection(("localhost", self.port), timeout)

    def visitor(self, name=None):
        visitor = Visitor(self)
        if name:
            assert visitor.sign_in(name, self.passwords()[name]).json() == {"name": name, "role": USERS[name]}
        return visitor


class Visitor:
    """Somebody with a cookie jar."""

    def __init__(self, server):
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = server.certificate or True

    def request(self, method, path, token=None, headers=None, **options):
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.request(method, self.server.url + path, headers=headers, timeout=10, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def sign_in(self, name, password, **options):
        return self.post("sign-in", data={"name": name, "password": password}, **options)

    def token(self, name):
        answer = self.post("tokens", json={"name": name, "password": self.server.passwords()[name]})
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        return answer.json()["token"]

    def jwt(self, token=None):
        answer = self.post("jwt", token=token)
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        return answer.json()["token"]

    def cookie(self):
        return next(iter(self.http.cookies), None)


class Channel:
    """One client in one namespace, by python-socketio."""

    def __init__(self, visitor, namespace, auth=None, transports=("websocket",), renew=None):
        self.namespace, self.refusal, self.ended = namespace, None, threading.Event()
        self.asked, self.reason = [], None
        self.io = socketio.Client(http_session=visitor.http, reconnection=False)
        self.io.on("disconnect", self._disconnect, namespace=namespace)
        self.io.on("connect_error", self._refuse, namespace=namespace)
        if renew:
            self.io.on("refresh", lambda left: (self.asked.append(left), renew())[1], namespace=namespace)
        else:
            self.io.on("refresh", self.asked.append, namespace=namespace)
        self.visitor, self.auth, self.transports = visitor, auth, list(transports)

    def _disconnect(self, reason=None):
        self.reason = reason
        self.ended.set()

    def _refuse(self, refusal):
        self.refusal = refusal

    def connect(self):
        self.io.connect(self.visitor.server.url, namespaces=[self.namespace], auth=self.auth,
                        transports=self.transports, wait_timeout=8)
        return self

    def refused(self):
        """What the client is told when it may not come in."""
        try:
            self.connect()
        except Refused:
            wait_until(lambda: self.refusal is not None)
            return self.refusal
        finally:
            self.close()
        raise AssertionError("was let in")

    def user(self):
        return self.io.call("whoami", namespace=self.namespace, timeout=8)["name"]

    def close(self):
        self.io.disconnect()


def encode(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header=None, secret=SECRET, signature=None, **claims):
    """A JWT like those of the sample, but for what is said here; a claim that is None is left out."""
    payload = {"iss": "parley-auth", "aud": "parley-auth-clients", "sub": "ada", "role": "member",
               "iat": int(time.time()), "exp": int(time.time()) + 60, **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    content = encode(header or {"alg": "HS256", "typ": "JWT"}) + "." + encode(payload)
    if signature is None:
        signature = encode(hmac.new(secret.encode(), content.encode(), hashlib.sha256).digest())
    return f"{content}.{signature}"
