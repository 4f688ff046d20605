"""Everything a page says of its article but the body: one reading of JSON-LD, meta tags, microdata and headings.

Sources in order: JSON-LD (schema.org/NewsArticle), Open Graph and other meta tags, elements of the page, the feed's
entry. Dates are weighed (`page_dates`), titles voted on (`title`), names sorted (`bylines`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urljoin

from lxml.html import HtmlElement

from transforms import opt_outs, page_dates
from transforms.bylines import read_authors
from transforms.dates import EARLIEST
from transforms.host_rules import HostRule, texts
from transforms.json_ld import JsonLd, Node, as_list, raw_string, read_json_ld, string, types_of
from transforms.page_authors import page_authors
from transforms.page_dates import (
    DateCandidate,
    candidate,
    date_in_url,
    latest_plausible,
    searched_date,
    time_elements,
    visible_date,
    weigh,
)
from transforms.page_meta import PageMeta, read_page_meta
from transforms.plain_text import key, one_line
from transforms.schema import Author, Page
from transforms.title import AGREEMENT, choose_title, likeness
from transforms.urls import registrable_domain

MAX_KEYWORDS = 50
PUBLISHED_META = (
    "article:published_time", "og:article:published_time", "parsely-pub-date", "datepublished", "sailthru.date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "dc.date.issued", "dcterms.issued", "dcterms.created",
    "dc.date.created", "citation_publication_date", "article.published", "publishdate", "publish-date",
    "publish_date", "pubdate", "pub_date", "publication_date", "publicationdate", "published_time",
    "article_date_original", "originalpublicationdate", "article:published", "published", "date_published",
    "datecreated", "displaydate",
)  # fmt: skip
VAGUE_META = ("date", "dc.date", "dcterms.date", "timestamp", "last-published")  # of publication or of the last change
MODIFIED_META = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "article:updated_time", "datemodified",
    "dcterms.modified", "dc.date.modified", "last-modified", "lastmod", "modified", "revised", "updated_time",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMetadata:
    title: str | None
    description: str | None
    authors: tuple[Author, ...]
    keywords: tuple[str, ...]
    section: str | None
    image_url: str | None
    access: str
    publisher: str | None
    declared_language: str | None
    canonical: str | None
    published: DateCandidate | None
    modified_at: datetime | None
    article_body: str  # JSON-LD's, a last resort for pages without a readable body
    has_article: bool  # JSON-LD describes an article
    is_live_blog: bool  # which is told in updates
    headings: tuple[str, ...]
    opt_outs: tuple[str, ...]  # see `transforms.opt_outs`
    titles: tuple[str, ...]  # every form of the title that the page gives, as printed


def read_metadata(tree: HtmlElement, page: Page, host: HostRule | None = None) -> PageMetadata:
    """Read `tree`, the parsed body of `page`. Nothing here changes the tree; what is unknown is None or empty. What the
    host's rule finds goes before everything else."""
    meta = read_page_meta(tree)
    linked = read_json_ld(
        tree,
        urls=(page.final_url, meta.canonical or ""),
        headlines=(meta.first("og:title"), meta.title, *meta.headings[:3]),
    )
    article = linked.article
    publisher = _publisher(linked, meta)
    headline = _headline(article, meta)
    title = choose_title(
        headline=headline,
        og_title=meta.first("og:title"),
        twitter_title=meta.first("twitter:title"),
        headings=_headlines(meta, headline),
        title_tag=meta.title,
        feed_title=one_line(page.entry.title),
        site_names=(*_site_names(page, publisher, meta), *meta.logos),
    )
    published = (host and _host_date(tree, host, page)) or weigh(published_candidates(tree, article, meta, page))
    return PageMetadata(
        title=next(iter(texts(host.title, tree)), title) if host else title,
        description=string(article.get("description"))
        or meta.first("og:description", "description", "twitter:description")
        or None,
        authors=(host and read_authors([(name, None) for name in texts(host.authors, tree)]))
        or page_authors(tree, linked, meta, page, _houses(page, linked, publisher, meta)),
        keywords=_keywords(article, meta, page),
        section=_section(article, meta),
        image_url=_image(linked, meta, page),
        access=_access(article, meta),
        publisher=page.entry.publisher or publisher or None,
        declared_language=raw_string(article.get("inLanguage")) or meta.language or page.entry.language,
        canonical=meta.canonical,
        published=published,
        modified_at=_modified(article, meta, page, published.at if published else EARLIEST),
        article_body=string(article.get("articleBody")),
        has_article=bool(article),
        is_live_blog=bool(linked.first_of_type("LiveBlogPosting")),
        headings=meta.headings,
        opt_outs=opt_outs.of_meta(meta.meta),
        titles=(string(article.get("headline")), meta.first("og:title"), *_like(title, meta)),
    )


