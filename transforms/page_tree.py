"""The document tree of a page: parsed once, shared by metadata, promo removal and body extraction."""

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from transforms.charset import decode
from transforms.plain_text import key, one_line, without_control
from transforms.reject import Rejected

MAX_FRAGMENT_CHARS = 2_000_000
BEFORE_HEADLINE, AFTER_HEADLINE = 25, 60  # elements looked at around it
MAX_HEADINGS, MAX_TITLE_CHARS = 20, 1_000

MAX_ATTRIBUTES = 400  # of an element; what has more is left none, for the parser's time grows with their square
MANY_SIGNS = 20_000  # of equality; hardly a page has as many
MIN_CROWDED_BYTES = 2_000  # no shorter tag holds as many

# In the classes of labels for screen readers, whose text nobody sees; "visually" may begin in either case.
UNSEEN_CLASSES = ("isually-hidden", "isuallyhidden", "sr-only", "screen-reader", "screenreader")
_LONG = re.compile(rb"<[A-Za-z][^>]{4000}")
_VALUE = rb"=\s*+(?:\"[^\"]*+\"|'[^']*+')?+"
_TAG = re.compile(rb"<[A-Za-z](?:[^<>=]++|" + _VALUE + rb")*+")
_VALUES = re.compile(_VALUE)
_XML_DECLARATION = re.compile(rb"^\s*<\?xml[^>]{0,200}\?>")
_UNCLOSED_STYLE = re.compile(rb"(<style\b[^<>]{0,500})/>(?=[^<]*+</style)", re.IGNORECASE)
_OTHER_FORMATS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"\x00\x00\x00")
_FIRST_ELEMENTS = etree.XPath("//body/descendant::*[position() <= 500]")
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])
_OF_THE_HEAD = frozenset({"title", "meta", "link", "script", "style", "base", "noscript", "template", "object"})
_BLOCKS = ("p", "div", "br", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "section")


def parse_page(body: bytes, content_type: str | None) -> HtmlElement:
    """The tree of an HTML document; raises `Rejected` for what is none (not-html) or cannot be read (unparsable).

    Comments and processing instructions are left out; there always is a body element.
    """
    if not body.strip():
        raise Rejected("unparsable", "empty body")
    if body.lstrip()[:8].startswith(_OTHER_FORMATS) or b"<" not in body:
        raise Rejected("not-html", "the body is of another format, whatever its header says", stage="clean")
    markup = decode(body, content_type).encode("utf-8", "replace").translate(None, _CONTROL_BYTES)
    markup = _UNCLOSED_STYLE.sub(rb"\1>", _XML_DECLARATION.sub(b"", markup, count=1))  # "/" closes no HTML element
    try:
        tree = document_fromstring(_uncrowded(markup), parser=_parser())
    except (etree.LxmlError, ValueError) as error:
        raise Rejected("unparsable", str(error)[:200]) from None
    _gather_body(tree)
    if tree.find("body") is None:
        raise Rejected("unparsable", "no body element")
    return tree


def _uncrowded(markup: bytes) -> bytes:
    """`markup` without the attributes of tags that have far too many."""
    if markup.count(b"=") < MANY_SIGNS:
        tags = [tag for long in _LONG.finditer(markup) if (tag := _TAG.match(markup, long.start()))]
    else:
        tags = [tag for tag in _TAG.finditer(markup) if tag.end() - tag.start() > MIN_CROWDED_BYTES]
    pieces: list[bytes] = []
    start = 0
    for tag in tags:
        if tag.start() >= start and len(_VALUES.sub(b" ", tag[0]).split()) > MAX_ATTRIBUTES:
            pieces += markup[start : tag.start()], re.split(rb"[\s/]", tag[0], maxsplit=1)[0]
            start = tag.end()
    return b"".join((*pieces, markup[start:])) if pieces else markup


def fragment_lines(markup: str) -> list[str]:
    """The lines of a piece of HTML: each block element and line break begins a new one."""
    try:
        fragment = document_fromstring(
            f"<div>{without_control(markup[:MAX_FRAGMENT_CHARS])}</div>".encode(), parser=_parser()
        )
    except (etree.LxmlError, ValueError):
        return []
    return element_lines(fragment)


def element_lines(element: HtmlElement) -> list[str]:
    """The lines below `element`, which is used up: each block element and line break begins a new one."""
    etree.strip_elements(element, "script", "style", "template", "figure", "iframe", with_tail=False)
    for block in element.iter(*_BLOCKS):
        block.text = f"\n{block.text or ''}"
        block.tail = f"\n{block.tail or ''}"
    return text_lines("".join(element.itertext()))


def around_headline(tree: HtmlElement) -> tuple[list[HtmlElement], frozenset[HtmlElement]]:
    """The elements a reader sees with the headline, and those it stands in.

    The first are some before it and some after it, in document order; without a headline the first 500 of the body.
    The others reach from the headline outwards: nothing there makes a sidebar of what stands with it.
    """
    heading = _headline(tree)
    if heading is None:
        return list(_FIRST_ELEMENTS(tree)), frozenset()
    before = list(islice(_before(heading), BEFORE_HEADLINE))
    near = [*reversed(before), *heading.iterdescendants(), *islice(_after(heading), AFTER_HEADLINE)]
    return near, frozenset(heading.iterancestors())


def _headline(tree: HtmlElement) -> HtmlElement | None:
    """The heading that the title tag holds, or else the first h1: that can be a logo, and a headline an h2."""
    first = next(tree.iter("h1"), None)
    title = key(tree.findtext(".//title", "")[:MAX_TITLE_CHARS])
    for tags, share in ((("h1",), 0.0), (("h2", "h3"), 0.5)):
        for heading in islice(tree.iter(*tags), MAX_HEADINGS):
            text = key("".join(heading.itertext())[:MAX_TITLE_CHARS])
            if text.count(" ") >= 2 and text in title and len(text) >= share * len(title):
                return heading
    return first


def _before(element: HtmlElement) -> Iterator[HtmlElement]:
    """The elements that end before `element` begins, the nearest first."""
    for around in (element, *element.iterancestors()):
        for sibling in around.itersiblings(preceding=True):
            yield from _backwards(sibling)


def _backwards(element: HtmlElement) -> Iterator[HtmlElement]:
    for child in reversed(element):
        yield from _backwards(child)
    yield element


def _after(element: HtmlElement) -> Iterator[HtmlElement]:
    """The elements that begin after `element` has ended, in document order."""
    for around in (element, *element.iterancestors()):
        for sibling in around.itersiblings():
            yield from sibling.iter()


def text_lines(text: str) -> list[str]:
    """The lines of `text` that hold something, each cleaned as `one_line` does."""
    return [line for raw in text.splitlines() if (line := one_line(raw, 1_000_000))]


def _parser() -> HTMLParser:
    """A parser whose elements are all HtmlElement: lxml.html's own looks the class of each element up in Python."""
    parser = HTMLParser(
        encoding="utf-8", collect_ids=False, default_doctype=False, remove_comments=True, remove_pis=True
    )
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
    return parser


def _gather_body(tree: HtmlElement) -> None:
    """Move what strayed into the head to the body: libxml2 knows no HTML 5, and where a page leaves the body's tag out
    it takes an `article` or `main` for a part of the head."""
    head, body = tree.find("head"), tree.find("body")
    strayed = [part for part in (() if head is None else head) if part.tag not in _OF_THE_HEAD]
    if strayed and body is None:
        body = tree.makeelement("body")
        tree.append(body)
    for number, part in enumerate(strayed):
        body.insert(number, part)
