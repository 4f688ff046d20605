"""Standard streams that cannot end a run: closed ones lead nowhere, and what is told on standard error may be lost.

Standard output is UTF-8 whatever the locale says, for JSON and CSV are; only a terminal is written to in its own way.
"""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console


def prepare_streams() -> None:
    """Call it before any file is opened: a file at the number of a stream would be written to as if it were one."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:  # closed by whoever started the program
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    _reconfigure(sys.stdout)
    _reconfigure(sys.stderr)
    sys.stderr = Unheard(sys.stderr)


def _reconfigure(stream: Any) -> None:
    if stream.isatty():
        stream.reconfigure(errors="replace")
    else:
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # file names may be any bytes


class Unheard:
    """A stream whose reader may go away, or its disk be full, without anybody minding."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class Printer(Console):
    """A console on standard output. A reader who has seen enough is `BrokenPipeError`, as with `print`."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - it is called where the error is handled
