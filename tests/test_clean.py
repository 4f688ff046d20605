"""Clean in Beam: every page comes out exactly once, whatever its child does."""

from concurrent.futures import Future

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from pebble import ProcessExpired

from tests.pages import html, page
from transforms.clean import GIVE_UP_AFTER, IN_FLIGHT_PER_CHILD, Clean, outcome_of
from transforms.reject import Rejected
from transforms.schema import Article, Reject
from transforms.settings import CleanSettings


def test_each_page_is_an_article_or_a_reject() -> None:
    pages = [page(html() if n % 3 else html("Stub."), url=f"https://www.harbour-herald.example/{n}") for n in range(30)]
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        cleaned = pipeline | beam.Create(pages) | Clean(settings=CleanSettings(), workers=2)
        articles = cleaned.articles | "ArticleUrls" >> beam.Map(lambda article: article.source_url)
        rejects = cleaned.rejects | "RejectUrls" >> beam.Map(lambda reject: (reject.url, reject.reason))
        assert_that(articles, equal_to([given.entry.url for n, given in enumerate(pages) if n % 3]), "articles")
        assert_that(
            rejects, equal_to([(given.entry.url, "too-short") for n, given in enumerate(pages) if not n % 3]), "rejects"
        )


def test_a_page_that_takes_too_long_is_rejected_and_holds_up_no_other() -> None:
    rows = "<tr><td>The boat was late.</td><td>So was the train.</td></tr>" * 100_000
    endless = f"<html><body><table>{rows}</table></body></html>"
    pages = [page(endless, url="https://www.harbour-herald.example/endless"), page(html())]
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        cleaned = pipeline | beam.Create(pages) | Clean(settings=CleanSettings(timeout_s=1.0), workers=2)
        articles = cleaned.articles | "ArticleUrls" >> beam.Map(lambda article: article.source_url)
        rejects = cleaned.rejects | "RejectReasons" >> beam.Map(lambda reject: reject.reason)
        assert_that(articles, equal_to([pages[1].entry.url]), "articles")
        assert_that(rejects, equal_to(["extraction-timeout"]), "rejects")


FAIR = "https://fair.example/1"


def _most_put_off(rejects: list[tuple[str, str, bool]]) -> None:
    slow = [(reason, retryable) for url, reason, retryable in rejects if url != FAIR]
    assert len(slow) == 30
    assert {reason for reason, _ in slow} == {"extraction-timeout"}
    tried = sum(not retryable for _, retryable in slow)
    assert GIVE_UP_AFTER <= tried <= GIVE_UP_AFTER + IN_FLIGHT_PER_CHILD
    assert not [url for url, _, retryable in rejects if url == FAIR and retryable]  # at worst it took too long itself


def test_a_site_whose_pages_hang_has_the_rest_put_off_and_no_other_site_has() -> None:
    endless = "<html><body><table>" + "<tr><td>The boat was late.</td></tr>" * 50_000
    pages = [page(endless, url=f"https://{n}.slow.example/") for n in range(30)]
    pages.append(page(html(), url=FAIR))
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        cleaned = pipeline | beam.Create(pages) | Clean(settings=CleanSettings(timeout_s=0.2), workers=1)
        rejects = cleaned.rejects | "Rejects" >> beam.Map(lambda reject: (reject.url, reject.reason, reject.retryable))
        assert_that(rejects, _most_put_off)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Rejected("soft-404"), "soft-404"),
        (TimeoutError(), "extraction-timeout"),
        (ProcessExpired("killed", 137), "extraction-crash"),
        (MemoryError(), "extraction-crash"),
        (KeyError("unforeseen"), "internal-error"),
    ],
)
def test_each_failure_of_a_child_has_its_reason(error: BaseException, reason: str) -> None:
    future: Future[Article] = Future()
    future.set_exception(error)
    outcome = outcome_of(future, page(html()))
    assert isinstance(outcome, Reject)
    assert (outcome.reason, outcome.stage) == (reason, "clean")
    assert outcome.http_status == 200  # its page did come
