"""The commit protocol: all of a batch or nothing, whenever it was interrupted, and one writer at a time."""

import shutil
import subprocess
import sys
from datetime import timedelta
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


def recover(dataset: Dataset) -> None:
    """What the next writer does first."""
    with dataset.lock("the next", NOON):
        pass


class Killed(BaseException):
    """Ends the program wherever it is."""


def kill(*_: object) -> None:
    raise Killed


def visible(dataset: Dataset) -> list[str]:
    return sorted(path.relative_to(dataset.root).as_posix() for path in dataset.root.glob("articles/*/*.parquet"))


def test_a_run_killed_before_its_manifest_leaves_nothing(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    stage(dataset)
    recover(dataset)
    assert visible(dataset) == []
    assert not list(dataset.staging.iterdir())


def test_a_run_killed_after_its_manifest_is_completed_by_the_next_start(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    committed, torn = stage(dataset), stage(dataset, f"{RUN}-0002")
    dataset.write_manifest({"run_id": RUN, "files": committed, "finished_at": None})
    recover(dataset)
    recover(dataset)
    assert dataset.manifest(RUN)["interrupted"]
    assert visible(dataset) == committed
    assert not set(torn) & set(visible(dataset))


def test_a_start_killed_while_it_redoes_the_work_of_the_one_before_is_redone_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset(tmp_path)
    committed = [*stage(dataset), *stage(dataset, f"{RUN}-0002")]
    dataset.write_manifest({"run_id": RUN, "files": committed, "finished_at": None})
    for step in ("publish", "write_manifest"):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Dataset, step, kill)
            recover(dataset)
    recover(dataset)
    assert visible(dataset) == committed
    assert dataset.manifest(RUN)["interrupted"]


def test_committed_files_that_an_error_left_in_staging_are_not_swept_away(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    with pytest.raises(Killed), dataset.lock("a run", NOON) as run_id:
        committed = stage(dataset)
        (dataset.staging / RUN).rename(dataset.staging / run_id)
        dataset.write_manifest({"run_id": run_id, "files": committed, "finished_at": None})
        raise Killed  # before `publish`, as when a new folder finds no room
    assert visible(dataset) == committed
    assert dataset.manifest(run_id)["interrupted"]


def test_ids_follow_each_other_also_when_the_clock_is_set_back(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    ids = []
    for now in (NOON, NOON + timedelta(days=365), NOON, NOON - timedelta(days=365), NOON + timedelta(days=366)):
        with dataset.lock("a run", now) as run_id:
            dataset.write_manifest({"run_id": run_id, "files": [], "finished_at": now.isoformat()})
            ids.append(run_id)
    assert sorted(ids) == ids == dataset.run_ids()


def test_a_run_no_longer_tells_of_files_that_went_with_a_deleted_state(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    there, lost = stage(dataset), stage(dataset, f"{RUN}-0002")
    dataset.publish(RUN, there)
    dataset.write_manifest({"run_id": RUN, "files": [*there, *lost], "finished_at": None})
    shutil.rmtree(dataset.state)
    recover(dataset)
    manifest = dataset.manifest(RUN)
    assert (manifest["files"], manifest["lost"]) == (there, lost)
    assert manifest["finished_at"]


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


HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.dataset import Dataset
with Dataset(Path(sys.argv[1])).lock("the first", datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_of_two_runs_is_told_who_holds_the_dataset(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(DatasetLockedError, match=r"the first, process \d+"), Dataset(tmp_path).lock("second", NOON):
            pass
        first.kill()  # the kernel frees what a dead process held
    with Dataset(tmp_path).lock("second", NOON):
        pass


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
