"""Prism, Beam's own portable runner, as a process on loopback; pipelines' code runs in the process that submits them.

with Prism(tmp_path) as prism:
    run(pipeline, options=["--runner=PrismRunner", *prism.options()])
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from tests.engines import fetch
from tests.engines.processes import Process, free_ports, listening, wait_until


class Prism:
    """Starts on entering, ends on leaving; its log is under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "prism.log"
        (self.job_port,) = free_ports(1)
        self._process: Process | None = None

    def options(self) -> list[str]:
        """The Beam options with which a pipeline runs on it."""
        return [f"--job_endpoint=localhost:{self.job_port}", "--environment_type=LOOPBACK"]

    def __enter__(self) -> Self:
        self._process = Process([fetch.PRISM, f"--job_port={self.job_port}", "--serve_http=false"], self._log)
        try:
            wait_until(lambda: listening(self.job_port), self._process, "Prism")
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.stop()

    def logs(self) -> str:
        """The last lines of its log."""
        return self._process.last_lines() if self._process else ""
