"""Where on a page the story stands: the smallest part that holds nearly all of its paragraphs.

Extraction is faster and meets less that could mislead it when it sees this part alone. The paragraphs also tell how
much text there is to find, and so whether an extractor found it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from transforms.plain_text import key, one_line

MIN_STORY_CHARS = 300  # fewer are no story's, or its paragraphs are marked as something else
LONG_STORY_CHARS = 3_000  # found, there was a story; what else is on the page is something else
FEW_CHARS = 1_000  # in paragraphs, beside far more text in other elements: a teaser's, a caption's or a notice's
FAR_MORE = 3.0
BARELY_CHARS = 1_000
COVERED = 0.2  # share of the paragraphs' characters that must be found; comments are paragraphs too
COVERED_LOOSE = 0.6  # share of other text: it has to be nearly all, menus and notices among it
TOO_MUCH_LOOSE = 1.5  # as many times of it are its menus and notices
MAX_PARAGRAPHS = 5_000
MIN_PARAGRAPH_CHARS = 60
TEASER_LINK_CHARS = 15
SHARE = 0.95  # of the paragraphs' characters that a part must hold to stand for the page

_TEXT = etree.XPath("normalize-space()", smart_strings=False)
# What trafilatura takes out before it looks for the text: gone at once, every later step has less to walk through.
_FURNITURE = (
    "head", "nav", "footer", "aside", "menu", "noscript", "select", "button", "input", "label", "textarea", "fieldset",
    "datalist", "dialog", "audio", "video", "applet", "map", "time", "option", "optgroup", "math", "frame", "frameset",
    "noindex", "legend",
)  # fmt: skip
# What it takes for a part of the text around it, whatever stands on it.
_INLINE = (
    "b", "em", "i", "u", "kbd", "samp", "tt", "var", "abbr", "acronym", "address", "bdi", "bdo", "big", "cite", "data",
    "dfn", "font", "hgroup", "img", "ins", "mark", "nobr", "ruby", "small", "tbody", "tfoot", "thead", "wbr",
)  # fmt: skip
_HEADINGS = ("h2", "h3", "h4")
_HOLDERS = ("div", "span", "td", "li", "section", "article", "main", "blockquote", "dd", "center", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What there is to find: the characters of the story's paragraphs, or of its text where it has none."""

    characters: int = 0
    has_paragraphs: bool = False

    def is_found_in(self, lines: Sequence[str]) -> bool:
        """Whether an extractor that gives `lines` found the story."""
        found = sum(map(len, lines))
        if not self.has_paragraphs and found > TOO_MUCH_LOOSE * self.characters:
            return False
        share = COVERED if self.has_paragraphs else COVERED_LOOSE
        return found >= MIN_STORY_CHARS and found >= min(share * self.characters, LONG_STORY_CHARS)

    def is_barely_found_in(self, lines: Sequence[str]) -> bool:
        """Whether the story has paragraphs, and `lines` are hardly a notice of it."""
        found = sum(map(len, lines))
        return self.has_paragraphs and found < min(0.5 * self.characters, BARELY_CHARS)


def narrow(tree: HtmlElement) -> Story:
    """Cut `tree` down to the part that holds the story, its ancestors kept as bare wrappers.

    Returns what the story is known by; where that is little, the tree is cut down to nothing useful.
    """
    strip_furniture(tree)
    _strip_pictures(tree)
    etree.strip_tags(tree, *_INLINE)
    characters, weights = _weigh(_paragraphs(tree))
    has_paragraphs = characters >= MIN_STORY_CHARS
    if characters < FEW_CHARS:
        loose, loose_weights = _weigh(_loose_texts(tree))
        if not has_paragraphs or loose > FAR_MORE * characters:
            has_paragraphs, characters, weights = False, loose, loose_weights
    part = tree.find("body")
    if part is None or characters < MIN_STORY_CHARS:
        return Story()
    while True:
        inner = next((child for child in part if weights.get(child, 0) >= SHARE * characters), None)
        if inner is None:
            break
        part = inner
    while (parent := part.getparent()) is not None and part.tag != "body":
        for sibling in list(parent):
            if sibling is not part:
                parent.remove(sibling)
        part.tail = parent.text = None
        part = parent
    return Story(characters=characters, has_paragraphs=has_paragraphs)


