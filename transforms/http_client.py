"""HTTP as the open web deserves it: one `get` that ends, whatever the server does, within stated bounds.

Bounds: `fetch.timeout_s` for an address all told (redirects, retries and body included; waiting for the host's turn is
not counted), a cap on the wire and one after decoding by kind of document, `redirects` hops, `retries` repetitions
after transient failures, header lines of 32 KB and 128 of them. Memory: what is received beyond `SMALL_BYTES` waits
on the disk, in a file without a name; to be decoded, such a body and one that unpacks to more needs one of a few slots,
held until the caller is done with it, so that any number of bombs at once costs no more than a few of them. Slow ones
keep nobody else from a slot.

Every connection goes through the address rule at connect time; `allow_hosts` are its only exceptions, by the host and
port of the requested address. No cookies, no proxy or credentials from the environment, TLS verified, no way from https
back to http. This module and the run itself are the only ones that ask the clock.
"""

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDictProxy

from transforms.addresses import BlockedAddressError, require_public
from transforms.answers import Answer, Exchange, Hop, Kind, readable, retry_after_s
from transforms.decoding import decode
from transforms.politeness import HostGates
from transforms.received import SMALL_BYTES, Received
from transforms.reject import Rejected
from transforms.request_urls import MAX_URL_CHARS, checked_url, exact_url, host_of, redirect_target
from transforms.schema import HttpFetch
from transforms.settings import FetchSettings
from transforms.sniffing import refresh_target

MAX_CONNECTIONS = 100
LARGE_BODIES = 6  # at once
ROBOTS_BYTES = 512_000
ROBOTS_TIMEOUT_S = 10.0
_RETRY_DELAY_S = 0.5
_MAX_RETRY_AFTER_S = 5.0  # longer ones are for the next run
_CONNECT_TIMEOUT_S = 10.0
_WITH_BODY = frozenset({200, 203})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_TRANSIENT_STATUS = frozenset({500, 502, 503, 504})
_TRANSIENT_REASONS = frozenset({"connect", "dns"})
_OWN_STATUS = frozenset({401, 403, 404, 410, 429, 451})
_ACCEPT = {
    "page": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "feed": "application/rss+xml,application/atom+xml,application/feed+json,application/xml;q=0.9,*/*;q=0.5",
    "robots": "text/plain,*/*;q=0.5",
}

Permit = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class _Trace:
    """What is known of a `get` while it is under way."""

    final_url: str
    fetched_at: datetime
    started: float | None = None
    status: int | None = None
    wire_bytes: int = 0
    attempts: int = 0
    retry_after_s: float | None = None
    hops: list[Hop] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    complete: bool = True


class HttpClient:
    """One per event loop; create it and use it there. `gates` and the connections are shared by all its requests."""

    def __init__(
        self,
        settings: FetchSettings,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`resolver` and `tls` stand in for the system's names and certificates."""
        self.settings = settings
        self.gates = HostGates(settings.per_host_connections, settings.per_host_delay_s, MAX_CONNECTIONS)
        self._allowed = frozenset(host.lower() for host in settings.allow_hosts)
        self._guarded = self._session(resolver, tls, guarded=True)
        self._exempt = self._session(resolver, tls, guarded=False)
        self._large = asyncio.Semaphore(LARGE_BODIES)

    async def close(self) -> None:
        await self._guarded.close()
        await self._exempt.close()

    @asynccontextmanager
    async def get(
        self,
        url: str,
        *,
        kind: Kind,
        feed_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        permit: Permit | None = None,
    ) -> AsyncIterator[Exchange]:
        """Get `url` and follow its redirects. What the web does wrong is in the exchange, never raised.

        `headers` are the validators of an earlier answer; without any, a 304 is no answer. `permit` is awaited before
        each hop and may raise `Rejected`. A page that only sends on to another is a redirect. A feed or robots.txt that
        breaks off is answered as far as it came, and a robots.txt is read no further than its cap (RFC 9309, 2.5); any
        other such body is rejected. The body's share of memory is released when the context ends: begin no other `get`
        inside it.
        """
        trace = _Trace(final_url=url, fetched_at=datetime.now(UTC))
        answer: Answer | None = None
        rejected: Rejected | None = None
        async with AsyncExitStack() as held:
            get = _Get(self, trace, held, kind=kind, permit=permit)
            try:
                answer = await get.walk(url, headers or {})
            except Rejected as error:
                rejected = error
                rejected.attempts = rejected.attempts or trace.attempts
                rejected.http_status = rejected.http_status or trace.status
            row = HttpFetch(
                url=url[:MAX_URL_CHARS],
                final_url=trace.final_url,
                kind=kind,
                feed_id=feed_id,
                host=host_of(url) or "",
                http_status=trace.status,
                outcome=_outcome(answer, rejected),
                wire_bytes=trace.wire_bytes,
                body_bytes=len(answer.body) if answer else 0,
                elapsed_ms=round((_now() - trace.started) * 1000) if trace.started is not None else 0,
                attempts=trace.attempts,
                fetched_at=trace.fetched_at,
            )
            yield Exchange(
                answer=answer, rejected=rejected, retry_after_s=trace.retry_after_s, row=row, hops=tuple(trace.hops)
            )

    def _session(
        self, resolver: AbstractResolver | None, tls: ssl.SSLContext | None, *, guarded: bool
    ) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            resolver=resolver,
            ssl=tls or True,
            ttl_dns_cache=300,
            socket_factory=_guarded_socket if guarded else None,
        )
        agent = f"{self.settings.user_agent} ({self.settings.contact})" if self.settings.contact else None
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            raise_for_status=False,
            middlewares=(_asked_once,),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
            headers={"User-Agent": agent or self.settings.user_agent, "Accept-Encoding": "gzip, deflate, br, zstd"},
            max_field_size=32_768,
        )

    def session_for(self, url: str) -> aiohttp.ClientSession:
        """The session whose sockets obey the address rule, or for an allowed host the one whose do not."""
        return self._exempt if host_of(url, default_port=True) in self._allowed else self._guarded

    def large(self) -> asyncio.Semaphore:
        return self._large


