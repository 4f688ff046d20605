"""Alarms: each threshold fires over its value alone, and over real HTTP a silent, failing or changed source is told."""

import dataclasses
import json
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.alarms import KINDS, MOST_TOLD, alarms_of, counts, drift_alarms, feed_alarms, share_alarms
from pipeline.cli import app
from pipeline.config import parse_config
from pipeline.dataset import Dataset
from pipeline.drift import KEYS, History, merge_tallies
from pipeline.report import Report
from pipeline.run import Options, run_once
from tests.articles import NOON
from tests.servers import Reply, Site, html, serve
from transforms.polling import FeedState, Hints, after_document
from transforms.schema import Feed
from transforms.settings import AlarmSettings

REPORT = Report(
    run_id="r", started_at=NOON, runner="direct", config_sha256="", feeds_polled=12, entries=40, unchanged=20,
    stored=10, rejected=10, fetches={"page": {"ok": 15, "http-404": 5}},
)  # fmt: skip
SETTINGS = AlarmSettings()


def texts(report: Report, **settings: Any) -> list[str]:
    return [alarm.text for alarm in share_alarms(report, AlarmSettings(**settings))]


def test_a_share_fires_over_its_threshold_alone() -> None:
    assert texts(REPORT) == []
    assert texts(REPORT, rejected_share=0.49) == ["10 of 20 new entries were rejected"]
    assert texts(REPORT, failed_pages_share=0.24) == ["5 of 20 pages could not be fetched"]
    assert texts(dataclasses.replace(REPORT, feeds_failed=7)) == ["7 of 12 feeds failed"]
    assert texts(Report(run_id="r", started_at=NOON, runner="", config_sha256="")) == []


def test_a_share_of_a_handful_is_no_alarm_but_a_threshold_of_nothing_is_kept_to() -> None:
    few = dataclasses.replace(REPORT, entries=2, unchanged=0, stored=1, rejected=1)
    assert texts(few, rejected_share=0.4) == []
    assert texts(few, rejected_share=0) == ["1 of 2 new entries were rejected"]


def test_two_failures_among_the_few_that_were_due_are_no_alarm_but_all_of_a_small_config_are() -> None:
    two = dataclasses.replace(REPORT, feeds_polled=2, feeds_failed=2)
    assert texts(dataclasses.replace(two, feeds_not_due=100)) == []
    assert texts(two) == ["2 of 2 feeds failed"]


def state(**fields: Any) -> FeedState:
    return FeedState(feed_id="a", url="https://a.example/feed", **fields)


def told_of(feed: FeedState, **settings: Any) -> list[str]:
    return [alarm.text for alarm in feed_alarms([feed], AlarmSettings(**settings), NOON)]


def test_a_feed_is_silent_after_some_times_its_usual_pause_and_a_day_at_least() -> None:
    quiet = state(last_new_at=(NOON - timedelta(hours=31)).isoformat(), usual_gap_s=36_000.0)
    assert told_of(quiet) == ["feed https://a.example/feed: nothing new for 31h, 10h was the longest pause of late"]
    assert told_of(quiet, silent_gaps=4) == told_of(quiet, silent_hours=32) == told_of(quiet, silent_gaps=0) == []
    assert told_of(dataclasses.replace(quiet, usual_gap_s=None)) == []


def test_a_feed_keeps_failing_from_the_third_failure_on_and_a_gone_one_is_told_once() -> None:
    assert told_of(state(failures=2.5, last_reason="timeout")) == []
    assert told_of(state(failures=3, last_reason="timeout")) == ["feed https://a.example/feed keeps failing: timeout"]
    assert told_of(state(failures=9, last_reason="timeout"), failing_polls=0) == []
    assert "is gone for good (http-410)" in told_of(state(failures=1, gone=True, last_reason="http-410"))[0]


