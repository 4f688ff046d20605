"""`newsbeam check`: is the config right, and does each feed answer, parse and offer something."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pipeline.config import Config
from transforms.feed_poller import Poll, poll_feeds
from transforms.workers import shared_workers


def check_feeds(config: Config) -> Iterator[tuple[str, bool]]:
    """One line for each feed and whether it is healthy; nothing is written."""
    now = datetime.now(UTC)
    feeds = [(feed, None) for feed in config.feeds]
    workers = shared_workers(config.settings.run.workers)
    for poll in poll_feeds(feeds, config.settings.fetch, workers, now):
        yield describe_poll(poll), poll.outcome != "failed"
    yield f"{len(feeds)} feeds in the config", True


def describe_poll(poll: Poll) -> str:
    """The line a person reads."""
    if poll.outcome == "failed" and poll.reject:
        return f"FAILED  {poll.feed.url}  {poll.reject.reason}: {poll.reject.detail or ''}"
    newest = max((entry.published_raw for entry in poll.entries if entry.published_raw), default=None)
    validators = "conditional" if poll.state.etag or poll.state.last_modified else "no validators"
    notes = [f"{len(poll.entries)} entries", f"newest {newest}" if newest else "no dates", validators]
    if poll.reject:
        notes.append(poll.reject.reason)
    return f"ok      {poll.feed.url}  " + ", ".join(notes)
