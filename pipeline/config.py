"""The config file: TOML in, a frozen `Config` out, or a `ConfigError` that names file, key and what was expected."""

import dataclasses
import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConfigError
from transforms.opml import read_opml
from transforms.schema import Feed
from transforms.settings import Settings
from transforms.taggers import TAGGERS

T = TypeVar("T")
EXPECTED = {  # by the first word of pydantic's types of errors
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": 'a text in "quotes"',
    "tuple": "a list in [brackets]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole config. `sha256` identifies it in every report."""

    output: str
    feeds: tuple[Feed, ...]
    settings: Settings
    sha256: str


def load_config(
    path: Path,
    *,
    output: str | None = None,
    feed_files: Sequence[Path] = (),
    assignments: Sequence[str] = (),
    workers: int | None = None,
) -> Config:
    """Read and validate `path`; the keyword arguments are the command line's overrides. Raises `ConfigError`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        told = f"{path}: {error.strerror or error}: expected a config; the README begins with one"
        raise ConfigError(told) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: it is no UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for assignment in assignments:
        _assign(document, assignment)
    if output is not None:
        document["output"] = output
    if workers is not None:
        document.setdefault("run", {})["workers"] = workers
    listed = [{"url": url} for file in feed_files for url in read_feed_list(file)]
    document["feeds"] = [*document.get("feeds", []), *listed]
    return parse_config(document, str(path))


def parse_config(document: dict[str, Any], name: str) -> Config:
    """Validate a config document; `name` is what error messages call it."""
    sections = {field.name: field.type for field in dataclasses.fields(Settings)}
    _forbid_unknown(document, {"output", "feeds", *sections}, name, "")
    if not isinstance(document.get("output"), str) or not document["output"]:
        raise ConfigError(f'{name}: output: expected the folder of the dataset, as in output = "data/news"')
    for section, kind in sections.items():
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{name}: {section}: expected a table, [{section}]")
        _forbid_unknown(table, {field.name for field in dataclasses.fields(kind)}, name, f"{section}.")  # type: ignore[arg-type]  # every field of Settings is a dataclass
    settings = _validate(Settings, {key: document[key] for key in sections if key in document}, name, "")
    _check_files(settings, name)
    feeds = tuple(_feed(raw, name, number) for number, raw in enumerate(document.get("feeds", [])))
    unique = _unique_ids(feeds)
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()
    return Config(output=document["output"], feeds=unique, settings=settings, sha256=digest)


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


def _feed(raw: Any, name: str, number: int) -> Feed:
    where = f"feeds[{number}]."
    if not isinstance(raw, dict) or not isinstance(raw.get("url"), str):
        raise ConfigError(f'{name}: {where}url: expected the feed\'s address, as in [[feeds]] url = "https://..."')
    _forbid_unknown(raw, {field.name for field in dataclasses.fields(Feed)}, name, where)
    if not _is_web_address(raw["url"]):
        raise ConfigError(f"{name}: {where}url: expected an http or https address, got {raw['url']!r}")
    if "@" in (parts := urlsplit(raw["url"])).netloc:
        raise ConfigError(
            f"{name}: {where}url: expected an address without user name and password ({parts.hostname}): it is"
            " written to every row that tells of the feed"
        )
    feed = _validate(Feed, {"id": feed_id(raw["url"]), **raw}, name, where)
    if feed.kind not in ("feed", "sitemap"):
        raise ConfigError(f'{name}: {where}kind: expected "feed" or "sitemap", got {feed.kind!r}')
    return feed


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _check_files(settings: Settings, name: str) -> None:
    """What the settings point at is there and can be read; raises `ConfigError` naming the key."""
    unknown = [tagger for tagger in settings.tag.taggers if tagger not in TAGGERS]
    if unknown:
        raise ConfigError(f"{name}: tag.taggers: expected some of {', '.join(TAGGERS)}, got {unknown[0]!r}")
    for folder in settings.tag.lexicons:
        if not Path(folder).is_dir():
            raise ConfigError(f"{name}: tag.lexicons: expected a folder, got {folder!r}")
    if settings.tag.topic_model and not Path(settings.tag.topic_model).is_file():
        raise ConfigError(f"{name}: tag.topic_model: expected a file, got {settings.tag.topic_model!r}")
    for key in ("prometheus_file", "json_file"):
        if (file := getattr(settings.metrics, key)) and not Path(file).absolute().parent.is_dir():
            raise ConfigError(f"{name}: metrics.{key}: expected a file in a folder that exists, got {file!r}")
    if settings.clean.hosts or settings.clean.boilerplate:
        from transforms.boilerplate import load_boilerplate  # noqa: PLC0415 - brings lxml, which few configs need here
        from transforms.host_rules import load_host_rules  # noqa: PLC0415

        try:
            load_host_rules(settings.clean.hosts)
            load_boilerplate(settings.clean.boilerplate)
        except (ValueError, OSError) as error:
            raise ConfigError(f"{name}: clean: {error}") from error


def _unique_ids(feeds: Iterable[Feed]) -> tuple[Feed, ...]:
    """One feed an address; ids must not be shared by two addresses."""
    by_url: dict[str, Feed] = {}
    by_id: dict[str, str] = {}
    for feed in feeds:
        if by_id.setdefault(feed.id, feed.url) != feed.url:
            raise ConfigError(f"feed id {feed.id!r} is given to two addresses: {by_id[feed.id]} and {feed.url}")
        by_url.setdefault(feed.url, feed)
    return tuple(by_url.values())


def _validate(kind: type[T], value: dict[str, Any], name: str, prefix: str) -> T:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        wanted = EXPECTED.get(first["type"].partition("_")[0])
        told = f"expected {wanted}" if wanted else f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise ConfigError(f"{name}: {key}: {told}, got {first['input']!r}") from error


def _forbid_unknown(table: dict[str, Any], known: set[str], name: str, prefix: str) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
            raise ConfigError(f"{name}: {prefix}{key}: unknown key{hint}")


def _assign(document: dict[str, Any], assignment: str) -> None:
    """Apply `section.key=value`; the value is TOML, or a plain word taken as a string."""
    path, equals, literal = assignment.partition("=")
    if not equals:
        raise ConfigError(f"--set {assignment}: expected section.key=value")
    try:
        value = tomllib.loads(f"value = {literal}")["value"]
    except tomllib.TOMLDecodeError:
        value = literal
    *sections, key = path.strip().split(".")
    table = document
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {assignment}: {section} is not a table")
    table[key] = value
