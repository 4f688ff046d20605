"""What the signature index is made of: sorted arrays that are written once, and dicts of what was just added.

A segment holds entries (one record an indexed text, in order of arrival) and postings (which entries posted a key).
Postings are sorted by key; a directory of the keys' upper bits tells where each bucket begins, so a look-up costs the
same few reads at any size. How segments are stored and merged is told in `segment_files`.
"""

import math
import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.signatures import SKETCH

POSTINGS = 4  # kept a key, the latest
BUCKET = 1.5  # postings in a bucket of the directory, on average
_MIN_BITS, _MAX_BITS = 16, 28  # of the directory; with 16 or more, the lower 16 bits of a key are all it leaves open

ENTRY = np.dtype(
    [
        ("seen_us", "<i8"),
        ("article_id", "<u8", (2,)),
        ("version", "<i4"),
        ("cluster_id", "<u8", (2,)),
        ("content_hash", "<u8"),
        ("host", "<u4"),
        ("sketch", SKETCH),
    ]
)

Keys = NDArray[np.uint32]
Packed = NDArray[np.uint64]  # postings as one number each: the key in the upper half, the entry's number in the lower
Entries = NDArray[np.void]  # ENTRY records
Posting = tuple[tuple[int, int, int, int], bytes]  # an entry as bytes, after its place in the order of arrival
Found = tuple[NDArray[np.intp], Entries]  # places in the keys asked for, and the entries that posted them

NO_RANK = np.uint32(0xFFFF_FFFF)
NOTHING: Found = (np.empty(0, dtype=np.intp), np.empty(0, dtype=ENTRY))


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """`low` and `owners` are the postings: lower half of the key, number of the entry. `name` is the folder it is
    stored in and `mapped` the file of its entries; None before it is stored."""

    entries: NDArray[np.void]
    low: NDArray[np.uint16]
    owners: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    name: str | None = None
    mapped: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp], Entries]:
        """Who posted `keys`: places in them, for each place a number, and the entries that the numbers count."""
        buckets = keys >> np.uint32(33 - len(self.starts).bit_length())
        begins = self.starts[buckets].astype(np.intp)
        sizes = self.starts[buckets + np.uint32(1)].astype(np.intp) - begins
        places = np.repeat(np.arange(len(keys)), sizes)
        at = np.arange(len(places)) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
        hits = self.low[at] == keys.astype(np.uint16)[places]
        owners, numbers = np.unique(self.owners[at[hits]], return_inverse=True)
        return places[hits], numbers, self.entries[owners]

    def postings(self, part: int, parts: int) -> tuple[Keys, NDArray[np.uint32]]:
        """Keys and owners of one of `parts` equal parts of all there can be; of these there are a power of two, and no
        more than buckets in the smallest directory."""
        buckets = len(self.starts) - 1
        width = buckets // parts
        starts = self.starts[part * width : (part + 1) * width + 1].astype(np.intp)
        upper = np.repeat(np.arange(part * width, (part + 1) * width, dtype=np.uint32), np.diff(starts))
        span = slice(starts[0], starts[-1])
        return upper << np.uint32(33 - buckets.bit_length()) | self.low[span], self.owners[span]

    def let_go(self) -> None:
        """Take the entries that were read out of this process; they stay in the page cache. A look-up reads few, but
        each brings its neighbours."""
        if self.mapped:
            self.mapped.madvise(mmap.MADV_DONTNEED)

    @property
    def last_us(self) -> int:
        """When its latest entry had first been seen."""
        return int(self.entries["seen_us"][-1])


