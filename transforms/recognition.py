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
from transforms.postings import alias_keys, host_number, line_keys, microseconds
from transforms.reading import Reading, content_hash, read
from transforms.schema import Article
from transforms.segments import Entries
from transforms.signatures import Signature, pack, sign
from transforms.versions import difference, is_rendering

SAME_TEXT = 0.9  # contained in each other, at least
TOLD_APART = 0.95  # a text that keeps more than this of its tokens without its furniture is compared whole alone


Arrival = tuple[int, str, str]


def arrival_of(article: Article) -> Arrival:
    """By which the readings of a batch are put in order."""
    return microseconds(article.first_seen_at), article.article_id, article.source_url


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

    def recognise(self, article: Article) -> Signed | Unchanged:
        """What `article` is, as far as its host can tell."""
        arrival = arrival_of(article)
        reading = read(article.text, article.publisher_domain)
        known = self._known(article.article_id)
        if known is not None:
            return self._another_reading(article, reading, known, arrival)
        whole = sign(reading)
        renamed = self._renamed(article, whole, reading)
        if renamed is not None:
            return self._another_reading(article, reading, renamed, arrival)
        return self._signed(article, reading, whole, arrival, version=1, cluster_id=article.article_id)

    def remember(self, article: Article) -> None:
        """Know `article` from now on, as its newest version."""
        self.batch[article.article_id] = article

    def _another_reading(
        self, article: Article, reading: Reading, known: Article | Known, arrival: Arrival
    ) -> Signed | Unchanged:
        """What a known article has become. A rendering under another link (AMP, mobile) that differs by a few whole
        lines is the same version: what differs is what extraction kept of the page."""
        old_text = article.text
        if reading.content_hash == known.content_hash:
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
        whole = sign(reading)
        article = dataclasses.replace(article, article_id=known.article_id)
        return self._signed(
            article,
            reading,
            whole,
            arrival,
            version=known.version + 1,
            first_seen_at=known.first_seen_at,
            change_kind=change.kind,
            changes=change.changes,
            cluster_id=known.cluster_id,
            duplicate_of=known.duplicate_of,
            duplicate_kind=known.duplicate_kind,
            duplicate_score=known.duplicate_score,
        )

    def _signed(self, article: Article, reading: Reading, whole: Signature, arrival: Arrival, **columns: Any) -> Signed:
        repeated = furniture(article, whole, reading, self.index)
        bare = sign(reading, repeated) if repeated else whole
        told = {"content_hash": reading.content_hash, "signature": pack(bare), **columns}
        return Signed(arrival=arrival, article=dataclasses.replace(article, **told), whole=whole, bare=bare)

    def _renamed(self, article: Article, whole: Signature, reading: Reading) -> Article | Known | None:
        """The known article that this is, when its feed has only changed the link: same feed, same host, a copy of the
        text, and the same guid; or the same headline over the same text, where the guid is no name of its own."""
        _, entries = self.index.find(alias_keys(article))
        entries = entries[_of_host(article, entries, self.index)]
        alike = candidates(whole, reading.content_hash, article.publisher_domain, entries)
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


def furniture(article: Article, whole: Signature, reading: Reading, index: NearIndex) -> set[int]:
    """The hashes of those lines of a text that other stories of its host carry too: no part of the story. Texts that
    tell the same story as this one are no other stories."""
    lines = np.fromiter(set(reading.line_hashes), dtype=np.uint32)
    places, entries = index.find(line_keys(lines))
    others = _of_host(article, entries, index)
    places, entries = places[others], entries[others]
    if not len(entries):
        return set()
    return set(lines[places[~retellings(whole, reading.content_hash, entries)]].tolist())


def _of_host(article: Article, entries: Entries, index: NearIndex) -> NDArray[np.bool_]:
    near = index.in_window(entries, article.article_id, article.first_seen_at)
    return np.asarray(near & (entries["host"] == host_number(article.publisher_domain)))
