"""The files of the signature index: segments as plain arrays, read through the page cache, and merged by size.

`segments.json` names the segments that count; it is replaced last, so a write that was cut off leaves the index as it
was. All small segments are merged at once, of the larger ones four of a size, and none that has `FINAL` entries: an
entry is written a handful of times in its life, and no merge takes more than four times `FINAL`, whatever the archive
holds. A merge goes through its segments in pieces, so that its memory does not grow with them.
"""

import json
import math
import mmap
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.segments import (
    ENTRY,
    NO_RANK,
    Segment,
    arrival,
    bucket_sizes,
    directory_bits,
    halves,
    latest_of_each,
    packed,
    ranks,
)

FORMAT = 4
SMALL = 4_096  # entries; a segment with fewer is merged with the next that comes
FANOUT = 4  # segments of a size that are merged into one
FINAL = SMALL * FANOUT**3  # entries; a segment with as many is left as it is
PIECE_ENTRIES = 4_096
PIECE_POSTINGS = 500_000

_ARRAYS = {"entries": ENTRY, "low": np.dtype("<u2"), "owners": np.dtype("<u4"), "starts": np.dtype("<u4")}
_PLAIN = np.dtype((np.void, ENTRY.itemsize))  # numpy copies bytes faster than the fields of records


def load(folder: Path) -> list[Segment] | None:
    """The segments stored in `folder`; None when any of them cannot be read."""
    try:
        manifest = json.loads((folder / "segments.json").read_text("utf-8"))
        if manifest["format"] != FORMAT:
            return None
        return [_read(folder, name, *sizes) for name, sizes in manifest["segments"].items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(folder: Path, segments: Sequence[Segment], oldest_us: int = 0) -> list[Segment]:
    """Make `segments` what `load` finds, merged as is due. Those with a name are there already; entries first seen
    before `oldest_us` may go."""
    folder.mkdir(parents=True, exist_ok=True)
    names = _new_names(folder)
    segments = list(segments)
    while due := _due(segments, oldest_us):
        merged = _merged([segments[place] for place in due], oldest_us, folder / next(names))
        segments = [segment for place, segment in enumerate(segments) if place not in due] + merged
    segments = [segment if segment.name else _written(segment, folder / next(names)) for segment in segments]
    stored = {str(segment.name): (len(segment), len(segment.low)) for segment in segments}
    staged = folder / "segments.json.staged"
    staged.write_text(json.dumps({"format": FORMAT, "segments": stored}), "utf-8")
    staged.replace(folder / "segments.json")
    for path in folder.iterdir():
        if path.is_dir() and path.name not in stored:
            shutil.rmtree(path, ignore_errors=True)
    return segments


def _due(segments: Sequence[Segment], oldest_us: int) -> list[int]:
    """The places of segments that are to be one: of those half of which may go each by itself, of small ones all, of
    others as many as `FANOUT` of a size."""
    tiers: defaultdict[int, list[int]] = defaultdict(list)
    for place, segment in enumerate(segments):
        if segment.entries["seen_us"][len(segment) // 2] < oldest_us:
            return [place]
        if len(segment) < FINAL:
            tiers[_tier(len(segment))].append(place)
    if len(tiers[0]) > 1:
        return tiers[0]
    return next((places[:FANOUT] for places in tiers.values() if len(places) >= FANOUT), [])


def _tier(entries: int) -> int:
    """0 for a small segment, and one more for each time that it could be `FANOUT` of the tier below."""
    return 0 if entries < SMALL else 1 + int(math.log(entries / SMALL, FANOUT))


def _merged(segments: Sequence[Segment], oldest_us: int, path: Path) -> list[Segment]:
    """One segment of several, stored in `path`, without entries first seen before `oldest_us`; none where all are."""
    firsts = np.cumsum([0, *map(len, segments)])
    order = arrival(np.concatenate([_arrivals(segment) for segment in segments]))
    seen = np.concatenate([segment.entries["seen_us"] for segment in segments])
    order = order[np.searchsorted(seen[order], oldest_us) :]
    if not len(order):
        return []
    with _Files(path) as files:
        for begin in range(0, len(order), PIECE_ENTRIES):
            files.append("entries", _entries_at(order[begin : begin + PIECE_ENTRIES], segments, firsts))
        _merge_postings(segments, firsts, ranks(order, len(seen)), files)
    return [files.stored()]


def _arrivals(segment: Segment) -> NDArray[np.void]:
    """What tells the order of arrival, apart from the rest."""
    arrivals = np.empty(len(segment), dtype=ENTRY.descr[:3])
    for name in arrivals.dtype.names or ():
        arrivals[name] = segment.entries[name]
    return arrivals


def _entries_at(places: NDArray[np.intp], segments: Sequence[Segment], firsts: NDArray[np.intp]) -> NDArray[np.void]:
    """Entries by their places in all segments, one after another, whose first ones are at `firsts`."""
    entries = np.empty(len(places), dtype=_PLAIN)
    for number, segment in enumerate(segments):
        mine = (places >= firsts[number]) & (places < firsts[number + 1])
        entries[mine] = segment.entries.view(_PLAIN)[places[mine] - firsts[number]]
    return entries.view(ENTRY)


def _merge_postings(
    segments: Sequence[Segment], firsts: NDArray[np.intp], rank: NDArray[np.uint32], files: "_Files"
) -> None:
    """The postings of several segments as those of one, whose entries are numbered by `rank`."""
    count = sum(len(segment.low) for segment in segments)
    bits = directory_bits(count)
    parts = 1 << max(0, math.ceil(math.log2(max(1, count) / PIECE_POSTINGS)))
    start = 0
    for part in range(parts):
        pieces = []
        for first, segment in zip(firsts, segments, strict=False):
            keys, owners = segment.postings(part, parts)
            owners = rank[owners + np.uint32(first)]
            kept = owners != NO_RANK
            pieces.append(packed(keys[kept], owners[kept]))
        postings = latest_of_each(np.concatenate(pieces))
        ends = start + np.cumsum(bucket_sizes(postings, bits, part, parts))
        files.append("starts", np.concatenate([[start], ends[:-1]]))
        low, owners = halves(postings)
        files.append("low", low)
        files.append("owners", owners)
        start += len(postings)
    files.append("starts", np.array([start]))


class _Files:
    """A segment on its way to the disk, in a folder that gets its name when all of it is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._staged = path.with_name(f"{path.name}.staged")
        self._sizes = dict.fromkeys(_ARRAYS, 0)

    def __enter__(self) -> "_Files":
        shutil.rmtree(self._staged, ignore_errors=True)
        self._staged.mkdir()
        with ExitStack() as stack:
            self._files = {name: stack.enter_context((self._staged / name).open("wb")) for name in _ARRAYS}
            self._stack = stack.pop_all()
        return self

    def append(self, name: str, array: NDArray[Any]) -> None:
        self._sizes[name] += len(array)
        self._files[name].write(array.astype(_ARRAYS[name], copy=False).tobytes())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
        if kind is None:
            self._staged.rename(self._path)

    def stored(self) -> Segment:
        return _read(self._path.parent, self._path.name, self._sizes["entries"], self._sizes["low"])


def _written(segment: Segment, path: Path) -> Segment:
    with _Files(path) as files:
        for name in _ARRAYS:
            files.append(name, getattr(segment, name))
    return files.stored()


def _read(folder: Path, name: str, entries: int, postings: int) -> Segment:
    mapped = {array: _map(folder / name / array) for array in _ARRAYS}
    arrays = {array: np.frombuffer(mapped[array], dtype) for array, dtype in _ARRAYS.items()}
    segment = Segment(**arrays, name=name, mapped=mapped["entries"])
    sizes = len(segment), len(segment.low), len(segment.owners), int(segment.starts[-1])
    if sizes != (entries, postings, postings, postings):
        raise ValueError(name)
    return segment


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _new_names(folder: Path) -> Iterator[str]:
    number = max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=0)
    while True:
        number += 1
        yield f"{number:06d}"
