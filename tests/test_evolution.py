"""Columns come, none goes: files of every version of the program are one dataset."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.dataset import Dataset
from pipeline.dictionary import as_tables, compare
from pipeline.query import connect
from pipeline.retag import retag
from pipeline.rewrite import compact
from pipeline.state import ArticleMemory
from pipeline.verify import verify
from tests.benchmarks.history import articles, ingest
from transforms.arrow_schema import arrow_schema
from transforms.partitions import read_part
from transforms.settings import TagSettings, WriteSettings

LONG_AFTER = datetime(2027, 6, 1, tzinfo=UTC)
YOUNG = ["image_url", "quotes", "duplicate_score", "tags_version"]  # as if they had been added since


def change(file: Path, edit: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(edit(pq.read_table(file, partitioning=None)), file)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A dataset of two runs of one day."""
    rows = list(articles(20, days=0.5))
    ingest(tmp_path, rows[:10])
    ingest(tmp_path, rows[10:])
    return tmp_path


def files(root: Path) -> list[Path]:
    return sorted(root.glob("articles/*/*.parquet"))


@pytest.mark.parametrize("older", [1, 2])
def test_older_files_are_read_compacted_tagged_and_remembered(root: Path, older: int) -> None:
    for file in files(root)[:older]:
        change(file, lambda table: table.drop_columns(YOUNG))
    assert list(verify(root)) == []
    asked = "SELECT count(*), count(image_url), count(tags_version), any_value(len(quotes)) FROM articles"
    nulls = connect(root).execute(asked).fetchone()
    assert nulls == (20, 0, 20 - 10 * older, 1 if older == 1 else None)
    shutil.rmtree(root / "state")
    with Dataset(root).lock("a run", LONG_AFTER):
        ArticleMemory(Dataset(root)).catch_up()
    assert retag(root, TagSettings(taggers=("topics",)), WriteSettings(), LONG_AFTER, workers=1)
    assert list(verify(root)) == []
    for file in files(root):
        assert pq.read_schema(file).equals(arrow_schema("articles"), check_metadata=True)
    assert connect(root).execute("SELECT count(*), count(tags_version) FROM articles").fetchone() == (20, 20)


def test_compaction_gives_older_files_the_columns_of_today(root: Path) -> None:
    compact(root, WriteSettings(), LONG_AFTER)
    (only,) = files(root)
    change(only, lambda table: table.drop_columns(YOUNG))
    assert [change.files_after for change in compact(root, WriteSettings(), LONG_AFTER)] == [1]
    assert pq.read_schema(files(root)[0]).equals(arrow_schema("articles"), check_metadata=True)
    assert list(verify(root)) == []
    assert compact(root, WriteSettings(), LONG_AFTER) == []


def test_columns_of_a_later_version_are_kept(root: Path) -> None:
    later = files(root)[1]
    change(later, lambda table: table.append_column("mood", pa.array(["grim"] * len(table))))
    assert list(verify(root)) == []
    compact(root, WriteSettings(), LONG_AFTER)
    assert list(verify(root)) == []
    assert len(files(root)) == 1
    assert connect(root).execute("SELECT count(*), count(mood) FROM articles").fetchone() == (20, 10)
    assert read_part(files(root)[0], ["title"]).column_names == ["title"]


def test_a_column_of_another_type_is_told(root: Path) -> None:
    name = "word_count"
    change(files(root)[0], lambda table: table.drop_columns([name]).append_column(name, pa.array(["7"] * len(table))))
    assert any("its schema is not that of the dataset: word_count" in told for told in verify(root))


def test_a_reader_of_the_released_schema_reads_what_is_written_today() -> None:
    """`newsbeam schema --json > tests/golden/released_schema.json` with each release."""
    released = json.loads((Path(__file__).parent / "golden" / "released_schema.json").read_text(encoding="utf-8"))
    _, broken = compare(released, as_tables())
    assert broken == []
