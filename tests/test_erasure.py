"""Erasure: nothing of a forgotten article is left, be it in rows, in archived pages or in what is kept beside them."""

import gzip
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from pipeline.config import parse_config
from pipeline.query import connect
from pipeline.replay import replay_once
from pipeline.rewrite import forget_older, forget_url
from pipeline.run import Options, run_once
from pipeline.verify import verify
from tests.servers import Reply, Site, html, serve
from tests.test_replay import TOWNS, page, quiet
from transforms.erasure import nothing
from transforms.settings import WriteSettings
from transforms.warc import read_pages

NOW = datetime.now(UTC)
LINK = "/from-feed/Accra"


def dataset(site: Site, root: Path) -> Path:
    """A run over pages, each with an address of its own behind the link in the feed, and one that failed for now."""
    names = [*TOWNS, "Quito"]
    text = "Quito builds, as its feed tells, a bridge of 600 metres."
    items = "".join(
        f"<item><title>{name}</title><link>/from-feed/{name}</link><description>{text if name == 'Quito' else ''}"
        "</description></item>"
        for name in names
    )
    site.routes |= {"/feed": Reply(body=f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>')}
    for name in TOWNS:
        site.routes[f"/from-feed/{name}"] = Reply(status=302, headers={"Location": f"/news/{name}"})
        canonical = f'<link rel="canonical" href="{site.url(f"/towns/{name}")}">'
        site.routes[f"/news/{name}"] = html(str(page(name).body).replace("<title>", f"{canonical}<title>"))
    site.routes["/from-feed/Quito"] = Reply(status=503)
    document = {
        "output": str(root),
        "fetch": {"allow_hosts": [site.host], "per_host_delay_s": 0, "archive": True, "retries": 0},
        "feeds": [{"url": site.url("/feed"), "id": "towns"}],
    }
    assert run_once(parse_config(document, "test"), Options(), quiet).stored == len(TOWNS)
    return root


def archived(root: Path) -> bytes:
    return b"".join(gzip.decompress(path.read_bytes()) for path in root.glob("archive/*"))


@pytest.mark.parametrize("address", ["/towns/Accra", "/news/Accra", LINK])
def test_an_article_is_forgotten_by_any_of_its_addresses_with_its_page_and_all_others_stay_in_place(
    address: str, tmp_path: Path
) -> None:
    with serve({}) as site:
        root = dataset(site, tmp_path / "data")
        refs = dict(connect(root).execute("SELECT title, raw_ref FROM articles").fetchall())
        assert b"Accra" in archived(root)
        changes = forget_url(root, site.url(address), WriteSettings(), NOW)
    assert sum(change.rows_removed for change in changes) == 2  # the article and its fetch
    assert b"Accra" not in archived(root)
    for view in ("articles", "rejects", "fetches"):
        assert "Accra" not in str(connect(root).execute(f"FROM {view}").fetchall())
    assert list(verify(root)) == []
    left = {page.raw_ref: page for path in root.glob("archive/*") for page in read_pages(path)}
    assert set(left) == {ref for title, ref in refs.items() if title != "Accra builds"}
    for ref in left:
        name, offset = str(ref).split("#")
        with (root / name).open("rb") as file:
            file.seek(int(offset))
            assert next(iter(ArchiveIterator(file))).rec_type == "response"
    config = parse_config({"output": str(tmp_path / "again")}, "test")
    assert replay_once(config, Options(), quiet, files=sorted(root.glob("archive/*"))).stored == len(TOWNS) - 1


def test_what_a_feed_told_of_an_entry_to_be_tried_again_is_forgotten_too(tmp_path: Path) -> None:
    with serve({}) as site:
        root = dataset(site, tmp_path / "data")
        assert b"600 metres" in (root / "state/feeds.sqlite3").read_bytes()
        forget_url(root, site.url("/from-feed/Quito"), WriteSettings(), NOW)
    assert b"600 metres" not in (root / "state/feeds.sqlite3").read_bytes()
    assert sqlite3.connect(root / "state/feeds.sqlite3").execute("SELECT count(*) FROM given_up").fetchall() == [(0,)]
    assert connect(root).execute("SELECT count(*) FROM rejects").fetchall() == [(0,)]


def test_old_archives_go_with_their_days(tmp_path: Path) -> None:
    with serve({}) as site:
        root = dataset(site, tmp_path / "data")
    forget_older(root, 3, WriteSettings(), NOW + timedelta(days=3))
    assert archived(root)
    forget_older(root, 3, WriteSettings(), NOW + timedelta(days=4))
    assert not archived(root)
    assert json.loads(sorted(root.glob("runs/*.json"))[-1].read_text())["kind"] == "forget"


@pytest.mark.parametrize("length", [22, 23, 1_000, 65_557, 65_558, 65_578, 65_579, 65_580, 131_114, 500_000])
def test_nothing_is_of_any_length(length: int) -> None:
    filled = b"".join(nothing(length))
    assert (len(filled), gzip.decompress(filled)) == (length, b"")
