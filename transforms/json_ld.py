"""JSON-LD of a page: the blocks, repaired where that is safe, and the node that describes the article.

Bounded on any page: blocks, characters and nodes are capped, and what is too deep or broken is skipped.
Vocabulary: https://schema.org/Article and its subtypes.
"""

import json
import re
from collections.abc import Iterable
from typing import TypeAlias, Union

from lxml.html import HtmlElement

from transforms.plain_text import from_markup, key, without_control

Json: TypeAlias = Union[bool, int, float, str, list["Json"], "Node", None]
Node: TypeAlias = dict[str, Json]

MAX_BLOCKS = 60
MAX_CHARS = 3_000_000
MAX_NODES = 5_000

_CONTAINERS = ("@graph", "mainEntity", "mainEntityOfPage", "subjectOf")
_OTHER_ARTICLE_TYPES = {"BlogPosting", "LiveBlogPosting", "Report", "Review", "SocialMediaPosting"}
_TRAILING_COMMA = re.compile(r",(\s{0,200}[\]}])")
_WRAPPER = re.compile(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)")


class JsonLd:
    """The nodes of all blocks of a page. `article` is the one that describes it, empty when none does."""

    def __init__(self, nodes: list[Node], article: Node) -> None:
        self.nodes = nodes
        self.article = article
        self._by_id = {node["@id"]: node for node in reversed(nodes) if isinstance(node.get("@id"), str)}

    def resolve(self, value: Json) -> Json:
        """`value`, or the node it refers to by `@id`."""
        if isinstance(value, dict) and isinstance(reference := value.get("@id"), str) and len(value) <= 2:
            return self._by_id.get(reference, value)
        return value

    def first_of_type(self, *types: str) -> Node:
        """The first node of one of `types`, {} when there is none."""
        return next((node for node in self.nodes if types_of(node) & set(types)), {})


def read_json_ld(tree: HtmlElement, *, urls: Iterable[str] = (), headlines: Iterable[str] = ()) -> JsonLd:
    """The JSON-LD of `tree`. `urls` and `headlines` of the page tell its article from others that it lists."""
    nodes: list[Node] = []
    blocks = chars = 0
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        blocks += 1
        text = script.text or ""
        chars += len(text)
        if blocks > MAX_BLOCKS or chars > MAX_CHARS:
            break
        for value in parse_block(text):
            _collect(value, nodes)
    return JsonLd(nodes, _article_of(nodes, list(urls), list(headlines)))


def parse_block(text: str) -> list[Json]:
    """The values of one script element: usually one, more when several were concatenated, none when beyond repair."""
    text = text.strip()
    try:
        return [json.loads(text, strict=False)]
    except json.JSONDecodeError as error:
        failed = "" if error.msg == "Extra data" else text  # several values, which are read below
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        return []
    unwrapped = _WRAPPER.sub("", text).strip()
    return _values(unwrapped, failed) or _values(_TRAILING_COMMA.sub(r"\1", unwrapped), unwrapped)


def _values(text: str, failed: str) -> list[Json]:
    """The values that follow each other in `text`, none where it is what `failed` already."""
    values: list[Json] = []
    decoder, start = json.JSONDecoder(strict=False), -1 if text == failed else _next_value(text, 0)
    while start >= 0 and len(values) < 20:
        try:
            value, start = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        values.append(value)
        start = _next_value(text, start)
    return values


def types_of(node: Node) -> set[str]:
    """The node's types, without the vocabulary's address."""
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return {name.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for name in names if isinstance(name, str)}


def is_article(node: Node) -> bool:
    """Article, NewsArticle and every other type of that name, blog postings and reports."""
    return any(name.endswith("Article") or name in _OTHER_ARTICLE_TYPES for name in types_of(node))


def string(value: Json) -> str:
    """Plain text of a value that should be a string: the first of a list, `@value` or `name` of an object."""
    if isinstance(value, str):
        return from_markup(value)
    if isinstance(value, list):
        return next((text for item in value[:5] if not isinstance(item, list) and (text := string(item))), "")
    if isinstance(value, dict):
        for name in ("@value", "name"):
            if isinstance(inner := value.get(name), str):
                return from_markup(inner)
    return ""


def raw_string(value: Json) -> str:
    """A value that should be a short string (a date, an address) as printed, without control characters."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@value") or value.get("url") or value.get("@id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return without_control(value[:4_000]).strip()[:2_000] if isinstance(value, str) else ""


def as_list(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _next_value(text: str, start: int) -> int:
    places = [place for place in (text.find("{", start), text.find("[", start)) if place >= 0]
    return min(places, default=-1)


def _collect(value: Json, nodes: list[Node]) -> None:
    """Append the nodes at the top of `value`: through lists and the containers that hold what a page is about."""
    stack = [value]
    for _ in range(4 * MAX_NODES):
        if not stack or len(nodes) >= MAX_NODES:
            return
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item[:MAX_NODES]))
        elif isinstance(item, dict):
            nodes.append(item)
            stack.extend(item[name] for name in reversed(_CONTAINERS) if isinstance(item.get(name), list | dict))


def _article_of(nodes: list[Node], urls: list[str], headlines: list[str]) -> Node:
    """The best article node, completed from others that describe the same article."""
    articles = [node for node in nodes if is_article(node)]
    if not articles:
        return {}
    addresses = {_address(url) for url in urls if url}
    titles = {key(headline) for headline in headlines if headline}

    def fit(node: Node) -> tuple[bool, bool, int]:
        own = {_address(raw_string(node.get(name))) for name in ("url", "mainEntityOfPage", "@id")}
        headline = key(string(node.get("headline")) or string(node.get("name")))
        named = bool(headline) and any(headline in title or title in headline for title in titles if title)
        return bool(own & addresses), named, sum(name in node for name in ("headline", "datePublished", "author"))

    ranked = sorted(articles, key=fit, reverse=True)
    best = ranked[0]
    if len(articles) > 3 and not any(fit(best)[:2]):  # a list of articles, none of them this page
        return {}
    merged = dict(best)
    headline = key(string(best.get("headline")))
    for other in ranked[1:]:
        if headline and key(string(other.get("headline"))) == headline:
            for name, value in other.items():
                if merged.get(name) in (None, "", [], {}):
                    merged[name] = value
    return merged


def _address(url: str) -> str:
    path = url.split("#", maxsplit=1)[0].split("?", maxsplit=1)[0]
    return path.removeprefix("https:").removeprefix("http:").rstrip("/")
