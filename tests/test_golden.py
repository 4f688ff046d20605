"""Pages of the sample against what their author meant.

Each `golden/*.toml` names a page and what should become of it; a key that is left out is not checked. `people` and
`organizations` are the authors by kind. `text` is exact, a paragraph a line; `optional` lines (a standfirst) may
stand in it or not. `removed` are lines that must be in the ledger. `published_day` stands where only the day is
certain. "none" and "unknown" mean null.
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.sample_site import find_document, site_names
from transforms.extraction import clean_page
from transforms.reject import Rejected
from transforms.schema import Article, Entry, Page
from transforms.settings import CleanSettings

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.toml"))
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


def outcome(page: str) -> dict[str, Any]:
    """What the program made of `page`, in the words of the golden files."""
    try:
        article = clean_page(page_of(page), CleanSettings())
    except Rejected as rejected:
        return {"reject": rejected.reason}
    dateline = article.dateline.place if article.dateline else None
    return {
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


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_sample_page_becomes_what_its_author_meant(golden: Path) -> None:
    expected = tomllib.loads(golden.read_text("utf-8"))
    page = expected.pop("page")
    got = outcome(page)
    if other := expected.pop("same_article_as", None):
        assert article_of(page).article_id == article_of(other).article_id
    assert ("reject" in got) == ("reject" in expected), got
    if "text" in expected:
        optional = expected.pop("optional", [])
        expected["text"] = expected["text"].splitlines()
        got["text"] = [line for line in got["text"] if line not in optional]
    missing = [line for line in expected.pop("removed", []) if line not in got["removed"]]
    assert not missing, got["removed"]
    assert {key: got[key] for key in expected} == expected


def article_of(page: str) -> Article:
    return clean_page(page_of(page), CleanSettings())


def test_there_are_golden_pages_of_every_site_and_language() -> None:
    expectations = [tomllib.loads(path.read_text("utf-8")) for path in GOLDEN]
    assert len(expectations) >= 30
    assert {expected["page"].split("/")[0] for expected in expectations} == set(PUBLISHERS)
    assert {expected["language"] for expected in expectations if "language" in expected} == {"en", "de", "es"}
