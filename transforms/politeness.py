"""How often hosts are asked: a bound on open connections, of each host and in all, and for each host one on the rate of
request starts."""

import asyncio
from collections import OrderedDict
from types import TracebackType

MAX_GATES = 10_000


class HostGate:
    """An asynchronous context manager: inside it one connection to the host may be used.

    At most `connections` callers are inside at once, each has one of the places `in_all`, and each enters at least
    `delay_s` after the one before.
    """

    def __init__(self, connections: int, delay_s: float, in_all: asyncio.Semaphore) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._in_all = in_all
        self._starting = asyncio.Lock()
        self.delay_s = delay_s
        self._next_start = 0.0

    async def __aenter__(self) -> None:
        await self._slots.acquire()
        try:
            async with self._starting:  # one by one: those who waited for a place, or for the loop, don't go at once
                loop = asyncio.get_running_loop()
                while (wait_s := self._next_start - loop.time()) > 0:  # noqa: ASYNC110 - a pause may put it off
                    await asyncio.sleep(wait_s)
                await self._in_all.acquire()
                self._next_start = max(self._next_start, loop.time() + self.delay_s)
        except BaseException:
            self._slots.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_all.release()
        self._slots.release()

    def pause(self, seconds: float) -> None:
        """Let nobody start for so long."""
        self._next_start = max(self._next_start, asyncio.get_running_loop().time() + seconds)

    def slow_down(self, delay_s: float) -> None:
        """Keep at least `delay_s` between starts from now on (Crawl-delay)."""
        self.delay_s = max(self.delay_s, delay_s)


class HostGates:
    """The gates by host and port, and `in_all` places for all hosts together. Gates least recently asked for are
    forgotten beyond `MAX_GATES`."""

    def __init__(self, connections: int, delay_s: float, in_all: int) -> None:
        self._connections = connections
        self._delay_s = delay_s
        self._in_all = asyncio.Semaphore(in_all)
        self._gates: OrderedDict[str, HostGate] = OrderedDict()

    def __getitem__(self, host: str) -> HostGate:
        gate = self._gates.get(host)
        if gate is None:
            gate = self._gates[host] = HostGate(self._connections, self._delay_s, self._in_all)
            if len(self._gates) > MAX_GATES:
                self._gates.popitem(last=False)
        else:
            self._gates.move_to_end(host)
        return gate
