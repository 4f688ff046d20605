"""The unbounded source: feeds polled at their ticks, and a state that does not grow with time."""

import pickle
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from pipeline.dataset import Dataset
from pipeline.state import ArticleMemory, FeedMemory
from tests.articles import NOON, REPORT, make_article
from tests.servers import Reply, Request, Site, serve
from transforms.deduplicate import AssignPendingFn
from transforms.partitions import write_parts
from transforms.schema import Article, Entry, Feed, Polled
from transforms.settings import DeduplicateSettings, FetchSettings, WriteSettings
from transforms.watch import END, PollFn, TickFn, TicksProvider

ROUNDS = 1_000
LISTED = 30  # entries in the feed at a time
EVERY = timedelta(minutes=10)


@dataclass
class State:
    """What an engine keeps for a key, as the bytes it would keep."""

    kept: bytes | None = None

    def read(self) -> Any:
        return None if self.kept is None else pickle.loads(self.kept)  # noqa: S301 - of this test

    def write(self, value: Any) -> None:
        self.kept = pickle.dumps(value)

    def clear(self) -> None:
        self.kept = None

    @property
    def size(self) -> int:
        return len(self.kept or b"")


class Tracker(OffsetRestrictionTracker):
    """As an engine's: remembers when the rest is to go on."""

    deferred: Timestamp | None = None

    def defer_remainder(self, at: Timestamp) -> None:
        self.deferred = at


class Watermark:
    at: Timestamp | None = None

    def current_watermark(self) -> Timestamp | None:
        return self.at

    def set_watermark(self, at: Timestamp) -> None:
        assert self.at is None or at >= self.at  # or an engine fails
        self.at = at


def ticks(every_s: float, now_s: float, tracker: Tracker, watermark: Watermark) -> list[float]:
    """The instants that a call at `now_s` brings; the rest of the restriction is for the next call, as on an engine."""
    clock = pytest.MonkeyPatch()
    clock.setattr("time.time", lambda: now_s)
    found = [float(tick.timestamp) for tick in TickFn(every_s).process(b"", tracker, watermark)]  # type: ignore[arg-type]
    clock.undo()
    return found


def rest(tracker: Tracker, now_s: float) -> Tracker:
    return Tracker(OffsetRange(int(now_s * 1e6) + 1, END))


def test_a_tick_comes_once_a_window_and_those_missed_are_not_made_up_for() -> None:
    tracker, watermark = Tracker(TicksProvider().initial_restriction(b"")), Watermark()
    assert ticks(60.0, 1_000.0, tracker, watermark) == [1_000.0]  # not one for each minute since 1970
    assert (watermark.at, tracker.deferred) == (Timestamp(1_020), Timestamp(1_020))
    tracker = rest(tracker, 1_000.0)
    assert ticks(60.0, 1_019.9, tracker, watermark) == []  # woken too early
    assert tracker.deferred == Timestamp(1_020)
    assert ticks(60.0, 5_000.0, rest(tracker, 1_000.0), watermark) == [5_000.0]
    assert watermark.at == Timestamp(5_040)


@pytest.mark.parametrize(("every_s", "at_s", "after_s"), [(1.0, 1_020.0, 1_021), (600.0, 1_020.0, 1_200)])
def test_ticks_go_on_from_a_savepoint_with_windows_of_another_length(every_s: float, at_s: float, after_s: int) -> None:
    tracker, watermark = Tracker(TicksProvider().initial_restriction(b"")), Watermark()
    ticks(60.0, 1_000.0, tracker, watermark)
    assert ticks(every_s, 1_001.0, rest(tracker, 1_000.0), watermark) == []  # its window may have been closed
    assert ticks(every_s, at_s, rest(tracker, 1_000.0), watermark) == [at_s]
    assert watermark.at == Timestamp(after_s)


def test_a_clock_that_was_set_back_is_waited_for() -> None:
    tracker, watermark = Tracker(TicksProvider().initial_restriction(b"")), Watermark()
    ticks(60.0, 10_000.0, tracker, watermark)
    tracker = rest(tracker, 10_000.0)
    assert ticks(60.0, 1_000.0, tracker, watermark) == []
    assert tracker.deferred == Timestamp(10_020)


@pytest.fixture
def site() -> Iterator[Site]:
    """A feed that has one entry more each time it is asked."""
    asked = 0

    def feed(request: Request) -> Reply:
        nonlocal asked
        asked += 1
        numbers = range(max(0, asked - LISTED), asked)
        items = "".join(f"<item><title>No. {n}</title><link>/news/{n}</link></item>" for n in reversed(numbers))
        return Reply(body=f"<rss version='2.0'><channel>{items}</channel></rss>")

    with serve({"/feed": feed}) as server:
        yield server


