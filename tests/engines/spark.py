"""A real standalone Spark on loopback: a master, workers of one core each, Beam's job server, SDK workers.

with SparkCluster(tmp_path) as spark:
    run(pipeline, options=["--runner=PortableRunner", *spark.options()])
    spark.kill_executors()
"""

import json
import os
import signal
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.engines import fetch
from tests.engines.processes import Process, free_ports, listening, wait_until

ROOT = Path(__file__).parent.parent.parent

# what Beam opens for Java 17 where it starts the job server; Spark's executors open what they need themselves
OPENED = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang.invoke", "java.nio", "java.util")]
OPENED.append("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED")

# of the job server, which is the driver of each application: one at a time
DRIVER = {
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "localhost",
    "spark.executor.memory": "512m",
    "spark.ui.enabled": "false",
    "spark.excludeOnFailure.enabled": "true",  # as in configs/spark.toml
}


class SparkCluster:
    """Starts on entering, ends everything on leaving. Logs and staged files are under `folder`.

    Each batch is an application of its own: the workers start an executor each for it, and end it.
    """

    def __init__(self, folder: Path, *, workers: int = 2) -> None:
        self.folder = folder
        self._count = workers
        self._master_port, self._web_port, self.job_port, self.worker_port = free_ports(4)
        self._processes: list[Process] = []

    @property
    def master(self) -> str:
        """The cluster's own address, for Beam's `--spark_master_url`."""
        return f"spark://localhost:{self._master_port}"

    def options(self) -> list[str]:
        """The Beam options with which a pipeline runs on the whole cluster, its code in the worker pool."""
        return [
            f"--job_endpoint=localhost:{self.job_port}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{self.worker_port}",
        ]

    def __enter__(self) -> Self:
        home = self.folder / "home"
        (home / "jars").mkdir(parents=True)
        (home / "jars" / fetch.SPARK_JOB_SERVER.name).symlink_to(fetch.SPARK_JOB_SERVER)  # it holds all of Spark
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_all(self) -> None:
        where = ("--host", "localhost", "--webui-port")
        master = self._java(
            "master", "deploy.master.Master", *where, str(self._web_port), "--port", str(self._master_port)
        )
        wait_until(lambda: listening(self._master_port), master, "Spark's master")
        for number in range(self._count):
            size = ("0", "--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / f"work-{number}"))
            self._java(f"worker-{number}", "deploy.worker.Worker", *where, *size, self.master)
        settings = [f"-D{name}={value}" for name, value in DRIVER.items()]
        server = self._start(
            "job-server",
            *("java", "-Xmx512m", *OPENED, *settings, "-jar", fetch.SPARK_JOB_SERVER),
            *("--job-host", "localhost", "--job-port", str(self.job_port)),
            *("--artifact-port", "0", "--expansion-port", "-1"),
            *("--artifacts-dir", self.folder / "staged", "--spark-master-url", self.master),
        )
        pool = self._start("sdk-workers", sys.executable, "-m", "tests.engines.worker_pool", str(self.worker_port))
        wait_until(lambda: listening(self.job_port), server, "Beam's job server for Spark")
        wait_until(lambda: listening(self.worker_port), pool, "Beam's worker pool")
        wait_until(lambda: len(self._alive()) == self._count, master, "a Spark worker")

    def ask(self) -> dict[str, Any]:
        """What the master tells of itself; nothing while it isn't up."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self._web_port}/json/", timeout=10) as reply:
                answer: dict[str, Any] = json.load(reply)
                return answer
        except OSError:
            return {}

    def _alive(self) -> list[dict[str, Any]]:
        return [worker for worker in self.ask().get("workers", ()) if worker["state"] == "ALIVE"]

    def applications(self) -> list[str]:
        """The ids of those that have not ended."""
        return [application["id"] for application in self.ask().get("activeapps", ())]

    def executors(self) -> list[int]:
        """The processes of the applications that run."""
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has just ended
                told = command.read_text()
                if "CoarseGrainedExecutorBackend" in told and str(self.folder) in told:
                    found.append(int(command.parent.name))
        return found

    def kill_executors(self) -> None:
        """Ends them as a crash would (SIGKILL); the workers beside them start others."""
        for pid in self.executors():
            os.kill(pid, signal.SIGKILL)

    def wait_for_executors(self) -> None:
        """Waits until an application has one."""
        wait_until(lambda: bool(self.executors()), self._processes[0], "an executor")

    def wait_for_quiet(self) -> None:
        """Waits until no application is left, nor what ran it."""
        wait_until(
            lambda: not (self.applications() or self.executors()), self._processes[0], "an end of all applications"
        )

    def stop(self) -> None:
        """Ends every process."""
        for process in reversed(self._processes):
            process.stop()
        self._processes.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def logs(self) -> str:
        """The last lines of every process's log, the executors' among them."""
        logs = [*self.folder.glob("*.log"), *self.folder.glob("work-*/*/*/stderr")]
        return "\n".join(f"== {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]) for log in logs)

    def _java(self, name: str, main: str, *arguments: str) -> Process:
        jar = fetch.SPARK_JOB_SERVER
        return self._start(name, "java", "-Xmx256m", *OPENED, "-cp", jar, f"org.apache.spark.{main}", *arguments)

    def _start(self, name: str, *command: str | Path) -> Process:
        environment = {
            "SPARK_HOME": str(self.folder / "home"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_SCALA_VERSION": "2.12",
            "PYTHONPATH": str(ROOT),
        }
        process = Process(command, self.folder / f"{name}.log", environment)
        self._processes.append(process)
        return process
