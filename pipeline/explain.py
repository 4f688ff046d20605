"""`newsbeam explain`: one page through every transform, and what each did to it and why. Nothing is written.

`explain` collects the facts; `explain_terminal` and `explain_page` show the same ones.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from pipeline.dataset import MEMORY_FILE, require_dataset
from pipeline.errors import UsageError
from transforms.answers import Exchange, Hop
from transforms.assignment import assign, index_folder
from transforms.background import Stream
from transforms.claims import Claim, claims
from transforms.clean import outcome_of
from transforms.crawler import shared_crawler
from transforms.extraction import body_lines, clean_page
from transforms.fetch import page_of
from transforms.memory import Known, Memory
from transforms.near_index import NearIndex
from transforms.recognition import REPEATED, Unchanged, without_lines
from transforms.reject import Rejected
from transforms.schema import Article, Entry, HttpFetch, Page, Reject
from transforms.settings import FetchSettings, Settings
from transforms.taggers import Evidence, evidence_of, tag_articles
from transforms.urls import url_key
from transforms.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

LEFT_OUT = "title"  # the rule of a line that the ledger passes over: it repeats the title or holds no word


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the body as extracted. `removed` is what was taken out of it, by `rule`; `kept` what stayed."""

    kept: str
    removed: str = ""
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version in the dataset that the article was found to be, or to be like."""

    article_id: str
    version: int
    title: str | None
    text: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What deduplication says: `kind` is "not compared", "unchanged", "version", "copy", "new" or "rejected"."""

    kind: str
    told: str
    other: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All there is to tell of a page, as far as it came. A page of a file has no `fetch` and no `hops`."""

    target: str
    hops: Sequence[Hop] = ()
    fetch: HttpFetch | None = None
    page: Page | None = None
    rejected_in: str | None = None  # the transform that gave it up
    rejected: Rejected | Reject | None = None
    lines: Sequence[Line] = ()
    claims: Sequence[Claim] = ()
    article: Article | None = None
    url_key: str = ""
    verdict: Verdict | None = None
    evidence: Sequence[Evidence] = ()


def explain(target: str, settings: Settings, now: datetime, *, url: str | None, dataset: Path | None) -> Explanation:
    """What happens to `target`, an address or a file, on its way through the transforms.

    `url` is where the page of a file stood; `dataset` is what it is compared with. Raises `UsageError` for a target
    that is neither, `NoDatasetError`; whatever a transform rejects is told and ends the way.
    """
    if dataset is not None:
        require_dataset(dataset)
    told = _read(target, url, settings.fetch, now) if Path(target).is_file() else _fetch(target, settings.fetch, now)
    if told.page is None:
        return told
    with closing(Workers(1)) as children:
        return _through(told, told.page, settings, dataset, children)


def divide(lines: Sequence[str], article: Article) -> list[Line]:
    """The lines as extracted, each with what cleaning kept of it and took out of it, in place."""
    kept, removed = iter([*article.text.split("\n"), None]), iter([*article.removed, None])
    next_kept, next_removed = next(kept), next(removed)
    divided = []
    for line in lines:
        if next_removed and line == next_removed.text:
            divided.append(Line(kept="", removed=line, rule=next_removed.rule))
            next_removed = next(removed)
        elif next_kept is not None and line == next_kept:
            divided.append(Line(kept=line))
            next_kept = next(kept)
        elif next_removed and line.endswith(next_removed.text):  # an agency footer behind a sentence
            divided.append(Line(kept=next_kept or "", removed=next_removed.text, rule=next_removed.rule))
            next_kept, next_removed = next(kept), next(removed)
        else:
            divided.append(Line(kept="", removed=line, rule=LEFT_OUT))
    return divided


def struck(lines: Sequence[Line], placed: Article) -> list[Line]:
    """The same lines, those gone that deduplication took for the publisher's."""
    learned = {line.text for line in placed.removed if line.rule == REPEATED}
    return [Line(removed=line.kept, rule=REPEATED, kept="") if line.kept in learned else line for line in lines]


# --------------------------------------------------------------------------- private


def _through(told: Explanation, page: Page, settings: Settings, dataset: Path | None, children: Workers) -> Explanation:
    """The way after fetching. What reads foreign bytes does so in a child, under the deadlines of a run."""

    def ask(function: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T]:
        """The answer of a child, nothing where it gives none: what explains must not fail where a run does."""
        try:
            return children.submit(settings.clean.timeout_s, function, *args, **kwargs).result()
        except Exception:
            return []

    article = outcome_of(children.submit(settings.clean.timeout_s, clean_page, page, settings.clean), page)
    if isinstance(article, Reject) and article.reason.startswith("extraction-"):
        return dataclasses.replace(told, rejected_in="Clean", rejected=article)
    lines = ask(body_lines, page, settings.clean)
    if isinstance(article, Reject):
        shown = [Line(kept=line) for line in lines]
        return dataclasses.replace(told, rejected_in="Clean", rejected=article, lines=shown)
    placed, verdict = _compare(article, settings, dataset)
    told = dataclasses.replace(
        told,
        lines=struck(divide(lines, article), placed),
        claims=ask(claims, page, article),
        url_key=url_key(article.url),
        verdict=verdict,
        article=placed,
    )
    tagged = ask(tag_articles, [placed], settings.tag) or [Rejected("tagging-timeout")]
    if isinstance(tagged[0], Rejected):
        return dataclasses.replace(told, rejected_in="Tag", rejected=tagged[0])
    return dataclasses.replace(told, article=tagged[0], evidence=ask(evidence_of, placed, settings.tag))


