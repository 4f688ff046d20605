"""What earlier runs know of an article and its host, read from a file that the run keeps in step with the committed
dataset.

The file is a SQLite database under the dataset's `state/`; `pipeline.state` alone writes it, and only from committed
rows, so it can be deleted and built again. Here it is only read: one look-up by key costs microseconds at any size.
"""

import sqlite3
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.host_pages import HostPages
from transforms.partitions import part_files
from transforms.schema import RemovedLine

FORMAT = 4  # of the file; raise it whenever a table changes
FOLDERS_AT_ONCE = 2  # whose instants of fetching are kept at hand
ROWS_AT_ONCE = 256  # decoded on the way to the one that is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The newest stored version of an article. `folder` is the partition that holds it."""

    article_id: str
    version: int
    title: str | None
    content_hash: bytes
    first_seen_at: datetime
    cluster_id: str
    duplicate_of: str | None
    duplicate_kind: str | None
    duplicate_score: float | None
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Columns of a stored version that only its row holds."""

    text: str
    source_url: str
    feed_id: str
    guid: str | None
    removed: tuple[RemovedLine, ...]


class Memory:
    """Read-only view of the articles known so far. `root` is the dataset root; a missing file is an empty memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        path = root / "state" / "articles.sqlite3"
        self._fetched = lru_cache(maxsize=FOLDERS_AT_ONCE)(_fetched)
        self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) if path.exists() else None
        if self._db and self._db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            self._db = None  # of another version of the program: the next run builds it again

    def latest(self, article_id: str) -> Known | None:
        """The newest version of `article_id`, None when it was never stored."""
        if self._db is None:
            return None
        row = self._db.execute(
            "SELECT version, title, content_hash, first_seen_us, cluster_id, duplicate_of, duplicate_kind,"
            " duplicate_score, folder FROM articles WHERE article_id = ?",
            (bytes.fromhex(article_id),),
        ).fetchone()
        if row is None:
            return None
        version, title, content_hash, first_seen_us, cluster_id, of, kind, score, folder = row
        return Known(
            article_id=article_id,
            version=version,
            title=title,
            content_hash=content_hash,
            first_seen_at=datetime.fromtimestamp(first_seen_us / 1e6, UTC),
            cluster_id=cluster_id.hex(),
            duplicate_of=of.hex() if of else None,
            duplicate_kind=kind,
            duplicate_score=score,
            folder=self.root / folder,
        )

    def stored(self, known: Known) -> Stored | None:
        """More of a stored version, read from its partition; None when it is no longer there."""
        if not known.folder.is_dir():
            return None
        row = _row_of(known, [column.name for column in fields(Stored)])
        if row is None:
            return None
        return Stored(**row | {"removed": tuple(RemovedLine(**line) for line in row["removed"] or ())})

    def text(self, known: Known) -> str:
        """The text of a stored version; "" when it is no longer there."""
        stored = self.stored(known)
        return stored.text if stored else ""

    def holds(self, known: Known, fetched_at: datetime) -> bool:
        """Whether some version of the article was made of the page that was fetched at that very instant."""
        days = {at.astimezone(UTC).date() for at in (fetched_at, known.first_seen_at)}
        return any(
            _is_among(self._fetched(folder), known.article_id, fetched_at)
            for day in days
            if (folder := self.root / "articles" / f"seen_date={day}").is_dir()
        )

    def pages(self, host: str) -> HostPages:
        """The latest pages of a host."""
        if self._db is None:
            return HostPages()
        row = self._db.execute("SELECT pages FROM hosts WHERE host = ?", (host,)).fetchone()
        return HostPages.from_bytes(row[0]) if row else HostPages()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


def _fetched(folder: Path) -> pa.Table:
    """When the pages of a partition were fetched, and whose they are."""
    columns = ["article_id", "fetched_at"]
    return pa.concat_tables(pq.read_table(path, columns=columns, partitioning=None) for path in part_files(folder))


def _is_among(fetched: pa.Table, article_id: str, fetched_at: datetime) -> bool:
    same = pc.and_(pc.equal(fetched["article_id"], article_id), pc.equal(fetched["fetched_at"], fetched_at))
    return bool(pc.any(same).as_py())


def _row_of(known: Known, columns: list[str]) -> dict[str, Any] | None:
    """Some columns of a stored version. Ids are looked through first: texts are read of one file, and up to the row."""
    for path in part_files(known.folder):
        with pq.ParquetFile(path) as file:
            ids = file.read(columns=["article_id", "version"], use_threads=False)
            wanted = pc.and_(pc.equal(ids["article_id"], known.article_id), pc.equal(ids["version"], known.version))
            left = pc.index(wanted, True).as_py()
            if left < 0:
                continue
            for rows in file.iter_batches(ROWS_AT_ONCE, columns=columns, use_threads=False):
                if left < len(rows):
                    row: dict[str, Any] = rows.slice(left, 1).to_pylist()[0]
                    return row
                left -= len(rows)
    return None
