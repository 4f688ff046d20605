"""Windows of an unbounded pipeline, committed: each once, whatever an engine delivers again."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from pipeline import jobs
from pipeline.committer import Committer
from pipeline.config import Config, parse_config
from pipeline.dataset import Dataset
from pipeline.errors import BooksError, RunFailedError
from pipeline.report import STAGES, Report
from pipeline.run import Options
from pipeline.state import FeedMemory, feed_states
from pipeline.verify import verify
from pipeline.windows import _job_folder, _look_after
from tests.articles import NOON, make_article, make_fetch, make_reject
from transforms.delivery import SUFFIX, Note, delivery_of, save
from transforms.partitions import stamp_run, write_parts
from transforms.polling import start_state
from transforms.schema import Article, Entry, Feed, Kept, Polled, Row, Settled, Spent
from transforms.seen import SeenEntries, key_of, marks
from transforms.settings import WriteSettings

FEED = Feed(url="https://a.example/feed", id="a")
FIRST, SECOND = "20260301T120000Z-abcdef", "20260301T120500Z-abcdef"


def entry(number: int) -> Entry:
    return Entry(url=f"https://a.example/{number}", feed_id="a", feed_url=FEED.url, seen_at=NOON, guid=str(number))


def article(number: int) -> Article:
    seen_at = NOON + timedelta(microseconds=number)
    told = {"feed_id": "a", "guid": str(number), "first_seen_at": seen_at, "text": f"Text of {number}.\nAnd its end."}
    return make_article(entry(number).url, **told)


def polled(*numbers: int, offered: int | None = None, reason: str | None = None) -> Polled:
    """A poll that found entries of these numbers."""
    state = dataclasses.replace(start_state(FEED, None), etag=f'"{numbers}"')
    return Polled(
        feed_url=FEED.url,
        outcome="failed" if reason else "ok",
        reason=reason,
        state=json.dumps(state.to_json()),
        entries=len(numbers) if offered is None else offered,
        seen=tuple((key.hex(), mark.hex()) for key, mark in marks(map(entry, numbers))),
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data")


@pytest.fixture
def committer(dataset: Dataset, tmp_path: Path) -> Committer:
    (tmp_path / "job").mkdir()
    config: Config = parse_config({"output": str(dataset.root), "feeds": [{"url": FEED.url, "id": "a"}]}, "test")
    return Committer(config, Options(runner="prism"), dataset, tmp_path / "job", lambda *_: None)


def deliver(
    committer: Committer, run_id: str, rows: list[Row], polls: list[Polled], notes: Sequence[Note] = ()
) -> None:
    """What the workers of an engine leave of a window."""
    folder = committer.folder / run_id
    name = f"{run_id}-0000"
    parts = write_parts([stamp_run(row, run_id) for row in rows], folder, name, WriteSettings())
    save(delivery_of(run_id, name, [*parts, *polls, *notes]), folder)


def stored(dataset: Dataset) -> dict[str, str]:
    """The run of each article that a reader finds, by its address."""
    table = ds.dataset(dataset.root / "articles", partitioning="hive").to_table(columns=["url", "run_id"])
    rows = table.to_pylist()
    assert len({row["url"] for row in rows}) == len(rows)
    return {row["url"].rpartition("/")[2]: row["run_id"] for row in rows}


def seen(dataset: Dataset, number: int) -> bool:
    return SeenEntries(dataset.root).get(key_of(entry(number))) is not None


def test_a_delivery_becomes_a_run_with_its_books(committer: Committer, dataset: Dataset) -> None:
    rows: list[Row] = [article(1), make_reject(url=entry(2).url, guid="2"), make_fetch()]
    again = Settled(how="unchanged", feed_id="a", url=entry(3).url, guid="3", seen_at=NOON)
    deliver(committer, FIRST, rows, [polled(1, 2, 3, offered=10)], [again])
    (report,) = committer.commit_all()
    assert (report.run_id, report.entries, report.unchanged, report.stored, report.rejected) == (FIRST, 10, 8, 1, 1)
    assert (report.feeds_polled, report.reasons, report.runner) == (1, {"http-404": 1}, committer.runner)
    assert stored(dataset) == {"1": FIRST}
    assert not list(verify(dataset.root))
    assert [seen(dataset, number) for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert not list(committer.folder.iterdir())
    assert list(committer.commit_all()) == []


def test_the_time_of_each_stage_is_that_of_all_workers(committer: Committer) -> None:
    spent = [Spent(stage=stage, seconds=seconds) for stage, seconds in [("fetch", 2.0), ("tag", 0.5), ("fetch", 1.0)]]
    deliver(committer, FIRST, [article(1)], [polled(1)], spent)
    (report,) = committer.commit_all()
    assert {stage: report.seconds[stage] for stage in STAGES} == {
        **{"fetch": 3.0, "clean": 0.0, "deduplicate": 0.0, "tag": 0.5, "write": 0.0}
    }


def test_what_was_rejected_for_now_is_kept_as_its_feed_told_of_it(committer: Committer, dataset: Dataset) -> None:
    told = dataclasses.replace(entry(2), published_raw="yesterday", authors=("A. B.",))
    reject = make_reject(url=told.url, guid="2", reason="timeout", retryable=True)
    deliver(committer, FIRST, [article(1), reject], [polled(1, 2)], [Kept(entry=told)])
    list(committer.commit_all())
    with closing(FeedMemory(dataset)) as feeds:
        assert feeds.kept(key_of(told)) == told
    deliver(committer, SECOND, [article(2)], [polled(2)])
    list(committer.commit_all())
    with closing(FeedMemory(dataset)) as feeds:
        assert feeds.kept(key_of(told)) is None  # it has its article


def test_what_a_feed_did_wrong_is_no_entry(committer: Committer) -> None:
    rows: list[Row] = [make_reject(url=FEED.url, reason="timeout")]
    deliver(committer, FIRST, rows, [polled(reason="timeout")])
    (report,) = committer.commit_all()
    assert (report.entries, report.feeds_failed, report.feed_reasons, report.reasons) == (0, 1, {"timeout": 1}, {})


def test_a_window_processed_again_adds_only_what_is_new(committer: Committer, dataset: Dataset) -> None:
    reject = make_reject(url=entry(9).url, guid="9")
    deliver(committer, FIRST, [article(1), reject], [polled(1, 9)])
    list(committer.commit_all())
    deliver(committer, FIRST, [article(1), article(2), reject], [polled(1, 2, 9)])
    (report,) = committer.commit_all()
    assert report.run_id > FIRST
    assert (report.stored, report.rejected) == (1, 0)
    assert stored(dataset) == {"1": FIRST, "2": report.run_id}
    deliver(committer, FIRST, [article(1), article(2), reject], [])
    assert list(committer.commit_all()) == []
    assert not list(verify(dataset.root))


def test_a_window_delivered_again_after_its_files_were_taken_adds_nothing(
    committer: Committer, dataset: Dataset
) -> None:
    deliver(committer, FIRST, [article(1)], [polled(1)])
    delivery = next(committer.folder.glob(f"*/*{SUFFIX}"))
    told = delivery.read_bytes()
    list(committer.commit_all())
    delivery.parent.mkdir()
    delivery.write_bytes(told)  # a job set back to a checkpoint between writing the files and delivering them
    assert list(committer.commit_all()) == []
    assert stored(dataset) == {"1": FIRST}
    assert not list(verify(dataset.root))


def test_entries_of_files_that_are_nowhere_are_not_remembered_nor_their_feed(
    committer: Committer, dataset: Dataset
) -> None:
    reject = make_reject(url=entry(2).url, guid="2")
    deliver(committer, FIRST, [article(1), reject], [polled(1, 2)])
    (gone,) = committer.folder.rglob("articles/*/*.parquet")
    gone.unlink()
    (report,) = committer.commit_all()
    assert (report.stored, report.rejected) == (0, 1)
    assert [seen(dataset, number) for number in (1, 2)] == [False, True]
    assert feed_states(dataset) == {}
    assert not list(verify(dataset.root))


def test_only_a_job_that_goes_on_from_a_savepoint_finds_what_the_one_before_staged(dataset: Dataset) -> None:
    dataset.state.mkdir(parents=True)
    with _job_folder(dataset, goes_on=False) as first:
        (first / "staged").touch()
    assert not first.exists()  # so that a job which could not be ended fails at its next write
    with _job_folder(dataset, goes_on=True) as again:
        assert (again, (again / "staged").exists()) == (first, True)
    with _job_folder(dataset, goes_on=False) as other:
        assert (other == first, list(other.iterdir())) == (False, [])
    assert [path.name for path in (dataset.state / "windows").iterdir()] == ["lock"]
    with _job_folder(dataset, goes_on=True) as fresh:  # nothing was left
        assert list(fresh.iterdir()) == []


@dataclass
class FailingJob(jobs.Job):
    """A job on an engine that begins again and again."""

    causes: list[str] = field(default_factory=list)
    cancelled: bool = False

    def failures(self) -> list[str]:
        return list(self.causes)

    def cancel(self) -> None:
        self.cancelled = True


def test_a_job_that_fails_before_it_brings_anything_is_given_up_and_one_that_has_worked_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job, known = FailingJob(), []
    for number in range(2 * jobs.FAILURES):
        job.causes.insert(0, f"OutOfMemoryError no. {number}")
        for _ in range(2):  # looks, of which one brings news
            known = _look_after(job, known, has_worked=True)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 * jobs.FAILURES
    assert told[0] == "newsbeam: the job failed and begins again: OutOfMemoryError no. 0"
    with pytest.raises(RunFailedError, match="OutOfMemoryError"):
        _look_after(job, known, has_worked=False)
    assert job.cancelled


def test_a_window_that_comes_after_a_later_run_becomes_a_later_run_itself(
    committer: Committer, dataset: Dataset
) -> None:
    deliver(committer, SECOND, [article(2)], [polled(2)])
    list(committer.commit_all())
    deliver(committer, FIRST, [article(1)], [polled(1)])
    (report,) = committer.commit_all()
    assert report.run_id > SECOND  # else who reads what is new since the last run would miss it
    assert stored(dataset) == {"1": report.run_id, "2": SECOND}


def test_rows_that_are_lost_on_the_way_fail_the_stream(committer: Committer, dataset: Dataset) -> None:
    deliver(committer, FIRST, [article(1)], [polled(1, 2)])
    with pytest.raises(BooksError, match="2 entries"):
        list(committer.commit_all())
    assert not (dataset.root / "articles").exists()
    assert not seen(dataset, 1)


def test_entries_left_for_later_are_not_remembered_nor_their_feed(committer: Committer, dataset: Dataset) -> None:
    later = Settled(how="postponed", feed_id="a", url=entry(2).url, guid="2", seen_at=NOON)
    deliver(committer, FIRST, [article(1)], [polled(1, 2)], [later])
    (report,) = committer.commit_all()
    assert (report.entries, report.stored, report.postponed) == (1, 1, 1)
    assert seen(dataset, 1)
    assert not seen(dataset, 2)
    feeds = FeedMemory(dataset)
    assert [state for _, state in feeds.ready(committer.config.feeds, NOON)] == [None]
    feeds.close()


def test_deliveries_wait_while_another_writer_holds_the_dataset(committer: Committer, dataset: Dataset) -> None:
    deliver(committer, FIRST, [article(1)], [polled(1)])
    with Dataset(dataset.root).lock("another", NOON):
        assert list(committer.commit_all()) == []
    reports: list[Report] = list(committer.commit_all())
    assert [report.run_id for report in reports] == [FIRST]
