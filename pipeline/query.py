"""SQL over a dataset by DuckDB, with the views of the contract. `view_sql` is also what the README shows."""

import csv
import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.dataset import Dataset, require_dataset
from pipeline.errors import QueryError
from pipeline.query_values import as_cell, as_json, as_text, distinct
from pipeline.stores import address_of
from pipeline.streams import Printer
from transforms.arrow_schema import arrow_schema
from transforms.schema import DATASETS

DERIVED_VIEWS = {
    "current": "SELECT * FROM articles QUALIFY row_number() OVER (PARTITION BY article_id ORDER BY version DESC) = 1",
    "lineage": (
        "WITH credits AS (SELECT cluster_id, agency AS origin_agency, count(*) AS origin_credits,"
        " bool_or(NOT is_wire_copy) AS has_own, min(first_seen_at) AS credited_at"
        " FROM current WHERE agency IS NOT NULL GROUP BY cluster_id, agency),"
        " origins AS (SELECT * FROM credits QUALIFY row_number() OVER (PARTITION BY cluster_id"
        " ORDER BY has_own DESC, origin_credits DESC, credited_at, origin_agency) = 1),"
        " printed AS (SELECT *, coalesce(agency = origin_agency, false) AS credits_it,"
        " credits_it AND NOT is_wire_copy AS is_own FROM current LEFT JOIN origins USING (cluster_id))"
        " SELECT cluster_id, article_id, url, title, publisher, publisher_domain, first_seen_at,"
        " row_number() OVER (PARTITION BY cluster_id ORDER BY is_own DESC, credits_it DESC, first_seen_at, article_id)"
        " = 1 AS is_origin, origin_agency, CASE WHEN has_own THEN 'own article' WHEN has_own = false THEN 'credit' END"
        " AS origin_evidence, origin_credits, agency,"
        " is_wire_copy OR (coalesce(has_own, false) AND NOT is_own) AS is_wire_copy,"
        " duplicate_kind, duplicate_score AS overlap FROM printed"
    ),
    "stories": (
        "SELECT cluster_id, arg_min(title, first_seen_at) AS title, arg_min(url, first_seen_at) AS original_url,"
        " arg_min(publisher, first_seen_at) AS original_publisher,"
        " any_value(origin_agency) AS origin_agency, any_value(origin_evidence) AS origin_evidence,"
        " any_value(origin_credits) AS origin_credits, min(url) FILTER (WHERE is_origin) AS origin_url,"
        " count(*) AS articles, count(*) - 1 AS copies,"
        " list(DISTINCT publisher_domain ORDER BY publisher_domain) AS publishers,"
        " min(first_seen_at) AS first_seen_at, max(first_seen_at) AS last_seen_at FROM lineage GROUP BY cluster_id"
    ),
}
READABLE_COLUMNS = 5  # characters of a column below which a table tells nothing
FORMATS = ("table", "csv", "json", "parquet")
Answer = tuple[list[str], list[tuple[Any, ...]]]


