import gzip
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sample_site import SampleSite, find_document, sample_folder, serve_sample, site_names

FOLDER = Path(__file__).parent.parent / "data" / "sample"


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with serve_sample(FOLDER, (0, 0, 0)) as running:
        yield running


def get(
    site: SampleSite, name: str, path: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(site.origins[name].removeprefix("http://"), timeout=10)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_three_sites_and_seven_feeds_are_served_on_loopback(site: SampleSite) -> None:
    assert site_names(FOLDER) == ["courier", "meridian", "orillas"]
    assert len(set(site.hosts)) == 3 and all(host.startswith("127.0.0.1:") for host in site.hosts)
    assert len({feed.id for feed in site.feeds}) == 7
    for feed in site.feeds:
        assert feed.url.startswith(tuple(site.origins.values()))
        assert feed.publisher and feed.language and feed.country


def test_every_feed_is_sent_with_its_media_type(site: SampleSite) -> None:
    types = {}
    for feed in site.feeds:
        name = next(name for name, origin in site.origins.items() if feed.url.startswith(origin + "/"))
        response, _ = get(site, name, feed.url.removeprefix(site.origins[name]))
        assert response.status == 200
        types[feed.id] = response.headers.get_content_type()
    assert types == {
        "meridian-news": "application/rss+xml",
        "meridian-sitemap": "application/xml",
        "courier-front": "application/atom+xml",
        "courier-sport": "application/rss+xml",
        "courier-notebook": "application/feed+json",
        "orillas-de": "application/feed+json",
        "orillas-es": "application/rdf+xml",
    }


def test_no_placeholder_is_left_in_anything_that_is_served() -> None:
    origins = {name: f"http://{name}.example" for name in site_names(FOLDER)}
    pages = 0
    for name in origins:
        for path in sorted((FOLDER / name).rglob("*")):
            if path.is_file() and not path.name.startswith("_"):
                document = find_document(FOLDER, name, str(path.relative_to(FOLDER / name)), origins)
                assert document is not None and b"{{" not in document.body, path
                pages += path.suffix == ".html"
    assert pages >= 40


def test_html_and_a_last_slash_may_be_left_out(site: SampleSite) -> None:
    bodies = [
        get(site, "courier", "/2026/03/ship-log-found" + ending)[1] for ending in ("", "/", ".html", "?utm_source=x")
    ]
    assert len(set(bodies)) == 1


def test_a_page_that_has_not_changed_is_answered_with_304_by_either_validator(site: SampleSite) -> None:
    first, body = get(site, "meridian", "/rss/news.rss")
    assert body
    for headers in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        again, nothing = get(site, "meridian", "/rss/news.rss", headers)
        assert (again.status, nothing) == (304, b"")
    changed, _ = get(site, "meridian", "/rss/news.rss", {"If-None-Match": '"other"'})
    assert changed.status == 200
    unreadable, _ = get(site, "meridian", "/rss/news.rss", {"If-Modified-Since": "yesterday"})
    assert unreadable.status == 200


def test_gzip_is_sent_to_those_who_accept_it(site: SampleSite) -> None:
    _, plain = get(site, "orillas", "/de/feed.json")
    response, packed = get(site, "orillas", "/de/feed.json", {"Accept-Encoding": "gzip, br"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert json.loads(plain)["title"] == "Zwei Ufer"


def test_a_head_request_brings_the_headers_alone(site: SampleSite) -> None:
    response, body = get(site, "courier", "/", method="HEAD")
    assert response.status == 200 and int(response.headers["Content-Length"]) > 0 and body == b""


def test_robots_redirects_missing_and_withdrawn_pages_answer_as_on_the_web(site: SampleSite) -> None:
    assert b"Disallow: /archive/" in get(site, "meridian", "/robots.txt")[1]
    moved, _ = get(site, "meridian", "/go/ecb")
    assert (moved.status, moved.headers["Location"]) == (301, "/business/2026-03-05/ecb-holds-rates")
    assert get(site, "courier", "/2026/03/withdrawn-story/")[0].status == 410
    missing, page = get(site, "meridian", "/world/2026-03-13/lake-chad-smokehouses")
    assert missing.status == 404 and b"Page not found" in page
    assert get(site, "meridian", "/img/logo.png")[0].status == 404


def test_a_page_in_another_charset_is_sent_in_it(site: SampleSite) -> None:
    response, body = get(site, "orillas", "/de/sport/handball-flensburg-1058")
    assert response.headers["Content-Type"] == "text/html"
    assert "Grönwold".encode("iso-8859-1") in body


@pytest.mark.parametrize(
    "path", ["/_header.html", "/../feeds.json", "/%2e%2e/feeds.json", "/..%5cfeeds.json", "/_later/x", "/%00"]
)
def test_nothing_outside_a_site_is_served(site: SampleSite, path: str) -> None:
    assert get(site, "meridian", path)[0].status == 404


def test_later_the_sites_show_a_correction_and_new_stories() -> None:
    with serve_sample(FOLDER, (0, 0, 0)) as site:
        path = "/world/2026-03-12/kaikoura-earthquake"
        before, first = get(site, "meridian", path)
        site.advance()
        after, second = get(site, "meridian", path, {"If-None-Match": before.headers["ETag"]})
        assert after.status == 200
        assert b"magnitude 6.1" in first and b"magnitude 6.1" not in re.sub(rb"Corrects[^<]*", b"", second)
        assert get(site, "courier", "/2026/03/bowling-alley-closes/")[0].status == 200


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serve_sample(FOLDER, (port, 0, 0)) as site:
            assert f"127.0.0.1:{port}" not in site.hosts


def test_the_sample_is_found_beside_the_program_and_missed_with_a_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample_folder() == FOLDER
    monkeypatch.setattr("pipeline.sample_site.__file__", str(tmp_path / "pipeline" / "sample_site.py"))
    with pytest.raises(FileNotFoundError, match="clone"):
        sample_folder(tmp_path)
