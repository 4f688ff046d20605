"""The search index of `newsbeam browse`: an SQLite file that holds nothing but what committed part files hold.

`state/search.sqlite3` knows the words of every stored version (FTS5, without the texts), what lists and filters show of
it, and the part file it stands in. It is brought up to date newest day first, some rows a transaction: what is in can
be searched while the rest is read, several browsers can share the file, and what one that is killed has not done the
next one does. Rows that moved (compaction) keep their words; rows that changed or are gone (`retag`, `forget`) make it
start anew, so that nothing of an erased article stays behind. Deleted or damaged, it is built again. Where `state/`
cannot be written to, the index lies in a temporary folder and ends with the program.

Memory: a batch of rows at a time. Disk: about as much as the texts in the part files take.
"""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.browse_rows import COLUMNS, COUNT_FACETS, FORMAT, TABLES, RowsChangedError, take_row
from pipeline.dataset import Dataset, live_files
from pipeline.errors import DatasetError

INDEX_FILE = "search.sqlite3"  # under state/
BATCH_ROWS = 1_000  # a transaction
BUSY_S = 60  # for another browser's transaction
FACETS_EVERY_S = 20.0  # while a large dataset is read, or later:
FACETS_SHARE = 0.05  # of the time, at most, goes into counting them
CACHE_KIB = 64_000  # of SQLite; words and keys come in no order
FACETS = {"person": 300, "organization": 300, "topic": 2_000, "publisher": 5_000, "country": 300, "language": 300}


def discard(root: Path) -> None:
    """Remove the index of the dataset; browsers at work notice and build another. The log goes first: a new file must
    never meet an old one."""
    for suffix in ("-wal", "-shm", ""):
        (root / "state" / f"{INDEX_FILE}{suffix}").unlink(missing_ok=True)