class _Get:
    """One `get` on its way through hops and attempts."""

    def __init__(
        self,
        client: HttpClient,
        trace: _Trace,
        held: AsyncExitStack,
        *,
        kind: Kind,
        permit: Permit | None,
    ) -> None:
        self.client, self.settings, self.trace, self.held = client, client.settings, trace, held
        self.kind, self.permit = kind, permit
        self.max_wire_bytes, self.max_body_bytes = {
            "page": (self.settings.max_wire_bytes, self.settings.max_page_bytes),
            "feed": (self.settings.max_feed_bytes, self.settings.max_feed_bytes),
            "robots": (ROBOTS_BYTES, ROBOTS_BYTES),
        }[kind]
        self.timeout_s = min(self.settings.timeout_s, ROBOTS_TIMEOUT_S) if kind == "robots" else self.settings.timeout_s
        self.left_s = self.timeout_s

    async def walk(self, url: str, headers: Mapping[str, str]) -> Answer:
        seen = {url}
        permanent: str | None = None
        only_permanent = True
        while True:
            url = checked_url(url)
            self.trace.final_url = url
            if self.permit is not None:
                await self.permit(url)
            reply = await self._attempts(url, headers)
            location = self._onward(reply)
            if not location:
                return self._answer(url, reply, permanent, conditional=bool(headers))
            target = redirect_target(url, location)
            if target in seen:
                raise Rejected("redirect-loop", "redirected to an address asked before")
            if len(seen) > self.settings.redirects:
                raise Rejected("redirect-loop", f"more than {self.settings.redirects} redirects")
            only_permanent = only_permanent and reply.status in _PERMANENT
            permanent = target if only_permanent else permanent
            seen.add(target)
            url = target

    def _onward(self, reply: _Reply) -> str | None:
        if reply.status in _REDIRECTS:
            return reply.headers.get("Location")
        return refresh_target(reply.body) if self.kind == "page" and reply.status in _WITH_BODY else None

    def _answer(self, url: str, reply: _Reply, permanent: str | None, *, conditional: bool) -> Answer:
        status = reply.status
        if not (status in _WITH_BODY or (status == 304 and conditional)):
            if status in _OWN_STATUS:
                reason = f"http-{status}"
            elif 400 <= status < 500:
                reason = "http-4xx"
            else:
                reason = "http-5xx" if 500 <= status < 600 else "http-other"
            raise Rejected(reason, f"status {status}", http_status=status)
        return Answer(
            final_url=url,
            http_status=status,
            headers=reply.headers,
            body=reply.body,
            complete=reply.complete,
            permanent_url=permanent,
        )

    async def _attempts(self, url: str, headers: Mapping[str, str]) -> _Reply:
        """Repeat transient failures while attempts and time are left; the last one's rejection is raised."""
        for attempt in range(self.settings.retries + 1):
            wait_s = _RETRY_DELAY_S * 2**attempt * random.uniform(0.8, 1.2)
            try:
                reply = await self._one(url, headers)
            except Rejected as rejected:
                last = attempt == self.settings.retries or wait_s > self.left_s
                if last or rejected.reason not in _TRANSIENT_REASONS:
                    raise
            else:
                wait_s = max(wait_s, self.trace.retry_after_s or 0.0)
                repeat = reply.status in _TRANSIENT_STATUS or (reply.status == 429 and self.trace.retry_after_s)
                if not repeat or attempt == self.settings.retries or wait_s > min(self.left_s, _MAX_RETRY_AFTER_S):
                    return reply
            await asyncio.sleep(wait_s)
            self.left_s -= wait_s
        raise AssertionError("the last attempt returns or raises")

    async def _one(self, url: str, headers: Mapping[str, str]) -> _Reply:
        """One request to one address, without redirects."""
        with Received() as received:
            status, answered, whole = await self._receive(url, headers, received)
            if status not in _WITH_BODY:
                return _Reply(status=status, headers=answered)
            body, decoded = await self._decoded(received, answered)
        return _Reply(status=status, headers=answered, body=body, complete=whole and decoded)

    async def _receive(
        self, url: str, headers: Mapping[str, str], received: Received
    ) -> tuple[int, CIMultiDictProxy[str], bool]:
        """Ask, and take the body as it comes: status, headers, and whether it came whole."""
        async with self.client.gates[host_of(url) or ""]:
            start = _now()
            if self.trace.started is None:
                self.trace.started, self.trace.fetched_at = start, datetime.now(UTC)
            self.trace.attempts += 1
            self.trace.status = None
            try:
                async with (
                    asyncio.timeout(max(0.0, self.left_s)),
                    self.client.session_for(url).get(
                        exact_url(url), headers={"Accept": _ACCEPT[self.kind], **headers}, allow_redirects=False
                    ) as response,
                ):
                    status, answered = response.status, readable(response.headers)
                    self.trace.status = status
                    self.trace.retry_after_s = retry_after_s(answered.get("Retry-After"), datetime.now(UTC))
                    asked = response.request_info.headers
                    self.trace.hops.append(Hop(url=url, asked=asked, http_status=status, headers=answered))
                    return status, answered, status not in _WITH_BODY or await self._read(response, received)
            except aiohttp.ServerTimeoutError:
                raise Rejected("timeout", f"no connection within {_CONNECT_TIMEOUT_S:g} s") from None
            except TimeoutError:
                raise Rejected("timeout", f"not complete within {self.timeout_s:g} s") from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise _rejected(error) from None
            finally:
                self.left_s -= _now() - start

    async def _read(self, response: aiohttp.ClientResponse, received: Received) -> bool:
        """Take the body off the wire; whether it came whole."""
        if (response.content_length or 0) > self.max_wire_bytes and self.kind != "robots":
            raise Rejected("too-large", f"{response.content_length} bytes announced")
        try:
            async for part in response.content.iter_any():
                self.trace.wire_bytes += len(part)
                received.add(part)
                if received.size > self.max_wire_bytes:
                    if self.kind == "robots":
                        return False
                    raise Rejected("too-large", f"over {self.max_wire_bytes} bytes on the wire")
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionError):
            if self.kind == "page" or not received.size:
                raise
            return False
        return True

    async def _decoded(self, received: Received, headers: CIMultiDictProxy[str]) -> tuple[bytes, bool]:
        """The body without its encodings, and whether they came to their end."""
        encodings = ",".join(headers.getall("Content-Encoding", ()))
        large = received.size > SMALL_BYTES
        if large:
            await self._hold_large()
        wire = received.take(self.max_wire_bytes)
        try:
            at_first = self.max_body_bytes if large else min(SMALL_BYTES, self.max_body_bytes)
            body, complete = decode(wire, encodings, at_first)
        except Rejected as rejected:
            if rejected.reason != "too-large" or at_first == self.max_body_bytes:
                raise
            await self._hold_large()
            body, complete = decode(wire, encodings, self.max_body_bytes)
        if not complete and self.kind == "page":
            raise Rejected("bad-encoding", "the compressed body breaks off")
        return body, complete

    async def _hold_large(self) -> None:
        """Take a large body's slot until the caller is done. The host's turn is over and its time stands still."""
        await self.held.enter_async_context(_slot(self.client.large()))


