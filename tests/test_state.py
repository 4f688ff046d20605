"""What a run remembers: built from the dataset alone, and entries that are news only once."""

import dataclasses
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.dataset import Dataset
from pipeline.rewrite import compact
from pipeline.spool import Spool
from pipeline.state import RETRY_LIMIT, ArticleMemory, FeedMemory
from tests.articles import NOON, make_article
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.partitions import write_parts
from transforms.reading import read
from transforms.robots import MAX_HOSTS, KnownRobots
from transforms.schema import Article, Entry
from transforms.seen import entry_key, marks
from transforms.settings import WriteSettings
from transforms.signatures import pack, sign

ENTRY = Entry(url="https://a.example/1?utm_source=rss", feed_id="a", feed_url="https://a.example/feed", seen_at=NOON)


def commit(dataset: Dataset, run_id: str, *rows: Article) -> None:
    dataset.state.mkdir(exist_ok=True)
    parts = [part.path for part in write_parts(rows, dataset.staging / run_id, run_id, WriteSettings())]
    dataset.write_manifest({"run_id": run_id, "files": parts, "finished_at": NOON.isoformat()})
    dataset.publish(run_id, parts)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    dataset = Dataset(tmp_path)
    commit(dataset, "20260301T000000Z", make_article())
    commit(dataset, "20260302T000000Z", make_article(version=2, title="Ferry line reopens at last"))
    return dataset


def known(dataset: Dataset) -> object:
    memory = Memory(dataset.root)
    try:
        return memory.latest(make_article().article_id)
    finally:
        memory.close()


def test_memory_is_built_from_the_committed_files_and_again_when_deleted(dataset: Dataset) -> None:
    ArticleMemory(dataset).catch_up()
    first = known(dataset)
    assert first is not None
    assert (first.version, first.title) == (2, "Ferry line reopens at last")  # type: ignore[attr-defined]
    for loss in (dataset.state / "signatures", dataset.state):
        shutil.rmtree(loss)
        dataset.state.mkdir(exist_ok=True)
        ArticleMemory(dataset).catch_up()
        assert known(dataset) == first


def test_files_are_applied_once_however_often_it_catches_up(dataset: Dataset) -> None:
    for _ in range(3):
        ArticleMemory(dataset).catch_up()
    commit(dataset, "20260303T000000Z", make_article(url="https://b.example/2"))
    ArticleMemory(dataset).catch_up()
    assert Memory(dataset.root).latest(make_article(url="https://b.example/2").article_id) is not None


