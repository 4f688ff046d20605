"""The command line: reads arguments, calls one function, turns its outcome into an exit code.

Exit codes: 0 committed, 1 failed, 2 bad usage or config, 3 alarm with --strict, 75 another run holds the dataset,
130/143 stopped by a signal after a clean commit. Beam is imported by the commands that run a pipeline, never here.
"""

import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipeline.errors import NewsbeamError, UsageError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.progress import Display
    from pipeline.report import Report
    from pipeline.run import Options, Progress

EXIT_FAILED, EXIT_ALARM = 1, 3

app = typer.Typer(
    name="newsbeam",
    help="News feeds to partitioned Parquet: fetch, clean, deduplicate, tag, write, on Apache Beam.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The config file (TOML); configs/newsbeam.toml lists every key.")
]
DatasetRoot = Annotated[Path, typer.Argument(metavar="DATASET", help="The dataset root.")]
Output = Annotated[
    str | None, typer.Option("--output", metavar="DIR", help="Dataset root; overrides the config's output.")
]
FeedFiles = Annotated[
    list[Path] | None,
    typer.Option("--feeds", metavar="FILE", help="More feeds: one address a line, or OPML. Repeatable."),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one config key. Repeatable.")
]
RunnerName = Annotated[str, typer.Option("--runner", help="Where the pipeline runs.")]
WorkerCount = Annotated[int | None, typer.Option("--workers", min=0, help="Extraction processes; 0 = one a core.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the run report as one JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 when an alarm of the config fired.")]
BeamArguments = Annotated[
    list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Handed to Beam as they are.")
]


@app.command()
def run(
    config: ConfigFile,
    beam: BeamArguments = None,
    output: Output = None,
    feeds: FeedFiles = None,
    runner: RunnerName = "direct",
    workers: WorkerCount = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    strict: Strict = False,
) -> None:
    """One bounded run: poll the feeds that are due, store what is new, commit, report."""
    with _errors():
        settings = _load(config, output, feeds, assignments, workers)
        _run(settings, _options(settings, runner, beam), as_json=as_json, quiet=quiet, strict=strict)


