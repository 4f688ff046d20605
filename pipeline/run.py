"""One bounded run: poll what is due, run the pipeline batch by batch, commit each batch, report.

A run can be stopped at any moment. What is committed stays, what is not is fetched again by the next run.
"""

import dataclasses
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import jobs, metrics, runner
from pipeline.alarms import alarms_of
from pipeline.books import account, outcomes
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.drift import add_tallies
from pipeline.errors import DatasetLockedError, RunFailedError, StoppedError
from pipeline.report import STAGES, Alarm, Report, add_counts, merge
from pipeline.spool import Spool
from pipeline.state import ArticleMemory, FeedMemory
from transforms import interrupt, tally
from transforms.crawler import shared_crawler
from transforms.delivery import Delivery
from transforms.delivery import load as load_delivery
from transforms.feed_poller import Poll, poll_feeds
from transforms.memory import Memory
from transforms.partitions import PartFile, stamp_run, write_parts
from transforms.polling import FeedState
from transforms.schema import Entry, HttpFetch, Reject
from transforms.seen import entry_key, key_of, marks
from transforms.settings import Settings
from transforms.workers import shared_workers

if TYPE_CHECKING:
    from apache_beam import Pipeline

    from pipeline.build import Place


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run, beside the config. `now` is the clock of a run."""

    runner: str = "direct"
    beam_arguments: Sequence[str] = ()
    now: Callable[[], datetime] = utc_now


Progress = Callable[[str, Report, int], None]  # phase, the report so far, entries of the run that go to the pipeline


def run_once(config: Config, options: Options, progress: Progress, kind: "Callable[..., Run] | None" = None) -> Report:
    """One run over the feeds that are due; raises `DatasetLockedError`, `DatasetError`, `RunFailedError`.

    `kind` makes a run with other work.
    """
    started_at = options.now()
    root = Path(config.output)
    dataset = Dataset(root if options.runner == "direct" else root.absolute())  # an engine's workers stand elsewhere
    try:
        with dataset.lock("a run", started_at) as run_id:
            make = kind or Run
            run = make(config, options, dataset=dataset, run_id=run_id, started_at=started_at, progress=progress)
            try:
                report = run.execute()
            finally:
                run.close()
    except DatasetLockedError:  # the numbers are the other run's to tell
        raise
    except BaseException:
        metrics.tell_failed(config, options.now())
        raise
    metrics.tell(config, report)
    return report


class Run:
    """The state of one run between its batches. Use it under the dataset's lock."""

    def __init__(
        self,
        config: Config,
        options: Options,
        *,
        dataset: Dataset,
        run_id: str,
        started_at: datetime,
        progress: Progress,
    ) -> None:
        self.config, self.options, self.dataset, self.progress = config, options, dataset, progress
        self.articles = ArticleMemory(dataset)
        self.feeds = FeedMemory(dataset)
        self.spool = Spool(dataset.staging / run_id / "entries.sqlite3")
        self.started = time.perf_counter()
        self.polled: dict[str, FeedState] = {}
        self.noticed: list[Alarm] = []
        self.batch_number = 0
        self.loading: threading.Thread | None = None
        self.children = runner.children(options.runner, options.beam_arguments, config.settings.run.workers)
        self.report = Report(
            run_id=run_id,
            started_at=started_at,
            runner=runner.describe(options.runner, options.beam_arguments),
            config_sha256=config.sha256,
            seconds=dict.fromkeys(STAGES, 0.0),
        )

    def execute(self) -> Report:
        """Do the work, then report."""
        self.articles.catch_up()
        tally.reset_live()
        with closing(Memory(self.dataset.root)) as self.memory:
            self._work()
        fired = alarms_of(self.report, self.config.settings.alarms, self.polled.values(), self.dataset)
        self.report = dataclasses.replace(self.report, alarms=(*self.noticed, *fired), finished_at=self.options.now())
        self._commit(self.report, [])
        self.progress("done", self.report, 0)
        return self.report

    def _work(self) -> None:
        """Poll, then batch after batch."""
        self.progress("poll", self.report, self.spool.size)
        with self._known_robots():
            self._poll()
            self._run_batches()
        if not self.report.postponed and not interrupt.requested.is_set():
            self.feeds.save_feeds(self.polled.items())

    @contextmanager
    def _known_robots(self) -> Iterator[None]:
        """Inside, what hosts answered earlier runs for their robots.txt holds; what they answer here is kept."""
        crawler = shared_crawler(self.config.settings.fetch)
        crawler.remember_robots(self.feeds.robots(), self.options.now())
        yield
        self.feeds.save_robots(crawler.take_learned(), self.options.now())

    def close(self) -> None:
        self.spool.close()
        self.feeds.close()

    # ---------------------------------------------------------------- polling

    def _poll(self) -> None:
        """Poll the due feeds; their new entries go to the spool, their rows to a part of their own."""
        now = self.report.started_at
        ready = self.feeds.ready(self.config.feeds, now)
        rows: list[Reject | HttpFetch] = []
        self.report = add_counts(self.report, feeds_not_due=len(self.config.feeds) - len(ready))
        if any(state is None for _, state in ready):
            self._expect_work()
        start = time.perf_counter()
        for poll in poll_feeds(
            ready, self.config.settings.fetch, shared_workers(self.config.settings.run.workers), now
        ):
            rows += self._take(poll)
            self.progress("poll", self.report, self.spool.size)
        polling = {"fetch": time.perf_counter() - start}
        self.report = dataclasses.replace(self.report, seconds=merge(self.report.seconds, polling))
        parts = write_parts(
            [stamp_run(row, self.report.run_id) for row in rows],
            self.dataset.staging / self.report.run_id,
            f"{self.report.run_id}-feeds",
            self.config.settings.write,
        )
        self.report.check_books()
        self._commit(self.report, parts)

    def _expect_work(self) -> None:
        """Load what the first batch will need, here and in the children, while feeds are still being asked."""
        if not self.loading:
            self.loading = threading.Thread(target=self._load)
            self.loading.start()

    def _load(self) -> None:
        shared_workers(self.config.settings.run.workers).warm()  # they load beside this process
        runner.load()

    def _take(self, poll: Poll) -> list[Reject | HttpFetch]:
        """Count one poll, spool what is new in it; returns its rows."""
        news = [entry for entry in poll.entries if self.feeds.is_news(entry, self.memory)]
        spooled = self.spool.add(news)
        if spooled:
            self._expect_work()
        self.report = add_counts(
            self.report,
            feeds_polled=1,
            feeds_unchanged=poll.outcome == "unchanged",
            feeds_failed=poll.outcome == "failed",
            entries=len(poll.entries) - spooled,
            unchanged=len(poll.entries) - spooled,
        )
        if poll.reject:
            self.report = dataclasses.replace(
                self.report, feed_reasons=merge(self.report.feed_reasons, {poll.reject.reason: 1})
            )
        self.polled[poll.feed.url] = poll.state
        return [*poll.fetches, *([poll.reject] if poll.reject else [])]

    # ---------------------------------------------------------------- batches

    def _run_batches(self) -> None:
        """Run what is spooled, batch by batch, until it is done or the run is to end."""
        if self.loading:
            self.loading.join()
        for entries in self.spool.batches(self.config.settings.run.batch_entries):
            if interrupt.requested.is_set():
                return
            with suppress(StoppedError):
                self._run_batch(entries)

    def _remember(self, entries: Sequence[Entry], retryable: set[bytes]) -> None:
        """Note the entries of a committed batch as seen."""
        self.feeds.save_seen(marks(entries), retryable)
        self.feeds.keep(entries, retryable)

    def _run_batch(self, entries: Sequence[Entry]) -> None:
        """Run the five transforms over `entries` and commit what came out."""
        seen_at = self.options.now()
        entries = [
            dataclasses.replace(entry, seen_at=seen_at + timedelta(microseconds=number))
            for number, entry in enumerate(entries)
        ]
        from pipeline.build import build

        batch = str(self.spool.hand_over(entries, self.batch_number + 1))
        delivery = self._run_pipeline(
            lambda pipeline, place, settings: build(pipeline, batch, place, settings), len(entries)
        )
        rows, retryable = outcomes(self.dataset.root, delivery.parts)
        settled = {entry_key(note.feed_id, note.url, note.guid) for note in delivery.settled if note.how == "unchanged"}
        done = [entry for entry in entries if key_of(entry) in rows | settled]
        self._remember(done, retryable)

    def _run_pipeline(self, wire: "Callable[[Pipeline, Place, Settings], None]", sent: int) -> Delivery:
        """Run the next batch, of `sent` entries, through the pipeline that `wire` builds, and commit what came out."""
        from pipeline.build import Place
        from transforms.write import OneRun

        self.batch_number += 1
        run_id = self.report.run_id
        name = f"{run_id}-{self.batch_number:04d}"
        place = Place(
            root=str(self.dataset.root),
            staging=str(self.dataset.staging),
            names=OneRun(run_id, name),
            shards=runner.shards(self.options.runner, self.options.beam_arguments),
            aside=None if self.options.runner == "direct" else f"{self.dataset.staging}/{run_id}/aside",
            children=self.children,
            archive=f"{self.dataset.root}/archive/{name}" if self.config.settings.fetch.archive else None,
        )
        self.progress("batch", self.report, self.spool.size)
        pipeline = runner.make_pipeline(self.options.runner, self.options.beam_arguments, name=f"newsbeam-{name}")
        wire(pipeline, place, self.config.settings)
        jobs.run_to_end(pipeline)
        if place.aside:
            shutil.rmtree(place.aside, ignore_errors=True)
        delivery = load_delivery(self.dataset.staging / run_id, name)
        staged = self.dataset.staged_parts(run_id)
        if {part.path: part.rows for part in staged} != {part.path: part.rows for part in delivery.parts}:
            raise RunFailedError(f"{name}: the files staged are not those that were delivered")
        report = account(self.report, delivery, self.dataset.staging / run_id, sent)
        report.check_books()
        self._commit(report, delivery.parts)
        return delivery

    # ---------------------------------------------------------------- commit

    def _commit(self, report: Report, parts: Sequence[PartFile]) -> None:
        report = dataclasses.replace(report, seconds={**report.seconds, "total": time.perf_counter() - self.started})
        self.report = commit(report, parts, self.dataset, self.articles)


def commit(report: Report, parts: Sequence[PartFile], dataset: Dataset, articles: ArticleMemory) -> Report:
    """Manifest first, then the staged `parts` become visible, then the memory takes them in. The report as stored."""
    report = add_tallies(report, dataset.staging / report.run_id, parts)
    paths = [part.path for part in parts]
    report = dataclasses.replace(
        report,
        files=(*report.files, *paths),
        size_bytes=report.size_bytes + sum(part.size_bytes for part in parts),
    )
    dataset.write_manifest(report.to_json())
    dataset.publish(report.run_id, paths)
    articles.apply(paths)
    return report
