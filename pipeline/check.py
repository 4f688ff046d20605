"""`newsbeam check`: is the config right, does each feed answer, parse and offer something, and when is it polled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import wrap
from typing import Any

from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.durations import short
from pipeline.state import feed_states
from transforms.dates import FUTURE_TOLERANCE, parse_date
from transforms.feed_poller import Poll, poll_feeds
from transforms.polling import FeedState, due, next_poll
from transforms.reject import REASONS
from transforms.schema import Entry, Feed, Reject
from transforms.workers import shared_workers

FULL_TEXT_CHARS = 1_000  # of content in half the entries: more than a summary
OLD = timedelta(days=45)
DETAIL_CHARS = 80
_LATER = "the server has trouble, try again later"
_DISCOVER = "see `newsbeam feeds discover`"
ADVICE = {
    "robots-disallowed": "robots.txt forbids it, ask the publisher",
    "robots-unreachable": "robots.txt fails, try again later",
    "dns": "no such host, check spelling and network",
    "connect": _LATER,
    "timeout": _LATER,
    "http-5xx": _LATER,
    "http-429": "asked too often, raise interval_s",
    "http-401": "it wants a login",
    "http-403": "it refuses newsbeam, set fetch.contact",
    "http-404": f"not there, {_DISCOVER}",
    "http-410": f"gone, {_DISCOVER}",
    "blocked-address": "not public; if yours, add it to fetch.allow_hosts",
    "too-large": "raise fetch.max_feed_bytes",
    "feed-unparsable": f"no feed, {_DISCOVER}",
    "feed-cut": "entries are left out, raise fetch.max_feed_entries",
    "feed-truncated": "only part of it can be read, tell the publisher",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One feed, asked once. `interval_s` is how often runs poll it; `advice` says what to do, in plain words."""

    feed: Feed
    ok: bool
    reason: str | None
    format: str | None
    entries: int
    newest_at: datetime | None
    text: str
    validators: bool
    robots: str
    interval_s: float
    adaptive: bool
    history: tuple[str, ...]
    advice: tuple[str, ...]
    now: datetime

    def lines(self, width: int | None) -> list[str]:
        """All of it in a line, for a `width` it does not fit in on several, indented; None: a line of any length."""
        status = "ok      " if self.ok else "FAILED  "
        told = [*self._offer(), *(f"hint: {advice}" for advice in self.advice)]
        line = f"{status}{self.feed.url}  {'; '.join(told)}"
        if width is None or len(line) <= width:
            return [line]
        indent = " " * len(status)
        room = max(20, width - len(indent))
        parts = (wrap(text, room, break_long_words=False, break_on_hyphens=False) for text in told)
        return [status + self.feed.url, *(indent + line for part in parts for line in part)]

    def _offer(self) -> list[str]:
        """What it answered, and how runs ask it."""
        if not self.ok:
            return [", ".join([self.reason or "failed", *self.history])]
        newest = f"newest {short(self.now - self.newest_at)}" if self.newest_at else "no dates"
        interval = f"every {'~' if self.adaptive else ''}{short(timedelta(seconds=self.interval_s))}"
        validators = "validators" if self.validators else "no validators"
        offer = [f"{self.format or 'unknown format'} {self.entries:,} entries", newest, self.text]
        manners = [f"robots {self.robots}", validators, interval, *self.history]
        return [", ".join([*offer, *([self.reason] if self.reason else [])]), ", ".join(manners)]

    def to_json(self) -> dict[str, Any]:
        return {
            "url": self.feed.url,
            "id": self.feed.id,
            "ok": self.ok,
            "reason": self.reason,
            "format": self.format,
            "entries": self.entries,
            "newest_at": self.newest_at.isoformat() if self.newest_at else None,
            "text": self.text,
            "validators": self.validators,
            "robots": self.robots,
            "interval_s": round(self.interval_s),
            "interval_adapts": self.adaptive,
            "history": list(self.history),
            "advice": list(self.advice),
        }


