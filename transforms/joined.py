"""Deduplicate by keyed joins, for clusters of machines: the rows that one worker with an index gives, by many.

Articles are recognised host by host. Each row then posts its name under the keys of its text, each new article asks for
them, and what was posted before it comes back with its entry; with the committed dataset's index, which every worker
must see, it is compared to those. The few articles that have candidates, as ids and numbers, are placed by one worker
in order of arrival. What is grouped and joined is small but for the articles themselves: they are grouped by host, and
once more by id to meet their placement.

Equal to `assign` but for collisions of 32-bit keys of different kinds or hosts within a batch, which only an index of
everything can have. Copies cannot be dropped: what is dropped posts nothing, so each verdict would wait for the one
before. Memory of a worker holds the articles of a host in the batch, and the names under a key.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from transforms.assignment import Compared, Outcome, compared, in_order, index_folder, placed, recognised
from transforms.gather import Gather
from transforms.joins import Row, answer, found, latest_before, postings, question, row_and_entry
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.recognition import Recogniser, Signed
from transforms.schema import Article, Spent
from transforms.settings import DeduplicateSettings
from transforms.tally import Stopwatch

Told = tuple[Article, Outcome]  # an article and what became of it


def assign_by_joins(
    articles: PCollection[Article], settings: DeduplicateSettings, root: str, aside: str | None = None
) -> PCollection[Told | Spent]:
    """The outcomes of `assign`, and the time it took. `root` is the dataset root whose earlier articles count,
    `aside` the folder of `Gather`."""
    recognised, spent = (
        articles
        | "KeyByHost" >> beam.WithKeys(host_of)
        | "GatherHosts" >> Gather(aside)
        | "Recognise" >> beam.ParDo(RecogniseFn(settings, root)).with_outputs("spent", main="recognised")
    )
    signed = recognised | "Rows" >> beam.FlatMap(rows_among)
    joined: dict[str, Any] = {"signed": signed | "KeyById" >> beam.WithKeys(id_of)}
    if settings.near == "mark":
        asked = (
            signed
            | "Post" >> beam.FlatMap(postings)
            | "GatherKeys" >> beam.GroupByKey()
            | "LatestBefore" >> beam.FlatMapTuple(latest_before)
        )
        answers = (
            {"entries": signed | "Entries" >> beam.Map(row_and_entry), "asked": asked}
            | "JoinEntries" >> beam.CoGroupByKey()
            | "Answer" >> beam.FlatMap(answer)
        )
        joined["placed"] = (
            {"questions": signed | "Ask" >> beam.FlatMap(question), "answers": answers}
            | "JoinAnswers" >> beam.CoGroupByKey()
            | "Compare" >> beam.ParDo(CompareFn(settings, root))
            | "KeyCopies" >> beam.WithKeys(lambda _: 0)
            | "GatherCopies" >> beam.GroupByKey()
            | "PlaceCopies" >> beam.FlatMap(placed_in_order)
        )
    rows = joined | "JoinPlacements" >> beam.CoGroupByKey() | "Place" >> beam.FlatMap(with_placements)
    others = recognised | "Others" >> beam.Filter(is_no_row)
    told: PCollection[Told | Spent] = (rows, others, spent) | "Outcomes" >> beam.Flatten()
    return told


class RecogniseFn(beam.DoFn):
    """Applies `recognised` to the articles of a host, beside what the committed dataset knows."""

    def __init__(self, settings: DeduplicateSettings, root: str) -> None:
        self.settings = settings
        self.root = Path(root)

    def start_bundle(self) -> None:
        self.memory = Memory(self.root)
        self.index = NearIndex.open(index_folder(self.root), self.settings.window_days)

    def process(
        self, element: tuple[str, Iterable[Article]]
    ) -> Iterator[tuple[Article, Any] | TaggedOutput[Literal["spent"], Spent]]:
        articles, watch = in_order(element[1]), Stopwatch("deduplicate")
        with watch.running():
            outcomes = list(recognised(articles, self._recogniser()))
        yield from zip(articles, outcomes, strict=True)
        yield TaggedOutput("spent", watch.note())

    def _recogniser(self) -> Recogniser:
        return Recogniser(memory=self.memory, index=self.index.scratch(), repeated_lines=self.settings.repeated_lines)

    def finish_bundle(self) -> None:
        self.memory.close()


class CompareFn(beam.DoFn):
    """Applies `compared` to a new article, the answers it got from its batch, and the committed dataset's index."""

    def __init__(self, settings: DeduplicateSettings, root: str) -> None:
        self.settings = settings
        self.folder = index_folder(Path(root))

    def start_bundle(self) -> None:
        self.index = NearIndex.open(self.folder, self.settings.window_days)

    def process(self, element: tuple[Row, dict[str, list[Any]]]) -> Iterator[Compared]:
        answers = element[1]["answers"]
        for signed in element[1]["questions"]:
            comparison = compared(signed, self.index, lambda keys: found(keys, answers))
            if comparison.whole or comparison.bare:
                yield signed.arrival, signed.article.article_id, comparison


def host_of(article: Article) -> str:
    return article.publisher_domain


def id_of(signed: Signed) -> str:
    return signed.article.article_id


def rows_among(told: tuple[Article, Any]) -> Iterator[Signed]:
    if isinstance(told[1], Signed):
        yield told[1]


def is_no_row(told: tuple[Article, Any]) -> bool:
    return not isinstance(told[1], Signed)


def placed_in_order(element: tuple[int, Iterable[Compared]]) -> Iterator[tuple[str, Any]]:
    yield from placed(element[1])


def with_placements(element: tuple[str, dict[str, list[Any]]]) -> Iterator[Told]:
    """The rows of an article with the placement that it got, if it got any."""
    for signed in element[1]["signed"]:
        row = signed.article
        for placement in element[1].get("placed", []):
            row = placement.on(row)
        yield row, row
