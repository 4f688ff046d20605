"""What the next run must know: articles (derived from the dataset) and feeds (validators, entries seen).

`articles.sqlite3` and `signatures/` hold nothing that is not in committed part files: `catch_up` reads the files of
every run not yet applied, in the order of the runs. Delete them and they are built again, with the same result.
`feeds.sqlite3` holds the validators and next poll of each feed, written only after what the poll brought is committed,
which entries were seen, all that feeds told of those that may be tried again, and what hosts answered for their
robots.txt within a day; without it feeds are polled in full, entries are looked at again and hosts are asked again.
"""

import itertools
import json
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Set
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from pipeline.dataset import Dataset, live_files
from transforms.host_pages import HostPages, page_of
from transforms.memory import FORMAT, Memory
from transforms.near_index import NearIndex
from transforms.partitions import read_part
from transforms.polling import FeedState, due
from transforms.robots import DAY_S, MAX_HOSTS, KnownRobots
from transforms.schema import Entry, Feed
from transforms.seen import is_news, key_of
from transforms.signatures import unpack
from transforms.urls import article_id

MEMORY_COLUMNS = [
    "article_id", "version", "url", "publisher_domain", "feed_id", "guid", "title", "first_seen_at", "fetched_at",
    "content_hash", "signature", "cluster_id", "duplicate_of", "duplicate_kind", "duplicate_score",
]  # fmt: skip
SAME_MEMORIES = ("compact", "retag")  # rewrites that leave these columns as they are
MAX_GIVEN_UP = 20_000  # entries kept for `newsbeam retry`
_ENTRY = TypeAdapter(Entry)
RETRY_LIMIT = 3  # tries of an entry over runs before it is left alone


class ArticleMemory:
    """Writes what `transforms.memory` and `NearIndex` read. Only committed rows come in here."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.path = dataset.state / "articles.sqlite3"
        self.signatures = dataset.state / "signatures"

    def catch_up(self) -> None:
        """Apply every run's files that were not applied yet; start anew when either half is missing or damaged."""
        if not (self.path.exists() and NearIndex.is_readable(self.signatures) and self._is_of_today()):
            self.path.unlink(missing_ok=True)
            shutil.rmtree(self.signatures, ignore_errors=True)
        with closing(self._connect()) as db:
            known = {run_id for (run_id,) in db.execute("SELECT run_id FROM manifests")}
            manifests = [self.dataset.manifest(run_id) for run_id in self.dataset.run_ids() if run_id not in known]
            for manifest in manifests:
                if manifest.get("kind") in SAME_MEMORIES and _all_applied(db, manifest["replaces"]):
                    _mark_applied(db, manifest["files"])  # the same in other files
            new = [path for path in live_files(manifests) if _is_articles(path) and not _all_applied(db, [path])]
            for _, files in itertools.groupby(sorted(new, key=_folder), key=_folder):
                self._apply(db, list(files))  # day after day: the order of arrival
            with db:
                db.executemany("INSERT INTO manifests VALUES (?)", [(manifest["run_id"],) for manifest in manifests])

    def apply(self, files: Iterable[str]) -> None:
        """Take in the article files of a batch just committed."""
        if articles := list(filter(_is_articles, files)):
            with closing(self._connect()) as db:
                self._apply(db, articles)

    def _connect(self) -> sqlite3.Connection:
        is_new = not self.path.exists()
        db = sqlite3.connect(self.path)
        if is_new:
            NearIndex.open(self.signatures).flush()  # both halves are there from now on
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.executescript(
            "CREATE TABLE IF NOT EXISTS articles (article_id BLOB PRIMARY KEY, version INTEGER, title TEXT,"
            " content_hash BLOB, first_seen_us INTEGER, cluster_id BLOB, duplicate_of BLOB, duplicate_kind TEXT,"
            " duplicate_score REAL, folder TEXT) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, pages BLOB) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS applied (file TEXT PRIMARY KEY) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS manifests (run_id TEXT PRIMARY KEY) WITHOUT ROWID;"
        )
        return db

    def _is_of_today(self) -> bool:
        """False for a file of another version of the program, and for one that is no database any more."""
        try:
            with closing(self._connect()) as db:
                return bool(db.execute("PRAGMA user_version").fetchone()[0] == FORMAT)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
                raise
            return False

    def _apply(self, db: sqlite3.Connection, files: list[str]) -> None:
        """Both halves pass over rows that they hold: killed between them, the same files are applied again."""
        tables = {file: read_part(self.dataset.root / file, MEMORY_COLUMNS) for file in files}
        rows = [row | {"folder": _folder(file)} for file, table in tables.items() for row in table.to_pylist()]
        rows.sort(key=lambda row: (row["article_id"], row["version"]))
        index = NearIndex.open(self.signatures)
        index.add_rows(pa.concat_tables(tables.values()).sort_by([("first_seen_at", "ascending")]))
        index.flush()
        with db:
            db.executemany(
                "INSERT INTO articles VALUES (:id, :version, :title, :content_hash, :first_seen_us, :cluster, :of,"
                " :duplicate_kind, :duplicate_score, :folder) ON CONFLICT (article_id) DO UPDATE SET"
                " version = excluded.version, title = excluded.title, content_hash = excluded.content_hash,"
                " folder = excluded.folder WHERE excluded.version > articles.version",
                map(_memory_row, rows),
            )
            _add_pages(db, rows)
            _mark_applied(db, files)


