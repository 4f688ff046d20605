"""The byline that a reader sees on a page.

A line is a byline for what it says ("By Ann Low"), for how it is marked (a class, a link to an author's page), and for
being little but names; near the headline it counts before one elsewhere.
"""

import re
from collections.abc import Collection, Container, Iterable
from itertools import islice, takewhile

from lxml import etree
from lxml.html import HtmlElement

from transforms.bylines import kind_of, split_names, squeeze
from transforms.page_tree import around_headline
from transforms.plain_text import key, one_line

MAX_HOUSE_CHARS = 60
MAX_MARKED = 60
MAX_TEXTS = 100
_EXPLICIT_BY = re.compile(
    r"(?:(?:(?:written|posted|reported|story|words|article|contributed) )?by|authors?|contributors?(?=:)|von|par|por|"
    r"di|av|af|door|od|text|texte|autor(?:in)?|auteur|автор|yazan|oleh)(?:\s*:\s*|\s+)\S",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:(?:written|posted|reported|article|story|words) )?by:?|authors?:?|(?:von|par|por|di|autor(?:in)?):?",
    re.IGNORECASE,
)
_NAME = r"[^\W\d_a-z][\w.'’-]{0,25}"
_USER = re.compile(r"[\w.-]{3,30}")
_PERSON = re.compile(rf"{_NAME}(?:\s(?:{_NAME}|de|da|di|van|von|der|den|del|la|le|bin|al|el|dos)){{1,4}}")
_AUTHOR_MARK = re.compile(
    r"author|byline|autor|auteur|autore|redakt|writer|reporter|journalist|verfasser|contributor|person-", re.IGNORECASE
)
_AUTHOR_PATH = re.compile(
    r"/(?:authors?|autor(?:es|en|in)?|auteurs?|staff|people|person(?:en)?|journalists?|reporters?|redaktion|newsteam|"
    r"profiles?|contributors?|by|writers?|columnists?|autore|autori|firma|firmas)/[^/?#]{3,80}/?$",
    re.IGNORECASE,
)
_INNER_BY = re.compile(r"(?:(?<=\s)|(?<=\|))(?:[Bb]y|[Vv]on|[Pp]ar|[Pp]or|[Dd]i|[Dd]oor)\s+[^\W\d_a-z][^|:]{2,120}$")
_ASIDE_MARK = re.compile(
    r"aside|comment|footer|related|sidebar|teaser|widget|recommend|popular|latest|image|caption|photo|picture|figure",
    re.IGNORECASE,
)
_NAME_MARKS = {
    "author", "fn", "author-name", "authorname", "byline-name", "byline__name", "author__name", "post-author",
    "username",
}  # fmt: skip
_MARKED = etree.XPath(
    "descendant::*[@rel='author' or @itemprop='author' or contains(@class, 'author') or contains(@class, 'byline')]"
)
_NOT_TEXT = {"script", "style", "option", "title", "noscript", "figcaption"}


def visible_byline(tree: HtmlElement) -> str | None:
    """The byline that a reader sees, None when there is none: a short line that is little but names of people, opened
    by "By", standing in an element marked as the author's or linking to an author's page, near the headline or else
    anywhere but in a sidebar or comment; or that of a team or desk, where nobody else is named."""
    near, page = around_headline(tree)
    own = _aside_marks(page)  # where the article itself stands in a "teaser", the word says nothing
    for elements in (near, _MARKED(tree)[:MAX_MARKED]):
        found = [
            (score, not any(c.isdigit() for c in line), -place, line)
            for place, element in enumerate(elements)
            for score, line in (_byline_of(element),)
            if score and not _stands_aside(element, page, own)
        ]
        if found:
            return _purest(max(found)[-1], [line for *_, line in found])
    return None


def _purest(byline: str, others: Iterable[str]) -> str:
    """`byline`, or the one of `others` that names the same person without what stands behind."""
    parts = sorted({other for other in others if other in byline and other != byline})
    names = split_names(byline) if parts else []
    for part in parts if len(names) == 1 else ():
        if len(name := split_names(part)) == 1 and names[0].startswith(f"{name[0]} "):
            return part
    return byline


