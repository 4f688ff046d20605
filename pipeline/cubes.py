"""Counts by time, publisher and language: the small tables a page can filter by itself, whatever the dataset's size.

A cube is made of cells: so many articles of this publisher, in this language, in this piece of time, with this value.
`Frame` says what the axes mean. Only the largest publishers and languages are told apart, the others are one; time is
cut into equal units counted back from the last day, so that the last one is whole. `pack` writes cells as two lists of
small numbers.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import duckdb

PUBLISHERS, LANGUAGES = 20, 10  # told apart; the others are one
MOST_UNITS = 400  # of time in a plot
MOST_STEPS = 130  # of time that the filter tells apart
UNITS_DAYS = (1, 7, 28, 84, 336, 3360, 36_960)  # each a multiple of the one before
LABEL_CHARACTERS = 120
_NO_LABEL = {"Cc", "Cs", "Co", "Cn"}  # categories of characters that have no business in a label
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn what follows them


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The axes of all cubes of a page. `unit_days` is what plots over time show, `step_days` what the filter knows."""

    first_day: date
    last_day: date
    unit_days: int
    step_days: int
    publishers: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def origin(self) -> date:
        """The day on which step 0 begins: at or before the first day."""
        span = (self.last_day - self.first_day).days + 1
        return self.last_day + timedelta(days=1 - -(-span // self.step_days) * self.step_days)

    @property
    def steps(self) -> int:
        return ((self.last_day - self.origin).days + 1) // self.step_days

    @property
    def units(self) -> int:
        return self.steps * (self.step_days // self.unit_days)

    def unit_sql(self, day: str) -> str:
        """SQL: the number of the unit in which the expression `day` falls."""
        return f"((CAST({day} AS DATE) - DATE '{self.origin}') // {self.unit_days})"

    def step_sql(self, day: str) -> str:
        """SQL: the number of the step in which the expression `day` falls."""
        return f"((CAST({day} AS DATE) - DATE '{self.origin}') // {self.step_days})"


def unit_of(first_day: date, last_day: date, most: int) -> int:
    """The shortest unit of time, in days, that cuts the span into at most `most`."""
    span = (last_day - first_day).days + 1
    return next((days for days in UNITS_DAYS if span <= days * most), UNITS_DAYS[-1])


def label(value: object, most: int = LABEL_CHARACTERS) -> str:
    """Text from the web as one short line: no control characters, nothing that turns the direction of what follows."""
    kept = (" " if unicodedata.category(char) in _NO_LABEL else char for char in str(value) if char not in _DIRECTIONS)
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def pack(cells: Iterable[Sequence[int]], sizes: Sequence[int]) -> dict[str, list[int]]:
    """Cells as two flat lists. A cell is its coordinates, one for each of `sizes`, and one number or more.

    "keys" holds the difference of each cell's place, its coordinates written as one number, to the place before;
    "values" its numbers. Sorting makes the differences small.
    """
    axes = len(sizes)
    placed = []
    for cell in cells:
        place = 0
        for coordinate, size in zip(cell, sizes, strict=False):
            place = place * size + coordinate
        placed.append((place, cell[axes:]))
    placed.sort()
    places = [0] + [place for place, _ in placed]
    return {
        "keys": [place - before for before, place in pairwise(places)],
        "values": [number for _, numbers in placed for number in numbers],
    }


def rows(db: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return db.execute(sql).fetchall()
