"""Keyed joins: articles brought together by key get the clusters that one worker with an index gives them."""

import dataclasses
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.archive import Archive
from tests.arrivals import day
from transforms.assignment import Outcome, assign, compared, in_order, index_folder, placed, recognised
from transforms.deduplicate import Deduplicate
from transforms.joined import assign_by_joins
from transforms.joins import answer, found, latest_before, postings, question, row_and_entry
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.recognition import Recogniser, Signed, Unchanged
from transforms.schema import Article, Reject, Settled, Spent
from transforms.settings import DeduplicateSettings


def grouped(pairs: Iterable[tuple[object, object]]) -> dict[object, list[object]]:
    groups = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def by_joins(articles: list[Article], memory: Memory, index: NearIndex) -> list[Outcome]:
    """The wires of the joined arrangement over lists."""
    hosts = grouped((article.publisher_domain, article) for article in articles).values()
    of_hosts = [recognised(in_order(host), Recogniser(memory=memory, index=index.scratch())) for host in hosts]
    outcomes = [outcome for host in of_hosts for outcome in host]
    signed = [outcome for outcome in outcomes if isinstance(outcome, Signed)]
    asked = grouped(
        pair
        for key, posted in grouped(p for row in signed for p in postings(row)).items()
        for pair in latest_before(key, posted)
    )
    answers = grouped(
        pair
        for row, entry in map(row_and_entry, signed)
        for pair in answer((row, {"entries": [entry], "asked": asked[row]}))
    )
    comparisons = [
        (asking.arrival, row[0], compared(asking, index, lambda keys, row=row: found(keys, answers[row])))
        for row, asking in (pair for one in signed for pair in question(one))
    ]
    placements = dict(placed(comparisons))
    return [
        placements[outcome.article.article_id].on(outcome.article)
        if isinstance(outcome, Signed) and outcome.article.article_id in placements
        else outcome.article
        if isinstance(outcome, Signed)
        else outcome
        for outcome in outcomes
    ]


def told(outcomes: Iterable[Outcome]) -> Counter[str]:
    return Counter(map(repr, outcomes))


@examples(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 60))
def test_joins_and_one_worker_give_the_same_rows(seed: int, count: int, stored: int) -> None:
    articles = day(seed, stored + count)
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        archive.store(list(assign(articles[:stored], archive, archive.index(), DeduplicateSettings())))
        one = list(assign(articles[stored:], archive, archive.index(), DeduplicateSettings()))
        assert told(by_joins(articles[stored:], archive, archive.index())) == told(one)


def test_a_made_up_day_has_all_that_deduplication_knows() -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        rows = list(assign(day(1, 300), archive, archive.index(), DeduplicateSettings()))
    kinds = Counter(row.duplicate_kind for row in rows if isinstance(row, Article))
    assert min(kinds["near"], kinds["exact"], kinds[None]) > 10
    assert sum(isinstance(row, Unchanged) for row in rows) > 10
    assert sum(isinstance(row, Article) and row.version > 1 for row in rows) > 10


@pytest.mark.parametrize("near", ["mark", "off"])
def test_the_joined_pipeline_gives_the_rows_of_the_one_worker(tmp_path: Path, near: str) -> None:
    articles = day(7, 60)
    settings = DeduplicateSettings(near=near)  # type: ignore[arg-type] # literals
    memory = Memory(tmp_path)
    one = list(assign(articles, memory, NearIndex.open(index_folder(tmp_path)), settings))
    joins = DeduplicateSettings(near=near, arrangement="joins")  # type: ignore[arg-type] # literals
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        rows = pipeline | beam.Create(articles[::-1]) | Deduplicate(settings=joins, root=str(tmp_path))
        stored = [outcome for outcome in one if isinstance(outcome, Article)]
        assert_that(rows.articles | beam.Map(repr), equal_to(list(map(repr, stored))))
        settled = sum(isinstance(outcome, Unchanged) for outcome in one)
        count = rows.notes | beam.Filter(lambda note: isinstance(note, Settled)) | beam.combiners.Count.Globally()
        assert_that(count, equal_to([settled]), label="Settled")
        assert_that(rows.rejects, equal_to([]), label="NoRejects")


@pytest.mark.prism
def test_prism_joins_to_the_same_rows(prism: list[str], tmp_path: Path) -> None:
    articles = day(8, 150)
    settings = DeduplicateSettings(arrangement="joins")
    one = assign(articles, Memory(tmp_path), NearIndex.open(index_folder(tmp_path)), settings)
    with beam.Pipeline(options=PipelineOptions(["--runner=PrismRunner", *prism])) as pipeline:
        told = assign_by_joins(pipeline | beam.Create(articles), settings, str(tmp_path))
        outcomes = told | beam.Filter(lambda one: not isinstance(one, Spent))
        _ = outcomes | beam.MapTuple(lambda _, outcome: repr(outcome)) | beam.io.WriteToText(str(tmp_path / "told"))
    found = [line for path in tmp_path.glob("told-*") for line in path.read_text("utf-8").splitlines()]
    assert sorted(found) == sorted(map(repr, one))


def test_a_failure_of_the_program_costs_one_article_of_its_host(tmp_path: Path) -> None:
    articles = day(3, 4)
    broken = dataclasses.replace(articles[1], text=None)  # type: ignore[arg-type] # the fault
    archive = Archive(tmp_path)
    recogniser = Recogniser(memory=archive, index=archive.index())
    found = list(recognised([articles[0], broken, *articles[2:]], recogniser))
    assert [isinstance(outcome, Reject) for outcome in found] == [False, True, False, False]


def test_joins_cannot_drop_copies() -> None:
    with pytest.raises(ValueError, match='expected near = "mark" or "off"'):
        DeduplicateSettings(near="drop", arrangement="joins")