def test_a_usual_pause_is_the_longest_of_late_and_slowly_forgotten() -> None:
    feed, now = Feed(url="https://a.example/feed", id="a"), NOON

    def news(known: FeedState, number: int) -> FeedState:
        return after_document(
            feed,
            known,
            Hints(),
            now,
            etag=None,
            last_modified=None,
            body_hash=str(number),
            entry_keys=(f"{number:08d}",),
        )

    known = news(state(), 0)
    assert known.usual_gap_s is None
    now += timedelta(hours=60)  # a weekend
    known = news(known, 1)
    assert known.usual_gap_s == 60 * 3600
    for number in range(2, 5 * 24 * 2):  # a busy week
        now += timedelta(minutes=30)
        known = news(known, number)
    assert 45 * 3600 < (known.usual_gap_s or 0) < 60 * 3600


def test_many_alarms_of_a_kind_are_a_few_sentences_and_a_number() -> None:
    feeds = [state(failures=4, last_reason="dns") for _ in range(MOST_TOLD + 40)]
    alarms = alarms_of(REPORT, SETTINGS, feeds, Dataset(Path("none")))
    assert len(alarms) == MOST_TOLD + 1
    assert alarms[-1].text == "and 40 more of the same kind (failing-feed)"
    assert counts(alarms) == dict.fromkeys(KINDS, 0) | {"failing-feed": MOST_TOLD + 40}


# --------------------------------------------------------------------------- publishers


def tally(articles: float = 5, words: float = 400, **given: float) -> dict[str, float]:
    full = {"articles": articles, "rejected": 0, "authors": articles, "dates": articles}
    return full | {"log_words": articles * math.log(words)} | given


def history(*runs: dict[str, float], latest: int = 20) -> History:
    found = History(latest)
    for number, run in enumerate(runs):
        found.add({"run_id": f"{number:03d}", "publishers": [{"publisher_domain": "a.example", **run}]})
    return found


def drift(known: History, now: dict[str, float], **settings: Any) -> list[str]:
    report = dataclasses.replace(REPORT, publishers={"a.example": now})
    return [alarm.text for alarm in drift_alarms(report, AlarmSettings(**settings), known)]


GOOD = [tally() for _ in range(8)]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"authors": 0}, "with authors 100% -> 0%"),
        ({"dates": 4}, "with dates 100% -> 20%"),
        ({"words": 90}, "typical length 400 -> 90 words"),
        ({"words": 900}, "typical length 400 -> 900 words"),
        ({"articles": 2, "rejected": 18}, "rejected in cleaning 0% -> 90%"),
    ],
)
def test_a_publisher_whose_latest_articles_differ_is_told_with_both_numbers(now: dict[str, float], told: str) -> None:
    assert drift(history(*GOOD), tally(**({"articles": 20} | now))) == [
        f"a.example: {told} in its latest 20 articles, against 40 before"
    ]


def test_articles_that_come_one_by_one_are_seen_together() -> None:
    broken = [tally(1, authors=0) for _ in range(19)]
    known = history(*GOOD, *GOOD, *broken)
    assert len(drift(known, tally(1, authors=0))) == 1
    assert drift(history(*GOOD, *GOOD, *broken[:5]), tally(1, authors=0)) == []


def test_a_small_change_a_new_publisher_or_a_switched_off_threshold_is_no_drift() -> None:
    assert drift(history(*GOOD), tally(20, words=260, authors=12)) == []
    assert drift(history(*GOOD[:3]), tally(20, authors=0)) == []
    assert drift(history(*GOOD), tally(20, words=1, authors=0, dates=0, rejected=99), drift=1.0) == []
    assert drift(history(*GOOD), tally(20, authors=0), drift_articles=20, drift=0.99) != []


def test_a_history_keeps_no_more_of_a_publisher_than_a_comparison_needs() -> None:
    known = history(*(tally(1) for _ in range(5_000)))
    (runs,) = known.runs.values()
    assert sum(run["articles"] for run in runs) < 130
    assert len(runs) <= 60


def test_tallies_add_up_over_batches() -> None:
    one, two = {"a": tally(2), "b": tally(1)}, {"a": tally(3)}
    merged = merge_tallies(one, two)
    assert (merged["a"]["articles"], merged["b"]["articles"]) == (5, 1)
    assert merged["a"].keys() == set(KEYS)


# --------------------------------------------------------------------------- over real HTTP


