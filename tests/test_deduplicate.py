"""Deduplicate: one story counted once, whatever it is called, wherever it is printed, however the input is cut."""

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.deduplicate import Deduplicate, Outcome, Unchanged, assign, counters
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.schema import Article, Reject
from transforms.settings import DeduplicateSettings
from transforms.urls import article_id, canonical_url, registrable_domain

START = datetime(2026, 5, 4, 6, tzinfo=UTC)
REPORT = (
    "The harbour board of Westmouth voted on Tuesday to close the old ferry pier after engineers found cracks in 14 of"
    " its 60 timber piles.\nChair Ingrid Solberg said the pier would stay shut until 3 November while Dalgleish"
    " Marine repairs the footing. Ferries to Skarholm will leave from the fish quay, and the last boat at 21.40 is"
    " cancelled.\nFishermen's spokesman Peter Aune called the decision late, saying the board had known of the damage"
    " since the storms of February."
)
FORECAST = (
    "{place} will be dry in the morning and wet by night, the weather office of {place} said. The wind will come from"
    " the {wind} at {speed} kilometres an hour, with gusts of up to {gusts}. Temperatures will reach {high} degrees in"
    " the afternoon and fall to {low} at night. Drivers should expect standing water on roads near the river. The next"
    " forecast will be published at {hour} o'clock."
)


def article(url: str, text: str, arrival: int, title: str = "Ferry pier closed") -> Article:
    return Article(
        article_id=article_id(canonical_url(url, None)),
        url=canonical_url(url, None),
        source_url=url,
        final_url=url,
        feed_id="coast",
        publisher_domain=registrable_domain(url),
        title=title,
        text=text,
        word_count=len(text.split()),
        first_seen_at=START + timedelta(microseconds=arrival),
        fetched_at=START + timedelta(minutes=1),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "news"


def outcomes(root: Path, articles: list[Article], **settings: str) -> list[Outcome]:
    index = NearIndex.open(root / "state" / "signatures")
    return list(assign(articles, Memory(root), index, DeduplicateSettings(**settings)))  # type: ignore[arg-type] # literals


def test_an_original_is_its_own_cluster(root: Path) -> None:
    (first,) = outcomes(root, [article("https://a.example/1", REPORT, 0)])
    assert isinstance(first, Article)
    assert (first.version, first.cluster_id, first.duplicate_of) == (1, first.article_id, None)
    assert len(first.content_hash) == 16 and first.signature


def test_copies_elsewhere_are_marked_with_the_cluster_s_first(root: Path) -> None:
    cut = REPORT.rpartition("\n")[0]
    first, exact, near = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/x", REPORT.upper(), 1),
            article("https://c.example/y", "Local readers will want to know.\n" + cut, 2),
        ],
    )
    assert isinstance(first, Article) and isinstance(exact, Article) and isinstance(near, Article)
    assert exact.cluster_id == near.cluster_id == exact.duplicate_of == near.duplicate_of == first.article_id
    assert (exact.duplicate_kind, exact.duplicate_score, near.duplicate_kind) == ("exact", 1.0, "near")


def test_reports_cast_in_one_mould_stay_apart(root: Path) -> None:
    one = FORECAST.format(place="Westmouth", wind="north", speed=30, gusts=72, high=5, low=-8, hour=9)
    two = FORECAST.format(place="Skarholm", wind="south", speed=11, gusts=24, high=17, low=6, hour=7)
    assert all(
        isinstance(outcome, Article) and outcome.duplicate_of is None
        for outcome in outcomes(root, [article("https://a.example/1", one, 0), article("https://b.example/2", two, 1)])
    )


def test_variants_of_an_address_with_the_same_text_add_no_row(root: Path) -> None:
    found = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://a.example/1?utm_source=feed", REPORT, 1),
            article("https://amp.a.example/1", REPORT + "\nShare this page", 2),
            article("https://m.a.example/1", REPORT.replace("\n", "\n\n"), 3),
        ],
    )
    assert [type(outcome) for outcome in found] == [Article, Unchanged, Unchanged, Unchanged]


def test_a_changed_text_is_a_new_version_that_keeps_cluster_and_first_sight(root: Path) -> None:
    first, copy, changed = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://b.example/2", REPORT.replace("14 of", "17 of"), 2),
        ],
    )
    assert isinstance(first, Article) and isinstance(copy, Article) and isinstance(changed, Article)
    assert (changed.version, changed.change_kind, changed.cluster_id) == (2, "substantive", first.article_id)
    assert changed.first_seen_at == copy.first_seen_at
    assert changed.changes is not None and [change.op for change in changed.changes] == ["delete", "insert"]


def test_near_drop_gives_copies_up_in_the_open(root: Path) -> None:
    _, exact, near = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://c.example/3", REPORT.replace("14 of", "17 of"), 2),
        ],
        near="drop",
    )
    assert isinstance(exact, Reject) and isinstance(near, Reject)
    assert (exact.stage, exact.reason, near.reason) == ("deduplicate", "exact-duplicate", "near-duplicate")
    assert counters(exact) == counters(near) == ["dropped"]


def test_near_off_marks_nothing_and_still_keeps_versions(root: Path) -> None:
    _, copy, changed = outcomes(
        root,
        [
            article("https://a.example/1", REPORT, 0),
            article("https://b.example/2", REPORT, 1),
            article("https://b.example/2", REPORT + " More follows.", 2),
        ],
        near="off",
    )
    assert isinstance(copy, Article) and copy.duplicate_of is None
    assert isinstance(changed, Article) and changed.version == 2


def test_a_failure_of_the_program_costs_one_article(root: Path) -> None:
    broken = dataclasses.replace(article("https://a.example/1", REPORT, 0), text=None)  # type: ignore[arg-type] # the fault
    found = outcomes(root, [broken, article("https://b.example/1", REPORT, 1)])
    assert isinstance(found[0], Reject) and found[0].reason == "internal-error"
    assert isinstance(found[1], Article)


def test_the_transform_reads_articles_in_order_of_arrival(root: Path) -> None:
    articles = [article(f"https://{name}.example/1", REPORT, arrival) for arrival, name in enumerate("abcdefgh")]
    articles.append(article("https://a.example/1?utm_source=x", REPORT, 9))
    random.Random(2).shuffle(articles)
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | beam.Create(articles) | Deduplicate(root=str(root))
        first = article_id("https://a.example/1")
        assert_that(
            found.articles | beam.Map(lambda row: (row.publisher_domain, row.cluster_id, row.duplicate_kind)),
            equal_to([(f"{name}.example", first, None if name == "a" else "exact") for name in "abcdefgh"]),
        )
        assert_that(found.rejects, equal_to([]), label="NoRejects")
    counted = {
        counter.key.metric.name: counter.committed
        for counter in pipeline.result.metrics().query()["counters"]
        if not counter.key.metric.name.endswith("usec")
    }
    assert counted == {"unchanged": 1, "duplicates-exact": 7}
