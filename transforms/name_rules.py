"""The rules that make a name of a capitalised phrase: what it is, by which rule, and how surely.

A run is a row of capitalised words with only blanks between them; "of", "van" and the like may stand inside. Names of
the lexicon are cut out first, then titles ("Prime Minister"), country words and words that only open a sentence.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from transforms.name_lexicon import NameLexicon, NameWords, is_country_word
from transforms.name_runs import OF, end_of_run
from transforms.name_tokens import Words

PERSON, ORGANIZATION = "person", "organization"

# What a sign is worth: the share of names found by it that were right, measured on 350 English agency stories
# (CoNLL-2003, training part, November 2026), rounded, and not above .95.
FIRST_NAME, KNOWN_PERSON, TITLE, INITIAL, ROLE, COUNTRY_BEHIND, TITLE_ALONE = 0.95, 0.95, 0.95, 0.95, 0.9, 0.9, 0.85
SURNAME = 0.85  # measured on Portuguese stories (UNER Bosque, training part)
APPOSITION, SAYING, REPEATED, PAIR = 0.85, 0.6, 0.6, 0.55
COMPANY, KNOWN_ORGANIZATION, ACRONYM, HEAD, TAIL, LONGER, FOLLOWED, CAPITALS = 0.95, 0.85, 0.8, 0.8, 0.8, 0.7, 0.5, 0.4
BELIEVED = 0.4  # names below are left out
# Nothing speaks for these yet; a surname alone may belong to a full name elsewhere, and the other way round.
UNKNOWN = 0.0

ACRONYM_GIVEN = "acronym in brackets"

_MAX_PERSON_WORDS = 5
_MIN_SURNAME_LETTERS = 3
_JOINING = frozenset(("of", "for", "and", "the"))


class Mention(NamedTuple):
    """A name in the title or text: what it says there, whose name it is, the rule that found it and its score. `start`
    is a character offset into `part`."""

    surface: str
    name: str
    kind: str
    rule: str
    score: float
    start: int
    part: str


class Reader:
    """Reads the names of one document. In a language without rules it finds names of the lexicon alone. `places` are
    folded words."""

    def __init__(self, lexicon: NameLexicon, language: str, places: frozenset[str]) -> None:
        self._lexicon = lexicon
        self._rules = lexicon.words.get(language)
        self._countries = lexicon.country_words(language)
        self._places = places
        self._acronyms: dict[str, str] = {}
        self._read: list[Words] = []
        self._alone: list[tuple[Words, int]] = []

    def read(self, words: Words, *, lexicon_only: bool = False) -> list[Mention]:
        """The names among `words`, in order. A person nothing speaks for has score `UNKNOWN`; for words alone that may
        be nouns, ask `surnames_alone`."""
        rules = None if lexicon_only else self._rules
        known_names = self._lexicon.known
        self._read.append(words)
        mentions: list[Mention] = []
        free = 0
        for at in known_names.beginnings(words):
            if at < free:
                continue
            known = known_names.find(words, at)
            if known is not None and (rules is None or not self._is_part(words, at, len(known.surface), rules)):
                free = at + len(known.surface)
                score = KNOWN_PERSON if known.kind == PERSON else KNOWN_ORGANIZATION
                mentions.append(_mention(words, range(at, free), "lexicon", score, kind=known.kind, name=known.name))
            elif words.capital[at] and rules is not None:
                if rules.capitalised_nouns and self._is_alone(words, at, rules):
                    self._alone.append((words, at))
                    continue
                free = end_of_run(words, at, self._lexicon, rules)
                mention = self._classify(words, at, free, rules)
                if mention is not None:
                    mentions.append(mention)
                    free += mention.rule == ACRONYM_GIVEN
        return mentions

    def surnames_alone(self, surnames: Container[str]) -> list[Mention]:
        """The words that stand alone in what was read, with the capital of a noun, and are one of the folded
        `surnames`. There are hundreds in a German text, and hardly one is a name: they wait until names are known."""
        return [
            _mention(words, range(at, at + 1), "surname", UNKNOWN)
            for words, at in self._alone
            if words.folded[at] in surnames and not (self._rules and self._only_opens(words, at, self._rules))
        ]

    def _is_alone(self, words: Words, at: int, rules: NameWords) -> bool:
        """Whether no run goes on behind a word that is no acronym."""
        if words.texts[at].isupper():
            return False
        behind = at + 1
        goes_on = behind < len(words) and words.goes_on(at)
        return not (goes_on and (words.capital[behind] or words.texts[behind] in rules.particles))

    def _is_part(self, words: Words, at: int, size: int, rules: NameWords) -> bool:
        """Whether a known single word is only the beginning of a longer name: "Lula" in "Lula Gonzalez"."""
        if size > 1 or at + 1 >= len(words) or not words.goes_on(at):
            return False
        begins = words.folded[at] in self._lexicon.first_names or (rules.heads_first and words.lower[at] in rules.heads)
        return bool(words.capital[at + 1]) and begins

    def _is_country(self, folded: Sequence[str]) -> bool:
        return is_country_word(self._countries, folded)

    def _among_nouns(self, words: Words, at: int, last: int, rules: NameWords) -> Mention | None:
        """The name in a run of a language that gives every noun a capital: it begins with a first name or a title."""
        lower = words.lower
        for first in range(at, last):
            titled = lower[first].rstrip(".") in rules.titles
            begin = first + 1 if titled else first
            if titled and begin < last and lower[begin].rstrip(".") not in rules.titles:
                rule, score = "title", TITLE if last - begin > 1 else TITLE_ALONE
            elif 1 < last - first <= _MAX_PERSON_WORDS and self._lexicon.is_first_name(words.folded[first]):
                rule, score = "first name", FIRST_NAME
            else:
                continue
            barred = any(word in rules.no_people or word in rules.dates for word in lower[begin:last])
            named = len(words.texts[last - 1]) >= _MIN_SURNAME_LETTERS and not self._is_country(
                [words.folded[last - 1]]
            )
            if named and not barred:
                return _mention(words, range(begin, last), rule, score)
        while at < last and self._only_opens(words, at, rules):
            at += 1
        organization = self._organization(words, at, last, rules)
        if organization is None and last == at + 1:
            self._alone.append((words, at))
        return organization

    def _classify(self, words: Words, at: int, last: int, rules: NameWords) -> Mention | None:
        """The name, if any, in the run from `at` up to `last`."""
        if rules.capitalised_nouns:
            return self._among_nouns(words, at, last, rules)
        first = at
        while first < last and self._only_opens(words, first, rules):
            first += 1
        while rules.particles_inside and first < last and words.texts[first] in rules.particles:
            first += 1
        if first == last:
            return None
        titles = [n for n in range(first, last) if self._is_title(words, n, last, rules)]
        begin = titles[-1] + 1 if titles else first
        if rules.particles_inside and begin < last and words.texts[begin] in rules.particles:
            return None
        organization = self._organization(words, first if begin == last else begin, last, rules)
        if organization is not None or begin == last:
            return organization
        nations = [n for n in range(begin, last - 1) if self._is_country([words.folded[n]])]
        if nations:
            begin = nations[-1] + 1
            while begin < last and words.texts[begin].islower():
                begin += 1
        if begin == last or self._is_named_after(words, at, rules):
            return None
        rule, score = self._person(words, begin, last, rules, titled=bool(titles))
        if not rule:
            return None
        if score == UNKNOWN:
            rule, score = self._beside(words, begin, last, rules)
        return _mention(words, range(begin, last), rule, score)

    def _is_named_after(self, words: Words, at: int, rules: NameWords) -> bool:
        """Whether what stands right before a run bears a person's name: "via Giuseppe Verdi"."""
        return at > 0 and words.gaps[at - 1].is_blank and words.texts[at - 1] in rules.named_after

    def _only_opens(self, words: Words, at: int, rules: NameWords) -> bool:
        """Whether a capitalised word is no part of the name behind it: "After", "The", "March"."""
        lower = words.lower[at]
        if lower in rules.dates:
            return True
        return lower in rules.openers and (words.opens(at) or words.texts[at] in ("The", "A", "I"))

    def _is_title(self, words: Words, at: int, last: int, rules: NameWords) -> bool:
        """Whether a word stands before a person's name: "Minister", "Major-General", a role that opens a sentence."""
        lower = words.lower[at]
        bare = lower.rstrip(".")
        if bare in rules.titles or ("-" in bare and rules.titles.issuperset(bare.split("-"))):
            return at + 1 < last or not self._ends_in(words, at, rules)
        return at + 2 < last and lower in rules.roles and words.opens(at)

    def _ends_in(self, words: Words, at: int, rules: NameWords) -> bool:
        """Whether a word is the surname to a first name before it: "Giuseppe Conte", "Rob de Koning"."""
        first = at - 2 if words.texts[at - 1] in rules.particles else at - 1
        joined = first >= 0 and all(map(words.goes_on, range(first, at)))
        return joined and bool(words.capital[first]) and self._lexicon.is_first_name(words.folded[first])

    def _organization(self, words: Words, at: int, last: int, rules: NameWords) -> Mention | None:
        if last <= at:
            return None
        if last == at + 1:
            return self._acronym(words, at, rules)
        texts, lower = words.texts[at:last], words.lower[at:last]
        head, tail = lower[0], lower[-1].rstrip(".")
        acronym = words.texts[last] if last < len(words) and words.gaps[last - 1].text.strip() == "(" else ""
        joined = not OF.isdisjoint(texts)
        if len(acronym) > 1 and acronym.isupper() and (acronym == words.initials(at, last) or tail in rules.tails):
            self._acronyms[acronym] = words.surface(at, last)
            rule, score = ACRONYM_GIVEN, ACRONYM
        elif self._lexicon.known.ends(words, at, last):
            rule, score = "longer name of a known organisation", LONGER
        elif tail in rules.suffixes:
            rule, score = "company suffix", COMPANY
        elif head in rules.heads and (joined or rules.heads_first) and not self._is_country(words.folded[at:last]):
            rule, score = "head of an organisation's name", HEAD
        elif tail in rules.tails:
            rule, score = "end of an organisation's name", TAIL
        elif joined and not rules.heads.isdisjoint(lower):
            at += self._beginning(texts, lower, rules) if rules.heads_first else 0
            rule, score = "words of an organisation's name", TAIL
        elif self._followed(words, last, rules) and not self._is_country(words.folded[at:last]):
            rule, score = "what follows an organisation's name", FOLLOWED
        else:
            return None
        return _mention(words, range(at, last), rule, score, kind=ORGANIZATION)

    def _beginning(self, texts: Sequence[str], lower: Sequence[str], rules: NameWords) -> int:
        """Which of the words an organisation's name begins with: the third of "Tratado da União Europeia"."""
        head = next(n for n, word in enumerate(lower) if word in rules.heads)
        return max((n + 1 for n in range(head) if texts[n] in rules.particles), default=0)

    def _acronym(self, words: Words, at: int, rules: NameWords) -> Mention | None:
        text = words.texts[at]
        if text in self._acronyms:
            name = self._acronyms[text]
            return _mention(words, range(at, at + 1), "acronym given before", ACRONYM, kind=ORGANIZATION, name=name)
        if not text.isupper():
            return None
        bare = text.replace(".", "")
        if (
            not bare.isalpha()
            or self._is_small_elsewhere(words.lower[at])
            or not 2 < len(bare) <= 6
            or bare in rules.no_organizations
            or words.folded[at] in self._places
        ):
            return None
        return _mention(words, range(at, at + 1), "capitals", CAPITALS, kind=ORGANIZATION, name=bare)

    def _is_common(self, words: Words, at: int, rules: NameWords) -> bool:
        """Whether a word is hardly a person's: capitals, or one that the same text has in small letters too."""
        text, lower = words.texts[at], words.lower[at]
        return (
            text == lower
            or lower in rules.openers
            or (text.isupper() and len(lower) > 1 and "." not in lower)
            or self._is_small_elsewhere(lower)
        )

    def _is_small_elsewhere(self, lower: str) -> bool:
        return any(lower in words.part.small for words in self._read)

    def _followed(self, words: Words, last: int, rules: NameWords) -> bool:
        """Whether a word behind says so: "Le Matin newspaper"."""
        return last < len(words) and words.gaps[last - 1].joins and words.texts[last] in rules.followers

    def _person(self, words: Words, at: int, last: int, rules: NameWords, *, titled: bool) -> tuple[str, float]:
        """What the words themselves say for a person; no rule when they are none."""
        texts, folded = words.texts[at:last], words.folded[at:last]
        barred = not rules.no_people.isdisjoint(words.lower[at:last]) or self._is_country(folded)
        if len(texts) > _MAX_PERSON_WORDS or barred or not _JOINING.isdisjoint(texts):
            return "", UNKNOWN
        if len(texts[-1]) < _MIN_SURNAME_LETTERS and not texts[-1].isalpha():
            return "", UNKNOWN
        if titled:
            return "title", TITLE if len(texts) > 1 else TITLE_ALONE
        if len(texts) == 1:
            return "surname", UNKNOWN
        if all(word in self._places for word in folded) or any(len(text) > 3 and text.isupper() for text in texts):
            return "", UNKNOWN
        if self._is_country(folded[-1:]):
            return "", UNKNOWN
        if self._lexicon.is_first_name(folded[0]):
            return "first name", FIRST_NAME
        if any(len(text) == 2 and text.endswith(".") for text in texts[:-1]):
            return "initial", INITIAL
        if not rules.surnames.isdisjoint((words.lower[at], words.lower[last - 1])):
            return "common surname", SURNAME
        return "unknown", UNKNOWN

    def _beside(self, words: Words, at: int, last: int, rules: NameWords) -> tuple[str, float]:
        """What the words around a run say for a person."""
        before = at - 1 if at and words.gaps[at - 1].joins else None
        behind = words.texts[last] if last < len(words) else ""
        if before is not None and rules.is_role(words.lower[before]):
            return "role", ROLE
        if last == at + 1:
            return "surname", UNKNOWN
        gap = words.gaps[last - 1].text
        if gap == " (" and behind and self._is_country([words.folded[last]]):
            return "country in brackets", COUNTRY_BEHIND
        said_before = words.lower[before] if before is not None else ""
        articled = before is None and at > 0 and _is_elided(words.gaps[at - 1].text)
        if articled or said_before in rules.whereabouts or self._is_unlikely(words, at, last, rules):
            return "unlikely", UNKNOWN
        if said_before in rules.saying or behind in rules.saying:
            return "verb of saying", SAYING
        if gap == ", " and (behind[:2].isdigit() or behind in rules.appositions):
            return "apposition", APPOSITION
        return ("unknown", UNKNOWN) if words.opens(at) else ("pair of capitals", PAIR)

    def _is_unlikely(self, words: Words, at: int, last: int, rules: NameWords) -> bool:
        """Whether a run without a sign of a person looks like a place or a thing."""
        if last - at > 3 or words.lower[at] in rules.place_openers:
            return True
        placed = not self._places.isdisjoint(words.folded[at:last])
        return placed or any(self._is_common(words, n, rules) for n in range(at, last))


def _is_elided(gap: str) -> bool:
    """Whether an article was left off before the next word, or a quotation begins: " l'", " nell'", " '"."""
    return gap[:1] == " " and gap[-1] in "'’‘"


def _mention(words: Words, run: range, rule: str, score: float, *, kind: str = PERSON, name: str = "") -> Mention:
    written = words.surface(run.start, run.stop)
    return Mention(written, name or written, kind, rule, score, words.starts[run.start], words.where)
