"""Where a story takes place: the countries it names, the one it is about, and its places with coordinates.

In: title, text, language, dateline and the publisher's country. Out: the tags `dateline` (with country and
coordinates), `countries`, `primary_country` and `places`. A text is read up to a bound, so the work is linear and
bounded whatever comes in.

Words that name a country (names, demonyms, seats of power) count as they stand (`country_words`). A city's or
division's name is looked up (`gazetteer`, `mentions`) and believed only with evidence (`place_judge`). What a text says
of a country without naming it ("the sheriff") and the publisher's country help to choose between places; where a text
names no country at all they are the last resort.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from transforms.country_words import load_country_words, load_cues, load_division_words
from transforms.dateline import find_dateline
from transforms.gazetteer import REGION, Gazetteer, Place
from transforms.lexicons import BUILT_IN
from transforms.mentions import Mention, MentionFinder
from transforms.passing import find_passing
from transforms.place_judge import PlaceJudge
from transforms.schema import CountryMention, Dateline, PlaceMention
from transforms.surroundings import Surroundings
from transforms.taggers import Document, Evidence, Tags
from transforms.tokens import Part, fold_name, read
from transforms.wordlists import Lexicon

RULES = 3
MAX_PLACES = 40
MAX_DATELINE_WORDS = 5
_JOINING = frozenset(("and", "und", "et", "y", "e", "dpa", "afp", "reuters", "efe", "ap"))  # behind a place in capitals

# What a mention weighs for the country a story is about. Mentions of the text count by the square root of their
# number: a story that comes back to its neighbour ten times is still about where it began.
IN_TITLE, IN_LEDE, IN_TEXT, IN_DATELINE, COMES_FIRST = 3.0, 3.0, 2.0, 4.0, 1.0
LEDE_CHARACTERS = 600
CUES_NEEDED = 2  # different cues before a text that names no country is given one


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read out of a document: the mentions of its title and text, believed or not, its dateline, cues of its
    country, and the countries it names in passing."""

    title: list[Mention]
    body: list[Mention]
    dateline: Dateline | None
    cues: dict[str, set[str]]
    passing: set[str]


class PlacesTagger:
    """The tagger "places"."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("geo", overlays, RULES)
        packed = (BUILT_IN / "geo" / "places.zst").read_bytes()
        self._gazetteer = Gazetteer(packed, _regions(lexicon))
        self._countries, countries_version = load_country_words(tuple(overlays))
        self._cues = load_cues(lexicon)
        self._homes = {language: code for language, code, *_ in lexicon.table("homes.tsv")}
        self._finder = MentionFinder(self._gazetteer, load_division_words(lexicon))
        self._judge = PlaceJudge(self._gazetteer, lexicon)
        self.version = xxhash.xxh3_64_hexdigest(f"{lexicon.version} {countries_version}".encode() + packed)

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with dateline, countries, primary country and places."""
        reading = self._read(document, found.dateline)
        countries, primary = _count_countries(reading)
        return dataclasses.replace(
            found,
            dateline=reading.dateline,
            countries=countries,
            primary_country=primary or document.publisher_country,
            places=_count_places([*reading.title, *reading.body]),
        )

    def explain(self, document: Document, found: Tags | None = None) -> list[Evidence]:
        """The mentions behind the tags, in order: what was read as which country or place, where, and by which rule."""
        reading = self._read(document, document.dateline)
        counted = {country.code for country in _count_countries(reading)[0]}
        evidence = []
        if reading.dateline is not None and reading.dateline.country is not None:
            dateline = reading.dateline
            evidence.append(
                Evidence(
                    tag=f"country {dateline.country}", surface=dateline.text, part="dateline", start=0, rule="dateline"
                )
            )
        for part, mentions in (("title", reading.title), ("text", reading.body)):
            for mention in mentions:
                for tag in _tags_of(mention, counted):
                    evidence.append(
                        Evidence(tag=tag, surface=mention.surface, part=part, start=mention.start, rule=mention.rule)
                    )
        return evidence

    def _read(self, document: Document, dateline: Dateline | None) -> Reading:
        language = document.subtag or "en"
        words = self._countries.words(language)
        title, body = document.head, document.body
        mentions, heading = self._finder.find(body, words), self._finder.find(title, words)
        near = Surroundings(language, document.publisher_country)
        cues = self._cues[language].find(body) if language in self._cues else {}
        for country, found in cues.items():
            near.cue(country, len(found))
        if language in self._homes:
            near.cue(self._homes[language])
        self._judge.weigh(body, mentions, near)
        self._judge.weigh(title, heading, near)
        self._judge.meet([*mentions, *heading], near)
        dateline = dateline or find_dateline(_after_title(document))[0]
        if dateline is not None:
            dateline = self._locate(dateline, near)
        self._judge.decide(body, mentions, near)
        self._judge.decide(title, heading, near, body)
        passing = find_passing(body, heading, mentions, language, self._judge.around)
        return Reading(heading, mentions, dateline, cues, passing)

    def _locate(self, dateline: Dateline, near: Surroundings) -> Dateline:
        """The dateline with country and coordinates; what else stands in it ("Ala.", "Ireland") helps to choose."""
        dateline = dataclasses.replace(dateline, country=None, latitude=None, longitude=None)
        printed = read(dateline.place or dateline.text)
        mentions = self._finder.find(read(dateline.text), self._countries.words("en"))
        within = mentions[0].within if mentions else None
        for length in range(min(MAX_DATELINE_WORDS, len(printed)), 0, -1):
            if dateline.place and self._goes_on(printed, length):
                continue
            name = " ".join(printed.folded[:length])
            place = self._judge.locate(name, within, near)
            if place is not None:
                near.filed_from(name, place)
                return dataclasses.replace(
                    dateline, country=place.country or None, latitude=place.latitude, longitude=place.longitude
                )
        return dateline if within is None else dataclasses.replace(dateline, country=within.split(".")[0])

    def _goes_on(self, printed: Part, length: int) -> bool:
        """Whether a dateline's place has more words that belong to its name: "Port" of "Port Ellan", an unknown place,
        but not "Portland" of "Portland and Seattle" or "Delhi" of "Delhi India"."""
        if length >= len(printed) or printed.gaps[length - 1] not in (" ", "-"):
            return False
        rest = " ".join(printed.folded[length:])
        if printed.words[length].islower() or printed.folded[length] in _JOINING:
            return False
        return self._countries.words("en").phrase(rest) is None and self._finder.division(printed.token(length)) is None


