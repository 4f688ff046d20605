"""Where on a page the story stands: the smallest part that holds nearly all of its paragraphs.

Extraction is faster and meets less that could mislead it when it sees this part alone. The paragraphs also tell how
much text there is to find, and so whether an extractor found it.
"""

from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

MAX_PARAGRAPHS = 3_000
SHARE = 0.95  # of the paragraphs' characters that a part must hold to stand for the page

_PARAGRAPHS = etree.XPath("descendant::p[string-length(normalize-space()) > 60]")
# What trafilatura takes out before it looks for the text: gone at once, every later step has less to walk through.
_FURNITURE = (
    "head", "nav", "footer", "aside", "menu", "noscript", "select", "button", "input", "label", "textarea", "fieldset",
    "datalist", "dialog", "audio", "video", "applet", "map", "time", "option", "optgroup", "math", "frame", "frameset",
    "noindex", "legend",
)  # fmt: skip


def narrow(tree: HtmlElement) -> int:
    """Cut `tree` down to the part that holds the story, its ancestors kept as bare wrappers.

    Returns the characters of its paragraphs; a tree with few of them is cut down to nothing useful and should not be
    relied on.
    """
    strip_furniture(tree)
    characters, weights = _weigh(tree)
    part = tree.find("body")
    if part is None or not characters:
        return 0
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
    return characters


def strip_furniture(tree: HtmlElement) -> None:
    """Take menus, sidebars, forms' fields and the like out of `tree`."""
    etree.strip_elements(tree, *_FURNITURE, with_tail=False)


def _weigh(tree: HtmlElement) -> tuple[int, dict[HtmlElement, int]]:
    """Characters of all paragraphs that are no list of links, and of those below each element."""
    weights: dict[HtmlElement, int] = {}
    total = 0
    for paragraph in islice(_PARAGRAPHS(tree), MAX_PARAGRAPHS):
        characters = len("".join(paragraph.itertext()).strip())
        linked = sum(len("".join(link.itertext())) for link in paragraph.iter("a"))
        if linked >= 0.5 * characters:
            continue
        total += characters
        for ancestor in paragraph.iterancestors():
            weights[ancestor] = weights.get(ancestor, 0) + characters
    return total, weights
