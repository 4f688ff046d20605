"""Sitemaps (https://www.sitemaps.org/protocol.html), news sitemaps, indexes of sitemaps and lists of addresses."""

from datetime import datetime
from itertools import islice

from lxml import etree

from transforms.feed_entries import MAX_ITEMS, UNDATED, ParsedFeed, Reading, clean_text, is_web, names, plain_text
from transforms.reject import Rejected
from transforms.schema import Entry


def read_sitemap(body: bytes, reading: Reading, *, truncated: bool) -> ParsedFeed:
    """The addresses of a sitemap, or the children of an index; raises `Rejected("feed-unparsable")`."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Rejected("feed-unparsable", str(error)[:200]) from None
    if root is None:
        raise Rejected("feed-unparsable", "no sitemap")
    if str(root.tag).rpartition("}")[2].lower() == "sitemapindex":
        return ParsedFeed(entries=(), format="sitemap", sitemaps=_children(root, reading), truncated=truncated)
    return reading.parsed(
        root.iter("{*}url"), lambda node: _entry(node, reading), truncated=truncated, format="sitemap"
    )


def read_url_list(body: bytes, reading: Reading) -> ParsedFeed:
    """The addresses of a text, one a line; other lines are comments."""
    lines = (line.strip() for line in body.decode("utf-8", "replace").splitlines())
    return reading.parsed(filter(is_web, lines), lambda line: reading.entry(url=line), format="list")


def _children(index: etree._Element, reading: Reading) -> tuple[tuple[str, datetime | None], ...]:
    found = {
        url: reading.date(_value(node, "lastmod"))
        for node in islice(index.iter("{*}sitemap"), MAX_ITEMS)
        if (url := reading.absolute(_value(node, "loc")))
    }
    newest = sorted(found.items(), key=lambda pair: pair[1], reverse=True)
    return tuple((url, None if date == UNDATED else date) for url, date in newest)


def _entry(node: etree._Element, reading: Reading) -> Entry:
    news = node.find("{*}news")
    publication = news.find("{*}publication") if news is not None else None
    return reading.entry(
        url=clean_text(_value(node, "loc"), "url"),
        title=plain_text(_value(news, "title"), "title"),
        published_raw=clean_text(_value(news, "publication_date"), "date"),
        modified_raw=clean_text(_value(node, "lastmod"), "date"),
        keywords=names((_value(news, "keywords") or "").split(",")),
        language=clean_text(_value(publication, "language"), "name"),
        publisher=plain_text(_value(publication, "name"), "name"),
    )


def _value(node: etree._Element | None, name: str) -> str | None:
    """The text of the child of that name, in any namespace."""
    found = node.find(f"{{*}}{name}") if node is not None else None
    return found.text if found is not None else None
