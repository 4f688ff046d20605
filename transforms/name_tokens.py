"""Words of a text as names are read from: with offsets, whether they open a sentence, and what joins them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from transforms.tokens import POSSESSIVES, Remembered, fold_words, split_words

# "U.S.", "W." as an initial, "Gen.", "AT&T", "O'Neill", "al-Qaeda"; a possessive "'s" is told apart below.
_WORD = re.compile(
    r"([A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+(?=[ ,\n])|(?:[^\W\d_]\.){2,}|[A-Z]\.(?=\s)|[A-Z]{1,3}&[A-Z]{1,3}(?!\w)"
    r"|(?:Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Sen|Rep|Gov|Rev|St|Jr|Sr)\.(?=\s)"
    r"|[^\W\d_]\w*(?:['’‑-][^\W_]+)*)"
)
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”„«»()\[\]•|—–]")
# "al-Abidine" belongs to a name in lower case, "Boston-based" to none with its capital.
_ARTICLE = re.compile(r"(?:al|el|as|ad|an|ash|bin|ul|ur)[-‑][A-Z]")
_COMPOUND = re.compile(r".*[-‑](?:[a-z]{4,}|led|run|era|old|born)$")
_JOINTS = frozenset((" ", "\u00a0", "-", " & "))


class Form(NamedTuple):
    """A word as written, but for a possessive, and in small letters. `capital`: it has one that says something;
    `small`: all its letters are small."""

    text: str
    lower: str
    capital: bool
    small: bool
    possessive: bool


class Gap(NamedTuple):
    """What stands behind a word. `joins`: only a blank or the like, so that a name may go on; `opens`: the next word is
    the first of a sentence or quotation, so that its capital says little; `possessive`: the name ends here."""

    text: str
    joins: bool
    opens: bool
    possessive: bool


class Words:
    """The words of a text in order: `forms`, `folded` as they are looked up, the `gaps` behind them, and the character
    each starts at. Every form and gap is made once a process, so no text is read word by word."""

    def __init__(self, text: str) -> None:
        words, self.starts, gaps = split_words(_WORD, text)
        self.folded = fold_words(words)
        self.forms = list(map(_FORMS.__getitem__, words))
        self.gaps = list(map(_GAPS.__getitem__, gaps))

    def __len__(self) -> int:
        return len(self.forms)

    def opens(self, at: int) -> bool:
        """Whether a word is the first of a sentence or quotation."""
        return at == 0 or self.gaps[at - 1].opens

    def goes_on(self, at: int) -> bool:
        """Whether the name that a word is of may go on behind it."""
        return self.gaps[at].joins and not (self.forms[at].possessive or self.gaps[at].possessive)

    def small(self) -> frozenset[str]:
        """All words in small letters."""
        return frozenset([form.text for form in self.forms if form.small])


def _form(written: str) -> Form:
    lower = written.lower()
    if lower == written and written.isalpha():  # nearly all words
        return Form(lower, lower, False, True, False)
    if written.isalpha():
        return Form(written, lower, written[0].isupper(), False, False)
    possessive = written.endswith(POSSESSIVES)
    text = written[:-2] if possessive else written
    return Form(text, text.lower(), _begins_name(text), text.islower(), possessive)


def _gap(text: str) -> Gap:
    opens = _SENTENCE_END.search(text) is not None
    return Gap(text, text in _JOINTS, opens, text.startswith(("'", "’")))


_FORMS = Remembered(_form)
_GAPS = Remembered(_gap)


def _begins_name(word: str) -> bool:
    if word[0].isupper():
        return not ("-" in word and _COMPOUND.match(word))
    return "-" in word and _ARTICLE.match(word) is not None


def initials(forms: Sequence[Form]) -> str:
    """The capitals an acronym of these words would have."""
    return "".join(form.text[0] for form in forms if form.capital)


def surface(forms: Sequence[Form]) -> str:
    """The words as printed, one blank between them."""
    return " ".join([form.text for form in forms])
