"""Words of a text with their offsets, as names of places are matched on."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "a", "’": "'", "ʼ": "'",
     "ʻ": "'", "‘": "'", "`": "'", "´": "'", "ʹ": "'", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"}
)  # fmt: skip
_SHORT = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}


def fold(token: str) -> str:
    """A word as it is looked up: no case, no accents, no apostrophes or dots; "St." is "saint"."""
    return _fold(token) if len(token) <= 100 else _fold.__wrapped__(token)  # what is remembered is bounded


@lru_cache(maxsize=65536)
def _fold(token: str) -> str:
    if token.isascii():
        folded = token.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", token)
        kept = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f" or "\u064b" <= c <= "\u0655"))
        folded = unicodedata.normalize("NFC", kept).casefold().translate(_LETTERS)
    folded = folded.replace("'", "").replace(".", "")
    return _SHORT.get(folded, folded)


# "U.S.", "St." and "Mr." keep their dots; "Sana'a" and "N'Djamena" are one word; "Stratford-upon-Avon" is three. Han
# and Hangul have no blanks between words, or particles joined to them: there each character is a word. Vowel signs and
# other marks belong to the letters before them.
_BLOCKS = "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_MARKS = "\u0300-\u036f\u064b-\u0655\u0900-\u0903\u093a-\u094f\u0962\u0963\u0980-\u0983\u09bc-\u09cd\u0e31\u0e34-\u0e4e"
_PLAIN = rf"[^\W_\u3040-\u30ff{_BLOCKS}]"
_WORD = rf"{_PLAIN}{{1,60}}(?:[{_MARKS}]{{1,9}}{_PLAIN}{{0,60}}){{0,30}}"
_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,12}|W\.\s?Va\b\.?|"
    r"(?:St|Ste|Mt|Ft|Mrs?|Ms|Dr|Gov|Sen|Rep|Prof|Gen|Col|Lt|Sgt|Capt|Rev)\.|"
    rf"[{_BLOCKS}]|[\u30a0-\u30ff]{{1,60}}|[\u3040-\u309f]{{1,60}}|"
    rf"{_WORD}(?:['’ʼʻ‘`]{_WORD}){{0,3}}"
)
# A run of small ASCII words between names: only its first and last word can say anything of a name.
_SMALL = r"[a-z]++(?:['’][a-z]++)*+(?!['’ʼʻ‘`]?[^\W_]|\.[^\W\d_]\.)"
_RUN_OR_TOKEN = re.compile(rf"(?P<first>{_SMALL})(?:\W++(?P<last>{_SMALL}))*+|{_TOKEN.pattern}")
_LETTERS_ONLY = re.compile(r"[^\W\d_]+")
_ELISION = re.compile(r"[^\W\d_]{1,6}['’]")
_APOSTROPHE = re.compile("['’]")
_ELIDING = frozenset(("fr", "it", "ca", "pt"))  # "l'Algérie", "dell'Ucraina", "d'Alger"
_SUFFIXING = frozenset(("tr", "az"))  # "Türkiye'nin"
_JOINTS = frozenset(
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


@dataclass(frozen=True, slots=True)
class Part:
    """Title or body. `tokens` may hold but the first and last word of a run of small ones. `shouted`: nearly all
    letters are capitals. `headed`: nearly all long words begin with one. In both a capital says nothing of a word."""

    text: str
    tokens: tuple[Token, ...]
    shouted: bool = False
    headed: bool = False

    def words(self) -> list[str]:
        """All words of the text in order, in small letters and without accents."""
        return [word if word.isascii() else fold(word) for word in _LETTERS_ONLY.findall(self.text.lower())]

    def holds(self, word: str) -> bool:
        """Whether a word stands in the text as given, by itself."""
        at = self.text.find(word)
        while at >= 0:
            end = at + len(word)
            if not (self.text[at - 1 : at].isalnum() or self.text[end : end + 1].isalnum()):
                return True
            at = self.text.find(word, end)
        return False

    def name_like(self) -> list[int]:
        """The tokens that a name may begin with. In Korean what is joined to a name stands behind it, never before."""
        return [
            number
            for number, token in enumerate(self.tokens)
            if is_name_like(token.text) and not (_is_hangul(token.text) and self._is_joined(number))
        ]

    def _is_joined(self, number: int) -> bool:
        return number > 0 and self.gap(number - 1) == "" and _is_hangul(self.tokens[number - 1].text)

    def gap(self, token: int) -> str:
        """What stands between a token and the next."""
        return self.text[self.tokens[token].end : self.tokens[token + 1].start]

    def reach(self, first: int, limit: int) -> int:
        """How many words from `first` on, at most `limit`, stand together with only blanks, hyphens or
        elided articles between."""
        reach = 1
        while reach < limit and first + reach < len(self.tokens) and self.gap(first + reach - 1) in _JOINTS:
            reach += 1
        return reach

    def before(self, first: int) -> Token | None:
        """The word right before a token, if it stands together with it."""
        return self.tokens[first - 1] if first and self.gap(first - 1) in _JOINTS else None

    def behind(self, last: int) -> Token | None:
        """The word at `last`, if it stands together with the one before it."""
        return self.tokens[last] if last < len(self.tokens) and self.gap(last - 1) in _JOINTS else None


def tokenize(text: str, language: str | None = None) -> tuple[Token, ...]:
    """The words of `text` in order. Linear in its length. What a language joins to a name with an apostrophe is left
    off: elided articles in French, Italian, Catalan and Portuguese, case endings in Turkish and Azerbaijani."""
    if language in _ELIDING:
        return tuple(_without_elision(token) for token in tokenize(text))
    if language in _SUFFIXING:
        return tuple(_without_suffix(token) for token in tokenize(text))
    return tuple([Token(word := match.group(), *match.span(), _fold_word(word)) for match in _TOKEN.finditer(text)])


def tokenize_around_names(text: str) -> tuple[Token, ...]:
    """As `tokenize`, but of each run of small ASCII words only the first and the last: a fraction of the work where
    such words stand for nothing. What stands next to a capitalised word is the same."""
    tokens: list[Token] = []
    for match in _RUN_OR_TOKEN.finditer(text):
        first, last = match.group("first", "last")
        if first is None:
            word = match.group()
            tokens.append(Token(word, *match.span(), _fold_word(word)))
            continue
        tokens.append(Token(first, *match.span("first"), _fold_word(first)))
        if last is not None:
            tokens.append(Token(last, *match.span("last"), _fold_word(last)))
    return tuple(tokens)


@lru_cache(maxsize=65536)
def _fold_word(word: str) -> str:
    return fold(word[:-2] if word[-2:] in _POSSESSIVES else word)


def _without_elision(token: Token) -> Token:
    elision = _ELISION.match(token.text)
    if elision is None or elision.end() == len(token.text):
        return token
    word = token.text[elision.end() :]
    return Token(word, token.start + elision.end(), token.end, _fold_word(word))


def _without_suffix(token: Token) -> Token:
    word = _APOSTROPHE.split(token.text, maxsplit=1)[0]
    return token if len(word) < 3 else Token(word, token.start, token.start + len(word), _fold_word(word))


def fold_name(name: str) -> str:
    """A name of any number of words as it is looked up: folded words, single blanks between them."""
    return " ".join(token.folded for token in tokenize(name))


_POSSESSIVES = frozenset(("'s", "’s", "'S", "’S"))


def read_title(text: str, language: str | None = None) -> Part:
    """A headline, told whether it is written in capitals."""
    tokens = tokenize(text, language)
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c.isupper() for c in letters) > 0.8 * len(letters):
        return Part(text, tokens, shouted=True)
    long = [token.text for token in tokens if len(token.text) > 3]
    return Part(text, tokens, headed=len(long) > 2 and sum(map(is_name_like, long)) > 0.7 * len(long))


def read_body(text: str, language: str | None = None, *, names_only: bool = False) -> Part:
    """A body; with `names_only` its small words are read no further than names need."""
    plain = names_only and language not in _ELIDING | _SUFFIXING
    return Part(text, tokenize_around_names(text) if plain else tokenize(text, language))


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
