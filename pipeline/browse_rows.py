"""Rows of articles as the search index of `newsbeam browse` keeps them: its tables, and how a row gets into them."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipeline.browse_words import folded, for_index

FORMAT = 2  # of the file; raise it whenever a table or a rule of `browse_words` changes
COLUMNS = [
    "article_id", "version", "title", "description", "text", "publisher", "publisher_domain", "language", "word_count",
    "primary_country", "countries", "topics", "people", "organizations", "published_at", "first_seen_at", "cluster_id",
    "duplicate_of", "change_kind", "tags_version",
]  # fmt: skip
TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, path TEXT UNIQUE, rows INTEGER, taken INTEGER);
CREATE TABLE IF NOT EXISTS articles (id INTEGER PRIMARY KEY, article_id TEXT, version INTEGER, is_newest INTEGER,
  file INTEGER, title TEXT, publisher TEXT, publisher_domain TEXT, language TEXT, country TEXT, word_count INTEGER,
  day TEXT, at INTEGER, is_day_given INTEGER, cluster_id TEXT, duplicate_of TEXT, change_kind TEXT, tags_version TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS articles_by_key ON articles (article_id, version);
CREATE INDEX IF NOT EXISTS articles_by_time ON articles (at);
CREATE INDEX IF NOT EXISTS articles_by_cluster ON articles (cluster_id);
CREATE INDEX IF NOT EXISTS articles_by_file ON articles (file);
CREATE TABLE IF NOT EXISTS tags (kind TEXT, value TEXT, label TEXT, article INTEGER,
  PRIMARY KEY (kind, value, article)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facets (kind TEXT, value TEXT, label TEXT, articles INTEGER);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, description, text, content='', detail='full',
  tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");
PRAGMA user_version = {FORMAT};
COMMIT;
"""
COUNT_FACETS = """
BEGIN IMMEDIATE;
DELETE FROM facets;
INSERT INTO facets SELECT kind, value, max(label), count(*) FROM tags JOIN articles ON articles.id = article
  WHERE is_newest GROUP BY kind, value;
INSERT INTO facets SELECT 'publisher', publisher, NULL, count(*) FROM articles
  WHERE is_newest GROUP BY publisher;
INSERT INTO facets SELECT 'country', country, NULL, count(*) FROM articles
  WHERE is_newest AND country IS NOT NULL GROUP BY country;
INSERT INTO facets SELECT 'language', language, NULL, count(*) FROM articles
  WHERE is_newest AND language IS NOT NULL GROUP BY language;
COMMIT;
"""


class RowsChangedError(Exception):
    """Stored rows are gone or other than they were: the index must start anew."""


def take_row(db: sqlite3.Connection, row: dict[str, Any], file: int, gone: set[str]) -> None:
    """Put a row of part file `file` in, or move it there from one of the files `gone`. Raises `RowsChangedError` for a
    row whose tags are other than they were."""
    known = db.execute(
        "SELECT articles.id, path, tags_version FROM articles LEFT JOIN files ON files.id = file"
        " WHERE article_id = ? AND version = ?",
        (row["article_id"], row["version"]),
    ).fetchone()
    if known:
        number, path, tags_version = known
        if path in gone:
            if tags_version != row["tags_version"]:
                raise RowsChangedError(path)
            db.execute("UPDATE articles SET file = ? WHERE id = ?", (file, number))
        return
    at: datetime = row["published_at"] or row["first_seen_at"]
    (others,) = db.execute(
        "SELECT count(*) FROM articles WHERE article_id = ? AND version > ?", (row["article_id"], row["version"])
    ).fetchone()
    if not others and row["version"] > 1:
        db.execute("UPDATE articles SET is_newest = 0 WHERE article_id = ?", (row["article_id"],))
    cursor = db.execute(
        "INSERT INTO articles (article_id, version, is_newest, file, title, publisher, publisher_domain, language,"
        " country, word_count, day, at, is_day_given, cluster_id, duplicate_of, change_kind, tags_version)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row["article_id"],
            row["version"],
            not others,
            file,
            row["title"],
            row["publisher"] or row["publisher_domain"],
            row["publisher_domain"],
            row["language"],
            row["primary_country"],
            row["word_count"],
            f"{at.astimezone(UTC):%Y-%m-%d}",
            int(at.timestamp()),
            row["published_at"] is not None,
            row["cluster_id"],
            row["duplicate_of"],
            row["change_kind"],
            row["tags_version"],
        ),
    )
    number = cursor.lastrowid
    db.execute(
        "INSERT INTO words (rowid, title, description, text) VALUES (?, ?, ?, ?)",
        (number, for_index(row["title"]), for_index(row["description"]), for_index(row["text"])),
    )
    db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?)", ((*tag, number) for tag in _tags(row)))


def _tags(row: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Kind, value and, where it reads otherwise, label."""
    for country in row["countries"] or ():
        yield "mention", country["code"], None
    for topic in row["topics"] or ():
        yield "topic", topic["id"], topic["name"]
    for kind, names in (("person", row["people"]), ("organization", row["organizations"])):
        for name in names or ():
            yield kind, folded(name["name"]), name["name"]
