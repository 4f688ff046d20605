"""Fetch: Entries in, Pages out; rejects, one row a request and notes (what was postponed) on the outputs beside.

Every entry comes out exactly once: as a page, as a reject (stage fetch), or as postponed when the run is to end.
Rejected are entries without a usable link, addresses that are not public or not allowed by robots.txt, connections
and answers that fail (see `transforms.reject.REASONS`), and bodies that are no HTML. Politeness holds per host: entries
are grouped by host, so that no two shards ask the same host, and one event loop serves all hosts of a shard.
Memory is bounded by the entries of a shard, the open connections and a stream of a few megabytes of pages.
"""

import asyncio
import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms import opt_outs
from transforms.answers import Exchange
from transforms.background import Stream
from transforms.crawler import Crawler, run_until_done_or_asked_to_stop, shared_crawler
from transforms.reject import Rejected, after, reject_entry, unforeseen
from transforms.request_urls import host_of, host_shard
from transforms.schema import Entry, HttpFetch, Kept, Page, Reject, Settled, Spent
from transforms.settings import FetchSettings
from transforms.sniffing import require_html
from transforms.tally import Stopwatch, count
from transforms.urls import url_key
from transforms.warc import ArchivePart, ArchiveWriter, read_part

LONGEST_PAUSE_S = 30.0  # of a Retry-After that is waited for; longer ones are for a later run
HOST_TIME_S = 300.0  # for the pages of one host, beside what its delay takes
GIVE_UP_AFTER = 8  # requests: without an answer to a host that never gave one, or refused (429) in a row
NO_ANSWER = frozenset({"dns", "connect", "tls", "timeout", "robots-unreachable"})
NO_TEXT = b"<!DOCTYPE html><html><head></head><body></body></html>"
FETCH_TAGS = ("rejects", "fetches", "notes")

Fetched = Page | Reject | HttpFetch | Settled | Kept
FetchOutput = WindowedValue | TaggedOutput[Literal["rejects", "fetches", "notes"], WindowedValue]


@dataclass(eq=False, kw_only=True)
class Fetch(beam.PTransform[PCollection[Entry], DoOutputsTuple]):
    """Entries -> Pages, Rejects on "rejects", HttpFetches on "fetches", and "notes": entries not tried or to be tried
    again, and the time it took.

    `shards` is how many groups of hosts are fetched side by side; one is right on one machine. With `archive`, the path
    of a file without its ending, each page is also kept in a WARC file a shard, which `raw_ref` leads to.
    """

    settings: FetchSettings = field(default_factory=FetchSettings)
    shards: int = 1
    archive: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, entries: PCollection[Entry]) -> DoOutputsTuple:
        return (
            entries
            | "KeyByHost" >> beam.Map(key_by_host, self.shards)
            | "GroupByShard" >> beam.GroupByKey()
            | "FetchShards" >> FetchShards(settings=self.settings, archive=self.archive)
        )


@dataclass(eq=False, kw_only=True)
class FetchShards(beam.PTransform[PCollection[tuple[int, Iterable[Entry]]], DoOutputsTuple]):
    """As `Fetch`, of entries that are in shards already: all that a batch has of a host in one, each with a number."""

    settings: FetchSettings = field(default_factory=FetchSettings)
    archive: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, shards: PCollection[tuple[int, Iterable[Entry]]]) -> DoOutputsTuple:
        fetching = beam.ParDo(FetchPagesFn(self.settings, self.archive))
        return shards | "FetchPages" >> fetching.with_outputs(*FETCH_TAGS, main="pages")


@dataclass(eq=False, kw_only=True)
class ReadArchive(beam.PTransform[PCollection[ArchivePart], PCollection[Page]]):
    """ArchiveParts -> the Pages they keep: what Fetch brought once, or another crawler."""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, parts: PCollection[ArchivePart]) -> PCollection[Page]:
        return parts | "ReadPages" >> beam.FlatMap(read_part)


class FetchPagesFn(beam.DoFn):
    """Fetches the entries of all shards of a bundle side by side; pages leave as they arrive, and only as fast as they
    are taken."""

    def __init__(self, settings: FetchSettings, archive: str | None = None) -> None:
        self.settings = settings
        self.archive = archive

    def start_bundle(self) -> None:
        self.given: dict[BoundedWindow, _Given] = {}

    def process(
        self,
        element: tuple[int, Iterable[Entry]],
        window: BoundedWindow = beam.DoFn.WindowParam,  # type: ignore[assignment]  # Beam's way to ask for it
        timestamp: Timestamp = beam.DoFn.TimestampParam,  # type: ignore[assignment]
    ) -> None:
        shard, entries = element
        given = self.given.setdefault(window, _Given(timestamp))
        given.shards.append(shard)
        given.entries += entries

    def finish_bundle(self) -> Iterable[FetchOutput]:
        for window, given in self.given.items():
            for result in self._results(given):
                yield _output(result, WindowedValue(result, given.timestamp, (window,)))

    def _results(self, given: "_Given") -> Iterator[Fetched | Spent]:
        watch = Stopwatch("fetch")
        with ExitStack() as stack:
            writer = self.archive and stack.enter_context(open_archive(self.archive, min(given.shards)))
            results = fetch_pages(given.entries, self.settings)
            while True:
                with watch.running():
                    result = next(results, None)
                if result is None:
                    break
                yield writer.add(result) if writer and isinstance(result, Page) else result
        yield watch.note()


