"""Who wrote the article of a page, by JSON-LD, meta tags and microdata, the byline on the page, the feed."""

from collections.abc import Sequence
from typing import TypeAlias

from lxml.html import HtmlElement

from transforms.bylines import read_authors
from transforms.json_ld import JsonLd, as_list, string, types_of
from transforms.page_bylines import visible_byline
from transforms.page_meta import MICRODATA_AUTHOR, PageMeta
from transforms.schema import Author, Page

AUTHOR_META = (
    "author", "parsely-author", "sailthru.author", "byl", "dc.creator", "dcterms.creator", "article:author_name",
    "cxenseparse:author", "article.author", "citation_author", "article:author", "og:article:author", "twitter:data1",
    "authors", MICRODATA_AUTHOR,
)  # fmt: skip

Named: TypeAlias = list[tuple[str, str | None]]  # bylines and names, and the kind their source claims


def page_authors(
    tree: HtmlElement, linked: JsonLd, meta: PageMeta, page: Page, publishers: Sequence[str]
) -> tuple[Author, ...]:
    """From the first source that names anybody but the publishers; one of these where they alone are named."""
    given = _linked_authors(linked)
    if authors := read_authors(given, publishers):
        return authors
    tagged: list[Named] = []
    for name in AUTHOR_META:
        tagged.append([(value, None) for value in meta.meta.get(name, ())[:30]])
        if authors := read_authors(tagged[-1], publishers):
            is_sure = name != MICRODATA_AUTHOR and any(map(_is_person, authors))
            return authors if is_sure else _as_seen(authors, read_authors(_printed(tree), publishers))
    printed = _printed(tree)
    fed: Named = [(name, None) for name in page.entry.authors]
    if authors := read_authors(printed, publishers) or read_authors(fed, publishers):
        return authors
    houses = ([(name, "organization") for name, _ in source] for source in (given, *tagged, printed))
    return next((authors[:1] for house in houses if (authors := read_authors(house))), ())


def _printed(tree: HtmlElement) -> Named:
    return [(byline, None)] if (byline := visible_byline(tree)) else []


def _is_person(author: Author) -> bool:
    return author.kind == "person" and not author.name.islower()


def _as_seen(authors: tuple[Author, ...], seen: tuple[Author, ...]) -> tuple[Author, ...]:
    """`seen`, the byline on the page, where it tells more than the meta tag of `authors`: people where that has but
    houses and users; of a list, which may go on with the authors of other stories, the first and the right others."""
    is_told = bool(seen) and _is_person(seen[0]) and " " in seen[0].name
    return seen if is_told and (not any(map(_is_person, authors)) or seen[0] == authors[0]) else authors


def _linked_authors(linked: JsonLd) -> Named:
    for value in (linked.article.get("author"), linked.article.get("creator")):
        given: Named = []
        for item in as_list(value)[:30]:
            node = linked.resolve(item)
            types = types_of(node) if isinstance(node, dict) else set()
            names = node.get("name") if isinstance(node, dict) else None
            for name in filter(None, map(string, names[:30] if isinstance(names, list) else [node])):
                given.append((name, "organization" if types and "Person" not in types else None))
        if given:
            return given
    return []
