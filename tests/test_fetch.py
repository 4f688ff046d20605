"""Fetch: feeds polled and pages fetched from a real server, with every entry coming out exactly once."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.servers import Reply, Route, html, serve
from transforms import interrupt
from transforms.answers import max_age_s
from transforms.feed_poller import Poll, poll_feeds
from transforms.fetch import Fetch, fetch_pages
from transforms.polling import FeedState, due
from transforms.schema import Entry, Feed, HttpFetch, Kept, Page, Reject, Settled, Spent
from transforms.settings import FetchSettings
from transforms.warc import read_pages
from transforms.workers import Workers, shared_workers

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SETTINGS = FetchSettings(timeout_s=3, retries=0, per_host_delay_s=0)
OUTCOMES = [("robots", "http-404"), ("robots", "blocked-address"), ("page", "ok"), ("page", "http-410")]
ITEM = "<item><title>A</title><link>/a</link><guid isPermaLink='false'>g-{n}</guid></item>"


def rss(*numbers: int) -> str:
    items = "".join(ITEM.format(n=n) for n in numbers)
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


@pytest.fixture(scope="module")
def workers() -> Workers:
    pool = shared_workers(0)
    pool.submit(60, int).result()  # started before anything is timed
    return pool


def entry(url: str) -> Entry:
    return Entry(url=url, feed_id="f", feed_url="http://f.example/feed", seen_at=NOW)


def poll(base: str, host: str, state: FeedState | None, workers: Workers, **config: float) -> Poll:
    feed = Feed(url=f"{base}/feed", id="f", interval_s=config.get("interval_s"))
    (result,) = poll_feeds([(feed, state)], replace(SETTINGS, allow_hosts=(host,)), workers, NOW)
    return result


# ------------------------------------------------------------------ feeds


def test_a_feed_is_polled_conditionally_with_its_validators_verbatim(workers: Workers) -> None:
    headers = {"ETag": 'W/"odd \\ one"', "Last-Modified": "yesterday"}
    with serve({"/feed": Reply(body=rss(1, 2), headers=headers)}) as site:
        first = poll(site.base, site.host, None, workers, interval_s=1)
        second = poll(site.base, site.host, first.state, workers, interval_s=1)
        asked = [request.headers for request in site.requests if request.target == "/feed"]
    assert (first.outcome, [item.guid for item in first.entries]) == ("ok", ["g-1", "g-2"])
    assert (second.outcome, second.entries) == ("unchanged", ())
    assert (asked[1]["if-none-match"], asked[1]["if-modified-since"]) == ('W/"odd \\ one"', "yesterday")
    assert [(row.kind, row.outcome) for row in second.fetches] == [("feed", "not-modified")]
    assert {row.kind for row in first.fetches} == {"robots", "feed"}
    assert due(second.state, NOW + timedelta(seconds=1))


def test_the_same_body_without_validators_is_unchanged(workers: Workers) -> None:
    with serve({"/feed": Reply(body=rss(1))}) as site:
        first = poll(site.base, site.host, None, workers)
        second = poll(site.base, site.host, first.state, workers)
    assert (first.outcome, second.outcome, second.entries) == ("ok", "unchanged", ())


def test_a_server_whose_validators_lie_is_asked_without_them(workers: Workers) -> None:
    bodies = [rss(1), rss(2), rss(3)]
    with serve({"/feed": lambda _: Reply(body=bodies.pop(0), headers={"Etag": '"same"'})}) as site:
        state: FeedState | None = None
        for _ in range(3):
            result = poll(site.base, site.host, state, workers)
            state = result.state
            assert result.outcome == "ok"
        assert "if-none-match" not in site.requests[-1].headers


def test_a_permanent_move_is_remembered_and_forgotten_when_it_fails(workers: Workers) -> None:
    routes: dict[str, Route] = {"/feed": Reply(status=301, headers={"Location": "/new"}), "/new": Reply(body=rss(1))}
    with serve(routes) as site:
        moved = poll(site.base, site.host, None, workers)
        assert moved.state.moved_to == site.url("/new")
        poll(site.base, site.host, moved.state, workers)
        assert site.asked == ["/feed", "/new", "/new"]
        routes["/new"] = Reply(status=404)
        assert poll(site.base, site.host, moved.state, workers).state.moved_to is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=410), "http-410"),
        (Reply(status=503), "http-5xx"),
        (html("<html>sorry"), "feed-unparsable"),
        (Reply(body=""), "empty-body"),
        (Reply(body=rss(1).replace("<rss", '<!DOCTYPE a [<!ENTITY b "c">]><rss')), "feed-entities"),
    ],
)
def test_a_feed_that_cannot_be_read_says_why(reply: Reply, reason: str, workers: Workers) -> None:
    with serve({"/feed": reply}) as site:
        result = poll(site.base, site.host, None, workers)
    assert result.outcome == "failed"
    assert result.reject is not None
    assert (result.reject.reason, result.reject.feed_id) == (reason, "f")
    assert result.state.failures > 0
    assert result.state.gone is (reason == "http-410")


def test_a_truncated_feed_brings_its_entries_and_a_reject_beside(workers: Workers) -> None:
    with serve({"/feed": Reply(body=rss(1, 2, 3)[:-60])}) as site:
        result = poll(site.base, site.host, None, workers)
    assert result.outcome == "ok"
    assert len(result.entries) >= 2
    assert result.reject is not None
    assert result.reject.reason == "feed-truncated"


def test_what_a_truncated_feed_left_out_is_asked_for_again(workers: Workers) -> None:
    headers = {"ETag": '"1"'}
    routes: dict[str, Route] = {"/feed": Reply(body=rss(1, 2, 3)[:-60], headers=headers)}
    with serve(routes) as site:
        first = poll(site.base, site.host, None, workers)
        routes["/feed"] = Reply(body=rss(1, 2, 3), headers=headers)
        second = poll(site.base, site.host, first.state, workers)
    assert (first.outcome, second.outcome) == ("ok", "ok")
    assert [item.guid for item in second.entries] == ["g-1", "g-2", "g-3"]
    assert not second.state.validators_lie


def test_a_feed_that_asks_to_be_left_alone_is(workers: Workers) -> None:
    with serve({"/feed": Reply(status=429, headers={"Retry-After": "7200"})}) as site:
        result = poll(site.base, site.host, None, workers, interval_s=1)
    assert not due(result.state, NOW + timedelta(seconds=7100), interval_s=1)
    assert due(result.state, NOW + timedelta(seconds=7200), interval_s=1)


def test_many_large_children_of_an_index_do_not_wait_for_each_other(workers: Workers) -> None:
    large = sitemap("/1") + "<!--" + "x" * 600_000 + "-->"
    index = "<sitemapindex><sitemap><loc>/child</loc></sitemap></sitemapindex><!--" + "x" * 600_000 + "-->"
    with serve({"/child": Reply(body=large)}) as site:
        feeds = []
        for n in range(12):
            site.routes[f"/{n}"] = Reply(body=index)
            feeds.append((Feed(url=site.url(f"/{n}"), id=str(n)), None))
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=15)
        polls = list(poll_feeds(feeds, settings, workers, NOW))
    assert [len(one.entries) for one in polls] == [1] * 12


def test_many_feeds_are_polled_at_once_and_each_comes_out(workers: Workers) -> None:
    with serve({f"/{n}": Reply(body=rss(n), delay_s=0.2) for n in range(30)}) as site:
        feeds = [(Feed(url=site.url(f"/{n}"), id=str(n)), None) for n in range(30)]
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=15)
        start = time.monotonic()
        polls = list(poll_feeds(feeds, settings, workers, NOW))
        assert time.monotonic() - start < 5  # one after the other they take six
    assert sorted(int(one.feed.id) for one in polls) == list(range(30))
    assert {one.outcome for one in polls} == {"ok"}


def sitemap(*paths: str) -> str:
    return "<urlset>" + "".join(f"<url><loc>{path}</loc></url>" for path in paths) + "</urlset>"


def test_an_index_of_sitemaps_is_followed_to_the_children_that_changed(workers: Workers) -> None:
    index = "<sitemapindex>{}</sitemapindex>".format
    old = "<sitemap><loc>/old.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
    new = "<sitemap><loc>/new.xml</loc><lastmod>2026-11-22</lastmod></sitemap>"
    lost = "<sitemap><loc>/lost.xml</loc></sitemap>"
    routes: dict[str, Route] = {"/feed": Reply(body=index(old + new)), "/old.xml": Reply(body=sitemap("/1", "/2"))}
    routes["/new.xml"] = Reply(body=sitemap("/3"))
    with serve(routes) as site:
        first = poll(site.base, site.host, None, workers)
        assert [item.url for item in first.entries] == [site.url("/3"), site.url("/1"), site.url("/2")]
        routes["/feed"] = Reply(body=index(lost + old + new))
        second = poll(site.base, site.host, first.state, workers)
        assert site.asked[3:] == ["/feed", "/new.xml", "/lost.xml"]
    assert [item.url for item in second.entries] == [site.url("/3")]
    assert second.reject is not None
    assert second.reject.reason == "feed-truncated"


def test_what_is_cut_off_a_long_feed_is_told(workers: Workers) -> None:
    with serve({"/feed": Reply(body=rss(*range(700)))}) as site:
        result = poll(site.base, site.host, None, workers)
    assert (len(result.entries), result.cut) == (500, 200)
    assert result.reject is not None
    assert (result.reject.reason, result.outcome) == ("feed-cut", "ok")


# ------------------------------------------------------------------ pages


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=b"%PDF-1.7", headers={"Content-Type": "text/html"}), "not-html"),
        (Reply(body=b"{}", headers={"Content-Type": "application/json"}), "not-html"),
        (Reply(body=b"", headers={"Content-Type": "text/html"}), "empty-body"),
        (Reply(status=204), "http-other"),
        (Reply(status=404), "http-404"),
        (Reply(delay_s=30), "timeout"),
    ],
)
def test_what_brings_no_page_is_a_reject_and_a_row(reply: Reply, reason: str) -> None:
    with serve({"/": reply}) as site:
        results = list(fetch_pages([entry(site.url())], replace(SETTINGS, timeout_s=0.5, allow_hosts=(site.host,))))
    (reject,) = (result for result in results if isinstance(result, Reject))
    (row,) = (row for row in results if isinstance(row, HttpFetch) and row.kind == "page")
    assert (reject.reason, row.outcome) == (reason, reason)
    assert (reject.http_status, reject.attempts) == (row.http_status, row.attempts)
    assert reject.attempts >= 1


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/xhtml+xml", "", "text/plain", "application/octet-stream"]
)
def test_a_page_is_known_by_its_looks(content_type: str) -> None:
    reply = Reply(body="<html><p>hello", headers={"Content-Type": content_type} if content_type else {})
    with serve({"/": reply}) as site:
        results = list(fetch_pages([entry(site.url())], replace(SETTINGS, allow_hosts=(site.host,))))
    (page,) = [result for result in results if isinstance(result, Page)]
    assert (page.body, page.content_type, page.http_status) == (b"<html><p>hello", content_type or None, 200)


def test_the_feeds_own_text_stands_in_for_a_page_that_cannot_be_had() -> None:
    with serve({"/paid": Reply(status=403), "/too": Reply(status=403)}) as site:
        whole = replace(entry(site.url("/paid")), content="<p>All of it</p>", full_text=True)
        teaser = replace(whole, url=site.url("/too"), full_text=False)
        results = list(fetch_pages([whole, teaser], replace(SETTINGS, allow_hosts=(site.host,))))
    assert [page.entry for page in results if isinstance(page, Page)] == [whole]
    assert [reject.reason for reject in results if isinstance(reject, Reject)] == ["http-403"]


def test_a_host_that_never_answers_or_wants_to_be_left_alone_is_given_up() -> None:
    with serve({"/robots.txt": Reply(status=404)}) as site, serve({}) as dead:
        dead.close()
        site.routes |= {f"/{n}": Reply(status=429, headers={"Retry-After": "3600"}) for n in range(50)}
        settings = replace(SETTINGS, allow_hosts=(site.host, dead.host), respect_robots=False)
        entries = [entry(base.url(f"/{n}")) for n in range(50) for base in (site, dead)]
        results = list(fetch_pages(entries, settings))
        assert len(site.asked) < 10
    reasons = [result.reason for result in results if isinstance(result, Reject)]
    assert sorted(reasons) == ["connect"] * 50 + ["http-429"] * 50
    assert len([row for row in results if isinstance(row, HttpFetch)]) < 30


def test_a_host_that_refuses_again_and_again_is_left_alone() -> None:
    with serve({f"/{n}": Reply(status=429) for n in range(50)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=1)
        results = list(fetch_pages([entry(site.url(f"/{n}")) for n in range(50)], settings))
        assert len(site.asked) == 8
    assert [result.reason for result in results if isinstance(result, Reject)] == ["http-429"] * 50


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(["", "http://", "http://[", "ftp://a/", "//a/b", "http://127.0.0.1:1/", "http://[::1]:1/"])
        | st.text(st.characters(exclude_characters=":"), max_size=30),
        max_size=20,
    )
)
def test_whatever_the_links_are_every_entry_comes_out_once(urls: list[str]) -> None:
    entries = [entry(url) for url in urls]
    results = [result for result in fetch_pages(entries, SETTINGS) if not isinstance(result, HttpFetch | Kept)]
    assert sorted(result.url or "" for result in results if isinstance(result, Reject | Settled)) == sorted(urls)
    assert len(results) == len(urls)


def test_an_article_that_two_feeds_promise_is_asked_for_once() -> None:
    with serve({"/a": html("<p>a")}) as site:
        first = entry(site.url("/a"))
        again = replace(first, url=site.url("/a?utm_source=rss"), feed_id="other", seen_at=first.seen_at + timedelta(1))
        results = list(fetch_pages([again, first], replace(SETTINGS, allow_hosts=(site.host,))))
        assert site.asked == ["/a"]
    assert [page.entry for page in results if isinstance(page, Page)] == [first]
    assert [note.feed_id for note in results if isinstance(note, Settled)] == ["other"]


def test_robots_are_obeyed_unless_told_otherwise() -> None:
    routes: dict[str, Route] = {
        "/robots.txt": Reply(body="User-agent: *\nDisallow: /no"),
        "/no": html("x"),
        "/yes": html("x"),
    }
    with serve(routes) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,))
        results = list(fetch_pages([entry(site.url("/no")), entry(site.url("/yes"))], settings))
        assert [result.reason for result in results if isinstance(result, Reject)] == ["robots-disallowed"]
        assert site.asked == ["/yes"]
        list(fetch_pages([entry(site.url("/no"))], replace(settings, respect_robots=False)))
        assert site.asked == ["/yes", "/no"]


def test_pages_come_only_as_fast_as_they_are_taken() -> None:
    body = "x" * 400_000
    with serve({f"/{n}": html(body) for n in range(200)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=8)
        pages = fetch_pages([entry(site.url(f"/{n}")) for n in range(200)], settings)
        next(pages)
        time.sleep(1)
        assert len(site.asked) < 80
        pages.close()  # type: ignore[attr-defined]


def test_a_host_is_not_slow_because_its_pages_are_taken_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.fetch.HOST_TIME_S", 0.5)
    with serve({f"/{n}": html("x" * 900_000) for n in range(40)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,))
        pages = fetch_pages([entry(site.url(f"/{n}")) for n in range(40)], settings)
        first = next(pages)
        time.sleep(1)
        results = [first, *pages]
    assert len([result for result in results if isinstance(result, Page)]) == 40


def test_a_host_that_is_slow_itself_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.fetch.HOST_TIME_S", 0.3)
    with serve({f"/{n}": Reply(body="<p>x", delay_s=0.2) for n in range(30)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=1)
        results = list(fetch_pages([entry(site.url(f"/{n}")) for n in range(30)], settings))
    assert {result.reason for result in results if isinstance(result, Reject)} == {"host-slow"}
    assert 1 <= len([result for result in results if isinstance(result, Page)]) <= 3


@pytest.fixture
def interrupted() -> Iterator[None]:
    yield
    interrupt.requested.clear()


def test_when_the_run_is_to_end_what_was_not_begun_is_postponed(interrupted: None) -> None:
    with serve({f"/{n}": Reply(body="<p>x", delay_s=0.1) for n in range(100)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=2)
        entries = [entry(site.url(f"/{n}")) for n in range(100)]
        threading.Timer(0.5, interrupt.requested.set).start()
        results = [result for result in fetch_pages(entries, settings) if not isinstance(result, HttpFetch | Kept)]
    pages = [result.entry.url for result in results if isinstance(result, Page)]
    postponed = [result.url for result in results if isinstance(result, Settled)]
    assert sorted(pages + postponed) == sorted(item.url for item in entries)
    assert pages
    assert postponed


def test_the_transform_puts_every_entry_on_one_output() -> None:
    with serve({"/a": html("<p>a"), "/gone": Reply(status=410)}) as site:
        entries = [entry(site.url("/a")), entry(site.url("/gone")), entry(""), entry("http://127.0.0.1:9/x")]
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            fetched = pipeline | beam.Create(entries) | Fetch(settings=replace(SETTINGS, allow_hosts=(site.host,)))
            paths = fetched.pages | "Path" >> beam.Map(lambda page: page.final_url.rpartition("/")[2])
            assert_that(paths, equal_to(["a"]), "pages")
            reasons = fetched.rejects | "Reason" >> beam.Map(lambda reject: reject.reason)
            assert_that(reasons, equal_to(["http-410", "no-link", "blocked-address"]), "rejects")
            outcomes = fetched.fetches | "Outcome" >> beam.Map(lambda row: (row.kind, row.outcome))
            assert_that(outcomes, equal_to(OUTCOMES), "fetches")
            assert_that(fetched.notes | beam.Filter(lambda note: not isinstance(note, Spent)), equal_to([]), "notes")


def test_pages_are_archived_and_their_references_lead_there(tmp_path: Path) -> None:
    archive = tmp_path / "archive" / "run-1"
    with serve({"/a": html("<p>a")}) as site, beam.Pipeline(runner=FnApiRunner()) as pipeline:
        settings = replace(SETTINGS, allow_hosts=(site.host,))
        fetched = pipeline | beam.Create([entry(site.url("/a"))]) | Fetch(settings=settings, archive=str(archive))
        references = fetched.pages | beam.Map(lambda page: (page.raw_ref or "").partition("#")[0])
        assert_that(references, equal_to(["archive/run-1-0.warc.gz"]))
    (page,) = read_pages(tmp_path / "archive" / "run-1-0.warc.gz")
    assert page.body == b"<p>a"


def test_max_age_is_read_unless_the_answer_may_not_be_kept() -> None:
    assert max_age_s("public, max-age=600") == 600
    assert max_age_s("no-cache, max-age=600") is None
    assert max_age_s(None) is None
