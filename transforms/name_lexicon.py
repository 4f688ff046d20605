"""The names that are known beforehand and the words that tell what a capitalised phrase is.

Read from `lexicons/names`: `people*.tsv` and `organizations*.tsv` (name, other ways to write it, remarks),
`words.LANGUAGE.txt` (titles, roles, verbs of saying and the like) and `first_names.txt`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from transforms.country_words import CountryWords, Kind, load_country_words
from transforms.folding import fold
from transforms.name_tokens import Words
from transforms.tokens import read
from transforms.wordlists import Lexicon

RULES = 2
MAX_PHRASE_WORDS = 10

_ELISION = re.compile(r" d(?:ell)?['’]")  # "Banca d'Italia": no part of the word in an Italian text, one in an English
_ELIDING = "it"


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name of the lexicon and one way to write it, in folded words. `written`: case counts. `capitals` tells which
    words need one. `alone`: it is another's where a capitalised word stands right before ("Indonesian Democratic
    Party")."""

    name: str
    kind: str  # person, organization
    surface: tuple[str, ...]
    capitals: tuple[bool, ...]
    written: str = ""
    alone: bool = False


class KnownNames:
    """Names by the folded first and second word of each way to write them, the longest first."""

    def __init__(self) -> None:
        self._by_first: dict[str, dict[str, list[KnownName]]] = {}  # by first and second word
        self._small: set[str] = set()
        self._alone: set[str] = set()

    def add(self, name: str, kind: str, surfaces: Iterable[str]) -> None:
        """Take a name in. Short capitals ("WHO") must be written so; a surface with "!" behind it stands alone."""
        readings: list[tuple[str, str | None]] = [(given, None) for given in surfaces]
        readings += [(given, _ELIDING) for given, _ in readings if _ELISION.search(given)]
        for given, language in readings:
            words = Words(read(given.rstrip("!"), language))
            texts = words.texts[:MAX_PHRASE_WORDS]
            if not texts:
                continue
            short = len(texts) == 1 and texts[0].isupper() and len(texts[0]) <= 6
            known = KnownName(
                name,
                kind,
                tuple(words.folded[:MAX_PHRASE_WORDS]),
                tuple(text[0].isupper() for text in texts),
                texts[0] if short else "",
                given.endswith("!"),
            )
            second = known.surface[1] if len(known.surface) > 1 else ""
            listed = self._by_first.setdefault(known.surface[0], {}).setdefault(second, [])
            listed.append(known)
            listed.sort(key=lambda known: -len(known.surface))
            if not known.capitals[0]:
                self._small.add(known.surface[0])
            if known.alone:
                self._alone.add(known.surface[0])

    def beginnings(self, words: Words) -> list[int]:
        """The words that a name may begin with: those with a capital, and those some known name begins with without."""
        capitals = list(compress(range(len(words)), words.capital))
        small = list(compress(range(len(words)), map(self._small.__contains__, words.folded)))
        return sorted({*capitals, *small}) if small else capitals

    def find(self, words: Words, at: int, *, inside: bool = False) -> KnownName | None:
        """The longest known name that begins with the word at `at`; `inside` a longer name also those that must stand
        alone."""
        folded = words.folded
        seconds = self._by_first.get(folded[at])
        if seconds is None:
            return None
        candidates: Sequence[KnownName] = seconds.get("", ())
        if at + 1 < len(folded) and folded[at + 1] in seconds:
            candidates = [*seconds[folded[at + 1]], *candidates]
        for known in candidates:
            last = at + len(known.surface)
            span = words.texts[at:last]
            if tuple(folded[at:last]) != known.surface or (known.written and span[0] != known.written):
                continue
            if not all(words.goes_on(n) or words.gaps[n].elides for n in range(at, last - 1)):
                continue
            if known.alone and not inside and at and _is_begun(words, at - 1):
                continue
            if all(text[0].isupper() or not capital for text, capital in zip(span, known.capitals, strict=True)):
                return known
        return None

    def ends(self, words: Words, at: int, last: int) -> bool:
        """Whether the words up to `last`, behind the one at `at`, end with a name that is often part of another's:
        "Kenya Red Cross"."""
        for begin in range(at + 1, last):
            if words.folded[begin] in self._alone:
                known = self.find(words, begin, inside=True)
                if known is not None and known.alone and begin + len(known.surface) == last:
                    return True
        return False


