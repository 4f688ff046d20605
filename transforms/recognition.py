"""What an arriving article is: stored already as it is, a new version of a known one, or new; and its signature.

All this depends on articles of the same host alone, so the articles of a batch can be recognised host by host, those of
each host in order of arrival.

Lines that other stories of the host carry are left out of the stored signature, on the slightest evidence: it serves
comparing alone. Out of the text go those that are plainly the publisher's (`host_pages`), each into `removed`.
`content_hash` and `signature` are made of the text as cleaning left it, so what a page is told to be never depends on
what was learned of its host.
"""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.copies import Candidate, candidates, retellings
from transforms.host_pages import HostPages, page_of
from transforms.memory import Known, Memory, Stored
from transforms.near_index import NearIndex
from transforms.plain_text import count_words
from transforms.postings import alias_keys, distinct, host_number, line_keys, microseconds
from transforms.reading import Reading, content_hash, read
from transforms.schema import Article, RemovedLine
from transforms.segments import Entries, Keys
from transforms.signatures import Signature, pack, sign, unpack
from transforms.versions import difference, is_rendering

REPEATED = "repeated-by-publisher"  # the rule in the ledger
STORY_TOKENS = 50  # that must be left of a text
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


class Body(NamedTuple):
    """Columns of a row that tell what is text and what is not."""

    text: str
    word_count: int
    removed: tuple[RemovedLine, ...]


@dataclass(kw_only=True)
class Recogniser:
    """`batch` holds the newest version of each article that came since `memory` was written; `hosts` the latest pages
    of hosts, and `pages` those to be added. `index` must hold what was remembered."""

    memory: Memory
    index: NearIndex
    repeated_lines: Literal["remove", "keep"] = "remove"
    batch: dict[str, Article] = field(default_factory=dict)
    hosts: dict[str, HostPages] = field(default_factory=dict)
    pages: dict[str, list[tuple[Article, Signature]]] = field(default_factory=dict)

    def recognise(self, arrived: Arrived) -> Signed | Unchanged:
        """What an article is, as far as its host can tell."""
        article_id = arrived.article.article_id
        known = self._known(article_id) or self._renamed(arrived)
        if known is not None:
            return self._another_reading(arrived, known)
        return _signed(arrived, *self._undressed(arrived, article_id, is_known=False), version=1, cluster_id=article_id)

    def remember(self, article: Article, bare: Signature) -> None:
        """Know a row from now on, as the newest version of its article."""
        self.batch[article.article_id] = article
        self.index.add(article, bare)
        self._add_page(article, bare)

    def recall(self, article: Article) -> None:
        """Know a row that was recognised before, unless it has been committed since."""
        committed = self.memory.latest(article.article_id)
        if committed is None or committed.version < article.version:
            self.batch[article.article_id] = article
        if signature := unpack(article.signature):
            if not self.index.holds(article.article_id, article.version):
                self.index.add(article, signature)
            self._add_page(article, signature)

    def _add_page(self, article: Article, bare: Signature) -> None:
        if article.version == 1:  # later versions repeat their own lines
            self.pages.setdefault(article.publisher_domain, []).append((article, bare))

    def _host(self, host: str) -> HostPages:
        """The latest pages of a host; made up when they are asked for, which is for few hosts."""
        if host not in self.hosts:
            self.hosts[host] = self.memory.pages(host)
        for article, bare in self.pages.pop(host, ()):
            seen_us = microseconds(article.first_seen_at)
            self.hosts[host].add(page_of(article.article_id, seen_us, article.title, bare))
        return self.hosts[host]

    def _another_reading(self, arrived: Arrived, known: Article | Known) -> Signed | Unchanged:
        """What a known article has become. A rendering under another link (AMP, mobile) that differs by a few whole
        lines is the same version: what differs is what extraction kept of the page. Lines that either reading has lost
        for being the publisher's are no difference."""
        article = arrived.article
        is_same_text = arrived.reading.content_hash == known.content_hash
        if is_same_text and content_hash(known.title or "") == content_hash(article.title or ""):
            return Unchanged(known.article_id)
        body, bare = self._undressed(arrived, known.article_id, is_known=True)
        old_text = text = body.text
        if not is_same_text:
            stored = self._stored(known)
            removed = (*stored.removed, *body.removed) if stored else ()
            learned = {line.text for line in removed if line.rule == REPEATED}
            old_text, text = without_lines(stored.text if stored else "", learned), without_lines(text, learned)
            if stored and stored.source_url != article.source_url and is_rendering(old_text, text):
                return Unchanged(known.article_id)
        change = difference(known.title, old_text, article.title, text)
        if change is None or self._is_stored(article, known.article_id):
            return Unchanged(known.article_id)
        return _signed(
            arrived,
            body,
            bare,
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

    def _undressed(self, arrived: Arrived, article_id: str, *, is_known: bool) -> tuple[Body, Signature]:
        """The body without the lines that are plainly its publisher's, and the signature of the text without any line
        that its host repeats."""
        article, reading = arrived.article, arrived.reading
        repeated = furniture(arrived, article_id, self.index)
        if not repeated:
            return body_of(article), arrived.whole
        bare = sign(reading, repeated)
        before = after = 0
        own = bare.tokens >= max(STORY_TOKENS, arrived.whole.tokens // 2)  # else it may be made of what is repeated
        if own and self.repeated_lines == "remove" and article.publisher_domain:
            pages = self._host(article.publisher_domain)
            pages = pages.without(article_id) if is_known else pages
            before, after = pages.repeated(reading.line_hashes, repeated, article.title, bare)
        return body_of(article, before, after), bare

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

    def _is_stored(self, article: Article, article_id: str) -> bool:
        """Whether the very page is stored already, as a version before the newest: an archive that is replayed again
        holds them all."""
        committed = self.memory.latest(article_id)
        return committed is not None and self.memory.holds(committed, article.fetched_at)

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


def body_of(article: Article, before: int = 0, after: int = 0) -> Body:
    """The body of an article with so many lines at the head and at the end of its text in the ledger. Of a head that
    holds the dateline none are taken."""
    lines = [line for line in article.text.split("\n") if line.strip()] if before or after else []
    if article.dateline and any(article.dateline.text in line for line in lines[:before]):
        before = 0
    gone = lines[:before] + lines[len(lines) - after :]
    if not gone:
        return Body(article.text, article.word_count, article.removed)
    return Body(
        text="\n".join(lines[before : len(lines) - after]),
        word_count=article.word_count - sum(map(count_words, gone)),
        removed=(*article.removed, *[RemovedLine(text=line, rule=REPEATED) for line in gone]),
    )


def without_lines(text: str, lines: Collection[str]) -> str:
    """A text without those of its lines that are among `lines`."""
    return "\n".join(line for line in text.split("\n") if line not in lines) if lines else text


def _of_host(article: Article, article_id: str, entries: Entries, index: NearIndex) -> NDArray[np.bool_]:
    if not len(entries):
        return np.empty(0, dtype=bool)
    near = index.in_window(entries, article_id, article.first_seen_at)
    return np.asarray(near & (entries["host"] == host_number(article.publisher_domain)))


def _signed(arrived: Arrived, body: Body, bare: Signature, **columns: Any) -> Signed:
    article = arrived.article
    columns |= {"content_hash": arrived.reading.content_hash, "signature": pack(bare), **body._asdict()}
    return Signed(
        arrival=arrival_of(article), article=dataclasses.replace(article, **columns), whole=arrived.whole, bare=bare
    )
