"""Continuous operation on the local runner: a loop of bounded runs in one process, so start-up is paid once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import Config
from pipeline.dataset import Dataset
from pipeline.report import Report
from pipeline.run import Options, Progress, run_once
from pipeline.state import FeedMemory
from transforms import interrupt


def stream_runs(config: Config, options: Options, every_s: float, progress: Progress) -> Iterator[Report]:
    """A run every `every_s` seconds, start to start; a turn at which no feed is due is skipped. Yields the reports.

    Ends after the run in which `interrupt.requested` was set, or at once when it is set between runs.
    """
    while not interrupt.requested.is_set():
        started = time.monotonic()
        if any_due(config):
            yield run_once(config, options, progress)
        interrupt.requested.wait(max(0.0, started + every_s - time.monotonic()))


def any_due(config: Config) -> bool:
    """Whether a run would have anything to poll."""
    dataset = Dataset(Path(config.output))
    if not dataset.state.exists():
        return True
    feeds = FeedMemory(dataset)
    try:
        return bool(feeds.ready(config.feeds, datetime.now(UTC)))
    finally:
        feeds.close()
