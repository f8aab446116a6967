"""The page of the authentication sample in headless Chromium: all three ways, and what ends each of them."""

import os
import pathlib
import re

import pytest
from playwright import sync_api as playwright

from support.auth import AuthServer, auth_binary

expect = playwright.expect


@pytest.fixture
def start():
    assert auth_binary(), "the executable Auth is not built: swift build -c release --package-path Samples ..."
    servers = []

    def start(*arguments):
        servers.append(AuthServer(*arguments))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def visit(browser):
    """Opens the page for somebody with cookies of their own, and fails where a script did."""
    contexts, errors = [], []

    def visit(server):
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        context.set_default_timeout(15_000)
        contexts.append(context)
        return tab(context, server)

    def tab(context, server):
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None)
        page.goto(server.url)
        return page

    visit.tab = tab
    yield visit
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def screenshot(tmp_path):
    folder = pathlib.Path(os.environ.get("CHAT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"auth-{name}.png")


def sign_in(page, server, name, button="Sign in", password=None):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password or server.passwords()[name])
    page.get_by_role("button", name=button, exact=True).click()


def press(page, way, button):
    page.locator(f"#{way}").get_by_role("button", name=button, exact=True).click()


def latest(page, way, text):
    expect(page.locator(f"#{way} .log li").first).to_contain_text(re.compile(text))


def test_the_session_of_a_browser(start, visit, screenshot):
    server = start()
    ada, grace = visit(server), visit(server)
    press(ada, "session", "Connect")
    latest(ada, "session", "/session refused: Please sign in. 4401")
    sign_in(ada, server, "ada", password="wrong")
    expect(ada.get_by_role("alert")).to_have_text("Wrong name or password.")
    sign_in(ada, server, "ada")
    latest(ada, "session", "signed in as ada")
    press(ada, "session", "Ask over HTTP")
    latest(ada, "session", 'HTTP 200 {"name":"ada"')
    press(ada, "session", "Connect")
    latest(ada, "session", "/session is connected as ada, member")
    press(ada, "session", "Connect to /admin")
    latest(ada, "session", "/admin refused: For administrators only. 4403")
    assert ada.evaluate("document.cookie") == ""

    second = visit.tab(ada.context, server)
    press(second, "session", "Connect")
    latest(second, "session", "/session is connected as ada")
    sign_in(grace, server, "grace")
    latest(grace, "session", "signed in as grace")
    press(grace, "session", "Connect to /admin")
    latest(grace, "session", "/admin is connected as grace, administrator")
    screenshot(ada, "session")

    press(second, "session", "Sign out")
    for page in (ada, second):
        expect(page.locator("#session")).to_contain_text("/session ended: io server disconnect")
    press(ada, "session", "Connect")
    latest(ada, "session", "/session refused: Please sign in. 4401")
    expect(grace.locator("#session")).not_to_contain_text("ended")


def test_an_opaque_token(start, visit):
    server = start()
    page = visit(server)
    press(page, "token", "Ask over HTTP")
    latest(page, "token", "HTTP 401")
    press(page, "token", "Connect")
    latest(page, "token", "/token refused: The token is not valid. 4401")
    sign_in(page, server, "ada", "Get a token")
    latest(page, "token", "got a token")
    press(page, "token", "Connect")
    latest(page, "token", "/token is connected as ada, member")
    press(page, "token", "Revoke")
    expect(page.locator("#token")).to_contain_text("/token ended: io server disconnect")
    press(page, "token", "Connect")
    latest(page, "token", "/token refused")


def test_a_jwt_is_renewed_until_the_page_stops_to(start, visit, screenshot):
    server = start("--jwt-lifetime", 3, "--refresh-lead", 2)
    page = visit(server)
    press(page, "jwt", "Get one")
    latest(page, "jwt", "no token: 401")
    sign_in(page, server, "ada")
    latest(page, "session", "signed in")
    press(page, "jwt", "Get one")
    latest(page, "jwt", "got a token")
    press(page, "jwt", "Connect")
    expect(page.locator("#jwt .log li", has_text="asked for a new token, 2 s before the end")).to_have_count(3)
    expect(page.locator("#jwt .log li", has_text="/jwt is connected as ada")).to_have_count(1)
    screenshot(page, "jwt")
    page.get_by_label("Renew when asked").uncheck()
    expect(page.locator("#jwt")).to_contain_text("/jwt ended: io server disconnect")
    press(page, "jwt", "Connect")
    latest(page, "jwt", "/jwt refused: The token has expired. 4402")
    page.get_by_label("Renew when asked").check()
    press(page, "jwt", "Connect")  # is refused, gets another token, and tries again
    expect(page.locator("#jwt .log li", has_text="/jwt is connected as ada")).to_have_count(2)
