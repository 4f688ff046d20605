"""Pages kept as WARC 1.1 files (ISO 28500:2017), one gzip member a record, and read back: own archives and others'.

A page of ours is a response record with the decoded body, and a metadata record with the entry it was fetched for, so
that reading it back gives the same page. Of other crawlers' files (CC-NEWS and the like) the HTML responses with status
200 are read, each with an entry made of its address and its date. Reading is bounded: records over `MAX_RECORD_BYTES`
are skipped, and what is broken ends the member, not the file.
"""

import dataclasses
import itertools
import json
import re
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path

from pydantic import TypeAdapter

from transforms.decoding import decode
from transforms.reject import Rejected
from transforms.schema import Entry, Page

MAX_RECORD_BYTES = 20_000_000
LEVEL = 4  # half the time of the default for a twentieth more bytes
_READ_BYTES = 262_144
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]{0,1000}\r\n")
_OWN = "X-Newsbeam"
_ENTRY = TypeAdapter(Entry)
_ENTRY_TYPE = "application/vnd.newsbeam.entry+json"


class WarcWriter:
    """Writes a new file at `path`, called `name` in references; close it, or use it as a context manager."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = name or path.name
        self._file = path.open("wb")
        self._record(
            "warcinfo", {"Content-Type": "application/warc-fields"}, b"software: newsbeam\r\nformat: WARC/1.1\r\n"
        )

    def add(self, page: Page) -> Page:
        """The page with `raw_ref` set to the file's name and the offset of its record, after it was written."""
        offset = self._file.tell()
        page = dataclasses.replace(page, raw_ref=f"{self.name}#{offset}")
        head = f"HTTP/1.1 {page.http_status:03} -\r\n{_OWN}: page\r\nContent-Length: {len(page.body)}\r\n"
        if page.content_type:
            head += f"Content-Type: {page.content_type}\r\n"
        about = {"WARC-Target-URI": page.final_url, "WARC-Date": page.fetched_at.astimezone(UTC).strftime(_DATE_FORMAT)}
        payload = f"{head}\r\n".encode("utf-8", "replace") + page.body
        response = self._record("response", about | {"Content-Type": "application/http;msgtype=response"}, payload)
        entry = {"entry": _ENTRY.dump_python(page.entry, mode="json"), "raw_ref": page.raw_ref}
        about |= {"Content-Type": _ENTRY_TYPE, "WARC-Refers-To": response}
        self._record("metadata", about, json.dumps(entry).encode())
        return page

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "WarcWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, kind: str, headers: dict[str, str], payload: bytes) -> str:
        record_id = f"<urn:uuid:{uuid.uuid4()}>"
        own = {"WARC-Type": kind, "WARC-Record-ID": record_id, "Content-Length": str(len(payload))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (own | headers).items())
        record = b"WARC/1.1\r\n" + lines.encode() + b"\r\n" + payload + b"\r\n\r\n"
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._file.write(packer.compress(record) + packer.flush())
        return record_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePart:
    """`count` pages of a file, after the first `skip`."""

    path: str
    skip: int
    count: int


def archive_parts(path: Path, size: int) -> Iterator[ArchivePart]:
    """A file in parts of `size` pages. The file is read through once to count them."""
    pages = sum(1 for _ in read_pages(path))
    for skip in range(0, pages, size):
        yield ArchivePart(path=str(path), skip=skip, count=min(size, pages - skip))


def read_part(part: ArchivePart) -> Iterator[Page]:
    """The pages of a part."""
    return itertools.islice(read_pages(Path(part.path)), part.skip, part.skip + part.count)


def read_pages(path: Path, feed_id: str = "warc") -> Iterator[Page]:
    """The pages of a .warc.gz file in its order; those of our own with the entries they were fetched for.

    Entries of other files get `feed_id`, and as `seen_at` the date of the capture, later ones a microsecond each.
    """
    for number, page in enumerate(_pages(path, feed_id)):
        entry = page.entry
        if entry.feed_id == feed_id and entry.feed_url == path.name:
            entry = dataclasses.replace(entry, seen_at=entry.seen_at + timedelta(microseconds=number))
        yield dataclasses.replace(page, entry=entry)


