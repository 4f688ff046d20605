"""The one place that names a field: the records that flow, some of which become rows.

A record is a frozen dataclass. Those that become rows (`Article`, `Reject`, `HttpFetch`) give each field a `Column`
with its description; `transforms.arrow_schema` makes the datasets' schemas of them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, get_args, get_type_hints

from annotated_types import Ge, Le

SCHEMA_VERSION = 1
YEAR_S = 366 * 86_400.0

WIDE = "64 bits"
Int64 = Annotated[int, WIDE]
Double = Annotated[float, WIDE]


@dataclass(frozen=True, slots=True)
class Column:
    """What the data dictionary says of a field. `schema_org`, `iptc` and `gdelt` are the field's names elsewhere."""

    description: str
    unit: str | None = None
    schema_org: str | None = None
    iptc: str | None = None
    gdelt: str | None = None


# --------------------------------------------------------------------------- what flows before there is a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed of the config. `kind` is "feed" (RSS, Atom, RDF, JSON Feed) or "sitemap"."""

    url: str
    id: str
    publisher: str | None = None
    language: str | None = None
    country: str | None = None
    kind: str = "feed"
    interval_s: Annotated[float, Ge(0), Le(YEAR_S)] | None = None
    full_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a feed, as read: the promise of an article.

    `url` is absolute. The run gives each entry its own `seen_at`, a microsecond after the one before, so that the
    order of arrival, which decides who is the original among copies, can be read from the rows. `language`,
    `publisher` and `publisher_country` come from the config, else from the feed.
    """

    url: str
    feed_id: str
    feed_url: str
    seen_at: datetime
    guid: str | None = None
    title: str | None = None
    summary: str | None = None
    content: str | None = None  # HTML of the body, where the feed carries it
    published_raw: str | None = None
    modified_raw: str | None = None
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    image_url: str | None = None
    language: str | None = None
    publisher: str | None = None
    publisher_country: str | None = None
    full_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page of an entry as it came from the network. Never crosses a shuffle: it is cleaned where it was fetched."""

    entry: Entry
    final_url: str
    http_status: int
    content_type: str | None  # the header's value, with its charset if any
    body: bytes
    fetched_at: datetime
    attempts: int = 0  # requests made for it; none for one from an archive
    raw_ref: str | None = None
    opt_outs: tuple[str, ...] = ()  # said beside the markup, in headers and robots.txt


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An entry that ends without a row. `how` is "unchanged": its article is stored already as it is; or "postponed":
    the run was to end before its page was asked for. `url` is the link its feed gave."""

    how: str
    feed_id: str
    url: str
    guid: str | None
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Wall time that a worker spent in a stage of a batch or window: fetch, clean, deduplicate, tag or write."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that its feed told of an entry that was rejected for now, so that it can be tried again."""

    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """A poll of a feed, in the books of an unbounded pipeline. `outcome` is ok, unchanged or failed; `reason` that of the
    feed's reject, if there is one; `state` what to remember of the feed, as JSON; `entries` how many it offered, `seen`
    key and fingerprint (`transforms.seen`) of those that are news, in hex."""

    feed_url: str
    outcome: str
    reason: str | None
    state: str
    entries: int
    seen: tuple[tuple[str, str], ...]


# --------------------------------------------------------------------------- parts of an article


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    name: str
    kind: str  # person, organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    op: str  # insert, delete
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dateline:
    text: str
    place: str | None = None
    country: str | None = None
    latitude: Double | None = None
    longitude: Double | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryMention:
    code: str
    mentions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceMention:
    name: str
    country: str | None = None
    geoname_id: Int64 | None = None
    latitude: Double | None = None
    longitude: Double | None = None
    mentions: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NameMention:
    name: str
    mentions: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    id: str
    name: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    text: str
    speaker: str | None
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSource:
    kind: str  # direct, indirect
    verb: str | None
    told: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    text: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedLine:
    text: str
    rule: str


# --------------------------------------------------------------------------- rows
# fmt: off

