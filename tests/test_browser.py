"""The browser that other tests look through: it shows pages, and hears what they complain of."""

from pathlib import Path

import pytest

from tests.browser import Browser, file_address

pytestmark = pytest.mark.browser


def test_a_page_is_shown_at_the_width_and_in_the_colours_asked_for(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<title>Page</title><meta name=viewport content='width=device-width'>")
    page = browser.open(file_address(tmp_path / "page.html"), width=360, dark=True)
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [360, True]


def test_what_a_page_complains_of_is_heard(browser: Browser, tmp_path: Path) -> None:
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    (tmp_path / "page.html").write_text(f"{policy}<script>document.title = 'run'</script>")
    page = browser.open(file_address(tmp_path / "page.html"))
    assert page.title() == ""
    assert len(browser.complaints) == 1
    assert "Content Security Policy" in browser.complaints[0]
