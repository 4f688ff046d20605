"""Rewriting stored days: compaction, which keeps every row, erasure, which says how many it took, and new tags.

Partition by partition: the new files are staged, read back and compared, then exchanged for the old ones under a
manifest of their own (`Dataset.replace_folder`). Killed before that manifest, the partition is as it was; after it, the
next writer finishes; partitions already done stay done. A rewrite holds the dataset's lock, so it never meets a run. A
reader who lists a partition sees its old files or its new ones; one who listed it just before lists it again when a
file is gone. Memory and disk are bounded by the rows of one partition.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.archives import forget_files, forget_pages
from pipeline.browse_index import discard as discard_search_index
from pipeline.dataset import MEMORY_FILE, Dataset, live_files, require_dataset
from pipeline.errors import DatasetError
from pipeline.stores import address_of
from transforms.arrow_schema import arrow_schema
from transforms.partitions import PartFile, part_files, partition_folders, read_part, sort_table, write_table
from transforms.schema import DATASETS
from transforms.settings import WriteSettings
from transforms.urls import article_id

SMALL_SHARE = 0.5  # of the target size: files below it are worth merging


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a rewrite does to one partition."""

    folder: str
    files_before: int
    files_after: int
    rows: int
    rows_removed: int


def compact(root: Path, settings: WriteSettings, now: datetime, *, dry_run: bool = False) -> list[Change]:
    """Merge the small files of closed days to about `settings.target_file_mb`, and give files that an earlier version
    of the program wrote the columns of today; rows are unchanged.

    A day is closed when it has ended in UTC. Returns what was done, or with `dry_run` what would be.
    """
    folders = (
        folder
        for folder in partitions(root)
        if day_of(folder) < now.date() and (_is_scattered(root, folder, settings) or _is_older(root, folder))
    )
    if dry_run:
        return [_plan(root, folder, settings) for folder in folders]
    return rewrite(root, folders, settings, now, kind="compact", edit=None)


def forget_url(root: Path, url: str, settings: WriteSettings, now: datetime) -> list[Change]:
    """Erase every row of the article at `url`, be that its own address, the link of a feed or where that led, and what
    `rejects`, `fetches`, the archive and `state/` tell of it, from every day."""
    require_dataset(root)
    traces = traces_of(root, url)

    def without(dataset: str, table: pa.Table) -> pa.Table:
        if dataset == "articles":
            return table.filter(
                pc.invert(pc.is_in(table["article_id"], pa.array(sorted(traces.article_ids), pa.string())))
            )
        ids = [article_id(told) if told else "" for told in table["url"].to_pylist()]
        return table.filter(pa.array([found not in traces.url_ids for found in ids], pa.bool_()))

    changes = rewrite(root, partitions(root), settings, now, kind="forget", edit=without)
    forget_pages(root, traces.url_ids, traces.raw_refs, now)
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """By what rows and archived pages of an article are known: ids of it, and of all its addresses; WARC references."""

    article_ids: frozenset[str]
    url_ids: frozenset[str]
    raw_refs: frozenset[str]


def traces_of(root: Path, url: str) -> Traces:
    """The traces of the article at `url`."""
    columns = ["article_id", "source_url", "final_url", "raw_ref"]
    wanted = article_id(url)

    def tables() -> Iterator[pa.Table]:
        files = (file for folder in partition_folders(root, "articles") for file in part_files(folder))
        return (read_part(file, columns) for file in files)

    ids = {wanted} if any(pc.any(pc.equal(table["article_id"], wanted)).as_py() for table in tables()) else set()
    for name in ("source_url", "final_url"):
        if not ids:  # no address of an article: a link that led to one
            links_to = (row for table in tables() for row in table.select(["article_id", name]).to_pylist())
            ids = {row["article_id"] for row in links_to if article_id(row[name]) == wanted}
    meant = pa.array(sorted(ids), pa.string())
    rows = [row for table in tables() for row in table.filter(pc.is_in(table["article_id"], meant)).to_pylist()]
    links = {article_id(row[name]) for row in rows for name in ("source_url", "final_url")}
    return Traces(
        article_ids=frozenset(ids),
        url_ids=frozenset({wanted} | ids | links),
        raw_refs=frozenset(row["raw_ref"] for row in rows if row["raw_ref"]),
    )


def forget_older(root: Path, days: int, settings: WriteSettings, now: datetime) -> list[Change]:
    """Erase every day of all three datasets that ended more than `days` days ago, and archives as old."""
    oldest = now.date() - timedelta(days=days)
    folders = (folder for folder in partitions(root) if day_of(folder) < oldest)
    changes = rewrite(root, folders, settings, now, kind="forget", edit=lambda _, table: table.slice(0, 0))
    forget_files(root, oldest, now)
    return changes


def partitions(root: Path) -> Iterator[str]:
    """Every partition of the dataset, as "articles/seen_date=2026-03-01"."""
    require_dataset(root)
    for dataset in DATASETS:
        for folder in partition_folders(root, dataset):
            if part_files(folder):
                yield f"{dataset}/{folder.name}"


def day_of(folder: str) -> date:
    return date.fromisoformat(folder.rpartition("=")[2])


