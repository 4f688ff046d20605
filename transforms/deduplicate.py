"""Deduplicate: articles in, articles out with their version, what changed, and whom they copy.

In order of arrival each article is one of
- unchanged: it is known and its text and title are, but for case, punctuation and spacing, what they were; no row,
  counted;
- a new version: it is known and text or title changed; it keeps the cluster of the article;
- a copy: its text is exactly or nearly that of an earlier article under another address; marked, and only with
  near = "drop" given up on (`exact-duplicate`, `near-duplicate`);
- an original: a cluster of its own.
An article is known by its address (`urls.url_key`), or, when its feed changed the link, by guid or headline over the
same text.

A copy joins the cluster of its single best earlier match and clusters never merge, so one round-up cannot glue stories
together. The answer depends on what arrived before and not on how it was cut into batches. All articles of a batch pass
through one worker; memory holds the batch's texts and the index of `near_index`.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apache_beam as beam
from apache_beam.coders import PickleCoder
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    ReadModifyWriteRuntimeState,
    ReadModifyWriteStateSpec,
    RuntimeTimer,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

from transforms import tally
from transforms.memory import Known, Memory, Stored
from transforms.near_index import Match, NearIndex
from transforms.reading import Reading, content_hash, read
from transforms.reject import Rejected, reject_article, unforeseen
from transforms.schema import Article, Reject, Settled
from transforms.settings import DeduplicateSettings
from transforms.signatures import Signature, pack, sign, unpack
from transforms.versions import difference, is_rendering

TITLE_TOKENS = 4  # a shorter headline may come again over another story
PENDING_S = 3_600.0  # what has not been committed an hour after its window was rejected later on
READ_TRIES, READ_PAUSE_S = 50, 0.1
SAME_TEXT = 0.9  # contained in each other, at least


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article that is stored already as it is."""

    article_id: str


Outcome = Article | Reject | Unchanged
Assigned = Article | TaggedOutput[Literal["rejects"], Reject] | TaggedOutput[Literal["settled"], Settled]


@dataclass(eq=False, kw_only=True)
class Deduplicate(beam.PTransform[PCollection[Article], Any]):
    """Articles -> Articles, Rejects on "rejects", and what is stored already on "settled".

    `root` is the dataset root whose earlier articles count. An unbounded pipeline is assigned window after window; what
    is not committed yet is kept as state, see `AssignPendingFn`.
    """

    settings: DeduplicateSettings = field(default_factory=DeduplicateSettings)
    root: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, articles: PCollection[Article]) -> "DoOutputsTuple | Outputs":
        gathered = articles | "KeyAlike" >> beam.WithKeys(lambda _: 0) | "GatherArticles" >> beam.GroupByKey()
        if articles.windowing.is_default():
            return gathered | "AssignClusters" >> beam.ParDo(AssignFn(self.settings, self.root)).with_outputs(
                "rejects", "settled", main="articles"
            )
        assigned = (
            gathered
            | "ListInOrder" >> beam.MapTuple(lambda key, found: (key, in_order(found)))
            | "BeyondWindows" >> beam.WindowInto(GlobalWindows())  # what is known outlives a window
            | "AssignClusters"
            >> beam.ParDo(AssignPendingFn(self.settings, self.root)).with_outputs("rejects", "settled", main="articles")
        )
        return Outputs(
            *(assigned[name] | f"Window-{name}" >> beam.WindowInto(articles.windowing) for name in Outputs._fields)
        )


class Outputs(NamedTuple):
    """What comes out of `Deduplicate`."""

    articles: PCollection[Article]
    rejects: PCollection[Reject]
    settled: PCollection[Settled]


class AssignFn(beam.DoFn):
    """Applies `assign` to the articles of a batch in order of arrival, beside what the committed dataset knows."""

    def __init__(self, settings: DeduplicateSettings, root: str) -> None:
        self.settings = settings
        self.root = root

    def process(self, element: tuple[int, Iterable[Article]]) -> Iterator[Assigned]:
        articles = in_order(element[1])
        memory = Memory(Path(self.root))
        try:
            with tally.timed("deduplicate"):
                index = NearIndex.open(index_folder(Path(self.root)), self.settings.window_days)
                outcomes = list(assign(articles, memory, index, self.settings))
        finally:
            memory.close()
        yield from map(on_output, articles, outcomes)


