"""Articles to rows: the steps of deduplication over plain values, one after another or each for itself.

`assign` is all of them, for one worker and one index. The steps that it calls stand alone as well, so that articles may
be `recognised` host by host and `compared` one by one wherever it suits; only `placed` sees all that have candidates.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from transforms.clusters import Clusters, Comparison, Placement
from transforms.copies import Candidate, candidates
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.postings import text_keys
from transforms.recognition import Arrival, Arrived, Recogniser, Signed, Unchanged, arrival_of, arrive, host_keys
from transforms.reject import Rejected, reject_article, unforeseen
from transforms.schema import Article, Reject
from transforms.segments import Found, Keys, together
from transforms.settings import DeduplicateSettings
from transforms.signatures import Signature

READ_AHEAD = 250  # articles

Outcome = Article | Reject | Unchanged
Compared = tuple[Arrival, str, Comparison]


def index_folder(root: Path) -> Path:
    """Where the index of a dataset is kept."""
    return root / "state" / "signatures"


def in_order(articles: Iterable[Article]) -> list[Article]:
    """By arrival."""
    return sorted(articles, key=arrival_of)


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
    articles: Iterable[Article],
    memory: Memory,
    index: NearIndex,
    settings: DeduplicateSettings,
    pending: Iterable[Article] = (),
) -> Iterator[Outcome]:
    """One outcome for each article, in order. `index` is added to; neither it nor `memory` is written to disk.

    `pending` are articles that were assigned earlier and are not committed yet, in order.
    """
    assigner = _Assigner(memory=memory, index=index, settings=settings)
    for article in pending:
        assigner.recogniser.recall(article)
    for article, arrived in _read_ahead(articles, index, _all_keys):
        try:
            yield assigner.outcome(_or_raise(arrived))
        except Rejected as rejected:
            yield reject_article(article, rejected)
        except Exception as error:
            yield reject_article(article, unforeseen(error, "deduplicate"))


class _Assigner:
    """All steps for one article after another, over one index."""

    def __init__(self, memory: Memory, index: NearIndex, settings: DeduplicateSettings) -> None:
        self.index = index
        self.near = settings.near
        self.recogniser = Recogniser(memory=memory, index=index, repeated_lines=settings.repeated_lines)
        self.clusters = Clusters()

    def outcome(self, arrived: Arrived) -> Outcome:
        signed = self.recogniser.recognise(arrived)
        if isinstance(signed, Unchanged):
            return signed
        stored = signed.article
        if stored.version == 1:
            match = None if self.near == "off" else self.clusters.match(compared(signed, self.index))
            if match is not None and self.near == "drop":
                raise Rejected(f"{match.kind}-duplicate", f"copy of {match.article_id}, {match.score:.2f}")
            placement = self.clusters.place(stored.article_id, match)
            stored = placement.on(stored) if match else stored  # a cluster of its own already
        self.recogniser.remember(stored, signed.bare)
        return stored


def recognised(articles: Iterable[Article], recogniser: Recogniser) -> Iterator[Signed | Unchanged | Reject]:
    """One for each of the articles of a host, in order. The recogniser remembers the rows."""
    for article, arrived in _read_ahead(articles, recogniser.index, host_keys):
        try:
            signed = recogniser.recognise(_or_raise(arrived))
            if isinstance(signed, Signed):
                recogniser.remember(signed.article, signed.bare)
            yield signed
        except Exception as error:
            yield reject_article(article, unforeseen(error, "deduplicate"))


def compared(signed: Signed, index: NearIndex, others: Callable[[Keys], Found] | None = None) -> Comparison:
    """A new article beside the earlier ones of an index, and `others` found elsewhere."""
    article = signed.article

    def alike(signature: Signature) -> list[Candidate]:
        keys = text_keys(signature, article.content_hash)
        _, entries = together([index.find(keys), others(keys)]) if others else index.find(keys)
        entries = entries[index.in_window(entries, article.article_id, article.first_seen_at)]
        return candidates(signature, article.content_hash, article.publisher_domain, entries)

    return Comparison(whole=alike(signed.whole), bare=alike(signed.bare) if signed.is_compared_bare else ())


def placed(comparisons: Iterable[Compared]) -> Iterator[tuple[str, Placement]]:
    """The placement of each article that copies another, by its id; all of a batch that have candidates are given."""
    clusters = Clusters()
    for _, article_id, comparison in sorted(comparisons, key=lambda compared: compared[0]):
        yield article_id, clusters.place(article_id, clusters.match(comparison))


def _read_ahead(
    articles: Iterable[Article], index: NearIndex, keys_of: Callable[[Arrived], Keys]
) -> Iterator[tuple[Article, Arrived | Exception]]:
    """Articles read and signed, some at a time, and what the index has stored under their keys read ahead."""
    waiting = iter(articles)
    while chunk := list(islice(waiting, READ_AHEAD)):
        arrivals = [_arrive_or_fail(article) for article in chunk]
        keys = [keys_of(arrived) for arrived in arrivals if isinstance(arrived, Arrived)]
        if keys:
            index.read_ahead(np.concatenate(keys))
        yield from zip(chunk, arrivals, strict=True)


def _all_keys(arrived: Arrived) -> Keys:
    return np.concatenate([host_keys(arrived), text_keys(arrived.whole, arrived.reading.content_hash)])


def _arrive_or_fail(article: Article) -> Arrived | Exception:
    try:
        return arrive(article)
    except Exception as error:
        return error


def _or_raise(arrived: Arrived | Exception) -> Arrived:
    if isinstance(arrived, Exception):
        raise arrived
    return arrived