def test_a_memory_cut_off_between_its_halves_is_completed(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    signed = make_article(url="https://b.example/2", signature=pack(sign(read("One of the words. " * 20))))
    commit(dataset, "20260303T000000Z", signed)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("pipeline.state._mark_applied", die)
        ArticleMemory(dataset).catch_up()
    assert known(dataset) is None
    ArticleMemory(dataset).catch_up()
    assert known(dataset) is not None
    assert len(NearIndex.open(dataset.state / "signatures")) == 1


def test_files_that_are_no_databases_any_more_are_begun_anew(dataset: Dataset) -> None:
    ArticleMemory(dataset).catch_up()
    before = known(dataset)
    for name in ("articles.sqlite3", "feeds.sqlite3"):
        (dataset.state / name).write_bytes(b"what a power cut left" * 100)
    ArticleMemory(dataset).catch_up()
    assert known(dataset) == before
    assert FeedMemory(dataset).is_news(ENTRY, Memory(dataset.root))


def test_compacted_files_of_known_rows_are_not_read_again(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(dataset, "20260303T000000Z", make_article(url="https://b.example/2"))  # another file of the first day
    ArticleMemory(dataset).catch_up()
    before = known(dataset)
    assert compact(dataset.root, WriteSettings(), NOON + timedelta(days=9))
    monkeypatch.setattr(ArticleMemory, "_apply", lambda self, db, files: pytest.fail(f"{files} read again"))
    ArticleMemory(dataset).catch_up()
    assert known(dataset) == before


def test_compacted_files_of_rows_not_known_yet_are_read(dataset: Dataset) -> None:
    ArticleMemory(dataset).catch_up()
    late = make_article(url="https://b.example/2")
    commit(dataset, "20260303T000000Z", late)  # killed before its memory took it in
    assert compact(dataset.root, WriteSettings(), NOON + timedelta(days=9))
    ArticleMemory(dataset).catch_up()
    assert Memory(dataset.root).latest(late.article_id) is not None


def test_the_text_of_a_stored_version_is_read_from_its_file(dataset: Dataset) -> None:
    ArticleMemory(dataset).catch_up()
    memory = Memory(dataset.root)
    latest = memory.latest(make_article().article_id)
    assert latest
    assert memory.text(latest) == make_article().text


def test_an_entry_is_news_until_it_was_seen_and_again_when_its_feed_tells_something_new(dataset: Dataset) -> None:
    feeds, memory = FeedMemory(dataset), Memory(dataset.root)
    assert feeds.is_news(ENTRY, memory)
    feeds.save_seen(marks([ENTRY]))
    assert not feeds.is_news(ENTRY, memory)
    assert not feeds.is_news(dataclasses.replace(ENTRY, url="https://a.example/1"), memory)
    assert feeds.is_news(dataclasses.replace(ENTRY, title="Corrected"), memory)


def test_an_entry_of_a_stored_article_is_no_news_in_another_feed(dataset: Dataset) -> None:
    ArticleMemory(dataset).catch_up()
    elsewhere = dataclasses.replace(ENTRY, feed_id="b", url=make_article().url)
    assert not FeedMemory(dataset).is_news(elsewhere, Memory(dataset.root))


def test_a_passing_failure_is_tried_again_a_bounded_number_of_times(dataset: Dataset) -> None:
    feeds, memory = FeedMemory(dataset), Memory(dataset.root)
    key = entry_key(ENTRY.feed_id, ENTRY.url, ENTRY.guid)
    tries = 0
    while feeds.is_news(ENTRY, memory):
        tries += 1
        feeds.save_seen(marks([ENTRY]), {key})
    assert tries == RETRY_LIMIT


def test_robots_answers_are_kept_for_a_day_and_for_so_many_hosts(dataset: Dataset) -> None:
    rules = KnownRobots(origin="https://a.example", fetched_at=NOON, body=b"User-agent: *\nDisallow: /")
    failed = KnownRobots(origin="https://b.example", fetched_at=NOON, failure="http-5xx", http_status=503)
    FeedMemory(dataset).save_robots([rules, failed], NOON)
    feeds = FeedMemory(dataset)
    assert {answer.origin: answer for answer in feeds.robots()} == {"https://a.example": rules, failed.origin: failed}
    tomorrow = NOON + timedelta(days=1, seconds=1)
    feeds.save_robots([dataclasses.replace(rules, fetched_at=tomorrow)], tomorrow)
    assert [answer.fetched_at for answer in feeds.robots()] == [tomorrow]
    many = [
        KnownRobots(origin=f"https://{n}.example", fetched_at=tomorrow + timedelta(seconds=n))
        for n in range(MAX_HOSTS + 1)
    ]
    feeds.save_robots(many, tomorrow + timedelta(hours=1))
    assert [answer.origin for answer in feeds.robots()] == [answer.origin for answer in many[1:]]


def test_the_spool_takes_feeds_in_turn_oldest_first_and_each_article_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "entries.sqlite3")

    def entries(feed: str, numbers: range) -> list[Entry]:
        return [dataclasses.replace(ENTRY, feed_id=feed, url=f"https://{feed}.example/{n}") for n in numbers]

    assert spool.add(entries("a", range(3, 0, -1))) == 3
    assert spool.add([ENTRY, *entries("b", range(2, 0, -1))]) == 2  # the newest is a's first, with a tracking parameter
    assert [[entry.url for entry in batch] for batch in spool.batches(2)] == [
        ["https://a.example/1", "https://b.example/1"],
        ["https://a.example/2", "https://b.example/2"],
        ["https://a.example/3"],
    ]
    spool.close()
    assert not (tmp_path / "entries.sqlite3").exists()
