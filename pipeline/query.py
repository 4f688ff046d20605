"""SQL over a dataset by DuckDB, with the views of the contract. `view_sql` is also what the README shows."""

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.errors import QueryError
from transforms.schema import DATASETS, arrow_schema

DERIVED_VIEWS = {
    "current": "SELECT * FROM articles QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY version DESC) = 1",
    "stories": (
        "SELECT cluster_id, arg_min(title, first_seen_at) AS title, arg_min(url, first_seen_at) AS original_url,"
        " arg_min(publisher, first_seen_at) AS original_publisher, count(*) AS articles, count(*) - 1 AS copies,"
        " list(DISTINCT publisher_domain ORDER BY publisher_domain) AS publishers,"
        " min(first_seen_at) AS first_seen_at, max(first_seen_at) AS last_seen_at FROM current GROUP BY cluster_id"
    ),
}
FORMATS = ("table", "csv", "json")


def connect(root: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in UTC with the views articles, current, stories, rejects, fetches and runs."""
    if not (root / "runs").is_dir():
        raise QueryError(f"{root}: no dataset: there is no runs/ folder; run `newsbeam run CONFIG` first")
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for dataset in DATASETS:
        if any((root / dataset).glob("*/*.parquet")):
            db.execute(dataset_view_sql(root, dataset))
        else:
            db.register(f"empty_{dataset}", arrow_schema(dataset).empty_table())
            db.execute(f"CREATE VIEW {dataset} AS SELECT *, CAST(NULL AS DATE) AS seen_date FROM empty_{dataset}")  # noqa: S608 - a name of our own
    for name, sql in DERIVED_VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {sql}")
    db.execute(f"CREATE VIEW runs AS SELECT * FROM read_json_auto({_literal(root / 'runs' / '*.json')})")  # noqa: S608 - quoted
    return db


def dataset_view_sql(root: Path, dataset: str) -> str:
    """The statement that makes a dataset's view in any DuckDB."""
    files = _literal(root / dataset / "*" / "*.parquet")
    return (
        f"CREATE VIEW {dataset} AS SELECT * FROM read_parquet({files}, hive_partitioning = true,"  # noqa: S608 - quoted
        " hive_types = {'seen_date': DATE}, union_by_name = true)"
    )


def print_query(root: Path, sql: str, form: str) -> None:
    """Run `sql` and print its rows to standard output; raises `QueryError` with DuckDB's message."""
    if form not in FORMATS:
        raise QueryError(f"--format {form}: expected one of {', '.join(FORMATS)}")
    try:
        cursor = connect(root).execute(sql)
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows([_csv_cell(value) for value in row] for row in rows)
    elif form == "json":
        for row in rows:
            print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=str))
    else:
        _print_table(names, rows)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    console = Console(highlight=False, markup=False)
    table = Table(*names, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else _printable(value) for value in row))
    console.print(table)
    console.print(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}")


def _printable(value: Any) -> str:
    """Text from the web without the control characters that steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in str(value))


def _csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
