"""What a person sees while a run works: a live line on a terminal, plain lines in a log, a summary at the end."""

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.report import Report, newest_report, summary

LOG_LINE_EVERY_S = 15.0


class Display:
    """Call it with the phase ("poll", "batch", "done"), the report so far and the entries still to do."""

    def __init__(self, root: Path, *, quiet: bool) -> None:
        self.root, self.quiet = root, quiet
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.phase, self.report, self.to_do = "", None, 0  # type: str, Report | None, int
        self.phase_started = self.line_printed = time.monotonic()
        self.before = newest_report(root)
        self._live: Live | None = None
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> "Display":
        if not self.quiet:
            if self.console.is_terminal:
                self._live = Live(
                    console=self.console, get_renderable=self._render, refresh_per_second=4, transient=True
                )
                self._live.start()
            else:
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._live:
            self._live.stop()

    def __call__(self, phase: str, report: Report, to_do: int) -> None:
        if phase != self.phase:
            self.phase, self.phase_started = phase, time.monotonic()
        self.report, self.to_do = report, to_do
        if phase == "done" and not self.quiet:
            for line in summary(report, str(self.root), self.before):
                self.console.print(line, style=_style(line))
            self.before = report.to_json()

    def _tick(self) -> None:
        while not self._stop.wait(LOG_LINE_EVERY_S):
            if self.report and self.phase in ("poll", "batch"):
                print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        """The state of the run in one line."""
        if self.report is None:
            return "starting"
        if self.phase == "poll":
            return f"polling   {self.report.feeds_polled:,} feeds, {self.to_do:,} new entries"
        live = _live_counts()
        finished = _finished(live)
        rate = finished / max(time.monotonic() - self.phase_started, 0.1)
        left = (self.to_do - finished) / rate if rate > 0 and finished else 0.0
        return (
            f"articles  {finished:,} of {self.to_do:,} entries done, {live['cleaned']:,} articles,"
            f" {_rejects(live):,} rejects, {rate:.0f} a second" + (f", {_clock(left)} left" if left > 0 else "")
        )

    def _render(self) -> Group:
        finished = _finished(_live_counts())
        bar = Table.grid(padding=(0, 1))
        total = self.to_do if self.phase == "batch" else None
        bar.add_row(ProgressBar(total=total or 100, completed=finished, width=30, pulse=not total), Text(self._line()))
        return Group(bar)


def _live_counts() -> Counter[str]:
    from transforms import tally  # noqa: PLC0415 - brings Beam, which the run has loaded by then

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
