"""`newsbeam retry`: what was rejected for now (a timeout, a server error) is tried again, without polling any feed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.config import Config
from pipeline.report import Report
from pipeline.rewrite import day_of
from pipeline.run import Options, Progress, Run, run_once
from transforms.memory import Memory
from transforms.partitions import part_files, partition_folders
from transforms.schema import Entry, Feed
from transforms.seen import entry_key, key_of
from transforms.urls import article_id

MOST_REJECTS = 6  # of one entry; after as many it is left alone for good
DAYS_BACK = 14
COLUMNS = ["url", "feed_id", "feed_url", "guid", "title", "retryable", "seen_at"]


def retry_once(config: Config, options: Options, progress: Progress) -> Report:
    """One run over the retryable rejects of the last `DAYS_BACK` days; raises what `run_once` raises."""
    return run_once(config, options, progress, Retry)


class Retry(Run):
    """A run whose work are rejects, each with all that its feed told of it: its article gets the row that a success at
    once would have given. Where `state/` was deleted, what the reject's row tells has to do."""

    def _work(self) -> None:
        self.spool.add(
            [
                self.feeds.kept(key_of(entry)) or entry
                for entry in retryable_entries(
                    self.dataset.root, self.config.feeds, self.memory, self.report.started_at
                )
            ]
        )
        if self.spool.size:
            self._expect_work()
        with self._known_robots():
            self._run_batches()

    def _remember(self, entries: Sequence[Entry], retryable: set[bytes]) -> None:
        self.feeds.save_retried(entries, retryable)
        self.feeds.keep(entries, retryable)


def retryable_entries(root: Path, feeds: Sequence[Feed], memory: Memory, now: datetime) -> Iterator[Entry]:
    """The entries whose newest reject may succeed later, that were not stored since nor given up on for good."""
    known = {feed.id: feed for feed in feeds}
    newest: dict[bytes, dict[str, Any]] = {}
    times: Counter[bytes] = Counter()
    for row in _rejects(root, now):
        key = entry_key(row["feed_id"], row["url"], row["guid"])
        times[key] += 1
        if key not in newest or row["seen_at"] > newest[key]["seen_at"]:
            newest[key] = row
    for key, row in newest.items():
        given_up = not row["retryable"] or times[key] >= MOST_REJECTS
        if not given_up and memory.latest(article_id(row["url"])) is None:
            yield _entry(row, known.get(row["feed_id"]))


def _rejects(root: Path, now: datetime) -> Iterator[dict[str, Any]]:
    """Rejected entries of the last days, feeds that were rejected as a whole left out."""
    oldest = now.date() - timedelta(days=DAYS_BACK)
    for folder in partition_folders(root, "rejects"):
        if day_of(folder.name) >= oldest:
            for file in part_files(folder):
                rows = pq.read_table(file, columns=COLUMNS, partitioning=None).to_pylist()
                yield from (row for row in rows if row["url"] and row["url"] != row["feed_url"])


def _entry(row: dict[str, Any], feed: Feed | None) -> Entry:
    return Entry(
        url=row["url"],
        feed_id=row["feed_id"],
        feed_url=row["feed_url"],
        guid=row["guid"],
        title=row["title"],
        seen_at=row["seen_at"],
        publisher=feed.publisher if feed else None,
        publisher_country=feed.country if feed else None,
        language=feed.language if feed else None,
    )
