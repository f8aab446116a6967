"""The authentication sample, asked by python-requests and python-socketio: session cookies, opaque tokens and JWTs, what each
opens, what is refused and how, and what ends with a sign-out, a revocation or an expiry."""

import re
import time

import pytest

from support.auth import SECRET, AuthServer, Channel, auth_binary, forge
from support.engine import EngineSocket
from support.server import wait_until
from support.tls import KEY, openssl

NOT_SIGNED_IN = {"message": "Please sign in.", "data": {"code": 4401}}
INVALID = {"message": "The token is not valid.", "data": {"code": 4401}}
EXPIRED = {"message": "The token has expired.", "data": {"code": 4402}}
FORBIDDEN = {"message": "For administrators only.", "data": {"code": 4403}}


def running(*arguments, **options):
    assert auth_binary(), "the executable Auth is not built: swift build -c release --package-path Samples ..."
    server = AuthServer(*arguments, **options)
    server.start()
    yield server
    assert server.process.poll() is None, "the sample died:\n" + "\n".join(server.log())
    server.stop()


@pytest.fixture(scope="module")
def server():
    yield from running()


@pytest.fixture(scope="module")
def impatient():
    """JWTs are good for three seconds, and to be renewed two before their end."""
    yield from running("--jwt-lifetime", 3, "--refresh-lead", 2)


@pytest.fixture
def join():
    """Opens channels, and closes them at the end."""
    channels = []

    def join(*arguments, **options):
        channels.append(Channel(*arguments, **options))
        return channels[-1].connect()

    yield join
    for channel in channels:
        channel.close()


def websocket(server, visitor):
    """A client whose connection outlives its namespaces."""
    cookie = visitor.cookie()
    return EngineSocket(server, fields=(f"Cookie: {cookie.name}={cookie.value}",))


# MARK: The session


def test_a_sign_in_by_form_sets_a_cookie_that_scripts_and_other_sites_do_not_get(server):
    visitor = server.visitor()
    answer = visitor.sign_in("ada", server.passwords()["ada"])
    assert answer.status_code == 200 and answer.json() == {"name": "ada", "role": "member"}
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"session=[\w-]{24}; Path=/; HttpOnly; SameSite=Strict", cookie), cookie
    assert visitor.get("session/me").json() == {"name": "ada", "role": "member"}


@pytest.mark.parametrize("name, password", [("ada", "wrong"), ("nobody", "wrong"), ("ada", ""), ("", ""), ("ADA", None)])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(server, name, password):
    visitor = server.visitor()
    answer = visitor.sign_in(name, server.passwords()["ada"] if password is None else password)
    assert (answer.status_code, answer.text) == (401, "Wrong name or password.")
    assert "Set-Cookie" not in answer.headers
    assert visitor.get("session/me").status_code == 401


