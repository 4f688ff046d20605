"""Feed documents, read."""

import gzip
import json
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms import feed_entries, feeds
from transforms.feed_entries import ParsedFeed
from transforms.feeds import parse_feed
from transforms.reject import Rejected
from transforms.schema import Feed

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
URL = "https://news.example/feeds/all.xml"


def read(body: bytes | str, *, max_entries: int = 500, content_type: str | None = None, **config: str) -> ParsedFeed:
    feed = Feed(url=URL, id="all", **config)  # type: ignore[arg-type]
    raw = body.encode() if isinstance(body, str) else body
    return parse_feed(
        raw, feed=feed, url=URL, content_type=content_type, seen_at=NOW, max_entries=max_entries, max_bytes=1_000_000
    )


def rss(items: str, head: str = "") -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>All</title>{head}{items}</channel></rss>'


ITEM = """<item><title>Ferry &amp; bridge</title><link>/2026/ferry</link><guid isPermaLink="false">n-1</guid>
<pubDate>Sun, 22 Nov 2026 08:00:00 +0100</pubDate>
<description>&lt;p&gt;A ferry &lt;b&gt;sank&lt;/b&gt;.&lt;/p&gt;</description>
<category>harbour</category><category>sea</category></item>"""


@pytest.mark.parametrize(
    "guid", ["n-1", "news/7?a=1&amp;b=2", "<![CDATA[n 2]]>", "4711", "tag:a,2026:1", "http://a.example/1"]
)
def test_a_guid_stays_as_the_feed_gives_it(guid: str) -> None:
    item = f"<item><title>A</title><link>/a</link><guid>{guid}</guid></item>"
    (entry,) = read(rss(item)).entries
    assert entry.guid == unescape(guid.removeprefix("<![CDATA[").removesuffix("]]>"))
    assert entry.url == "https://news.example/a"


def test_a_guid_that_is_the_only_link_is_read_from_the_feeds_address() -> None:
    (entry,) = read(rss("<item><title>A</title><guid>/a</guid></item>")).entries
    assert (entry.url, entry.guid) == ("https://news.example/a", "/a")


def test_entries_without_link_and_guid_are_told_from_each_other_by_their_titles() -> None:
    entries = read(rss("<item><title>One</title></item><item><title>Two</title></item>")).entries
    assert [(entry.url, entry.guid) for entry in entries] == [("", "One"), ("", "Two")]


def test_an_rss_item_becomes_an_entry_with_absolute_link_plain_text_and_raw_date() -> None:
    (entry,) = read(rss(ITEM, "<language>en-gb</language>"), publisher="Example News").entries
    assert entry.url == "https://news.example/2026/ferry"
    assert (entry.guid, entry.title, entry.summary) == ("n-1", "Ferry & bridge", "A ferry sank .")
    assert entry.published_raw == "Sun, 22 Nov 2026 08:00:00 +0100"
    assert entry.modified_raw is None
    assert entry.keywords == ("harbour", "sea")
    assert (entry.language, entry.publisher, entry.feed_id, entry.feed_url) == ("en-gb", "Example News", "all", URL)


def test_a_permalink_guid_stands_in_for_a_missing_link_and_an_entry_without_either_is_kept() -> None:
    body = rss(
        "<item><title>a</title><guid>https://news.example/a</guid></item>"
        '<item><title>b</title><guid isPermaLink="false">https://news.example/b</guid></item>'
        '<item><title>c</title><guid isPermaLink="false">c</guid></item>'
    )
    assert [entry.url for entry in read(body).entries] == ["https://news.example/a", "https://news.example/b", ""]


def test_atom_gives_both_dates_and_links_against_xml_base() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://other.example/x/"><title>T</title>
    <entry><id>tag:1</id><title type="html">A &amp;lt;b&amp;gt; c</title><link rel="alternate" href="y?a=1&amp;b=2"/>
    <published>2026-11-22T07:00:00Z</published><updated>2026-11-22T08:00:00Z</updated>
    <author><name>Ada Example</name></author>
    <content type="html">&lt;p&gt;Long text&lt;/p&gt;</content></entry></feed>"""
    (entry,) = read(body).entries
    assert entry.url == "https://other.example/x/y?a=1&b=2"
    assert (entry.published_raw, entry.modified_raw) == ("2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z")
    assert entry.authors == ("Ada Example",)
    assert entry.content == "<p>Long text</p>"


def test_rdf_dates_are_read_as_publication() -> None:
    body = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>T</title><link>https://news.example/</link>
    </channel><item rdf:about="https://news.example/a"><title>a</title><link>https://news.example/a</link>
    <dc:date>2026-11-22T07:00:00Z</dc:date><dc:creator>Ada Example</dc:creator></item></rdf:RDF>"""
    (entry,) = read(body).entries
    assert (entry.url, entry.published_raw) == ("https://news.example/a", "2026-11-22T07:00:00Z")
    assert entry.authors == ("Ada Example",)


