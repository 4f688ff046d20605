"""Where a story takes place: the countries it names, the one it is about, and its places with coordinates.

In: title, text, language, dateline and the publisher's country. Out: the tags `dateline` (with country and coordinates),
`countries`, `primary_country` and `places`. Texts are read up to a bound, so the work is linear and bounded.

How: words that name countries (names, demonyms, seats of power) count as they stand, in the text's language and English.
Names of cities and divisions are looked up in the gazetteer and only believed with evidence: their own size, "City,
Country", a division or country named elsewhere in the text, the dateline, a preposition. What stands inside another name
("Paris Hilton") or is also written in lower case in the same text is left alone. The publisher's country helps to choose
between places and is the answer only where a text names no country at all.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import xxhash

from transforms.country_words import CountryWords, Kind, Word, load_country_words, load_division_words
from transforms.dateline import find_dateline
from transforms.gazetteer import CAPITAL, DIVISION, Gazetteer, Place, fold
from transforms.schema import CountryMention, Dateline, PlaceMention
from transforms.taggers import Document, Tags
from transforms.tokens import Token, tokenize
from transforms.wordlists import Lexicon

RULES = 1
MAX_CHARACTERS = 40_000
MAX_PLACES = 40
MAX_NAME_WORDS = 4

# Weights of a mention for the country a story is about.
IN_TITLE, IN_LEDE, IN_TEXT, IN_DATELINE = 3.0, 2.0, 1.0, 1.5
LEDE_CHARACTERS = 400

ACCEPTED = 6.0  # a place's score from which it is believed; log10 of the population is most of it
BARE_TITLE_POPULATION = 500_000  # in a headline written in capitals every word looks like a name


@dataclass(slots=True)
class Found:
    """A mention: tokens `first` to `last` (not included) of one part of the document, and what they may stand for."""

    first: int
    last: int
    start: int
    surface: str
    word: Word | None = None
    places: tuple[int, ...] = ()
    place: Place | None = None
    score: float = 0.0
    in_title: bool = False
    within: str | None = None  # the division or country code that follows: "Tyler, Texas"
    rule: str = ""


@dataclass(slots=True)
class Part:
    """Title or body: its text, words and what they fold to. `shouted`: most letters are capitals; `headed`: most words
    begin with one."""

    text: str
    tokens: list[Token]
    folded: list[str]
    is_title: bool
    shouted: bool = False
    headed: bool = False
    found: list[Found] = field(default_factory=list)


class PlacesTagger:
    """Countries, primary country, places and the dateline's whereabouts."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("geo", overlays, RULES)
        packed = Path(__file__).with_name("lexicons").joinpath("geo", "places.zst").read_bytes()
        self._words = load_country_words(lexicon)
        self._divisions = load_division_words(lexicon)
        self._gazetteer = Gazetteer(packed)
        self._anywhere = self._words["en"]
        self.version = xxhash.xxh3_64_hexdigest(lexicon.version.encode() + packed)

    def tag(self, document: Document, found: Tags) -> Tags:
        words = self._words.get((document.language or "en").split("-")[0].lower(), self._anywhere)
        body = read_part(document.text[:MAX_CHARACTERS], is_title=False)
        title = read_part(document.title[:1000], is_title=True)
        dateline = found.dateline or find_dateline(document.text)[0]
        for part in (title, body):
            self._find(part, words)
        context = Context(publisher=document.publisher_country)
        resolved = self._resolve_dateline(dateline, context) if dateline else None
        self._resolve(title, body, context)
        if resolved and resolved.country:
            context.weights[resolved.country] += IN_DATELINE
            if not context.mentions[resolved.country]:
                context.mentions[resolved.country] = 1
        return replace(found, dateline=resolved, **_tags(title, body, context, document.publisher_country))

    # ------------------------------------------------------------------ finding

    def _find(self, part: Part, words: CountryWords) -> None:
        """All phrases of a part that may name a country or a place, the longest at each word."""
        tokens, folded = part.tokens, part.folded
        phrases: list[str] = []
        spans: list[tuple[int, int]] = []
        curated: dict[int, tuple[int, Word]] = {}
        for first, token in enumerate(tokens):
            if not _is_name_like(token.text):
                continue
            exact = words.exact.get(token.text.replace(".", ""))
            if exact and (not part.shouted or len(token.text) > 2 or token.text == "US"):
                curated[first] = (1, exact)
            reach = _reach(part, first)
            for length in range(min(words.longest.get(folded[first], 0), reach), 0, -1):
                word = words.phrases.get(" ".join(folded[first : first + length]))
                if word is not None:
                    curated[first] = (length, word)
                    break
            for length in range(1, min(MAX_NAME_WORDS, reach) + 1):
                if _is_name_like(tokens[first + length - 1].text):
                    phrases.append(" ".join(folded[first : first + length]))
                    spans.append((first, length))
        names: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        for (first, length), places in zip(spans, self._gazetteer.find(phrases), strict=True):
            if places and len(phrases) and len(" ".join(folded[first : first + length])) > 2:
                names.setdefault(first, []).append((length, places))
        at = 0
        while at < len(tokens):
            length, word = curated.get(at, (0, None))
            size, places = max(names.get(at, []), default=(0, ()))
            longest = max(length, size)
            if not longest:
                at += 1
                continue
            found = Found(
                at, at + longest, tokens[at].start, part.text[tokens[at].start : tokens[at + longest - 1].end]
            )
            found.in_title = part.is_title
            if length == longest:
                found.word = word
            if size == longest:
                found.places = places
            part.found.append(found)
            at += longest

    # ------------------------------------------------------------------ resolving

    def _resolve_dateline(self, dateline: Dateline, context: "Context") -> Dateline:
        """The dateline with country and coordinates; what follows the place in it ("Ala.") helps to choose."""
        tokens = list(tokenize(dateline.place or dateline.text))
        folded = [fold(token.text) for token in tokens]
        rest = [token.text for token in tokenize(dateline.text)]
        divisions = {self._divisions[text] for text in rest if text in self._divisions}
        best: Place | None = None
        for length in range(min(5, len(folded)), 0, -1):
            (indices,) = self._gazetteer.find([" ".join(folded[:length])])
            places = [self._gazetteer.place(index) for index in indices]
            if places:
                best = max(
                    places, key=lambda place: (place.division in divisions, place.kind != DIVISION, place.population)
                )
                break
        whole = self._anywhere.phrases.get(" ".join(folded))
        if best is None or (whole and best.population < 1_000_000):
            return replace(dateline, country=whole.code) if whole else dateline
        context.weights[best.country] += 0.0
        context.near[best.country] += 2.0
        context.divisions[best.division] += 1.0
        return replace(dateline, country=best.country, latitude=best.latitude, longitude=best.longitude)

    def _resolve(self, title: Part, body: Part, context: "Context") -> None:
        for part in (title, body):
            for number, found in enumerate(part.found):
                follower = part.found[number + 1] if number + 1 < len(part.found) else None
                self._read_follower(part, found, follower)
                if found.word and not self._is_doubtful(part, found):
                    context.near[found.word.code] += 1.0
                if found.within:
                    context.divisions[found.within] += 1.0
        lower = {text.text for text in body.tokens if text.text.islower()}
        for part in (body, title):
            for found in part.found:
                self._judge(part, found, context, lower)
        for part in (title, body):
            for found in part.found:
                code = found.word.code if found.word else found.place.country if found.place else None
                if code is None:
                    continue
                context.mentions[code] += 1
                lede = found.start < LEDE_CHARACTERS
                context.weights[code] += IN_TITLE if part.is_title else IN_LEDE if lede else IN_TEXT

    def _read_follower(self, part: Part, found: Found, follower: Found | None) -> None:
        """What stands after "City, " and says where it lies."""
        if found.last >= len(part.tokens):
            return
        following = part.tokens[found.last]
        gap = part.text[part.tokens[found.last - 1].end : following.start]
        if gap not in (", ", " (", ","):
            return
        short = self._divisions.get(following.text.replace(".", ""))
        if short:
            found.within = short
        elif follower is not None and follower.first == found.last:
            if follower.word is not None and follower.word.kind is Kind.NAME:
                found.within = follower.word.code
            for index in follower.places:
                place = self._gazetteer.place(index)
                if place.kind == DIVISION and any(
                    self._gazetteer.place(other).division == place.division for other in found.places
                ):
                    found.within = place.division
                    break

    def _is_doubtful(self, part: Part, found: Found) -> bool:
        """Whether a country's word stands where it is likely something else: a person's or a thing's name."""
        if found.word is None or found.last - found.first > 1 or part.headed or part.shouted:
            return False
        return found.word.weak

    def _judge(self, part: Part, found: Found, context: "Context", lower: set[str]) -> None:
        """Decide what a mention stands for; clears `word` and leaves `place` None when it is nothing."""
        if found.word is not None:
            if found.word.weak and context.near[found.word.code] < 1:
                found.word = None
            elif found.surface in _ALSO_NAMES and self._inside_name(part, found):
                found.word = None
            elif not (found.surface == "Georgia" and self._is_us_state(found, context)):
                return
        if not found.places:
            return
        best, score = self._best(found, context)
        single = found.last - found.first == 1
        if single and found.surface.lower() in lower:
            return
        if not part.is_title and found.surface.isupper() and len(found.surface) > 1 and not part.shouted:
            return
        if part.headed or part.shouted:
            if best.population < BARE_TITLE_POPULATION and best.kind != CAPITAL and best.index not in context.accepted:
                return
        elif found.within is None and self._inside_name(part, found):
            return
        if best.index in context.accepted:
            score += 1.0
        score += self._preposition(part, found)
        if score >= ACCEPTED:
            found.word, found.place, found.score = None, best, score
            context.accepted.add(best.index)
            context.near[best.country] += 0.5
            if best.division:
                context.divisions[best.division] += 0.5

    def _is_us_state(self, found: Found, context: "Context") -> bool:
        return context.near["US"] > 0 and not any(context.near[code] for code in ("RU", "AM", "AZ"))

    def _best(self, found: Found, context: "Context") -> tuple[Place, float]:
        def score(place: Place) -> float:
            points = math.log10(place.population + 10) + (1.0 if place.kind == CAPITAL else 0.0)
            if found.within:
                points += 5.0 if found.within in (place.division, place.country) else -2.0
            if context.near[place.country]:
                points += 1.0 + min(1.0, context.near[place.country] / 10)
            if place.division and context.divisions[place.division] and place.kind != DIVISION:
                points += 1.0
            if context.publisher == place.country:
                points += 1.0
            if place.kind == DIVISION:
                points -= 0.6
            return points

        best = max((self._gazetteer.place(index) for index in found.places[:60]), key=score)
        return best, score(best)

    def _inside_name(self, part: Part, found: Found) -> bool:
        """Whether a capitalised word that is no part of the name stands right before or behind it."""
        tokens, text = part.tokens, part.text
        if found.first:
            before = tokens[found.first - 1]
            if (
                text[before.end : found.start] in (" ", "-")
                and _is_name_like(before.text)
                and before.text not in _CAPITALISED_FUNCTION_WORDS
                and before.text.lower() not in _GOES_BEFORE
                and not any(other.last == found.first and (other.word or other.place) for other in part.found)
            ):
                return True
        if found.last < len(tokens):
            behind = tokens[found.last]
            if (
                text[tokens[found.last - 1].end : behind.start] in (" ", "-")
                and _is_name_like(behind.text)
                and behind.text.lower() not in _GOES_BEHIND
                and not any(other.first == found.last and (other.word or other.places) for other in part.found)
            ):
                return True
        return False

    def _preposition(self, part: Part, found: Found) -> float:
        if not found.first:
            return 0.0
        before = part.tokens[found.first - 1]
        if part.text[before.end : found.start] != " ":
            return 0.0
        return 1.0 if before.text.lower() in _PREPOSITIONS else 0.0


