"""A dataset in an object store, and the folder that is its copy.

The steps of the commit protocol (`pipeline.dataset`) in a store that knows no rename:

1. Part files are staged in the folder and counted there, then uploaded to `state/staging/<run_id>/`.
2. The manifest goes into the next entry of the log (`pipeline.commit_log`): the commit point, and the fence.
3. The manifest becomes `runs/<run_id>.json`.
4. The store copies each staged file to its place and deletes the staged one. A rewrite then deletes what it replaces.

Killed before 2, nothing has happened. Killed later, the next writer, on whatever machine, finds the manifest in the
last entry and does 3 and 4 again. Who lists a day while it is rewritten may meet both its old and its new files;
manifests tell which count, and a folder brought up to date (`refresh`) has those alone.

The folder holds every part file that counts, all manifests, and `state/`, which is derived but for the feeds'
validators: `feeds.sqlite3` is uploaded when the dataset is given free, so that another machine goes on from there.
"""

import fcntl
import json
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.browse_index import discard as discard_search_index
from pipeline.commit_log import CommitLog
from pipeline.dataset import FEEDS_FILE, MEMORY_FILE, SIGNATURES, exchange, live_files
from pipeline.errors import DatasetError
from pipeline.objects import Objects

STAGING = "state/staging"
FEEDS = f"state/{FEEDS_FILE}"
DOWNLOADS = 8  # at a time
LOOKS = 4  # at a dataset that others change while it is copied


