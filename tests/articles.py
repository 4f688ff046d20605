"""Rows for tests, written by us; give what matters, the rest is filled in."""

from datetime import UTC, datetime
from typing import Any

from transforms.schema import Article, HttpFetch, Reject
from transforms.urls import article_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPORT = (
    "The harbour board of Westmouth voted on Tuesday to close the old ferry pier after engineers found cracks in 14 of"
    " its 60 timber piles.\nChair Ingrid Solberg said the pier would stay shut until 3 November while Dalgleish"
    " Marine repairs the footing. Ferries to Skarholm will leave from the fish quay, and the last boat at 21.40 is"
    " cancelled.\nFishermen's spokesman Peter Aune called the decision late, saying the board had known of the damage"
    " since the storms of February."
)


def make_article(url: str = "https://www.harbour-courier.example/world/1-ferry", **fields: Any) -> Article:
    """An article of a quiet day."""
    key = article_id(url)
    given = {
        "article_id": key,
        "cluster_id": key,
        "url": url,
        "source_url": url,
        "final_url": url,
        "feed_id": "courier",
        "publisher_domain": "harbour-courier.example",
        "title": "Ferry line reopens",
        "text": "The ferry between the two islands sailed again on Sunday.\nTickets were sold out by noon.",
        "word_count": 16,
        "first_seen_at": NOON,
        "fetched_at": NOON,
        "content_hash": b"0123456789abcdef",
    }
    return Article(**(given | fields))


def make_reject(**fields: Any) -> Reject:
    given = {"url": "https://a.example/1", "feed_id": "a", "feed_url": "https://a.example/feed", "stage": "fetch"}
    return Reject(**({"reason": "http-404", "seen_at": NOON} | given | fields))


def make_fetch(**fields: Any) -> HttpFetch:
    given = {"url": "https://a.example/1", "kind": "page", "host": "a.example", "outcome": "ok", "fetched_at": NOON}
    return HttpFetch(**(given | fields))
