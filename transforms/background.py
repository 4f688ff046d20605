"""An event loop in a thread of its own, and streams out of it: how synchronous code waits for many things at once."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")

RESOLVER_THREADS = 32  # name look-ups block a thread each; a few dead servers must not hold up the others
ROOM = 64 * 262_144  # weight a stream holds before whoever fills it has to wait


class Stream(Generic[T]):
    """What a coroutine puts in, iterated over in another thread. Filling waits while `ROOM` is taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: queue.SimpleQueue[tuple[T | None, int, BaseException | None, bool]] = queue.SimpleQueue()
        self._put = 0
        self._taken = 0
        self._room = asyncio.Event()
        self._waiting = 0

    async def put(self, item: T, weight: int = 1) -> None:
        """Add an item of `weight` bytes, when there is room."""
        while self._put - self._taken > ROOM:
            self._waiting += 1
            self._room.clear()
            try:
                if self._put - self._taken > ROOM:
                    await self._room.wait()
            finally:
                self._waiting -= 1
        self.put_now(item, weight)

    def put_now(self, item: T, weight: int = 1) -> None:
        """Add an item whether or not there is room."""
        self._put += weight
        self._items.put((item, weight, None, False))

    def end(self, error: BaseException | None) -> None:
        self._items.put((None, 0, error, True))

    def __iter__(self) -> Iterator[T]:
        while True:
            item, weight, error, last = self._items.get()
            if error is not None:
                raise error
            if last:
                return
            self._taken += weight  # only this thread writes it
            if self._waiting:
                self._loop.call_soon_threadsafe(self._room.set)
            yield item  # type: ignore[misc]  # only the last item is None


class BackgroundLoop:
    """A running event loop. It ends with the process."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix=f"{name}-resolver"))
        threading.Thread(target=self.loop.run_forever, name=name, daemon=True).start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def stream(self, fill: Callable[[Stream[T]], Awaitable[None]]) -> Iterator[T]:
        """What `fill` puts into its stream, as it comes. Its exception is raised here; leaving early cancels it."""
        stream: Stream[T] = Stream(self.loop)
        future: Future[None] = asyncio.run_coroutine_threadsafe(_filled(stream, fill), self.loop)
        try:
            yield from stream
        finally:
            future.cancel()


async def _filled(stream: Stream[T], fill: Callable[[Stream[T]], Awaitable[None]]) -> None:
    try:
        await fill(stream)
    except BaseException as error:
        stream.end(error)
        raise
    stream.end(None)
