"""`newsbeam explain`: every step of a page is told, whatever becomes of it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.errors import UsageError
from pipeline.explain import explain, print_steps
from pipeline.state import ArticleMemory
from tests.pages import FETCHED_AT, PARAGRAPHS, URL, html
from tests.servers import html as html_reply
from tests.servers import serve
from tests.test_state import commit
from transforms.assignment import assign
from transforms.extraction import clean_page
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.schema import Article
from transforms.settings import CleanSettings, DeduplicateSettings, FetchSettings, Settings

PROMO = "<b><a href='/more'>Read more: What the ferries cost elsewhere</a></b>"


def told(target: str | Path, url: str | None = URL, dataset: Path | None = None, **fetch: object) -> str:
    settings = Settings(fetch=FetchSettings(per_host_delay_s=0, **fetch))  # type: ignore[arg-type]
    shown = io.StringIO()
    steps = explain(str(target), settings, FETCHED_AT, url=url, dataset=dataset)
    print_steps(steps, Console(width=200, file=shown))
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


def test_the_verdict_is_that_of_the_dataset(saved: Path, tmp_path: Path) -> None:
    from pipeline.dataset import Dataset
    from pipeline.explain import _read

    root = tmp_path / "data"
    article = clean_page(_read(str(saved), URL, FETCHED_AT), CleanSettings())
    (stored,) = assign([article], Memory(root), NearIndex.open(root), DeduplicateSettings())
    assert isinstance(stored, Article)
    dataset = Dataset(root)
    dataset.state.mkdir(parents=True)
    commit(dataset, "20260314T120000Z", stored)
    ArticleMemory(dataset).catch_up()
    assert "stored already, unchanged since version 1" in told(saved, dataset=root)
    assert "exact copy" in told(saved, url="https://elsewhere.example/copy", dataset=root)


def test_what_is_neither_address_nor_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="expected an http or https address"):
        told("nothing")
