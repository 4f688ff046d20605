"""A dataset on disk: where its parts are, who may write to it, and how a batch becomes visible all at once.

The commit protocol, in the order in which a crash may interrupt it:

1. Part files are staged under `state/staging/<run_id>/`, each synced to the disk. Nobody reads there.
2. The rows in them are counted against the books of the batch (the caller does).
3. The manifest `runs/<run_id>.json` is replaced by one that lists the new files: the commit point.
4. Each staged file is renamed to its place; a reader sees whole files only.

Killed before 3, nothing has happened and the staged files are swept. Killed between 3 and 4, the next start finds files
that a manifest lists still in staging and renames them: `recover`. Both under the lock.
"""

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.errors import DatasetError, DatasetLockedError
from transforms.partitions import PartFile


class Dataset:
    """The dataset below `root`. Nothing is created before `lock`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs = root / "runs"
        self.state = root / "state"
        self.staging = self.state / "staging"

    @contextmanager
    def lock(self, holder: str, now: datetime) -> Iterator[None]:
        """Hold the dataset against other writers. The kernel frees the lock when its holder dies, so none can be stale.

        Raises `DatasetLockedError` at once when somebody else has it, `DatasetError` when the folder is not writable.
        """
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
            file.write(
                f"{holder}, process {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC\n"
            )
            file.flush()
            yield

    def manifests(self) -> list[dict[str, Any]]:
        """All manifests, oldest run first (a run's id begins with its time)."""
        return [self.manifest(path.stem) for path in sorted(self.runs.glob("*.json"))]

    def manifest(self, run_id: str) -> dict[str, Any]:
        path = self.runs / f"{run_id}.json"
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: no readable manifest: {error}") from error
        return manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace the run's manifest in one step, durably."""
        self.runs.mkdir(parents=True, exist_ok=True)
        staged = self.state / f"{manifest['run_id']}.json"
        with staged.open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        staged.rename(self.runs / f"{manifest['run_id']}.json")
        _sync_folder(self.runs)

    def publish(self, run_id: str, paths: Iterable[str]) -> None:
        """Rename staged files of a committed run to their places; those already there are left."""
        folders = set()
        for path in paths:
            staged, place = self.staging / run_id / path, self.root / path
            if staged.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                staged.rename(place)
                folders.add(place.parent)
        for folder in folders:
            _sync_folder(folder)

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

    def recover(self) -> None:
        """Finish what a killed run had committed, sweep what it had not. Call it under the lock."""
        for folder in sorted(self.staging.glob("*")):
            if (self.runs / f"{folder.name}.json").exists():
                self.publish(folder.name, self.manifest(folder.name)["files"])
            shutil.rmtree(folder)

    def sweep(self, run_id: str) -> None:
        """Remove the run's staging folder with whatever is left in it."""
        shutil.rmtree(self.staging / run_id, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