def test_a_json_feed_is_read_with_its_people_and_text() -> None:
    body = json.dumps({
        "version": "https://jsonfeed.org/version/1.1", "title": "T", "language": "fr", "authors": [{"name": "Desk"}],
        "items": [
            {"id": 7, "url": "/a", "title": "a\ud800\u0000", "content_text": "One & two\n\nthree", "tags": ["x", None]},
            {"id": "https://news.example/b", "authors": [{"name": "Ada"}], "date_published": "2026-11-22T07:00:00Z"},
            "no item",
        ],
    })  # fmt: skip
    first, second = read(body).entries
    assert (first.url, first.guid, first.title) == ("https://news.example/a", "7", "a")
    assert first.content == "<p>One &amp; two</p><p>three</p>"
    assert (first.keywords, first.authors, first.language) == (("x",), ("Desk",), "fr")
    assert (second.url, second.authors) == ("https://news.example/b", ("Ada",))


def test_a_news_sitemap_is_read_with_title_date_and_publication() -> None:
    body = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">
    <url><loc>https://news.example/a?x=1&amp;y=2</loc><lastmod>2026-11-22</lastmod><n:news><n:publication><n:name>News</n:name>
    <n:language>en</n:language></n:publication><n:publication_date>2026-11-21T07:00:00Z</n:publication_date>
    <n:title>A &amp; b</n:title></n:news></url></urlset>"""
    (entry,) = read(gzip.compress(body.encode())).entries
    assert (entry.url, entry.title, entry.publisher) == ("https://news.example/a?x=1&y=2", "A & b", "News")
    assert (entry.published_raw, entry.modified_raw, entry.language) == ("2026-11-21T07:00:00Z", "2026-11-22", "en")


def test_a_sitemap_index_names_its_children_newest_first() -> None:
    body = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
    <sitemap><loc>https://news.example/1.xml</loc><lastmod>2026-11-01</lastmod></sitemap>
    <sitemap><loc>/2.xml</loc><lastmod>2026-11-20</lastmod></sitemap></sitemapindex>"""
    assert [url for url, _ in read(body).sitemaps] == ["https://news.example/2.xml", "https://news.example/1.xml"]


def test_what_the_config_calls_a_sitemap_must_be_one() -> None:
    with pytest.raises(Rejected, match="feed-unparsable"):
        read(rss(ITEM), kind="sitemap")
    assert len(read("<urlset><url><loc>/a</loc></url></urlset>", kind="sitemap").entries) == 1
    assert len(read("https://news.example/a\n", kind="sitemap").entries) == 1


def test_a_japanese_feed_in_a_shifting_charset_is_read() -> None:
    body = rss(ITEM.replace("Ferry", "港")).replace('"1.0"?', '"1.0" encoding="iso-2022-jp"?').encode("iso-2022-jp")
    assert "港" in (read(body).entries[0].title or "")


def test_a_list_of_addresses_is_a_feed() -> None:
    parsed = read("# ours\nhttps://news.example/a\n\nhttps://news.example/b \nnonsense\n")
    assert [entry.url for entry in parsed.entries] == ["https://news.example/a", "https://news.example/b"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rss(ITEM), "rss"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>a</id></entry></feed>', "atom"),
        ('{"items": [{"url": "/a"}]}', "json"),
        ("<urlset><url><loc>/a</loc></url></urlset>", "sitemap"),
        ("<sitemapindex><sitemap><loc>/a</loc></sitemap></sitemapindex>", "sitemap"),
        ("https://news.example/a\n", "list"),
    ],
)
def test_the_format_of_a_document_is_told(body: str, expected: str) -> None:
    assert read(body).format == expected


def test_only_the_newest_entries_are_taken_and_the_cut_is_told() -> None:
    items = "".join(
        f"<item><link>https://news.example/{n}</link><pubDate>{n % 28 + 1} Oct 2026 10:{n % 60:02} GMT</pubDate></item>"
        for n in range(2_000)
    )
    parsed = read(rss(items), max_entries=100)
    assert (len(parsed.entries), parsed.cut) == (100, 1_900)
    assert {entry.published_raw[:6] for entry in parsed.entries if entry.published_raw} <= {"28 Oct", "27 Oct"}


