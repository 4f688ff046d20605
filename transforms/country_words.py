"""The words that name a country: its names, the words for its people and things, and what stands for its state.

Read from `lexicons/geo`: `countries.tsv` (CLDR, by language), `names.LANG.tsv` (other names), `demonyms.LANG.tsv`,
`metonyms.LANG.tsv`, `divisions.tsv` (short forms of states and provinces). Names of a language count in texts of that
language and English ones everywhere: "Island" is Iceland in German alone.
"""

from dataclasses import dataclass
from enum import Enum

from transforms.gazetteer import fold
from transforms.tokens import tokenize
from transforms.wordlists import Lexicon

MAX_WORDS = 7


class Kind(Enum):
    NAME = "country name"
    DEMONYM = "demonym"
    METONYM = "metonym"


@dataclass(frozen=True, slots=True)
class Word:
    """What a phrase stands for. `exact` forms ("US", "U.S.") must be written so; `weak` ones are also something else."""

    code: str
    kind: Kind
    weak: bool = False


class CountryWords:
    """The phrases of one language. `longest` is the most words a phrase that begins with a word can have."""

    def __init__(self) -> None:
        self.phrases: dict[str, Word] = {}
        self.exact: dict[str, Word] = {}
        self.longest: dict[str, int] = {}

    def add(self, phrase: str, word: Word) -> None:
        bare = phrase.replace(".", "")
        if bare.isascii() and bare.isupper() and len(bare) <= 4:
            self.exact.setdefault(bare, word)
            return
        folded = [fold(token.text) for token in tokenize(phrase)]
        if not folded or len(folded) > MAX_WORDS:
            return
        self.phrases.setdefault(" ".join(folded), word)
        self.longest[folded[0]] = max(len(folded), self.longest.get(folded[0], 0))


def load_country_words(lexicon: Lexicon) -> dict[str, CountryWords]:
    """Country words by language; the language "" holds those of all languages together, for texts of unknown one."""
    words: dict[str, CountryWords] = {}
    rows: list[tuple[str, str, Word]] = []
    for kind, stem in ((Kind.NAME, "names"), (Kind.DEMONYM, "demonyms"), (Kind.METONYM, "metonyms")):
        for name in lexicon.names(f"{stem}.*.tsv"):
            language = name.split(".")[1]
            for code, forms in (row[:2] for row in lexicon.table(name)):
                for form in forms.split(","):
                    bare = form.strip()
                    word = Word(code, kind, weak=bare.endswith("!"))
                    rows.append((language, bare.rstrip("!"), word))
                    if (
                        kind is Kind.DEMONYM
                        and language == "en"
                        and not bare.endswith(("s", "sh", "ch", "ese", "!", "men"))
                    ):
                        rows.append((language, bare + "s", word))
    for code, language, *names in lexicon.table("countries.tsv"):
        rows.extend((language, name, Word(code, Kind.NAME)) for name in names)
    for language, phrase, word in rows:
        words.setdefault(language, CountryWords()).add(phrase, word)
    for language, phrase, word in rows:
        if language == "en":
            for other in words.values():
                other.add(phrase, word)
    return words


def load_division_words(lexicon: Lexicon) -> dict[str, str]:
    """Short forms of states and provinces, as written without dots, to the division: "Ala" to "US.AL"."""
    return {
        form.strip(): division
        for division, forms in (row[:2] for row in lexicon.table("divisions.tsv"))
        for form in forms.split(",")
    }
