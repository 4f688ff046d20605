"""An explanation on a terminal: each transform under its name, facts as name and value."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.explain import Explanation, Line
from pipeline.text_diff import compare
from transforms.plain_text import without_control
from transforms.schema import Article, NameMention, Page
from transforms.taggers import Evidence

SHOWN_LINES = 4  # of the text in a row, between removed ones
SHOWN_CHANGES = 20
Told = tuple[str, str]
_TURNED = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))  # turn what follows around


def print_explanation(told: Explanation, console: Console) -> None:
    """Everything there is to tell; text from the web without what steers a terminal."""
    for title, facts in steps(told):
        console.print(f"\n[bold]{title}[/bold]")
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in facts:
            struck = "[strike]" if name == "removed" else ""
            table.add_row(f"  {escape(name)}", struck + escape(without_control(value).translate(_TURNED)))
        console.print(table)


def steps(told: Explanation) -> Iterator[tuple[str, list[Told]]]:
    """Name and facts of each step, in the order of the way."""
    rejected = told.rejected
    refusal = [("rejected", f"{rejected.reason}: {rejected.detail or ''}")] if rejected else []
    yield "Fetch", [*_fetched(told), *(refusal if told.rejected_in == "Fetch" else [])]
    if told.page is None:
        return
    if told.article is None:
        yield "Clean", [*refusal, *_body(told.lines)]
        return
    yield "Clean", _cleaned(told.article)
    yield "Sources", [(f"{'* ' if c.is_taken else '  '}{c.field}", f"{c.source}: {c.value}") for c in told.claims]
    yield "Text", _body(told.lines) or [("removed", "nothing")]
    yield "Deduplicate", _verdict(told, told.article)
    yield "Tag", refusal or _tagged(told.article)
    yield "Evidence", _evidence(told.evidence)


def _fetched(told: Explanation) -> list[Told]:
    facts = []
    for number, hop in enumerate(told.hops, 1):
        facts.append((f"request {number}", hop.url))
        head = {name.lower(): value for name, value in hop.headers.items()}
        shown = [
            f"{name}: {head[name]}" for name in ("content-type", "location", "etag", "last-modified") if name in head
        ]
        facts.append(("answer", ", ".join([str(hop.http_status), *shown])))
    if told.fetch:
        row = told.fetch
        facts.append(("took", f"{row.elapsed_ms:,} ms, {row.wire_bytes:,} bytes on the wire, {row.attempts} requests"))
    return [*facts, *(_page(told.page) if told.page else [("address", told.target)])]


def _page(page: Page) -> list[Told]:
    redirected = [("redirected to", page.final_url)] if page.final_url != page.entry.url else []
    answer = f"{page.http_status}, {page.content_type or 'no content type'}, {len(page.body):,} bytes"
    return [("address", page.entry.url), *redirected, ("page", answer)]


def _cleaned(article: Article) -> list[Told]:
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
    return [(name, value) for name, value in told.items() if value]


def _body(lines: Sequence[Line]) -> list[Told]:
    """Removed lines in place; of long runs of text between them the beginning."""
    facts: list[Told] = []
    run = 0
    for line in lines:
        if line.kept:
            run += 1
            if run <= SHOWN_LINES:
                facts.append(("", line.kept))
        if line.removed:
            facts += _more(run)
            facts.append(("removed", f"{line.removed}  <- {line.rule}"))
            run = 0
    return facts + _more(run)


def _more(run: int) -> list[Told]:
    return [("", f"... {run - SHOWN_LINES} more paragraphs")] if run > SHOWN_LINES else []


def _verdict(told: Explanation, article: Article) -> list[Told]:
    facts = [("URL key", told.url_key), ("article id", article.article_id)]
    verdict = told.verdict
    if verdict is None:
        return facts
    facts.append(("verdict", verdict.told))
    if (other := verdict.other) is None:
        return facts
    facts.append(("stored", f"{other.title or ''} ({other.article_id}, version {other.version})"))
    pieces = compare(other.text, article.text)
    changes = [(op, text.strip()) for op, text in pieces if op != "same" and text.strip()]
    shared = sum(len(text) for op, text in pieces if op == "same")
    facts.append(("shared", f"{shared:,} characters of {len(article.text):,}"))
    return [*facts, *changes[:SHOWN_CHANGES], *([("", "...")] if len(changes) > SHOWN_CHANGES else [])]


def _tagged(article: Article) -> list[Told]:
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


def _evidence(evidence: Iterable[Evidence]) -> list[Told]:
    """Each tag with what speaks for it: the words, where they stand, and the rule."""
    told: dict[str, list[str]] = {}
    for found in evidence:
        told.setdefault(found.tag, []).append(f'"{found.surface}" {found.part} {found.start} ({found.rule})')
    return [(tag, "; ".join(found)) for tag, found in told.items()]


def _names(mentions: Sequence[NameMention]) -> str:
    return ", ".join(f"{mention.name} {mention.mentions} ({mention.score:.2f})" for mention in mentions)


def _at(latitude: float | None, longitude: float | None) -> str:
    return "" if latitude is None or longitude is None else f"{latitude:.2f} {longitude:.2f}"
