"""The texts of the last days, found again by a copy of one of them.

An index of signatures: each posts a few of its hashes; a new text asks for the postings under its own, and the sketches
of what is found are compared (thresholds below). Every key keeps its `POSTINGS` latest postings, so a phrase that
thousands of texts share costs no more than a rare one. Which postings are the latest is told by (first_seen_at,
article_id, version) and not by the moment they were added: the same rows give the same answers in whatever order and
batches they came.

The files are derived from the dataset (`add_rows`) and can be deleted at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.signatures import Likeness, Signature, compare, pack, unpack

POSTED_SHINGLES = 16
POSTINGS = 4
REPEATED_AT = 3  # a line seen in so many earlier articles of its host is the host's, not the story's
MIN_EXACT_TOKENS = 8
MIN_NEAR_TOKENS = 25
SHORT_TOKENS = 150

_EXACT, _SHINGLE, _LINE = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The earlier article a text copies. `kind` is "exact" or "near", `score` 0 to 1."""

    article_id: str
    cluster_id: str
    kind: str
    score: float


@dataclass(frozen=True, slots=True)
class _Indexed:
    order: tuple[int, str, int]  # microseconds of first_seen_at, article_id, version
    cluster_id: str
    host: str
    content_hash: bytes
    signature: Signature


class NearIndex:
    """Look-ups see everything added so far. `window_days` is how far back a copy may lie."""

    def __init__(self, folder: Path, window_days: int) -> None:
        self._folder = folder
        self._window_us = window_days * 86_400_000_000
        self._postings: dict[tuple[int, int], list[_Indexed]] = {}
        self._known: set[tuple[str, int]] = set()
        self._fresh: list[_Indexed] = []

    @classmethod
    def open(cls, folder: Path, window_days: int = 14) -> "NearIndex":
        """The index kept in `folder`; empty when there is none or it cannot be read."""
        index = cls(folder, window_days)
        try:
            for segment in sorted(folder.glob("*.parquet")):
                index.add_rows(pq.read_table(segment))
        except (OSError, pa.ArrowInvalid, KeyError):
            index = cls(folder, window_days)
        index._fresh.clear()
        return index

    def __len__(self) -> int:
        return len(self._known)

    def repeated_lines(self, lines: Iterable[int], article_id: str, seen_at: datetime) -> set[int]:
        """Those of `lines` (hashes) that enough other articles of the host carry."""
        oldest = _microseconds(seen_at) - self._window_us
        return {
            line
            for line in lines
            if sum(
                entry.order[1] != article_id and entry.order[0] >= oldest
                for entry in self._postings.get((_LINE, line), ())
            )
            >= REPEATED_AT
        }

    def match(
        self, signature: Signature, content_hash: bytes, *, article_id: str, host: str, seen_at: datetime
    ) -> Match | None:
        """The best earlier text of another article that this one copies, None for an original."""
        if signature.tokens < MIN_EXACT_TOKENS:
            return None
        oldest = _microseconds(seen_at) - self._window_us
        found = {
            entry.order: entry
            for key in _text_keys(signature, content_hash)
            for entry in self._postings.get(key, ())
            if entry.order[1] != article_id and entry.order[0] >= oldest
        }
        best: tuple[float, tuple[int, str, int]] | None = None
        kind = "near"
        for order, entry in sorted(found.items()):
            if entry.content_hash == content_hash:
                return Match(article_id=order[1], cluster_id=entry.cluster_id, kind="exact", score=1.0)
            if min(signature.tokens, entry.signature.tokens) < MIN_NEAR_TOKENS:
                continue
            likeness = compare(signature, entry.signature)
            short = min(signature.tokens, entry.signature.tokens) < SHORT_TOKENS
            if is_copy(likeness, same_host=entry.host == host, short=short) and (
                best is None or likeness.containment > best[0]
            ):
                best = (likeness.containment, order)
        if best is None:
            return None
        return Match(article_id=best[1][1], cluster_id=found[best[1]].cluster_id, kind=kind, score=round(best[0], 4))

    def add(
        self,
        signature: Signature,
        content_hash: bytes,
        *,
        article_id: str,
        version: int,
        cluster_id: str,
        host: str,
        seen_at: datetime,
    ) -> None:
        """Make a text findable. A version that is in the index already is left as it is."""
        if (article_id, version) in self._known:
            return
        self._known.add((article_id, version))
        entry = _Indexed((_microseconds(seen_at), article_id, version), cluster_id, host, content_hash, signature)
        self._fresh.append(entry)
        keys = _text_keys(signature, content_hash) if signature.tokens >= MIN_EXACT_TOKENS else []
        if version == 1:
            keys += [(_LINE, line) for line in set(signature.lines.tolist())]
        for key in keys:
            postings = self._postings.setdefault(key, [])
            postings.append(entry)
            if len(postings) > 1:
                postings.sort(key=lambda entry: entry.order, reverse=True)
                del postings[POSTINGS:]

    def add_rows(self, rows: pa.Table) -> None:
        """Make stored rows findable: columns article_id, version, cluster_id, publisher_domain, first_seen_at,
        content_hash and signature of the articles dataset. Rows without a readable signature are passed over."""
        for row in rows.select(
            ["article_id", "version", "cluster_id", "publisher_domain", "first_seen_at", "content_hash", "signature"]
        ).to_pylist():
            signature = unpack(row["signature"] or b"")
            if signature is not None:
                self.add(
                    signature,
                    row["content_hash"],
                    article_id=row["article_id"],
                    version=row["version"],
                    cluster_id=row["cluster_id"],
                    host=row["publisher_domain"],
                    seen_at=row["first_seen_at"],
                )

    def flush(self) -> None:
        """Make what was added durable, all or nothing."""
        if not self._fresh:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self._folder.glob("*.parquet")))
        staged = self._folder / f"{number:06d}.staged"
        pq.write_table(_table(self._fresh), staged)
        staged.rename(self._folder / f"{number:06d}.parquet")
        self._fresh.clear()


