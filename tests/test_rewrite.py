"""Rewrites of closed days: compaction keeps every row, erasure takes just what was asked, and neither can be caught
half done."""

import json
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.dataset import Dataset
from pipeline.errors import DatasetError
from pipeline.query import connect
from pipeline.rewrite import compact, forget_older, forget_url, partitions, read_folder
from pipeline.state import ArticleMemory
from pipeline.verify import verify
from tests.articles import NOON, make_article, make_fetch, make_reject
from transforms.memory import Memory
from transforms.partitions import write_parts
from transforms.schema import Article, Row
from transforms.settings import WriteSettings

LATER = datetime(2026, 3, 10, tzinfo=UTC)
SETTINGS = WriteSettings()
RUNS = [f"2026030{day}T120000Z-aaaaaa" for day in range(1, 8)]


def commit(root: Path, run_id: str, rows: Sequence[Row]) -> None:
    """What a run does with its rows."""
    dataset = Dataset(root)
    parts = [part.path for part in write_parts(rows, dataset.staging / run_id, run_id, SETTINGS)]
    stored = sum(isinstance(row, Article) for row in rows)
    books = {"entries": stored, "unchanged": 0, "stored": stored, "rejected": 0, "duplicates": {"dropped": 0}}
    dataset.write_manifest({"run_id": run_id, "kind": "run", "files": parts, "finished_at": run_id} | books)
    dataset.publish(run_id, parts)
    dataset.sweep(run_id)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three runs on the first of March, one of them of a second version, and one on the second."""
    for number, run_id in enumerate(RUNS[:3]):
        articles = [make_article(url=f"https://a.example/{number}-{n}", run_id=run_id) for n in range(3)]
        commit(tmp_path, run_id, [*articles, make_reject(url=f"https://a.example/x{number}", run_id=run_id)])
    later = NOON + timedelta(days=1)
    second = make_article(
        url="https://a.example/0-0", version=2, title="Corrected", fetched_at=later, run_id=RUNS[3], text="Other words."
    )
    commit(tmp_path, RUNS[3], [second, make_fetch(url="https://a.example/0-0", fetched_at=later, run_id=RUNS[3])])
    return tmp_path


def rows(root: Path) -> Counter[str]:
    """The multiset of all rows of all partitions."""
    return Counter(
        json.dumps(row, default=str, sort_keys=True)
        for folder in partitions(root)
        for row in read_folder(root, folder).to_pylist()
    )


def test_compaction_keeps_the_multiset_of_rows_in_fewer_files(root: Path) -> None:
    before = rows(root)
    (articles, rejects) = compact(root, SETTINGS, LATER)
    assert (articles.folder, articles.files_before, articles.files_after) == ("articles/seen_date=2026-03-01", 3, 1)
    assert rejects.rows == 3
    assert rows(root) == before
    assert list(verify(root)) == []
    assert compact(root, SETTINGS, LATER) == []


def test_a_dry_run_tells_the_same_and_changes_nothing(root: Path) -> None:
    files = sorted(root.rglob("*.parquet"))
    told = compact(root, SETTINGS, LATER, dry_run=True)
    assert sorted(root.rglob("*.parquet")) == files
    assert told == compact(root, SETTINGS, LATER)


def test_a_partition_with_a_strange_or_without_one_of_its_files_is_not_rewritten(root: Path) -> None:
    ArticleMemory(Dataset(root)).catch_up()
    first, second, *_ = sorted((root / "articles" / "seen_date=2026-03-01").iterdir())
    strange = first.with_name("strange.parquet")
    shutil.copy(first, strange)
    with pytest.raises(DatasetError, match=r"strange.parquet: missing, or of no run"):
        compact(root, SETTINGS, LATER)
    strange.unlink()
    second.unlink()
    with pytest.raises(DatasetError, match=f"{second.name}: missing"):
        compact(root, SETTINGS, LATER)


def test_the_day_that_is_not_over_is_left_alone(root: Path) -> None:
    assert compact(root, SETTINGS, NOON + timedelta(hours=11)) == []


def test_files_are_cut_at_the_target_size(root: Path) -> None:
    small = WriteSettings(target_file_mb=1, compression="none")
    texts = [f"{number} ".join(str(n) for n in range(30_000)) for number in range(30)]
    for run_id in RUNS[4:6]:
        articles = [
            make_article(url=f"https://b.example/{run_id}/{number}", text=text, run_id=run_id)
            for number, text in enumerate(texts)
        ]
        commit(root, run_id, articles)
    before = rows(root)
    (change, _) = compact(root, small, LATER)
    assert change.files_after > 3
    assert rows(root) == before


def test_memory_is_the_same_after_compaction_and_can_be_built_from_it(root: Path) -> None:
    key = make_article(url="https://a.example/0-0").article_id
    ArticleMemory(Dataset(root)).catch_up()
    before = Memory(root).latest(key)
    compact(root, SETTINGS, LATER)
    ArticleMemory(Dataset(root)).catch_up()
    assert Memory(root).latest(key) == before
    shutil.rmtree(root / "state")
    Dataset(root).state.mkdir()
    ArticleMemory(Dataset(root)).catch_up()
    rebuilt = Memory(root)
    assert rebuilt.latest(key) == before
    assert before
    assert rebuilt.text(before) == "Other words."


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_killed_after_the_manifest_a_rewrite_is_finished_by_the_next_writer(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(root)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Dataset, "_exchange_folder", interrupt)
        compact(root, SETTINGS, LATER)
    assert rows(root) == before
    with Dataset(root).lock("the next", LATER):
        pass
    assert rows(root) == before
    assert len(list((root / "articles" / "seen_date=2026-03-01").iterdir())) == 1
    assert list(verify(root)) == []


def test_a_rewrite_whose_files_went_with_a_deleted_state_never_happened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(root)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Dataset, "_exchange_folder", interrupt)
        patch.setattr(Dataset, "_settle", lambda self, now: None)
        compact(root, SETTINGS, LATER)
    shutil.rmtree(root / "state")
    with Dataset(root).lock("the next", LATER):
        pass
    assert rows(root) == before
    assert list(verify(root)) == []
    assert len(compact(root, SETTINGS, LATER)) == 2


def test_forgetting_an_address_takes_all_its_versions_and_traces_and_nothing_else(root: Path) -> None:
    ArticleMemory(Dataset(root)).catch_up()
    before = rows(root)
    changes = forget_url(root, "https://www.a.example/0-0?utm_source=x", SETTINGS, LATER)
    assert sum(change.rows_removed for change in changes) == 3  # two versions and a fetch
    after = rows(root)
    assert not after - before
    assert all("a.example/0-0" in row for row in before - after)
    assert list(verify(root)) == []
    ArticleMemory(Dataset(root)).catch_up()
    assert Memory(root).latest(make_article(url="https://a.example/0-0").article_id) is None


def test_forgetting_old_days_leaves_the_others(root: Path) -> None:
    forget_older(root, 8, SETTINGS, LATER)  # days before the second of March
    assert {folder.rpartition("=")[2] for folder in partitions(root)} == {"2026-03-02"}
    assert connect(root).execute("SELECT count(*) FROM articles").fetchall() == [(1,)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 4), min_size=2, max_size=6))
def test_whatever_the_files_compaction_keeps_the_rows(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("compact")
    for run_id, size in zip(RUNS, cuts, strict=False):
        commit(root, run_id, [make_article(url=f"https://a.example/{run_id}/{n}", run_id=run_id) for n in range(size)])
    before = rows(root)
    compact(root, SETTINGS, LATER)
    assert rows(root) == before


# --------------------------------------------------------------------------- verify


def test_a_sound_dataset_has_nothing_to_tell(root: Path) -> None:
    assert list(verify(root)) == []


def test_a_torn_a_lost_and_a_strange_file_are_each_told(root: Path) -> None:
    first, second, third = sorted((root / "articles" / "seen_date=2026-03-01").iterdir())
    first.write_bytes(first.read_bytes()[:-100])
    strange = third.with_name("strange.parquet")
    shutil.copy(third, strange)
    told = "\n".join(verify(root))
    assert f"{first.name}: cannot be read" in told
    assert "strange.parquet: no run tells of this file" in told
    second.unlink()
    assert f"{second.name}: cannot be read" in "\n".join(verify(root))


def test_a_bit_that_turned_in_any_column_is_told(root: Path) -> None:
    file = sorted((root / "articles" / "seen_date=2026-03-01").iterdir())[0]
    whole = file.read_bytes()
    group = pq.ParquetFile(file).metadata.row_group(0)
    for number in range(0, group.num_columns, 7):
        column = group.column(number)
        last = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1
        file.write_bytes(whole[:last] + bytes([whole[last] ^ 1]) + whole[last + 1 :])
        assert any(f"{file.name}: cannot be read" in sentence for sentence in verify(root)), column.path_in_schema
    file.write_bytes(whole)
    assert list(verify(root)) == []


def test_a_file_that_went_with_a_deleted_state_is_told(root: Path) -> None:
    lost = sorted((root / "articles" / "seen_date=2026-03-01").iterdir())[0]
    lost.unlink()
    with Dataset(root).lock("the next", LATER):
        pass
    assert f"{lost.name}: lost" in "\n".join(verify(root))


def test_what_is_committed_and_not_visible_yet_is_waited_for(root: Path) -> None:
    dataset = Dataset(root)
    parts = write_parts([make_article(run_id=RUNS[5])], dataset.staging / RUNS[5], f"{RUNS[5]}-0001", WriteSettings())
    paths = [part.path for part in parts]
    first = dataset.manifest(RUNS[0])
    told = {"entries": 1, "stored": 1, "unchanged": 0, "rejected": 0}
    dataset.write_manifest(first | told | {"run_id": RUNS[5], "files": paths})
    assert any("cannot be read" in sentence for sentence in verify(root, pauses_s=()))
    publisher = threading.Timer(0.3, dataset.publish, (RUNS[5], paths))
    publisher.start()
    assert list(verify(root)) == []
    publisher.join()


def test_a_double_row_and_unbalanced_books_are_told(root: Path) -> None:
    commit(root, RUNS[5], [make_article(url="https://a.example/0-1", run_id=RUNS[5])])
    manifest = Dataset(root).manifest(RUNS[0])
    Dataset(root).write_manifest(manifest | {"entries": 9})
    told = "\n".join(verify(root))
    assert "an article version stored twice: 1" in told
    assert f"run {RUNS[0]}: 9 entries, but its books add up to 3" in told


def test_a_manifest_without_its_books_is_told_and_one_that_is_none_is_an_error(root: Path) -> None:
    dataset = Dataset(root)
    written = dataset.manifest(dataset.run_ids()[0])
    dataset.write_manifest({key: written[key] for key in ("run_id", "kind", "files", "stored")} | {"entries": "many"})
    told = [sentence for sentence in verify(root) if written["run_id"] in sentence]
    assert told == [
        f"run {written['run_id']}: its manifest does not tell entries, unchanged, duplicates.dropped, rejected"
    ]
    (dataset.runs / f"{written['run_id']}.json").write_text("[]", "utf-8")
    with pytest.raises(DatasetError, match="no manifest"):
        list(verify(root))
