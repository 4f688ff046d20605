"""What a publisher says against use by AI and text and data mining; recorded with each article, obeyed by nobody here.

Four ways are read, none of which takes a request of its own:

- `tdm-reservation`: the header or meta tag of that name is 1 (TDM Reservation Protocol, W3C community group report)
- `noai`, `noimageai`: directives of the X-Robots-Tag header or the robots meta tag (by DeviantArt, 2022)
- `robots.txt GPTBot`: a group of robots.txt made for that agent keeps it from the page, which others may fetch

A site can also reserve its rights in `/.well-known/tdmrep.json` or in its terms; these are not asked for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

MAX_VALUES = 20

# Agents that their operators say collect for models or answers, by their own documentation: OpenAI, Anthropic, Google,
# Common Crawl, Perplexity, Apple, ByteDance, Meta, Amazon, Cohere, Diffbot, Mistral, You.com, Allen Institute, Webz.io.
AI_AGENTS = (
    "GPTBot", "OAI-SearchBot", "ChatGPT-User", "ClaudeBot", "anthropic-ai", "Claude-Web", "Claude-User",
    "Google-Extended", "CCBot", "PerplexityBot", "Applebot-Extended", "Bytespider", "meta-externalagent", "FacebookBot",
    "Amazonbot", "cohere-ai", "Diffbot", "MistralAI-User", "YouBot", "AI2Bot", "omgilibot",
)  # fmt: skip

_AGENT_LINE = re.compile(r"^[ \t]*user-agent[ \t]*:[ \t]*([^#\r\n]{1,100})", re.IGNORECASE | re.MULTILINE)
_SEPARATORS = re.compile(r"[\s,:;]+")
_DIRECTIVES = ("noai", "noimageai")


def named_agents(robots_txt: str) -> tuple[str, ...]:
    """Those of `AI_AGENTS` that a robots.txt has a group for."""
    named = {name.strip().lower() for name in _AGENT_LINE.findall(robots_txt)}
    return tuple(agent for agent in AI_AGENTS if agent.lower() in named)


def of_headers(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The signals in an answer's headers, names and values."""
    read = [(name.lower(), value) for name, value in headers]
    return _signals(
        reservations=(value for name, value in read if name == "tdm-reservation"),
        directives=(value for name, value in read if name == "x-robots-tag"),
    )


def of_meta(meta: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The signals in a page's meta tags, values by lower-case name."""
    return _signals(
        reservations=meta.get("tdm-reservation", ()),
        directives=(value for name in ("robots", "x-robots-tag") for value in meta.get(name, ())),
    )


def of_robots(agents: Iterable[str]) -> tuple[str, ...]:
    """The signals for agents that robots.txt keeps from the page."""
    return tuple(f"robots.txt {agent}" for agent in agents)


def _signals(*, reservations: Iterable[str], directives: Iterable[str]) -> tuple[str, ...]:
    words = {word for value in islice(directives, MAX_VALUES) for word in _SEPARATORS.split(value[:500].lower())}
    reserved = ("tdm-reservation",) if any(value.strip() == "1" for value in reservations) else ()
    return (*reserved, *(directive for directive in _DIRECTIVES if directive in words))