class Context:
    """What a document says of countries and divisions as a whole."""

    def __init__(self, publisher: str | None) -> None:
        self.publisher = publisher
        self.near: Counter[str] = Counter()
        self.divisions: Counter[str] = Counter()
        self.mentions: Counter[str] = Counter()
        self.weights: Counter[str] = Counter()
        self.accepted: set[int] = set()


def read_part(text: str, *, is_title: bool) -> Part:
    tokens = list(tokenize(text))
    part = Part(text, tokens, [fold(_bare(token.text)) for token in tokens], is_title)
    if is_title and tokens:
        letters = [c for c in text if c.isalpha()]
        part.shouted = sum(c.isupper() for c in letters) > 0.8 * len(letters)
        long = [token.text for token in tokens if len(token.text) > 3]
        part.headed = not part.shouted and len(long) > 2 and sum(_is_name_like(w) for w in long) > 0.7 * len(long)
    return part


def _bare(text: str) -> str:
    """Without the possessive."""
    return text[:-2] if text[-2:] in ("'s", "’s", "'S", "’S") else text


def _is_name_like(text: str) -> bool:
    """A capital first, or a script without case."""
    return not text[0].islower() and not text[0].isdigit()


def _reach(part: Part, first: int) -> int:
    """How many words from `first` on stand together: blanks and hyphens between them, no other sign."""
    tokens, text = part.tokens, part.text
    reach = 1
    while reach < 7 and first + reach < len(tokens):
        gap = text[tokens[first + reach - 1].end : tokens[first + reach].start]
        if gap not in (" ", "-", "\n", " & "):
            break
        reach += 1
    return reach


