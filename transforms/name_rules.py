"""The rules that make a name of a capitalised phrase: what it is, by which rule, and how surely.

A run is a row of capitalised words with only blanks between them; "of", "van" and the like may stand inside. Names of
the lexicon are cut out first, then titles ("Prime Minister"), country words and words that only open a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.name_lexicon import NameLexicon, NameWords, is_country_word
from transforms.name_tokens import Word, initials, surface

PERSON, ORGANIZATION = "person", "organization"

# What a sign is worth: the share of names found by it that were right, measured on 350 English agency stories
# (CoNLL-2003, training part, November 2026), rounded, and not above .95.
FIRST_NAME, KNOWN_PERSON, TITLE, INITIAL, ROLE, COUNTRY_BEHIND, TITLE_ALONE = 0.95, 0.95, 0.95, 0.95, 0.9, 0.9, 0.85
APPOSITION, SAYING, REPEATED, PAIR = 0.85, 0.6, 0.6, 0.55
COMPANY, KNOWN_ORGANIZATION, ACRONYM, HEAD, TAIL, LONGER, FOLLOWED, CAPITALS = 0.95, 0.85, 0.8, 0.8, 0.8, 0.7, 0.5, 0.4
BELIEVED = 0.4  # names below are left out
# Nothing speaks for these yet; a surname alone may belong to a full name elsewhere, and the other way round.
UNKNOWN = 0.0

ACRONYM_GIVEN = "acronym in brackets"

_MAX_RUN_WORDS = 30
_MAX_PERSON_WORDS = 5
_MIN_SURNAME_LETTERS = 3
_JOINING = frozenset(("of", "for", "and", "the"))
_OF = frozenset(("of", "for", "de", "del", "du", "des", "pour", "para", "für"))


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the title or text: what it says there, whose name it is, the rule that found it and its score. `start`
    is a character offset into `part`."""

    surface: str
    name: str
    kind: str
    rule: str
    score: float
    start: int
    part: str = "text"


