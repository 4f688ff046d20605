"""What the public corpora are scored through: each function calls exactly what the pipeline calls, nothing else."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from transforms.recognition import Unchanged
from transforms.schema import Article, Entry, Page, Reject


def _in_printed_zone(instant: datetime | None, raw: str | None) -> datetime | None:
    """The same instant in the offset that the page printed, or that its clock shows: some gold is the day as a reader
    saw it."""
    from transforms.dates import parse_date
    from transforms.page_dates import printed_offset

    if instant is None or raw is None or not (printed := parse_date(raw, latest=instant + timedelta(days=2))):
        return instant
    offset = printed_offset(raw) or (timedelta() if printed[1] == "day" else printed[0] - instant)
    return instant.astimezone(timezone(timedelta(minutes=30 * round(offset / timedelta(minutes=30)))))


@cache
def _warm_up() -> None:
    from transforms.extraction import warm

    warm()  # as a child does before its first page


def extract(html: str | bytes, url: str | None) -> dict[str, Any]:
    """Title, authors, date, text and language of one page, as Clean and Tag read them."""
    from transforms.extraction import clean_page
    from transforms.settings import CleanSettings

    _warm_up()

    now = datetime.now(UTC)
    address = url or "http://unknown.example/"
    page = Page(
        entry=Entry(url=address, feed_id="benchmark", feed_url="http://unknown.example/feed", seen_at=now),
        final_url=address,
        http_status=200,
        content_type="text/html; charset=utf-8" if isinstance(html, str) else None,
        body=html.encode("utf-8", "replace") if isinstance(html, str) else html,
        fetched_at=now,
    )
    article = clean_page(page, CleanSettings(min_words=0))
    return {
        "title": article.title,
        "authors": [author.name for author in article.authors],
        "date": _in_printed_zone(article.published_at, article.published_raw),
        "text": article.text,
        "language": article.language,
    }


def deduplicate(documents: list[dict[str, Any]]) -> dict[str, str]:
    """The cluster of each document {id, url, title, text, published}, as Deduplicate assigns it in order of arrival."""
    import tempfile
    from pathlib import Path

    from transforms.assignment import assign, index_folder
    from transforms.memory import Memory
    from transforms.near_index import NearIndex
    from transforms.settings import DeduplicateSettings

    articles = arrived(documents)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        outcomes = assign(articles, Memory(root), NearIndex.open(index_folder(root)), DeduplicateSettings())
        return clusters_of(documents, zip(articles, outcomes, strict=True))


def arrived(documents: list[dict[str, Any]]) -> list[Article]:
    """Documents as articles that Clean hands on, a microsecond apart."""
    from transforms.urls import article_id, canonical_url, registrable_domain

    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Article(
            article_id=article_id(document["url"]),
            url=canonical_url(document["url"], None),
            source_url=document["url"],
            final_url=document["url"],
            feed_id="benchmark",
            publisher_domain=registrable_domain(document["url"]),
            title=document["title"] or None,
            text=document["text"],
            word_count=len(document["text"].split()),
            first_seen_at=start + timedelta(microseconds=arrival),
            fetched_at=start,
        )
        for arrival, document in enumerate(documents)
    ]


def clusters_of(
    documents: list[dict[str, Any]], told: Iterable[tuple[Article, Article | Reject | Unchanged]]
) -> dict[str, str]:
    """The cluster of each document, of articles or rows and what became of them, in any order."""
    known_as, clusters = {}, {}
    for article, outcome in told:
        known_as[article.source_url] = article.article_id if isinstance(outcome, Reject) else outcome.article_id
        if isinstance(outcome, Article):
            clusters[outcome.article_id] = outcome.cluster_id
    ids = {document["id"]: known_as[document["url"]] for document in documents}
    return {document: clusters.get(article_id, article_id) for document, article_id in ids.items()}


def tag(title: str, text: str, language: str | None) -> dict[str, Any]:
    """Countries (the one it is about first), places, people, organisations, topics and language, as Tag finds them."""
    from transforms.language import detect_language
    from transforms.settings import TagSettings
    from transforms.taggers import Document, load_taggers

    language = language or detect_language(f"{title}\n{text}")
    tags = load_taggers(TagSettings()).tag(Document(title=title, text=text, language=language))
    codes = [mention.code for mention in tags.countries]
    return {
        "countries": list(dict.fromkeys([*([tags.primary_country] if tags.primary_country else []), *codes])),
        "places": [
            {"name": place.name, "surface": place.name, "lat": place.latitude, "lon": place.longitude}
            for place in tags.places
        ],
        "people": [mention.name for mention in tags.people],
        "organizations": [mention.name for mention in tags.organizations],
        "topics": [topic.id for topic in tags.topics],
        "language": language,
    }
