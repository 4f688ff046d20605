"""Per-host repairs as data: where a publisher's page keeps title, date, authors and body, and what to drop.

A rule file is TOML, a table a host, each key optional:

    ["news.example.org"]            # this host and those below it
    body = "div.story-text"         # where the paragraphs are; replaces extraction where it matches
    title = "h1.headline"
    date = "time.published"         # an element with a datetime, else its text
    authors = "p.byline a"
    drop = ["div.promo", "#signup"] # elements that are never part of the article
    drop_lines = ["Tell us what"]   # lines that begin so

Selectors are the part of CSS that repairs need: tag, .class, #id, [attribute], [attribute=value], joined by a space
(inside) or ">" (directly inside), and "," (or). A selector that matches nothing leaves the page to the general rules.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import HtmlElement

from transforms.lexicons import read_toml
from transforms.plain_text import key, one_line

MAX_MATCHES = 2_000

_PART = re.compile(
    r"(?P<tag>[a-zA-Z][\w-]*|\*)|\.(?P<class>[\w-]+)|#(?P<id>[\w-]+)"
    r"|\[(?P<attribute>[\w:-]+)(?:=[\"']?(?P<value>[^\"'\]]*)[\"']?)?\]"
)
_KEYS = {"body", "title", "date", "authors", "drop", "drop_lines"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """The repairs of one host; selectors are compiled, None and empty where the rule says nothing."""

    host: str
    body: etree.XPath | None = None
    title: etree.XPath | None = None
    date: etree.XPath | None = None
    authors: etree.XPath | None = None
    drop: tuple[etree.XPath, ...] = ()
    drop_lines: tuple[str, ...] = ()

    def drops(self, line: str) -> bool:
        folded = key(line)
        return any(folded.startswith(opening) for opening in self.drop_lines)


@cache
def load_host_rules(files: tuple[str, ...]) -> Mapping[str, HostRule]:
    """The rules of `files` by host; a later file replaces an earlier one's host. Raises ValueError, naming file, host
    and key, for what cannot be understood."""
    rules: dict[str, HostRule] = {}
    for name in files:
        for host, given in read_toml(Path(name)).items():
            try:
                rules[host.lower()] = _rule(host.lower(), given)
            except (ValueError, TypeError, AttributeError) as error:
                raise ValueError(f"{name}: {host}: {error}") from None
    return rules


def rule_for(url: str, rules: Mapping[str, HostRule]) -> HostRule | None:
    """The rule of the URL's host or of the nearest domain above it."""
    if not rules:
        return None
    try:
        labels = (urlsplit(url).hostname or "").lower().split(".")
    except ValueError:
        return None
    return next((rule for n in range(len(labels)) if (rule := rules.get(".".join(labels[n:])))), None)


def texts(selector: etree.XPath | None, tree: HtmlElement) -> list[str]:
    """The text of each element of `tree` that `selector` matches, on one line each."""
    matches: Sequence[HtmlElement] = selector(tree)[:MAX_MATCHES] if selector is not None else ()
    return [text for element in matches if (text := one_line("".join(element.itertext()), 1_000))]


def compile_selector(css: str) -> etree.XPath:
    """XPath of a selector; raises ValueError for CSS beyond the documented part."""
    return etree.XPath("|".join(_path(group.strip()) for group in css.split(",")))


def _rule(host: str, given: Mapping[str, object]) -> HostRule:
    if unknown := set(given) - _KEYS:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}; expected {', '.join(sorted(_KEYS))}")

    def selector(name: str) -> etree.XPath | None:
        return compile_selector(_string(name, given[name])) if name in given else None

    return HostRule(
        host=host,
        body=selector("body"),
        title=selector("title"),
        date=selector("date"),
        authors=selector("authors"),
        drop=tuple(compile_selector(css) for css in _strings("drop", given)),
        drop_lines=tuple(key(opening) for opening in _strings("drop_lines", given)),
    )


def _string(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: expected a selector")
    return value


def _strings(name: str, given: Mapping[str, object]) -> list[str]:
    values = given.get(name, [])
    if not isinstance(values, list):
        raise ValueError(f"{name}: expected a list of strings")  # noqa: TRY004 - all mistakes of a file are one kind
    return [_string(name, value) for value in values]


def _path(selector: str) -> str:
    if not selector:
        raise ValueError("an empty selector")
    path, axis = "", "descendant-or-self::"
    for part in re.sub(r"\s*>\s*", " > ", selector).split():
        if part == ">":
            axis = "child::" if path else "nothing to stand in"
            continue
        path += ("/" if path else "") + axis + _step(part, selector)
        axis = "descendant::"
    if not path or axis == "child::" or not path.startswith("desc"):
        raise ValueError(f"cannot read the selector {selector!r}")
    return path


def _step(token: str, selector: str) -> str:
    tag, conditions, end = "*", "", 0
    for part in _PART.finditer(token):
        if part.start() != end or (part["tag"] and end):
            break
        end = part.end()
        tag = part["tag"] or tag
        if part["class"]:
            conditions += f"[contains(concat(' ', normalize-space(@class), ' '), ' {part['class']} ')]"
        elif part["id"]:
            conditions += f"[@id='{part['id']}']"
        elif part["attribute"] and part["value"] is not None:
            conditions += f"[@{part['attribute']}='{part['value']}']"
        elif part["attribute"]:
            conditions += f"[@{part['attribute']}]"
    if end != len(token):
        raise ValueError(f"cannot read the selector {selector!r}")
    return tag + conditions
