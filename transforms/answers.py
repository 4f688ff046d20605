"""What servers answer, as the rest of the program sees it: an answer, the hops to it, and what headers ask for."""

import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from multidict import CIMultiDict, CIMultiDictProxy

from transforms.plain_text import without_control
from transforms.reject import Rejected
from transforms.schema import HttpFetch

Kind = Literal["feed", "page", "robots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 200, 203 or (when asked for conditionally) 304 with its decoded body.

    `permanent_url` is where 301 and 308 alone led from the requested address.
    """

    final_url: str
    http_status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes
    complete: bool = True  # False for a feed or robots.txt that breaks off
    permanent_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request that was answered: where, with which headers, and the head of the answer."""

    url: str
    asked: Mapping[str, str]
    http_status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What became of one `get`: an answer or a rejection, the server's wish to wait, the row of `fetches`, and each
    answer on the way, redirects and repetitions included."""

    answer: Answer | None
    rejected: Rejected | None
    retry_after_s: float | None
    row: HttpFetch
    hops: Sequence[Hop] = ()


def readable(headers: CIMultiDictProxy[str]) -> CIMultiDictProxy[str]:
    """Headers whose values are text: without control characters, and without what is no UTF-8."""
    if "".join(headers.values()).isprintable():
        return headers
    return CIMultiDictProxy(CIMultiDict((name, without_control(value)) for name, value in headers.items()))


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header (a number or a date) asks for; None without one or when it cannot be read."""
    if not value:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value[:60])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def max_age_s(cache_control: str | None) -> float | None:
    """Seconds of max-age in a Cache-Control header; None without it, or where the answer may not be kept."""
    for part in (cache_control or "")[:500].lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return None
        if name == "max-age" and value.strip('"').isdecimal():
            return float(value.strip('"')[:9])
    return None
