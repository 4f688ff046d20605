"""What each source on a page says of its article, beside what was taken: for people who ask why.

The readers are those of `metadata`; nothing here decides anything. A value counts as taken when the article's is made
of it: equal for a reader, cut of a site's name, or naming the same people.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from transforms.json_ld import JsonLd, as_list, raw_string, read_json_ld, string
from transforms.metadata import MODIFIED_META, published_candidates
from transforms.page_authors import AUTHOR_META
from transforms.page_bylines import visible_byline
from transforms.page_dates import candidate, latest_plausible
from transforms.page_meta import PageMeta, read_page_meta
from transforms.page_tree import parse_page
from transforms.plain_text import key, one_line
from transforms.schema import Article, Page

MAX_HEADINGS = 3
MAX_VALUES = 5  # of one source
MAX_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What `source` says of `field`, a column of articles."""

    field: str
    source: str
    value: str
    is_taken: bool


Said = tuple[str, str]  # source and value


def claims(page: Page, article: Article) -> list[Claim]:
    """Every value that the page, its address and its feed's entry give, by field and in the order of the sources."""
    tree = parse_page(page.body, page.content_type)
    meta = read_page_meta(tree)
    linked = read_json_ld(
        tree,
        urls=(page.final_url, meta.canonical or ""),
        headlines=(meta.first("og:title"), meta.title, *meta.headings[:3]),
    )
    latest = latest_plausible(page.fetched_at)
    dates = [(f"{c.source}, {c.precision}", c.raw) for c in published_candidates(tree, linked.article, meta, page)]
    names = [author.name for author in article.authors]
    entry, ld = page.entry, linked.article
    return [
        *_taken("url", article.url, [("canonical link", meta.canonical or ""), ("address", page.final_url)]),
        *_taken("title", article.title, _titles(linked, meta, page)),
        *_naming("authors", names, _authors(linked, meta, page, visible_byline(tree))),
        *_dated(article, dates),
        *_at("modified_at", article.modified_at, _modified(linked, meta, page), latest),
        *_taken("publisher", article.publisher, _publishers(linked, meta, page)),
        *_taken(
            "description",
            article.description,
            [("json-ld", string(ld.get("description"))), *_meta(meta, "og:description", "description")],
        ),
        *_taken(
            "section",
            article.section,
            [("json-ld", string(ld.get("articleSection"))), *_meta(meta, "article:section", "section")],
        ),
        *_first(
            "language",
            article.language_source == "declared",
            [
                ("json-ld", raw_string(ld.get("inLanguage"))),
                ("page", meta.language or ""),
                ("feed or config", entry.language or ""),
            ],
        ),
        *_first(
            "access",
            article.access != "unknown",
            [
                ("json-ld isAccessibleForFree", str(ld.get("isAccessibleForFree", ""))),
                *_meta(meta, "article:content_tier"),
            ],
        ),
        *_taken(
            "image_url", article.image_url, [*_meta(meta, "og:image", "twitter:image"), ("feed", entry.image_url or "")]
        ),
    ]


def _titles(linked: JsonLd, meta: PageMeta, page: Page) -> list[Said]:
    return [
        ("json-ld headline", string(linked.article.get("headline")) or string(linked.article.get("name"))),
        *_meta(meta, "og:title", "twitter:title"),
        *(("h1", heading) for heading in meta.headings[:MAX_HEADINGS]),
        ("title tag", meta.title),
        ("feed", one_line(page.entry.title)),
    ]


def _authors(linked: JsonLd, meta: PageMeta, page: Page, byline: str | None) -> list[Said]:
    given = [
        string(linked.resolve(item)) for name in ("author", "creator") for item in as_list(linked.article.get(name))
    ]
    return [
        ("json-ld", ", ".join(filter(None, given[:MAX_VALUES]))),
        *_meta(meta, *AUTHOR_META),
        ("byline on the page", byline or ""),
        ("feed", ", ".join(page.entry.authors)),
    ]


def _modified(linked: JsonLd, meta: PageMeta, page: Page) -> list[Said]:
    return [
        ("json-ld dateModified", raw_string(linked.article.get("dateModified"))),
        *_meta(meta, *MODIFIED_META),
        ("feed", page.entry.modified_raw or ""),
    ]


def _publishers(linked: JsonLd, meta: PageMeta, page: Page) -> list[Said]:
    return [
        ("feed or config", page.entry.publisher or ""),
        ("json-ld", string(linked.resolve(linked.article.get("publisher")))),
        *_meta(meta, "og:site_name", "application-name", "publisher", "dc.publisher"),
    ]


def _meta(meta: PageMeta, *names: str) -> list[Said]:
    return [(f"meta {name}", value) for name in names for value in meta.meta.get(name, ())[:MAX_VALUES]]


def _claim(field: str, said: Said, *, is_taken: bool) -> Claim:
    return Claim(field=field, source=said[0], value=said[1][:MAX_CHARS], is_taken=is_taken)


def _taken(field: str, value: str | None, said: Iterable[Said]) -> Iterator[Claim]:
    for one in said:
        if one[1]:
            whole, part = key(one[1]), key(value or "")
            yield _claim(field, one, is_taken=bool(part) and (whole == part or (field == "title" and part in whole)))


def _naming(field: str, names: Iterable[str], said: Iterable[Said]) -> Iterator[Claim]:
    wanted, is_found = [key(name) for name in names], False
    for one in said:
        if one[1]:
            names_them = not is_found and any(name in key(one[1]) for name in wanted if name)
            is_found = is_found or names_them
            yield _claim(field, one, is_taken=names_them)


def _dated(article: Article, said: Iterable[Said]) -> Iterator[Claim]:
    for source, raw in said:
        is_taken = source.startswith(f"{article.published_source}, ") and raw == article.published_raw
        yield _claim("published_at", (source, raw), is_taken=is_taken)


def _at(field: str, at: datetime | None, said: Iterable[Said], latest: datetime) -> Iterator[Claim]:
    is_found = False
    for one in said:
        if one[1]:
            read = candidate(one[1], "meta", latest)
            is_it = not is_found and read is not None and read.at == at
            is_found = is_found or is_it
            yield _claim(field, one, is_taken=is_it)


def _first(field: str, is_any_taken: bool, said: Iterable[Said]) -> Iterator[Claim]:
    for one in said:
        if one[1]:
            yield _claim(field, one, is_taken=is_any_taken)
            is_any_taken = False
