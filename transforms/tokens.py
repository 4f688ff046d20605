"""Words of a text with their offsets, as names of places are matched on."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, TypeVar

_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "a", "’": "'", "ʼ": "'",
    "ʻ": "'", "‘": "'", "`": "'", "´": "'", "ʹ": "'", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه",
}  # fmt: skip
POSSESSIVES = ("'s", "’s", "'S", "’S")
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u0655]+")
_BETWEEN = "\0"  # words to be folded; it stands in none
_POSSESSIVE = re.compile(f"['’][sS](?={_BETWEEN})")
_SHORT = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}


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


def _fold_text(text: str) -> str:
    """Folds whatever is no ASCII: one or more words with what stands between them."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    folded = _LETTER.sub(_replaced, unicodedata.normalize("NFC", bare).casefold())
    return folded.replace("'", "").replace(".", "")


def _replaced(letter: re.Match[str]) -> str:
    return _LETTERS[letter.group()]


def _fold(token: str) -> str:
    folded = token.lower().replace("'", "").replace(".", "") if token.isascii() else _fold_text(token)
    return _SHORT.get(folded, folded)


_FOLDED = Remembered(_fold)


def fold(token: str) -> str:
    """A word as it is looked up: no case, no accents, no apostrophes or dots; "St." is "saint"."""
    return _fold(token) if token.isascii() else _FOLDED[token]


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
    r"(?=[\w\u3040-\u30ff])([A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]{1,60}+(?=[ ,\n])|"
    r"(?:[^\W\d_]\.){2,12}|W\.\s?Va\b\.?|"
    r"(?:St|Ste|Mt|Ft|Mrs?|Ms|Dr|Gov|Sen|Rep|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Rev|Jr|Sr)\.|"
    rf"[{_BLOCKS}]|[\u30a0-\u30ff]{{1,60}}|[\u3040-\u309f]{{1,60}}|"
    rf"{_WORD}(?:['’ʼʻ‘`]{_WORD}){{0,3}})"
)
_PLAIN_WORD = re.compile(r"[^\W_]+")
# "l'", "jusqu'", "dell'", "un'", "quest'", but neither "prud'" of "prud'hommes" nor "Sant'" of "Sant'Anna"
_ELISION = re.compile(r"(?:[cdjlmnstv]|[^\W\d_]{0,6}(?:qu|un)|[^\W\d_]{0,3}ll|quest)['’]", re.IGNORECASE)
_APOSTROPHE = re.compile("['’]")
_ELIDING = frozenset(("fr", "it", "ca", "pt"))  # "l'Algérie", "dell'Ucraina", "d'Alger"
_SUFFIXING = frozenset(("tr", "az"))  # "Türkiye'nin"
JOINTS = frozenset(
    (
        *("", " ", "-", "\n", " & ", "\u00a0", "‐", "–"),
        *(f" {elided}{mark}" for elided in ("d", "l", "de l", "dell", "all", "dall", "nell") for mark in "'’"),
    )
)


class Token(NamedTuple):
    """A word as written, its offsets, and what it is looked up as: folded, without a possessive "'s"."""

    text: str
    start: int
    end: int
    folded: str


@dataclass(frozen=True)
class Part:
    """Title or body, word by word: `words` as written, where each begins, its folded form, and what stands behind it.
    `shouted`: nearly all letters are capitals. `headed`: nearly all long words begin with one. In both a capital says
    nothing of a word."""

    text: str
    words: list[str]
    starts: list[int]
    folded: list[str]
    gaps: list[str]
    shouted: bool = False
    headed: bool = False

    def __len__(self) -> int:
        return len(self.words)

    def token(self, number: int) -> Token:
        word, start = self.words[number], self.starts[number]
        return Token(word, start, start + len(word), self.folded[number])

    @cached_property
    def small(self) -> frozenset[str]:
        """The different words in small letters, those beside an apostrophe also by themselves."""
        small = {word for word in self.words if word.islower()}
        return frozenset(small.union(*[_PLAIN_WORD.findall(word) for word in small if not word.isalnum()]))

    def letters(self) -> tuple[list[str], list[int]]:
        """The rows of letters and digits, and where each begins: "women's" is two."""
        words: list[str] = []
        starts: list[int] = []
        free = 0
        for number in [number for number, plain in enumerate(map(str.isalnum, self.words)) if not plain]:
            words += self.words[free:number]
            starts += self.starts[free:number]
            for piece in _PLAIN_WORD.finditer(self.words[number]):
                words.append(piece.group())
                starts.append(self.starts[number] + piece.start())
            free = number + 1
        return words + self.words[free:], starts + self.starts[free:]

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
        large = [number for number, small in enumerate(map(str.islower, words)) if not small]
        return [number for number in large if not ((first := words[number][0]).islower() or first.isdigit())]

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