@pytest.mark.parametrize(
    "item", ["<item><link>/1</link></item>", "<item/>", "<url><loc>/1</loc></url>", "http://a.example/1\n"]
)
def test_of_more_items_than_any_feed_has_the_first_are_looked_at_and_all_are_counted(
    item: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (feeds, feed_entries):
        monkeypatch.setattr(module, "MAX_ITEMS", 1_000)
    items = item * 3_000
    document = items if item.startswith("http") else f"<urlset>{items}</urlset>" if "loc" in item else rss(items)
    parsed = read(document, max_entries=5)
    assert len(parsed.entries) == 5
    assert parsed.cut == 2_995


def test_what_can_be_read_of_a_truncated_feed_is_read() -> None:
    parsed = read(rss(ITEM + ITEM.replace("n-1", "n-2") + "<item><title>cut o").removesuffix("</channel></rss>"))
    assert [entry.guid for entry in parsed.entries][:2] == ["n-1", "n-2"]
    assert parsed.truncated


def test_a_feed_can_be_both_cut_and_truncated() -> None:
    parsed = read(rss(ITEM * 700).removesuffix("</channel></rss>"))
    assert (len(parsed.entries), parsed.cut, parsed.truncated) == (500, 200, True)


def test_what_can_be_read_of_a_truncated_json_feed_or_sitemap_is_read() -> None:
    whole = json.dumps({"version": "1.1", "items": [{"id": "1", "url": "/1"}, {"id": "2", "url": "/2"}, {"id": "3"}]})
    parsed = read(whole[:-6])
    assert [entry.guid for entry in parsed.entries] == ["1", "2"]
    assert parsed.truncated
    parsed = read("<urlset><url><loc>https://news.example/a</loc></url><url><loc>https://news.exam")
    assert [entry.url for entry in parsed.entries] == ["https://news.example/a"]
    assert parsed.truncated


@pytest.mark.parametrize(
    "body",
    [
        rss(ITEM).replace("ferry", "f\x00er\x0bry").encode(),
        rss(ITEM).encode("utf-16"),
        rss(ITEM).replace('"1.0"', '"1.0" encoding="windows-1252"').replace("ferry", "f\u00e9rry").encode("cp1252"),
        b"\r\n \xef\xbb\xbf" + rss(ITEM).encode(),
        rss(ITEM).replace("&amp;", "&nbsp; & ").encode(),
        rss(ITEM).replace("ferry", "f\udcffrry").encode("utf-8", "surrogateescape"),
        rss(ITEM).replace("ferry", "f&#99999999999;rry &#xFFFFFFFFF;").encode(),
        rss(ITEM).replace("ferry", "f\x9b31mrry \x7f").encode(),
    ],
)
def test_broken_but_whole_documents_are_read(body: bytes) -> None:
    parsed = read(body, content_type="text/plain")
    assert [entry.guid for entry in parsed.entries] == ["n-1"]
    assert not parsed.truncated


def test_hints_on_the_next_poll_are_read() -> None:
    assert read(rss("", "<ttl>60</ttl>")).interval_s == 3_600
    assert read(rss("", "<ttl>soon</ttl>")).interval_s is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty-body"),
        (b" \n", "empty-body"),
        (b"<!doctype html><html><p>Sorry</p></html>", "feed-unparsable"),
        (b"plain words", "feed-unparsable"),
        (b'{"items": 3}', "feed-unparsable"),
        (b"{" * 100_000, "feed-unparsable"),
        (b"[" * 100_000, "feed-unparsable"),
        (b"<!DOCTYPE" * 100_000 + b"<!ENTITY", "feed-unparsable"),
        (b"<urlset:a:b>" * 3, "feed-unparsable"),
        (rss(ITEM).replace('"1.0"', '"1.0" encoding="undefined"').encode(), "feed-unparsable"),
        (b'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + rss(ITEM).encode(), "feed-entities"),
        (('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///a">]>' + rss(ITEM)).encode("utf-16"), "feed-entities"),
    ],
)
def test_what_is_no_feed_is_rejected_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(body)
    assert caught.value.reason == reason


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_raise_anything_but_a_reject(noise: bytes, at: int) -> None:
    good = rss(ITEM).encode()
    for body in (noise, good[:at] + noise + good[at:], good[:at]):
        try:
            read(body)
        except Rejected:
            pass