def _headline(article: Node, meta: PageMeta) -> str:
    """JSON-LD's headline, or the name it gives the article where that is the one which stands on the page: some put a
    description into the headline."""
    headline, name = string(article.get("headline")), string(article.get("name"))
    if headline and any(key(name) == key(seen) for seen in meta.headings if name):
        is_shared = any(likeness(headline, text) >= AGREEMENT for text in (*meta.headings, meta.title))
        return headline if is_shared else name
    return headline or name


def _headlines(meta: PageMeta, headline: str) -> list[str]:
    """The headlines of the headings; a line set beside one belongs to it where JSON-LD's headline says so."""
    pairs = zip(meta.headings, meta.headlines, strict=True)
    return [heading if key(heading) == key(headline) else bare for heading, bare in pairs]


def _like(title: str | None, meta: PageMeta) -> list[str]:
    """The headings that are forms of `title`, also with what is set beside it."""
    pairs = zip(meta.headings, meta.headlines, strict=True)
    return [heading for heading, headline in pairs if likeness(headline, title or "") >= AGREEMENT]


def _publisher(linked: JsonLd, meta: PageMeta) -> str:
    name = string(linked.resolve(linked.article.get("publisher")))
    return (
        name
        or meta.first("og:site_name")
        or _application(meta)
        or meta.first("publisher", "dc.publisher")
        or string(linked.first_of_type("NewsMediaOrganization", "Organization", "WebSite").get("name"))
    )


def _site_names(page: Page, publisher: str, meta: PageMeta) -> list[str]:
    host = (
        page.final_url.split("/")[2].split(":")[0].lower().removeprefix("www.")
        if page.final_url.count("/") >= 2
        else ""
    )
    labels = host.split(".")
    names = [page.entry.publisher or "", publisher, meta.first("og:site_name"), _application(meta), host]
    return [*names, registrable_domain(host), max(labels[:-1], key=len, default="")]


def _houses(page: Page, linked: JsonLd, publisher: str, meta: PageMeta) -> list[str]:
    """Names that are the publisher's and no author's, unless the publisher is a person."""
    house = linked.resolve(linked.article.get("publisher"))
    is_person = isinstance(house, dict) and "Person" in types_of(house)
    return _site_names(page, "" if is_person else publisher, meta)


def _application(meta: PageMeta) -> str:
    """The site's name by its application's, unless a template prints the page's title there."""
    name = meta.first("application-name")
    return name if name != meta.first("og:title") else ""


def _keywords(article: Node, meta: PageMeta, page: Page) -> tuple[str, ...]:
    values: list[str] = []
    for item in as_list(article.get("keywords"))[:200]:
        values.extend(string(item).split(","))
    if not values:
        values = [
            part
            for name in ("news_keywords", "article:tag", "og:article:tag", "keywords", "parsely-tags")
            for value in meta.all(name)
            for part in value.split(",")
        ]
    values = values or list(page.entry.keywords)
    unique = {key(value): one_line(value, 100) for value in values if key(value)}
    return tuple(unique.values())[:MAX_KEYWORDS]


def _section(article: Node, meta: PageMeta) -> str | None:
    return (
        string(article.get("articleSection"))
        or meta.first("article:section", "articlesection", "og:article:section", "parsely-section", "section")
        or None
    )


