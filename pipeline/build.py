"""The five wires: entries in, staged part files out. Read this file first."""

from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam

from transforms.clean import Clean
from transforms.deduplicate import Deduplicate
from transforms.fetch import Fetch
from transforms.schema import Entry
from transforms.settings import Settings
from transforms.tag import Tag
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
    cleaned = pages.pages | "Clean" >> Clean(settings=settings.clean, workers=settings.run.workers)
    unique = cleaned.articles | "Deduplicate" >> Deduplicate(settings=settings.deduplicate, root=batch.root)
    tagged = unique.articles | "Tag" >> Tag(settings=settings.tag)
    (
        (tagged.articles, pages.fetches, pages.rejects, cleaned.rejects, unique.rejects, tagged.rejects)
        | "Rows" >> beam.Flatten()
        | "Write" >> Write(staging=batch.staging, name=batch.name, run_id=batch.run_id, settings=settings.write)
    )
