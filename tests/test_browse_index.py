"""The search index holds what the committed files hold: no row more, none less, whatever happens to either."""

import dataclasses
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.browse_index import INDEX_FILE, SearchIndex
from pipeline.browse_search import Question, read_question, search, snippet, versions
from pipeline.browse_words import read_search
from pipeline.dataset import Dataset
from pipeline.rewrite import compact, forget_url, rewrite
from tests.articles import NOON, REPORT, make_article
from tests.test_state import commit
from transforms.schema import Article, CountryMention, NameMention, Topic
from transforms.settings import WriteSettings

LATER = NOON + timedelta(days=30)
FERRY = make_article(
    publisher="Harbour Courier",
    language="en",
    primary_country="NO",
    countries=(CountryMention(code="NO", mentions=2), CountryMention(code="IS", mentions=1)),
    people=(NameMention(name="Ingrid Solberg", mentions=2, score=0.9),),
    organizations=(NameMention(name="Dalgleish Marine", mentions=1, score=0.9),),
    topics=(Topic(id="medtop:04000000", name="economy", score=0.8),),
    text=REPORT,
    published_at=NOON - timedelta(days=3),
)
COPY = make_article(
    "https://b.example/2", publisher_domain="b.example", text=REPORT, cluster_id=FERRY.article_id,
    duplicate_of=FERRY.article_id, duplicate_kind="exact", duplicate_score=1.0, first_seen_at=NOON + timedelta(hours=1),
)  # fmt: skip
CHINESE = make_article("https://c.example/3", language="zh", title="北京的天气", text="今天北京有雨。\n明天是晴天。")
SECOND = dataclasses.replace(FERRY, version=2, title="Ferry pier opens again", text="The pier is open.")


def make_dataset(root: Path) -> Dataset:
    dataset = Dataset(root)
    root.mkdir()
    commit(dataset, "20260301T000000Z", FERRY, COPY, CHINESE)
    return dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "news")


@pytest.fixture(scope="module")
def unchanging(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    """An index for tests that only ask it."""
    index = SearchIndex(make_dataset(tmp_path_factory.mktemp("unchanging") / "news").root)
    index.refresh(threading.Event())
    return index


@pytest.fixture
def index(dataset: Dataset) -> Iterator[SearchIndex]:
    index = SearchIndex(dataset.root)
    index.refresh(threading.Event())
    yield index
    index.close()


def titles(index: SearchIndex, **asked: str) -> list[str | None]:
    with index.reading() as db:
        return [hit.title for hit in search(db, read_question(asked)).hits]


def ids(index: SearchIndex, **asked: str) -> set[str]:
    with index.reading() as db:
        return {hit.article_id for hit in search(db, read_question(asked)).hits}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"q": "ingrid solberg", "copies": "no"}, FERRY),
        ({"q": "北京"}, CHINESE),
        ({"language": "zh"}, CHINESE),
        ({"country": "NO"}, FERRY),
        ({"mention": "IS"}, FERRY),
        ({"topic": "medtop:04000000"}, FERRY),
        ({"person": "ingrid solberg"}, FERRY),
        ({"person": "SOLBERG"}, FERRY),
        ({"organization": "dalgleish"}, FERRY),
        ({"publisher": "Harbour Courier"}, FERRY),
        ({"publisher": "b.example"}, COPY),
        ({"until": "2026-02-27"}, FERRY),
        ({"since": "2026-02-27", "q": "pier"}, COPY),
        ({"q": "crack* -ferry OR 天气 OR zzz"}, CHINESE),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_each_filter_finds_what_it_says(unchanging: SearchIndex, asked: dict[str, str], expected: Article) -> None:
    assert ids(unchanging, **asked) == {expected.article_id}


@pytest.mark.parametrize("value", ["' OR 1=1 --", '"; DROP TABLE articles', "%", "_", "\\", "é" * 600])
def test_values_are_bound_not_pasted(unchanging: SearchIndex, value: str) -> None:
    filters = ("publisher", "country", "mention", "topic", "person", "organization", "language", "since", "until")
    for name in filters:
        found = ids(unchanging, **{name: value})
        assert found == (set() if name not in ("since", "until") else {a.article_id for a in (FERRY, COPY, CHINESE)})


def test_a_new_version_takes_the_place_of_the_old_which_is_found_when_asked_for(
    dataset: Dataset, index: SearchIndex
) -> None:
    commit(dataset, "20260302T000000Z", SECOND)
    index.refresh(threading.Event())
    assert titles(index, q="pier", copies="no") == [SECOND.title]
    assert set(titles(index, q="pier", copies="no", versions="all")) == {SECOND.title, FERRY.title}
    with index.reading() as db:
        assert [hit.version for hit in versions(db, FERRY.article_id)] == [1, 2]


