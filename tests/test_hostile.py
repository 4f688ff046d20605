"""All hostile servers at once, beside fair ones: every outcome as expected, nothing lost, time and memory bounded."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hostile_server import FEEDS, PAGES, Scenario, rss, serve_all
from tests.servers import Reply, Site, html, serve
from transforms.feed_poller import Poll, poll_feeds
from transforms.fetch import Fetched, fetch_pages
from transforms.schema import Entry, Feed, HttpFetch, Kept, Page, Reject
from transforms.settings import FetchSettings
from transforms.workers import shared_workers

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FAIR_HOSTS, FAIR_PAGES = 5, 20
SETTINGS = FetchSettings(timeout_s=3, retries=1, per_host_delay_s=0)
MAX_SECONDS = 45
MAX_MEMORY_BYTES = 300_000_000


@dataclass(frozen=True)
class Outcome:
    """What one run over everything came to."""

    seconds: float
    memory_bytes: int
    polls: dict[str, Poll]
    results: list[Fetched]
    urls: dict[str, str]  # scenario -> page address
    canary: list[str]
    entries: int


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Peak:
    """The most memory the process held while the context lasted, above what it held before."""

    def __enter__(self) -> "Peak":
        self.before = self.most = resident_bytes()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.done.wait(0.01):
            self.most = max(self.most, resident_bytes())


def fair_site(number: int) -> Site:
    links = [f"/{number}-{n}" for n in range(FAIR_PAGES)]
    return Site({link: html(f"<html><p>fair {link}") for link in links} | {"/feed": Reply(body=rss(*links))})


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    workers = shared_workers(0)
    workers.submit(60, int).result()  # started before anything is measured
    with ExitStack() as stack:
        canary = stack.enter_context(serve({}))
        port = canary.host.rpartition(":")[2]
        pages = stack.enter_context(serve_all(PAGES, port))
        feeds = stack.enter_context(serve_all(FEEDS, port))
        fair = [fair_site(number) for number in range(FAIR_HOSTS)]
        hosts = tuple(site.host for site in [*fair, *(site for _, site in [*pages, *feeds])])
        settings = replace(SETTINGS, allow_hosts=hosts)
        start = time.monotonic()
        with Peak() as peak:
            wanted = [(scenario.name, site.url("/feed")) for scenario, site in feeds]
            wanted += [(f"fair {number}", site.url("/feed")) for number, site in enumerate(fair)]
            polls = list(poll_feeds([(Feed(url=url, id=name), None) for name, url in wanted], settings, workers, NOW))
            offered = [entry for poll in polls for entry in poll.entries if poll.cut == 0]
            urls = {scenario.name: site.url(scenario.target) for scenario, site in pages}
            offered += [Entry(url=url, feed_id="hostile", feed_url="", seen_at=NOW) for url in urls.values()]
            results = []
            for result in fetch_pages(offered, settings):
                results.append(replace(result, body=result.body[:100]) if isinstance(result, Page) else result)
        seconds = time.monotonic() - start
        print(f"{seconds:.1f} s, {(peak.most - peak.before) / 1e6:.0f} MB above {peak.before / 1e6:.0f} MB")
        yield Outcome(
            seconds,
            peak.most - peak.before,
            {poll.feed.id: poll for poll in polls},
            results,
            urls,
            canary.asked,
            len(offered),
        )
        for site in fair:
            site.close()


def test_there_are_enough_of_them() -> None:
    assert len(PAGES) + len(FEEDS) >= 60
    assert len({one.name for one in PAGES + FEEDS}) == len(PAGES) + len(FEEDS)


@pytest.mark.parametrize("scenario", PAGES, ids=lambda one: one.name)
def test_a_hostile_page_ends_as_it_should(scenario: Scenario, outcome: Outcome) -> None:
    url = outcome.urls[scenario.name]
    ends = [_end(result) for result in outcome.results if _url(result) == url]
    assert len(ends) == 1
    assert ends[0] in {scenario.expected, *scenario.also}


@pytest.mark.parametrize("scenario", FEEDS, ids=lambda one: one.name)
def test_a_hostile_feed_ends_as_it_should(scenario: Scenario, outcome: Outcome) -> None:
    poll = outcome.polls[scenario.name]
    assert (poll.reject.reason if poll.reject else poll.outcome) == scenario.expected
    if scenario.entries is not None:
        assert len(poll.entries) == scenario.entries


def test_every_fair_article_arrives(outcome: Outcome) -> None:
    fair = [result.body for result in outcome.results if isinstance(result, Page) and b"fair" in result.body]
    assert len(set(fair)) == FAIR_HOSTS * FAIR_PAGES


def test_every_entry_comes_out_once(outcome: Outcome) -> None:
    assert len([result for result in outcome.results if not isinstance(result, HttpFetch | Kept)]) == outcome.entries


def test_the_canary_is_never_asked(outcome: Outcome) -> None:
    assert outcome.canary == []


def test_it_ends_in_bounded_time_and_memory(outcome: Outcome) -> None:
    assert outcome.seconds < MAX_SECONDS
    assert outcome.memory_bytes < MAX_MEMORY_BYTES


def _url(result: Fetched) -> str | None:
    if isinstance(result, Page):
        return result.entry.url
    return result.url if isinstance(result, Reject) else None


def _end(result: Fetched) -> str:
    return result.reason if isinstance(result, Reject) else "ok"
