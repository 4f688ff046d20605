"""A text taken apart for comparison: its lines, its words as hashes, and which of them tell one report from another.

Texts are read in whole arrays of characters, so every script costs the same. Scripts written without spaces (Chinese,
Japanese, Thai, Lao, Khmer, Burmese) are read by characters.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import xxhash
from numpy.typing import NDArray

MAX_CHARACTERS = 400_000  # of a text that are read; bounds the work on any input
MAX_MARKS = 24
PROSE_CHARACTERS = 72  # a line this long is prose however it ends

_UNSPACED = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for first, last in _UNSPACED)  # for a class of a regular expression
_SENTENCE_END = re.compile(r"[.!?…。！？؟।։]['\"”’»)\]]*$")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
# A word's hash is the sum of its letters times an odd factor for each place (multiply-add hashing).
_PLACE_FACTORS = np.array([xxhash.xxh3_64_intdigest(bytes([place])) | 1 for place in range(256)], dtype=np.uint64)
_SCRAMBLE = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A text as read once: of each line a hash, how many tokens it has, and whether it is prose; of each token a hash,
    its line, and whether it is a key token."""

    line_hashes: list[int]
    line_tokens: NDArray[np.intp]
    is_prose: NDArray[np.bool_]
    tokens: NDArray[np.uint64]
    line_of: NDArray[np.intp]
    is_key: NDArray[np.bool_]
    by_character: bool
    content_hash: bytes


def read(text: str, host: str = "") -> Reading:
    """`text` as printed by `host`, taken apart. Any string is taken."""
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _without_heaps(text))).replace("ß", "ss")
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    seed = xxhash.xxh32_intdigest(host.encode("utf-8", "surrogatepass"))
    tokens, line_of, is_key, characters = _tokens("\n".join(lines))
    return Reading(
        line_hashes=[xxhash.xxh32_intdigest(line.encode("utf-8", "surrogatepass"), seed) for line in lines],
        line_tokens=np.bincount(line_of, minlength=len(lines)),
        is_prose=np.array([is_prose(line) for line in lines], dtype=bool),
        tokens=tokens,
        line_of=line_of,
        is_key=is_key,
        by_character=2 * characters > len(tokens),
        content_hash=xxhash.xxh3_128_digest(tokens.astype("<u8").tobytes()),
    )


def content_hash(text: str) -> bytes:
    """16 bytes that are equal for texts of the same words, whatever their case, punctuation and spacing."""
    return read(text).content_hash


def is_prose(line: str) -> bool:
    """Whether a line is part of a story told: it ends as a sentence does, or is long."""
    return len(line) >= PROSE_CHARACTERS or _SENTENCE_END.search(line[-4:]) is not None


_WORD, _UPPER, _DIGIT, _SINGLE, _BETWEEN_DIGITS, _BEFORE_NAME, _LINE_END, _MARK = (1 << bit for bit in range(8))
_LAST = 0x1_FFFF  # the last character whose kind is looked up; those beyond are ideographs


@cache
def _character_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """What each character may be in a text, and its lower case."""
    kinds, lower = np.zeros(_LAST + 1, dtype=np.uint8), np.arange(_LAST + 1, dtype=np.uint64)
    for code, character in enumerate(map(chr, range(_LAST + 1))):
        if character.isalnum():
            kinds[code] = _WORD | _BEFORE_NAME | _UPPER * character.isupper() | _DIGIT * character.isdigit()
            if len(character.lower()) == 1:
                lower[code] = ord(character.lower())
        elif unicodedata.combining(character):
            kinds[code] = _MARK
    for first, last in _UNSPACED:
        kinds[first : last + 1] |= np.where(kinds[first : last + 1] & _WORD, _SINGLE, 0).astype(np.uint8)
    for characters, kind in ((".,:", _BETWEEN_DIGITS), (",;", _BEFORE_NAME), ("\n", _LINE_END)):
        kinds[[ord(character) for character in characters]] |= kind
    kinds[_LAST] = _WORD | _SINGLE
    return kinds, lower


def _without_heaps(text: str) -> str:
    """Without the rest of runs of more than `MAX_MARKS` combining marks: no language has them, and normalizing one
    costs the square of its length."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    marks = _has(_character_tables()[0][np.minimum(codes, _LAST)], _MARK)
    if not marks[MAX_MARKS:].any():
        return text
    so_far = np.cumsum(marks)
    heaped = np.zeros(len(marks), dtype=bool)
    heaped[MAX_MARKS:] = so_far[MAX_MARKS:] - so_far[:-MAX_MARKS] == MAX_MARKS
    return codes[~heaped].tobytes().decode("utf-32-le", "surrogatepass") if heaped.any() else text


def _tokens(text: str) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.bool_], int]:
    """Of each token of `text` a hash of its letters in lower case, the number of its line, and whether it is a key
    token; and how many tokens are single characters.

    Key tokens are numbers (whatever divides their digits), and words with a capital inside a sentence: at its start a
    capital says nothing, inside it, it marks a name (in German a noun).
    """
    table, lower = _character_tables()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kinds = table[np.minimum(codes, _LAST)]
    dividers = np.flatnonzero(_has(kinds[1:-1], _BETWEEN_DIGITS)) + 1
    dividers = dividers[_has(kinds[dividers - 1] & kinds[dividers + 1], _DIGIT)]
    if len(dividers):
        codes, kinds = np.delete(codes, dividers), np.delete(kinds, dividers)
    word, single = _has(kinds, _WORD), _has(kinds, _SINGLE)
    begins = word.copy()
    begins[1:] &= ~word[:-1] | single[1:] | single[:-1]
    starts = np.flatnonzero(begins)
    if not len(starts):
        return np.empty(0, np.uint64), np.empty(0, np.intp), np.empty(0, bool), 0
    letters = codes[word]
    folded = lower[np.minimum(letters, _LAST)]
    if letters.max() >= _LAST:
        folded = np.where(letters < _LAST, folded, letters)
    firsts = np.cumsum(word)[starts] - 1
    places = np.arange(len(letters)) - np.repeat(firsts, np.diff(firsts, append=len(letters)))
    hashes = np.add.reduceat(
        (folded + np.uint64(1)) * _PLACE_FACTORS[np.minimum(places, len(_PLACE_FACTORS) - 1)], firsts
    )
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SCRAMBLE
    line_of = np.cumsum(_has(kinds, _LINE_END))[starts]
    before = np.maximum(starts - 2, 0)
    inside = (starts >= 2) & (codes[starts - 1] == ord(" ")) & _has(kinds[before], _BEFORE_NAME)
    is_key = _has(kinds[starts], _DIGIT) | (_has(kinds[starts], _UPPER) & inside)
    return np.asarray(hashes), np.asarray(line_of), is_key, int(single[starts].sum())


def _has(kinds: NDArray[np.uint8], kind: int) -> NDArray[np.bool_]:
    return (kinds & kind).astype(bool)
