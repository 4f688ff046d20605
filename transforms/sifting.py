"""Dividing the lines of an extracted body into the article and what stands among it.

Beside the phrases of `boilerplate` the place of a line counts (a headline, byline or date above the first paragraph,
initials below the last) and what it is made of (a line that is one link to another story). Nothing disappears unseen:
each line taken out is returned with the name of its rule, except repeats of the title, which has its own column.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from transforms.boilerplate import Boilerplate
from transforms.dates import looks_like_a_date
from transforms.host_rules import HostRule
from transforms.plain_text import key, one_line
from transforms.schema import RemovedLine

MOSTLY = 0.6  # share of link text from which a promo phrase needs no colon
WHOLLY = 0.9  # share of link text from which a line is a link and nothing else
HEADLINE_WORDS = 4  # a link of fewer words is a name, not another story
MAX_LINKS_SHARE = 0.4  # a body of which more than this is links is a list of links, and kept
HEAD_LINES = 5  # as far down as a headline, byline or date may stand
SCHEDULE = 3  # as many dates there are text
OFFER = "/paywall"  # the table of rules for subscriptions offered in place of text
MAX_LINKS = 10_000
LAST_BLOCKS = 40
SHORT_CHARS = 250
SENTENCE_CHARS = 40
MAX_LINKED_CHARS = 400
FOOTER_CHARS = 600

_TEXT = etree.XPath("string()", smart_strings=False)
_IDS = etree.XPath("//@id", smart_strings=False)
_READING_TIME = re.compile(
    r"\W*(?:reading time:?\s*|lesezeit:?\s*)?\d{1,2}\W{0,3}(?:min(?:ute)?[ns]?\.?|perc|минут[ы]?|menit|minuti|minutos)"
    r"(?:\s+(?:read|lesezeit|de lecture|de lectura|di lettura|leestijd|читать|okuma))?\W*",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"\W{0,3}\(?[\w./ ,-]{2,24}\)?\W{0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the article from its metadata: forms of its title, names of its authors."""

    titles: Sequence[str] = ()
    authors: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """The lines that are the article, the others with their rules, and the agency footers among these."""

    lines: tuple[str, ...]
    removed: tuple[RemovedLine, ...]
    credits: tuple[str, ...] = field(default=())


def sift(
    lines: Sequence[str],
    rules: Boilerplate,
    *,
    tree: HtmlElement | None = None,
    known: Known | None = None,
    host: HostRule | None = None,
) -> Sifted:
    """Divide `lines` into text and what is no part of it. `tree`, where given, tells which lines are links.

    Each line comes out exactly once, whole, except that an agency footer in brackets is cut off the end of a line, and
    that a line which only repeats the title, or has no letter or digit, is left out of both.
    """
    known = known or Known()
    titles = {key(title) for title in known.titles} - {""}
    shares = {} if tree is None else link_shares(tree)
    keys = [_line_key(line) for line in lines]
    linked = {
        line
        for line, folded in zip(lines, keys, strict=True)
        if shares.get(folded, 0.0) >= WHOLLY and len(line.split()) >= HEADLINE_WORDS
    }
    if sum(map(len, linked)) > MAX_LINKS_SHARE * sum(map(len, lines)):
        linked = set()
    kept: list[str] = []
    removed: list[RemovedLine] = []
    credits: list[str] = []
    is_offer = False
    for place, (line, folded) in enumerate(zip(lines, keys, strict=True)):
        if not folded or folded in titles:
            continue
        if host and host.drops(line):
            removed.append(RemovedLine(text=line, rule=f"host/{host.host}"))
            continue
        rule = rules.rule_for(line, is_link=partial(_is_link, folded, shares))
        name = (
            rule.name
            if rule
            else "linked-line"
            if line in linked
            else _rule_of_place(line, place, lines, titles, known)
        )
        is_offer = (is_offer and _is_label(line)) or bool(rule and rule.name.endswith(OFFER))
        if is_offer and not name:
            name = f"button{OFFER}"
        if name:
            removed.append(RemovedLine(text=line, rule=name))
            if rule and rule.credits_agency:
                credits.append(line)
            continue
        body, footer = _cut_footer(line, rules)
        if footer:
            removed.append(RemovedLine(text=footer, rule="agency-footer"))
            credits.append(footer)
        if body:
            kept.append(body)
    return Sifted(lines=tuple(kept), removed=tuple(removed), credits=tuple(credits))


