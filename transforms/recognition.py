"""What an arriving article is: stored already as it is, a new version of a known one, or new; and its signature.

All this depends on articles of the same host alone, so the articles of a batch can be recognised host by host, those of
each host in order of arrival.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.copies import Candidate, candidates, retellings
from transforms.memory import Known, Memory, Stored
from transforms.near_index import NearIndex
from transforms.postings import alias_keys, distinct, host_number, line_keys, microseconds
from transforms.reading import Reading, content_hash, read
from transforms.schema import Article
from transforms.segments import Entries, Keys
from transforms.signatures import Signature, pack, sign
from transforms.versions import difference, is_rendering

SAME_TEXT = 0.9  # contained in each other, at least
TOLD_APART = 0.95  # a text that keeps more than this of its tokens without its furniture is compared whole alone


Arrival = tuple[int, str, str]


def arrival_of(article: Article) -> Arrival:
    """By which the readings of a batch are put in order."""
    return microseconds(article.first_seen_at), article.article_id, article.source_url


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrived:
    """An article, read and signed: what depends on it alone. `lines` are the distinct hashes of its lines, `aliases`
    the keys of the names its feed has for it."""

    article: Article
    reading: Reading
    whole: Signature
    lines: NDArray[np.uint32]
    aliases: Keys


def arrive(article: Article) -> Arrived:
    """Read and sign an article."""
    reading = read(article.text, article.publisher_domain)
    return Arrived(
        article=article,
        reading=reading,
        whole=sign(reading),
        lines=distinct(reading.line_hashes),
        aliases=alias_keys(article),
    )


def host_keys(arrived: Arrived) -> Keys:
    """The keys by which an article is recognised: of its lines and aliases."""
    return np.concatenate([line_keys(arrived.lines), arrived.aliases])


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article that is stored already as it is."""

    article_id: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signed:
    """A row to be, of which only the cluster is open: that of a new article is its own for now, that of a new version
    the one of the version before as far as it is known. `whole` is the signature of the text as it stands, `bare` the
    stored one, without the lines that its host repeats."""

    arrival: Arrival
    article: Article
    whole: Signature
    bare: Signature

    @property
    def is_compared_bare(self) -> bool:
        return self.bare.tokens < TOLD_APART * self.whole.tokens


@dataclass(kw_only=True)
class Recogniser:
    """`batch` holds the newest version of each article that came since `memory` was written. `index` must hold what was
    remembered, and is added to by whoever calls."""

    memory: Memory
    index: NearIndex
    batch: dict[str, Article] = field(default_factory=dict)

    def recognise(self, arrived: Arrived) -> Signed | Unchanged:
        """What an article is, as far as its host can tell."""
        known = self._known(arrived.article.article_id) or self._renamed(arrived)
        if known is not None:
            return self._another_reading(arrived, known)
        return self._signed(arrived, version=1, cluster_id=arrived.article.article_id)

    def remember(self, article: Article) -> None:
        """Know `article` from now on, as its newest version."""
        self.batch[article.article_id] = article

    def _another_reading(self, arrived: Arrived, known: Article | Known) -> Signed | Unchanged:
        """What a known article has become. A rendering under another link (AMP, mobile) that differs by a few whole
        lines is the same version: what differs is what extraction kept of the page."""
        article = arrived.article
        old_text = article.text
        if arrived.reading.content_hash == known.content_hash:
            if content_hash(known.title or "") == content_hash(article.title or ""):
                return Unchanged(known.article_id)
        else:
            stored = self._stored(known)
            old_text = stored.text if stored else ""
            if stored and stored.source_url != article.source_url and is_rendering(old_text, article.text):
                return Unchanged(known.article_id)
        change = difference(known.title, old_text, article.title, article.text)
        if change is None:
            return Unchanged(known.article_id)
        return self._signed(
            arrived,
            article_id=known.article_id,
            version=known.version + 1,
            first_seen_at=known.first_seen_at,
            change_kind=change.kind,
            changes=change.changes,
            cluster_id=known.cluster_id,
            duplicate_of=known.duplicate_of,
            duplicate_kind=known.duplicate_kind,
            duplicate_score=known.duplicate_score,
        )

    def _signed(self, arrived: Arrived, **columns: Any) -> Signed:
        article, whole = arrived.article, arrived.whole
        repeated = furniture(arrived, columns.get("article_id", article.article_id), self.index)
        bare = sign(arrived.reading, repeated) if repeated else whole
        columns |= {"content_hash": arrived.reading.content_hash, "signature": pack(bare)}
        return Signed(
            arrival=arrival_of(article), article=dataclasses.replace(article, **columns), whole=whole, bare=bare
        )

    def _renamed(self, arrived: Arrived) -> Article | Known | None:
        """The known article that this is, when its feed has only changed the link: same feed, same host, a copy of the
        text, and the same guid; or the same headline over the same text, where the guid is no name of its own."""
        article = arrived.article
        _, entries = self.index.find(arrived.aliases)
        entries = entries[_of_host(article, article.article_id, entries, self.index)]
        alike = candidates(arrived.whole, arrived.reading.content_hash, article.publisher_domain, entries)
        for candidate in sorted(alike, key=lambda one: -one.score):
            known = self._known(candidate.article_id)
            if known is not None and candidate.is_copied and self._is_alias(article, known, candidate):
                return known
        return None

    def _is_alias(self, article: Article, known: Article | Known, candidate: Candidate) -> bool:
        stored = self._stored(known)
        if stored is None or stored.feed_id != article.feed_id:
            return False
        if article.guid and article.guid == stored.guid:
            return True
        named = any(guid and "://" not in guid for guid in (article.guid, stored.guid))
        same_title = content_hash(known.title or "") == content_hash(article.title or "")
        return same_title and not named and candidate.score >= SAME_TEXT

    def _known(self, article_id: str) -> Article | Known | None:
        return self.batch.get(article_id) or self.memory.latest(article_id)

    def _stored(self, known: Article | Known) -> Article | Stored | None:
        return known if isinstance(known, Article) else self.memory.stored(known)


def furniture(arrived: Arrived, article_id: str, index: NearIndex) -> set[int]:
    """The hashes of those lines of a text that other stories of its host carry too: no part of the story. Texts that
    tell the same story as this one, and other versions of the article, are no other stories."""
    lines = arrived.lines
    places, entries = index.find(line_keys(lines))
    others = _of_host(arrived.article, article_id, entries, index)
    if not others.any():
        return set()
    places, entries = places[others], entries[others]
    same = retellings(arrived.whole, arrived.reading.content_hash, entries)
    return set(lines[places[~same]].tolist())


def _of_host(article: Article, article_id: str, entries: Entries, index: NearIndex) -> NDArray[np.bool_]:
    if not len(entries):
        return np.empty(0, dtype=bool)
    near = index.in_window(entries, article_id, article.first_seen_at)
    return np.asarray(near & (entries["host"] == host_number(article.publisher_domain)))
