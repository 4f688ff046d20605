"""Pages made to break what reads them, by name: JSON-LD beyond measure, marks without end, characters that steer.

Served as they are, each must end as an article or as a reject with a reason of its own, and what comes of it must be
text that can be stored and printed.
"""

import json
from typing import Any

STEERING = "\x1b]0;title\x07\x1b[31m\x9b2J\u202e\u2066\r\nlevel=error told=lies"
MARKUP = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{7*7}}[red]=1+1"
STORY = "".join(
    f"<p>The {part} of the harbour wall will be rebuilt before the winter, the council decided on Tuesday.</p>"
    for part in ("north", "south", "seaward side", "oldest stretch", "gate", "crown")
)
FIELDS = (
    "@id", "headline", "name", "author", "creator", "publisher", "datePublished", "dateModified", "image",
    "thumbnailUrl", "articleSection", "keywords", "inLanguage", "isAccessibleForFree", "mainEntityOfPage", "url",
    "description", "articleBody", "wordCount", "about", "contentLocation", "sourceOrganization",
)  # fmt: skip
VALUES: list[Any] = [
    *(1, -1, 1e300, True, None, [], {}, [[]], [[["deep"]]], "\ud800", STEERING, MARKUP, "x" * 20_000),
    *(["2026-01-01", 2], {"@value": {"@value": 1}}, [1, [2, {"name": [3, None]}]], {"name": {"name": {}}}),
    {"@type": [], "@id": "#a"},
]
DATES = (
    "0000-00-00", "9999-12-31T23:59:59+23:59", "-2026-01-01", "1447-06-01", "2569-11-22", "1" * 400, "NaN", "P1Y",
    "2026-02-30T25:61:61Z", "0001-01-01T00:00:00+14:00", "2026-W47-7", "\x1b[31m2026-11-22",
    "2026-11-22T09:00:00+99:99",
)  # fmt: skip


def story(head: str = "", title: str = "Harbour wall to be rebuilt", behind: str = "") -> str:
    """A page with a story of six paragraphs."""
    body = f"<body><article><h1>{title}</h1>{STORY}{behind}</article></body>"
    return f'<!DOCTYPE html><html lang="en"><head><title>{title}</title>{head}</head>{body}</html>'


def json_ld(block: str) -> str:
    return f'<script type="application/ld+json">{block}</script>'


def _node(value: Any) -> str:
    """JSON-LD with the same value in each field, no end tag of a script in it."""
    return json.dumps({"@type": "NewsArticle"} | dict.fromkeys(FIELDS, value)).replace("</", "<\\/")


def _metas(value: str) -> str:
    names = ("article:published_time", "author", "og:site_name", "og:locale", "news_keywords", "og:image", "og:title")
    return "".join(f'<meta property="{name}" content="{value}">' for name in names)


PAGES: dict[str, str] = {
    **{f"json-ld of {ascii(value)[:25]}": story(json_ld(_node(value))) for value in VALUES},
    **{f"a graph of {ascii(value)[:25]}": story(json_ld(json.dumps({"@graph": [value]}))) for value in VALUES},
    **{f"the date {ascii(date)[:25]}": story(_metas(date), behind=f'<time datetime="{date}">') for date in DATES},
    "a number of many digits": story(json_ld('{"@type": "NewsArticle", "wordCount": ' + "9" * 10_000 + "}")),
    "numbers that are none": story(json_ld('{"@type": "NewsArticle", "headline": NaN, "wordCount": 1e999}')),
    "lists in lists": story(json_ld("[" * 100_000)),
    "objects in objects": story(json_ld('{"a":' * 50_000 + "1" + "}" * 50_000)),
    "thousands of blocks": story(json_ld('{"@type": "NewsArticle"}') * 5_000),
    "thousands of meta tags": story("".join(f'<meta name="k{n}" content="v">' for n in range(20_000))),
    "a title that steers": story(_metas(STEERING), title=STEERING),
    "a title that is markup": story(title=MARKUP),
    "a title of 1 MB": story(title="A" * 1_000_000),
    "a heap of marks": story(title="a" + "\u0301" * 50_000, behind="<p>" + "a" + "\u0301" * 500_000),
    "half characters": story(title="Harbour \ud800 wall \udc00", behind="<p>\ud83d and \ude00"),
    "no characters": story(title="\ufffe\uffff\U0010ffff \u200b\u2060\u00ad wall", behind="<p>&#0;&#xd800;&#x110000;"),
    "a million tags": "<div>" * 1_000_000 + "deep",
    "attributes without end": "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">" + story(),
    "tables in tables": "<table><tr><td>" * 20_000 + story(),
    "an open comment": story().replace("<article>", "<article><!-- " + "-" * 300_000),
    "an open script": story().replace("<article>", "<script>" + "<" * 300_000),
    "one line of 5 MB": "<html><body><p>" + "word " * 999_000,
    "one word of 5 MB": "<html><body><p>" + "x" * 4_900_000,
    "references without end": "<html><body><p>" + "&amp" * 1_000_000,
    "blanks without end": story(behind="<p>" + " \u00a0\t" * 300_000 + "x"),
    "bylines without end": story(behind="<p>By " + "By Jo Doe and " * 30_000),
    "datelines without end": story(behind="<p>" + "LONDON (" * 60_000),
    "quotes without end": story(behind="<p>" + '"said ' * 100_000),
    "links without end": story(behind="<p>" + "<a href=/x>read more</a> " * 20_000),
    "entities of its own": '<!DOCTYPE html [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + story(title="&b;"),
    "a file as entity": '<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + story(title="Wall &a;"),
}  # fmt: skip
