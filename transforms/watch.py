"""Watch: the unbounded source. Feeds are polled when they are due, as long as the pipeline runs.

A tick comes every `every_s` seconds of real time, in a window of its own; at each the due feeds are polled, a group of
hosts a key, and their news leave as Entries, the books of the polls as `Polled`. A tick that was missed (the engine was
down) is not made up for: feeds are asked once, and what they offer by then is found.

State of a group: what to remember of each of its feeds, and the entries found that the dataset does not tell of yet;
both are bounded by the feeds of the config and by what is between a poll and its commit. Started anew without its
state, the pipeline begins with what was committed.
"""

import dataclasses
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam
from apache_beam.coders import PickleCoder
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.pvalue import DoOutputsTuple, PBegin, PCollection, TaggedOutput
from apache_beam.runners.sdf_utils import RestrictionTrackerView
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.userstate import ReadModifyWriteRuntimeState, ReadModifyWriteStateSpec
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.feed_poller import Poll, poll_feeds
from transforms.memory import Memory
from transforms.polling import FeedState, due
from transforms.request_urls import host_shard
from transforms.schema import Entry, Feed, HttpFetch, Polled, Reject, Spent
from transforms.seen import SeenEntries, entry_fingerprint, is_news, key_of, marks
from transforms.settings import FetchSettings
from transforms.tally import Stopwatch
from transforms.workers import shared_workers

END = 1 << 62  # microseconds since 1970, more than there will ever be
FOUND_S = 3_600.0  # what is not committed so long after it was found is looked at again
LATE_S = 86_400  # how long a window takes in what comes after it has closed
TAGS = ("polls", "fetches", "rejects")

Found = (
    Entry
    | TaggedOutput[Literal["polls"], Polled | Spent]
    | TaggedOutput[Literal["fetches"], HttpFetch]
    | TaggedOutput[Literal["rejects"], Reject]
)


@dataclass(eq=False, kw_only=True)
class Watch(beam.PTransform[PBegin, dict[str, PCollection[Any]]]):
    """Nothing -> "entries", "polls" (`Polled`, and the time it took), "fetches" and "rejects" of feeds, in windows of
    `every_s` seconds.

    `remembered` is what is known of each feed at the start, by its address, as JSON.
    """

    feeds: tuple[Feed, ...]
    settings: FetchSettings
    root: str
    every_s: float
    shards: int = 1
    workers: int = 0
    remembered: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, begin: PBegin) -> dict[str, PCollection[Any]]:
        groups: defaultdict[int, list[Feed]] = defaultdict(list)
        for feed in self.feeds:
            groups[host_shard(feed.url, self.shards)].append(feed)
        found = (
            begin
            | "Start" >> beam.Impulse()
            | "Tick" >> beam.ParDo(TickFn(self.every_s)).with_output_types(datetime)
            | "ToEachGroup" >> beam.FlatMap(to_each, sorted(groups))
            | "PollFeeds"
            >> beam.ParDo(
                PollFn(dict(groups), self.settings, self.root, self.workers, dict(self.remembered))
            ).with_outputs(*TAGS, main="entries")
        )
        return {name: self._windowed(found, name) for name in ("entries", *TAGS)}

    def _windowed(self, found: DoOutputsTuple, name: str) -> PCollection[Any]:
        """An output in its windows. What comes late to one, after a failure, makes a pane of its own."""
        windows = beam.WindowInto(
            FixedWindows(self.every_s),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=Duration(LATE_S),
        )
        output: PCollection[Any] = found[name] | f"Window-{name}" >> windows
        return output


class TicksProvider(RestrictionProvider):
    """Microseconds since 1970; those before a tick are passed over when it is claimed."""

    def initial_restriction(self, element: bytes) -> OffsetRange:
        return OffsetRange(0, END)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, element: bytes, restriction: OffsetRange) -> int:
        return 1

    def truncate(self, element: bytes, restriction: OffsetRange) -> None:
        """Nothing is left to do when the pipeline is drained."""


