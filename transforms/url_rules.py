"""Which parts of an address do not tell articles apart, as `lexicons/urls.toml` lists them."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from transforms.lexicons import BUILT_IN, read_toml


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by name: dropped always, by prefix, or only with certain values."""

    names: frozenset[str]
    prefixes: tuple[str, ...]
    values: dict[str, tuple[frozenset[str], tuple[str, ...]]]

    def drops(self, name: str, value: str) -> bool:
        if name in self.names or name.startswith(self.prefixes):
            return True
        exact, beginnings = self.values.get(name, (frozenset(), ()))
        return value in exact or (bool(beginnings) and value.startswith(beginnings))


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A viewer or redirect with the article's address inside: after one of `paths`, or in one of `parameters`."""

    host: str
    paths: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All of the file."""

    parameters: Parameters
    wrappers: tuple[Wrapper, ...]
    host_labels: frozenset[str]
    segments: frozenset[str]
    suffixes: tuple[str, ...]
    index: frozenset[str]
    session: re.Pattern[str]
    identities: frozenset[str]


@cache
def url_rules() -> Rules:
    """The rules, read once."""
    raw: dict[str, Any] = read_toml(BUILT_IN / "urls.toml")
    names: set[str] = set()
    prefixes: set[str] = set()
    values: dict[str, tuple[set[str], set[str]]] = {}
    for rule in raw["parameter"]:
        if "values" not in rule:
            names.update(name.lower() for name in rule.get("names", ()))
            prefixes.update(rule.get("prefixes", ()))
            continue
        for name in rule["names"]:
            exact, beginnings = values.setdefault(name.lower(), (set(), set()))
            exact.update(value for value in rule["values"] if not value.endswith("*"))
            beginnings.update(value[:-1] for value in rule["values"] if value.endswith("*"))
    return Rules(
        parameters=Parameters(
            frozenset(names), tuple(sorted(prefixes)), {k: (frozenset(e), tuple(b)) for k, (e, b) in values.items()}
        ),
        wrappers=tuple(
            Wrapper(rule["host"], tuple(rule["paths"]), tuple(rule.get("parameters", ()))) for rule in raw["wrapper"]
        ),
        host_labels=frozenset(raw["host"]["labels"]),
        segments=frozenset(raw["path"]["segments"]),
        suffixes=tuple(raw["path"]["suffixes"]),
        index=frozenset(raw["path"]["index"]),
        session=re.compile(rf";(?:{'|'.join(raw['path']['session'])})=[^/;]*", re.IGNORECASE),
        identities=frozenset(raw["canonical"]["identities"]),
    )
