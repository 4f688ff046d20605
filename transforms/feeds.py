"""Feed documents, read: RSS, RDF and Atom by feedparser, JSON Feed, sitemaps and their indexes, lists of addresses.

In goes a document as it came, out come its newest entries with absolute links and clean text. What can be read of a
broken document is read. `parse_feed` runs in a child process that can be killed; it never imports Beam.
Raises `Rejected`: "feed-entities" for a document that declares XML entities, "feed-unparsable", "empty-body".
"""

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
from lxml import etree

from transforms.dates import parse_date
from transforms.decoding import decode
from transforms.reject import Rejected
from transforms.schema import Entry, Feed

MAX_CHARS = {"title": 1_000, "summary": 20_000, "content": 2_000_000, "guid": 2_000, "raw": 100, "name": 200}
MAX_LIST = 50
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]{0,2000}\[", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,500}>")
_CLOSED = re.compile(
    rb"</(?:\w{1,20}:)?(?:rss|feed|rdf|urlset|sitemapindex)\s*>\s*(?:<!--.{0,500}-->\s*)*$", re.I | re.S
)
_ITEM = re.compile(rb"<(?:\w{1,20}:)?(?:item|entry)[\s>]", re.I)
_ITEM_END = re.compile(rb"</(?:\w{1,20}:)?(?:item|entry|url|sitemap)\s*>", re.I)
_URL_LIST = re.compile(rb"(?:\s*#[^\n]{0,1000}\n)*\s*https?://[!-~]{1,2000}\s*(?:\n|$)", re.I)
_PERIODS_S = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_NEVER = datetime.min.replace(tzinfo=UTC)
_GZIP = b"\x1f\x8b"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BEFORE_START = b"\xef\xbb\xbf \t\r\n"
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What a document held. `cut` entries beyond the newest were left out.

    `sitemaps` are the children of an index, newest first, each with the day it was changed where the index says so.
    """

    entries: tuple[Entry, ...]
    title: str | None = None
    cut: int = 0
    truncated: bool = False
    interval_s: float | None = None  # the feed's own wish: ttl, sy:updatePeriod
    sitemaps: tuple[tuple[str, datetime | None], ...] = ()


def parse_feed(
    body: bytes, *, feed: Feed, url: str, content_type: str | None, seen_at: datetime, max_entries: int, max_bytes: int
) -> ParsedFeed:
    """Read a document that was fetched from `url`. Entries without a link have the url ""."""
    if body[:2] == _GZIP:  # news-sitemap.xml.gz and the like
        body, _ = decode(body, "gzip", max_bytes)
    if body.startswith(_WIDE):
        body = _DECLARATION.sub("", body.decode("utf-16", "replace")).encode("utf-8", "replace")
        content_type = "application/xml; charset=utf-8"
    body = body.translate(None, _CONTROL).lstrip(_BEFORE_START)
    if not body:
        raise Rejected("empty-body")
    if _DOCTYPE.search(body) and _ENTITY.search(body):
        raise Rejected("feed-entities")
    reader = _Reader(feed=feed, url=url, seen_at=seen_at, max_entries=max_entries)
    if body[:1] in (b"{", b"["):
        return reader.json_feed(body)
    truncated = not _CLOSED.search(body[-2000:])
    if truncated and (ends := list(_ITEM_END.finditer(body))):
        body = body[: ends[-1].end()]  # half an entry may have half a link
    if _root_name(body) in ("urlset", "sitemapindex"):
        return reader.sitemap(body, truncated=truncated)
    if _URL_LIST.match(body):
        return reader.url_list(body)
    return reader.syndication(body, content_type, truncated=truncated)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    feed: Feed
    url: str
    seen_at: datetime
    max_entries: int

    # ------------------------------------------------------------ RSS, RDF, Atom

    def syndication(self, body: bytes, content_type: str | None, *, truncated: bool) -> ParsedFeed:
        body, cut = self._newest_items(body)
        headers = {"content-location": self.url}
        if content_type:
            headers["content-type"] = content_type
        parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
        version = str(parsed.get("version") or "")
        if not parsed.entries and not version:
            html = re.search(rb"<!doctype html|<html[\s>]", body[:2000], re.I)
            raise Rejected("feed-unparsable", "an HTML page" if html else "no known feed format")
        atom = version.startswith("atom")
        language = _text(_get(parsed.feed, "language"), "name")
        entries = [self._syndicated(item, atom=atom, language=language) for item in parsed.entries]
        return ParsedFeed(
            entries=self._finished(entries),
            title=_plain(_get(parsed.feed, "title"), "title"),
            cut=cut + max(0, len(entries) - self.max_entries),
            truncated=truncated and bool(parsed.bozo),
            interval_s=_interval_s(parsed.feed),
        )

    def _newest_items(self, body: bytes) -> tuple[bytes, int]:
        """A document with only its newest items, because feedparser needs seconds for thousands."""
        if len(_ITEM.findall(body)) <= self.max_entries:
            return body, 0
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
        try:
            root = etree.fromstring(body, parser)
        except (etree.XMLSyntaxError, ValueError):
            return body, 0
        if root is None:
            return body, 0
        items = [node for node in root.iter("{*}item", "{*}entry") if node.getparent() is not None]
        dated = sorted(items, key=self._date_of_item, reverse=True)
        for node in dated[self.max_entries :]:
            node.getparent().remove(node)
        return etree.tostring(root, encoding="utf-8", xml_declaration=True), max(0, len(items) - self.max_entries)

    def _date_of_item(self, node: Any) -> datetime:
        for child in node:
            if isinstance(child.tag, str) and etree.QName(child).localname in (
                "pubDate",
                "published",
                "updated",
                "date",
            ):
                found = parse_date(child.text or "", latest=self.seen_at + timedelta(days=1))
                if found:
                    return found[0]
        return _NEVER

    def _syndicated(self, item: Any, *, atom: bool, language: str | None) -> Entry:
        guid = _text(_get(item, "id"), "guid")
        link = _text(_get(item, "feedburner_origlink") or _get(item, "link"), "guid")
        if not link and guid and _is_web(guid):
            link = guid
        published, updated = _get(item, "published"), _get(item, "updated")
        contents = [part for part in _get(item, "content") or [] if isinstance(part, dict)]
        content = max((_text(part.get("value"), "content") or "" for part in contents), key=len, default="")
        return self._entry(
            url=link,
            guid=guid,
            title=_plain(_get(item, "title"), "title"),
            summary=_plain(_get(item, "summary"), "summary"),
            content=content or None,
            published_raw=_text(published or updated or _get(item, "created"), "raw"),
            modified_raw=_text(updated, "raw") if atom or published else None,
            authors=_names(person.get("name") for person in _get(item, "authors") or [] if isinstance(person, dict)),
            keywords=_names(tag.get("term") for tag in _get(item, "tags") or [] if isinstance(tag, dict)),
            image_url=self._image(item),
            language=language,
            publisher=_plain(_get(item, "publisher"), "name"),
        )

    def _image(self, item: Any) -> str | None:
        media = [*(_get(item, "media_content") or []), *(_get(item, "media_thumbnail") or [])]
        for part in [*media, *(_get(item, "enclosures") or [])]:
            url = part.get("url") or part.get("href")
            kind = str(part.get("type") or part.get("medium") or "image")
            if url and kind.startswith("image"):
                return self._absolute(str(url))
        return None

    # ------------------------------------------------------------ JSON Feed

    def json_feed(self, body: bytes) -> ParsedFeed:
        truncated = False
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            document = {"items": _items_so_far(body)}
            truncated = True
            if not document["items"]:
                raise Rejected("feed-unparsable", f"JSON: {error}"[:200]) from None
        items = document.get("items") if isinstance(document, dict) else None
        if not isinstance(items, list):
            raise Rejected("feed-unparsable", "JSON without a list of items")
        items = [item for item in items if isinstance(item, dict)]
        language = _text(document.get("language"), "name")
        people = document.get("authors") or [document.get("author")]
        entries = [self._json_item(item, language, people) for item in items]
        return ParsedFeed(
            entries=self._finished(entries),
            title=_plain(document.get("title"), "title"),
            cut=max(0, len(entries) - self.max_entries),
            truncated=truncated,
        )

    def _json_item(self, item: dict[str, Any], language: str | None, people: list[Any]) -> Entry:
        guid = _text(item.get("id"), "guid")
        link = _text(item.get("url") or item.get("external_url"), "guid")
        html = _text(item.get("content_html"), "content")
        text = _text(item.get("content_text"), "content")
        named = item.get("authors") or [item.get("author")]
        authors = [person.get("name") for person in _list(named) or [] if isinstance(person, dict)]
        return self._entry(
            url=link or (guid if guid and _is_web(guid) else None),
            guid=guid,
            title=_plain(item.get("title"), "title"),
            summary=_plain(item.get("summary"), "summary"),
            content=html or (_as_html(text) if text else None),
            published_raw=_text(item.get("date_published"), "raw"),
            modified_raw=_text(item.get("date_modified"), "raw"),
            authors=_names(authors or [person.get("name") for person in _list(people) if isinstance(person, dict)]),
            keywords=_names(_list(item.get("tags"))),
            image_url=self._absolute(item.get("image") or item.get("banner_image")),
            language=_text(item.get("language"), "name") or language,
        )

    # ------------------------------------------------------------ sitemaps

    def sitemap(self, body: bytes, *, truncated: bool) -> ParsedFeed:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
        try:
            root = etree.fromstring(body, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise Rejected("feed-unparsable", str(error)[:200]) from None
        if root is None:
            raise Rejected("feed-unparsable", "no sitemap")
        if etree.QName(root).localname.lower() == "sitemapindex":
            children = {
                url: self._date(_child(node, "lastmod"))
                for node in root.iter("{*}sitemap")
                if (url := self._absolute(_child(node, "loc")))
            }
            newest = sorted(children.items(), key=lambda pair: pair[1], reverse=True)
            dated = tuple((url, None if date == _NEVER else date) for url, date in newest)
            return ParsedFeed(entries=(), sitemaps=dated, truncated=truncated)
        entries = [self._located(node) for node in root.iter("{*}url")]
        return ParsedFeed(
            entries=self._finished(entries), cut=max(0, len(entries) - self.max_entries), truncated=truncated
        )

    def _located(self, node: Any) -> Entry:
        keywords = (_child(node, "keywords") or "").split(",")
        modified = _child(node, "lastmod")
        return self._entry(
            url=_text(_child(node, "loc"), "guid"),
            guid=None,
            title=_plain(_child(node, "title"), "title"),
            published_raw=_text(_child(node, "publication_date"), "raw"),
            modified_raw=_text(modified, "raw"),
            keywords=_names(keywords),
            language=_text(_child(node, "language"), "name"),
            publisher=_plain(_child(node, "name"), "name"),
        )

    # ------------------------------------------------------------ lists

    def url_list(self, body: bytes) -> ParsedFeed:
        lines = (line.strip() for line in body.decode("utf-8", "replace").splitlines())
        entries = [self._entry(url=_text(line, "guid"), guid=None) for line in lines if _is_web(line)]
        return ParsedFeed(entries=self._finished(entries), cut=max(0, len(entries) - self.max_entries))

    # ------------------------------------------------------------ all of them

    def _entry(
        self, *, url: str | None, publisher: str | None = None, language: str | None = None, **given: Any
    ) -> Entry:
        return Entry(
            url=self._absolute(url) or "",
            feed_id=self.feed.id,
            feed_url=self.feed.url,
            seen_at=self.seen_at,
            language=self.feed.language or language,
            publisher=self.feed.publisher or publisher,
            publisher_country=self.feed.country,
            full_text=self.feed.full_text,
            **given,
        )

    def _finished(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """The newest entries, in the order of the document."""
        if len(entries) <= self.max_entries:
            return tuple(entries)
        order = sorted(range(len(entries)), key=lambda i: self._date_of(entries[i]), reverse=True)
        return tuple(entries[i] for i in sorted(order[: self.max_entries]))

    def _date_of(self, entry: Entry) -> datetime:
        return max(self._date(entry.published_raw), self._date(entry.modified_raw))

    def _date(self, raw: str | None) -> datetime:
        found = parse_date(raw or "", latest=self.seen_at + timedelta(days=1))
        return found[0] if found else _NEVER

    def _absolute(self, url: object) -> str | None:
        """`url` against the document's own; as it stands when it cannot be joined."""
        text = _text(url, "guid")
        if not text:
            return None
        try:
            return urljoin(self.url, text)
        except ValueError:
            return text


