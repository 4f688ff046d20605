"""The feeds of a config: a table each, or lists of addresses in files. Raises `ConfigError`."""

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.config_values import forbid_unknown, validate
from pipeline.errors import ConfigError
from transforms.opml import read_opml
from transforms.reject import Rejected
from transforms.request_urls import checked_url
from transforms.schema import Feed
from transforms.wordlists import Lexicon

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")  # as much of BCP 47 as news need
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f]")


def parse_feed(raw: Any, name: str, where: str) -> Feed:
    """A feed of the table `raw`; `name` is the file, and `where` leads to the table in it, as in "feeds[0]."."""
    if not isinstance(raw, dict) or not isinstance(raw.get("url"), str):
        raise ConfigError(f'{name}: {where}url: expected the feed\'s address, as in [[feeds]] url = "https://..."')
    forbid_unknown(raw, {field.name for field in dataclasses.fields(Feed)}, name, where)
    _check_address(raw["url"], f"{name}: {where}url")
    feed = validate(Feed, {"id": feed_id(raw["url"]), **raw}, name, where)
    for key in ("id", "publisher"):
        if (text := getattr(feed, key)) is not None and not text.strip():
            raise ConfigError(f"{name}: {where}{key}: expected a text that is not empty; without one, leave it out")
    if feed.kind not in ("feed", "sitemap"):
        raise ConfigError(f'{name}: {where}kind: expected "feed" or "sitemap", got {feed.kind!r}')
    if feed.language is not None and not LANGUAGE.fullmatch(feed.language):
        raise ConfigError(f'{name}: {where}language: expected BCP 47, as in "en" or "pt-BR", got {feed.language!r}')
    if feed.country is not None and feed.country.upper() not in _countries():
        raise ConfigError(
            f'{name}: {where}country: expected an ISO 3166-1 alpha-2 code, as in "GB", got {feed.country!r}'
        )
    return dataclasses.replace(feed, country=feed.country and feed.country.upper())


def read_feed_list(path: Path) -> list[str]:
    """Feed addresses of a file: one a line (# starts a comment), or OPML."""
    try:
        body = path.read_bytes()
        if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            urls = [outline.url for outline in read_opml(body)]
        else:
            lines = body.decode("utf-8-sig").splitlines()
            urls = [re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip() for line in lines]
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: expected a list of feeds") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    if not any(urls):
        raise ConfigError(f"{path}: no feed in it: expected one address a line, or OPML")
    return [url for url in urls if url]


def feed_id(url: str) -> str:
    """A readable, stable id for a feed without one: host and path, and a short hash against collisions."""
    parts = urlsplit(url)
    words = re.sub(r"[^a-z0-9]+", "-", f"{parts.hostname or ''}{parts.path}".lower()).strip("-")[:48]
    return f"{words}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


def unique_feeds(feeds: Iterable[Feed]) -> tuple[Feed, ...]:
    """One feed an address; ids must not be shared by two addresses."""
    by_url: dict[str, Feed] = {}
    by_id: dict[str, str] = {}
    for feed in feeds:
        if by_id.setdefault(feed.id, feed.url) != feed.url:
            raise ConfigError(f"feed id {feed.id!r} is given to two addresses: {by_id[feed.id]} and {feed.url}")
        by_url.setdefault(feed.url, feed)
    return tuple(by_url.values())


def _check_address(url: str, where: str) -> None:
    told = f"{where}: expected an http or https address"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigError(f"{told}, got {url!r}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc or _NOT_IN_ADDRESS.search(url):
        raise ConfigError(f"{told}, got {url!r}")
    if "@" in parts.netloc:
        raise ConfigError(
            f"{told} without user name and password ({parts.hostname}): it is written to every row that tells of the"
            " feed"
        )
    try:
        checked_url(url)
    except Rejected as rejected:
        raise ConfigError(f"{told}, got {url!r} ({rejected.detail})") from None


@cache
def _countries() -> frozenset[str]:
    return frozenset(code for code, *_ in Lexicon("geo", (), 0).table("countries.tsv"))
