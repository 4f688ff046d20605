"""A bounded memory of what is made of words."""

from collections.abc import Callable
from typing import TypeVar

Made = TypeVar("Made")
_CACHED_WORDS = 12_000
_CACHED_CHARACTERS = 100  # of a word; what is remembered is bounded


class Remembered(dict[str, Made]):
    """What `make` makes of words, looked up by `remembered[word]`, which `map` does without a step of Python. Bounded:
    what was not asked for since the memory last was full is forgotten."""

    def __init__(self, make: Callable[[str], Made]) -> None:
        super().__init__()
        self._make = make
        self._older: dict[str, Made] = {}

    def __missing__(self, word: str) -> Made:
        made = self._older.get(word)
        if made is None:
            made = self._make(word)
        if len(word) <= _CACHED_CHARACTERS:
            if len(self) >= _CACHED_WORDS:
                self._older = dict(self)
                self.clear()
            self[word] = made
        return made
