"""The same pipeline on every engine: the same rows from a bounded run, and a stream that loses and doubles nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from pipeline.config import load_config
from pipeline.errors import RunFailedError
from pipeline.run import Options, run_once
from pipeline.verify import verify
from tests.engines.flink import FlinkCluster
from tests.engines.spark import SparkCluster
from tests.rolling_site import RollingSites, rolling_sites

ROOT = Path(__file__).parent.parent
TIMES = {"run_id", "first_seen_at", "fetched_at", "seen_date"}  # what two runs cannot have in common
PATIENCE_S = 300.0


def rows(root: Path) -> list[dict[str, Any]]:
    if not (root / "articles").is_dir():
        return []
    table = ds.dataset(root / "articles", partitioning="hive").to_table()
    found: list[dict[str, Any]] = table.sort_by([("article_id", "ascending"), ("version", "ascending")]).to_pylist()
    return found


def lasting(root: Path) -> list[dict[str, Any]]:
    """The rows without what tells when they were made."""
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows(root)]


def run_on(
    runner: str, options: list[str], site: RollingSites, folder: Path, output_name: str | None = None
) -> list[dict[str, Any]]:
    config = folder / "config.toml"
    output = folder / (output_name or runner)
    config.write_text(site.config(Path(os.path.relpath(output))))  # from where the workers do not stand
    report = run_once(load_config(config), Options(runner=runner, beam_arguments=options), lambda *_: None)
    assert report.runner.startswith(runner)
    assert (report.entries, report.stored) == (site.articles, site.articles), report
    return lasting(output)


@pytest.mark.prism
@pytest.mark.timeout(900)
def test_prism_stores_what_the_local_runner_stores(prism: list[str], tmp_path: Path) -> None:
    with rolling_sites() as site:
        expected = run_on("direct", [], site, tmp_path)
        assert sum(row["duplicate_of"] is not None for row in expected) == site.articles // 5
        assert run_on("prism", prism, site, tmp_path) == expected


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_flink_stores_what_the_local_runner_stores(flink: FlinkCluster, tmp_path: Path) -> None:
    with rolling_sites() as site:
        expected = run_on("direct", [], site, tmp_path)
        assert run_on("flink", flink.options(), site, tmp_path) == expected


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_a_batch_whose_job_server_dies_is_cancelled_and_says_so(flink: FlinkCluster, tmp_path: Path) -> None:
    """The next run takes up the rest."""

    def kill_it() -> None:
        while not flink.jobs():
            time.sleep(0.1)
        flink.kill_job_server()

    with rolling_sites() as site:
        killer = threading.Thread(target=kill_it)
        killer.start()
        with pytest.raises(RunFailedError, match=r"the job server localhost:\d+ has gone, .* was committed is kept"):
            run_on("flink", flink.options(), site, tmp_path)
        killer.join()
        wait_for(lambda: not flink.jobs())
        assert not rows(tmp_path / "flink")
        assert len(run_on("direct", [], site, tmp_path, "flink")) == site.articles


@pytest.mark.spark
@pytest.mark.timeout(900)
def test_spark_stores_what_the_local_runner_stores_though_executors_die(spark: SparkCluster, tmp_path: Path) -> None:
    with rolling_sites() as site:

        def asked() -> int:
            return sum(len(each.asked) for each in site.sites)

        expected = run_on("direct", [], site, tmp_path)
        usual = asked()

        def kill_one() -> None:
            wait_for(lambda: asked() > usual + len(site.sites))  # more than the feeds
            spark.kill_executors()

        killer = threading.Thread(target=kill_one)
        killer.start()
        assert run_on("spark", spark.options(), site, tmp_path) == expected
        killer.join()
        assert asked() > 2 * usual  # some again, by those that took over
    assert not list(verify(tmp_path / "spark"))


@contextmanager
def started(
    runner: str, options: list[str], site: RollingSites, folder: Path, every: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """`newsbeam stream` as a user starts it, on the dataset `stream` in `folder`."""
    config = folder / "config.toml"
    config.write_text(site.config(folder / "stream"))
    command = [sys.executable, "-m", "pipeline", "stream", str(config), "--every", every, "--runner", runner, "--json"]
    with (folder / "reports").open("ab") as reports, (folder / "log").open("ab") as log:
        process = subprocess.Popen([*command, "--", *options], cwd=ROOT, stdout=reports, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def streaming(runner: str, options: list[str], site: RollingSites, folder: Path, every: str) -> Iterator[Path]:
    """The same, ended by SIGTERM on the way out, within 30 s."""
    with started(runner, options, site, folder, every) as process:
        yield folder / "stream"
        assert process.poll() is None, (folder / "log").read_text()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 143, (folder / "log").read_text()


def wait_for(done: Callable[[], bool], folder: Path | None = None) -> float:
    """Seconds until `done`."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < PATIENCE_S, folder and (folder / "log").read_text()
        time.sleep(0.2)
    return time.monotonic() - began


