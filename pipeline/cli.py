"""The command line, with `cli_data` and `cli_feeds`: reads arguments, calls one function, ends in an exit code.

Exit codes: 0 committed, 1 failed, 2 bad usage or config, 3 alarm with --strict, 75 another run holds the dataset,
130/143 stopped by a signal after a clean commit. Beam is imported by the commands that run a pipeline, never here.
"""

import dataclasses
import functools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import cli_data, cli_feeds
from pipeline.cli_shared import (
    EXIT_ALARM,
    EXIT_FAILED,
    Assignments,
    ConfigFile,
    FeedFiles,
    dataset_folder,
    errors,
    load,
)
from pipeline.errors import UsageError
from pipeline.streams import Printer, prepare_streams
from transforms.allocator import hand_back_memory

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.progress import Display
    from pipeline.report import Report
    from pipeline.run import Options, Progress

app = typer.Typer(
    name="newsbeam",
    help="News feeds to partitioned Parquet: fetch, clean, deduplicate, tag, write, on Apache Beam.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Output = Annotated[
    str | None, typer.Option("--output", metavar="DIR", help="Dataset root; overrides the config's output.")
]
RunnerName = Annotated[
    str, typer.Option("--runner", metavar="NAME", help="direct (here), or an engine: prism, flink, spark, dataflow.")
]
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
    with errors():
        settings = _require_feeds(load(config, output, feeds, assignments, workers))
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
    """Run after run, or one unbounded pipeline on an engine, until SIGTERM or Ctrl-C; a report a line with --json."""
    with errors():
        from pipeline.durations import parse_duration
        from pipeline.interrupts import stop_on_signals
        from pipeline.systemd import Service

        settings = _require_feeds(load(config, output, feeds, assignments, workers))
        options, pause_s = _options(settings, runner, beam, streaming=True), parse_duration(every)
        with stop_on_signals(), _progress(settings, quiet=quiet, brief=True) as progress, Service() as service:
            for report in _turns(runner)(settings, options, pause_s, progress, service=service):
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
    with errors():
        beam = next((number for number, name in enumerate(files) if name.startswith("-")), len(files))
        settings = load(config, output, feeds, assignments, workers)
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
    with errors():
        settings = load(config, output, feeds, assignments, workers)
        options = _options(settings, runner, beam)
        from pipeline.retry import retry_once

        _run(settings, options, as_json=as_json, quiet=quiet, strict=strict, once=retry_once)


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", parser=dataset_folder, help="Where the demo's dataset goes.")
    ] = Path("data/demo"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Serve the sample site on loopback and run the pipeline against it, over real HTTP; needs no network."""
    with errors():
        from pipeline.demo import demo_config

        with demo_config(output) as config:
            _run(config, _options(config, "direct", None), as_json=as_json, quiet=quiet, strict=False)
        if not quiet and not as_json:
            print(f'\nTry:  newsbeam query {output} "FROM stories"\n      newsbeam browse {output}', file=sys.stderr)


@app.command()
def check(
    config: ConfigFile,
    feeds: FeedFiles = None,
    assignments: Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Validate the config and ask each feed once; one line each, nothing is written."""
    with errors():
        settings = _require_feeds(load(config, None, feeds, assignments, None))
        from pipeline.check import check_feeds

        console, checked = Printer(highlight=False, soft_wrap=True), []
        for feed in check_feeds(settings):
            checked.append(feed)
            if not as_json:
                for number, line in enumerate(feed.lines(console.width if console.is_terminal else None)):
                    style = "dim" if number else None if feed.ok else "red"
                    console.print(line, style=style, markup=False)
        failed = sum(not feed.ok for feed in checked)
        if as_json:
            feeds_told = [feed.to_json() for feed in checked]
            print(json.dumps({"feeds": feeds_told, "failed": failed}, ensure_ascii=False))
        else:
            print(f"{len(checked):,} feeds, {failed:,} failed")
        if failed:
            raise typer.Exit(EXIT_FAILED)


@app.command()
def explain(
    target: Annotated[str, typer.Argument(metavar="URL_OR_FILE", help="An address, or a page saved to a file.")],
    url: Annotated[str | None, typer.Option("--url", help="Where the page of a file stood.")] = None,
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", metavar="DIR", parser=dataset_folder, help="Compare with these articles."),
    ] = None,
    allow_hosts: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="HOST:PORT", help="A server on your own network.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="CONFIG", help="Fetch, clean, deduplicate and tag as it says.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page of HTML there; - for standard output.")
    ] = None,
) -> None:
    """One page through every transform: what each did and why. Nothing is written but the page asked for."""
    with errors():
        from pipeline.config_values import check_hosts
        from pipeline.explain import explain as explained
        from transforms.settings import Settings

        check_hosts(allow_hosts or (), "--allow-host")

        settings = load(config, None, None, None, None).settings if config else Settings()
        allowed = (*settings.fetch.allow_hosts, *(allow_hosts or ()))
        settings = dataclasses.replace(settings, fetch=dataclasses.replace(settings.fetch, allow_hosts=allowed))
        told = explained(target, settings, datetime.now(UTC), url=url, dataset=dataset)
        if html is None:
            from pipeline.explain_terminal import print_explanation

            print_explanation(told, Printer(highlight=False))
            return
        from pipeline.explain_page import explanation_page

        page = explanation_page(told)
        if str(html) == "-":
            sys.stdout.write(page)
        else:
            html.write_text(page, encoding="utf-8")


app.add_typer(cli_feeds.app, name="feeds")
app.add_typer(cli_data.app)


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns on every import of what it does without
    hand_back_memory()
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")  # its child would warn when we are killed
    if os.getpid() == 1:  # of a container: without a handler the kernel keeps SIGTERM from it
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    prepare_streams()
    app(prog_name="newsbeam")


# --------------------------------------------------------------------------- what the commands that run share


def _require_feeds(config: "Config") -> "Config":
    if not config.feeds:
        raise UsageError("no feeds: expected [[feeds]] tables in the config, or --feeds FILE")
    return config


def _options(config: "Config", runner: str, beam: list[str] | None, *, streaming: bool = False) -> "Options":
    from pipeline.run import Options
    from pipeline.runner import check_runner

    beam_arguments = (*config.settings.run.beam_options, *(beam or ()))
    if beam and not beam[0].startswith("-"):
        raise UsageError(f"{beam[0]}: expected nothing more; options for Beam stand after --, and begin with --")
    if any(argument.partition("=")[0] == "--runner" for argument in beam_arguments):
        raise UsageError("--runner is no option for Beam here: expected it before --")
    check_runner(runner, beam_arguments, streaming=streaming)
    return Options(runner=runner, beam_arguments=beam_arguments)


def _turns(runner: str) -> "Callable[..., Iterator[Report]]":
    """What makes the turns of a stream: bounded runs in this process, or an unbounded pipeline on an engine."""
    if runner == "direct":
        from pipeline.stream import stream_runs

        return stream_runs
    from pipeline.windows import stream_windows

    return stream_windows


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
        print(json.dumps(report.to_json(), ensure_ascii=False), flush=True)
    _exit_stopped()
    if strict and report.alarms:
        for alarm in report.alarms if quiet else ():
            print(f"newsbeam: alarm: {alarm.text}", file=sys.stderr)
        raise typer.Exit(EXIT_ALARM)


def _exit_stopped() -> None:
    from pipeline.interrupts import exit_code

    if code := exit_code():
        raise typer.Exit(code)


def _progress(config: "Config", *, quiet: bool, brief: bool = False) -> "Display":
    from pipeline.progress import Display

    return Display(Path(config.output), quiet=quiet, brief=brief)
