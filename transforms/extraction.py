"""One page to one Article: the function that runs in killable child processes.

Goes in: a Page (bytes as fetched) and the settings of Clean. Comes out: an Article with every column Clean is
responsible for. Raises `Rejected` when the page holds no article: unparsable, not-html, challenge, consent-wall,
soft-404, not-an-article, too-short. The page is parsed once; metadata, promo removal and body share the tree.

The body is found by trafilatura (https://github.com/adbar/trafilatura); this module is its only importer.
"""

import logging
from copy import copy
from dataclasses import dataclass
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement
from trafilatura.baseline import baseline
from trafilatura.external import compare_extraction, justext_rescue
from trafilatura.htmlprocessing import convert_tags, prune_unwanted_nodes, tree_cleaning
from trafilatura.main_extractor import extract_content
from trafilatura.settings import Extractor
from trafilatura.xml import xmltotxt
from trafilatura.xpaths import RAW_TREE_PRUNE_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

from transforms import host_rules, language, page_dates
from transforms.boilerplate import Boilerplate, load_boilerplate
from transforms.bylines import kind_of
from transforms.dateline import agencies, find_agency, find_dateline, is_agency_domain
from transforms.host_rules import HostRule
from transforms.metadata import PageMetadata, read_metadata
from transforms.page_tree import UNSEEN_CLASSES, element_lines, fragment_lines, parse_page, text_lines
from transforms.placeholders import is_home_page, placeholder_of, placeholders
from transforms.plain_text import count_words, key
from transforms.reject import Rejected
from transforms.schema import Article, Entry, Page
from transforms.settings import CleanSettings
from transforms.sifting import Known, left_out, offers_subscription, sift
from transforms.story import MIN_STORY_CHARS, are_teasers, narrow, strip_furniture, with_headings
from transforms.urls import article_id, canonical_url, registrable_domain, url_key

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)

_OPTIONS = Extractor(output_format="python", comments=False)
MAX_HOME_WORDS = 300
SENTENCE_WORDS = 5  # a shorter line may be a menu's
LARGE_TREE = 2_000  # elements; most stories have a tenth
# What stands in a page that RAW_TREE_PRUNE_XPATH would find something in; hardly any has it.
_APPENDED = (b"mvp-post-add", b"infinite", b"elementor-share-buttons")
# Nothing a reader sees, and nothing the body is made of: every later copy of the tree is cheaper without.
_INVISIBLE = ("script", "style", "template", "svg", "iframe", "object", "embed", "canvas", "link", "meta")
# Labels for screen readers, each looked for where a page holds the word.
_UNSEEN = {
    name.encode(): etree.XPath(f"descendant::*[contains(@class, {name!r})][string-length() < 60]")
    for name in UNSEEN_CLASSES
}
_EXPECTED = (TypeError, ValueError)  # by `bare_extraction` too