def _add_pages(db: sqlite3.Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Count first versions among the latest pages of their hosts."""
    hosts: dict[str, HostPages] = {}
    for row in rows:
        signature = unpack(row["signature"] or b"") if row["version"] == 1 else None
        if signature is None:
            continue
        host = row["publisher_domain"]
        if host not in hosts:
            known = db.execute("SELECT pages FROM hosts WHERE host = ?", (host,)).fetchone()
            hosts[host] = HostPages.from_bytes(known[0]) if known else HostPages()
        hosts[host].add(page_of(row["article_id"], _microseconds(row["first_seen_at"]), row["title"], signature))
    db.executemany("INSERT OR REPLACE INTO hosts VALUES (?, ?)", [(host, hosts[host].to_bytes()) for host in hosts])


def _all_applied(db: sqlite3.Connection, files: Iterable[str]) -> bool:
    return all(db.execute("SELECT 1 FROM applied WHERE file = ?", (file,)).fetchone() for file in files)


def _mark_applied(db: sqlite3.Connection, files: Iterable[str]) -> None:
    db.executemany("INSERT OR IGNORE INTO applied VALUES (?)", [(file,) for file in files])


def _is_articles(path: str) -> bool:
    return path.startswith("articles/")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _memory_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": bytes.fromhex(row["article_id"]),
        "cluster": bytes.fromhex(row["cluster_id"]),
        "of": bytes.fromhex(row["duplicate_of"]) if row["duplicate_of"] else None,
        "first_seen_us": round(row["first_seen_at"].timestamp() * 1e6),
        **{
            key: row[key] for key in ("version", "title", "content_hash", "duplicate_kind", "duplicate_score", "folder")
        },
    }


class FeedMemory:
    """Validators and next poll of each feed, the entries seen and those to try again, and the robots.txt of hosts."""

    def __init__(self, dataset: Dataset) -> None:
        path = dataset.state / "feeds.sqlite3"
        try:
            self._db = self._connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            path.unlink()  # no database any more: all feeds are polled in full, once
            self._db = self._connect(path)

    def _connect(self, path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path)
        db.executescript(
            "CREATE TABLE IF NOT EXISTS feeds (url TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, fingerprint BLOB, tries_left INTEGER)"
            " WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, fetched_us INTEGER, body BLOB, failure TEXT,"
            " http_status INTEGER);"
            "CREATE TABLE IF NOT EXISTS given_up (key BLOB PRIMARY KEY, seen_us INTEGER, entry TEXT) WITHOUT ROWID;"
        )
        return db

    def ready(self, feeds: Iterable[Feed], now: datetime) -> list[tuple[Feed, FeedState | None]]:
        """The feeds that are due at `now`, each with what is remembered of it."""
        known = [(feed, self._state(feed.url)) for feed in feeds]
        return [(feed, state) for feed, state in known if due(state, now, feed.interval_s)]

    def _state(self, url: str) -> FeedState | None:
        row = self._db.execute("SELECT state FROM feeds WHERE url = ?", (url,)).fetchone()
        return FeedState.from_json(json.loads(row[0])) if row else None

    def save_feeds(self, states: Iterable[tuple[str, FeedState]]) -> None:
        """Store validators and next polls, after the commit of what the polls brought."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO feeds VALUES (?, ?)",
                [(url, json.dumps(state.to_json())) for url, state in states],
            )

    def is_news(self, entry: Entry, memory: Memory) -> bool:
        """See `transforms.seen.is_news`."""
        row = self._db.execute("SELECT fingerprint, tries_left FROM seen WHERE key = ?", (key_of(entry),)).fetchone()
        return is_news(entry, row, memory)

    def save_seen(self, seen: Iterable[tuple[bytes, bytes]], retryable: Set[bytes] = frozenset()) -> None:
        """Remember entries of a committed batch, told by `transforms.seen.marks`; those whose key is in `retryable` may
        be tried again when offered; of the others nothing is kept."""
        told = list(seen)
        with self._db:
            self._db.executemany(
                "INSERT INTO seen VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET fingerprint = ?2,"
                " tries_left = CASE WHEN ?3 = 0 THEN 0 WHEN tries_left > 0 THEN tries_left - 1 ELSE ?3 END",
                [(key, fingerprint, RETRY_LIMIT - 1 if key in retryable else 0) for key, fingerprint in told],
            )
            self._db.executemany(
                "DELETE FROM given_up WHERE key = ?", [(key,) for key, _ in told if key not in retryable]
            )

    def save_retried(self, entries: Iterable[Entry], retryable: Set[bytes]) -> None:
        """Count another try; what the feed told of the entry stays as it was seen there."""
        with self._db:
            self._db.executemany(
                "UPDATE seen SET tries_left = CASE WHEN ?2 THEN max(tries_left - 1, 0) ELSE 0 END WHERE key = ?1",
                [(key_of(entry), key_of(entry) in retryable) for entry in entries],
            )

    def keep(self, entries: Iterable[Entry], retryable: Set[bytes]) -> None:
        """Keep all that the feed told of the entries whose key is in `retryable`, for `newsbeam retry`, the newest
        `MAX_GIVEN_UP` of them; of the others nothing."""
        known = {key_of(entry): entry for entry in entries}
        with self._db:
            self._db.executemany("DELETE FROM given_up WHERE key = ?", [(key,) for key in known])
            self._db.executemany(
                "INSERT INTO given_up VALUES (?, ?, ?)",
                [
                    (key, _microseconds(entry.seen_at), json.dumps(_ENTRY.dump_python(entry, mode="json")))
                    for key, entry in known.items()
                    if key in retryable
                ],
            )
            self._db.execute(
                "DELETE FROM given_up WHERE key NOT IN (SELECT key FROM given_up ORDER BY seen_us DESC LIMIT ?)",
                (MAX_GIVEN_UP,),
            )

    def kept(self, key: bytes) -> Entry | None:
        """The entry as its feed gave it, if it was kept."""
        row = self._db.execute("SELECT entry FROM given_up WHERE key = ?", (key,)).fetchone()
        return _ENTRY.validate_python(json.loads(row[0])) if row else None

    def forget(self, url_ids: Collection[str]) -> None:
        """Keep nothing that feeds told of entries at addresses with these ids; that they were seen stays known."""
        rows = self._db.execute("SELECT key, entry FROM given_up").fetchall()
        meant = [(key,) for key, entry in rows if article_id(json.loads(entry)["url"]) in url_ids]
        self._db.execute("PRAGMA secure_delete = ON")
        with self._db:
            self._db.executemany("DELETE FROM given_up WHERE key = ?", meant)

    def robots(self) -> list[KnownRobots]:
        """What hosts answered for their robots.txt, the oldest first."""
        rows = self._db.execute(
            "SELECT origin, fetched_us, body, failure, http_status FROM robots ORDER BY fetched_us"
        ).fetchall()
        return [
            KnownRobots(
                origin=origin, fetched_at=_instant(fetched_us), body=body, failure=failure, http_status=http_status
            )
            for origin, fetched_us, body, failure, http_status in rows
        ]

    def save_robots(self, known: Iterable[KnownRobots], now: datetime) -> None:
        """Remember answers; those older than a day are forgotten, and beyond `MAX_HOSTS` the oldest."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO robots VALUES (?, ?, ?, ?, ?)",
                [
                    (answer.origin, _microseconds(answer.fetched_at), answer.body, answer.failure, answer.http_status)
                    for answer in known
                ],
            )
            self._db.execute(
                "DELETE FROM robots WHERE fetched_us NOT BETWEEN ? AND ? OR origin NOT IN"
                " (SELECT origin FROM robots ORDER BY fetched_us DESC LIMIT ?)",
                (_microseconds(now - timedelta(seconds=DAY_S)), _microseconds(now), MAX_HOSTS),
            )

    def close(self) -> None:
        self._db.close()


def feed_states(dataset: Dataset) -> dict[str, FeedState]:
    """What is remembered of each feed, by its address, read without writing; nothing where that cannot be read."""
    uri = f"{(dataset.state / 'feeds.sqlite3').absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            rows = db.execute("SELECT url, state FROM feeds").fetchall()
    except sqlite3.Error:
        return {}
    return {url: FeedState.from_json(json.loads(state)) for url, state in rows}


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
