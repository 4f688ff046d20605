"""Where a pipeline runs. The runner is named, never guessed: an engine that cannot do what was asked is an error.

"direct" is Beam's FnApiRunner, in memory, in this process; the others are engines of their own, to which Beam hands the
pipeline: Prism, Flink, Spark, Dataflow. Beam is loaded when a pipeline is made: a run that finds nothing new never
needs it.
"""

import gc
import logging
import shutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import flink
from pipeline.errors import RunnerError

if TYPE_CHECKING:
    from apache_beam import Pipeline
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import PipelineRunner

ENGINES = {
    "direct": "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "prism": "apache_beam.runners.portability.prism_runner.PrismRunner",
    "flink": "apache_beam.runners.portability.flink_runner.FlinkRunner",
    "spark": "apache_beam.runners.portability.spark_runner.SparkRunner",
    "dataflow": "apache_beam.runners.dataflow.dataflow_runner.DataflowRunner",
}
STREAMING = ("direct", "prism", "flink", "dataflow")  # on which one can stream
SHARDS = 8  # groups of hosts on an engine: what its workers share out among them
DEFAULTS = {  # options of (runner, unbounded), unless told otherwise
    ("prism", False): ("--prism_log_level=error",),
    ("prism", True): ("--prism_log_level=error",),
    ("flink", False): (
        "--environment_cache_millis=60000",  # a worker serves all stages of a job; else each stage starts its own
    ),
    ("spark", False): (
        "--environment_cache_millis=60000",
        "--storage_level=MEMORY_AND_DISK",  # what memory does not hold is not worked out, and fetched, again
    ),
    ("flink", True): (  # no cache here: a worker that was killed would be called again and again
        "--checkpointing_interval=30000",  # milliseconds; without checkpoints a failure costs all that is on its way
        "--finish_bundle_before_checkpointing",  # else what a bundle put out may lie in a checkpoint and go no further
    ),
}


def check_runner(runner: str, beam_arguments: Sequence[str] = (), *, streaming: bool = False) -> None:
    """Raises `RunnerError` for a runner there is not, that cannot run an unbounded pipeline where that is asked, or
    that lacks something it needs to be told."""
    if runner not in ENGINES:
        raise RunnerError(f"--runner {runner}: expected one of {', '.join(ENGINES)}")
    if streaming and runner not in STREAMING:
        raise RunnerError(f"--runner {runner} runs no unbounded pipeline; expected one of {', '.join(STREAMING)}")
    if runner != "direct":
        _engine(runner, beam_arguments, streaming=streaming)


def shards(runner: str, beam_arguments: Sequence[str] = ()) -> int:
    """Into how many groups the hosts are shared out: as many as work side by side, if that is told. One is right where
    all is fetched by one process."""
    return 1 if runner == "direct" else _parallelism(beam_arguments) or SHARDS


def children(runner: str, beam_arguments: Sequence[str], asked: int) -> int:
    """How many child processes each worker is to have: as many as `asked`; or where that is 0 on a Flink cluster, as
    many as leave each task slot its share of the cores. 0 is one a core."""
    master = _told(beam_arguments, "--flink_master")
    if asked or runner != "flink" or not master:
        return asked
    return flink.cores_a_slot(master, _parallelism(beam_arguments))


@cache
def load() -> None:
    """Import Beam and the five transforms, which takes a second or two; once is enough, in any thread.

    What is loaded is left out of garbage collection: walking it costs fetching a fifth of its time.
    """
    import pipeline.build  # noqa: F401

    gc.freeze()


def make_pipeline(
    runner: str, beam_arguments: Sequence[str] = (), *, name: str = "newsbeam", streaming: bool = False
) -> "Pipeline":
    """An empty pipeline on `runner`, called `name` there.

    Raises `RunnerError` when the engine, or what it needs to be told, is missing.
    """
    load()
    gc.collect()  # what the pipeline before left behind goes now, not when it happens to: a run's memory stays level
    engine, options = _engine(runner, beam_arguments, name=name, streaming=streaming)
    from apache_beam import Pipeline

    return Pipeline(runner=engine, options=options)