Found = tuple[etree._Element, str]  # trafilatura's body, and its text


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The lines of an article, how they were got, and the tree they came from."""

    lines: list[str]
    method: str
    tree: HtmlElement


def clean_page(page: Page, settings: CleanSettings) -> Article:
    """The article of `page`. Deterministic; raises `Rejected` and nothing else that is foreseen."""
    host, metadata, body = _read(page, settings)
    if rejected := placeholder_of(metadata, body.lines):
        raise rejected
    lines, text_source, method = _or_feed_text(_all_lines(body, metadata), body.method, page.entry)
    rules = load_boilerplate(settings.boilerplate)
    known = _known(metadata)
    sifted = sift(lines, rules, tree=body.tree, known=known, host=host)
    dropped = left_out(body.tree, lines, rules, known) if text_source == "page" else ()
    text = "\n".join(sifted.lines)
    counts = [count_words(line) for line in sifted.lines]
    words, sentences = sum(counts), sum(n for n in counts if n >= SENTENCE_WORDS)
    if words < MAX_HOME_WORDS and is_home_page(page.entry.url, page.final_url):
        raise Rejected("not-an-article", "the link ended at a home page")
    if sentences < settings.min_words:
        raise Rejected("too-short", f"{sentences} words in sentences, {words} in all")
    spoken, language_source = language.choose_language(metadata.declared_language, text)
    dateline, credit = find_dateline(text)
    agency = find_agency(
        text,
        credit=credit,
        footers=sifted.credits,
        authors=[author.name for author in metadata.authors if kind_of(author.name) == "organization"],
    )
    url = canonical_url(page.final_url, metadata.canonical)
    domain = registrable_domain(url_key(url))  # whose article it is, in whatever viewer it was found
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
        access=_access(metadata.access, body.tree, rules),
        published_at=published.at if published else None,
        modified_at=metadata.modified_at,
        published_raw=published.raw if published else None,
        published_precision=published.precision if published else None,
        published_source=published.source if published else None,
        first_seen_at=entry.seen_at,
        fetched_at=page.fetched_at,
        language=spoken,
        language_source=language_source,
        dateline=dateline,
        agency=agency,
        is_wire_copy=agency is not None
        and not is_agency_domain(agency, domain)
        and key(agency) != key(metadata.publisher or ""),
        removed=(*sifted.removed, *dropped),
        extraction_method=method,
        raw_ref=page.raw_ref,
        opt_outs=tuple(dict.fromkeys((*page.opt_outs, *metadata.opt_outs))),
    )


def body_lines(page: Page, settings: CleanSettings) -> list[str]:
    """The lines of the body as `clean_page` has them before it takes any out."""
    _, metadata, body = _read(page, settings)
    return _or_feed_text(_all_lines(body, metadata), body.method, page.entry)[0]


def _read(page: Page, settings: CleanSettings) -> tuple[HostRule | None, PageMetadata, Body]:
    """What the user's rules say of the page's host, and what the page holds."""
    host = host_rules.rule_for(page.final_url, host_rules.load_host_rules(settings.hosts))
    tree = parse_page(page.body, page.content_type)
    metadata = read_metadata(tree, page, host)
    return host, metadata, extract_body(page, tree, metadata, host)


def _all_lines(body: Body, metadata: PageMetadata) -> list[str]:
    """The lines of `body`; of a live blog with the heading of each update."""
    return with_headings(body.lines, body.tree) if metadata.is_live_blog else body.lines


def _access(declared: str, tree: HtmlElement, rules: Boilerplate) -> str:
    return "paywalled" if declared == "unknown" and offers_subscription(tree, rules) else declared


def _known(metadata: PageMetadata) -> Known:
    titles = [metadata.title or "", *metadata.titles]
    return Known(titles=titles, authors=[author.name for author in metadata.authors])


def extract_body(page: Page, tree: HtmlElement, metadata: PageMetadata, host: HostRule | None = None) -> Body:
    """The paragraphs of the article. `tree` is used up.

    Where the host's rule knows the body, that. Else first trafilatura's fast path on the part of the page that holds
    the story; when that does not find what is there, its whole cascade on the whole page; when that finds next to
    nothing of many paragraphs, as on pages that part the story into cards, the texts between the menus, wherever they
    stand; and when JSON-LD holds far more than all these, that. On large pages the cascade goes on from what the fast
    path found: its rules walk through the tree dozens of times.
    """
    unwanted = REMOVE_COMMENTS_AND_LISTS_XPATH
    if any(word in page.body for word in _APPENDED):
        unwanted = [*RAW_TREE_PRUNE_XPATH, *unwanted]
    _strip(tree, page, host)
    if host and host.body and (parts := host.body(tree)):
        return Body(lines=[line for part in parts for line in element_lines(part)], method="host-rule", tree=tree)
    story = narrow(tree)
    found = _own_rules(tree, unwanted) if story.characters else None
    if found and story.is_found_in(lines := _lines(found)):
        return Body(lines=lines, method="trafilatura-fast", tree=tree)
    is_large = sum(1 for _ in islice(tree.iter(), LARGE_TREE)) == LARGE_TREE
    tree = parse_page(page.body, page.content_type)
    _strip(tree, page, host)
    if story.has_paragraphs:
        strip_furniture(tree)
    lines = _lines(_cascade(tree, unwanted, found if is_large else None))
    if not is_large and story.is_barely_found_in(lines) and not are_teasers(tree):
        wild = _wild(tree, unwanted)
        lines = wild if sum(map(len, wild)) > 2 * sum(map(len, lines)) else lines
    if len(metadata.article_body) > max(MIN_STORY_CHARS, 2 * sum(map(len, lines))):
        return Body(lines=text_lines(metadata.article_body), method="json-ld", tree=tree)
    return Body(lines=lines, method="trafilatura", tree=tree)


def _strip(tree: HtmlElement, page: Page, host: HostRule | None) -> None:
    """Take out what is invisible and what the host's rule drops."""
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    unseen = [labels for word, labels in _UNSEEN.items() if word in page.body]
    for selector in (*unseen, *(host.drop if host else ())):
        for element in selector(tree):
            if element.getparent() is not None:
                element.drop_tree()


