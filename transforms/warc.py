"""Pages kept as WARC 1.1 files (ISO 28500:2017) and read back: own archives and others'. The format is warcio's work.

A page of ours is a response record with the decoded body, and a metadata record with the entry it was fetched for, so
that reading it back gives the same page. Of other crawlers' files (CC-NEWS and the like) the HTML responses with status
200 are read, each with an entry made of its address and its date. Reading is bounded: bodies over `MAX_BODY_BYTES` are
skipped, and what is broken ends the file there, which its last part tells.
"""

import dataclasses
import gzip
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from transforms import opt_outs
from transforms.decoding import decode
from transforms.reject import Rejected
from transforms.schema import Entry, Page

T = TypeVar("T")
MAX_BODY_BYTES = 20_000_000
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_OWN = "X-Newsbeam"
_REFERS_TO = "WARC-Refers-To"
_ENTRY = TypeAdapter(Entry)
_ENTRY_TYPE = "application/vnd.newsbeam.entry+json"


class ArchiveWriter:
    """Writes a new file at `path`, called `name` in references; close it, or use it as a context manager."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.name = name or path.name
        self._file = path.open("wb")
        self._warc = WARCWriter(self._file, gzip=True, warc_version="WARC/1.1")
        self._warc.write_record(self._warc.create_warcinfo_record(self.name, {"software": "newsbeam"}))

    def add(self, page: Page) -> Page:
        """The page with `raw_ref` set to the file's name and the offset of its record, after it was written."""
        page = dataclasses.replace(page, raw_ref=f"{self.name}#{self._file.tell()}")
        date = page.fetched_at.astimezone(UTC).strftime(_DATE_FORMAT)
        fields = [(_OWN, "page"), ("Content-Length", str(len(page.body)))]
        fields += [("Content-Type", page.content_type)] if page.content_type else []
        response = self._warc.create_warc_record(
            page.final_url,
            "response",
            payload=BytesIO(page.body),
            http_headers=StatusAndHeaders(f"{page.http_status:03} -", fields, protocol="HTTP/1.1"),
            warc_headers_dict={"WARC-Date": date},
        )
        self._warc.write_record(response)
        entry = {
            "entry": _ENTRY.dump_python(page.entry, mode="json"),
            "raw_ref": page.raw_ref,
            "opt_outs": page.opt_outs,
        }
        refers_to = response.rec_headers.get_header("WARC-Record-ID")
        metadata = self._warc.create_warc_record(
            page.final_url,
            "metadata",
            payload=BytesIO(json.dumps(entry).encode()),
            warc_content_type=_ENTRY_TYPE,
            warc_headers_dict={"WARC-Date": date, _REFERS_TO: refers_to},
        )
        self._warc.write_record(metadata)
        return page

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePart:
    """`count` pages of a file from the record at `offset` (bytes) on; `first` is the number of its first page. The last
    part of a file that breaks off tells so in `broken`; it may have no page."""

    path: str
    offset: int
    first: int
    count: int
    broken: str | None = None


class BrokenArchive(Exception):  # noqa: N818 - an outcome: what stood before it was read
    """What follows cannot be told from rubbish; the message says what was found."""


def archive_parts(path: Path, size: int) -> Iterator[ArchivePart]:
    """A file in parts of `size` pages. The file is read through once to find them."""
    places: list[int] = []
    broken = None
    try:
        places.extend(place for place, _ in _pages(path, 0, ""))
    except BrokenArchive as error:
        broken = str(error)
    broken = broken or _cut(path)
    for first in range(0, len(places), size):
        count = min(size, len(places) - first)
        yield ArchivePart(path=str(path), offset=places[first], first=first, count=count)
    if broken:
        yield ArchivePart(path=str(path), offset=0, first=len(places), count=0, broken=broken)


def offsets(path: Path, tell: Callable[[Page], T]) -> Iterator[tuple[int, T]]:
    """Where each page of a file begins, and what `tell` says of it; the pages themselves are not kept."""
    with suppress(BrokenArchive):
        for offset, page in _pages(path, 0, ""):
            yield offset, tell(page)


