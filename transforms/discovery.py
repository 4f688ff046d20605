"""Where the feeds of a site may be: what its page links to, and the places where most sites keep them.

Only addresses come out, to be polled like any feed; those that turn out to be feeds are the site's.
"""

from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"})
USUAL_PLACES = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/news-sitemap.xml")
MAX_FEEDS = 50


def feed_links(body: bytes, url: str) -> tuple[str, ...]:
    """The feeds that an HTML page at `url` links to as its alternates (HTML standard, 4.6.6.1), absolute, each once."""
    try:
        tree: HtmlElement = document_fromstring(body, parser=HTMLParser(encoding="utf-8", huge_tree=False))
    except (etree.LxmlError, ValueError):
        return ()
    base = next((node.get("href", "") for node in tree.iter("base")), "")
    found: dict[str, None] = {}
    for node in tree.iter("link"):
        kind = node.get("type", "").partition(";")[0].strip().lower()
        href = node.get("href", "").strip()
        if href and kind in FEED_TYPES and "alternate" in node.get("rel", "").lower().split():
            found[_join(_join(url, base), href)] = None
    return tuple(link for link in found if link)[:MAX_FEEDS]


def usual_places(url: str) -> tuple[str, ...]:
    """Addresses on the site of `url` where a feed is often found."""
    parts = urlsplit(url)
    return tuple(f"{parts.scheme}://{parts.netloc}{place}" for place in USUAL_PLACES)


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return base