@dataclass(slots=True)
class _Given:
    """What a bundle brought of one window."""

    timestamp: Timestamp
    shards: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def open_archive(archive: str, shard: int) -> ArchiveWriter:
    """The WARC file of a shard; rows call it by its folder and name, as it lies in the dataset."""
    path = Path(f"{archive}-{shard}.warc.gz")
    return ArchiveWriter(path, f"{path.parent.name}/{path.name}")


def _output(result: Fetched | Spent, windowed: WindowedValue) -> FetchOutput:
    """The result counted, and on the output it belongs to."""
    match result:
        case Page():
            count("fetched")
            return windowed
        case Reject():
            count(f"rejected-{result.reason}")
            return TaggedOutput("rejects", windowed)
        case HttpFetch():
            return TaggedOutput("fetches", windowed)
        case Settled() | Kept() | Spent():
            return TaggedOutput("notes", windowed)


def key_by_host(entry: Entry, shards: int) -> tuple[int, Entry]:
    """The entry under the number of the shard that asks its host."""
    return host_shard(entry.url, shards), entry


# ------------------------------------------------------------------ pages


def fetch_pages(entries: Sequence[Entry], settings: FetchSettings) -> Iterator[Fetched]:
    """Fetch all entries, each article once: a Page or a Reject for each, an HttpFetch for each address asked; or for an
    entry that is not asked for because the run is to end, that it is postponed. With a Reject that is retryable comes
    the entry.

    A host that never answers, answers slowly for minutes or asks to be left alone for long is given up: its remaining
    entries become retryable rejects without being asked for.
    """
    once, again = once_each(entries)
    yield from (settled(entry, "unchanged") for entry in again)
    crawler = shared_crawler(settings)
    for result in crawler.stream(_PageFetcher(crawler, once).fill):
        yield from crawler.take_rows()
        yield result
    yield from crawler.take_rows()