def left_out(tree: HtmlElement, lines: Sequence[str], rules: Boilerplate, known: Known) -> Iterator[RemovedLine]:
    """The short paragraphs of `tree` that stand beside some of `lines` but are none: the extractor dropped them, mostly
    for being links. Each with the rule that would have, else "extractor"."""
    printed = "\n".join((*known.titles, *lines))
    told = ""

    def is_told(text: str) -> bool:
        nonlocal told
        if text in printed:
            return True
        told = told or "".join(_line_key(line).replace(" ", "") for line in (*known.titles, *lines))
        return _letters(text) in told

    beside: dict[HtmlElement, bool] = {}
    for paragraph in islice(tree.iter("p"), MAX_LINKS):
        text = _TEXT(paragraph).strip()
        if len(text) > MAX_LINKED_CHARS or is_told(text):
            continue
        parent = paragraph.getparent()
        if parent not in beside:
            siblings = (_TEXT(sibling).strip() for sibling in parent.iterchildren("p"))
            beside[parent] = any(len(text) >= SENTENCE_CHARS and is_told(text) for text in siblings)
        if beside[parent]:
            line = one_line(" ".join(paragraph.itertext()))
            rule = rules.rule_for(line)
            yield RemovedLine(text=line, rule=rule.name if rule else "extractor")


_line_key = lru_cache(maxsize=256)(key)  # asked for the lines of a body several times


def _letters(text: str) -> str:
    """Letters and digits alone: line breaks and markup part words in one place and not in another."""
    return key(text).replace(" ", "")


def link_shares(tree: HtmlElement) -> dict[str, float]:
    """Share of link text in each short paragraph and list item of `tree` that holds a link, by its key; the smallest
    where a text stands there twice. Links within the page are none."""
    linked: dict[HtmlElement, int] = {}
    places: set[str] | None = None  # in the page, by their ids, where a link names one behind an address
    for link in islice(tree.iter("a"), MAX_LINKS):
        href = link.get("href") or "#"
        place = href.partition("#")[2]
        if place and places is None:
            places = set(_IDS(tree))
        is_within = href.startswith("#") or (places is not None and bool(place) and place in places)
        characters = 0 if is_within else len(_TEXT(link).strip())
        for block in link.iterancestors("p", "li", "blockquote"):
            linked[block] = linked.get(block, 0) + characters
    shares: dict[str, float] = {}
    for block, characters in linked.items():
        if characters <= MAX_LINKED_CHARS and len(text := _TEXT(block)) <= MAX_LINKED_CHARS:
            folded = key(text)
            shares[folded] = min(shares.get(folded, 1.0), characters / max(1, len(text.strip())))
    return shares


def offers_subscription(tree: HtmlElement, rules: Boilerplate) -> bool:
    """Whether one of the last short paragraphs and headings of `tree` offers a subscription in place of the rest."""
    texts = map(_TEXT, reversed(list(tree.iter("p", "h2", "h3", "h4", "h5"))))
    found = (rules.rule_for(text) for text in islice((text for text in texts if len(text) < SHORT_CHARS), LAST_BLOCKS))
    return any(rule is not None and rule.name.endswith(OFFER) for rule in found)


def _is_link(folded: str, shares: Mapping[str, float]) -> bool:
    return shares.get(folded, 0.0) >= MOSTLY


def _rule_of_place(line: str, place: int, lines: Sequence[str], titles: set[str], known: Known) -> str | None:
    """The rule for a line that is no text because of where it stands, None when it is text."""
    if place < HEAD_LINES and place < len(lines) - 1:
        folded = _line_key(line)
        if any(len(title) >= 20 and title in folded and len(folded) < 2 * len(title) for title in titles):
            return "title"
        if len(line) <= 120:
            if _is_date(line) and sum(map(_is_date, lines[:HEAD_LINES])) < SCHEDULE:
                return "date"
            if _READING_TIME.fullmatch(line):
                return "reading-time"
            if known.authors and _is_byline(folded, known.authors):
                return "byline"
    if place == len(lines) - 1 and place and len(line) <= 24 and line.startswith("(") and _INITIALS.fullmatch(line):
        return "initials"
    return None


def _is_date(line: str) -> bool:
    """Whether a line is a date, and not the signature of a post, "— Ann Low (@low) March 1, 2026"."""
    return "@" not in line and looks_like_a_date(line)


def _is_label(line: str) -> bool:
    """Whether a line is what stands on a button or above a form: few words and no sentence."""
    return len(line.split()) <= 8 and not line.endswith((".", "!", "”", "“", "…"))


def _is_byline(folded: str, authors: Sequence[str]) -> bool:
    """Whether a line says little more than the authors' names."""
    rest = folded
    for author in authors:
        rest = rest.replace(key(author), " ")
    return rest != folded and len(rest.split()) <= 3


def _cut_footer(line: str, rules: Boilerplate) -> tuple[str, str]:
    """`line` and the agency footer in brackets at its end: "... he said. (Reporting by A; Editing by B)"."""
    if not line.endswith((")", ").", "]")):
        return line, ""
    tail = line[-FOOTER_CHARS:]
    for opening in ("(", "["):
        at = tail.find(opening)
        while at >= 0:
            rule = rules.rule_for(tail[at + 1 :].rstrip(").]"))
            if rule and rule.credits_agency:
                cut = len(line) - len(tail) + at
                return line[:cut].rstrip(), line[cut:]
            at = tail.find(opening, at + 1)
    return line, ""
