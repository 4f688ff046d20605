"""Where a story takes place: the countries it names, the one it is about, and its places with coordinates.

In: title, text, language, dateline and the publisher's country. Out: the tags `dateline` (with country and
coordinates), `countries`, `primary_country` and `places`. A text is read up to a bound, so the work is linear and
bounded whatever comes in.

Words that name a country (names, demonyms, seats of power) count as they stand. A city's or division's name is looked
up in the gazetteer and believed only with evidence: its size, "City, Country", its division or country named elsewhere,
the dateline, a preposition. What stands inside another name ("Paris Hilton") or occurs in lower case in the same text
is left alone. The publisher's country helps to choose between places, and is the answer only where a text names no
country.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import xxhash

from transforms.country_words import CountryWords, Kind, Word, load_country_words, load_division_words
from transforms.dateline import find_dateline
from transforms.gazetteer import CAPITAL, DIVISION, Gazetteer, Place
from transforms.schema import CountryMention, Dateline, PlaceMention
from transforms.taggers import Document, Tags
from transforms.tokens import Part, Token, is_name_like, read_body, read_title, tokenize
from transforms.wordlists import Lexicon

RULES = 1
MAX_CHARACTERS = 40_000
MAX_TITLE_CHARACTERS = 1_000
MAX_PLACES = 40
MAX_NAME_WORDS = 4
MAX_CANDIDATES = 60

# What a mention weighs for the country a story is about.
IN_TITLE, IN_LEDE, IN_TEXT, IN_DATELINE = 3.0, 2.0, 1.5, 6.0
LEDE_CHARACTERS = 400

# A place's score is the decimal logarithm of its population and what speaks for it. From 6 on it is believed.
BELIEVED = 6.0
SEAT_OF_STATE = 1.0
SAID_SO = 5.0  # "Tyler, Texas"
COUNTRY_NAMED = 1.5
DIVISION_NAMED = 1.5
PUBLISHED_THERE = 1.0
AFTER_PREPOSITION = 1.0
BELIEVED_BEFORE = 1.0
DIVISION_RATHER_THAN_CITY = -0.6
HEADLINE_POPULATION = 500_000  # where every word has a capital, only such places are believed unseen


@dataclass(slots=True)
class Mention:
    """A phrase that may name a country (`word`) or a place (`places`, `place` once decided): the tokens `first` up to
    `last`, the character offset `start`, and `rule`, why it was believed. `within` is the division or country that
    follows: "US.TX" in "Tyler, Texas"."""

    first: int
    last: int
    start: int
    surface: str
    word: Word | None
    places: tuple[int, ...]
    within: str | None = None
    place: Place | None = None
    rule: str = ""

    @property
    def code(self) -> str | None:
        """The country it stands for."""
        if self.place is not None:
            return self.place.country
        return self.word.code if self.word is not None and self.word.code else None


class Surroundings:
    """What a document as a whole says for countries and divisions, while its places are being decided."""

    def __init__(self, publisher_country: str | None) -> None:
        self.publisher_country = publisher_country
        self.countries: defaultdict[str, float] = defaultdict(float)
        self.divisions: defaultdict[str, float] = defaultdict(float)
        self.believed: set[int] = set()


class PlacesTagger:
    """The tagger "places"."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("geo", overlays, RULES)
        packed = files("transforms").joinpath("lexicons", "geo", "places.zst").read_bytes()
        self._words = load_country_words(lexicon)
        self._divisions = load_division_words(lexicon)
        self._gazetteer = Gazetteer(packed)
        self._around: dict[str, set[str]] = defaultdict(set)
        for entry in lexicon.sections("context.txt"):
            self._around[entry.section].add(entry.text)
        self.version = xxhash.xxh3_64_hexdigest(lexicon.version.encode() + packed)

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with dateline, countries, primary country and places."""
        language = (document.language or "en").split("-")[0].lower()
        words = self._words.get(language) or self._words["en"]
        title = read_title(document.title[:MAX_TITLE_CHARACTERS])
        body = read_body(document.text[:MAX_CHARACTERS])
        near = Surroundings(document.publisher_country)
        dateline = found.dateline or find_dateline(document.text)[0]
        filed = self._locate_dateline(dateline) if dateline else None
        if filed is not None:
            near.countries[filed.country] += 2.0
            near.divisions[filed.division] += 1.0
            near.believed.add(filed.index)
        mentions = self._find(body, words)
        heading = self._find(title, words)
        self._decide(body, mentions, near)
        self._decide(title, heading, near)
        if dateline is not None and filed is not None:
            dateline = dataclasses.replace(
                dateline, country=filed.country, latitude=filed.latitude, longitude=filed.longitude
            )
        countries, primary = _count_countries(heading, mentions, dateline)
        return dataclasses.replace(
            found,
            dateline=dateline,
            countries=countries,
            primary_country=primary or document.publisher_country,
            places=_count_places([*heading, *mentions]),
        )

    # -------------------------------------------------------------- finding what may be a name

    def _find(self, part: Part, words: CountryWords) -> list[Mention]:
        """The longest phrase at each word that may name a country or a place."""
        countries = self._find_countries(part, words)
        places = self._find_places(part)
        mentions: list[Mention] = []
        first = 0
        while first < len(part.tokens):
            length, word = countries.get(first, (0, None))
            size, indices = places.get(first, (0, ()))
            longest = max(length, size)
            if longest:
                start, end = part.tokens[first].start, part.tokens[first + longest - 1].end
                mentions.append(
                    Mention(
                        first=first,
                        last=first + longest,
                        start=start,
                        surface=_without_possessive(part.text[start:end]),
                        word=word if length == longest else None,
                        places=indices if size == longest else (),
                    )
                )
            first += longest or 1
        self._read_followers(part, mentions)
        return mentions

    def _find_countries(self, part: Part, words: CountryWords) -> dict[int, tuple[int, Word]]:
        found: dict[int, tuple[int, Word]] = {}
        for first, token in enumerate(part.tokens):
            if not is_name_like(token.text):
                continue
            capitals = words.capitals(token.text)
            if capitals is not None:
                found[first] = (1, capitals)
            for length in range(part.reach(first, words.longest(token.folded)), 0, -1):
                word = words.phrase(" ".join(t.folded for t in part.tokens[first : first + length]))
                if word is not None:
                    found[first] = (length, word)
                    break
        return found

    def _find_places(self, part: Part) -> dict[int, tuple[int, tuple[int, ...]]]:
        phrases: list[str] = []
        spans: list[tuple[int, int]] = []
        for first, token in enumerate(part.tokens):
            if not is_name_like(token.text):
                continue
            phrase = ""
            for length in range(1, part.reach(first, MAX_NAME_WORDS) + 1):
                last = part.tokens[first + length - 1]
                phrase = f"{phrase} {last.folded}" if phrase else last.folded
                if len(phrase) > 2 and is_name_like(last.text):
                    phrases.append(phrase)
                    spans.append((first, length))
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        for (first, length), places in zip(spans, self._gazetteer.find(phrases), strict=True):
            if places:
                found[first] = (length, places)  # the longest comes last
        return found

    def _read_followers(self, part: Part, mentions: Sequence[Mention]) -> None:
        """Read what stands after "City, " and says where it lies."""
        for number, mention in enumerate(mentions):
            if mention.last >= len(part.tokens) or part.gap(mention.last - 1) not in (", ", " (", ",", ",\n"):
                continue
            short = self._division_word(part.tokens[mention.last])
            follower = mentions[number + 1] if number + 1 < len(mentions) else None
            if short:
                mention.within = short
            elif follower is not None and follower.first == mention.last:
                mention.within = self._within(mention, follower)

    def _within(self, mention: Mention, follower: Mention) -> str | None:
        own = {self._gazetteer.place(index).division for index in mention.places}
        for index in follower.places:
            place = self._gazetteer.place(index)
            if place.kind == DIVISION and place.division in own:
                return place.division
        if follower.word is not None and follower.word.kind is Kind.NAME:
            return follower.word.code
        return None

    def _division_word(self, token: Token) -> str | None:
        bare = token.text.replace(".", "")
        return self._divisions.get(bare) or (self._divisions.get(bare.title()) if len(bare) > 2 else None)

    # -------------------------------------------------------------- deciding what it is

    def _locate_dateline(self, dateline: Dateline) -> Place | None:
        """The place of a dateline; what else stands in it ("Ala.", "Ireland") helps to choose."""
        tokens = tokenize(dateline.place or dateline.text)
        rest = tokenize(dateline.text)
        divisions = {self._division_word(token) for token in rest}
        countries = {word.code for token in rest if (word := self._words["en"].phrase(token.folded)) is not None}
        for length in range(min(5, len(tokens)), 0, -1):
            (indices,) = self._gazetteer.find([" ".join(token.folded for token in tokens[:length])])
            if indices:
                places = [self._gazetteer.place(index) for index in indices[:MAX_CANDIDATES]]
                return max(
                    places,
                    key=lambda place: (
                        (place.division in divisions) or (len(rest) > length and place.country in countries),
                        place.kind != DIVISION,
                        place.population,
                    ),
                )
        return None

    def _decide(self, part: Part, mentions: Sequence[Mention], near: Surroundings) -> None:
        """Set `place` where a mention names a place, and clear `word` where it names no country."""
        for mention in mentions:
            if mention.word is not None and mention.word.code and not mention.word.weak:
                near.countries[mention.word.code] += 1.0
            if mention.within:
                near.divisions[mention.within] += 1.0
            for place in map(self._gazetteer.place, mention.places[:1]):
                if place.kind == DIVISION:
                    near.divisions[place.division] += 0.5
                    near.countries[place.country] += 0.5
        lower = {token.text for token in part.tokens if token.text.islower()}
        for number, mention in enumerate(mentions):
            neighbours = (mentions[number - 1] if number else None, mentions[number + 1 : number + 2])
            before = neighbours[0] is not None and neighbours[0].last == mention.first and _is_something(neighbours[0])
            behind = any(other.first == mention.last and _is_something(other) for other in neighbours[1])
            if mention.word is not None:
                if self._is_country(part, mention, near, alone=not (before or behind)):
                    continue
                mention.word = None
            if mention.places and mention.surface.lower() not in lower:
                self._believe(part, mention, near, known_before=before, known_behind=behind)

    def _is_country(self, part: Part, mention: Mention, near: Surroundings, *, alone: bool) -> bool:
        """Whether a country's word stands for the country here."""
        word = mention.word
        if word is None or not word.code:
            return True  # a phrase known to mean no country: nothing else either
        behind = part.behind(mention.last)
        if behind is not None and behind.folded in self._around["currency"]:
            return False
        if word.weak:
            return near.countries[word.code] > 0
        name_too = mention.places and word.kind is Kind.NAME and mention.last - mention.first == 1
        if name_too and alone and not (part.headed or part.shouted):
            return not self._is_inside_name(part, mention, known_before=False, known_behind=False)
        return True

    def _believe(
        self, part: Part, mention: Mention, near: Surroundings, *, known_before: bool, known_behind: bool
    ) -> None:
        best, score = self._best(mention, near)
        if part.headed or part.shouted:
            big = best.population >= HEADLINE_POPULATION or best.kind == CAPITAL
            if not big and best.index not in near.believed:
                return
        elif (mention.surface.isupper() and best.index not in near.believed) or self._is_inside_name(
            part, mention, known_before=known_before, known_behind=known_behind
        ):
            return
        before = part.before(mention.first)
        if before is not None and before.folded in self._around["place follows"]:
            score += AFTER_PREPOSITION
        if best.index in near.believed:
            score += BELIEVED_BEFORE
        if score >= BELIEVED:
            mention.place, mention.rule = best, f"gazetteer {score:.1f}"
            near.believed.add(best.index)
            near.countries[best.country] += 0.5
            if best.kind != DIVISION:
                near.divisions[best.division] += 0.5

    def _best(self, mention: Mention, near: Surroundings) -> tuple[Place, float]:
        """The likeliest place of a name and its score."""

        def score(place: Place) -> float:
            points = math.log10(place.population + 10)
            if place.kind == CAPITAL:
                points += SEAT_OF_STATE
            if mention.within is not None:
                points += SAID_SO if mention.within in (place.division, place.country) else -2.0
            if near.countries[place.country]:
                points += COUNTRY_NAMED + min(1.0, near.countries[place.country] / 10)
            if place.kind == DIVISION:
                points += DIVISION_RATHER_THAN_CITY
            elif near.divisions[place.division]:
                points += DIVISION_NAMED
            if near.publisher_country == place.country:
                points += PUBLISHED_THERE
            return points

        places = [self._gazetteer.place(index) for index in mention.places[:MAX_CANDIDATES]]
        return max(((place, score(place)) for place in places), key=lambda scored: scored[1])

    def _is_inside_name(self, part: Part, mention: Mention, *, known_before: bool, known_behind: bool) -> bool:
        """Whether a capitalised word right before or behind makes it a part of another name."""
        before, behind = part.before(mention.first), part.behind(mention.last)
        if (
            before is not None
            and not known_before
            and is_name_like(before.text)
            and (before.folded in self._around["person"] or before.folded not in self._around["part of it"])
        ):
            return True
        if behind is None or known_behind:
            return False
        if behind.folded in self._around["county"]:
            return True
        return is_name_like(behind.text) and behind.folded not in self._around["its own"]