def connect(root: Path, since: str | None = None, files: Sequence[str] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in UTC with the views articles, current, lineage, stories, rejects, fetches and runs.

    With `since`, the id of a run, articles, rejects and fetches hold exactly the rows of the runs that ended after it,
    whatever compaction has done to the files. Runs still at work are left for the next time. With `files`, relative to
    `root`, they hold the rows of these alone.
    """
    require_dataset(root)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    wanted = None if since is None else _runs_after(root, since)
    for dataset in DATASETS:
        db.register(f"empty_{dataset}", arrow_schema(dataset).empty_table())
        chosen = None if files is None else [root / path for path in files if path.startswith(f"{dataset}/")]
        if chosen or (chosen is None and any((root / dataset).glob("*/[!.]*.parquet"))):
            db.execute(dataset_view_sql(root, dataset, wanted, chosen))
            _add_missing_columns(db, dataset)
        else:
            db.execute(f"CREATE VIEW {dataset} AS SELECT *, CAST(NULL AS DATE) AS seen_date FROM empty_{dataset}")  # noqa: S608 - a name of our own
    for name, sql in DERIVED_VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {sql}")
    db.execute(f"CREATE VIEW runs AS SELECT * FROM read_json_auto({_files(root, 'runs/[!.]*.json')})")  # noqa: S608 - quoted
    return db


def _add_missing_columns(db: duckdb.DuckDBPyConnection, dataset: str) -> None:
    """Columns that all files lack, being older than they, are there and null."""
    told = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?"
    there = dict(db.execute(told, [dataset]).fetchall())
    missing = [(name, kind) for name, kind in db.execute(told, [f"empty_{dataset}"]).fetchall() if name not in there]
    if missing:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in missing)
        db.execute(f"ALTER VIEW {dataset} RENAME TO older_{dataset}")
        db.execute(f"CREATE VIEW {dataset} AS SELECT *, {nulls} FROM older_{dataset}")  # noqa: S608 - names of our own


def dataset_view_sql(
    root: Path, dataset: str, run_ids: Sequence[str] | None = None, chosen_files: Sequence[Path] | None = None
) -> str:
    """The statement that makes a dataset's view in any DuckDB; with `run_ids` of the rows of these runs alone, with
    `chosen_files` of these files alone."""
    files = _files(root, f"{dataset}/*/[!.]*.parquet") if chosen_files is None else _listed(chosen_files)
    chosen = "" if run_ids is None else f" WHERE run_id IN ({', '.join(map(_literal, run_ids)) or 'NULL'})"
    if "=" in str(root):  # DuckDB would take folders above the dataset for partitions too
        return (
            f"CREATE VIEW {dataset} AS SELECT * EXCLUDE filename,"  # noqa: S608 - quoted
            " CAST(regexp_extract(filename, '.*/seen_date=([^/]*)/', 1) AS DATE) AS seen_date"
            f" FROM read_parquet({files}, hive_partitioning = false, filename = true, union_by_name = true){chosen}"
        )
    return (
        f"CREATE VIEW {dataset} AS SELECT * FROM read_parquet({files}, hive_partitioning = true,"  # noqa: S608 - quoted
        f" hive_types = {{'seen_date': DATE}}, union_by_name = true){chosen}"
    )


def _files(root: Path, pattern: str) -> str:
    """The files below `root` that match, as SQL: a pattern, unless DuckDB took the name of `root` for one too."""
    return _listed(root.glob(pattern)) if set(str(root)) & set("*?[\\") else _literal(root / pattern)


def _listed(files: Iterable[Path]) -> str:
    return f"[{', '.join(map(_literal, sorted(files)))}]"


def newest_finished_run(root: Path) -> str | None:
    """The id to give as `since` next time; None when no run has ended yet."""
    finished = [manifest["run_id"] for manifest in Dataset(root).manifests() if manifest["finished_at"]]
    return finished[-1] if finished else None


def print_query(root: Path, sql: str, form: str, *, since: str | None = None, output: Path | None = None) -> None:
    """Run `sql` and print its rows, or write them to `output`; raises `QueryError` with DuckDB's message."""
    if form not in FORMATS:
        raise QueryError(f"--format {form}: expected one of {', '.join(FORMATS)}")
    if form == "parquet" and output is None:
        raise QueryError("--format parquet: expected --output FILE beside it")
    if form == "parquet":
        copy = f"COPY ({sql.rstrip().rstrip(';')}) TO {_literal(output)} (FORMAT parquet, COMPRESSION zstd)"
        _answer(root, copy, since)
        return
    names, rows = _answer(root, sql, since)
    with output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout) as file:
        if form == "csv":
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([as_cell(value) for value in row] for row in rows)
        elif form == "json":
            keys = distinct(names)
            told = (dict(zip(keys, map(as_json, row), strict=True)) for row in rows)
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in told)
        else:
            _print_table(names, rows, Printer(file=file, highlight=False, markup=False))


def _answer(root: Path, sql: str, since: str | None, pauses_s: Sequence[float] = (0.1, 0.5, 2, 5)) -> Answer:
    """Names of the columns, and the rows. Files listed just before a compaction replaced them are listed again."""
    try:
        cursor = connect(root, since).execute(sql)
        if cursor is None:
            raise QueryError("no statement: expected SQL, such as FROM articles LIMIT 10")
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    except RuntimeError as error:
        if "interrupted" in str(error):  # by Ctrl-C, which DuckDB takes for itself
            raise KeyboardInterrupt from None
        raise
    except duckdb.Error as error:
        if not pauses_s or "No such file" not in str(error):
            raise QueryError(str(error)) from error
    time.sleep(pauses_s[0])
    return _answer(root, sql, since, pauses_s[1:])


def _runs_after(root: Path, since: str) -> list[str]:
    dataset = Dataset(root)
    ids = dataset.run_ids()
    if since not in ids:
        raise QueryError(
            f"--since {since}: no run of {address_of(root)} has this id; the last is {ids[-1] if ids else 'none yet'}"
        )
    later = (dataset.manifest(run_id) for run_id in ids if run_id > since)
    return [manifest["run_id"] for manifest in later if manifest["finished_at"]]


def _print_table(names: Sequence[str], rows: Sequence[Sequence[Any]], console: Console) -> None:
    """A table; with more columns than the terminal can show, row after row with a line a column."""
    cells = [["" if value is None else as_text(value) for value in row] for row in rows]
    if len(names) * (READABLE_COLUMNS + 3) >= console.width:
        for number, row in enumerate(cells, 1):
            console.rule(f"row {number:,}", align="left")
            grid = Table.grid(padding=(0, 2))
            grid.add_column(style="dim", width=max(map(len, names)))
            grid.add_column(no_wrap=True, overflow="ellipsis")
            for name, cell in zip(names, row, strict=True):
                grid.add_row(name, cell.replace("\n", " "))
            console.print(grid)
        console.print(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}")
        return
    table = Table(header_style="bold")
    wanted = [max([len(name), *(len(row[number]) for row in cells)]) for number, name in enumerate(names)]
    for name, width in zip(names, _shares(wanted, console.width - 1 - 3 * len(names)), strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        table.add_row(*row)
    console.print(table)
    console.print(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}")


def _shares(wanted: Sequence[int], room: int) -> list[int]:
    """Widths for columns of the `wanted` widths: narrow ones whole, the others what is left in equal shares."""
    widths = [0] * len(wanted)
    for done, number in enumerate(sorted(range(len(wanted)), key=lambda column: wanted[column])):
        widths[number] = max(1, min(wanted[number], room // (len(wanted) - done)))
        room -= widths[number]
    return widths


def _literal(value: Path | str | None) -> str:
    return "'" + str(value).replace("'", "''") + "'"