def _pages(path: Path, feed_id: str) -> Iterator[Page]:
    waiting: tuple[str, Page] | None = None  # a response whose entry may follow
    for offset, headers, payload in _records(path):
        kind = headers.get("warc-type")
        if kind == "metadata" and waiting and headers.get("warc-refers-to") == waiting[0]:
            yield _with_entry(waiting[1], payload)
            waiting = None
            continue
        if waiting:
            yield waiting[1]
            waiting = None
        if kind == "response" and (page := _page(headers, payload, path, offset, feed_id)):
            waiting = (headers.get("warc-record-id", ""), page)
    if waiting:
        yield waiting[1]


def _records(path: Path) -> Iterator[tuple[int, dict[str, str], bytes]]:
    """Offset, headers with names in lower case, and payload of each record."""
    with path.open("rb") as file:
        for offset, member in _members(file):
            head, _, payload = member.partition(b"\r\n\r\n")
            version, _, lines = head.partition(b"\r\n")
            if version.startswith(b"WARC/1."):
                headers = _headers(lines)
                length = headers.get("content-length", "")
                yield offset, headers, payload[: int(length) if length.isdecimal() else None]


def _members(file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Offset and content of each gzip member; of those that are too large or broken, nothing."""
    offset, data = 0, b""
    while data := data or file.read(_READ_BYTES):
        unpacker = zlib.decompressobj(31)
        parts: list[bytes] = []
        size = used = 0
        while data and not unpacker.eof:
            try:
                part = unpacker.decompress(data, _READ_BYTES)
            except zlib.error:
                return  # what follows cannot be told from rubbish
            used += len(data) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
            size += len(part)
            if size <= MAX_RECORD_BYTES:
                parts.append(part)
            data = unpacker.unconsumed_tail or (b"" if unpacker.eof else file.read(_READ_BYTES))
        if unpacker.eof:
            data = unpacker.unused_data
            if size <= MAX_RECORD_BYTES:
                yield offset, b"".join(parts)
        offset += used


def _headers(lines: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.decode("utf-8", "replace").split("\r\n")[:200])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _page(headers: dict[str, str], payload: bytes, path: Path, offset: int, feed_id: str) -> Page | None:
    """The page of a response record; None when it is none."""
    head, _, body = payload.partition(b"\r\n\r\n")
    status_line, _, lines = head.partition(b"\r\n")
    fields = _headers(lines)
    parts = status_line.split(b" ", 2)
    url = headers.get("warc-target-uri", "").strip("<>")
    fetched_at = _date(headers.get("warc-date", ""))
    content_type = fields.get("content-type")
    if len(parts) < 2 or not parts[1].isdigit() or not url.startswith(("http://", "https://")) or fetched_at is None:
        return None
    if _OWN.lower() not in fields and (parts[1] != b"200" or (content_type and "html" not in content_type.lower())):
        return None
    return Page(
        entry=Entry(url=url, feed_id=feed_id, feed_url=path.name, seen_at=fetched_at),
        final_url=url,
        http_status=int(parts[1]),
        content_type=content_type,
        body=_body(body, fields),
        fetched_at=fetched_at,
        raw_ref=f"{path.name}#{offset}",
    )


def _body(body: bytes, fields: dict[str, str]) -> bytes:
    """A body without its encodings; as it stands when it is not encoded as its head says, as crawlers often keep it."""
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = _unchunked(body)
    try:
        return decode(body, fields.get("content-encoding", ""), MAX_RECORD_BYTES)[0]
    except Rejected:
        return body


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while match := _CHUNK.match(body, at):
        size = int(match[1], 16)
        parts.append(body[match.end() : match.end() + size])
        at = match.end() + size + 2
        if not size:
            break
    return b"".join(parts) if parts else body


def _with_entry(page: Page, payload: bytes) -> Page:
    try:
        kept = json.loads(payload)
        entry = _ENTRY.validate_python(kept["entry"])
        raw_ref = str(kept["raw_ref"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return page
    return dataclasses.replace(page, entry=entry, raw_ref=raw_ref)


def _date(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
