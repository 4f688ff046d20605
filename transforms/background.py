"""An event loop in a thread of its own, and streams out of it: how synchronous code waits for many things at once."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

RESOLVER_THREADS = 32  # name look-ups block a thread each; a few dead servers must not hold up the others
TRAVEL_S = 0.002  # how long items are gathered before they are handed over together
ROOM = 64 * 262_144  # weight a stream holds before whoever fills it has to wait


@dataclass(slots=True)
class _Load:
    """Items that travel together: waking the other thread for each would cost more than fetching it."""

    items: list[Any] = field(default_factory=list)
    weight: int = 0
    last: bool = False
    error: BaseException | None = None


class Stream(Generic[T]):
    """What a coroutine puts in, iterated over in another thread. Filling waits while `ROOM` is taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._loads: queue.SimpleQueue[_Load] = queue.SimpleQueue()
        self._next: _Load | None = None
        self._put = 0
        self._taken = 0
        self._room = asyncio.Event()
        self._waiting = 0
        self._full_since = 0.0
        self._full_s = 0.0

    async def put(self, item: T, weight: int = 1) -> None:
        """Add an item of `weight` bytes, when there is room."""
        while self._put - self._taken > ROOM:
            await self._wait_for_room()
        self.put_now(item, weight)

    def full_s(self) -> float:
        """How long somebody has had to wait for room so far."""
        return self._full_s + (self._loop.time() - self._full_since if self._waiting else 0.0)

    async def _wait_for_room(self) -> None:
        if not self._waiting:
            self._full_since = self._loop.time()
        self._waiting += 1
        self._room.clear()
        try:
            if self._put - self._taken > ROOM:  # the other thread may have taken something before it saw us wait
                await self._room.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._full_s += self._loop.time() - self._full_since

    def put_now(self, item: T, weight: int = 1) -> None:
        """Add an item whether or not there is room."""
        if self._next is None:
            self._next = _Load()
            self._loop.call_later(TRAVEL_S, self._send)
        self._next.items.append(item)
        self._next.weight += weight
        self._put += weight

    def end(self, error: BaseException | None) -> None:
        self._send()
        self._loads.put(_Load(last=True, error=error))

    def _send(self) -> None:
        if self._next is not None:
            self._loads.put(self._next)
            self._next = None

    def __iter__(self) -> Iterator[T]:
        while True:
            load = self._loads.get()
            if load.error is not None:
                raise load.error
            if load.last:
                return
            yield from load.items
            self._taken += load.weight  # only this thread writes it
            if self._waiting:
                self._loop.call_soon_threadsafe(self._room.set)


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
