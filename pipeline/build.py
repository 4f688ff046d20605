"""The five wires: entries in, staged part files out. Read this file first."""

from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.clean import Clean
from transforms.deduplicate import Deduplicate
from transforms.fetch import Fetch, ReadArchive
from transforms.schema import Entry, Page, Row
from transforms.settings import Settings
from transforms.tag import Tag
from transforms.warc import ArchivePart
from transforms.write import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch of a run: what goes in, where its files are staged, and under which name."""

    entries: Sequence[Entry]
    root: str
    staging: str
    name: str
    run_id: str


def build(pipeline: beam.Pipeline, batch: Batch, settings: Settings) -> None:
    """Add the whole pipeline for `batch`."""
    entries = pipeline | "ReadEntries" >> beam.Create(batch.entries, reshuffle=False)
    archive = f"{batch.root}/archive/{batch.name}" if settings.fetch.archive else None
    pages = entries | "Fetch" >> Fetch(settings=settings.fetch, archive=archive)
    _from_pages(pages.pages, [pages.fetches, pages.rejects], batch, settings)


def build_replay(pipeline: beam.Pipeline, part: ArchivePart, batch: Batch, settings: Settings) -> None:
    """Add the pipeline for pages that are archived already: all but Fetch."""
    pages = pipeline | "ReadParts" >> beam.Create([part], reshuffle=False) | "ReadArchive" >> ReadArchive()
    _from_pages(pages, [], batch, settings)


def _from_pages(pages: PCollection[Page], rows: list[PCollection[Row]], batch: Batch, settings: Settings) -> None:
    """Clean to Write; `rows` are written beside."""
    cleaned = pages | "Clean" >> Clean(settings=settings.clean, workers=settings.run.workers)
    unique = cleaned.articles | "Deduplicate" >> Deduplicate(settings=settings.deduplicate, root=batch.root)
    tagged = unique.articles | "Tag" >> Tag(settings=settings.tag, workers=settings.run.workers)
    (
        (tagged.articles, *rows, cleaned.rejects, unique.rejects, tagged.rejects)
        | "Rows" >> beam.Flatten()
        | "Write" >> Write(staging=batch.staging, name=batch.name, run_id=batch.run_id, settings=settings.write)
    )
