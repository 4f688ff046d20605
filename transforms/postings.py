"""How an article stands in the index: its entry, and the keys under which that is posted and asked for.

Keys are 32-bit numbers. Text keys are the exact hash and the smallest shingles. Line keys and alias keys (feed and
guid, feed and headline) hold the host in them, so whoever has all articles of a host has all postings of such a key.
"""

import re
import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import xxhash
from numpy.typing import NDArray

from transforms.reading import UNSPACED
from transforms.schema import Article
from transforms.segments import Entries, Keys, Posting
from transforms.signatures import Signature, sketch_bytes

POSTED_SHINGLES = 12
MIN_EXACT_TOKENS = 8
MIN_NEAR_TOKENS = 25
TITLE_TOKENS = 4  # a shorter headline may come again over another story

_ENTRY = struct.Struct("<q2Qi2QQI")  # a `segments.ENTRY` record but for the sketch
_TITLE_WORD = re.compile(f"[{UNSPACED}]|[^\\W_{UNSPACED}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What the index holds of a stored version beside its signature: columns of its row."""

    article_id: str
    version: int
    cluster_id: str
    publisher_domain: str
    feed_id: str
    guid: str | None
    title: str | None
    first_seen_at: datetime
    content_hash: bytes


def posting_of(article: Article | Posted, signature: Signature) -> Posting:
    """The entry of an article and its place in the order of arrival."""
    seen_us, version = microseconds(article.first_seen_at), article.version
    high, low = _id_numbers(article.article_id)
    entry = _ENTRY.pack(
        seen_us,
        high,
        low,
        version,
        *_id_numbers(article.cluster_id),
        exact_number(article.content_hash),
        host_number(article.publisher_domain),
    )
    return (seen_us, high, low, version), entry + sketch_bytes(signature)


def posted_keys(article: Article | Posted, signature: Signature) -> Keys:
    """All keys an article is posted under."""
    keys = [own_key(article.article_id, article.version), text_keys(signature, article.content_hash)]
    keys.append(alias_keys(article))
    if article.version == 1:  # later versions repeat their own lines
        keys.append(line_keys(distinct(signature.lines.tolist())))
    return np.concatenate(keys)


def text_keys(signature: Signature, content_hash: bytes) -> Keys:
    """Of a text; none when it is so short that others may have the same words."""
    if signature.tokens < MIN_EXACT_TOKENS:
        return np.empty(0, dtype=np.uint32)
    exact = np.frombuffer(content_hash[:4], dtype="<u4")
    if signature.tokens < MIN_NEAR_TOKENS:
        return exact
    shingles = signature.shingles[:POSTED_SHINGLES] * np.uint32(0x9E3779B1)  # the small, spread out
    return np.concatenate([exact, shingles])


def line_keys(hashes: NDArray[np.uint32]) -> Keys:
    """Of lines by their hashes, which hold the host."""
    return hashes * np.uint32(0x85EBCA77)


def alias_keys(article: Article | Posted) -> Keys:
    """Of the names by which a feed may know an article when it has changed the link."""
    names = [("guid", article.guid)] if article.guid else []
    words = _TITLE_WORD.findall(unicodedata.normalize("NFKC", article.title).lower()) if article.title else []
    if len(words) >= TITLE_TOKENS:
        names.append(("title", " ".join(words)))
    place = f"{article.feed_id}\n{article.publisher_domain}"
    hashes = [
        xxhash.xxh32_intdigest(f"{kind}\n{place}\n{name}".encode("utf-8", "surrogatepass")) for kind, name in names
    ]
    return np.array(hashes, dtype=np.uint32)


def distinct(hashes: Iterable[int]) -> Keys:
    """Each once, in the order given."""
    return np.array(list(dict.fromkeys(hashes)), dtype=np.uint32)


def own_key(article_id: str, version: int) -> Keys:
    """Of one version of an article."""
    return np.array([xxhash.xxh32_intdigest(article_id.encode("ascii"), version)], dtype=np.uint32)


def is_article(entries: Entries, article_id: str) -> NDArray[np.bool_]:
    """Which of `entries` are versions of the article."""
    high, low = _id_numbers(article_id)
    return np.asarray((entries["article_id"][:, 0] == high) & (entries["article_id"][:, 1] == low))


def host_number(host: str) -> int:
    return xxhash.xxh32_intdigest(host.encode("utf-8", "surrogatepass"))


def exact_number(content_hash: bytes) -> int:
    return int.from_bytes(content_hash[:8], "little")


def hexadecimal(numbers: NDArray[np.uint64]) -> str:
    """The id that an entry holds as two numbers."""
    return numbers.astype(">u8").tobytes().hex()


def microseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1e6)


def _id_numbers(hexadecimal: str) -> tuple[int, int]:
    return int(hexadecimal[:16], 16), int(hexadecimal[16:], 16)
