"""Lines among the paragraphs that are not the article: promos, newsletter calls, share bars, rights, agency footers.

The rules are data: `lexicons/boilerplate/*.toml`, a file a language, which a user extends with own files of the same
form. Nothing disappears unseen: each line taken out is returned with the name of its rule.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from lxml import etree
from lxml.html import HtmlElement

from transforms.plain_text import key
from transforms.schema import RemovedLine

DEFAULT_MAX_WORDS = 40
MOSTLY = 0.6  # share of link text from which a line is a link
MAX_BLOCKS = 5_000
MAX_LINKED_CHARS = 400
FOOTER_CHARS = 600
MAX_WORD_CHARS = 12  # a line longer than its rules' words at this length each is no promo

_LINKED_BLOCKS = etree.XPath(
    "descendant::*[(self::p or self::h2 or self::h3 or self::h4 or self::h5 or self::li or self::blockquote)"
    " and descendant::a]"
)
_WORD = re.compile(r"[^\W_]+")
_GOES_ON = re.compile(r"\s*(?:[:|–—»›>→►▶▸•…：]|-\s|\.{3}|[.!]?\s*$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One phrase. `name` is language/table, as the ledger shows it; `how` opens, linked, starts, equals or contains."""

    name: str
    how: str
    words: tuple[str, ...]
    max_words: int
    credits_agency: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Boilerplate:
    """The rules of all languages, by the first word of their phrase."""

    by_word: Mapping[str, tuple[Rule, ...]]
    anywhere: tuple[tuple[str, Rule], ...]
    longest: int

    def rule_for(self, line: str, *, is_link: bool = False) -> Rule | None:
        """The rule that `line` falls under, None when it is text. `is_link`: whether most of the line is a link."""
        if len(line) > self.longest * MAX_WORD_CHARS:
            return None
        folded = unicodedata.normalize("NFKC", line).casefold()
        spans = [match.span() for match in _WORD.finditer(folded)]
        words = [folded[start:end] for start, end in spans]
        if not words or len(words) > self.longest:
            return None
        for rule in self.by_word.get(words[0], ()):
            n = len(rule.words)
            if len(words) > rule.max_words or tuple(words[:n]) != rule.words:
                continue
            if rule.how == "equals":
                matches = n == len(words)
            elif rule.how == "starts" or is_link:
                matches = True
            else:
                matches = rule.how == "opens" and bool(_GOES_ON.match(folded, spans[n - 1][1]))
            if matches:
                return rule
        joined = f" {' '.join(words)} "
        for phrase, rule in self.anywhere:
            if phrase in joined and len(words) <= rule.max_words:
                return rule
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """The lines that are the article, the others with their rules, and the agency footers among these."""

    lines: tuple[str, ...]
    removed: tuple[RemovedLine, ...]
    credits: tuple[str, ...] = field(default=())


def sift(
    lines: Sequence[str], rules: Boilerplate, *, tree: HtmlElement | None = None, title: str | None = None
) -> Sifted:
    """Divide `lines` into text and what `rules` remove. `tree`, where given, tells which lines are links.

    Each line comes out exactly once, whole, except that an agency footer in brackets is cut off the end of a line, and
    that a line which only repeats `title` is left out of both: it stands in its own column.
    """
    kept: list[str] = []
    removed: list[RemovedLine] = []
    credits: list[str] = []
    folded_title = key(title or "")
    shares: dict[str, float] | None = None  # asked for by few pages
    for line in lines:
        folded = key(line)
        if folded_title and folded == folded_title:
            continue
        rule = rules.rule_for(line)
        if rule is None and tree is not None and (rule := rules.rule_for(line, is_link=True)):
            shares = link_shares(tree) if shares is None else shares
            rule = rule if shares.get(folded, 0.0) >= MOSTLY else None
        if rule:
            removed.append(RemovedLine(text=line, rule=rule.name))
            if rule.credits_agency:
                credits.append(line)
            continue
        body, footer = _cut_footer(line, rules)
        if footer:
            removed.append(RemovedLine(text=footer, rule="agency-footer"))
            credits.append(footer)
        if body:
            kept.append(body)
    return Sifted(lines=tuple(kept), removed=tuple(removed), credits=tuple(credits))


def link_shares(tree: HtmlElement) -> dict[str, float]:
    """Share of link text in each short paragraph, heading and list item of `tree` that holds a link, by its key."""
    shares: dict[str, float] = {}
    for block in _LINKED_BLOCKS(tree)[:MAX_BLOCKS]:
        text = "".join(block.itertext())
        if len(text) <= MAX_LINKED_CHARS:
            linked = sum(len("".join(link.itertext()).strip()) for link in block.iter("a"))
            shares[key(text)] = linked / max(1, len(text.strip()))
    return shares


@cache
def load_boilerplate(overlays: tuple[str, ...] = ()) -> Boilerplate:
    """The built-in rules and those of the TOML files in the folders `overlays`."""
    built_in = Path(str(resources.files("transforms"))) / "lexicons" / "boilerplate"
    rules: list[Rule] = []
    for folder in (built_in, *map(Path, overlays)):
        for path in sorted(folder.glob("*.toml")):
            rules.extend(_read(path))
    by_word: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.how != "contains":
            by_word.setdefault(rule.words[0], []).append(rule)
    return Boilerplate(
        by_word={word: tuple(group) for word, group in by_word.items()},
        anywhere=tuple((f" {' '.join(rule.words)} ", rule) for rule in rules if rule.how == "contains"),
        longest=max((rule.max_words for rule in rules), default=DEFAULT_MAX_WORDS),
    )


def _read(path: Path) -> Iterable[Rule]:
    for table, given in tomllib.loads(path.read_text("utf-8")).items():
        for how in ("opens", "linked", "starts", "equals", "contains"):
            for phrase in given.get(how, ()):
                words = tuple(_WORD.findall(unicodedata.normalize("NFKC", phrase).casefold()))
                if words:
                    yield Rule(
                        name=f"{path.stem}/{table}",
                        how=how,
                        words=words,
                        max_words=int(given.get("max_words", DEFAULT_MAX_WORDS)),
                        credits_agency=bool(given.get("agency", False)),
                    )


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
