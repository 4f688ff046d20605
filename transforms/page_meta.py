"""What a page says of itself outside JSON-LD: meta tags (Open Graph and others), microdata, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from transforms.page_tree import UNSEEN_CLASSES
from transforms.plain_text import from_markup, one_line

MAX_META = 600
_MICRODATA = etree.XPath("descendant::*[@itemprop and not(self::meta)]")
_READ_MICRODATA = {"datepublished", "datemodified", "articlesection", "headline", "keywords", "inlanguage"}
_NAMES = ("property", "name", "itemprop", "http-equiv")
_ITS_NAME = etree.XPath("descendant::*[@itemprop='name']")
MICRODATA_AUTHOR = "itemprop author name"
MAX_ANCESTORS = 12
MAX_HEADINGS = 20
MAX_HEADING_CHARS = 1_000
MAX_CONTENT_CHARS = 5_000
_UNSEEN = re.compile("|".join(UNSEEN_CLASSES), re.IGNORECASE)
# Around parts of a word these stand too: no space is meant where they begin or end.
_FORMATTING = {"b", "i", "em", "strong", "u", "s", "q", "cite", "mark", "sup", "sub", "font", "abbr", "wbr", "ins"}
# Set in a heading beside the headline: the line above it, the line below it, a date.
_BESIDE_HEADLINE = re.compile(
    r"kicker|over-?line|top-?line|roof-?line|dachzeile|spitzmarke|eyebrow|tagline|topic-?label|rubri[ck]|sur-?titre|"
    r"ante-?t[ií]tulo|volanta|occhiello|title-?header|sub-?(?:title|line|head|titulo)|unterzeile|chapeau|bajada|"
    r"(?<![a-z])(?:date|time|badge)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMeta:
    """Values by lower-case name, in document order. Texts are plain and on one line."""

    meta: dict[str, list[str]] = field(default_factory=dict)
    title: str = ""
    headings: tuple[str, ...] = ()  # each h1 but logos
    headlines: tuple[str, ...] = ()  # the same without what is set beside the headline
    logos: tuple[str, ...] = ()  # each h1 that is a link to the home page
    canonical: str | None = None
    amp_of: str | None = None
    language: str | None = None

    def first(self, *names: str) -> str:
        """The first value of the first of `names` that has one, "" when none has."""
        return next((value for name in names for value in self.meta.get(name, ()) if value), "")

    def all(self, *names: str) -> list[str]:
        """The values of the first of `names` that has any."""
        return next((values for name in names if (values := [v for v in self.meta.get(name, ()) if v])), [])


def read_page_meta(tree: HtmlElement) -> PageMeta:
    """Read `tree` once. Work is bounded by caps on the number of tags and the length of values."""
    meta: dict[str, list[str]] = {}
    for count, element in enumerate(tree.iter("meta")):
        if count >= MAX_META:
            break
        content = element.get("content")
        if not content:
            continue
        value = from_markup(content, MAX_CONTENT_CHARS)
        names = {name.strip().lower() for attribute in _NAMES if (name := element.get(attribute))}
        for name in names - {""}:
            meta.setdefault(name[:100], []).append(value)
    written: HtmlElement | None = None  # what the first author wrote: others wrote what the page offers beside it
    for element in _MICRODATA(tree)[:MAX_META]:
        name = element.get("itemprop", "").lower()
        if name == "author" and (author := _author_name(element)):
            item = next((around for around in element.iterancestors() if around.get("itemscope") is not None), tree)
            written = item if written is None else written
            if item is written:
                meta.setdefault(MICRODATA_AUTHOR, []).append(author)
        elif name in _READ_MICRODATA:
            printed = element.get("content") or element.get("datetime") or "".join(element.itertext())
            meta.setdefault(name, []).append(from_markup(printed, MAX_CONTENT_CHARS))
    title = next((from_markup(t.text_content()[:5_000], 1_000) for t in tree.iter("title") if t.text), "")
    canonical = next((link.get("href") for link in tree.iter("link") if "canonical" in _words(link.get("rel"))), None)
    logos, headings, headlines = _headings(tree)
    return PageMeta(
        meta=meta,
        title=title,
        headings=headings,
        headlines=headlines,
        logos=logos,
        canonical=canonical.strip()[:2_000] if canonical else None,
        language=_language(tree, meta),
    )


def _author_name(element: HtmlElement) -> str:
    """The name of whom an element describes as the author, "" where it describes nobody, or who wrote a comment."""
    for name in _ITS_NAME(element)[:1]:
        around = [element, *islice(element.iterancestors(), MAX_ANCESTORS)]
        marks = " ".join(e.get(mark, "") for e in around for mark in ("class", "id", "itemprop", "itemtype"))
        if "comment" not in marks.lower():
            return from_markup(name.get("content") or "".join(name.itertext())[:500], 200)
    return ""


def _headings(tree: HtmlElement) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Logos, headings, and the headlines in these."""
    logos, headings, headlines = [], [], []
    for heading in islice(tree.iter("h1"), MAX_HEADINGS):
        text = _line(_texts_without(None, heading))
        if _leads_home(heading, text):
            logos.append(text)
        elif text:
            headings.append(text)
            headlines.append(_headline(heading) or text)
    return tuple(logos), tuple(headings), tuple(headlines)


