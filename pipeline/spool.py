"""Entries waiting for their batch, on disk: a first poll of many feeds must not fill the memory.

Batches take the feeds in turn, each feed's oldest entry first. So every batch spreads over all hosts, where politeness
lets it run in parallel, and an original that was published earlier tends to come before its copies.
"""

import pickle
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from transforms.request_urls import host_of
from transforms.schema import Entry
from transforms.urls import url_key


def handed_over(number: int, file: str, shares: int) -> tuple[int, list[Entry]]:
    """The entries of one share of a file that `Spool.hand_over` wrote, under the share's number."""
    entries: list[Entry] = pickle.loads(Path(file).read_bytes())  # noqa: S301 - our own file, written by this run
    return number, shared_out(entries, shares)[number]


def shared_out(entries: Sequence[Entry], shares: int) -> list[list[Entry]]:
    """The entries in `shares` lists as equally long as can be with each host in one; the same for the same entries."""
    hosts: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        hosts[host_of(entry.url) or ""].append(entry)
    shared: list[list[Entry]] = [[] for _ in range(shares)]
    for of_host in sorted(hosts.values(), key=len, reverse=True):
        min(shared, key=len).extend(of_host)
    return shared


class Spool:
    """A temporary file of entries, each article once. Its pickles are read back by this run alone, and its workers."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.path = path
        self.size = 0
        self._db = sqlite3.connect(path)
        self._db.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE entries (turn INTEGER, feed TEXT, article TEXT PRIMARY KEY, entry BLOB);"
        )

    def add(self, entries: Sequence[Entry]) -> int:
        """Take in the entries of one feed, newest first as feeds list them; returns how many were new to the spool."""
        before = self._db.total_changes
        self._db.executemany(
            "INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?)",
            [
                (
                    turn,
                    entry.feed_id,
                    url_key(entry.url) if entry.url else f"{entry.feed_id} {entry.guid}",
                    pickle.dumps(entry),
                )
                for turn, entry in enumerate(reversed(entries))
            ],
        )
        added = self._db.total_changes - before
        self.size += added
        return added

    def batches(self, size: int) -> Iterator[list[Entry]]:
        """All entries in the order of their turns, `size` at a time."""
        rows = self._db.execute("SELECT entry FROM entries ORDER BY turn, feed, article")
        while batch := rows.fetchmany(size):
            yield [pickle.loads(entry) for (entry,) in batch]  # noqa: S301 - our own file, written by this run

    def hand_over(self, entries: Sequence[Entry], number: int) -> Path:
        """A file of `entries` for the pipeline of batch `number`, wherever it runs."""
        file = self.path.with_name(f"entries-{number:04d}.pickle")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(list(entries)))
        return file

    def close(self) -> None:
        self._db.close()
        self.path.unlink(missing_ok=True)