def _root_name(body: bytes) -> str:
    """Local name of the first element, lower case; "" when there is none early on."""
    match = re.search(rb"<(?:[A-Za-z][\w.-]{0,40}:)?([A-Za-z]\w{0,40})[\s>/]", body[:20_000])
    return match[1].decode("ascii", "replace").lower() if match else ""


def _get(item: Any, name: str) -> Any:
    """A key that is really there: feedparser's own look-up answers some keys with others."""
    return dict.get(item, name)


def _child(node: Any, name: str) -> str | None:
    found = next(node.iter("{*}" + name), None)
    return found.text if found is not None else None


def _items_so_far(body: bytes) -> list[Any]:
    """The whole items of a JSON Feed that breaks off."""
    text = body.decode("utf-8", "replace")
    start = re.search(r'"items"\s*:\s*\[', text)
    items: list[Any] = []
    at = start.end() if start else len(text)
    decoder = json.JSONDecoder()
    while at < len(text):
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        items.append(item)
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    return items


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object, kind: str) -> str | None:
    """A value as text that Parquet and people can read, bounded; None for nothing."""
    if value is None or isinstance(value, (dict, list, bool)):
        return None
    text = _NOT_TEXT.sub("", str(value)[: MAX_CHARS[kind]]).strip()
    return text or None


def _plain(value: object, kind: str) -> str | None:
    """Text without markup, on one line."""
    text = _text(value, kind)
    if text is None:
        return None
    return " ".join(unescape(_TAG.sub(" ", text)).split()) or None


def _names(values: Iterable[object]) -> tuple[str, ...]:
    names = (_plain(value, "name") for value in values)
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_LIST]


def _as_html(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{part}</p>" for part in re.split(r"\n\s*\n", escaped))


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme.lower() in ("http", "https")
    except ValueError:
        return False


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
