"""Dates as publishers print them, to instants: feeds, meta tags and visible text all come through here.

Read are ISO 8601, RFC 822 with the zones seen in the wild, `ctime` and JavaScript forms, dates in words in over
twenty languages, dotted and CJK dates, Unix seconds and milliseconds. A date that can mean two days (01/02/2024) is
unknown: no date is better than a wrong one. Every pattern is bounded, and only the first characters are looked at.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

Precision = Literal["second", "minute", "day"]

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(days=1)  # clocks and zones are wrong by hours, seldom by days
MAX_CHARS = 120

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt\s,]\s?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|z|[+-]\d{1,2}(?::?\d{2})?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{4})?)?")
_EPOCH = re.compile(r"(\d{10})(\d{3})?(?:\.\d{1,6})?")
_ASIDE = re.compile(r"\([^()]{0,60}\)|\[[^\[\]]{0,60}\]")
_TIME = re.compile(
    r"(?<![\d:.+-])(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?![\d:])(?:\s?([ap])\.?m\b\.?)?", re.IGNORECASE
)
_HOUR_ONLY = re.compile(r"(?<![\d:.+-])(\d{1,2})\s?([ap])\.?m\b\.?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:(?:GMT|UTC?|Z)\s?)?([+-])\s?(\d{1,2})(?::?(\d{2}))?(?!\d)", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})(?:\s?[年년.]\s?|/|-)(\d{1,2})(?:\s?[月월.]\s?|/|-)(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})(?!\d)")
_YEAR_SHORT = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{2})(?![\d.])")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")

# Offsets in minutes. Where a name has several meanings, the one most feeds use (IST is India's, CST and BST the
# United States' and Britain's). A name not listed counts as no zone.
_ZONES = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MEZ": 60, "WAT": 60,
    "CEST": 120, "MESZ": 120, "EET": 120, "SAST": 120, "CAT": 120, "EEST": 180, "MSK": 180, "EAT": 180, "TRT": 180,
    "AST": -240, "ADT": -180, "GST": 240, "PKT": 300, "IST": 330, "NPT": 345, "ICT": 420, "WIB": 420, "WITA": 480,
    "SGT": 480, "HKT": 480, "PHT": 480, "AWST": 480, "WIT": 540, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "NST": -210, "NDT": -150, "BRT": -180, "ART": -180,
    "CLT": -240, "CLST": -180, "EST": -300, "EDT": -240, "PET": -300, "CST": -360, "CDT": -300, "MST": -420,
    "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600,
}  # fmt: skip
_UNITED_STATES = {"ET": -300, "CT": -360, "MT": -420, "PT": -480}  # standard time; summer time by the date
_UPPER_WORD = re.compile(r"(?<![^\W\d_])[A-Z]{1,4}(?![^\W\d_])")

_MONTH_NAMES = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "jänner feber märz april mai juni juli august september oktober november december",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "jan fev mrz abr mei jun jul ago set okt nov dez",
    "ene feb mär apr mag giu lug aug sep ott nov dic",
)
# Names that count in full only: their first letters mean another month elsewhere.
_FULL_MONTH_NAMES = (
    "januar februar marts april maj juni juli august september oktober november desember",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "január február március április május június július augusztus szeptember október november december",
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
    " marraskuuta joulukuuta",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου"
    " νοεμβρίου δεκεμβρίου",
    "януари февруари март април май юни юли август септември октомври ноември декември",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "جانفي فيفري مارس افريل ماي جوان جويلية أوت سبتمبر اكتوبر نوفمبر ديسمبر",
)


def _months() -> dict[str, int]:
    """Each name, and its first three letters where they mean one month only."""
    full = {name: n for names in _FULL_MONTH_NAMES for n, name in enumerate(names.casefold().split(), 1)}
    months = {name: n for names in _MONTH_NAMES for n, name in enumerate(names.split(), 1)}
    short: dict[str, set[int]] = {}
    for name, n in months.items():
        short.setdefault(name[:3], set()).add(n)
    return full | {prefix: min(meant) for prefix, meant in short.items() if len(meant) == 1} | months


_MONTHS = _months()


def parse_date(raw: str, *, latest: datetime) -> tuple[datetime, Precision] | None:
    """The instant that `raw` names, in UTC, and how exactly it names it; None when that is not certain or implausible.

    Plausible is 1990 up to `latest`, which callers set to the time of the fetch plus `FUTURE_TOLERANCE`. A time
    without a zone is read as UTC; a date without a time is that day 00:00 UTC with precision "day". Never raises.
    """
    text = " ".join(raw[:MAX_CHARS].replace("−", "-").split())
    try:
        found = _iso(text) or _epoch(text) or _words(text)
    except (ValueError, OverflowError):  # 30 February, 25 o'clock
        return None
    return found if found and EARLIEST <= found[0] <= latest else None


def looks_like_a_date(line: str) -> bool:
    """Whether `line` is a date, perhaps with a time and a word such as "updated", and nothing else."""
    text = " ".join(line.split())
    words = [word for word in _WORD.findall(text.casefold()) if len(word) > 2 and word not in _MONTHS]
    if len(text) > MAX_CHARS or len(words) > 3 or not any(c.isdigit() for c in text):
        return False
    try:
        return bool(_iso(text) or _words(text))
    except (ValueError, OverflowError):
        return False


def _iso(text: str) -> tuple[datetime, Precision] | None:
    match = _ISO.fullmatch(_ASIDE.sub("", text).strip()) or _COMPACT.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    if not EARLIEST.year <= int(year) < 2200:  # ten digits may be Unix seconds
        return None
    return _instant((int(year), int(month), int(day)), (hour, minute, second, None), _offset(zone) if zone else 0)


def _epoch(text: str) -> tuple[datetime, Precision] | None:
    match = _EPOCH.fullmatch(text)
    return (datetime.fromtimestamp(int(match[1]), UTC), "second") if match else None


def _words(text: str) -> tuple[datetime, Precision] | None:
    text = _ASIDE.sub(" ", text)
    time: tuple[str | None, str | None, str | None, str | None] = (None, None, None, None)
    zone = ""
    if match := _TIME.search(text):
        time = (match[1], match[2], match[3], match[4])
    elif match := _HOUR_ONLY.search(text):
        time = (match[1], "00", None, match[2])
    if match:
        before, after = text[: match.start()], text[match.end() :]
        if offset := _OFFSET.match(after.lstrip()):
            zone, after = offset[0], after.lstrip()[offset.end() :]
        elif name := next((m for m in _UPPER_WORD.finditer(after) if m[0] in _ZONES | _UNITED_STATES), None):
            zone = name[0]
        text = f"{before} {after}"
    date = _date(text)
    if date is None:
        return None
    minutes = _united_states(date, zone) if zone in _UNITED_STATES else _offset(zone)
    return _instant(date, time, minutes)


def _date(text: str) -> tuple[int, int, int] | None:
    if match := _YEAR_FIRST.search(text):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _YEAR_LAST.search(text):
        return _day_and_month(int(match[1]), int(match[3]), int(match[4]), dotted=match[2] == ".")
    if match := _YEAR_SHORT.search(text):
        return int(_full_year(match[3])), int(match[2]), int(match[1])
    named = [_MONTHS[word] for word in _WORD.findall(text.casefold()) if word in _MONTHS]
    numbers = _NUMBER.findall(text)
    if not named or len(numbers) != 2:
        return None
    day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else numbers
    return int(_full_year(year)), named[-1], int(day)  # the last: "mar" before it is a Tuesday


def _full_year(year: str) -> str:
    return year if len(year) != 2 else f"19{year}" if int(year) >= 50 else f"20{year}"


def _day_and_month(first: int, second: int, year: int, *, dotted: bool) -> tuple[int, int, int] | None:
    """Dots are day first everywhere; slashes and hyphens only where the other reading is no date."""
    if dotted or first > 12 or first == second:
        return year, second, first
    return (year, first, second) if second > 12 else None


def _instant(
    date: tuple[int, int, int], time: tuple[str | None, str | None, str | None, str | None], offset_minutes: int
) -> tuple[datetime, Precision]:
    hour, minute, second, half = time
    if hour is None or minute is None:
        return datetime(*date, tzinfo=UTC), "day"
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    zone = timezone(timedelta(minutes=offset_minutes))
    at = datetime(*date, hours, int(minute), min(int(second or 0), 59), tzinfo=zone).astimezone(UTC)
    return at, "second" if second else "minute"


def _offset(zone: str) -> int:
    """Minutes east of UTC of "+0200", "GMT+2", "EST" ...; 0 for none and for unknown names."""
    if match := _OFFSET.fullmatch(zone):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return -minutes if match[1] == "-" else minutes
    return _ZONES.get(zone.upper(), 0)


def _united_states(date: tuple[int, int, int], zone: str) -> int:
    """ET, CT, MT, PT: an hour more from March's second Sunday to November's first (Energy Policy Act of 2005)."""
    year = date[0]
    march, november = datetime(year, 3, 8, tzinfo=UTC), datetime(year, 11, 1, tzinfo=UTC)
    starts, ends = (day + timedelta(days=6 - day.weekday()) for day in (march, november))
    summer = starts <= datetime(*date, tzinfo=UTC) < ends
    return _UNITED_STATES[zone] + 60 * summer
