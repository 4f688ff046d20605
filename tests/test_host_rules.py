"""Repairs for single hosts, written as data."""

from pathlib import Path

import pytest
from lxml.html import document_fromstring

from tests.pages import PARAGRAPHS, html, page
from transforms.extraction import clean_page
from transforms.host_rules import compile_selector, load_host_rules, rule_for
from transforms.settings import CleanSettings

RULES = """
["harbour-herald.example"]
body = "div.tale"
title = "h2#headline"
date = "span.when"
authors = "p.by b"
drop = ["div.tale > p.promo"]
drop_lines = ["Tell us what"]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "hosts.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("css", "found"),
    [
        ("p", ["a", "b", "c"]),
        (".x", ["a", "b"]),
        ("p.x.y", ["b"]),
        ("#z", ["c"]),
        ("div p", ["b"]),
        ("body > p", ["a", "c"]),
        ("[data-k]", ["a"]),
        ("p[data-k=1], #z", ["a", "c"]),
        ("em", []),
    ],
)
def test_selectors_find_what_css_finds(css: str, found: list[str]) -> None:
    tree = document_fromstring("<p class=x data-k=1>a</p><div><p class='y x'>b</p></div><p id=z>c</p>")
    assert [element.text for element in compile_selector(css)(tree)] == found


@pytest.mark.parametrize("css", ["", "p:hover", "p ~ a", "> p", "p >", "p[", "a,,b", "!"])
def test_a_selector_beyond_the_documented_part_is_an_error(css: str) -> None:
    with pytest.raises(ValueError, match="selector"):
        compile_selector(css)


def test_a_mistake_names_file_host_and_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"hosts\.toml: h\.example: unknown key boddy"):
        load_host_rules((write(tmp_path, '["h.example"]\nboddy = "p"\n'),))


def test_a_rule_holds_for_its_host_and_those_below(tmp_path: Path) -> None:
    rules = load_host_rules((write(tmp_path, RULES),))
    assert rule_for("https://www.harbour-herald.example/a", rules) is rules["harbour-herald.example"]
    assert rule_for("https://example/a", rules) is None
    assert rule_for("https://[", rules) is None


def test_a_page_is_read_as_its_host_rule_says(tmp_path: Path) -> None:
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    body = (
        "<html><body><h1>Harbour Herald</h1><h2 id=headline>Ferry fares to rise</h2>"
        "<p class=by>Words: <b>Ann Low</b></p>"
        f"<span class=when>13.03.2026, 21:40</span><div class=tale>{paragraphs}<p class=promo>Join the club today</p>"
        "<p>Tell us what you think of the ferry.</p></div><div class=other><p>Another story altogether.</p></div>"
    )
    article = clean_page(page(body), CleanSettings(hosts=(write(tmp_path, RULES),)))
    assert article.title == "Ferry fares to rise"
    assert [author.name for author in article.authors] == ["Ann Low"]
    assert article.published_at is not None and article.published_at.isoformat() == "2026-03-13T21:40:00+00:00"
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert [line.rule for line in article.removed] == ["host/harbour-herald.example"]
    assert article.extraction_method == "host-rule"


def test_a_selector_that_matches_nothing_leaves_the_page_to_the_general_rules(tmp_path: Path) -> None:
    article = clean_page(page(html()), CleanSettings(hosts=(write(tmp_path, RULES),)))
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert article.title == "Ferry fares to rise in May"
