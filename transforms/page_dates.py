"""When a page says it was published and changed: every candidate read, then weighed against the others.

A structured date is not believed blindly. A template prints today's date in its metadata, a relaunch stamps the
archive; the URL, the feed and the visible date were written when the article was. So a candidate that stands against
two agreeing others loses, whatever its rank.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml.html import HtmlElement

from transforms.dates import FUTURE_TOLERANCE, Precision, parse_date

_URL_DAY = re.compile(r"(?:^|[/_-])((?:19|20)\d\d)[/_-]?([01]\d)[/_-]?([0-3]\d)(?=[/_.-]|$)")
_URL_MONTH = re.compile(r"/((?:19|20)\d\d)/([01]\d)/")
_RANK = ("json-ld", "meta", "time-element", "feed", "url", "text")
MAX_TIME_ELEMENTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DateCandidate:
    """A date of publication that one source gives. `source` is one of json-ld, meta, feed, time-element, url, text."""

    raw: str
    source: str
    at: datetime
    precision: Precision

    @property
    def day(self) -> datetime:
        return self.at.replace(hour=0, minute=0, second=0, microsecond=0)


def candidate(raw: str | None, source: str, latest: datetime) -> DateCandidate | None:
    """`raw` as a candidate, None when it is no plausible date."""
    if not raw or not (found := parse_date(raw, latest=latest)):
        return None
    return DateCandidate(raw=raw.strip()[:120], source=source, at=found[0], precision=found[1])


def latest_plausible(fetched_at: datetime) -> datetime:
    """Nothing is from the future: the last instant a page fetched at `fetched_at` may name."""
    return fetched_at + FUTURE_TOLERANCE


def date_in_url(url: str, latest: datetime) -> DateCandidate | None:
    """The day that the path of `url` names, None when it names none."""
    path = url.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0][:1_000]
    for found in _URL_DAY.finditer(path):
        if result := candidate("-".join(found.groups()), "url", latest):
            return result
    return None


def time_elements(tree: HtmlElement) -> list[tuple[str, bool]]:
    """Dates of `time` elements in document order, and whether the element is marked as the date of publication."""
    found = []
    for count, element in enumerate(tree.iter("time")):
        if count >= MAX_TIME_ELEMENTS:
            break
        raw = (element.get("datetime") or element.get("content") or "".join(element.itertext())[:200]).strip()
        if not raw:
            continue
        marks = f"{element.get('itemprop', '')} {element.get('class', '')} {element.get('pubdate', '')}".lower()
        is_change = "modif" in marks or "updat" in marks
        if not is_change:
            found.append((raw, "publish" in marks or "pubdate" in marks or element.get("pubdate") is not None))
    return found


def weigh(candidates: list[DateCandidate]) -> DateCandidate | None:
    """The candidate to believe: the highest ranked one that most others support, None when there is none.

    Two candidates support each other when their instants are at most 36 hours apart (zones left out move a date by
    that much at most).
    """
    if not candidates:
        return None
    ranked = sorted(candidates, key=lambda c: _RANK.index(c.source))
    best = ranked[0]
    votes = {id(c): {d.source for d in ranked if abs(d.at - c.at) <= timedelta(hours=36)} for c in ranked}
    for other in ranked[1:]:
        if len(votes[id(other)]) > len(votes[id(best)]):
            best = other
    return best


def midnight(day: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
