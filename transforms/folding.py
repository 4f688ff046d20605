"""Words as they are looked up: without case, accents, apostrophes and dots."""

import re
import unicodedata
from collections.abc import Sequence

from transforms.remembered import Remembered

_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "a", "’": "'", "ʼ": "'",
    "ʻ": "'", "‘": "'", "`": "'", "´": "'", "ʹ": "'", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه",
}  # fmt: skip
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u0655]+")
_BETWEEN = "\0"  # words to be folded; it stands in none
_SHORT = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}


def _fold(word: str) -> str:
    return fold_words([word.replace(_BETWEEN, "")])[0]


def fold_words(words: Sequence[str]) -> list[str]:
    """Each word folded; those of ASCII all at once."""
    joined = _BETWEEN.join(words)
    small = joined.lower().replace("'", "").replace(".", "")
    folded = small.split(_BETWEEN)
    if not joined.isascii():
        foreign = [at for at, is_ascii in enumerate(map(str.isascii, words)) if not is_ascii]
        for at, word in zip(foreign, _fold_foreign(_BETWEEN.join([words[at] for at in foreign])), strict=True):
            folded[at] = word
    small = f"{_BETWEEN}{small}{_BETWEEN}"
    if any(f"{_BETWEEN}{word}{_BETWEEN}" in small for word in _SHORT):
        folded = [_SHORT.get(word, word) for word in folded]
    return folded if words else []


def _fold_foreign(words: str) -> list[str]:
    one_by_one = unicodedata.is_normalized("NFC", words)
    folded = words.translate(_FOLDED_LETTERS) if one_by_one else _fold_letters(words)
    return folded.replace("'", "").replace(".", "").split(_BETWEEN)


def _fold_letters(text: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return _LETTER.sub(lambda letter: _LETTERS[letter.group()], unicodedata.normalize("NFC", bare).casefold())


class _FoldedLetters(dict[int, str]):
    """Letters folded one by one, by their number: a table for `str.translate` that fills itself, with those of living
    scripts (the basic plane)."""

    def __missing__(self, letter: int) -> str:
        folded = _fold_letters(chr(letter))
        if letter <= 0xFFFF:
            self[letter] = folded
        return folded


_FOLDED_LETTERS = _FoldedLetters()
_FOLDED = Remembered(_fold)


def fold(word: str) -> str:
    """A word as it is looked up: no case, no accents, no apostrophes or dots; "St." is "saint"."""
    return _FOLDED[word]
