"""The table of cities and first-level divisions: where a name may lie, with GeoNames id, coordinates and population.

Names are looked up by the 64-bit hash of their folded form, in sorted arrays: a few MB for 300,000 names, loaded in
milliseconds, without a Python object a name. The table is built by `transforms/lexicons/build_geo.py` from GeoNames
(CC BY 4.0), Natural Earth and CLDR; its README says how.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash
import zstandard

CITY, CAPITAL, DIVISION, REGION = range(4)

MAX_TABLE_BYTES = 100_000_000

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "a", "’": "'", "ʼ": "'",
     "ʻ": "'", "‘": "'", "`": "'", "´": "'", "ʹ": "'", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"}
)  # fmt: skip
_WORDS = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}


@lru_cache(maxsize=65536)
def fold(token: str) -> str:
    """A word as it is looked up: no case, no accents, no apostrophes or dots; "St." is "saint"."""
    if token.isascii():
        folded = token.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", token)
        kept = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f" or "\u064b" <= c <= "\u0655"))
        folded = unicodedata.normalize("NFC", kept).casefold().translate(_LETTERS)
    folded = folded.replace("'", "").replace(".", "")
    return _WORDS.get(folded, folded)


def name_key(folded: str) -> int:
    """The number under which a name of folded words, single blanks between them, is kept."""
    return xxhash.xxh3_64_intdigest(folded.encode())


@dataclass(frozen=True, slots=True)
class Place:
    """A city, capital, division or own region. `kind` is CITY, CAPITAL, DIVISION or REGION; `division` is the
    country's code and the division's, "US.TX", for a city and for the division itself."""

    index: int
    name: str
    country: str
    division: str
    kind: int
    population: int
    latitude: float
    longitude: float
    geoname_id: int | None


class Gazetteer:
    """The places of a packed table. Look-ups never fail: an unknown name has no places."""

    def __init__(self, packed: bytes) -> None:
        raw = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_TABLE_BYTES)
        end = raw.index(b"\n")
        offset = end + 1
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, dtype, size in json.loads(raw[:end]):
            arrays[name] = np.frombuffer(raw, dtype=dtype, count=size, offset=offset)
            offset += arrays[name].nbytes
        self._keys = arrays["keys"]
        self._starts = arrays["starts"]
        self._postings = arrays["postings"]
        self._table = arrays
        self._texts = arrays["texts"].tobytes().decode().split("\n")

    def __len__(self) -> int:
        return len(self._table["kind"])

    def find(self, names: Sequence[str]) -> list[tuple[int, ...]]:
        """For each folded name the indices of its places, most populous first; () when there is none."""
        if not names or not len(self._keys):
            return [()] * len(names)
        wanted = np.fromiter((name_key(name) for name in names), dtype=np.uint64, count=len(names))
        at = np.searchsorted(self._keys, wanted)
        at[at == len(self._keys)] = 0
        hits = np.flatnonzero(self._keys[at] == wanted)
        found: list[tuple[int, ...]] = [()] * len(names)
        for hit in hits.tolist():
            start, end = self._starts[at[hit]], self._starts[at[hit] + 1]
            found[hit] = tuple(self._postings[start:end].tolist())
        return found

    def place(self, index: int) -> Place:
        return _place(self, index)

    def _read(self, index: int) -> Place:
        table = self._table
        name, division = self._texts[index].split("\t")
        return Place(
            index=index,
            name=name,
            country=division[:2],
            division=division if len(division) > 2 else "",
            kind=int(table["kind"][index]),
            population=int(table["population"][index]),
            latitude=round(float(table["latitude"][index]), 4),
            longitude=round(float(table["longitude"][index]), 4),
            geoname_id=int(table["geoname_id"][index]) or None,
        )


@lru_cache(maxsize=8192)
def _place(gazetteer: Gazetteer, index: int) -> Place:
    return gazetteer._read(index)


def pack(places: Sequence[Place], names: Mapping[str, Iterable[int]]) -> bytes:
    """The packed table of `places`, whose `index` is their position, and of `names`: folded name to indices in the
    order they are to be found. The same input gives the same bytes."""
    keyed = sorted((name_key(name), tuple(indices)) for name, indices in names.items())
    postings = [index for _, indices in keyed for index in indices]
    starts = np.cumsum([0, *(len(indices) for _, indices in keyed)])
    texts = "\n".join(f"{place.name}\t{place.division or place.country}" for place in places).encode()
    arrays = {
        "keys": np.array([key for key, _ in keyed], dtype="<u8"),
        "starts": starts.astype("<u4"),
        "postings": np.array(postings, dtype="<u4"),
        "kind": np.array([place.kind for place in places], dtype="<u1"),
        "population": np.array([place.population for place in places], dtype="<u4"),
        "geoname_id": np.array([place.geoname_id or 0 for place in places], dtype="<u4"),
        "latitude": np.array([place.latitude for place in places], dtype="<f4"),
        "longitude": np.array([place.longitude for place in places], dtype="<f4"),
        "texts": np.frombuffer(texts, dtype="<u1"),
    }
    # the widest first: every array then starts where its type wants to lie
    header = json.dumps([[name, array.dtype.str, len(array)] for name, array in arrays.items()])
    header += " " * (-(len(header) + 1) % 8) + "\n"
    body = b"".join(array.tobytes() for array in arrays.values())
    return zstandard.ZstdCompressor(level=19).compress(header.encode() + body)
