"""Metrics: what Prometheus' own parser reads is what the runs did, over failures and restarts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.metrics import METRICS, from_json, from_prometheus, to_json, to_prometheus
from tests.servers import Site, serve
from tests.test_run import TOWNS, feed, page

BASE_UNITS = ("_seconds", "_bytes")
NOT_BASE = re.compile(r"_(ms|millis|minutes|hours|days|kb|mb|percent)(_|$)")


@pytest.fixture
def site() -> Iterator[Site]:
    routes: dict[str, Any] = {f"/{town}": page(town) for town in TOWNS}
    with serve(routes | {"/feed": feed([*(f"/{town}" for town in TOWNS), "/gone"])}) as running:
        yield running


def newsbeam(site: Site, folder: Path, *arguments: str) -> int:
    path = folder / "metrics.toml"
    path.write_text(
        f'output = "{folder / "data"}"\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\n'
        f'allow_hosts = ["{site.host}"]\n[metrics]\nprometheus_file = "{folder / "news.prom"}"\n'
        f'json_file = "{folder / "news.json"}"\n[[feeds]]\nurl = "{site.url("/feed")}"\ninterval_s = 0.001\n'
    )
    return CliRunner().invoke(app, ["run", str(path), "--quiet", *arguments]).exit_code


def samples(folder: Path) -> dict[str, float]:
    """What Prometheus would scrape: "name label=value ..." to its value, the dataset's label checked and left out."""
    found = {}
    for family in text_string_to_metric_families((folder / "news.prom").read_text()):
        assert family.documentation
        assert family.type in ("counter", "gauge")
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("dataset") == str(folder / "data")
            found[" ".join([sample.name, *(f"{key}={value}" for key, value in sorted(labels.items()))])] = sample.value
    return found


def test_two_runs_and_a_failure_between_them_are_told_to_prometheus(site: Site, tmp_path: Path) -> None:
    assert newsbeam(site, tmp_path) == 0
    told = samples(tmp_path)
    assert told["newsbeam_entries_total outcome=stored"] == 6
    assert told["newsbeam_entries_total outcome=rejected"] == told["newsbeam_rejects_total reason=http-404"] == 1
    assert told["newsbeam_fetches_total kind=page outcome=ok"] == 6
    assert told["newsbeam_last_run_success"] == told["newsbeam_runs_total result=committed"] == 1
    assert told["newsbeam_last_run_alarms kind=drift"] == told["newsbeam_runs_total result=failed"] == 0
    assert told["newsbeam_written_bytes_total"] == sum(
        path.stat().st_size for path in (tmp_path / "data").glob("*/*/*.parquet")
    )
    succeeded = told["newsbeam_last_success_timestamp_seconds"]

    (tmp_path / "data" / "articles").rename(tmp_path / "aside")
    (tmp_path / "data" / "articles").write_text("in the way")
    site.routes["/feed"] = feed(["/gone-too"])
    site.routes["/gone-too"] = page("Lima")
    assert newsbeam(site, tmp_path) == 1
    told = samples(tmp_path)
    assert told["newsbeam_last_success_timestamp_seconds"] == succeeded < told["newsbeam_last_run_timestamp_seconds"]
    assert told["newsbeam_last_run_success"] == 0
    assert told["newsbeam_runs_total result=failed"] == told["newsbeam_runs_total result=committed"] == 1
    assert told["newsbeam_entries_total outcome=stored"] == 6

    (tmp_path / "data" / "articles").unlink()
    (tmp_path / "aside").rename(tmp_path / "data" / "articles")
    assert newsbeam(site, tmp_path) == 0
    told = samples(tmp_path)
    assert told["newsbeam_runs_total result=committed"] == 2
    assert told["newsbeam_last_success_timestamp_seconds"] > succeeded
    assert from_json((tmp_path / "news.json").read_text()) == from_prometheus((tmp_path / "news.prom").read_text())
    assert (tmp_path / "news.prom").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "metrics.toml", "news.json", "news.prom"]


def test_a_run_turned_away_by_another_leaves_the_numbers_to_it(site: Site, tmp_path: Path) -> None:
    from pipeline.dataset import Dataset
    from tests.articles import NOON

    with Dataset(tmp_path / "data").lock("a test", NOON):
        assert newsbeam(site, tmp_path) == 75
    assert not (tmp_path / "news.prom").exists()


def test_a_folder_that_is_not_there_is_told_before_the_run_and_a_full_disk_costs_no_run(
    site: Site, tmp_path: Path
) -> None:
    assert newsbeam(site, tmp_path, "--set", 'metrics.json_file="absent/a.json"') == 2
    assert not (tmp_path / "data").exists()
    (tmp_path / "taken").mkdir()
    assert newsbeam(site, tmp_path, "--set", f'metrics.prometheus_file="{tmp_path}/taken"') == 0


def test_metrics_are_named_as_prometheus_asks_for() -> None:
    for name, (kind, told) in METRICS.items():
        assert re.fullmatch(r"newsbeam_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not NOT_BASE.search(name), name
        assert told.endswith(".")
        assert "\n" not in told


WORDS = st.text(max_size=20).filter(lambda text: "\r" not in text)
LABELS = st.dictionaries(st.sampled_from(["dataset", "reason", "kind"]), WORDS, min_size=1)
VALUES = st.dictionaries(
    st.tuples(st.sampled_from(sorted(METRICS)), LABELS.map(lambda labels: tuple(sorted(labels.items())))),
    st.floats(allow_nan=False, allow_infinity=False),
)


@settings(max_examples=50)
@given(VALUES)
def test_what_is_written_is_read_back_whatever_a_label_holds(values: dict[Any, float]) -> None:
    assert from_json(to_json(values)) == values
    text = to_prometheus(values)
    parsed = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert from_prometheus(text) == parsed == values


def test_every_metric_is_told_by_a_run(site: Site, tmp_path: Path) -> None:
    newsbeam(site, tmp_path)
    told = json.loads((tmp_path / "news.json").read_text())
    silent = {name for name, metric in told.items() if not metric["samples"]}
    streams = {"newsbeam_stream_turn_timestamp_seconds", "newsbeam_stream_wake_timestamp_seconds"}
    assert silent <= {"newsbeam_poll_failures_total"} | streams