def poll(function: PollFn, state: State, at: datetime) -> tuple[list[Entry], list[Polled]]:
    outputs = list(function.process((0, at), state))  # type: ignore[arg-type]  # what Beam would hand over
    polls = [item.value for item in outputs if isinstance(item, TaggedOutput) and isinstance(item.value, Polled)]
    return [item for item in outputs if isinstance(item, Entry)], polls


@pytest.mark.timeout(600)
def test_the_state_of_polls_is_bounded_however_long_they_go_on(site: Site, tmp_path: Path) -> None:
    feed = Feed(url=site.url("/feed"), id="a", interval_s=1)
    settings = FetchSettings(allow_hosts=(site.host,), per_host_delay_s=0, respect_robots=False)
    function = PollFn({0: [feed]}, settings, str(tmp_path), 1, {})
    function.setup()
    dataset, state = Dataset(tmp_path), State()
    dataset.state.mkdir()
    sizes: list[int] = []
    found: list[str] = []
    waiting: list[Polled] = []
    for number in range(ROUNDS):
        entries, polls = poll(function, state, NOON + number * EVERY)
        found += [entry.url.rpartition("/")[2] for entry in entries]
        sizes.append(state.size)
        waiting += polls
        if number % 5 == 4:  # commits come late, five windows at a time
            save(dataset, waiting)
            waiting = []
    assert found == [str(number) for number in range(ROUNDS)]  # each once, none missed
    assert max(sizes) <= 1.1 * max(sizes[:50])
    known = {feed.url: polls[0].state}
    again = PollFn({0: [feed]}, settings, str(tmp_path), 1, known)
    again.setup()
    assert len(poll(again, State(), NOON + ROUNDS * EVERY)[0]) == 1  # the dataset knows the rest


def test_entries_whose_window_is_never_committed_are_found_again_after_an_hour(site: Site, tmp_path: Path) -> None:
    feed = Feed(url=site.url("/feed"), id="a", interval_s=1)
    settings = FetchSettings(allow_hosts=(site.host,), per_host_delay_s=0, respect_robots=False)
    function, state = PollFn({0: [feed]}, settings, str(tmp_path), 1, {}), State()
    function.setup()
    found = [len(poll(function, state, NOON + number * timedelta(minutes=20))[0]) for number in range(6)]
    assert found == [1, 1, 1, 1, 2, 2]


def test_entries_whose_window_was_lost_are_found_though_their_feed_does_not_change(tmp_path: Path) -> None:
    told = "<rss version='2.0'><channel><item><title>One</title><link>/1</link></item></channel></rss>"
    with serve({"/feed": Reply(body=told, headers={"ETag": '"1"'})}) as site:
        settings = FetchSettings(allow_hosts=(site.host,), per_host_delay_s=0, respect_robots=False)
        function = PollFn({0: [Feed(url=site.url("/feed"), id="a", interval_s=1)]}, settings, str(tmp_path), 1, {})
        function.setup()
        state = State()
        found = [len(poll(function, state, NOON + number * timedelta(minutes=20))[0]) for number in range(6)]
    assert found == [1, 0, 0, 0, 1, 0]


def save(dataset: Dataset, polls: list[Polled]) -> None:
    with closing(FeedMemory(dataset)) as feeds:
        feeds.save_seen([(bytes.fromhex(key), bytes.fromhex(mark)) for one in polls for key, mark in one.seen])


def test_articles_leave_the_state_when_they_are_committed_or_an_hour_old(tmp_path: Path) -> None:
    dataset, state, timer = Dataset(tmp_path), State(), State()
    timer.set = lambda at: None  # type: ignore[attr-defined]  # the engine's
    function = AssignPendingFn(DeduplicateSettings(), str(tmp_path))
    dataset.state.mkdir()
    ArticleMemory(dataset).catch_up()
    sizes = []
    for number in range(60):
        seen_at = NOON + number * EVERY
        article = make_article(f"https://a.example/{number}", text=f"{REPORT}\n{number}", first_seen_at=seen_at)
        window = Timestamp.from_utc_datetime(seen_at)
        assigned, spent = function.process((0, [article]), window, state, timer)  # type: ignore[arg-type]
        assert isinstance(assigned, Article)
        assert isinstance(spent, TaggedOutput)
        assert (assigned.duplicate_of is None) == (number == 0)  # also while the original is not committed
        sizes.append(state.size)
        if number % 3 != 2:  # every third is rejected later on
            commit(dataset, f"{seen_at:%Y%m%dT%H%M%SZ}-abcdef", assigned)
    assert max(sizes[10:]) <= 1.1 * max(sizes[:10])


def commit(dataset: Dataset, run_id: str, article: Article) -> None:
    stamped = replace(article, run_id=run_id)
    parts = [part.path for part in write_parts([stamped], dataset.staging / run_id, run_id, WriteSettings())]
    dataset.write_manifest({"run_id": run_id, "files": parts, "finished_at": NOON.isoformat()})
    dataset.publish(run_id, parts)
    ArticleMemory(dataset).apply(parts)
