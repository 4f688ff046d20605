"""`newsbeam browse` over real HTTP and in a real browser: what readers see, and what hostile rows cannot do."""

import dataclasses
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.browse import Serving, serving
from pipeline.browse_pages import POLICY
from pipeline.dataset import Dataset
from pipeline.errors import NoDatasetError, UsageError
from pipeline.rewrite import compact
from tests.articles import NOON, REPORT, make_article
from tests.browser import Browser
from tests.test_browse_index import CHINESE, COPY, FERRY, LATER
from tests.test_state import commit
from transforms.schema import Author, Quote, RemovedLine, Topic
from transforms.settings import WriteSettings

EVIL = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">'\"</textarea></title>"
HOSTILE = make_article(
    "javascript:document.title='run'",
    title=f"Hostile {EVIL}",
    description=EVIL,
    text=f"Hostile text.\n{EVIL}\n\u202egnp.exe\u202c",
    publisher=EVIL,
    final_url="data:text/html,<script>1</script>",
    source_url="https://evil.example/?\"><script>document.title='run'</script>",
    authors=(Author(name=EVIL, kind="person"),),
    topics=(Topic(id=EVIL, name=EVIL, score=1.0),),
    quotes=(Quote(text=EVIL, speaker=EVIL, start=0),),
    removed=(RemovedLine(text=EVIL, rule=EVIL),),
    language='en" onmouseover="x',
)
STORY = dataclasses.replace(
    FERRY,
    quotes=(Quote(text="The pier would stay shut.", speaker="Ingrid Solberg", start=200),),
    removed=(RemovedLine(text="Read more: ten piers to see", rule="en/more"),),
    published_source="json-ld",
)
SECOND = dataclasses.replace(
    STORY, version=2, title="Ferry line reopens early", text=REPORT.replace("3 November", "9 November"),
    change_kind="substantive", fetched_at=NOON + timedelta(hours=9),
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = Dataset(tmp_path_factory.mktemp("browse") / "news")
    dataset.root.mkdir()
    commit(dataset, "20260301T000000Z", STORY, COPY, CHINESE, HOSTILE)
    commit(dataset, "20260302T000000Z", SECOND)
    return dataset.root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Serving]:
    with serving(root) as server:
        wait_until(lambda: "4</strong> articles" in get(server, "/")[1])
        yield server


