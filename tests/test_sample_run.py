"""The whole pipeline on the sample, over real HTTP: three runs against the tables of `golden/run`.

`articles.csv`: each article, how many entries offer it over all feeds, its country, the topics of which one at least
must be found, the article it copies.
`quotes.csv`: quotations of the English pages and who said them.
`rejects.csv`: each entry or feed that brings no article, where it is given up and why.
"""

import csv
import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from pipeline.config import Config, load_config
from pipeline.report import Report
from pipeline.run import Options, run_once
from pipeline.sample_site import SampleSite, serve_sample

ROOT = Path(__file__).parent.parent
TABLES = Path(__file__).parent / "golden" / "run"


def table(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


TOPICS = {
    "culture": "medtop:01000000",
    "crime": "medtop:02000000",
    "disaster": "medtop:03000000",
    "economy": "medtop:04000000",
    "environment": "medtop:06000000",
    "health": "medtop:07000000",
    "labour": "medtop:09000000",
    "politics": "medtop:11000000",
    "science": "medtop:13000000",
    "sport": "medtop:15000000",
    "conflict": "medtop:16000000",
    "weather": "medtop:17000000",
}
CORRECTED = "meridian/world/2026-03-12/kaikoura-earthquake"
ARTICLES = table("articles.csv")
REJECTS = table("rejects.csv")
QUOTES = table("quotes.csv")
OPEN = {(row["page"], row["key"]): row["why"] for row in table("../open.csv")}  # what the program does not do yet


def cases(key: str, pages: list[str]) -> list[Any]:
    """The pages, those with an open point about `key` marked as expected to fail until it is met."""
    return [
        pytest.param(page, marks=pytest.mark.xfail(reason=OPEN[page, key], strict=True) if (page, key) in OPEN else ())
        for page in pages
    ]


def row_of(page: str) -> dict[str, str]:
    return next(row for row in ARTICLES if row["page"] == page)


def rows(root: Path, dataset: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(root / dataset, partitioning="hive").to_table().to_pylist()
    return found


@dataclass(frozen=True)
class Runs:
    """Three runs: the first, one right after it, and one after the sites have moved on."""

    site: SampleSite
    reports: tuple[Report, Report, Report]
    articles: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    fetches: list[dict[str, Any]]

    def page(self, url: str) -> str:
        """`url` as the tables write it: site and path."""
        name, origin = next(item for item in self.site.origins.items() if url.startswith(item[1] + "/"))
        return name + url.removeprefix(origin).split("?")[0].rstrip("/")

    def articles_of(self, number: int) -> dict[str, dict[str, Any]]:
        run_id = self.reports[number].run_id
        return {self.page(row["url"]): row for row in self.articles if row["run_id"] == run_id}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    root = tmp_path_factory.mktemp("sample-run")
    with serve_sample(ROOT / "data" / "sample", (0, 0, 0)) as site:
        config = sample_config(root, site)
        first = run(config)
        second = run(config)
        site.advance()
        third = run(config)
        yield Runs(site, (first, second, third), rows(root, "articles"), rows(root, "rejects"), rows(root, "fetches"))


def sample_config(root: Path, site: SampleSite) -> Config:
    config = load_config(ROOT / "configs" / "sample.toml", output=str(root))
    fetch = dataclasses.replace(config.settings.fetch, allow_hosts=site.hosts)
    feeds = tuple(dataclasses.replace(feed, interval_s=0.0) for feed in site.feeds)
    return dataclasses.replace(config, feeds=feeds, settings=dataclasses.replace(config.settings, fetch=fetch))


def run(config: Config) -> Report:
    return run_once(config, Options(), lambda phase, report, entries: None)


def test_every_article_of_the_table_is_stored_once_and_nothing_else(runs: Runs) -> None:
    first = [row for row in runs.articles if row["run_id"] == runs.reports[0].run_id]
    stored = Counter(runs.page(row["url"]) for row in first if (runs.page(row["url"]), "reject") not in OPEN)
    assert stored == {row["page"]: 1 for row in ARTICLES}
    assert all(row["version"] == 1 for row in first)


def test_every_reject_has_its_stage_and_reason(runs: Runs) -> None:
    first = [row for row in runs.rejects if row["run_id"] == runs.reports[0].run_id]
    got = Counter(
        (row["feed_id"], runs.page(row["url"]) if row["url"] else "", row["stage"], row["reason"]) for row in first
    )
    expected = [row for row in REJECTS if (row["page"], "reject") not in OPEN]
    assert got == {(row["feed"], row["page"], row["stage"], row["reason"]): 1 for row in expected}


def test_the_books_of_the_first_run_are_those_of_the_tables(runs: Runs) -> None:
    report = runs.reports[0]
    offered = sum(int(row["offered"]) for row in ARTICLES)
    entry_rejects = [row for row in REJECTS if row["reason"] != "feed-truncated"]
    assert report.entries == offered + len(entry_rejects)
    assert report.unchanged == offered - len(ARTICLES)
    assert report.stored + report.rejected == len(ARTICLES) + len(entry_rejects)
    assert (report.exact + report.near, report.dropped, report.versions) == (2, 0, 0)


def test_a_wire_copy_is_in_one_cluster_with_the_agencys_own_and_no_other_story_is(runs: Runs) -> None:
    stored = runs.articles_of(0)
    pairs = {frozenset((row["page"], row["copy_of"])) for row in ARTICLES if row["copy_of"]}
    clusters: dict[str, set[str]] = {}
    for page, row in stored.items():
        clusters.setdefault(row["cluster_id"], set()).add(page)
    assert {frozenset(pages) for pages in clusters.values() if len(pages) > 1} == pairs
    for pair in pairs:
        original, copy = sorted((stored[page] for page in pair), key=lambda row: row["first_seen_at"])
        assert original["duplicate_of"] is None
        assert copy["duplicate_of"] == original["article_id"] == copy["cluster_id"]


@pytest.mark.parametrize("page", cases("country", [row["page"] for row in ARTICLES if row["primary_country"]]))
def test_each_story_is_told_to_be_about_its_country(runs: Runs, page: str) -> None:
    assert runs.articles_of(0)[page]["primary_country"] == row_of(page)["primary_country"]


def test_the_notebook_that_pages_only_begin_is_taken_whole_from_its_feed(runs: Runs) -> None:
    column = runs.articles_of(0)["courier/notebook/foghorn-returns"]
    assert column["text_source"] == "feed"
    assert column["text"].startswith("HALIFAX - The foghorn") and column["text"].endswith("like the last ones.")


@pytest.mark.parametrize("page", cases("topic", [row["page"] for row in ARTICLES if row["topic"]]))
def test_each_story_has_a_topic_that_an_editor_would_give_it(runs: Runs, page: str) -> None:
    article = runs.articles_of(0)[page]
    topics = {topic["id"] for topic in article["topics"]}
    if (ROOT / "transforms" / "lexicons" / "topics" / article["language"].split("-")[0]).is_dir():
        assert topics & {TOPICS[topic] for topic in row_of(page)["topic"].split("|")}
    else:
        assert not topics  # no lexicon, no guess


def test_quotations_are_found_with_their_speakers(runs: Runs) -> None:
    stored = runs.articles_of(0)
    missed = []
    for row in QUOTES:
        found = [quote for quote in stored[row["page"]]["quotes"] if row["opens"] in quote["text"]]
        speakers = {quote["speaker"] or "" for quote in found}
        if not any(speaker.split()[-1:] == row["speaker"].split()[-1:] for speaker in speakers):
            missed.append((row["opens"], row["speaker"], speakers))
    assert len(missed) <= 0.1 * len(QUOTES), missed


def test_a_second_run_polls_conditionally_and_stores_nothing(runs: Runs) -> None:
    report = runs.reports[1]
    assert (report.stored, report.feeds_polled) == (0, 7)
    assert report.feeds_unchanged >= 6  # the truncated feed may be read in full again
    asked = [row for row in runs.fetches if row["run_id"] == report.run_id and row["kind"] == "feed"]
    assert sum(row["outcome"] == "not-modified" for row in asked) >= 6


def test_later_the_correction_is_a_version_and_the_mended_feed_brings_its_story(runs: Runs) -> None:
    report, stored = runs.reports[2], runs.articles_of(2)
    assert set(stored) == {CORRECTED, "courier/2026/03/bowling-alley-closes"}
    corrected = stored[CORRECTED]
    assert corrected["version"] == 2
    assert any("5.9" in change["text"] for change in corrected["changes"] if change["op"] == "insert")
    assert corrected["first_seen_at"] == runs.articles_of(0)[CORRECTED]["first_seen_at"]
    assert (report.versions, report.stored) == (1, 2)


@pytest.mark.parametrize("page", cases("change_kind", [CORRECTED]))
def test_a_version_that_opens_with_a_notice_of_correction_is_a_correction(runs: Runs, page: str) -> None:
    assert runs.articles_of(2)[page]["change_kind"] == "correction"
