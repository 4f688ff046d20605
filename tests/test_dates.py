"""Dates as printed, to instants."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.dates import EARLIEST, parse_date

LATEST = datetime(2026, 11, 23, tzinfo=UTC)

CASES = [
    ("Wed, 31 Jan 2024 10:11:12 GMT", "2024-01-31T10:11:12 second"),
    ("Wed, 31 Jan 2024 10:11:12 +0530", "2024-01-31T04:41:12 second"),
    ("Wed, 31 Jan 2024 10:11 EST", "2024-01-31T15:11:00 minute"),
    ("31 Jan 24 10:11:12 PDT", "2024-01-31T17:11:12 second"),
    ("Wed, 31 Jan 2024 10:11:12 GMT+0100", "2024-01-31T09:11:12 second"),
    ("Wed Jan 31 2024 10:11:12 GMT+0100 (Central European Standard Time)", "2024-01-31T09:11:12 second"),
    ("Wed Jan 31 10:11:12 2024", "2024-01-31T10:11:12 second"),
    ("Wed Jan 31 10:11:12 CET 2024", "2024-01-31T09:11:12 second"),
    ("2024-01-31T10:11:12Z", "2024-01-31T10:11:12 second"),
    ("2024-01-31T10:11:12.345678+01:00", "2024-01-31T09:11:12 second"),
    ("2024-01-31T10:11:12+01:00[Europe/Paris]", "2024-01-31T09:11:12 second"),
    ("2024-01-31 10:11:12 -0500", "2024-01-31T15:11:12 second"),
    ("2024-01-31 10:11", "2024-01-31T10:11:00 minute"),
    ("2024-01-31 10:11:12 UTC", "2024-01-31T10:11:12 second"),
    ("2024-01-31", "2024-01-31T00:00:00 day"),
    ("2024/01/31", "2024-01-31T00:00:00 day"),
    ("20240131", "2024-01-31T00:00:00 day"),
    ("20240131T101112Z", "2024-01-31T10:11:12 second"),
    ("1706695872", "2024-01-31T10:11:12 second"),
    ("1706695872000", "2024-01-31T10:11:12 second"),
    ("January 31, 2024", "2024-01-31T00:00:00 day"),
    ("Wednesday, January 31, 2024 at 5:12 pm ET", "2024-01-31T22:12:00 minute"),
    ("July 4, 2024 5:12 p.m. ET", "2024-07-04T21:12:00 minute"),
    ("Jan. 31, 2024, 12:05 AM", "2024-01-31T00:05:00 minute"),
    ("31.01.2024 10:11", "2024-01-31T10:11:00 minute"),
    ("31.01.2024, 10:11 Uhr", "2024-01-31T10:11:00 minute"),
    ("31/01/2024", "2024-01-31T00:00:00 day"),
    ("1/31/2024 10:11:12 PM", "2024-01-31T22:11:12 second"),
    ("Mi, 31 Mai 2023 10:11:12 +0200", "2023-05-31T08:11:12 second"),
    ("mar, 31 ene 2023 10:11:12 +0100", "2023-01-31T09:11:12 second"),
    ("31 décembre 2023", "2023-12-31T00:00:00 day"),
    ("31 января 2024, 10:11", "2024-01-31T10:11:00 minute"),
    ("2024年1月31日 10:11", "2024-01-31T10:11:00 minute"),
    ("٢٠٢٤-٠١-٣١", "2024-01-31T00:00:00 day"),
    ("Updated 31 August 2023", "2023-08-31T00:00:00 day"),
]
UNKNOWN = [
    "", "yesterday", "01/02/2024", "2024-02-30", "2024-01-31T25:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "0",
    "2099-01-01", "0000-00-00T00:00:00", "January 2024", "99 Jan 2024", "Wed, 31 Foo 2024 10:00:00 GMT",
    "31 Jan 2024 by 3 people", "9999999999", "+" * 5000, "1:" * 5000, "(" * 5000, "2024-01-31T10:11:12+99:99",
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_a_date_is_read_with_its_zone_and_precision(raw: str, expected: str) -> None:
    found = parse_date(raw, latest=LATEST)
    assert found is not None
    assert f"{found[0]:%Y-%m-%dT%H:%M:%S} {found[1]}" == expected


@pytest.mark.parametrize("raw", UNKNOWN)
def test_an_impossible_ambiguous_or_implausible_date_is_unknown(raw: str) -> None:
    assert parse_date(raw, latest=LATEST) is None


@given(st.datetimes(datetime(1991, 1, 1), datetime(2026, 1, 1)), st.integers(-12 * 60, 14 * 60))
def test_what_machines_print_is_read_back(at: datetime, offset_minutes: int) -> None:
    at = at.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert parse_date(at.isoformat(), latest=LATEST) == (at, "second")
    assert parse_date(format_datetime(at), latest=LATEST) == (at, "second")


@given(st.text(max_size=200) | st.from_regex(r"[0-9:+\-TZ .,/apmJanuary]{0,60}", fullmatch=True))
def test_no_text_raises_or_leaves_the_window(raw: str) -> None:
    found = parse_date(raw, latest=LATEST)
    assert found is None or EARLIEST <= found[0] <= LATEST
