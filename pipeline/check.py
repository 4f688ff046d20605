"""`newsbeam check`: is the config right, does each feed answer, parse and offer something, and when is it polled."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
}


def check_feeds(config: Config) -> Iterator[tuple[str, bool]]:
    """One line for each feed and whether it is healthy; nothing is written."""
    now = datetime.now(UTC)
    dataset = Dataset(Path(config.output))
    known = feed_states(dataset) if dataset.state.exists() else None
    workers = shared_workers(config.settings.run.workers)
    respects_robots = config.settings.fetch.respect_robots
    for poll in poll_feeds([(feed, None) for feed in config.feeds], config.settings.fetch, workers, now):
        state = known.get(poll.feed.url) if known else None
        line = describe_poll(poll, state, now, respects_robots=respects_robots)
        history = [] if known is None else describe_history(poll, state, now)
        yield "; ".join([line, ", ".join(history)] if history else [line]), poll.outcome != "failed"
    yield f"{len(config.feeds)} feeds in the config", True


def describe_poll(poll: Poll, state: FeedState | None, now: datetime, *, respects_robots: bool) -> str:
    """What a feed answered at `now`, for a person. `state` is what runs know of it: the interval they arrived at."""
    if poll.outcome == "failed" and poll.reject:
        return f"FAILED  {poll.feed.url}  {poll.reject.reason}: {_advice(poll.reject)}"
    notes = [
        f"{len(poll.entries)} entries",
        _newest(poll.entries, now),
        poll.format or "unknown format",
        _text(poll.entries),
        "robots ok" if respects_robots else "robots not asked",
        _interval(poll.feed, poll.state if state is None or state.last_reason else state),
    ]
    if not (poll.state.etag or poll.state.last_modified):
        notes.append("no validators")
    if poll.reject:
        notes.append(poll.reject.reason)
    return f"ok      {poll.feed.url}  " + ", ".join(notes)


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


def _advice(reject: Reject) -> str:
    """What to do about it, else what is known of it. A detail may quote the server, so it is kept to one plain line."""
    detail = "".join(char for char in (reject.detail or "")[:DETAIL_CHARS] if char.isprintable())
    return ADVICE.get(reject.reason) or detail or REASONS[reject.reason].description


def _newest(entries: Sequence[Entry], now: datetime) -> str:
    raw = [date for entry in entries for date in (entry.published_raw, entry.modified_raw) if date]
    dates = [found[0] for date in raw if (found := parse_date(date, latest=now + FUTURE_TOLERANCE))]
    return f"newest {short(now - max(dates))}" if dates else "no dates"


def _text(entries: Sequence[Entry]) -> str:
    """How much of the articles the feed itself carries."""
    full = sum(len(entry.content or "") >= FULL_TEXT_CHARS for entry in entries)
    if full * 2 >= len(entries) > 0:
        return "full text"
    return "summaries" if any(entry.summary or entry.content for entry in entries) else "links"


def _interval(feed: Feed, state: FeedState) -> str:
    """How often runs will poll it: as the config says, else about as often as its entries change."""
    if feed.interval_s is not None:
        return f"every {short(timedelta(seconds=feed.interval_s))}"
    if state.last_polled_at is None or state.next_poll_at is None:
        return f"every ~{short(timedelta(seconds=state.interval_s))}"
    return f"every ~{short(next_poll(state) - datetime.fromisoformat(state.last_polled_at))}"
