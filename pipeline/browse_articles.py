"""Stored rows for `newsbeam browse`: single articles out of part files of any size, in bounded memory.

DuckDB reads only the pages of a part file that hold the rows asked for: measured on a file of 40,000 rows and 98 MB,
0.09 s for a whole row and 0.02 s for a text.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from pipeline.browse_search import Hit

Key = tuple[str, int]  # article_id and version


class StoredArticles:
    """Rows of the dataset below `root`. May be asked by several threads. Raises `duckdb.Error` for a part file that is
    no longer there: it was replaced after the index was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'; SET memory_limit = '512MB'; SET threads = 2")

    def close(self) -> None:
        self._db.close()

    def texts(self, hits: Iterable[Hit]) -> dict[Key, tuple[str, str | None]]:
        """Text and description of each hit."""
        rows = self._rows("article_id, version, text, description", hits)
        return {(row["article_id"], row["version"]): (row["text"], row["description"]) for row in rows}

    def article(self, hit: Hit) -> dict[str, Any] | None:
        """All columns of one row."""
        return next(iter(self._rows("*", [hit])), None)

    def _rows(self, columns: str, hits: Iterable[Hit]) -> list[dict[str, Any]]:
        asked = list(hits)
        files = sorted({str(self.root / hit.file) for hit in asked if hit.file})
        if not files:
            return []
        cursor = self._db.cursor()
        found = cursor.execute(
            f"SELECT {columns} FROM read_parquet(?, hive_partitioning = false)"  # noqa: S608 - own words
            " WHERE article_id IN (SELECT unnest(?))",
            [files, [hit.article_id for hit in asked]],
        )
        names = [column[0] for column in found.description or ()]
        wanted = {(hit.article_id, hit.version) for hit in asked}
        rows = (dict(zip(names, row, strict=True)) for row in found.fetchall())
        return [row for row in rows if (row["article_id"], row["version"]) in wanted]
