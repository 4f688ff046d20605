"""The five wires: entries in, a delivery of staged part files out. Read this file first."""

from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection

from pipeline.spool import handed_over
from transforms.clean import Clean
from transforms.deduplicate import Deduplicate
from transforms.delivery import Note
from transforms.fetch import Fetch, FetchShards, ReadArchive
from transforms.schema import Page, Row
from transforms.settings import Settings
from transforms.tag import Tag
from transforms.warc import ArchivePart
from transforms.watch import Watch
from transforms.write import RunNames, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a pipeline reads and writes: the dataset, the folder its files are staged in and how they are called.

    `shards` is into how many groups hosts are shared out, `archive` where pages are kept, if they are. `aside` is a
    folder for what is gathered, where the workers are other processes than this. Each has `children` that parse.
    """

    root: str
    staging: str
    names: RunNames
    shards: int = 1
    archive: str | None = None
    aside: str | None = None
    children: int = 0


def build(pipeline: beam.Pipeline, batch: str, place: Place, settings: Settings) -> None:
    """Add the whole pipeline for the entries in the file `batch`."""
    shards = (
        pipeline
        | "Shards" >> beam.Create(range(place.shards), reshuffle=place.shards > 1)
        | "ReadBatch" >> beam.Map(handed_over, batch, place.shards)
    )
    fetched = shards | "Fetch" >> FetchShards(settings=settings.fetch, archive=place.archive)
    _from_fetched(fetched, (), place, settings)


def build_replay(pipeline: beam.Pipeline, part: ArchivePart, place: Place, settings: Settings) -> None:
    """Add the pipeline for pages that are archived already: all but Fetch."""
    pages = pipeline | "ReadParts" >> beam.Create([part], reshuffle=False) | "ReadArchive" >> ReadArchive()
    _from_pages(pages, (), place, settings, replayed_into=place.root)


def build_stream(pipeline: beam.Pipeline, watch: Watch, place: Place, settings: Settings) -> None:
    """Add the unbounded pipeline: what `watch` finds, in windows of time."""
    found = pipeline | "Watch" >> watch
    fetched = found["entries"] | "Fetch" >> Fetch(settings=settings.fetch, shards=place.shards, archive=place.archive)
    _from_fetched(fetched, (found["polls"], found["fetches"], found["rejects"]), place, settings)


def _from_fetched(
    fetched: DoOutputsTuple, beside: Sequence[PCollection[Row | Note]], place: Place, settings: Settings
) -> None:
    _from_pages(fetched.pages, (*beside, fetched.fetches, fetched.rejects, fetched.notes), place, settings)


def _from_pages(
    pages: PCollection[Page],
    beside: Sequence[PCollection[Row | Note]],
    place: Place,
    settings: Settings,
    replayed_into: str | None = None,
) -> None:
    """Clean to Write; what lies `beside` is written too."""
    cleaned = pages | "Clean" >> Clean(settings=settings.clean, workers=place.children)
    unique = cleaned.articles | "Deduplicate" >> Deduplicate(
        settings=settings.deduplicate, root=place.root, aside=place.aside
    )
    articles = unique.articles | "Spread" >> beam.Reshuffle() if place.aside else unique.articles
    tagged = articles | "Tag" >> Tag(settings=settings.tag, workers=place.children)
    (
        (
            tagged.articles,
            *beside,
            *(cleaned.rejects, cleaned.notes),
            *(unique.rejects, unique.notes),
            *(tagged.rejects, tagged.notes),
        )
        | "Outcomes" >> beam.Flatten()
        | "Write"
        >> Write(
            staging=place.staging,
            names=place.names,
            settings=settings.write,
            aside=place.aside,
            replayed_into=replayed_into,
        )
    )
