"""`newsbeam explain`: every step of a page is told, whatever becomes of it."""

import base64
import hashlib
import html as html_module
import io
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.dataset import Dataset
from pipeline.errors import NoDatasetError, UsageError
from pipeline.explain import Explanation, Line, divide, explain
from pipeline.explain_page import explanation_page, notes_of, stretches
from pipeline.explain_terminal import print_explanation
from pipeline.state import ArticleMemory
from tests.articles import make_article
from tests.browser import Browser, file_address
from tests.pages import FETCHED_AT, PARAGRAPHS, URL, html
from tests.servers import Reply, serve
from tests.servers import html as html_reply
from tests.test_state import commit
from transforms.assignment import assign
from transforms.extraction import clean_page
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.schema import Article, RemovedLine
from transforms.settings import CleanSettings, DeduplicateSettings, FetchSettings, Settings
from transforms.taggers import Evidence

PROMO = "<b><a href='/more'>Read more: What the ferries cost elsewhere</a></b>"


def explained(target: str | Path, url: str | None = URL, dataset: Path | None = None, **fetch: object) -> Explanation:
    settings = Settings(fetch=FetchSettings(per_host_delay_s=0, **fetch))  # type: ignore[arg-type]
    return explain(str(target), settings, FETCHED_AT, url=url, dataset=dataset)


def told(target: str | Path, url: str | None = URL, dataset: Path | None = None, **fetch: object) -> str:
    shown = io.StringIO()
    print_explanation(explained(target, url, dataset, **fetch), Console(width=200, file=shown))
    return " ".join(shown.getvalue().split())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(html(*PARAGRAPHS[:2], PROMO, *PARAGRAPHS[2:]))
    return path


def test_a_saved_page_is_told_from_bytes_to_tags(saved: Path) -> None:
    text = told(saved)
    assert "title Ferry fares to rise in May" in text
    assert "Read more: What the ferries cost elsewhere <- en/" in text
    assert "Reuters, printed by another" in text
    assert "https://harbour-herald.example/news/ferry-fares-rise" in text
    assert "Marta Quill: We cannot run three boats on the income of two" in text


def test_a_page_is_fetched_as_the_pipeline_would_and_a_reject_is_told() -> None:
    with serve({"/a": html_reply(html())}) as site:
        assert "200, text/html" in told(site.url("/a"), url=None, allow_hosts=(site.host,))
        assert "rejected http-404" in told(site.url("/b"), url=None, allow_hosts=(site.host,))
        assert "rejected blocked-address" in told(site.url("/a"), url=None)


def test_a_page_that_cleaning_rejects_ends_there(tmp_path: Path) -> None:
    (tmp_path / "short.html").write_text("<html><body><p>Too short.</p></body></html>")
    text = told(tmp_path / "short.html")
    assert "rejected too-short" in text
    assert "Tag" not in text


def test_a_page_that_takes_too_long_is_told_as_a_run_would_tell_it(tmp_path: Path) -> None:
    rows = "<tr><td>The boat was late.</td><td>So was the train.</td></tr>" * 100_000
    endless = f"<html><body><table>{rows}</table></body></html>"
    (tmp_path / "endless.html").write_text(endless)
    settings = Settings(clean=CleanSettings(timeout_s=1.0))
    found = explain(str(tmp_path / "endless.html"), settings, FETCHED_AT, url=URL, dataset=None)
    assert found.rejected is not None
    assert (found.rejected_in, found.rejected.reason) == ("Clean", "extraction-timeout")
    assert "extraction-timeout" in explanation_page(found)


def test_a_file_larger_than_a_page_may_be_is_not_read(saved: Path) -> None:
    assert "rejected too-large" in told(saved, max_page_bytes=100)


@pytest.fixture
def dataset(saved: Path, tmp_path: Path) -> Path:
    """A dataset in which the saved page is stored."""
    root = tmp_path / "data"
    page = explained(saved).page
    assert page is not None
    (stored,) = assign([clean_page(page, CleanSettings())], Memory(root), NearIndex.open(root), DeduplicateSettings())
    assert isinstance(stored, Article)
    dataset = Dataset(root)
    dataset.state.mkdir(parents=True)
    commit(dataset, "20260314T120000Z", stored)
    ArticleMemory(dataset).catch_up()
    return root


def test_the_verdict_is_that_of_the_dataset(saved: Path, dataset: Path) -> None:
    assert "stored already, unchanged since version 1" in told(saved, dataset=dataset)
    text = told(saved, url="https://elsewhere.example/copy", dataset=dataset)
    assert "exact copy" in text
    shared = re.search(r"shared ([\d,]+) characters of ([\d,]+)", text)
    assert shared
    assert shared[1] == shared[2]


def test_a_dataset_without_its_memory_is_said_to_be_so(saved: Path, dataset: Path) -> None:
    shutil.rmtree(dataset / "state")
    assert "not compared: " in told(saved, dataset=dataset)


