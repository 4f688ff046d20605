"""The HTTP client against a real server."""

import asyncio
import gzip
import time
import zlib
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import brotli
import pytest
import zstandard

from tests.hostile_server import head, raw
from tests.servers import Reply, Request, Route, html, serve
from transforms.answers import Exchange, Kind, retry_after_s
from transforms.decoding import decode
from transforms.http_client import LARGE_BODIES, HttpClient
from transforms.politeness import HostGate
from transforms.reject import Rejected
from transforms.request_urls import checked_url, host_of
from transforms.settings import FetchSettings
from transforms.sniffing import refresh_target

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SETTINGS = FetchSettings(timeout_s=5, retries=0, per_host_delay_s=0, max_wire_bytes=300_000, max_page_bytes=900_000)


def get(
    routes: dict[str, Route],
    target: str = "/",
    *,
    kind: Kind = "page",
    headers: dict[str, str] | None = None,
    **changes: Any,
) -> Exchange:
    with serve(routes) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), **changes)
        return with_client(settings, lambda client: one(client, site.url(target), kind, headers))


def with_client(settings: FetchSettings, use: Callable[[HttpClient], Coroutine[Any, Any, Exchange]]) -> Exchange:
    async def run() -> Exchange:
        client = HttpClient(settings)
        try:
            return await use(client)
        finally:
            await client.close()

    return asyncio.run(run())


async def one(client: HttpClient, url: str, kind: Kind, headers: dict[str, str] | None) -> Exchange:
    async with client.get(url, kind=kind, headers=headers) as exchange:
        return exchange


def reason(exchange: Exchange) -> str | None:
    return exchange.rejected.reason if exchange.rejected else None


def test_a_page_comes_with_its_row() -> None:
    exchange = get({"/": html("<p>hello")})
    assert exchange.answer is not None
    assert exchange.answer.body == b"<p>hello"
    row = exchange.row
    assert (row.http_status, row.outcome, row.attempts, row.kind) == (200, "ok", 1, "page")
    assert row.body_bytes == row.wire_bytes == 8


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br", "identity", ""])
def test_each_encoding_is_undone(encoding: str) -> None:
    body = b"<p>" + bytes(range(256)) * 1000
    packed = body
    for layer in encoding.split(", "):
        packed = PACK[layer](packed)
    exchange = get({"/": Reply(body=packed, headers={"Content-Encoding": encoding})})
    assert exchange.answer is not None
    assert exchange.answer.body == body


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_too_large_and_a_broken_stream_is_told(encoding: str) -> None:
    packed = PACK[encoding](bytes(1_000_000))
    with pytest.raises(Rejected, match="too-large"):
        decode(packed, encoding, 900_000)
    assert decode(packed, encoding, 1_000_000) == (bytes(1_000_000), True)
    body, complete = decode(PACK[encoding](b"<p>hello" * 1000)[:-6], encoding, 900_000)
    assert not complete
    assert (b"<p>hello" * 1000).startswith(body)
    with pytest.raises(Rejected, match="bad-encoding"):
        decode(b"\x1f\x8bno such stream" if encoding == "gzip" else b"\xff\xfeno such stream", encoding, 900_000)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_several_members_is_all_of_them_and_rubbish_behind_is_left(encoding: str) -> None:
    packed = PACK[encoding](b"<p>" * 500) + PACK[encoding](b"hello")
    assert decode(packed + b"rubbish" * 50, encoding, 10_000) == (b"<p>" * 500 + b"hello", True)


def test_encodings_may_stand_in_more_than_one_header() -> None:
    packed = zlib.compress(gzip.compress(b"<p>hello"))
    answer = head("Content-Encoding: gzip", "Content-Encoding: deflate", f"Content-Length: {len(packed)}") + packed
    exchange = get({"/": raw(answer)})
    assert exchange.answer is not None
    assert exchange.answer.body == b"<p>hello"


