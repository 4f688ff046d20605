"""Numbers for a monitoring system, in files that are replaced whole after each run: Prometheus text and JSON.

Totals (`..._total`) add up over runs by going on from the file of the run before: delete it and they start at nought,
which Prometheus takes for the restart of a counter. After a failed run the totals stay, and so does when the last one
succeeded. Every series carries the dataset's root, so that files of several datasets can
lie in one folder of node_exporter's textfile collector. No label holds a feed or a host: their number has no bound.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from pipeline.alarms import counts
from pipeline.config import Config
from pipeline.report import Report

Series = tuple[str, tuple[tuple[str, str], ...]]  # a metric's name and its labels, sorted
Values = dict[Series, float]

METRICS = {  # name: type and help
    "newsbeam_build_info": ("gauge", "Always 1; the labels tell the version."),
    "newsbeam_runs_total": ("counter", "Runs by result: committed or failed."),
    "newsbeam_last_run_success": ("gauge", "1 when the last run committed, 0 when it failed."),
    "newsbeam_last_run_timestamp_seconds": ("gauge", "When the last run ended, be it by an error."),
    "newsbeam_last_success_timestamp_seconds": ("gauge", "When the last run that committed ended."),
    "newsbeam_last_run_duration_seconds": ("gauge", "Wall time of the last run that committed."),
    "newsbeam_last_run_feeds": ("gauge", "Feeds of the last run by what became of them."),
    "newsbeam_last_run_alarms": ("gauge", "Feeds, publishers or shares over a threshold of [alarms], by kind."),
    "newsbeam_stream_turn_timestamp_seconds": ("gauge", "When the loop of newsbeam stream looked for due feeds last."),
    "newsbeam_stream_wake_timestamp_seconds": ("gauge", "When the loop of newsbeam stream will look again."),
    "newsbeam_polls_total": ("counter", "Feeds polled, by outcome: ok, unchanged or failed."),
    "newsbeam_poll_failures_total": ("counter", "Feeds of which nothing or not all could be read, by reason."),
    "newsbeam_entries_total": ("counter", "Entries by outcome: unchanged, stored, dropped or rejected."),
    "newsbeam_versions_total": ("counter", "Articles stored that are new versions of stored ones."),
    "newsbeam_duplicates_total": ("counter", "Articles stored that copy an earlier one, by kind."),
    "newsbeam_rejects_total": ("counter", "Entries rejected or dropped, by reason."),
    "newsbeam_fetches_total": ("counter", "HTTP fetches by kind and outcome."),
    "newsbeam_stage_seconds_total": ("counter", "Time spent in each stage; stages overlap."),
    "newsbeam_files_total": ("counter", "Parquet files committed."),
    "newsbeam_written_bytes_total": ("counter", "Bytes of the Parquet files committed."),
}
_LINE = re.compile(r"(\w+)\{(.*)\} (\S+)", re.DOTALL)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}


def tell(config: Config, report: Report) -> None:
    """Write the files of `[metrics]` after a run that committed."""
    if _wanted(config) and report.finished_at:
        values = _before(config)
        _add(values, config, dict(_totals(report)))
        values |= _labelled(config, dict(_gauges(report)))
        _ended(values, config, "committed", report.finished_at)
        _write(config, values)


def tell_failed(config: Config, now: datetime) -> None:
    """Write them after a run that failed: what the last success told stays."""
    if _wanted(config):
        values = _before(config)
        _ended(values, config, "failed", now)
        _write(config, values)


def tell_turn(config: Config, now: datetime, wake_at: datetime) -> None:
    """Write them after a turn of the stream's loop, with or without a run: the process lives."""
    if _wanted(config):
        values = _before(config)
        told = {"turn": now.timestamp(), "wake": wake_at.timestamp()}
        values |= _labelled(
            config, {(f"newsbeam_stream_{name}_timestamp_seconds", ()): at for name, at in told.items()}
        )
        _write(config, values)


def to_prometheus(values: Values) -> str:
    """The text exposition format, in the order of `METRICS`."""
    lines = []
    for name, (kind, told) in METRICS.items():
        if series := sorted(key for key in values if key[0] == name):
            lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{{{_labels(labels)}}} {_number(values[name, labels])}" for name, labels in series]
    return "\n".join(lines) + "\n"


def from_prometheus(text: str) -> Values:
    """What `to_prometheus` wrote; lines of anything else are passed over."""
    values: Values = {}
    for line in text.split("\n"):
        if (match := _LINE.fullmatch(line)) and match[1] in METRICS:
            labels = tuple((label, _unescaped(value)) for label, value in _LABEL.findall(match[2]))
            values[match[1], labels] = float(match[3])
    return values


