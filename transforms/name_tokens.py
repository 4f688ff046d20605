"""Words of a text as names and keywords are read from: whole ones, with what joins them.

"al-Qaeda", "Rhein-Neckar-Kreis" and "AT&T" are one word each, so are a dotted initial and the characters of a script
without blanks, which `tokens` takes apart to look for places.
"""

import re
from collections.abc import Sequence
from itertools import accumulate, compress
from typing import NamedTuple

from transforms.folding import fold_words
from transforms.remembered import Made, Remembered
from transforms.tokens import POSSESSIVES, Part

_SENTENCE_END = re.compile(r"[.!?…؟۔।:;\n]")
_OPENS = re.compile(r"[.!?…:;\n\"“”„«»()\[\]•|—–]")
# "al-Abidine" belongs to a name in lower case, "Boston-based" to none with its capital.
_ARTICLE = re.compile(r"(?:al|el|as|ad|an|ash|bin|ul|ur)[-‑][A-Z]")
_COMPOUND = re.compile(r".*[-‑](?:[a-z]{4,}|led|run|era|old|born)$")
_INSIDE = frozenset(("", "-", "‑", "&"))
_BLANKS = frozenset((" ", "\u00a0"))
_JOINTS = frozenset((*_BLANKS, " & ", *(f"{possessive} " for possessive in POSSESSIVES)))
# "Banca d'Italia"; "l'" alone stands behind "de" only: "Ministère de l'Intérieur"
_ELIDED = frozenset(f" {elided}{mark}" for elided in ("d", "dell", "all", "l") for mark in "'’")


class Gap(NamedTuple):
    """What stands behind a word. `joins`: only a blank or the like, so that a name may go on, `is_blank`: nothing else;
    `opens`: the next word is the first of a sentence or quotation, so that its capital says little; `ends_sentence`:
    or of a part of one; `possessive`: the name ends here; `elides`: an article was left off before the next word."""

    text: str
    joins: bool
    elides: bool
    is_blank: bool
    opens: bool
    ends_sentence: bool
    possessive: bool


class Words:
    """The words of a title or text in order, as written (`texts`), in small letters (`lower`) and
    as they are looked up (`folded`), with the `gaps` behind them and the character each starts at. `capital` tells of
    each whether it has one that says something. `where` is "title" or "text"."""

    def __init__(self, part: Part, where: str = "text") -> None:
        self.part, self.where = part, where
        self.texts, self.starts, self.folded, gaps, joined = _whole(part)
        self.capital = bytearray(map(str.isupper, [word[0] for word in self.texts]))
        for at in joined:
            self.capital[at] = _begins_name(self.texts[at])
        for at in [at for at, size in enumerate(map(len, self.texts)) if size == 1]:
            if "A" <= self.texts[at] <= "Z" and gaps[at][:1] == "." and gaps[at][1:2].isspace():
                self.texts[at], gaps[at] = f"{self.texts[at]}.", gaps[at][1:]
        self.lower = list(map(str.lower, self.texts))
        self.gaps = list(map(_GAPS.__getitem__, gaps))

    def __len__(self) -> int:
        return len(self.texts)

    def opens(self, at: int) -> bool:
        """Whether a word is the first of a sentence or quotation."""
        return at == 0 or self.gaps[at - 1].opens

    def goes_on(self, at: int) -> bool:
        """Whether the name that a word is of may go on behind it."""
        return self.gaps[at].joins and not self.gaps[at].possessive

    def surface(self, at: int, last: int) -> str:
        """The words from `at` up to `last` as printed, one blank between them."""
        joined = zip(self.texts[at : last - 1], self.gaps[at : last - 1], strict=True)
        return "".join([*(text + (gap.text if gap.elides else " ") for text, gap in joined), self.texts[last - 1]])

    def initials(self, at: int, last: int) -> str:
        """The capitals an acronym of the words from `at` up to `last` would have."""
        return "".join([self.texts[n][0] for n in range(at, last) if self.capital[n]])


def _whole(part: Part) -> tuple[list[str], list[int], list[str], list[str], list[int]]:
    """Copies of the words of `part`, where they start, their folded forms and the gaps, those with nothing but a hyphen
    or the like between them joined; and which words are such."""
    spans: list[tuple[int, int]] = []  # of words that are one, up to the last
    for at in compress(range(len(part) - 1), map(_INSIDE.__contains__, part.gaps)):
        if spans and spans[-1][1] == at:
            spans[-1] = spans[-1][0], at + 1
        else:
            spans.append((at, at + 1))
    if not spans:
        return part.words.copy(), part.starts, part.folded, part.gaps.copy(), []
    texts = [part.text[part.starts[first] : part.starts[last] + len(part.words[last])] for first, last in spans]
    gone = accumulate((last - first for first, last in spans), initial=0)
    return (
        _joined(part.words, spans, texts),
        _joined(part.starts, spans, [part.starts[first] for first, _ in spans]),
        _joined(part.folded, spans, fold_words(texts)),
        _joined(part.gaps, spans, [part.gaps[last] for _, last in spans]),
        [first - before for (first, _), before in zip(spans, gone, strict=False)],
    )


def _joined(each: Sequence[Made], spans: Sequence[tuple[int, int]], instead: Sequence[Made]) -> list[Made]:
    joined: list[Made] = []
    free = 0
    for (first, last), one in zip(spans, instead, strict=True):
        joined += each[free:first]
        joined.append(one)
        free = last + 1
    joined += each[free:]
    return joined


def _gap(text: str) -> Gap:
    return Gap(
        text,
        joins=text in _JOINTS,
        elides=text in _ELIDED,
        is_blank=text in _BLANKS,
        opens=_OPENS.search(text) is not None,
        ends_sentence=_SENTENCE_END.search(text) is not None,
        possessive=text.startswith(("'", "’")),
    )


_GAPS = Remembered(_gap)


def _begins_name(word: str) -> bool:
    if word[0].isupper():
        return not ("-" in word and _COMPOUND.match(word))
    return "-" in word and _ARTICLE.match(word) is not None
