"""Words as they are searched for: of every script, without case and accents, with their place in the text.

Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese put no blanks between words, or join particles to them: there
each character counts as a word, and a word asked for is a phrase of them. Arabic and Hebrew vowel points are left out.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

MAX_TERMS = 32  # of a search; the rest is left out
MAX_BEGINNINGS, BEGINNING_LETTERS = (
    4,
    2,
)  # what "begin*" costs grows with the words that begin so; others stand as they are
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ـ": None}
)
_OTHER_LETTER = re.compile(f"[{''.join(map(chr, _LETTERS))}]")
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200f\u2060\ufeff]+")
_BLOCKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Combining marks outside those blocks, as ranges of a character class: Python's \\w leaves them out."""
    blocks = re.compile(f"[{_BLOCKS}]")
    codes = [c for c in range(0x20000) if unicodedata.category(chr(c)).startswith("M") and not blocks.match(chr(c))]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_MARKS = _marks()
_FIRST_BLOCK = _BLOCKS[0]
_UNSPACED = re.compile(rf"[{_BLOCKS}]+")
_WORD = re.compile(rf"[{_BLOCKS}]|[^\W_{_BLOCKS}](?:[^\W_{_BLOCKS}]|[{_MARKS}])*")
_CHUNK = re.compile(r'(-?)(?:["“”„«»]([^"“”„«»]*)["“”„«»]?|(\S+))')


def folded(text: str) -> str:
    """`text` without case, accents and points, as words are compared."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    lower = unicodedata.normalize("NFC", bare).casefold()
    return lower.translate(_LETTERS) if _OTHER_LETTER.search(lower) else lower


def for_index(text: str | None) -> str:
    """`text` as the index takes it: folded, and blanks around each character that is a word of its own."""
    plain = folded(text or "")
    return plain if max(plain, default="") < _FIRST_BLOCK else _UNSPACED.sub(lambda run: f" {' '.join(run[0])} ", plain)


@lru_cache(maxsize=65_536)
def _fold_word(word: str) -> str:
    return folded(word)


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word of `text`, folded, with its start and end in `text`."""
    for match in _WORD.finditer(text):
        yield _fold_word(match[0]) if len(match[0]) <= 60 else folded(match[0]), match.start(), match.end()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand beside each other; with `is_prefix` the last may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def to_fts(self) -> str:
        """As SQLite's FTS5 reads it. A folded word holds no quotation mark."""
        return f'"{" ".join(self.words)}"{" *" if self.is_prefix else ""}'


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: of every group of `wanted` at least one phrase, of `unwanted` none."""

    wanted: tuple[tuple[Phrase, ...], ...] = ()
    unwanted: tuple[Phrase, ...] = ()

    def to_fts(self) -> str | None:
        """The wanted part as an FTS5 expression, None when nothing is wanted."""
        groups = (f"({' OR '.join(phrase.to_fts() for phrase in group)})" for group in self.wanted)
        return " AND ".join(groups) or None

    def unwanted_fts(self) -> str | None:
        return " OR ".join(phrase.to_fts() for phrase in self.unwanted) or None

    def phrases(self) -> list[Phrase]:
        """Every phrase that may be marked in a text that was found."""
        return [phrase for group in self.wanted for phrase in group]


def read_search(text: str) -> Search:
    """`ferry -strike "fish quay" harbo* OR pier`: all words, a phrase, a beginning, either; what "-" stands before must
    not be there. Every string is a search; what is no word is left out."""
    wanted: list[tuple[Phrase, ...]] = []
    unwanted: list[Phrase] = []
    either, beginnings = False, MAX_BEGINNINGS
    for match in list(_CHUNK.finditer(text))[:MAX_TERMS]:
        minus, quoted, bare = match.groups()
        if bare == "OR" and not minus and wanted:
            either = True
            continue
        given = quoted if quoted is not None else bare
        found = tuple(word for word, _, _ in words(folded(given)))
        if not found:
            continue
        is_prefix = quoted is None and given.endswith("*") and len(found[-1]) >= BEGINNING_LETTERS and beginnings > 0
        beginnings -= is_prefix
        phrase = Phrase(found, is_prefix=is_prefix)
        if minus:
            unwanted.append(phrase)
        elif either:
            wanted[-1] = (*wanted[-1], phrase)
        else:
            wanted.append((phrase,))
        either = False
    return Search(tuple(wanted), tuple(unwanted))


def find(text: str, phrases: Iterable[Phrase]) -> list[tuple[int, int]]:
    """Where in `text` any of `phrases` stands: starts and ends, in order, none inside another."""
    tokens = list(words(text))
    places: dict[str, list[int]] = {}
    for number, (word, _, _) in enumerate(tokens):
        places.setdefault(word, []).append(number)
    spans = []
    for phrase in phrases:
        for first in _starts(phrase, places):
            last = first + len(phrase.words) - 1
            if last < len(tokens) and _stands(phrase, [word for word, _, _ in tokens[first : last + 1]]):
                spans.append((tokens[first][1], tokens[last][2]))
    return _merged(spans)


def _starts(phrase: Phrase, places: dict[str, list[int]]) -> list[int]:
    if phrase.is_prefix and len(phrase.words) == 1:
        return [number for word, found in places.items() if word.startswith(phrase.words[0]) for number in found]
    return places.get(phrase.words[0], [])


def _stands(phrase: Phrase, found: Sequence[str]) -> bool:
    *first, last = phrase.words
    return found[:-1] == first and (found[-1].startswith(last) if phrase.is_prefix else found[-1] == last)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
