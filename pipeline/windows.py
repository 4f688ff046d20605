"""Continuous operation on an engine: one unbounded pipeline, whose windows are committed by this process.

The engine's workers stage part files and, last, a delivery, below `state/windows/<job>/`. This process holds no data:
it starts the pipeline, and commits each delivery under the dataset's lock by the same protocol as any run. What is
committed is remembered by the dataset alone, so wherever a job is killed, started anew, or set back to a checkpoint:
what was committed is not stored again, what was not is found again.

The folder of a job is made here, and by nobody else. When this process is gone the folder is gone, or put aside, and a
job left over on the engine fails at its next write. A job that goes on from a savepoint, or from a checkpoint that was
kept, gets the folder of the one before: what that had staged and not delivered, the new one's state may tell of.
"""

import fcntl
import json
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import jobs, metrics, runner
from pipeline.build import Place, build_stream
from pipeline.committer import Committer
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.errors import DatasetLockedError, RunnerError
from pipeline.report import Report
from pipeline.run import Options, Progress
from pipeline.state import ArticleMemory, feed_states
from pipeline.systemd import Service
from transforms import interrupt
from transforms.watch import Watch
from transforms.write import RunPerWindow

if TYPE_CHECKING:
    from apache_beam import Pipeline

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
    dataset = Dataset(Path(config.output).absolute())  # the workers stand elsewhere
    with dataset.lock("a stream", options.now()):  # what runs before left undone is finished
        ArticleMemory(dataset).catch_up()
    with _job_folder(dataset, goes_on=runner.goes_on(options.beam_arguments)) as folder:
        committer = Committer(config, options, dataset, folder, progress)
        job = jobs.Job(_pipeline(config, options, every_s, dataset, folder))
        service.ready()
        try:
            ended, known = False, job.failures()
            while not (ended or interrupt.requested.is_set()):
                ended = job.has_ended(LOOK_S)
                known = _look_after(job, known, has_worked=committer.has_committed)
                service.working()
                for report in committer.commit_all():
                    service.waiting(f"{report.stored:,} articles stored, {report.feeds_failed:,} feeds failed")
                    yield report
        except Exception:
            metrics.tell_failed(config, options.now())
            raise
        finally:
            job.cancel()
        yield from committer.commit_all()
    if ended and (savepoint := job.savepoint()):
        print(f"newsbeam: stopped; to go on from here: -- --savepoint_path={savepoint}", file=sys.stderr, flush=True)


def _look_after(job: jobs.Job, known: list[str], *, has_worked: bool) -> list[str]:
    """Tell why the engine began the job again, which nobody would see otherwise; returns the failures known by now.

    Raises `RunFailedError` for a job that has failed some times and never worked.
    """
    failures = job.failures()
    if failures and failures != known:
        print(f"newsbeam: the job failed and begins again: {failures[0]}", file=sys.stderr, flush=True)
    if not has_worked:
        job.give_up_on_what_cannot_work()
    return failures


def _pipeline(config: Config, options: Options, every_s: float, dataset: Dataset, folder: Path) -> "Pipeline":
    """The pipeline of a job that stages below `folder`."""
    name = f"newsbeam-{sha256(str(dataset.root).encode()).hexdigest()[:12]}"
    pipeline = runner.make_pipeline(options.runner, options.beam_arguments, name=name, streaming=True)
    jobs.cancel_on_flink(pipeline.options, CANCEL_S)  # what a process that was killed left there
    shards = runner.shards(options.runner)
    watch = Watch(
        feeds=config.feeds,
        settings=config.settings.fetch,
        root=str(dataset.root),
        every_s=every_s,
        shards=shards,
        workers=config.settings.run.workers,
        remembered={url: json.dumps(state.to_json()) for url, state in feed_states(dataset).items()},
    )
    place = Place(
        root=str(dataset.root),
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
    windows = dataset.state / "windows"
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