class SearchIndex:
    """The index of the dataset below `root`. `rows_in` of `rows` are in; `refresh` takes in the others."""

    def __init__(self, root: Path) -> None:
        self.dataset = Dataset(root)
        self.rows_in = self.rows = 0
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        folder = self.dataset.state
        try:
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            self._temporary = tempfile.TemporaryDirectory(prefix="newsbeam-")
            folder = Path(self._temporary.name)
        self.path = folder / INDEX_FILE
        self._prepare()

    @property
    def is_kept(self) -> bool:
        """Whether the next `browse` finds the index that this one builds."""
        return self._temporary is None

    def close(self) -> None:
        if self._temporary:
            self._temporary.cleanup()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads, with columns by name."""
        with closing(sqlite3.connect(f"file:{_quoted(self.path)}?mode=ro", uri=True, timeout=30)) as db:
            db.row_factory = sqlite3.Row
            yield db

    def mend(self) -> None:
        """Start anew when the file is damaged."""
        try:
            with self.reading() as db:
                is_sound = db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            is_sound = False
        if not is_sound:
            self._start_anew()

    def refresh(self, stop: threading.Event) -> None:
        """Take in every row of committed part files that is not in yet. Returns early once `stop` is set. Raises
        `DatasetError` for what cannot be read."""
        try:
            try:
                self._refresh(stop)
            except (RowsChangedError, sqlite3.DatabaseError) as error:
                if isinstance(error, sqlite3.OperationalError):  # a full disk, a lock: nothing that is gone by itself
                    raise
                self._start_anew()
                self._refresh(stop)
        except sqlite3.Error as error:
            raise DatasetError(f"{self.path}: the search index cannot be written: {error}") from error

    def _refresh(self, stop: threading.Event) -> None:
        self._prepare()
        live = [path for path in live_files(self.dataset.manifests()) if path.startswith("articles/")]
        there = {path: self.dataset.root / path for path in sorted(live, key=_newest_day_first)}
        there = {path: file for path, file in there.items() if file.exists()}  # others come with a rename in a moment
        with closing(self._writing()) as db:
            known = {path: (rows, taken) for path, rows, taken in db.execute("SELECT path, rows, taken FROM files")}
            gone = set(known) - set(live)
            rows, broken = _rows_of(there, known)
            self.rows = sum(rows.values())
            self._count(db)
            wanted = [path for path in rows if path not in known or known[path][1] < rows[path]]
            counted_at, pause_s = time.monotonic(), FACETS_EVERY_S
            for path in wanted:
                try:
                    self._take(db, path, rows[path], gone, stop)
                except DatasetError as error:
                    broken.append(error)
                if stop.is_set():
                    return
                if (start := time.monotonic()) - counted_at > pause_s:
                    db.executescript(COUNT_FACETS)
                    counted_at = time.monotonic()
                    pause_s = max(FACETS_EVERY_S, (counted_at - start) / FACETS_SHARE)
            if gone:
                self._drop(db, gone)
            if gone or wanted:
                db.executescript(COUNT_FACETS)
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._count(db)
        if broken:
            raise broken[0]

    def _take(self, db: sqlite3.Connection, path: str, rows: int, gone: set[str], stop: threading.Event) -> None:
        """Take in what is not in yet of one part file, until `stop` is set."""
        db.execute("INSERT OR IGNORE INTO files (path, rows, taken) VALUES (?, ?, 0)", (path, rows))
        start = 0
        try:
            batches = pq.ParquetFile(self.dataset.root / path).iter_batches(batch_size=BATCH_ROWS, columns=COLUMNS)
            for batch in batches:
                if stop.is_set():
                    return
                end = start + batch.num_rows
                with _transaction(db):
                    file, taken = db.execute("SELECT id, taken FROM files WHERE path = ?", (path,)).fetchone()
                    if start <= taken < end:  # else another browser has taken them in
                        for row in batch.slice(taken - start).to_pylist():
                            take_row(db, row, file, gone)
                        db.execute("UPDATE files SET taken = ? WHERE id = ?", (end, file))
                self._count(db)
                start = end
        except (OSError, pa.ArrowException, KeyError) as error:
            raise DatasetError(f"{self.dataset.root / path}: cannot be read: {error}") from error

    def _count(self, db: sqlite3.Connection) -> None:
        (self.rows_in,) = db.execute("SELECT coalesce(sum(taken), 0) FROM files").fetchone()

    def _drop(self, db: sqlite3.Connection, gone: set[str]) -> None:
        """Forget part files that were replaced; whatever of their rows has not moved elsewhere was erased."""
        with _transaction(db):
            for path in gone:
                (left,) = db.execute(
                    "SELECT count(*) FROM articles JOIN files ON files.id = file WHERE path = ?", (path,)
                ).fetchone()
                if left:
                    raise RowsChangedError(path)
                db.execute("DELETE FROM files WHERE path = ?", (path,))

    def _prepare(self) -> None:
        """See that there is a file of today's format to read."""
        try:
            with closing(self._writing()) as db:
                found = db.execute("PRAGMA user_version").fetchone()[0]
                if not found:
                    db.execute("PRAGMA journal_mode = WAL")
                    db.executescript(TABLES)
                if found in (0, FORMAT):
                    return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise DatasetError(f"{self.path}: the search index cannot be used: {error}") from error
        self._start_anew()

    def _start_anew(self) -> None:
        for suffix in ("-wal", "-shm", ""):
            self.path.with_name(f"{INDEX_FILE}{suffix}").unlink(missing_ok=True)
        self._prepare()

    def _writing(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and no other writer meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _rows_of(files: dict[str, Path], known: dict[str, tuple[int, int]]) -> tuple[dict[str, int], list[DatasetError]]:
    """Rows of each part file, and what is wrong with those that cannot be read."""
    rows: dict[str, int] = {}
    broken = []
    for path, file in files.items():
        try:
            rows[path] = known[path][0] if path in known else pq.read_metadata(file).num_rows
        except (OSError, pa.ArrowException) as error:
            broken.append(DatasetError(f"{file}: cannot be read: {error}"))
    return rows, broken


def _newest_day_first(path: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in path.split("/")[1])


def _quoted(path: Path) -> str:
    """A path as part of an SQLite address."""
    return quote(str(path.resolve()))