class TickFn(beam.DoFn):
    """An Impulse -> the instants at which to look at the feeds, for ever: at once, then at the start of each window.

    The watermark says when the next window begins, also to a job that goes on from a savepoint, be it with windows of
    another length. A clock that was set back is waited for.
    """

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s

    @beam.DoFn.unbounded_per_element()  # type: ignore[untyped-decorator]  # Beam's
    def process(
        self,
        element: bytes,
        tracker: RestrictionTrackerView = beam.DoFn.RestrictionParam(TicksProvider()),  # type: ignore[assignment]  # noqa: B008 - Beam's way
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider()),  # noqa: B008
    ) -> Iterator[TimestampedValue[datetime]]:
        now_s = time.time()
        now, after = Timestamp.of(now_s), watermark.current_watermark()
        if after is None or now >= after:
            if not tracker.try_claim(now.micros):
                return
            yield TimestampedValue(now.to_utc_datetime(has_tz=True), now)
            after = Timestamp.of((now_s // self.every_s + 1) * self.every_s)
            watermark.set_watermark(after)  # nothing more comes in the window: it may close when its work is done
        tracker.defer_remainder(after)


def to_each(tick: datetime, groups: Iterable[int]) -> Iterator[tuple[int, datetime]]:
    """The tick for each group of hosts."""
    for group in groups:
        yield group, tick


class PollFn(beam.DoFn):
    """Polls those feeds of a group that are due at a tick."""

    STATE = ReadModifyWriteStateSpec("feeds", PickleCoder())  # of a `_Remembered`

    def __init__(
        self,
        groups: Mapping[int, list[Feed]],
        settings: FetchSettings,
        root: str,
        workers: int,
        remembered: Mapping[str, str],
    ) -> None:
        self.groups, self.settings, self.root, self.remembered = groups, settings, root, remembered
        self.processes = workers

    def setup(self) -> None:
        self.workers = shared_workers(self.processes)

    def process(
        self,
        element: tuple[int, datetime],
        state: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(STATE),  # type: ignore[assignment]  # noqa: B008 - as above
    ) -> Iterator[Found]:
        group, now = element
        watch = Stopwatch("fetch")
        feeds = self.groups[group]
        known: _Remembered = state.read() or _Remembered(
            {feed.url: self.remembered[feed.url] for feed in feeds if feed.url in self.remembered}
        )
        with ExitStack() as stack:
            seen = stack.enter_context(closing(SeenEntries(Path(self.root))))
            memory = stack.enter_context(closing(Memory(Path(self.root))))
            known = known.waiting(seen, now)
            ready = [(feed, known.state(feed)) for feed in feeds]
            ready = [(feed, was) for feed, was in ready if due(was, now, feed.interval_s)]
            polls = poll_feeds(ready, self.settings, self.workers, now)
            while True:
                with watch.running():
                    poll = next(polls, None)
                if poll is None:
                    break
                news = [entry for entry in poll.entries if known.is_news(entry, seen, memory)]
                known = known.after(poll, news, now)
                yield from outputs(poll, news)
        state.write(known)
        if ready:
            yield TaggedOutput[Literal["polls"], Polled | Spent]("polls", watch.note())


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What a group's polls told so far: the state of each feed as JSON, by its address, and of the entries found within
    `FOUND_S` those that are not committed yet: fingerprint, time and the feed's address by key."""

    feeds: Mapping[str, str]
    found: Mapping[bytes, tuple[bytes, datetime, str]] = field(default_factory=dict)

    def state(self, feed: Feed) -> FeedState | None:
        told = self.feeds.get(feed.url)
        return FeedState.from_json(json.loads(told)) if told else None

    def waiting(self, seen: SeenEntries, now: datetime) -> "_Remembered":
        """Without the entries of which the dataset tells by now, and without the old ones, whose feeds are to be asked
        for all they have."""
        oldest = now - timedelta(seconds=FOUND_S)
        found = {
            key: entry for key, entry in self.found.items() if (known := seen.get(key)) is None or known[0] != entry[0]
        }
        lost = {url for _, at, url in found.values() if at < oldest}
        return _Remembered(
            feeds={url: in_full(told) if url in lost else told for url, told in self.feeds.items()},
            found={key: entry for key, entry in found.items() if entry[1] >= oldest},
        )

    def is_news(self, entry: Entry, seen: SeenEntries, memory: Memory) -> bool:
        key = key_of(entry)
        if key in self.found:
            return self.found[key][0] != entry_fingerprint(entry)
        return is_news(entry, seen.get(key), memory)

    def after(self, poll: Poll, news: Iterable[Entry], now: datetime) -> "_Remembered":
        found = {key: (mark, now, poll.feed.url) for key, mark in marks(news)}
        return _Remembered({**self.feeds, poll.feed.url: json.dumps(poll.state.to_json())}, {**self.found, **found})


def in_full(told: str) -> str:
    """The state of a feed, as JSON, without what keeps its next answer short."""
    state = FeedState.from_json(json.loads(told))
    return json.dumps(dataclasses.replace(state, etag=None, last_modified=None, body_hash=None).to_json())


def outputs(poll: Poll, news: list[Entry]) -> Iterator[Found]:
    """A poll on the outputs it belongs to. The oldest entry of a feed arrives first, a microsecond before the next."""
    for turn, entry in enumerate(reversed(news)):
        yield dataclasses.replace(entry, seen_at=entry.seen_at + timedelta(microseconds=turn))
    for row in poll.fetches:
        yield TaggedOutput[Literal["fetches"], HttpFetch]("fetches", row)
    if poll.reject:
        yield TaggedOutput[Literal["rejects"], Reject]("rejects", poll.reject)
    polled = Polled(
        feed_url=poll.feed.url,
        outcome=poll.outcome,
        reason=poll.reject.reason if poll.reject else None,
        state=json.dumps(poll.state.to_json()),
        entries=len(poll.entries),
        seen=tuple((key.hex(), mark.hex()) for key, mark in marks(news)),
    )
    yield TaggedOutput[Literal["polls"], Polled | Spent]("polls", polled)
