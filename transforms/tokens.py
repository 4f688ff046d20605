"""Words of a text with their offsets, as names of places are matched on."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# "U.S." and "St." keep their dots; "Sana'a" and "N'Djamena" are one word; "Stratford-upon-Avon" is three.
_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|(?:St|Ste|Mt|Ft)\.|[^\W_]+(?:['’ʼʻ‘`][^\W_]+)*")


class Token(NamedTuple):
    text: str
    start: int
    end: int


def tokenize(text: str) -> Iterator[Token]:
    """The words of `text` in order. Linear in its length."""
    for match in _TOKEN.finditer(text):
        yield Token(match.group(), match.start(), match.end())
