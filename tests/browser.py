"""A real browser for tests of pages: the system's Chromium, driven by Playwright, without any network of its own.

A module that tests pages marks itself and asks for the fixture `browser`, which conftest.py knows:

    from tests.browser import Browser

    pytestmark = pytest.mark.browser

    def test_the_page_tells_its_numbers(browser: Browser) -> None:
        page = browser.open("file:///tmp/page.html", width=360, dark=True)
        assert page.inner_text("h1") == "Example News"
        assert browser.complaints == []

One browser serves a module. Where there is no Chromium its tests are skipped, and say so.
Playwright keeps an event loop in the thread of the tests: such a module calls no `asyncio.run` of its own.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # loading it takes a moment that most test runs need not spend
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import BrowserContext, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 20_000  # of anything waited for; machines are slow at times


class Browser:
    """Opens pages; `complaints` are the errors, warnings and refusals that the pages opened so far have logged."""

    def __init__(self, chromium: "Chromium") -> None:
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def open(self, address: str, *, width: int = 1400, height: int = 1000, dark: bool = False) -> "Page":
        """The page at `address`, in a window of its own with storage of its own; zone UTC, language English."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="UTC",
        )
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        return page

    def close_pages(self) -> None:
        """Close all windows and forget what they complained of."""
        for context in self._contexts:
            context.close()
        self._contexts.clear()
        self.complaints.clear()
        self.requests.clear()

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


def chromium_path() -> str | None:
    """Where the system's Chromium is, None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = chromium_path()
    if chromium is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium` lets the tests of pages run")
    from playwright.sync_api import sync_playwright

    home = tmp_path_factory.mktemp("browser")  # Playwright gives each start a fresh profile; HOME is for the rest
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=list(FLAGS), env={**os.environ, "HOME": str(home)}
        )
        try:
            yield Browser(started)
        finally:
            started.close()


@pytest.fixture
def browser(browser_of_module: Browser) -> Iterator[Browser]:
    """The module's browser; its windows are closed after each test."""
    yield browser_of_module
    browser_of_module.close_pages()


def file_address(path: Path) -> str:
    """The file: address of a page on disk."""
    return path.resolve().as_uri()