@app.command()
def stream(
    config: ConfigFile,
    beam: BeamArguments = None,
    every: Annotated[str, typer.Option("--every", help="Longest pause between runs, as in 30s, 10m, 2h.")] = "10m",
    output: Output = None,
    feeds: FeedFiles = None,
    runner: RunnerName = "direct",
    workers: WorkerCount = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run after run in one process, until SIGTERM or Ctrl-C; each run's report is one line with --json."""
    with _errors():
        from pipeline.interrupts import stop_on_signals
        from pipeline.stream import parse_duration, stream_runs

        settings = _load(config, output, feeds, assignments, workers)
        options, pause_s = _options(settings, runner, beam), parse_duration(every)
        with stop_on_signals(), _progress(settings, quiet=quiet) as progress:
            for report in stream_runs(settings, options, pause_s, progress):
                if as_json:
                    print(json.dumps(report.to_json(), ensure_ascii=False), flush=True)
        _exit_stopped()


@app.command()
def replay(
    config: ConfigFile,
    files: Annotated[
        list[str], typer.Argument(metavar="WARC... [-- BEAM OPTIONS]", help="WARC files (.warc.gz): own or others'.")
    ],
    output: Output = None,
    feeds: FeedFiles = None,
    runner: RunnerName = "direct",
    workers: WorkerCount = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    strict: Strict = False,
) -> None:
    """The pipeline over archived pages, no network; rows fall on the day of the capture."""
    with _errors():
        beam = next((number for number, name in enumerate(files) if name.startswith("-")), len(files))
        settings = _load(config, output, feeds, assignments, workers)
        options = _options(settings, runner, files[beam:])
        from pipeline.replay import replay_once

        archives = [Path(name) for name in files[:beam]]
        once = functools.partial(replay_once, files=archives)
        _run(settings, options, as_json=as_json, quiet=quiet, strict=strict, once=once)


@app.command()
def retry(
    config: ConfigFile,
    beam: BeamArguments = None,
    output: Output = None,
    feeds: FeedFiles = None,
    runner: RunnerName = "direct",
    workers: WorkerCount = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    strict: Strict = False,
) -> None:
    """Try the retryable rejects of the last two weeks again; no feed is polled."""
    with _errors():
        settings = _load(config, output, feeds, assignments, workers)
        options = _options(settings, runner, beam)
        from pipeline.retry import retry_once

        _run(settings, options, as_json=as_json, quiet=quiet, strict=strict, once=retry_once)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Where the demo's dataset goes.")] = Path(
        "data/demo"
    ),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Serve the sample site on loopback and run the pipeline against it, over real HTTP; needs no network."""
    with _errors():
        from pipeline.demo import demo_config

        with demo_config(output) as config:
            _run(config, _options(config, "direct", None), as_json=as_json, quiet=quiet, strict=False)
        if not quiet and not as_json:
            print(f'\nTry:  newsbeam query {output} "FROM stories"', file=sys.stderr)


@app.command()
def check(config: ConfigFile, feeds: FeedFiles = None, assignments: Assignments = None) -> None:
    """Validate the config and ask each feed once; one line each, nothing is written."""
    with _errors():
        settings = _load(config, None, feeds, assignments, None)
        from pipeline.check import check_feeds

        good = True
        for line, healthy in check_feeds(settings):
            print(line, flush=True)
            good &= healthy
        if not good:
            raise typer.Exit(EXIT_FAILED)


feeds_app = typer.Typer(help="Feed lists: OPML in and out, and the feeds of a site.", no_args_is_help=True)
app.add_typer(feeds_app, name="feeds")


@feeds_app.command("import")
def import_feeds(file: Annotated[Path, typer.Argument(metavar="OPML", help="A feed reader's export.")]) -> None:
    """Print the feeds of an OPML file as tables for a config."""
    with _errors():
        from pipeline.feeds_command import imported

        print(imported(file))


@feeds_app.command("export")
def export_feeds(config: ConfigFile) -> None:
    """Print the feeds of a config as OPML, for feed readers."""
    with _errors():
        from pipeline.feeds_command import exported

        print(exported(config))


@feeds_app.command("discover")
def discover_feeds(
    url: Annotated[str, typer.Argument(metavar="URL", help="A page of the site.")],
    allow_hosts: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="HOST:PORT", help="As fetch.allow_hosts. Repeatable.")
    ] = None,
) -> None:
    """Find the feeds of a site and print them as tables for a config; exit code 1 when there are none."""
    with _errors():
        from pipeline.feeds_command import discovered

        found = discovered(url, tuple(allow_hosts or ()))
        print(found, end="")
        if not found:
            _fail(f"no feeds found at {url}", EXIT_FAILED)


@app.command()
def explain(
    target: Annotated[str, typer.Argument(metavar="URL_OR_FILE", help="An address, or a page saved to a file.")],
    url: Annotated[str | None, typer.Option("--url", help="Where the page of a file stood.")] = None,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", metavar="DIR", help="Compare with these articles.")
    ] = None,
    allow_hosts: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="HOST:PORT", help="A server on your own network.")
    ] = None,
) -> None:
    """One page through every transform: what each did and why. Nothing is written."""
    with _errors():
        logging.getLogger().setLevel(logging.ERROR)
        from rich.console import Console

        from pipeline.explain import explain as steps_of
        from pipeline.explain import print_steps
        from transforms.settings import FetchSettings, Settings

        settings = Settings(fetch=FetchSettings(allow_hosts=tuple(allow_hosts or ())))
        steps = steps_of(target, settings, datetime.now(UTC), url=url, dataset=dataset)
        print_steps(steps, Console(highlight=False))


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
    with _errors():
        from pipeline.dictionary import as_markdown, as_tables, compare

        if diff is None:
            print(json.dumps(as_tables(), indent=1, ensure_ascii=False) if as_json else as_markdown())
            return
        added, broken = compare(json.loads(diff.read_text(encoding="utf-8")), as_tables())
        for sentence in [*broken, *added]:
            print(sentence)
        if broken:
            raise typer.Exit(EXIT_FAILED)


@app.command()
def query(
    dataset: DatasetRoot,
    sql: Annotated[
        str,
        typer.Argument(metavar="SQL", help="DuckDB SQL over articles, current, stories, rejects, fetches, runs."),
    ],
    form: Annotated[str, typer.Option("--format", help="table, csv, json (lines), parquet.")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows there.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="RUN_ID", help="Only rows of runs that ended after this one."),
    ] = None,
) -> None:
    """SQL over a dataset."""
    with _errors():
        from pipeline.query import newest_finished_run, print_query

        print_query(dataset, sql, form, since=since, output=output)
        if since is not None:
            print(f"next time: --since {newest_finished_run(dataset)}", file=sys.stderr)


@app.command()
def verify(dataset: DatasetRoot) -> None:
    """Check every file, the books of every run, keys, references and schema; exit code 1 when one is broken."""
    with _errors():
        from pipeline.verify import verify as broken_promises

        found = list(broken_promises(dataset))
        for sentence in found:
            print(sentence)
        if found:
            raise typer.Exit(EXIT_FAILED)
        print(f"{dataset}: sound")


@app.command()
def compact(
    dataset: DatasetRoot,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, change nothing.")] = False,
    target_file_mb: Annotated[int, typer.Option("--target-file-mb", min=1, help="Size of file aimed for.")] = 128,
) -> None:
    """Merge the small files of closed days; rows are unchanged. Safe beside readers; a run in progress wins (75)."""
    with _errors():
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
    config: Annotated[Path | None, typer.Option("--config", metavar="CONFIG", help="Take [tag] from there.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that tag; 0 = one a core.")] = 0,
) -> None:
    """Give stored articles the tags of today's lexicons, day by day; other columns stay."""
    with _errors():
        from pipeline.retag import retag as retag_days
        from transforms.settings import Settings

        settings = _load(config, None, None, None, None).settings if config else Settings()
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
    """Train a topic model on your own archive, for [tag] topic_model."""
    with _errors():
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
    with _errors():
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


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    app(prog_name="newsbeam")


