"""Sketches of texts: enough to tell, without the texts, how much of one stands in another.

A signature holds the smallest hashes of a text's word shingles (a bottom-k sketch, after Broder, "On the resemblance
and containment of documents", 1997), the smallest hashes of its key tokens (numbers, and capitalised words inside
sentences: what differs between two reports cast in one mould), how many of each there were, and a hash of each line, by
which the lines that a site repeats on its pages can be known. It is packed into the `signature` column; everything the
search for copies needs of earlier articles can be rebuilt from that.

What is signed is the prose: lines that neither end as a sentence does nor are long are captions, menus and bylines,
and differ from printer to printer.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.reading import Reading

Hashes = NDArray[np.uint32]
Floats = NDArray[np.float64]

FORMAT = 2
SHINGLE_WORDS = 4
SHINGLE_CHARACTERS = 8  # of scripts without spaces: about as much text as four words
SKETCH_SHINGLES = 128
SKETCH_KEYS = 48
MIN_KEYS = 2
MAX_LINES = 16  # hashed per text, from both ends: what a site repeats stands above and below the story
PROSE_SHARE = 0.3  # with less prose than this the text is a table or a list, and is signed as it is
PROSE_TOKENS = 30

EXACT_SHINGLES = 16  # of the smallest all 32 bits are kept, enough to be looked up by; of the others, the upper 24

# A signature as one record of fixed size, each hash by its upper 24 bits: of two texts that share nothing, one hash in
# thousands looks the same then. Unused places hold the largest number, which no hash takes.
SKETCH = np.dtype(
    [
        ("tokens", "<u4"),
        ("shingle_count", "<u4"),
        ("key_count", "<u4"),
        ("shingles", "u1", (SKETCH_SHINGLES, 3)),
        ("keys", "u1", (SKETCH_KEYS, 3)),
    ]
)
_NO_HASH = 0xFF_FFFF
_LARGEST = 0xFFFF_FEFF

_HEADER = struct.Struct("<BBBBIII")  # format, shingles kept, keys kept, lines, distinct shingles, distinct keys, tokens
_COUNTS = struct.Struct("<III")
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


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


def sign(reading: Reading, repeated: Collection[int] = frozenset()) -> Signature:
    """The signature of a text without the lines whose hash is in `repeated`."""
    kept = _kept_lines(reading, repeated)
    tokens, is_key = reading.tokens, reading.is_key
    if not kept.all():
        signed = kept[reading.line_of]
        tokens, is_key = tokens[signed], is_key[signed]
    shingles = _shingles(tokens, SHINGLE_CHARACTERS if reading.by_character else SHINGLE_WORDS)
    keys = _distinct(tokens[is_key])
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
    jaccard = resemblance(signature, sketches)
    common = jaccard / (1 + jaccard) * (counts + float(count))
    key_counts = sketches["key_count"]
    key_jaccard = _jaccard(signature.keys, signature.key_count, _numbers(sketches["keys"]), key_counts)
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


def resemblance(signature: Signature, sketches: NDArray[np.void]) -> Floats:
    """The Jaccard index alone, estimated."""
    shingles = _numbers(sketches["shingles"])
    return _jaccard(signature.shingles, signature.shingle_count, shingles, sketches["shingle_count"])


def sketch(signature: Signature) -> NDArray[np.void]:
    """A signature as an array of one `SKETCH` record."""
    return np.frombuffer(sketch_bytes(signature), dtype=SKETCH)


def sketch_bytes(signature: Signature) -> bytes:
    """The bytes of a `SKETCH` record."""
    counts = _COUNTS.pack(signature.tokens, signature.shingle_count, signature.key_count)
    shingles, keys = _bytes(signature.shingles).tobytes(), _bytes(signature.keys).tobytes()
    return counts + shingles.ljust(3 * SKETCH_SHINGLES, b"\xff") + keys.ljust(3 * SKETCH_KEYS, b"\xff")


def pack(signature: Signature) -> bytes:
    """The bytes of the `signature` column."""
    shingles, keys, lines = signature.shingles, signature.keys, signature.lines
    sizes = (len(shingles), len(keys), len(lines))
    header = _HEADER.pack(FORMAT, *sizes, signature.shingle_count, signature.key_count, signature.tokens)
    exact, rest = shingles[:EXACT_SHINGLES], shingles[EXACT_SHINGLES:]
    whole = np.concatenate([exact, lines]).astype("<u4")
    return header + whole.tobytes() + _bytes(np.concatenate([rest, keys])).tobytes()


def unpack(packed: bytes) -> Signature | None:
    """The signature in a column's bytes; None when they are of another format or damaged."""
    if len(packed) < _HEADER.size or packed[0] != FORMAT:
        return None
    _, shingles, keys, lines, shingle_count, key_count, tokens = _HEADER.unpack_from(packed)
    exact = min(shingles, EXACT_SHINGLES)
    whole_end = _HEADER.size + 4 * (exact + lines)
    if len(packed) != whole_end + 3 * (shingles - exact + keys):
        return None
    if shingles > min(shingle_count, SKETCH_SHINGLES) or keys > min(key_count, SKETCH_KEYS):
        return None
    whole = np.frombuffer(packed[_HEADER.size : whole_end], dtype="<u4").astype(np.uint32)
    upper = _numbers(np.frombuffer(packed[whole_end:], dtype=np.uint8).reshape(-1, 3)) << np.uint32(8)
    return Signature(
        tokens=tokens,
        shingles=np.concatenate([whole[:exact], upper[: shingles - exact]]),
        shingle_count=shingle_count,
        keys=upper[shingles - exact :],
        key_count=key_count,
        lines=whole[exact:],
    )


