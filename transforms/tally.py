"""Counts and seconds of the verbs.

Counts are Beam counters, for an engine's own display, with a copy in this process that a progress display reads while a
local pipeline runs; neither is part of a result. Seconds are: they leave a verb as notes, see `transforms.delivery`.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from transforms.schema import Spent

NAMESPACE = "newsbeam"

_lock = threading.Lock()
_live: Counter[str] = Counter()


def count(name: str, n: int = 1) -> None:
    """Add `n` to the counter `name`. Call it only on the thread Beam runs the DoFn on."""
    from apache_beam.metrics.metric import Metrics  # noqa: PLC0415 - whoever counts has Beam; who only reads needs none

    Metrics.counter(NAMESPACE, name).inc(n)
    with _lock:
        _live[name] += n


@dataclass(slots=True)
class Stopwatch:
    """The wall time that a stage takes."""

    stage: str
    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time spent inside."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start

    def note(self) -> Spent:
        """The time so far."""
        return Spent(stage=self.stage, seconds=self.seconds)


def live() -> Counter[str]:
    """What has been counted in this process so far."""
    with _lock:
        return Counter(_live)


def reset_live() -> None:
    with _lock:
        _live.clear()