def _engine(
    runner: str, beam_arguments: Sequence[str], *, name: str = "newsbeam", streaming: bool = False
) -> "tuple[PipelineRunner, PipelineOptions]":
    """Beam's runner for the engine, and the options it is to be given. Raises `RunnerError` as `make_pipeline`."""
    _quieten()
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator

    mode = ["--streaming"] if streaming else []
    named = f"--job_name={name}"
    options = PipelineOptions(
        [*DEFAULTS.get((runner, streaming), ()), named, *beam_arguments, "--no_save_main_session", *mode]
    )
    if runner in _NEEDS:
        _NEEDS[runner](options)
    module, _, kind = ENGINES[runner].rpartition(".")
    try:
        engine = getattr(import_module(module), kind)()
    except ImportError as error:
        raise RunnerError(f"--runner {runner}: its packages are not installed: {error}") from error
    if errors := PipelineOptionsValidator(options, engine).validate():
        raise RunnerError(f"--runner {runner}: {' '.join(' '.join(errors).split())}")
    return engine, options


def _quieten() -> None:
    """Leave to Beam's loggers what neither the report, nor the one line of a failure, nor an engine's own log tells."""
    for logger in ("apache_beam", "PrismRunner", "SdkWorker"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    logging.getLogger("apache_beam.runners.worker.data_plane").setLevel(logging.CRITICAL)  # of engines that have ended
    logging.getLogger().addFilter(_is_no_message_of_an_engine)


def _is_no_message_of_an_engine(record: logging.LogRecord) -> bool:
    """Beam passes on what a job server says, with whole stack traces, and that it waits for one, in nobody's name."""
    return record.module not in ("portable_runner", "subprocess_server")


def describe(runner: str, beam_arguments: Sequence[str] = ()) -> str:
    """The runner with its version, for the report."""
    engine = ""
    master = _told(beam_arguments, "--flink_master")
    if runner == "flink" and master:
        engine = f" {flink.version(master) or '(version not told)'}"
    return f"{runner}{engine} (Apache Beam {version('apache-beam')})"


def goes_on(beam_arguments: Sequence[str]) -> bool:
    """Whether a job is to go on from a savepoint of another."""
    return _told(beam_arguments, "--savepoint_path") is not None


def _told(beam_arguments: Sequence[str], option: str) -> str | None:
    """The value of an option, as the last of its kind gives it."""
    told = [argument.partition("=")[2] for argument in beam_arguments if argument.startswith(f"{option}=")]
    return told[-1] if told else None


def _parallelism(beam_arguments: Sequence[str]) -> int | None:
    """How many task slots Flink is to use, where that is told."""
    told = _told(beam_arguments, "--parallelism") or ""
    return int(told) if told.isdecimal() and int(told) > 0 else None


def _check_prism(options: "PipelineOptions") -> None:
    """Beam would look for Prism on the network."""
    from apache_beam.options.pipeline_options import PortableOptions, PrismRunnerOptions

    prism = options.view_as(PrismRunnerOptions)
    if options.view_as(PortableOptions).job_endpoint or prism.prism_location:
        return
    prism.prism_location = shutil.which("prism")
    if not prism.prism_location:
        raise RunnerError(
            "--runner prism: no program called prism was found; give its place after --, as in"
            " -- --prism_location=/usr/local/bin/prism, or in run.beam_options"
        )


def _check_flink(options: "PipelineOptions") -> None:
    """Beam would start a small Flink of its own, and look for the job server on the network."""
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    told = options.view_as(FlinkRunnerOptions)
    if told.flink_master == "[auto]":
        raise RunnerError(
            "--runner flink: no cluster is named; give its job manager after --, as in"
            " -- --flink_master=localhost:8081, or in run.beam_options ([local] runs a small one in this process)"
        )
    _check_job_server(options, "flink", told.flink_job_server_jar)


def _check_spark(options: "PipelineOptions") -> None:
    """Beam would look for the job server on the network."""
    from apache_beam.options.pipeline_options import SparkRunnerOptions

    _check_job_server(options, "spark", options.view_as(SparkRunnerOptions).spark_job_server_jar)


def _check_job_server(options: "PipelineOptions", runner: str, jar: str | None) -> None:
    """One that runs, or the jar of one and what starts it."""
    from apache_beam.options.pipeline_options import PortableOptions

    if options.view_as(PortableOptions).job_endpoint:
        return
    option = f"--{runner}_job_server_jar"
    if not jar:
        raise RunnerError(
            f"--runner {runner}: no job server; give the jar of Beam's job server for {runner.capitalize()} after --,"
            f" as in -- {option}=FILE, or a running one by --job_endpoint=HOST:PORT"
        )
    if "://" not in jar and not Path(jar).is_file():
        raise RunnerError(f"--runner {runner}: {option}={jar}: there is no such file")
    if not shutil.which("java"):
        raise RunnerError(f"--runner {runner}: java is not installed, which runs {jar}")


_NEEDS = {"prism": _check_prism, "flink": _check_flink, "spark": _check_spark}