def page(number: int, *, byline: bool) -> Reply:
    told = '<meta name="author" content="Ada Nnamdi">' if byline else ""
    words = " ".join(f"The harbour board of town {number} heard witness {n} on the pier repairs." for n in range(9))
    return html(f"<html lang=en><head><title>Town {number}</title>{told}</head><article><h1>Pier {number} is mended"
                f"</h1><p>{words}</p></article></html>")  # fmt: skip


def feed(numbers: range) -> Reply:
    items = "".join(f"<item><title>Pier {n}</title><link>/{n}</link><guid>{n}</guid></item>" for n in numbers)
    body = f'<rss version="2.0"><channel><title>Piers</title>{items}</channel></rss>'
    return Reply(body=body, headers={"Content-Type": "application/rss+xml"})


@pytest.fixture
def site() -> Iterator[Site]:
    with serve({}) as running:
        yield running


def newsbeam(site: Site, root: Path, *arguments: str, interval_s: float = 0.001) -> tuple[int, dict[str, Any]]:
    """`newsbeam run --strict` in this process, with small thresholds: the exit code and the report."""
    path = root.parent / "alarms.toml"
    path.write_text(
        f'output = "{root}"\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n'
        "[alarms]\ndrift_articles = 4\nsilent_gaps = 2\nsilent_hours = 0\n"
        f'[deduplicate]\nnear = "off"\n[[feeds]]\nurl = "{site.url("/feed")}"\ninterval_s = {interval_s}\n'
    )
    result = CliRunner().invoke(app, ["run", str(path), "--strict", "--json", "--quiet", *arguments])
    return result.exit_code, json.loads(result.stdout)


def test_a_site_that_drops_its_bylines_then_falls_silent_then_fails_is_told_each_time(
    site: Site, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    site.routes |= {f"/{n}": page(n, byline=True) for n in range(8)}
    site.routes["/feed"] = feed(range(8))
    assert newsbeam(site, root)[0] == 0
    site.routes |= {f"/{n}": page(n, byline=False) for n in range(8, 12)}
    site.routes["/feed"] = feed(range(8, 12))
    code, report = newsbeam(site, root)
    assert code == 3
    assert report["alarms"] == ["127.0.0.1: with authors 100% -> 0% in its latest 4 articles, against 8 before"]
    assert report["fetches"]["page"] == {"ok": 4}
    assert [told["articles"] for told in report["publishers"]] == [4]

    known = json.loads((root / "runs" / f"{report['run_id']}.json").read_text())
    assert known["alarms"] == report["alarms"]
    (root / "state" / "publishers.json").unlink()  # told again from the manifests
    assert History.load(Dataset(root), 4, "9").runs["127.0.0.1"][-1]["authors"] == 0

    code, report = newsbeam(site, root, "--set", "alarms.silent_gaps=0.01")
    assert code == 3
    assert "nothing new for" in report["alarms"][0]
    del site.routes["/feed"]
    code, report = newsbeam(site, root, "--set", "alarms.failing_polls=1")
    assert code == 3
    assert report["alarms"] == ["1 of 1 feeds failed", f"feed {site.url('/feed')} keeps failing: http-404"]


def test_pages_that_cannot_be_fetched_are_told(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = feed(range(12))
    code, report = newsbeam(site, tmp_path / "data")
    assert code == 3
    assert report["alarms"] == ["12 of 12 new entries were rejected", "12 of 12 pages could not be fetched"]


def test_without_strict_an_alarm_is_told_and_the_run_has_done_its_work(site: Site, tmp_path: Path) -> None:
    settings = {"output": str(tmp_path), "feeds": [{"url": site.url("/feed")}], "fetch": {"allow_hosts": [site.host]}}
    report = run_once(parse_config(settings, "test"), Options(), lambda phase, report, to_do: None)
    assert [alarm.kind for alarm in report.alarms] == ["failed-feeds"]


def test_quiet_still_says_why_strict_ends_with_3(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "quiet.toml"
    path.write_text(f'output = "{tmp_path}/data"\n[[feeds]]\nurl = "{site.url("/feed")}"\n')
    result = CliRunner().invoke(app, ["run", str(path), "--strict", "--quiet"])
    assert (result.exit_code, result.stderr) == (3, "newsbeam: alarm: 1 of 1 feeds failed\n")
