"""A dataset: where its parts are, who may write to it, and how a batch becomes visible all at once.

The commit protocol, in the order in which a crash may interrupt it:

1. Part files are staged under `state/staging/<run_id>/`, each synced to the disk. Nobody reads there.
2. The rows in them are counted against the books of the batch (the caller does).
3. The manifest `runs/<run_id>.json` is replaced by one that lists the new files: the commit point.
4. Each staged file is renamed to its place; a reader sees whole files only.

Killed before 3, nothing has happened and the staged files are swept. Killed between 3 and 4, the next start finds files
that a manifest lists still in staging and renames them. Both under the lock, and as often as that is killed itself: a
writer's staging folder is there from before its first manifest until all it committed is visible. Rewrites of closed
days (compaction, erasure) follow the same order with a whole folder: `replace_folder`.

When the folder is the copy of an object store (`pipeline.stores`), each step is done there first (`pipeline.bucket`).
"""

import ctypes
import fcntl
import json
import os
import secrets
import shutil
import socket
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DatasetError, DatasetLockedError, NoDatasetError
from pipeline.stores import address_of, store_of
from transforms.partitions import RUN_STAMP, PartFile, part_files

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # renameat2(2)
MAX_PATH_BYTES = 420
MEMORY_FILE = "articles.sqlite3"  # under state/, of all files there the first to be built
FEEDS_FILE = "feeds.sqlite3"  # and all else there that is not derived
SIGNATURES = "signatures"


def require_dataset(root: Path) -> None:
    """Raises `NoDatasetError` unless something was committed to `root`."""
    if not (root / "runs").is_dir():
        raise NoDatasetError(
            f"{address_of(root)}: no dataset: there is no runs/ folder; run `newsbeam run CONFIG` first"
        )


