"""Memory of a run, however long: the peak of its process tree in short and long runs, and batch by batch.

    python -m tests.benchmarks.memory [--entries 1000,10000,50000] [--large]

Each run reads synthetic pages from loopback, made when they are asked for: of 1.5 kB, or with --large of 60 kB. Told is
the proportional set size of the program with all its children, pages that they share counted once; and what of it is
their own, without the pages of files (the index of signatures, libraries), which the system takes back when it wants.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks.end_to_end import descendants, pss_mb
from tests.benchmarks.synthetic import synthetic_page
from tests.servers import HTML, Reply, Request, Site, serve

PER_FEED = 250
HOSTS = 100
WORDS = ("harbour", "council", "minister", "railway", "school", "river", "budget", "doctors", "vote", "winter")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--entries", default="1000,10000,50000", help="how long the runs are that are compared")
    arguments.add_argument("--large", action="store_true", help="pages of 60 kB with texts of 8 kB")
    given = arguments.parse_args()
    make = synthetic_page if given.large else small_page
    first = 0.0
    for size in map(int, given.entries.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            stored, peaks, own = measured_run(size, Path(folder), make)
        first = first or max(peaks)
        peak = max(peaks)
        print(f"run of {size:,} entries, {stored:,} stored: peak {peak:.0f} MB, {peak / first:.2f} of the first run's")
        told = " ".join(f"{mb:.0f}/{alone:.0f}" for mb, alone in zip(peaks, own, strict=True))
        half = len(own) // 2
        level = f", first half {median(own[:half]):.0f} MB, the other {median(own[half:]):.0f}" if half else ""
        print(f"  own {max(own):.0f} MB{level}; batch by batch: {told}", flush=True)


def measured_run(size: int, folder: Path, make: Callable[[int], bytes]) -> tuple[int, Sequence[float], Sequence[float]]:
    """Articles stored by a run of `size` entries; for each of its batches the peak in MB of the whole process tree, and
    that of what is no copy of a file."""
    with ExitStack() as stack:
        sites = [stack.enter_context(serve({})) for _ in range(HOSTS)]
        config = folder / "memory.toml"
        config.write_text(config_of(sites, size, folder / "data", make))
        command = [sys.executable, "-m", "pipeline", "run", str(config), "--json", "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            watch = _Watch(process.pid, folder / "data")
            output, _ = process.communicate()
            watch.stop()
    return json.loads(output)["stored"], list(watch.peaks.values()), list(watch.own.values())


def config_of(sites: Sequence[Site], size: int, output: Path, make: Callable[[int], bytes]) -> str:
    """A config of `size` entries in feeds of `sites`, which make their pages when they are asked for them."""

    def story(request: Request) -> Reply:
        return Reply(body=make(int(request.target.rsplit("-", 1)[1])), headers=HTML)

    lines = [f"output = {json.dumps(str(output))}", "[fetch]", "per_host_delay_s = 0", "per_host_connections = 16"]
    lines.append(f"allow_hosts = {json.dumps([site.host for site in sites])}")
    for site, start in zip(itertools.cycle(sites), range(0, size, PER_FEED), strict=False):
        targets = [f"/story-{number}" for number in range(start, min(size, start + PER_FEED))]
        items = "".join(f"<item><link>{target}</link><title>{target}</title></item>" for target in targets)
        site.routes[f"/feed-{start}"] = Reply(body=f'<rss version="2.0"><channel>{items}</channel></rss>')
        site.routes |= dict.fromkeys(targets, story)
        lines.append(f"[[feeds]]\nurl = {json.dumps(site.url(f'/feed-{start}'))}")
    return "\n".join(lines)


def small_page(number: int) -> bytes:
    """A story that is like no other."""
    lines = [
        " ".join(f"{WORDS[(number * 7 + at * at + line) % 10]}{(number * (at + 3) + line) % 997}" for at in range(30))
        for line in range(6)
    ]
    body = "".join(f"<p>{line.capitalize()}.</p>" for line in lines)
    head = f"<html lang=en><title>Story {number}</title>"
    return f"{head}<article><h1>Story {number}</h1>{body}</article>".encode()


class _Watch:
    """Samples a process tree until `stop`; `peaks` and `own` go by how many files of articles were visible."""

    def __init__(self, pid: int, root: Path) -> None:
        self.peaks: defaultdict[int, float] = defaultdict(float)
        self.own: defaultdict[int, float] = defaultdict(float)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid, root), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self, pid: int, root: Path) -> None:
        while not self._stop.wait(0.2):
            batch = len(list(root.glob("articles/*/*.parquet")))
            tree = descendants(pid)
            self.peaks[batch] = max(self.peaks[batch], sum(map(pss_mb, tree)))
            self.own[batch] = max(self.own[batch], sum(pss_mb(member, "Pss_Anon") for member in tree))


if __name__ == "__main__":
    main()
