"""Fetch: Entries in, Pages out; rejects, one row a request and what was postponed on the outputs beside.

Every entry comes out exactly once: as a page, as a reject (stage fetch), or on "postponed" when the run is to end.
Rejected are entries without a usable link, addresses that are not public or not allowed by robots.txt, connections
and answers that fail (see `transforms.reject.REASONS`), and bodies that are no HTML. Politeness holds per host: entries
are grouped by host, so that no two shards ask the same host, and one event loop serves all hosts of a shard.
Memory is bounded by the entries of a shard, the open connections and a stream of a few megabytes of pages.

`poll_feeds` reads the feeds that bring the entries, by the same client.
"""

import asyncio
import dataclasses
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import apache_beam as beam
import xxhash
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from pebble import ProcessExpired

from transforms.background import Stream
from transforms.crawler import Crawler, run_until_done_or_asked_to_stop, shared_crawler
from transforms.feeds import ParsedFeed, parse_feed
from transforms.http_client import Answer, Exchange, host_of
from transforms.polling import (
    FeedState,
    Hints,
    Outcome,
    after_document,
    after_failure,
    after_unchanged,
    conditional_headers,
    entry_key,
    start_state,
)
from transforms.reject import Rejected, reject_entry, reject_feed, unforeseen
from transforms.schema import Entry, Feed, HttpFetch, Page, Reject
from transforms.settings import FetchSettings
from transforms.tally import count
from transforms.workers import Workers

PARSE_TIMEOUT_S = 20.0
SOFT_REASONS = frozenset({"timeout", "http-5xx", "http-429", "connect", "dns", "robots-unreachable"})
FETCH_TAGS = ("rejects", "fetches", "postponed")

Fetched = Page | Reject | HttpFetch | Entry
FetchOutput = (
    Page
    | TaggedOutput[Literal["rejects"], Reject]
    | TaggedOutput[Literal["fetches"], HttpFetch]
    | TaggedOutput[Literal["postponed"], Entry]
)


@dataclass(eq=False, kw_only=True)
class Fetch(beam.PTransform[PCollection[Entry], DoOutputsTuple]):
    """Entries -> Pages, Rejects on "rejects", HttpFetches on "fetches", Entries not tried on "postponed".

    `shards` is how many groups of hosts are fetched side by side; one is right on one machine.
    """

    settings: FetchSettings = field(default_factory=FetchSettings)
    shards: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, entries: PCollection[Entry]) -> DoOutputsTuple:
        return (
            entries
            | "KeyByHost" >> beam.Map(key_by_host, self.shards)
            | "GroupByShard" >> beam.GroupByKey()
            | "FetchPages" >> beam.ParDo(FetchPagesFn(self.settings)).with_outputs(*FETCH_TAGS, main="pages")
        )


class FetchPagesFn(beam.DoFn):
    """Fetches the entries of a shard; pages leave as they arrive, and only as fast as they are taken."""

    def __init__(self, settings: FetchSettings) -> None:
        self.settings = settings

    def process(self, element: tuple[int, Iterable[Entry]]) -> Iterable[FetchOutput]:
        results = fetch_pages(list(element[1]), self.settings)
        while True:
            start = time.perf_counter()
            result = next(results, None)
            count("fetch-usec", round((time.perf_counter() - start) * 1e6))
            if result is None:
                return
            yield _output(result)


def _output(result: Fetched) -> FetchOutput:
    """The result counted, and on the output it belongs to."""
    output: FetchOutput
    match result:
        case Page():
            count("fetched")
            output = result
        case Reject():
            count(f"rejected-{result.reason}")
            output = TaggedOutput[Literal["rejects"], Reject]("rejects", result)
        case HttpFetch():
            output = TaggedOutput[Literal["fetches"], HttpFetch]("fetches", result)
        case Entry():
            count("postponed")
            output = TaggedOutput[Literal["postponed"], Entry]("postponed", result)
    return output


def key_by_host(entry: Entry, shards: int) -> tuple[int, Entry]:
    """The entry under the number of the shard that asks its host."""
    return xxhash.xxh32_intdigest((host_of(entry.url) or "").encode("utf-8", "replace")) % shards, entry


# ------------------------------------------------------------------ pages


def fetch_pages(entries: Sequence[Entry], settings: FetchSettings) -> Iterator[Fetched]:
    """Fetch all entries: a Page or a Reject for each, an HttpFetch for each request, an Entry for each postponed."""
    crawler = shared_crawler(settings)
    for result in crawler.stream(_PageFetcher(crawler, entries).fill):
        yield from crawler.take_rows()
        yield result
    yield from crawler.take_rows()