def test_headers_come_as_text_whatever_their_bytes_are() -> None:
    exchange = get(
        {"/": raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/\x9b\xffhtml\r\nX-Title: \x1b[31m\xc3\xa9\r\n\r\n<p>")}
    )
    assert exchange.answer is not None
    assert exchange.answer.headers["content-type"] == "text/html"
    assert exchange.answer.headers["x-title"] == "[31mé"
    refused = get({"/": raw(head("Content-Encoding: \x9bzip") + b"<p>")}).rejected
    assert refused is not None and refused.detail is not None
    refused.detail.encode()


def test_plain_text_declared_gzip_is_taken_as_it_is() -> None:
    assert decode(b"<p>hello", "gzip", 100) == (b"<p>hello", True)


def test_redirects_are_followed_to_the_end_and_permanent_ones_remembered() -> None:
    exchange = get({
        "/": Reply(status=301, headers={"Location": "/b"}),
        "/b": Reply(status=308, headers={"Location": "c?x=%7E#top"}),
        "/c": Reply(status=302, headers={"Location": "/d"}),
        "/d": html("<p>there"),
    })  # fmt: skip
    assert exchange.answer is not None
    assert exchange.answer.final_url.endswith("/d")
    assert exchange.answer.permanent_url is not None
    assert exchange.answer.permanent_url.endswith("/c?x=%7E")


@pytest.mark.parametrize(
    ("location", "expected"),
    [("/", "redirect-loop"), ("/b", "redirect-loop"), ("file:///etc/passwd", "bad-url"), ("http://[", "bad-url"),
     ("http://127.0.0.1:9/", "blocked-address"), ("//169.254.169.254/latest", "blocked-address")],
)  # fmt: skip
def test_a_redirect_that_leads_nowhere_is_rejected(location: str, expected: str) -> None:
    routes: dict[str, Route] = {"/": Reply(status=302, headers={"Location": location})}
    routes["/b"] = routes["/"]
    assert reason(get(routes)) == expected


def test_a_page_that_only_sends_on_is_a_redirect() -> None:
    on = """<html><head><META content='0;URL=/b?x=1&amp;y=2' http-equiv=Refresh></head></html>"""
    exchange = get({"/": html(on), "/b": html("<p>there")})
    assert exchange.answer is not None
    assert exchange.answer.final_url.endswith("/b?x=1&y=2")
    assert exchange.answer.permanent_url is None


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="600;url=/b">',
        '<meta http-equiv="refresh" content="0">',
        '<noscript><meta http-equiv="refresh" content="0;url=/b"></noscript>',
        '<meta http-equiv="refresh" content="0;url=/b">' + "<p>long" * 2_000,
        '<meta name="a" content="0;url=/b">',
    ],
)
def test_a_page_to_be_read_is_no_redirect(page: str) -> None:
    assert refresh_target(page.encode()) is None


def test_more_redirects_than_allowed_are_a_loop() -> None:
    def onward(request: Request) -> Reply:
        return Reply(status=302, headers={"Location": f"/?{len(request.target)}{request.target[-30:]}"})

    exchange = get({"/": onward}, redirects=3)
    assert reason(exchange) == "redirect-loop"
    assert exchange.row.attempts == 4


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, "http-401"), (403, "http-403"), (404, "http-404"), (410, "http-410"), (418, "http-4xx"), (429, "http-429"),
     (451, "http-451"), (500, "http-5xx"), (302, "http-other")],
)  # fmt: skip
def test_each_status_has_its_reason(status: int, expected: str) -> None:
    exchange = get({"/": Reply(status=status)})
    assert reason(exchange) == exchange.row.outcome == expected
    assert exchange.row.http_status == status


def test_a_transient_failure_is_tried_again() -> None:
    replies = [Reply(status=503), html("<p>now")]
    exchange = get({"/": lambda _: replies.pop(0)}, retries=2)
    assert exchange.answer is not None
    assert exchange.row.attempts == 2


def test_a_connection_that_breaks_is_asked_again_only_in_its_turn() -> None:
    with serve({"/": html("<p>hello"), "/breaks": raw(b"HTTP/1.1 200 OK\r\nConte")}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), retries=1)

        async def use(client: HttpClient) -> Exchange:
            await one(client, site.url("/"), "page", None)  # leaves a connection open, to be used again
            return await one(client, site.url("/breaks"), "page", None)

        exchange = with_client(settings, use)
    assert reason(exchange) == "connect"
    assert exchange.row.attempts == site.asked.count("/breaks") == 2


def test_validators_are_answered_with_304() -> None:
    exchange = get({"/": Reply(body="x", headers={"ETag": 'W/"a"'})}, kind="feed", headers={"If-None-Match": 'W/"a"'})
    assert exchange.answer is not None
    assert (exchange.answer.http_status, exchange.row.outcome) == (304, "not-modified")


