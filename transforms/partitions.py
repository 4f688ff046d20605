"""Part files: rows to one sorted Parquet file, staged under its final name, durable before it is told of.

A part file is written under the staging folder at the same relative path that it will have under the dataset root, so
that making it visible is one rename. Names are deterministic: a retried bundle overwrites its own file.
"""

import dataclasses
import itertools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.arrow_schema import arrow_schema, to_row
from transforms.schema import DATASETS, Row, seen_date
from transforms.settings import WriteSettings

ROW_GROUP_ROWS = 65_536
ROW_GROUP_BYTES = 128_000_000  # before compression: what a reader holds of a group, and a writer
CHUNK_ROWS = 200
_PARTITION = re.compile(r"seen_date=\d{4}-\d\d-\d\d")
RUN_STAMP = "%Y%m%dT%H%M%SZ"  # how the id of a run begins
SORT_KEYS = {
    "articles": [
        ("publisher_domain", "ascending"),
        ("published_at", "ascending"),
        ("article_id", "ascending"),
        ("version", "ascending"),
    ],
    "rejects": [("feed_id", "ascending"), ("seen_at", "ascending"), ("url", "ascending")],
    "fetches": [("host", "ascending"), ("fetched_at", "ascending"), ("url", "ascending")],
}
DICTIONARY_COLUMNS = {
    "articles": [
        "feed_id", "publisher", "publisher_domain", "publisher_country", "section", "text_source", "access",
        "published_precision", "published_source", "change_kind", "language", "language_source", "agency",
        "primary_country", "duplicate_kind", "extraction_method", "run_id", "tags_version",
        "authors.list.element.kind", "countries.list.element.code", "places.list.element.country",
        "topics.list.element.id", "topics.list.element.name", "removed.list.element.rule", "dateline.country",
    ],
    "rejects": ["feed_id", "feed_url", "stage", "reason", "run_id"],
    "fetches": ["kind", "feed_id", "host", "outcome", "run_id"],
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """A written part file. `path` is relative to the dataset root."""

    path: str
    rows: int
    size_bytes: int

    @property
    def dataset(self) -> str:
        """The dataset its rows belong to."""
        return self.path.partition("/")[0]


def stamp_run(row: Row, run_id: str) -> Row:
    """The row as stored by this run."""
    return dataclasses.replace(row, run_id=run_id)


def dataset_of(row: Row) -> str:
    """The dataset a row belongs to."""
    return next(name for name, record in DATASETS.items() if isinstance(row, record))


def partition_path(row: Row) -> str:
    """Folder of the row, relative to the dataset root: computed by the program alone, never from what the web says."""
    return f"{dataset_of(row)}/seen_date={seen_date(row).isoformat()}"


def part_files(folder: Path) -> list[Path]:
    """The part files of a partition, in their order. What a system or a copying tool hides beside them is none."""
    return sorted(folder.glob("[!.]*.parquet"))


def partition_folders(root: Path, dataset: str) -> list[Path]:
    """The partitions of a dataset, the oldest first; other folders beside them are none."""
    return sorted(folder for folder in (root / dataset).glob("seen_date=*") if _PARTITION.fullmatch(folder.name))


def write_part(rows: Iterable[Row], staging: Path, folder: str, name: str, settings: WriteSettings) -> PartFile:
    """Write the rows of one partition as `staging/folder/name.parquet`, sorted, and sync it to the disk.

    Raises OSError when the disk is full or not writable; a half-written file is left in staging, where nobody reads.
    """
    dataset = folder.split("/", 1)[0]
    table = _table(rows, arrow_schema(dataset))
    table = sort_table(table, dataset)  # the unsorted one goes: memory is bounded by the rows of a batch, once
    path = f"{folder}/{name}.parquet"
    write_table(table, staging / path, dataset, settings)
    return PartFile(path=path, rows=table.num_rows, size_bytes=(staging / path).stat().st_size)


def _table(rows: Iterable[Row], schema: pa.Schema) -> pa.Table:
    """The rows as a table, chunk by chunk: as plain values a row takes several times its size."""
    left = iter(rows)
    chunks = iter(lambda: [to_row(row) for row in itertools.islice(left, CHUNK_ROWS)], [])
    return pa.Table.from_batches([_batch(chunk, schema) for chunk in chunks], schema=schema)


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """The rows as a batch. A text that is none, which should not have come this far, costs its odd characters only."""
    try:
        return pa.RecordBatch.from_pylist(rows, schema=schema)
    except UnicodeEncodeError:
        return pa.RecordBatch.from_pylist(_encodable(rows), schema=schema)


def _encodable(value: Any) -> Any:
    """`value` with a question mark for each surrogate in it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return {name: _encodable(item) for name, item in value.items()} if isinstance(value, dict) else value


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a part file under the schema of today, all columns or some.

    What an older file lacks is null. Columns that a later version of the program has added stay, after the others.
    Raises `pyarrow.ArrowInvalid`, which names the file, for one that is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            table = file.read(columns=[name for name in columns if name in there] if columns else None)
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(f"{path}: {error}") from error
    return as_today(table, path.parent.parent.name, columns)


def rows_of(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Some columns of a part file's rows, of a file of today."""
    rows: list[dict[str, Any]] = pq.read_table(path, columns=list(columns), partitioning=None).to_pylist()
    return rows


def as_today(table: pa.Table, dataset: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of any age under the schema of today, as `read_part` gives them."""
    schema = arrow_schema(dataset)
    wanted = [schema.field(name) for name in columns or schema.names]
    later = [] if columns else [field for field in table.schema if field.name not in schema.names]
    arrays = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in [*wanted, *later]
    ]
    return pa.table(arrays, schema=pa.schema([*wanted, *later], metadata=schema.metadata))


def sort_table(table: pa.Table, dataset: str) -> pa.Table:
    """The rows in the order in which readers prune best; the same for the same rows, however they arrive."""
    return table.sort_by(SORT_KEYS[dataset])


def write_table(table: pa.Table, path: Path, dataset: str, settings: WriteSettings) -> None:
    """One Parquet file with the layout of the dataset: dictionary where values repeat, page index, statistics,
    a checksum for each page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression=settings.compression,
            use_dictionary=DICTIONARY_COLUMNS[dataset],
            row_group_size=_row_group_rows(table),
            write_page_index=True,
            write_page_checksum=True,
            sorting_columns=pq.SortingColumn.from_ordering(table.schema, SORT_KEYS[dataset]),
        )
        file.flush()
        os.fsync(file.fileno())


def _row_group_rows(table: pa.Table) -> int:
    rows_by_size = ROW_GROUP_BYTES * len(table) // max(1, table.nbytes)
    return int(min(ROW_GROUP_ROWS, max(1, rows_by_size)))


def write_parts(rows: Iterable[Row], staging: Path, name: str, settings: WriteSettings) -> list[PartFile]:
    """Write rows of any datasets and days, a part file for each partition."""
    partitions: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        partitions[partition_path(row)].append(row)
    return [write_part(members, staging, folder, name, settings) for folder, members in sorted(partitions.items())]
