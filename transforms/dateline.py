"""Where a report was filed from and which agency wrote it: datelines and credits, read from the text alone.

A dateline opens the first paragraph: "DUSHANBE:", "KYIV, July 5 (Reuters) -", "Berlin (dpa) -".
It is recognised by its form: few capitalised words, then an agency in brackets or a date, then a dash or colon.
Country and coordinates are the tagger's to fill in.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from transforms.lexicons import BUILT_IN, read_toml
from transforms.plain_text import key
from transforms.schema import Dateline

HEAD_CHARS = 160
MOST_PLACE_WORDS = 5
MOST_CREDIT_WORDS = 4
MOST_INITIALS = 6

_DASH = r"(?:\s?[-–—―:]{1,3}|\s?\.\s?[-–—]{1,2}|\s-)"
_DATE = (
    r"(?:,?\s(?:\(?\d{1,2}[./]?\s?[^\W\d_]{3,12}\.?(?:\s(?:de\s)?\d{4})?\)?|"
    r"[^\W\d_]{3,9}\.?\s\d{1,2}(?:,?\s\d{4})?|\d{1,2}[./]\d{1,2}[./]\d{2,4}))"
)
_CREDIT = r"(?:\s?(?:\(|\[|/(?=[^/\n]{2,40}/))\s?(?P<credit>[^()\[\]\n]{2,60}?)\s?[)\]/](?=[\s.–—-]))"
_UPPER_PLACE = r"(?P<place>[^\W\d_a-zа-яёіїєґß]{1}[^a-zа-яёіїєґ\d:()\n–—\[\]]{1,50}?)"
_ANY_PLACE = r"(?P<place>[^\W\d_a-zа-яё][^\d:()\n–—\[\]]{1,50}?)"

_WITH_CREDIT = re.compile(rf"(?P<all>{_ANY_PLACE}(?:{_DATE})?\.?{_CREDIT}(?:{_DATE})?\.?\s?(?:{_DASH}|\.))\s?")
_UPPER_DATE = re.compile(rf"(?P<all>{_UPPER_PLACE}(?:,\s[^\W\d_][^\d():\n–—]{{1,30}}?)?{_DATE}\.?{_DASH})\s?")
_UPPER = re.compile(
    rf"(?P<all>{_UPPER_PLACE}(?:,\s[^\W\d_][^\d():\n–—]{{1,30}}?)?(?:\s?[:–—]|\s[-–—]{{1,2}}|\s?\.-|\.\s[-–—]))\s"
)
_CREDIT_FIRST = re.compile(rf"(?P<all>\((?P<credit>[^()\n]{{2,30}})\)\s?[-–—]\s?{_ANY_PLACE}(?:{_DATE})?\s?[-–—])\s?")
_NO_PLACES = {
    "update", "breaking", "exclusive", "opinion", "analysis", "watch", "video", "live", "news", "photos", "note",
    "editor", "factbox", "explainer", "interview", "photo", "q", "a", "faq", "summary", "warning", "correction",
    "review", "read", "new", "just in", "the", "key points", "eilmeldung", "urgent", "última hora", "flash", "alert",
    "spoiler", "covid", "background", "context", "related", "also read", "what", "why", "how", "who", "when", "where",
    "is", "in", "it", "tl dr",
}  # fmt: skip
_AGENCY_WORDS = {
    "press", "presse", "prensa", "news", "nouvelles", "noticias", "notícias", "nachrichten", "agency", "agence",
    "agencia", "agência", "agentur", "agenzia", "ajansı", "ajans", "wire", "newswire", "service", "telegraph", "haber",
}  # fmt: skip
_TOLD = re.compile(r"\b(?:told|told the)\s([A-ZÀ-Þ][\w-]{1,20}(?:\s[A-Z][\w-]{1,20})?)")
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)\s{0,3}(?:\d{4}\s{0,3})?(?:the\s)?([\w-]{2,30}(?:\s[\w-]{2,20})?)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    name: str
    domains: tuple[str, ...]


def find_dateline(text: str) -> tuple[Dateline | None, str | None]:
    """The dateline that opens `text` (one of its first two lines), and the credit in it as printed."""
    for line in text.split("\n", 2)[:2]:
        head = line[:HEAD_CHARS]
        for pattern in (_CREDIT_FIRST, _WITH_CREDIT, _UPPER_DATE, _UPPER):
            found = pattern.match(head)
            if not found:
                continue
            place = _place(found["place"])
            credit = found.groupdict().get("credit")
            if pattern in (_UPPER_DATE, _UPPER) and not _is_printed_as_place(found["place"]):
                continue
            if place is None or (pattern is _WITH_CREDIT and not _is_credit(credit or "", found["place"])):
                continue
            return Dateline(text=found["all"].strip(), place=place), credit
    return None, None


def find_agency(
    text: str, *, credit: str | None = None, footers: Iterable[str] = (), authors: Iterable[str] = ()
) -> str | None:
    """The agency that is credited, by its usual name, None when none is.

    Evidence in this order: the dateline's credit, the byline, a footer, a closing line that is only a credit, a
    copyright mark, and "told Reuters": at least twice, or once where the text is opened by a dateline.
    """
    known = agencies()
    for evidence in (*([credit] if credit else ()), *authors):
        for part in re.split(r"[/,;&]|\sand\s", evidence[:200]):
            if agency := known.get(key(part)):
                return agency.name
    if credit and (unlisted := _unlisted_agency(credit)):
        return unlisted
    for footer in footers:
        if agency := _named_in(footer):
            return agency.name
    lines = text.rsplit("\n", 2)
    for line in lines[-2:]:
        if len(line) <= 40 and (agency := known.get(key(line))):
            return agency.name
        if len(line) <= 300 and (mark := _COPYRIGHT.search(line)):
            agency = known.get(key(mark[1])) or known.get(key(mark[1].split()[0]))
            if agency:
                return agency.name
    told: dict[str, int] = {}
    for found in _TOLD.finditer(text[:60_000]):
        agency = known.get(key(found[1])) or known.get(key(found[1].split()[0]))
        if agency:
            told[agency.name] = told.get(agency.name, 0) + 1
    name, times = max(told.items(), key=lambda item: item[1], default=("", 0))
    needed = 1 if find_dateline(text)[0] else 2
    return name if times >= needed else None


def is_agency_domain(agency_name: str, domain: str) -> bool:
    """Whether `domain` is one that the agency itself publishes at."""
    return any(
        domain == own or domain.endswith("." + own)
        for agency in agencies().values()
        if agency.name == agency_name
        for own in agency.domains
    )


@cache
def agencies() -> dict[str, Agency]:
    """The agencies of `lexicons/agencies.toml` by the key of each way to write them."""
    known: dict[str, Agency] = {}
    for row in read_toml(BUILT_IN / "agencies.toml")["agency"]:
        agency = Agency(name=row["name"], domains=tuple(row["domains"]))
        for alias in (row["name"], *row["aliases"]):
            known[key(alias)] = agency
    return known


def _place(text: str) -> str | None:
    place = text.strip(" ,.-–—/")
    words = key(place).split()
    blocked = words and (key(place) in _NO_PLACES or (words[0] in _NO_PLACES and words[0] not in ("new", "the")))
    if not words or len(words) > 6 or len(place) < 3 or blocked:
        return None
    place = place.split(",")[0].strip()
    return place.title() if place.isupper() else place


def _is_printed_as_place(text: str) -> bool:
    """Whether it is in capitals, in a script that has them, and no name of a web site."""
    return text.isupper() and not re.search(r"\.[A-Z]{2,4}\b", text)


def _is_credit(credit: str, place: str) -> bool:
    """Whether the brackets after `place` hold an agency or a country, not a remark.

    Known agencies and initials may follow any place; names nobody has listed only a place in capitals, which is how
    agencies print it.
    """
    if not credit or len(place.split()) > MOST_PLACE_WORDS:
        return False
    parts = [key(part) for part in re.split(r"[/,]", credit)]
    if any(part in agencies() for part in parts) or (credit.isupper() and len(credit) <= MOST_INITIALS):
        return True
    names = [word for word in credit.split() if len(word) > 3]
    return place.isupper() and len(credit.split()) <= MOST_CREDIT_WORDS and all(name[0].isupper() for name in names)


def _unlisted_agency(credit: str) -> str | None:
    """The name of an agency that the lexicon does not know, as a dateline's brackets print it: "Meridian Press"."""
    words = key(credit).split()
    return credit.strip() if len(words) > 1 and _AGENCY_WORDS & set(words) else None


def _named_in(text: str) -> Agency | None:
    """The first agency named in `text`: by a name of five letters or more, or by capitals such as AFP."""
    words = re.findall(r"[\w-]+", text[:600])
    for n, word in enumerate(words):
        for size in (3, 2, 1):
            phrase = " ".join(words[n : n + size])
            agency = agencies().get(key(phrase))
            if agency and (len(phrase) >= 5 or word.isupper()) and word[0].isupper():
                return agency
    return None
