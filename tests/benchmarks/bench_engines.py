"""Articles a second on an engine against the local runner, on the same cores, start-up left out.

    python -m tests.benchmarks.bench_engines [--engine prism|flink|spark] [--pages FILE.xz] [--few 400] [--many 2400]
    python -m tests.benchmarks.bench_engines --long 100000 [--batch 10000]

Each side runs twice in turn, over few pages and over many, in one batch each; the difference of the two is what the
pages cost without start-up, in wall time and in CPU time of all processes but the site's: on a machine that has other
work an engine's many processes get more than their share of it. Flink is a standalone cluster of two task managers with
a slot each, Spark one of two workers with a core each (`make engines`).

With --long the engine alone has one run of so many small pages, made when they are asked for; told is for each batch
what an article cost in CPU time of all processes, the site's aside, and what memory the workers and the starter have.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.end_to_end import descendants, newsbeam_run, pss_mb, read_pages
from tests.benchmarks.memory import HOSTS as LONG_HOSTS
from tests.benchmarks.memory import config_of, small_page
from tests.benchmarks.synthetic import synthetic_page
from tests.engines import fetch
from tests.engines.flink import FlinkCluster
from tests.engines.spark import SparkCluster
from tests.servers import serve

HOSTS = 20
LOOK_S = 0.5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", choices=["prism", "flink", "spark"], default="flink")
    arguments.add_argument("--pages", type=Path, help="JSON lines (.xz) of real pages; default: own synthetic ones")
    arguments.add_argument("--few", type=int, default=400)
    arguments.add_argument("--many", type=int, default=2_400)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--long", type=int, help="pages of one long run on the engine")
    arguments.add_argument("--batch", type=int, default=10_000, help="entries of a batch of the long run")
    given = arguments.parse_args()
    with engine(given.engine) as options:
        if given.long:
            long_run(given.long, given.batch, options)
            return
        pages = read_pages(given.pages, given.many) if given.pages else [synthetic_page(n) for n in range(given.many)]
        newsbeam_run(pages[: given.few], HOSTS, options)  # JVMs learn as they go
        for number in range(1, given.rounds + 1):
            local, there = cost(pages, given.few, []), cost(pages, given.few, options)
            print(
                f"round {number}: local {local}; {given.engine} {there}; {given.engine} / local"
                f" {local.page_s / there.page_s:.2f}, by CPU time {local.page_cpu_s / there.page_cpu_s:.2f}",
                flush=True,
            )


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds a page, wall and CPU time of all processes, and wall time of the start-up."""

    page_s: float
    page_cpu_s: float
    start_s: float

    def __str__(self) -> str:
        return (
            f"{1 / self.page_s:.1f} pages/s, {1_000 * self.page_cpu_s:.1f} ms CPU each, start-up {self.start_s:.1f} s"
        )


def cost(pages: list[bytes], few: int, arguments: list[str]) -> Cost:
    """What the pages cost that `many` are more than `few`."""
    one_batch = ["--set", f"run.batch_entries={len(pages)}", *arguments]
    with watched() as short_watch:
        short, *_ = newsbeam_run(pages[:few], HOSTS, one_batch)
    with watched() as long_watch:
        long, *_ = newsbeam_run(pages, HOSTS, one_batch)
    more = len(pages) - few
    page_s = (long - short) / more
    return Cost(page_s, (long_watch.cpu_s - short_watch.cpu_s) / more, short - few * page_s)


@contextmanager
def watched() -> Iterator["Watch"]:
    """A watch that looks all the time."""
    watch, ended = Watch(), threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            watch.look()

    thread = threading.Thread(target=look)
    thread.start()
    yield watch
    ended.set()
    thread.join()
    watch.look()


@contextmanager
def engine(name: str) -> Iterator[list[str]]:
    """The arguments that bring a run to the engine."""
    if name == "prism":
        yield ["--runner", "prism", "--", f"--prism_location={fetch.PRISM}"]
        return
    kind = {"flink": FlinkCluster, "spark": SparkCluster}[name]
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as cluster:
        yield ["--runner", name, "--", *cluster.options()]


def long_run(size: int, batch: int, options: list[str]) -> None:
    """Run over `size` small pages, and tell of each batch when it is visible."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sites = [stack.enter_context(serve({})) for _ in range(LONG_HOSTS)]
        config = folder / "long.toml"
        config.write_text(config_of(sites, size, folder / "data", small_page))
        one = [sys.executable, "-m", "pipeline", "run", str(config), "--json", "--quiet"]
        command = [*one, "--set", f"run.batch_entries={batch}", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            tell_batches(process, folder / "data" / "runs")
            report = json.loads(process.communicate()[0])
    print(f"{report['stored']:,} of {size:,} stored in {report['seconds']['total']:.0f} s")


def tell_batches(process: subprocess.Popen[str], manifests: Path) -> None:
    """Print a line a batch until the run has ended."""
    watch = Watch()
    before, before_s, began = 0, 0.0, time.monotonic()
    while process.poll() is None:
        time.sleep(LOOK_S)
        watch.look()
        stored = max((json.loads(file.read_text())["stored"] for file in manifests.glob("*.json")), default=0)
        if stored > before:
            cost_ms = 1_000 * (watch.cpu_s - before_s) / (stored - before)
            memory = ", ".join(f"{kind} {mb:.0f} MB" for kind, mb in sorted(watch.peak_mb.items()))
            print(f"{stored:,} stored after {time.monotonic() - began:.0f} s: {cost_ms:.1f} ms an article; {memory}")
            sys.stdout.flush()
            before, before_s = stored, watch.cpu_s
            watch.peak_mb.clear()


class Watch:
    """CPU seconds of all processes below this one, and the most memory of each kind since it was cleared."""

    def __init__(self) -> None:
        self.peak_mb: defaultdict[str, float] = defaultdict(float)
        self._last: dict[int, float] = {}
        self.look()
        self._first = dict(self._last)

    def look(self) -> None:
        now: Counter[str] = Counter()
        for pid in descendants(os.getpid())[1:]:
            with suppress(OSError):  # it has just ended
                self._last[pid] = cpu_s(pid)
                now[kind_of(pid)] += pss_mb(pid)
        for kind, mb in now.items():
            self.peak_mb[kind] = max(self.peak_mb[kind], mb)

    @property
    def cpu_s(self) -> float:
        return sum(self._last.values()) - sum(self._first.values())


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def kind_of(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_text()
    kinds = {"java": "JVMs", "sdk_worker_main": "workers", "\0pipeline\0": "starter"}
    return next((kind for word, kind in kinds.items() if word in command), "children")


if __name__ == "__main__":
    main()