# --------------------------------------------------------------------------- what the commands share


def _load(
    path: Path, output: str | None, feeds: list[Path] | None, assignments: list[str] | None, workers: int | None
) -> "Config":
    from pipeline.config import load_config

    return load_config(path, output=output, feed_files=feeds or (), assignments=assignments or (), workers=workers)


def _options(config: "Config", runner: str, beam: list[str] | None) -> "Options":
    from transforms.workers import shared_workers

    shared_workers(config.settings.run.workers).warm()  # the children load while this process imports Beam
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns on every import of what it does without
    from pipeline.run import Options
    from pipeline.runner import check_runner

    check_runner(runner)
    return Options(runner=runner, beam_arguments=tuple(beam or ()))


def _run(
    config: "Config",
    options: "Options",
    *,
    as_json: bool,
    quiet: bool,
    strict: bool,
    once: "Callable[[Config, Options, Progress], Report] | None" = None,
) -> None:
    from pipeline.interrupts import stop_on_signals
    from pipeline.run import run_once

    with stop_on_signals(), _progress(config, quiet=quiet) as progress:
        report = (once or run_once)(config, options, progress)
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
    _exit_stopped()
    if strict and report.alarms:
        raise typer.Exit(EXIT_ALARM)


def _exit_stopped() -> None:
    from pipeline.interrupts import exit_code

    if code := exit_code():
        raise typer.Exit(code)


def _progress(config: "Config", *, quiet: bool) -> "Display":
    from pipeline.progress import Display

    return Display(Path(config.output), quiet=quiet)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the program's own errors into a line on standard error and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        raise typer.Exit(0) from None
    except NewsbeamError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _fail(f"{error.filename or 'input/output'}: {error.strerror or error}", EXIT_FAILED)


def _fail(message: str, code: int) -> NoReturn:
    print(f"newsbeam: {message}", file=sys.stderr)
    raise typer.Exit(code)