def test_the_deadline_covers_headers_and_body() -> None:
    async def trickle(_: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    start = time.monotonic()
    assert reason(get({"/": trickle}, timeout_s=0.3)) == "timeout"
    assert reason(get({"/": Reply(delay_s=5)}, timeout_s=0.3)) == "timeout"
    assert time.monotonic() - start < 3


def test_too_many_bytes_are_refused_on_the_wire_and_announced() -> None:
    assert reason(get({"/": html("x" * 300_001)})) == "too-large"
    assert reason(get({"/": Reply(headers={"Content-Length": "99999999"})})) == "too-large"


def test_large_bodies_that_trickle_keep_no_other_from_its_slot() -> None:
    def trickling() -> Route:
        return raw(head(), b"x" * 600_000, forever=b"x", every_s=0.05)

    with ExitStack() as stack:
        slow = [stack.enter_context(serve({"/": trickling()})) for _ in range(LARGE_BODIES + 2)]
        fair = stack.enter_context(serve({"/": html("<p>" + "a" * 600_000)}))
        settings = FetchSettings(
            timeout_s=2, retries=0, per_host_delay_s=0, allow_hosts=tuple(site.host for site in [fair, *slow])
        )

        async def use(client: HttpClient) -> Exchange:
            trickle = [asyncio.create_task(one(client, site.url("/"), "page", None)) for site in slow]
            while not all(site.asked for site in slow):  # noqa: ASYNC110 - in other threads
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            exchange = await one(client, fair.url("/"), "page", None)
            assert not any(task.done() for task in trickle)
            assert {reason(await task) for task in trickle} == {"timeout"}
            return exchange

        start = time.monotonic()
        exchange = with_client(settings, use)
    assert exchange.answer is not None
    assert len(exchange.answer.body) == 600_003
    assert time.monotonic() - start < 4


def test_a_feed_that_breaks_off_is_handed_over_and_a_page_is_not() -> None:
    routes: dict[str, Route] = {"/": Reply(body=b"<rss>", headers={"Content-Length": "9", "Connection": "close"})}

    async def cut(_: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<rss>")
        await writer.drain()

    routes["/"] = cut
    assert reason(get(routes)) == "connect"
    answer = get(routes, kind="feed").answer
    assert answer is not None
    assert (answer.body, answer.complete) == (b"<rss>", False)


def test_a_host_is_asked_no_faster_and_no_wider_than_agreed() -> None:
    with serve({"/": Reply(body="x", delay_s=0.05)}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), per_host_connections=2, per_host_delay_s=0.04)

        async def many(client: HttpClient) -> Exchange:
            return (await asyncio.gather(*(one(client, site.url(), "page", None) for _ in range(6))))[0]

        start = time.monotonic()
        with_client(settings, many)
        assert time.monotonic() - start >= 5 * 0.04
        assert site.most_connections <= 2


def starts_of(gate: HostGate, asked: int, meanwhile: Callable[[], Coroutine[Any, Any, None]]) -> list[float]:
    """When `asked` requests started that came at once."""

    async def run() -> list[float]:
        starts = []

        async def start() -> None:
            async with gate:
                starts.append(time.monotonic())

        tasks = [asyncio.create_task(start()) for _ in range(asked)]
        await meanwhile()
        await asyncio.gather(*tasks)
        return starts

    return asyncio.run(run())


def test_a_loop_that_stood_still_lets_no_two_requests_go_at_once() -> None:
    async def stand_still() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.4)  # noqa: ASYNC251 - as when another thread takes all the time

    starts = starts_of(HostGate(4, 0.1, asyncio.Semaphore(9)), 4, stand_still)
    assert min(later - earlier for earlier, later in pairwise(starts)) >= 0.099


def test_requests_that_waited_for_a_connection_do_not_go_at_once() -> None:
    places = asyncio.Semaphore(0)

    async def free_all_late() -> None:
        await asyncio.sleep(0.4)
        for _ in range(9):
            places.release()

    starts = starts_of(HostGate(4, 0.1, places), 4, free_all_late)
    assert min(later - earlier for earlier, later in pairwise(starts)) >= 0.099


def test_cookies_are_not_kept_and_the_agent_says_who_asks() -> None:
    with serve({"/": Reply(status=302, headers={"Location": "/b", "Set-Cookie": "a=b"}), "/b": html("x")}) as site:
        settings = replace(SETTINGS, allow_hosts=(site.host,), user_agent="newsbeam/9", contact="a@example.org")
        with_client(settings, lambda client: one(client, site.url(), "page", None))
        assert [request.headers.get("cookie") for request in site.requests] == [None, None]
        assert site.requests[0].headers["user-agent"] == "newsbeam/9 (a@example.org)"


def test_addresses_are_checked_before_they_are_asked() -> None:
    for url in [
        "ftp://a/",
        "javascript:alert(1)",
        "http://",
        "http:///a",
        "http://a:99999/",
        "http://u:p@a/",
        "http://a\0.example/",
        "http://a b/",
        "http://[fe80::1%25eth0]/",
        "http://a%2eb/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "x" * 9000,
    ]:
        with pytest.raises(Rejected, match="bad-url"):
            checked_url(url)
    assert checked_url(" HTTP://Ex.AMPLE/a b?q=%7e#f ") == "http://ex.ample/a%20b?q=~"
    assert checked_url("http://ex.ample?x=%7e") == "http://ex.ample/?x=%7e"
    assert checked_url("https://bücher.example/ä") == "https://xn--bcher-kva.example/%C3%A4"
    assert host_of("https://a.example:443/") == "a.example"
    assert host_of("http://[::1]:8080/") == "[::1]:8080"


def test_retry_after_is_read_as_seconds_or_date() -> None:
    assert retry_after_s("120", NOW) == 120
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT", NOW) == 0
    assert (retry_after_s("Fri, 01 Jan 2100 00:00:00 GMT", NOW) or 0) > 1e9
    assert retry_after_s("soon", NOW) is None
    assert retry_after_s("1 Jan 99999999999999999999 00:00:00 GMT", NOW) is None
    assert retry_after_s("Fri, 31 Dec 2100 00:00:00 +99999999999999999999", NOW) is None
