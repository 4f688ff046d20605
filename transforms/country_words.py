"""The words that name a country: its names, the words for its people and things, and what stands for its state.

Read from `lexicons/geo`: `countries.tsv` (CLDR, by language), `names.LANG.tsv` (other names), `demonyms.LANG.tsv`,
`metonyms.LANG.tsv`, `institutions.LANG.tsv`, `not_countries.LANG.tsv` (phrases that hold such a word without meaning
the country). The words of a language count in texts of that language, English ones everywhere: "Island" is Iceland in
German alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import compress
from pathlib import Path

from transforms.folding import fold
from transforms.inflection import PREFIXES, demonym_forms, name_forms
from transforms.tokens import Part, fold_name, has_case, read_phrases
from transforms.wordlists import Lexicon

RULES = 1
MAX_WORDS = 10
SAME_WORDS = {"no": "nb", "nn": "nb", "bs": "hr", "iw": "he", "in": "id"}  # other codes for languages with a lexicon


class Kind(Enum):
    """What a word says of a country."""

    NAME = "country name"
    DEMONYM = "demonym"
    METONYM = "metonym"
    INSTITUTION = "institution"
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
        self._prefixes = sorted(map(fold, PREFIXES.get(language, ())), key=len, reverse=True)
        self._phrases: dict[str, Word] = {}
        self._capitals: dict[str, Word] = {}
        self._small: dict[str, Word] = {}
        self._longest: dict[str, int] = dict(fallback.longest) if fallback is not None else {}

    def add(self, phrases: Sequence[tuple[str, Word]]) -> None:
        """Take phrases in; the first meaning of each stays. Short capitals, "US" and "U.S.", must be written so. A
        single word given in small letters is found in small letters too."""
        folded_phrases = read_phrases([phrase for phrase, _ in phrases], self._language)
        for (phrase, word), folded in zip(phrases, folded_phrases, strict=True):
            bare = phrase.replace(".", "")
            if len(bare) <= 4 and bare.isupper() and has_case(bare):
                self._capitals.setdefault(bare, word)
            elif folded and len(folded) <= MAX_WORDS:
                self._phrases.setdefault(" ".join(folded), word)
                self._longest[folded[0]] = max(len(folded), self._longest.get(folded[0], 0))
                if len(folded) == 1 and phrase.islower():
                    self._small.setdefault(folded[0], word)

    @property
    def longest(self) -> Mapping[str, int]:
        """The most words of a phrase, by its folded first word."""
        return self._longest

    def openings(self, words: Sequence[str]) -> Sequence[str]:
        """Folded words as a phrase may begin with them: without what the language writes together with them."""
        return [self._bare(word) for word in words] if self._prefixes else words

    def _bare(self, word: str) -> str:
        bare = [word[len(prefix) :] for prefix in self._prefixes if word.startswith(prefix)]
        return word if word in self._longest else next((rest for rest in bare if rest in self._longest), word)

    def phrase(self, folded: str) -> Word | None:
        found = self._phrases.get(folded)
        return found if found is not None or self._fallback is None else self._fallback.phrase(folded)

    def capitals(self, text: str) -> Word | None:
        """What capitals stand for, as written: "US", "U.S.", "UAE"."""
        if not text.isupper():
            return None
        found = self._capitals.get(text.replace(".", ""))
        return found if found is not None or self._fallback is None else self._fallback.capitals(text)

    @property
    def small(self) -> Mapping[str, Word]:
        """The folded words that stand for a country in small letters too: "deutsche", "ukrainien"."""
        return self._small


class CountryLexicon:
    """The country words of all languages. Those of a language are made ready when it is first asked for."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._rows: defaultdict[str, list[tuple[str, Word]]] = defaultdict(list)
        for file in lexicon.names("not_countries.*.tsv"):
            self._rows[file.split(".")[1]].extend((row[0], Word("", Kind.NOTHING)) for row in lexicon.table(file))
        self._take(lexicon, Kind.NAME, "names")
        for code, language, *names in lexicon.table("countries.tsv"):
            self._rows[language].extend((name, Word(code, Kind.NAME)) for name in names)
        self._take(lexicon, Kind.DEMONYM, "demonyms")
        self._take(lexicon, Kind.METONYM, "metonyms")
        self._take(lexicon, Kind.INSTITUTION, "institutions")
        self._ready: dict[str, CountryWords] = {}

    def _take(self, lexicon: Lexicon, kind: Kind, stem: str) -> None:
        for file in lexicon.names(f"{stem}.*.tsv"):
            for code, forms, *_ in lexicon.table(file):
                for form in forms.split(","):
                    word = Word(code, kind, weak=form.strip().endswith("!"))
                    self._rows[file.split(".")[1]].append((form.strip().rstrip("!"), word))

    @property
    def languages(self) -> set[str]:
        return set(self._rows)

    def words(self, language: str) -> CountryWords:
        """The words for texts of a language; a language without any has the English ones."""
        language = SAME_WORDS.get(language, language)
        if language not in self._rows:
            language = "en"
        if language not in self._ready:
            words = CountryWords(language, None if language == "en" else self.words("en"))
            words.add(
                [(variant, word) for form, word in self._rows[language] for variant in _forms(form, word, language)]
            )
            self._ready[language] = words
        return self._ready[language]


def _forms(form: str, word: Word, language: str) -> list[str]:
    return demonym_forms(form, language) if word.kind is Kind.DEMONYM else name_forms(form, language)


@cache
def load_country_words(overlays: tuple[Path, ...]) -> tuple[CountryLexicon, str]:
    """The country words with those of `overlays`, loaded once for all taggers that read them, and their version."""
    lexicon = Lexicon("geo", overlays, RULES)
    return CountryLexicon(lexicon), lexicon.version


def load_division_words(lexicon: Lexicon) -> dict[str, str]:
    """Short forms of states and provinces without their dots, to the division: "Ala" and "AL" to "US.AL"."""
    return {
        form.strip(): division for division, forms, *_ in lexicon.table("divisions.tsv") for form in forms.split(",")
    }


class Cues:
    """Words and pairs of words of a language that tell of a country without naming it: "taoiseach" of Ireland."""

    def __init__(self) -> None:
        self._single: dict[str, set[str]] = {}
        self._pairs: dict[str, dict[str, set[str]]] = {}  # by the second word

    def add(self, phrase: str, code: str) -> None:
        words = fold_name(phrase).split()
        if len(words) == 1:
            self._single.setdefault(words[0], set()).add(code)
        elif len(words) == 2:
            self._pairs.setdefault(words[1], {}).setdefault(words[0], set()).add(code)

    def find(self, part: Part) -> dict[str, set[str]]:
        """The different cues among the words of a text, by country."""
        found: dict[str, set[str]] = {}
        words = part.folded
        for word in self._single.keys() & part.different:
            for code in self._single[word]:
                found.setdefault(code, set()).add(word)
        if self._pairs.keys().isdisjoint(part.different):
            return found
        for number in compress(range(len(words)), map(self._pairs.__contains__, words)):
            before = words[number - 2] if words[number - 1] == "s" else words[number - 1]
            for code in self._pairs[words[number]].get(before, ()):
                found.setdefault(code, set()).add(f"{before} {words[number]}")
        return found


def load_cues(lexicon: Lexicon) -> dict[str, Cues]:
    """The cues of each language that has any."""
    cues: defaultdict[str, Cues] = defaultdict(Cues)
    for name in lexicon.names("cues.*.tsv"):
        for code, forms, *_ in lexicon.table(name):
            for form in forms.split(","):
                cues[name.split(".")[1]].add(form, code)
    return dict(cues)
