"""Servers that do what no server should: one scenario a behaviour, each with the outcome a client must come to.

Every scenario has a host (port) of its own, so that none can hide behind another. `CANARY` in a body or header stands
for the port of a server that must never be asked.
"""

import asyncio
import gzip
import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import brotli
import zstandard

from tests.servers import Raw, Reply, Request, Route, Site, html, serve

MEGABYTE = 1_000_000
PAGE = "<!DOCTYPE html><html><body><p>Fine.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`routes` answer "/" (or "/feed"); `expected` is "ok" or a reason; `entries` how many a feed must bring."""

    name: str
    expected: str
    routes: dict[str, Route]
    target: str = "/"
    entries: int | None = None
    also: frozenset[str] = field(default_factory=frozenset)  # outcomes as good as the expected one


def raw(*parts: bytes, forever: bytes = b"", every_s: float = 0.0, hold_s: float = 0.0) -> Raw:
    """Write `parts`, then `forever` again and again, or keep the connection open for `hold_s`."""

    async def answer(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(hold_s)
        while forever:
            writer.write(forever)
            await writer.drain()
            await asyncio.sleep(every_s)

    return answer


async def _reset(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<p>so far")
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", *lines, "", ""]).encode("latin-1")


def page(name: str, expected: str, route: Route, *also: str, **more: Route) -> Scenario:
    return Scenario(
        name, expected, {"/": route} | {f"/{path}": other for path, other in more.items()}, also=frozenset(also)
    )


def status(code: int, expected: str, **headers: str) -> Scenario:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return page(
        f"status {code} {' '.join(given)}".strip(),
        expected,
        Reply(status=code, body="" if code in (204, 304) else PAGE, headers=given),
    )


def redirect(to: str, expected: str, *also: str, code: int = 302) -> Scenario:
    return page(f"redirect to {to[:60] or 'nothing'}", expected, Reply(status=code, headers={"Location": to}), *also)


def packed(name: str, expected: str, encoding: str, body: bytes) -> Scenario:
    return page(name, expected, Reply(body=body, headers={"Content-Encoding": encoding, "Content-Type": "text/html"}))


def zeros(pack: Callable[[bytes], bytes], megabytes: int) -> bytes:
    return pack(bytes(megabytes * MEGABYTE))


def _endless_redirect(request: Request) -> Reply:
    number = int(request.target.partition("?")[2] or 0)
    return Reply(status=302, headers={"Location": f"/?{number + 1}"})


def _cookie_wall(request: Request) -> Reply:
    if "cookie" in request.headers:
        return html(PAGE)
    return Reply(status=302, headers={"Location": "/", "Set-Cookie": "seen=1"})


LOCAL_SPELLINGS = [
    "http://127.0.0.1:CANARY/", "http://localhost:CANARY/", "http://LOCALHOST.:CANARY/", "http://127.1:CANARY/",
    "http://0x7f.0.0.1:CANARY/", "http://0177.0.0.1:CANARY/", "http://2130706433:CANARY/", "http://0:CANARY/",
    "http://0.0.0.0:CANARY/", "http://[::1]:CANARY/", "http://[::]:CANARY/", "http://[::ffff:127.0.0.1]:CANARY/",
    "http://[0:0:0:0:0:ffff:7f00:1]:CANARY/", "http://127.0.0.1.:CANARY/", "http://①②⑦.0.0.1:CANARY/",
    "http://a@127.0.0.1:CANARY/", "//127.0.0.1:CANARY/", "http:/\\127.0.0.1:CANARY/", "http://127.255.255.254:CANARY/",
    "https://127.0.0.1:CANARY/",
]  # fmt: skip
PRIVATE = ["http://10.0.0.1/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/",
           "http://[fd00:ec2::254]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/"]  # fmt: skip

PAGES: list[Scenario] = [
    # connections
    page("no answer at all", "timeout", raw(hold_s=60)),
    page("closed without an answer", "connect", raw()),
    page("reset in the middle of the body", "connect", _reset),
    page("no HTTP", "bad-http", raw(b"SSH-2.0-OpenSSH_9.9\r\n", hold_s=0.05), "connect"),
    page("a body without a head", "bad-http", raw(b"<html>hello</html>\r\n\r\n"), "connect"),
    page("random bytes", "bad-http", raw(bytes(range(256)) * 50), "connect"),
    # heads
    page("headers trickle", "timeout", raw(b"HTTP/1.1 200 OK\r\n", forever=b"X-A: b\r\n", every_s=0.05), "bad-http"),
    page("headers without end", "bad-http", raw(b"HTTP/1.1 200 OK\r\n", forever=b"X-A: " + b"b" * 8000 + b"\r\n")),
    page("a header line of 10 MB", "bad-http", raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 10 * MEGABYTE)),
    page("a thousand headers", "bad-http", raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000 + b"\r\nhi")),
    page("a status line of 1 MB", "bad-http", raw(b"HTTP/1.1 200 " + b"O" * MEGABYTE + b"\r\n\r\n")),
    page("no status number", "bad-http", raw(b"HTTP/1.1 OK\r\n\r\n"), "connect"),
    page("interim answers without end", "timeout", raw(forever=b"HTTP/1.1 100 Continue\r\n\r\n", every_s=0.001)),
    page("an early hint", "ok", raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + head(f"Content-Length: {len(PAGE)}") + PAGE.encode())),
    page("another protocol", "http-other", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\njunk"), "bad-http", "connect"),
    page("a version that is none", "bad-http", raw(b"HTTP/9.9 200 OK\r\n\r\n" + PAGE.encode()), "connect", "ok"),
    page("HTTP 1.0", "ok", raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE.encode())),
    page("a status that steers a terminal", "bad-http", raw(b"HTTP/1.1 \x1b]0;x\x07\r\nlevel=error\r\n\r\n"), "connect"),
    page("a status of four digits", "bad-http", raw(b"HTTP/1.1 2000 OK\r\n\r\n" + PAGE.encode()), "http-other"),
    *(page(f"reset after {cut} bytes of the head", "connect", raw(head()[:cut]), "bad-http") for cut in (1, 9, 15, 30)),
    page("a length of 65 bits", "bad-http", raw(head("Content-Length: 18446744073709551617") + b"hello"), "too-large"),
    page("a length beside chunks", "bad-http", raw(head("Content-Length: 9", "Transfer-Encoding: chunked") + b"0\r\n\r\n"), "connect"),
    page("two lengths", "bad-http", raw(head("Content-Length: 5", "Content-Length: 9") + b"hello"), "connect"),
    page("a negative length", "bad-http", raw(head("Content-Length: -5") + b"hello"), "connect"),
    page("a length that is no number", "bad-http", raw(head("Content-Length: five") + b"hello"), "connect"),
    # bodies
    page("shorter than announced", "connect", raw(head("Content-Length: 500") + PAGE.encode())),
    page("longer than announced", "ok", raw(head(f"Content-Length: {len(PAGE)}") + PAGE.encode() + b"x" * 5000), "bad-http"),
    page("body trickles", "timeout", raw(head(), b"<p>", forever=b"x", every_s=0.05)),
    page("body without end", "too-large", raw(head(), forever=b"x" * 100_000)),
    page("announced too large", "too-large", raw(head("Content-Length: 99999999999"))),
    page("chunks without end", "too-large", raw(head("Transfer-Encoding: chunked"), forever=b"ffff\r\n" + b"x" * 65535 + b"\r\n")),
    page("one chunk of 2^60 bytes", "too-large", raw(head("Transfer-Encoding: chunked"), b"1000000000000000\r\n", forever=b"x" * 99_999)),
    page("a chunk size that is no number", "connect", raw(head("Transfer-Encoding: chunked") + b"zz\r\nhello\r\n"), "bad-http"),
    page("chunks with a trailer", "ok", raw(head("Transfer-Encoding: chunked") + b"8\r\n<p>hello\r\n0\r\nX-A: b\r\n\r\n")),
    page("a chunk of less than nothing", "bad-http", raw(head("Transfer-Encoding: chunked") + b"-5\r\nhello\r\n0\r\n\r\n"), "connect"),
    page("a chunk's name of 1 MB", "bad-http", raw(head("Transfer-Encoding: chunked") + b"5;" + b"e" * MEGABYTE + b"\r\n<p>hi\r\n0\r\n\r\n"), "connect", "ok"),
    page("a large body that trickles", "timeout", raw(head(), b"<p>" + b"x" * MEGABYTE, forever=b"x", every_s=0.05)),
    page("chunks that break off", "connect", raw(head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n"), "bad-http"),
    page("empty", "empty-body", html("")),
    page("only white space", "empty-body", html(" \n\t " * 500)),
    page("a picture called HTML", "not-html", Reply(body=b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "text/html"})),
    page("a PDF called HTML", "not-html", Reply(body=b"%PDF-1.7", headers={"Content-Type": "text/html"})),
    page("an archive called HTML", "not-html", Reply(body=b"PK\x03\x04zip", headers={"Content-Type": "text/html"})),
    page("a film called HTML", "not-html", Reply(body=b"\0\0\0\x18ftypmp42", headers={"Content-Type": "text/html"})),
    page("NUL bytes called HTML", "not-html", Reply(body=b"<p>\0\0\0", headers={"Content-Type": "text/html"})),
    page("JSON", "not-html", Reply(body=b'{"a": 1}', headers={"Content-Type": "application/json"})),
    page("HTML called bytes", "ok", Reply(body=PAGE, headers={"Content-Type": "application/octet-stream"})),
    page("HTML without a type", "ok", Reply(body=PAGE)),
    page("a type that is no text", "not-html", raw(b"HTTP/1.1 200 OK\r\nContent-Type: a/\x9b\xff\r\n\r\n{}")),
    page("a type of nonsense", "ok", Reply(body=PAGE, headers={"Content-Type": ";;;=\xff"})),
    # encodings
    packed("gzip bomb", "too-large", "gzip", zeros(gzip.compress, 200)),
    packed("gzip bomb in gzip", "too-large", "gzip, gzip", gzip.compress(zeros(gzip.compress, 200))),
    packed("deflate bomb", "too-large", "deflate", zeros(zlib.compress, 200)),
    packed("brotli bomb", "too-large", "br", zeros(lambda data: brotli.compress(data, quality=1), 200)),
    packed("zstd bomb", "too-large", "zstd", zeros(zstandard.compress, 200)),
    packed("just under the limit", "ok", "gzip", gzip.compress(b"<p>" + b"a" * (9 * MEGABYTE))),
    packed("gzip that breaks off", "bad-encoding", "gzip", gzip.compress(PAGE.encode() * 100)[:60]),
    packed("members without end", "bad-encoding", "gzip", gzip.compress(b"") * 50_000),
    packed("frames of nothing", "bad-encoding", "zstd", zstandard.compress(b"") * 50_000),
    packed("an encoding that steers a terminal", "bad-encoding", "\x9b31mgzip", PAGE.encode()),
    packed("zstd that breaks off", "bad-encoding", "zstd", zstandard.compress(PAGE.encode() * 100)[:-9]),
    packed("broken gzip", "bad-encoding", "gzip", b"\x1f\x8b\x08\x00" + b"\xff" * 100),
    packed("an unknown encoding", "bad-encoding", "zip", b"PK"),
    packed("eleven encodings", "bad-encoding", ", ".join(["gzip"] * 11), b""),
    packed("not packed at all", "ok", "gzip", PAGE.encode()),
    # statuses
    status(401, "http-401"), status(402, "http-4xx"), status(403, "http-403"), status(404, "http-404"),
    status(410, "http-410"), status(429, "http-429"), status(429, "http-429", Retry_After="99999999"),
    status(451, "http-451"), status(500, "http-5xx"), status(503, "http-5xx", Retry_After="Fri, 01 Jan 2100 00:00:00 GMT"),
    page("a year of twenty digits", "http-429", Reply(status=429, headers={"Retry-After": "1 Jan 99999999999999999999 00:00:00 GMT"})),
    status(204, "http-other"), status(206, "http-other"), status(304, "http-other"), status(999, "http-other"),
    # redirects
    redirect("/", "redirect-loop"),
    *(
        page(f"moved by {code}", "ok", Reply(status=code, headers={"Location": "/there"}), there=html(PAGE))
        for code in (301, 302, 303, 307, 308)
    ),
    *(page(f"moved by {code}", "http-other", Reply(status=code, headers={"Location": "/there"})) for code in (300, 305)),
    page("moved to two places", "http-404", raw(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: //127.0.0.1:1/\r\n\r\n"), "redirect-loop", "bad-http"),
    *(
        redirect(to, "bad-url", "dns")
        for to in [
            "http://a%00b.example/", "http://a b.example/", "http://\xff.example/", "http://[fe80::1%25lo]:CANARY/", "http://127.0.0.1:-1/",
            "http://" + "a" * 300 + "/", "http+unix://%2Frun%2Fa.sock/", "view-source:http://127.0.0.1:CANARY/", "http://*.invalid/",
        ]
    ),
    page("redirect in a ring", "redirect-loop", Reply(status=301, headers={"Location": "/b"}), b=Reply(status=301, headers={"Location": "/"})),
    page("redirects without end", "redirect-loop", _endless_redirect),
    page("only with a cookie", "redirect-loop", _cookie_wall),
    redirect("", "http-other"), redirect("http://", "redirect-loop"), redirect("http://[", "bad-url"), redirect("ftp://a.example/", "bad-url"),
    redirect("file:///etc/passwd", "bad-url"), redirect("javascript:alert(1)", "bad-url"), redirect("data:text/html,hi", "bad-url"),
    redirect("gopher://127.0.0.1:CANARY/", "bad-url"), redirect("http://127.0.0.1:99999/", "bad-url"),
    redirect("http://a.example/" + "x" * 7_990, "bad-url"), redirect("http://no-such-host.invalid/", "dns"),
    *(redirect(to, "blocked-address", "bad-url", "dns", "http-404") for to in LOCAL_SPELLINGS),
    *(redirect(to, "blocked-address") for to in PRIVATE),
    # pages that send on
    *(
        page(f"a page that sends on to {to[:40]}", expected, html(f'<html><meta http-equiv="refresh" content="0; url={to}">'))
        for to, expected in [
            ("/", "redirect-loop"), ("http://127.0.0.1:CANARY/", "blocked-address"), ("javascript:alert(1)", "bad-url"), ("file:///etc/passwd", "bad-url")
        ]
    ),
    page("a page that reloads itself", "ok", html('<html><meta http-equiv="refresh" content="300; url=/"><p>' + PAGE)),
    # robots
    Scenario("robots forbid it", "robots-disallowed", {"/robots.txt": Reply(body="User-agent: *\nDisallow: /"), "/": html(PAGE)}),
    Scenario("robots fail", "robots-unreachable", {"/robots.txt": Reply(status=500), "/": html(PAGE)}),
    Scenario("robots never come", "robots-unreachable", {"/robots.txt": raw(hold_s=60), "/": html(PAGE)}),
    Scenario("robots without end", "ok", {"/robots.txt": raw(head(), forever=b"Allow: /a\n" * 5000), "/": html(PAGE)}),
    Scenario("robots of empty lines", "ok", {"/robots.txt": Reply(body=b"\n" * 500_000), "/": html(PAGE)}),
    *(
        Scenario(f"robots that ask for {delay} s", "ok", {"/robots.txt": Reply(body=f"User-agent: *\nCrawl-delay: {delay}"), "/": html(PAGE)})
        for delay in ("-5", "nan", "1e999", "\x1b[31m")
    ),
    Scenario("robots of nonsense", "ok", {"/robots.txt": Reply(body=bytes(range(256)) * 99), "/": html(PAGE)}),
    Scenario("robots elsewhere", "blocked-address", {"/robots.txt": Reply(status=301, headers={"Location": "http://127.0.0.1:CANARY/"}), "/": html(PAGE)}),
    Scenario("robots in a ring", "robots-unreachable", {"/robots.txt": Reply(status=301, headers={"Location": "/robots.txt"}), "/": html(PAGE)}, also=frozenset({"ok"})),
]  # fmt: skip


def rss(*links: str, prolog: str = "") -> str:
    items = "".join(
        f"<item><title>t</title><link>{link}</link><guid isPermaLink='false'>{link}</guid></item>" for link in links
    )
    return f'<?xml version="1.0"?>{prolog}<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


def feed(name: str, expected: str, route: Route, entries: int | None = None) -> Scenario:
    return Scenario(name, expected, {"/feed": route}, "/feed", entries)


LAUGHS = (
    "<!DOCTYPE r [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
)

FEEDS: list[Scenario] = [
    feed("a good feed", "ok", Reply(body=rss("/a", "/b")), 2),
    feed("a feed without entries", "ok", Reply(body=rss()), 0),
    feed("a billion laughs", "feed-entities", Reply(body=rss("&a9;", prolog=LAUGHS))),
    feed("a file as entity", "feed-entities", Reply(body=rss("&x;", prolog='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'))),
    feed("entities in UTF-16", "feed-entities", Reply(body=rss("/a", prolog='<!DOCTYPE r [<!ENTITY x "y">]>').encode("utf-16"))),
    feed("a DTD elsewhere", "ok", Reply(body=rss("/a", prolog='<!DOCTYPE rss SYSTEM "http://127.0.0.1:CANARY/x.dtd">')), 1),
    feed("an HTML page", "feed-unparsable", html(PAGE)),
    feed("nothing", "empty-body", Reply()),
    feed("noise", "feed-unparsable", Reply(body=bytes(range(256)) * 20)),
    feed("JSON of no feed", "feed-unparsable", Reply(body=json.dumps({"items": {"a": 1}}))),
    feed("JSON nested deeply", "feed-unparsable", Reply(body='{"items":' + "[" * 500_000)),
    feed("XML nested deeply", "ok", Reply(body=rss("/a").replace("<title>t", "<title>" + "<b>" * 20_000)), None),
    feed("cut in an entry", "feed-truncated", Reply(body=rss("/a", "/b", "/c")[:-70]), 2),
    feed("cut by the connection", "feed-truncated", raw(head("Content-Length: 9999") + rss("/a", "/b").encode()), 2),
    feed("control characters", "ok", Reply(body=rss("/a").replace("<title>t", "<title>\x01t\x0b")), 1),
    feed("characters beyond Unicode", "ok", Reply(body=rss("/a").replace("<title>t", "<title>&#99999999999;")), 1),
    feed("a codec that is none", "feed-unparsable", Reply(body=rss("/a").replace('"1.0"?', '"1.0" encoding="undefined"?'))),
    feed("a million addresses", "feed-cut", Reply(body="<urlset>" + "<url><loc>/a</loc></url>" * 500_000 + "</urlset>"), 500),
    feed("bare ampersands", "ok", Reply(body=rss("/a?b=1&c=2").replace("<title>t", "<title>a & b")), 1),
    feed("another charset than declared", "ok", Reply(body=rss("/a").replace("<title>t", "<title>é").encode("latin-1")), 1),
    feed("a charset that is no text", "ok", raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=\xff\xfe\r\n\r\n" + rss("/a").encode()), 1),
    feed("another type than it is", "ok", Reply(body=rss("/a"), headers={"Content-Type": "image/png"}), 1),
    feed("ten thousand entries", "feed-cut", Reply(body=rss(*(f"/{n}" for n in range(10_000)))), 500),
    feed("too large", "too-large", raw(head(), forever=b"<item>" * 20_000)),
    feed("a bomb", "too-large", Reply(body=zeros(gzip.compress, 200), headers={"Content-Encoding": "gzip"})),
    feed("a packed file that is a bomb", "too-large", Reply(body=zeros(gzip.compress, 200))),
    feed("trickles", "timeout", raw(head(), forever=b"<", every_s=0.05)),
    feed("gone", "http-410", Reply(status=410)),
    feed("304 to nothing", "http-other", Reply(status=304)),
    feed("moved to the inside", "blocked-address", Reply(status=301, headers={"Location": "http://127.0.0.1:CANARY/feed"})),
    feed("moved in a ring", "redirect-loop", Reply(status=301, headers={"Location": "/feed"})),
    feed("links inside, nowhere and astray", "ok", Reply(body=rss("http://127.0.0.1:CANARY/", "", "javascript:alert(1)", "http://[", "//169.254.169.254/")), 5),
]  # fmt: skip


def armed(route: Route, canary_port: str) -> Route:
    """The route with the canary's port in it."""
    if not isinstance(route, Reply):
        return route
    body = route.body.encode() if isinstance(route.body, str) else route.body
    headers = {name: value.replace("CANARY", canary_port) for name, value in route.headers.items()}
    return replace(route, body=body.replace(b"CANARY", canary_port.encode()), headers=headers)


@contextmanager
def serve_all(scenarios: list[Scenario], canary_port: str) -> Iterator[list[tuple[Scenario, Site]]]:
    """Serve each scenario on a port of its own."""
    with ExitStack() as sites:
        yield [
            (one, sites.enter_context(serve({path: armed(route, canary_port) for path, route in one.routes.items()})))
            for one in scenarios
        ]
