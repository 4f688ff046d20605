"""`newsbeam retag`: the tags of stored articles as the lexicons of today give them, day by day.

Only articles whose `tags_version` is another are tagged again, in child processes; all other columns stay.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.rewrite import Change, partitions, rewrite
from transforms.arrow_schema import arrow_schema, to_plain
from transforms.schema import Dateline
from transforms.settings import TagSettings, WriteSettings
from transforms.taggers import DOCUMENT_COLUMNS, TAG_COLUMNS, Document, load_taggers, read_document, tag_document
from transforms.workers import shared_workers

CHUNK_ROWS = 100
CHUNK_TIMEOUT_S = 120.0


def retag(root: Path, tags: TagSettings, settings: WriteSettings, now: datetime, *, workers: int = 0) -> list[Change]:
    """Tag every stored article anew whose tags are of another version; returns the partitions that changed."""
    folders = (folder for folder in partitions(root) if folder.startswith("articles/"))
    return rewrite(
        root, folders, settings, now, kind="retag", edit=lambda _, table: retag_table(table, tags, workers=workers)
    )


def retag_table(table: pa.Table, tags: TagSettings, *, workers: int = 0) -> pa.Table:
    """The rows with the tags of today, in the same order."""
    version = load_taggers(tags).version
    stale = [number for number, told in enumerate(table["tags_version"].to_pylist()) if told != version]
    if not stale:
        return table
    children = shared_workers(workers)
    futures = [
        children.submit(
            CHUNK_TIMEOUT_S,
            tag_rows,
            table.take(stale[start : start + CHUNK_ROWS]).select(list(DOCUMENT_COLUMNS)),
            tags,
        )
        for start in range(0, len(stale), CHUNK_ROWS)
    ]
    fresh = dict(zip(stale, (row for future in futures for row in future.result()), strict=True))
    schema = arrow_schema("articles")
    for name in TAG_COLUMNS:
        values = table[name].to_pylist()
        for number, row in fresh.items():
            values[number] = row[name]
        place = schema.get_field_index(name)
        table = table.set_column(place, schema.field(place), pa.array(values, schema.field(place).type))
    return table


def tag_rows(rows: pa.Table, tags: TagSettings) -> list[dict[str, Any]]:
    """The tag columns of each row, as plain values. Runs in a child."""
    taggers = load_taggers(tags)
    return [
        {name: to_plain(value) for name, value in tag_document(_document(row), taggers).items()}
        for row in rows.to_pylist()
    ]


def _document(row: dict[str, Any]) -> Document:
    dateline = Dateline(**row["dateline"]) if row["dateline"] else None
    return read_document(row | {"dateline": dateline})
