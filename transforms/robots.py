"""robots.txt by RFC 9309: fetched once a host and day, by whoever asks first; all others wait for the same answer.

2xx: the rules count (the first 500 KB of them). 4xx: there are none. 5xx, 429 and what cannot be read in time: nothing
may be fetched ("robots-unreachable"). When the host itself cannot or may not be reached, that is the reason.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from transforms.http_client import Exchange, HttpClient
from transforms.reject import Rejected
from transforms.request_urls import host_of
from transforms.schema import HttpFetch

DAY_S = 86_400.0
RETRY_S = 600.0  # what could not be read is asked for again after so long
MAX_HOSTS = 2_000
MAX_CRAWL_DELAY_S = 10.0
_MAX_LINE_CHARS = 2_000
_HOST_UNREACHABLE = frozenset({"dns", "connect", "tls", "blocked-address", "bad-url"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a host allows: rules, or why they are unknown (then nothing), or neither (then everything).

    `crawl_delay_s` is the least time between request starts that the host asks for.
    """

    rules: Protego | None = None
    unknown: Rejected | None = None
    crawl_delay_s: float = 0.0

    def check(self, url: str, user_agent: str) -> None:
        """Raise `Rejected` when `url` may not be fetched."""
        if self.unknown is not None:
            raise Rejected(self.unknown.reason, self.unknown.detail, http_status=self.unknown.http_status)
        if self.rules is not None and not self.rules.can_fetch(url, user_agent):
            raise Rejected("robots-disallowed")


def parse_robots(body: bytes, user_agent: str) -> Rules:
    """The rules of a robots.txt, whatever its bytes are."""
    text = body.decode("utf-8-sig", "replace")
    text = "\n".join(line for line in text.splitlines() if len(line) <= _MAX_LINE_CHARS)
    try:
        rules = Protego.parse(text)
        delay_s = rules.crawl_delay(user_agent) or 0.0
    except Exception as error:
        return Rules(unknown=Rejected("robots-unreachable", f"cannot be read: {type(error).__name__}"))
    return Rules(rules=rules, crawl_delay_s=min(max(0.0, delay_s), MAX_CRAWL_DELAY_S))


class Robots:
    """The rules of all hosts, cached. Belongs to the event loop of its client."""

    def __init__(self, client: HttpClient, record: Callable[[HttpFetch], None]) -> None:
        """`record` gets the row of each robots.txt that was fetched."""
        self._client = client
        self._record = record
        self._user_agent = client.settings.user_agent
        self._cached: OrderedDict[str, tuple[float, asyncio.Task[Rules]]] = OrderedDict()

    async def check(self, url: str) -> None:
        """Raise `Rejected` when the robots.txt of its host keeps `url` from being fetched."""
        rules = await self._rules(url)
        if rules.crawl_delay_s:
            self._client.gates[host_of(url) or ""].slow_down(rules.crawl_delay_s)
        rules.check(url, self._user_agent)

    async def _rules(self, url: str) -> Rules:
        origin = f"{urlsplit(url).scheme}://{host_of(url)}"
        now = asyncio.get_running_loop().time()
        fetched_at, task = self._cached.get(origin, (0.0, None))
        if task is None or _stale(task, now - fetched_at):
            task = asyncio.create_task(self._fetch(origin))
            self._cached[origin] = (now, task)
            if len(self._cached) > MAX_HOSTS:
                self._cached.popitem(last=False)
        return await asyncio.shield(task)

    async def _fetch(self, origin: str) -> Rules:
        async with self._client.get(f"{origin}/robots.txt", kind="robots") as exchange:
            self._record(exchange.row)
            return _read(exchange, self._user_agent)


def _stale(task: asyncio.Task[Rules], age_s: float) -> bool:
    if not task.done():
        return False
    if task.cancelled() or task.exception():
        return True
    return age_s > (DAY_S if task.result().unknown is None else RETRY_S)


def _read(exchange: Exchange, user_agent: str) -> Rules:
    rejected, answer = exchange.rejected, exchange.answer
    if answer is not None:
        return parse_robots(answer.body, user_agent)
    assert rejected is not None  # noqa: S101 - an exchange has one of the two
    if rejected.reason in _HOST_UNREACHABLE:
        return Rules(unknown=rejected)
    status = rejected.http_status or 0
    if 400 <= status < 500 and status != 429:
        return Rules()
    return Rules(
        unknown=Rejected("robots-unreachable", f"{rejected.reason}: {rejected.detail}", http_status=status or None)
    )
