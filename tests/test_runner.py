"""A runner is checked before anything is done, and an engine that is not there is told of in the user's words."""

import pytest

from pipeline.errors import RunFailedError, RunnerError
from pipeline.jobs import _failed, run_to_end
from pipeline.runner import check_runner, children, make_pipeline, shards

NOBODY = ["--flink_master=localhost:1", "--job_endpoint=localhost:1", "--job_server_timeout=1"]


@pytest.mark.parametrize(
    ("runner", "arguments", "told"),
    [
        ("local", [], "expected one of direct, prism, flink, spark, dataflow"),
        ("flink", [], "no cluster is named"),
        ("flink", ["--flink_master=localhost:1"], "no job server"),
        ("spark", [], "no job server"),
        ("spark", ["--spark_job_server_jar=no.jar"], "no.jar: there is no such file"),
    ],
)
def test_what_a_runner_lacks_is_said_at_once(runner: str, arguments: list[str], told: str) -> None:
    with pytest.raises(RunnerError, match=told):
        check_runner(runner, arguments)


def test_spark_runs_no_stream() -> None:
    check_runner("spark", ["--job_endpoint=localhost:1"])
    with pytest.raises(RunnerError, match="spark runs no unbounded pipeline; expected one of direct, prism, flink"):
        check_runner("spark", ["--job_endpoint=localhost:1"], streaming=True)


def test_a_runner_with_all_it_needs_is_accepted() -> None:
    check_runner("direct")
    check_runner("flink", NOBODY)


def test_hosts_are_shared_out_among_as_many_as_work_side_by_side() -> None:
    assert shards("direct") == 1
    assert shards("prism") == shards("flink") == 8
    assert shards("flink", ["--parallelism=2"]) == 2


def test_as_many_children_as_asked_for_and_where_no_cluster_tells_one_a_core() -> None:
    assert children("flink", NOBODY, 3) == 3
    assert children("flink", NOBODY, 0) == children("direct", [], 0) == 0


def test_a_job_server_that_is_not_there_is_told_of_with_what_to_do() -> None:
    with pytest.raises(RunFailedError, match=r"the job server localhost:1 cannot be reached, .*run again"):
        run_to_end(make_pipeline("flink", NOBODY))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("failed in state FAILED: java.net.ConnectException: Connection refused", "job manager localhost:1 does not"),
        (
            "Traceback (most recent call last):\n  File a\nOSError: disk full [while running 'Write']\n",
            "OSError: disk full",
        ),
        (
            "Pipeline a failed in state FAILED: java.lang.IllegalStateException: Cannot call methods on a stopped"
            " SparkContext.\nThis stopped SparkContext was created at:\n\norg.apache",
            "Spark's master does not answer",
        ),
        (
            "Pipeline a failed in state FAILED: org.apache.spark.SparkException: Task 1 failed 4 times\n\tat a\n\tat b",
            "failed: org.apache.spark.SparkException: Task 1 failed 4 times",
        ),
    ],
)
def test_what_ended_a_pipeline_is_told_in_a_line(error: str, told: str) -> None:
    failure = str(_failed(RuntimeError(error), make_pipeline("flink", NOBODY).options))
    assert told in failure
    assert "\n" not in failure
