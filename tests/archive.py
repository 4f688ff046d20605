"""What runs have stored, kept in lists, and the index that their rows give."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from transforms.arrow_schema import arrow_schema, to_row
from transforms.assignment import Outcome
from transforms.host_pages import HostPages, page_of
from transforms.memory import Known, Memory, Stored
from transforms.near_index import NearIndex
from transforms.postings import microseconds
from transforms.schema import Article
from transforms.signatures import unpack


class Archive(Memory):
    """`folder` holds the index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, Article] = {}
        self.fetched: set[tuple[str, datetime]] = set()
        self.hosts: dict[str, bytes] = {}
        self.runs = 0

    def latest(self, article_id: str) -> Known | None:
        row = self.rows.get(article_id)
        shared = [name.name for name in dataclasses.fields(Known) if name.name != "folder"]
        return row and Known(folder=Path(), **{name: getattr(row, name) for name in shared})

    def stored(self, known: Known) -> Stored:
        row = self.rows[known.article_id]
        return Stored(**{name.name: getattr(row, name.name) for name in dataclasses.fields(Stored)})

    def holds(self, known: Known, fetched_at: datetime) -> bool:
        return (known.article_id, fetched_at) in self.fetched

    def pages(self, host: str) -> HostPages:
        return HostPages.from_bytes(self.hosts.get(host, b""))

    def index(self) -> NearIndex:
        return NearIndex.open(self.folder)

    def store(self, outcomes: Sequence[Outcome]) -> None:
        """Commit a run: the index takes in its rows, in any order, as the run's state does."""
        stored = [outcome for outcome in outcomes if isinstance(outcome, Article)]
        self.rows |= {row.article_id: row for row in stored}
        self.fetched |= {(row.article_id, row.fetched_at) for row in stored}
        self.runs += 1
        table = pa.Table.from_pylist([to_row(row) for row in stored], schema=arrow_schema("articles"))
        index = self.index()
        index.add_rows(table.take(np.random.default_rng(self.runs).permutation(len(stored))))
        index.flush()
        for row in stored:
            signature = unpack(row.signature)
            if row.version == 1 and signature:
                pages = self.pages(row.publisher_domain)
                pages.add(page_of(row.article_id, microseconds(row.first_seen_at), row.title, signature))
                self.hosts[row.publisher_domain] = pages.to_bytes()
