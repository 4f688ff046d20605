"""Phrases of a text that may name a country or a place: found by look-up, not yet believed."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from transforms.country_words import CountryWords, Kind, Word
from transforms.gazetteer import DIVISION, Gazetteer, Place
from transforms.tokens import JOINTS, Part, Token, is_block, is_capitalised

MAX_NAME_WORDS = 4
MAX_NAME_CHARACTERS = 8  # in scripts where each character is a word
MIN_NAME_CHARACTERS = 3
_JOINED_IN_ARABIC = frozenset("وبلفک")
_CYRILLIC_ENDINGS = frozenset("аеиоуыюямй")
_OF_A_DIVISION = frozenset(
    ("gov", "governor", "sen", "senator", "rep", "senate", "state", "premier", "house", "supreme", "court")
)
_BEFORE_DIVISION = frozenset(
    ("in", "of", "the", "a", "an", "from", "to", "at", "near", "and", "for", "former", "across", "through")
)


@dataclass(slots=True)
class Mention:
    """A phrase that may name a country (`word`) or a place (`places`; `place` once decided): the tokens `first` up to
    `last`, the character offset `start`, the looked-up form `folded`, and `rule`, why it was believed. `within` is the
    division or country that follows: "US.TX" in "Tyler, Texas"; `name` what an abbreviation is short for."""

    first: int
    last: int
    start: int
    surface: str
    folded: str
    word: Word | None
    places: tuple[Place, ...]
    within: str | None = None
    name: str = ""
    place: Place | None = None
    rule: str = ""

    @property
    def code(self) -> str | None:
        """The country it stands for."""
        if self.word is not None and self.word.code:
            return self.word.code
        return (self.place.country or None) if self.place is not None else None


class MentionFinder:
    """Finds mentions with the gazetteer, and reads what stands behind "City, "."""

    def __init__(self, gazetteer: Gazetteer, divisions: Mapping[str, str]) -> None:
        self._gazetteer = gazetteer
        self._divisions = divisions

    def find(self, part: Part, words: CountryWords) -> list[Mention]:
        """The longest phrase at each word that may name a country or a place, in order, none overlapping another."""
        name_like = part.name_like()
        begins = [number for number in name_like if not part.is_joined(number)]
        countries = _find_countries(part, begins, words)
        places = self._find_places(part, begins, name_like)
        short = self._find_short_forms(part)
        lengths = dict.fromkeys(short, 1)
        for found in (countries, places):
            for first, (length, _) in found.items():
                lengths[first] = max(length, lengths.get(first, 0))
        mentions: list[Mention] = []
        free = 0
        for first in sorted(lengths):
            longest = lengths[first]
            if first < free or (
                longest > 1 and any(lengths.get(first + ahead, 0) > longest for ahead in range(1, longest))
            ):
                continue  # taken, or less than what begins inside it: "The Bank" before "Bank of England"
            free = first + longest
            if first in short and longest == 1:
                mentions.append(short[first])
                continue
            length, word = countries.get(first, (0, None))
            size, named = places.get(first, (0, ()))
            start = part.starts[first]
            mentions.append(
                Mention(
                    first=first,
                    last=free,
                    start=start,
                    surface=_surface(part.text[start : part.starts[free - 1] + len(part.words[free - 1])]),
                    folded=" ".join(part.folded[first:free]),
                    word=word if length == longest else None,
                    places=named if size == longest else (),
                )
            )
        return self._read_followers(part, mentions)

    def division(self, token: Token) -> str | None:
        """The division a short form stands for: "Ala.", "ALA", "AL"."""
        bare = token.text.replace(".", "").replace(" ", "")
        return self._divisions.get(bare) or (self._divisions.get(bare.title()) if len(bare) > 2 else None)

    def _find_places(
        self, part: Part, begins: Sequence[int], name_like: Sequence[int]
    ) -> dict[int, tuple[int, tuple[Place, ...]]]:
        """The longest known name at each word of `begins`, by its length and the places of that name."""
        words = [part.folded[first] for first in begins]
        known, opening = self._gazetteer.look_up(words)
        found = {begins[at]: (1, places) for at, places in known.items() if len(words[at]) >= MIN_NAME_CHARACTERS}
        openings = [
            first
            for first, word, opens in zip(begins, words, opening, strict=True)
            if (opens or word[:1] in _JOINED_IN_ARABIC) and part.gaps[first] in JOINTS
        ]
        phrases = self._longer_phrases(part, openings, frozenset(name_like))
        foreign = [(first, 1, word) for first, word in zip(begins, words, strict=True) if not word.isascii()]
        phrases += [
            (first, length, bare)
            for first, length, phrase in (*foreign, *phrases)
            if len(phrase) >= MIN_NAME_CHARACTERS and not phrase.isascii()
            for bare in _uninflected(phrase)
        ]
        for at, places in sorted(self._gazetteer.find_all([phrase for _, _, phrase in phrases]).items()):
            first, length, _ = phrases[at]
            if first not in found or found[first][0] < length:
                found[first] = length, places
        return found

    def _longer_phrases(self, part: Part, openings: Sequence[int], ends: Container[int]) -> list[tuple[int, int, str]]:
        """The phrases of several words, from one of `openings` to one of `ends`, that may be a name."""
        folded, gaps = part.folded, part.gaps
        phrases = []
        for first in openings:
            most = MAX_NAME_WORDS
            if is_block(part.words[first]):
                most = MAX_NAME_CHARACTERS if self._gazetteer.begins(*part.words[first : first + 2]) else 1
            phrase, last = folded[first], first
            for end in [end for end in range(first + 1, first + most) if end in ends]:
                while last < end and gaps[last] in JOINTS:
                    last += 1
                    phrase = f"{phrase} {folded[last]}"
                if last < end:
                    break
                if len(phrase) >= MIN_NAME_CHARACTERS:
                    phrases.append((first, last - first + 1, phrase))
        return phrases

    def _read_followers(self, part: Part, mentions: Sequence[Mention]) -> list[Mention]:
        """Note what stands after "City, "; short forms of divisions ("Ala.") become mentions of their own."""
        read: list[Mention] = []
        for number, mention in enumerate(mentions):
            read.append(mention)
            if mention.last >= len(part) or part.gaps[mention.last - 1] not in (", ", " (", ",", ",\n"):
                continue
            token = part.token(mention.last)
            follower = mentions[number + 1] if number + 1 < len(mentions) else None
            mention.within = self.division(token) if _may_be_short(part, token) else None
            if mention.within is None and follower is not None and follower.first == mention.last:
                mention.within = self._within(mention, follower)
            elif mention.within is not None and (follower is None or follower.first > mention.last):
                read.append(self._short_form(mention.last, token, mention.within))
        return read

    def _find_short_forms(self, part: Part) -> dict[int, Mention]:
        """Divisions that stand abbreviated by themselves: "in B.C.", but neither "in 500 B.C." nor "A.R. Kruse"."""
        found = {}
        for number in part.odd:
            word = part.words[number]
            if "." in word and (division := self._divisions.get(word.replace(".", ""))):
                before = part.before(number)
                if (before is None or not before.text[0].isdigit()) and not _are_initials(part, number):
                    found[number] = self._short_form(number, part.token(number), division)
        return found

    def _short_form(self, number: int, token: Token, division: str) -> Mention:
        place = self._gazetteer.division(division)
        return Mention(
            first=number,
            last=number + 1,
            start=token.start,
            surface=token.text,
            name=place.name if place is not None else "",
            folded=place.folded if place is not None else token.folded,
            word=None,
            places=(place,) if place is not None else (),
            within=place.country if place is not None else None,
        )

    def _within(self, mention: Mention, follower: Mention) -> str | None:
        own = {place.division for place in mention.places}
        for place in follower.places:
            if place.kind == DIVISION and place.division in own:
                return place.division
        if follower.word is not None and follower.word.kind is Kind.NAME:
            return follower.word.code
        return None


def _find_countries(part: Part, begins: Sequence[int], words: CountryWords) -> dict[int, tuple[int, Word]]:
    """The longest country word at each word of `begins`, and those in small letters."""
    found: dict[int, tuple[int, Word]] = {}
    folded, longest = part.folded, words.longest
    for first in begins:
        written = part.words[first]
        if written.isupper() and not part.gaps[first].startswith("$"):
            capitals = words.capitals(written)
            if capitals is not None:
                found[first] = (1, capitals)
    openings = words.openings(folded)
    for first in [first for first in begins if openings[first] in longest]:
        last, end = first + longest[openings[first]], first + 1
        while end < last and part.is_behind(end):
            end += 1
        for last in range(end, first, -1):
            word = words.phrase(" ".join([openings[first], *folded[first + 1 : last]]))
            if word is not None:
                found[first] = (last - first, word)
                break
    small = words.small
    if not small.keys().isdisjoint(part.different):
        for number in compress(range(len(part)), map(small.__contains__, folded)):
            if number not in found and part.words[number][0].islower():
                found[number] = (1, small[folded[number]])
    return found


def _may_be_short(part: Part, token: Token) -> bool:
    """Whether a word is written as an abbreviation: "Ala.", "AL", "Calif", but neither "la" nor "La"."""
    if not token.text[0].isupper():
        return False
    return token.text.isupper() or len(token.text) > 3 or "." in (token.text[-1], part.text[token.end : token.end + 1])


def _are_initials(part: Part, number: int) -> bool:
    """Whether dotted capitals open a name: "A.R. Kruse", but not "in B.C. Tuesday" or "B.C. Premier"."""
    behind = part.behind(number + 1)
    if number and part.gaps[number - 1] == ".":
        return True  # "SO.M.A."
    if behind is None or not is_capitalised(behind.text) or behind.folded in _OF_A_DIVISION:
        return False
    if number and part.gaps[number - 1] == ", ":
        return False
    return number == 0 or part.folded[number - 1] not in _BEFORE_DIVISION


def _uninflected(phrase: str) -> list[str]:
    """What a name may be without what its language puts to it: prepositions in Arabic, cases in Cyrillic scripts."""
    if phrase[0] in _JOINED_IN_ARABIC:
        return [phrase[1:]]
    if phrase[-1] in _CYRILLIC_ENDINGS and len(phrase) > 4:
        stem = phrase[:-1]
        return [stem, f"{stem}а", f"{stem}я", f"{stem}ь", phrase[:-2]]
    return []


def _surface(text: str) -> str:
    """A name as printed, on one line."""
    return " ".join(text.split())
