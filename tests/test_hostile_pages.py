"""Pages made to break what reads them: each ends as an article or a reject, and what comes out can be stored."""

import dataclasses
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from transforms.extraction import clean_page
from transforms.schema import Article, Entry, Page
from transforms.settings import CleanSettings

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STORY = "".join(
    f"<p>The {part} of the harbour wall will be rebuilt before the winter, the council decided on Tuesday.</p>"
    for part in ("north", "south", "seaward side", "oldest stretch", "gate", "crown")
)
FIELDS = (
    "@id", "headline", "name", "author", "creator", "publisher", "datePublished", "dateModified", "image",
    "thumbnailUrl", "articleSection", "keywords", "inLanguage", "isAccessibleForFree", "mainEntityOfPage", "url",
    "description", "articleBody", "wordCount", "about", "contentLocation", "sourceOrganization",
)  # fmt: skip
STEERING = "\x1b]0;title\x07\x1b[31m\x9b2J\x00"
ODD_VALUES: list[Any] = [
    *(1, -1, 1e300, True, None, [], {}, [[]], [[["deep"]]], "\ud800", STEERING, "x" * 200_000, ["2026-01-01", 2]),
    *({"@value": {"@value": 1}}, [1, [2, {"name": [3, None]}]], {"name": {"name": {}}}, {"@type": [], "@id": "#a"}),
]
NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def cleaned(head: str, title: str = "Harbour wall to be rebuilt") -> Article:
    body = f"<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1>{STORY}"
    entry = Entry(url="https://a.example/1", feed_id="a", feed_url="https://a.example/feed", seen_at=NOW)
    page = Page(
        entry=entry,
        final_url=entry.url,
        http_status=200,
        content_type="text/html; charset=utf-8",
        body=body.encode("utf-8", "surrogatepass"),
        fetched_at=NOW,
    )
    return clean_page(page, CleanSettings())


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
    return []


def json_ld(block: str) -> str:
    return f'<script type="application/ld+json">{block}</script>'


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value)[:30])
def test_a_value_of_the_wrong_kind_in_each_field_of_json_ld_is_survived(value: Any) -> None:
    node = {"@type": "NewsArticle"} | dict.fromkeys(FIELDS, value)
    for block in (node, {"@graph": [node, value]}, node | {"@type": value}):
        assert not [text for text in texts(cleaned(json_ld(json.dumps(block)))) if NO_TEXT.search(text)]


@pytest.mark.parametrize(
    "block",
    [
        '{"@type": "NewsArticle", "wordCount": ' + "9" * 10_000 + "}",
        '{"@type": "NewsArticle", "headline": NaN, "datePublished": Infinity, "wordCount": 1e999}',
        "[" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
    ],
    ids=["digits", "no numbers", "lists", "objects"],
)
def test_json_ld_beyond_measure_costs_its_block_only(block: str) -> None:
    assert cleaned(json_ld(block)).title == "Harbour wall to be rebuilt"


def test_nothing_that_steers_a_terminal_is_left_in_an_article() -> None:
    meta = "".join(
        f'<meta property="{name}" content="2026-11-22{STEERING}">'
        for name in ("article:published_time", "author", "og:site_name", "og:locale", "news_keywords", "og:image")
    )
    article = cleaned(meta + f'<time datetime="2026-11-22{STEERING}">', title=f"Harbour{STEERING} wall")
    assert not [text for text in texts(article) if NO_TEXT.search(text)]