def _after_title(document: Document) -> str:
    """The text without the headline that some pages print again in front of it."""
    title, text = document.title.strip(), document.text
    return text[len(title) :].lstrip(" .\n\t") if title and text.startswith(title) else text


def _regions(lexicon: Lexicon) -> list[tuple[Place, list[str]]]:
    """Own places with their folded names."""
    regions = []
    for name, country, latitude, longitude, *others in lexicon.table("regions.tsv"):
        place = Place(
            index=0,
            name=name,
            country=country,
            division="",
            kind=REGION,
            population=0,
            fame=0,
            latitude=float(latitude),
            longitude=float(longitude),
            geoname_id=None,
        )
        names = [name, *(other for cell in others for other in cell.split(","))]
        regions.append((place, [fold_name(each) for each in names]))
    return regions


def _tags_of(mention: Mention, counted: set[str]) -> list[str]:
    tags = [f"country {mention.code}"] if mention.code in counted else []
    return [*tags, f"place {mention.place.name}"] if mention.place is not None else tags


def _count_countries(reading: Reading) -> tuple[tuple[CountryMention, ...], str | None]:
    """The countries, most mentioned first, and the one with the most weight: all but those named in passing beside
    others. Where a text names none, its cues count as mentions if enough of them tell of one country."""
    in_title = [mention.code for mention in reading.title if mention.code is not None]
    in_text = [(mention.code, mention.start) for mention in reading.body if mention.code is not None]
    counts = Counter([*in_title, *(code for code, _ in in_text)])
    weights: defaultdict[str, float] = defaultdict(float)
    for code in in_title:
        weights[code] += IN_TITLE
    for code in dict.fromkeys(code for code, _ in in_text):
        starts = [start for named, start in in_text if named == code]
        early = sum(start < LEDE_CHARACTERS for start in starts)
        weights[code] += IN_LEDE * math.sqrt(early) + IN_TEXT * math.sqrt(len(starts) - early)
    if in_text:
        weights[in_text[0][0]] += COMES_FIRST
    filed_from = reading.dateline.country if reading.dateline is not None else None
    if filed_from is not None:
        counts[filed_from] = max(1, counts[filed_from])
        weights[filed_from] += IN_DATELINE
    passing = reading.passing - {filed_from}
    if not passing.issuperset(counts):
        counts = Counter({code: times for code, times in counts.items() if code not in passing})
    if not counts:
        counts.update(_at_home(reading.cues))
    order = sorted(counts, key=lambda code: (-counts[code], -weights[code], code))
    primary = max(order, key=lambda code: weights[code], default=None)
    return tuple(CountryMention(code=code, mentions=counts[code]) for code in order), primary


def _at_home(cues: dict[str, set[str]]) -> dict[str, int]:
    """The country that cues tell of, with their number, if they clearly tell of one; else nothing."""
    numbers = sorted(((len(found), code) for code, found in cues.items()), reverse=True)
    second = numbers[1][0] if len(numbers) > 1 else 0
    clear = bool(numbers) and numbers[0][0] >= CUES_NEEDED and numbers[0][0] > 2 * second
    return {numbers[0][1]: numbers[0][0]} if clear else {}


def _printed_name(group: Sequence[Mention]) -> str:
    """A place's name as the text prints it, but neither in capitals nor abbreviated."""
    if all(mention.name for mention in group):
        return group[0].name
    surface = next((m.surface for m in group if not (m.name or m.surface.isupper())), group[0].surface)
    return surface.title() if surface.isupper() and len(surface) > 3 else surface


def _count_places(mentions: Sequence[Mention]) -> tuple[PlaceMention, ...]:
    """The places believed, most mentioned first."""
    by_place: dict[int, list[Mention]] = {}
    for mention in mentions:
        if mention.place is not None:
            by_place.setdefault(mention.place.index, []).append(mention)
    counted = [
        PlaceMention(
            name=_printed_name(group),
            country=place.country or None,
            geoname_id=place.geoname_id,
            latitude=place.latitude,
            longitude=place.longitude,
            mentions=len(group),
        )
        for group in by_place.values()
        if (place := group[0].place) is not None
    ]
    return tuple(sorted(counted, key=lambda place: -place.mentions)[:MAX_PLACES])
