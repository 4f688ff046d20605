"""OPML 2.0, the format in which feed readers exchange their lists of feeds (http://opml.org/spec2.opml)."""

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from transforms.schema import Feed

MAX_OUTLINES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A feed of a list: its address, and its title and language where the list gives them."""

    url: str
    title: str | None = None
    language: str | None = None


def read_opml(body: bytes) -> tuple[Outline, ...]:
    """The feeds of an OPML document, in its order, each address once; groups are not kept.

    What can be read of a broken document is read; raises `ValueError` when that is nothing. Entities are not resolved.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"no OPML: {error}") from None
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise ValueError("no OPML: the document has another root element")
    found: dict[str, Outline] = {}
    for node in root.iter("{*}outline"):
        given = {name.lower(): value.strip() for name, value in node.attrib.items()}
        url = given.get("xmlurl", "")
        if url.lower().startswith(("http://", "https://")) and len(found) < MAX_OUTLINES:
            title = given.get("title") or given.get("text") or None
            found.setdefault(url, Outline(url=url, title=title, language=given.get("language") or None))
    return tuple(found.values())


def write_opml(feeds: Iterable[Feed], title: str) -> bytes:
    """An OPML document of `feeds`, readable by `read_opml` and by feed readers."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for feed in feeds:
        name = feed.publisher or feed.id
        outline = etree.SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=feed.url)
        if feed.language:
            outline.set("language", feed.language)
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True))