def _bytes(hashes: Hashes) -> NDArray[np.uint8]:
    """The upper 24 bits of each hash, the highest first."""
    return hashes.astype(">u4").view(np.uint8).reshape(-1, 4)[:, :3]


def _numbers(upper: NDArray[np.uint8]) -> Hashes:
    """The upper 24 bits of hashes as numbers; the last axis holds the bytes of one."""
    wide = np.zeros((*upper.shape[:-1], 4), dtype=np.uint8)
    wide[..., 1:] = upper
    return wide.view(">u4")[..., 0].astype(np.uint32)


def _kept_lines(reading: Reading, repeated: Collection[int]) -> NDArray[np.bool_]:
    """Which lines are signed: of those not repeated the prose, or all where there is little of it."""
    tokens = reading.line_tokens
    own = np.array([value not in repeated for value in reading.line_hashes], dtype=bool)
    prose = own & reading.is_prose
    return prose if tokens @ prose >= max(PROSE_TOKENS, PROSE_SHARE * (tokens @ own)) else own


def _jaccard(one: Hashes, one_count: int, others: NDArray[np.uint32], other_counts: NDArray[np.uint32]) -> Floats:
    """Jaccard index of a set and each of others, from bottom-k sketches (of the others the rows of `others`, by their
    upper 24 bits) and the sizes of the sets.

    Up to the largest hash of a sketch that is cut off both sketches are complete; within that range they are compared.
    """
    if not len(one):
        return np.zeros(len(others))
    one = one >> np.uint32(8)
    limits = np.where(other_counts > others.shape[1], others[:, -1], _NO_HASH - 1)
    if one_count > len(one):
        limits = np.minimum(limits, one[-1])
    within = others <= limits[:, None]
    places = np.minimum(np.searchsorted(one, others), len(one) - 1)
    shared = ((one[places] == others) & within).sum(axis=1)
    together = np.searchsorted(one, limits, "right") + within.sum(axis=1) - shared
    return np.asarray(shared / np.maximum(1, together))


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
    upper = np.minimum(hashes >> np.uint64(32), np.uint64(_LARGEST)).astype(np.uint32)
    upper.sort()
    last = np.ones(len(upper), dtype=bool)
    last[:-1] = upper[1:] != upper[:-1]
    return np.asarray(upper[last])
