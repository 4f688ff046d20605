"""Datelines by their form, and the agency by its credits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.dateline import find_agency, find_dateline, is_agency_domain


@pytest.mark.parametrize(
    ("text", "printed", "place", "credit"),
    [
        ("DUSHANBE: The council met.", "DUSHANBE:", "Dushanbe", None),
        ("KYIV, July 5 (Reuters) - The council met.", "KYIV, July 5 (Reuters) -", "Kyiv", "Reuters"),
        ("LONDON (AP) — The council met.", "LONDON (AP) —", "London", "AP"),
        ("Berlin (dpa) - Der Rat tagte.", "Berlin (dpa) -", "Berlin", "dpa"),
        ("Köln/Düsseldorf (dpa/lnw) - Der Rat tagte.", "Köln/Düsseldorf (dpa/lnw) -", "Köln/Düsseldorf", "dpa/lnw"),
        ("Madrid, 5 jul (EFE).- El consejo se reunió.", "Madrid, 5 jul (EFE).-", "Madrid", "EFE"),
        ("NEW DELHI: The council met.", "NEW DELHI:", "New Delhi", None),
        ("PORT ELLAN, March 13 - The council met.", "PORT ELLAN, March 13 -", "Port Ellan", None),
        ("(ANSA) - ROMA, 05 LUG - Il consiglio.", "(ANSA) - ROMA, 05 LUG -", "Roma", "ANSA"),
    ],
)
def test_a_dateline_is_read_by_its_form(text: str, printed: str, place: str, credit: str | None) -> None:
    dateline, seen = find_dateline(text)
    assert dateline is not None
    assert (dateline.text, dateline.place, seen) == (printed, place, credit)


@pytest.mark.parametrize(
    "text",
    [
        "The council met on Monday: nothing was decided.",
        "BREAKING: The council met.",
        "UPDATE - The council met.",
        "Mayor Quill (Labour) - a surprise guest - spoke first.",
        "Q: What happens now?",
        "",
    ],
)
def test_other_openings_are_no_dateline(text: str) -> None:
    assert find_dateline(text) == (None, None)


@given(st.text(max_size=400))
def test_no_text_makes_it_fail(text: str) -> None:
    find_dateline(text)
    find_agency(text, credit=text[:20], footers=[text], authors=[text])


def test_the_agency_is_known_by_credit_footer_closing_line_or_told() -> None:
    assert find_agency("The council met.", credit="AFP") == "Agence France-Presse"
    assert find_agency("The council met.", footers=["(Reporting by Ann Low in London for Reuters)"]) == "Reuters"
    assert find_agency("The council met.\nAFP") == "Agence France-Presse"
    assert find_agency("DUSHANBE: The council met, sources told Reuters.") == "Reuters"
    assert find_agency("The council met, sources told Reuters.\nIt was over, he told Reuters.") == "Reuters"
    assert find_agency("The council met, sources told Reuters.") is None
    assert find_agency("The council met.", authors=["Associated Press"]) == "Associated Press"


def test_an_agency_at_its_own_domain_is_no_wire_copy() -> None:
    assert is_agency_domain("Reuters", "reuters.com")
    assert not is_agency_domain("Reuters", "harbour-herald.example")


@pytest.mark.parametrize(
    ("text", "place", "agency"),
    [
        ("SUVA (Meridian Press) - Islanders planted corals on Sunday.", "Suva", "Meridian Press"),
        ("NAIROBI, March 3 (Meridian Press) - Water trucks arrived.", "Nairobi", "Meridian Press"),
        ("ZAMORA (España) – Un incendio arrasó el monte.", "Zamora", None),
    ],
)
def test_a_place_in_capitals_and_brackets_is_a_dateline_whoever_is_in_them(
    text: str, place: str, agency: str | None
) -> None:
    dateline, credit = find_dateline(text)
    assert dateline
    assert dateline.place == place
    assert find_agency(text, credit=credit) == agency


@pytest.mark.parametrize(
    "text", ["Water (and much else) - it was all there.", "The mayor (who resigned on Monday) - said nothing."]
)
def test_a_remark_in_brackets_is_no_dateline(text: str) -> None:
    assert find_dateline(text) == (None, None)


@pytest.mark.parametrize(
    "text", ["حوار: قال الوزير إن المحادثات ستستمر.", "ISLANDNEWS.COM - The ferry sailed again on Sunday."]
)
def test_a_script_without_capitals_and_a_web_site_open_no_dateline(text: str) -> None:
    assert find_dateline(text) == (None, None)
