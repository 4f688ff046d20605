"""The config file: TOML in, a frozen `Config` out, or a `ConfigError` that names file, key and what was expected."""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.config_feeds import parse_feed, read_feed_list, unique_feeds
from pipeline.config_values import check_hosts, forbid_unknown, validate
from pipeline.errors import ConfigError
from transforms.schema import Feed
from transforms.settings import Settings
from transforms.taggers import MODEL_TAGGERS, TAGGERS


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
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
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
        _assign(document, f"run.workers={workers}")
    return parse_config(document, str(path), {str(file): read_feed_list(file) for file in feed_files})


def parse_config(document: dict[str, Any], name: str, listed: Mapping[str, Sequence[str]] | None = None) -> Config:
    """Validate a config document; `name` is what error messages call it. `listed` are addresses of more feeds, by the
    file they stand in."""
    sections = {field.name: field.type for field in dataclasses.fields(Settings)}
    forbid_unknown(document, {"output", "feeds", *sections}, name, "")
    if not isinstance(document.get("output"), str) or not document["output"]:
        raise ConfigError(f'{name}: output: expected the folder of the dataset, as in output = "data/news"')
    for section, kind in sections.items():
        table = document.get(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{name}: {section}: expected a table, [{section}]")
        forbid_unknown(table, {field.name for field in dataclasses.fields(kind)}, name, f"{section}.")  # type: ignore[arg-type]  # every field of Settings is a dataclass
    settings = validate(Settings, {key: document[key] for key in sections if key in document}, name, "")
    _check_files(settings, name)
    tables = document.get("feeds", [])
    if not isinstance(tables, list):
        raise ConfigError(f"{name}: feeds: expected [[feeds]] tables, got {tables!r}")
    feeds = [parse_feed(raw, name, f"feeds[{number}].") for number, raw in enumerate(tables)]
    more = [(file, {"url": url}) for file, urls in (listed or {}).items() for url in urls]
    unique = unique_feeds([*feeds, *(parse_feed(raw, file, "") for file, raw in more)])
    whole = document | {"feeds": [*tables, *(raw for _, raw in more)]}
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    return Config(output=document["output"], feeds=unique, settings=settings, sha256=digest)


def _check_files(settings: Settings, name: str) -> None:
    """What the settings point at is there and can be read; raises `ConfigError` naming the key."""
    check_hosts(settings.fetch.allow_hosts, f"{name}: fetch.allow_hosts")
    for key in ("user_agent", "contact"):
        if not (text := getattr(settings.fetch, key)).isprintable():
            raise ConfigError(f"{name}: fetch.{key}: expected one line without control characters, got {text!r}")
    for tagger in settings.tag.taggers:
        _check_tagger(tagger, f"{name}: tag.taggers")
    for folder in settings.tag.lexicons:
        if not Path(folder).is_dir():
            raise ConfigError(f"{name}: tag.lexicons: expected a folder, got {folder!r}")
    if settings.tag.topic_model and not Path(settings.tag.topic_model).is_file():
        raise ConfigError(f"{name}: tag.topic_model: expected a file, got {settings.tag.topic_model!r}")
    for key in ("prometheus_file", "json_file"):
        if (file := getattr(settings.metrics, key)) and not Path(file).absolute().parent.is_dir():
            raise ConfigError(f"{name}: metrics.{key}: expected a file in a folder that exists, got {file!r}")
    for key, file, load in _loads(settings):
        try:
            load()
        except OSError as error:
            raise ConfigError(f"{name}: {key}: expected a file, got {file!r}: {error.strerror or error}") from error
        except ValueError as error:
            raise ConfigError(f"{name}: {key}: {file}: {error}") from error


def _loads(settings: Settings) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """What would else be found to be broken in the middle of a run: key, file and what reads it."""
    if settings.tag.topic_model:
        from transforms.topic_model import load as load_model  # noqa: PLC0415 - all these bring what few configs need

        yield "tag.topic_model", settings.tag.topic_model, partial(load_model, Path(settings.tag.topic_model))
    if settings.clean.hosts:
        from transforms.host_rules import load_host_rules  # noqa: PLC0415

        yield from (("clean.hosts", file, partial(load_host_rules, (file,))) for file in settings.clean.hosts)
    if settings.clean.boilerplate:
        from transforms.boilerplate import load_boilerplate  # noqa: PLC0415

        for folder in settings.clean.boilerplate:
            yield "clean.boilerplate", folder, partial(load_boilerplate, (folder,))


def _check_tagger(tagger: str, where: str) -> None:
    kind, is_model, folder = tagger.partition(":")
    if tagger in TAGGERS:
        return
    if not is_model or kind not in MODEL_TAGGERS:
        known = ", ".join((*TAGGERS, *(f"{model}:FOLDER" for model in MODEL_TAGGERS)))
        raise ConfigError(f"{where}: expected some of {known}, got {tagger!r}")
    if not Path(folder).is_dir():
        raise ConfigError(f"{where}: expected a folder that holds a model, got {tagger!r}")
    if find_spec(kind) is None:
        raise ConfigError(f"{where}: {tagger!r} needs a library: pip install 'newsbeam[{kind}]'")


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
