"""What stands on a terminal and in a log: within 80 columns, whatever the numbers; no escapes where nobody looks."""

import dataclasses
import io
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.progress import Display
from pipeline.report import Alarm, Report, one_line
from tests.articles import NOON
from tests.servers import serve
from tests.test_run import TOWNS, feed, page
from transforms import interrupt, tally

HUGE = Report(
    run_id="20260301T120000Z-abcdef", started_at=NOON, runner="direct", config_sha256="", feeds_polled=12_345,
    feeds_failed=2_345, feeds_not_due=30_000, entries=1_234_567, unchanged=1_000_000, stored=200_000, rejected=34_567,
    reasons={f"reason-{n}": 10_000 - n for n in range(12)}, feed_reasons={"robots-unreachable": 1_000, "timeout": 99},
    files=("articles/a.parquet",), seconds={"total": 43_210.9},
    alarms=(Alarm("drift", "a.example: with authors 96% -> 0% in its latest 20 articles, against 100 before"),),
)  # fmt: skip


def shown(*, terminal: bool, brief: bool = False) -> tuple[Display, io.StringIO]:
    display, out = Display(Path("data/news"), quiet=False, brief=brief), io.StringIO()
    display.console = Console(file=out, width=80, force_terminal=terminal, highlight=False, soft_wrap=True)
    return display, out


def test_a_summary_stays_within_the_terminal_and_goes_on_below_its_words() -> None:
    display, out = shown(terminal=True)
    display("done", HUGE, 0)
    lines = re.sub(r"\x1b\[[0-9;?]*\w", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "200,000 articles stored in data/news" in lines[0]
    assert any(line.startswith(" " * 12 + "reason-") or "reason-5" in line for line in lines)
    assert "\x1b[1;31m  alarm" in out.getvalue()


def test_in_a_log_a_line_stays_a_line_and_holds_no_escapes() -> None:
    display, out = shown(terminal=False)
    display("done", HUGE, 0)
    assert "\x1b" not in out.getvalue()
    assert sum("rejected  reason-0" in line for line in out.getvalue().splitlines()) == 1
    display, out = shown(terminal=False, brief=True)
    display("done", HUGE, 0)
    assert out.getvalue().splitlines() == one_line(HUGE)
    assert len(one_line(dataclasses.replace(HUGE, alarms=()))) == 1


@pytest.mark.parametrize("phase", ["poll", "batch"])
def test_the_live_lines_fit_80_columns_with_the_largest_numbers(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"fetched": 999_999, "cleaned": 899_999, "rejected-timeout": 99_999}
    monkeypatch.setattr(tally, "_live", tally.Counter(counts))
    display, out = shown(terminal=True)
    display.report, display.phase, display.to_do = HUGE, phase, 1_234_567
    display.phase_started = time.monotonic() - 40_000
    for asked_to_end in (False, True):
        (interrupt.requested.set if asked_to_end else interrupt.requested.clear)()
        display.console.print(display._render())
    interrupt.requested.clear()
    lines = re.sub(r"\x1b\[[0-9;?]*\w", "", out.getvalue()).splitlines()
    assert len(lines) == 4
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "Ctrl-C again ends at once" in lines[-1]


def test_on_a_real_terminal_the_display_leaves_the_summary_and_a_visible_cursor(tmp_path: Path) -> None:
    routes = {f"/{town}": page(town) for town in TOWNS}
    with serve(routes | {"/feed": feed([f"/{town}" for town in TOWNS])}) as site:
        path = tmp_path / "a.toml"
        path.write_text(
            f'output = "{tmp_path}/data"\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\n'
            f'allow_hosts = ["{site.host}"]\n[[feeds]]\nurl = "{site.url("/feed")}"\n'
        )
        master, slave = pty.openpty()
        environment = os.environ | {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        command = [sys.executable, "-m", "pipeline", "run", str(path)]
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        seen = b""
        while select.select([master], [], [], 60)[0]:
            try:
                seen += os.read(master, 65_536)
            except OSError:  # the other end was closed
                break
        assert process.wait(30) == 0
        os.close(master)
    text = seen.decode()
    assert "polling" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    last = re.sub(r"\x1b\[[0-9;?]*\w", "", text[text.rindex("\x1b[2K") :])
    assert "6 articles stored in" in last
    assert "6 = 0 unchanged + 6 stored" in last
