"""The local stream over many simulated days: what it holds of memory, files and threads, and whether it keeps time.

    python -m tests.benchmarks.stream_days [--days 7] [--feeds 20]

A real server on loopback, the real loop; only its pauses are skipped. Each feed has an interval of its own between ten
minutes and two hours, and brings a new article now and then. Prints a line a day; what grows with the days is a leak.
"""

import argparse
import gc
import os
import tempfile
import threading
import time
from pathlib import Path

from pipeline.run import Options
from pipeline.stream import stream_runs
from tests.servers import Reply, Request, serve
from tests.test_run import feed, page
from tests.test_stream import Clock, config, open_files, resident_kb
from transforms.schema import Feed

DAY_S = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--feeds", type=int, default=20)
    given = parser.parse_args()
    clock, polls = Clock(given.days * DAY_S), dict.fromkeys((f"/feed-{n}" for n in range(given.feeds)), 0)

    def answer(request: Request) -> Reply:
        polls[request.target] += 1
        story = f"{request.target}/{polls[request.target] // 12}"  # a new one every twelve polls
        site.routes[story] = page(f"Port {story.replace('/', ' ')}")
        return feed([story])

    with tempfile.TemporaryDirectory() as folder, serve({}) as site:
        site.routes |= dict.fromkeys(polls, answer)
        feeds = [
            {"url": site.url(target), "interval_s": 600 + 6_600 * n // max(1, given.feeds - 1)}
            for n, target in enumerate(polls)
        ]
        settings = config(site, Path(folder), *feeds)
        day, runs, stored, started = 0, 0, 0, time.perf_counter()
        print(f"{'day':>4} {'runs':>6} {'stored':>7} {'RSS MB':>7} {'files':>6} {'threads':>8} {'ms a run':>9}")
        for report in stream_runs(settings, Options(now=clock.now), 600, lambda *_: None, wait=clock.wait):
            runs, stored = runs + 1, stored + report.stored
            if clock.skipped_s >= (day + 1) * DAY_S - 3_600:
                day += 1
                gc.collect()
                milliseconds = 1000 * (time.perf_counter() - started) / runs
                print(
                    f"{day:>4} {runs:>6} {stored:>7} {resident_kb() / 1000:>7.0f} {open_files():>6}"
                    f" {threading.active_count():>8} {milliseconds:>9.0f}",
                    flush=True,
                )
        missed = {
            target: expected - polls[target]
            for target, told in zip(polls, settings.feeds, strict=True)
            if polls[target] < (expected := _expected(told, given.days)) * 0.95
        }
        print(f"{sum(polls.values())} polls; more than a twentieth missed: {missed or 'none'}")
    os._exit(0)


def _expected(feed_told: Feed, days: int) -> int:
    return int(days * DAY_S / (feed_told.interval_s or DAY_S))


if __name__ == "__main__":
    main()