def _is_something(mention: Mention) -> bool:
    return mention.word is not None or mention.place is not None


def _without_possessive(surface: str) -> str:
    return surface[:-2] if surface.endswith(("'s", "’s", "'S", "’S")) else surface


def _count_countries(
    heading: Sequence[Mention], mentions: Sequence[Mention], dateline: Dateline | None
) -> tuple[tuple[CountryMention, ...], str | None]:
    """All countries, most mentioned first, and the one with the most weight."""
    counts: Counter[str] = Counter()
    weights: defaultdict[str, float] = defaultdict(float)
    later: Counter[str] = Counter()
    for mention in heading:
        if mention.code is not None:
            counts[mention.code] += 1
            weights[mention.code] += IN_TITLE
    for mention in mentions:
        if mention.code is not None:
            counts[mention.code] += 1
            if mention.start < LEDE_CHARACTERS:
                weights[mention.code] += IN_LEDE
            else:
                later[mention.code] += 1
    for code, times in later.items():
        weights[code] += IN_TEXT * math.sqrt(times)
    if dateline is not None and dateline.country is not None:
        counts[dateline.country] = max(1, counts[dateline.country])
        weights[dateline.country] += IN_DATELINE
    order = sorted(counts, key=lambda code: (-counts[code], -weights[code], code))
    primary = max(order, key=lambda code: weights[code], default=None)
    return tuple(CountryMention(code=code, mentions=counts[code]) for code in order), primary


def _count_places(mentions: Sequence[Mention]) -> tuple[PlaceMention, ...]:
    """The places believed, most mentioned first."""
    by_place: dict[int, list[Mention]] = {}
    for mention in mentions:
        if mention.place is not None:
            by_place.setdefault(mention.place.index, []).append(mention)
    counted = [
        PlaceMention(
            name=group[0].surface,
            country=place.country,
            geoname_id=place.geoname_id,
            latitude=place.latitude,
            longitude=place.longitude,
            mentions=len(group),
        )
        for group in by_place.values()
        if (place := group[0].place) is not None
    ]
    return tuple(sorted(counted, key=lambda place: -place.mentions)[:MAX_PLACES])
