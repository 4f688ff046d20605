"""Words of a text with their offsets, as names of places are matched on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain, compress, islice
from typing import NamedTuple

from transforms.folding import fold_words
from transforms.remembered import Made

# "U.S.", "St." and "Mr." keep their dots; "Sana'a" and "N'Djamena" are one word; "Stratford-upon-Avon" is three. Han
# and Hangul have no blanks between words, or particles joined to them: there each character is a word. Vowel signs and
# other marks belong to the letters before them.
_BLOCKS = "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_MARKS = "\u0300-\u036f\u064b-\u0655\u0900-\u0903\u093a-\u094f\u0962\u0963\u0980-\u0983\u09bc-\u09cd\u0e31\u0e34-\u0e4e"
_PLAIN = rf"[^\W_\u3040-\u30ff{_BLOCKS}]"
_WORD = rf"{_PLAIN}{{1,60}}(?:[{_MARKS}]{{1,9}}{_PLAIN}{{0,60}}){{0,30}}"
# What stands between words is told by its first character; the first alternative saves nearly all words the way through
# the others, which would find the same.
_TOKEN = re.compile(
    r"(?=[\w\u3040-\u30ff])([A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]{1,60}+(?=[ ,\n;:!?)\"“”])|"
    r"(?:[^\W\d_]\.){2,12}|W\.\s?Va\b\.?|"
    r"(?:St|Ste|Mt|Ft|Mrs?|Ms|Dr|Gov|Sen|Rep|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Rev|Jr|Sr)\.|"
    rf"[{_BLOCKS}]|[\u30a0-\u30ff]{{1,60}}|[\u3040-\u309f]{{1,60}}|"
    rf"{_WORD}(?:['’ʼʻ‘`]{_WORD}){{0,3}})"
)
POSSESSIVES = ("'s", "’s", "'S", "’S")
_PLAIN_WORD = re.compile(r"[^\W_]+")
# "l'", "jusqu'", "dell'", "un'", "quest'", but neither "prud'" of "prud'hommes" nor "Sant'" of "Sant'Anna"
_ELISION = re.compile(r"(?:[cdjlmnstv]|[^\W\d_]{0,6}(?:qu|un)|[^\W\d_]{0,3}ll|quest)['’]", re.IGNORECASE)
_APOSTROPHE = re.compile("['’]")
_ELIDING = frozenset(("fr", "it", "ca", "pt"))  # "l'Algérie", "dell'Ucraina", "d'Alger"
_SUFFIXING = frozenset(("tr", "az"))  # "Türkiye'nin"
JOINTS = frozenset(
    (
        *("", " ", "-", "\n", " & ", "\u00a0", "‐", "–"),
        *(f"{possessive} " for possessive in POSSESSIVES),
        *(f" {elided}{mark}" for elided in ("d", "l", "de l", "dell", "all", "dall", "nell") for mark in "'’"),
    )
)


class Token(NamedTuple):
    """A word as written, its offsets, and what it is looked up as."""

    text: str
    start: int
    end: int
    folded: str


@dataclass(frozen=True)
class Part:
    """Title or body, word by word: `words` as written, where each begins, its folded form, and what stands behind it.
    `odd` are the words that are not letters and digits alone.
    `shouted`: nearly all letters are capitals. `headed`: nearly all long words begin with one. In both a capital says
    nothing of a word."""

    text: str
    words: list[str]
    starts: list[int]
    folded: list[str]
    gaps: list[str]
    odd: list[int]
    shouted: bool = False
    headed: bool = False

    def __len__(self) -> int:
        return len(self.words)

    def token(self, number: int) -> Token:
        word, start = self.words[number], self.starts[number]
        return Token(word, start, start + len(word), self.folded[number])

    @cached_property
    def _pieces(self) -> tuple[list[list[str]], list[list[str]]]:
        """The rows of letters and digits in each odd word, as written and folded."""
        pieces = [_PLAIN_WORD.findall(self.words[number]) for number in self.odd]
        folded = iter(fold_words(list(chain.from_iterable(pieces))))
        return pieces, [list(islice(folded, len(rows))) for rows in pieces]

    def rows(self) -> tuple[list[str], list[str]]:
        """The rows of letters and digits, as written and folded: "women's" is two."""
        pieces, folded = self._pieces
        return _spliced(self.words, self.odd, pieces), _spliced(self.folded, self.odd, folded)

    def row_starts(self) -> list[int]:
        """Where each of the rows begins."""
        starts = [
            [self.starts[number] + row.start() for row in _PLAIN_WORD.finditer(self.words[number])]
            for number in self.odd
        ]
        return _spliced(self.starts, self.odd, starts)

    @cached_property
    def _is_small(self) -> list[bool]:
        return list(map(str.islower, self.words))

    @cached_property
    def small(self) -> frozenset[str]:
        """The different words in small letters, those beside an apostrophe also by themselves."""
        pieces = [filter(str.islower, rows) for rows in self._pieces[0]]
        return frozenset(chain(compress(self.words, self._is_small), *pieces))

    @cached_property
    def different(self) -> frozenset[str]:
        """The different folded words and rows."""
        return frozenset(chain(self.folded, *self._pieces[1]))

    def holds(self, word: str) -> bool:
        """Whether a word in small letters stands in the text by itself."""
        if word.isalnum():
            return word in self.small
        at = self.text.find(word)
        while at >= 0:
            end = at + len(word)
            if not (self.text[at - 1 : at].isalnum() or self.text[end : end + 1].isalnum()):
                return True
            at = self.text.find(word, end)
        return False

    def name_like(self) -> list[int]:
        """The words that look like a part of a name: a capital first, or a script without case."""
        words = self.words
        large = [number for number, small in enumerate(self._is_small) if not small]
        return [number for number in large if (first := words[number][0]).isupper() or not _is_plain(first)]

    def is_joined(self, number: int) -> bool:
        """Whether a word is Hangul joined to the one before. In Korean what is joined to a name stands behind it."""
        return (
            self.words[number] >= "\uac00"
            and _is_hangul(self.words[number])
            and number > 0
            and self.gaps[number - 1] == ""
            and _is_hangul(self.words[number - 1])
        )

    def is_behind(self, number: int) -> bool:
        """Whether only blanks, hyphens or elided articles stand between a word and the one before it."""
        return 0 < number < len(self.words) and self.gaps[number - 1] in JOINTS

    def before(self, first: int) -> Token | None:
        """The word right before a word, if it stands together with it."""
        return self.token(first - 1) if self.is_behind(first) else None

    def behind(self, last: int) -> Token | None:
        """The word at `last`, if it stands together with the one before it."""
        return self.token(last) if self.is_behind(last) else None


def _spliced(each: Sequence[Made], numbers: Sequence[int], instead: Sequence[Sequence[Made]]) -> list[Made]:
    """`each` with some of it taken apart."""
    spliced: list[Made] = []
    free = 0
    for number, parts in zip(numbers, instead, strict=True):
        spliced += each[free:number]
        spliced += parts
        free = number + 1
    spliced += each[free:]
    return spliced


def read(text: str, language: str | None = None) -> Part:
    """The words of `text` in order. Linear in its length. What is joined to a word with an apostrophe is left off: the
    English possessive, elided articles in French, Italian, Catalan and Portuguese, case endings in Turkish and
    Azerbaijani."""
    pieces = _TOKEN.split(text)  # gap, word, gap, word, ..., gap
    words, starts, gaps = pieces[1::2], list(accumulate(map(len, pieces)))[:-1:2], pieces[2::2]
    odd = [number for number, plain in enumerate(map(str.isalnum, words)) if not plain]
    _leave_off_endings(words, gaps, odd, suffixing=language in _SUFFIXING)
    if language in _ELIDING:
        _leave_off_elisions(words, starts, gaps, odd)
    return Part(text, words, starts, fold_words(words), gaps, odd)


def _leave_off_endings(words: list[str], gaps: list[str], odd: Sequence[int], *, suffixing: bool) -> None:
    for number in odd:
        word = words[number]
        if suffixing:
            size = len(_APOSTROPHE.split(word, maxsplit=1)[0])
        else:
            size = len(word) - 2 if word.endswith(POSSESSIVES) else len(word)
        if (3 if suffixing else 1) <= size < len(word):
            words[number], gaps[number] = word[:size], word[size:] + gaps[number]


def _leave_off_elisions(words: list[str], starts: list[int], gaps: list[str], odd: Sequence[int]) -> None:
    for number in odd:
        word = words[number]
        elision = _ELISION.match(word)
        if elision is None or elision.end() == len(word):
            continue
        if number and gaps[number - 1] == " " and word[0].isupper() and not word.isupper():
            continue  # "Massimo D'Alema", "à L'Aquila"
        words[number] = word[elision.end() :]
        starts[number] += elision.end()
        if number:
            gaps[number - 1] += elision.group()


def read_phrases(phrases: Sequence[str], language: str | None = None) -> list[list[str]]:
    """The folded words of each of many phrases, as `read` finds them. No phrase has a line break."""
    part = read("\n".join(phrases), language)
    folded: list[list[str]] = [[] for _ in phrases]
    line = part.text.count("\n", 0, part.starts[0]) if part.words else 0
    for word, gap in zip(part.folded, part.gaps, strict=True):
        folded[line].append(word)
        line += gap.count("\n")
    return folded


def fold_name(name: str) -> str:
    """A name of any number of words as it is looked up: folded words, single blanks between them."""
    return " ".join(read(name).folded)


def read_title(text: str, language: str | None = None) -> Part:
    """A headline, told whether it is written in capitals."""
    part = read(text, language)
    if sum(map(str.isupper, text)) > 0.8 * sum(map(str.isalpha, text)):
        return replace(part, shouted=True)
    long = [word for word in part.words if len(word) > 3]
    return replace(part, headed=len(long) > 2 and sum(map(is_name_like, long)) > 0.7 * len(long))


def _is_hangul(text: str) -> bool:
    return "\uac00" <= text <= "\ud7af"


def is_block(word: str) -> bool:
    """Whether a word is a single character of Han or Hangul."""
    return len(word) == 1 and word >= "\u3400"


def has_case(text: str) -> bool:
    """Whether the script tells capitals from small letters."""
    return text.upper() != text.lower()


def is_capitalised(word: str) -> bool:
    return word[0].isupper()


def _is_plain(letter: str) -> bool:
    return letter.islower() or letter.isdigit()


def is_name_like(word: str) -> bool:
    """A capital first, or a script without case."""
    return not _is_plain(word[0])