def assert_whole(site: RollingSites, output: Path, folder: Path) -> None:
    """Every article is there once, copies know their originals, and the books of every window balance."""
    found = rows(output)
    assert len({row["article_id"] for row in found}) == len(found) == site.articles
    titles = {row["article_id"]: row["title"] for row in found}
    copies = [row for row in found if row["duplicate_of"] is not None]
    assert len(copies) == site.articles // 5
    assert all(titles[row["duplicate_of"]] != row["title"] for row in copies)
    assert not list(verify(output))
    reports = [json.loads(line) for line in (folder / "reports").read_text().splitlines()]
    assert sum(report["stored"] for report in reports) == site.articles
    assert not list((output / "state" / "windows").glob("*/*/*.delivery.json"))
    assert all(folder.name.endswith(".aside") for folder in (output / "state" / "windows").glob("*/"))


@pytest.mark.prism
@pytest.mark.timeout(900)
def test_a_stream_on_prism_shows_each_round_within_two_windows(prism: list[str], tmp_path: Path) -> None:
    with rolling_sites(rounds=3) as site, streaming("prism", prism, site, tmp_path, "3s") as output:
        wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
        for _ in range(2):
            site.advance()
            assert wait_for(lambda: len(rows(output)) == site.listed, tmp_path) < 2 * 3 + 30  # of a busy machine
    assert_whole(site, output, tmp_path)


@pytest.mark.prism
@pytest.mark.timeout(900)
def test_a_stream_that_is_ended_and_started_again_goes_on_from_the_dataset(prism: list[str], tmp_path: Path) -> None:
    with rolling_sites(rounds=3) as site:
        with streaming("prism", prism, site, tmp_path, "3s") as output:
            wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
            site.advance()
            wait_for(lambda: site.asked(site.listed - 1), tmp_path)  # in mid-work
        site.advance()
        with streaming("prism", prism, site, tmp_path, "3s") as output:
            wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
    assert_whole(site, output, tmp_path)


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_a_stream_on_flink_goes_on_from_a_savepoint(flink: FlinkCluster, tmp_path: Path) -> None:
    with rolling_sites(rounds=3) as site:
        with started("flink", flink.options(), site, tmp_path, "3s") as process:
            wait_for(lambda: len(rows(tmp_path / "stream")) == site.listed, tmp_path)
            site.advance()
            wait_for(lambda: site.asked(site.listed - 1), tmp_path)
            (job,) = flink.jobs()
            flink.stop_with_savepoint(job)  # in mid-work
            assert process.wait(PATIENCE_S) == 0, (tmp_path / "log").read_text()
        site.advance()
        (going_on,) = re.findall(r"-- (--savepoint_path=\S+)", (tmp_path / "log").read_text())
        with streaming("flink", [*flink.options(), going_on], site, tmp_path, "3s") as output:
            wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
    assert_whole(site, output, tmp_path)


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_a_stream_on_flink_survives_the_death_of_a_task_manager_and_of_a_worker(
    flink: FlinkCluster, tmp_path: Path
) -> None:
    options = [*flink.options(), "--checkpointing_interval=3000"]
    with rolling_sites(rounds=3) as site, streaming("flink", options, site, tmp_path, "3s") as output:
        wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
        site.advance()
        flink.kill_task_manager(flink.task_managers[0])
        flink.start_task_manager()
        wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
        site.advance()
        flink.kill_worker()
        wait_for(lambda: len(rows(output)) == site.listed, tmp_path)
    assert_whole(site, output, tmp_path)
