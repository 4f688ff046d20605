"""robots.txt by RFC 9309: fetched once a host and day, by whoever asks first; all others wait for the same answer.

2xx: the rules count (the first 500 KB of them). 4xx: there are none. 5xx, 429 and what cannot be read in time: nothing
may be fetched ("robots-unreachable"). When the host itself cannot or may not be reached, that is the reason.

What hosts answered goes out as `KnownRobots` and comes in again by `Robots.remember`, so that a later process need not
ask. A host that was not reached is asked by every process anew.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from protego import Protego

from transforms import opt_outs
from transforms.answers import Exchange
from transforms.http_client import HttpClient
from transforms.reject import Rejected
from transforms.request_urls import host_of
from transforms.schema import HttpFetch

DAY_S = 86_400.0
RETRY_S = 600.0  # what could not be read is asked for again after so long
MAX_HOSTS = 2_000
MAX_KNOWN_BYTES = 65_536  # a longer robots.txt is asked for again by the next process; few are
MAX_CRAWL_DELAY_S = 10.0
MAX_RULES = 200_000  # times the agents they are for
MAX_CACHED_LINES = 400_000  # of all hosts together, at about half a kilobyte each
_MAX_LINE_CHARS = 2_000
_AGENT_LINE = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:|\s)([^#]*)", re.IGNORECASE)
_RULE_LINE = re.compile(r"\s*(?:[^\s:#][^:#]*:|(?:dis+al+[oa]w|diasllow|allow|crawl|request|visit)\b)", re.IGNORECASE)
_SITE_WIDE = re.compile(r"\s*(?:sitemaps?|site-map|host)\s*:", re.IGNORECASE)
_HOST_UNREACHABLE = frozenset({"dns", "connect", "tls", "blocked-address", "bad-url"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a host allows: rules, or why they are unknown (then nothing), or neither (then everything).

    `crawl_delay_s` is the least time between request starts that the host asks for.
    """

    rules: Protego | None = None
    unknown: Rejected | None = None
    crawl_delay_s: float = 0.0
    ai_agents: tuple[str, ...] = ()  # that have a group of their own
    lines: int = 0  # what the rules take, as lines of text

    def check(self, url: str, user_agent: str) -> None:
        """Raise `Rejected` when `url` may not be fetched."""
        if self.unknown is not None:
            raise Rejected(self.unknown.reason, self.unknown.detail, http_status=self.unknown.http_status)
        if self.rules is not None and not self.rules.can_fetch(url, user_agent):
            raise Rejected("robots-disallowed")

    def shut_out(self, url: str) -> tuple[str, ...]:
        """The AI agents with groups of their own that may not fetch `url`."""
        rules = self.rules
        return () if rules is None else tuple(agent for agent in self.ai_agents if not rules.can_fetch(url, agent))


