"""`newsbeam verify`: is every promise of the dataset kept? Reads everything, writes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.dataset import Dataset, live_files
from pipeline.query import connect
from transforms.schema import DATASETS, arrow_schema

_UNREADABLE = "cannot be read"
SHOWN = 5  # examples of a finding

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


def verify(root: Path) -> Iterator[str]:
    """One sentence for each promise that is broken; none when the dataset is sound.

    Rows are looked at only when every file can be read.
    """
    manifests = Dataset(root).manifests()
    yield from _check_books(manifests)
    broken = list(_check_files(root, live_files(manifests)))
    yield from broken
    for manifest in manifests:
        yield from (f"{path}: lost, with a deleted state/ or otherwise" for path in manifest.get("lost", ()))
    if any(_UNREADABLE in sentence for sentence in broken):
        return
    erased = any(manifest.get("rows_removed") or manifest.get("lost") for manifest in manifests)
    db = connect(root)
    for name, sql in CHECKS.items():
        if erased and name in DANGLING_AFTER_ERASURE:
            continue
        found = db.execute(sql).fetchall()
        if found:
            yield f"{name}: {len(found):,}, such as {', '.join(str(row) for row in found[:SHOWN])}"
    if not erased:
        told = {manifest["run_id"]: manifest["stored"] for manifest in manifests if manifest.get("kind") == "run"}
        there = dict(db.execute("SELECT run_id, count(*) FROM articles GROUP BY ALL").fetchall())
        for run_id, stored in told.items():
            if there.get(run_id, 0) != stored:
                yield f"run {run_id}: {stored:,} articles stored by its report, {there.get(run_id, 0):,} on disk"


def _check_files(root: Path, live: list[str]) -> Iterator[str]:
    """Every file that counts is there, whole, and of the schema; no other file lies beside them."""
    for path in live:
        schema = arrow_schema(path.split("/", 1)[0])
        try:
            file = pq.ParquetFile(root / path)
            if not file.schema_arrow.equals(schema):
                yield f"{path}: its schema is not that of the dataset"
            file.read(columns=[schema.names[0]])
        except (OSError, ValueError) as error:
            yield f"{path}: {_UNREADABLE}: {error}"
    there = {file.relative_to(root).as_posix() for name in DATASETS for file in (root / name).rglob("*.parquet")}
    for path in sorted(there - set(live)):
        yield f"{path}: no run tells of this file"


def _check_books(manifests: list[dict[str, Any]]) -> Iterator[str]:
    for run in manifests:
        if run.get("kind") == "run":
            told = run["unchanged"] + run["stored"] + run["duplicates"]["dropped"] + run["rejected"]
            if run["entries"] != told:
                yield f"run {run['run_id']}: {run['entries']:,} entries, but its books add up to {told:,}"
