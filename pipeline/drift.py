"""What each publisher's articles are like, run after run: a changed layout shows here before somebody complains.

Each run tells in its manifest, for every publisher it met, how many articles it stored and of how many the page was
rejected in cleaning, and of the articles their lengths and how many had authors and a date. `History` adds that up over
runs. It holds nothing that is not in the manifests, and no more of a publisher than a comparison needs.
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.dataset import Dataset
from pipeline.errors import DatasetError
from pipeline.report import Report
from transforms.partitions import PartFile, rows_of
from transforms.urls import registrable_domain

KEYS = ("articles", "rejected", "log_words", "authors", "dates")
BEFORE = 5  # times the latest articles, at most, are what these are compared with
MOST_MANIFESTS = 1000  # read when there is no history yet
Tally = Mapping[str, float]


def add_tallies(report: Report, staging: Path, parts: Iterable[PartFile]) -> Report:
    """The report with what the staged `parts` tell of publishers and fetches added."""
    fetches = {kind: Counter(outcomes) for kind, outcomes in report.fetches.items()}
    for part in parts:
        if part.path.startswith("fetches/"):
            for row in rows_of(staging / part.path, ["kind", "outcome"]):
                fetches.setdefault(row["kind"], Counter())[row["outcome"]] += 1
    return dataclasses.replace(
        report,
        fetches={kind: dict(outcomes.most_common()) for kind, outcomes in sorted(fetches.items())},
        publishers=merge_tallies(report.publishers, publisher_tallies(staging, parts)),
    )


def publisher_tallies(staging: Path, parts: Iterable[PartFile]) -> Mapping[str, Tally]:
    """What the staged `parts` hold of each publisher, by registrable domain: the sums of `KEYS`."""
    tallies: dict[str, dict[str, float]] = {}
    for part in parts:
        if part.dataset == "articles":
            for row in rows_of(staging / part.path, ["publisher_domain", "word_count", "authors", "published_at"]):
                told = tallies.setdefault(row["publisher_domain"], dict.fromkeys(KEYS, 0))
                told["articles"] += 1
                told["log_words"] += math.log(max(1, row["word_count"]))
                told["authors"] += bool(row["authors"])
                told["dates"] += row["published_at"] is not None
        elif part.path.startswith("rejects/"):
            for row in rows_of(staging / part.path, ["url", "stage"]):
                if row["stage"] == "clean" and row["url"]:
                    tallies.setdefault(registrable_domain(row["url"]), dict.fromkeys(KEYS, 0))["rejected"] += 1
    return tallies


def merge_tallies(one: Mapping[str, Tally], other: Mapping[str, Tally]) -> dict[str, Tally]:
    """Two runs' or batches' tallies added up."""
    return {name: _sum([side[name] for side in (one, other) if name in side]) for name in (*one, *other)}


@dataclass(frozen=True, slots=True)
class Window:
    """The articles of a publisher over some runs, seen together."""

    tally: Tally

    @property
    def entries(self) -> int:
        return round(self.tally["articles"] + self.tally["rejected"])

    @property
    def articles(self) -> int:
        return round(self.tally["articles"])

    @property
    def words(self) -> float:
        """The length of a typical article: the geometric mean, which a single long read moves little."""
        return math.exp(self.tally["log_words"] / max(1, self.articles))

    def share(self, key: str) -> float:
        return self.tally[key] / max(1, self.entries if key == "rejected" else self.articles)


class History:
    """The tallies of each publisher by run, oldest first, as far back as a comparison of `latest` articles looks."""

    def __init__(self, latest: int) -> None:
        self.latest = latest
        self.through = ""  # the id of the last run taken in
        self.runs: dict[str, list[Tally]] = {}

    @classmethod
    def load(cls, dataset: Dataset, latest: int, run_id: str) -> "History":
        """The history through the run before `run_id`: what is kept under state/, and the manifests since."""
        history = cls(latest)
        path = dataset.state / "publishers.json"
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            if (kept["latest"], kept["keys"]) == (latest, list(KEYS)):
                history.through = str(kept["through"])
                for name, runs in kept["runs"].items():
                    history.runs[name] = [dict(zip(KEYS, run, strict=True)) for run in runs]
        known = [name for name in dataset.run_ids() if history.through < name < run_id][-MOST_MANIFESTS:]
        for name in known:
            with suppress(DatasetError):  # one that cannot be read is told by verify
                history.add(dataset.manifest(name))
        if known:
            _replace(path, history.to_json())
        return history

    def to_json(self) -> str:
        runs = {name: [[run[key] for key in KEYS] for run in runs] for name, runs in self.runs.items()}
        return json.dumps({"latest": self.latest, "keys": KEYS, "through": self.through, "runs": runs})

    def add(self, manifest: Mapping[str, Any]) -> None:
        """Take in what a manifest tells of its publishers."""
        self.through = manifest["run_id"]
        for told in manifest.get("publishers", ()):
            runs = self.runs.setdefault(told["publisher_domain"], [])
            runs.append({key: told[key] for key in KEYS})
            if len(runs) > 1 and _entries(runs[-2:]) <= max(1, self.latest // 4):
                runs[-2:] = [_sum(runs[-2:])]
            while _entries(runs[1:]) >= (1 + BEFORE) * self.latest:
                del runs[0]

    def compare(self, name: str, now: Tally) -> tuple[Window, Window] | None:
        """The latest articles of a publisher, those of the run at work first, and those before; None when too few."""
        runs = [*self.runs.get(name, ()), now]
        cut = next((at for at in range(len(runs) - 1, -1, -1) if _entries(runs[at:]) >= self.latest), 0)
        before, latest = runs[:cut], runs[cut:]
        return (Window(_sum(latest)), Window(_sum(before))) if _entries(before) >= self.latest else None


def _sum(tallies: Sequence[Tally]) -> Tally:
    return {key: sum(tally[key] for tally in tallies) for key in KEYS}


def _entries(tallies: Sequence[Tally]) -> float:
    return sum(tally["articles"] + tally["rejected"] for tally in tallies)


def _replace(path: Path, text: str) -> None:
    staged = path.with_suffix(".new")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)
