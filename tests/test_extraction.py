"""One page to one Article, in plain function calls."""

import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pages import FETCHED_AT, PARAGRAPHS, SEEN_AT, URL, html, page
from transforms.extraction import clean_page
from transforms.page_tree import fragment_lines
from transforms.plain_text import count_words
from transforms.reject import Rejected
from transforms.schema import Dateline
from transforms.settings import CleanSettings
from transforms.urls import article_id

SETTINGS = CleanSettings()


def test_an_article_in_a_viewer_is_its_publisher_s() -> None:
    viewed = dataclasses.replace(page(html()), final_url="https://www.google.com/amp/s/" + URL.removeprefix("https://"))
    article = clean_page(viewed, SETTINGS)
    assert (article.article_id, article.publisher_domain) == (article_id(URL), "harbour-herald.example")


def test_an_ordinary_page_becomes_an_article() -> None:
    article = clean_page(page(html()), SETTINGS)
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert article.title == "Ferry fares to rise in May"
    assert article.url == article.source_url == article.final_url == URL
    assert len(article.article_id) == 32
    assert (article.publisher_domain, article.language, article.language_source) == (
        "harbour-herald.example",
        "en",
        "declared",
    )
    assert article.dateline == Dateline(text="PORT ELLAN, March 13 (Reuters) -", place="Port Ellan")
    assert (article.agency, article.is_wire_copy) == ("Reuters", True)
    assert (article.first_seen_at, article.fetched_at) == (SEEN_AT, FETCHED_AT)
    assert article.word_count == count_words(article.text)
    assert article.removed == ()


def test_a_bold_linked_promo_line_is_in_removed_and_not_in_text() -> None:
    promo = "<strong><a href='/x'>Read more: Why the old ferry was sold</a></strong>"
    article = clean_page(page(html(*PARAGRAPHS[:3], promo, *PARAGRAPHS[3:])), SETTINGS)
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert [(line.text, line.rule) for line in article.removed] == [
        ("Read more: Why the old ferry was sold", "en/read-also")
    ]


def test_the_text_does_not_repeat_the_title() -> None:
    article = clean_page(page(html("Ferry fares to rise in May", *PARAGRAPHS)), SETTINGS)
    assert article.text.split("\n") == list(PARAGRAPHS)


def test_json_ld_gives_instants_authors_and_access() -> None:
    linked = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Ferry fares to rise in May",
        "datePublished": "2026-03-13T21:40:00+02:00",
        "dateModified": "2026-03-13T22:05:00+02:00",
        "author": [{"@type": "Person", "name": "Ines Harrow"}, {"@type": "Organization", "name": "Harbour Herald"}],
        "publisher": {"@type": "Organization", "name": "Harbour Herald"},
        "articleSection": "Island",
        "keywords": "ferries, fares",
        "image": {"@type": "ImageObject", "url": "/ferry.jpg"},
        "isAccessibleForFree": False,
    }
    head = f'<script type="application/ld+json">{json.dumps(linked)}</script>'
    article = clean_page(page(html(head=head)), SETTINGS)
    assert article.published_at is not None and article.published_at.isoformat() == "2026-03-13T19:40:00+00:00"
    assert article.modified_at is not None and article.modified_at.isoformat() == "2026-03-13T20:05:00+00:00"
    assert (article.published_source, article.published_precision) == ("json-ld", "second")
    assert article.published_raw == "2026-03-13T21:40:00+02:00"
    assert [(author.name, author.kind) for author in article.authors] == [("Ines Harrow", "person")]
    assert (article.publisher, article.section, article.access) == ("Harbour Herald", "Island", "paywalled")
    assert article.keywords == ("ferries", "fares")
    assert article.image_url == "https://www.harbour-herald.example/ferry.jpg"


def test_unknown_is_null_never_empty() -> None:
    article = clean_page(page(html("<b></b>", *PARAGRAPHS, title="")), SETTINGS)
    assert article.description is None
    assert article.published_at is None
    assert article.section is None
    assert article.image_url is None
    assert article.access == "unknown"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "unparsable"),
        ("   \n", "unparsable"),
        ("%PDF-1.7 <x>", "not-html"),
        ('{"title": "Ferry fares"}', "not-html"),
        (html("Ferries."), "too-short"),
        (html("The page you asked for has moved or never was.", title="Page not found"), "soft-404"),
        (html("Enable JavaScript and cookies to continue.", title="Just a moment..."), "challenge"),
        (html("We and our partners use cookies. Accept all cookies.", title="We value your privacy"), "consent-wall"),
    ],
)
def test_a_page_without_an_article_is_rejected_with_its_reason(body: str, reason: str) -> None:
    with pytest.raises(Rejected) as error:
        clean_page(page(body), SETTINGS)
    assert error.value.reason == reason


