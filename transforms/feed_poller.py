"""Feeds polled: what each brought, why it brought nothing, and the state to keep for the next time.

All feeds are asked at once, each host politely, with their validators sent back verbatim; documents are parsed in child
processes that can be killed. An index of sitemaps is followed to its newest children.
"""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import xxhash
from pebble import ProcessExpired

from transforms.answers import Answer, max_age_s
from transforms.background import Stream
from transforms.crawler import Crawler, run_until_done_or_asked_to_stop, shared_crawler
from transforms.feed_entries import ParsedFeed
from transforms.feeds import parse_feed
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
from transforms.reject import Rejected, reject_feed, unforeseen
from transforms.schema import Entry, Feed, HttpFetch, Reject
from transforms.settings import FetchSettings
from transforms.workers import Workers

PARSE_TIMEOUT_S = 20.0
MAX_CHILDREN = 10  # sitemaps of an index read in one poll
SOFT_REASONS = frozenset({"timeout", "http-5xx", "http-429", "connect", "dns", "robots-unreachable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What a poll brought. `state` is to be stored together with it, or not at all; `cut` entries were left out.

    `format` is the document's, when one was read.
    """

    feed: Feed
    state: FeedState
    outcome: Outcome
    entries: tuple[Entry, ...] = ()
    reject: Reject | None = None
    fetches: tuple[HttpFetch, ...] = ()
    cut: int = 0
    format: str | None = None


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
        self.starting: asyncio.Task[None] | None = None

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
            hints = Hints(retry_after_s=exchange.retry_after_s)
            answer = exchange.answer
            if answer is None:
                return self._failed(feed, state, exchange.rejected or Rejected("bad-http"), hints, fetches)
            hints = dataclasses.replace(hints, interval_s=max_age_s(answer.headers.get("Cache-Control")))
            if answer.permanent_url:
                state = _moved(state, answer.permanent_url)
            if answer.http_status == 304:
                state = after_unchanged(feed, state, hints, self.now)
                return Poll(feed=feed, state=state, outcome="unchanged", fetches=fetches)
            body_hash = xxhash.xxh3_128_hexdigest(answer.body)
            same = body_hash == state.body_hash
            try:
                parsed = ParsedFeed(entries=()) if same else await self._parse(feed, answer)
            except Rejected as rejected:
                return self._failed(feed, state, rejected, hints, fetches)
        if parsed.sitemaps:
            parsed, more = await self._children(feed, state, parsed)
            fetches = (*fetches, *more)
        left_out = None if same else _left_out(parsed, complete=answer.complete)
        whole = left_out is None or left_out.reason != "feed-truncated"  # what is missing must be asked for again
        state = after_document(
            feed,
            state,
            dataclasses.replace(hints, interval_s=max(hints.interval_s or 0, parsed.interval_s or 0)),
            self.now,
            etag=answer.headers.get("ETag") if whole else None,
            last_modified=answer.headers.get("Last-Modified") if whole else None,
            body_hash=body_hash if whole else None,
            entry_keys=None if same else tuple(entry_key(entry.guid or entry.url) for entry in parsed.entries),
        )
        return Poll(
            feed=feed,
            state=state,
            outcome="unchanged" if same else "ok",
            entries=parsed.entries,
            reject=reject_feed(feed.id, feed.url, self.now, left_out) if left_out else None,
            fetches=fetches,
            cut=parsed.cut,
            format=parsed.format,
        )

    async def _children(
        self, feed: Feed, state: FeedState, index: ParsedFeed
    ) -> tuple[ParsedFeed, tuple[HttpFetch, ...]]:
        """An index with the entries of its newest children: those changed since the last poll, as far as it says."""
        since = state.last_polled_at and datetime.fromisoformat(state.last_polled_at) - timedelta(days=1)
        recent = [url for url, changed_at in index.sitemaps if not (since and changed_at and changed_at < since)]
        room = self.crawler.settings.max_feed_entries
        entries: list[Entry] = []
        fetches: list[HttpFetch] = []
        cut, truncated = 0, index.truncated
        for url in recent[:MAX_CHILDREN]:
            if len(entries) >= room:
                break
            async with self.crawler.client.get(
                url, kind="feed", feed_id=feed.id, permit=self.crawler.permit
            ) as exchange:
                fetches += [exchange.row] if exchange.row.attempts else []
                try:
                    if exchange.answer is None:
                        raise exchange.rejected or Rejected("bad-http")
                    child = await self._parse(feed, exchange.answer)
                except Rejected:
                    truncated = True
                    continue
            entries += child.entries[: room - len(entries)]
            cut += child.cut + max(0, len(child.entries) - room)
            truncated = truncated or child.truncated
        return dataclasses.replace(index, entries=tuple(entries), cut=cut, truncated=truncated), tuple(fetches)

    async def _children_started(self) -> None:
        """Wait for the child processes beside the loop: on a busy machine it may take longer than servers have."""
        if self.starting is None:
            self.starting = asyncio.create_task(asyncio.to_thread(self.workers.start))
        await asyncio.shield(self.starting)

    async def _parse(self, feed: Feed, answer: Answer) -> ParsedFeed:
        await self._children_started()
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


def _left_out(parsed: ParsedFeed, *, complete: bool) -> Rejected | None:
    """Why not all of a document came out, if so."""
    if parsed.truncated or not complete:
        return Rejected("feed-truncated", f"{len(parsed.entries)} entries read")
    if parsed.cut:
        return Rejected("feed-cut", f"{parsed.cut} entries beyond the newest {len(parsed.entries)}")
    return None


def _moved(state: FeedState, url: str) -> FeedState:
    return dataclasses.replace(state, moved_to=None if url == state.url else url)
