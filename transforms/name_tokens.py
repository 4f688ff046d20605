"""Words of a text as names are read from: with offsets, whether they open a sentence, and what joins them."""

import re
from typing import NamedTuple

from transforms.tokens import POSSESSIVES, Remembered, fold_words, split_words

# "U.S.", "W." as an initial, "Gen.", "AT&T", "O'Neill", "al-Qaeda"; a possessive "'s" is told apart below.
_WORD = re.compile(
    r"(?=\w)([A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+(?=[ ,\n])|(?:[^\W\d_]\.){2,}|[A-Z]\.(?=\s)|[A-Z]{1,3}&[A-Z]{1,3}(?!\w)"
    r"|(?:Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Sen|Rep|Gov|Rev|St|Jr|Sr)\.(?=\s)"
    r"|[^\W\d_]\w*(?:['’‑-][^\W_]+)*)"
)
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”„«»()\[\]•|—–]")
# "al-Abidine" belongs to a name in lower case, "Boston-based" to none with its capital.
_ARTICLE = re.compile(r"(?:al|el|as|ad|an|ash|bin|ul|ur)[-‑][A-Z]")
_COMPOUND = re.compile(r".*[-‑](?:[a-z]{4,}|led|run|era|old|born)$")
_JOINTS = frozenset((" ", "\u00a0", "-", " & "))


class Gap(NamedTuple):
    """What stands behind a word. `joins`: only a blank or the like, so that a name may go on; `opens`: the next word is
    the first of a sentence or quotation, so that its capital says little; `possessive`: the name ends here."""

    text: str
    joins: bool
    opens: bool
    possessive: bool


class Words:
    """The words of a text in order, as written but for a possessive (`texts`), in small letters (`lower`) and as they
    are looked up (`folded`), with the `gaps` behind them and the character each starts at. `capital` tells of each
    whether it has one that says something. `part` is "title" or "text"."""

    def __init__(self, text: str, part: str = "text") -> None:
        self.part = part
        self.texts, self.starts, gaps = split_words(_WORD, text)
        self.folded = fold_words(self.texts)
        endings = tuple(ending for ending in POSSESSIVES if ending in text)
        self._possessive = {at for at, word in enumerate(self.texts) if word.endswith(endings)} if endings else set()
        for at in self._possessive:
            self.texts[at] = self.texts[at][:-2]
        self.lower = list(map(str.lower, self.texts))
        self.gaps = list(map(_GAPS.__getitem__, gaps))
        self.capital = bytearray(len(self.texts))
        for at in [at for at, small in enumerate(map(str.islower, self.texts)) if not small]:
            word = self.texts[at]
            self.capital[at] = word[0].isupper() if "-" not in word else _begins_name(word)

    def __len__(self) -> int:
        return len(self.texts)

    def opens(self, at: int) -> bool:
        """Whether a word is the first of a sentence or quotation."""
        return at == 0 or self.gaps[at - 1].opens

    def goes_on(self, at: int) -> bool:
        """Whether the name that a word is of may go on behind it."""
        return self.gaps[at].joins and not self.gaps[at].possessive and at not in self._possessive

    def surface(self, at: int, last: int) -> str:
        """The words from `at` up to `last` as printed, one blank between them."""
        return " ".join(self.texts[at:last])

    def initials(self, at: int, last: int) -> str:
        """The capitals an acronym of the words from `at` up to `last` would have."""
        return "".join([self.texts[n][0] for n in range(at, last) if self.capital[n]])

    def small(self) -> frozenset[str]:
        """All words in small letters."""
        return frozenset(filter(str.islower, self.texts))


def _gap(text: str) -> Gap:
    return Gap(text, text in _JOINTS, _SENTENCE_END.search(text) is not None, text.startswith(("'", "’")))


_GAPS = Remembered(_gap)


def _begins_name(word: str) -> bool:
    if word[0].isupper():
        return not ("-" in word and _COMPOUND.match(word))
    return "-" in word and _ARTICLE.match(word) is not None