def read(text: str, language: str | None = None) -> Part:
    """The words of `text` in order. Linear in its length. What a language joins to a name with an apostrophe is left
    off: elided articles in French, Italian, Catalan and Portuguese, case endings in Turkish and Azerbaijani."""
    words, starts, gaps = split_words(_TOKEN, text)
    if language in _ELIDING:
        _leave_off_elisions(words, starts, gaps)
    elif language in _SUFFIXING:
        _leave_off_suffixes(words, gaps)
    return Part(text, words, starts, fold_words(words), gaps)


def split_words(pattern: re.Pattern[str], text: str) -> tuple[list[str], list[int], list[str]]:
    """What `pattern`, in one group, finds in `text`, where each begins, and what stands behind it."""
    pieces = pattern.split(text)  # gap, word, gap, word, ..., gap
    return pieces[1::2], list(accumulate(map(len, pieces)))[:-1:2], pieces[2::2]


def _leave_off_elisions(words: list[str], starts: list[int], gaps: list[str]) -> None:
    for number, word in enumerate(words):
        if "'" in word or "’" in word:
            elision = _ELISION.match(word)
            inside = number > 0 and gaps[number - 1] == " "
            if elision is not None and inside and word[0].isupper() and not word.isupper():
                continue  # "Massimo D'Alema", "à L'Aquila"
            if elision is not None and elision.end() < len(word):
                words[number] = word[elision.end() :]
                starts[number] += elision.end()
                if number:
                    gaps[number - 1] += elision.group()


def _leave_off_suffixes(words: list[str], gaps: list[str]) -> None:
    for number, word in enumerate(words):
        bare = _APOSTROPHE.split(word, maxsplit=1)[0]
        if 3 <= len(bare) < len(word):
            words[number], gaps[number] = bare, word[len(bare) :] + gaps[number]


def read_phrases(phrases: Sequence[str], language: str | None = None) -> list[list[str]]:
    """The folded words of each of many phrases, as `read` finds them. No phrase has a line break."""
    part = read("\n".join(phrases), language)
    folded: list[list[str]] = [[] for _ in phrases]
    line = part.text.count("\n", 0, part.starts[0]) if part.words else 0
    for word, gap in zip(part.folded, part.gaps, strict=True):
        folded[line].append(word)
        line += gap.count("\n")
    return folded


def fold_words(words: Sequence[str]) -> list[str]:
    """Each word folded, without a possessive "'s". Words of ASCII are folded all at once."""
    folded = f"{_BETWEEN.join(words)}{_BETWEEN}".lower()
    if "'" in folded:
        folded = folded.replace(f"'s{_BETWEEN}", _BETWEEN).replace("'", "")
    each = folded.replace(".", "").split(_BETWEEN)
    each.pop()
    if not folded.isascii():
        foreign = [at for at, is_ascii in enumerate(map(str.isascii, words)) if not is_ascii]
        joined = _BETWEEN.join([words[at] for at in foreign])
        bare = _fold_text(_POSSESSIVE.sub("", f"{joined}{_BETWEEN}")).split(_BETWEEN)
        for at, word in zip(foreign, bare, strict=False):
            each[at] = word
    if not _SHORT.keys().isdisjoint(each):
        each = [_SHORT.get(word, word) for word in each]
    return each


def fold_name(name: str) -> str:
    """A name of any number of words as it is looked up: folded words, single blanks between them."""
    return " ".join(read(name).folded)


def read_title(text: str, language: str | None = None) -> Part:
    """A headline, told whether it is written in capitals."""
    part = read(text, language)
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c.isupper() for c in letters) > 0.8 * len(letters):
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


def is_name_like(word: str) -> bool:
    """A capital first, or a script without case."""
    return not word[0].islower() and not word[0].isdigit()