def test_what_is_no_dataset_is_an_error(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(NoDatasetError, match="no dataset"):
        told(saved, dataset=tmp_path / "none")


def test_every_source_is_told_and_which_was_taken() -> None:
    head = (
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Ferry fares to rise in May",'
        ' "datePublished": "2026-03-13T22:10:00Z", "author": {"@type": "Person", "name": "Ida Marsh"}}</script>'
        '<meta property="og:title" content="Fares up"><meta name="author" content="Web desk">'
        '<meta property="article:published_time" content="2019-01-01T00:00:00Z">'
    )
    with serve({"/a": html_reply(html(head=head))}) as site:
        found = explained(site.url("/a"), url=None, allow_hosts=(site.host,))
    taken = {(claim.field, claim.source) for claim in found.claims if claim.is_taken}
    passed_over = {(claim.field, claim.source) for claim in found.claims if not claim.is_taken}
    assert {("title", "json-ld headline"), ("authors", "json-ld"), ("published_at", "json-ld, second")} <= taken
    assert {("title", "meta og:title"), ("authors", "meta author"), ("published_at", "meta, second")} <= passed_over


def test_each_answer_on_the_way_is_told_with_its_headers() -> None:
    routes = {"/old": Reply(status=301, headers={"Location": "/new"}), "/new": html_reply(html(), ETag='"7"')}
    with serve(routes) as site:
        found = explained(site.url("/old"), url=None, allow_hosts=(site.host,))
        text = told(site.url("/old"), url=None, allow_hosts=(site.host,))
    assert [(hop.http_status, hop.url) for hop in found.hops] == [(301, site.url("/old")), (200, site.url("/new"))]
    assert "location: /new" in text
    assert 'etag: "7"' in text
    page = explanation_page(found)
    assert "newsbeam" in str(found.hops[0].asked["User-Agent"])
    assert all(word in page for word in ("Location", "User-Agent", "&#34;7&#34;"))


@given(
    st.lists(st.sampled_from(["It rained on Sunday.", "The pier is closed.", "Read more: Ten piers", "A title", ""]))
)
def test_every_line_of_the_body_comes_out_once_and_in_place(lines: list[str]) -> None:
    kept = [line for line in lines if line.endswith(".")]
    removed = tuple(RemovedLine(text=line, rule="en/more") for line in lines if line.startswith("Read"))
    divided = divide(lines, make_article(text="\n".join(kept), removed=removed))
    assert [line.kept or line.removed for line in divided] == lines
    assert [line.kept for line in divided if line.kept] == kept
    assert [line.removed for line in divided if line.rule == "en/more"] == [line.text for line in removed]


def test_a_footer_is_cut_off_its_sentence() -> None:
    article = make_article(text="He left.", removed=(RemovedLine(text="(Reporting by A)", rule="agency-footer"),))
    assert divide(["He left. (Reporting by A)"], article) == [
        Line(kept="He left.", removed="(Reporting by A)", rule="agency-footer")
    ]


@given(st.text("ab\n", max_size=40), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=8))
def test_marks_change_no_letter_of_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    evidence = [
        Evidence(tag="person A", surface=text[start : start + length], part="text", start=start, rule="r")
        for start, length in spans
        if text[start : start + length]
    ]
    notes = notes_of(evidence)
    found = stretches(text, "text", notes)
    assert "".join(stretch.text for stretch in found) == text
    assert {note.number for stretch in found for note in stretch.ending} == {note.number for note in notes}


def test_the_page_shows_all_of_it_in_place(saved: Path, dataset: Path) -> None:
    page = explanation_page(explained(saved, url="https://elsewhere.example/copy", dataset=dataset))
    assert "<del>Read more: What the ferries cost elsewhere</del>" in page
    assert "exact copy, score 1.00" in page
    assert "the same to the letter" in page
    assert "person Marta Quill" in page
    assert "published_at" in page
    policy = re.search(r"style-src 'sha256-([^']+)'", html_module.unescape(page))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy and style
    assert base64.b64decode(policy[1]) == hashlib.sha256(style[1].encode()).digest()


def test_nothing_from_a_page_steers_the_terminal_or_turns_its_text_around(tmp_path: Path) -> None:
    odd = "\x1b]0;x\x07\x9b2J\u202eeson\u2066"
    (tmp_path / "page.html").write_text(html(*PARAGRAPHS, f"{PARAGRAPHS[0]} {odd}", title=f"Ferry {odd}"))
    text = told(tmp_path / "page.html", url=f"https://evil.example/{odd}")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "eson" in text


EVIL = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1400])
def test_a_hostile_page_does_nothing_to_its_explanation(browser: Browser, tmp_path: Path, width: int) -> None:
    escaped = html_module.escape(EVIL)
    hostile = html(
        *PARAGRAPHS, f"{escaped} Long enough to be a paragraph of the story, said John Smith.", title=escaped
    )
    (tmp_path / "page.html").write_text(hostile)
    found = explained(tmp_path / "page.html", url="https://evil.example/?'\"><script>1</script>")
    (tmp_path / "told.html").write_text(explanation_page(found))
    page = browser.open(file_address(tmp_path / "told.html"), width=width)
    assert page.title() != "run"
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [request for request in browser.requests if not request.startswith("file:")] == []
    assert browser.complaints == []


@pytest.mark.browser
def test_evidence_is_shown_by_kind_and_found_from_the_text(browser: Browser, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "told.html").write_text(explanation_page(explained(saved)))
    page = browser.open(file_address(tmp_path / "told.html"))
    mark = page.locator(".text mark.person").first
    colour = "element => getComputedStyle(element).backgroundColor"
    assert mark.inner_text() == "Marta Quill"
    assert "person Marta Quill" in (mark.get_attribute("title") or "")
    before = mark.evaluate(colour)
    page.get_by_label("People").uncheck()
    assert mark.evaluate(colour) != before
    page.get_by_label("People").check()
    page.locator("sup.person a").first.click()
    assert page.locator("tr:target").inner_text().split("\t")[1] == "Marta Quill"


def test_what_is_neither_address_nor_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="expected an http or https address"):
        told("nothing")
