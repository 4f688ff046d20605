"""Children that hang, die or fail cost their own task and nothing else."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from pebble import ProcessExpired

from transforms.workers import Workers, shared_workers


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(2)
    pool.submit(60, abs, -1).result()
    yield pool
    pool.close()


def test_a_task_over_its_deadline_is_killed_and_the_next_is_done(workers: Workers) -> None:
    hanging = workers.submit(0.3, time.sleep, 60)
    done = [workers.submit(20, abs, -n) for n in range(20)]
    with pytest.raises(TimeoutError):
        hanging.result(timeout=10)
    assert [future.result(timeout=20) for future in done] == list(range(20))


def test_a_child_that_dies_is_told_apart_and_replaced(workers: Workers) -> None:
    with pytest.raises(ProcessExpired):
        workers.submit(20, os._exit, 3).result(timeout=20)
    assert workers.submit(20, abs, -7).result(timeout=20) == 7


def test_an_exception_of_a_task_comes_back(workers: Workers) -> None:
    with pytest.raises(ZeroDivisionError):
        workers.submit(20, divmod, 1, 0).result(timeout=20)


class NeedsTwoError(Exception):
    """Cannot be made again from what `Exception` keeps of it."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)


def _raise_what_cannot_be_unpickled() -> None:
    raise NeedsTwoError(1, 2)


def _return_what_cannot_be_unpickled() -> NeedsTwoError:
    return NeedsTwoError(1, 2)


def test_an_exception_that_cannot_cross_comes_back_as_one_that_can(workers: Workers) -> None:
    with pytest.raises(RuntimeError, match="NeedsTwoError: 1"):
        workers.submit(20, _raise_what_cannot_be_unpickled).result(timeout=20)
    assert workers.submit(20, abs, -7).result(timeout=20) == 7


def test_a_pool_that_breaks_is_replaced(workers: Workers) -> None:
    with pytest.raises(BrokenProcessPool):
        workers.submit(20, _return_what_cannot_be_unpickled).result(timeout=20)
    assert workers.submit(20, abs, -7).result(timeout=20) == 7


def test_a_child_has_its_parsers_and_models_loaded_and_neither_beam_nor_arrow(workers: Workers) -> None:
    loaded = workers.submit(20, _loaded).result(timeout=20)
    assert loaded == {"trafilatura": True, "transforms.feeds": True, "apache_beam": False, "pyarrow": False}


def _loaded() -> dict[str, bool]:
    import sys

    return {name: name in sys.modules for name in ("trafilatura", "transforms.feeds", "apache_beam", "pyarrow")}


def test_a_child_may_not_take_all_the_memory(workers: Workers) -> None:
    with pytest.raises(MemoryError):
        workers.submit(20, bytearray, 4_000_000_000).result(timeout=20)


def test_threads_that_ask_at_once_share_a_pool() -> None:
    with ThreadPoolExecutor(8) as threads:
        pools = {id(pool) for pool in threads.map(shared_workers, [3] * 8)}
    assert len(pools) == 1