def with_headings(lines: Sequence[str], tree: HtmlElement) -> list[str]:
    """`lines` with the headings of `tree` that stand right before one of them and were left out."""
    headings: dict[str, str] = {}  # by the opening of the paragraph below
    heading = ""
    for element in tree.iter("p", *_HEADINGS):
        text = one_line(_TEXT(element))
        if element.tag in _HEADINGS:
            heading = text
        elif text:
            headings.setdefault(_opening(text), heading)
            heading = ""
    told = {key(line) for line in lines} | {""}
    pairs = ((headings.get(_opening(line), ""), line) for line in lines)
    return [text for heading, line in pairs for text in (heading, line) if text is line or key(text) not in told]


def are_teasers(tree: HtmlElement) -> bool:
    """Whether most paragraphs of `tree` stand in blocks of their own that link elsewhere, as other stories do."""
    characters = teasers = 0
    for paragraph, length in islice(_paragraphs(tree), MAX_PARAGRAPHS):
        characters += length
        teasers += length * _is_teaser(paragraph)
    return teasers > 0.5 * characters


def _is_teaser(paragraph: HtmlElement) -> bool:
    around = list(islice(paragraph.iterancestors(), 4))
    blocks = (block for block in around[:2] if sum(1 for _ in islice(block.iter("p"), 3)) < 3)
    links = (link for block in blocks for link in block.iter("a") if paragraph not in link.iterancestors())
    return any(part.tag == "a" for part in around) or any(len(_TEXT(link)) >= TEASER_LINK_CHARS for link in links)


def _opening(text: str) -> str:
    return key(text[:MIN_PARAGRAPH_CHARS])


def strip_furniture(tree: HtmlElement) -> None:
    """Take menus, sidebars, forms' fields and the like out of `tree`."""
    etree.strip_elements(tree, *_FURNITURE, with_tail=False)


def _strip_pictures(tree: HtmlElement) -> None:
    """Take out pictures with their captions, but not the tables that some pages frame as figures."""
    for figure in tree.iter("figure"):
        if figure.find(".//table") is not None:
            figure.tag = "div"
    etree.strip_elements(tree, "figure", "picture", "source", "area", "track", with_tail=False)


def _weigh(texts: Iterable[tuple[HtmlElement, int]]) -> tuple[int, dict[HtmlElement, int]]:
    """Characters of all `texts`, and of those below each element."""
    weights: dict[HtmlElement, int] = {}
    total = 0
    for element, characters in islice(texts, MAX_PARAGRAPHS):
        total += characters
        for ancestor in element.iterancestors():
            weights[ancestor] = weights.get(ancestor, 0) + characters
    return total, weights


def _paragraphs(tree: HtmlElement) -> Iterator[tuple[HtmlElement, int]]:
    """The paragraphs that are no list of links, and their characters."""
    for paragraph in tree.iter("p"):
        characters = len(_TEXT(paragraph))
        if characters > MIN_PARAGRAPH_CHARS:
            linked = sum(len(_TEXT(link)) for link in paragraph.iter("a"))
            if linked < 0.5 * characters:
                yield paragraph, characters


def _loose_texts(tree: HtmlElement) -> Iterator[tuple[HtmlElement, int]]:
    """The elements that hold text themselves and are part of no link, as on pages that part it by line breaks, and its
    characters."""
    for element in tree.iter(*_HOLDERS):
        characters = sum(len(text.strip()) for text in (element.text, *(child.tail for child in element)) if text)
        if characters > MIN_PARAGRAPH_CHARS and not any(part.tag == "a" for part in islice(element.iterancestors(), 4)):
            yield element, characters