class AssignPendingFn(AssignFn):
    """As AssignFn, window after window. State: the articles assigned that the dataset does not tell of yet, at most
    those of `PENDING_S` of event time."""

    PENDING = ReadModifyWriteStateSpec("pending", PickleCoder())  # of (event time in seconds, Article), in order
    EXPIRY = TimerSpec("expiry", TimeDomain.WATERMARK)

    def process(  # type: ignore[override]  # Beam looks at the parameters' defaults
        self,
        element: tuple[int, list[Article]],
        timestamp: Timestamp = beam.DoFn.TimestampParam,  # type: ignore[assignment]
        state: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(PENDING),  # type: ignore[assignment]  # noqa: B008
        expiry: RuntimeTimer = beam.DoFn.TimerParam(EXPIRY),  # type: ignore[assignment]  # noqa: B008 - Beam's way
    ) -> Iterator[Assigned]:
        now_s = float(timestamp)
        with closing(Memory(Path(self.root))) as memory:
            index = read_index(Path(self.root), self.settings.window_days)
            pending = [
                (at_s, article)
                for at_s, article in state.read() or ()
                if at_s > now_s - PENDING_S and not is_committed(article, memory, index)
            ]
            with tally.timed("deduplicate"):
                known = [article for _, article in pending]
                outcomes = list(assign(element[1], memory, index, self.settings, known))
        pending += [(now_s, outcome) for outcome in outcomes if isinstance(outcome, Article)]
        state.write(pending)
        expiry.set(timestamp + PENDING_S)
        yield from map(on_output, element[1], outcomes)

    @on_timer(EXPIRY)
    def expire(
        self,
        state: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(PENDING),  # type: ignore[assignment]  # noqa: B008
    ) -> None:
        state.clear()


def read_index(root: Path, window_days: int) -> NearIndex:
    """The index of a dataset that another process commits to. Raises `TimeoutError` when it cannot be read."""
    folder = index_folder(root)
    for _ in range(READ_TRIES):
        if not folder.exists() or NearIndex.is_readable(folder):
            return NearIndex.open(folder, window_days)
        time.sleep(READ_PAUSE_S)  # its files are being exchanged
    raise TimeoutError(f"{folder}: cannot be read")


def is_committed(article: Article, memory: Memory, index: NearIndex) -> bool:
    """Whether both halves of what the dataset remembers tell of this version."""
    known = memory.latest(article.article_id)
    return known is not None and known.version >= article.version and index.holds(article.article_id, article.version)


def on_output(article: Article, outcome: Outcome) -> Assigned:
    """What became of `article`, counted and on the output it belongs to."""
    for name in counters(outcome):
        tally.count(name)
    if isinstance(outcome, Article):
        return outcome
    if isinstance(outcome, Reject):
        return TaggedOutput[Literal["rejects"], Reject]("rejects", outcome)
    settled = Settled(
        how="unchanged",
        feed_id=article.feed_id,
        url=article.source_url,
        guid=article.guid,
        seen_at=article.first_seen_at,
    )
    return TaggedOutput[Literal["settled"], Settled]("settled", settled)


def index_folder(root: Path) -> Path:
    """Where the index of a dataset is kept."""
    return root / "state" / "signatures"


def in_order(articles: Iterable[Article]) -> list[Article]:
    """By arrival."""
    return sorted(articles, key=lambda article: (article.first_seen_at, article.article_id, article.source_url))


def counters(outcome: Outcome) -> list[str]:
    """The names under which an outcome is counted."""
    if isinstance(outcome, Unchanged):
        return ["unchanged"]
    if isinstance(outcome, Reject):
        return ["dropped" if outcome.reason.endswith("-duplicate") else f"rejected-{outcome.reason}"]
    if outcome.version > 1:
        return ["versions"]
    return [f"duplicates-{outcome.duplicate_kind}"] if outcome.duplicate_kind else []


def assign(
    articles: Iterable[Article],
    memory: Memory,
    index: NearIndex,
    settings: DeduplicateSettings,
    pending: Iterable[Article] = (),
) -> Iterator[Outcome]:
    """One outcome for each article, in order. `index` is added to; neither it nor `memory` is written to disk.

    `pending` are articles that were assigned earlier and are not committed yet, in order.
    """
    assigner = _Assigner(memory=memory, index=index, settings=settings)
    for article in pending:
        assigner.know(article)
    for article in articles:
        try:
            yield assigner.outcome(article)
        except Rejected as rejected:
            yield reject_article(article, rejected)
        except Exception as error:
            yield reject_article(article, unforeseen(error, "deduplicate"))