def _byline_of(element: HtmlElement) -> tuple[int, str]:
    """How surely `element` is a byline, 0 for not at all, and its text."""
    if element.tag in _NOT_TEXT or len(element) > 8:
        return 0, ""
    is_marked = _is_author_mark(element)
    if not is_marked and not _EXPLICIT_BY.match(f"{(element.text or '').strip()} ."):
        return 0, ""
    line = _text(element, 200)
    if is_marked and not _PERSON.fullmatch(line) and (inner := _INNER_BY.search(line)):
        line = inner[0]
    is_name_mark = _is_name_mark(element) or _is_named_by_link(element, line)
    for text in (line, _first_parts(element)):
        if text and _is_byline(text, is_marked=is_name_mark):
            return 2 * is_marked + 2 * bool(_EXPLICIT_BY.match(text)), text
    is_said = is_name_mark or (is_marked and bool(_EXPLICIT_BY.match(line)))
    return int(is_said and _names_house(line)), line


def _text(element: HtmlElement, max_chars: int) -> str:
    return one_line(" ".join(islice(element.itertext(), MAX_TEXTS))[: 2 * max_chars], max_chars)


def _names_house(line: str) -> bool:
    """Whether a line that stands where the author is named gives a team or desk and nothing else."""
    names = split_names(line)
    is_house = len(names) == 1 and " " in names[0] and kind_of(names[0]) == "organization"
    return is_house and len(line) <= MAX_HOUSE_CHARS and not names[0].endswith(".")


def _first_parts(element: HtmlElement) -> str:
    """What follows the word "by" in elements of their own, up to the first text that goes on with something else, or
    the element after one that says "by" and no more."""
    parts = [(element.text or "").strip()]
    if not len(element) and not (element.tail or "").strip() and _LABEL.fullmatch(parts[0]):
        after = next((sibling for sibling in islice(element.itersiblings(), 2) if sibling.tag != "br"), None)
        return "" if after is None else f"By {_text(after, 100)}"
    for child in element:
        parts.append(_text(child, 100))
        if key(child.tail or "") not in {"", "and", "und", "et", "y", "e"}:
            break
    return f"{parts[0]} {'; '.join(parts[1:])}" if _EXPLICIT_BY.match(f"{parts[0]} .") else ""


def _is_author_mark(element: HtmlElement) -> bool:
    marks = " ".join(element.get(name, "") for name in ("class", "rel", "itemprop", "id", "data-testid"))
    if element.tag == "a" and _AUTHOR_PATH.search(element.get("href", "")[:500]):
        return True
    return element.tag == "address" or bool(_AUTHOR_MARK.search(marks))


def _is_name_mark(element: HtmlElement) -> bool:
    """Whether the element is marked as holding the name itself, so that one word is a name too."""
    tokens = f"{element.get('class', '')} {element.get('rel', '')} {element.get('itemprop', '')}".lower().split()
    return bool(_NAME_MARKS.intersection(tokens))


def _is_named_by_link(element: HtmlElement, line: str) -> bool:
    """Whether a link to an author's page says the same as its address: "/author/matthias/" is Matthias."""
    path = element.get("href", "")[:500].rstrip("/") if element.tag == "a" else ""
    return bool(path) and squeeze(path.rsplit("/", maxsplit=1)[-1]) == squeeze(line)


def _is_byline(line: str, *, is_marked: bool) -> bool:
    names = split_names(line)
    people = [name for name in names if kind_of(name) == "person"]
    return (
        bool(people)
        and all(_PERSON.fullmatch(name) or (is_marked and _USER.fullmatch(name)) for name in people)
        and sum(map(len, names)) >= (0.25 if _EXPLICIT_BY.match(line) else 0.5) * len(line)
        and len(people) >= len(names) / 2
    )


def _stands_aside(element: HtmlElement, page: Container[HtmlElement], own: Collection[str]) -> bool:
    """Whether a part of the page around `element` is marked as something beside the article, by a word that is none of
    its `own`. `page` holds the article itself."""
    parts = takewhile(lambda part: part not in page, islice(element.iterancestors(), 6))
    return any(mark not in own for mark in _aside_marks(parts))


def _aside_marks(parts: Iterable[HtmlElement]) -> set[str]:
    marks = " ".join(f"{part.tag} {part.get('class', '')}" for part in parts if part.tag not in {"body", "html"})
    return {mark.lower() for mark in _ASIDE_MARK.findall(marks)}
