"""Processes of an engine: each in its own group with its own log, ended as a group, and gone when the starter is."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Linux ends such a process when its starter dies, even by SIGKILL. (Not by a preexec_fn: that forks, and gRPC, which
# tests have running, crashes forked children.)
DIE_WITH_STARTER = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
LAST_LINES = 60


class EngineError(Exception):
    """An engine didn't come up; the text holds the end of its log."""


class Process:
    """A running process that writes to `log`. `kill` is a crash; `stop` asks first."""

    def __init__(self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*DIE_WITH_STARTER, *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | dict(env or {}),
                start_new_session=True,
            )
        self.pid = self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self, signal_number: int = signal.SIGTERM, timeout_s: float = 10) -> None:
        """Asks the process to end, then ends what is left of its group."""
        if self.alive():
            self._process.send_signal(signal_number)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """Ends the whole group at once (SIGKILL)."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def last_lines(self) -> str:
        """The end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])


def wait_until(ready: Callable[[], bool], process: Process, what: str, timeout_s: float = 180) -> None:
    """Waits for `ready()`; raises EngineError when `process` ends or the time is over before."""
    ends_at = time.monotonic() + timeout_s
    while not ready():
        if not process.alive() or time.monotonic() > ends_at:
            raise EngineError(f"{what} did not come up; end of {process.log}:\n{process.last_lines()}")
        time.sleep(0.1)


def listening(port: int) -> bool:
    """Whether somebody accepts connections on this port of the loopback."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("localhost", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports nobody listened on a moment ago: for programs that can't be told to choose and say one themselves."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
