"""Continuous operation on the local runner: a loop of bounded runs in one process, so start-up is paid once.

The loop sleeps until the next feed is due. A feed that is due while others will be within half a minute waits for them,
so that many feeds do not make many small files; it never waits for more than a tenth of an `interval_s` in the config.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pipeline import metrics
from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.durations import short
from pipeline.errors import DatasetLockedError
from pipeline.report import Report
from pipeline.run import Options, Progress, run_once
from pipeline.state import feed_states
from pipeline.systemd import Service
from transforms import interrupt
from transforms.polling import due, next_poll

GATHER_S = 30.0  # the longest that a feed waits for others
GATHER_SHARE = 0.1  # of the shortest interval in the config


def stream_runs(
    config: Config,
    options: Options,
    every_s: float,
    progress: Progress,
    *,
    service: Service | None = None,
    wait: Callable[[float], object] = interrupt.requested.wait,
) -> Iterator[Report]:
    """A run whenever feeds are due; the loop looks again after `every_s` seconds at the latest. Yields the reports.

    Ends after the run in which `interrupt.requested` was set, or at once when it is set between runs. Another writer
    that holds the dataset is waited for, but not at the first turn. `options.now` and `wait` are the loop's clock.
    """
    intervals = [feed.interval_s for feed in config.feeds if feed.interval_s is not None]
    gather = timedelta(seconds=min(GATHER_S, GATHER_SHARE * min(intervals, default=every_s), every_s))
    service = service or Service({})
    service.ready()
    first = True
    while not interrupt.requested.is_set():
        started_at = options.now()
        status = "no feed was due"
        if any(at <= started_at for at in due_times(config, started_at)):
            try:
                report = run_once(config, options, _watched(progress, service))
            except DatasetLockedError as error:
                if first:
                    raise
                status = f"waiting: {error}"
                print(f"newsbeam: {error}; trying again", file=sys.stderr, flush=True)
            else:
                status = f"{report.stored:,} articles stored, {report.feeds_failed:,} feeds failed"
                yield report
        first = False
        wake_at = _wake_at(config, options.now(), gather, not_before=started_at + gather, every_s=every_s)
        pause_s = max(0.0, (wake_at - options.now()).total_seconds())
        metrics.tell_turn(config, options.now(), wake_at)
        service.waiting(f"{status}; looking again in {short(timedelta(seconds=pause_s))}")
        wait(pause_s)


def _wake_at(config: Config, now: datetime, gather: timedelta, *, not_before: datetime, every_s: float) -> datetime:
    """When to look again: with the last of the feeds that are due soon after the next one."""
    times = due_times(config, now)
    if times and times[0] <= now:
        return max(now, not_before)
    latest_at = now + timedelta(seconds=every_s)
    return min(max((at for at in times if at <= times[0] + gather), default=latest_at), latest_at)


def due_times(config: Config, now: datetime) -> list[datetime]:
    """When each feed may be polled, soonest first; `now` for those that are due. Feeds gone for good are left out."""
    dataset = Dataset(Path(config.output))
    known = feed_states(dataset) if dataset.state.exists() else {}
    times = []
    for feed in config.feeds:
        state = known.get(feed.url)
        if due(state, now, feed.interval_s):
            times.append(now)
        elif state is not None and not state.gone:
            times.append(next_poll(state, feed.interval_s))
    return sorted(times)


def _watched(progress: Progress, service: Service) -> Progress:
    def told(phase: str, report: Report, to_do: int) -> None:
        service.working()
        progress(phase, report, to_do)

    return told
