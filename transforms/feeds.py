"""Feed documents, read: RSS, RDF and Atom by feedparser, JSON Feed, sitemaps and their indexes, lists of addresses.

In goes a document as it came, out come its newest entries with absolute links and clean text. What can be read of a
broken document is read. `parse_feed` runs in a child process that can be killed; it never imports Beam.
Raises `Rejected`: "feed-entities" for a document that declares XML entities, "feed-unparsable", "empty-body".
"""

import io
import re
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from html import unescape
from itertools import islice
from typing import Any

import feedparser
from lxml import etree

from transforms.decoding import decode
from transforms.feed_entries import MAX_ITEMS, UNDATED, ParsedFeed, Reading, clean_text, is_web, names, plain_text
from transforms.json_feeds import read_json_feed
from transforms.reject import Rejected
from transforms.schema import Entry, Feed
from transforms.sitemaps import read_sitemap, read_url_list

_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE(?:(?!<!D)[^>\[]){0,2000}\[", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_ROOT = re.compile(rb"<(?:[A-Za-z][\w.-]{0,40}:)?([A-Za-z]\w{0,40})[\s>/]")
_ROOT_END = re.compile(rb"</(?:\w{1,20}:)?(?:rss|feed|rdf|urlset|sitemapindex)\s*>", re.IGNORECASE)
_ITEM = re.compile(rb"<(?:\w{1,20}:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_ITEM_END = re.compile(rb"</(?:\w{1,20}:)?(?:item|entry|url|sitemap)\s*>", re.IGNORECASE)
_BEYOND_UNICODE = re.compile(rb"&#(?:[0-9]{8,}|[xX][0-9A-Fa-f]{7,});?")
_HTML = re.compile(rb"<!doctype html|<html[\s>]", re.IGNORECASE)
_ADDRESS = re.compile(rb"(?:\s*#[^\n]{0,1000}\n){0,100}\s*https?://[!-~]{1,2000}\s*(?:\n|$)", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_ISO_2022 = re.compile(rb"encoding=.iso-2022", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_GUID = re.compile(
    r"<guid[^>]{0,200}+>(?:\s{0,20}+<!\[CDATA\[)?+([^<\]]{1,2000}+)(?:\]\]>)?+\s{0,20}+</guid", re.IGNORECASE
)
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BEFORE_START = b"\xef\xbb\xbf \t\r\n"
_DATE_NAMES = ("{*}pubDate", "{*}published", "{*}date", "{*}updated")
_PERIODS_S = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}


def parse_feed(
    body: bytes, *, feed: Feed, url: str, content_type: str | None, seen_at: datetime, max_entries: int, max_bytes: int
) -> ParsedFeed:
    """Read a document that was fetched from `url`. Entries without a link have the url ""."""
    if body[:2] == _GZIP:  # news-sitemap.xml.gz and the like
        body, _ = decode(body, "gzip", max_bytes)
    if body.startswith(_WIDE):
        body = _DECLARATION.sub("", body.decode("utf-16", "replace")).encode("utf-8", "replace")
        content_type = "application/xml; charset=utf-8"
    control = _CONTROL if not _ISO_2022.search(body[:200]) else b""  # whose shifts are control characters
    body = body.translate(None, control).lstrip(_BEFORE_START)
    if not body:
        raise Rejected("empty-body")
    if _ENTITY.search(body) and _DOCTYPE.search(body):
        raise Rejected("feed-entities")
    reading = Reading(feed=feed, url=url, seen_at=seen_at, max_entries=max_entries)
    if body[:1] in (b"{", b"["):
        return read_json_feed(body, reading)
    if _ADDRESS.match(body):
        return read_url_list(body, reading)
    truncated = not _ROOT_END.search(body[-2000:])
    if truncated and (end := deque(_ITEM_END.finditer(body), maxlen=1)):
        body = body[: end[0].end()]  # half an entry may have half a link
    body = _BEYOND_UNICODE.sub(b"&#xFFFD;", body)
    root = _ROOT.search(body[:20_000])
    if root and root[1].lower() in (b"urlset", b"sitemapindex"):
        return read_sitemap(body, reading, truncated=truncated)
    if feed.kind == "sitemap":
        raise Rejected("feed-unparsable", "no sitemap, which its kind says it is")
    return _read_syndication(body, content_type, reading, truncated=truncated)


def _read_syndication(body: bytes, content_type: str | None, reading: Reading, *, truncated: bool) -> ParsedFeed:
    """RSS, RDF and Atom."""
    newest, cut = _newest_items(body, reading)
    headers = {"content-location": reading.url}
    if content_type:
        headers["content-type"] = content_type
    try:
        parsed = feedparser.parse(io.BytesIO(newest), response_headers=headers, sanitize_html=False)
    except Exception as error:  # whatever its input makes it raise
        raise Rejected("feed-unparsable", f"{type(error).__name__}: {error}") from None
    version = str(parsed.get("version") or "")
    if not parsed.entries and not version:
        raise Rejected("feed-unparsable", "an HTML page" if _HTML.search(body[:2000]) else "no known feed format")
    atom = version.startswith("atom")
    language = clean_text(_get(parsed.feed, "language"), "name")
    guids = _guids(newest, str(parsed.get("encoding") or "utf-8"), reading)
    return reading.parsed(
        parsed.entries,
        lambda item: _entry(item, reading, atom=atom, language=language, guids=guids),
        cut=cut,
        truncated=truncated and (newest is not body or bool(parsed.bozo)),
        format=version.rstrip("0123456789") or None,
        title=plain_text(_get(parsed.feed, "title"), "title"),
        interval_s=_interval_s(parsed.feed),
    )


def _newest_items(body: bytes, reading: Reading) -> tuple[bytes, int]:
    """A document with only its newest items, because feedparser needs seconds for thousands, and how many were cut.

    Those beyond the first `MAX_ITEMS` are not looked at.
    """
    starts = [item.start() for item in islice(_ITEM.finditer(body), MAX_ITEMS + 1)]
    if len(starts) <= reading.max_entries:
        return body, 0
    beyond = 0
    if len(starts) > MAX_ITEMS:
        beyond = sum(1 for _ in _ITEM.finditer(body, starts[-1]))
        body = body[: starts[-1]]
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return body, beyond
    items = [node for node in root.iter("{*}item", "{*}entry") if node.getparent() is not None]
    extra = sorted(items, key=lambda node: _item_date(node, reading), reverse=True)[reading.max_entries :]
    for node in extra:
        node.getparent().remove(node)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True), len(extra) + beyond


def _item_date(node: Any, reading: Reading) -> datetime:
    return max((reading.date(child.text) for child in node.iterchildren(*_DATE_NAMES)), default=UNDATED)


def _guids(body: bytes, encoding: str, reading: Reading) -> dict[str, str]:
    """Guids as they stand in RSS, by what feedparser makes of those that are no address: one below the feed's own."""
    try:
        found = _GUID.findall(body.decode(encoding, "replace"))
    except LookupError:  # an encoding that only feedparser knows
        return {}
    texts = {unescape(text).strip() for text in found}
    return {absolute: text for text in texts if not is_web(text) and (absolute := reading.absolute(text))}


def _entry(item: Any, reading: Reading, *, atom: bool, language: str | None, guids: Mapping[str, str]) -> Entry:
    guid = clean_text(_get(item, "id"), "url")
    link = clean_text(_get(item, "feedburner_origlink") or _get(item, "link"), "url")
    published, updated = _get(item, "published"), _get(item, "updated")
    contents = [clean_text(part.get("value"), "content") or "" for part in _dicts(item, "content")]
    return reading.entry(
        url=link or (guid if guid and is_web(guid) else None),
        guid=guids.get(guid, guid) if guid else None,
        title=plain_text(_get(item, "title"), "title"),
        summary=plain_text(_get(item, "summary"), "summary"),
        content=max(contents, key=len, default="") or None,
        published_raw=clean_text(published or updated or _get(item, "created"), "date"),
        modified_raw=clean_text(updated, "date") if atom or published else None,  # a lone dc:date is the publication
        authors=names(person.get("name") for person in _dicts(item, "authors")),
        keywords=names(tag.get("term") for tag in _dicts(item, "tags")),
        image_url=_image(item, reading),
        language=language,
        publisher=plain_text(_get(item, "publisher"), "name"),
    )


def _image(item: Any, reading: Reading) -> str | None:
    for name in ("media_content", "media_thumbnail", "enclosures"):
        for part in _dicts(item, name):
            url = part.get("url") or part.get("href")
            if url and str(part.get("type") or part.get("medium") or "image").startswith("image"):
                return reading.absolute(url)
    return None


def _get(item: Any, name: str) -> Any:
    """A key that is really there: feedparser's own look-up answers some keys with others."""
    return dict.get(item, name)


def _dicts(item: Any, name: str) -> list[dict[str, Any]]:
    return [part for part in _get(item, name) or [] if isinstance(part, dict)]


def _interval_s(channel: Any) -> float | None:
    """The feed's own interval: ttl in minutes (RSS 2.0), or sy:updatePeriod / sy:updateFrequency (RSS 1.0 module)."""
    try:
        if ttl := _get(channel, "ttl"):
            return max(0.0, float(ttl)) * 60
        if period := _PERIODS_S.get(str(_get(channel, "sy_updateperiod") or "").strip().lower()):
            return period / max(1.0, float(_get(channel, "sy_updatefrequency") or 1))
    except ValueError:
        pass
    return None
