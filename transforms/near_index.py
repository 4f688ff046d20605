"""The texts of the last days, found again by a copy of one of them.

An index of signatures: each posts a few of its hashes; a new text asks for the postings under its own, and the sketches
of what is found are compared (`copies`). Every key keeps its `POSTINGS` latest postings, so a phrase that thousands of
texts share costs no more than a rare one. Which postings are the latest is told by (first_seen_at, article_id, version)
and not by the moment they were added: the same rows give the same answers in whatever order and batches they came.

The files are derived from the dataset (`add_rows`) and can be deleted at any time. What was added is held in memory
until `flush` writes it as a segment; segments are read through the page cache (`segments`).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from transforms.reading import Reading
from transforms.segments import ENTRY, POSTINGS, Fresh, Segment, arrival, joined, load, merged, save
from transforms.signatures import Likeness, Signature, compare, resemblance, sketch, unpack

POSTED_SHINGLES = 12
REPEATED_AT = 1  # a line seen in so many other stories of its host is the host's, not the story's
MIN_EXACT_TOKENS = 8
MIN_NEAR_TOKENS = 25
SHORT_TOKENS = 150
MIN_JACCARD = 0.19
SEAL_AT = 20_000  # entries kept in dicts before they are packed into a segment
MERGE_RATIO = 8  # a segment is merged into the one before it when that is less than so many times larger

KEPT_DAYS = 92  # the widest window there can be

_COLUMNS = ["article_id", "version", "cluster_id", "publisher_domain", "first_seen_at", "content_hash", "signature"]
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The earlier article a text copies. `kind` is "exact" or "near", `score` 0 to 1: the share of the shorter text."""

    article_id: str
    cluster_id: str
    same_host: bool
    kind: str
    score: float


