"""Sketches of texts: enough to tell, without the texts, how much of one stands in another.

A signature holds the smallest hashes of a text's word shingles (a bottom-k sketch, after Broder, "On the resemblance
and containment of documents", 1997), the smallest hashes of its key tokens (numbers, and capitalised words inside
sentences: what differs between two reports cast in one mould), how many of each there were, and a hash of each line, by
which the lines that a site repeats on its pages can be known. It is packed into the `signature`
column; everything the search for copies needs of earlier articles can be rebuilt from that.

Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are read by characters.
"""

import re
import struct
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

import numpy as np
import xxhash
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

FORMAT = 1
SHINGLE_WORDS = 4
SHINGLE_CHARACTERS = 8  # of scripts without spaces: about as much text as four words
SKETCH_SHINGLES = 128
SKETCH_KEYS = 32
MAX_LINES = 24  # hashed per text, from both ends: what a site repeats stands above and below the story
MAX_CHARACTERS = 400_000  # of a text that are read; bounds the work on any input

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_WORD = re.compile(r"[^\W_]+")
_INSIDE = re.compile(r"(?<=[^\W_] )[^\W\d_]+|(?<=[,;] )[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_HEADER = struct.Struct("<BBHHIII")  # format, flags, lines, shingles kept, distinct shingles, distinct keys, tokens
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
_CACHE_LIMIT = 400_000


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


@dataclass(frozen=True, slots=True)
class Likeness:
    """Estimates from two signatures, each 0 to 1. Containment is the share of the smaller set found in the larger."""

    jaccard: float
    containment: float
    key_containment: float


def content_hash(text: str) -> bytes:
    """16 bytes that are equal for texts of the same words, whatever their case, punctuation and spacing."""
    return xxhash.xxh3_128_digest(" ".join(_words(text)).encode("utf-8", "surrogatepass"))


def line_hashes(text: str, host: str) -> list[int]:
    """A hash of (host, line) for each line of `text` that is not empty, in order."""
    seed = xxhash.xxh32_intdigest(host.encode("utf-8", "surrogatepass"))
    return [
        xxhash.xxh32_intdigest(line.encode("utf-8", "surrogatepass"), seed)
        for line in map(str.strip, text[:MAX_CHARACTERS].split("\n"))
        if line
    ]


def sign(text: str, host: str = "", repeated: Collection[int] = frozenset()) -> Signature:
    """The signature of `text` as printed by `host`, without the lines whose hash is in `repeated`."""
    text = text[:MAX_CHARACTERS]
    hashes = line_hashes(text, host)
    kept = text
    if repeated:
        lines = [line for line in map(str.strip, text.split("\n")) if line]
        kept = "\n".join(line for line, value in zip(lines, hashes, strict=True) if value not in repeated)
    kept = _readable(kept)
    tokens = _TOKEN.findall(kept)
    folded = [token.lower() for token in tokens]
    by_character = sum(map(_is_character, islice(tokens, 400))) * 2 > min(len(tokens), 400)
    shingles = _shingles(folded, SHINGLE_CHARACTERS if by_character else SHINGLE_WORDS)
    keys = np.unique(_token_hashes(_key_tokens(kept)).astype(np.uint32))
    ends = hashes if len(hashes) <= MAX_LINES else hashes[: MAX_LINES // 2] + hashes[-MAX_LINES // 2 :]
    return Signature(
        tokens=len(tokens) // 2 if by_character else len(tokens),
        shingles=shingles[:SKETCH_SHINGLES],
        shingle_count=len(shingles),
        keys=keys[:SKETCH_KEYS],
        key_count=len(keys),
        lines=np.array(ends, dtype=np.uint32),
    )


def compare(one: Signature, other: Signature) -> Likeness:
    """How much the two texts share, estimated from their sketches; exact where the sketches hold everything."""
    jaccard, containment = _overlap(one.shingles, one.shingle_count, other.shingles, other.shingle_count)
    _, key_containment = _overlap(one.keys, one.key_count, other.keys, other.key_count)
    return Likeness(jaccard, containment, key_containment)


def pack(signature: Signature) -> bytes:
    """The bytes of the `signature` column."""
    header = _HEADER.pack(
        FORMAT,
        len(signature.keys),
        len(signature.lines),
        len(signature.shingles),
        signature.shingle_count,
        signature.key_count,
        signature.tokens,
    )
    return header + b"".join(
        part.astype("<u4").tobytes() for part in (signature.shingles, signature.keys, signature.lines)
    )


def unpack(packed: bytes) -> Signature | None:
    """The signature in a column's bytes; None when they are of another format or cut short."""
    if len(packed) < _HEADER.size or packed[0] != FORMAT:
        return None
    _, keys, lines, shingles, shingle_count, key_count, tokens = _HEADER.unpack_from(packed)
    if len(packed) != _HEADER.size + 4 * (shingles + keys + lines):
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


def _overlap(one: Hashes, one_count: int, other: Hashes, other_count: int) -> tuple[float, float]:
    """Jaccard index and containment of the smaller set, from bottom-k sketches of two sets of the given sizes.

    Up to the largest hash of a sketch that is cut off, both sketches are complete; within that range they are compared.
    """
    if not len(one) or not len(other):
        return 0.0, 0.0
    limits = [sketch[-1] for sketch, count in ((one, one_count), (other, other_count)) if count > len(sketch)]
    if limits:
        limit = min(limits)
        one, other = one[: np.searchsorted(one, limit, "right")], other[: np.searchsorted(other, limit, "right")]
    shared = len(np.intersect1d(one, other, assume_unique=True))
    jaccard = shared / max(1, len(one) + len(other) - shared)
    common = jaccard / (1 + jaccard) * (one_count + other_count)
    return jaccard, min(1.0, common / min(one_count, other_count))


def _readable(text: str) -> str:
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _words(text: str) -> list[str]:
    return _WORD.findall(_readable(text[:MAX_CHARACTERS]).casefold())


def _is_character(token: str) -> bool:
    return len(token) == 1 and ord(token) >= 0x0E00


def _key_tokens(text: str) -> list[str]:
    names = [word.lower() for word in _INSIDE.findall(text) if word[0].isupper()]
    return names + [re.sub(r"\D", "", number) for number in _NUMBER.findall(text)]


_token_cache: dict[str, int] = {}


def _token_hashes(tokens: list[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each token. Most words of a text were met before, so their hashes are kept (bounded)."""
    cache = _token_cache
    if len(cache) > _CACHE_LIMIT:
        cache.clear()
    for token in set(tokens).difference(cache):
        cache[token] = xxhash.xxh3_64_intdigest(token.encode("utf-8", "surrogatepass"))
    return np.fromiter(map(cache.__getitem__, tokens), dtype=np.uint64, count=len(tokens))


def _shingles(tokens: list[str], width: int) -> Hashes:
    """The distinct hashes of every run of `width` tokens, ascending; of the whole when there are fewer."""
    if not tokens:
        return np.empty(0, dtype=np.uint32)
    width = min(width, len(tokens))
    hashes = _token_hashes(tokens)
    count = len(hashes) - width + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        mixed = (mixed ^ hashes[place : place + count]) * _MIX[place % 4]
        mixed ^= mixed >> np.uint64(31)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))
