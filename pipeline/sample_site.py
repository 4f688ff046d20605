"""Serves the sample news world of `data/sample` over real HTTP on loopback, for the demo and for tests.

Every folder of the sample is a site on a port of its own; a file's path is its URL, `.html` may be left out. Text files
are sent as they stand after filling in `{{origin}}` (this site), `{{NAME}}` (another site's origin) and
`{{include FILE}}` (a part that the pages of a site share). Names that start with `_` are never served. `_redirects`
holds lines of `FROM TO STATUS`; status 410 needs no target. `_later/NAME` holds the files of a site that replace or
join its first ones after `SampleSite.advance`: what a news site looks like some hours later.

Standard library only; listens on 127.0.0.1 alone.
"""

import email.utils
import gzip
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from transforms.schema import Feed

PREFERRED_PORTS = (8811, 8812, 8813)  # fixed, so that a second demo meets the same URLs

_TYPES = {
    ".html": "text/html",
    ".rss": "application/rss+xml",
    ".atom": "application/atom+xml",
    ".rdf": "application/rdf+xml",
    ".json": "application/feed+json",
    ".xml": "application/xml",
    ".txt": "text/plain",
}
_PLACEHOLDER = re.compile(r"\{\{(include )?([\w.-]+)\}\}")
_CHARSET = re.compile(r'<meta charset="([\w-]+)"')


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it goes over the wire. `content_type` names no charset where the page itself declares a rarer one."""

    body: bytes
    content_type: str
    modified_at: datetime


@dataclass(slots=True)
class SampleSite:
    """The running sample: `feeds` to poll, `hosts` as "127.0.0.1:PORT" for `fetch.allow_hosts`, `origins` by site."""

    feeds: tuple[Feed, ...]
    hosts: tuple[str, ...]
    origins: dict[str, str]
    _later: threading.Event = field(default_factory=threading.Event)

    def advance(self) -> None:
        """From now on the sites show their later state: new stories, and corrections of old ones."""
        self._later.set()


def sample_folder(start: Path | None = None) -> Path:
    """`data/sample` of the repository this program runs from, else of `start` (default: the working directory).

    Raises FileNotFoundError: an installed wheel does not carry the sample.
    """
    for root in (Path(__file__).parent.parent, start or Path.cwd()):
        if (root / "data" / "sample" / "feeds.json").is_file():
            return root / "data" / "sample"
    raise FileNotFoundError("data/sample not found: the demo needs a clone of the repository, run it from there")


@contextmanager
def serve_sample(folder: Path, ports: Sequence[int] = PREFERRED_PORTS) -> Iterator[SampleSite]:
    """Serve the sites of `folder` while the context lasts, in alphabetical order on `ports`.

    A port that is taken is replaced by a free one; 0 asks for a free one.
    """
    names = site_names(folder)
    if len(ports) < len(names):
        raise ValueError(f"{len(names)} sites need {len(names)} ports, got {len(ports)}")
    with ExitStack() as stack:
        servers = [stack.enter_context(_bind(port)) for port in ports[: len(names)]]
        hosts = tuple(f"127.0.0.1:{server.server_address[1]}" for server in servers)
        origins = {name: f"http://{host}" for name, host in zip(names, hosts, strict=True)}
        site = SampleSite(feeds=read_feeds(folder, origins), hosts=hosts, origins=origins)
        for name, server in zip(names, servers, strict=True):
            server.serve_site(folder, name, site)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        yield site


def site_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("_"))


def read_feeds(folder: Path, origins: Mapping[str, str]) -> tuple[Feed, ...]:
    """The feeds of `feeds.json`: objects with the keys of `Feed`, placeholders filled in."""
    text = _fill((folder / "feeds.json").read_text("utf-8"), folder, origins)
    return tuple(Feed(**item) for item in json.loads(text))


def find_document(
    folder: Path, name: str, target: str, origins: Mapping[str, str], later: bool = False
) -> Document | None:
    """What site `name` answers to the request target `target` (path and query; the query is ignored), None for 404."""
    parts = [part for part in unquote(urlsplit(target).path).split("/") if part]
    if any(part.startswith(("_", ".")) or "\\" in part or "\0" in part for part in parts):
        return None
    path = "/".join(parts)
    candidates = [path, f"{path}.html"] if path else ["index.html"]
    for root in [folder / "_later" / name] * later + [folder / name]:
        for candidate in candidates:
            if (root / candidate).is_file():
                return _read(root / candidate, folder / name, {**origins, "origin": origins[name]})
    return None


def find_redirect(folder: Path, name: str, target: str) -> tuple[int, str] | None:
    """Status and target that `_redirects` gives for the path of `target`."""
    rules = folder / name / "_redirects"
    if rules.is_file():
        for line in rules.read_text("utf-8").splitlines():
            source, *to, status = line.split()
            if source == urlsplit(target).path:
                return int(status), to[0] if to else ""
    return None


def _read(path: Path, site: Path, values: Mapping[str, str]) -> Document:
    text = _fill(path.read_text("utf-8"), site, values)
    declared = _CHARSET.search(text)
    charset = declared.group(1) if declared else "utf-8"
    content_type = _TYPES.get(path.suffix, "application/octet-stream")
    if charset == "utf-8":
        content_type += "; charset=utf-8"
    modified_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return Document(text.encode(charset), content_type, modified_at)


def _fill(text: str, site: Path, values: Mapping[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        include, name = match.groups()
        if include:
            return _fill((site / name).read_text("utf-8"), site, values)
        return values[name]

    return _PLACEHOLDER.sub(replacement, text)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    folder: Path
    name: str
    site: SampleSite

    def serve_site(self, folder: Path, name: str, site: SampleSite) -> None:
        self.folder, self.name, self.site = folder, name, site

    def answer(self, target: str) -> Document | tuple[int, str] | None:
        later = self.site._later.is_set()
        return find_redirect(self.folder, self.name, target) or find_document(
            self.folder, self.name, target, self.site.origins, later
        )


def _bind(port: int) -> _Server:
    try:
        return _Server(("127.0.0.1", port), _Handler)
    except OSError:
        return _Server(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def do_GET(self) -> None:
        answer = self.server.answer(self.path)
        if isinstance(answer, Document):
            self._send_document(answer)
        elif answer:
            status, location = answer
            self._send(status, {"Location": location} if location else {}, b"")
        else:
            page = self.server.answer("/404") if "." not in self.path.rsplit("/", 1)[-1] else None
            body = page.body if isinstance(page, Document) else b"not found\n"
            self._send(404, {"Content-Type": "text/html; charset=utf-8" if page else "text/plain"}, body)

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def _send_document(self, document: Document) -> None:
        etag = f'"{hashlib.sha256(document.body).hexdigest()[:20]}"'
        headers = {
            "ETag": etag,
            "Last-Modified": email.utils.format_datetime(document.modified_at, usegmt=True),
            "Content-Type": document.content_type,
            "Vary": "Accept-Encoding",
        }
        if self._is_current(etag, document.modified_at):
            self._send(HTTPStatus.NOT_MODIFIED, headers, b"")
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            self._send(HTTPStatus.OK, headers | {"Content-Encoding": "gzip"}, gzip.compress(document.body, mtime=0))
        else:
            self._send(HTTPStatus.OK, headers, document.body)

    def _is_current(self, etag: str, modified_at: datetime) -> bool:
        if (validators := self.headers.get("If-None-Match")) is not None:
            return etag in validators
        since = self.headers.get("If-Modified-Since")
        try:
            return since is not None and email.utils.parsedate_to_datetime(since) >= modified_at
        except (TypeError, ValueError):
            return False

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the pipeline's own `fetches` tell what was asked."""