def check_feeds(config: Config) -> Iterator[Checked]:
    """Each feed as it answers; nothing is written."""
    now = datetime.now(UTC)
    dataset = Dataset(Path(config.output))
    known = feed_states(dataset) if dataset.state.exists() else None
    workers = shared_workers(config.settings.run.workers)
    respects_robots = config.settings.fetch.respect_robots
    for poll in poll_feeds([(feed, None) for feed in config.feeds], config.settings.fetch, workers, now):
        state = known.get(poll.feed.url) if known else None
        history = () if known is None else tuple(describe_history(poll, state, now))
        yield describe_poll(poll, state, now, history=history, respects_robots=respects_robots)


def describe_poll(
    poll: Poll, state: FeedState | None, now: datetime, *, history: tuple[str, ...], respects_robots: bool
) -> Checked:
    """What a feed answered at `now`. `state` is what runs know of it: the interval they arrived at."""
    ok = poll.outcome != "failed"
    robots = "disallow it" if poll.reject and poll.reject.reason == "robots-disallowed" else "ok"
    return Checked(
        feed=poll.feed,
        ok=ok,
        reason=poll.reject.reason if poll.reject else None,
        format=poll.format,
        entries=len(poll.entries),
        newest_at=_newest_at(poll.entries, now),
        text=_text(poll.entries),
        validators=bool(poll.state.etag or poll.state.last_modified),
        robots=robots if respects_robots else "not asked",
        interval_s=_interval_s(poll.feed, poll.state if state is None or state.last_reason else state),
        adaptive=poll.feed.interval_s is None,
        history=history,
        advice=tuple(_advice(poll, now)),
        now=now,
    )


def describe_history(poll: Poll, state: FeedState | None, now: datetime) -> list[str]:
    """When runs polled a feed last, when the next one will, and whether it failed; soft failures count half."""
    if state is None or state.last_polled_at is None:
        return ["never polled"]
    notes = [f"polled {short(now - datetime.fromisoformat(state.last_polled_at))} ago"]
    if state.gone:
        notes.append("not polled any more")
    elif due(state, now, poll.feed.interval_s):
        notes.append("due")
    else:
        notes.append(f"next in {short(next_poll(state, poll.feed.interval_s) - now)}")
    if state.failures:
        same = poll.reject and poll.reject.reason == state.last_reason
        notes.append(f"failures {state.failures:g}" + ("" if same else f" ({state.last_reason})"))
    return notes


def _advice(poll: Poll, now: datetime) -> Iterator[str]:
    """What to do about it."""
    if poll.reject:
        yield _about(poll.reject)
    if poll.outcome == "failed":
        return
    if poll.state.moved_to:
        yield f"moved for good, set url to {_plain(poll.state.moved_to, 200)}"
    newest_at = _newest_at(poll.entries, now)
    if newest_at and now - newest_at > OLD:
        yield f"nothing new for {short(now - newest_at)}, is it still kept?"
    if not poll.entries:
        yield f"it offers nothing, {_DISCOVER}"
    if _text(poll.entries) == "full text" and not poll.feed.full_text:
        yield "it carries whole articles, full_text = true takes them where a page fails"


def _about(reject: Reject) -> str:
    """What to do about it, else what is known of it. A detail may quote the server, so it is kept to one plain line."""
    return ADVICE.get(reject.reason) or _plain(reject.detail or "", DETAIL_CHARS) or REASONS[reject.reason].description


def _plain(text: str, most: int) -> str:
    return "".join(char for char in text[:most] if char.isprintable())


def _newest_at(entries: Sequence[Entry], now: datetime) -> datetime | None:
    raw = [date for entry in entries for date in (entry.published_raw, entry.modified_raw) if date]
    dates = [found[0] for date in raw if (found := parse_date(date, latest=now + FUTURE_TOLERANCE))]
    return max(dates, default=None)


def _text(entries: Sequence[Entry]) -> str:
    """How much of the articles the feed itself carries."""
    full = sum(len(entry.content or "") >= FULL_TEXT_CHARS for entry in entries)
    if full * 2 >= len(entries) > 0:
        return "full text"
    return "summaries" if any(entry.summary or entry.content for entry in entries) else "links"


def _interval_s(feed: Feed, state: FeedState) -> float:
    """How often runs will poll it: as the config says, else about as often as its entries change."""
    if feed.interval_s is not None:
        return feed.interval_s
    if state.last_polled_at is None or state.next_poll_at is None:
        return state.interval_s
    return (next_poll(state) - datetime.fromisoformat(state.last_polled_at)).total_seconds()