@dataclass(kw_only=True)
class _Assigner:
    """`batch` holds the newest version of each article that came since `memory` was written."""

    memory: Memory
    index: NearIndex
    settings: DeduplicateSettings
    batch: dict[str, Article] = field(default_factory=dict)

    def know(self, article: Article) -> None:
        """Take in an article that was assigned before, unless it has been committed since."""
        committed = self.memory.latest(article.article_id)
        if committed is None or committed.version < article.version:
            self.batch[article.article_id] = article
        signature = unpack(article.signature)
        if signature and not self.index.holds(article.article_id, article.version):
            self._post(article, signature)

    def outcome(self, article: Article) -> Outcome:
        reading = read(article.text, article.publisher_domain)
        known = self._known(article.article_id)
        if known is not None:
            return self._another_reading(article, reading, known)
        signature, match = self._signed(article, reading)
        renamed = self._renamed(article, match) if match and match.same_host else None
        if renamed is not None:
            return self._another_reading(article, reading, renamed)
        return self._first_version(article, reading, signature, match if self.settings.near != "off" else None)

    def _first_version(self, article: Article, reading: Reading, signature: Signature, match: Match | None) -> Article:
        if match is not None and self.settings.near == "drop":
            raise Rejected(f"{match.kind}-duplicate", f"copy of {match.article_id}, {match.score:.2f}")
        return self._remembered(
            dataclasses.replace(
                article,
                version=1,
                content_hash=reading.content_hash,
                signature=pack(signature),
                cluster_id=match.cluster_id if match else article.article_id,
                duplicate_of=match.cluster_id if match else None,
                duplicate_kind=match.kind if match else None,
                duplicate_score=match.score if match else None,
            ),
            signature,
        )

    def _another_reading(self, article: Article, reading: Reading, known: Article | Known) -> Outcome:
        """What a known article has become. A rendering under another link (AMP, mobile) that differs by a few whole
        lines is the same version: what differs is what extraction kept of the page."""
        old_text = article.text
        if reading.content_hash == known.content_hash:
            if content_hash(known.title or "") == content_hash(article.title or ""):
                return Unchanged(known.article_id)
        else:
            stored = self._stored(known)
            old_text = stored.text if stored else ""
            if stored and stored.source_url != article.source_url and is_rendering(old_text, article.text):
                return Unchanged(known.article_id)
        change = difference(known.title, old_text, article.title, article.text)
        if change is None:
            return Unchanged(known.article_id)
        article = dataclasses.replace(article, article_id=known.article_id, first_seen_at=known.first_seen_at)
        signature, _ = self._signed(article, reading)
        return self._remembered(
            dataclasses.replace(
                article,
                version=known.version + 1,
                change_kind=change.kind,
                changes=change.changes,
                content_hash=reading.content_hash,
                signature=pack(signature),
                cluster_id=known.cluster_id,
                duplicate_of=known.duplicate_of,
                duplicate_kind=known.duplicate_kind,
                duplicate_score=known.duplicate_score,
            ),
            signature,
        )

    def _signed(self, article: Article, reading: Reading) -> tuple[Signature, Match | None]:
        """The article's signature without its host's furniture, and whom it copies.

        The text is tried as it stands first: that finds the copies a host prints of its own article, whose lines all
        look like furniture.
        """
        told = {"article_id": article.article_id, "host": article.publisher_domain}
        signature = sign(reading)
        match, repeated = self.index.search(signature, reading, seen_at=article.first_seen_at, **told)
        if repeated:
            whole, signature = signature, sign(reading, repeated)
            settled = match is not None and match.kind == "exact"
            if not settled and signature.tokens < 0.95 * whole.tokens:  # a line less changes no verdict
                bare = self.index.match(signature, reading.content_hash, seen_at=article.first_seen_at, **told)
                match = bare or match
        return signature, match

    def _renamed(self, article: Article, match: Match) -> Article | Known | None:
        """The known article that a copy is, when its feed has only changed the link: same feed, same host, and the same
        guid; or the same headline over the same text, where the guid is no name of its own."""
        known = self._known(match.article_id)
        stored = self._stored(known) if known else None
        if known is None or stored is None:
            return None
        if stored.feed_id != article.feed_id:
            return None
        if article.guid and article.guid == stored.guid:
            return known
        named = any(guid and "://" not in guid for guid in (article.guid, stored.guid))
        title = read(article.title or "")
        same_title = len(title.tokens) >= TITLE_TOKENS and title.content_hash == content_hash(known.title or "")
        return known if same_title and not named and match.score >= SAME_TEXT else None

    def _known(self, article_id: str) -> Article | Known | None:
        return self.batch.get(article_id) or self.memory.latest(article_id)

    def _stored(self, known: Article | Known) -> Article | Stored | None:
        return known if isinstance(known, Article) else self.memory.stored(known)

    def _remembered(self, article: Article, signature: Signature) -> Article:
        self.batch[article.article_id] = article
        self._post(article, signature)
        return article

    def _post(self, article: Article, signature: Signature) -> None:
        self.index.add(
            signature,
            article.content_hash,
            article_id=article.article_id,
            version=article.version,
            cluster_id=article.cluster_id,
            host=article.publisher_domain,
            seen_at=article.first_seen_at,
        )
