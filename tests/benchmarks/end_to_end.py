"""The whole pipeline against a bare pool that only extracts: articles per second, side by side in one run.

    python -m tests.benchmarks.end_to_end [--pages FILE.jsonl.xz] [--rounds 3] [--hosts 20] [--limit N]

Both sides get the same pages and as many processes as there are cores. The pool,
`multiprocessing.Pool(cores).imap_unordered` of `trafilatura.bare_extraction(html, with_metadata=True)`, has them in
memory and does nothing else. newsbeam polls feeds, fetches the pages over HTTP from this process on loopback, cleans,
deduplicates, tags and writes them. The sides take turns, so that a noisy machine disturbs both; read the ratio.

Without --pages the articles are our own (`tests.benchmarks.synthetic`), which are much easier on the pool than real
ones: the comparison that counts needs FILE. It holds one JSON object a line with `url` and `html`, or `html_base64`.
"""

import argparse
import base64
import html
import itertools
import json
import lzma
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.synthetic import synthetic_pages
from tests.servers import HTML, Reply, Site, serve


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pages", type=Path, help="JSON lines (.xz) of real pages; default: own synthetic ones")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--hosts", type=int, default=20)
    arguments.add_argument("--limit", type=int, default=600)
    given = arguments.parse_args()
    pages = read_pages(given.pages, given.limit) if given.pages else synthetic_pages(given.limit)
    size = sum(map(len, pages)) / 1e6
    print(f"{len(pages)} pages, {size:.1f} MB, {given.hosts} hosts, {os.cpu_count()} cores; pages a second:")
    ratios, peaks = [], []
    for number in range(1, given.rounds + 1):
        pool = len(pages) / pool_seconds(pages)
        seconds, total, stored, peak = newsbeam_run(pages, given.hosts)
        ratios.append(len(pages) / seconds / pool)
        peaks.append(peak)
        print(
            f"  round {number}: bare pool {pool:6.1f}   newsbeam {len(pages) / seconds:6.1f}"
            f" ({len(pages) / total:.1f} with process start)   ratio {ratios[-1]:.2f}   {stored} stored,"
            f" peak {peak:.0f} MB",
            flush=True,
        )
    print(f"newsbeam / bare pool: median {statistics.median(ratios):.2f}; peak of the process tree {max(peaks):.0f} MB")


def pool_seconds(pages: list[bytes]) -> float:
    """Wall time of the bare pool, start-up of its processes left out."""
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        pool.map(_extract, pages[: 2 * (os.cpu_count() or 1)], chunksize=1)  # both have loaded what they need
        start = time.perf_counter()
        for _ in pool.imap_unordered(_extract, pages, chunksize=4):
            pass
        return time.perf_counter() - start


def _extract(page: bytes) -> bool:
    from trafilatura import bare_extraction

    return bare_extraction(page, with_metadata=True) is not None


def newsbeam_run(pages: list[bytes], hosts: int, arguments: Sequence[str] = ()) -> tuple[float, float, int, float]:
    """Seconds of the run by its own report, seconds of the whole process, articles stored, peak memory in MB.

    `arguments` are further ones of `newsbeam run`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sites = [stack.enter_context(serve(routes)) for routes in _routes(pages, hosts)]
        config = folder / "bench.toml"
        config.write_text(_config(sites, folder / "data"), encoding="utf-8")
        start = time.perf_counter()
        command = [sys.executable, "-m", "pipeline", "run", str(config), "--json", "--quiet", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            watch = MemoryWatch(process.pid)
            output, _ = process.communicate()
            total = time.perf_counter() - start
            peak = watch.stop()
        report = json.loads(output)
    assert process.returncode == 0
    assert report["entries"] == len(pages)
    return report["seconds"]["total"], total, report["stored"], peak


def _routes(pages: list[bytes], hosts: int) -> list[dict[str, Reply]]:
    """For each host its pages and an RSS feed of them; links are relative, since ports are not known yet."""
    by_host: defaultdict[int, dict[str, Reply]] = defaultdict(dict)
    for number, page in enumerate(pages):
        by_host[number % hosts][f"/2026/story-{number}.html"] = Reply(body=page, headers=HTML)
    for routes in by_host.values():
        items = "".join(
            f"<item><title>Story {path}</title><link>{html.escape(path)}</link><guid>{path}</guid></item>"
            for path in routes
        )
        feed = f'<rss version="2.0"><channel><title>Bench</title>{items}</channel></rss>'
        routes["/feed.xml"] = Reply(body=feed, headers={"Content-Type": "application/rss+xml"})
    return list(by_host.values())


def _config(sites: list[Site], output: Path) -> str:
    lines = [f"output = {json.dumps(str(output))}", "[fetch]", "per_host_delay_s = 0", "per_host_connections = 8"]
    lines.append(f"allow_hosts = {json.dumps([site.host for site in sites])}")
    lines += [f"[[feeds]]\nurl = {json.dumps(site.url('/feed.xml'))}" for site in sites]
    return "\n".join(lines)


def read_pages(path: Path, limit: int) -> list[bytes]:
    """The first `limit` pages of a file of JSON lines, as bytes."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in itertools.islice(file, limit)]
    return [_body(row) for row in rows]


def _body(row: dict[str, str]) -> bytes:
    if row.get("html_encoding") == "base64" or "html_base64" in row:
        return base64.b64decode(row.get("html_base64") or row["html"])
    return row["html"].encode("utf-8", "replace")


class MemoryWatch:
    """Samples the proportional set size of a process and all its descendants (Linux) until `stop`."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._stop.set()
        self._thread.join()
        return self.peak_mb

    def _watch(self, pid: int) -> None:
        while not self._stop.wait(0.25):
            self.peak_mb = max(self.peak_mb, sum(map(pss_mb, descendants(pid))))


def descendants(pid: int) -> list[int]:
    """`pid` and every process below it."""
    parents: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(fields[1])].append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += parents[member]
    return found


def pss_mb(pid: int, what: str = "Pss") -> float:
    """Proportional set size, or with "Pss_Anon" what of it is no copy of a file; 0 for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{what}:")) / 1000


if __name__ == "__main__":
    main()