def parse_robots(body: bytes, user_agent: str) -> Rules:
    """The rules of a robots.txt, whatever its bytes are. Only groups for `user_agent`, for all, and, unless that is too
    much, for AI agents are read: each rule costs time and memory for each agent it is for."""
    text = body.decode("utf-8-sig", "replace")
    lines = [line for line in text.splitlines() if len(line) <= _MAX_LINE_CHARS]
    ai_agents = opt_outs.named_agents("\n".join(lines))
    groups = _groups_for(lines, user_agent, ai_agents)
    if groups.cost > MAX_RULES:
        ai_agents = ()
        groups = _groups_for(lines, user_agent, ai_agents)
    if groups.cost > MAX_RULES:
        return Rules(unknown=Rejected("robots-unreachable", "more rules than can be read"))
    try:
        rules = Protego.parse("\n".join(groups.lines))
        delay_s = rules.crawl_delay(user_agent) or 0.0
    except Exception as error:
        return Rules(unknown=Rejected("robots-unreachable", f"cannot be read: {type(error).__name__}"))
    return Rules(
        rules=rules,
        crawl_delay_s=min(max(0.0, delay_s), MAX_CRAWL_DELAY_S),
        ai_agents=ai_agents,
        lines=len(groups.lines),
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """The lines of some groups. `cost` is at least the number of rules times the agents they are for."""

    lines: list[str]
    cost: int


def _groups_for(lines: Iterable[str], user_agent: str, others: Iterable[str]) -> _Groups:
    """The groups of `lines` that are for `user_agent`, for all or for one of `others`, each with these agents alone."""
    ours, named = user_agent.lower(), {other.lower() for other in others}
    kept: list[str] = []
    agents: set[str] = set()
    in_head = wanted = False
    for line in lines:
        if found := _AGENT_LINE.match(line):
            name = found[1].strip().lower()
            wanted = wanted and in_head
            in_head = True
            if name.replace("*", "") in ours or name in named:
                agents.add(name)
                kept.append(line)
                wanted = True
        elif _RULE_LINE.match(line) and not _SITE_WIDE.match(line):
            in_head = False
            if wanted:
                kept.append(line)
    return _Groups(kept, len(kept) * len(agents))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRobots:
    """What an origin answered when it was asked for its robots.txt. `failure` says why its rules are unknown.

    `body` is empty where there are no rules.
    """

    origin: str
    fetched_at: datetime
    body: bytes = b""
    failure: str | None = None
    http_status: int | None = None

    @property
    def good_for_s(self) -> float:
        return DAY_S if self.failure is None else RETRY_S

    def rules(self, user_agent: str) -> Rules:
        if self.failure is not None:
            return Rules(unknown=Rejected("robots-unreachable", self.failure, http_status=self.http_status))
        return parse_robots(self.body, user_agent)


class Robots:
    """The rules of all hosts, cached. Belongs to the event loop of its client."""

    def __init__(
        self, client: HttpClient, record: Callable[[HttpFetch], None], learn: Callable[[KnownRobots], None]
    ) -> None:
        """`record` gets the row of each robots.txt that was fetched, `learn` what is worth keeping of the answer."""
        self._client = client
        self._record = record
        self._learn = learn
        self._user_agent = client.settings.user_agent
        self._cached: OrderedDict[str, tuple[float, asyncio.Task[Rules]]] = OrderedDict()
        self._remembered: dict[str, tuple[float, KnownRobots]] = {}  # not needed yet, so not parsed yet

    def remember(self, known: Iterable[KnownRobots], now: datetime) -> None:
        """Take answers of an earlier process as if they had come to this one, each for what is left of its time.

        What this process was answered itself goes before. Answers of the future are left out: the clock was set back.
        """
        loop_now = asyncio.get_running_loop().time()
        ages_s = ((answer, (now - answer.fetched_at).total_seconds()) for answer in known)
        self._remembered = {
            answer.origin: (loop_now - age_s, answer)
            for answer, age_s in ages_s
            if age_s >= 0 and answer.origin not in self._cached
        }

    async def check(self, url: str) -> None:
        """Raise `Rejected` when the robots.txt of its host keeps `url` from being fetched."""
        rules = await self._rules(url)
        if rules.crawl_delay_s:
            self._client.gates[host_of(url) or ""].slow_down(rules.crawl_delay_s)
        rules.check(url, self._user_agent)

    def shut_out(self, url: str) -> tuple[str, ...]:
        """The AI agents that the robots.txt of its host keeps from `url`, as far as it was read for a request to it."""
        _, task = self._cached.get(_origin(url), (0.0, None))
        return task.result().shut_out(url) if task is not None and _is_known(task) else ()

    async def _rules(self, url: str) -> Rules:
        origin = _origin(url)
        now = asyncio.get_running_loop().time()
        fetched_at, task = self._cached.get(origin, (0.0, None))
        if task is None or _stale(task, now - fetched_at):
            fetched_at, answer = self._remembered.pop(origin, (0.0, None))
            if answer is None or now - fetched_at > answer.good_for_s:
                fetched_at, answer = now, None
            task = asyncio.create_task(self._fetch(origin) if answer is None else self._recall(answer))
            self._cached[origin] = (fetched_at, task)
            self._forget_some()
        return await asyncio.shield(task)

    def _forget_some(self) -> None:
        """Forget the rules known longest when there are too many."""
        lines = sum(_lines(task) for _, task in self._cached.values())
        while len(self._cached) > MAX_HOSTS or (lines > MAX_CACHED_LINES and len(self._cached) > 1):
            _, (_, task) = self._cached.popitem(last=False)
            lines -= _lines(task)

    async def _recall(self, answer: KnownRobots) -> Rules:
        return answer.rules(self._user_agent)

    async def _fetch(self, origin: str) -> Rules:
        """What the host says. What did not come in time is asked for once more: the fault may have been our own, of a
        process that got no time, and a feed would wait for its next poll."""
        exchange = await self._ask(origin)
        if exchange.rejected is not None and exchange.rejected.reason == "timeout":
            exchange = await self._ask(origin)
        if exchange.rejected is not None and exchange.rejected.reason in _HOST_UNREACHABLE:
            return Rules(unknown=exchange.rejected)
        answer = _read(origin, exchange)
        if exchange.row.http_status is not None and len(answer.body) <= MAX_KNOWN_BYTES:
            self._learn(answer)
        return answer.rules(self._user_agent)

    async def _ask(self, origin: str) -> Exchange:
        async with self._client.get(f"{origin}/robots.txt", kind="robots") as exchange:
            self._record(exchange.row)
            return exchange


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{host_of(url)}"


def _is_known(task: asyncio.Task[Rules]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _lines(task: asyncio.Task[Rules]) -> int:
    return task.result().lines if _is_known(task) else 0


def _stale(task: asyncio.Task[Rules], age_s: float) -> bool:
    if not task.done():
        return False
    if task.cancelled() or task.exception():
        return True
    return age_s > (DAY_S if task.result().unknown is None else RETRY_S)


def _read(origin: str, exchange: Exchange) -> KnownRobots:
    """What the answer of a host that was reached says."""
    rejected, fetched_at = exchange.rejected, exchange.row.fetched_at
    if rejected is None:
        return KnownRobots(origin=origin, fetched_at=fetched_at, body=exchange.answer.body if exchange.answer else b"")
    status = rejected.http_status
    if status is not None and 400 <= status < 500 and status != 429:
        return KnownRobots(origin=origin, fetched_at=fetched_at)
    return KnownRobots(
        origin=origin,
        fetched_at=fetched_at,
        failure=f"{rejected.reason}: {rejected.detail}",
        http_status=status,
    )
