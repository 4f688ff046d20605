"""What Flink's REST interface tells is understood; a real cluster answers in tests/test_engines_agree.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.flink import cancel, cause_of, cores_a_slot, failures, version
from tests.servers import Reply, serve

PYTHON = """java.util.concurrent.ExecutionException: java.lang.RuntimeException: Error received from SDK harness
\tat java.base/java.util.concurrent.CompletableFuture.reportGet(CompletableFuture.java:396)
Caused by: java.lang.RuntimeException: Error received from SDK: Traceback (most recent call last):
  File "worker.py", line 3, in process
    raise ValueError("bad")
ValueError: bad [while running 'Map(bad)']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.handle(FnApiControlClient.java:180)
\t... 4 more
"""
JAVA = """java.io.IOException: Insufficient number of network buffers: required 512, but only 505 available.
\tat org.apache.flink.runtime.io.network.buffer.NetworkBufferPool.requestUnpooled(NetworkBufferPool.java:196)
"""


def manager(machine: str, slots: int, cores: int) -> str:
    path = f"pekko.tcp://flink@{machine}:41783/user/rpc/taskmanager_0"
    return f'{{"path": "{path}", "slotsNumber": {slots}, "hardware": {{"cpuCores": {cores}}}}}'


@contextmanager
def cluster(**answers: str) -> Iterator[str]:
    routes = {f"/{path.replace('__', '/')}": Reply(body=body.encode()) for path, body in answers.items()}
    with serve(routes) as site:
        yield site.url("")


def test_the_cause_of_a_failure_is_told_in_a_line() -> None:
    assert cause_of(PYTHON) == "ValueError: bad [while running 'Map(bad)']"
    assert cause_of(JAVA) == (
        "java.io.IOException: Insufficient number of network buffers: required 512, but only 505 available."
    )
    assert cause_of("") == ""


@pytest.mark.parametrize(
    ("managers", "slots", "cores"),
    [
        ([("a", 1, 2), ("a", 1, 2)], 2, 1),  # two on one machine of two cores
        ([("a", 2, 8)], None, 4),
        ([("a", 8, 8)], 2, 4),  # most slots are not used
        ([("a", 2, 8), ("b", 2, 4)], 4, 2),  # the smallest machine must not choke
        ([("a", 8, 2)], None, 1),
        ([], 2, 0),
    ],
)
def test_a_slot_gets_its_share_of_the_cores(
    managers: list[tuple[str, int, int]], slots: int | None, cores: int
) -> None:
    with cluster(taskmanagers=f'{{"taskmanagers": [{",".join(manager(*each) for each in managers)}]}}') as master:
        assert cores_a_slot(master, slots) == cores


def test_failures_are_those_of_the_running_job_of_the_name() -> None:
    jobs = '{"jobs": [{"jid": "1", "name": "a", "state": "FAILED"}, {"jid": "2", "name": "a", "state": "RESTARTING"}]}'
    told = '{"exceptionHistory": {"entries": [{"stacktrace": "new"}, {"stacktrace": "old"}]}}'
    with cluster(jobs__overview=jobs, jobs__2__exceptions=told) as master:
        assert failures(master, "a") == ["new", "old"]
        assert failures(master, "b") == []


def test_a_cluster_that_does_not_answer_tells_nothing() -> None:
    assert version("localhost:1") is None
    assert failures("localhost:1", "a") == []
    assert cores_a_slot("localhost:1") == 0
    assert cancel("localhost:1", "a") == 0
