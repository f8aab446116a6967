"""The chat sample in headless Chromium: two people log in, talk, switch rooms, and survive a restart of the server.

Needs pytest and playwright (no browser of its own: CHROMIUM or the system's is used), the built executable Chat
(CHAT_BINARY, .build/release/Chat or .build/debug/Chat) and the browser client that `Samples/run --prepare` fetches.
Screenshots are kept in CHAT_SCREENSHOTS, or else in pytest's temporary folder.
"""

import base64
import json
import os
import pathlib
import re
import subprocess

import pytest
from playwright import sync_api as playwright

from support.chat import CLIENT, ROOT, Server, chat_binary, chromium, log_in, message, say

expect = playwright.expect

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def server():
    if chat_binary() is None:
        pytest.fail("the executable Chat is not built")
    if not CLIENT.exists():
        subprocess.run([ROOT / "Samples/run", "--prepare"], check=True)
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    if path is None:
        pytest.fail("there is no Chromium")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def people(server, browser):
    """Makes pages that belong to different people, and fails when one of them had a script error."""
    contexts, errors = [], []

    def open_page(name=None, width=1280, height=800, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None)
        page.goto(server.url)
        if name:
            log_in(page, name)
            expect(page.locator("#room-title")).not_to_be_empty()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def screenshot(tmp_path):
    folder = pathlib.Path(os.environ.get("CHAT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png")


def test_two_people_talk_and_see_receipts(people, screenshot):
    ada = people("Ada")
    say(ada, "Is anybody here?")
    expect(message(ada, "Is anybody here?").locator(".receipt.sent")).to_have_count(1)
    grace = people("Grace", 390, 844, "dark")
    expect(ada.get_by_text("Grace joined")).to_be_visible()
    expect(message(grace, "Is anybody here?")).to_be_visible()  # from the history
    expect(message(ada, "Is anybody here?").locator(".receipt.delivered")).to_have_count(1)
    say(grace, "Yes, with a moth 🦋 and <img src=x onerror=alert(1)>")
    expect(message(ada, "Yes, with a moth 🦋 and <img src=x onerror=alert(1)>")).to_be_visible()
    expect(ada.locator(".message img")).to_have_count(0)
    expect(message(grace, "Yes, with a moth").locator(".receipt.delivered")).to_have_count(1)
    screenshot(ada, "desktop-light")
    screenshot(grace, "phone-dark")
    grace.get_by_role("button", name="Rooms and people").click()
    expect(grace.locator("#people li")).to_have_text([re.compile("Ada"), re.compile("Grace.*you")])
    grace.wait_for_timeout(300)
    screenshot(grace, "phone-drawer")


def test_typing_is_shown_until_the_message_or_a_pause(people, screenshot):
    ada, grace = people("Ada"), people("Grace")
    grace.locator("#text").press_sequentially("Look at")
    expect(ada.locator("#typing")).to_have_text("Grace is typing")
    screenshot(ada, "typing")
    grace.keyboard.press("Enter")
    expect(ada.locator("#typing")).to_be_empty()
    grace.locator("#text").press_sequentially("And")
    expect(ada.locator("#typing")).to_have_text("Grace is typing")
    expect(ada.locator("#typing")).to_be_empty(timeout=8_000)


def test_rooms_keep_conversations_and_people_apart(people, screenshot):
    ada, grace = people("Ada"), people("Grace")
    grace.get_by_label("Name of a new room").fill("Compilers")
    grace.keyboard.press("Enter")
    expect(grace.locator("#room-title")).to_have_text("Compilers")
    expect(ada.get_by_text("Grace left")).to_be_visible()
    expect(ada.locator("#people li")).to_have_count(1)
    say(grace, "Only here")
    expect(message(grace, "Only here").locator(".receipt.sent")).to_have_count(1)
    expect(ada.locator('[data-room="Compilers"]')).to_contain_text("1 person")
    expect(message(ada, "Only here")).to_have_count(0)
    ada.locator('[data-room="Compilers"]').click()
    expect(message(ada, "Only here")).to_be_visible()
    expect(grace.locator("#people li")).to_have_count(2)
    expect(message(grace, "Only here").locator(".receipt.delivered")).to_have_count(1)
    screenshot(ada, "rooms")
    for page in (ada, grace):
        page.locator('[data-room="Lobby"]').click()
        expect(page.locator("#room-title")).to_have_text("Lobby")
    expect(ada.locator('[data-room="Compilers"]')).to_have_count(0)  # left by everybody
    ada.get_by_label("Name of a new room").fill("no/slash")
    ada.keyboard.press("Enter")
    expect(ada.locator("#composer-error")).to_contain_text("2 to 24")
    expect(ada.locator("#room-title")).to_have_text("Lobby")


def test_a_picture_travels_as_binary(people, screenshot):
    ada, grace = people("Ada"), people("Grace")
    ada.locator("#file").set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(ada.locator("#preview")).to_be_visible()
    say(ada, "One pixel")
    expect(message(ada, "One pixel").locator(".receipt.delivered")).to_have_count(1)
    received = message(grace, "One pixel").locator("img")
    expect(received).to_be_visible()
    expect(received).to_have_js_property("naturalWidth", 1)
    later = people("Later")
    expect(message(later, "One pixel").locator("img")).to_be_visible()  # from the history
    ada.locator("#file").set_input_files({"name": "p.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"})
    expect(ada.locator("#composer-error")).to_contain_text("Only PNG")
    screenshot(grace, "picture")


def test_a_login_is_refused_with_a_reason(server, people, screenshot):
    people("Ada")
    other = people()
    log_in(other, "ADA")
    expect(other.get_by_role("alert").first).to_contain_text("in use")
    screenshot(other, "refused-taken")
    log_in(other, "<b>")
    expect(other.get_by_role("alert").first).to_contain_text("2 to 24")
    assert server.post("api/login", {"name": "ada "})[0] == 409
    assert server.post("api/login", {"name": "a/b"})[0] == 422
    assert server.post("api/login", {"no": "name"})[0] == 400
    status, body = server.post("api/login", {"name": "Grace"})
    assert status == 200 and json.loads(body)["name"] == "Grace" and len(json.loads(body)["token"]) >= 32


def test_the_handshake_refuses_an_unknown_token(people, screenshot):
    people("Ada")
    thief = people()
    refusal = thief.evaluate(
        """() => new Promise((resolve) => {
            const socket = io("/chat", { auth: { token: "guessed" }, reconnection: false, forceNew: true });
            socket.on("connect", () => resolve("connected"));
            socket.on("connect_error", (error) => resolve({ message: error.message, data: error.data }));
        })"""
    )
    assert refusal == {"message": "Please sign in again.", "data": {"code": 4401}}
    # The page with a stale token whose name somebody else has: the form, and why.
    thief.evaluate("""sessionStorage.setItem("session", '{"name":"Ada","token":"stale","room":"Lobby"}')""")
    thief.reload()
    expect(thief.get_by_role("alert").first).to_contain_text("Please sign in again.")
    screenshot(thief, "refused-token")


def test_a_reload_keeps_the_session_and_signing_out_frees_the_name(people):
    ada = people("Ada")
    say(ada, "Before the reload")
    expect(message(ada, "Before the reload").locator(".receipt.sent")).to_have_count(1)
    ada.reload()
    expect(ada.locator("#my-name")).to_have_text("Ada")
    expect(message(ada, "Before the reload")).to_be_visible()
    ada.get_by_role("button", name="Sign out").click()
    expect(ada.get_by_label("Your name")).to_be_visible()
    people("Ada")


def test_a_restart_of_the_server_is_announced_and_recovered_from(server, people, screenshot):
    ada, grace = people("Ada"), people("Grace")
    say(ada, "Before the restart")
    expect(message(grace, "Before the restart")).to_be_visible()
    server.stop()
    expect(ada.locator("#banner")).to_contain_text(re.compile(r"Reconnecting in \d+ s, attempt 2"))
    expect(ada.locator("#status")).to_have_text("Reconnecting")
    say(ada, "Written while nobody listened")
    expect(message(ada, "Written while").locator(".receipt.waiting")).to_have_count(1)
    screenshot(ada, "lost")
    server.start()
    ada.get_by_role("button", name="Try now").click()
    expect(ada.locator("#banner")).to_have_text(re.compile("Connection restored"))
    screenshot(ada, "restored")
    expect(message(grace, "Written while nobody listened")).to_have_count(1, timeout=30_000)
    expect(message(ada, "Written while").locator(".receipt.delivered")).to_have_count(1)
    expect(message(ada, "Before the restart")).to_have_count(1)  # still on the page
    say(grace, "Back again")
    expect(message(ada, "Back again")).to_have_count(1)
    expect(ada.locator("#people li")).to_have_count(2)
    expect(ada.locator("#banner")).to_be_hidden()
