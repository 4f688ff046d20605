"""What a person sees while a run works: two live lines on a terminal, a plain line now and then in a log, a summary."""

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from textwrap import fill
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.report import Report, newest_report, one_line, summary
from transforms import interrupt, tally

LOG_LINE_EVERY_S = 15.0
REFRESH_PER_SECOND = 4
BAR_COLUMNS = 20
INDENT = " " * 12  # below the words of a summary


class Display:
    """Call it with the phase ("poll", "batch", "done"), the report so far and the entries that go to the pipeline."""

    def __init__(self, root: Path, *, quiet: bool, brief: bool = False) -> None:
        self.root, self.quiet, self.brief = root, quiet, brief
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.phase, self.to_do = "", 0
        self.report: Report | None = None
        self.phase_started = time.monotonic()
        self.before = newest_report(root)
        self._live: Live | None = None
        self._stop = threading.Event()

    def __enter__(self) -> "Display":
        if not self.quiet and self.console.is_terminal:
            self._start_live()
        elif not self.quiet:
            threading.Thread(target=self._log, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._end_live()

    def __call__(self, phase: str, report: Report, to_do: int) -> None:
        if phase != self.phase:
            self.phase, self.phase_started = phase, time.monotonic()
        self.report, self.to_do = report, to_do
        if self.quiet:
            return
        if phase == "done":
            self._end_live()
            for line in one_line(report) if self.brief else summary(report, str(self.root), self.before):
                self._print(line)
            self.before = report.to_json()
        elif self.console.is_terminal:
            self._start_live()

    def _print(self, line: str) -> None:
        """A line of a summary; too long for a terminal, it goes on below its words. In a log a line stays a line."""
        if self.console.is_terminal:
            line = fill(line, self.console.width, subsequent_indent=INDENT, break_on_hyphens=False, tabsize=1)
        self.console.print(line, style=_style(line), markup=False)

    def _start_live(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self.console, get_renderable=self._render, refresh_per_second=REFRESH_PER_SECOND, transient=True
            )
            self._live.start()

    def _end_live(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _log(self) -> None:
        while not self._stop.wait(LOG_LINE_EVERY_S):
            if self.report and self.phase in ("poll", "batch"):
                how_far, what = self._lines()
                print(f"{how_far}; {what}", file=sys.stderr, flush=True)

    def _render(self) -> Group:
        how_far, what = self._lines()
        if interrupt.requested.is_set():
            what = "stopping: what is begun is finished first; Ctrl-C again ends at once"
        finished = _finished(_live_counts())
        bar = ProgressBar(total=max(self.to_do, 1), completed=finished, width=BAR_COLUMNS, pulse=self.phase != "batch")
        head = Table.grid(padding=(0, 1))
        head.add_row(bar, Text(how_far))
        return Group(head, Text(what, style="dim"))

    def _lines(self) -> tuple[str, str]:
        """How far the run is, and what came of it so far; each fits a terminal of 80 columns beside the bar."""
        if self.report is None:
            return ("waiting for a feed to be due" if self.brief else "starting"), ""
        feeds = f"feeds {self.report.feeds_polled:,}, {self.report.feeds_failed:,} failed"
        if self.phase == "poll":
            return "polling", f"{feeds}; {self.to_do:,} new entries"
        live = _live_counts()
        finished = _finished(live)
        rate = finished / max(time.monotonic() - self.phase_started, 0.1)
        left = f", {_clock((self.to_do - finished) / rate)} left" if 0 < finished < self.to_do else ""
        return (
            f"{finished:,} of {self.to_do:,} entries, {rate:.0f} a second{left}",
            f"{feeds}; pages {live['fetched']:,}, articles {live['cleaned']:,}, rejects {_rejects(live):,}",
        )


def _live_counts() -> Counter[str]:
    return tally.live()


def _rejects(live: Counter[str]) -> int:
    return sum(n for name, n in live.items() if name.startswith("rejected-"))


def _finished(live: Counter[str]) -> int:
    return live["cleaned"] + _rejects(live)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}h {minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m {rest:02d}s"


def _style(line: str) -> str | None:
    head = line.split(maxsplit=1)[0] if line.strip() else ""
    return {"rejected": "yellow", "alarm": "bold red"}.get(head, "bold" if not line.startswith(" ") else None)