class Bucket:
    """The store at `url`, of which `folder` is the copy that calls itself `machine`."""

    is_shared = True

    def __init__(self, url: str, folder: Path, machine: str) -> None:
        self.url, self.folder = url, folder
        self._state = folder / "state"
        self._objects = Objects(url)
        self._log = CommitLog(self._objects, machine)

    # ------------------------------------------------------------- writers

    @contextmanager
    def hold(self, writer: str, now: datetime) -> Iterator[None]:
        """Call it under the folder's own lock."""
        unfinished = self._log.enter(writer, now)
        try:
            if unfinished:
                self._redo(unfinished)
            self._objects.delete(stat.key for stat in self._objects.list(STAGING))
            with self._refreshing():
                self._refresh()
            self._fetch_feeds()
            try:
                yield
            finally:
                with suppress(DatasetError, OSError, sqlite3.Error):  # the next writer polls in full
                    self._keep_feeds()
        finally:
            self._log.leave()

    def commit(self, manifest: Mapping[str, Any], staged: Path) -> None:
        run_id = manifest["run_id"]
        for path in manifest["files"]:
            if (staged / path).is_file():
                self._objects.put(f"{STAGING}/{run_id}/{path}", staged / path)
        self._keep_archives(run_id)
        self._log.append(manifest)
        self._write_manifest(manifest)

    def publish(self, run_id: str, paths: Iterable[str]) -> None:
        staged = self._staged(run_id)
        for path in paths:
            if path in staged:
                self._objects.move(f"{STAGING}/{run_id}/{path}", path)

    def replace(self, manifest: Mapping[str, Any]) -> None:
        self.publish(manifest["run_id"], manifest["files"])
        self._objects.delete(manifest["replaces"])

    def withdraw(self, run_id: str) -> None:
        self._log.append(None)
        self._objects.delete([f"runs/{run_id}.json"])

    def _redo(self, manifest: Mapping[str, Any]) -> None:
        """What follows a commit, as far as it was not done."""
        self._write_manifest(manifest)
        if "folder" in manifest:
            self.replace(manifest)
        else:
            self.publish(manifest["run_id"], manifest["files"])

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        self._objects.put(
            f"runs/{manifest['run_id']}.json", json.dumps(manifest, indent=1, ensure_ascii=False).encode("utf-8")
        )

    def _staged(self, run_id: str) -> set[str]:
        prefix = f"{STAGING}/{run_id}/"
        return {stat.key.removeprefix(prefix) for stat in self._objects.list(prefix)}

    def _keep_archives(self, run_id: str) -> None:
        """Archived pages of the batch; they stay in the folder too."""
        kept = self._state / "archived"
        for file in sorted((self.folder / "archive").glob(f"{run_id}*")):
            if not (kept / file.name).exists():
                self._objects.put(f"archive/{file.name}", file)
                kept.mkdir(exist_ok=True)
                (kept / file.name).touch()

    def bring_archives(self) -> None:
        for stat in list(self._objects.list("archive/")):
            place = self.folder / stat.key
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                self._objects.download(stat.key, place)

    def keep_archives(self, changed: Iterable[str], gone: Iterable[str]) -> None:
        for name in changed:
            self._objects.put(f"archive/{name}", self.folder / "archive" / name)
        self._objects.delete([f"archive/{name}" for name in gone])

    # ------------------------------------------------------------- feeds

    def _fetch_feeds(self) -> None:
        """The validators that the writer before left, unless it was this folder's."""
        there = next((stat for stat in self._objects.list("state") if stat.key == FEEDS), None)
        if there and there.tag != self._note("feeds"):
            self._objects.download(FEEDS, self._state / FEEDS_FILE)
            self._write_note("feeds", there.tag)

    def _keep_feeds(self) -> None:
        if not (self._state / FEEDS_FILE).exists() or not self._log.is_ours():
            return
        copy = self._state / f"{FEEDS_FILE}.copy"
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._state / FEEDS_FILE)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        self._write_note("feeds", self._objects.put(FEEDS, copy))
        copy.unlink()

    # ------------------------------------------------------------- readers

    def refresh(self) -> None:
        """A writer that works in the folder keeps it up to date by itself."""
        with self._refreshing():
            if not self._has_writer():
                self._refresh()

    @contextmanager
    def _refreshing(self) -> Iterator[None]:
        """One at a time."""
        with (self._state / "refresh.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _has_writer(self) -> bool:
        with (self._state / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _refresh(self) -> None:
        """Copy what is new. A file that a manifest tells of and that is not there was replaced since, is not visible
        yet, or is lost. A rewrite that is not visible yet has not happened for a reader: what it replaces is there.
        """
        hidden: set[str] = set()
        for _ in range(LOOKS):
            manifests = self._copy_manifests(hidden)
            missing = self._copy_parts(live_files(manifests))
            if not missing:
                return
            torn = {told["run_id"] for told in manifests if "folder" in told and missing & set(told["files"])}
            hidden = set() if hidden else torn

    def _copy_manifests(self, hidden: Set[str]) -> list[dict[str, Any]]:
        runs = self.folder / "runs"
        tags = json.loads(self._note("manifests") or "{}")
        listed = {stat.key.removeprefix("runs/"): stat.tag for stat in self._objects.list("runs")}
        for run_id in hidden:
            del listed[f"{run_id}.json"]
        if listed:
            runs.mkdir(exist_ok=True)
        changed = [name for name, tag in listed.items() if tags.get(name) != tag or not (runs / name).exists()]
        with ThreadPoolExecutor(DOWNLOADS) as threads:
            list(threads.map(lambda name: self._objects.download(f"runs/{name}", runs / name), changed))
        for file in runs.glob("*.json"):
            if file.name not in listed:
                file.unlink()
        manifests = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(runs.glob("*.json"))]
        if any(f"{told['run_id']}.json" in changed and told.get("rows_removed") for told in manifests):
            (self._state / MEMORY_FILE).unlink(missing_ok=True)  # what is derived from erased rows goes with them
            shutil.rmtree(self._state / SIGNATURES, ignore_errors=True)
            discard_search_index(self.folder)
        self._write_note("manifests", json.dumps(listed))
        return manifests

    def _copy_parts(self, live: Iterable[str]) -> set[str]:
        """Make the folder hold the files of `live` and no others; those that could not be had."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for path in live:
            folder, _, name = path.rpartition("/")
            wanted[folder].add(name)
        for file in self.folder.glob("*/seen_date=*/*.parquet"):
            wanted.setdefault(file.parent.relative_to(self.folder).as_posix(), set())
        return {path for folder, names in sorted(wanted.items()) for path in self._copy_folder(folder, names)}

    def _copy_folder(self, folder: str, wanted: set[str]) -> list[str]:
        """The folder's files change in one step; nothing is taken out of it while something is missing."""
        place, incoming = self.folder / folder, self._state / "incoming" / folder
        there = {file.name for file in place.glob("*.parquet")}
        if there == wanted:
            return []
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        place.mkdir(parents=True, exist_ok=True)
        new = sorted(wanted - there)
        with ThreadPoolExecutor(DOWNLOADS) as threads:
            had = list(threads.map(lambda name: self._objects.download(f"{folder}/{name}", incoming / name), new))
        if all(had) and there - wanted:
            for name in there & wanted:
                os.link(place / name, incoming / name)
            exchange(incoming, place)
        elif not there - wanted:
            for file in incoming.glob("*.parquet"):
                file.rename(place / file.name)
        shutil.rmtree(incoming)
        return [f"{folder}/{name}" for name, was_had in zip(new, had, strict=True) if not was_had]

    # ------------------------------------------------------------- notes

    def _note(self, name: str) -> str | None:
        """What the folder remembers of the store."""
        try:
            return (self._state / f"{name}.tag").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _write_note(self, name: str, text: str) -> None:
        staged = self._state / f"{name}.tag.staged"
        staged.write_text(text, encoding="utf-8")
        staged.rename(self._state / f"{name}.tag")
