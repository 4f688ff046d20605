"""Own-written pages for the tests of Clean."""

from datetime import UTC, datetime
from typing import Any

from transforms.schema import Entry, Page

FETCHED_AT = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
SEEN_AT = datetime(2026, 3, 14, 11, 59, tzinfo=UTC)
URL = "https://www.harbour-herald.example/news/ferry-fares-rise"

PARAGRAPHS = (
    "PORT ELLAN, March 13 (Reuters) - The island council voted late on Friday to raise ferry fares by nine percent.",
    "Islanders had asked for a year without increases, and more than forty of them waited outside the town hall.",
    "“We cannot run three boats on the income of two,” council leader Marta Quill told Reuters after the vote.",
    "The new fares apply from the first of May, with season tickets and school transport left as they are.",
    "Shopkeepers on the north shore said they expected fewer day visitors and would ask for a winter discount.",
)


def page(
    body: str | bytes, *, url: str = URL, content_type: str | None = "text/html; charset=utf-8", **entry: Any
) -> Page:
    """`body` as the fetched page of an entry with the fields `entry`."""
    given: dict[str, Any] = {"url": url, "feed_id": "herald", "feed_url": "https://www.harbour-herald.example/rss"}
    return Page(
        entry=Entry(**(given | {"seen_at": SEEN_AT} | entry)),
        final_url=url,
        http_status=200,
        content_type=content_type,
        body=body.encode() if isinstance(body, str) else body,
        fetched_at=FETCHED_AT,
    )


def html(*paragraphs: str, head: str = "", title: str = "Ferry fares to rise in May", lang: str = "en") -> str:
    """An ordinary article page: a headline and a `p` for each of `paragraphs`, which may hold markup."""
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs or PARAGRAPHS)
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{title} | Harbour Herald</title>{head}</head>"
        f"<body><nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav>"
        f"<main><article><h1>{title}</h1>\n{body}\n</article></main>"
        f"<footer>Harbour Herald, Pier Road 3</footer></body></html>"
    )