def read_folder(root: Path, folder: str) -> pa.Table:
    """All rows of a partition under the schema of today; see `read_part`."""
    tables = [read_part(file) for file in part_files(root / folder)]
    return pa.concat_tables(tables, promote_options="default")


Edit = Callable[[str, pa.Table], pa.Table]  # a dataset's name and the rows of a partition to the rows it shall have


def rewrite(
    root: Path, folders: Iterable[str], settings: WriteSettings, now: datetime, *, kind: str, edit: Edit | None
) -> list[Change]:
    """Rewrite `folders`, each under a manifest of its own; those whose rows `edit` leaves as they are stay untouched.

    `kind` is what the manifests call it. Without `edit` only the files change.
    """
    require_dataset(root)
    dataset = Dataset(root)
    with dataset.lock(f"newsbeam {kind}", now):
        live = set(live_files(dataset.manifests()))
        folders = (folder for folder in folders if _check_files(root, folder, live))
        changes = (_rewrite_folder(dataset, folder, settings, now, kind=kind, edit=edit) for folder in folders)
        return [change for change in changes if change]


def _check_files(root: Path, folder: str, live: set[str]) -> bool:
    """True when the partition has the files it should have; what is not whole must not be made to look whole."""
    there = {file.relative_to(root).as_posix() for file in part_files(root / folder)}
    if wrong := there ^ {path for path in live if path.rpartition("/")[0] == folder}:
        raise DatasetError(f"{root / min(wrong)}: missing, or of no run; see `newsbeam verify {address_of(root)}`")
    return True


def _rewrite_folder(
    dataset: Dataset, folder: str, settings: WriteSettings, now: datetime, *, kind: str, edit: Edit | None
) -> Change | None:
    """Rewrite and commit one partition; None when `edit` changes nothing in it."""
    started = time.perf_counter()
    table = read_folder(dataset.root, folder)
    kept = edit(folder.split("/", 1)[0], table) if edit else table
    if edit and kept.equals(table):
        return None
    rewrite_id = dataset.next_id(now)
    old = [path.name for path in part_files(dataset.root / folder)]
    new = _write_folder(kept, dataset.staging / rewrite_id, folder, rewrite_id, settings)
    if kept.num_rows < table.num_rows:  # what is derived from erased rows goes first; it is built again from the rest
        (dataset.state / MEMORY_FILE).unlink(missing_ok=True)
        shutil.rmtree(dataset.state / "signatures", ignore_errors=True)
        discard_search_index(dataset.root)
    dataset.replace_folder(
        {
            "run_id": rewrite_id,
            "kind": kind,
            "started_at": now.isoformat(),
            "finished_at": (now + timedelta(seconds=time.perf_counter() - started)).isoformat(),
            "folder": folder,
            "files": [part.path for part in new],
            "replaces": [f"{folder}/{name}" for name in old],
            "rows": kept.num_rows,
            "rows_removed": table.num_rows - kept.num_rows,
            "bytes": sum(part.size_bytes for part in new),
        }
    )
    return Change(
        folder=folder,
        files_before=len(old),
        files_after=len(new),
        rows=kept.num_rows,
        rows_removed=table.num_rows - kept.num_rows,
    )


def _write_folder(
    table: pa.Table, staging: Path, folder: str, rewrite_id: str, settings: WriteSettings
) -> list[PartFile]:
    """Stage the rows of one partition in files of about the target size, and read them back to be sure."""
    dataset = folder.split("/", 1)[0]
    (staging / folder).mkdir(parents=True, exist_ok=True)
    ordered = sort_table(table, dataset)
    parts: list[PartFile] = []
    rows_a_file = max(1, ordered.num_rows)
    start = 0
    while start < ordered.num_rows:
        piece = ordered.slice(start, rows_a_file)
        path = f"{folder}/{rewrite_id}-{len(parts):04d}.parquet"
        write_table(piece, staging / path, dataset, settings)
        size = (staging / path).stat().st_size
        target = settings.target_file_mb * 1_000_000
        if size > 1.5 * target and len(piece) > 1:
            rows_a_file = max(1, round(len(piece) * target / size))
            continue
        if not pq.read_table(staging / path, partitioning=None).equals(piece):
            raise DatasetError(f"{staging / path}: reads back other than it was written; the disk may be failing")
        parts.append(PartFile(path=path, rows=len(piece), size_bytes=size))
        start += len(piece)
    return parts


def _is_scattered(root: Path, folder: str, settings: WriteSettings) -> bool:
    sizes = [file.stat().st_size for file in part_files(root / folder)]
    small = [size for size in sizes if size < SMALL_SHARE * settings.target_file_mb * 1_000_000]
    return len(small) > 1


def _is_older(root: Path, folder: str) -> bool:
    """Whether a file lacks columns of today."""
    wanted = set(arrow_schema(folder.split("/", 1)[0]).names)
    return any(wanted - set(pq.read_schema(file).names) for file in part_files(root / folder))


def _plan(root: Path, folder: str, settings: WriteSettings) -> Change:
    files = part_files(root / folder)
    size = sum(file.stat().st_size for file in files)
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
    after = max(1, round(size / (settings.target_file_mb * 1_000_000)))
    return Change(folder=folder, files_before=len(files), files_after=after, rows=rows, rows_removed=0)
