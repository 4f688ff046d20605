"""JSON-LD, titles, bylines and dates of pages."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from tests.pages import page
from transforms.bylines import kind_of, read_authors, split_names
from transforms.json_ld import parse_block, read_json_ld, string
from transforms.metadata import read_metadata
from transforms.page_dates import candidate, date_in_url, searched_date, visible_date, weigh
from transforms.title import choose_title, strip_site

LATEST = datetime(2026, 3, 15, 12, tzinfo=UTC)


def title_of(markup: str) -> str | None:
    return read_metadata(document_fromstring(f"<html><body>{markup}</body></html>"), page("")).title


def ld(node: dict[str, object]) -> str:
    return f"<script type=application/ld+json>{json.dumps(node)}</script>"


def linked_page(*blocks: str) -> str:
    return "<p></p>" + "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)


def test_json_ld_is_found_in_graphs_lists_and_by_reference() -> None:
    tree = document_fromstring(
        linked_page(
            '[{"@type": "BreadcrumbList"}]',
            '{"@graph": [{"@type": "Person", "@id": "#ann", "name": "Ann Low"},'
            ' {"@type": ["NewsArticle"], "headline": "Boats", "author": {"@id": "#ann"}}]}',
        )
    )
    linked = read_json_ld(tree)
    assert linked.article["headline"] == "Boats"
    assert string(linked.resolve(linked.article["author"])) == "Ann Low"


@pytest.mark.parametrize(
    "block",
    [
        '{"headline": "Boats",}',
        '<!-- {"headline": "Boats"} -->',
        '//<![CDATA[\n{"headline": "Boats"}\n//]]>',
        '{"headline": "Boats"};',
        '{"headline": "Boats"} trailing',
    ],
)
def test_broken_json_is_repaired_where_that_is_safe(block: str) -> None:
    assert parse_block(block)[0] == {"headline": "Boats"}


@given(st.text(max_size=300))
def test_no_block_makes_the_reader_fail(block: str) -> None:
    parse_block(block)
    parse_block("[" * 5_000 + block)


def test_of_many_articles_the_one_of_this_page_is_taken_or_none() -> None:
    many = ",".join(
        f'{{"@type": "NewsArticle", "headline": "Story {n}", "url": "https://h.example/{n}"}}' for n in range(9)
    )
    tree = document_fromstring(linked_page(f"[{many}]"))
    assert read_json_ld(tree, urls=["https://h.example/7"]).article["headline"] == "Story 7"
    assert read_json_ld(tree).article == {}


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Ferry fares to rise in May | Harbour Herald", "Ferry fares to rise in May"),
        ("Ferry fares to rise in May - Harbour Herald", "Ferry fares to rise in May"),
        ("Harbour Herald: Ferry fares to rise in May", "Ferry fares to rise in May"),
        ("Ferry fares to rise in May | Harbour Herald - News and Views", "Ferry fares to rise in May"),
        ("03.05.2026 - Ferry fares to rise in May", "Ferry fares to rise in May"),
        ("Ferry fares: a council divided", "Ferry fares: a council divided"),
        ("Ferry - boat - harbour", "Ferry - boat - harbour"),
        ("Fares - Harbour Herald", "Fares"),
        ("Ferry fares to rise in May_Politics_Harbour Herald", "Ferry fares to rise in May_Politics"),
        ("Harbour Herald wins again: a prize for its readers", "Harbour Herald wins again: a prize for its readers"),
        ("Ferry fares to rise: an evening with Harbour Herald", "Ferry fares to rise: an evening with Harbour Herald"),
        ("Ferry fares to rise in May • Harbour", "Ferry fares to rise in May • Harbour"),
    ],
)
def test_site_names_are_stripped_from_titles(title: str, bare: str) -> None:
    assert strip_site(title, ["Harbour Herald"]) == bare


def test_the_heading_that_the_metadata_confirm_is_the_title() -> None:
    title = choose_title(
        headline="Ferry fares to rise in May",
        headings=["Harbour Herald", "Ferry fares to rise by nine percent in May"],
        title_tag="Ferry fares to rise in May | Harbour Herald",
        site_names=["Harbour Herald"],
    )
    assert title in ("Ferry fares to rise by nine percent in May", "Ferry fares to rise in May")
    assert choose_title(headings=["Sport"], title_tag="Ferry fares to rise in May") == "Ferry fares to rise in May"
    assert choose_title() is None


def test_the_only_heading_of_a_page_is_its_title_unless_json_ld_has_another() -> None:
    only = ["A ferry that nobody wanted"]
    assert choose_title(headings=only, title_tag="Blog") == only[0]
    assert choose_title(headings=only, headline="Harbour votes on ferry") == "Harbour votes on ferry"
    searched = "Harbour votes on ferry | Herald"
    assert choose_title(headings=only, headline=searched, title_tag=searched, site_names=["Herald"]) == only[0]


@pytest.mark.parametrize(
    ("heading", "title_tag", "title"),
    [
        ("Our harbour blog", "How a ferry nobody wanted was built", "How a ferry nobody wanted was built"),
        ("A message from the harbour master:", "How a ferry was built", "How a ferry was built"),
        ("Ferries", "Ferries | Office of Harbours and Ports", "Ferries"),
        ("Who pays the ferryman?", "Six reasons why ferry fares rise", "Who pays the ferryman?"),
    ],
)
def test_a_heading_that_names_a_part_of_the_site_is_no_title(heading: str, title_tag: str, title: str) -> None:
    assert choose_title(headings=[heading], title_tag=title_tag, og_title=title_tag) == title


def test_a_description_in_place_of_json_ld_s_headline_is_no_title() -> None:
    linked = {"@type": "Article", "name": "Sail Bay", "headline": "village on the north shore"}
    assert title_of(f"{ld(linked)}<title>Sail Bay - Atlas</title><h1>Sail Bay</h1>") == "Sail Bay"


def test_an_application_s_name_that_is_the_title_is_no_site_s() -> None:
    title = "Ferry fares to rise in May"
    head = f"<meta name=application-name content='{title}'><meta property=og:title content='{title}'>"
    assert title_of(f"{head}<title>{title}</title><h1>Good morning</h1><h1>{title}</h1>") == title


def test_a_headline_that_only_the_title_tag_shares_gives_way_to_the_heading() -> None:
    seen, searched = "I took the last ferry, and it may have changed my life", "Night ferry review with pictures"
    assert choose_title(headings=[seen], og_title=seen, headline=searched, title_tag=searched) == seen
    assert choose_title(headings=[seen], og_title=seen, headline=searched, title_tag=seen) == searched


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<h1><span class='kicker'>Harbour</span> Ferry fares to rise</h1>", "Ferry fares to rise"),
        ("<h1>Ferry fares to rise <small class='subtitle'>From May</small></h1>", "Ferry fares to rise"),
        ("<h1><span class='kicker'>Harbour:</span> Ferry fares to rise</h1>", "Harbour: Ferry fares to rise"),
        (
            "<h1><b class='sr-only'>Headline:</b> Ferry fares <i>to <b>rise</b> soon</i></h1>",
            "Ferry fares to rise soon",
        ),
        ("<h1>'<i>No more boats</i>': <span class=cap>F</span>erry fares</h1>", "'No more boats': Ferry fares"),
        ("<h1><span>Ferry fares</span><span>to rise</span></h1>", "Ferry fares to rise"),
        ("<h1><a href='/'>Harbour life</a></h1><h1>Ferry fares to rise</h1>", "Ferry fares to rise"),
        ("<title>Fares up | Harbour life</title><h1><a href='https://h.example/'>Harbour life</a></h1>", "Fares up"),
        ("<h1><a href='https://h.example/2026/ferry'>Ferry fares to rise</a></h1>", "Ferry fares to rise"),
    ],
)
def test_a_headline_is_told_from_logos_and_from_lines_set_beside_it(markup: str, title: str) -> None:
    assert title_of(markup) == title


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ann Low and Bo Reed", ["Ann Low", "Bo Reed"]),
        ("Von Anna Berg und Jan Ohm", ["Anna Berg", "Jan Ohm"]),
        ("Par Zoé Lac et Luc Pré", ["Zoé Lac", "Luc Pré"]),
        ("Ann Low, political correspondent", ["Ann Low"]),
        ("Ann Low (ann.low@herald.example)", ["Ann Low"]),
        ("By ANN LOW | Staff Writer", ["ANN LOW"]),
        ("By Ann Low Thursday, November 19, 2026", ["Ann Low"]),
        ("Von Hans Peter Freitag", ["Hans Peter Freitag"]),
        ("Herald-Experte Jan Ohm", ["Jan Ohm"]),
        ("Ann Low and Bo Reed for the Harbour Herald", ["Ann Low", "Bo Reed"]),
        ("herald.example, Harbour, Ellan", ["herald.example"]),
        ("Facebook Twitter", []),
        ("Ann Low, Bo Reed, and Cy Moss", ["Ann Low", "Bo Reed", "Cy Moss"]),
        ("Low, Ann", ["Ann Low"]),
        ("Reuters, AFP", ["Reuters", "AFP"]),
        ("Ann Low Twitter Bo Reed Twitter", ["Ann Low", "Bo Reed"]),
        ("Ann Low Photographs by Bo Reed", ["Ann Low"]),
        ("By Ann Low Updated March 13, 2026 4:19 PM", ["Ann Low"]),
        ("Center for Harbour Studies", ["Center for Harbour Studies"]),
        ("Harbour Net Security", ["Harbour Net Security"]),
        ("Deutscher Tennis Bund 13.03.2026", ["Deutscher Tennis Bund"]),
        ("Written by", []),
        ("", []),
    ],
)
def test_bylines_are_split_and_stripped(byline: str, names: list[str]) -> None:
    assert split_names(byline) == names


MICRODATA = """<div class="post"><div itemscope itemtype="https://schema.org/Article">{story}
<footer><span itemprop="author" itemscope><a rel="author" title="profile"><b itemprop="name">T. V. Reed</b></a></span>
</footer></div><div class="more" itemscope><i itemprop="author" itemscope><b itemprop="name">Cy Moss</b></i></div>
<div class="comment" itemscope><i itemprop="author" itemscope><b itemprop="name">Dee Poe</b></i></div></div>"""


@pytest.mark.parametrize(
    ("markup", "names"),
    [
        (MICRODATA, ["T. V. Reed"]),
        ('<div class="meta"><a class="byline-link" href="/author/matthias/">Matthias</a></div>{story}', ["Matthias"]),
        ('<div class="meta"><a class="byline-link" href="/author/matthias/">Team</a></div>{story}', []),
        ('<p class="byline">Walter von Halden</p>{story}', ["Walter von Halden"]),
        ("<div>By <span>Ann Low</span><span>Harbour Herald</span></div>{story}", ["Ann Low"]),
        ("<p>Written by <a href=/a>Ann Low</a> in <a href=/t>Ferries</a> on 13 March</p>{story}", ["Ann Low"]),
        ("<p>Written by</p><p>Ann Low</p>{story}", ["Ann Low"]),
        ("<p class=byline><span class=author-name>Ann Low</span> <a>Chief Boats Person</a></p>{story}", ["Ann Low"]),
        ("<p class=author-name>The Ferry Team</p>{story}", ["The Ferry Team"]),
        ("<meta name=author content=alow4><p class=byline>Ann Low</p>{story}", ["Ann Low"]),
        ("<meta name=author content='Bo Reed'><p class=byline>Ann Low</p>{story}", ["Bo Reed"]),
        (ld({"@type": "NewsArticle", "author": {"name": ["Ann Low", "Bo Reed"]}}) + "{story}", ["Ann Low", "Bo Reed"]),
    ],
)
def test_authors_are_read_from_the_elements_that_name_them(markup: str, names: list[str]) -> None:
    story = "<h1>Ferry fares to rise</h1><p>Fares will rise in May, the harbour board said on Tuesday.</p>"
    tree = document_fromstring(f"<html><body>{markup.replace('{story}', story)}</body></html>")
    assert [author.name for author in read_metadata(tree, page("")).authors] == names


def test_the_byline_is_looked_for_by_the_heading_that_the_title_tag_names() -> None:
    menu = "<h1>Harbour Herald</h1><ul><li><a href=/author/cy-moss>Cy Moss</a></li></ul>" + "<hr>" * 60
    body = f"{menu}<div class=teaser><h2>Ferry fares to rise in May</h2><p class=byline>By Ann Low</p></div>"
    tree = document_fromstring(f"<html><title>Ferry fares to rise in May</title><body>{body}</body></html>")
    assert [author.name for author in read_metadata(tree, page("")).authors] == ["Ann Low"]


def test_organisations_are_told_apart_and_the_publisher_is_no_author() -> None:
    assert kind_of("Reuters") == kind_of("Harbour News Desk") == "organization"
    assert kind_of("Ann Low") == "person"
    authors = read_authors([("Ann Low", None), ("Harbour Herald", None), ("AFP", None)], ["Harbour Herald"])
    assert [(author.name, author.kind) for author in authors] == [("Ann Low", "person"), ("AFP", "organization")]


def test_dates_agree_or_are_outvoted() -> None:
    stamped = candidate("2026-03-14T08:00:00Z", "json-ld", LATEST)
    feed = candidate("Mon, 02 Mar 2026 10:00:00 GMT", "feed", LATEST)
    url = date_in_url("https://h.example/2026/03/02/boats", LATEST)
    assert stamped and feed and url
    assert weigh([stamped, feed, url]) == feed
    assert weigh([stamped, feed]) == stamped
    assert weigh([stamped]) == stamped
    assert weigh([]) is None


def test_nothing_is_from_the_future() -> None:
    assert candidate("2026-03-20T08:00:00Z", "json-ld", LATEST) is None


def weighed(*given: tuple[str, str]) -> tuple[str, str]:
    """Raw and ISO form of the date that is believed among dates of sources."""
    believed = weigh([found for raw, source in given if (found := candidate(raw, source, LATEST))])
    assert believed is not None
    return believed.raw, believed.at.isoformat()


def test_of_prints_of_an_instant_the_one_a_reader_sees_is_kept() -> None:
    utc, own = ("2026-03-03T02:00:11Z", "json-ld"), ("2026-03-02T21:00:11-05:00", "meta")
    assert weighed(utc, own) == (own[0], "2026-03-03T02:00:11+00:00")
    assert weighed(utc, own, ("3 March 2026", "text")) == (utc[0], "2026-03-03T02:00:11+00:00")
    assert weighed(utc, ("2026-03-02 21:00:11", "time-element")) == ("2026-03-02 21:00:11", "2026-03-03T02:00:11+00:00")
    assert weighed(utc, ("2026-03-02 20:47", "time-element"))[0] == utc[0]


def test_a_vague_meta_tag_gives_way_to_an_earlier_day_on_the_page() -> None:
    tags = '<html><head><meta name="{}" content="2026-03-04T11:52:23"></head><body>{}</body></html>'
    seen = '<h1>Ferry fares to rise</h1><p class="date">3 March 2026</p>'
    for name, day in (("date", 3), ("article:published_time", 4)):
        published = read_metadata(document_fromstring(tags.format(name, seen)), page("")).published
        assert published is not None and published.at.day == day


@pytest.mark.parametrize(("changed", "day"), [("2026-02-10T09:00:00Z", "2025-03-01"), ("2026-01-01", "2026-02-10")])
def test_a_date_by_the_headline_that_is_the_one_of_the_last_change_is_not_of_publication(
    changed: str, day: str
) -> None:
    head = "<meta property=article:published_time content=2025-03-01T08:30:00Z>"
    head += f"<meta property=article:modified_time content={changed}>"
    body = "<h1>Ferry fares to rise</h1><p class=date>February 10, 2026</p>"
    tree = document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    published = read_metadata(tree, page("")).published
    assert published is not None and published.day.isoformat() == day


def test_a_page_with_a_sidebar_is_no_sidebar() -> None:
    beside = '<p class="byline">By Ann Low</p><p class="date">2 March 2026</p>'
    found = read_metadata(
        document_fromstring(f'<body><div class="with-sidebar"><h1>Ferry fares to rise</h1>{beside}</div></body>'),
        page(""),
    )
    assert [author.name for author in found.authors] == ["Ann Low"]
    assert found.published is not None and found.published.is_strong


@pytest.mark.parametrize(
    ("script", "day"),
    [
        ('showDate("2026/03/01 08:30:00 GMT")', "2026-03-01"),
        ("document.write(local('2026-03-02'));", "2026-03-02"),
        ('track("page"); show("2026-03-03")', None),  # of more than one call nobody knows what it prints
        ('if (old) { show("2026-03-03") }', None),
        ('show("2031-03-03")', None),
    ],
)
def test_a_date_that_a_script_of_one_call_prints_is_seen(script: str, day: str | None) -> None:
    tree = document_fromstring(f"<h1>Boats</h1><p><script>{script}</script></p><p>They lie in the harbour.</p>")
    found = visible_date(tree, LATEST)
    assert (found and found.day.isoformat()) == day


@pytest.mark.parametrize("printed", ["2026-03-01", "01.03.2026", "1 March 2026", "March 1, 2026"])
def test_a_first_of_a_month_is_believed_where_it_is_printed(printed: str) -> None:
    tree = document_fromstring(f"<html><body><p class='date'>{printed}</p></body></html>")
    found = searched_date(tree, "https://a.example/", datetime(2026, 3, 14, tzinfo=UTC))
    assert found is None or found.at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_day_to_come_is_not_taken_for_the_first_of_its_month() -> None:
    tree = document_fromstring('<html><head><meta name="date" content="2026-03-28"></head><body><p>A</p></body></html>')
    assert searched_date(tree, "https://a.example/", datetime(2026, 3, 14, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [("2026-03-12T09:00:00Z", "2026-03-12T09:00:00+00:00"), ("2026-03-10T09:00:00Z", None), ("2026-03-11", None)],
)
def test_no_article_was_changed_before_it_was_published(changed: str, wanted: str | None) -> None:
    head = (
        '<meta property="article:published_time" content="2026-03-11T08:00:00Z">'
        f'<meta property="article:modified_time" content="{changed}">'
    )
    tree = document_fromstring(f"<html><head>{head}</head><body><h1>Boats</h1></body></html>")
    modified_at = read_metadata(tree, page("")).modified_at
    assert (modified_at and modified_at.isoformat()) == wanted
