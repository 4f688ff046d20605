"""SQL over a dataset: the views, the three forms, and what web text must not do to a terminal or a spreadsheet."""

import csv
import io
import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.dataset import Dataset
from pipeline.errors import NoDatasetError, QueryError
from pipeline.query import DERIVED_VIEWS, connect, newest_finished_run, print_query
from tests.articles import NOON, make_article, make_reject
from transforms.arrow_schema import arrow_schema, to_row
from transforms.partitions import write_parts
from transforms.settings import WriteSettings
from transforms.urls import article_id


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One story in two versions, its copy at another publisher, and a reject."""
    first = make_article()
    rows = [
        first,
        make_article(version=2, title="Ferry line reopens at last", fetched_at=NOON + timedelta(hours=2)),
        make_article(
            url="https://b.example/2",
            publisher_domain="b.example",
            title="=HYPERLINK(1)",
            cluster_id=first.article_id,
            agency="Coast News Agency",
            first_seen_at=NOON + timedelta(hours=1),
        ),
        make_reject(reason="timeout"),
    ]
    parts = write_parts(rows, tmp_path, "r", WriteSettings())
    Dataset(tmp_path).state.mkdir()
    Dataset(tmp_path).write_manifest(
        {"run_id": "r", "entries": 4, "finished_at": "2026-03-01", "files": [part.path for part in parts]}
    )
    return tmp_path


def test_articles_has_every_version_and_current_the_newest(root: Path) -> None:
    db = connect(root)
    assert db.execute("SELECT count(*) FROM articles").fetchall() == [(3,)]
    assert ("Ferry line reopens at last", 2) in db.execute("SELECT title, version FROM current").fetchall()


@pytest.mark.parametrize("name", ["a[0-9]b", "a*b?", "back\\slash", "it's", "seen_date=2020-01-01", "k=v", "50%#1"])
def test_no_name_of_a_folder_is_read_as_anything_else(root: Path, name: str) -> None:
    root.rename(odd := root.with_name(name))
    db = connect(odd)
    days = db.execute("SELECT DISTINCT seen_date FROM articles").fetchall()
    assert (db.execute("SELECT count(*) FROM articles").fetchall(), days) == ([(3,)], [(NOON.date(),)])
    assert db.execute("SELECT run_id FROM runs").fetchall() == [("r",)]
    assert connect(odd, files=[]).execute("SELECT count(*) FROM articles").fetchall() == [(0,)]


def test_stories_has_a_row_a_cluster_with_its_copies(root: Path) -> None:
    ((title, articles, copies, publishers),) = (
        connect(root).execute("SELECT title, articles, copies, publishers FROM stories").fetchall()
    )
    assert (title, articles, copies) == ("Ferry line reopens at last", 2, 1)
    assert publishers == ["b.example", "harbour-courier.example"]


def test_a_story_is_an_agency_s_when_one_of_its_copies_credits_it(root: Path) -> None:
    assert connect(root).execute("SELECT origin_agency FROM stories").fetchall() == [("Coast News Agency",)]


def test_the_agency_s_own_article_is_the_origin_and_all_others_are_its_copies(tmp_path: Path) -> None:
    cluster = article_id("https://a.example/1")
    printed = [
        ("a.example", None, False, None),
        ("b.example", "Coast News Agency", True, 0.75),
        ("coastnews.example", "Coast News Agency", False, 0.875),
        ("c.example", "Other Agency", True, 0.5),
    ]
    with duckdb.connect() as db:
        db.register(
            "articles",
            pa.Table.from_pylist(
                [
                    to_row(
                        make_article(
                            url=f"https://{host}/1",
                            publisher_domain=host,
                            cluster_id=cluster,
                            agency=agency,
                            is_wire_copy=is_wire_copy,
                            duplicate_score=overlap,
                            first_seen_at=NOON + timedelta(minutes=minute),
                        )
                    )
                    for minute, (host, agency, is_wire_copy, overlap) in enumerate(printed)
                ],
                schema=arrow_schema("articles"),
            ),
        )
        for name, sql in DERIVED_VIEWS.items():
            db.execute(f"CREATE VIEW {name} AS {sql}")
        story = "SELECT origin_agency, origin_evidence, origin_credits, origin_url, original_url FROM stories"
        assert db.execute(story).fetchall() == [
            ("Coast News Agency", "own article", 2, "https://coastnews.example/1", "https://a.example/1")
        ]
        copies = "SELECT publisher_domain, is_origin, is_wire_copy, overlap FROM lineage ORDER BY first_seen_at"
        assert db.execute(copies).fetchall() == [
            ("a.example", False, True, None),
            ("b.example", False, True, 0.75),
            ("coastnews.example", True, False, 0.875),
            ("c.example", False, True, 0.5),
        ]


def test_rejects_fetches_and_runs_are_there_even_when_empty(root: Path) -> None:
    db = connect(root)
    assert db.execute("SELECT reason, seen_date::VARCHAR FROM rejects").fetchall() == [("timeout", "2026-03-01")]
    assert db.execute("SELECT count(*), count(seen_date) FROM fetches").fetchall() == [(0, 0)]
    assert db.execute("SELECT run_id, entries FROM runs").fetchall() == [("r", 4)]


def test_instants_are_in_utc(root: Path) -> None:
    assert connect(root).execute("SELECT DISTINCT min(first_seen_at)::VARCHAR FROM articles").fetchall() == [
        ("2026-03-01 12:00:00+00",)
    ]


def test_csv_cells_are_no_formulas(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_query(root, "SELECT title FROM articles WHERE publisher_domain = 'b.example'", "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["title"], ["'=HYPERLINK(1)"]]


def test_json_is_one_object_a_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_query(root, "SELECT version, title FROM articles ORDER BY ALL", "json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["version"] for line in lines] == [1, 1, 2]


def test_a_table_carries_no_control_characters(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_query(root, "SELECT chr(27) || '[2Jwiped' AS title", "table")
    assert "\x1b[2J" not in capsys.readouterr().out


def test_a_query_beside_a_compaction_lists_again_what_was_replaced_under_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((file,),) = [list(folder.iterdir()) for folder in (root / "articles").iterdir()]
    names = [file, file.with_name("compacted.parquet")]

    def replace() -> None:
        for _ in range(30):
            time.sleep(0.003)
            names[0].rename(names[1])
            names.reverse()

    compaction = threading.Thread(target=replace)
    compaction.start()
    print_query(root, "SELECT count(*) AS n FROM articles", "json")
    compaction.join()
    assert capsys.readouterr().out == '{"n": 3}\n'


def test_wrong_sql_a_wrong_form_and_a_folder_without_data_are_usage_errors(root: Path, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        print_query(root, "SELECT * FROM nowhere", "table")
    with pytest.raises(QueryError, match="--format xml"):
        print_query(root, "SELECT 1", "xml")
    with pytest.raises(NoDatasetError, match="no dataset"):
        connect(tmp_path / "elsewhere")


def test_a_query_writes_nothing_to_the_dataset(root: Path) -> None:
    before = sorted(path for path in root.rglob("*"))
    connect(root).execute("SELECT * FROM stories").fetchall()
    assert sorted(path for path in root.rglob("*")) == before


def test_since_gives_exactly_the_rows_of_the_finished_runs_after_it(root: Path) -> None:
    dataset = Dataset(root)
    for number, finished_at in ((1, "2026-03-02"), (2, "2026-03-03"), (3, None)):
        run_id = f"s{number}"
        rows = [make_article(url=f"https://c.example/{run_id}", run_id=run_id)]
        parts = [part.path for part in write_parts(rows, root, run_id, WriteSettings())]
        dataset.write_manifest({"run_id": run_id, "files": parts, "finished_at": finished_at})
    assert connect(root, "s1").execute("SELECT run_id FROM articles").fetchall() == [("s2",)]
    assert connect(root, "s2").execute("SELECT run_id FROM articles").fetchall() == []
    assert newest_finished_run(root) == "s2"
    with pytest.raises(QueryError, match="the last is s3"):
        connect(root, "s9")


def test_rows_can_be_written_to_parquet(root: Path, tmp_path: Path) -> None:
    print_query(root, "SELECT title, topics FROM articles;", "parquet", output=tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 3


def test_each_value_of_sql_has_a_form_in_json_and_every_line_is_json(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = (
        "SELECT 'nan'::DOUBLE AS a, -'inf'::FLOAT AS b, 1.50::DECIMAL(9, 2) AS c, 'x'::BLOB AS d,"
        " DATE '2026-03-01' AS e, TIMESTAMPTZ '2026-03-01 10:00:00+00' AS f, MAP([DATE '2026-03-01'], [1]) AS g,"
        " 1 AS h, 2 AS h, [{'i': 'y'::BLOB}] AS i"
    )
    print_query(root, sql, "json")
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told == {
        "a": None, "b": None, "c": 1.5, "d": "78", "e": "2026-03-01", "f": "2026-03-01T10:00:00+00:00",
        "g": {"2026-03-01": 1}, "h": 1, "h_1": 2, "i": [{"i": "79"}],
    }  # fmt: skip
    print_query(root, "SELECT 'x'::BLOB AS d, [{'i': 'y'}] AS i", "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1] == ["78", '[{"i": "y"}]']


@pytest.mark.parametrize("sql", ["", " ;", "-- no more"])
def test_no_statement_is_told(root: Path, sql: str) -> None:
    with pytest.raises(QueryError, match="no statement"):
        print_query(root, sql, "json")
