"""What all fetching of a process shares: the event loop, the client with its connections and gates, the robots rules.

Kept from one pipeline to the next, so that politeness holds and connections stay open over the batches of a run.
"""

import asyncio
import atexit
import resource
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import TypeVar

from transforms import interrupt
from transforms.background import BackgroundLoop, Stream
from transforms.http_client import HttpClient
from transforms.robots import MAX_HOSTS, KnownRobots, Robots
from transforms.schema import HttpFetch
from transforms.settings import FetchSettings

T = TypeVar("T")

OPEN_FILES = 8_192
GRACE_S = 3.0  # for requests in flight when the run is to end
_LOOK_S = 0.1  # how often the wish to end is looked at


class Crawler:
    """A client and its robots rules on a loop of their own.

    `rows` are the robots fetches not yet handed on, `learned` what came of them.
    """

    def __init__(self, settings: FetchSettings) -> None:
        _allow_open_files()
        self.settings = settings
        self.rows: deque[HttpFetch] = deque()
        self.learned: deque[KnownRobots] = deque(maxlen=MAX_HOSTS)
        self._background = BackgroundLoop("newsbeam-fetch")
        self.client, self.robots = self._background.call(self._open())

    async def _open(self) -> tuple[HttpClient, Robots]:
        client = HttpClient(self.settings)
        return client, Robots(client, self.rows.append, self.learned.append)

    def stream(self, fill: Callable[[Stream[T]], Awaitable[None]]) -> Iterator[T]:
        """See `BackgroundLoop.stream`."""
        return self._background.stream(fill)

    async def permit(self, url: str) -> None:
        """Raise `Rejected` when robots.txt forbids `url` and robots are respected."""
        if self.settings.respect_robots:
            await self.robots.check(url)

    def shut_out(self, url: str) -> tuple[str, ...]:
        """See `Robots.shut_out`; to be called on the loop."""
        return self.robots.shut_out(url)

    def take_rows(self) -> list[HttpFetch]:
        """The robots rows since the last call."""
        return [self.rows.popleft() for _ in range(len(self.rows))]

    def remember_robots(self, known: Iterable[KnownRobots], now: datetime) -> None:
        """See `Robots.remember`."""

        async def remember() -> None:
            self.robots.remember(known, now)

        self._background.call(remember())

    def take_learned(self) -> list[KnownRobots]:
        """What hosts answered for their robots.txt since the last call, the latest `MAX_HOSTS`."""
        return [self.learned.popleft() for _ in range(len(self.learned))]

    def close(self) -> None:
        self._background.call(self.client.close())


@cache
def shared_crawler(settings: FetchSettings) -> Crawler:
    """The crawler of this process for these settings."""
    crawler = Crawler(settings)
    atexit.register(crawler.close)
    return crawler


def _allow_open_files() -> None:
    """Raise the soft limit of open files: connections are kept open for some seconds, and feeds have many hosts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def run_until_done_or_asked_to_stop(tasks: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Wait for `tasks`; when the run is to end, set `stop`, give them `GRACE_S`, and cancel the rest.

    The first exception of a task is raised after all have ended.
    """
    pending: set[asyncio.Task[None]] = set(tasks)
    left_s = GRACE_S
    while pending:
        _, pending = await asyncio.wait(pending, timeout=_LOOK_S)
        if interrupt.requested.is_set():
            stop.set()
            left_s -= _LOOK_S
            if left_s <= 0:
                for task in pending:
                    task.cancel()
                await asyncio.wait(pending)
                break
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
