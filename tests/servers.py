"""A real HTTP server on a loopback port for tests: what it answers is given as a dict, what it was asked is kept.

    with serve({"/feed.xml": Reply(body=FEED, headers={"ETag": '"1"'})}) as site:
        fetch(site.url("/feed.xml"))
        assert site.asked == ["/feed.xml"]

A route is a `Reply`, a function from `Request` to `Reply`, or a coroutine function that writes raw bytes itself.
Routes may be changed while it serves. A `Reply` with an ETag or Last-Modified answers 304 to the same validator.
"""

import asyncio
import inspect
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from transforms.request_urls import host_of


@dataclass(frozen=True, slots=True)
class Request:
    """A request line and its headers, their names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `delay_s` passes before it is sent. Content-Length is added unless given."""

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


Raw = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Route = Reply | Callable[[Request], Reply] | Raw

NOT_FOUND = Reply(status=404, body=b"not here", headers={"Content-Type": "text/plain"})
HTML = {"Content-Type": "text/html; charset=utf-8"}


def html(body: str, **headers: str) -> Reply:
    """An HTML page."""
    return Reply(body=body, headers=HTML | headers)


class Site:
    """A server that runs in a thread of its own until `close`."""

    def __init__(self, routes: dict[str, Route], address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.routes = routes
        self._tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.most_connections = 0
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address, started), daemon=True)
        self._thread.start()
        assert started.wait(10)

    @property
    def asked(self) -> list[str]:
        """The targets asked for so far, robots.txt aside."""
        return [request.target for request in self.requests if request.target != "/robots.txt"]

    def url(self, target: str = "/") -> str:
        return f"{self.base}{target}"

    def close(self) -> None:
        """Stop serving; a server that has been stopped stays so."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _run(self, address: str, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(address, started))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self, address: str, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, address, 0, backlog=512, ssl=self._tls)
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if self._tls else "http"
        self.port = port
        self.base = f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
        self.host = host_of(self.base) or ""
        started.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.most_connections = max(self.most_connections, self.connections)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ", 2)
                pairs = (line.partition(":") for line in head[1:] if line)
                request = Request(method, target, {name.lower(): value.strip() for name, _, value in pairs})
                self.requests.append(request)
                route = self.routes.get(target.partition("?")[0], NOT_FOUND)
                if inspect.iscoroutinefunction(route):
                    await route(request, reader, writer)
                    return
                reply = route if isinstance(route, Reply) else route(request)  # type: ignore[operator]
                await _send(writer, request, reply)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self.connections -= 1
            writer.close()


async def _send(writer: asyncio.StreamWriter, request: Request, reply: Reply) -> None:
    if reply.delay_s:
        await asyncio.sleep(reply.delay_s)
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    status = reply.status
    etag, modified = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
    asked_etag, asked_modified = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if (etag and asked_etag == etag) or (modified and not asked_etag and asked_modified == modified):
        status, body = 304, b""
    headers = {"Content-Length": str(len(body)), **reply.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} Answer\r\n{lines}\r\n".encode() + body)
    await writer.drain()


@contextmanager
def serve(routes: dict[str, Route], address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve `routes` while the context lasts."""
    site = Site(routes, address, tls)
    try:
        yield site
    finally:
        site.close()
