"""Lexicon files: plain lists that a journalist can read and extend, and the folders that lay over the built-in ones.

Two formats, both UTF-8, with `#` comments and blank lines ignored:

- sections (`.txt`): a `[name]` line opens a section (anything after the bracket is a remark); the lines below hold
  entries separated by commas. `3: entry, entry` gives the entries of that line a weight; without one it is 1.
- tables (`.tsv`): one record a line, fields separated by tabs.

A file `names/people.tsv` of an overlay folder is read after the built-in file of the same name.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transforms.lexicons import BUILT_IN


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a section, with the weight of its line."""

    section: str
    text: str
    weight: float


class Lexicon:
    """The files below one folder of the built-in lexicons and of each overlay, in that order.

    `version` is a hash of what was read so far and of `rules`, the number of the rules that use it.
    """

    def __init__(self, folder: str, overlays: Sequence[Path], rules: int) -> None:
        self._roots = [BUILT_IN / folder, *(Path(overlay) / folder for overlay in overlays)]
        self._hash = hashlib.sha256(f"{folder} {rules}".encode())

    @property
    def version(self) -> str:
        return self._hash.hexdigest()[:16]

    def names(self, pattern: str) -> list[str]:
        """Names, relative to the folder, of all files that match the glob `pattern`."""
        return sorted({str(path.relative_to(root)) for root in self._roots for path in root.glob(pattern)})

    def sections(self, name: str) -> list[Entry]:
        """The entries of a section file and of its overlays. A file that is nowhere holds none."""
        return list(_entries(self._lines(name), name))

    def table(self, name: str) -> list[list[str]]:
        """The records of a table and of its overlays."""
        return [[field.strip() for field in line.split("\t")] for line in self._lines(name)]

    def _lines(self, name: str) -> Iterator[str]:
        for root in self._roots:
            path = root / name
            if not path.is_file():
                continue
            content = path.read_bytes()
            self._hash.update(name.encode() + b"\0" + content)
            for line in content.decode("utf-8").splitlines():
                bare = line.split("#", 1)[0].rstrip()
                if bare.strip():
                    yield bare


def _entries(lines: Iterable[str], name: str) -> Iterator[Entry]:
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line[1:].split("]", 1)[0]
            continue
        head, colon, tail = line.partition(":")
        try:
            weight, listed = (float(head), tail) if colon else (1.0, line)
        except ValueError:
            raise ValueError(f"{name}: {line!r}: expected 'weight: entry, entry' or 'entry, entry'") from None
        for entry in listed.split(","):
            if entry.strip():
                yield Entry(section, entry.strip(), weight)