class NearIndex:
    """Look-ups see everything added so far. `window_days` is how far back a copy may lie, at most `KEPT_DAYS`."""

    def __init__(self, folder: Path, window_days: int, segments: list[Segment]) -> None:
        self._folder = folder
        self._window_us = window_days * _DAY_US
        self._segments = segments
        self._fresh = Fresh()

    @classmethod
    def open(cls, folder: Path, window_days: int = 14) -> "NearIndex":
        """The index kept in `folder`; empty when there is none or it cannot be read."""
        return cls(folder, window_days, load(folder) or [])

    @staticmethod
    def is_readable(folder: Path) -> bool:
        """False when the index in `folder` is missing or damaged and has to be built again from the rows."""
        return load(folder) is not None

    def __len__(self) -> int:
        return sum(len(segment) for segment in self._segments) + len(self._fresh)

    def search(
        self, signature: Signature, reading: Reading, *, article_id: str, host: str, seen_at: datetime
    ) -> tuple[Match | None, set[int]]:
        """Whom a text copies, as `match` tells it, and the hashes of those of its lines that stand in other stories of
        the host too: its furniture, no part of the story. Articles of the cluster it joins are no other story."""
        hashes = np.fromiter(set(reading.line_hashes), dtype=np.uint32)
        text_keys = _text_keys(signature, reading.content_hash)
        places, entries = self._find(np.concatenate([text_keys, _line_keys(hashes)]))
        near = (entries["seen_us"] >= self._oldest(seen_at)) & ~_is(entries["article_id"], article_id)
        match = _best(signature, reading.content_hash, host, entries[near & (places < len(text_keys))])
        furniture = near & (places >= len(text_keys)) & (entries["host"] == _host_number(host))
        if match is not None:
            furniture &= ~_is(entries["cluster_id"], match.cluster_id)
        times = np.bincount(places[furniture] - len(text_keys), minlength=len(hashes))
        return match, set(hashes[times >= REPEATED_AT].tolist())

    def match(
        self, signature: Signature, content_hash: bytes, *, article_id: str, host: str, seen_at: datetime
    ) -> Match | None:
        """The best earlier text of another article that this one copies, None for an original."""
        _, entries = self._find(_text_keys(signature, content_hash))
        near = (entries["seen_us"] >= self._oldest(seen_at)) & ~_is(entries["article_id"], article_id)
        return _best(signature, content_hash, host, entries[near])

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
        """Make a text findable that is not in the index yet."""
        entry = np.zeros(1, dtype=ENTRY)
        entry["seen_us"], entry["version"] = _microseconds(seen_at), version
        entry["article_id"], entry["cluster_id"] = _id_numbers(article_id), _id_numbers(cluster_id)
        entry["host"], entry["content_hash"] = _host_number(host), _exact_number(content_hash)
        entry["sketch"] = sketch(signature)
        keys = [_own_key(article_id, version)]
        if signature.tokens >= MIN_EXACT_TOKENS:
            keys.append(_text_keys(signature, content_hash))
        if version == 1:  # later versions repeat their own lines
            keys.append(_line_keys(np.unique(signature.lines)))
        self._fresh.add(entry, np.concatenate(keys))
        if len(self._fresh) >= SEAL_AT:
            self._seal()

    def add_rows(self, rows: pa.Table) -> None:
        """Make stored rows findable that are not yet: columns article_id, version, cluster_id, publisher_domain,
        first_seen_at, content_hash and signature of the articles dataset. Rows without a readable signature are passed
        over."""
        for batch in rows.select(_COLUMNS).to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                signature = unpack(row["signature"] or b"")
                if signature is None or self.holds(row["article_id"], row["version"]):
                    continue
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
        """Make what was added durable, all or nothing. Entries older than `KEPT_DAYS` before the newest may go."""
        self._seal()
        newest = max((int(segment.entries["seen_us"][-1]) for segment in self._segments), default=0)
        while len(self._segments) > 1 and len(self._segments[-2]) < MERGE_RATIO * len(self._segments[-1]):
            last, before = self._segments.pop(), self._segments.pop()
            self._segments.append(merged([before, last], newest - KEPT_DAYS * _DAY_US))
        save(self._folder, self._segments)

    def holds(self, article_id: str, version: int) -> bool:
        """Whether this version is in the index."""
        _, entries = self._find(_own_key(article_id, version))
        return bool((_is(entries["article_id"], article_id) & (entries["version"] == version)).any())

    def _seal(self) -> None:
        if len(self._fresh):
            self._segments.append(self._fresh.sealed())
            self._fresh = Fresh()

    def _oldest(self, seen_at: datetime) -> int:
        return _microseconds(seen_at) - self._window_us

    def _find(self, keys: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.void]]:
        """The latest postings of each key: places in `keys`, and the entries that posted them."""
        parts = [segment.find(keys) for segment in self._segments]
        parts = [part for part in (*parts, self._fresh.find(keys)) if len(part[0])]
        if not parts:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=ENTRY)
        if len(parts) == 1:
            return parts[0]
        places = np.concatenate([part[0] for part in parts])
        entries = joined([part[1] for part in parts])
        if np.bincount(places).max() > POSTINGS:
            kept = _latest(places, entries)
            places, entries = places[kept], entries[kept]
        return places, entries


