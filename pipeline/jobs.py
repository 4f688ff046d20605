"""Jobs: a pipeline on its way, waited for, cancelled or given up on; and why it failed, in the user's words.

Jobs on Flink are also looked after through its own interface (`flink`): Beam's job server may have gone, and it takes a
cancellation and lets the job run on.
"""

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline import flink
from pipeline.errors import RunFailedError, StoppedError
from transforms import interrupt

if TYPE_CHECKING:
    from apache_beam import Pipeline
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import PipelineResult

STOP_S = 20.0  # a pipeline has to end by itself when the run is to end, before it is cancelled
FAILURES = 3  # of a batch on Flink are no accident; a cluster may try for ever, and what Beam has to bound it does not
_ASK_FLINK_S = 5.0
_LOOK_S = 0.2
_CANCEL_S = 5.0
_READERS = ("wait_until_finish_read", "read_grpc_client_inputs", "run_worker_")  # threads
_WHAT_NOW = "what was committed is kept: start the server and run again, and the rest is taken up"


class Job:
    """A pipeline on its way, watched by a thread. Raises `RunFailedError` when its engine does not take it."""

    def __init__(self, pipeline: "Pipeline") -> None:
        self._failure: Exception | None = None
        self._options = pipeline.options
        self._failures: list[str] = []
        self._asked_at = time.monotonic()
        threading.excepthook = _quiet
        try:
            self.result: PipelineResult = pipeline.run()
        except Exception as error:
            cancel_on_flink(self._options)  # it may have got that far
            raise _failed(error, self._options) from error
        self._watcher = threading.Thread(target=self._watch, name="newsbeam-job", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        try:
            self.result.wait_until_finish()
        except Exception as error:  # handed over to the thread that asks
            self._failure = error

    def has_ended(self, within_s: float) -> bool:
        """Whether it has ended, after waiting for it so long. Raises `RunFailedError` when it has failed, unless it was
        to end: a signal that ends this process often ends the engine's too."""
        self._watcher.join(within_s)
        if self._failure is not None and not interrupt.requested.is_set():
            cancel_on_flink(self._options)  # which may not have noticed, when only the job server has gone
            raise _failed(self._failure, self._options) from self._failure
        return not self._watcher.is_alive()

    def failures(self) -> list[str]:
        """Why it failed and was tried again, each time so far, the latest first; what Flink told some seconds ago."""
        master, name = _on_flink(self._options)
        if master and time.monotonic() - self._asked_at > _ASK_FLINK_S:
            self._failures, self._asked_at = flink.failures(master, name), time.monotonic()
        return self._failures

    def give_up_on_what_cannot_work(self) -> None:
        """Raises `RunFailedError`, and cancels the job, when it has failed too often."""
        failures = self.failures()
        if len(failures) >= FAILURES:
            self.cancel()
            raise RunFailedError(f"the pipeline failed {len(failures)} times on Flink and was cancelled: {failures[0]}")

    def savepoint(self) -> str | None:
        """Where the savepoint lies that it was stopped with, if it was; for Flink's `--savepoint_path`."""
        master, name = _on_flink(self._options)
        return flink.savepoint(master, name) if master else None

    def cancel(self) -> None:
        """End it. What it has not delivered is lost, and found again by the next run."""
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # what its workers say of their end is no news
        with suppress(Exception):  # of any kind: an engine that is gone has ended it
            self.result.cancel()
        cancel_on_flink(self._options)
        self._watcher.join(_CANCEL_S)


def cancel_on_flink(options: "PipelineOptions", wait_s: float = 0.0) -> None:
    """End jobs of the pipeline's name on the Flink cluster it is for, if it is for one, and wait for it."""
    master, name = _on_flink(options)
    if master:
        flink.cancel(master, name, wait_s)


def _on_flink(options: "PipelineOptions") -> tuple[str | None, str]:
    """The cluster's address, if the pipeline is for one, and the job's name."""
    from apache_beam.options.pipeline_options import FlinkRunnerOptions, GoogleCloudOptions

    master = options.view_as(FlinkRunnerOptions).flink_master
    return None if master.startswith("[") else master, options.view_as(GoogleCloudOptions).job_name


def run_to_end(pipeline: "Pipeline") -> None:
    """Run `pipeline`.

    Raises `RunFailedError` when the pipeline fails, `StoppedError` when it had to be cancelled because the run is to
    end.
    """
    job = Job(pipeline)
    left_s = STOP_S
    while not job.has_ended(_LOOK_S):
        job.give_up_on_what_cannot_work()
        if interrupt.requested.is_set():
            left_s -= _LOOK_S
        if left_s <= 0:
            job.cancel()
            raise StoppedError("the batch in progress was cancelled; its entries are left for the next run")


def _quiet(failed: threading.ExceptHookArgs) -> None:
    """Beam's own threads that read what an engine sends die aloud when the engine goes; `Job` tells of that."""
    if failed.thread is None or not failed.thread.name.startswith(_READERS):
        threading.__excepthook__(failed)


def _failed(error: Exception, options: "PipelineOptions") -> RunFailedError:
    import grpc  # type: ignore[import-untyped]  # it publishes no types
    from apache_beam.options.pipeline_options import PortableOptions

    cause = error.__cause__ or error
    server = f"the job server {options.view_as(PortableOptions).job_endpoint or ''}".rstrip()
    if isinstance(cause, grpc.FutureTimeoutError):
        return RunFailedError(f"{server} cannot be reached, and the job was not started; {_WHAT_NOW}")
    if isinstance(cause, grpc.RpcError) and cause.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return RunFailedError(f"{server} has gone, and the job was cancelled; {_WHAT_NOW}")
    told = str(cause).partition(" failed in state FAILED: ")[2] or f"{type(cause).__name__}: {cause}"
    if "java.net.ConnectException" in told:  # the job server lives, and says no more than that
        return RunFailedError(f"Flink's job manager {_on_flink(options)[0] or ''} does not answer; {_WHAT_NOW}")
    if "stopped SparkContext" in told:  # as above
        return RunFailedError(f"Spark's master does not answer, or has no worker that can start; {_WHAT_NOW}")
    return RunFailedError(f"the pipeline failed: {flink.cause_of(told)}")
