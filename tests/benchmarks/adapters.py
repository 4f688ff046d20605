"""What the public corpora are scored through: each function calls exactly what the pipeline calls, nothing else."""

from datetime import UTC, datetime
from typing import Any

from transforms.schema import Entry, Page


def extract(html: str | bytes, url: str | None) -> dict[str, Any]:
    """Title, authors, date, text and language of one page, as Clean and Tag read them."""
    from transforms.extraction import clean_page

    from transforms.settings import CleanSettings

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
        "date": article.published_at,
        "text": article.text,
        "language": article.language,
    }
