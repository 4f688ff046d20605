"""Lines that a publisher repeats: at the head or end of a text, and on most of the latest pages of its host.

What counts is the host's latest pages. A line is the publisher's, and no part of the story, when more than half of them
carry it at the same end and tell something else: a line that stands on a series alone (reports of earthquakes, results,
horoscopes) or in a reporter's habit of closing is part of what is told. A series is known by its titles and by the
phrases its texts share.

Which pages are the latest is told by (first_seen_at, article_id): the same rows give the same answers in whatever order
and batches they came. All that is kept of a page can be read from its row: `signature` holds the hashes of its lines.
"""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from transforms.plain_text import one_case
from transforms.signatures import Signature

PAGES = 32  # of a host that are remembered, the latest
MARGIN = 3  # pages beyond half of them: of few pages nearly all must carry a line, and never fewer than five
HEAD_LINES, END_LINES = 2, 5  # of a text that are looked at
SHINGLES = 6  # the smallest of a text; whoever shares one may tell the same
TITLE_WORDS = 5  # the first long ones; whoever shares half of them may tell the same
LONG_WORD = 4  # letters

_PLACE = struct.Struct("<q16sB")  # first_seen_at in microseconds, article_id, how many hashes follow
_AT_HEAD = 0x5BD1E995  # tells a line at the head from the same at the end


def page_of(article_id: str, first_seen_us: int, title: str | None, bare: Signature) -> bytes:
    """What is remembered of a text, by its row: hashes of its lines at both ends, phrases and title. `bare` is the
    signature as it is stored."""
    lines: list[int] = bare.lines.tolist()
    hashes = [line ^ _AT_HEAD for line in lines[:HEAD_LINES]]
    hashes += lines[-END_LINES:]
    hashes += _phrases(bare)
    hashes += _long_words(title)
    each = dict.fromkeys(hashes)
    return _PLACE.pack(first_seen_us, bytes.fromhex(article_id), len(each)) + struct.pack(f"<{len(each)}I", *each)


@dataclass(slots=True)
class HostPages:
    """The latest pages of a host, in order of arrival. `counts` tells on how many of them a hash stands; it is made
    when it is asked for first."""

    latest: list[bytes] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "HostPages":
        """What `to_bytes` gave."""
        pages, begin = [], 0
        while begin < len(stored):
            end = begin + _PLACE.size + 4 * stored[begin + _PLACE.size - 1]
            pages.append(stored[begin:end])
            begin = end
        return cls(pages)

    def to_bytes(self) -> bytes:
        return b"".join(self.latest)

    def without(self, article_id: str) -> "HostPages":
        """The pages of other articles."""
        own = bytes.fromhex(article_id)
        return HostPages([page for page in self.latest if _place(page)[1] != own])

    def add(self, page: bytes) -> None:
        """Take in a page, once."""
        if not self.latest or _place(self.latest[-1]) < _place(page):  # nearly always
            self.latest.append(page)
        else:
            at = bisect_left(self.latest, _place(page), key=_place)
            if _place(self.latest[at]) == _place(page):
                return
            self.latest.insert(at, page)
        gone = self.latest.pop(0) if len(self.latest) > PAGES else None
        if self.counts:
            self._count(page)
            if gone:
                self._uncount(gone)

    def _count(self, page: bytes) -> None:
        counts = self.counts
        for value in _hashes(page):
            counts[value] = counts.get(value, 0) + 1

    def _uncount(self, page: bytes) -> None:
        counts = self.counts
        for value in _hashes(page):
            if counts[value] > 1:
                counts[value] -= 1
            else:
                del counts[value]

    def repeated(
        self, lines: Sequence[int], suspects: Collection[int], title: str | None, bare: Signature
    ) -> tuple[int, int]:
        """How many of a text's `lines` (hashes) at the head and at the end are the publisher's, one at least being
        left. Only lines among `suspects` can be."""
        if lines[0] not in suspects and lines[-1] not in suspects:
            return 0, 0
        if not self.counts:
            for page in self.latest:
                self._count(page)
        least = len(self.latest) // 2 + MARGIN
        if self.counts.get(lines[0] ^ _AT_HEAD, 0) < least and self.counts.get(lines[-1], 0) < least:
            return 0, 0
        least += self._alike(title, bare)

        def count(lines: Sequence[int], mark: int) -> int:
            for number, line in enumerate(lines):
                if line not in suspects or self.counts.get(line ^ mark, 0) < least:
                    return number
            return len(lines)

        inner = len(lines) - 1
        after = count(lines[: -END_LINES - 1 : -1][:inner], 0)
        before = count(lines[:HEAD_LINES][: inner - after], _AT_HEAD)
        return before, after

    def _alike(self, title: str | None, bare: Signature) -> int:
        """How many pages may tell the same story as a text, or another of its series."""
        words = sorted([self.counts.get(word, 0) for word in _long_words(title)], reverse=True)
        phrases = max([self.counts.get(shingle, 0) for shingle in _phrases(bare)], default=0)
        return max(phrases, words[(len(words) - 1) // 2]) if words else phrases


def _place(page: bytes) -> tuple[int, bytes]:
    first_seen_us, article_id, _ = _PLACE.unpack_from(page)
    return first_seen_us, article_id


def _hashes(page: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{page[_PLACE.size - 1]}I", page, _PLACE.size)


def _phrases(bare: Signature) -> list[int]:
    hashes: list[int] = bare.shingles[:SHINGLES].tolist()
    return hashes


def _long_words(title: str | None) -> list[int]:
    """Hashes of the first long words of a title."""
    words = [word for word in one_case(title or "").split() if len(word) >= LONG_WORD and word.isalpha()]
    return [zlib.crc32(word.encode()) for word in words[:TITLE_WORDS]]
