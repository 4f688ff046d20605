"""What publishers say against use by AI is recorded, from wherever a page's own requests bring it."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.servers import Reply, Route, serve
from transforms import opt_outs
from transforms.extraction import clean_page
from transforms.fetch import fetch_pages
from transforms.schema import Entry, Page
from transforms.settings import CleanSettings, FetchSettings
from transforms.warc import ArchiveWriter, read_pages

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STORY = "".join(
    f"<p>The {part} of the harbour wall will be rebuilt before the winter, the council decided on Tuesday.</p>"
    for part in ("north", "south", "seaward side", "oldest stretch", "gate", "crown")
)
META = '<meta name="tdm-reservation" content="1"><meta name="robots" content="index, NoImageAI">'
GROUPS = ("User-agent: *\nAllow: /", "User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /news/")
ROBOTS = "\n\n".join(GROUPS)


def fetched(path: str, **headers: str) -> Page:
    page = Reply(body=f"<html><head>{META}<title>Wall</title></head><body><h1>Wall</h1>{STORY}</body></html>")
    routes: dict[str, Route] = {
        "/robots.txt": Reply(body=ROBOTS),
        path: replace(page, headers={"Content-Type": "text/html", **headers}),
    }
    with serve(routes) as site:
        settings = FetchSettings(timeout_s=3, retries=0, per_host_delay_s=0, allow_hosts=(site.host,))
        entry = Entry(url=site.url(path), feed_id="f", feed_url=site.url("/feed"), seen_at=NOW)
        return next(result for result in fetch_pages([entry], settings) if isinstance(result, Page))


def test_headers_meta_tags_and_robots_groups_for_ai_agents_are_recorded_with_the_article(tmp_path: Path) -> None:
    page = fetched("/news/wall", **{"X-Robots-Tag": "noai, nofollow"})
    article = clean_page(page, CleanSettings())
    assert article.opt_outs == ("noai", "robots.txt GPTBot", "robots.txt CCBot", "tdm-reservation", "noimageai")
    with ArchiveWriter(tmp_path / "a.warc.gz") as writer:
        writer.add(page)
    (read,) = read_pages(tmp_path / "a.warc.gz")
    assert clean_page(read, CleanSettings()).opt_outs == article.opt_outs


def test_agents_that_may_read_the_page_and_rules_for_all_are_no_signal() -> None:
    assert fetched("/sport/regatta", **{"TDM-Reservation": "0"}).opt_outs == ()
    assert opt_outs.named_agents("User-agent: *\nDisallow: /\n# User-agent: GPTBot") == ()


def test_the_words_of_other_directives_are_no_signal() -> None:
    assert opt_outs.of_meta({"robots": ["noaiarchive,max-image-preview:large"], "tdm-reservation": ["10"]}) == ()
    assert opt_outs.of_headers([("X-ROBOTS-TAG", "examplebot: noindex, NOAI")]) == ("noai",)


def test_a_robots_txt_of_empty_lines_is_read_at_once() -> None:
    start = time.perf_counter()
    assert opt_outs.named_agents("\n" * 500_000 + "User-agent: CCBot\n" + "user-agent" * 20_000) == ("CCBot",)
    assert time.perf_counter() - start < 1