def is_copy(likeness: Likeness, *, same_host: bool, short: bool) -> bool:
    """Whether two texts are copies of each other.

    Copies share text and names; reports cast in one mould share text but not the names and numbers; pages of one host
    share its furniture; short texts need more of both. The thresholds were measured together (DESIGN 6).
    """
    if likeness.jaccard < 0.20 or likeness.containment < 0.30 or likeness.key_containment < 0.50:
        return False
    if same_host and likeness.containment < 0.75:
        return False
    return not short or (likeness.containment >= 0.60 and likeness.key_containment >= 0.70)


def _text_keys(signature: Signature, content_hash: bytes) -> list[tuple[int, int]]:
    keys = [(_EXACT, int.from_bytes(content_hash[:8], "little"))]
    if signature.tokens >= MIN_NEAR_TOKENS:
        keys += [(_SHINGLE, value) for value in signature.shingles[:POSTED_SHINGLES].tolist()]
    return keys


def _microseconds(instant: datetime) -> int:
    return int(np.datetime64(instant.replace(tzinfo=None), "us").astype(np.int64))


def _table(entries: list[_Indexed]) -> pa.Table:
    return pa.table(
        {
            "article_id": [entry.order[1] for entry in entries],
            "version": pa.array([entry.order[2] for entry in entries], pa.int32()),
            "cluster_id": [entry.cluster_id for entry in entries],
            "publisher_domain": [entry.host for entry in entries],
            "first_seen_at": pa.array([entry.order[0] for entry in entries], pa.timestamp("us", tz="UTC")),
            "content_hash": pa.array([entry.content_hash for entry in entries], pa.binary()),
            "signature": pa.array([pack(entry.signature) for entry in entries], pa.binary()),
        }
    )