@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One version of an article. Clean makes it, Deduplicate and Tag fill their columns, Write stores it."""

    article_id: Annotated[str, Column("hex of a 128-bit hash of the URL key: the same article in every run", schema_org="identifier")]
    version: Annotated[int, Column("1, 2, ...: a new row when the text or title at the same URL changed", schema_org="version")] = 1
    url: Annotated[str, Column("canonical URL", schema_org="url")]
    source_url: Annotated[str, Column("link as given by the feed")]
    final_url: Annotated[str, Column("URL after redirects")]
    guid: Annotated[str | None, Column("the entry's identifier in its feed")] = None
    feed_id: Annotated[str, Column("id of the feed that offered the entry")]
    publisher: Annotated[str | None, Column("name of the publisher: config, else page, else feed", schema_org="publisher.name", iptc="infosource")] = None
    publisher_domain: Annotated[str, Column("registrable domain of the canonical URL", gdelt="SourceCommonName")]
    publisher_country: Annotated[str | None, Column("ISO 3166-1 alpha-2 code of the publisher's country, from the config")] = None
    title: Annotated[str | None, Column("headline", schema_org="headline", iptc="headline")] = None
    description: Annotated[str | None, Column("the publisher's summary", schema_org="description")] = None
    text: Annotated[str, Column("body alone, one paragraph a line: no title, no promos, no captions", schema_org="articleBody")]
    section: Annotated[str | None, Column("section of the publication", schema_org="articleSection")] = None
    word_count: Annotated[int, Column("words of text", unit="words", schema_org="wordCount")]
    text_source: Annotated[str, Column("page, feed (full-text feeds)")] = "page"
    authors: Annotated[tuple[Author, ...], Column("bylines; kind: person, organization", schema_org="author", iptc="creator")] = ()
    keywords: Annotated[tuple[str, ...], Column("keywords as given by the publisher", schema_org="keywords", iptc="keyword")] = ()
    image_url: Annotated[str | None, Column("lead picture", schema_org="image")] = None
    access: Annotated[str, Column("free, paywalled, unknown", schema_org="isAccessibleForFree")] = "unknown"
    published_at: Annotated[datetime | None, Column("instant of publication; null when unknown or implausible; a day-only date is that day 00:00 UTC", unit="UTC", schema_org="datePublished", iptc="contentCreated")] = None
    modified_at: Annotated[datetime | None, Column("instant of the last change the publisher tells of", unit="UTC", schema_org="dateModified", iptc="contentModified")] = None
    published_raw: Annotated[str | None, Column("date of publication as printed")] = None
    published_precision: Annotated[str | None, Column("second, minute, day")] = None
    published_source: Annotated[str | None, Column("json-ld, meta, feed, time-element, url, text")] = None
    change_kind: Annotated[str | None, Column("against the version before: typographic, wording, substantive, correction, headline; null for version 1")] = None
    changes: Annotated[tuple[Change, ...] | None, Column("sentences deleted and inserted since the version before; null for version 1")] = None
    first_seen_at: Annotated[datetime, Column("when an entry of this article was first seen", unit="UTC")]
    fetched_at: Annotated[datetime, Column("when this version's page was fetched", unit="UTC")]
    language: Annotated[str | None, Column("BCP 47 language of the text", schema_org="inLanguage", iptc="language")] = None
    language_source: Annotated[str | None, Column("declared, detected")] = None
    dateline: Annotated[Dateline | None, Column("place the report was filed from", schema_org="dateline", iptc="dateline")] = None
    agency: Annotated[str | None, Column("credited news agency", iptc="creditline")] = None
    is_wire_copy: Annotated[bool, Column("whether the page tells of agency copy printed by another publisher")] = False
    countries: Annotated[tuple[CountryMention, ...], Column("ISO 3166-1 alpha-2 codes, most mentioned first", gdelt="V2Locations")] = ()
    primary_country: Annotated[str | None, Column("ISO 3166-1 alpha-2 code of the country the story is about", schema_org="contentLocation")] = None
    places: Annotated[tuple[PlaceMention, ...], Column("places with GeoNames ids and WGS 84 coordinates", unit="degrees", schema_org="contentLocation", gdelt="V2Locations")] = ()
    people: Annotated[tuple[NameMention, ...], Column("people, most mentioned first", schema_org="mentions", gdelt="V2Persons")] = ()
    organizations: Annotated[tuple[NameMention, ...], Column("organisations, most mentioned first", schema_org="mentions", gdelt="V2Organizations")] = ()
    topics: Annotated[tuple[Topic, ...], Column("IPTC Media Topics, best first", schema_org="about", iptc="subject", gdelt="V2Themes")] = ()
    quotes: Annotated[tuple[Quote, ...], Column("quotations; start: character offset into text", unit="characters", gdelt="Quotations")] = ()
    content_hash: Annotated[bytes, Column("exact hash of the normalised text, lines removed as repeated-by-publisher included")] = b""
    signature: Annotated[bytes, Column("near-duplicate sketch")] = b""
    cluster_id: Annotated[str, Column("article_id of the first seen article of its group of copies; its own when alone")] = ""
    duplicate_of: Annotated[str | None, Column("article_id of the article this one copies; null for an original")] = None
    duplicate_kind: Annotated[str | None, Column("exact, near; null for an original")] = None
    duplicate_score: Annotated[float | None, Column("share of the shorter of the two texts that stands in the other, 0 to 1; null for an original")] = None
    removed: Annotated[tuple[RemovedLine, ...], Column("removal ledger: each line taken out of the body, and by which rule: language/table of the boilerplate files, host/HOST of a repair, what the line is (byline, date, title, linked-line, agency-footer, ...), extractor, or repeated-by-publisher (learned from the host's other pages)")] = ()
    extraction_method: Annotated[str, Column("how the text was got")] = ""
    raw_ref: Annotated[str | None, Column("WARC file and offset of the page")] = None
    run_id: Annotated[str, Column("run that stored the row")] = ""
    tags_version: Annotated[str, Column("hash of lexicons and taggers")] = ""
    schema_version: Annotated[int, Column("version of this schema")] = SCHEMA_VERSION
    opt_outs: Annotated[tuple[str, ...], Column("what the publisher says against use by AI or text and data mining: tdm-reservation, noai, noimageai, robots.txt and the agent it keeps from the page")] = ()
    quote_sources: Annotated[tuple[QuoteSource, ...] | None, Column("of each of quotes, in their order: kind direct (in quotation marks) or indirect; verb of saying as printed; told: the outlet it was told, as printed; null in rows tagged before 0.2")] = None
    text_keywords: Annotated[tuple[Keyword, ...] | None, Column("keywords found in the text itself, best first; score 0 to 1; null when the tagger did not run")] = None
    sentence_count: Annotated[int | None, Column("sentences of text; null when the tagger did not run", unit="sentences")] = None
    reading_seconds: Annotated[int | None, Column("time that reading text takes, at the speeds of IReST for its language; null when the tagger did not run", unit="seconds", schema_org="timeRequired")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """An entry or a feed given up on. For a feed `url` is the feed's own address and `guid` and `title` are null."""

    url: Annotated[str | None, Column("link of the entry; the feed's address when the feed itself was given up on")]
    feed_id: Annotated[str | None, Column("id of the feed")]
    feed_url: Annotated[str | None, Column("address of the feed")]
    guid: Annotated[str | None, Column("the entry's identifier in its feed")] = None
    title: Annotated[str | None, Column("the entry's title in its feed")] = None
    stage: Annotated[str, Column("fetch, clean, deduplicate, tag, write")]
    reason: Annotated[str, Column("short word from the closed list of reasons")]
    detail: Annotated[str | None, Column("what exactly was seen")] = None
    http_status: Annotated[int | None, Column("status of the last answer")] = None
    attempts: Annotated[int, Column("requests made", unit="requests")] = 0
    retryable: Annotated[bool, Column("whether a later try may succeed")] = False
    seen_at: Annotated[datetime, Column("when the entry was seen", unit="UTC")]
    run_id: Annotated[str, Column("run that gave up")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFetch:
    """One HTTP fetch, redirects and retries included."""

    url: Annotated[str, Column("address asked for")]
    final_url: Annotated[str | None, Column("address after redirects")] = None
    kind: Annotated[str, Column("feed, page, robots")]
    feed_id: Annotated[str | None, Column("id of the feed it was for")] = None
    host: Annotated[str, Column("host asked, with its port where it is not the scheme's own")]
    http_status: Annotated[int | None, Column("status of the last answer; null when none came")] = None
    outcome: Annotated[str, Column("ok, not-modified, or the reason of the reject")]
    wire_bytes: Annotated[Int64, Column("body bytes received", unit="bytes")] = 0
    body_bytes: Annotated[Int64, Column("body bytes after decoding", unit="bytes")] = 0
    elapsed_ms: Annotated[int, Column("from the first request's start to the last byte", unit="milliseconds")] = 0
    attempts: Annotated[int, Column("requests made", unit="requests")] = 1
    fetched_at: Annotated[datetime, Column("when the fetch began", unit="UTC")]
    run_id: Annotated[str, Column("run that fetched")] = ""


# fmt: on
Row = Article | Reject | HttpFetch

DATASETS: dict[str, type[Row]] = {"articles": Article, "rejects": Reject, "fetches": HttpFetch}


def seen_date(row: Row) -> date:
    """The UTC day whose partition holds the row. Versions after the first are seen when they are fetched."""
    if isinstance(row, Article):
        return (row.first_seen_at if row.version == 1 else row.fetched_at).astimezone(UTC).date()
    return (row.seen_at if isinstance(row, Reject) else row.fetched_at).astimezone(UTC).date()


def hints(record: type) -> dict[str, Any]:
    """The annotation of each field of a record."""
    return get_type_hints(record, include_extras=True)


def columns(dataset: str) -> dict[str, Column]:
    """Name and data dictionary entry of each column of a dataset, in order."""
    return {name: column_of(hint) for name, hint in hints(DATASETS[dataset]).items()}


def column_of(hint: Any) -> Column:
    """The data dictionary entry in a field's annotation."""
    return next(part for part in get_args(hint) if isinstance(part, Column))
