"""robots.txt: what it allows, and when it is asked for."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from tests.servers import Reply, Route, html, serve
from transforms.http_client import HttpClient
from transforms.opt_outs import AI_AGENTS, named_agents
from transforms.reject import Rejected
from transforms.robots import DAY_S, MAX_KNOWN_BYTES, RETRY_S, KnownRobots, Robots, parse_robots
from transforms.schema import HttpFetch
from transforms.settings import FetchSettings

AGENT = "newsbeam/0.1"
LINES = [
    *(
        f"{field}{name}"
        for field in ("User-agent: ", "useragent:", "User agent ")
        for name in ("*", "newsbeam", "CCBot", "a", "")
    ),
    *(f"{field}{path}" for field in ("Disallow: ", "allow:", "Dissallow ") for path in ("/", "/a", "/*x", "")),
    *("", "# a", "Sitemap: https://a.example/s", "Host: a", "words", "words: ", "<p>", "Crawl-delay: 3", "NEWSBEAM: a"),
]


def allowed(text: str, path: str) -> bool:
    try:
        parse_robots(text.encode(), AGENT).check(f"https://a.example{path}", AGENT)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("User-agent: *\nDisallow: /private/", "/private/a", False),
        ("User-agent: *\nDisallow: /private/", "/public", True),
        ("User-agent: *\nDisallow: /\nAllow: /news/", "/news/a", True),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: other\nDisallow: /\n\nUser-agent: newsbeam\nDisallow: /b", "/b/c", False),
        ("User-agent: newsbeam\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", True),
        ("\ufeffUser-agent: *\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("<html>not found</html>", "/a", True),
        ("User-agent: *\nDisallow: /" + "*a" * 5000, "/" + "a" * 5000, True),
    ],
)
def test_rules_are_read_as_rfc_9309_says(text: str, path: str, expected: bool) -> None:
    assert allowed(text, path) is expected


AGENTS = "".join(f"User-agent: agent{n}\n" for n in range(3_000))
SAME_AGENTS = "".join(f"User-agent: agent{n % 15_000}\n" for n in range(30_000))
RULES = "".join(f"Allow: /{n}\n" for n in range(30_000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (AGENTS + RULES + "User-agent: *\nDisallow: /a", False),
        (SAME_AGENTS + "Disallow: /\nUser-agent: newsbeam\nDisallow: /a", False),
        (AGENTS + "User-agent: *\n" + RULES + "Disallow: /a", False),
        ("".join(f"User-agent: {name}\n" for name in (*AI_AGENTS, "*")) + RULES + "Disallow: /a", False),
        ("\n" * 500_000 + "User-agent: *\nDisallow: /a", False),
        ("User-agent: *\n" + "Disallow: /*x*y*z$\n" * 20_000, True),
    ],
    ids=["many agents", "agents again", "agents and all", "AI agents", "no lines", "patterns"],
)
def test_a_robots_txt_made_to_cost_time_is_read_soon(text: str, expected: bool) -> None:
    start = time.process_time()
    assert allowed(text, "/a") is expected
    assert time.process_time() - start < 5


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_the_groups_that_are_left_out_change_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    rules, whole = parse_robots(text.encode(), "newsbeam/0.1"), Protego.parse(text)
    for path in ("/", "/a", "/a/b", "/x"):
        url = f"https://a.example{path}"
        assert allowed(text, path) is whole.can_fetch(url, "newsbeam/0.1")
        assert rules.shut_out(url) == tuple(name for name in named_agents(text) if not whole.can_fetch(url, name))
    assert rules.crawl_delay_s == (whole.crawl_delay("newsbeam/0.1") or 0)


def ask(
    routes: dict[str, Route],
    use: Callable[[Robots, str], Coroutine[Any, Any, None]],
    learned: list[KnownRobots] | None = None,
) -> tuple[list[str], list[HttpFetch]]:
    rows: list[HttpFetch] = []
    learn = (learned if learned is not None else []).append
    with serve(routes) as site:

        async def run() -> None:
            client = HttpClient(FetchSettings(allow_hosts=(site.host,), retries=0, per_host_delay_s=0, timeout_s=1))
            try:
                await use(Robots(client, rows.append, learn), site.base)
            finally:
                await client.close()

        asyncio.run(run())
        return [request.target for request in site.requests], rows


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=404), None),
        (Reply(status=403), None),
        (Reply(status=503), "robots-unreachable"),
        (Reply(status=429), "robots-unreachable"),
        (Reply(delay_s=3), "robots-unreachable"),
        (Reply(body="User-agent: *\nDisallow: /"), "robots-disallowed"),
        (Reply(body="User-agent: *\nDisallow: /\n" + "#" * 600_000), "robots-disallowed"),
        (html("<p>no rules"), None),
    ],
)
def test_what_a_host_answers_decides(reply: Reply, reason: str | None) -> None:
    found: list[str | None] = []

    async def use(robots: Robots, base: str) -> None:
        found.append(await verdict(robots, base))

    ask({"/robots.txt": reply}, use)
    assert found == [reason]


def test_what_did_not_come_in_time_is_asked_for_once_more() -> None:
    replies = iter([Reply(delay_s=3), Reply(body="User-agent: *\nDisallow: /private")])
    found: list[str | None] = []

    async def use(robots: Robots, base: str) -> None:
        found.append(await verdict(robots, base))

    asked, rows = ask({"/robots.txt": lambda _: next(replies)}, use)
    assert found == [None]
    assert asked == ["/robots.txt", "/robots.txt"]
    assert [row.outcome for row in rows] == ["timeout", "ok"]


def test_a_host_is_asked_once_for_all_its_pages_and_the_row_is_kept() -> None:
    async def use(robots: Robots, base: str) -> None:
        await asyncio.gather(*(robots.check(f"{base}/{n}") for n in range(20)))
        await robots.check(f"{base}/later")

    asked, rows = ask({"/robots.txt": Reply(body="User-agent: *\nDisallow: /private")}, use)
    assert asked == ["/robots.txt"]
    assert [(row.kind, row.outcome) for row in rows] == [("robots", "ok")]


def test_a_crawl_delay_slows_the_host_down_within_reason() -> None:
    assert parse_robots(b"User-agent: *\nCrawl-delay: 2\n", AGENT).crawl_delay_s == 2
    assert parse_robots(b"User-agent: *\nCrawl-delay: 99999\n", AGENT).crawl_delay_s == 10


@pytest.mark.parametrize(
    ("reply", "reason", "good_for_s"),
    [
        (Reply(body="User-agent: *\nDisallow: /page"), "robots-disallowed", DAY_S),
        (Reply(body="User-agent: *\nDisallow: /other"), None, DAY_S),
        (Reply(status=404), None, DAY_S),
        (Reply(status=503), "robots-unreachable", RETRY_S),
    ],
)
def test_an_answer_holds_in_a_later_process_for_what_is_left_of_its_time(
    reply: Reply, reason: str | None, good_for_s: float
) -> None:
    async def use(robots: Robots, base: str) -> None:
        assert await verdict(robots, base) == reason
        (answer,) = learned
        for age_s, asked_again in ((good_for_s - 60, 0), (good_for_s + 60, 1), (-60, 1)):
            rows: list[HttpFetch] = []
            later = Robots(robots._client, rows.append, lambda _: None)
            later.remember([answer], answer.fetched_at + timedelta(seconds=age_s))
            assert await verdict(later, base) == reason
            assert len(rows) == asked_again

    learned: list[KnownRobots] = []
    ask({"/robots.txt": reply}, use, learned)


def test_a_later_process_asks_again_where_none_answered_or_the_answer_is_long() -> None:
    async def use(robots: Robots, base: str) -> None:
        await verdict(robots, base)
        await verdict(robots, "http://127.0.0.1:1")

    learned: list[KnownRobots] = []
    ask({"/robots.txt": Reply(body="#" * (MAX_KNOWN_BYTES + 1))}, use, learned)
    assert learned == []


async def verdict(robots: Robots, base: str) -> str | None:
    try:
        await robots.check(f"{base}/page")
    except Rejected as rejected:
        return rejected.reason
    return None