class Reader:
    """Reads the names of one document. In a language without rules it finds names of the lexicon alone. `places` are
    folded words."""

    def __init__(self, lexicon: NameLexicon, language: str, places: frozenset[str]) -> None:
        self._lexicon = lexicon
        self._rules = lexicon.words.get(language)
        self._countries = lexicon.country_words(language)
        self._places = places
        self._acronyms: dict[str, str] = {}
        self._small: set[str] = set()

    def read(self, words: Sequence[Word], *, lexicon_only: bool = False) -> list[Mention]:
        """The names among `words`, in order. A person nothing speaks for has score `UNKNOWN`."""
        rules = None if lexicon_only else self._rules
        known_names = self._lexicon.known
        self._small.update(word.text for word in words if word.text.islower())
        mentions: list[Mention] = []
        at = 0
        while at < len(words):
            known = known_names.find(words, at) if known_names.may_begin(words[at]) else None
            if known is not None and (rules is None or not self._is_part(words, at, len(known.surface))):
                last = at + len(known.surface)
                score = KNOWN_PERSON if known.kind == PERSON else KNOWN_ORGANIZATION
                mentions.append(_mention(words[at:last], "lexicon", score, known.kind, known.name))
                at = last
            elif words[at].capital and rules is not None:
                last = self._end_of_run(words, at, rules)
                mention = self._classify(words, at, last, rules)
                if mention is not None:
                    mentions.append(mention)
                at = last + 1 if mention is not None and mention.rule == ACRONYM_GIVEN else last
            else:
                at += 1
        return mentions

    def _is_part(self, words: Sequence[Word], at: int, size: int) -> bool:
        """Whether a known single word is only the beginning of a longer name: "Lula" in "Lula Gonzalez"."""
        follows = words[at].joined and not words[at].possessive and at + 1 < len(words) and words[at + 1].capital
        return size == 1 and follows and words[at].folded in self._lexicon.first_names

    def _end_of_run(self, words: Sequence[Word], at: int, rules: NameWords) -> int:
        """Behind the last word of the run that begins at `at`."""
        last = at + 1
        end = min(len(words), at + _MAX_RUN_WORDS)
        while last < end and words[last - 1].joined and not words[last - 1].possessive:
            word = words[last]
            if word.capital:
                named = last == at + 1 and words[at].folded in self._lexicon.first_names
                known = None if named else self._lexicon.known.find(words, last)
                if known is not None and not known.alone:
                    break
                if word.text in ("The", "A", "In") or (_is_shouted(words[at]) and not word.text.isupper()):
                    break
                last += 1
                continue
            inner = last
            allowed = rules.particles
            while inner < min(last + 2, len(words)) and words[inner].text in allowed and words[inner].joined:
                inner, allowed = inner + 1, rules.second_particles
            if inner == last or inner >= len(words) or not words[inner].capital:
                break
            if word.text in _JOINING and not self._may_join(words[at:last], word.text, rules):
                break
            last = inner + 1
        return last

    def _may_join(self, run: Sequence[Word], joint: str, rules: NameWords) -> bool:
        """Whether "of", "for", "and" may go on with an organisation's name: "Department of Health and ..."."""
        if joint == "and":
            return run[0].text.lower() in rules.heads and any(word.text in ("of", "for") for word in run)
        return any(word.text.lower() in rules.heads for word in run)

    def _is_country(self, folded: list[str]) -> bool:
        return is_country_word(self._countries, folded)

    def _among_nouns(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> Mention | None:
        """The name in a run of a language that gives every noun a capital: it begins with a first name or a title."""
        for first in range(at, last):
            lower = words[first].text.lower().rstrip(".")
            titled = lower in rules.titles
            begin = first + 1 if titled else first
            if titled and begin < last and words[begin].text.lower().rstrip(".") not in rules.titles:
                rule, score = "title", TITLE if last - begin > 1 else TITLE_ALONE
            elif self._is_first_name(words[first]) and 1 < last - first <= _MAX_PERSON_WORDS:
                rule, score = "first name", FIRST_NAME
            else:
                continue
            run = words[begin:last]
            barred = any(word.text.lower() in rules.no_people or word.text.lower() in rules.dates for word in run)
            if not barred and len(run[-1].text) >= _MIN_SURNAME_LETTERS and not self._is_country([run[-1].folded]):
                return _mention(run, rule, score)
        while at < last and self._only_opens(words[at], rules):
            at += 1
        return self._organization(words, at, last, rules) or (
            _mention(words[at:last], "surname", UNKNOWN) if last == at + 1 else None
        )

    def _classify(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> Mention | None:
        """The name, if any, in the run from `at` up to `last`."""
        if rules.capitalised_nouns:
            return self._among_nouns(words, at, last, rules)
        first = at
        while first < last and self._only_opens(words[first], rules):
            first += 1
        titles = [n for n in range(first, last) if self._is_title(words, n, last, rules)]
        begin = titles[-1] + 1 if titles else first
        organization = self._organization(words, first if begin == last else begin, last, rules)
        if organization is not None or begin == last:
            return organization
        nations = [n for n in range(begin, last - 1) if self._is_country([words[n].folded])]
        if nations:
            begin = nations[-1] + 1
            while begin < last and words[begin].text.islower():
                begin += 1
        run = words[begin:last]
        if not run:
            return None
        rule, score = self._person(run, rules, titled=bool(titles))
        if not rule:
            return None
        if score == UNKNOWN:
            rule, score = self._beside(words, begin, last, rules)
        return _mention(run, rule, score)

    def _only_opens(self, word: Word, rules: NameWords) -> bool:
        """Whether a capitalised word is no part of the name behind it: "After", "The", "March"."""
        lower = word.text.lower()
        return lower in rules.dates or (lower in rules.openers and (word.opens or word.text in ("The", "A", "I")))

    def _is_title(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> bool:
        """Whether a word stands before a person's name: "Minister", "Major-General", a role that opens a sentence."""
        parts = words[at].text.lower().rstrip(".").split("-")
        if all(part in rules.titles for part in parts):
            return True
        return at + 2 < last and words[at].opens and words[at].text.lower() in rules.roles

    def _organization(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> Mention | None:
        run = words[at:last]
        if not run:
            return None
        if len(run) == 1:
            return self._acronym(words, at, rules)
        head, tail = run[0].text.lower(), run[-1].text.lower().rstrip(".")
        acronym = words[last].text if last < len(words) and run[-1].gap.strip() == "(" else ""
        joined = any(word.text in _OF for word in run)
        if len(acronym) > 1 and acronym.isupper() and (acronym == initials(run) or tail in rules.tails):
            self._acronyms[acronym] = surface(run)
            rule, score = ACRONYM_GIVEN, ACRONYM
        elif self._ends_known(words, at, last):
            rule, score = "longer name of a known organisation", LONGER
        elif tail in rules.suffixes:
            rule, score = "company suffix", COMPANY
        elif head in rules.heads and (joined or rules.heads_first):
            rule, score = "head of an organisation's name", HEAD
        elif tail in rules.tails:
            rule, score = "end of an organisation's name", TAIL
        elif joined and any(word.text.lower() in rules.heads for word in run):
            rule, score = "words of an organisation's name", TAIL
        elif self._followed(words, last, rules) and not self._is_country([word.folded for word in run]):
            rule, score = "what follows an organisation's name", FOLLOWED
        else:
            return None
        return _mention(run, rule, score, ORGANIZATION)

    def _acronym(self, words: Sequence[Word], at: int, rules: NameWords) -> Mention | None:
        run = words[at : at + 1]
        text = run[0].text
        if text in self._acronyms:
            return _mention(run, "acronym given before", ACRONYM, ORGANIZATION, self._acronyms[text])
        bare = text.replace(".", "")
        if (
            not (bare.isupper() and bare.isalpha())
            or not 2 < len(bare) <= 6
            or bare in rules.no_organizations
            or run[0].folded in self._places
        ):
            return None
        return _mention(run, "capitals", CAPITALS, ORGANIZATION, bare)

    def _ends_known(self, words: Sequence[Word], at: int, last: int) -> bool:
        """Whether a run ends with a name of the lexicon that is often part of another's: "Kenya Red Cross"."""
        found = ((n, self._lexicon.known.find(words, n, inside=True)) for n in range(at + 1, last))
        return any(known is not None and known.alone and n + len(known.surface) == last for n, known in found)

    def _is_first_name(self, word: Word) -> bool:
        names = self._lexicon.first_names
        return word.folded in names or ("-" in word.folded and word.folded.split("-", 1)[0] in names)

    def _is_common(self, word: Word, rules: NameWords) -> bool:
        """Whether a word is hardly a person's: capitals, or one that the same text has in small letters too."""
        lower = word.text.lower()
        return (
            word.text == lower
            or lower in self._small
            or lower in rules.openers
            or (word.text.isupper() and len(lower) > 1 and "." not in lower)
        )

    def _followed(self, words: Sequence[Word], last: int, rules: NameWords) -> bool:
        """Whether a word behind says so: "Le Matin newspaper"."""
        return last < len(words) and words[last - 1].joined and words[last].text in rules.followers

    def _person(self, run: Sequence[Word], rules: NameWords, *, titled: bool) -> tuple[str, float]:
        """What the words themselves say for a person; no rule when they are none."""
        folded = [word.folded for word in run]
        barred = any(word.text.lower() in rules.no_people for word in run) or self._is_country(folded)
        if len(run) > _MAX_PERSON_WORDS or barred or any(word.text in _JOINING for word in run):
            return "", UNKNOWN
        if len(run[-1].text) < _MIN_SURNAME_LETTERS and not run[-1].text.isalpha():
            return "", UNKNOWN
        if titled:
            return "title", TITLE if len(run) > 1 else TITLE_ALONE
        if len(run) == 1:
            return "surname", UNKNOWN
        if all(word in self._places for word in folded) or any(len(w.text) > 3 and w.text.isupper() for w in run):
            return "", UNKNOWN
        if self._is_country(folded[-1:]):
            return "", UNKNOWN
        if self._is_first_name(run[0]):
            return "first name", FIRST_NAME
        if any(len(word.text) == 2 and word.text.endswith(".") for word in run[:-1]):
            return "initial", INITIAL
        return "unknown", UNKNOWN

    def _beside(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> tuple[str, float]:
        """What the words around a run say for a person."""
        before = words[at - 1] if at and words[at - 1].joined else None
        behind = words[last] if last < len(words) else None
        if before is not None and before.text.lower() in rules.roles:
            return "role", ROLE
        if last == at + 1:
            return "surname", UNKNOWN
        gap = words[last - 1].gap
        if gap == " (" and behind is not None and self._is_country([behind.folded]):
            return "country in brackets", COUNTRY_BEHIND
        if self._is_unlikely(words[at:last], before, rules):
            return "unlikely", UNKNOWN
        if any(word is not None and word.text in rules.saying for word in (before, behind)):
            return "verb of saying", SAYING
        if gap.startswith(", ") and (gap[2:4].isdigit() or (behind is not None and behind.text in rules.appositions)):
            return "apposition", APPOSITION
        return ("unknown", UNKNOWN) if words[at].opens else ("pair of capitals", PAIR)

    def _is_unlikely(self, run: Sequence[Word], before: Word | None, rules: NameWords) -> bool:
        """Whether a run without a sign of a person looks like a place or a thing."""
        placed = before is not None and before.text in rules.whereabouts
        if placed or len(run) > 3 or run[0].text.lower() in rules.place_openers:
            return True
        return any(self._is_common(word, rules) or word.folded in self._places for word in run)


def _is_shouted(word: Word) -> bool:
    """Whether a word is the place of a dateline in capitals, or part of a headline so."""
    return word.opens and len(word.text) > 3 and word.text.isupper() and "." not in word.text


def _mention(words: Sequence[Word], rule: str, score: float, kind: str = PERSON, name: str = "") -> Mention:
    written = surface(words)
    return Mention(written, name or written, kind, rule, score, words[0].start)
