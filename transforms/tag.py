"""Tag: Articles in, Articles out with dateline resolved, countries, places, people, organisations, topics and quotes.

An article is tagged by the taggers of `[tag] taggers`, in that order, each reading what those before it found, in the
child processes that also clean: a chunk of articles a task, so that all cores are used.
No article is given up on for what it says: a tagger that fails is a fault of the program, and the article goes to
`rejects` as `internal-error` of stage tag, or as `tagging-timeout`. Taggers and their lexicons are loaded once a
process; memory is bounded by the chunks in flight.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from pebble import ProcessExpired

from transforms.delivery import Note
from transforms.reject import Rejected, reject_article, unforeseen
from transforms.schema import Article, Reject
from transforms.settings import TagSettings
from transforms.taggers import tag_articles
from transforms.tally import Stopwatch, count
from transforms.workers import InFlight, shared_workers

CHUNK_ARTICLES = 16
CHUNKS_PER_CHILD = 3
TIMEOUT_S = 20.0

Outcome = WindowedValue | TaggedOutput[Literal["rejects", "notes"], WindowedValue]  # of an Article, a Reject, a Note
Tagged = Article | Rejected


@dataclass(eq=False, kw_only=True)
class Tag(beam.PTransform[PCollection[Article], DoOutputsTuple]):
    """Fill in the tag columns of articles. Outputs: the articles, `rejects`, and `notes`: the time it took. `workers`
    is the number of child processes, 0 one a core."""

    settings: TagSettings = field(default_factory=TagSettings)
    workers: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, articles: PCollection[Article]) -> DoOutputsTuple:
        tagging = beam.ParDo(TagFn(self.settings, self.workers)).with_output_types(Article, rejects=Reject, notes=Note)
        return articles | "TagArticle" >> tagging.with_outputs("rejects", "notes", main="articles")


@dataclass(frozen=True, slots=True)
class _Given:
    """An article, and the window and timestamp its outcome belongs to."""

    article: Article
    window: BoundedWindow
    timestamp: Timestamp

    def windowed(self, outcome: Article | Reject | Note) -> WindowedValue:
        return WindowedValue(outcome, self.timestamp, (self.window,))


class TagFn(beam.DoFn):
    """Hands chunks of articles to the children, and passes on what is done."""

    def __init__(self, settings: TagSettings, workers: int) -> None:
        self.settings = settings
        self.workers = workers

    def setup(self) -> None:
        self.children = shared_workers(self.workers)

    def start_bundle(self) -> None:
        self.chunk: list[_Given] = []
        self.in_flight: InFlight[list[_Given], list[Tagged]] = InFlight(CHUNKS_PER_CHILD * self.children.processes)
        self.watch = Stopwatch("tag")
        self.latest: _Given | None = None

    def process(
        self,
        element: Article,
        window: BoundedWindow = beam.DoFn.WindowParam,  # type: ignore[assignment]  # Beam's way to ask for it
        timestamp: Timestamp = beam.DoFn.TimestampParam,  # type: ignore[assignment]
    ) -> Iterable[Outcome]:
        self.latest = _Given(element, window, timestamp)
        self.chunk.append(self.latest)
        if len(self.chunk) == CHUNK_ARTICLES:
            with self.watch.running():
                self._submit()
                done = list(self.in_flight.done())
            yield from self._outcomes(done)

    def finish_bundle(self) -> Iterable[Outcome]:
        with self.watch.running():
            if self.chunk:
                self._submit()
            done = list(self.in_flight.rest())
        yield from self._outcomes(done)
        if self.latest:
            yield TaggedOutput("notes", self.latest.windowed(self.watch.note()))

    def _submit(self) -> None:
        articles = [given.article for given in self.chunk]
        self.in_flight.add(self.chunk, self.children.submit(TIMEOUT_S, tag_articles, articles, self.settings))
        self.chunk = []

    def _outcomes(self, done: Iterable[tuple[list[_Given], Future[list[Tagged]]]]) -> Iterator[Outcome]:
        for chunk, future in done:
            for given, tagged in zip(chunk, self._result(chunk, future), strict=True):
                if isinstance(tagged, Article):
                    yield given.windowed(tagged)
                else:
                    count(f"rejected-{tagged.reason}")
                    yield TaggedOutput("rejects", given.windowed(reject_article(given.article, tagged)))

    def _result(self, chunk: list[_Given], future: Future[list[Tagged]]) -> Sequence[Tagged]:
        """The outcome of each article of a chunk; of a chunk that was killed, each tried by itself."""
        try:
            return future.result()
        except (TimeoutError, ProcessExpired, MemoryError) as error:
            if len(chunk) == 1:
                late = isinstance(error, TimeoutError)
                return [Rejected("tagging-timeout") if late else unforeseen(error, "tag")]
            alone = [
                ([given], self.children.submit(TIMEOUT_S, tag_articles, [given.article], self.settings))
                for given in chunk
            ]
            return [tagged for given, future in alone for tagged in self._result(given, future)]
