"""Deduplicate: articles in, articles out with their version, what changed, and whom they copy.

In order of arrival each article is one of
- unchanged: it is known and its text and title are, but for case, punctuation and spacing, what they were; no row,
  counted;
- a new version: it is known and text or title changed; it keeps the cluster of the article;
- a copy: its text is exactly or nearly that of an earlier article under another address; marked, and only with
  near = "drop" given up on (`exact-duplicate`, `near-duplicate`);
- an original: a cluster of its own.
An article is known by its address (`urls.url_key`), or, when its feed changed the link, by guid or headline over the
same text.

The answer depends on what arrived before and not on how it was cut into batches. In the arrangement "one-worker" all
articles of a batch pass through one worker, whose memory holds their texts and the index of `near_index`; in the
arrangement "joins" workers share them out (`joined`), a host at a time. Both give the same rows.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apache_beam as beam
from apache_beam.coders import PickleCoder
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    ReadModifyWriteRuntimeState,
    ReadModifyWriteStateSpec,
    RuntimeTimer,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

from transforms import tally
from transforms.assignment import Outcome, assign, counters, in_order, index_folder
from transforms.delivery import Note
from transforms.gather import Gather
from transforms.joined import Told, assign_by_joins
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.schema import Article, Reject, Settled, Spent
from transforms.settings import DeduplicateSettings

PENDING_S = 3_600.0  # what has not been committed an hour after its window was rejected later on
READ_TRIES, READ_PAUSE_S = 50, 0.1

Assigned = Article | TaggedOutput[Literal["rejects"], Reject] | TaggedOutput[Literal["notes"], Settled | Spent]


@dataclass(eq=False, kw_only=True)
class Deduplicate(beam.PTransform[PCollection[Article], Any]):
    """Articles -> Articles, Rejects on "rejects", and "notes": what is stored already, and the time it took.

    `root` is the dataset root whose earlier articles count. An unbounded pipeline is assigned window after window; what
    is not committed yet is kept as state by one worker, see `AssignPendingFn`.
    """

    settings: DeduplicateSettings = field(default_factory=DeduplicateSettings)
    root: str
    aside: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, articles: PCollection[Article]) -> "DoOutputsTuple | Outputs":
        if self.settings.arrangement == "joins" and articles.windowing.is_default():
            told = assign_by_joins(articles, self.settings, self.root, self.aside)
            return told | "Tell" >> beam.FlatMap(tell).with_outputs("rejects", "notes", main="articles")
        gathered = articles | "KeyAlike" >> beam.WithKeys(lambda _: 0) | "GatherArticles" >> Gather(self.aside)
        if articles.windowing.is_default():
            return gathered | "AssignClusters" >> beam.ParDo(AssignFn(self.settings, self.root)).with_outputs(
                "rejects", "notes", main="articles"
            )
        assigned = (
            gathered
            | "ListInOrder" >> beam.MapTuple(lambda key, found: (key, in_order(found)))
            | "BeyondWindows" >> beam.WindowInto(GlobalWindows())  # what is known outlives a window
            | "AssignClusters"
            >> beam.ParDo(AssignPendingFn(self.settings, self.root)).with_outputs("rejects", "notes", main="articles")
        )
        return Outputs(
            *(assigned[name] | f"Window-{name}" >> beam.WindowInto(articles.windowing) for name in Outputs._fields)
        )


class Outputs(NamedTuple):
    """What comes out of `Deduplicate`."""

    articles: PCollection[Article]
    rejects: PCollection[Reject]
    notes: PCollection[Note]


class AssignFn(beam.DoFn):
    """Applies `assign` to the articles of a batch in order of arrival, beside what the committed dataset knows."""

    def __init__(self, settings: DeduplicateSettings, root: str) -> None:
        self.settings = settings
        self.root = root

    def process(self, element: tuple[int, Iterable[Article]]) -> Iterator[Assigned]:
        articles = in_order(element[1])
        memory = Memory(Path(self.root))
        watch = tally.Stopwatch("deduplicate")
        try:
            with watch.running():
                since = articles[0].first_seen_at
                index = NearIndex.open(index_folder(Path(self.root)), self.settings.window_days, since)
                outcomes = list(assign(articles, memory, index, self.settings))
        finally:
            memory.close()
        yield from map(on_output, articles, outcomes)
        yield _note(watch.note())


class AssignPendingFn(AssignFn):
    """As AssignFn, window after window. State: the articles assigned that the dataset does not tell of yet, at most
    those of `PENDING_S` of event time."""

    PENDING = ReadModifyWriteStateSpec("pending", PickleCoder())  # of (event time in seconds, Article), in order
    EXPIRY = TimerSpec("expiry", TimeDomain.WATERMARK)

    def process(  # type: ignore[override]  # Beam looks at the parameters' defaults
        self,
        element: tuple[int, list[Article]],
        timestamp: Timestamp = beam.DoFn.TimestampParam,  # type: ignore[assignment]
        state: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(PENDING),  # type: ignore[assignment]  # noqa: B008
        expiry: RuntimeTimer = beam.DoFn.TimerParam(EXPIRY),  # type: ignore[assignment]  # noqa: B008 - Beam's way
    ) -> Iterator[Assigned]:
        now_s, watch = float(timestamp), tally.Stopwatch("deduplicate")
        with closing(Memory(Path(self.root))) as memory:
            index = read_index(Path(self.root), self.settings.window_days)
            pending = [
                (at_s, article)
                for at_s, article in state.read() or ()
                if at_s > now_s - PENDING_S and not is_committed(article, memory, index)
            ]
            with watch.running():
                known = [article for _, article in pending]
                outcomes = list(assign(element[1], memory, index, self.settings, known))
        pending += [(now_s, outcome) for outcome in outcomes if isinstance(outcome, Article)]
        state.write(pending)
        expiry.set(timestamp + PENDING_S)
        yield from map(on_output, element[1], outcomes)
        yield _note(watch.note())

    @on_timer(EXPIRY)
    def expire(
        self,
        state: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(PENDING),  # type: ignore[assignment]  # noqa: B008
    ) -> None:
        state.clear()


def read_index(root: Path, window_days: int) -> NearIndex:
    """The index of a dataset that another process commits to. Raises `TimeoutError` when it cannot be read."""
    folder = index_folder(root)
    for _ in range(READ_TRIES):
        if not folder.exists() or NearIndex.is_readable(folder):
            return NearIndex.open(folder, window_days)
        time.sleep(READ_PAUSE_S)  # its files are being exchanged
    raise TimeoutError(f"{folder}: cannot be read")


def is_committed(article: Article, memory: Memory, index: NearIndex) -> bool:
    """Whether both halves of what the dataset remembers tell of this version."""
    known = memory.latest(article.article_id)
    return known is not None and known.version >= article.version and index.holds(article.article_id, article.version)


def tell(told: Told | Spent) -> Iterator[Assigned]:
    """What `assign_by_joins` gives, on its output."""
    yield _note(told) if isinstance(told, Spent) else on_output(*told)


def on_output(article: Article, outcome: Outcome) -> Assigned:
    """What became of `article`, counted and on the output it belongs to."""
    for name in counters(outcome):
        tally.count(name)
    if isinstance(outcome, Article):
        return outcome
    if isinstance(outcome, Reject):
        return TaggedOutput[Literal["rejects"], Reject]("rejects", outcome)
    settled = Settled(
        how="unchanged",
        feed_id=article.feed_id,
        url=article.source_url,
        guid=article.guid,
        seen_at=article.first_seen_at,
    )
    return _note(settled)


def _note(note: Settled | Spent) -> TaggedOutput[Literal["notes"], Settled | Spent]:
    return TaggedOutput[Literal["notes"], Settled | Spent]("notes", note)
