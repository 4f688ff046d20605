"""The commit protocol: all of a batch or nothing, whenever it was interrupted, and one writer at a time."""

import multiprocessing
from pathlib import Path

import pytest

from pipeline.dataset import Dataset
from pipeline.errors import DatasetError, DatasetLockedError
from tests.articles import NOON, make_article
from transforms.partitions import write_parts
from transforms.settings import WriteSettings

RUN = "20260301T120000Z-aaaaaa"


def stage(dataset: Dataset, name: str = f"{RUN}-0001") -> list[str]:
    return [part.path for part in write_parts([make_article()], dataset.staging / RUN, name, WriteSettings())]


def visible(dataset: Dataset) -> list[str]:
    return [path.relative_to(dataset.root).as_posix() for path in dataset.root.glob("articles/*/*.parquet")]


def test_a_run_killed_before_its_manifest_leaves_nothing(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    stage(dataset)
    dataset.recover()
    assert visible(dataset) == []
    assert not list(dataset.staging.iterdir())


def test_a_run_killed_after_its_manifest_is_completed_by_the_next_start(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    committed, torn = stage(dataset), stage(dataset, f"{RUN}-0002")
    dataset.write_manifest({"run_id": RUN, "files": committed})
    dataset.recover()
    dataset.recover()
    assert visible(dataset) == committed
    assert not set(torn) & set(visible(dataset))


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    paths = stage(dataset)
    dataset.publish(RUN, paths)
    dataset.publish(RUN, paths)
    assert visible(dataset) == paths


def test_staged_rows_are_counted_from_the_files(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    stage(dataset)
    assert [part.rows for part in dataset.staged_parts(RUN)] == [1]


def hold(root: Path, ready: object, release: object) -> None:
    with Dataset(root).lock("the first", NOON):
        ready.set()  # type: ignore[attr-defined]  # multiprocessing.Event
        release.wait(30)  # type: ignore[attr-defined]


def test_the_second_of_two_runs_is_told_who_holds_the_dataset(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    first = context.Process(target=hold, args=(tmp_path, ready, release))
    first.start()
    try:
        assert ready.wait(30)
        with pytest.raises(DatasetLockedError, match=r"the first, process \d+"), Dataset(tmp_path).lock("second", NOON):
            pass
        first.kill()  # the kernel frees what a dead process held
        first.join(30)
        with Dataset(tmp_path).lock("second", NOON):
            pass
    finally:
        release.set()
        first.join(30)


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatasetError, match="file"), Dataset(tmp_path / "file").lock("run", NOON):
        pass


def test_a_manifest_that_is_no_json_is_named(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    dataset.runs.mkdir()
    (dataset.runs / f"{RUN}.json").write_text("{")
    with pytest.raises(DatasetError, match=RUN):
        dataset.manifests()