class Fresh:
    """Entries just added, in dicts."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []
        self._keys: list[Keys] = []
        self._postings: dict[int, tuple[Posting, ...]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, posting: Posting, keys: Keys) -> None:
        """Take in an entry."""
        self._entries.append(posting[1])
        self._keys.append(keys)
        for key in keys.tolist():
            before = self._postings.get(key)
            self._postings[key] = latest(before, (posting,)) if before else (posting,)

    def postings(self, key: int) -> tuple[Posting, ...]:
        """The latest of a key, in order of arrival."""
        return self._postings.get(key, ())

    def sealed(self) -> Segment:
        """The same as arrays."""
        owners = np.repeat(np.arange(len(self._keys), dtype=np.uint32), list(map(len, self._keys)))
        return built(from_bytes(self._entries), np.concatenate(self._keys), owners)


def postings_of(entries: Entries) -> list[Posting]:
    """Each entry as bytes, with its place in the order of arrival."""
    high, low = entries["article_id"].T.tolist()
    raw, size = entries.tobytes(), ENTRY.itemsize
    orders = zip(entries["seen_us"].tolist(), high, low, entries["version"].tolist(), strict=True)
    return [(order, raw[place * size : (place + 1) * size]) for place, order in enumerate(orders)]


def latest(before: tuple[Posting, ...], after: tuple[Posting, ...]) -> tuple[Posting, ...]:
    """Of the postings of a key the latest `POSTINGS`, in order of arrival; both are in that order."""
    both = before + after
    if before[-1] > after[0]:
        both = tuple(sorted(both))
    return both[-POSTINGS:]


def from_bytes(entries: Iterable[bytes]) -> Entries:
    """Entries given as bytes."""
    return np.frombuffer(b"".join(entries), dtype=ENTRY)


def joined(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Entries one after another. numpy compares the fields of records before it concatenates them; bytes
    it copies."""
    plain = np.dtype((np.void, ENTRY.itemsize))
    return np.concatenate([NOTHING[1].view(plain), *(part.view(plain) for part in parts)]).view(ENTRY)


def together(parts: Sequence[Found]) -> Found:
    """Several answers to the same keys as one: of the postings of each key the latest `POSTINGS`."""
    parts = [part for part in parts if len(part[0])]
    if not parts:
        return NOTHING
    if len(parts) == 1:
        return parts[0]
    places = np.concatenate([part[0] for part in parts])
    entries = joined([part[1] for part in parts])
    if np.bincount(places).max() <= POSTINGS:
        return places, entries
    order = arrival(entries)
    order = order[np.argsort(places[order], kind="stable")]
    sorted_places = places[order]
    ends = np.searchsorted(sorted_places, sorted_places, "right")
    kept = order[ends - np.arange(len(order)) <= POSTINGS]
    return places[kept], entries[kept]


def arrival(entries: NDArray[np.void]) -> NDArray[np.intp]:
    """The places of `entries` in order of arrival: first_seen_at, then article_id and version."""
    high, low = entries["article_id"].T
    return np.lexsort((entries["version"], low, high, entries["seen_us"]))


def built(entries: NDArray[np.void], keys: Keys, owners: NDArray[np.uint32]) -> Segment:
    """A segment of entries in any order and their postings."""
    order = arrival(entries)
    postings = latest_of_each(packed(keys, ranks(order, len(order))[owners]))
    bits = directory_bits(len(postings))
    starts = np.zeros((1 << bits) + 1, dtype=np.uint32)
    np.cumsum(bucket_sizes(postings, bits), out=starts[1:])
    return Segment(entries[order], *halves(postings), starts)


def ranks(order: NDArray[np.intp], count: int) -> NDArray[np.uint32]:
    """Of each of `count` entries the place that `order` gives it; the largest number for one it leaves out."""
    ranks = np.full(count, NO_RANK)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    return ranks


def packed(keys: Keys, ranks: NDArray[np.uint32]) -> Packed:
    """Postings as one number each. In order, those of a key go from the earliest entry to the latest."""
    return keys.astype(np.uint64) << np.uint64(32) | ranks


def latest_of_each(postings: Packed) -> Packed:
    """In order, of each key the latest `POSTINGS`."""
    postings.sort()
    if len(postings) <= POSTINGS:
        return postings
    keys = (postings >> np.uint64(32)).astype(np.uint32)
    kept = np.ones(len(keys), dtype=bool)
    kept[:-POSTINGS] = keys[:-POSTINGS] != keys[POSTINGS:]
    return postings[kept]


def directory_bits(postings: int) -> int:
    """How many upper bits of a key its bucket is told by."""
    return min(_MAX_BITS, max(_MIN_BITS, round(math.log2(max(1, postings / BUCKET)))))


def bucket_sizes(postings: Packed, bits: int, part: int = 0, parts: int = 1) -> NDArray[np.intp]:
    """How many postings each bucket of a directory has, or of one of equal parts of it."""
    buckets = (1 << bits) // parts
    return np.bincount((postings >> np.uint64(64 - bits)).astype(np.intp) - part * buckets, minlength=buckets)


def halves(postings: Packed) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """What a segment keeps of its postings: the lower half of the key, and the entry's number."""
    return (postings >> np.uint64(32)).astype(np.uint16), postings.astype(np.uint32)
