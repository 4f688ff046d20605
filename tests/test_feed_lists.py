"""OPML in and out, and the feeds of a site."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds_command import as_table, discover
from tests.servers import Reply, Route, html, serve
from transforms.discovery import feed_links, usual_places
from transforms.opml import Outline, read_opml, write_opml
from transforms.schema import Feed
from transforms.settings import FetchSettings

OPML = b"""<?xml version="1.0"?><opml version="1.0"><head/><body>
<outline text="World"><outline text="One &amp; two" type="rss" xmlUrl="https://one.example/feed?a=1&amp;b=2"/>
<outline title="Three" text="3" language="de" xmlURL="http://three.example/rss"/></outline>
<outline text="again" xmlUrl="http://three.example/rss"/><outline text="no feed"/><outline xmlUrl="file:///etc/passwd"/>
"""  # breaks off
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
RSS = '<rss version="2.0"><channel><title>T</title><item><link>/a</link></item></channel></rss>'


def test_opml_of_any_shape_is_read_each_feed_once() -> None:
    assert read_opml(OPML) == (
        Outline(url="https://one.example/feed?a=1&b=2", title="One & two"),
        Outline(url="http://three.example/rss", title="Three", language="de"),
    )


@pytest.mark.parametrize("body", [b"", b"no", b"<html/>", b'<!DOCTYPE o [<!ENTITY a "b">]><rss>&a;</rss>'])
def test_what_is_no_opml_says_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="no OPML"):
        read_opml(body)


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cn")), min_size=1)


@given(st.lists(names, unique=True, max_size=5))
def test_what_is_written_is_read_back(publishers: list[str]) -> None:
    feeds = [Feed(url=f"https://a.example/{n}?x=1&y=<", id=str(n), publisher=name) for n, name in enumerate(publishers)]
    outlines = read_opml(write_opml(feeds, "all"))
    assert [(one.url, one.title) for one in outlines] == [(feed.url, feed.publisher) for feed in feeds]


@given(st.text())
def test_a_table_is_toml_whatever_the_title(title: str) -> None:
    title = title.encode("utf-8", "ignore").decode()  # surrogates never leave the feed reader
    table = tomllib.loads(as_table(Outline(url="https://a.example/", title=title or None)))["feeds"][0]
    assert table.get("publisher", "") == title


def test_the_feeds_a_page_names_are_found() -> None:
    page = b"""<html><head><base href="/en/"><link rel="alternate" type="application/rss+xml" href="feed">
    <link rel="ALTERNATE nofollow" type="application/atom+xml; charset=utf-8" href="//other.example/atom"/>
    <link rel=alternate type=application/rss+xml href=feed><link rel="stylesheet" type="text/css" href="x">
    <link rel="alternate" type="application/rss+xml" href="http://["></head>"""
    assert feed_links(page, "https://a.example/x")[:2] == ("https://a.example/en/feed", "https://other.example/atom")
    assert feed_links(b"", "https://a.example/") == ()


def test_a_site_is_asked_for_its_feeds_by_its_page_and_else_at_the_usual_places() -> None:
    link = '<html><link rel="alternate" type="application/rss+xml" href="/its-feed"><p>hello'
    routes: dict[str, Route] = {"/": html(link), "/its-feed": Reply(body=RSS), "/rss.xml": Reply(body=RSS)}
    with serve(routes) as site:
        settings = FetchSettings(per_host_delay_s=0, retries=0, allow_hosts=(site.host,))
        assert [found.outline.url for found in discover(site.url(), settings, NOW)] == [site.url("/its-feed")]
        routes["/"] = html("<html><p>hello")
        assert [found.outline.url for found in discover(site.url(), settings, NOW)] == [site.url("/rss.xml")]
        assert [found.outline.url for found in discover(site.url("/its-feed"), settings, NOW)] == [
            site.url("/its-feed")
        ]
    assert usual_places("https://a.example/x?y")[0] == "https://a.example/feed"
