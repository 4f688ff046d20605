"""Continuous operation on an engine: one unbounded pipeline, whose windows are committed here one after another.

The engine's workers stage part files and, last, a delivery, below `state/windows/<job>/`. This process holds no data:
it starts the pipeline, and commits each delivery under the dataset's lock by the same protocol as any run. What is
committed is remembered by the dataset alone, so wherever a job is killed, started anew, or set back to a checkpoint:
what was committed is not stored again, what was not is found again.

The folder of a job is made here, and by nobody else. When this process is gone the folder is gone, or put aside, and a
job left over on the engine fails at its next write. A job that goes on from a savepoint, or from a checkpoint that was
kept, gets the folder of the one before: what that had staged and not delivered, the new one's state may tell of.
"""

import dataclasses
import fcntl
import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import jobs, metrics, runner
from pipeline.alarms import alarms_of
from pipeline.books import account, outcomes
from pipeline.build import Place, build_stream
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.errors import DatasetLockedError, RunnerError
from pipeline.report import STAGES, Report
from pipeline.run import Options, Progress, commit
from pipeline.state import ArticleMemory, FeedMemory, feed_states
from pipeline.systemd import Service
from transforms import delivery, interrupt
from transforms.delivery import Delivery
from transforms.memory import Memory
from transforms.partitions import PartFile, rows_of, write_table
from transforms.polling import FeedState
from transforms.seen import entry_key
from transforms.watch import Watch
from transforms.write import RunPerWindow

if TYPE_CHECKING:
    from apache_beam import Pipeline

VERSION_KEY = ["article_id", "version"]
LOOK_S = 0.5  # between two looks for deliveries
CANCEL_S = 30.0  # for a job of a process before this to end
ASIDE = ".aside"  # behind the name of a job's folder that nobody commits from


def stream_windows(
    config: Config, options: Options, every_s: float, progress: Progress, *, service: Service | None = None
) -> Iterator[Report]:
    """Run the unbounded pipeline until `interrupt.requested` is set; yields a report for each window that did anything.

    Raises `DatasetLockedError` when another stream feeds the dataset, `RunFailedError` when the engine gives up,
    `BooksError` when a window's rows do not add up, `RunnerError` for what cannot be had on an engine.
    """
    if every_s < 1:
        raise RunnerError(f"--every {every_s:g}: expected a second or more, by which windows are called")
    if config.settings.fetch.archive:
        raise RunnerError("fetch.archive: pages are not archived by an unbounded pipeline; use --runner direct")
    service = service or Service({})
    dataset = Dataset(Path(config.output))
    with dataset.lock("a stream", datetime.now(UTC)):  # what runs before left undone is finished
        ArticleMemory(dataset).catch_up()
    with _job_folder(dataset, goes_on=runner.goes_on(options.beam_arguments)) as folder:
        committer = Committer(config, options, dataset, folder, progress)
        job = jobs.Job(_pipeline(config, options, every_s, dataset, folder))
        service.ready()
        try:
            ended = False
            while not (ended or interrupt.requested.is_set()):
                ended = job.has_ended(LOOK_S)
                service.working()
                for report in committer.commit_all():
                    service.waiting(f"{report.stored:,} articles stored, {report.feeds_failed:,} feeds failed")
                    yield report
        except Exception:
            metrics.tell_failed(config, datetime.now(UTC))
            raise
        finally:
            job.cancel()
        yield from committer.commit_all()
    if ended and (savepoint := job.savepoint()):
        print(f"newsbeam: stopped; to go on from here: -- --savepoint_path={savepoint}", file=sys.stderr, flush=True)


def _pipeline(config: Config, options: Options, every_s: float, dataset: Dataset, folder: Path) -> "Pipeline":
    """The pipeline of a job that stages below `folder`."""
    name = f"newsbeam-{sha256(str(dataset.root.absolute()).encode()).hexdigest()[:12]}"
    pipeline = runner.make_pipeline(options.runner, options.beam_arguments, name=name, streaming=True)
    jobs.cancel_on_flink(pipeline.options, CANCEL_S)  # what a process that was killed left there
    shards = runner.shards(options.runner)
    watch = Watch(
        feeds=config.feeds,
        settings=config.settings.fetch,
        root=str(dataset.root.absolute()),
        every_s=every_s,
        shards=shards,
        workers=config.settings.run.workers,
        remembered={url: json.dumps(state.to_json()) for url, state in feed_states(dataset).items()},
    )
    place = Place(
        root=str(dataset.root.absolute()),
        staging=str(folder),
        names=RunPerWindow(folder.name),
        shards=shards,
        children=runner.children(options.runner, options.beam_arguments, config.settings.run.workers),
    )
    build_stream(pipeline, watch, place, config.settings)
    return pipeline


@contextmanager
def _job_folder(dataset: Dataset, *, goes_on: bool) -> Iterator[Path]:
    """The folder of a new job, the only one of the dataset: that of the job before, if this one goes on from there.
    Afterwards it is put aside, if there is anything in it."""
    windows = dataset.state.absolute() / "windows"
    windows.mkdir(parents=True, exist_ok=True)
    with (windows / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetLockedError(f"{dataset.root}: another stream on an engine feeds it") from error
        before = [folder for folder in windows.iterdir() if folder.is_dir()]
        if goes_on and before:
            folder = before[0].rename(windows / before[0].name.removesuffix(ASIDE))
        else:
            for folder in before:
                shutil.rmtree(folder)
            folder = windows / secrets.token_hex(3)
            folder.mkdir()
        try:
            yield folder
        finally:
            if any(path.is_file() for path in folder.rglob("*")):
                folder.rename(folder.with_name(f"{folder.name}{ASIDE}"))
            else:
                shutil.rmtree(folder, ignore_errors=True)


class Committer:
    """Commits what a job delivers."""

    def __init__(self, config: Config, options: Options, dataset: Dataset, folder: Path, progress: Progress) -> None:
        self.config, self.dataset, self.folder, self.progress = config, dataset, folder, progress
        self.runner = runner.describe(options.runner, options.beam_arguments)
        self.articles = ArticleMemory(dataset)

    def commit_all(self) -> Iterator[Report]:
        """Commit the deliveries there are, the oldest first; while another writer holds the dataset they wait."""
        for run_folder, name in list(delivery.found(self.folder)):
            try:
                with self.dataset.lock("a stream", datetime.now(UTC)) as fresh_id:
                    report = self._commit(run_folder, name, fresh_id)
            except DatasetLockedError:
                return
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
        files = [run_folder / part.path for part in found.parts if part.path.startswith("articles/")]
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
            dataset = part.path.partition("/")[0]
            table = pq.read_table(run_folder / part.path, partitioning=None)
            if dataset == "articles":
                rows = table.select(VERSION_KEY).to_pylist()
                table = table.filter([not _is_stored(row, memory) for row in rows])
            elif dataset == "rejects":
                rows = table.select(["feed_id", "url", "guid"]).to_pylist()
                table = table.filter([entry_key(row["feed_id"], row["url"], row["guid"]) not in ended for row in rows])
            if table.num_rows:
                column = pa.array([run_id] * table.num_rows, table.schema.field("run_id").type)
                table = table.set_column(table.schema.get_field_index("run_id"), table.schema.field("run_id"), column)
                path = f"{part.path.rpartition('/')[0]}/{run_id}-0000.parquet"
                staged = self.dataset.staging / run_id / path
                write_table(table, staged, dataset, self.config.settings.write)
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
        started_at = datetime.strptime(found.run_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        now = datetime.now(UTC)
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
