"""When a page says it was published: every candidate read, then weighed against the others.

A structured date is not believed blindly: a template prints today's date into its metadata, a relaunch stamps the
archive. The URL, the feed and the date printed beside the headline were made with the article, so a structured date
that stands alone against them loses. A candidate that names the zone and the minute wins over one that agrees with it
but does not.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice, takewhile

import htmldate
from lxml import etree
from lxml.html import HtmlElement

from transforms.dates import EARLIEST, FUTURE_TOLERANCE, Precision, parse_date
from transforms.page_tree import around_headline
from transforms.plain_text import without_control

AGREEMENT = timedelta(hours=36)  # as far as a zone left out or a day without a time can move an instant
SAME = timedelta(seconds=60)
WIDEST_OFFSET = timedelta(hours=14)
ZONES_APART = timedelta(minutes=30)
REPUBLISHED = timedelta(days=60)
MAX_TIME_ELEMENTS = 200
MAX_ELEMENTS = 20_000
MAX_SEARCHED_ELEMENTS = 3_000

_RANK = ("json-ld", "meta", "time-element", "feed", "url", "text")
_SEEN = ("time-element", "url", "text")
_WITNESS = {"json-ld": "markup", "meta": "markup"}  # one system writes both
_PRECISIONS: tuple[Precision, ...] = ("second", "minute", "day")

_URL_DAY = re.compile(r"(?:^|[/_-])((?:19|20)\d\d)([/_-]?)([01]\d)\2([0-3]\d)(?=[/_.-]|$)")
_URL_SLASHED = re.compile(r"/((?:19|20)\d\d)/(\d{1,2})/(\d{1,2})(?=[/_.-]|$)")
_URL_REVERSED = re.compile(r"(?:^|[/_-])(\d{1,2})-(\d{1,2})-((?:19|20)\d\d)(?=[/_.-]|$)")
_ZONED = re.compile(r"\d[:h]\d\d.{0,20}?(?:Z|[+-]\d{2}:?\d{2}|\b(?:GMT|UTC|UT|[A-Z]{1,3}T))\W*$")
_OFFSET = re.compile(r"\d:\d\d.{0,12}([+-])(\d{2}):?(\d{2})\W*$")
MAX_CALL_CHARS = 200
_CALL_WITH_DATE = re.compile(
    r"""[\w.$]{1,40}\((?:[\w.$]{1,40}\()?\s*["'](\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?)"""
    r"""[^"'<>]{0,40}["'][^;{}]{0,80}\)\s*;?"""
)
_YEAR = re.compile(r"(?:19|20)\d\d|\d[./]\d{1,2}[./]\d\d\b")
_DATE_MARK = re.compile(
    r"date|time|publi|posted|datum|fecha|byline|meta|stamp|created|zeit|veroeff|data", re.IGNORECASE
)
_ASIDE_MARK = re.compile(
    r"aside|comment|footer|copyright|related|sidebar|archiv|calendar|widget|updat|modif|event", re.IGNORECASE
)
_NOT_TEXT = {"script", "style", "option", "title", "time", "noscript"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DateCandidate:
    """A date of publication that one source gives. `source` is one of json-ld, meta, feed, time-element, url, text."""

    raw: str
    source: str
    at: datetime
    precision: Precision
    is_strong: bool = False  # of a visible date: it stands beside the headline and is marked as a date
    is_vague: bool = False  # of a meta tag: it may as well be the date of the last change

    @property
    def day(self) -> date:
        """The day as printed, in whatever zone."""
        return (self.at + printed_offset(self.raw)).date()


def candidate(raw: str | None, source: str, latest: datetime) -> DateCandidate | None:
    """`raw` as a candidate, None when it is no plausible date."""
    if not raw or not (found := parse_date(raw, latest=latest)):
        return None
    return DateCandidate(raw=without_control(raw[:1_000]).strip()[:120], source=source, at=found[0], precision=found[1])


def printed_offset(raw: str) -> timedelta:
    """The offset from UTC that ends `raw` in digits, zero when none does."""
    found = _OFFSET.search(raw)
    return timedelta(minutes=int(f"{found[1]}1") * (60 * int(found[2]) + int(found[3]))) if found else timedelta()


def latest_plausible(fetched_at: datetime) -> datetime:
    """Nothing is from the future: the last instant that a page fetched at `fetched_at` may name."""
    return fetched_at + FUTURE_TOLERANCE


def date_in_url(url: str, latest: datetime) -> DateCandidate | None:
    """The day that the path of `url` names, None when it names none."""
    path = url.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0][:1_000]
    for found in _URL_DAY.finditer(path):
        if result := candidate(f"{found[1]}-{found[3]}-{found[4]}", "url", latest):
            return result
    for pattern in (_URL_SLASHED, _URL_REVERSED):
        for found in pattern.finditer(path):
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
        marks = f"{element.get('itemprop', '')} {element.get('class', '')}".lower()
        if raw and "modif" not in marks and "updat" not in marks:
            found.append((raw, "publish" in marks or "pubdate" in marks or element.get("pubdate") is not None))
    return found


def visible_date(tree: HtmlElement, latest: datetime, *, anywhere: bool = True) -> DateCandidate | None:
    """The date a reader sees: the short line that reads as a date and is best placed, None when there is none.

    Best placed is by the headline, in an element marked as a date, and not in a sidebar, footer or comment. Unless
    `anywhere`, only the elements around the headline are looked at.
    """
    everything = islice(tree.iter(), MAX_ELEMENTS if anywhere else 0)
    near, page = around_headline(tree)
    for elements, bonus in ((near, 2), (everything, 0)):
        scored = list(_dated_lines(elements, bonus, latest, page))
        score, _, best = max(scored, key=lambda item: item[:2], default=(-1, 0, None))
        if best is not None and score >= 2 * (bonus > 0):
            return best
    return None


def searched_date(tree: HtmlElement, url: str, latest: datetime) -> DateCandidate | None:
    """The last resort: htmldate's search of the whole document (https://github.com/adbar/htmldate)."""
    if sum(1 for _ in islice(tree.iter(), MAX_SEARCHED_ELEMENTS + 1)) > MAX_SEARCHED_ELEMENTS:
        return None  # it reads the document dozens of times
    try:
        day = htmldate.find_date(
            tree,
            extensive_search=False,
            original_date=True,
            url=url,
            min_date=EARLIEST.date().isoformat(),
            max_date=latest.date().isoformat(),
        )
    except Exception:
        return None
    if day and day.endswith("-01") and not _is_printed(date.fromisoformat(day), tree):
        return None
    return candidate(day, "text", latest)


def _is_printed(first: date, tree: HtmlElement) -> bool:
    """Whether the first of a month stands somewhere: the search also gives it for a page that names the month alone, or
    another day of it that it won't believe."""
    year, month = rf"(?:{first.year}|{first.year % 100:02})(?!\d)", rf"0?{first.month}"
    printed = (
        rf"{first.year}[-/.]?{month}[-/.]?0?1(?!\d)|(?<!\d)(?:0?1[-/.]{month}|{month}[-/.]0?1)[-/.]{year}"
        rf"|(?<!\d)0?1(?:st|er|\.|º)?\s(?:de\s)?[^\W\d_]{{3,12}}\.?,?\s(?:de\s)?{year}"  # 1 March 2026
        rf"|[^\W\d_]{{3,12}}\.?\s0?1(?:st)?,?\s{year}"  # March 1, 2026
    )
    return re.search(printed, etree.tostring(tree, encoding="unicode")) is not None


def warm_up() -> None:
    """Have htmldate load its parsers now, not at the first page without a date."""
    htmldate.find_date("<html><body><p>Printed on the 3rd of march, twenty past nine</p></body></html>")


def weigh(candidates: Sequence[DateCandidate]) -> DateCandidate | None:
    """The candidate to believe, None when there is none."""
    if not candidates:
        return None
    ranked = sorted(candidates, key=lambda c: _RANK.index(c.source))
    best = max(ranked, key=lambda c: (_support(c, ranked), -_RANK.index(c.source)))
    url = next((c for c in ranked if c.source == "url"), None)
    feed = next((c for c in ranked if c.source == "feed"), None)
    if url and best.at - url.at > REPUBLISHED and not (feed and _agree(feed, best)):
        best = url
    agreeing = [c for c in ranked if _agree(c, best)]
    exact = min(
        agreeing, key=lambda c: (not _ZONED.search(c.raw), _PRECISIONS.index(c.precision), _RANK.index(c.source))
    )
    if exact.is_vague and (earlier := [c for c in agreeing if not c.is_vague and c.day < exact.day]):
        return earlier[0]
    return _as_seen(exact, ranked)


def _as_seen(exact: DateCandidate, others: Sequence[DateCandidate]) -> DateCandidate:
    """The print of the instant `exact` that a reader's clock and calendar agree with: one that names the day which
    stands on the page or in the URL, or that has the publisher's own offset; else the time on the page where it is the
    same but for the hours between its unnamed zone and UTC."""
    seen = [c for c in others if c.source in _SEEN]
    same = [c for c in others if abs(c.at - exact.at) <= SAME and c.precision != "day"]
    days = {c.day for c in seen}
    offset = [c for c in same if printed_offset(c.raw)]
    if named := [c for c in (*offset, *same) if c.day in days and _ZONED.search(c.raw)]:
        return named[0]
    local = [c for c in seen if c.precision != "day" and not _ZONED.search(c.raw) and _is_local(c.at - exact.at)]
    return next(iter(offset or [replace(c, at=exact.at) for c in local]), exact)


def _is_local(difference: timedelta) -> bool:
    """Whether two readings of a clock are as far apart as two zones are."""
    return SAME < abs(difference) <= WIDEST_OFFSET and (difference + SAME) % ZONES_APART <= 2 * SAME


def _support(candidate: DateCandidate, others: Sequence[DateCandidate]) -> int:
    """How many kinds of witness agree with `candidate`; a date beside the headline counts for two."""
    agreeing = [other for other in others if _agree(other, candidate)]
    return len({_WITNESS.get(other.source, other.source) for other in agreeing}) + any(c.is_strong for c in agreeing)


def _agree(a: DateCandidate, b: DateCandidate) -> bool:
    return abs(a.at - b.at) <= AGREEMENT


def _dated_lines(
    elements: Iterable[HtmlElement], bonus: int, latest: datetime, page: Container[HtmlElement]
) -> Iterator[tuple[int, int, DateCandidate]]:
    """Short texts that are a date, with their score and their place, counted backwards."""
    for place, element in enumerate(elements):
        if element.tag == "script":
            holders = [(element.getparent(), _written_by(element.text))]
        else:
            holders = [] if element.tag in _NOT_TEXT else [(element, element.text)]
        for holder, text in (*holders, (element.getparent(), element.tail)):
            if holder is None or not text or len(text) > 400 or not _YEAR.search(text):
                continue
            line = " ".join(text.split())
            if 6 <= len(line) <= 80 and (found := candidate(line, "text", latest)):
                score = bonus + _place_score(holder, line, page)
                yield score, -place, replace(found, is_strong=score >= 5)


def _written_by(script: str | None) -> str | None:
    """The date that a script of one call prints where it stands, as `showDate("2026/03/01 08:30:00")`."""
    found = _CALL_WITH_DATE.fullmatch(script.strip()) if script and len(script) <= MAX_CALL_CHARS else None
    return found[1] if found else None


def _place_score(holder: HtmlElement, line: str, page: Container[HtmlElement]) -> int:
    near = [holder, *islice(holder.iterancestors(), 8)]
    marks = " ".join(f"{element.get('class', '')} {element.get('id', '')}" for element in near[:3])
    within = takewhile(lambda element: element not in page, near)
    wider = " ".join(f"{element.tag} {element.get('class', '')} {element.get('id', '')}" for element in within)
    return 2 * bool(_DATE_MARK.search(marks)) - 3 * bool(_ASIDE_MARK.search(wider)) + (len(line) < 40)