def wait_until(what: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(server: Serving, path: str, method: str = "GET", **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    host = server.address.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request(method, path, headers={"Host": host} | headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer.headers


def get(server: Serving, path: str) -> tuple[int, str]:
    status, body, _ = ask(server, path)
    return status, body


# --------------------------------------------------------------------------- over HTTP


def test_a_search_lists_what_was_found_with_the_words_marked(server: Serving) -> None:
    status, body = get(server, "/?q=solberg&copies=no")
    assert status == 200
    assert "<mark>Solberg</mark>" in body
    assert body.count('class="card hit"') == 1
    assert "version 2, substantive" in body


def test_an_article_tells_all_that_is_known_of_it(server: Serving) -> None:
    _, body = get(server, f"/article/{STORY.article_id}?version=1")
    for told in (
        "The newest is version 2", "Norway", "economy", "Ingrid Solberg", "Dalgleish Marine", "pier would stay shut.",
        "<del>Read more: ten piers to see</del>", "en/more", "published_source", "json-ld", "The story: 2 articles",
        "what changed", "articles/seen_date=2026-03-01/",
    ):  # fmt: skip
        assert told in body


def test_versions_and_copies_are_compared_to_the_word(server: Serving) -> None:
    _, body = get(server, f"/article/{STORY.article_id}/changes?from=1&to=2")
    assert "<del>3</del><ins>9</ins> November" in body
    status, body = get(server, f"/compare/{STORY.article_id}/{COPY.article_id}")
    assert (status, "<ins>9</ins>" in body, "<del>9</del><ins>3</ins> November" in body) == (200, False, True)


@pytest.mark.parametrize(
    "path", ["/article/none", "/article/none/changes", "/compare/a/b", "/nothing", "/../etc/passwd"]
)
def test_what_is_not_there_is_said_not_to_be(server: Serving, path: str) -> None:
    assert get(server, path)[0] == 404


@pytest.mark.parametrize(
    "query", ["page=-1", "page=99999999", "page=x", "sort=x", "since=x", "q=%00%ff", "q=" + "a" * 9000]
)
def test_no_query_is_an_error(server: Serving, query: str) -> None:
    assert get(server, f"/?{query}")[0] == 200


def test_every_answer_is_hardened(server: Serving) -> None:
    for path in ("/", "/nothing", "/page.css", f"/article/{HOSTILE.article_id}"):
        _, body, headers = ask(server, path)
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "<script" not in body
        assert "<style" not in body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1:1", "", "[::1]", "127.0.0.1.evil.example"]
)
def test_requests_to_another_host_are_refused(server: Serving, host: str) -> None:
    status, body, _ = ask(server, "/", Host=host)
    assert (status, "Ferry" in body) == (421, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading_is_answered(server: Serving, method: str) -> None:
    assert ask(server, "/", method)[0] == 405


def test_links_lead_to_the_web_alone_and_carry_nothing(server: Serving) -> None:
    _, body = get(server, f"/article/{HOSTILE.article_id}")
    links = re.findall(r'<a href="(?!/)([^"]*)"([^>]*)>', body)
    assert [link for link, _ in links if not link.startswith("https://evil.example/")] == []
    assert links
    assert all('rel="noopener noreferrer nofollow"' in rest for _, rest in links)


def test_compaction_while_somebody_reads_costs_a_moment(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "news")
    dataset.root.mkdir()
    commit(dataset, "20260301T000000Z", FERRY)
    commit(dataset, "20260302T000000Z", COPY)
    with serving(dataset.root) as server:
        wait_until(lambda: "2</strong> articles" in get(server, "/")[1])
        compact(dataset.root, WriteSettings(), LATER)
        status, _, headers = ask(server, "/")
        assert status == 200 or (status, headers["Refresh"]) == (503, "2")
        wait_until(lambda: get(server, "/")[0] == 200)
        commit(dataset, "20260401T000000Z", CHINESE)
        wait_until(lambda: "3</strong> articles" in get(server, "/")[1])
        server.keeper.index.path.unlink()
        wait_until(lambda: "3</strong> articles" in get(server, "/")[1] and server.keeper.index.path.exists())


def test_a_part_file_that_cannot_be_read_is_named_on_the_page(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "news")
    dataset.root.mkdir()
    commit(dataset, "20260301T000000Z", FERRY)
    commit(dataset, "20260302T000000Z", COPY)
    (broken,) = dataset.root.glob("articles/*/20260302T000000Z.parquet")
    broken.write_bytes(b"PAR1 no more")
    with serving(dataset.root) as server:
        wait_until(lambda: "Not everything could be read" in get(server, "/")[1])
        assert broken.name in get(server, "/")[1]


def test_what_cannot_be_served_is_an_error_of_usage(tmp_path: Path, server: Serving, root: Path) -> None:
    with pytest.raises(NoDatasetError, match="no dataset"), serving(tmp_path):
        pass
    with pytest.raises(UsageError, match="already in use"), serving(root, int(server.address.split(":")[2].strip("/"))):
        pass


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_cleanly(root: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "pipeline", "browse", str(root), "--no-open"]
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (code, "", "")


def test_the_light_parts_of_the_command_line_load_no_beam() -> None:
    program = "import sys, pipeline.browse; sys.exit('apache_beam' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


# --------------------------------------------------------------------------- in a browser


@pytest.mark.browser
def test_a_reader_searches_filters_and_follows_a_story(server: Serving, browser: Browser) -> None:
    page = browser.open(server.address)
    page.get_by_label("Words").fill("pier")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".hit").count() == 2
    page.get_by_label("About country").select_option(label="Norway (1)")
    with page.expect_navigation():
        page.get_by_role("button", name="Apply").click()
    assert page.locator(".hit").count() == 1
    assert page.get_by_label("Remove: about Norway").is_visible()
    with page.expect_navigation():
        page.get_by_role("link", name="Ferry line reopens early").click()
    assert page.locator("h1").inner_text() == "Ferry line reopens early"
    assert page.locator(".text mark").count() > 0
    assert "Read more: ten piers to see" in page.locator("#removed").inner_text()
    assert "b.example" in page.locator("#copies").inner_text()
    with page.expect_navigation():
        page.get_by_role("link", name="what changed").click()
    assert page.locator(".diff del").inner_text() == "3"
    page.go_back()
    page.get_by_role("link", name="compare", exact=False).first.click()
    assert page.locator(".diff ins").inner_text() == "3"
    assert browser.complaints == []


@pytest.mark.browser
def test_a_person_and_other_versions_are_found_from_the_page(server: Serving, browser: Browser) -> None:
    page = browser.open(server.address + f"article/{STORY.article_id}")
    with page.expect_navigation():
        page.get_by_role("link", name="Ingrid Solberg").click()
    assert page.locator(".hit").count() == 1
    page.get_by_label("Earlier versions too").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Apply").click()
    assert page.locator(".hit").count() == 2
    assert page.get_by_text("superseded").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1400])
def test_hostile_rows_do_nothing_and_pages_fit_the_window(server: Serving, browser: Browser, width: int) -> None:
    for path in ("", "?q=hostile", f"article/{HOSTILE.article_id}", f"compare/{HOSTILE.article_id}/{FERRY.article_id}"):
        page = browser.open(server.address + path, width=width)
        assert "run" not in page.title().split("Hostile")[0]
        assert page.evaluate("document.querySelectorAll('script, img, style, iframe').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
    assert browser.complaints == []
    assert {request.split("/")[2] for request in browser.requests} == {server.address.split("/")[2]}


@pytest.mark.browser
def test_the_keyboard_is_enough(server: Serving, browser: Browser) -> None:
    page = browser.open(server.address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    unnamed = "[...document.querySelectorAll('input:not([type=hidden]), select')].filter(field => !field.labels.length)"
    assert page.evaluate(f"{unnamed}.length") == 0
