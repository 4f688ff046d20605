"""`newsbeam feeds`: OPML in and out, and the feeds of a site."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import load_config
from pipeline.config_feeds import LANGUAGE, feed_id
from pipeline.errors import ConfigError, FeedError
from transforms.discovery import feed_links, usual_places
from transforms.opml import Outline, read_opml, write_opml
from transforms.schema import Feed
from transforms.settings import FetchSettings

FIND_TIMEOUT_S = 20.0


def imported(file: Path) -> str:
    """The feeds of an OPML file as [[feeds]] tables for a config; raises `ConfigError`."""
    try:
        outlines = read_opml(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}: expected an OPML file") from error
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
    if not outlines:
        raise ConfigError(f"{file}: no feed in it: expected outlines with an xmlUrl")
    return "\n".join(as_table(outline) for outline in outlines)


def exported(config: Path) -> str:
    """The feeds of a config as OPML; raises `ConfigError`."""
    return write_opml(load_config(config).feeds, f"Feeds of {config.name}").decode()


def discovered(url: str, allow_hosts: tuple[str, ...]) -> str:
    """The feeds of the site of `url` as [[feeds]] tables; "" when there are none."""
    settings = FetchSettings(per_host_delay_s=0.2, allow_hosts=allow_hosts)
    found = discover(url, settings, datetime.now(UTC))
    return "\n".join(f"# {feed.entries} entries\n{as_table(feed.outline)}" for feed in found)


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that answered, and how many entries it offers."""

    outline: Outline
    entries: int


def discover(url: str, settings: FetchSettings, now: datetime) -> Iterator[FoundFeed]:
    """The feeds of the site of `url`: itself, those its page names, else those at the usual places. Raises `FeedError`
    when there are none because the page cannot be had."""
    from transforms.fetch import fetch_pages  # noqa: PLC0415 - Beam, and only here
    from transforms.schema import Entry, Page, Reject  # noqa: PLC0415
    from transforms.workers import shared_workers  # noqa: PLC0415

    itself = list(_working([url], settings, now))
    if itself:
        yield from itself
        return
    links: tuple[str, ...] = ()
    refused = ""
    for result in fetch_pages([Entry(url=url, feed_id="discover", feed_url=url, seen_at=now)], settings):
        if isinstance(result, Page):
            future = shared_workers(1).submit(FIND_TIMEOUT_S, feed_links, result.body, result.final_url)
            links, url = future.result(), result.final_url
        elif isinstance(result, Reject):
            refused = f"{result.reason}: {result.detail}" if result.detail else result.reason
    found = list(_working(links, settings, now)) or list(_working(usual_places(url), settings, now))
    if refused and not found:
        raise FeedError(f"no feeds found at {url}: {refused}")
    yield from found


def _working(urls: Sequence[str], settings: FetchSettings, now: datetime) -> Iterator[FoundFeed]:
    from transforms.feed_poller import poll_feeds  # noqa: PLC0415
    from transforms.workers import shared_workers  # noqa: PLC0415

    feeds = [(Feed(url=url, id=feed_id(url)), None) for url in urls]
    order = {url: number for number, url in enumerate(urls)}
    polls = poll_feeds(feeds, settings, shared_workers(1), now)
    working = [poll for poll in polls if poll.outcome == "ok"]
    for poll in sorted(working, key=lambda poll: order[poll.feed.url]):
        title = next((entry.publisher for entry in poll.entries if entry.publisher), None)
        language = next((entry.language for entry in poll.entries if entry.language), None)
        yield FoundFeed(Outline(url=poll.feed.url, title=title, language=language), len(poll.entries))


def as_table(outline: Outline) -> str:
    """A [[feeds]] table of a config."""
    lines = ["[[feeds]]", f"url = {_toml(outline.url)}"]
    if outline.title:
        lines.append(f"publisher = {_toml(outline.title)}")
    if outline.language and LANGUAGE.fullmatch(outline.language):
        lines.append(f"language = {_toml(outline.language)}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A basic string: as in JSON, but for DEL (TOML 1.0)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
