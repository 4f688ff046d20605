"""The engines that tests start are real: a pipeline with a shuffle runs on each, and Flink's can be hurt and mended."""

import time
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.jobs import Job
from pipeline.runner import make_pipeline
from tests.engines import fetch
from tests.engines.flink import FlinkCluster
from tests.engines.spark import SparkCluster


def sums(arguments: list[str], folder: Path) -> dict[str, str]:
    """Sums of 0..99 by their last digit, through a shuffle; each is written to a file of its own in `folder`."""

    def write(pair: tuple[int, Iterable[int]]) -> None:
        digit, numbers = pair
        (folder / str(digit)).write_text(str(sum(numbers)))

    with beam.Pipeline(options=PipelineOptions(arguments)) as pipeline:
        (
            pipeline
            | beam.Create(range(100))
            | "By last digit" >> beam.Map(lambda number: (number % 10, number))
            | beam.GroupByKey()
            | "Write sum" >> beam.Map(write)
        )
    return {path.name: path.read_text() for path in folder.iterdir()}


EXPECTED = {str(digit): str(450 + 10 * digit) for digit in range(10)}


@pytest.mark.prism
def test_prism_runs_a_pipeline(prism: list[str], tmp_path: Path) -> None:
    assert sums(["--runner=PrismRunner", *prism], tmp_path) == EXPECTED


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_flink_runs_a_pipeline_on_two_task_managers(flink: FlinkCluster, tmp_path: Path) -> None:
    assert flink.slots() == 2
    assert sums(["--runner=PortableRunner", *flink.options()], tmp_path) == EXPECTED
    assert flink.jobs() == []


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_a_killed_task_manager_is_missed_and_can_be_replaced(flink: FlinkCluster) -> None:
    flink.kill_task_manager(next(iter(flink.task_managers)))
    flink.wait_for_slots(1)
    flink.start_task_manager()
    flink.wait_for_slots(2)


@pytest.mark.spark
@pytest.mark.timeout(900)
def test_a_job_that_is_cancelled_is_gone_from_spark(spark: SparkCluster) -> None:
    pipeline = make_pipeline("spark", spark.options())
    pipeline | beam.Create([30]) | beam.Map(time.sleep)
    job = Job(pipeline)
    spark.wait_for_executors()
    job.cancel()
    spark.wait_for_quiet()


def test_what_cannot_be_fetched_is_said_with_the_reason(tmp_path: Path) -> None:
    def absent(path: Path, work: Path) -> None:
        fetch.run("no-such-tool-of-newsbeam")

    def failing(path: Path, work: Path) -> None:
        (work / "half").touch()
        fetch.run("sh", "-c", "echo '[ERROR] it is raining'; exit 1")

    def working(path: Path, work: Path) -> None:
        (work / "whole").touch()
        (work / "whole").rename(path)

    folder = tmp_path / "engines"
    engine = folder / "engine"
    assert fetch.fetch_once(engine, absent) == "not fetched: no-such-tool-of-newsbeam is not installed"
    assert fetch.fetch_once(engine, failing) == "not fetched: sh failed: [ERROR] it is raining"
    assert list(folder.iterdir()) == []
    assert fetch.fetch_once(engine, working) == "fetched"
    assert fetch.fetch_once(engine, failing) == "there"