class _PageFetcher:
    """One shard on its way: a queue of entries a host, and a few workers on each."""

    def __init__(self, crawler: Crawler, entries: Sequence[Entry]) -> None:
        self.crawler = crawler
        self.entries = entries
        self.queues: dict[str, deque[Entry]] = {}
        for entry in entries:
            self.queues.setdefault(host_of(entry.url) or "", deque()).append(entry)

    async def fill(self, stream: Stream[Fetched]) -> None:
        self.stream = stream
        self.stop = asyncio.Event()
        width = self.crawler.settings.per_host_connections
        tasks = [
            asyncio.create_task(self._work(queue))
            for queue in self.queues.values()
            for _ in range(min(width, len(queue)))
        ]
        try:
            await run_until_done_or_asked_to_stop(tasks, self.stop)
        finally:
            for task in tasks:
                task.cancel()
        for queue in self.queues.values():
            for entry in queue:
                stream.put_now(entry)

    async def _work(self, queue: deque[Entry]) -> None:
        while queue and not self.stop.is_set():
            entry = queue.popleft()
            try:
                await self._fetch(entry)
            except asyncio.CancelledError:
                self.stream.put_now(entry)
                raise
            except Exception as error:
                self.stream.put_now(reject_entry(entry, unforeseen(error, "fetch")))

    async def _fetch(self, entry: Entry) -> None:
        if not entry.url:
            await self.stream.put(reject_entry(entry, Rejected("no-link")))
            return
        crawler = self.crawler
        async with crawler.client.get(entry.url, kind="page", feed_id=entry.feed_id, permit=crawler.permit) as exchange:
            try:
                page = page_of(entry, exchange)
            except Rejected as rejected:
                row = exchange.row if exchange.rejected else _with_outcome(exchange.row, rejected.reason)
                await self.stream.put(reject_entry(entry, rejected))
                if row.attempts:
                    self.stream.put_now(row)
            else:
                await self.stream.put(page, len(page.body))
                self.stream.put_now(exchange.row)


def page_of(entry: Entry, exchange: Exchange) -> Page:
    """The page of an entry; raises `Rejected` when the exchange brought none."""
    if exchange.answer is None:
        raise exchange.rejected or Rejected("bad-http")
    answer = exchange.answer
    content_type = answer.headers.get("Content-Type")
    require_html(answer, content_type)
    return Page(
        entry=entry,
        final_url=answer.final_url,
        http_status=answer.http_status,
        content_type=content_type,
        body=answer.body,
        fetched_at=exchange.row.fetched_at,
    )


_MARKUP_TYPES = ("text/html", "application/xhtml+xml", "application/xml", "text/xml")
_BINARY_STARTS = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"ID3",
    b"OggS",
    b"\x7fELF",
)
_WIDE_STARTS = (b"\xff\xfe", b"\xfe\xff")


def require_html(answer: Answer, content_type: str | None) -> None:
    """Raise `Rejected` ("empty-body", "not-html") unless the body may be an HTML page, whatever its header says."""
    body = answer.body
    head = body[:1024].lstrip()
    if not head:
        raise Rejected("empty-body", http_status=answer.http_status)
    declared = (content_type or "text/html").partition(";")[0].strip().lower()
    wide = body.startswith(_WIDE_STARTS)
    if head.startswith(_BINARY_STARTS) or head[4:8] == b"ftyp" or (b"\0" in head and not wide):
        raise Rejected("not-html", f"binary data declared as {declared[:60]}", http_status=answer.http_status)
    if declared in _MARKUP_TYPES or wide or head.startswith((b"<", b"\xef\xbb\xbf<")):
        return
    raise Rejected("not-html", declared[:60], http_status=answer.http_status)


def _with_outcome(row: HttpFetch, reason: str) -> HttpFetch:
    return dataclasses.replace(row, outcome=reason)


# ------------------------------------------------------------------ feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What a poll brought. `state` is to be stored together with it, or not at all; `cut` entries were left out."""

    feed: Feed
    state: FeedState
    outcome: Outcome
    entries: tuple[Entry, ...] = ()
    reject: Reject | None = None
    fetches: tuple[HttpFetch, ...] = ()
    cut: int = 0


def poll_feeds(
    feeds: Sequence[tuple[Feed, FeedState | None]], settings: FetchSettings, workers: Workers, now: datetime
) -> Iterator[Poll]:
    """Poll all feeds, whether due or not, and yield each poll as it is done. Feeds not begun when the run is to end
    are left out. Documents are parsed in `workers`."""
    crawler = shared_crawler(settings)
    yield from crawler.stream(_FeedPoller(crawler, feeds, workers, now).fill)