def _line(texts: Iterator[str]) -> str:
    return one_line("".join(texts)[:MAX_CONTENT_CHARS], MAX_HEADING_CHARS)


def _leads_home(heading: HtmlElement, text: str) -> bool:
    """Whether all of a heading is a link to a home page."""
    link = heading.find(".//a[@href]")
    if link is None or not text or _line(_texts_without(None, link)) != text:
        return False
    address = link.get("href", "").strip()[:2_000].rsplit("://", maxsplit=1)  # an archive puts its own before it
    is_bare = "/" not in address[-1][:-1] and (len(address) > 1 or address[0] == "/")
    return is_bare or "home" in _words(link.get("rel"))


def _headline(heading: HtmlElement) -> str:
    """A heading without what readers don't see, and without what its class says is set beside the headline: unless
    that ends in a colon, when both are read as one."""
    seen = _line(_texts_without(_UNSEEN, heading))
    bare = _line(_texts_without(_BESIDE_HEADLINE, heading)).lstrip(" :|–—-")
    return seen if seen.endswith(bare) and seen.removesuffix(bare).rstrip().endswith(":") else bare


def _texts_without(marks: re.Pattern[str] | None, heading: HtmlElement) -> Iterator[str]:
    """The texts of `heading`, set apart where a reader sees them apart; without those of elements whose tag or class
    `marks` finds, and then of unseen ones."""
    walk = etree.iterwalk(heading, events=("start", "end"))
    for event, part in walk:
        is_part_of_word = part.tag in _FORMATTING or len(part.text or "") == 1  # an initial set apart
        space = "" if is_part_of_word else " "
        if event == "end":
            yield f"{space}{part.tail or ''}" if part is not heading else ""
            continue
        named = f"{part.tag} {part.get('class', '')[:200]}"
        if part is heading or marks is None or not (marks.search(named) or _UNSEEN.search(named)):
            yield f"{space}{part.text or ''}"
        else:
            walk.skip_subtree()


def _language(tree: HtmlElement, meta: dict[str, list[str]]) -> str | None:
    root = tree.getroottree().getroot()
    candidates = [root.get("lang"), root.get("{http://www.w3.org/XML/1998/namespace}lang"), root.get("xml:lang")]
    body = root.find("body")
    candidates.append(body.get("lang") if body is not None else None)
    for name in ("content-language", "dc.language", "dcterms.language", "language", "og:locale", "inlanguage"):
        candidates.extend(meta.get(name, [])[:1])
    return next((value.split(",")[0].strip()[:40] for value in candidates if value and value.strip()), None)


def _words(value: str | None) -> list[str]:
    return (value or "")[:200].lower().split()
