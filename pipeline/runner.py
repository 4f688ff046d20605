"""Where a pipeline runs. The runner is named, never guessed: an engine that cannot do what was asked is an error."""

from collections import Counter
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipeline.errors import RunFailedError, RunnerError
from transforms.tally import NAMESPACE

RUNNERS = ("direct",)


def check_runner(runner: str) -> None:
    """Raises `RunnerError` for a runner this version cannot drive."""
    if runner not in RUNNERS:
        raise RunnerError(f"--runner {runner}: expected one of {', '.join(RUNNERS)}")


def make_pipeline(runner: str, beam_arguments: Sequence[str] = ()) -> beam.Pipeline:
    """An empty pipeline on `runner`. "direct" is Beam's FnApiRunner, in memory, in this process."""
    check_runner(runner)
    options = PipelineOptions([*beam_arguments, "--no_save_main_session"])
    return beam.Pipeline(runner=FnApiRunner(), options=options)


def run_to_end(pipeline: beam.Pipeline) -> Counter[str]:
    """Run `pipeline`; returns the counters of `transforms.tally`. Raises `RunFailedError` when the pipeline fails."""
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except Exception as error:
        cause = error.__cause__ or error
        raise RunFailedError(f"the pipeline failed: {type(cause).__name__}: {cause}") from error
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    counters: Counter[str] = Counter()
    for counter in found:
        counters[counter.key.metric.name] += counter.committed if counter.committed is not None else counter.attempted
    return counters


def describe(runner: str) -> str:
    """The runner with its version, for the report."""
    return f"{runner} (Apache Beam {beam.__version__})"
