"""The texts of the last days, found again by a copy of one of them.

An index of signatures: each posts a few of its hashes (`postings`); a new text asks for the postings under its own, and
the sketches of what is found are compared (`copies`). Every key keeps its `POSTINGS` latest postings, so a phrase that
thousands of texts share costs no more than a rare one. Which postings are the latest is told by (first_seen_at,
article_id, version) and not by the moment they were added: the same rows give the same answers in whatever order and
batches they came.

The files are derived from the dataset (`add_rows`) and can be deleted at any time. What was added is held in memory
until `flush` writes it as a segment; segments are read through the page cache and merged by size (`segment_files`).
"""

from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.postings import Posted, is_article, microseconds, own_key, posted_keys, posting_of
from transforms.schema import Article
from transforms.segment_files import SMALL, load, save
from transforms.segments import (
    NOTHING,
    Entries,
    Found,
    Fresh,
    Keys,
    Posting,
    Segment,
    arrival,
    from_bytes,
    joined,
    latest,
    latest_of_each,
    packed,
    postings_of,
    ranks,
)
from transforms.signatures import Signature, unpack

SEAL_AT = SMALL  # entries kept in dicts before they are packed into a segment
MAX_READ = 20_000  # keys whose postings are kept after they were read

KEPT_DAYS = 92  # the widest window there can be

_COLUMNS = [column.name for column in fields(Posted)]
_DAY_US = 86_400_000_000


class NearIndex:
    """Look-ups see everything added so far. `window_days` is how far back a copy may lie, at most `KEPT_DAYS`."""

    def __init__(self, folder: Path, window_days: int, segments: list[Segment], old: list[Segment]) -> None:
        self._folder = folder
        self._window_us = window_days * _DAY_US
        self._segments = segments
        self._old = old  # not asked
        self._fresh = Fresh()
        self._stored: dict[int, tuple[Posting, ...]] = {}  # what was read of the segments, by key

    @classmethod
    def open(cls, folder: Path, window_days: int = 14, since: datetime | None = None) -> "NearIndex":
        """The index kept in `folder`; empty when there is none or it cannot be read.

        With `since` it may leave out what is too old to be a copy of articles first seen from then on.
        """
        segments = load(folder) or []
        oldest_us = microseconds(since) - window_days * _DAY_US if since else 0
        old = [segment for segment in segments if segment.last_us < oldest_us]
        return cls(folder, window_days, [segment for segment in segments if segment not in old], old)

    @staticmethod
    def is_readable(folder: Path) -> bool:
        """False when the index in `folder` is missing or damaged and has to be built again from the rows."""
        return load(folder) is not None

    def __len__(self) -> int:
        return sum(len(segment) for segment in (*self._segments, *self._old)) + len(self._fresh)

    def find(self, keys: Keys) -> Found:
        """The latest postings of each key: places in `keys`, and the entries that posted them."""
        asked = keys.tolist()
        if any(key not in self._stored for key in asked):
            if len(self._stored) > MAX_READ:
                self._stored = {}
            self._read(keys)
        places, entries = [], []
        for place, key in enumerate(asked):
            for _, entry in self._latest(key):
                places.append(place)
                entries.append(entry)
        return (np.array(places, dtype=np.intp), from_bytes(entries)) if entries else NOTHING

    def _latest(self, key: int) -> tuple[Posting, ...]:
        """Of a key that was read."""
        stored, new = self._stored[key], self._fresh.postings(key)
        if not stored or not new:
            return stored or new
        return latest(stored, new)

    def read_ahead(self, keys: Keys) -> None:
        """Read what segments hold of many keys at once, which is much faster than key by key; what was read before is
        let go."""
        self._stored = {}
        self._read(keys)

    def _read(self, keys: Keys) -> None:
        keys = np.unique(keys)
        found = [segment.find(keys) for segment in self._segments]
        entries = joined([entries for _, _, entries in found])  # each once, however many keys it answers
        for segment in self._segments:
            segment.let_go()
        order = arrival(entries)
        rank, postings = ranks(order, len(order)), postings_of(entries[order])
        firsts = np.cumsum([0, *(len(entries) for _, _, entries in found)])
        answers = [
            packed(places.astype(np.uint32), rank[numbers + first])
            for (places, numbers, _), first in zip(found, firsts, strict=False)
        ]
        kept = latest_of_each(np.concatenate(answers)) if answers else np.empty(0, dtype=np.uint64)
        places, numbers = np.divmod(kept, np.uint64(1 << 32))
        ends = np.searchsorted(places, np.arange(len(keys), dtype=np.uint64), "right").tolist()
        told = [postings[number] for number in numbers.tolist()]
        for key, begin, end in zip(keys.tolist(), [0, *ends], ends, strict=False):
            self._stored[key] = tuple(told[begin:end])

    def in_window(self, entries: Entries, article_id: str, seen_at: datetime) -> NDArray[np.bool_]:
        """Which of `entries` an article first seen at `seen_at` may copy: of other articles, and not too old."""
        if not len(entries):
            return np.empty(0, dtype=bool)
        oldest = microseconds(seen_at) - self._window_us
        return np.asarray((entries["seen_us"] >= oldest) & ~is_article(entries, article_id))

    def holds(self, article_id: str, version: int) -> bool:
        """Whether this version is in the index."""
        _, entries = self.find(own_key(article_id, version))
        return bool((is_article(entries, article_id) & (entries["version"] == version)).any())

    def add(self, article: Article | Posted, signature: Signature) -> None:
        """Make an article findable that is not in the index yet."""
        self._fresh.add(posting_of(article, signature), posted_keys(article, signature))
        if len(self._fresh) >= SEAL_AT:
            self._seal()

    def add_rows(self, rows: pa.Table) -> None:
        """Make stored rows findable that are not yet: the columns of `Posted` and signature of the articles dataset.
        Rows without a readable signature are passed over."""
        for batch in rows.select([*_COLUMNS, "signature"]).to_batches(max_chunksize=10_000):
            articles = [Posted(**row) for row in batch.select(_COLUMNS).to_pylist()]
            self.read_ahead(np.concatenate([own_key(row.article_id, row.version) for row in articles]))
            for article, column in zip(articles, batch["signature"].to_pylist(), strict=True):
                signature = unpack(column or b"")
                if signature is not None and not self.holds(article.article_id, article.version):
                    self.add(article, signature)

    def flush(self) -> None:
        """Make what was added durable, all or nothing. Entries older than `KEPT_DAYS` before the median entry may go:
        a clock that was wrong for some of them costs the others nothing."""
        self._seal()
        self._stored = {}
        oldest_us = self._median() - KEPT_DAYS * _DAY_US
        self._segments, self._old = save(self._folder, [*self._old, *self._segments], oldest_us), []

    def _median(self) -> int:
        """When half of the entries had been seen, in microseconds."""
        segments = [*self._old, *self._segments]
        if not segments:
            return 0
        medians = np.array([segment.entries["seen_us"][len(segment) // 2] for segment in segments])
        order = np.argsort(medians)
        ends = np.cumsum(np.array(list(map(len, segments)))[order])
        return int(medians[order[np.searchsorted(ends, ends[-1] / 2)]])

    def scratch(self) -> "NearIndex":
        """An index over the same stored texts; what is added to the one is not seen by the other."""
        return NearIndex(self._folder, self._window_us // _DAY_US, list(self._segments), list(self._old))

    def _seal(self) -> None:
        if len(self._fresh):
            self._segments.append(self._fresh.sealed())
            for key in self._stored:
                self._stored[key] = self._latest(key)
            self._fresh = Fresh()