def _image(linked: JsonLd, meta: PageMeta, page: Page) -> str | None:
    link = meta.first("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")
    if not link:
        image = linked.article.get("image")
        first = linked.resolve(image[0] if isinstance(image, list) and image else image)
        link = raw_string(first.get("url") or first.get("contentUrl")) if isinstance(first, dict) else raw_string(first)
    link = link or (page.entry.image_url or "")
    try:
        url = urljoin(page.final_url, link) if link else ""
    except ValueError:
        return None
    return url[:2_000] if url.startswith(("http://", "https://")) else None


def _access(article: Node, meta: PageMeta) -> str:
    flag = article.get("isAccessibleForFree")
    said = str(raw_string(flag) if isinstance(flag, str) else flag).strip().lower()
    tier = meta.first("article:content_tier", "og:article:content_tier").lower()
    if said in {"false", "no", "0"} or tier in {"locked", "metered"}:
        return "paywalled"
    if said in {"true", "yes", "1"} or tier == "free":
        return "free"
    return "unknown"


def published_candidates(tree: HtmlElement, article: Node, meta: PageMeta, page: Page) -> list[DateCandidate]:
    """What the sources give as the date of publication, one each, in the order of their rank."""
    latest = latest_plausible(page.fetched_at)
    candidates: list[DateCandidate | None] = []
    for name in ("datePublished", "dateCreated", "uploadDate"):
        found = candidate(raw_string(article.get(name)), "json-ld", latest)
        if found:
            candidates.append(found)
            break
    for name in (*PUBLISHED_META, *VAGUE_META):
        found = next((c for raw in meta.meta.get(name, ()) if (c := candidate(raw, "meta", latest))), None)
        if found:
            candidates.append(replace(found, is_vague=name in VAGUE_META))
            break
    marked = [raw for raw, is_marked in time_elements(tree) if is_marked] or [raw for raw, _ in time_elements(tree)]
    candidates.append(next((c for raw in marked[:3] if (c := candidate(raw, "time-element", latest))), None))
    candidates.append(candidate(page.entry.published_raw, "feed", latest))
    candidates.append(date_in_url(page.final_url, latest))
    known = [c for c in candidates if c]
    sources = {c.source for c in known}
    has_witness = bool(sources & {"feed", "url", "time-element"}) and bool(
        sources & {"json-ld", "meta", "time-element"}
    )
    if not has_witness and (visible := visible_date(tree, latest, anywhere=not known)):
        known.append(visible)
    known = [c for c in known if not _is_update(c, known, _modified(article, meta, page))]
    if not known and (searched := searched_date(tree, page.final_url, latest)):
        known.append(searched)
    return known


def _is_update(found: DateCandidate, known: Sequence[DateCandidate], modified_at: datetime | None) -> bool:
    """Whether a date that readers see is the one of the last change: long after what the markup gives for the
    publication, and what it gives for the change."""
    told = min((c.at for c in known if c.source in {"json-ld", "meta"} and not c.is_vague), default=found.at)
    is_later = found.source in {"text", "time-element"} and found.at - told > page_dates.REPUBLISHED
    return is_later and modified_at is not None and abs(found.at - modified_at) <= page_dates.AGREEMENT


def _host_date(tree: HtmlElement, host: HostRule, page: Page) -> DateCandidate | None:
    elements = host.date(tree)[:5] if host.date is not None else ()
    for element in elements:
        raw = element.get("datetime") or element.get("content") or one_line("".join(element.itertext()), 200)
        source = "time-element" if element.tag == "time" else "text"
        if found := candidate(raw, source, latest_plausible(page.fetched_at)):
            return found
    return None


def _modified(article: Node, meta: PageMeta, page: Page, since: datetime = EARLIEST) -> datetime | None:
    """The last change the page tells of; what was changed before it was published, at `since`, was changed for that."""
    latest = latest_plausible(page.fetched_at)
    raws = [raw_string(article.get("dateModified")), *(v for name in MODIFIED_META for v in meta.meta.get(name, ()))]
    raws.append(page.entry.modified_raw or "")
    return next((c.at for raw in raws if (c := candidate(raw, "meta", latest)) and c.at >= since), None)
