"""Fetch alone, beside a bare aiohttp loop over the same pages; its politeness, and its cost when nothing is new.

    python -m tests.benchmarks.bench_fetch [--pages 1200] [--hosts 50] [--latency-ms 50] [--rounds 5]

The pages are our own (`tests.benchmarks.synthetic`), gzipped, served from a process of their own. The sides take turns;
read the ratio of CPU seconds. Targets: 500 pages a second, at most 1.3 times the CPU; with one request a second and
host at least 45 pages a second from 50 hosts; 200 feeds that answer 304 within 2.5 times the import of Beam.
"""

import argparse
import asyncio
import gc
import gzip
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import aiohttp

from tests.benchmarks.synthetic import synthetic_pages
from tests.servers import Reply, serve
from transforms.feed_poller import poll_feeds
from transforms.fetch import fetch_pages
from transforms.request_urls import host_of
from transforms.schema import Entry, Feed, Page
from transforms.settings import FetchSettings
from transforms.workers import shared_workers

WIDTH = 8  # connections to a host, on both sides


@dataclass(frozen=True)
class Cost:
    """What it took to fetch so many pages."""

    pages: int
    seconds: float
    cpu_seconds: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("pages", 1200), ("hosts", 50), ("latency-ms", 50), ("rounds", 5)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    given = arguments.parse_args()
    gc.freeze()  # a collection that walks all of Beam's modules would be charged to whoever runs at that moment
    with servers(given.pages, given.hosts, given.latency_ms / 1000) as (urls, feeds):
        hosts = tuple({host_of(url) or "" for url in urls})
        settings = FetchSettings(per_host_connections=WIDTH, per_host_delay_s=0, allow_hosts=hosts)
        ratios = []
        for number in range(1, given.rounds + 1):
            bare, ours = measured(bare_loop, urls), measured(lambda urls: newsbeam(urls, settings), urls)
            ratios.append(ours.cpu_seconds / ours.pages / (bare.cpu_seconds / bare.pages))
            sides = "   ".join(
                f"{name} {cost.pages / cost.seconds:5.0f} pages/s {cost.cpu_seconds / cost.pages * 1e3:.2f} ms CPU each"
                for name, cost in (("bare", bare), ("newsbeam", ours))
            )
            print(f"  round {number}: {sides}   ratio {ratios[-1]:.2f}", flush=True)
        print(f"CPU of newsbeam / bare aiohttp: median {statistics.median(ratios):.2f}")
        polite = FetchSettings(allow_hosts=hosts)
        some = by_host(urls, 10)
        cost = measured(lambda urls: newsbeam(urls, polite), some)
        print(f"one request a second and host: {cost.pages / cost.seconds:.1f} pages/s from {given.hosts} hosts")
        unchanged_feeds(feeds, settings)


def unchanged_feeds(urls: list[str], settings: FetchSettings) -> None:
    """The second poll of feeds that have nothing new, beside the import of Beam."""
    workers = shared_workers(0)
    now = datetime.now(UTC)
    first = list(poll_feeds([(Feed(url=url, id=url), None) for url in urls], settings, workers, now))
    start = time.perf_counter()
    second = list(poll_feeds([(poll.feed, poll.state) for poll in first], settings, workers, now))
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import apache_beam"], check=True, stderr=subprocess.DEVNULL)
    beam_seconds = time.perf_counter() - start
    unchanged = sum(poll.outcome == "unchanged" for poll in second)
    print(f"{unchanged} of {len(urls)} feeds unchanged in {seconds:.2f} s; import of Beam {beam_seconds:.2f} s")
    workers.close()


def measured(fetch: object, urls: list[str]) -> Cost:
    start, cpu_start = time.perf_counter(), time.process_time()
    pages = fetch(urls)  # type: ignore[operator]  # either side
    return Cost(pages, time.perf_counter() - start, time.process_time() - cpu_start)


def newsbeam(urls: list[str], settings: FetchSettings) -> int:
    now = datetime.now(UTC)
    entries = [Entry(url=url, feed_id="bench", feed_url="", seen_at=now) for url in urls]
    return sum(isinstance(result, Page) for result in fetch_pages(entries, settings))


def bare_loop(urls: list[str]) -> int:
    """As few lines as it takes: the same width, no check, no bound, no robots, no row."""

    async def fetch() -> int:
        queues: dict[str, deque[str]] = defaultdict(deque)
        for url in urls:
            queues[host_of(url) or ""].append(url)
        pages = 0

        async def work(session: aiohttp.ClientSession, queue: deque[str]) -> None:
            nonlocal pages
            while queue:
                async with session.get(queue.popleft()) as response:
                    pages += bool(await response.read())

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:
            await asyncio.gather(*(work(session, queue) for queue in queues.values() for _ in range(WIDTH)))
        return pages

    return asyncio.run(fetch())


def by_host(urls: list[str], number: int) -> list[str]:
    """The first `number` addresses of each host."""
    groups: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        groups[host_of(url) or ""].append(url)
    return [url for group in groups.values() for url in group[:number]]


@contextmanager
def servers(pages: int, hosts: int, latency_s: float) -> Iterator[tuple[list[str], list[str]]]:
    """Serve pages and 200 feeds on `hosts` loopback ports from another process; gives the addresses of both."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, pages, hosts, latency_s))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _serve(pipe: Connection, pages: int, hosts: int, latency_s: float) -> None:
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}
    replies = [
        Reply(body=gzip.compress(page, 4), headers=headers, delay_s=latency_s) for page in synthetic_pages(pages)
    ]
    rss = '<rss version="2.0"><channel><title>T</title><item><link>/0</link></item></channel></rss>'
    feed = Reply(body=rss, headers={"ETag": '"1"'}, delay_s=latency_s)
    with ExitStack() as stack:
        sites = [stack.enter_context(serve({})) for _ in range(hosts)]
        for number, reply in enumerate(replies):
            sites[number % hosts].routes[f"/{number}"] = reply
        for number in range(200):
            sites[number % hosts].routes[f"/feed{number}"] = feed
        urls = [site.url(path) for site in sites for path in site.routes if "feed" not in path]
        pipe.send((urls, [site.url(path) for site in sites for path in site.routes if "feed" in path]))
        pipe.recv()


if __name__ == "__main__":
    main()
