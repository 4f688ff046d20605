"""What is remembered of an entry: whether it was seen before, and whether its feed tells something new of it.

The file is `state/feeds.sqlite3` of the dataset; `pipeline.state` alone writes it, with the commit of what became of
the entries. Here it is only read.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import xxhash

from transforms.memory import Memory
from transforms.schema import Entry
from transforms.urls import article_id, url_key


def entry_key(feed_id: str, url: str | None, guid: str | None) -> bytes:
    """Identity of an entry in its feed: which article it promises, as far as its link tells."""
    return xxhash.xxh3_128_digest(f"{feed_id}\n{url_key(url) if url else guid}".encode())


def key_of(entry: Entry) -> bytes:
    """The `entry_key` of an entry."""
    return entry_key(entry.feed_id, entry.url, entry.guid)


def entry_fingerprint(entry: Entry) -> bytes:
    """Changes when the feed tells something new of the entry, which is when its page is worth another look."""
    told = (entry.title, entry.published_raw, entry.modified_raw, entry.summary, entry.content)
    return xxhash.xxh3_64_digest("\n".join(part or "" for part in told).encode())


def marks(entries: Iterable[Entry]) -> list[tuple[bytes, bytes]]:
    """Key and fingerprint of each entry: what is remembered of it."""
    return [(key_of(entry), entry_fingerprint(entry)) for entry in entries]


def is_news(entry: Entry, seen: tuple[bytes, int] | None, memory: Memory) -> bool:
    """Whether the entry is worth a request: never seen, told of anew, or worth another try.

    `seen` is its fingerprint when it was seen last, and the tries it has left. An entry not seen in this feed is no
    news when its article is stored already, be it from another feed.
    """
    if seen is None:
        return memory.latest(article_id(entry.url)) is None if entry.url else True
    fingerprint, tries_left = seen
    return fingerprint != entry_fingerprint(entry) or tries_left > 0


class SeenEntries:
    """Read-only view of the entries seen so far. `root` is the dataset root; a missing file knows of none."""

    def __init__(self, root: Path) -> None:
        path = root / "state" / "feeds.sqlite3"
        self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) if path.exists() else None

    def get(self, key: bytes) -> tuple[bytes, int] | None:
        """Fingerprint of the entry when it was last seen, and how many tries it has left; None when it never was."""
        if self._db is None:
            return None
        row = self._db.execute("SELECT fingerprint, tries_left FROM seen WHERE key = ?", (key,)).fetchone()
        return (row[0], row[1]) if row else None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
