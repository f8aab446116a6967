"""The browser that the tests of this folder share."""

import os
import shutil
import sys

import pytest
from playwright.sync_api import sync_playwright

PLACES = ["chromium", "chromium-browser", "google-chrome",
          "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"]


@pytest.fixture(scope="module")
def browser():
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PLACES)), None)
    assert program, f"no Chromium on {sys.platform}: Tests/run installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
