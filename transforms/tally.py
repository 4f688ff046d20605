"""Counts and seconds of the verbs: Beam counters for the books, and a copy in this process for the live display.

Beam's counters travel back from any runner; the process-wide copy is what a progress display can read while a
local pipeline runs. The copy is never part of a result.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

NAMESPACE = "newsbeam"

_lock = threading.Lock()
_live: Counter[str] = Counter()


def count(name: str, n: int = 1) -> None:
    """Add `n` to the counter `name`. Call it only on the thread Beam runs the DoFn on."""
    from apache_beam.metrics.metric import Metrics  # noqa: PLC0415 - whoever counts has Beam; who only reads needs none

    Metrics.counter(NAMESPACE, name).inc(n)
    with _lock:
        _live[name] += n


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Add the wall time spent inside to the counter `<stage>-usec`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        count(f"{stage}-usec", round((time.perf_counter() - start) * 1e6))


def live() -> Counter[str]:
    """What has been counted in this process so far."""
    with _lock:
        return Counter(_live)


def reset_live() -> None:
    with _lock:
        _live.clear()
