"""One bounded run: poll what is due, run the pipeline batch by batch, commit each batch, report.

A run can be stopped at any moment. What is committed stays, what is not is fetched again by the next run.
"""

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from pipeline import metrics, runner
from pipeline.alarms import alarms_of
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.drift import add_tallies
from pipeline.errors import DatasetLockedError, RunFailedError
from pipeline.report import STAGES, Report, add_counts, merge
from pipeline.spool import Spool
from pipeline.state import ArticleMemory, FeedMemory, entry_key
from transforms import interrupt, tally
from transforms.crawler import shared_crawler
from transforms.feed_poller import Poll, poll_feeds
from transforms.memory import Memory
from transforms.partitions import PartFile, stamp_run, write_parts
from transforms.polling import FeedState
from transforms.schema import Entry, HttpFetch, Reject
from transforms.settings import Settings
from transforms.workers import shared_workers

if TYPE_CHECKING:
    from apache_beam import Pipeline

    from pipeline.build import Batch

INTERNAL_ERRORS_ALLOWED = 0.02  # share of a batch's entries; more means the program is broken, not the pages


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
    dataset = Dataset(Path(config.output))
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
        self.batch_number = 0
        self.loading: threading.Thread | None = None
        self.report = Report(
            run_id=run_id,
            started_at=started_at,
            runner=runner.describe(options.runner),
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
        self.report = dataclasses.replace(self.report, alarms=fired, finished_at=self.options.now())
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
        """Load what the first batch will need while feeds are still being asked."""
        if not self.loading:
            self.loading = threading.Thread(target=runner.load)
            self.loading.start()

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
            self._run_batch(entries)

    def _remember(self, entries: Sequence[Entry], retryable: set[bytes]) -> None:
        """Note the entries of a committed batch as seen."""
        self.feeds.save_seen(entries, retryable)

    def _run_batch(self, entries: Sequence[Entry]) -> None:
        """Run the five transforms over `entries` and commit what came out."""
        seen_at = self.options.now()
        entries = [
            dataclasses.replace(entry, seen_at=seen_at + timedelta(microseconds=number))
            for number, entry in enumerate(entries)
        ]
        from pipeline.build import build

        counters, parts = self._run_pipeline(build, entries)
        finished, retryable = _outcomes(self.dataset.root, parts)
        # after a stop the postponed entries are not told from the unchanged ones: both are looked at again
        done = [
            entry
            for entry in entries
            if not counters["postponed"] or entry_key(entry.feed_id, entry.url, entry.guid) in finished
        ]
        self._remember(done, retryable)

    def _run_pipeline(
        self, wire: "Callable[[Pipeline, Batch, Settings], None]", entries: Sequence[Entry], sent: int | None = None
    ) -> tuple[Counter[str], Sequence[PartFile]]:
        """Run the next batch through the pipeline that `wire` builds, and commit what came out; its counters and files.

        `sent` is how many entries go in, where they are not `entries`.
        """
        from pipeline.build import Batch

        self.batch_number += 1
        run_id = self.report.run_id
        batch = Batch(
            entries=entries,
            root=str(self.dataset.root),
            staging=str(self.dataset.staging / run_id),
            name=f"{run_id}-{self.batch_number:04d}",
            run_id=run_id,
        )
        self.progress("batch", self.report, self.spool.size)
        pipeline = runner.make_pipeline(self.options.runner, self.options.beam_arguments)
        wire(pipeline, batch, self.config.settings)
        counters = runner.run_to_end(pipeline)
        parts = self.dataset.staged_parts(run_id)
        report = self._account(len(entries) if sent is None else sent, counters, parts)
        report.check_books()
        self._commit(report, parts)
        return counters, parts

    def _account(self, sent: int, counters: Counter[str], parts: Sequence[PartFile]) -> Report:
        """The report with this batch added: rows from the files on disk, the rest from the pipeline's counters."""
        stored = sum(part.rows for part in parts if part.path.startswith("articles/"))
        rejects = [
            row
            for part in parts
            if part.path.startswith("rejects/")
            for row in _rows(self.dataset.staging / self.report.run_id / part.path, ["reason", "detail"])
        ]
        reasons = Counter(row["reason"] for row in rejects)
        if reasons["internal-error"] > max(5, INTERNAL_ERRORS_ALLOWED * sent):
            ((detail, _),) = Counter(row["detail"] for row in rejects if row["reason"] == "internal-error").most_common(
                1
            )
            raise RunFailedError(
                f"{reasons['internal-error']} of {sent} entries ended in an internal error, most often: {detail}"
            )
        report = add_counts(
            self.report,
            entries=sent - counters["postponed"],
            unchanged=counters["unchanged"],
            stored=stored,
            versions=counters["versions"],
            exact=counters["duplicates-exact"],
            near=counters["duplicates-near"],
            dropped=counters["dropped"],
            rejected=reasons.total() - counters["dropped"],
            postponed=counters["postponed"],
        )
        seconds = {stage: counters[f"{stage}-usec"] / 1e6 for stage in STAGES}
        return dataclasses.replace(
            report, reasons=merge(report.reasons, reasons), seconds=merge(report.seconds, seconds)
        )

    # ---------------------------------------------------------------- commit

    def _commit(self, report: Report, parts: Sequence[PartFile]) -> None:
        """Manifest first, then the files become visible, then the memory takes them in."""
        report = add_tallies(report, self.dataset.staging / report.run_id, parts)
        self.report = dataclasses.replace(
            report,
            files=(*report.files, *(part.path for part in parts)),
            size_bytes=report.size_bytes + sum(part.size_bytes for part in parts),
            seconds={**report.seconds, "total": time.perf_counter() - self.started},
        )
        self.dataset.write_manifest(self.report.to_json())
        self.dataset.publish(report.run_id, [part.path for part in parts])
        self.articles.apply([part.path for part in parts])


def _outcomes(staging: Path, parts: Sequence[PartFile]) -> tuple[set[bytes], set[bytes]]:
    """Keys of the entries that ended in a row, and among them of those rejected for now only."""
    finished, retryable = set(), set()
    for part in parts:
        if part.path.startswith("articles/"):
            rows = _rows(staging / part.path, ["feed_id", "source_url", "guid"])
            finished |= {entry_key(row["feed_id"], row["source_url"], row["guid"]) for row in rows}
        elif part.path.startswith("rejects/"):
            rows = _rows(staging / part.path, ["feed_id", "url", "guid", "retryable"])
            finished |= {entry_key(row["feed_id"], row["url"], row["guid"]) for row in rows}
            retryable |= {entry_key(row["feed_id"], row["url"], row["guid"]) for row in rows if row["retryable"]}
    return finished, retryable


def _rows(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path, columns=columns, partitioning=None).to_pylist()
    return rows
