"""Windows of an unbounded pipeline, committed: each once, by the same protocol as any run, whatever an engine delivers
again.

A window is a run of its own. What an engine processes a second time, because it was set back to a checkpoint, is told
by the dataset itself: versions that are stored, entries whose end is known, part files that were taken.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import metrics, runner
from pipeline.alarms import alarms_of
from pipeline.books import account, outcomes
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.errors import DatasetLockedError
from pipeline.report import STAGES, Report
from pipeline.run import Options, Progress, commit
from pipeline.state import ArticleMemory, FeedMemory
from transforms import delivery
from transforms.delivery import Delivery
from transforms.memory import Memory
from transforms.partitions import RUN_STAMP, PartFile, rows_of, write_table
from transforms.polling import FeedState
from transforms.seen import entry_key

VERSION_KEY = ["article_id", "version"]


class Committer:
    """Commits what a job delivers."""

    def __init__(self, config: Config, options: Options, dataset: Dataset, folder: Path, progress: Progress) -> None:
        self.config, self.dataset, self.folder, self.progress = config, dataset, folder, progress
        self.runner = runner.describe(options.runner, options.beam_arguments)
        self.articles, self.now = ArticleMemory(dataset), options.now
        self.has_committed = False

    def commit_all(self) -> Iterator[Report]:
        """Commit the deliveries there are, the oldest first; while another writer holds the dataset they wait."""
        for run_folder, name in list(delivery.found(self.folder)):
            try:
                with self.dataset.lock("a stream", self.now()) as fresh_id:
                    report = self._commit(run_folder, name, fresh_id)
            except DatasetLockedError:
                return
            self.has_committed = True
            if report is not None:
                metrics.tell(self.config, report)
                self.progress("done", report, 0)
                yield report

    def _commit(self, run_folder: Path, name: str, fresh_id: str) -> Report | None:
        """Commit one delivery, as the run it was made for; or, where that is committed already or later runs are, what
        is new in it as a run of its own. None when nothing is. A part file that is not there was committed: the window
        was delivered a second time."""
        self.articles.catch_up()
        found = delivery.load(run_folder, name)
        there = tuple(part for part in found.parts if (run_folder / part.path).exists())
        again = len(there) < len(found.parts)
        found = dataclasses.replace(found, parts=there)
        with closing(Memory(self.dataset.root)) as memory:
            again = again or self._stored(found, run_folder, memory)
            whole = not again and found.run_id > max(self.dataset.run_ids(), default="")
            parts = self._moved(found, run_folder) if whole else self._renamed(found, run_folder, fresh_id, memory)
        if not whole:
            found = dataclasses.replace(found, run_id=fresh_id, parts=tuple(parts))
        report = None
        if parts or (found.polls and not again):
            report = self._report(found, sum(len(poll.seen) for poll in found.polls) if whole else None)
            report = commit(report, parts, self.dataset, self.articles)
            self._remember(found, again=again)
        (run_folder / f"{name}{delivery.SUFFIX}").unlink()
        _remove_empty(run_folder)
        return report

    def _stored(self, found: Delivery, run_folder: Path, memory: Memory) -> bool:
        """Whether any version in the delivery is stored already: the window was processed a second time."""
        files = [run_folder / part.path for part in found.parts if part.dataset == "articles"]
        return any(_is_stored(row, memory) for file in files for row in rows_of(file, VERSION_KEY))

    def _moved(self, found: Delivery, run_folder: Path) -> Sequence[PartFile]:
        """Take the files over as they are."""
        for part in found.parts:
            place = self.dataset.staging / found.run_id / part.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (run_folder / part.path).rename(place)
        return found.parts

    def _renamed(self, found: Delivery, run_folder: Path, run_id: str, memory: Memory) -> Sequence[PartFile]:
        """What is not committed yet, rewritten as part files of the run `run_id`."""
        ended = self._ended(found.run_id)
        parts = []
        for part in found.parts:
            table = pq.read_table(run_folder / part.path, partitioning=None)
            if part.dataset == "articles":
                rows = table.select(VERSION_KEY).to_pylist()
                table = table.filter([not _is_stored(row, memory) for row in rows])
            elif part.dataset == "rejects":
                rows = table.select(["feed_id", "url", "guid"]).to_pylist()
                table = table.filter([entry_key(row["feed_id"], row["url"], row["guid"]) not in ended for row in rows])
            if table.num_rows:
                column = pa.array([run_id] * table.num_rows, table.schema.field("run_id").type)
                table = table.set_column(table.schema.get_field_index("run_id"), table.schema.field("run_id"), column)
                path = f"{part.path.rpartition('/')[0]}/{run_id}-0000.parquet"
                staged = self.dataset.staging / run_id / path
                write_table(table, staged, part.dataset, self.config.settings.write)
                parts.append(PartFile(path=path, rows=table.num_rows, size_bytes=staged.stat().st_size))
            (run_folder / part.path).unlink()
        return parts

    def _ended(self, run_id: str) -> set[bytes]:
        """The entries that a committed run told the end of."""
        if run_id not in self.dataset.run_ids():
            return set()
        files = [path for path in self.dataset.manifest(run_id)["files"] if (self.dataset.root / path).exists()]
        return outcomes(self.dataset.root, [PartFile(path=path, rows=0, size_bytes=0) for path in files])[0]

    def _report(self, found: Delivery, sent: int | None) -> Report:
        """The report of a window; of a part of one the books are what there is of it."""
        started_at = datetime.strptime(found.run_id.partition("-")[0], RUN_STAMP).replace(tzinfo=UTC)
        now = self.now()
        report = Report(
            run_id=found.run_id,
            started_at=started_at,
            finished_at=now,
            runner=self.runner,
            config_sha256=self.config.sha256,
            feeds_not_due=len(self.config.feeds) - len(found.polls),
            seconds=dict.fromkeys(STAGES, 0.0) | {"total": (now - started_at).total_seconds()},
        )
        report = account(report, found, self.dataset.staging / found.run_id, sent)
        report.check_books()
        settings = self.config.settings.alarms
        states = [FeedState.from_json(json.loads(poll.state)) for poll in found.polls]
        fired = alarms_of(report, settings, states, self.dataset)
        return dataclasses.replace(report, alarms=fired)

    def _remember(self, found: Delivery, *, again: bool) -> None:
        """Feeds and entries, now that what they brought is committed; of postponed entries nothing, of a window that
        comes `again` the entries that ended now."""
        postponed = _keys(found, "postponed")
        seen = [(bytes.fromhex(key), bytes.fromhex(mark)) for poll in found.polls for key, mark in poll.seen]
        ended, retryable = outcomes(self.dataset.root, found.parts)
        if again:
            ended |= _keys(found, "unchanged")
            seen = [(key, mark) for key, mark in seen if key in ended]
        with closing(FeedMemory(self.dataset)) as feeds:
            feeds.save_seen([(key, mark) for key, mark in seen if key not in postponed], retryable)
            feeds.keep([note.entry for note in found.kept], retryable)
            if not (postponed or again):
                feeds.save_feeds((poll.feed_url, FeedState.from_json(json.loads(poll.state))) for poll in found.polls)


def _keys(found: Delivery, how: str) -> set[bytes]:
    return {entry_key(note.feed_id, note.url, note.guid) for note in found.settled if note.how == how}


def _remove_empty(folder: Path) -> None:
    """Remove a folder with what is empty in it: there will be one for each window."""
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()


def _is_stored(row: dict[str, Any], memory: Memory) -> bool:
    known = memory.latest(row["article_id"])
    return known is not None and known.version >= row["version"]
