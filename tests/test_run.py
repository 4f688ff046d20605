"""A whole run against a real server: what is stored, what a second run does, and what interruptions leave."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.config import Config, parse_config
from pipeline.report import Report
from pipeline.run import Options, run_once
from tests.servers import Reply, Request, Site, html, serve
from transforms.arrow_schema import arrow_schema
from transforms.crawler import shared_crawler

TOWNS = ["Accra", "Bergen", "Cusco", "Dakar", "Osaka", "Riga"]


def page(town: str, ending: str = "The council meets again in June.") -> Reply:
    paragraphs = [
        f"{town.upper()}: The council of {town} voted on Monday to rebuild the harbour wall of {town}, officials said.",
        f"Work on the {town} wall will begin after the rainy season and take two years, the mayor told reporters.",
        f"Engineers in {town} had warned for a decade that winter storms were washing out the foundations of the wall.",
        ending,
    ]
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    title = f"{town} rebuilds its wall"
    return html(f"<html lang=en><title>{title} - Towns</title><article><h1>{title}</h1>{body}</article></html>")


def feed(paths: list[str], modified: str = "") -> Reply:
    items = "".join(
        f"<item><title>{path}</title><link>{path}</link><guid>{path}</guid>{modified}</item>" for path in paths
    )
    document = f'<rss version="2.0"><channel><title>Towns</title>{items}</channel></rss>'
    return Reply(body=document, headers={"Content-Type": "application/rss+xml", "ETag": f'"{hash(document)}"'})


@pytest.fixture
def site() -> Iterator[Site]:
    routes: dict[str, Any] = {f"/{town}": page(town) for town in TOWNS}
    routes["/feed"] = feed([*(f"/{town}" for town in TOWNS), "/gone"])
    with serve(routes) as running:
        yield running


def document(site: Site, root: Path, **run: object) -> dict[str, Any]:
    return {
        "output": str(root),
        "run": {"workers": 1, **run},
        "fetch": {"allow_hosts": [site.host], "per_host_delay_s": 0},
        "feeds": [{"url": site.url("/feed"), "id": "towns", "publisher": "Towns", "interval_s": 1}],
    }


def config(site: Site, root: Path, **run: object) -> Config:
    return parse_config(document(site, root, **run), "test")


def run(settings: Config) -> Report:
    return run_once(settings, Options(), lambda phase, report, to_do: None)


def rows(root: Path, dataset: str) -> list[dict[str, Any]]:
    files = sorted((root / dataset).glob("*/*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def wait_until_due() -> None:
    time.sleep(1.1)  # the feed's interval_s


def test_a_run_stores_each_article_and_says_why_the_rest_is_missing(site: Site, tmp_path: Path) -> None:
    report = run(config(site, tmp_path))
    assert (report.entries, report.stored, report.rejected) == (7, 6, 1)
    assert report.reasons == {"http-404": 1}
    assert sorted(row["title"] for row in rows(tmp_path, "articles")) == [f"{town} rebuilds its wall" for town in TOWNS]
    assert [row["reason"] for row in rows(tmp_path, "rejects")] == ["http-404"]
    assert {row["run_id"] for row in rows(tmp_path, "articles")} == {report.run_id}
    assert {row["kind"] for row in rows(tmp_path, "fetches")} == {"feed", "page", "robots"}
    assert sorted(report.files) == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*/*.parquet")
    )
    for name in ("articles", "rejects", "fetches"):
        for file in (tmp_path / name).glob("*/*.parquet"):
            assert pq.read_schema(file).equals(arrow_schema(name), check_metadata=True)


def test_a_second_run_asks_conditionally_and_adds_no_row(site: Site, tmp_path: Path) -> None:
    run(config(site, tmp_path))
    asked = len(site.requests)
    wait_until_due()
    report = run(config(site, tmp_path))
    assert (report.feeds_polled, report.feeds_unchanged, report.entries) == (1, 1, 0)
    assert [request.headers.get("if-none-match") for request in site.requests[asked:] if request.target == "/feed"] == [
        site.routes["/feed"].headers["ETag"]  # type: ignore[union-attr]  # a Reply
    ]
    assert len(rows(tmp_path, "articles")) == 6


def test_entries_already_stored_are_not_fetched_again_when_the_feed_grows(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = feed(["/Accra", "/Bergen"])
    run(config(site, tmp_path))
    site.routes["/feed"] = feed(["/Cusco", "/Accra", "/Bergen"])
    wait_until_due()
    report = run(config(site, tmp_path))
    assert (report.entries, report.unchanged, report.stored) == (3, 2, 1)
    assert site.asked.count("/Accra") == 1


def test_a_changed_text_becomes_a_second_version_with_what_changed(site: Site, tmp_path: Path) -> None:
    run(config(site, tmp_path))
    site.routes["/Accra"] = page("Accra", "The council resigned on Friday after the vote was found to be invalid.")
    site.routes["/feed"] = feed(["/Accra"], "<pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate>")
    wait_until_due()
    report = run(config(site, tmp_path))
    assert (report.stored, report.versions) == (1, 1)
    versions = [row for row in rows(tmp_path, "articles") if "Accra" in row["title"]]
    assert sorted(row["version"] for row in versions) == [1, 2]
    assert len({row["article_id"] for row in versions}) == len({row["first_seen_at"] for row in versions}) == 1
    second = max(versions, key=lambda row: row["version"])
    assert any("resigned" in change["text"] for change in second["changes"])


def test_small_batches_are_each_committed_and_give_the_same_articles(site: Site, tmp_path: Path) -> None:
    whole, cut = run(config(site, tmp_path / "whole")), run(config(site, tmp_path / "cut", batch_entries=2))
    assert (cut.entries, cut.stored, cut.rejected) == (whole.entries, whole.stored, whole.rejected)
    assert len([path for path in cut.files if path.startswith("articles/")]) == 4

    def told(root: Path) -> list[tuple[str, str, str]]:
        return sorted((row["article_id"], row["text"], row["cluster_id"]) for row in rows(root, "articles"))

    assert told(tmp_path / "whole") == told(tmp_path / "cut")


def test_without_its_state_the_dataset_gains_no_row_twice(site: Site, tmp_path: Path) -> None:
    run(config(site, tmp_path))
    shutil.rmtree(tmp_path / "state")
    report = run(config(site, tmp_path))
    assert (report.stored, report.unchanged) == (0, 6)
    assert len(rows(tmp_path, "articles")) == 6


def test_the_same_article_in_two_feeds_is_stored_once(site: Site, tmp_path: Path) -> None:
    site.routes["/other"] = feed(["/Accra?utm_source=rss", "/Bergen#comments"])
    settings = document(site, tmp_path)
    settings["feeds"].append({"url": site.url("/other"), "id": "other", "interval_s": 1})
    report = run(parse_config(settings, "test"))
    assert (report.entries, report.stored, report.unchanged, report.rejected) == (9, 6, 2, 1)


def test_a_feed_that_fails_costs_the_others_nothing(site: Site, tmp_path: Path) -> None:
    settings = document(site, tmp_path)
    settings["feeds"].append({"url": site.url("/no-feed"), "id": "none", "interval_s": 1})
    report = run(parse_config(settings, "test"))
    assert (report.stored, report.feeds_failed, report.feed_reasons) == (6, 1, {"http-404": 1})
    assert {row["feed_id"] for row in rows(tmp_path, "rejects")} == {"towns", "none"}


# --------------------------------------------------------------------------- the program itself


def start(site: Site, root: Path, *arguments: str, **run_keys: object) -> subprocess.Popen[str]:
    settings = document(site, root, **run_keys)
    path = root.parent / f"{root.name}.toml"
    path.write_text(
        f"output = {json.dumps(settings['output'])}\n"
        + "".join(
            f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings[section].items())
            for section in ("run", "fetch")
        )
        + "".join(
            "[[feeds]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in feed.items())
            for feed in settings["feeds"]
        )
    )
    command = [sys.executable, "-m", "pipeline", "run", str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_json_is_alone_on_standard_output_and_a_second_run_beside_it_is_turned_away(site: Site, tmp_path: Path) -> None:
    turned_away = threading.Event()

    async def riga(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(turned_away.wait, 60)
        body = page("Riga").body
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(f"{head}{body}".encode())
        await writer.drain()

    site.routes["/Riga"] = riga
    first = start(site, tmp_path / "data", "--json")
    wait_for(lambda: "/Riga" in site.asked)
    second = start(site, tmp_path / "data")
    _, told = second.communicate(timeout=60)
    turned_away.set()
    assert second.returncode == 75
    assert f"held by a run, process {first.pid} on" in told
    output, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    report = json.loads(output)
    assert report["stored"] == 6
    assert (
        report["entries"] == report["unchanged"] + report["stored"] + report["dropped_duplicates"] + report["rejected"]
    )


def test_sigterm_ends_a_run_cleanly_with_finished_work_kept(site: Site, tmp_path: Path) -> None:
    for town in ("Osaka", "Riga"):
        site.routes[f"/{town}"] = Reply(body=page(town).body, headers=page(town).headers, delay_s=25)
    root = tmp_path / "data"
    process = start(site, root, "--json")
    wait_for(lambda: "/Riga" in site.asked and "/Dakar" in site.asked)
    time.sleep(1)
    asked_to_end = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert time.monotonic() - asked_to_end < 30
    report = json.loads(output)
    assert report["stored"] == len(rows(root, "articles")) == 4
    assert report["postponed"] == 2
    for town in ("Osaka", "Riga"):
        site.routes[f"/{town}"] = page(town)
    assert run(config(site, root)).stored == 2


def test_a_killed_run_leaves_nothing_half_done_and_the_next_completes_it(site: Site, tmp_path: Path) -> None:
    release = tmp_path / "release"

    def riga(request: Request) -> Reply:
        return (
            page("Riga")
            if release.exists()
            else Reply(body=page("Riga").body, headers=page("Riga").headers, delay_s=20)
        )

    site.routes["/Riga"] = riga
    root = tmp_path / "data"
    process = start(site, root, batch_entries=3)
    wait_for(lambda: "/Riga" in site.asked)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    before = rows(root, "articles")
    assert len({(row["article_id"], row["version"]) for row in before}) == len(before)
    release.touch()
    run(config(site, root))
    after = rows(root, "articles")
    assert sorted(row["title"] for row in after) == [f"{town} rebuilds its wall" for town in TOWNS]
    assert ds.dataset(root / "articles", partitioning="hive").count_rows() == 6
    assert not list((root / "state" / "staging").iterdir())


def test_a_later_process_keeps_to_the_robots_rules_it_was_told_within_the_day(site: Site, tmp_path: Path) -> None:
    def robots_asked_for_by_a_run_of(feed_id: str) -> int:
        shared_crawler.cache_clear()  # what a new process starts without
        before = len(site.requests)
        reports.append(run(parse_config(document(site, tmp_path) | {"feeds": [own[feed_id]]}, "test")))
        return [request.target for request in site.requests[before:]].count("/robots.txt")

    reports: list[Report] = []
    own = {name: {"url": site.url(f"/{name}"), "id": name} for name in ("one", "two", "three")}
    site.routes |= {
        "/robots.txt": Reply(body="User-agent: *\nDisallow: /Osaka"),
        **{f"/{name}": feed([f"/{town}"]) for name, town in zip(own, ("Accra", "Osaka", "Riga"), strict=True)},
    }
    assert robots_asked_for_by_a_run_of("one") == 1
    assert robots_asked_for_by_a_run_of("two") == 0
    assert reports[-1].reasons == {"robots-disallowed": 1}
    assert "/Osaka" not in site.asked
    with closing(sqlite3.connect(tmp_path / "state" / "feeds.sqlite3")) as db, db:
        db.execute("UPDATE robots SET fetched_us = fetched_us - 86400 * 1000000")
    assert robots_asked_for_by_a_run_of("three") == 1
    assert len([row for row in rows(tmp_path, "fetches") if row["kind"] == "robots"]) == 2
