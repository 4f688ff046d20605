"""One page to one Article: the function that runs in killable child processes.

Goes in: a Page (bytes as fetched) and the settings of Clean. Comes out: an Article with every column Clean is
responsible for. Raises `Rejected` when the page holds no article: unparsable, not-html, challenge, consent-wall,
soft-404, not-an-article, too-short. The page is parsed once; metadata, promo removal and body share the tree.

The body is found by trafilatura (https://github.com/adbar/trafilatura); this module is its only importer.
"""

import logging
import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring
from trafilatura import bare_extraction
from trafilatura.settings import Document

from transforms.boilerplate import link_shares, load_boilerplate, sift
from transforms.bylines import kind_of
from transforms.charset import decode
from transforms.dateline import find_agency, find_dateline, is_agency_domain
from transforms.language import choose_language, warm_up
from transforms.metadata import PageMetadata, read_metadata
from transforms.placeholders import is_home_page, placeholder_of
from transforms.plain_text import key, one_line, without_control
from transforms.reject import Rejected
from transforms.schema import Article, Entry, Page
from transforms.settings import CleanSettings
from transforms.urls import article_id, canonical_url, registrable_domain

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
# Nothing a reader sees, and nothing the body is made of: every later copy of the tree is cheaper without.
_BLOCKS = ("p", "div", "br", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "section")
MAX_FRAGMENT_CHARS = 2_000_000
MAX_HOME_WORDS = 300
_INVISIBLE = ("script", "style", "template", "svg", "iframe", "object", "embed", "canvas", "link", "meta")


def clean_page(page: Page, settings: CleanSettings) -> Article:
    """The article of `page`. Deterministic; raises `Rejected` and nothing else that is foreseen."""
    tree = parse(page)
    metadata = read_metadata(tree, page)
    links = link_shares(tree)
    lines, method = body_lines(tree, page.final_url, metadata)
    if rejected := placeholder_of(metadata, lines, count_words(" ".join(lines))):
        raise rejected
    lines, text_source, method = _or_feed_text(lines, method, page.entry)
    sifted = sift(lines, load_boilerplate(), links=links, title=metadata.title)
    text = "\n".join(sifted.lines)
    words = count_words(text)
    if words < MAX_HOME_WORDS and is_home_page(page.entry.url, page.final_url):
        raise Rejected("not-an-article", "the link ended at a home page")
    if words < settings.min_words:
        raise Rejected("too-short", f"{words} words")
    language, language_source = choose_language(metadata.declared_language, text)
    dateline, credit = find_dateline(text)
    agency = find_agency(
        text,
        credit=credit,
        footers=sifted.credits,
        authors=[author.name for author in metadata.authors if kind_of(author.name) == "organization"],
    )
    url = canonical_url(page.final_url, metadata.canonical)
    domain = registrable_domain(url)
    published = metadata.published
    entry = page.entry
    return Article(
        article_id=article_id(url),
        url=url,
        source_url=entry.url,
        final_url=page.final_url,
        guid=entry.guid,
        feed_id=entry.feed_id,
        publisher=metadata.publisher,
        publisher_domain=domain,
        publisher_country=entry.publisher_country,
        title=metadata.title,
        description=metadata.description,
        text=text,
        section=metadata.section,
        word_count=words,
        text_source=text_source,
        authors=metadata.authors,
        keywords=metadata.keywords,
        image_url=metadata.image_url,
        access=metadata.access,
        published_at=published.at if published else None,
        modified_at=metadata.modified_at,
        published_raw=published.raw if published else None,
        published_precision=published.precision if published else None,
        published_source=published.source if published else None,
        first_seen_at=entry.seen_at,
        fetched_at=page.fetched_at,
        language=language,
        language_source=language_source,
        dateline=dateline,
        agency=agency,
        is_wire_copy=agency is not None
        and not is_agency_domain(agency, domain)
        and key(agency) != key(metadata.publisher or ""),
        removed=sifted.removed,
        extraction_method=method,
        raw_ref=page.raw_ref,
    )


def parse(page: Page) -> HtmlElement:
    """The document tree of `page`; raises `Rejected` for what is no HTML document."""
    if not page.body.strip():
        raise Rejected("unparsable", "empty body")
    text = without_control(decode(page.body, page.content_type))
    text = _XML_DECLARATION.sub("", text)
    try:
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=_parser())
    except (etree.LxmlError, ValueError) as error:
        raise Rejected("unparsable", str(error)[:200]) from None
    _gather_body(tree)
    if tree.find("body") is None:
        raise Rejected("unparsable", "no body element")
    return tree


def _parser() -> HTMLParser:
    """A parser whose elements are all HtmlElement: lxml.html's own looks the class of each element up in Python."""
    parser = HTMLParser(
        encoding="utf-8", collect_ids=False, default_doctype=False, remove_comments=True, remove_pis=True
    )
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
    return parser


def body_lines(tree: HtmlElement, url: str, metadata: PageMetadata) -> tuple[list[str], str]:
    """The paragraphs of the article, one a line, and how they were got. Strips `tree` of what is invisible."""
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    document = bare_extraction(tree, url=url, with_metadata=False, include_comments=False)
    lines = _lines(str(document.text)) if isinstance(document, Document) else []
    method = "trafilatura"
    if len(metadata.article_body) > 2 * sum(map(len, lines)) and len(metadata.article_body) > 250:
        return _lines(metadata.article_body), "json-ld"
    return lines, method


def _or_feed_text(lines: list[str], method: str, entry: Entry) -> tuple[list[str], str, str]:
    """Lines, their source and method: the feed's own text where it is declared, or shown by its length, to be full."""
    if not entry.content:
        return lines, "page", method
    given = fragment_lines(entry.content)
    ours, theirs = sum(map(len, lines)), sum(map(len, given))
    if theirs > ours or (entry.full_text and theirs > 0.5 * ours):
        return given, "feed", "feed-content"
    return lines, "page", method


def fragment_lines(markup: str) -> list[str]:
    """The lines of a piece of HTML: each block element and line break begins a new one."""
    try:
        fragment = document_fromstring(f"<div>{without_control(markup[:MAX_FRAGMENT_CHARS])}</div>")
    except (etree.LxmlError, ValueError):
        return []
    etree.strip_elements(fragment, *_INVISIBLE, "figure", "figcaption", with_tail=False)
    for element in fragment.iter(*_BLOCKS):
        element.text = f"\n{element.text or ''}"
        element.tail = f"\n{element.tail or ''}"
    return _lines("".join(fragment.itertext()))


def count_words(text: str) -> int:
    """Words of `text`; in scripts written without spaces each two characters count as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


def _lines(text: str) -> list[str]:
    return [line for raw in text.splitlines() if (line := one_line(raw, 100_000))]


def warm() -> None:
    """Load what the first page would have to wait for."""
    warm_up()
    load_boilerplate()


_OF_THE_HEAD = frozenset({"title", "meta", "link", "script", "style", "base", "noscript", "template", "object"})


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
