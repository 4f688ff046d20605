"""What all readers of feed documents share: what comes out of one, and how an entry is made of foreign values."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from transforms.dates import FUTURE_TOLERANCE, parse_date
from transforms.schema import Entry, Feed

T = TypeVar("T")

MAX_CHARS = {"title": 1_000, "summary": 20_000, "content": 2_000_000, "url": 8_000, "date": 100, "name": 200}
MAX_NAMES = 50
MAX_ITEMS = 50_000  # of a document that are looked at: as many as the sitemap protocol lets one hold
UNDATED = datetime.min.replace(tzinfo=UTC)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,500}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What a document held. `cut` entries beyond the newest were left out.

    `format` is rss, atom, json, sitemap, or list for plain addresses. `sitemaps` are the children of an index, newest
    first, each with the day it was changed where the index says so.
    """

    entries: tuple[Entry, ...]
    format: str | None = None
    title: str | None = None
    cut: int = 0
    truncated: bool = False
    interval_s: float | None = None  # the feed's own wish: ttl, sy:updatePeriod
    sitemaps: tuple[tuple[str, datetime | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The document being read: of which feed, from which address, when, and how many entries may come out."""

    feed: Feed
    url: str
    seen_at: datetime
    max_entries: int

    def entry(
        self, *, url: str | None, publisher: str | None = None, language: str | None = None, **given: Any
    ) -> Entry:
        """An entry with an absolute link; what the config says of the feed goes before what the document says.

        One without link and guid is told from others by its title."""
        link = self.absolute(url) or ""
        given["guid"] = given.get("guid") or (None if link else given.get("title"))
        return Entry(
            url=link,
            feed_id=self.feed.id,
            feed_url=self.feed.url,
            seen_at=self.seen_at,
            language=self.feed.language or language,
            publisher=self.feed.publisher or publisher,
            publisher_country=self.feed.country,
            full_text=self.feed.full_text,
            **given,
        )

    def parsed(
        self, items: Iterable[T], make: Callable[[T], Entry], *, cut: int = 0, truncated: bool = False, **given: Any
    ) -> ParsedFeed:
        """What `make` makes of the newest of the first `MAX_ITEMS` items, in the order of the document; `cut` were left
        out before."""
        left = iter(items)
        entries = [make(item) for item in islice(left, MAX_ITEMS)]
        kept = entries
        if len(entries) > self.max_entries:
            order = sorted(range(len(entries)), key=lambda n: self._newest_date(entries[n]), reverse=True)
            kept = [entries[n] for n in sorted(order[: self.max_entries])]
        cut += len(entries) - len(kept) + sum(1 for _ in left)
        return ParsedFeed(entries=tuple(kept), cut=cut, truncated=truncated, **given)

    def date(self, raw: str | None) -> datetime:
        """A date as printed; `UNDATED` when it cannot be read or is implausible."""
        found = parse_date(raw or "", latest=self.seen_at + FUTURE_TOLERANCE)
        return found[0] if found else UNDATED

    def absolute(self, url: object) -> str | None:
        """`url` against the document's own; as it stands when it cannot be joined."""
        text = clean_text(url, "url")
        if not text:
            return None
        try:
            return urljoin(self.url, text)
        except ValueError:
            return text

    def _newest_date(self, entry: Entry) -> datetime:
        return max(self.date(entry.published_raw), self.date(entry.modified_raw))


def clean_text(value: object, kind: str) -> str | None:
    """A foreign value as text that XML and Parquet can hold, no longer than its kind may be; None for nothing."""
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    return _NOT_TEXT.sub("", str(value)[: MAX_CHARS[kind]]).strip() or None


def plain_text(value: object, kind: str) -> str | None:
    """`clean_text` without markup, on one line."""
    text = clean_text(value, kind)
    return " ".join(unescape(_TAG.sub(" ", text)).split()) or None if text else None


def names(values: Iterable[object]) -> tuple[str, ...]:
    """Names or keywords, each once."""
    found = (plain_text(value, "name") for value in values)
    return tuple(dict.fromkeys(name for name in found if name))[:MAX_NAMES]


def is_web(url: str) -> bool:
    """Whether a text is an http(s) address."""
    try:
        return urlsplit(url).scheme.lower() in ("http", "https")
    except ValueError:
        return False
