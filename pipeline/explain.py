"""`newsbeam explain`: one page through every transform, and what each did to it and why."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.errors import UsageError
from transforms.assignment import assign, index_folder
from transforms.extraction import clean_page
from transforms.fetch import fetch_pages
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.plain_text import without_control
from transforms.recognition import Unchanged
from transforms.reject import Rejected
from transforms.schema import Article, Entry, NameMention, Page, Reject
from transforms.settings import Settings
from transforms.taggers import Evidence, document_of, load_taggers, tag_article
from transforms.urls import url_key

SHOWN_LINES = 4
Step = tuple[str, list[tuple[str, str]]]


def explain(target: str, settings: Settings, now: datetime, *, url: str | None, dataset: Path | None) -> Iterator[Step]:
    """The steps of `target`, an address or a file: a title and what there is to tell, as name and value.

    `url` is where the page of a file stood; `dataset` is what it is compared with. Raises `UsageError` for a target
    that is neither; whatever a transform rejects is a step of its own and ends the way.
    """
    page = _read(target, url, now) if Path(target).is_file() else _fetch(target, settings, now)
    if isinstance(page, Reject):
        yield "Fetch", [("rejected", f"{page.reason}: {page.detail or ''}")]
        return
    yield "Fetch", _fetched(page)
    try:
        article = clean_page(page, settings.clean)
    except Rejected as rejected:
        yield "Clean", [("rejected", f"{rejected.reason}: {rejected.detail or ''}")]
        return
    yield "Clean", [*_cleaned(article), *_ledger(article)]
    yield "Deduplicate", _verdict(article, settings, dataset)
    taggers = load_taggers(settings.tag)
    yield "Tag", _tagged(tag_article(article, taggers))
    yield "Evidence", _evidence(taggers.explain(document_of(article)))


def print_steps(steps: Iterator[Step], console: Console) -> None:
    """Each step under its name; text from the web without what steers a terminal."""
    for title, told in steps:
        console.print(f"\n[bold]{title}[/bold]")
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in told:
            table.add_row(f"  {escape(name)}", escape(without_control(value)))
        console.print(table)


def _read(target: str, url: str | None, now: datetime) -> Page:
    address = url or Path(target).resolve().as_uri()
    return Page(
        entry=_entry(address, now),
        final_url=address,
        http_status=200,
        content_type=None,
        body=Path(target).read_bytes(),
        fetched_at=now,
    )


def _fetch(target: str, settings: Settings, now: datetime) -> Page | Reject:
    if not target.startswith(("http://", "https://")):
        raise UsageError(f"{target}: expected an http or https address, or a file that is there")
    found = [
        result for result in fetch_pages([_entry(target, now)], settings.fetch) if isinstance(result, Page | Reject)
    ]
    return found[0]


def _entry(url: str, now: datetime) -> Entry:
    return Entry(url=url, feed_id="explain", feed_url=url, seen_at=now)


def _fetched(page: Page) -> list[tuple[str, str]]:
    told = [("address", page.entry.url)]
    if page.final_url != page.entry.url:
        told.append(("redirected to", page.final_url))
    return [
        *told,
        ("answer", f"{page.http_status}, {page.content_type or 'no content type'}, {len(page.body):,} bytes"),
    ]


def _cleaned(article: Article) -> list[tuple[str, str]]:
    published = f"{article.published_at:%Y-%m-%d %H:%M:%S} UTC" if article.published_at else "unknown"
    told = {
        "url": article.url,
        "title": article.title,
        "authors": ", ".join(f"{author.name} ({author.kind})" for author in article.authors),
        "published": f"{published}, precise to the {article.published_precision}, from {article.published_source},"
        f" printed {article.published_raw!r}"
        if article.published_at
        else published,
        "modified": article.modified_at and f"{article.modified_at:%Y-%m-%d %H:%M:%S} UTC",
        "publisher": article.publisher,
        "section": article.section,
        "access": article.access,
        "language": f"{article.language} ({article.language_source})",
        "dateline": article.dateline and article.dateline.text,
        "agency": article.agency and f"{article.agency}{', printed by another' if article.is_wire_copy else ''}",
        "text": f"{article.word_count:,} words from the {article.text_source}, by {article.extraction_method}",
    }
    lines = article.text.split("\n")
    shown = [("", line) for line in lines[:SHOWN_LINES]]
    rest = [("", f"... {len(lines) - SHOWN_LINES} more paragraphs")] if len(lines) > SHOWN_LINES else []
    return [*((name, value) for name, value in told.items() if value), *shown, *rest]


def _ledger(article: Article) -> list[tuple[str, str]]:
    return [("removed", f"{line.text}  <- {line.rule}") for line in article.removed] or [("removed", "nothing")]


def _verdict(article: Article, settings: Settings, dataset: Path | None) -> list[tuple[str, str]]:
    told = [("URL key", url_key(article.url)), ("article id", article.article_id)]
    if dataset is None:
        return [*told, ("verdict", "not compared: no --dataset was given")]
    with closing(Memory(dataset)) as memory:
        index = NearIndex.open(index_folder(dataset), settings.deduplicate.window_days)
        marked = dataclasses.replace(settings.deduplicate, near="mark")
        (outcome,) = assign([article], memory, index, marked)
        known = memory.latest(article.article_id)
        if isinstance(outcome, Unchanged):
            return [*told, ("verdict", f"stored already, unchanged since version {known.version if known else '?'}")]
        if not isinstance(outcome, Article):
            return [*told, ("verdict", "rejected")]
        if outcome.version > 1:
            told.append(("verdict", f"version {outcome.version}: {outcome.change_kind}"))
            return [*told, *((change.op, change.text) for change in outcome.changes or ())]
        if outcome.duplicate_of:
            original = memory.latest(outcome.duplicate_of)
            told.append(("verdict", f"{outcome.duplicate_kind} copy, score {outcome.duplicate_score or 0:.2f}"))
            return [*told, ("of", f"{original.title if original else ''} ({outcome.duplicate_of})")]
        return [*told, ("verdict", "new, and like nothing that is stored")]


def _tagged(article: Article) -> list[tuple[str, str]]:
    line = article.dateline
    return [
        ("about", article.primary_country or "no country"),
        ("countries", ", ".join(f"{country.code} {country.mentions}" for country in article.countries)),
        ("dateline", f"{line.place}, {line.country or '?'} {_at(line.latitude, line.longitude)}" if line else "none"),
        ("places", "; ".join(f"{p.name} ({p.country}) {_at(p.latitude, p.longitude)}" for p in article.places)),
        ("people", _names(article.people)),
        ("organisations", _names(article.organizations)),
        ("topics", ", ".join(f"{topic.name} {topic.score:.2f}" for topic in article.topics)),
        *(("quote", f"{quote.speaker or 'somebody'}: {quote.text}") for quote in article.quotes),
        ("tags version", article.tags_version),
    ]


def _evidence(evidence: Sequence[Evidence]) -> list[tuple[str, str]]:
    """Each tag with what speaks for it: the words, where they stand, and the rule."""
    told: dict[str, list[str]] = {}
    for found in evidence:
        told.setdefault(found.tag, []).append(f'"{found.surface}" {found.part} {found.start} ({found.rule})')
    return [(tag, "; ".join(found)) for tag, found in told.items()]


def _names(mentions: Sequence[NameMention]) -> str:
    return ", ".join(f"{mention.name} {mention.mentions} ({mention.score:.2f})" for mention in mentions)


def _at(latitude: float | None, longitude: float | None) -> str:
    return "" if latitude is None or longitude is None else f"{latitude:.2f} {longitude:.2f}"
