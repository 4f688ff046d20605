"""The words that name a country: its names, the words for its people and things, and what stands for its state.

Read from `lexicons/geo`: `countries.tsv` (CLDR, by language), `names.LANG.tsv` (other names), `demonyms.LANG.tsv`,
`metonyms.LANG.tsv`, `not_countries.tsv` (phrases that hold such a word without meaning the country). The words of a
language count in texts of that language, English ones everywhere: "Island" is Iceland in German alone.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum

from transforms.inflection import demonym_forms, name_forms
from transforms.tokens import fold_name, has_case, tokenize
from transforms.wordlists import Lexicon

MAX_WORDS = 10


class Kind(Enum):
    """What a word says of a country."""

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
    """The phrases of one language, and behind them those of `fallback`."""

    def __init__(self, language: str, fallback: "CountryWords | None" = None) -> None:
        self._language = language
        self._fallback = fallback
        self._phrases: dict[str, Word] = {}
        self._capitals: dict[str, Word] = {}
        self._small: dict[str, Word] = {}
        self._longest: dict[str, int] = {}

    def add(self, phrase: str, word: Word) -> None:
        """Take a phrase in; its first meaning stays. Short capitals, "US" and "U.S.", must be written so. A single word
        given in small letters is found in small letters too."""
        bare = phrase.replace(".", "")
        if bare.isupper() and len(bare) <= 4 and has_case(bare):
            self._capitals.setdefault(bare, word)
            return
        folded = [token.folded for token in tokenize(phrase, self._language)]
        if folded and len(folded) <= MAX_WORDS:
            self._phrases.setdefault(" ".join(folded), word)
            self._longest[folded[0]] = max(len(folded), self._longest.get(folded[0], 0))
            if len(folded) == 1 and phrase.islower():
                self._small.setdefault(folded[0], word)

    def longest(self, first: str) -> int:
        """The most words of a phrase that begins with the folded word `first`; 0 when none does."""
        own = self._longest.get(first, 0)
        return own if self._fallback is None else max(own, self._fallback.longest(first))

    def phrase(self, folded: str) -> Word | None:
        found = self._phrases.get(folded)
        return found if found is not None or self._fallback is None else self._fallback.phrase(folded)

    def capitals(self, text: str) -> Word | None:
        """What capitals stand for, as written: "US", "U.S.", "UAE"."""
        if not text.isupper():
            return None
        found = self._capitals.get(text.replace(".", ""))
        return found if found is not None or self._fallback is None else self._fallback.capitals(text)

    def small(self, folded: str) -> Word | None:
        """What a word stands for that begins with a small letter: "deutsche", "ukrainien"."""
        return self._small.get(folded)


class CountryLexicon:
    """The country words of all languages. Those of a language are made ready when it is first asked for."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._rows: defaultdict[str, list[tuple[str, Word]]] = defaultdict(list)
        for phrase, *_ in lexicon.table("not_countries.tsv"):
            self._rows["en"].append((phrase, Word("", Kind.NOTHING)))
        for kind, stem in ((Kind.NAME, "names"), (Kind.DEMONYM, "demonyms"), (Kind.METONYM, "metonyms")):
            for file in lexicon.names(f"{stem}.*.tsv"):
                for code, forms, *_ in lexicon.table(file):
                    for form in forms.split(","):
                        word = Word(code, kind, weak=form.strip().endswith("!"))
                        self._rows[file.split(".")[1]].append((form.strip().rstrip("!"), word))
        for code, language, *names in lexicon.table("countries.tsv"):
            self._rows[language].extend((name, Word(code, Kind.NAME)) for name in names)
        self._ready: dict[str, CountryWords] = {}

    @property
    def languages(self) -> set[str]:
        return set(self._rows)

    def words(self, language: str) -> CountryWords:
        """The words for texts of a language; a language without any has the English ones."""
        if language not in self._rows:
            language = "en"
        if language not in self._ready:
            words = CountryWords(language, None if language == "en" else self.words("en"))
            for form, word in self._rows[language]:
                forms = demonym_forms if word.kind is Kind.DEMONYM else name_forms
                for variant in forms(form, language):
                    words.add(variant, word)
            self._ready[language] = words
        return self._ready[language]


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
