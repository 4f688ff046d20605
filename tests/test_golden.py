"""Pages of the sample against what their author meant.

Each `golden/*.toml` names a page and what should become of it; a key that is left out is not checked. `people` and
`organizations` are the authors by kind. `text` is exact, a paragraph a line; `optional` lines (a standfirst) may
stand in it or not. `removed` are lines that must be in the ledger. `published_day` stands where only the day is
certain. "none" and "unknown" mean null.

`golden/open.csv` lists what the program does not do yet, each point with the reason; a point that is met fails here
until its line is removed.
"""

import csv
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.sample_site import find_document, site_names
from transforms.extraction import clean_page
from transforms.reject import Rejected
from transforms.schema import Entry, Page
from transforms.settings import CleanSettings

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
FOLDER = Path(__file__).parent / "golden"
GOLDEN = sorted(FOLDER.glob("*.toml"))
ORIGINS = {name: f"https://www.{name}.example" for name in site_names(SAMPLE)}
PUBLISHERS = {"meridian": "Meridian Press", "courier": "Harbour Courier", "orillas": "Zwei Ufer"}
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def page_of(name: str) -> Page:
    """The page as it would come over the wire, from a feed that tells nothing but the link."""
    site, path = name.split("/", 1)
    document = find_document(SAMPLE, site, path, ORIGINS)
    assert document is not None, f"{name} is not in the sample"
    url = f"{ORIGINS[site]}/{path}"
    entry = Entry(url=url, feed_id=site, feed_url=ORIGINS[site], seen_at=NOW, publisher=PUBLISHERS[site])
    return Page(
        entry=entry,
        final_url=url,
        http_status=200,
        content_type=document.content_type,
        body=document.body,
        fetched_at=NOW,
    )


@cache
def outcome(page: str) -> dict[str, Any]:
    """What the program made of `page`, in the words of the golden files."""
    try:
        article = clean_page(page_of(page), CleanSettings())
    except Rejected as rejected:
        return {"reject": rejected.reason}
    dateline = article.dateline.place if article.dateline else None
    return {
        "article_id": article.article_id,
        "title": article.title,
        "people": [author.name for author in article.authors if author.kind == "person"],
        "organizations": [author.name for author in article.authors if author.kind == "organization"],
        "published_at": article.published_at,
        "published_day": f"{article.published_at:%Y-%m-%d}" if article.published_at else "unknown",
        "published_precision": article.published_precision,
        "published_source": article.published_source,
        "modified_at": article.modified_at or "unknown",
        "language": (article.language or "").split("-")[0],
        "section": article.section,
        "keywords": list(article.keywords),
        "access": article.access,
        "dateline": dateline or "none",
        "agency": article.agency or "none",
        "is_wire_copy": article.is_wire_copy,
        "text": article.text.splitlines(),
        "removed": [line.text for line in article.removed],
    }


def checks() -> list[Any]:
    """One a page and key of its golden file; the open ones are expected to fail."""
    with (FOLDER / "open.csv").open(encoding="utf-8") as file:
        why = {(row["page"], row["key"]): row["why"] for row in csv.DictReader(file)}
    found = []
    for golden in GOLDEN:
        page = tomllib.loads(golden.read_text("utf-8"))
        for key in sorted(page.keys() - {"page", "optional"}):
            reason = why.get((page["page"], key))
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            found.append(pytest.param(golden, key, marks=marks, id=f"{golden.stem}-{key}"))
    return found


@pytest.mark.parametrize(("golden", "key"), checks())
def test_a_sample_page_becomes_what_its_author_meant(golden: Path, key: str) -> None:
    page = tomllib.loads(golden.read_text("utf-8"))
    got = outcome(page["page"])
    assert ("reject" in got) == ("reject" in page), got
    if key == "removed":
        assert [line for line in page["removed"] if line not in got["removed"]] == [], got["removed"]
    elif key == "text":
        assert [line for line in got["text"] if line not in page.get("optional", [])] == page["text"].splitlines()
    elif key == "same_article_as":
        assert got["article_id"] == outcome(page["same_article_as"])["article_id"]
    else:
        assert got[key] == page[key]


def test_there_are_golden_pages_of_every_site_and_language() -> None:
    expectations = [tomllib.loads(path.read_text("utf-8")) for path in GOLDEN]
    assert len(expectations) >= 30
    assert {expected["page"].split("/")[0] for expected in expectations} == set(PUBLISHERS)
    assert {expected["language"] for expected in expectations if "language" in expected} == {"en", "de", "es"}


def test_every_open_point_is_about_a_page_that_something_is_expected_of() -> None:
    with (FOLDER / "run" / "articles.csv").open(encoding="utf-8") as file:
        pages = {row["page"] for row in csv.DictReader(file)}
    pages |= {tomllib.loads(path.read_text("utf-8"))["page"] for path in GOLDEN}
    with (FOLDER / "open.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["page"] in pages and row["key"] and row["why"] for row in rows)
