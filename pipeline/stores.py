"""Where a dataset lives: in a folder of this machine, or in an object store that a folder of this machine copies.

Whoever reads or rewrites a dataset does so in a folder. That of `s3://bucket/prefix` lies in the user's cache
(`$XDG_CACHE_HOME/newsbeam`) and is brought up to date before it is read; it can be deleted at any time.
`pipeline.dataset` calls its store at each step of the commit protocol; a folder that is the dataset has nothing to do.
"""

import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import UsageError

MARK = "store.json"  # under state/: of which store the folder is a copy
_URL = re.compile(r"(s3|gs):/+([^/]+)(?:/+(.*?))?/*")
_MISREAD = re.compile(r"~|[^/]*:")  # the beginning of a relative path that a library takes for a home or an address


class Store(Protocol):
    """What is done beside each step in the folder, before it."""

    is_shared: bool  # with writers that have folders of their own

    def hold(self, writer: str, now: datetime) -> AbstractContextManager[None]:
        """Hold the dataset against writers elsewhere, the folder up to date. Raises `DatasetLockedError`."""

    def refresh(self) -> None:
        """Bring the folder up to date for a reader."""

    def commit(self, manifest: Mapping[str, Any], staged: Path) -> None:
        """Keep what lies under `staged`, then the manifest: the commit point."""

    def publish(self, run_id: str, paths: Iterable[str]) -> None:
        """Make files of a committed run visible."""

    def replace(self, manifest: Mapping[str, Any]) -> None:
        """Make the files of a committed rewrite visible, and those it replaces disappear."""

    def withdraw(self, run_id: str) -> None:
        """Remove the manifest of a rewrite that never happened."""

    def bring_archives(self) -> None:
        """Have all archived pages in the folder."""

    def keep_archives(self, changed: Iterable[str], gone: Iterable[str]) -> None:
        """Archived pages as they are in the folder now, by the names of the files."""


class Disk:
    """The folder is the dataset."""

    is_shared = False

    def hold(self, writer: str, now: datetime) -> AbstractContextManager[None]:
        return nullcontext()

    def refresh(self) -> None:
        pass

    def commit(self, manifest: Mapping[str, Any], staged: Path) -> None:
        pass

    def publish(self, run_id: str, paths: Iterable[str]) -> None:
        pass

    def replace(self, manifest: Mapping[str, Any]) -> None:
        pass

    def withdraw(self, run_id: str) -> None:
        pass

    def bring_archives(self) -> None:
        pass

    def keep_archives(self, changed: Iterable[str], gone: Iterable[str]) -> None:
        pass


def store_of(folder: Path) -> Store:
    """The store that `folder` is a copy of."""
    mark = folder / "state" / MARK
    if not mark.exists():
        return Disk()
    from pipeline.bucket import Bucket

    told = json.loads(mark.read_text(encoding="utf-8"))
    return Bucket(told["url"], folder, told["machine"])


def address_of(folder: Path) -> str:
    """How a user calls the dataset that is read in `folder`."""
    mark = folder / "state" / MARK
    return str(json.loads(mark.read_text(encoding="utf-8"))["url"]) if mark.exists() else str(folder)


def is_url(output: str) -> bool:
    """Whether a dataset's root is no folder."""
    return "://" in output


def folder_of(output: str) -> Path:
    """The folder to read and write the dataset `output` in, which for an address is its copy in the user's cache."""
    if not is_url(output):
        path = _home() / output[2:] if output == "~" or output.startswith("~/") else Path(output)
        return path.absolute() if _MISREAD.match(str(path)) else path
    match = _URL.fullmatch(output)
    if not match or ".." in output.split("/"):
        raise UsageError(f"{output}: expected a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX")
    scheme, bucket, prefix = match.groups()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache")
    folder = cache / "newsbeam" / scheme / bucket / (prefix or "")
    mark = folder / "state" / MARK
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        url = f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
        staged = mark.with_suffix(".staged")
        staged.write_text(json.dumps({"url": url, "machine": secrets.token_hex(8)}), encoding="utf-8")
        staged.rename(mark)
    return folder


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise UsageError("this user has no home folder; set HOME") from error


def refreshed(output: str) -> Path:
    """The folder of a dataset that is to be read, up to date."""
    folder = folder_of(output)
    store_of(folder).refresh()
    return folder
