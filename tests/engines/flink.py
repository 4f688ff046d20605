"""A real standalone Flink on loopback: a job manager, task managers of one slot each, Beam's job server, SDK workers.

with FlinkCluster(tmp_path) as flink:
    run(pipeline, options=["--runner=PortableRunner", *flink.options()])
    flink.kill_task_manager(0)
    flink.start_task_manager()
"""

import json
import os
import re
import signal
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.engines import fetch
from tests.engines.processes import Process, free_ports, listening, wait_until

ROOT = Path(__file__).parent.parent.parent

CONFIG = """\
jobmanager.rpc.address: localhost
jobmanager.bind-host: localhost
jobmanager.rpc.port: {rpc_port}
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest_port}
blob.server.port: 0
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.rpc.port: 0
taskmanager.data.port: 0
taskmanager.numberOfTaskSlots: 1
taskmanager.cpu.cores: 1.0
taskmanager.memory.task.heap.size: 384m
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.managed.size: 64m
taskmanager.memory.network.min: 128m
taskmanager.memory.network.max: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 128m
taskmanager.memory.jvm-overhead.max: 128m
io.tmp.dirs: {folder}/tmp
state.backend.type: {state_backend}
state.checkpoint-storage: filesystem
state.checkpoints.dir: file://{folder}/checkpoints
state.savepoints.dir: file://{folder}/savepoints
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 100
restart-strategy.fixed-delay.delay: 1 s
heartbeat.interval: 1000
heartbeat.timeout: 10000
cluster.registration.error-delay: 500
classloader.resolve-order: parent-first
"""

LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} - %m%n%xEx
"""

# what Flink's own start scripts open for Java 17
OPENED = [
    f"--add-{kind}=java.base/{package}=ALL-UNNAMED"
    for kind, package in [
        ("exports", "sun.net.util"),
        *(
            ("opens", package)
            for package in [
                "java.lang",
                "java.lang.invoke",
                "java.lang.reflect",
                "java.io",
                "java.net",
                "java.nio",
                "java.text",
                "java.time",
                "java.util",
                "java.util.concurrent",
                "java.util.concurrent.atomic",
                "java.util.concurrent.locks",
                "sun.nio.ch",
            ]
        ),
    ]
]


class FlinkCluster:
    """Starts on entering, ends everything on leaving. Logs, checkpoints and staged files are under `folder`.

    Jobs restart by themselves from their last checkpoint. Beam's jar is on the class path of every process too, and
    preferred to the copy that comes with each job: its classes are loaded once, not once for each job.
    """

    def __init__(self, folder: Path, *, task_managers: int = 2, state_backend: str = "hashmap") -> None:
        self.folder = folder
        self._count = task_managers
        self._state_backend = state_backend
        self._rpc_port, self.rest_port, self.job_port, self.worker_port = free_ports(4)
        self._started = 0
        self._task_managers: dict[int, Process] = {}
        self._others: list[Process] = []
        self._job_servers: list[Process] = []  # one, once it is started

    @property
    def master(self) -> str:
        """The cluster's own address, for Beam's `--flink_master`."""
        return f"localhost:{self.rest_port}"

    def options(self, parallelism: int | None = None) -> list[str]:
        """The Beam options with which a pipeline runs on the whole cluster, its code in the worker pool."""
        return [
            f"--flink_master={self.master}",
            f"--job_endpoint=localhost:{self.job_port}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{self.worker_port}",
            f"--parallelism={parallelism or self._count}",
        ]

    def __enter__(self) -> Self:
        conf = self.folder / "conf"
        for each in (conf, self.folder / "tmp", self.folder / "checkpoints", self.folder / "savepoints"):
            each.mkdir(parents=True, exist_ok=True)
        (conf / "log4j.properties").write_text(LOGGING)
        (conf / "config.yaml").write_text(
            CONFIG.format(
                folder=self.folder,
                rpc_port=self._rpc_port,
                rest_port=self.rest_port,
                state_backend=self._state_backend,
            )
        )
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_all(self) -> None:
        main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        manager = self._java("job-manager", 384, main)
        self._others.append(manager)
        for _ in range(self._count):
            self.start_task_manager()
        self._start_job_server()
        pool = Process(
            [sys.executable, "-m", "tests.engines.worker_pool", str(self.worker_port)],
            self.folder / "workers.log",
            {"PYTHONPATH": str(ROOT)},
        )
        self._others.append(pool)
        wait_until(lambda: listening(self.rest_port), manager, "Flink's job manager")
        self.wait_for_job_server()
        wait_until(lambda: listening(self.worker_port), pool, "Beam's worker pool")
        for each in self._task_managers.values():
            wait_until(lambda: self.slots() >= self._count, each, "a task manager")

    def _start_job_server(self) -> None:
        server = Process(
            [
                *("java", "-Xmx512m", *OPENED, "-jar", fetch.FLINK_JOB_SERVER),
                *("--job-host", "localhost", "--job-port", str(self.job_port)),
                *("--artifact-port", "0", "--expansion-port", "-1"),
                *("--artifacts-dir", self.folder / "staged", "--flink-master", self.master),
            ],
            self.folder / "job-server.log",
        )
        self._job_servers = [server]

    def wait_for_job_server(self) -> None:
        wait_until(lambda: listening(self.job_port), self._job_servers[0], "Beam's job server for Flink")

    def kill_job_server(self) -> None:
        """Ends Beam's job server as a crash would (SIGKILL)."""
        self._job_servers[0].kill()

    def start_task_manager(self) -> int:
        """Starts one more task manager and returns its number; its slot is there some seconds later."""
        number = self._started
        self._started += 1
        main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        self._task_managers[number] = self._java(f"task-manager-{number}", 512, main)
        return number

    def kill_task_manager(self, number: int) -> None:
        """Ends a task manager as a crash would (SIGKILL)."""
        self._task_managers.pop(number).kill()

    def kill_worker(self) -> None:
        """Ends the youngest Python worker as an out-of-memory killer would (SIGKILL)."""
        pids = re.findall(r"^worker .*: process (\d+)$", (self.folder / "workers.log").read_text(), re.MULTILINE)
        os.kill(int(pids[-1]), signal.SIGKILL)

    def slots(self) -> int:
        """The task slots the cluster has now."""
        return int(self.ask("/overview").get("slots-total", 0))

    def ask(self, path: str) -> dict[str, Any]:
        """What Flink's REST interface answers to a GET; nothing while it isn't up."""
        try:
            with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}", timeout=10) as reply:
                answer: dict[str, Any] = json.load(reply)
                return answer
        except OSError:
            return {}

    def jobs(self) -> list[str]:
        """The ids of the jobs that have not ended."""
        ended = {"FINISHED", "FAILED", "CANCELED"}
        return [job["id"] for job in self.ask("/jobs").get("jobs", ()) if job["status"] not in ended]

    def cancel(self, job: str) -> None:
        """Asks Flink to cancel a job. Beam's own `result.cancel()` ends only the job server's interest in it."""
        url = f"http://localhost:{self.rest_port}/jobs/{job}?mode=cancel"
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PATCH"), timeout=10).close()
        except OSError:
            pass  # it has just ended

    def stop_with_savepoint(self, job: str) -> None:
        """Asks Flink to end a job with a savepoint, as `flink stop` does."""
        url = f"http://localhost:{self.rest_port}/jobs/{job}/stop"
        told = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, b'{"drain": false}', told), timeout=10).close()

    @property
    def task_managers(self) -> list[int]:
        """The numbers of those that run."""
        return list(self._task_managers)

    def wait_for_slots(self, count: int) -> None:
        """Waits until the cluster has just so many task slots: it misses a dead task manager after some seconds."""
        wait_until(lambda: self.slots() == count, self._others[0], f"a cluster of {count} slots")

    def tidy(self) -> None:
        """Cancels what runs and has the first number of task managers again."""
        for job in self.jobs():
            self.cancel(job)
        wait_until(lambda: not self.jobs(), self._others[0], "an end of all jobs")
        if not self._job_servers[0].alive():
            self._start_job_server()
            self.wait_for_job_server()
        while len(self._task_managers) < self._count:
            self.start_task_manager()
        self.wait_for_slots(self._count)

    def stop(self) -> None:
        """Ends every process."""
        for manager in self._task_managers.values():
            manager.kill()
        self._task_managers.clear()
        for process in reversed([*self._others, *self._job_servers]):
            process.stop()
        self._others.clear()
        self._job_servers.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def logs(self) -> str:
        """The last lines of every process's log."""
        parts = []
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            parts.append(f"== {log}\n" + "\n".join(lines))
        return "\n".join(parts)

    def _java(self, name: str, heap_mb: int, main: str) -> Process:
        conf = self.folder / "conf"
        return Process(
            [
                *("java", f"-Xmx{heap_mb}m", *OPENED, f"-Dlog4j.configurationFile={conf / 'log4j.properties'}"),
                *("-cp", f"{fetch.FLINK}/*:{fetch.FLINK_JOB_SERVER}", main, "--configDir", conf),
            ],
            self.folder / f"{name}.log",
        )