def once_each(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The first entry of each article, and those that promise it again, as feeds of one publisher do."""
    once: dict[str, Entry] = {}
    again = []
    for entry in sorted(entries, key=lambda entry: (entry.seen_at, entry.feed_id, entry.url)):
        key = url_key(entry.url) if entry.url else f"{entry.feed_id} {entry.guid}"
        if once.setdefault(key, entry) is not entry:
            again.append(entry)
    return list(once.values()), again


@dataclass(slots=True)
class _Host:
    """The entries of one host, and how the host has behaved so far."""

    waiting: deque[tuple[int, Entry]]
    until: float = 0.0  # when the host has had all the time it gets in this run
    answered: bool = False
    unanswered: int = 0
    refused: int = 0  # in a row
    given_up: Rejected | None = None

    def note(self, exchange: Exchange) -> None:
        """Give the host up when it never answers, or asks to be left alone for long."""
        if host_of(exchange.row.final_url) != exchange.row.host:
            return  # a redirect led to another, whose faults are not this one's
        rejected, wait_s = exchange.rejected, exchange.retry_after_s or 0.0
        if exchange.row.http_status is not None or rejected is None or rejected.reason not in NO_ANSWER:
            self.answered = True
        else:
            self.unanswered += 1
        self.refused = self.refused + 1 if exchange.row.http_status == 429 else 0
        if rejected is None:
            return
        if not self.answered and self.unanswered >= GIVE_UP_AFTER:
            detail = f"the host gave no answer to {self.unanswered} requests: {rejected.detail}"
            self.given_up = Rejected(rejected.reason, detail[:300])
        elif rejected.reason in ("http-429", "http-5xx") and wait_s > LONGEST_PAUSE_S:
            self.given_up = Rejected(rejected.reason, f"the host asked to wait {wait_s:.0f} s")
        elif self.refused >= GIVE_UP_AFTER:
            self.given_up = Rejected("http-429", f"the host refused {self.refused} requests in a row")


class _PageFetcher:
    """One shard on its way: a queue of entries a host, a few workers on each, and what has not come out yet."""

    def __init__(self, crawler: Crawler, entries: Sequence[Entry]) -> None:
        self.crawler = crawler
        self.open = dict(enumerate(entries))
        self.hosts: dict[str, _Host] = {}
        for number, entry in self.open.items():
            self.hosts.setdefault(host_of(entry.url) or "", _Host(deque())).waiting.append((number, entry))

    async def fill(self, stream: Stream[Fetched]) -> None:
        self.stream = stream
        self.stop = asyncio.Event()
        settings = self.crawler.settings
        tasks: list[asyncio.Task[None]] = []
        for host in self.hosts.values():
            host.until = self._spent_s() + HOST_TIME_S + 1.5 * settings.per_host_delay_s * len(host.waiting)
            width = min(settings.per_host_connections, len(host.waiting))
            tasks += [asyncio.create_task(self._work(host)) for _ in range(width)]
        try:
            await run_until_done_or_asked_to_stop(tasks, self.stop)
        finally:
            for task in tasks:
                task.cancel()
        for entry in self.open.values():
            stream.put_now(settled(entry, "postponed"))

    async def _work(self, host: _Host) -> None:
        while host.waiting and not self.stop.is_set():
            number, entry = host.waiting.popleft()
            if host.given_up is None and self._spent_s() > host.until:
                host.given_up = Rejected("host-slow")
            try:
                await self._fetch(number, entry, host)
            except Exception as error:
                await self._give(number, reject_entry(entry, unforeseen(error, "fetch")))

    async def _fetch(self, number: int, entry: Entry, host: _Host) -> None:
        if not entry.url or host.given_up is not None:
            await self._give(number, _rejected_or_feed_text(entry, host.given_up or Rejected("no-link")))
            return
        crawler = self.crawler
        async with crawler.client.get(entry.url, kind="page", feed_id=entry.feed_id, permit=crawler.permit) as exchange:
            row = exchange.row
            host.note(exchange)
            if exchange.retry_after_s and exchange.rejected and exchange.retry_after_s <= LONGEST_PAUSE_S:
                crawler.client.gates[host_of(row.final_url) or ""].pause(exchange.retry_after_s)
            try:
                result: Page | Reject = page_of(entry, exchange, crawler.shut_out(row.final_url or entry.url))
            except Rejected as rejected:
                row = dataclasses.replace(row, outcome=rejected.reason)
                result = _rejected_or_feed_text(entry, after(rejected, row.http_status, row.attempts), row)
            await self._give(number, result, row.body_bytes)
            if row.attempts:
                self.stream.put_now(row)

    async def _give(self, number: int, result: Page | Reject, weight: int = 1) -> None:
        """Let a result out, when there is room; from then on its entry is settled."""
        if number in self.open:
            await self.stream.put(result, weight)
            if isinstance(result, Reject) and result.retryable:
                self.stream.put_now(Kept(entry=self.open[number]))
            del self.open[number]

    def _spent_s(self) -> float:
        """A clock that stands still while pages wait to be taken: that is no host's fault."""
        return asyncio.get_running_loop().time() - self.stream.full_s()


def page_of(entry: Entry, exchange: Exchange, shut_out: Sequence[str] = ()) -> Page:
    """The page of an entry; raises `Rejected` when the exchange brought none. `shut_out` are the AI agents that
    robots.txt keeps from it."""
    answer = exchange.answer
    if answer is None:
        raise exchange.rejected or Rejected("bad-http")
    content_type = answer.headers.get("Content-Type")
    require_html(answer.body, content_type)
    return Page(
        entry=entry,
        final_url=answer.final_url,
        http_status=answer.http_status,
        content_type=content_type,
        body=answer.body,
        fetched_at=exchange.row.fetched_at,
        attempts=exchange.row.attempts,
        opt_outs=(*opt_outs.of_headers(answer.headers.items()), *opt_outs.of_robots(shut_out)),
    )


def settled(entry: Entry, how: str) -> Settled:
    """The note that `entry` ends without a row."""
    return Settled(how=how, feed_id=entry.feed_id, url=entry.url, guid=entry.guid, seen_at=entry.seen_at)


def _rejected_or_feed_text(entry: Entry, rejected: Rejected, row: HttpFetch | None = None) -> Page | Reject:
    """The reject; but for an entry whose feed carries whole articles a page without text, so that the feed's counts."""
    if not (entry.full_text and entry.content and entry.url):
        return reject_entry(entry, rejected)
    return Page(
        entry=entry,
        final_url=entry.url,
        http_status=rejected.http_status or 0,
        content_type="text/html; charset=utf-8",
        body=NO_TEXT,
        fetched_at=row.fetched_at if row else entry.seen_at,
    )
