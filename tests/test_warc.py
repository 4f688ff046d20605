"""Pages kept as WARC files and read back."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.schema import Entry, Page
from transforms.warc import ArchiveWriter, archive_parts, read_pages, read_part

NOW = datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)
ENTRY = Entry(
    url="https://a.example/?u", feed_id="f", feed_url="https://a.example/feed", seen_at=NOW, authors=("Ada", "Bo")
)
PAGE = Page(
    entry=ENTRY,
    final_url="https://a.example/x",
    http_status=200,
    content_type="text/html",
    body=b"<p>hello",
    fetched_at=NOW,
)


def record(kind: str, payload: bytes, **headers: str) -> bytes:
    lines = {"WARC-Type": kind, "Content-Length": str(len(payload))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return gzip.compress(f"WARC/1.0\r\n{head}\r\n".encode() + payload + b"\r\n\r\n")


def response(url: str, answer: bytes) -> bytes:
    return record("response", answer, WARC_Target_URI=url, WARC_Date="2026-11-20T07:00:00Z")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.binary(max_size=2000), max_size=5), title=st.text(max_size=20))
def test_what_is_written_is_read_back_entry_and_all(bodies: list[bytes], title: str, tmp_path: Path) -> None:
    title = title.encode("utf-8", "ignore").decode()
    entry = Entry(url="https://a.example/", feed_id="f", feed_url="g", seen_at=NOW, title=title, keywords=("a", title))
    with ArchiveWriter(tmp_path / "a.warc.gz") as writer:
        kept = [
            writer.add(
                Page(
                    entry=entry,
                    final_url="https://a.example/x",
                    http_status=0,
                    content_type=None,
                    body=body,
                    fetched_at=NOW,
                )
            )
            for body in bodies
        ]
    assert list(read_pages(tmp_path / "a.warc.gz")) == kept


def test_the_reference_leads_to_the_record(tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "a.warc.gz") as writer:
        writer.add(PAGE)
        second = writer.add(PAGE)
    name, offset = (second.raw_ref or "").split("#")
    data = gzip.decompress((tmp_path / name).read_bytes()[int(offset) :])
    assert data.startswith(b"WARC/1.1\r\n")
    assert b"WARC-Type: response\r\n" in data
    assert b"WARC-Target-URI: https://a.example/x\r\n" in data


def test_other_crawlers_files_give_their_html_pages(tmp_path: Path) -> None:
    path = tmp_path / "CC-NEWS.warc.gz"
    packed = gzip.compress(b"<p>packed")
    path.write_bytes(
        record("warcinfo", b"software: other\r\n")
        + record("request", b"GET / HTTP/1.1\r\n\r\n", WARC_Target_URI="https://a.example/1")
        + response("https://a.example/1", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>plain")
        + response(
            "<https://a.example/2>",
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<p>\r\n2;x=y\r\nhi\r\n0\r\n\r\n",
        )
        + response("https://a.example/3", b"HTTP/2 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed)
        + response("https://a.example/4", b"HTTP/2 200 OK\r\nContent-Encoding: br\r\n\r\n<p>decoded already")
        + response("https://a.example/5", b"HTTP/1.1 404 Not Found\r\n\r\nno")
        + response("https://a.example/6", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG")
        + response("dns:a.example", b"HTTP/1.1 200 OK\r\n\r\nno")
    )
    pages = list(read_pages(path, "cc-news"))
    assert [page.body for page in pages] == [b"<p>plain", b"<p>hi", b"<p>packed", b"<p>decoded already"]
    assert pages[0].entry.url == pages[0].final_url == "https://a.example/1"
    assert pages[0].entry.seen_at == pages[0].fetched_at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert pages[0].entry.seen_at < pages[1].entry.seen_at < pages[2].entry.seen_at
    assert {page.entry.feed_id for page in pages} == {"cc-news"}
    _, offset = (pages[1].raw_ref or "").split("#")
    assert b"https://a.example/2" in gzip.decompress(path.read_bytes()[int(offset) :])[:300]


def test_the_parts_of_a_file_are_all_of_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    with ArchiveWriter(path) as writer:
        kept = [writer.add(PAGE) for _ in range(5)]
    parts = list(archive_parts(path, 2))
    assert [part.count for part in parts] == [2, 2, 1]
    assert [page for part in parts for page in read_part(part)] == kept


def is_gzip(data: bytes) -> bool:
    try:
        return bool(gzip.decompress(data))
    except (EOFError, OSError):
        return False


def test_a_file_that_was_cut_gives_its_whole_pages_and_tells_that_it_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    with ArchiveWriter(path) as writer:
        for _ in range(3):
            writer.add(PAGE)
    whole = path.read_bytes()
    for length in range(200, len(whole), 7):
        path.write_bytes(whole[:length])
        assert {page.body for page in read_pages(path)} <= {PAGE.body}
        told = [part.broken for part in archive_parts(path, 2) if part.broken]
        assert len(told) == (0 if is_gzip(whole[:length]) else 1)


@pytest.mark.parametrize(
    "damage", [b"", b"no gzip", b"\x1f\x8b\x08", gzip.compress(b"no record"), gzip.compress(bytes(30_000_000))]
)
def test_a_damaged_file_gives_what_comes_before_the_damage(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    with ArchiveWriter(path) as writer:
        writer.add(PAGE)
    path.write_bytes(path.read_bytes() + damage)
    assert [page.body for page in read_pages(path)] == [b"<p>hello"]