def test_what_is_no_sign_in_is_refused(server):
    visitor = server.visitor()
    assert visitor.post("sign-in", data={"name": "ada"}).status_code == 400
    assert visitor.post("sign-in", data="x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert visitor.sign_in("ada", "x" * 5000).status_code == 413


def test_attempts_are_limited():
    for server in running("--attempts", 3):
        visitor = server.visitor()
        statuses = [visitor.sign_in("ada", "guess").status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        assert int(visitor.sign_in("ada", server.passwords()["ada"]).headers["Retry-After"]) > 0


def test_a_sign_in_renews_the_sessions_id(server):
    visitor = server.visitor("ada")
    before = visitor.cookie().value
    visitor.sign_in("ada", server.passwords()["ada"])
    assert visitor.cookie().value != before
    assert visitor.get("session/me", headers={"Cookie": f"session={before}"}).status_code == 401


def test_an_id_that_somebody_planted_is_not_adopted(server):
    visitor = server.visitor()
    planted = "A" * 24
    visitor.http.cookies.set("session", planted, domain="localhost.local", path="/")
    visitor.sign_in("ada", server.passwords()["ada"])
    assert server.visitor().get("session/me", headers={"Cookie": f"session={planted}"}).status_code == 401


@pytest.mark.parametrize("path", ["sign-in", "sign-out", "tokens", "jwt"])
def test_pages_of_other_origins_may_not_post(server, path):
    visitor = server.visitor("ada")
    body = {"name": "grace", "password": server.passwords()["grace"]}
    answer = visitor.post(path, data=body, headers={"Origin": f"http://evil.localhost:{server.port}"})
    assert answer.status_code == 403
    assert visitor.get("session/me").json()["name"] == "ada"


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
def test_the_cookie_opens_the_namespace(server, join, transports):
    channel = join(server.visitor("ada"), "/session", transports=transports)
    assert channel.io.call("whoami", namespace="/session") == {"name": "ada", "role": "member"}


def test_without_the_cookie_the_namespace_refuses_with_message_and_data(server):
    assert Channel(server.visitor(), "/session").refused() == NOT_SIGNED_IN
    assert Channel(server.visitor(), "/session", auth={"token": "x"}).refused() == NOT_SIGNED_IN


def test_a_page_of_another_origin_opens_no_connection_with_the_cookie(server):
    visitor = server.visitor("ada")
    for origin in (f"http://evil.localhost:{server.port}", "http://localhost:1", "null"):
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for path, fields in (("polling", {}), ("websocket", upgrade)):
            answer = visitor.get(f"socket.io/?EIO=4&transport={path}", headers={"Origin": origin, **fields})
            assert answer.status_code == 403, (origin, path)
    answer = visitor.get("socket.io/?EIO=4&transport=polling", headers={"Origin": server.url.rstrip("/")})
    assert answer.status_code == 200


def test_roles_are_asked_for_by_namespace(server, join):
    assert Channel(server.visitor(), "/admin").refused() == NOT_SIGNED_IN
    assert Channel(server.visitor("ada"), "/admin").refused() == FORBIDDEN
    assert join(server.visitor("grace"), "/admin").user() == "grace"


def test_a_sign_out_ends_the_sockets_of_its_session_and_no_others(server, join):
    ada, phone, grace = server.visitor("ada"), server.visitor("ada"), server.visitor("grace")
    tabs = [join(ada, "/session"), join(ada, "/session", transports=["polling"])]
    others = [join(phone, "/session"), join(grace, "/session"), join(grace, "/admin")]
    assert ada.post("sign-out").status_code == 204
    for tab in tabs:
        assert tab.ended.wait(5)
        assert tab.reason == "server disconnect"
    assert ada.cookie() is None and ada.get("session/me").status_code == 401
    assert [other.user() for other in others] == ["ada", "grace", "grace"]
    assert not any(other.ended.is_set() for other in others)
    assert Channel(ada, "/session").refused() == NOT_SIGNED_IN


def test_whoever_signs_in_after_somebody_else_ends_their_sockets(server, join):
    visitor = server.visitor("ada")
    before = join(visitor, "/session")
    assert visitor.sign_in("grace", server.passwords()["grace"]).status_code == 200
    assert before.ended.wait(5)
    assert join(visitor, "/session").user() == "grace"


def test_a_connection_that_outlives_the_sign_out_does_not_let_its_client_in_again(server):
    ada = server.visitor("ada")
    socket = websocket(server, ada)
    socket.connect_namespace("/session")
    assert ada.post("sign-out").status_code == 204
    assert socket.packet() == "41/session,"
    socket.send_packet("40/session,")
    assert socket.packet() == '44/session,{"message":"Please sign in.","data":{"code":4401}}'
    assert server.process.poll() is None


def test_a_stolen_cookie_is_worth_nothing_after_the_sign_out(server):
    ada = server.visitor("ada")
    stolen = f"session={ada.cookie().value}"
    ada.post("sign-out")
    assert server.visitor().get("session/me", headers={"Cookie": stolen}).status_code == 401


def test_a_sign_out_without_a_session_does_nothing(server):
    assert server.visitor().post("sign-out").status_code == 204


def test_over_tls_the_cookie_is_secure(tmp_path):
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    openssl("req", "-x509", *KEY, "-days", 2, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", key, "-out", certificate)
    for server in running(certificate=certificate, key=key):
        visitor = server.visitor()
        cookie = visitor.sign_in("ada", server.passwords()["ada"]).headers["Set-Cookie"]
        assert re.fullmatch(r"__Host-session=[\w-]{24}; Path=/; HttpOnly; Secure; SameSite=Strict", cookie), cookie
        assert visitor.get("session/me").json()["name"] == "ada"


# MARK: Opaque tokens


def test_a_token_identifies_over_http_and_realtime(server, join):
    visitor = server.visitor()
    token = visitor.token("ada")
    assert visitor.get("tokens/me", token=token).json() == {"name": "ada", "role": "member"}
    assert join(visitor, "/token", auth={"token": token}).user() == "ada"
    assert visitor.get("session/me", token=token).status_code == 401


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 43, "a b"])
def test_other_tokens_do_not(server, token):
    answer = server.visitor().get("tokens/me", token=token)
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge == "Bearer" if token is None else 'error="invalid_token"' in challenge
    if token is not None:
        assert Channel(server.visitor(), "/token", auth={"token": token}).refused() == INVALID


@pytest.mark.parametrize("auth", [None, {}, {"token": 7}, {"token": None}, {"token": ["x"]}])
@pytest.mark.parametrize("namespace", ["/token", "/jwt"])
def test_an_auth_payload_without_a_token_is_refused(server, namespace, auth):
    refusal = Channel(server.visitor(), namespace, auth=auth).refused()
    assert refusal == {"message": "missing or invalid credentials", "data": {"key": "token"}}


def test_a_cookie_is_no_token(server):
    """The handshake of a browser that signed in has its identity already; the namespace still wants its own proof."""
    assert Channel(server.visitor("ada"), "/token", auth={"token": "x"}).refused() == INVALID
    assert Channel(server.visitor("ada"), "/jwt", auth={"token": "x"}).refused() == INVALID


def test_a_revoked_token_ends_its_sockets_and_no_others(server, join):
    visitor = server.visitor()
    token, other, foreign = visitor.token("ada"), visitor.token("ada"), visitor.token("grace")
    channel = join(visitor, "/token", auth={"token": token})
    others = [join(visitor, "/token", auth={"token": each}) for each in (other, foreign)]
    assert visitor.request("DELETE", "tokens/mine", token=token).status_code == 204
    assert channel.ended.wait(5)
    assert [each.user() for each in others] == ["ada", "grace"]
    assert visitor.get("tokens/me", token=token).status_code == 401
    assert Channel(visitor, "/token", auth={"token": token}).refused() == INVALID


# MARK: JWTs


def test_a_jwt_identifies_over_http_and_realtime(server, join):
    for visitor, token in ((server.visitor("ada"), None), (server.visitor(), server.visitor().token("ada"))):
        jwt = visitor.jwt(token)
        assert server.visitor().get("jwt/me", token=jwt).json() == {"name": "ada", "role": "member"}
        assert join(server.visitor(), "/jwt", auth={"token": jwt}).user() == "ada"


def test_nobody_gets_a_jwt_who_has_proved_nothing(server):
    visitor = server.visitor()
    assert visitor.post("jwt").status_code == 401
    assert visitor.post("jwt", token="wrong").status_code == 401
    assert visitor.post("jwt", token=forge()).status_code == 401


def test_a_jwt_of_whoever_has_the_key_is_as_good(server, join):
    assert server.visitor().get("jwt/me", token=forge(sub="bob")).json()["name"] == "bob"
    assert join(server.visitor(), "/jwt", auth={"token": forge(sub="bob")}).user() == "bob"


def altered(jwt):
    """The same with another role, under the old signature."""
    return forge(role="administrator", signature=jwt.rsplit(".", 1)[1])


FORGERIES = {
    "another key": lambda: forge(secret=SECRET + "!"),
    "altered claims": lambda: altered(forge()),
    "no signature": lambda: forge(signature=""),
    "alg none": lambda: forge({"alg": "none"}, signature=""),
    "alg NONE, signed": lambda: forge({"alg": "NONE", "typ": "JWT"}, secret="none"),
    "alg none and a kid": lambda: forge({"alg": "none", "kid": "x"}, signature=""),
    "RS256 with the secret unknown": lambda: forge({"alg": "RS256"}, secret=""),
    "another issuer": lambda: forge(iss="somebody"),
    "another audience": lambda: forge(aud="others"),
    "no expiry": lambda: forge(exp=None),
    "expiry is text": lambda: forge(exp="tomorrow"),
    "an unknown role": lambda: forge(role="king"),
    "no subject": lambda: forge(sub=None),
    "two parts": lambda: forge().rsplit(".", 1)[0],
    "four parts": lambda: forge() + ".x",
    "no base64": lambda: "!!!.!!!.!!!",
    "dots": lambda: "..",
    "large": lambda: "x" * 4000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_jwt_is_refused(server, forgery):
    jwt = FORGERIES[forgery]()
    answer = server.visitor().get("jwt/me", token=jwt)
    assert answer.status_code == 401 and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert Channel(server.visitor(), "/jwt", auth={"token": jwt}).refused() == INVALID


def test_an_expired_jwt_is_refused_by_a_code_of_its_own(server):
    jwt = forge(exp=int(time.time()) - 1)
    assert server.visitor().get("jwt/me", token=jwt).status_code == 401
    assert Channel(server.visitor(), "/jwt", auth={"token": jwt}).refused() == EXPIRED


def test_a_jwt_is_renewed_in_place(impatient, join):
    visitor = impatient.visitor("ada")
    channel = join(visitor, "/jwt", auth={"token": visitor.jwt()}, renew=lambda: {"token": visitor.jwt()})
    sid = channel.io.get_sid("/jwt")
    wait_until(lambda: len(channel.asked) >= 4, 10)
    assert not channel.ended.is_set() and channel.io.get_sid("/jwt") == sid and channel.user() == "ada"
    assert all(0 < left <= 2000 for left in channel.asked), channel.asked


BAD_RENEWALS = {
    "no answer": lambda: None,
    "no token": lambda: {},
    "a forgery": lambda: {"token": forge(secret="x" * 32)},
    "an expired token": lambda: {"token": forge(exp=int(time.time()) - 1)},
    "another user's token": lambda: {"token": forge(sub="grace", role="administrator")},
    "no object": lambda: "token",
}


@pytest.mark.parametrize("renewal", BAD_RENEWALS)
def test_a_jwt_that_is_not_renewed_ends_its_socket(impatient, join, renewal):
    visitor = impatient.visitor("ada")
    started = time.monotonic()
    channel = join(visitor, "/jwt", auth={"token": visitor.jwt()}, renew=BAD_RENEWALS[renewal])
    wait_until(lambda: channel.asked, 5)
    assert channel.user() == "ada"
    assert channel.ended.wait(5)
    assert 2 <= time.monotonic() - started <= 6
    assert channel.reason == "server disconnect" and len(channel.asked) == 1


def test_jwts_outlive_the_server_where_its_key_does():
    for server in running():
        jwt = server.visitor("ada").jwt()
        server.stop()
        server.start()
        assert server.visitor().get("jwt/me", token=jwt).json()["name"] == "ada"
