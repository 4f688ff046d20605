"""`newsbeam retry`: what failed in passing is tried again, what failed for good is not, and all ends some time."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.report import Report
from pipeline.retry import MOST_REJECTS, retry_once, retryable_entries
from pipeline.run import Options
from tests.articles import NOON, make_reject
from tests.servers import Reply, Site, serve
from tests.test_run import TOWNS, config, feed, page, rows, run
from transforms.memory import Memory
from transforms.partitions import write_parts
from transforms.schema import Feed
from transforms.settings import WriteSettings


@pytest.fixture
def site() -> Iterator[Site]:
    routes = {f"/{town}": page(town) for town in TOWNS[:2]} | {"/feed": feed(["/Accra", "/Bergen", "/gone", "/Cusco"])}
    with serve(routes) as running:
        running.routes["/Cusco"] = Reply(status=503, body=b"busy", headers={"Content-Type": "text/plain"})
        yield running


def retry(site: Site, root: Path) -> Report:
    return retry_once(config(site, root), Options(), lambda phase, report, to_do: None)


def test_a_page_that_was_busy_is_stored_later_without_polling_its_feed(site: Site, tmp_path: Path) -> None:
    first = run(config(site, tmp_path))
    assert first.reasons == {"http-404": 1, "http-5xx": 1}
    polls = site.asked.count("/feed")
    assert retry(site, tmp_path).reasons == {"http-5xx": 1}
    site.routes["/Cusco"] = page("Cusco")
    again = retry(site, tmp_path)
    assert (again.entries, again.stored, again.feeds_polled) == (1, 1, 0)
    assert site.asked.count("/feed") == polls
    assert site.asked.count("/gone") == 1
    assert retry(site, tmp_path).entries == 0
    assert {row["publisher"] for row in rows(tmp_path, "articles")} == {"Towns"}


def test_a_later_success_gives_the_row_that_a_first_one_would_have_given(site: Site, tmp_path: Path) -> None:
    printed = "Tue, 17 Nov 2026 07:30:00 +0100"
    told = f"<dc:creator>Mara Lindqvist</dc:creator><category>Harbours</category><pubDate>{printed}</pubDate>"
    document = feed(["/Cusco"]).body
    text = document if isinstance(document, str) else document.decode()
    text = text.replace("</item>", f"{told}</item>").replace(
        "<rss ", '<rss xmlns:dc="http://purl.org/dc/elements/1.1/" '
    )
    site.routes["/feed"] = dataclasses.replace(feed([]), body=text)
    assert run(config(site, tmp_path / "later")).reasons == {"http-5xx": 1}
    site.routes["/Cusco"] = page("Cusco")
    assert run(config(site, tmp_path / "first")).stored == 1
    assert retry(site, tmp_path / "later").stored == 1
    (wanted,), (given,) = rows(tmp_path / "first", "articles"), rows(tmp_path / "later", "articles")
    of_the_run = {"run_id", "first_seen_at", "fetched_at"}
    assert {k: v for k, v in given.items() if k not in of_the_run} == {
        k: v for k, v in wanted.items() if k not in of_the_run
    }
    assert (given["published_raw"], given["published_source"]) == (printed, "feed")
    assert given["authors"][0]["name"] == "Mara Lindqvist"


def entries(root: Path, *rejects: object) -> list[str]:
    write_parts(rejects, root, "r", WriteSettings())  # type: ignore[arg-type]  # rejects are rows
    feeds = [Feed(url="https://a.example/feed", id="a", publisher="A")]
    return [entry.url for entry in retryable_entries(root, feeds, Memory(root), NOON + timedelta(days=1))]


def test_only_the_newest_reject_of_an_entry_counts(tmp_path: Path) -> None:
    passing = make_reject(reason="timeout", retryable=True)
    for_good = dataclasses.replace(passing, reason="http-410", retryable=False, seen_at=NOON + timedelta(hours=1))
    assert entries(tmp_path / "one", passing) == ["https://a.example/1"]
    assert entries(tmp_path / "two", passing, for_good) == []


def test_an_entry_is_not_tried_for_ever_nor_after_two_weeks(tmp_path: Path) -> None:
    passing = make_reject(reason="timeout", retryable=True)
    assert entries(tmp_path / "often", *[passing] * MOST_REJECTS) == []
    assert entries(tmp_path / "old", dataclasses.replace(passing, seen_at=NOON - timedelta(days=20))) == []


def test_a_feed_that_failed_as_a_whole_is_left_to_the_next_poll(tmp_path: Path) -> None:
    assert entries(tmp_path, make_reject(url="https://a.example/feed", reason="timeout", retryable=True)) == []