class Dataset:
    """The dataset below `root`. Nothing is created before `lock`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs = root / "runs"
        self.state = root / "state"
        self.staging = self.state / "staging"
        self.store = store_of(root)

    @contextmanager
    def lock(self, writer: str, now: datetime) -> Iterator[str]:
        """Hold the dataset against other writers; gives the id of the run or rewrite to come.

        What the writer before left undone is finished first, and what an error leaves undone inside, on the way out.
        The kernel frees the lock when its holder dies, so none can be stale. Raises `DatasetLockedError` at once when
        somebody else has it, `DatasetError` when the folder is not writable.
        """
        if len(os.fsencode(self.root.absolute())) > MAX_PATH_BYTES:
            raise DatasetError(f"{self.root}: too long a path: {MAX_PATH_BYTES} bytes at most, for SQLite takes 512")
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            file = (self.state / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise DatasetError(f"{self.root}: cannot be written to: {error.strerror or error}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise DatasetLockedError(f"{self.root}: held by {file.read().strip() or 'another run'}") from error
            file.truncate(0)
            since = f"{now:%Y-%m-%d %H:%M:%S} UTC"
            file.write(f"{writer}, process {os.getpid()} on {socket.gethostname()}, since {since}\n")
            file.flush()
            with self.store.hold(writer, now):
                self._settle(now)
                if self.store.is_shared or not (self.state / MEMORY_FILE).exists():
                    self._take_stock(now)
                try:
                    yield self.next_id(now)
                except (OSError, sqlite3.Error) as error:  # a full disk, a limit on files, a damaged one
                    if isinstance(error, OSError) and error.filename:
                        raise
                    raise DatasetError(f"{self.root}: cannot be written to or read: {error}") from error
                except pa.ArrowException as error:
                    told = str(error).partition("\n")[0]
                    raise DatasetError(f"{told}; `newsbeam verify {self.root}` lists what is damaged") from error
                finally:
                    with suppress(OSError, DatasetError):  # what cannot be done now is left to the next writer
                        self._settle(now)

    def run_ids(self) -> list[str]:
        """Ids of all runs and rewrites in the order of their commits."""
        return sorted(path.stem for path in self.runs.glob("[!.]*.json"))

    def manifests(self) -> list[dict[str, Any]]:
        """All manifests, oldest first."""
        return [self.manifest(run_id) for run_id in self.run_ids()]

    def manifest(self, run_id: str) -> dict[str, Any]:
        path = self.runs / f"{run_id}.json"
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: no readable manifest: {error}") from error
        if not (isinstance(manifest, dict) and "run_id" in manifest and "files" in manifest):
            raise DatasetError(f"{path}: no manifest: it lacks run_id or files")
        return manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace the run's manifest in one step, durably."""
        self.runs.mkdir(parents=True, exist_ok=True)
        staged = self.staging / manifest["run_id"] / "manifest.json"
        staged.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        self.store.commit(manifest, staged.parent)
        staged.rename(self.runs / f"{manifest['run_id']}.json")
        _sync_folder(self.runs)

    def publish(self, run_id: str, paths: Iterable[str]) -> None:
        """Rename staged files of a committed run to their places; those already there are left."""
        paths = list(paths)
        self.store.publish(run_id, paths)
        folders = set()
        for path in paths:
            staged, place = self.staging / run_id / path, self.root / path
            if staged.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                staged.rename(place)
                folders.add(place.parent)
        for folder in {above for place in folders for above in (place, place.parent, self.root)}:
            _sync_folder(folder)  # and those that hold it, which may be new too

    def staged_parts(self, run_id: str) -> list[PartFile]:
        """What lies in the run's staging folder, rows counted from the files themselves."""
        base = self.staging / run_id
        return [
            PartFile(
                path=file.relative_to(base).as_posix(),
                rows=pq.ParquetFile(file).metadata.num_rows,
                size_bytes=file.stat().st_size,
            )
            for file in sorted(base.rglob("*.parquet"))
        ]

    def replace_folder(self, manifest: dict[str, Any]) -> None:
        """Commit a rewrite: the partition staged whole under the manifest's id takes the place of `folder`.

        The manifest is the commit point; then the folder is exchanged for its new self in one step, so that a reader
        who lists it sees the old files or the new ones, never both. Call it under the lock.
        """
        self.write_manifest(manifest)
        self._exchange_folder(manifest)
        self.sweep(manifest["run_id"])

    def _exchange_folder(self, manifest: dict[str, Any]) -> None:
        staged, place = self.staging / manifest["run_id"] / manifest["folder"], self.root / manifest["folder"]
        wanted = {Path(path).name for path in manifest["files"]}
        self.store.replace(manifest)
        if staged.is_dir() and {path.name for path in part_files(place)} != wanted:
            place.mkdir(parents=True, exist_ok=True)
            exchange(staged, place)
            _sync_folder(place.parent)

    def _settle(self, now: datetime) -> None:
        """Finish what writers that ended early had committed, close their manifests, sweep what they had not."""
        for folder in sorted(self.staging.glob("*")):
            if (self.runs / f"{folder.name}.json").exists():
                manifest = self.manifest(folder.name)
                if "folder" in manifest:
                    self._exchange_folder(manifest)
                else:
                    self.publish(folder.name, manifest["files"])
                self._close(manifest, now)
            shutil.rmtree(folder)

    def _close(self, manifest: dict[str, Any], now: datetime) -> None:
        if manifest["finished_at"] is None:  # its writer is dead or has failed: we hold the lock
            self.write_manifest(manifest | {"finished_at": now.isoformat(), "interrupted": True})

    def _take_stock(self, now: datetime) -> None:
        """Bring manifests and files together again after `state/` was deleted, perhaps with committed files in it, or
        when writers elsewhere may have ended early.

        A run no longer tells of files that were lost so; its entries are read again. A rewrite whose files were lost
        never happened: the files it was to replace are all there.
        """
        manifests = self.manifests()
        live = live_files(manifests)
        lost = {path for path in live if not (self.root / path).exists()}
        for manifest in manifests:
            gone = [path for path in manifest["files"] if path in lost]
            if gone and "folder" in manifest:
                self.store.withdraw(manifest["run_id"])
                (self.runs / f"{manifest['run_id']}.json").unlink()
                continue
            if gone:
                manifest |= {"files": [path for path in manifest["files"] if path not in lost], "lost": gone}
                self.write_manifest(manifest)
            self._close(manifest, now)

    def next_id(self, now: datetime) -> str:
        """An id that begins with its time and sorts after all others, also when the clock was set back since."""
        newest = max((path.stem for path in self.runs.glob("????????T??????Z-*.json")), default="")
        stamp = f"{now:{RUN_STAMP}}"
        if stamp <= newest[:16]:
            stamp = f"{datetime.strptime(newest[:16], RUN_STAMP) + timedelta(seconds=1):{RUN_STAMP}}"
        return f"{stamp}-{secrets.token_hex(3)}"

    def sweep(self, run_id: str) -> None:
        """Remove the run's staging folder with whatever is left in it."""
        shutil.rmtree(self.staging / run_id, ignore_errors=True)


def live_files(manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """The part files that count by `manifests`, in their order: all that were added and not replaced since."""
    told = list(manifests)
    replaced = {path for manifest in told for path in manifest.get("replaces", ())}
    return [path for manifest in told for path in manifest["files"] if path not in replaced]


def exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step where the system can (Linux), else in three renames."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 and renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return
    aside = one.with_name(f"{one.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
