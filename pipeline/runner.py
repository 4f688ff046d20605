"""Where a pipeline runs. The runner is named, never guessed: an engine that cannot do what was asked is an error.

Beam is loaded when a pipeline is made: a run that finds nothing new never needs it.
"""

import gc
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from pipeline.errors import RunFailedError, RunnerError
from transforms.tally import NAMESPACE

if TYPE_CHECKING:
    from apache_beam import Pipeline

RUNNERS = ("direct",)


def check_runner(runner: str) -> None:
    """Raises `RunnerError` for a runner this version cannot drive."""
    if runner not in RUNNERS:
        raise RunnerError(f"--runner {runner}: expected one of {', '.join(RUNNERS)}")


@cache
def load() -> None:
    """Import Beam and the five transforms, which takes a second or two; once is enough, in any thread.

    What is loaded is left out of garbage collection: walking it costs fetching a fifth of its time.
    """
    import pipeline.build  # noqa: F401

    gc.freeze()


def make_pipeline(runner: str, beam_arguments: Sequence[str] = ()) -> "Pipeline":
    """An empty pipeline on `runner`. "direct" is Beam's FnApiRunner, in memory, in this process."""
    load()
    from apache_beam import Pipeline
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

    check_runner(runner)
    options = PipelineOptions([*beam_arguments, "--no_save_main_session"])
    return Pipeline(runner=FnApiRunner(), options=options)


def run_to_end(pipeline: "Pipeline") -> Counter[str]:
    """Run `pipeline`; returns the counters of `transforms.tally`. Raises `RunFailedError` when the pipeline fails."""
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except Exception as error:
        cause = error.__cause__ or error
        raise RunFailedError(f"the pipeline failed: {type(cause).__name__}: {cause}") from error
    from apache_beam.metrics.metric import MetricsFilter

    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    counters: Counter[str] = Counter()
    for counter in found:
        counters[counter.key.metric.name] += counter.committed if counter.committed is not None else counter.attempted
    return counters


def describe(runner: str) -> str:
    """The runner with its version, for the report."""
    return f"{runner} (Apache Beam {version('apache-beam')})"
