"""Part files: what is written is what is read, under one schema, sorted, in the right partition."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.articles import NOON, make_article, make_fetch, make_reject
from transforms import partitions
from transforms.arrow_schema import arrow_schema, to_row
from transforms.partitions import write_parts
from transforms.schema import Author, Dateline, PlaceMention, RemovedLine
from transforms.settings import WriteSettings

SETTINGS = WriteSettings()


def test_every_file_of_a_dataset_has_the_same_schema_whatever_its_rows_hold(tmp_path: Path) -> None:
    bare = make_article()
    full = make_article(
        url="https://b.example/2",
        authors=(Author(name="Ama Mensah", kind="person"),),
        dateline=Dateline(text="ACCRA:", place="Accra", country="GH", latitude=5.6, longitude=-0.2),
        places=(PlaceMention(name="Accra", country="GH", geoname_id=2306104, latitude=5.6, longitude=-0.2),),
        removed=(RemovedLine(text="Read more", rule="promo"),),
    )
    for number, row in enumerate((bare, full)):
        (part,) = write_parts([row], tmp_path, f"run-{number}", SETTINGS)
        assert pq.read_schema(tmp_path / part.path).equals(arrow_schema("articles"), check_metadata=True)


def test_rows_of_three_datasets_and_two_days_become_a_part_file_each(tmp_path: Path) -> None:
    late = make_article(url="https://b.example/2", first_seen_at=NOON + timedelta(days=1))
    parts = write_parts([make_article(), late, make_reject(), make_fetch()], tmp_path, "r", SETTINGS)
    assert [part.path for part in parts] == [
        "articles/seen_date=2026-03-01/r.parquet",
        "articles/seen_date=2026-03-02/r.parquet",
        "fetches/seen_date=2026-03-01/r.parquet",
        "rejects/seen_date=2026-03-01/r.parquet",
    ]


def test_a_text_that_is_none_costs_its_odd_characters_not_the_file(tmp_path: Path) -> None:
    rows = [make_article(title="a \udc9b b", authors=(Author(name="\ud800", kind="person"),)), make_article(title="ü")]
    (part,) = write_parts(rows, tmp_path, "p", WriteSettings())
    stored = pq.read_table(tmp_path / part.path).to_pylist()
    assert {row["title"] for row in stored} == {"a ? b", "ü"}


def test_the_partition_is_the_day_a_version_was_first_seen_not_published(tmp_path: Path) -> None:
    old = make_article(published_at=datetime(1999, 1, 1, tzinfo=UTC))
    second = make_article(version=2, fetched_at=NOON + timedelta(days=3))
    assert [part.path.split("/")[1] for part in write_parts([old, second], tmp_path, "r", SETTINGS)] == [
        "seen_date=2026-03-01",
        "seen_date=2026-03-04",
    ]


def test_rows_are_sorted_by_publisher_and_time(tmp_path: Path) -> None:
    rows = [
        make_article(url=f"https://x.example/{n}", publisher_domain=domain, published_at=NOON + timedelta(hours=n))
        for n, domain in enumerate(["b.example", "a.example", "b.example", "a.example"])
    ]
    (part,) = write_parts(rows[::-1], tmp_path, "r", SETTINGS)
    table = pq.read_table(tmp_path / part.path, columns=["publisher_domain", "published_at"], partitioning=None)
    keys = [tuple(row.values()) for row in table.to_pylist()]
    assert keys == sorted(keys)


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@given(title=st.none() | text, body=text, rule=text, mentions=st.integers(0, 2**31 - 1))
def test_what_is_written_is_read_back(
    tmp_path_factory: object, title: str | None, body: str, rule: str, mentions: int
) -> None:
    folder = tmp_path_factory.mktemp("parts")  # type: ignore[attr-defined]  # pytest's own factory
    article = make_article(
        title=title,
        text=body,
        removed=(RemovedLine(text=body, rule=rule),),
        places=(PlaceMention(name=body, mentions=mentions),),
        changes=None,
    )
    (part,) = write_parts([article], folder, "r", SETTINGS)
    assert pq.read_table(folder / part.path, partitioning=None).to_pylist() == [to_row(article)]


def test_row_groups_are_bounded_by_size_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "ROW_GROUP_BYTES", 200_000)
    rows = [make_article(url=f"https://a.example/{number}", text="long " * 2_000) for number in range(60)]
    (part,) = write_parts(rows, tmp_path, "part", WriteSettings())
    metadata = pq.read_metadata(tmp_path / part.path)
    assert metadata.num_rows == 60
    assert 3 <= metadata.num_row_groups <= 6
