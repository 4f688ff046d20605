"""Lines among the paragraphs that are not the article: promos, newsletter calls, share bars, rights, agency footers.

The rules are data: `lexicons/boilerplate/*.toml`, a file a language, which a user extends with own files of the same
form. Nothing disappears unseen: each line taken out is returned with the name of its rule.
"""

import itertools
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from transforms.lexicons import BUILT_IN, read_toml
from transforms.plain_text import one_case

DEFAULT_MAX_WORDS = 40
MAX_WORD_CHARS = 12  # a line longer than its rules' words at this length each is no promo

_WORD = re.compile(r"[^\W_]+|©")
_PLACE = operator.itemgetter(0)
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
    anywhere: Mapping[str, tuple[tuple[int, str, Rule], ...]]  # with their place among all rules
    longest: int

    def rule_for(self, line: str, *, is_link: Callable[[], bool] = lambda: False) -> Rule | None:
        """The rule that `line` falls under, None when it is text. `is_link` is asked where a rule would
        not apply otherwise, whether most of the line is a link."""
        if len(line) > self.longest * MAX_WORD_CHARS:
            return None
        folded = one_case(line)
        words = _WORD.findall(folded)
        if not words or len(words) > self.longest:
            return None
        for rule in self.by_word.get(words[0], ()):
            n = len(rule.words)
            if len(words) > rule.max_words or tuple(words[:n]) != rule.words:
                continue
            if rule.how == "equals":
                matches = n == len(words)
            elif rule.how == "starts":
                matches = True
            else:
                goes_on = rule.how == "opens" and _GOES_ON.match(folded, _end_of_word(folded, n))
                matches = bool(goes_on) or is_link()
            if matches:
                return rule
        if starts := self.anywhere.keys() & words:
            joined = f" {' '.join(words)} "
            for _, phrase, rule in sorted((found for word in starts for found in self.anywhere[word]), key=_PLACE):
                if phrase in joined and len(words) <= rule.max_words:
                    return rule
        return None


def _end_of_word(text: str, number: int) -> int:
    """Where the word of this number, counted from 1, ends in `text`."""
    return next(itertools.islice(_WORD.finditer(text), number - 1, None)).end()


@cache
def load_boilerplate(overlays: tuple[str, ...] = ()) -> Boilerplate:
    """The built-in rules and those of the TOML files in the folders `overlays`."""
    built_in = BUILT_IN / "boilerplate"
    rules: list[Rule] = []
    for folder in (built_in, *map(Path, overlays)):
        for path in sorted(folder.glob("*.toml")):
            rules.extend(_read(path))
    by_word: dict[str, list[Rule]] = {}
    anywhere: dict[str, list[tuple[int, str, Rule]]] = {}
    for place, rule in enumerate(rules):
        if rule.how == "contains":
            anywhere.setdefault(rule.words[0], []).append((place, f" {' '.join(rule.words)} ", rule))
        else:
            by_word.setdefault(rule.words[0], []).append(rule)
    return Boilerplate(
        by_word={word: tuple(group) for word, group in by_word.items()},
        anywhere={word: tuple(group) for word, group in anywhere.items()},
        longest=max((rule.max_words for rule in rules), default=DEFAULT_MAX_WORDS),
    )


def _read(path: Path) -> Iterable[Rule]:
    for table, given in read_toml(path).items():
        for how in ("opens", "linked", "starts", "equals", "contains"):
            for phrase in given.get(how, ()):
                words = tuple(_WORD.findall(one_case(phrase)))
                if words:
                    yield Rule(
                        name=f"{path.stem}/{table}",
                        how=how,
                        words=words,
                        max_words=int(given.get("max_words", DEFAULT_MAX_WORDS)),
                        credits_agency=bool(given.get("agency", False)),
                    )