def _read(target: str, url: str | None, settings: FetchSettings, now: datetime) -> Explanation:
    address = url or Path(target).resolve().as_uri()
    with Path(target).open("rb") as file:
        body = file.read(settings.max_page_bytes + 1)
    if len(body) > settings.max_page_bytes:
        large = Rejected("too-large", f"more than fetch.max_page_bytes, {settings.max_page_bytes:,} bytes")
        return Explanation(target=target, rejected_in="Fetch", rejected=large)
    page = Page(
        entry=_entry(address, now),
        final_url=address,
        http_status=200,
        content_type=None,
        body=body,
        fetched_at=now,
    )
    return Explanation(target=target, page=page)


def _fetch(target: str, settings: FetchSettings, now: datetime) -> Explanation:
    """The page as the pipeline would fetch it, robots.txt included."""
    if not target.startswith(("http://", "https://")):
        raise UsageError(f"{target}: expected an http or https address, or a file that is there")
    entry, crawler = _entry(target, now), shared_crawler(settings)

    async def fetch(stream: Stream[tuple[Exchange, Page | Rejected]]) -> None:
        async with crawler.client.get(target, kind="page", permit=crawler.permit) as exchange:
            try:
                await stream.put((exchange, page_of(entry, exchange)))
            except Rejected as rejected:
                await stream.put((exchange, rejected))

    exchange, found = next(_all(crawler.stream(fetch)))
    told = Explanation(target=target, hops=exchange.hops, fetch=exchange.row)
    if isinstance(found, Rejected):
        return dataclasses.replace(told, rejected_in="Fetch", rejected=found)
    return dataclasses.replace(told, page=found)


def _all(found: Iterator[tuple[Exchange, Page | Rejected]]) -> Iterator[tuple[Exchange, Page | Rejected]]:
    """Read to the end, so that nothing is left waiting in the crawler."""
    yield from list(found)


def _entry(url: str, now: datetime) -> Entry:
    return Entry(url=url, feed_id="explain", feed_url=url, seen_at=now)


def _compare(article: Article, settings: Settings, dataset: Path | None) -> tuple[Article, Verdict]:
    """The article as deduplication leaves it, and why."""
    if dataset is None:
        return article, Verdict(kind="not compared", told="not compared: no --dataset was given")
    if not (dataset / "state" / MEMORY_FILE).exists():
        told = f"not compared: {dataset / 'state'} remembers nothing; the next run builds it from the articles"
        return article, Verdict(kind="not compared", told=told)
    with closing(Memory(dataset)) as memory:
        index = NearIndex.open(index_folder(dataset), settings.deduplicate.window_days)
        marked = dataclasses.replace(settings.deduplicate, near="mark")
        (outcome,) = assign([article], memory, index, marked)
        if isinstance(outcome, Unchanged):
            known = memory.latest(article.article_id)
            told = f"stored already, unchanged since version {known.version if known else '?'}"
            return _as_stored(article, memory, known), Verdict(
                kind="unchanged", told=told, other=_stored(memory, known)
            )
        if not isinstance(outcome, Article):
            return article, Verdict(kind="rejected", told=f"{outcome.reason}: {outcome.detail or ''}")
        if outcome.version > 1:
            known = memory.latest(outcome.article_id)
            told = f"version {outcome.version}: {outcome.change_kind}"
            return outcome, Verdict(kind="version", told=told, other=_stored(memory, known))
        if outcome.duplicate_of:
            known = memory.latest(outcome.duplicate_of)
            told = f"{outcome.duplicate_kind} copy, score {outcome.duplicate_score or 0:.2f}"
            return outcome, Verdict(kind="copy", told=told, other=_stored(memory, known))
        return outcome, Verdict(kind="new", told="new, and like nothing that is stored")


def _as_stored(article: Article, memory: Memory, known: Known | None) -> Article:
    """Without the lines that the stored version lost for being the publisher's."""
    stored = memory.stored(known) if known else None
    learned = tuple(line for line in stored.removed if line.rule == REPEATED) if stored else ()
    text = without_lines(article.text, {line.text for line in learned})
    return dataclasses.replace(article, text=text, removed=(*article.removed, *learned))


def _stored(memory: Memory, known: Known | None) -> Stored | None:
    if known is None:
        return None
    return Stored(
        article_id=known.article_id,
        version=known.version,
        title=known.title,
        text=memory.text(known),
        first_seen_at=known.first_seen_at,
    )