def copies(likeness: Likeness, shorter: NDArray[np.uint32], elsewhere: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of several texts one copies, or is copied by. `shorter` is the tokens of the shorter text of each pair.

    Copies share text and names. Reports cast in one mould share text but not the names and numbers, and so does a story
    retold of other people: nearly the same text with other names is no copy. Pages of one host share its furniture, and
    short texts little of anything, and scripts without capitals have no names to show: they must share more. The
    thresholds were measured together on 5,224 documents.
    """
    contained, nameless = likeness.containment, np.isnan(likeness.key_containment)
    names = np.where(nameless, contained, likeness.key_containment)
    found = (likeness.jaccard >= MIN_JACCARD) & (contained >= 0.30) & (names >= 0.42) & (contained + names >= 0.90)
    found &= (likeness.jaccard < 0.60) | (names >= contained - 0.17)
    found &= ~nameless | ((likeness.jaccard >= 0.30) & (contained >= 0.60))
    found &= elsewhere | (contained >= 0.75)
    long_enough = (contained >= 0.40) & (names >= 0.50) & (contained + names >= 1.10)
    return found & (shorter >= MIN_NEAR_TOKENS) & (long_enough | (shorter >= SHORT_TOKENS))


def is_digest(likeness: Likeness, clusters: NDArray[np.uint64], elsewhere: NDArray[np.bool_]) -> bool:
    """Whether a text is a round-up: it shares a part with three or more stories, and with none half of itself."""
    shares: dict[bytes, float] = {}
    for cluster, share in zip(clusters[elsewhere], likeness.share[elsewhere].tolist(), strict=True):
        name = cluster.tobytes()
        shares[name] = max(share, shares.get(name, 0.0))
    return sum(share >= 0.04 for share in shares.values()) >= 3 and max(shares.values()) < 0.50


def _best(signature: Signature, content_hash: bytes, host: str, entries: NDArray[np.void]) -> Match | None:
    """The one of `entries` that a text copies most: the first with the same words, else the nearest copy."""
    if not len(entries) or signature.tokens < MIN_EXACT_TOKENS:
        return None
    exact = entries[entries["content_hash"] == _exact_number(content_hash)]
    if len(exact):
        return _match(exact[arrival(exact)[0]], host, "exact", 1.0)
    if signature.tokens < MIN_NEAR_TOKENS or resemblance(signature, entries["sketch"]).max() < MIN_JACCARD:
        return None  # most originals end here: what they share with others is a phrase
    entries = _distinct(entries)
    likeness = compare(signature, entries["sketch"])
    elsewhere = entries["host"] != _host_number(host)
    shorter = np.minimum(entries["sketch"]["tokens"], signature.tokens)
    copied = copies(likeness, shorter, elsewhere)
    if not copied.any() or is_digest(likeness, entries["cluster_id"], elsewhere):
        return None
    best = int(np.argmax(np.where(copied, likeness.containment, -1.0)))
    return _match(entries[best], host, "near", round(float(likeness.containment[best]), 4))


def _match(entry: np.void, host: str, kind: str, score: float) -> Match:
    return Match(
        article_id=_hex(entry["article_id"]),
        cluster_id=_hex(entry["cluster_id"]),
        same_host=bool(entry["host"] == _host_number(host)),
        kind=kind,
        score=score,
    )


def _distinct(entries: NDArray[np.void]) -> NDArray[np.void]:
    """Each entry once, in order of arrival: of equal matches the earliest is taken."""
    entries = entries[arrival(entries)]
    ids = np.column_stack([entries["article_id"], entries["version"].astype(np.uint64)])
    first = np.ones(len(entries), dtype=bool)
    first[1:] = (ids[1:] != ids[:-1]).any(axis=1)
    return entries[first]


def _latest(places: NDArray[np.intp], entries: NDArray[np.void]) -> list[int]:
    """Of the postings of each key the latest, by order of arrival."""
    taken: dict[int, int] = {}
    kept = []
    for index in arrival(entries)[::-1].tolist():
        place = int(places[index])
        taken[place] = taken.get(place, 0) + 1
        if taken[place] <= POSTINGS:
            kept.append(index)
    return kept


# --------------------------------------------------------------------------- numbers


def _text_keys(signature: Signature, content_hash: bytes) -> NDArray[np.uint32]:
    """Under which a text is posted and looked up: its exact hash, and the smallest of its shingles."""
    exact = np.frombuffer(content_hash[:4], dtype="<u4")
    if signature.tokens < MIN_NEAR_TOKENS:
        return exact
    return np.concatenate(
        [exact, signature.shingles[:POSTED_SHINGLES] * np.uint32(0x9E3779B1)]
    )  # the small, spread out


def _line_keys(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return hashes * np.uint32(0x85EBCA77)


def _own_key(article_id: str, version: int) -> NDArray[np.uint32]:
    return np.array([xxhash.xxh32_intdigest(article_id.encode("ascii"), version)], dtype=np.uint32)


def _id_numbers(hexadecimal: str) -> NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex(hexadecimal), dtype=">u8").astype(np.uint64)


def _hex(numbers: NDArray[np.uint64]) -> str:
    return numbers.astype(">u8").tobytes().hex()


def _is(ids: NDArray[np.uint64], hexadecimal: str) -> NDArray[np.bool_]:
    high, low = _id_numbers(hexadecimal)
    return np.asarray((ids[:, 0] == high) & (ids[:, 1] == low))


def _host_number(host: str) -> int:
    return xxhash.xxh32_intdigest(host.encode("utf-8", "surrogatepass"))


def _exact_number(content_hash: bytes) -> int:
    return int.from_bytes(content_hash[:8], "little")


def _microseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1e6)