def _is_begun(words: Words, before: int) -> bool:
    """Whether the word before makes what follows the end of a longer name."""
    return words.gaps[before].joins and bool(words.capital[before]) and not words.opens(before)


class NameWords:
    """The words of one language that tell people from organisations."""

    def __init__(self, lexicon: Lexicon, language: str) -> None:
        sections: dict[str, set[str]] = {}
        for entry in lexicon.sections(f"words.{language}.txt"):
            sections.setdefault(entry.section, set()).add(entry.text.lower())
        self.titles = sections.get("titles", set())
        self.roles = sections.get("roles", set())
        self.saying = sections.get("saying", set())
        self.openers = sections.get("openers", set())
        self.no_people = sections.get("no people", set())
        self.no_organizations = {text.upper() for text in sections.get("no organizations", set())}
        self.heads = sections.get("organization heads", set())
        self.tails = sections.get("organization tails", set())
        self.suffixes = sections.get("company suffixes", set())
        self.heads_first = "heads come first" in sections.get("options", set())
        self.particles_inside = "particles only inside" in sections.get("options", set())
        self.surnames = sections.get("surnames", set())
        self.origins = sections.get("origins", set())
        self.named_after = sections.get("named after", set())
        self.joined_heads = sections.get("heads joined by and", self.heads)
        self.ands = sections.get("and", set())
        self.capitalised_nouns = "capitalised nouns" in sections.get("options", set())
        self.whereabouts = sections.get("whereabouts", set())
        self.place_openers = sections.get("place openers", set())
        self.dates = sections.get("dates", set())
        self.followers = sections.get("organization followers", set())
        joints = self.ands | sections.get("particles of organizations", set())
        self.joining = joints | {"of", "for", "the"}  # stand in the names of organisations alone
        self.particles = sections.get("particles", set()) | joints
        self.second_particles = self.particles | sections.get("second particles", set())
        self.appositions = sections.get("appositions", set())

    def is_role(self, lower: str) -> bool:
        """Whether a word says what somebody is, by itself or at the end of another: "ex-presidente"."""
        return lower in self.roles or ("-" in lower and lower.rsplit("-", 1)[1] in self.roles)


class NameLexicon:
    """All of it. `languages` are those that have rules."""

    def __init__(self, overlays: Sequence[Path]) -> None:
        lexicon = Lexicon("names", overlays, RULES)
        self.known = KnownNames()
        for kind, pattern in (("person", "people*.tsv"), ("organization", "organizations*.tsv")):
            for file in lexicon.names(pattern):
                for name, *rest in lexicon.table(file):
                    surfaces = rest[0].split(",") if rest else []
                    self.known.add(name.rstrip("!"), kind, [name, *(surface.strip() for surface in surfaces)])
        self.first_names = {
            fold(entry.text) for name in lexicon.names("first_names*.txt") for entry in lexicon.sections(name)
        }
        self.words = {
            name.split(".")[1]: NameWords(lexicon, name.split(".")[1]) for name in lexicon.names("words.*.txt")
        }
        self._countries, countries_version = load_country_words(tuple(overlays))
        self.version = f"{lexicon.version}-{countries_version}"

    def is_first_name(self, folded: str) -> bool:
        """Whether a folded word is a first name, or two with a hyphen that begin with one."""
        return folded in self.first_names or ("-" in folded and folded.split("-", 1)[0] in self.first_names)

    def country_words(self, language: str) -> CountryWords:
        """The words for countries and their people in texts of a language."""
        return self._countries.words(language)


def is_country_word(words: CountryWords, folded: Sequence[str]) -> bool:
    """Whether the words name a country or its people: no person is called so."""
    word = words.phrase(" ".join(folded))
    return word is not None and word.kind in (Kind.NAME, Kind.DEMONYM)
