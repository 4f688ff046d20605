"""Sketches of texts: enough to tell, without the texts, how much of one stands in another.

A signature holds the smallest hashes of a text's word shingles (a bottom-k sketch, after Broder, "On the resemblance
and containment of documents", 1997), the smallest hashes of its key tokens (numbers, and capitalised words inside
sentences: what differs between two reports cast in one mould), how many of each there were, and a hash of each line, by
which the lines that a site repeats on its pages can be known. It is packed into the `signature` column; everything the
search for copies needs of earlier articles can be rebuilt from that.

What is signed is the prose: lines that neither end as a sentence does nor are long are captions, menus and bylines,
and differ from printer to printer. Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are
read by characters.
"""

import re
import struct
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np
import xxhash
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Floats = NDArray[np.float64]

FORMAT = 1
SHINGLE_WORDS = 4
SHINGLE_CHARACTERS = 8  # of scripts without spaces: about as much text as four words
SKETCH_SHINGLES = 96
SKETCH_KEYS = 48
MIN_KEYS = 2
MAX_LINES = 24  # hashed per text, from both ends: what a site repeats stands above and below the story
MAX_CHARACTERS = 400_000  # of a text that are read; bounds the work on any input
PROSE_CHARACTERS = 72  # a line this long is prose however it ends
PROSE_SHARE = 0.3  # with less prose than this the text is a table or a list, and is signed as it is
PROSE_TOKENS = 30

# A signature as one record of fixed size; unused places hold the largest number, which no hash takes.
SKETCH = np.dtype(
    [
        ("tokens", "<u4"),
        ("shingle_count", "<u4"),
        ("key_count", "<u4"),
        ("shingles", "<u4", (SKETCH_SHINGLES,)),
        ("keys", "<u4", (SKETCH_KEYS,)),
    ]
)
_NO_HASH = 0xFFFFFFFF

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_ASCII_WORDS = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_UPPER = "".join(chr(code) for code in range(0x1_0000) if chr(code).isupper() and chr(code).isalpha())
_NAME = re.compile(rf" (?<=[\w,;] )([{_UPPER}][^\W\d_]*)")
_NUMBER = re.compile(r"\d[\d.,:]*")
_NOT_A_DIGIT = re.compile(r"\D")
_SENTENCE_END = re.compile(r"[.!?…。！？؟।።։]['\"”’»)\]]*$")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_HEADER = struct.Struct("<BBBBIII")  # format, shingles kept, keys kept, lines, distinct shingles, distinct keys, tokens
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
_CACHE_LIMIT = 400_000


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A text as read once: its lines and a hash for each; hashes of its tokens and of its key tokens, with
    how many a line has."""

    lines: list[str]
    line_hashes: list[int]
    tokens: NDArray[np.uint64]
    tokens_in_line: list[int]
    keys: NDArray[np.uint64]
    keys_in_line: list[int]
    by_character: bool
    content_hash: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """`shingles` and `keys` ascend; each holds the smallest of `shingle_count` and `key_count` distinct hashes.
    `lines` are hashes of (host, line) in the order of the text, those the host is known to repeat included."""

    tokens: int
    shingles: Hashes
    shingle_count: int
    keys: Hashes
    key_count: int
    lines: Hashes


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Estimates of what a text shares with each of several, from the signatures, each 0 to 1.

    `containment` is the share of the smaller of two sets that stands in the larger; `share` that of the text itself.
    `key_containment` is NaN where either text has fewer than `MIN_KEYS` key tokens to compare.
    """

    jaccard: Floats
    containment: Floats
    share: Floats
    key_containment: Floats


def read(text: str, host: str = "") -> Reading:
    """`text` as printed by `host`, taken apart. Any string is taken."""
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    folded = list(map(_tokens, lines))
    key_tokens = list(map(_key_tokens, lines))
    tokens = _token_hashes(list(chain.from_iterable(folded)))
    seed = xxhash.xxh32_intdigest(host.encode("utf-8", "surrogatepass"))
    return Reading(
        lines=lines,
        line_hashes=[xxhash.xxh32_intdigest(line.encode("utf-8", "surrogatepass"), seed) for line in lines],
        tokens=tokens,
        tokens_in_line=list(map(len, folded)),
        keys=_token_hashes(list(chain.from_iterable(key_tokens))),
        keys_in_line=list(map(len, key_tokens)),
        by_character=not text.isascii() and 2 * len(_UNSPACED_CHARACTER.findall(text)) > len(tokens),
        content_hash=xxhash.xxh3_128_digest(tokens.tobytes()),
    )


