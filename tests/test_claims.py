"""What sources say is told as they say it, and what was taken is marked."""

from tests.pages import html, page
from transforms.claims import Claim, claims
from transforms.extraction import clean_page
from transforms.schema import Page
from transforms.settings import CleanSettings

HEAD = (
    '<meta property="og:title" content="Ferry fares to rise in May"><meta name="author" content="Ida Marsh">'
    '<meta property="og:site_name" content="Harbour Herald"><meta property="article:section" content="Island">'
)


def told(given: Page) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in claims(given, clean_page(given, CleanSettings())):
        found.setdefault(claim.field, []).append(claim)
    return found


def test_a_site_name_cut_off_does_not_hide_that_a_title_was_taken() -> None:
    titles = told(page(html(head=HEAD)))["title"]
    assert [(claim.source, claim.is_taken) for claim in titles] == [
        ("meta og:title", True),
        ("h1", True),
        ("title tag", True),
    ]
    assert titles[2].value == "Ferry fares to rise in May | Harbour Herald"


def test_what_the_feed_or_the_config_says_is_told_too() -> None:
    found = told(page(html(head=HEAD), publisher="The Herald", title="Fares up", authors=("A. Desk",), language="en"))
    assert [(c.source, c.value, c.is_taken) for c in found["publisher"]] == [
        ("feed or config", "The Herald", True),
        ("meta og:site_name", "Harbour Herald", False),
    ]
    assert [(c.source, c.is_taken) for c in found["authors"]] == [("meta author", True), ("feed", False)]
    assert ("feed", "Fares up", False) in [(c.source, c.value, c.is_taken) for c in found["title"]]


def test_a_date_that_lost_is_told_beside_the_one_that_won() -> None:
    head = (
        '<meta property="article:published_time" content="2026-03-13T22:10:00Z">'
        '<meta property="article:modified_time" content="2026-03-13T23:00:00Z">'
    )
    found = told(page(html(head=head), published_raw="Fri, 13 Mar 2026 22:10:00 GMT"))
    assert [(c.source, c.is_taken) for c in found["published_at"]] == [("meta, second", True), ("feed, second", False)]
    assert [c.is_taken for c in found["modified_at"]] == [True]


def test_a_page_that_says_nothing_makes_no_claims_but_its_own_words() -> None:
    found = told(page(html()))
    assert set(found) == {"url", "title", "language"}