def test_an_article_about_error_pages_is_no_soft_404() -> None:
    paragraphs = PARAGRAPHS * 4
    article = clean_page(
        page(html(*(f"{n}. {p}" for n, p in enumerate(paragraphs)), title="Page not found: the lost web")), SETTINGS
    )
    assert article.word_count > 250


def test_a_link_that_ends_at_the_home_page_is_not_an_article() -> None:
    given = page(html(), url="https://www.harbour-herald.example/", **{})
    moved = page(html(), url="https://www.harbour-herald.example/news/gone")
    import dataclasses

    with pytest.raises(Rejected, match="not-an-article"):
        clean_page(dataclasses.replace(moved, final_url=given.final_url), SETTINGS)


def test_the_text_of_a_full_text_feed_stands_in_for_a_stub() -> None:
    content = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    article = clean_page(page(html(PARAGRAPHS[0]), content=content, full_text=True), SETTINGS)
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert article.text_source == "feed"


def test_fragments_break_at_blocks_and_line_breaks() -> None:
    assert fragment_lines("One<br>two <b>and</b> <p>three</p>four") == ["One", "two and", "three", "four"]


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("cp1251", "windows-1251", None),
        ("cp1251", "utf-8", "text/html; charset=windows-1251"),
        ("utf-8", "iso-8859-1", "text/html; charset=iso-8859-1"),
        ("utf-16", "utf-8", None),
        ("koi8-r", "koi8-r", "text/html"),
    ],
)
def test_the_charset_is_found_whoever_lies(encoding: str, declared: str, content_type: str | None) -> None:
    line = "Островной совет поздно вечером в пятницу решил поднять плату за паром на девять процентов с первого мая."
    body = html(*(f"{line} {n}." for n in range(8)), lang="ru").replace('charset="utf-8"', f'charset="{declared}"')
    article = clean_page(page(body.encode(encoding), content_type=content_type), SETTINGS)
    assert article.text.split("\n")[0] == f"{line} 0."
    assert article.language == "ru"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda s: s.encode("utf-8", "surrogatepass"))))
def test_arbitrary_bytes_give_an_article_or_a_reject_and_always_the_same(junk: bytes) -> None:
    def outcome() -> object:
        try:
            return clean_page(page(html("@@@", *PARAGRAPHS).encode().replace(b"@@@", junk)), SETTINGS)
        except Rejected as rejected:
            return rejected.reason

    first = outcome()
    assert outcome() == first
    if not isinstance(first, str):
        text = first.text
        assert "\0" not in text
        text.encode("utf-8")  # no surrogates
        assert all(line.strip() for line in text.split("\n"))


def test_a_page_without_the_tags_of_head_and_body_is_read_all_the_same() -> None:
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    title = "Ferries sail again"
    bare = f"<html lang=en><title>{title}</title><article><h1>{title}</h1>{paragraphs}</article></html>"
    article = clean_page(page(bare), CleanSettings())
    assert article.title == "Ferries sail again"
    assert article.text == "\n".join(PARAGRAPHS)


def test_paragraphs_that_the_extractor_drops_from_among_the_text_stand_in_the_ledger_too() -> None:
    promo = '<a href="/a">Read more about the ferries and what they cost</a>'
    stories = "Harbour wall to be rebuilt", "Regatta postponed", "Herring is back"
    more = " ".join(f'<a href="/{number}">{story}</a>' for number, story in enumerate(stories))
    article = clean_page(page(html(*PARAGRAPHS, promo, more, "Thank you for reading the Harbour Herald.")), SETTINGS)
    told = {line.text for line in article.removed} | set(article.text.splitlines())
    assert {paragraph for paragraph in PARAGRAPHS if paragraph not in article.text} == set()
    assert "Read more about the ferries and what they cost" in told
    assert " ".join(stories) in told
    assert "Harbour Herald, Pier Road 3" not in told  # of the page, not of the story


@pytest.mark.timeout(10)
@pytest.mark.parametrize("attribute", ["a{}=1", "a{}", "a{}='>'", 'a{}="<p>"'])
def test_a_tag_with_ever_so_many_attributes_costs_no_more_than_its_bytes(attribute: str) -> None:
    crowd = " ".join(attribute.format(number) for number in range(100_000))
    article = clean_page(page(html().replace("<body>", f"<body {crowd}>")), SETTINGS)
    assert article.text.split("\n") == list(PARAGRAPHS)