def _tags(title: Part, body: Part, context: Context, publisher: str | None) -> dict[str, object]:
    order = sorted(context.mentions, key=lambda code: (-context.mentions[code], -context.weights[code], code))
    primary = max(context.weights, key=lambda code: (context.weights[code], context.mentions[code], code), default=None)
    mentions: dict[int, list[Found]] = {}
    for found in (*title.found, *body.found):
        if found.place is not None:
            mentions.setdefault(found.place.index, []).append(found)
    places = [
        PlaceMention(
            name=founds[0].surface,
            country=place.country,
            geoname_id=place.geoname_id,
            latitude=place.latitude,
            longitude=place.longitude,
            mentions=len(founds),
        )
        for founds in mentions.values()
        if (place := founds[0].place) is not None
    ]
    places.sort(key=lambda place: -place.mentions)
    return {
        "countries": tuple(CountryMention(code=code, mentions=context.mentions[code]) for code in order),
        "primary_country": primary or publisher,
        "places": tuple(places[:MAX_PLACES]),
    }


_PREPOSITIONS = frozenset(
    "in at from near of to outside around across through between for into toward towards via off over "
    "en à a de da do em zu in aus nach bei von im am au aux di del della sur ve".split()
)
_CAPITALISED_FUNCTION_WORDS = frozenset(
    "In At From Near Of To Outside Around Across The A An And But For On As When While After Before If Since Under Over "
    "With By Between Both Then Now So Or Yet Where Why How Is Are Was Were That This These Those Il La Le Les En Im Der "
    "Die Das El Los Las De Di Da Do".split()
)
_GOES_BEFORE = frozenset(
    "north south east west northern southern eastern western central greater inner outer upper lower downtown mid "
    "northeast northwest southeast southwest northeastern northwestern southeastern southwestern old former modern "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december gov sen rep mayor".split()
)
_GOES_BEHIND = frozenset(
    "province county city airport police mayor university governor district court fire department sheriff hospital council "
    "school schools port stadium central gov sen rep region state oblast region international municipal regional metro "
    "police monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december and on in the at is was has mayor area valley bay beach street".split()
)
_ALSO_NAMES = frozenset("Jordan Chad Georgia Israel Niger Turkey Guinea Cuba Jersey Malta Kenya India Paris".split())
