"""The table of cities and first-level divisions: where a name may lie, with GeoNames id, coordinates and population.

Names are looked up by the 64-bit hash of their folded form, in sorted arrays: a few MB for 300,000 names, loaded in
milliseconds, without a Python object a name. The table is built by `transforms/lexicons/build_geo.py` from GeoNames
(CC BY 4.0), Natural Earth and CLDR; its README says how.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash
import zstandard

from transforms.tokens import fold_name

CITY, CAPITAL, DIVISION, COUNTY, REGION = range(5)

MAX_CANDIDATES = 60  # places of one name: the most populous
SEAT_OF_STATE = 1.0
PER_NAME = 0.006  # what each of its names in GeoNames adds: London is spoken of in 250 spellings, its namesakes in few

MAX_TABLE_BYTES = 100_000_000
# Nearly all words and phrases of a text are no names and open none: a look at the lowest bits of their keys tells.
_HINT_MASK = np.uint64(2**21 - 1)
_NAME, _OPENING = 1, 2


def name_key(folded: str) -> int:
    """The number under which a name of folded words, single blanks between them, is kept."""
    return xxhash.xxh3_64_intdigest(folded.encode())


@dataclass(frozen=True)
class Place:
    """A city, capital, division, county or own region, as `kind` says. `division` is the country's code and the
    division's, "US.TX", for what lies in a division and for the division itself. `fame` is the number of names the
    place has in GeoNames, at most 255: places the world speaks of have many. `folded` is its own name as looked up."""

    index: int
    name: str
    country: str
    division: str
    kind: int
    population: int
    fame: int
    latitude: float
    longitude: float
    geoname_id: int | None

    @cached_property
    def folded(self) -> str:
        return fold_name(self.name)

    @cached_property
    def renown(self) -> float:
        """How well known the place is, whatever the text: by its inhabitants, its names, and as a capital."""
        of_state = SEAT_OF_STATE if self.kind == CAPITAL else 0.0
        return math.log10(self.population + 10) + PER_NAME * self.fame + of_state


class Gazetteer:
    """The places of a packed table, and of `regions`: own places with their folded names, which come first where a name
    is theirs too. Look-ups never fail: an unknown name has no places."""

    def __init__(self, packed: bytes, regions: Sequence[tuple[Place, Sequence[str]]] = ()) -> None:
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
        self._heads = frozenset(arrays["heads"].tolist())
        self._text_ends = np.append(np.flatnonzero(arrays["texts"] == ord("\n")), len(arrays["texts"]))
        self._divisions = {
            self._name_and_division(index)[1]: index for index in np.flatnonzero(arrays["kind"] == DIVISION).tolist()
        }
        self._regions = [dataclasses.replace(place, index=len(self) + n) for n, (place, _) in enumerate(regions)]
        self._by_region_name = {name: self._regions[n] for n, (_, names) in enumerate(regions) for name in names}
        long_names = [name for name in self._by_region_name if " " in name]
        self._hints = np.zeros(_HINT_MASK + 1, dtype=np.uint8)
        self._hints[self._keys & _HINT_MASK] |= _NAME
        self._hints[arrays["openings"] & _HINT_MASK] |= _OPENING
        self._hints[_keys_of([name.split(" ", 1)[0] for name in long_names]) & _HINT_MASK] |= _OPENING

    def __len__(self) -> int:
        return len(self._table["kind"])

    def find(self, name: str) -> tuple[Place, ...]:
        """The places of a folded name, most populous first, at most `MAX_CANDIDATES`; () when there is none."""
        return self.find_all([name]).get(0, ())

    def find_all(self, names: Sequence[str]) -> dict[int, tuple[Place, ...]]:
        """The places of each of many folded names, as `find` has them, by its position; names without places are left
        out. Cheaper than finding each: nearly all phrases of a text are no names."""
        return self._places(names, _keys_of(names))

    def look_up(self, words: Sequence[str]) -> tuple[dict[int, tuple[Place, ...]], list[bool]]:
        """The same for many folded words; and of each whether a name of several words may begin with it, which is told
        of a few others, too."""
        keys = _keys_of(words)
        opening: list[bool] = (self._hints[keys & _HINT_MASK] >= _OPENING).tolist()
        return self._places(words, keys), opening

    def _places(self, names: Sequence[str], keys: npt.NDArray[np.uint64]) -> dict[int, tuple[Place, ...]]:
        likely = np.flatnonzero(self._hints[keys & _HINT_MASK] & _NAME)
        found: dict[int, tuple[Place, ...]] = {}
        if len(likely):
            wanted = keys[likely]
            rows = np.minimum(self._keys.searchsorted(wanted), len(self._keys) - 1)
            known = self._keys[rows] == wanted
            for at, row in zip(likely[known].tolist(), rows[known].tolist(), strict=True):
                found[at] = _postings(self, row)
        for at in compress(range(len(names)), map(self._by_region_name.__contains__, names)):
            found[at] = (self._by_region_name[names[at]], *found.get(at, ()))
        return found

    def begins(self, first: str, second: str = "") -> bool:
        """Whether any name begins with two characters of a script in which each character is a word. Saves looking up
        every run of characters of a Chinese text."""
        return _head(first, second) in self._heads

    def place(self, index: int) -> Place:
        return _place(self, index)

    def division(self, code: str) -> Place | None:
        """The first-level division of a code: "US.AL"."""
        index = self._divisions.get(code)
        return None if index is None else self.place(index)

    def _read(self, index: int) -> Place:
        table = self._table
        if index >= len(self):
            return self._regions[index - len(self)]
        name, division = self._name_and_division(index)
        return Place(
            index=index,
            name=name,
            country=division[:2],
            division=division if len(division) > 2 else "",
            kind=int(table["kind"][index]),
            population=int(table["population"][index]),
            fame=int(table["fame"][index]),
            latitude=round(float(table["latitude"][index]), 4),
            longitude=round(float(table["longitude"][index]), 4),
            geoname_id=int(table["geoname_id"][index]) or None,
        )

    def _name_and_division(self, index: int) -> list[str]:
        start = self._text_ends[index - 1] + 1 if index else 0
        return self._table["texts"][start : self._text_ends[index]].tobytes().decode().split("\t")


def _head(first: str, second: str = "") -> int | None:
    """A number for the first two characters of a name in Han or Hangul; None for other names."""
    if len(first) != 1 or len(second) != 1 or min(first, second) < "\u3400":
        return None
    return (ord(first) << 16) | ord(second)


def _keys_of(names: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.fromiter(map(xxhash.xxh3_64_intdigest, map(str.encode, names)), np.uint64, len(names))


@lru_cache(maxsize=16384)
def _postings(gazetteer: Gazetteer, row: int) -> tuple[Place, ...]:
    first = int(gazetteer._starts[row])
    last = min(int(gazetteer._starts[row + 1]), first + MAX_CANDIDATES)
    return tuple(_place(gazetteer, index) for index in gazetteer._postings[first:last].tolist())


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
    heads = sorted({head for name in names if (head := _head(*name.split(" ")[:2])) is not None})
    openings = sorted({name_key(name.split(" ", 1)[0]) & 0xFFFFFFFF for name in names if " " in name})
    arrays = {
        "keys": np.array([key for key, _ in keyed], dtype="<u8"),
        "openings": np.array(openings, dtype="<u4"),
        "starts": starts.astype("<u4"),
        "postings": np.array(postings, dtype="<u4"),
        "population": np.array([place.population for place in places], dtype="<u4"),
        "geoname_id": np.array([place.geoname_id or 0 for place in places], dtype="<u4"),
        "latitude": np.array([place.latitude for place in places], dtype="<f4"),
        "longitude": np.array([place.longitude for place in places], dtype="<f4"),
        "heads": np.array(heads, dtype="<u4"),
        "kind": np.array([place.kind for place in places], dtype="<u1"),
        "fame": np.array([min(place.fame, 255) for place in places], dtype="<u1"),
        "texts": np.frombuffer(texts, dtype="<u1"),
    }
    # the widest first: every array then starts where its type wants to lie
    header = json.dumps([[name, array.dtype.str, len(array)] for name, array in arrays.items()])
    header += " " * (-(len(header) + 1) % 8) + "\n"
    body = b"".join(array.tobytes() for array in arrays.values())
    return zstandard.ZstdCompressor(level=19).compress(header.encode() + body)