def _own_rules(tree: HtmlElement, unwanted: list[etree.XPath]) -> Found:
    """What trafilatura's own rules find in `tree`, which stays as it is, without what is `unwanted`."""
    try:
        return _content(tree_cleaning(prune_unwanted_nodes(copy(tree), unwanted), _OPTIONS))
    except _EXPECTED:
        return etree.Element("body"), ""


def _cascade(tree: HtmlElement, unwanted: list[etree.XPath], found: Found | None) -> Found:
    """What trafilatura finds in `tree`, which stays as it is: by its own rules, or by readability and justext beside
    them, and where that is next to nothing all paragraphs. `found` is what its own rules found, if they were asked.

    These are the steps of `bare_extraction`. Left out is what it does when little of the page's text was found, trying
    all again in another mode and taking the longer result: `Story.is_found_in` asks that of the story's part, and pages
    of little text have menus and notices for the rest.
    """
    tree = prune_unwanted_nodes(copy(tree), unwanted)
    try:
        cleaned = tree_cleaning(copy(tree), _OPTIONS)
        body, text = found or _content(copy(cleaned))
        body, text = compare_extraction(cleaned, copy(tree), body, text, _OPTIONS)
        if len(text) < _OPTIONS.min_extracted_size:
            paragraphs, _, characters = baseline(tree)
            body = paragraphs if characters > len(text) else body
    except _EXPECTED:
        return etree.Element("body"), ""
    return body, text


def _wild(tree: HtmlElement, unwanted: list[etree.XPath]) -> list[str]:
    """The lines of all texts in `tree`, which stays as it is, that are written in sentences."""
    try:
        return _lines(justext_rescue(prune_unwanted_nodes(copy(tree), unwanted), _OPTIONS))
    except _EXPECTED:
        return []


def _content(cleaned: HtmlElement) -> Found:
    body, text = extract_content(convert_tags(cleaned, _OPTIONS), _OPTIONS)
    return body, text


def _lines(found: Found) -> list[str]:
    return text_lines(xmltotxt(found[0], include_formatting=False))


def _or_feed_text(lines: list[str], method: str, entry: Entry) -> tuple[list[str], str, str]:
    """Lines, their source and method: the feed's own text where it is declared, or shown by its length, to be full."""
    if not entry.content:
        return lines, "page", method
    given = fragment_lines(entry.content)
    ours, theirs = sum(map(len, lines)), sum(map(len, given))
    if theirs > ours or (entry.full_text and theirs > 0.5 * ours):
        return given, "feed", "feed-content"
    return lines, "page", method


def warm() -> None:
    """Load what the first pages would have to wait for: models, word lists, rules and what libraries load late."""
    page_dates.warm_up()
    language.warm_up()
    registrable_domain("example.org")
    load_boilerplate(())
    host_rules.load_host_rules(())
    placeholders()
    agencies()
    short = "<html><body><div>Too short for all but the last fallback of the cascade.</div></body></html>"
    _cascade(parse_page(short.encode(), None), [], None)
