"""Child processes that can be killed: parsing and extraction of foreign bytes happen here, with a deadline a task.

A pool is started once a process and kept over pipelines. Children are forked from a clean server process that has
only imported what they need (never Beam), so a child that was killed is replaced in milliseconds.
"""

import multiprocessing
import os
import pickle
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cache
from typing import Any, Generic, ParamSpec, TypeVar

from pebble import ProcessPool

_P = ParamSpec("_P")
_T = TypeVar("_T")
_K = TypeVar("_K")

PRELOAD = ["transforms.child"]
CHILD_MEMORY_BYTES = 2_000_000_000
WARM_TIMEOUT_S = 60.0
TASKS_PER_CHILD = 2_000  # bounds what a leak in a parser can cost


class Workers:
    """`processes` children; 0 means one a core. A task over its deadline has its child killed, and only that one."""

    def __init__(self, processes: int = 0) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._renewing = threading.Lock()
        self._pool = self._new_pool()

    def submit(self, timeout_s: float, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run `function` in a child. The future raises `TimeoutError` past the deadline and
        `pebble.ProcessExpired` when the child died; `function` must be importable by name.

        The first call waits for the children to be started; see `start`.
        """
        pool = self._pool
        try:
            return self._scheduled(pool, timeout_s, function, args, kwargs)
        except RuntimeError:  # the pool is broken, as when the machine had no room for another child
            self._renew(pool)
            return self._scheduled(self._pool, timeout_s, function, args, kwargs)

    def start(self) -> None:
        """Start the children unless they run. Returns when no task has to wait for that any more."""
        self.submit(WARM_TIMEOUT_S, int)

    def warm(self) -> None:
        """Start the children and let them load what their first page would wait for."""
        for _ in range(self.processes):
            self.submit(WARM_TIMEOUT_S, _warm)

    def close(self) -> None:
        """Kill the children at once."""
        self._pool.stop()
        self._pool.join()

    def _scheduled(
        self, pool: ProcessPool, timeout_s: float, function: Callable[..., _T], args: Any, kwargs: Any
    ) -> Future[_T]:
        future: Future[_T] = pool.schedule(_called, args=(function, args, kwargs), timeout=timeout_s)
        return future

    def _renew(self, broken: ProcessPool) -> None:
        """A new pool in place of one that is broken; what it had in hand has failed already."""
        with self._renewing:
            if self._pool is broken:
                self._pool = self._new_pool()
                broken.stop()
                broken.join()

    def _new_pool(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        return ProcessPool(
            max_workers=self.processes, max_tasks=TASKS_PER_CHILD, initializer=_limit_memory, context=context
        )


class InFlight(Generic[_K, _T]):
    """Futures and what each is for, `most` at a time: what keeps children busy without piling up work for them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._waiting: deque[tuple[_K, Future[_T]]] = deque()

    def add(self, what: _K, future: Future[_T]) -> None:
        self._waiting.append((what, future))

    def done(self) -> Iterator[tuple[_K, Future[_T]]]:
        """Those that have finished, after waiting until at most `most` are left."""
        yield from self._taken(self.most)

    def rest(self) -> Iterator[tuple[_K, Future[_T]]]:
        """All that are left, as they finish."""
        yield from self._taken(0)

    def _taken(self, most_left: int) -> Iterator[tuple[_K, Future[_T]]]:
        while True:
            for _ in range(len(self._waiting)):
                what, future = self._waiting.popleft()
                if future.done():
                    yield what, future
                else:
                    self._waiting.append((what, future))
            if len(self._waiting) <= most_left:
                return
            wait([future for _, future in self._waiting], return_when=FIRST_COMPLETED)


def shared_workers(processes: int = 0) -> Workers:
    """The pool of this process, started at first use and kept over pipelines. Threads that ask at once get the same:
    a second pool would keep its children to the end."""
    with _one_at_a_time:
        return _kept(processes)


_one_at_a_time = threading.Lock()


@cache
def _kept(processes: int) -> Workers:
    return Workers(processes)


def _called(function: Callable[..., _T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _T:
    """The task itself, in the child. An exception that cannot be unpickled would break the pool for all others."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
        except Exception:
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise


def _warm() -> None:
    import transforms.child  # noqa: F401, PLC0415 - in the child alone


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES))