def _cut(path: Path) -> str | None:
    """What is wrong with a compressed file as such: one that was cut among the fields of a record looks whole else."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return None
    try:
        with gzip.open(path) as unpacked:
            while unpacked.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return str(error)
    return None


def read_part(part: ArchivePart) -> Iterator[Page]:
    """The pages of a part."""
    return itertools.islice(read_pages(Path(part.path), offset=part.offset, first=part.first), part.count)


def read_pages(path: Path, feed_id: str = "warc", *, offset: int = 0, first: int = 0) -> Iterator[Page]:
    """The pages of a .warc.gz file in its order; those of our own with the entries they were fetched for.

    Entries of other files get `feed_id`, and as `seen_at` the date of the capture, later ones a microsecond each.
    `offset` is the record to begin with, `first` the number of the page there.
    """
    with suppress(BrokenArchive):
        for number, (_, page) in enumerate(_pages(path, offset, feed_id), first):
            entry = page.entry
            if entry.feed_id == feed_id and entry.feed_url == path.name:
                entry = dataclasses.replace(entry, seen_at=entry.seen_at + timedelta(microseconds=number))
            yield dataclasses.replace(page, entry=entry)


def _pages(path: Path, start: int, feed_id: str) -> Iterator[tuple[int, Page]]:
    """Offset and content of each page; a response waits for the entry that may follow it. Raises `BrokenArchive` after
    the last page that is whole."""
    waiting: tuple[int, Page, str] | None = None
    try:
        for offset, record, body in _records(path, start):
            if record.rec_type == "metadata" and waiting and record.rec_headers.get_header(_REFERS_TO) == waiting[2]:
                yield waiting[0], _with_entry(waiting[1], body)
                waiting = None
                continue
            if waiting:
                yield waiting[0], waiting[1]
                waiting = None
            if record.rec_type == "response" and (page := _page(record, body, path, offset, feed_id)):
                waiting = offset, page, record.rec_headers.get_header("WARC-Record-ID") or ""
    except BrokenArchive:
        if waiting:
            yield waiting[0], waiting[1]
        raise
    if waiting:
        yield waiting[0], waiting[1]


def _records(path: Path, start: int) -> Iterator[tuple[int, ArcWarcRecord, bytes]]:
    """Offset, record and decoded content of each response and metadata record that is not too large."""
    with path.open("rb") as file:
        file.seek(start)
        records = ArchiveIterator(file)
        try:
            for record in records:
                if record.rec_type in ("response", "metadata"):
                    body = _body(record)
                    while record.raw_stream.read(1 << 20):
                        pass
                    if record.raw_stream.limit:
                        raise BrokenArchive("it ends in the middle of a record")
                    if body is not None:
                        yield records.get_record_offset(), record, body
        except (
            ArchiveLoadFailed,
            OSError,
            EOFError,
            ValueError,
            OverflowError,
            AttributeError,
        ) as error:  # the last for a lacking field
            raise BrokenArchive(str(error) or type(error).__name__) from error


def _body(record: ArcWarcRecord) -> bytes | None:
    """A body without its encodings, None when it is too large; as it stands when it is not encoded as its head says,
    as crawlers often keep it."""
    fields = record.http_headers
    chunked = fields and "chunked" in (fields.get_header("Transfer-Encoding") or "").lower()
    stream = ChunkedDataReader(record.raw_stream) if chunked else record.raw_stream
    body = _read_all(stream, MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        return decode(body, (fields.get_header("Content-Encoding") if fields else "") or "", MAX_BODY_BYTES)[0]
    except Rejected:
        return body


def _read_all(stream: BinaryIO, most: int) -> bytes:
    """Everything up to `most` bytes of a stream that may give less than is asked for."""
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _page(record: ArcWarcRecord, body: bytes, path: Path, offset: int, feed_id: str) -> Page | None:
    """The page of a response record; None when it is none."""
    url = (record.rec_headers.get_header("WARC-Target-URI") or "").strip("<>")
    fetched_at = _date(record.rec_headers.get_header("WARC-Date") or "")
    fields = record.http_headers
    status = fields.get_statuscode() if fields else ""
    if not status.isdigit() or not url.startswith(("http://", "https://")) or fetched_at is None:
        return None
    content_type = fields.get_header("Content-Type")
    if not fields.get_header(_OWN) and (status != "200" or (content_type and "html" not in content_type.lower())):
        return None
    return Page(
        entry=Entry(url=url, feed_id=feed_id, feed_url=path.name, seen_at=fetched_at),
        final_url=url,
        http_status=int(status),
        content_type=content_type,
        body=body,
        fetched_at=fetched_at,
        raw_ref=f"{path.name}#{offset}",
        opt_outs=opt_outs.of_headers(fields.headers),
    )


def _with_entry(page: Page, payload: bytes) -> Page:
    try:
        kept = json.loads(payload)
        entry = _ENTRY.validate_python(kept["entry"])
        raw_ref = str(kept["raw_ref"])
        said = tuple(map(str, kept.get("opt_outs", ())))
    except (ValueError, KeyError, TypeError, RecursionError):
        return page
    return dataclasses.replace(page, entry=entry, raw_ref=raw_ref, opt_outs=said)


def _date(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