def to_json(values: Values) -> str:
    """One object: each metric's type, help and samples."""
    told = {
        name: {
            "type": kind,
            "help": text,
            "samples": [
                {"labels": dict(labels), "value": value} for (of, labels), value in sorted(values.items()) if of == name
            ],
        }
        for name, (kind, text) in METRICS.items()
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Values:
    """What `to_json` wrote."""
    return {
        (name, tuple(sorted(sample["labels"].items()))): float(sample["value"])
        for name, metric in json.loads(text).items()
        if name in METRICS
        for sample in metric["samples"]
    }


# --------------------------------------------------------------------------- a run in numbers


def _totals(report: Report) -> Iterator[tuple[Series, float]]:
    def by(name: str, label: str, numbers: Mapping[str, float]) -> Iterator[tuple[Series, float]]:
        yield from (((name, ((label, key),)), value) for key, value in numbers.items())

    brought = report.feeds_polled - report.feeds_unchanged - report.feeds_failed
    outcomes = {"ok": brought, "unchanged": report.feeds_unchanged, "failed": report.feeds_failed}
    yield from by("newsbeam_polls_total", "outcome", outcomes)
    yield from by("newsbeam_poll_failures_total", "reason", report.feed_reasons)
    books = {name: getattr(report, name) for name in ("unchanged", "stored", "dropped", "rejected")}
    yield from by("newsbeam_entries_total", "outcome", books)
    yield ("newsbeam_versions_total", ()), report.versions
    yield from by("newsbeam_duplicates_total", "kind", {"exact": report.exact, "near": report.near})
    yield from by("newsbeam_rejects_total", "reason", report.reasons)
    for kind, fetched in report.fetches.items():
        yield from (
            (("newsbeam_fetches_total", (("kind", kind), ("outcome", outcome))), n) for outcome, n in fetched.items()
        )
    stages = {stage: seconds for stage, seconds in report.seconds.items() if stage != "total"}
    yield from by("newsbeam_stage_seconds_total", "stage", stages)
    yield ("newsbeam_files_total", ()), len(report.files)
    yield ("newsbeam_written_bytes_total", ()), report.size_bytes


def _gauges(report: Report) -> Iterator[tuple[Series, float]]:
    yield ("newsbeam_last_run_duration_seconds", ()), report.seconds.get("total", 0.0)
    feeds = {"polled": report.feeds_polled, "failed": report.feeds_failed, "not_due": report.feeds_not_due}
    for state, number in feeds.items():
        yield ("newsbeam_last_run_feeds", (("state", state),)), number
    for kind, number in counts(report.alarms).items():
        yield ("newsbeam_last_run_alarms", (("kind", kind),)), number


def _ended(values: Values, config: Config, result: str, at: datetime) -> None:
    """What is told of every run that ended."""
    for key in [key for key in values if key[0] == "newsbeam_build_info"]:
        del values[key]
    _add(
        values,
        config,
        {("newsbeam_runs_total", (("result", name),)): name == result for name in ("committed", "failed")},
    )
    told: Values = {
        ("newsbeam_build_info", (("version", version("newsbeam")),)): 1,
        ("newsbeam_last_run_success", ()): result == "committed",
        ("newsbeam_last_run_timestamp_seconds", ()): at.timestamp(),
    }
    if result == "committed":
        told["newsbeam_last_success_timestamp_seconds", ()] = at.timestamp()
    values |= _labelled(config, told)


def _add(values: Values, config: Config, numbers: Values) -> None:
    for key, value in _labelled(config, numbers).items():
        values[key] = values.get(key, 0.0) + value


def _labelled(config: Config, numbers: Values) -> Values:
    """The numbers with the dataset's label added."""
    own = ("dataset", config.output)
    return {(name, tuple(sorted((own, *labels)))): float(value) for (name, labels), value in numbers.items()}


# --------------------------------------------------------------------------- files


def _wanted(config: Config) -> bool:
    return bool(config.settings.metrics.prometheus_file or config.settings.metrics.json_file)


def _before(config: Config) -> Values:
    """The numbers of the run before; none when there was none, or when nobody can read them."""
    files = config.settings.metrics
    for name, read in ((files.prometheus_file, from_prometheus), (files.json_file, from_json)):
        try:
            if name:
                return read(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}


def _write(config: Config, values: Values) -> None:
    """Replace the files, each in one step. A run that did its work does not fail because nobody can be told."""
    files = config.settings.metrics
    for name, text in ((files.prometheus_file, to_prometheus(values)), (files.json_file, to_json(values))):
        if name:
            path = Path(name)
            staged = path.with_name(f".{path.name}.new")  # node_exporter reads *.prom alone
            try:
                staged.write_text(text, encoding="utf-8")
                staged.chmod(0o644)
                staged.replace(path)
            except OSError as error:
                print(f"newsbeam: {path}: metrics not written: {error.strerror or error}", file=sys.stderr)


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return re.sub(r'[\\\n"]', lambda found: _ESCAPES[found[0]], value)


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
