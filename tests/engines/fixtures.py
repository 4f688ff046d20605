"""The fixtures `prism`, `flink` and `spark`, for every test file (conftest.py imports them).

Each engine starts with the first test that asks for it and serves the whole session; a test that asks for one carries
the marker of the same name. Where an engine isn't there (`make engines` brings it) the test is skipped, with the
reason. When such a test fails, the end of the engine's logs stands in its report.
"""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import fetch
from tests.engines.flink import FlinkCluster
from tests.engines.prism import Prism
from tests.engines.spark import SparkCluster

STARTED: dict[str, Prism | FlinkCluster | SparkCluster] = {}


@pytest.fixture(scope="session")
def _prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    _need(fetch.PRISM)
    with Prism(tmp_path_factory.mktemp("prism")) as prism:
        STARTED["prism"] = prism
        yield prism


@pytest.fixture
def prism(_prism: Prism) -> list[str]:
    """The Beam options that reach a running Prism."""
    return _prism.options()


@pytest.fixture(scope="session")
def _flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    _need(fetch.FLINK, fetch.FLINK_JOB_SERVER, java=True)
    with FlinkCluster(tmp_path_factory.mktemp("flink")) as cluster:
        STARTED["flink"] = cluster
        yield cluster


@pytest.fixture
def flink(_flink: FlinkCluster) -> Iterator[FlinkCluster]:
    """A running Flink with two task managers and no jobs; what the test leaves running is cancelled."""
    yield _flink
    _flink.tidy()


@pytest.fixture(scope="session")
def _spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    _need(fetch.SPARK_JOB_SERVER, java=True)
    with SparkCluster(tmp_path_factory.mktemp("spark")) as cluster:
        STARTED["spark"] = cluster
        yield cluster


@pytest.fixture
def spark(_spark: SparkCluster) -> Iterator[SparkCluster]:
    """A running Spark with two workers and no applications; it is waited for what the test leaves to end."""
    yield _spark
    _spark.wait_for_quiet()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Adds an engine's logs to the report of a failed test that used it."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, engine in STARTED.items():
            if name in getattr(item, "fixturenames", ()):
                report.sections.append((f"logs of {name}", engine.logs()))


def _need(*paths: Path, java: bool = False) -> None:
    if java and not shutil.which("java"):
        pytest.skip("no java: Flink and Spark cannot run")
    for path in paths:
        if not path.exists():
            pytest.skip(f"no {path.name}: run `make engines`")
