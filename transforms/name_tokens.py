"""Words of a text as names are read from: with offsets, whether they open a sentence, and what joins them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transforms.gazetteer import fold

# "U.S.", "W." as an initial, "Gen.", "O'Neill", "al-Qaeda"; the possessive "'s" is told apart below.
_WORD = re.compile(
    r"(?:[^\W\d_]\.){2,}|[A-Z]\.(?=\s)|(?:Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Sen|Rep|Gov|Rev|St|Jr|Sr)\.(?=\s)"
    r"|[^\W\d_]\w*(?:['’‑-][^\W_]+)*"
)
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”„«»()\[\]•|]|[‘'](?=\S*$)")
_POSSESSIVES = ("'s", "’s", "'S", "’S")


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its possessive. `joined`: only a blank stands between it and the next. `opens`: it is the first
    of a sentence or quotation, so that its capital says little."""

    text: str
    folded: str
    start: int
    end: int
    capital: bool
    possessive: bool
    joined: bool
    opens: bool


def read_words(text: str) -> list[Word]:
    """The words of `text` in order. Linear in its length."""
    words: list[Word] = []
    matches = list(_WORD.finditer(text))
    opens = True
    for number, match in enumerate(matches):
        surface, start, end = match.group(), match.start(), match.end()
        possessive = surface.endswith(_POSSESSIVES)
        if possessive:
            surface = surface[:-2]
        gap = text[end : matches[number + 1].start()] if number + 1 < len(matches) else "\n"
        words.append(
            Word(
                text=surface,
                folded=fold(surface),
                start=start,
                end=start + len(surface),
                capital=surface[0].isupper(),
                possessive=possessive or gap.startswith(("'", "’")),
                joined=gap in (" ", "\u00a0", "-", " & "),
                opens=opens,
            )
        )
        opens = gap not in (" ", ", ") and _SENTENCE_END.search(gap) is not None
    return words


def initials(words: Sequence[Word]) -> str:
    """The capitals an acronym of these words would have."""
    return "".join(word.text[0] for word in words if word.capital)
