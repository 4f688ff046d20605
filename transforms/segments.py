"""The files of the signature index: sorted arrays that are written once and read through the page cache.

A segment holds entries (one record an indexed text, in order of arrival) and postings (which entries posted a key).
Postings are sorted by key; a directory of the keys' upper bits tells where each bucket begins, so a look-up costs the
same few reads at any size. `segments.json` names the segments that count; it is replaced last, so a write that was cut
off leaves the index as it was.
"""

import json
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transforms.signatures import SKETCH

FORMAT = 3
POSTINGS = 4  # kept a key, the latest
BUCKET = 6  # postings in a bucket of the directory, on average
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
Entries = NDArray[np.void]  # ENTRY records
Posting = tuple[tuple[int, int, int, int], bytes]  # an entry as bytes, after its place in the order of arrival
Found = tuple[NDArray[np.intp], Entries]  # places in the keys asked for, and the entries that posted them

NOTHING: Found = (np.empty(0, dtype=np.intp), np.empty(0, dtype=ENTRY))


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """`low` and `owners` are the postings: lower half of the key, number of the entry. `name` is the folder it is
    stored in, None before it is."""

    entries: NDArray[np.void]
    low: NDArray[np.uint16]
    owners: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    name: str | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, keys: Keys) -> Found:
        """Places in `keys` and the entries that posted them."""
        buckets = keys >> np.uint32(33 - len(self.starts).bit_length())
        begins = self.starts[buckets].astype(np.intp)
        sizes = self.starts[buckets + np.uint32(1)].astype(np.intp) - begins
        places = np.repeat(np.arange(len(keys)), sizes)
        at = np.arange(len(places)) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
        hits = self.low[at] == keys.astype(np.uint16)[places]
        return places[hits], self.entries[self.owners[at[hits]]]

    def keys(self) -> Keys:
        """The key of each posting."""
        bits = (len(self.starts) - 1).bit_length() - 1
        buckets = np.repeat(np.arange(len(self.starts) - 1, dtype=np.uint32), np.diff(self.starts))
        return (buckets << np.uint32(32 - bits)) | self.low


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
        return _built(from_bytes(self._entries), np.concatenate(self._keys), owners)


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


def merged(segments: list[Segment], oldest_us: int) -> Segment:
    """One segment of several, without entries first seen before `oldest_us`."""
    entries = joined([segment.entries for segment in segments])
    offsets = np.cumsum([0, *map(len, segments[:-1])])
    owners = np.concatenate(
        [segment.owners + np.uint32(offset) for segment, offset in zip(segments, offsets, strict=True)]
    )
    keys = np.concatenate([segment.keys() for segment in segments])
    kept = entries["seen_us"] >= oldest_us
    if not kept.all():
        posted = kept[owners]
        keys, owners = keys[posted], (np.cumsum(kept, dtype=np.uint32) - np.uint32(1))[owners[posted]]
        entries = entries[kept]
    return _built(entries, keys, owners)


def joined(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Entries one after another. numpy compares the fields of records before it concatenates them; bytes
    it copies."""
    plain = np.dtype((np.void, ENTRY.itemsize))
    return np.concatenate([part.view(plain) for part in parts]).view(ENTRY)


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


def load(folder: Path) -> list[Segment] | None:
    """The segments stored in `folder`; None when any of them cannot be read."""
    try:
        manifest = json.loads((folder / "segments.json").read_text("utf-8"))
        if manifest["format"] != FORMAT:
            return None
        return [_read(folder, name) for name in manifest["segments"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(folder: Path, segments: list[Segment]) -> None:
    """Make `segments` what `load` finds. Those with a name are there already; the others are written."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=0)
    for place, segment in enumerate(segments):
        if segment.name is None:
            number += 1
            segments[place] = _write(folder, f"{number:06d}", segment)
    names = [segment.name for segment in segments]
    staged = folder / "segments.json.staged"
    staged.write_text(json.dumps({"format": FORMAT, "segments": names}), "utf-8")
    staged.replace(folder / "segments.json")
    for path in folder.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path, ignore_errors=True)


def _built(entries: NDArray[np.void], keys: Keys, owners: NDArray[np.uint32]) -> Segment:
    """A segment of entries in any order and their postings."""
    order = arrival(entries)
    rank = np.empty(len(order), dtype=np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    # key and rank in one number: sorting it sorts the postings of a key from the earliest entry to the latest
    postings = (keys.astype(np.uint64) << np.uint64(32)) | rank[owners]
    postings.sort()
    keys = (postings >> np.uint64(32)).astype(np.uint32)
    if len(keys) > POSTINGS:
        latest = np.ones(len(keys), dtype=bool)
        latest[:-POSTINGS] = keys[:-POSTINGS] != keys[POSTINGS:]
        keys, postings = keys[latest], postings[latest]
    bits = min(_MAX_BITS, max(_MIN_BITS, round(math.log2(max(1, len(keys) / BUCKET)))))
    counts = np.bincount(keys >> np.uint32(32 - bits), minlength=1 << bits)
    starts = np.zeros((1 << bits) + 1, dtype=np.uint32)
    np.cumsum(counts, out=starts[1:])
    return Segment(entries[order], keys.astype(np.uint16), postings.astype(np.uint32), starts)


_ARRAYS = ("entries", "low", "owners", "starts")


def _write(folder: Path, name: str, segment: Segment) -> Segment:
    staged = folder / f"{name}.staged"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for array in _ARRAYS:
        with (staged / f"{array}.npy").open("wb") as file:
            np.save(file, getattr(segment, array))
            file.flush()
            os.fsync(file.fileno())
    staged.rename(folder / name)
    return _read(folder, name)


def _read(folder: Path, name: str) -> Segment:
    arrays = [np.load(folder / name / f"{array}.npy", mmap_mode="r", allow_pickle=False) for array in _ARRAYS]
    entries, low, owners, starts = (array.view(np.ndarray) for array in arrays)  # the plain class is faster to index
    if entries.dtype != ENTRY or len(low) != len(owners) or starts[-1] != len(low):
        raise ValueError(name)
    return Segment(entries, low, owners, starts, name)
