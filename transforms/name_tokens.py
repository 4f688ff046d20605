"""Words of a text as names are read from: with offsets, whether they open a sentence, and what joins them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from transforms.tokens import fold

# "U.S.", "W." as an initial, "Gen.", "AT&T", "O'Neill", "al-Qaeda"; a possessive "'s" is told apart below.
_WORD = re.compile(
    r"(?:[^\W\d_]\.){2,}|[A-Z]\.(?=\s)|[A-Z]{1,3}&[A-Z]{1,3}(?!\w)"
    r"|(?:Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Sen|Rep|Gov|Rev|St|Jr|Sr)\.(?=\s)"
    r"|[^\W\d_]\w*(?:['’‑-][^\W_]+)*"
)
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”„«»()\[\]•|—–]")
# "al-Abidine" belongs to a name in lower case, "Boston-based" to none with its capital.
_ARTICLE = re.compile(r"(?:al|el|as|ad|an|ash|bin|ul|ur)[-‑][A-Z]")
_COMPOUND = re.compile(r".*[-‑](?:[a-z]{4,}|led|run|era|old|born)$")
_POSSESSIVES = ("'s", "’s", "'S", "’S")
_JOINTS = frozenset((" ", "\u00a0", "-", " & "))


class Word(NamedTuple):
    """A word without its possessive. `joined`: only a blank stands between it and the next. `opens`: it is the first
    of a sentence or quotation, so that its capital says little. `gap` is what stands behind it."""

    text: str
    folded: str
    start: int
    end: int
    capital: bool
    possessive: bool
    joined: bool
    opens: bool
    gap: str


def read_words(text: str) -> list[Word]:
    """The words of `text` in order. Linear in its length."""
    words: list[Word] = []
    matches = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    starts = [start for _, start, _ in matches[1:]]
    starts.append(len(text))
    opens = True
    for (written, start, end), following in zip(matches, starts, strict=False):
        gap = text[end:following]
        if gap == " " and written.isalpha():  # nearly all words
            words.append(Word(written, fold(written), start, end, written[0].isupper(), False, True, opens, gap))
            opens = False
            continue
        possessive = written.endswith(_POSSESSIVES)
        surface = written[:-2] if possessive else written
        words.append(
            Word(
                surface,
                fold(surface),
                start,
                start + len(surface),
                _begins_name(surface),
                possessive or gap.startswith(("'", "’")),
                gap in _JOINTS,
                opens,
                gap,
            )
        )
        opens = gap != " " and _SENTENCE_END.search(gap) is not None
    return words


def _begins_name(word: str) -> bool:
    if word[0].isupper():
        return not ("-" in word and _COMPOUND.match(word))
    return "-" in word and _ARTICLE.match(word) is not None


def initials(words: Sequence[Word]) -> str:
    """The capitals an acronym of these words would have."""
    return "".join(word.text[0] for word in words if word.capital)


def surface(words: Sequence[Word]) -> str:
    """The words as printed, one blank between them."""
    return " ".join(word.text for word in words)