def test_an_index_built_in_any_order_answers_the_same(dataset: Dataset, index: SearchIndex) -> None:
    commit(dataset, "20260302T000000Z", dataclasses.replace(SECOND, fetched_at=LATER))
    index.refresh(threading.Event())
    grown = titles(index, versions="all"), titles(index)
    shutil.rmtree(dataset.state)
    anew = SearchIndex(dataset.root)
    anew.refresh(threading.Event())
    assert (titles(anew, versions="all"), titles(anew)) == grown


def test_compaction_moves_rows_and_keeps_their_words(dataset: Dataset, index: SearchIndex) -> None:
    commit(dataset, "20260302T000000Z", make_article("https://d.example/4"))
    index.refresh(threading.Event())
    before, inode = ids(index), index.path.stat().st_ino
    assert compact(dataset.root, WriteSettings(), LATER)
    index.refresh(threading.Event())
    assert (ids(index), index.path.stat().st_ino) == (before, inode)
    with index.reading() as db:
        files = {hit.file for hit in search(db, Question()).hits}
    assert all((dataset.root / file).exists() for file in files)


def test_what_was_erased_leaves_no_trace(dataset: Dataset, index: SearchIndex) -> None:
    assert b"dalgleish" in index.path.read_bytes()
    forget_url(dataset.root, FERRY.url, WriteSettings(), LATER)
    assert not index.path.exists()
    index.refresh(threading.Event())
    assert ids(index) == {COPY.article_id, CHINESE.article_id}


def test_rows_that_were_tagged_anew_are_read_anew(dataset: Dataset, index: SearchIndex) -> None:
    def tagged(_: str, table: object) -> object:
        column = table.schema.get_field_index("tags_version")  # type: ignore[attr-defined]
        country = table.schema.get_field_index("primary_country")  # type: ignore[attr-defined]
        rows = len(table)  # type: ignore[arg-type]
        return table.set_column(column, "tags_version", [["new"] * rows]).set_column(  # type: ignore[attr-defined]
            country, "primary_country", [["FI"] * rows]
        )

    rewrite(dataset.root, ["articles/seen_date=2026-03-01"], WriteSettings(), LATER, kind="retag", edit=tagged)  # type: ignore[arg-type]
    index.refresh(threading.Event())
    assert len(ids(index, country="FI")) == 3


@pytest.mark.parametrize("damage", ["deleted", "garbage", "cut"])
def test_an_index_that_is_gone_or_damaged_is_built_again(dataset: Dataset, index: SearchIndex, damage: str) -> None:
    if damage == "deleted":
        index.path.unlink()
    else:
        whole = index.path.read_bytes()
        index.path.write_bytes(b"no database" * 1000 if damage == "garbage" else whole[: len(whole) // 2])
    index.mend()
    index.refresh(threading.Event())
    assert len(ids(index)) == 3


def test_two_browsers_share_one_index(dataset: Dataset, index: SearchIndex) -> None:
    rows = [make_article(f"https://e.example/{number}") for number in range(600)]
    commit(dataset, "20260302T000000Z", *rows)
    other = SearchIndex(dataset.root)
    threads = [threading.Thread(target=one.refresh, args=(threading.Event(),)) for one in (index, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with index.reading() as db:
        assert search(db, Question()).total == 603
    assert (index.rows_in, other.rows_in) == (603, 603)


def test_one_that_is_asked_to_stop_leaves_whole_files(dataset: Dataset) -> None:
    index, stop = SearchIndex(dataset.root), threading.Event()
    stop.set()
    index.refresh(stop)
    assert ids(index) == set()
    index.refresh(threading.Event())
    assert len(ids(index)) == 3


def test_where_state_cannot_be_written_the_index_is_kept_elsewhere(dataset: Dataset) -> None:
    shutil.rmtree(dataset.state)
    dataset.state.write_text("no folder")
    index = SearchIndex(dataset.root)
    index.refresh(threading.Event())
    assert not index.is_kept
    assert len(ids(index)) == 3
    index.close()
    assert not index.path.parent.exists()


def test_nothing_else_of_the_dataset_is_touched(dataset: Dataset) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in dataset.root.rglob("*") if INDEX_FILE not in path.name}

    dataset.state.joinpath("staging").mkdir(exist_ok=True)
    before = files() | {dataset.state: 0}
    index = SearchIndex(dataset.root)
    index.refresh(threading.Event())
    titles(index, q="pier")
    assert files() | {dataset.state: 0} == before


def test_a_snippet_shows_where_the_words_stand() -> None:
    text = "Nothing here. " * 50 + "The pier of Westmouth is closed. " + "Nothing there. " * 50
    pieces = snippet(text, read_search("westmouth pier").phrases())
    assert [piece for piece, is_marked in pieces if is_marked] == ["pier", "Westmouth"]
    assert sum(len(piece) for piece, _ in pieces) < 320
    assert "".join(piece for piece, _ in snippet("Short.", ())) == "Short."
