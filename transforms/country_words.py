"""The words that name a country: its names, the words for its people and things, and what stands for its state.

Read from `lexicons/geo`: `countries.tsv` (CLDR, by language), `names.LANG.tsv` (other names), `demonyms.LANG.tsv`,
`metonyms.LANG.tsv`, `not_countries.tsv` (phrases that hold such a word without meaning the country). The words of a
language count in texts of that language, English ones everywhere: "Island" is Iceland in German alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from transforms.tokens import fold_name, tokenize
from transforms.wordlists import Lexicon

MAX_WORDS = 6


class Kind(Enum):
    NAME = "country name"
    DEMONYM = "demonym"
    METONYM = "metonym"
    NOTHING = "no country"


@dataclass(frozen=True, slots=True)
class Word:
    """What a phrase stands for. A `weak` one is also something else and counts only beside other evidence."""

    code: str
    kind: Kind
    weak: bool = False


class CountryWords:
    """The phrases of one language."""

    def __init__(self) -> None:
        self._phrases: dict[str, Word] = {}
        self._capitals: dict[str, Word] = {}
        self._longest: dict[str, int] = {}

    def add(self, phrase: str, word: Word) -> None:
        """Take a phrase in; its first meaning stays. Short capitals, "US" and "U.S.", must be written so."""
        bare = phrase.replace(".", "")
        if bare.isascii() and bare.isupper() and len(bare) <= 4:
            self._capitals.setdefault(bare, word)
            return
        folded = [token.folded for token in tokenize(phrase)]
        if folded and len(folded) <= MAX_WORDS:
            self._phrases.setdefault(" ".join(folded), word)
            self._longest[folded[0]] = max(len(folded), self._longest.get(folded[0], 0))

    def longest(self, first: str) -> int:
        """The most words of a phrase that begins with the folded word `first`; 0 when none does."""
        return self._longest.get(first, 0)

    def phrase(self, folded: str) -> Word | None:
        return self._phrases.get(folded)

    def capitals(self, text: str) -> Word | None:
        """What capitals stand for, as written: "US", "U.S.", "UAE"."""
        return self._capitals.get(text.replace(".", "")) if text.isupper() else None


def load_country_words(lexicon: Lexicon) -> dict[str, CountryWords]:
    """Country words by language."""
    rows = list(_rows(lexicon))
    words: dict[str, CountryWords] = {language: CountryWords() for language, _, _ in rows}
    for language, phrase, word in rows:
        words[language].add(phrase, word)
    for language, phrase, word in rows:
        if language == "en":
            for other in words.values():
                other.add(phrase, word)
    return words


def _rows(lexicon: Lexicon) -> Iterator[tuple[str, str, Word]]:
    nothing = Word("", Kind.NOTHING)
    for phrase, *_ in lexicon.table("not_countries.tsv"):
        yield "en", phrase, nothing
    for kind, stem in ((Kind.NAME, "names"), (Kind.DEMONYM, "demonyms"), (Kind.METONYM, "metonyms")):
        for name in lexicon.names(f"{stem}.*.tsv"):
            language = name.split(".")[1]
            for code, forms, *_ in lexicon.table(name):
                for form in forms.split(","):
                    bare = form.strip().rstrip("!")
                    word = Word(code, kind, weak=form.strip().endswith("!"))
                    yield language, bare, word
                    if language == "en" and kind is Kind.DEMONYM and not bare.endswith(("s", "sh", "ch", "ese", "men")):
                        yield language, f"{bare}s", word
    for code, language, *names in lexicon.table("countries.tsv"):
        for name in names:
            yield language, name, Word(code, Kind.NAME)


def load_division_words(lexicon: Lexicon) -> dict[str, str]:
    """Short forms of states and provinces without their dots, to the division: "Ala" and "AL" to "US.AL"."""
    return {
        form.strip(): division for division, forms, *_ in lexicon.table("divisions.tsv") for form in forms.split(",")
    }


def load_cues(lexicon: Lexicon) -> dict[str, dict[str, set[str]]]:
    """By language, folded words and pairs of words that tell of a country without naming it: "taoiseach" to {"IE"}."""
    cues: dict[str, dict[str, set[str]]] = {}
    for name in lexicon.names("cues.*.tsv"):
        known = cues.setdefault(name.split(".")[1], {})
        for code, forms, *_ in lexicon.table(name):
            for form in forms.split(","):
                known.setdefault(fold_name(form), set()).add(code)
    return cues
