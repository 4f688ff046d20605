"""The local stream: wakes when the next feed is due, ends cleanly, tells its supervisor, leaks nothing over a day."""

import dataclasses
import gc
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, parse_config
from pipeline.dataset import Dataset
from pipeline.errors import DatasetLockedError
from pipeline.report import Report
from pipeline.run import Options
from pipeline.state import FeedMemory
from pipeline.stream import due_times, stream_runs
from pipeline.systemd import Service
from tests.articles import NOON
from tests.servers import Reply, Request, Site, serve
from tests.test_run import TOWNS, feed, page
from transforms import interrupt
from transforms.polling import FeedState


@pytest.fixture
def site() -> Iterator[Site]:
    routes: dict[str, Any] = {f"/{town}": page(town) for town in TOWNS}
    routes["/feed"] = feed([f"/{town}" for town in TOWNS])
    with serve(routes) as running:
        yield running


@pytest.fixture(autouse=True)
def not_asked_to_end() -> Iterator[None]:
    yield
    interrupt.requested.clear()


def config(site: Site, root: Path, *feeds: dict[str, Any], **sections: Any) -> Config:
    fetch = {"allow_hosts": [site.host], "per_host_delay_s": 0, "retries": 0}
    told = {"output": str(root), "run": {"workers": 1}, "fetch": fetch, "feeds": list(feeds)}
    return parse_config(told | sections, "test")


class Clock:
    """Time that passes while the program works, and jumps over its pauses. The end is asked for after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.start, self.end = datetime.now(UTC), datetime.now(UTC) + timedelta(seconds=seconds)
        self.skipped_s = 0.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped_s)

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.skipped_s += seconds
        if self.now() >= self.end:
            interrupt.requested.set()


def stream(settings: Config, clock: Clock, every_s: float = 600) -> list[Report]:
    interrupt.requested.clear()
    told = stream_runs(settings, Options(now=clock.now), every_s, lambda *_: None, wait=clock.wait)
    return list(told)


def test_the_loop_wakes_when_the_next_feed_is_due_and_no_sooner(site: Site, tmp_path: Path) -> None:
    clock = Clock(850)
    settings = config(site, tmp_path, {"url": site.url("/feed"), "interval_s": 200})
    reports = stream(settings, clock)
    assert [round(pause) for pause in clock.pauses[1:4]] == [200, 200, 200]
    assert len(reports) == 5
    assert [report.stored for report in reports] == [6, 0, 0, 0, 0]


def test_feeds_due_close_together_are_polled_together_and_impatient_ones_on_time(site: Site, tmp_path: Path) -> None:
    site.routes["/other"] = site.routes["/feed"]
    both = [{"url": site.url(target), "interval_s": 300} for target in ("/feed", "/other")]
    clock = Clock(1_300)
    sooner, later = [(clock.start + timedelta(seconds=at)).isoformat() for at in (-275, 25)]
    state = FeedState(feed_id="b", url=both[1]["url"], last_polled_at=sooner, next_poll_at=later)
    (tmp_path / "state").mkdir()
    with closing(FeedMemory(Dataset(tmp_path))) as memory:
        memory.save_feeds([(state.url, state)])
    reports = stream(config(site, tmp_path, *both), clock)
    assert [report.feeds_polled for report in reports[:4]] == [1, 1, 2, 2]
    impatient = config(site, tmp_path / "b", {"url": site.url("/feed"), "interval_s": 5})
    assert len(stream(impatient, Clock(60))) >= 12


def test_a_turn_without_a_due_feed_runs_nothing(site: Site, tmp_path: Path) -> None:
    clock = Clock(3_000)
    reports = stream(config(site, tmp_path, {"url": site.url("/feed"), "interval_s": 2_000}), clock, every_s=500)
    assert len(reports) == 2
    assert len(clock.pauses) >= 6
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_what_is_due_next_is_told_of_states_and_config(site: Site, tmp_path: Path) -> None:
    settings = config(site, tmp_path, {"url": "https://a.example/1"}, {"url": "https://a.example/2", "interval_s": 60})
    assert due_times(settings, NOON) == [NOON, NOON]
    (tmp_path / "state").mkdir()
    later = NOON + timedelta(hours=3)
    states = [
        FeedState(feed_id=n, url=f"https://a.example/{n}", last_polled_at=f"{NOON}", next_poll_at=f"{later}")
        for n in ("1", "2")
    ]
    with closing(FeedMemory(Dataset(tmp_path))) as memory:
        memory.save_feeds([(state.url, state) for state in states])
        assert due_times(settings, NOON) == [NOON + timedelta(seconds=60), later]
        memory.save_feeds([(state.url, dataclasses.replace(state, gone=True)) for state in states])
        assert due_times(settings, NOON) == []


def test_another_writer_is_waited_for_once_the_stream_runs(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config(site, tmp_path, {"url": site.url("/feed"), "interval_s": 10})
    clock, other = Clock(60), ExitStack()

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if len(clock.pauses) == 3:
            other.close()

    with other:
        other.enter_context(Dataset(tmp_path).lock("a compaction", NOON))
        with pytest.raises(DatasetLockedError):  # two streams on a dataset are a mistake
            next(stream_runs(settings, Options(now=clock.now), 600, lambda *_: None, wait=wait))
        other.close()
        runs = stream_runs(settings, Options(now=clock.now), 600, lambda *_: None, wait=wait)
        next(runs)
        other.enter_context(Dataset(tmp_path).lock("a compaction", NOON))
        assert next(runs).stored == 0
    assert capsys.readouterr().err.count("held by a compaction") == 2


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, no paths


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def test_a_simulated_day_misses_no_poll_and_leaks_nothing(site: Site, tmp_path: Path) -> None:
    polls: dict[str, list[datetime]] = {"/hourly": [], "/half": [], "/slow": []}
    clock = Clock(86_400)

    def answer(request: Request) -> Reply:
        times = polls[request.target]
        times.append(clock.now())
        town = TOWNS[len(times) % len(TOWNS)] if request.target == "/hourly" and len(times) < 4 else TOWNS[0]
        return feed([f"/{town}"])

    site.routes |= dict.fromkeys(polls, answer)
    intervals = {"/hourly": 3_600, "/half": 1_800, "/slow": 5_400}
    feeds = [{"url": site.url(target), "interval_s": seconds} for target, seconds in intervals.items()]
    files, threads, memory = [], [], []
    for _ in stream_runs(config(site, tmp_path, *feeds), Options(now=clock.now), 600, lambda *_: None, wait=clock.wait):
        gc.collect()
        files.append(open_files())
        threads.append(threading.active_count())
        memory.append(resident_kb())
    for target, times in polls.items():
        expected = 86_400 // intervals[target]
        assert expected <= len(times) <= expected + 1, target
        gaps = [(later - sooner).total_seconds() for sooner, later in itertools.pairwise(times)]
        assert max(gaps) < intervals[target] + 32  # gathered with others
    warm = 10
    assert len(files) >= 48
    assert max(files[warm:]) <= files[warm]
    assert max(threads[warm:]) <= threads[warm]
    assert memory[-1] - memory[warm] < 4_000


# --------------------------------------------------------------------------- the process and its supervisor


class Supervisor:
    """systemd's end of the notification socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(30)

    def heard_until(self, wanted: str, count: int = 1) -> list[str]:
        """All lines up to the `count`th that starts with `wanted`."""
        lines: list[str] = []
        while sum(line.startswith(wanted) for line in lines) < count:
            lines += self.socket.recv(4096).decode().splitlines()
        return lines


