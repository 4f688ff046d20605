"""`newsbeam verify`: is every promise of the dataset kept? Reads everything, writes nothing."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dataset import Dataset, live_files
from pipeline.query import connect
from transforms.arrow_schema import arrow_schema
from transforms.partitions import SORT_KEYS
from transforms.schema import DATASETS

_UNREADABLE = "cannot be read"
SHOWN = 5  # examples of a finding
BATCH_ROWS = 1_000  # read at a time
BOOKS = ("entries", "unchanged", "stored", "duplicates.dropped", "rejected")  # the first is the sum of the others

# what must give no row; `runs` that erased rows may leave references behind
CHECKS = {
    "an article version stored twice": "SELECT article_id, version FROM articles GROUP BY ALL HAVING count(*) > 1",
    "a version without the one before": (
        "SELECT a.article_id, a.version FROM articles a ANTI JOIN articles b"
        " ON a.article_id = b.article_id AND b.version = a.version - 1 WHERE a.version > 1"
    ),
    "a cluster whose first article is not there": (
        "SELECT DISTINCT cluster_id FROM articles a ANTI JOIN articles b ON a.cluster_id = b.article_id"
    ),
    "a copy of an article that is not there": (
        "SELECT article_id, duplicate_of FROM articles a ANTI JOIN articles b ON a.duplicate_of = b.article_id"
        " WHERE a.duplicate_of IS NOT NULL"
    ),
    "a row outside the day it was first seen": (
        "SELECT article_id, seen_date FROM articles"
        " WHERE seen_date <> CAST(CASE version WHEN 1 THEN first_seen_at ELSE fetched_at END AS DATE)"
    ),
    "an article of an unknown run": "SELECT DISTINCT run_id FROM articles ANTI JOIN runs USING (run_id)",
}
DANGLING_AFTER_ERASURE = {name for name in CHECKS if "not there" in name or "without the one before" in name}


def verify(root: Path, pauses_s: Sequence[float] = (0.1, 0.5, 1, 2, 4)) -> Iterator[str]:
    """One sentence for each promise that is broken; none when the dataset is sound.

    Rows are looked at only when every file can be read. A writer may be at work: what is found while it commits is
    looked at again.
    """
    manifests = Dataset(root).manifests()
    found = list(_findings(root, manifests))
    for pause_s in pauses_s:
        if not found or not _is_moving(root, manifests):
            break
        time.sleep(pause_s)
        manifests = Dataset(root).manifests()
        found = list(_findings(root, manifests))
    yield from found


def _is_moving(root: Path, manifests: list[dict[str, Any]]) -> bool:
    """Whether something was committed since `manifests` were read, or is committed and not visible yet."""
    staging = Dataset(root).staging
    return manifests != Dataset(root).manifests() or any(
        (staging / manifest["run_id"] / path).exists() for manifest in manifests for path in manifest["files"]
    )


def _findings(root: Path, manifests: list[dict[str, Any]]) -> Iterator[str]:
    yield from _check_books(manifests)
    live = live_files(manifests)
    broken = list(_check_files(root, live))
    yield from broken
    for manifest in manifests:
        yield from (f"{path}: lost, with a deleted state/ or otherwise" for path in manifest.get("lost", ()))
    if any(_UNREADABLE in sentence for sentence in broken):
        return
    try:
        yield from _check_rows(root, manifests, live)
    except duckdb.Error as error:  # a file was replaced just now
        yield f"{root}: {_UNREADABLE}: {error}"


def _check_rows(root: Path, manifests: list[dict[str, Any]], live: list[str]) -> Iterator[str]:
    """What rows promise each other, and runs of them."""
    erased = any(manifest.get("rows_removed") or manifest.get("lost") for manifest in manifests)
    db = connect(root, files=live)
    for name, sql in CHECKS.items():
        if erased and name in DANGLING_AFTER_ERASURE:
            continue
        found = db.execute(sql).fetchall()
        if found:
            yield f"{name}: {len(found):,}, such as {', '.join(str(row) for row in found[:SHOWN])}"
    if not erased:
        runs = [manifest for manifest in manifests if manifest.get("kind") == "run"]
        told = {run["run_id"]: number for run in runs if (number := _number_at(run, "stored")) is not None}
        there = dict(db.execute("SELECT run_id, count(*) FROM articles GROUP BY ALL").fetchall())
        for run_id, stored in told.items():
            if there.get(run_id, 0) != stored:
                yield f"run {run_id}: {stored:,} articles stored by its report, {there.get(run_id, 0):,} on disk"


def _check_files(root: Path, live: list[str]) -> Iterator[str]:
    """Every file that counts is there, whole, and of the schema; no other file lies beside them."""
    for path in live:
        dataset = path.split("/", 1)[0]
        try:
            file = pq.ParquetFile(root / path, page_checksum_verification=True)
            if wrong := _wrong_columns(file.schema_arrow, dataset):
                yield f"{path}: its schema is not that of the dataset: {', '.join(wrong)}"
            else:
                for _ in file.iter_batches(BATCH_ROWS):  # every page, against its checksum
                    pass
        except (OSError, ValueError) as error:
            yield f"{path}: {_UNREADABLE}: {error}"
    there = {file.relative_to(root).as_posix() for name in DATASETS for file in (root / name).rglob("[!.]*.parquet")}
    for path in sorted(there - set(live)):
        yield f"{path}: no run tells of this file"


def _wrong_columns(there: pa.Schema, dataset: str) -> list[str]:
    """Columns of another type than today's, and sorting columns that are not there. A file may be older than other
    columns, or of a later version of the program that has more."""
    return [
        field.name
        for field in arrow_schema(dataset)
        if (
            there.field(field.name).type != field.type if field.name in there.names else field.name in _sorting(dataset)
        )
    ]


def _sorting(dataset: str) -> set[str]:
    return {name for name, _ in SORT_KEYS[dataset]}


def _check_books(manifests: list[dict[str, Any]]) -> Iterator[str]:
    for run in manifests:
        if run.get("kind") != "run":
            continue
        books = {name: _number_at(run, name) for name in BOOKS}
        if missing := [name for name, number in books.items() if number is None]:
            yield f"run {run['run_id']}: its manifest does not tell {', '.join(missing)}"
            continue
        entries, *parts = (number or 0 for number in books.values())
        if entries != sum(parts):
            yield f"run {run['run_id']}: {entries:,} entries, but its books add up to {sum(parts):,}"


def _number_at(manifest: Any, name: str) -> int | None:
    """The number that a manifest tells under `name`, if it tells one."""
    for key in name.split("."):
        manifest = manifest.get(key) if isinstance(manifest, dict) else None
    return manifest if isinstance(manifest, int) else None
