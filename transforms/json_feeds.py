"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), read."""

import json
import re
from typing import Any

from transforms.feed_entries import ParsedFeed, Reading, clean_text, is_web, names, plain_text
from transforms.reject import Rejected
from transforms.schema import Entry


def read_json_feed(body: bytes, reading: Reading) -> ParsedFeed:
    """The items of a document, of one that breaks off the whole ones; raises `Rejected("feed-unparsable")`."""
    truncated = False
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        document, truncated = {"items": _items_so_far(body)}, True
        if not document["items"]:
            raise Rejected("feed-unparsable", f"JSON: {error}"[:200]) from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise Rejected("feed-unparsable", "JSON without a list of items")
    return reading.parsed(
        (item for item in document["items"] if isinstance(item, dict)),
        lambda item: _entry(item, document, reading),
        truncated=truncated,
        format="json",
        title=plain_text(document.get("title"), "title"),
    )


def _entry(item: dict[str, Any], document: dict[str, Any], reading: Reading) -> Entry:
    guid = clean_text(item.get("id"), "url")
    link = clean_text(item.get("url") or item.get("external_url"), "url")
    content = clean_text(item.get("content_html"), "content")
    text = clean_text(item.get("content_text"), "content")
    return reading.entry(
        url=link or (guid if guid and is_web(guid) else None),
        guid=guid,
        title=plain_text(item.get("title"), "title"),
        summary=plain_text(item.get("summary"), "summary"),
        content=content or (_paragraphs(text) if text else None),
        published_raw=clean_text(item.get("date_published"), "date"),
        modified_raw=clean_text(item.get("date_modified"), "date"),
        authors=names(_people(item) or _people(document)),
        keywords=names(_list(item.get("tags"))),
        image_url=reading.absolute(item.get("image") or item.get("banner_image")),
        language=clean_text(item.get("language"), "name") or clean_text(document.get("language"), "name"),
    )


def _people(holder: dict[str, Any]) -> list[object]:
    """Names of `authors` (1.1) or `author` (1.0)."""
    people = _list(holder.get("authors")) or [holder.get("author")]
    return [person.get("name") for person in people if isinstance(person, dict)]


def _paragraphs(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{part}</p>" for part in re.split(r"\n\s*\n", escaped))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _items_so_far(body: bytes) -> list[Any]:
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