class _FeedPoller:
    """All feeds on their way."""

    def __init__(
        self, crawler: Crawler, feeds: Sequence[tuple[Feed, FeedState | None]], workers: Workers, now: datetime
    ) -> None:
        self.crawler, self.feeds, self.workers, self.now = crawler, feeds, workers, now

    async def fill(self, stream: Stream[Poll]) -> None:
        self.stream = stream
        self.stop = asyncio.Event()
        tasks = [asyncio.create_task(self._work(feed, start_state(feed, state))) for feed, state in self.feeds]
        try:
            await run_until_done_or_asked_to_stop(tasks, self.stop)
        finally:
            for task in tasks:
                task.cancel()

    async def _work(self, feed: Feed, state: FeedState) -> None:
        if self.stop.is_set():
            return
        try:
            poll = await self._poll(feed, state)
        except Exception as error:
            poll = self._failed(feed, state, unforeseen(error, "fetch"), Hints(), ())
        await self.stream.put(poll)

    async def _poll(self, feed: Feed, state: FeedState) -> Poll:
        crawler = self.crawler
        async with crawler.client.get(
            state.moved_to or feed.url,
            kind="feed",
            feed_id=feed.id,
            headers=conditional_headers(state),
            permit=crawler.permit,
        ) as exchange:
            fetches = (*crawler.take_rows(), *((exchange.row,) if exchange.row.attempts else ()))
            answer = exchange.answer
            if answer is None:
                rejected = exchange.rejected or Rejected("bad-http")
                return self._failed(feed, state, rejected, Hints(retry_after_s=exchange.retry_after_s), fetches)
            if answer.permanent_url:
                state = _moved(state, answer.permanent_url)
            hints = Hints(
                retry_after_s=exchange.retry_after_s, interval_s=max_age_s(answer.headers.get("Cache-Control"))
            )
            if answer.http_status == 304:
                state = after_unchanged(feed, state, hints, self.now)
                return Poll(feed=feed, state=state, outcome="unchanged", fetches=fetches)
            return await self._read(feed, state, answer, hints, fetches)

    async def _read(
        self, feed: Feed, state: FeedState, answer: Answer, hints: Hints, fetches: tuple[HttpFetch, ...]
    ) -> Poll:
        body_hash = xxhash.xxh3_128_hexdigest(answer.body)
        same = body_hash == state.body_hash
        try:
            parsed = ParsedFeed(entries=()) if same else await self._parse(feed, answer)
        except Rejected as rejected:
            return self._failed(feed, state, rejected, hints, fetches)
        keys = tuple(entry_key(entry.guid or entry.url) for entry in parsed.entries)
        state = after_document(
            feed,
            state,
            Hints(retry_after_s=hints.retry_after_s, interval_s=max(hints.interval_s or 0, parsed.interval_s or 0)),
            self.now,
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
            body_hash=body_hash,
            entry_keys=None if same else keys,
        )
        reject = None
        if parsed.truncated or not answer.complete:
            reject = reject_feed(feed.id, feed.url, self.now, Rejected("feed-truncated", f"{len(keys)} entries read"))
        return Poll(
            feed=feed,
            state=state,
            outcome="unchanged" if same else "ok",
            entries=parsed.entries,
            reject=reject,
            fetches=fetches,
            cut=parsed.cut,
        )

    async def _parse(self, feed: Feed, answer: Answer) -> ParsedFeed:
        future = self.workers.submit(
            PARSE_TIMEOUT_S,
            parse_feed,
            answer.body,
            feed=feed,
            url=answer.final_url,
            content_type=answer.headers.get("Content-Type"),
            seen_at=self.now,
            max_entries=self.crawler.settings.max_feed_entries,
            max_bytes=self.crawler.settings.max_feed_bytes,
        )
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            raise Rejected("feed-timeout", http_status=answer.http_status) from None
        except (ProcessExpired, MemoryError) as error:
            raise Rejected("feed-unparsable", f"the parser died: {type(error).__name__}") from None

    def _failed(
        self, feed: Feed, state: FeedState, rejected: Rejected, hints: Hints, fetches: tuple[HttpFetch, ...]
    ) -> Poll:
        state = after_failure(
            feed,
            state,
            hints,
            self.now,
            reason=rejected.reason,
            soft=rejected.reason in SOFT_REASONS,
            gone=rejected.reason == "http-410",
        )
        return Poll(
            feed=feed,
            state=state,
            outcome="failed",
            reject=reject_feed(feed.id, feed.url, self.now, rejected),
            fetches=fetches,
        )


def max_age_s(cache_control: str | None) -> float | None:
    """Seconds of max-age in a Cache-Control header; None without it, or where the answer may not be kept."""
    for part in (cache_control or "")[:500].lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return None
        if name == "max-age" and value.strip('"').isdecimal():
            return float(value.strip('"')[:9])
    return None


def _moved(state: FeedState, url: str) -> FeedState:
    return dataclasses.replace(state, moved_to=None if url == state.url else url)