def content_hash(text: str) -> bytes:
    """16 bytes that are equal for texts of the same words, whatever their case, punctuation and spacing."""
    return read(text).content_hash


def sign(reading: Reading, repeated: Collection[int] = frozenset()) -> Signature:
    """The signature of a text without the lines whose hash is in `repeated`."""
    kept = _kept_lines(reading, repeated)
    tokens, key_tokens = reading.tokens, reading.keys
    if not all(kept):
        tokens = tokens[np.repeat(kept, reading.tokens_in_line)]
        key_tokens = key_tokens[np.repeat(kept, reading.keys_in_line)]
    shingles = _shingles(tokens, SHINGLE_CHARACTERS if reading.by_character else SHINGLE_WORDS)
    keys = _distinct(key_tokens)
    ends = reading.line_hashes
    if len(ends) > MAX_LINES:
        ends = ends[: MAX_LINES // 2] + ends[-MAX_LINES // 2 :]
    return Signature(
        tokens=len(tokens) // 2 if reading.by_character else len(tokens),
        shingles=shingles[:SKETCH_SHINGLES],
        shingle_count=len(shingles),
        keys=keys[:SKETCH_KEYS],
        key_count=len(keys),
        lines=np.array(ends, dtype=np.uint32),
    )


def compare(signature: Signature, sketches: NDArray[np.void]) -> Likeness:
    """How much a text shares with each of those whose sketches (`SKETCH` records) are given."""
    count = signature.shingle_count
    counts = sketches["shingle_count"]
    jaccard = _jaccard(signature.shingles, count, sketches["shingles"], counts)
    common = jaccard / (1 + jaccard) * (counts + float(count))
    key_counts = sketches["key_count"]
    key_jaccard = _jaccard(signature.keys, signature.key_count, sketches["keys"], key_counts)
    fewer_keys = np.minimum(key_counts, signature.key_count)
    common_keys = key_jaccard / (1 + key_jaccard) * (key_counts + float(signature.key_count))
    return Likeness(
        jaccard=jaccard,
        containment=np.minimum(1.0, common / np.maximum(1, np.minimum(counts, count))),
        share=np.minimum(1.0, common / max(1, count)),
        key_containment=np.where(
            fewer_keys < MIN_KEYS, np.nan, np.minimum(1.0, common_keys / np.maximum(1, fewer_keys))
        ),
    )


def sketch(signature: Signature) -> NDArray[np.void]:
    """A signature as an array of one `SKETCH` record."""
    record = np.zeros(1, dtype=SKETCH)
    record["tokens"], record["shingle_count"] = signature.tokens, signature.shingle_count
    record["key_count"] = signature.key_count
    for name, values in (("shingles", signature.shingles), ("keys", signature.keys)):
        record[name] = _NO_HASH
        record[name][0, : len(values)] = values
    return record


def pack(signature: Signature) -> bytes:
    """The bytes of the `signature` column."""
    parts = (signature.shingles, signature.keys, signature.lines)
    counts = (signature.shingle_count, signature.key_count, signature.tokens)
    header = _HEADER.pack(FORMAT, *map(len, parts), *counts)
    return header + b"".join(part.astype("<u4").tobytes() for part in parts)


def unpack(packed: bytes) -> Signature | None:
    """The signature in a column's bytes; None when they are of another format or damaged."""
    if len(packed) < _HEADER.size or packed[0] != FORMAT:
        return None
    _, shingles, keys, lines, shingle_count, key_count, tokens = _HEADER.unpack_from(packed)
    if len(packed) != _HEADER.size + 4 * (shingles + keys + lines):
        return None
    if shingles > min(shingle_count, SKETCH_SHINGLES) or keys > min(key_count, SKETCH_KEYS):
        return None
    values = np.frombuffer(packed, dtype="<u4", offset=_HEADER.size).astype(np.uint32, copy=False)
    return Signature(
        tokens=tokens,
        shingles=values[:shingles],
        shingle_count=shingle_count,
        keys=values[shingles : shingles + keys],
        key_count=key_count,
        lines=values[shingles + keys :],
    )


def _kept_lines(reading: Reading, repeated: Collection[int]) -> list[bool]:
    own = [value not in repeated for value in reading.line_hashes] if repeated else [True] * len(reading.lines)
    prose = [
        keep and (len(line) >= PROSE_CHARACTERS or _SENTENCE_END.search(line[-4:]) is not None)
        for keep, line in zip(own, reading.lines, strict=True)
    ]
    tokens, of_prose = (sum(compress(reading.tokens_in_line, lines)) for lines in (own, prose))
    return prose if of_prose >= max(PROSE_TOKENS, PROSE_SHARE * tokens) else own


def _jaccard(one: Hashes, one_count: int, others: NDArray[np.uint32], other_counts: NDArray[np.uint32]) -> Floats:
    """Jaccard index of a set and each of others, from bottom-k sketches (rows of `others`) and the sizes of the sets.

    Up to the largest hash of a sketch that is cut off both sketches are complete; within that range they are compared.
    """
    if not len(one):
        return np.zeros(len(others))
    limits = np.where(other_counts > others.shape[1], others[:, -1], _NO_HASH - 1)
    if one_count > len(one):
        limits = np.minimum(limits, one[-1])
    within = others <= limits[:, None]
    places = np.minimum(np.searchsorted(one, others), len(one) - 1)
    shared = ((one[places] == others) & within).sum(axis=1)
    together = np.searchsorted(one, limits, "right") + within.sum(axis=1) - shared
    return np.asarray(shared / np.maximum(1, together))


def _tokens(line: str) -> list[str]:
    """The words of a line, folded. What the pattern does is done for ASCII by a faster way to the same result."""
    return line.translate(_ASCII_WORDS).split() if line.isascii() else _TOKEN.findall(line.casefold())


def _key_tokens(line: str) -> list[str]:
    """Names and numbers. A capital at the start of a sentence says nothing; one inside it, of a name (in German of a
    noun)."""
    names = [name.casefold() for name in _NAME.findall(line)]
    return names + [_NOT_A_DIGIT.sub("", number) for number in _NUMBER.findall(line)]


_token_cache: dict[str, int] = {}


def _token_hashes(tokens: list[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each token. Most words of a text were met before, so their hashes are kept (bounded)."""
    cache = _token_cache
    if len(cache) > _CACHE_LIMIT:
        cache.clear()
    try:
        return np.fromiter(map(cache.__getitem__, tokens), dtype=np.uint64, count=len(tokens))
    except KeyError:
        for token in set(tokens).difference(cache):
            cache[token] = xxhash.xxh3_64_intdigest(token.encode("utf-8", "surrogatepass"))
    return np.fromiter(map(cache.__getitem__, tokens), dtype=np.uint64, count=len(tokens))


def _shingles(tokens: NDArray[np.uint64], width: int) -> Hashes:
    """The distinct hashes of every run of `width` tokens, ascending; of the whole when there are fewer."""
    width = min(width, len(tokens))
    count = len(tokens) - width + 1 if width else 0
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        mixed = (mixed ^ tokens[place : place + count]) * _MIX[place % len(_MIX)]
        mixed ^= mixed >> np.uint64(31)
    return _distinct(mixed)


def _distinct(hashes: NDArray[np.uint64]) -> Hashes:
    """Distinct 32-bit hashes, ascending, none of them the mark of an unused place."""
    upper = np.minimum(hashes >> np.uint64(32), np.uint64(_NO_HASH - 1)).astype(np.uint32)
    upper.sort()
    last = np.ones(len(upper), dtype=bool)
    last[:-1] = upper[1:] != upper[:-1]
    return np.asarray(upper[last])
