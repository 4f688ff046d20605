"""What a run did: the numbers of the manifest, and the summary a person reads in five seconds."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import BooksError

STAGES = ("fetch", "clean", "deduplicate", "tag", "write")


@dataclass(frozen=True, slots=True)
class Alarm:
    """`kind` is one of `pipeline.alarms.KINDS`, `text` a sentence; `count` is of feeds or publishers."""

    kind: str
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run in numbers; `entries = unchanged + stored + dropped + rejected` holds after every batch."""

    run_id: str
    started_at: datetime
    finished_at: datetime | None = None
    runner: str
    config_sha256: str
    feeds_polled: int = 0
    feeds_unchanged: int = 0
    feeds_failed: int = 0
    feeds_not_due: int = 0
    entries: int = 0
    unchanged: int = 0
    stored: int = 0
    versions: int = 0
    exact: int = 0
    near: int = 0
    dropped: int = 0
    rejected: int = 0
    postponed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    feed_reasons: Mapping[str, int] = field(default_factory=dict)
    fetches: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by kind and outcome
    publishers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # the tallies of `pipeline.drift`
    files: tuple[str, ...] = ()
    size_bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

    def check_books(self) -> None:
        """Raises `BooksError` unless every entry is accounted for."""
        told = self.unchanged + self.stored + self.dropped + self.rejected
        if told != self.entries:
            raise BooksError(
                f"the books do not balance: {self.entries} entries, but {self.unchanged} unchanged"
                f" + {self.stored} stored + {self.dropped} dropped + {self.rejected} rejected = {told}"
            )

    def to_json(self) -> dict[str, Any]:
        """The manifest, as the contract names its keys."""
        return {
            "run_id": self.run_id,
            "kind": "run",
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "runner": self.runner,
            "config_sha256": self.config_sha256,
            "feeds": {
                "polled": self.feeds_polled,
                "unchanged": self.feeds_unchanged,
                "failed": self.feeds_failed,
                "not_due": self.feeds_not_due,
            },
            "entries": self.entries,
            "unchanged": self.unchanged,
            "stored": self.stored,
            "versions": self.versions,
            "duplicates": {"exact": self.exact, "near": self.near, "dropped": self.dropped},
            "dropped_duplicates": self.dropped,
            "rejected": self.rejected,
            "postponed": self.postponed,
            "reasons": dict(self.reasons),
            "feed_reasons": dict(self.feed_reasons),
            "fetches": {kind: dict(outcomes) for kind, outcomes in self.fetches.items()},
            "publishers": [
                {"publisher_domain": name, **{key: round(value, 3) for key, value in tally.items()}}
                for name, tally in sorted(self.publishers.items())
            ],
            "files": list(self.files),
            "bytes": self.size_bytes,
            "seconds": {stage: round(value, 3) for stage, value in self.seconds.items()},
            "alarms": [alarm.text for alarm in self.alarms],
        }


def add_counts(report: Report, **counts: int) -> Report:
    """The report with `counts` added to its numbers of the same names."""
    return dataclasses.replace(report, **{name: getattr(report, name) + n for name, n in counts.items()})


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables of numbers added up, largest first."""
    total = Counter(one)
    total.update(other)
    return dict(total.most_common())


def summary(report: Report, root: str, before: Mapping[str, Any] | None) -> list[str]:
    """A few lines for a person: what came in, what became of it and why, what changed since the run before."""
    seconds = report.seconds.get("total", 0.0)
    lines = [
        f"{report.stored:,} articles stored in {root} in {seconds:.1f} s"
        + (f" ({report.stored / seconds:.0f} a second)" if report.stored and seconds else ""),
        f"  feeds     {report.feeds_polled:,} polled: {report.feeds_unchanged:,} unchanged,"
        f" {report.feeds_failed:,} failed"
        + (f"; {report.feeds_not_due:,} not due yet" if report.feeds_not_due else "")
        + (f" ({_listing(report.feed_reasons)})" if report.feed_reasons else ""),
        f"  entries   {report.entries:,} = {report.unchanged:,} unchanged + {report.stored:,} stored"
        f" + {report.dropped:,} dropped duplicates + {report.rejected:,} rejected",
    ]
    if report.stored:
        lines.append(
            f"  stored    {report.versions:,} as new versions; {report.exact:,} exact and"
            f" {report.near:,} near copies marked"
        )
    if report.reasons:
        lines.append(f"  rejected  {_listing(report.reasons)}")
    if report.postponed:
        lines.append(f"  stopped   {report.postponed:,} entries left for the next run")
    if before:
        lines.append(
            f"  before    {before['stored']:,} stored, {before['rejected']:,} rejected,"
            f" {before['feeds']['failed']:,} feeds failed in the last run ({before['run_id']})"
        )
    lines += [f"  alarm     {alarm.text}" for alarm in report.alarms]
    if report.files:
        lines.append(
            f"  files     {len(report.files):,}, {report.size_bytes / 1e6:.2f} MB; report in runs/{report.run_id}.json"
        )
    return lines


def one_line(report: Report) -> list[str]:
    """A run as a line of a log, and a line an alarm."""
    ended = report.finished_at or report.started_at
    told = f"{ended:%Y-%m-%d %H:%M:%S} {report.stored:,} stored, {report.rejected:,} rejected"
    told += f" of {report.entries - report.unchanged:,} new; {report.feeds_polled:,} feeds polled"
    told += f", {report.feeds_failed:,} failed" if report.feeds_failed else ""
    told += f"; {report.seconds.get('total', 0.0):.1f} s"
    return [told, *(f"  alarm     {alarm.text}" for alarm in report.alarms)]


def _listing(numbers: Mapping[str, int], most: int = 8) -> str:
    shown = [f"{reason} {n:,}" for reason, n in list(numbers.items())[:most]]
    rest = sum(list(numbers.values())[most:])
    return ", ".join(shown) + (f", others {rest:,}" if rest else "")


def newest_report(root: Path) -> dict[str, Any] | None:
    """The report of the last run on the dataset at `root`, None when there is none that can be read."""
    for path in sorted(root.glob("runs/*.json"), reverse=True):
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if found.get("kind") == "run":  # no rewrite
            return found
    return None
