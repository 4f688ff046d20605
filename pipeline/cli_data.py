"""The commands on a stored dataset: ask it, check it, rewrite it."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_shared import EXIT_FAILED, DatasetRoot, errors, load
from pipeline.errors import UsageError

app = typer.Typer()


@app.command()
def schema(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    diff: Annotated[
        Path | None,
        typer.Option(
            "--diff", metavar="OLD", help="Compare with an earlier --json; exit code 1 when readers of it break."
        ),
    ] = None,
) -> None:
    """Print the data dictionary, generated from the schema."""
    with errors():
        from pipeline.dictionary import as_markdown, as_tables, compare, read_tables

        if diff is None:
            print(json.dumps(as_tables(), indent=1, ensure_ascii=False) if as_json else as_markdown())
            return
        added, broken = compare(read_tables(diff), as_tables())
        for sentence in [*broken, *added]:
            print(sentence)
        if broken:
            raise typer.Exit(EXIT_FAILED)


@app.command()
def query(
    dataset: DatasetRoot,
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL", help="DuckDB SQL over articles, current, stories, lineage, rejects, fetches, runs."
        ),
    ],
    form: Annotated[str, typer.Option("--format", help="table, csv, json (lines), parquet.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows there.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="RUN_ID", help="Only rows of runs that ended after this one."),
    ] = None,
) -> None:
    """SQL over a dataset."""
    with errors():
        from pipeline.query import newest_finished_run, print_query

        print_query(dataset, sql, form, since=since, output=output)
        if since is not None:
            print(f"next time: --since {newest_finished_run(dataset)}", file=sys.stderr)


@app.command()
def browse(
    dataset: DatasetRoot,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1; 0 = a free one.")] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, open no browser.")] = False,
) -> None:
    """A local web page to search and read the articles; reads only, Ctrl-C ends it."""
    with errors():
        from pipeline.browse import browse as serve
        from pipeline.interrupts import exit_code

        serve(dataset, port, open_page=not no_open, announce=lambda line: print(line, flush=True))
        raise typer.Exit(exit_code() or 0)


@app.command()
def report(
    dataset: DatasetRoot,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where the page goes.")],
) -> None:
    """One HTML page of what a dataset holds and how its pipeline is, with filters; it loads nothing."""
    with errors():
        from pipeline.report_page import write_report

        size_bytes = write_report(dataset, output)
        print(f"{output}: {size_bytes / 1e6:.1f} MB")


@app.command()
def verify(dataset: DatasetRoot) -> None:
    """Check every file, the books of every run, keys, references and schema; exit code 1 when one is broken."""
    with errors():
        from pipeline.stores import address_of
        from pipeline.verify import verify as broken_promises

        found = list(broken_promises(dataset))
        for sentence in found:
            print(sentence)
        if found:
            raise typer.Exit(EXIT_FAILED)
        print(f"{address_of(dataset)}: sound")


@app.command()
def compact(
    dataset: DatasetRoot,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, change nothing.")] = False,
    target_file_mb: Annotated[int, typer.Option("--target-file-mb", min=1, help="Size of file aimed for.")] = 128,
) -> None:
    """Merge the small files of closed days; rows are unchanged. Safe beside readers; a run in progress wins (75)."""
    with errors():
        from pipeline.rewrite import compact as compact_days
        from transforms.settings import WriteSettings

        settings = WriteSettings(target_file_mb=target_file_mb)
        changes = compact_days(dataset, settings, datetime.now(UTC), dry_run=dry_run)
        for change in changes:
            print(f"{change.folder}: {change.files_before} files -> {change.files_after}, {change.rows:,} rows")
        print(f"{len(changes)} partitions {'would be' if dry_run else ''} compacted".replace("  ", " "))


@app.command()
def retag(
    dataset: DatasetRoot,
    config: Annotated[Path | None, typer.Option("--config", metavar="CONFIG", help="Take its tag section.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that tag; 0 = one a core.")] = 0,
) -> None:
    """Give stored articles the tags of today's lexicons, day by day; other columns stay."""
    with errors():
        from pipeline.retag import retag as retag_days
        from transforms.settings import Settings

        settings = load(config, None, None, None, None).settings if config else Settings()
        changes = retag_days(dataset, settings.tag, settings.write, datetime.now(UTC), workers=workers)
        print(f"{sum(change.rows for change in changes):,} rows in {len(changes)} partitions tagged anew")


@app.command("fit-topics")
def fit_topics(
    dataset: DatasetRoot,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Where the model goes (.npz).")],
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="CSV", help="Your own labels: article_id,topic.")
    ] = None,
) -> None:
    """Train a topic model on your own archive, for tag.topic_model."""
    with errors():
        from pipeline.fit_topics import fit_topics as fit

        model = fit(dataset, output, labels)
        print(f"{output}: {len(model.topics)} topics")


@app.command()
def forget(
    dataset: DatasetRoot,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="Erase the article at this address.")] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", min=1, metavar="DAYS", help="Erase days that ended longer ago.")
    ] = None,
) -> None:
    """Erase an article, or all days older than N: the rows are gone for good, and a manifest says how many."""
    with errors():
        from pipeline.rewrite import forget_older, forget_url
        from transforms.settings import WriteSettings

        now = datetime.now(UTC)
        if (url is None) == (older_than is None):
            raise UsageError("forget: expected either an address or --older-than DAYS")
        if older_than is not None:
            changes = forget_older(dataset, older_than, WriteSettings(), now)
        else:
            changes = forget_url(dataset, url or "", WriteSettings(), now)
        print(f"{sum(change.rows_removed for change in changes):,} rows erased from {len(changes)} partitions")