async def _asked_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep the library from asking again by itself, at once and past the host's turn, when a connection breaks."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _guarded_socket(info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
    """The socket for an address that was resolved a moment ago; refused before any packet is sent."""
    family, kind, protocol, _, address = info
    require_public(str(address[0]))
    return socket.socket(family, kind, protocol)


@asynccontextmanager
async def _slot(semaphore: asyncio.Semaphore) -> AsyncIterator[None]:
    async with semaphore:
        yield


def _rejected(error: BaseException) -> Rejected:
    text = str(getattr(error, "os_error", error))[:300]
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Rejected("dns", text)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return Rejected("tls", text)
    if BlockedAddressError.MARK in text:
        return Rejected("blocked-address", text)
    if isinstance(error, (aiohttp.InvalidURL, UnicodeError)):
        return Rejected("bad-url", text)
    if isinstance(error, aiohttp.ClientResponseError):  # status line or header that is not HTTP
        return Rejected("bad-http", text)
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError)):
        return Rejected("connect", text or type(error).__name__)
    return Rejected("bad-http", f"{type(error).__name__}: {text}")


def _outcome(answer: Answer | None, rejected: Rejected | None) -> str:
    if rejected is not None:
        return rejected.reason
    return "not-modified" if answer and answer.http_status == 304 else "ok"


def _now() -> float:
    return asyncio.get_running_loop().time()
