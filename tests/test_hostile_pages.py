"""Each hostile page ends as an article or a reject, in bounded time, and what comes out can be stored and printed."""

import dataclasses
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.hostile_pages import FIELDS, PAGES, json_ld, story
from transforms.extraction import clean_page
from transforms.reject import Rejected
from transforms.schema import Article, Entry, Page
from transforms.settings import CleanSettings

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
MAX_SECONDS = 15


def cleaned(html: str) -> Article:
    entry = Entry(url="https://a.example/1", feed_id="a", feed_url="https://a.example/feed", seen_at=NOW)
    page = Page(
        entry=entry,
        final_url=entry.url,
        http_status=200,
        content_type="text/html; charset=utf-8",
        body=html.encode("utf-8", "surrogatepass"),
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


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_page_is_survived_and_leaves_nothing_odd(name: str) -> None:
    start = time.process_time()
    try:
        article = cleaned(PAGES[name])
    except Rejected as rejected:
        told = [rejected.detail or ""]
    else:
        told = texts(article)
    assert not [text for text in told if NO_TEXT.search(text)]
    assert time.process_time() - start < MAX_SECONDS


def test_no_file_of_the_machine_is_read_into_a_page() -> None:
    assert "root:" not in "".join(texts(cleaned(PAGES["a file as entity"])))


def test_what_is_odd_in_json_ld_costs_no_more_than_json_ld() -> None:
    assert len(FIELDS) > 20
    for block in ("[" * 100_000, '{"@type": "NewsArticle", "wordCount": ' + "9" * 10_000 + "}"):
        assert cleaned(story(json_ld(block))).title == "Harbour wall to be rebuilt"
