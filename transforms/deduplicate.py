"""Deduplicate: articles in, articles out with their version, what changed, and whom they copy.

In order of arrival each article is one of
- unchanged: its address is known and its text and title are, but for case, punctuation and spacing, what they were;
  no row, counted;
- a new version: its address is known and text or title changed; it keeps the cluster of the article;
- a copy: its text is exactly or nearly that of an earlier article under another address; marked, and only with
  near = "drop" given up on (`exact-duplicate`, `near-duplicate`);
- an original: a cluster of its own.

A copy joins the cluster of its single best earlier match and clusters never merge, so one round-up cannot glue stories
together. The answer depends on what arrived before and not on how it was cut into batches. All articles of a batch pass
through one worker; memory holds the batch's texts and the index of `near_index`.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput

from transforms import tally
from transforms.memory import Known, Memory
from transforms.near_index import Match, NearIndex
from transforms.reject import Rejected, reject_article, unforeseen
from transforms.schema import Article, Reject
from transforms.settings import DeduplicateSettings
from transforms.signatures import Reading, Signature, content_hash, pack, read, sign
from transforms.versions import difference, is_rendering


@dataclass(eq=False, kw_only=True)
class Deduplicate(beam.PTransform[PCollection[Article], DoOutputsTuple]):
    """Articles -> Articles, and `rejects`. `root` is the dataset root whose earlier articles count."""

    settings: DeduplicateSettings = field(default_factory=DeduplicateSettings)
    root: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, articles: PCollection[Article]) -> DoOutputsTuple:
        return (
            articles
            | "KeyAlike" >> beam.WithKeys(lambda _: 0)
            | "GatherArticles" >> beam.GroupByKey()
            | "AssignClusters"
            >> beam.ParDo(AssignFn(self.settings, self.root)).with_outputs("rejects", main="articles")
        )


class AssignFn(beam.DoFn):
    """Applies `assign` to the articles of a batch in order of arrival, beside what the committed dataset knows."""

    def __init__(self, settings: DeduplicateSettings, root: str) -> None:
        self.settings = settings
        self.root = root

    def process(
        self, element: tuple[int, Iterable[Article]]
    ) -> Iterator[Article | TaggedOutput[Literal["rejects"], Reject]]:
        memory = Memory(Path(self.root))
        try:
            with tally.timed("deduplicate"):
                index = NearIndex.open(index_folder(Path(self.root)), self.settings.window_days)
                outcomes = list(assign(in_order(element[1]), memory, index, self.settings))
        finally:
            memory.close()
        for outcome in outcomes:
            for name in counters(outcome):
                tally.count(name)
            if isinstance(outcome, Article):
                yield outcome
            elif isinstance(outcome, Reject):
                yield TaggedOutput("rejects", outcome)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article that is stored already as it is."""

    article_id: str


Outcome = Article | Reject | Unchanged


def index_folder(root: Path) -> Path:
    """Where the index of a dataset is kept."""
    return root / "state" / "signatures"


def in_order(articles: Iterable[Article]) -> list[Article]:
    """By arrival."""
    return sorted(articles, key=lambda article: (article.first_seen_at, article.article_id, article.source_url))


def counters(outcome: Outcome) -> list[str]:
    """The names under which an outcome is counted."""
    if isinstance(outcome, Unchanged):
        return ["unchanged"]
    if isinstance(outcome, Reject):
        return ["dropped" if outcome.reason.endswith("-duplicate") else f"rejected-{outcome.reason}"]
    if outcome.version > 1:
        return ["versions"]
    return [f"duplicates-{outcome.duplicate_kind}"] if outcome.duplicate_kind else []


def assign(
    articles: Iterable[Article], memory: Memory, index: NearIndex, settings: DeduplicateSettings
) -> Iterator[Outcome]:
    """One outcome for each article, in order. `index` is added to; neither it nor `memory` is written to disk."""
    batch: dict[str, Article] = {}
    for article in articles:
        try:
            outcome = _assign_one(article, batch.get(article.article_id), memory, index, settings)
        except Rejected as rejected:
            outcome = reject_article(article, rejected)
        except Exception as error:
            outcome = reject_article(article, unforeseen(error, "deduplicate"))
        if isinstance(outcome, Article):
            batch[article.article_id] = outcome
        yield outcome


def _assign_one(
    article: Article, earlier: Article | None, memory: Memory, index: NearIndex, settings: DeduplicateSettings
) -> Outcome:
    reading = read(article.text, article.publisher_domain)
    known = earlier or memory.latest(article.article_id)
    if known is None:
        return _first_version(article, reading, index, settings)
    same_text = reading.content_hash == known.content_hash
    if same_text and content_hash(known.title or "") == content_hash(article.title or ""):
        return Unchanged(article.article_id)
    if same_text:
        old_text = article.text
    elif isinstance(known, Known):
        old_text = memory.text(known)
    elif known.source_url != article.source_url and is_rendering(known.text, article.text):
        return Unchanged(article.article_id)
    else:
        old_text = known.text
    return _next_version(article, known, old_text, reading, index)


def _first_version(article: Article, reading: Reading, index: NearIndex, settings: DeduplicateSettings) -> Article:
    signature, match = _matched(article, reading, index)
    if settings.near == "off":
        match = None
    if match is not None and settings.near == "drop":
        raise Rejected(f"{match.kind}-duplicate", f"copy of {match.article_id}, {match.score:.2f}")
    article = dataclasses.replace(
        article,
        version=1,
        content_hash=reading.content_hash,
        signature=pack(signature),
        cluster_id=match.cluster_id if match else article.article_id,
        duplicate_of=match.cluster_id if match else None,
        duplicate_kind=match.kind if match else None,
        duplicate_score=match.score if match else None,
    )
    _index(article, signature, index)
    return article


def _matched(article: Article, reading: Reading, index: NearIndex) -> tuple[Signature, Match | None]:
    """The article's signature without its host's furniture, and whom it copies.

    The text is tried as it stands first: that finds the copies a host prints of its own article, whose lines all look
    like furniture.
    """
    host, seen_at = article.publisher_domain, article.first_seen_at
    signature = sign(reading)
    match, repeated = index.search(signature, reading, article_id=article.article_id, host=host, seen_at=seen_at)
    if repeated:
        whole, signature = signature, sign(reading, repeated)
        if match is None and signature.tokens < 0.95 * whole.tokens:  # a line less changes no verdict
            match = index.match(
                signature, reading.content_hash, article_id=article.article_id, host=host, seen_at=seen_at
            )
    return signature, match


def _next_version(
    article: Article, known: Article | Known, old_text: str, reading: Reading, index: NearIndex
) -> Outcome:
    change = difference(known.title, old_text, article.title, article.text)
    if change is None:
        return Unchanged(article.article_id)
    article = dataclasses.replace(article, first_seen_at=known.first_seen_at)
    signature, _ = _matched(article, reading, index)
    article = dataclasses.replace(
        article,
        version=known.version + 1,
        change_kind=change.kind,
        changes=change.changes,
        content_hash=reading.content_hash,
        signature=pack(signature),
        cluster_id=known.cluster_id,
        duplicate_of=known.duplicate_of,
        duplicate_kind=known.duplicate_kind,
        duplicate_score=known.duplicate_score,
    )
    _index(article, signature, index)
    return article


def _index(article: Article, signature: Signature, index: NearIndex) -> None:
    index.add(
        signature,
        article.content_hash,
        article_id=article.article_id,
        version=article.version,
        cluster_id=article.cluster_id,
        host=article.publisher_domain,
        seen_at=article.first_seen_at,
    )
