"""Archived pages through the pipeline again."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.config import parse_config
from pipeline.replay import replay_once
from pipeline.report import Report
from pipeline.run import Options, run_once
from tests.servers import Reply, html, serve
from tests.test_warc import response

TOWNS = ["Accra", "Bergen", "Cusco", "Dakar", "Osaka"]


def page(town: str) -> Reply:
    sentences = "".join(
        f"<p>The council of {town} voted on its {n}th bridge across the {n * 3} canals of {town}, officials said.</p>"
        for n in range(1, 7)
    )
    head = f"<html lang=en><title>{town} builds</title>"
    return html(f"{head}<article><h1>{town} builds</h1>{sentences}</article></html>")


def quiet(phase: str, report: Report, to_do: int) -> None:
    pass


def rows(root: Path) -> list[dict[str, Any]]:
    files = sorted((root / "articles").glob("*/*.parquet"))
    found = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    return sorted(found, key=lambda row: str(row["article_id"]))


def test_pages_of_another_crawler_fall_on_the_day_they_were_captured(tmp_path: Path) -> None:
    body = page("Lima").body
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body!s}".encode()
    path = tmp_path / "CC-NEWS.warc.gz"
    path.write_bytes(response("https://towns.example/lima", answer) + response("https://towns.example/none", b""))
    config = parse_config({"output": str(tmp_path / "data")}, "test")
    report = replay_once(config, Options(), quiet, files=[path])
    assert (report.entries, report.stored) == (1, 1)
    (row,) = rows(tmp_path / "data")
    assert row["url"] == "https://towns.example/lima"
    assert [folder.name for folder in (tmp_path / "data" / "articles").iterdir()] == ["seen_date=2026-11-20"]


def test_a_file_that_breaks_off_is_told_in_an_alarm(tmp_path: Path) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{page('Lima').body!s}".encode()
    path = tmp_path / "CC-NEWS.warc.gz"
    path.write_bytes(
        response("https://towns.example/lima", answer) + response("https://towns.example/rio", answer)[:-20]
    )
    config = parse_config({"output": str(tmp_path / "data")}, "test")
    report = replay_once(config, Options(), quiet, files=[path])
    assert report.stored == 1
    assert [alarm.text.partition(":")[0] for alarm in report.alarms] == [f"{path} breaks off after 1 pages"]


def test_the_own_archive_gives_the_same_rows_again_and_a_second_replay_none(tmp_path: Path) -> None:
    items = "".join(f"<item><title>{town}</title><link>/{town}</link></item>" for town in [*TOWNS, "gone"])
    feed = Reply(body=f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>')
    with serve({f"/{town}": page(town) for town in TOWNS} | {"/feed": feed}) as site:
        document = {
            "output": str(tmp_path / "first"),
            "run": {"batch_entries": 3},
            "fetch": {"allow_hosts": [site.host], "per_host_delay_s": 0, "archive": True},
            "feeds": [{"url": site.url("/feed"), "id": "towns"}],
        }
        config = parse_config(document, "test")
        run_once(config, Options(), quiet)
    archives = sorted((tmp_path / "first" / "archive").glob("*.warc.gz"))
    again = dataclasses.replace(config, output=str(tmp_path / "second"))
    report = replay_once(again, Options(), quiet, files=archives)
    assert (report.entries, report.stored, report.rejected) == (5, 5, 0)
    first, second = rows(tmp_path / "first"), rows(tmp_path / "second")
    assert [row | {"run_id": ""} for row in first] == [row | {"run_id": ""} for row in second]
    assert all(row["raw_ref"].startswith("archive/") for row in second)
    report = replay_once(again, Options(), quiet, files=archives)
    assert (report.entries, report.stored, report.unchanged) == (5, 0, 5)


def test_an_archive_of_several_versions_and_rejects_adds_nothing_when_it_is_replayed_again(tmp_path: Path) -> None:
    def feed(summary: str) -> Reply:
        items = "".join(f"<item><title>{name}</title><link>/{name}</link><description>{summary}</description></item>"
                        for name in ("Osaka", "short"))  # fmt: skip
        return Reply(body=f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>')

    first, second = tmp_path / "first", tmp_path / "second"
    with serve({"/short": html("<html><title>S</title><p>Stub.</p></html>")}) as site:
        document = {
            "output": str(first),
            "fetch": {"allow_hosts": [site.host], "per_host_delay_s": 0, "archive": True},
            "feeds": [{"url": site.url("/feed"), "id": "towns", "interval_s": 0}],
        }
        config = parse_config(document, "test")
        for town in TOWNS[:3]:
            site.routes |= {"/Osaka": page(town), "/feed": feed(town)}
            run_once(config, Options(), quiet)
    assert [(row["version"], row["title"]) for row in sorted(rows(first), key=lambda row: row["version"])] == [
        (number, f"{town} builds") for number, town in enumerate(TOWNS[:3], 1)
    ]
    archives = sorted((first / "archive").glob("*.warc.gz"))
    again = dataclasses.replace(config, output=str(second))
    assert [replay_once(again, Options(), quiet, files=archives).stored for _ in range(2)] == [3, 0]
    report = replay_once(again, Options(), quiet, files=archives[::-1])
    assert (report.entries, report.unchanged) == (6, 6)
    assert len(rows(second)) == 3
    assert sum(pq.read_metadata(file).num_rows for file in second.glob("rejects/*/*.parquet")) == 3