def start(site: Site, root: Path, *arguments: str, before: tuple[str, ...] = (), **environment: str) -> Any:
    path = root.parent / "stream.toml"
    path.write_text(
        f'output = "{root}"\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n'
        f'[[feeds]]\nurl = "{site.url("/feed")}"\ninterval_s = 2\n'
    )
    command = [*before, sys.executable, "-m", "pipeline", "stream", str(path), *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=os.environ | environment, text=True, **pipes)


def test_systemd_is_told_when_it_is_ready_at_work_alive_and_ending_also_as_process_1_of_a_container(
    site: Site, tmp_path: Path
) -> None:
    jail = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL")
    jailed = subprocess.run([*jail, "true"], capture_output=True, check=False).returncode == 0  # takes the right to
    supervisor = Supervisor(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "800000"}
    process = start(site, tmp_path / "data", before=jail if jailed else (), **environment)
    heard = supervisor.heard_until("STATUS=")
    assert heard[0] == "READY=1"
    assert heard[-1].startswith("STATUS=6 articles stored, 0 feeds failed; looking again in")
    supervisor.heard_until("WATCHDOG=1", 3)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    asked = time.monotonic()
    os.kill(int(children[0]) if jailed else process.pid, signal.SIGTERM)
    supervisor.heard_until("STOPPING=1")
    _, told = process.communicate(timeout=30)
    assert time.monotonic() - asked < 30
    assert process.returncode == 143
    assert "6 stored, 0 rejected of 6 new; 1 feeds polled" in told


def test_a_watchdog_is_not_fed_while_nothing_moves(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    with Service(environment) as service:
        service.ready()
        service.working()
        supervisor.heard_until("WATCHDOG=1")
        supervisor.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            supervisor.heard_until("WATCHDOG=1", 2)
        service.working()
        supervisor.heard_until("WATCHDOG=1")
        service.waiting("for a feed")
        supervisor.heard_until("WATCHDOG=1", 3)
    assert supervisor.heard_until("STOPPING=1")


def test_a_supervisor_in_the_abstract_namespace_is_told_and_one_that_is_gone_is_no_error(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(f"\0newsbeam-{os.getpid()}")
    with Service({"NOTIFY_SOCKET": f"@newsbeam-{os.getpid()}"}) as service:
        service.ready()
        assert listener.recv(100) == b"READY=1"
        listener.close()
        service.waiting("nobody hears")


def test_a_watchdog_meant_for_another_process_is_left_alone() -> None:
    assert Service({"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}).watchdog_s is None
    assert Service({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_s == 1.0
    assert Service({"WATCHDOG_USEC": "soon"}).watchdog_s is None
